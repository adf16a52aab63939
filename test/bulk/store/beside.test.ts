/** What goes on beside a writer: counting a run, verification, a mirror. */
import { once } from 'node:events';
import fs, { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import test from 'ava';
import { mirrorStore, SegmentStore } from 'openssl-ocsp/bulk';
import { verifyStore } from '#dist/store/verify.js';
import { record } from '../records.js';
import { scratch } from '../scratch.js';

/** Of a segment that is put together with others only by a compaction. */
const LARGE = 70_000;

test('a run that is published is committed, though an older answer beside it is damaged', async (t) => {
  const folder = scratch(t);
  const store = await SegmentStore.open(folder);
  t.teardown(() => store.close());
  await store.putBatch([record(1n, { statusVersion: 5 })]);
  const [name] = readdirSync(folder).filter((file) => file.endsWith('.seg')) as [string];
  const bytes = readFileSync(join(folder, name));
  const at = bytes.indexOf('1/5/');
  bytes[at] = 0x32;
  writeFileSync(join(folder, name), bytes);
  const run = await store.beginRun({ id: 'night' });
  await run.append([record(1n, { statusVersion: 5, producedAt: 1_700_000_001 }), record(2n, { statusVersion: 5 })]);
  t.deepEqual(await run.commit(), { written: 1, kept: 1 });
  t.is(store.stats().lastRun, 'night');
  t.truthy(store.get(2n));
  t.throws(() => store.get(1n), { code: 'ERR_OCSP_STORE_DAMAGED' });
});

test('a sound store is verified while segments are put together', async (t) => {
  const folder = scratch(t);
  const store = await SegmentStore.open(folder);
  t.teardown(() => store.close());
  await store.putBatch(Array.from({ length: LARGE }, (_, i) => record(BigInt(i))));
  // Each time a segment is read from its beginning, some small ones are put together before its first byte comes.
  const { createReadStream } = fs;
  const gone = new Set<string>();
  let puts = 0;
  const putting = async function* (path: string, options: object | undefined): AsyncGenerator<Buffer> {
    const stream = createReadStream(path, options);
    await once(stream, 'open');
    const before = readdirSync(folder);
    for (let end = Math.min(puts + 9, 60); puts < end; ) {
      puts += 1;
      await store.putBatch([record(BigInt(LARGE + puts))]);
    }
    for (const file of before) if (!readdirSync(folder).includes(file)) gone.add(file);
    yield* stream as AsyncIterable<Buffer>;
  };
  fs.createReadStream = ((path: string, options?: object) =>
    path.startsWith(folder)
      ? Readable.from(putting(path, options))
      : createReadStream(path, options)) as typeof fs.createReadStream;
  syncBuiltinESMExports();
  t.teardown(() => {
    fs.createReadStream = createReadStream;
    syncBuiltinESMExports();
  });
  const report = await verifyStore(folder);
  t.deepEqual(report.problems, []);
  t.is(puts, 60);
  t.true([...gone].some((file) => file.endsWith('.seg')));
  t.is(report.responses, LARGE + puts);
  // What is named and not there is a loss all the same.
  await store.putBatch([record(999_999n)]);
  const names = readdirSync(folder).filter((file) => file.endsWith('.seg'));
  fs.rmSync(join(folder, names[0] as string));
  t.regex((await verifyStore(folder)).problems.join(), /is missing/);
});

test('a mirror copies each segment once, however often small ones are put together meanwhile', async (t) => {
  const folder = scratch(t);
  const target = scratch(t);
  const store = await SegmentStore.open(folder);
  t.teardown(() => store.close());
  await store.putBatch(Array.from({ length: LARGE }, (_, i) => record(BigInt(i))));
  const [large] = readdirSync(folder).filter((file) => file.endsWith('.seg'));
  for (let i = 0; i < 6; i += 1) await store.putBatch([record(BigInt(LARGE + i))]);
  const { copyFile } = fs.promises;
  const copies: string[] = [];
  fs.promises.copyFile = async (source, ...rest) => {
    await copyFile(source, ...rest);
    const name = basename(String(source));
    copies.push(name);
    if (name === large && copies.length < 4)
      for (let i = 0; i < 8; i += 1) await store.putBatch([record(BigInt(LARGE + 100 * copies.length + i))]);
  };
  syncBuiltinESMExports();
  t.teardown(() => {
    fs.promises.copyFile = copyFile;
    syncBuiltinESMExports();
  });
  await mirrorStore(folder, target);
  t.is(copies.filter((name) => name === large).length, 1, copies.join());
  const mirror = await SegmentStore.open(target);
  t.teardown(() => mirror.close());
  t.is([...mirror.records()].length, [...store.records()].length);
});
