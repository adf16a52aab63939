/** How a response is found: filters, blocks of the index that are kept, and what the addon leaves to JavaScript. */
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { native } from '#dist/binding.js';
import { SegmentStore } from '#dist/store/segment-store.js';
import { blockAt, filterLength, SerialMark } from '#dist/store/serial-filter.js';
import { record } from '../records.js';
import { scratch } from '../scratch.js';

const serials = fc.uniqueArray(fc.bigInt({ min: 0n, max: 2n ** 160n }), { minLength: 1, maxLength: 200 });

test('a filter knows what was added, whatever zeros are before it', (t) => {
  const octets = (serial: bigint, width: number) => Buffer.from(serial.toString(16).padStart(2 * width, '0'), 'hex');
  fc.assert(
    fc.property(serials, fc.nat(300), (all, others) => {
      const filter = Buffer.alloc(filterLength(all.length + others));
      const mark = new SerialMark();
      for (const serial of all) {
        mark.set(octets(serial, 21));
        mark.addTo(filter);
      }
      for (const serial of all) {
        mark.set(octets(serial, 30));
        t.true(mark.isIn(filter));
        t.false(mark.isIn(Buffer.alloc(64)));
      }
    }),
  );
});

test('the block of a filter is that of the addon, which has whole numbers of 64 bits, in the largest segments, too', (t) => {
  t.is(blockAt(3_802_170_233, 6_850_871), 388_148_032 / 64);
  const exactly = (part: number, blocks: number) => Number((BigInt(part) * BigInt(blocks)) >> 32n);
  const most = filterLength(2 ** 32) / 64;
  const part = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const blocks = fc.integer({ min: 1, max: most });
  fc.assert(fc.property(part, blocks, (p, b) => blockAt(p, b) === exactly(p, b)));
  // The first parts of a block and the last ones before it are where rounding shows.
  const beside = fc.tuple(blocks, fc.nat(most), fc.integer({ min: -2, max: 2 }));
  fc.assert(
    fc.property(beside, ([b, n, more]) => {
      const edge = Math.min(Math.max(Math.ceil(((n % b) * 2 ** 32) / b) + more, 0), 2 ** 32 - 1);
      return blockAt(edge, b) === exactly(edge, b);
    }),
  );
});

test('segments that are none are refused: without them all others would have another place', (t) => {
  const good = [new Uint8Array(8), new Uint8Array(48), new Uint8Array(64)] as const;
  const [out, blocks, found] = [new Uint8Array(64), new Uint8Array(64), new Uint8Array(64)];
  t.notThrows(() => native.segmentTable([good, good], out, blocks, found));
  for (const bad of [[], undefined, [new Uint8Array(7), good[1], good[2]], [good[0], new Uint8Array(47), good[2]]]) {
    t.throws(() => native.segmentTable([good, bad as never, good], out, blocks, found), {
      code: 'ERR_OCSP_INVALID_VALUE',
    });
  }
});

for (const [title, serialOf] of [
  ['one after the other', (i: number) => Buffer.from(i.toString(16).padStart(8, '0'), 'hex')],
  [
    'in no order',
    (i: number) => Buffer.from(((BigInt(i) * 0x9e3779b97f4a7c15n) % 2n ** 128n).toString(16).padStart(32, '0'), 'hex'),
  ],
] as const) {
  test(`a filter takes two bytes an entry at most, and lets few others pass: ${title}`, (t) => {
    const filter = Buffer.alloc(filterLength(20_000));
    t.true(filter.length <= 2 * 20_000);
    const mark = new SerialMark();
    for (let i = 1; i <= 20_000; i += 1) {
      mark.set(serialOf(i));
      mark.addTo(filter);
    }
    let passed = 0;
    for (let i = 20_001; i <= 120_000; i += 1) {
      mark.set(serialOf(i));
      if (mark.isIn(filter)) passed += 1;
    }
    t.true(passed < 1000, `${passed} of 100,000`);
  });
}

test('more kinds of answer than the addon reads in one go, and answers larger than its memory', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  const kinds = Array.from({ length: 40 }, (_, i) => `1.2.${i}`);
  const der = (i: number) => Buffer.alloc(i % 2 === 0 ? 10 : 40_000, i);
  await store.putBatch(kinds.map((signatureAlgorithm, i) => record(7n, { signatureAlgorithm, der: der(i) })));
  await store.putBatch([record(8n)]);
  for (const [i, signatureAlgorithm] of kinds.entries()) t.deepEqual(store.get(7n, { signatureAlgorithm }), der(i));
  t.truthy(store.get(8n));
  t.is(store.get(9n), undefined);
  store.close();
});

test('a response that is damaged is an error; one that was found before is what it was until the manifest is another', async (t) => {
  const folder = scratch(t);
  const store = await SegmentStore.open(folder, { refreshInterval: 0 });
  const all = Array.from({ length: 100 }, (_, i) =>
    record(BigInt(i + 1) << 100n, { der: Buffer.from(`response ${i}`) }),
  );
  await store.putBatch(all);
  const get = (i: number) => store.get(all[i]?.serial as bigint);
  const damaged = { code: 'ERR_OCSP_STORE_DAMAGED' };
  for (const i of all.keys()) if (i !== 51) t.deepEqual(get(i), Buffer.from(`response ${i}`));
  const path = join(folder, readdirSync(folder).find((name) => name.endsWith('.seg')) as string);
  const bytes = readFileSync(path);
  const file = openSync(path, 'r+');
  for (const i of [50, 51]) writeSync(file, 'R', bytes.indexOf(`response ${i}`));
  closeSync(file);
  t.throws(() => get(51), damaged);
  t.deepEqual(get(50), Buffer.from('response 50'));
  t.deepEqual(get(52), Buffer.from('response 52'));
  await store.putBatch([record(1n)]);
  t.throws(() => get(50), damaged);
  t.deepEqual(get(52), Buffer.from('response 52'));
  store.close();
});

test('of a response that was found, a newer one takes the place at once, in every reader', async (t) => {
  const folder = scratch(t);
  const [store, other] = [await SegmentStore.open(folder), await SegmentStore.open(folder, { refreshInterval: 0 })];
  for (let statusVersion = 1; statusVersion < 6; statusVersion += 1) {
    const der = Buffer.from(`version ${statusVersion}`);
    await store.putBatch([record(7n, { statusVersion, der })]);
    for (const reader of [store, other, store, other]) t.deepEqual(reader.get(7n), der);
  }
  store.close();
  other.close();
});

test('what was found stays as it is when others are found', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  await store.putBatch([record(1n, { der: Buffer.from('one') }), record(2n, { der: Buffer.from('two') })]);
  const one = store.get(1n);
  const two = store.getRecord(2n);
  store.get(2n);
  store.get(1n);
  t.deepEqual(one, Buffer.from('one'));
  t.is(one?.buffer.byteLength, 3);
  t.like(two, { serial: '02', der: Buffer.from('two') });
  store.close();
});

test('a second store over a folder that was made again finds nothing of the first', async (t) => {
  for (const name of ['first', 'second']) {
    const store = await SegmentStore.open(scratch(t));
    await store.putBatch([record(5n, { der: Buffer.from(name) })]);
    t.deepEqual(store.get(5n), Buffer.from(name));
    store.close();
  }
});
