/**
 * A bulk run that gets killed. Arguments: folder, name of the run, number of records, records between checkpoints.
 * Ends when the process that started it does. Says on standard output what has been acknowledged: `resume N`, `done N` after
 * each checkpoint, `put N`, `committed`.
 */
import { writeSync } from 'node:fs';
import type { ResponseRecord } from '#dist/store/response-store.js';
import { SegmentStore } from '#dist/store/segment-store.js';

/** Record number `i` of a run; serial numbers in no order. */
export function crashRecord(run: string, i: number): ResponseRecord {
  const serial = (BigInt(i + 1) * 0x9e3779b97f4a7c15f39cc0605cedc835n) % 2n ** 128n;
  const producedAt = Number(run);
  return {
    serial,
    statusVersion: 1,
    producedAt,
    certStatus: 0,
    nextUpdate: null,
    der: Buffer.from(`run ${run}, record ${i}, ${'x'.repeat(i % 97)}`),
  };
}

/** A record that is put while the run goes on. */
export function crashPut(i: number): ResponseRecord {
  return { ...crashRecord('1', i), statusVersion: 2, certStatus: 1, der: Buffer.from(`revoked ${i}`) };
}

const [folder, run, countText, stepText] = process.argv.slice(2);
if (folder !== undefined && run !== undefined) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.exit(1);
  }, 500).unref();
  const count = Number(countText);
  const step = Number(stepText);
  const say = (line: string): void => void writeSync(1, `${line}\n`);
  const store = await SegmentStore.open(folder, { segmentRecords: 700 });
  const writer = await store.beginRun({ id: run });
  const start = writer.resumeToken === null ? 0 : Number(writer.resumeToken);
  say(`resume ${start}`);
  for (let i = start; i < count; i += step) {
    const end = Math.min(count, i + step);
    await writer.append(Array.from({ length: end - i }, (_, k) => crashRecord(run, i + k)));
    await writer.checkpoint(String(end));
    say(`done ${end}`);
    if (Math.floor(i / step) % 10 === 3) {
      await store.putBatch([crashPut(i)]);
      say(`put ${i}`);
    }
  }
  await writer.commit();
  say('committed');
}
