/** Readers in other processes, while one writes, publishes and compacts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import type { ResponseRecord } from '#dist/store/response-store.js';
import { SegmentStore } from '#dist/store/segment-store.js';
import { openFiles } from '../open-files.js';
import { record } from '../records.js';
import { scratch } from '../scratch.js';

const ROUNDS = 12;
const COUNT = 300;

test('readers always see one state of the store, whole, and never an older one after a newer one', async (t) => {
  const folder = join(scratch(t), 'store');
  mkdirSync(folder);
  // Each round replaces all responses, at once; its number is their version and content.
  const writer = `
    import { SegmentStore } from ${JSON.stringify(import.meta.resolve('#dist/store/segment-store.js'))};
    const store = await SegmentStore.open(${JSON.stringify(folder)}, { segmentRecords: 100 });
    for (let round = 1; round <= ${ROUNDS}; round += 1) {
      const run = await store.beginRun({ id: String(round) });
      for (let i = 0; i < ${COUNT}; i += 1) {
        await run.append([{ serial: BigInt(i), statusVersion: round, producedAt: round, certStatus: 0, nextUpdate: null,
          der: Buffer.from(String(round)) }]);
      }
      await run.commit();
      if (round % 2 === 0) await store.compact();
    }`;
  const reader = `
    import { SegmentStore } from ${JSON.stringify(import.meta.resolve('#dist/store/segment-store.js'))};
    const store = await SegmentStore.open(${JSON.stringify(folder)}, { refreshInterval: 0 });
    let seen = 0;
    const changes = new Set();
    while (seen < ${ROUNDS}) {
      const all = [...store.records()].map(({ der }) => Number(der));
      if (all.length !== 0 && all.length !== ${COUNT}) throw new Error(all.length + ' responses');
      const states = new Set(all);
      if (states.size > 1) throw new Error('two states at once: ' + [...states]);
      const round = all[0] ?? 0;
      if (round < seen) throw new Error(round + ' after ' + seen);
      seen = round;
      changes.add(round);
      for (let i = 0; i < 20; i += 1) {
        const single = Number(store.get(BigInt((i * 37) % ${COUNT})) ?? 0);
        if (single < seen) throw new Error('got ' + single + ' after ' + seen);
        seen = single;
      }
    }
    console.log(changes.size);`;
  const start = (program: string) =>
    spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'pipe'] });
  const children = [start(reader), start(reader), start(writer)];
  const errors = children.map(() => '');
  for (const [i, child] of children.entries()) child.stderr.on('data', (chunk) => (errors[i] += String(chunk)));
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'close'))[0] as number));
  t.deepEqual(errors, ['', '', '']);
  t.deepEqual(codes, [0, 0, 0]);
});

test('a backup that takes the place of a store, and goes on to the same number, is read', async (t) => {
  const [folder, backup] = [scratch(t), scratch(t)];
  const put = async (...batch: ResponseRecord[]): Promise<void> => {
    const store = await SegmentStore.open(folder);
    await store.putBatch(batch);
    store.close();
  };
  await put(record(1n));
  cpSync(folder, backup, { recursive: true });
  await put(record(2n));
  const reader = await SegmentStore.open(folder, { refreshInterval: 0 });
  t.like(reader.getRecord(1n), { certStatus: 0 });
  // A reader that is not used closes its files.
  while (openFiles(folder).length > 0) await setTimeout(10);
  renameSync(folder, `${folder}-away`);
  t.teardown(() => rmSync(`${folder}-away`, { recursive: true }));
  cpSync(backup, folder, { recursive: true });
  await put(record(1n, { certStatus: 1, statusVersion: 2 }));
  t.like(reader.getRecord(1n), { certStatus: 1 });
  t.is(reader.get(2n), undefined);
  reader.close();
});

test('a damaged note about a run stops all writing, but no reading, and is named', async (t) => {
  const folder = scratch(t);
  const store = await SegmentStore.open(folder);
  await store.putBatch([record(1n)]);
  await (await store.beginRun({ id: 'r' })).close();
  t.true(readdirSync(folder).includes('RUN'));
  writeFileSync(join(folder, 'RUN'), '{}');
  const damaged = { code: 'ERR_OCSP_STORE_DAMAGED', message: /RUN/ };
  await t.throwsAsync(store.beginRun({ id: 'r' }), damaged);
  await t.throwsAsync(store.putBatch([record(2n)]), damaged);
  await t.throwsAsync(store.compact(), damaged);
  t.deepEqual(store.get(1n), record(1n).der as Buffer);
  writeFileSync(join(folder, 'COMPACTION'), '{}');
  const { problems } = await store.verify();
  t.deepEqual(
    problems.map((problem) => /(\w+) does not have its checksum$/.exec(problem)?.[1]),
    ['RUN', 'COMPACTION'],
  );
  store.close();
});
