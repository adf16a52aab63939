import test from 'ava';
import { indexTxtSource } from '#dist/bulk/sources/index-txt.js';

const ROWS = 2_000_000;

test('two million rows pass through without memory growing with them', async (t) => {
  t.timeout(120_000);
  const row = (i: number): string =>
    `V\t301231235959Z\t\t${i.toString(16).padStart(36, 'A')}\tunknown\t/CN=device ${i}\n`;
  function* chunks(): Generator<Buffer> {
    for (let i = 0; i < ROWS; i += 2000) yield Buffer.from(Array.from({ length: 2000 }, (_, k) => row(i + k)).join(''));
  }
  let count = 0;
  let early = 0;
  let peak = 0;
  for await (const batch of indexTxtSource(chunks()).batches()) {
    count += batch.length;
    const { heapUsed, external } = process.memoryUsage();
    // All rows together are 170 MB, all entries more; what is alive is a batch, and what the collector has not yet met.
    if (count < ROWS / 10) early = Math.max(early, heapUsed + external);
    else peak = Math.max(peak, heapUsed + external);
  }
  t.is(count, ROWS);
  t.true(peak < early + 64 * 2 ** 20, `${peak} octets after ${early}`);
});
