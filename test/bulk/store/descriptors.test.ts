/** What a store keeps open: little, not for long, and nothing once it is closed. */
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { SegmentStore } from '#dist/store/segment-store.js';
import { testIf } from '../../helpers/conditional.js';
import { openFiles } from '../open-files.js';
import { record } from '../records.js';
import { scratch } from '../scratch.js';

const onLinux = testIf(process.platform === 'linux');

test('every call of a closed store fails, and says why', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  await store.putBatch([record(1n)]);
  const stats = store.stats();
  store.close();
  store.close();
  const closed = { code: 'ERR_OCSP_STORE_CLOSED' };
  t.throws(() => store.get(1n), closed);
  t.throws(() => store.getRecord(1n), closed);
  t.throws(() => store.records(), closed);
  await t.throwsAsync(store.putBatch([record(2n)]), closed);
  await t.throwsAsync(store.beginRun({ id: 'r' }), closed);
  await t.throwsAsync(store.compact(), closed);
  await t.throwsAsync(store.sweep(new Date()), closed);
  await t.throwsAsync(store.verify(), closed);
  t.deepEqual(store.stats(), stats, 'what it was');
});

onLinux('close lets calls that are under way end, and an open run; then nothing is open or locked', async (t) => {
  const folder = scratch(t);
  const store = await SegmentStore.open(folder);
  const run = await store.beginRun({ id: 'r' });
  await run.append([record(1n)]);
  const checkpoint = run.checkpoint('1');
  const put = store.putBatch([record(2n)]);
  const compaction = store.compact();
  store.close();
  await Promise.all([checkpoint, put, compaction]);
  await t.throwsAsync(run.commit(), { code: 'ERR_OCSP_INVALID_VALUE' });
  t.deepEqual(openFiles(folder), []);
  const again = await SegmentStore.open(folder);
  t.not(again.get(2n), undefined);
  const resumed = await again.beginRun({ id: 'r' });
  t.is(resumed.resumeToken, '1');
  await resumed.discard();
  again.close();
  t.deepEqual(openFiles(folder), []);
});

onLinux('an idle reader lets go of segments that a writer has replaced', async (t) => {
  const folder = scratch(t);
  const writer = await SegmentStore.open(folder);
  await writer.putBatch([record(1n)]);
  const reader = await SegmentStore.open(folder);
  t.not(reader.get(1n), undefined);
  await writer.putBatch([record(2n)]);
  await writer.compact();
  writer.close();
  while (openFiles(folder).length > 0) await sleep(50);
  t.not(reader.get(2n), undefined);
  reader.close();
});

onLinux('a store of many more segments than there are descriptors works', (t) => {
  const folder = scratch(t);
  const program = `
    import assert from 'node:assert/strict';
    import { SegmentStore } from ${JSON.stringify(import.meta.resolve('#dist/store/segment-store.js'))};
    const store = await SegmentStore.open(${JSON.stringify(folder)}, { segmentRecords: 1 });
    const run = await store.beginRun({ id: 'r' });
    const record = (i) => ({ serial: BigInt(i), statusVersion: 1, producedAt: 1, certStatus: 0, nextUpdate: null, der: Buffer.from('r' + i) });
    for (let i = 0; i < 300; i += 1) await run.append([record(i)]);
    await run.commit();
    const check = (other, segments) => {
      for (let i = 0; i < 300; i += 50) assert.equal(other.get(BigInt(i)).toString(), 'r' + i);
      assert.equal([...other.records()].length, 300);
      assert.equal(other.stats().segments, segments);
    };
    check(store, 300);
    const wide = await SegmentStore.open(${JSON.stringify(folder)});
    check(wide, 300);
    assert.deepEqual((await wide.verify()).problems, []);
    await wide.compact();
    check(wide, 1);
    store.close();
    wide.close();`;
  const script = 'ulimit -n 128; exec "$0" --input-type=module -e "$1"';
  const { status, stderr } = spawnSync('sh', ['-c', script, process.execPath, program], { encoding: 'utf8' });
  t.is(status, 0, stderr);
});

onLinux('what is put together while a run of more segments than are open is counted is no error', (t) => {
  const program = `
    import assert from 'node:assert/strict';
    import { existsSync } from 'node:fs';
    import { setImmediate as nextTurn } from 'node:timers/promises';
    import { SegmentStore } from ${JSON.stringify(import.meta.resolve('#dist/store/segment-store.js'))};
    const [folder] = ${JSON.stringify([scratch(t)])};
    const record = (i, statusVersion) => ({ serial: BigInt(i), statusVersion, producedAt: 1, certStatus: 0, nextUpdate: null, der: Buffer.from('r' + i) });
    const store = await SegmentStore.open(folder, { segmentRecords: 300 });
    const other = await SegmentStore.open(folder, { segmentRecords: 300 });
    const run = await store.beginRun({ id: 'r' });
    await run.append(Array.from({ length: 60000 }, (_, i) => record(i + 1, 1)));
    await run.checkpoint('1');
    for (let i = 0; i < 7; i += 1) await other.putBatch([record(59900 + i, 2)]);
    const commit = run.commit();
    commit.catch(() => undefined);
    while (existsSync(folder + '/RUN')) await nextTurn();
    await other.putBatch([record(59907, 2)]);
    assert.equal(other.stats().segments, 201);
    assert.deepEqual(await commit, { written: 59993, kept: 7 });
    store.close();
    other.close();`;
  const script = 'ulimit -n 128; exec "$0" --input-type=module -e "$1"';
  const { status, stderr } = spawnSync('sh', ['-c', script, process.execPath, program], { encoding: 'utf8' });
  t.is(status, 0, stderr);
});

test('small batches are put together, also where each segment may hold little', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  for (let i = 0n; i < 20n; i += 1n) await store.putBatch([record(i)]);
  t.true(store.stats().segments <= 8);
  const narrow = await SegmentStore.open(scratch(t), { segmentRecords: 1 });
  for (let i = 0n; i < 12n; i += 1n) await narrow.putBatch([record(i)]);
  t.is(narrow.stats().segments, 12);
  for (const one of [store, narrow]) {
    for (let i = 0n; i < 12n; i += 1n) t.deepEqual(one.get(i), record(i).der as Buffer);
    one.close();
  }
});
