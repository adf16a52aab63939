import { spawnSync } from 'node:child_process';
import {
  createWriteStream,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
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
  // Files of others have no place in a store.
  await t.throwsAsync(exportToFolder(store.records(), join(folder, 'store')), {
    code: 'ERR_OCSP_INVALID_VALUE',
    message: /store is a store/,
  });
  t.deepEqual(
    readdirSync(join(folder, 'store')).filter((name) => name.endsWith('.der')),
    [],
  );
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

/** Exports, and is killed when it would put the first file in its place. */
const KILLED = `
  import fs from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  import { exportToFolder } from 'openssl-ocsp/bulk';
  fs.promises.rename = () => process.kill(process.pid, 'SIGKILL');
  syncBuiltinESMExports();
  const records = Array.from({ length: 100 }, (_, i) => ({ serial: String(1000 + i), der: Buffer.from('x') }));
  await exportToFolder(records, process.argv[1]);
`;

test('what an export has left that was killed goes when it is old, and nothing else', async (t) => {
  const folder = scratch(t);
  const store = await SegmentStore.open(join(folder, 'store'));
  t.teardown(() => store.close());
  await store.putBatch(ITEMS);
  const target = join(folder, 'target');
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', KILLED, target], {
    encoding: 'utf8',
    cwd: new URL('../../../..', import.meta.url),
  });
  t.is(stderr, '');
  const left = readdirSync(target);
  t.true(left.length > 0 && left.every((name) => name.endsWith('.tmp')), left.join());
  const others = [
    '.0123456789ABCDEF-1.tmp',
    '.0123456789abcde-1.tmp',
    '.0123456789abcdef-1.tmp.der',
    '.0123456789abcdef-.tmp',
    '0123456789abcdef-1.tmp',
    'x.0123456789abcdef-1.tmp',
    '.mine.tmp',
    'AB/.0123456789abcdef-1.tmp',
    '.fedcba9876543210-1.tmp/file',
  ].map((name) => join(target, name));
  for (const path of others) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, 'mine');
  }
  symlinkSync('AB', join(target, '.fedcba9876543210-2.tmp'));
  const files = SERIALS.map((serial) => `${serial}.der`);
  const all = () => readdirSync(target, { recursive: true }).map(String).sort();
  const before = all();
  const minutesAgo = (minutes: number): Date => new Date(Date.now() - minutes * 60_000);
  for (const [minutes, expected] of [
    [0, before],
    [59, before],
    [61, before.filter((name) => !left.includes(name))],
  ] as const) {
    const time = minutesAgo(minutes);
    for (const name of left) utimesSync(join(target, name), time, time);
    for (const path of others) utimesSync(path, minutesAgo(6000), minutesAgo(6000));
    utimesSync(join(target, '.fedcba9876543210-1.tmp'), minutesAgo(6000), minutesAgo(6000));
    lutimesSync(join(target, '.fedcba9876543210-2.tmp'), minutesAgo(6000), minutesAgo(6000));
    t.is(await exportToFolder(store.records(), target), 5);
    t.deepEqual(all(), [...expected, ...files].sort());
  }
});
