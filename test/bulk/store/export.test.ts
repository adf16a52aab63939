import { spawnSync } from 'node:child_process';
import { createWriteStream, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import { exportTar, exportToFolder } from '#dist/store/export.js';
import { SegmentStore } from '#dist/store/segment-store.js';
import { record } from '../records.js';
import { scratch } from '../scratch.js';

const SERIALS = ['00', '05', 'ABCD', '7F'.repeat(20), '11'.repeat(60)];
const ITEMS = SERIALS.map((serial, i) => record(serial, { der: Buffer.alloc(i * 300 + 1, i) }));

test('a file for each response', async (t) => {
  const folder = scratch(t);
  const store = await SegmentStore.open(join(folder, 'store'));
  await store.putBatch(ITEMS);
  t.is(await exportToFolder(store.records(), join(folder, 'flat')), 5);
  t.deepEqual(readdirSync(join(folder, 'flat')).sort(), SERIALS.map((serial) => `${serial}.der`).sort());
  t.is(await exportToFolder(store.records(), join(folder, 'deep'), { levels: 2 }), 5);
  t.deepEqual(readFileSync(join(folder, 'deep', 'AB', 'CD', 'ABCD.der')), ITEMS[2]?.der as Buffer);
  t.deepEqual(readFileSync(join(folder, 'deep', '00', '05', '05.der')), ITEMS[1]?.der as Buffer);
  await t.throwsAsync(exportToFolder(store.records(), folder, { levels: 3 as never }), {
    code: 'ERR_OCSP_INVALID_VALUE',
  });
  await t.throwsAsync(exportToFolder(store.records(), join(folder, 'flat', '00.der')));
  // A store, or the name of its folder, is no list of its responses.
  for (const wrong of [store, join(folder, 'store')] as never[]) {
    await t.throwsAsync(exportToFolder(wrong, join(folder, 'none')), { code: 'ERR_INVALID_ARG_TYPE' });
    t.throws(() => [...exportTar(wrong)], { code: 'ERR_INVALID_ARG_TYPE', message: /store\.records\(\)/ });
  }
  store.close();
});

test('a tar archive, the same for the same content, that tar can read', async (t) => {
  const folder = scratch(t);
  const store = await SegmentStore.open(join(folder, 'store'));
  await store.putBatch(ITEMS);
  const archive = join(folder, 'out.tar');
  await pipeline(Readable.from(exportTar(store.records(), { levels: 1 })), createWriteStream(archive));
  t.deepEqual(Buffer.concat([...exportTar(store.records(), { levels: 1 })]), readFileSync(archive));
  mkdirSync(join(folder, 'out'));
  const { status, stderr } = spawnSync('tar', ['-xf', archive, '-C', join(folder, 'out')], { encoding: 'utf8' });
  if (status === null) {
    t.log('no tar on this machine');
    t.pass();
    return;
  }
  t.is(stderr, '');
  for (const [i, serial] of SERIALS.entries()) {
    t.deepEqual(readFileSync(join(folder, 'out', serial.slice(-2), `${serial}.der`)), ITEMS[i]?.der as Buffer);
  }
  store.close();
});
