import test from 'ava';
import { Progress } from '#dist/cli/progress.js';

function screen(
  isTTY: boolean,
  columns?: number,
): { stream: NodeJS.WriteStream; written: string[]; clock: { now: number } } {
  const written: string[] = [];
  const stream = { isTTY, columns, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
  return { stream, written, clock: { now: 1000 } };
}

test('a terminal gets a bar with rate, share of the limit, and time to go', (t) => {
  const { stream, written, clock } = screen(true, 120);
  const progress = new Progress({ total: 100_000, rawSigningRate: 5000 }, stream, () => clock.now);
  progress.update(20_000, 20_000);
  for (let i = 1; i <= 20; i += 1) {
    clock.now += 1000;
    progress.update(20_000 + i * 2000, 20_000);
    progress.update(20_000 + i * 2000, 20_000);
  }
  progress.end();
  t.is(written.length, 22, 'not more often than can be read');
  t.is(written[0], '\r\x1b[K[#####...................] 20,000 signed');
  t.is(written[20], '\r\x1b[K[##############..........] 60,000 signed, 2,000/s, 40 % of bare signing, 20 s to go');
  t.is(written[21], '\r\x1b[K');
});

test('elsewhere a plain line now and then; the rate follows a change', (t) => {
  const { stream, written, clock } = screen(false);
  const progress = new Progress({ total: 1_000_000 }, stream, () => clock.now);
  let done = 0;
  for (let i = 0; i < 40; i += 1) {
    progress.update(done);
    clock.now += 1000;
    done += i < 20 ? 1000 : 100;
  }
  progress.end();
  t.deepEqual(written, [
    '10,000 signed, 1,000/s, 16 min 30 s to go\n',
    '20,000 signed, 1,000/s, 16 min 20 s to go\n',
    '21,000 signed, 100/s, 2.7 h to go\n',
  ]);
});

test('what is not known is left out', (t) => {
  const { stream, written, clock } = screen(true);
  const progress = new Progress({}, stream, () => clock.now);
  progress.update(0);
  clock.now += 500;
  progress.update(10);
  t.deepEqual(written, ['\r\x1b[K0 signed', '\r\x1b[K10 signed, 20/s']);
});

test('a line at any width; what is left out is left out whole', (t) => {
  const lines = new Set<string>();
  for (let columns = 1; columns <= 130; columns += 1) {
    const { stream, written, clock } = screen(true, columns);
    const progress = new Progress({ total: 1_000_000, rawSigningRate: 5000 }, stream, () => clock.now);
    for (let i = 0; i < 3; i += 1) {
      progress.update(i * 12_345);
      clock.now += 1000;
    }
    for (const text of written) {
      t.true(text.startsWith('\r\x1b[K'));
      const line = text.slice(4);
      t.true(line.length < columns, `${columns}: ${line}`);
      if (columns > 20) lines.add(line.replace(/^\[.*\] /, 'BAR '));
    }
  }
  const last = '24,690 signed, 12,345/s, 100 % of bare signing, 1 min 19 s to go';
  t.true(lines.has(`BAR ${last}`));
  for (const shorter of [
    last,
    '24,690 signed, 12,345/s, 100 % of bare signing',
    '24,690 signed, 12,345/s',
    '24,690 signed',
  ])
    t.true(lines.has(shorter), shorter);
});

test('a terminal that does not tell its width, and one that changes it', (t) => {
  const { stream, written, clock } = screen(true, 0);
  const progress = new Progress({ total: 1000 }, stream, () => clock.now);
  for (const columns of [0, 20, 100]) {
    Object.assign(stream, { columns });
    progress.update(500);
    clock.now += 1000;
  }
  t.deepEqual(
    written.map((text) => text.length > 24),
    [true, false, true],
  );
});

test('more than was expected, and faster than was measured', (t) => {
  const { stream, written, clock } = screen(true, 120);
  const progress = new Progress({ total: 1000, rawSigningRate: 10 }, stream, () => clock.now);
  progress.update(0);
  clock.now += 1000;
  progress.update(1890);
  t.is(written[1], '\r\x1b[K[########################] 1,890 signed, 1,890/s, 100 % of bare signing, 0 s to go');
});
