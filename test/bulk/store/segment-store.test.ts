import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { checkResponseStore } from 'openssl-ocsp/testing';
import { compareKnowledge, compareVersions, type ResponseRecord } from '#dist/store/response-store.js';
import { SegmentStore } from '#dist/store/segment-store.js';
import { serialHex, serialKey } from '#dist/store/serial-key.js';
import { verifyStore } from '#dist/store/verify.js';
import { record } from '../records.js';
import { scratch } from '../scratch.js';

const folders: string[] = [];
test.after.always(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

for (const segmentRecords of [2, 2 ** 20]) {
  test(`with segments of up to ${segmentRecords} records it does what every store has to do`, async (t) => {
    await t.notThrowsAsync(
      checkResponseStore(() => {
        const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-bulk-'));
        folders.push(folder);
        return SegmentStore.open(folder, { segmentRecords });
      }),
    );
  });
}

const serials = fc.oneof(
  fc.bigInt({ min: 0n, max: 40n }),
  fc.bigInt({ min: 0n, max: 2n ** 160n }),
  fc.bigInt({ min: 2n ** 159n, max: 2n ** 159n + 20n }),
  fc.bigInt({ min: 0n, max: 2n ** 2040n - 1n }),
);
const records: fc.Arbitrary<ResponseRecord> = fc
  .record({
    serial: serials,
    hashAlgorithm: fc.constantFrom('sha1', 'sha256', 'sha512'),
    signatureAlgorithm: fc.option(fc.constantFrom('1.2.840.10045.4.3.2', '1.3.101.112')),
    statusVersion: fc.nat(3),
    producedAt: fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 2 ** 48 - 2 })),
    certStatus: fc.constantFrom(0, 1, 2),
    nextUpdate: fc.option(fc.nat(2 ** 40)),
    der: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  })
  .map((fields) => fields as ResponseRecord);

const serialOf = ({ serial }: ResponseRecord): string => serialHex(serialKey(serial));
const kindOf = ({ hashAlgorithm = 'sha1', signatureAlgorithm = null }: ResponseRecord): string =>
  `${hashAlgorithm} ${signatureAlgorithm}`;

/** What a store with these records has to hold, by serial number: of each kind the best, if it states the status known best. */
function model(all: readonly ResponseRecord[]): Map<string, ResponseRecord[]> {
  return new Map(
    [...grouped(all, serialOf)].map(([serial, those]) => {
      // Which of them was signed last does not matter for what is known.
      const known = those.reduce((a, b) => (compareKnowledge(b, a) > 0 ? b : a));
      const best = [...grouped(those, kindOf).values()].map((kind) =>
        kind.reduce((a, b) => (compareVersions(b, a) > 0 ? b : a)),
      );
      return [serial, best.filter(({ certStatus }) => certStatus === known.certStatus)];
    }),
  );
}

/** Whether it may have come when another status was known better: then a batch leaves it out, whatever comes later. */
function mayBeLeftOut(item: ResponseRecord, given: readonly ResponseRecord[] = []): boolean {
  return given.some((one) => one.certStatus !== item.certStatus && compareKnowledge(one, item) >= 0);
}

function grouped(all: readonly ResponseRecord[], key: (item: ResponseRecord) => string): Map<string, ResponseRecord[]> {
  const groups = new Map<string, ResponseRecord[]>();
  for (const item of all) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}

/** With node:assert, which says the same of tens of thousands of records in a tenth of the time. */
function check(store: SegmentStore, all: readonly ResponseRecord[]): void {
  const expected = model(all);
  const given = grouped(all, serialOf);
  const found = grouped([...store.records()], serialOf);
  assert.strictEqual(found.size, expected.size);
  let previous = -1n;
  for (const [serial, those] of found) {
    const others = new Map(expected.get(serial)?.map((item) => [kindOf(item), item]));
    for (const [kind, item] of others)
      assert(mayBeLeftOut(item, given.get(serial)) || those.some((one) => kindOf(one) === kind), `${serial} ${kind}`);
    for (const item of those) {
      const other = others.get(kindOf(item));
      assert(other, `${serial} ${kindOf(item)}`);
      const { serial: _, ...rest } = other;
      const { hashAlgorithm = 'sha1', signatureAlgorithm = null, der } = rest;
      const kind = { hashAlgorithm, signatureAlgorithm };
      assert.deepStrictEqual(item, { serial, issuerNameHash: null, ...rest, ...kind, der: Buffer.from(der) });
      const { signatureAlgorithm: name, ...choice } = kind;
      assert.deepStrictEqual(
        store.get(serial, { ...choice, ...(name !== null && { signatureAlgorithm: name }) }) !== undefined,
        true,
      );
      if (name !== null) assert.deepStrictEqual(store.get(serial, { ...choice, signatureAlgorithm: name }), item.der);
    }
    const hashes = those.map(({ hashAlgorithm }) => String(hashAlgorithm));
    assert.deepStrictEqual(hashes, [...hashes].sort(), 'SHA-1 first');
    assert.deepStrictEqual(store.get(serial), those[0]?.der as Buffer);
    for (const hashAlgorithm of ['sha1', 'sha256', 'sha512'] as const) {
      const first = those.find((item) => item.hashAlgorithm === hashAlgorithm);
      assert.deepStrictEqual(store.get(serial, { hashAlgorithm }), first?.der as Buffer | undefined);
    }
    assert.strictEqual(store.get(serial, { hashAlgorithm: 'sha384' }), undefined);
    assert(BigInt(`0x${serial}`) > previous);
    previous = BigInt(`0x${serial}`);
  }
}

test('whatever is written in whatever way, the best of each certificate is served', async (t) => {
  const action = fc.oneof(
    fc.record({ kind: fc.constantFrom('put', 'run'), items: fc.array(records, { maxLength: 12 }) }),
    fc.record({ kind: fc.constant('compact'), items: fc.constant<ResponseRecord[]>([]) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { maxLength: 6 }),
      fc.integer({ min: 1, max: 20 }),
      async (actions, segmentRecords) => {
        const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-bulk-'));
        const store = await SegmentStore.open(folder, { segmentRecords });
        // Another reader, which was there before.
        const other = await SegmentStore.open(folder, { refreshInterval: 0 });
        const all: ResponseRecord[] = [];
        for (const { kind, items } of actions) {
          if (kind === 'compact') await store.compact();
          else if (kind === 'put') await store.putBatch(items);
          else {
            const run = await store.beginRun({ id: 'r' });
            await run.append(items);
            await run.commit();
          }
          all.push(...items);
          check(store, all);
          check(other, all);
          const there = model(all);
          for (let i = 0n; i < 61n; i += 1n) {
            if (!there.has(serialHex(serialKey(i)))) t.is(other.get(i), undefined);
          }
        }
        other.close();
        const again = await SegmentStore.open(folder);
        check(again, all);
        t.deepEqual((await again.verify()).problems, []);
        again.close();
        store.close();
        rmSync(folder, { recursive: true });
      },
    ),
    { numRuns: 40 },
  );
});

test('of answers that are alike but for the algorithm records() gives that first which get() gives, too', async (t) => {
  const alike = fc.record({
    serial: fc.nat(2).map(BigInt),
    hashAlgorithm: fc.constantFrom('sha1', 'sha512'),
    signatureAlgorithm: fc.constantFrom(null, '1.2.840.10045.4.3.2', '1.3.101.112'),
    der: fc.uint8Array({ minLength: 1, maxLength: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(alike, { minLength: 1, maxLength: 4 }), { maxLength: 5 }), async (batches) => {
      const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-bulk-'));
      const store = await SegmentStore.open(folder, { segmentRecords: 1 });
      const all: ResponseRecord[] = [];
      for (const batch of batches) {
        const items = batch.map(({ serial, ...fields }) => record(serial, fields as Partial<ResponseRecord>));
        await store.putBatch(items);
        all.push(...items);
        t.notThrows(() => check(store, all));
      }
      store.close();
      rmSync(folder, { recursive: true });
    }),
    { numRuns: 20 },
  );
});

test('a large run: many blocks, runs of the index, and serial numbers of all lengths', async (t) => {
  const store = await SegmentStore.open(scratch(t), { segmentRecords: 7000 });
  const run = await store.beginRun({ id: 'large' });
  const all: ResponseRecord[] = [];
  for (let i = 0; i < 20_000; i += 1) {
    const serial = (BigInt(i) * 0x9e3779b97f4a7c15n) % 2n ** BigInt(16 + (i % 140));
    all.push(record(serial, { producedAt: i % 7, certStatus: i % 11 === 0 ? 1 : 0 }));
  }
  await run.append(all);
  await run.commit();
  check(store, all);
  t.is(store.stats().segments, 3);
  await store.compact();
  check(store, all);
  t.like(await store.verify(), { responses: [...model(all).values()].flat().length, problems: [] });
  const { good, revoked, entries } = store.stats();
  t.is(good + revoked, entries);
  t.is(entries, model(all).size);
  store.close();
});

test('a response larger than the buffer', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  const der = Buffer.alloc(3_000_000, 7);
  await store.putBatch([record(1n), record(2n, { der }), record(3n)]);
  t.deepEqual(store.get(2n), der);
  t.deepEqual((await store.verify()).problems, []);
  const run = await store.beginRun({ id: 'r' });
  await run.append([record(4n, { der }), record(5n)]);
  await run.checkpoint('x');
  await run.close();
  const again = await store.beginRun({ id: 'r' });
  t.is(again.records, 2);
  await again.commit();
  t.deepEqual(store.get(4n), der);
  store.close();
});

test('other processes see what was committed, and what was compacted', async (t) => {
  const folder = scratch(t);
  const writer = await SegmentStore.open(folder);
  const reader = await SegmentStore.open(folder, { refreshInterval: 0 });
  await writer.putBatch([record(1n)]);
  t.deepEqual(reader.get(1n), record(1n).der as Buffer);
  const iteration = reader.records();
  t.is(iteration.next().value?.serial, '01');
  await writer.putBatch([record(2n)]);
  await writer.compact();
  t.true(iteration.next().done, 'an iteration stays with what was there when it began');
  t.deepEqual(reader.get(2n), record(2n).der as Buffer);
  t.is(reader.stats().segments, 1);
  writer.close();
  reader.close();
});

test('limits that are none are refused', async (t) => {
  const folder = scratch(t);
  for (const name of ['segmentRecords', 'segmentBytes', 'refreshInterval']) {
    for (const value of [Number.NaN, -1])
      await t.throwsAsync(SegmentStore.open(folder, { [name]: value }), { code: 'ERR_OCSP_INVALID_VALUE' }, name);
    await t.throwsAsync(SegmentStore.open(folder, { [name]: '1' }), { code: 'ERR_INVALID_ARG_TYPE' }, name);
  }
  await t.throwsAsync(SegmentStore.open(folder, { segmentRecords: 0 }), {
    message: /segmentRecords must be 1 or more: 0/,
  });
  (await SegmentStore.open(folder, { refreshInterval: 0 })).close();
});

test('many small batches are put together', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  for (let i = 1n; i <= 40n; i += 1n) await store.putBatch([record(i)]);
  t.true(store.stats().segments <= 16);
  for (let i = 1n; i <= 40n; i += 1n) t.deepEqual(store.get(i), record(i).der as Buffer);
  store.close();
});

test('of runs that are too large to be put together at once, as many are as may be', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  for (let statusVersion = 1; statusVersion <= 8; statusVersion += 1) {
    const run = await store.beginRun({ id: 'night' });
    await run.append(Array.from({ length: 17_000 }, (_, i) => record(BigInt(i), { statusVersion })));
    await run.commit();
    t.is(store.stats().segments, statusVersion < 8 ? statusVersion : 2);
  }
  for (const serial of [0n, 16_999n])
    t.deepEqual(store.get(serial), record(serial, { statusVersion: 8 }).der as Buffer);
  store.close();
});

test('one run at a time; batches of others go on beside it, and are served at once', async (t) => {
  const folder = scratch(t);
  const first = await SegmentStore.open(folder);
  const second = await SegmentStore.open(folder);
  const run = await first.beginRun({ id: 'r' });
  await run.append([record(1n), record(4n)]);
  await t.throwsAsync(second.beginRun({ id: 'r' }), { code: 'ERR_OCSP_STORE_LOCKED' });
  await t.throwsAsync(first.beginRun({ id: 'other' }), { code: 'ERR_OCSP_INVALID_VALUE' });
  const revoked = record(1n, { statusVersion: 2, certStatus: 1 });
  t.deepEqual(await second.putBatch([revoked]), { written: 1, kept: 0 });
  t.deepEqual(second.get(1n), revoked.der as Buffer);
  await first.putBatch([record(2n)]);
  await run.checkpoint('1');
  await second.compact();
  await second.sweep(new Date());
  await run.append([record(5n)]);
  t.deepEqual(await run.commit(), { written: 2, kept: 1 });
  t.deepEqual(first.get(1n), revoked.der as Buffer, 'older statuses that are published later hide nothing');
  for (const serial of [2n, 4n, 5n]) t.deepEqual(first.get(serial), record(serial).der as Buffer);
  await Promise.all([first.compact(), first.compact(), first.putBatch([record(3n)]), second.putBatch([record(6n)])]);
  for (const serial of [2n, 3n, 4n, 5n, 6n]) t.deepEqual(first.get(serial), record(serial).der as Buffer);
  t.deepEqual((await first.verify()).problems, []);
  first.close();
  second.close();
});

test('a run that somebody else has taken over is not published', async (t) => {
  const folder = scratch(t);
  const first = await SegmentStore.open(folder);
  const run = await first.beginRun({ id: 'r' });
  await run.append([record(1n)]);
  await run.checkpoint('1');
  // As after breakLock, with which no one knows whether the other one has really ended.
  const lockFolder = join(folder, 'run');
  renameSync(lockFolder, join(folder, 'broken'));
  const second = await SegmentStore.open(folder);
  const other = await second.beginRun({ id: 'other', otherRun: 'discard' });
  renameSync(join(folder, 'broken'), join(folder, 'elsewhere'));
  await t.throwsAsync(run.commit(), { code: 'ERR_OCSP_STORE_LOCKED' });
  await other.append([record(2n)]);
  await other.commit();
  t.is(second.get(1n), undefined);
  t.deepEqual(second.get(2n), record(2n).der as Buffer);
  t.deepEqual((await second.verify()).problems, []);
  first.close();
  second.close();
});

for (const [how, forget] of [
  ['sweep', (store: SegmentStore, now: Date) => store.sweep(now)],
  ['compaction', (store: SegmentStore, now: Date) => store.compact(now)],
] as const) {
  for (const when of ['goes on', 'was interrupted', 'is that of another process'] as const) {
    test(`${how} while a run ${when}: what has expired goes on hiding what the run brings`, async (t) => {
      const folder = scratch(t);
      const store = await SegmentStore.open(folder);
      const other = when === 'is that of another process' ? await SegmentStore.open(folder) : store;
      let run = await other.beginRun({ id: 'weekly' });
      await run.append([record('A1', { nextUpdate: 9000 }), record('B2', { nextUpdate: 9000 })]);
      await run.checkpoint('2');
      if (when === 'was interrupted') await run.close();
      const revoked = { statusVersion: 2, certStatus: 1, nextUpdate: 2000 } as const;
      const [own, otherHash] = [record('A1', revoked), record('B2', { ...revoked, hashAlgorithm: 'sha256' })];
      await store.putBatch([own, otherHash]);
      await forget(store, new Date(5_000_000));
      if (when === 'was interrupted') run = await other.beginRun({ id: 'weekly' });
      await run.commit();
      t.deepEqual(store.get('A1'), own.der as Buffer);
      t.deepEqual(store.get('B2'), otherHash.der as Buffer);
      t.is(store.get('B2', { hashAlgorithm: 'sha1' }), undefined, 'a revocation counts for every hash');
      await forget(store, new Date(5_000_000));
      t.false([own.der, otherHash.der, undefined].every((der) => der !== undefined && store.get('A1')?.equals(der)));
      for (const serial of ['A1', 'B2']) t.not(store.getRecord(serial)?.certStatus, 0);
      store.close();
      if (other !== store) other.close();
    });
  }
}

test('a run that begins during a compaction finds what hides it', async (t) => {
  const folder = scratch(t);
  const store = await SegmentStore.open(folder, { segmentRecords: 2000 });
  const many = Array.from({ length: 6000 }, (_, i) =>
    record(BigInt(i + 1), { certStatus: 1, statusVersion: 2, nextUpdate: 10 }),
  );
  await store.putBatch(many);
  const compaction = store.compact(new Date(5_000_000));
  const run = await store.beginRun({ id: 'r' });
  await run.append(many.map(({ serial }) => record(serial as bigint, { nextUpdate: 9000 })));
  await run.commit();
  await compaction;
  const good = many.filter(({ serial }) => store.getRecord(serial)?.certStatus === 0);
  t.is(good.length, 0);
  store.close();
});

test('what is put is what the caller had when it was looked at', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  const serial = Buffer.from([1, 2]);
  const der = Buffer.from('as it was');
  const batch = (function* () {
    setImmediate(() => {
      serial[1] = 3;
      der.fill('x');
    });
    // Its kind is new, and the segment: there is time before it is written.
    yield { ...record(1n), serial, der };
  })();
  await store.putBatch(batch);
  t.is(String(der), 'xxxxxxxxx');
  t.is(String(store.get(0x102n)), 'as it was');
  t.is(store.get(0x103n), undefined);
  store.close();
});

test('what others put together during a compaction is hidden by what had expired', async (t) => {
  const folder = scratch(t);
  const store = await SegmentStore.open(folder);
  for (let serial = 1n; serial <= 6n; serial += 1n) await store.putBatch([record(serial, { nextUpdate: 9000 })]);
  const run = await store.beginRun({ id: 'revocations' });
  const revoked = { statusVersion: 2, certStatus: 1, nextUpdate: 2000 } as const;
  await run.append([record(1n, revoked)]);
  // More than are put together, and many turns of a compaction.
  for (let serial = 100n; serial < 80_000n; serial += 1n) await run.append([record(serial, { nextUpdate: 9000 })]);
  await run.commit();
  t.is(store.stats().segments, 7);
  let isOver = false;
  const compaction = store.compact(new Date(5_000_000)).finally(() => {
    isOver = true;
  });
  for (const serial of [7n, 8n]) await store.putBatch([record(serial, { nextUpdate: 9000 })]);
  t.is(store.stats().segments, 2, 'the small ones were put together');
  t.false(isOver);
  await compaction;
  t.is(store.getRecord(1n)?.certStatus, 1);
  await store.compact(new Date(5_000_000));
  t.is(store.get(1n), undefined);
  t.is(store.stats().entries, 79_907);
  store.close();
});

test('a sweep keeps what hides something in a segment that stays for what it hides itself', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  await store.putBatch([record(5n, { statusVersion: 8, nextUpdate: 9000 })]);
  await store.putBatch([
    record(1n, { nextUpdate: 1000 }),
    record(5n, { statusVersion: 9, certStatus: 1, nextUpdate: 1000 }),
  ]);
  await store.putBatch([record(1n, { statusVersion: 2, certStatus: 1, nextUpdate: 1000 })]);
  await store.sweep(new Date(5_000_000));
  for (const serial of [1n, 5n]) t.not(store.getRecord(serial)?.certStatus, 0);
  store.close();
});

test('a file of another generation, store, or name is damage, though each byte of it has its checksum', async (t) => {
  const folder = scratch(t);
  const make = async (name: string, certStatus: 0 | 1): Promise<string[]> => {
    const store = await SegmentStore.open(join(folder, name), { segmentRecords: 2 });
    for (const serials of [
      [1n, 2n],
      [3n, 4n],
    ])
      await store.putBatch(
        serials.map((serial) => record(serial, { certStatus, der: Buffer.from(`${certStatus} ${serial}`) })),
      );
    store.close();
    return readdirSync(join(folder, name))
      .filter((file) => file.endsWith('.seg'))
      .sort();
  };
  const names = await make('old', 0);
  t.deepEqual(await make('new', 1), names);
  const at = (store: string, file: string): string => join(folder, store, file);
  const contents = (store: string): Buffer[] => names.map((file) => readFileSync(at(store, file)));
  const [before, after] = [contents('old'), contents('new')] as [Buffer[], Buffer[]];
  const size = after[0]?.length ?? 0;
  t.deepEqual(
    [...before, ...after].map(({ length }) => length),
    [size, size, size, size],
  );
  const mixtures: [string, readonly (Buffer | undefined)[]][] = [
    ['an old one', [before[0], after[1]]],
    ['two that changed names', [after[1], after[0]]],
    ['the same one twice', [after[0], after[0]]],
  ];
  for (let cut = 1; cut < size; cut += 1) {
    const mixed = Buffer.concat([(before[0] as Buffer).subarray(0, cut), (after[0] as Buffer).subarray(cut)]);
    if (!mixed.equals(after[0] as Buffer)) mixtures.push([`old up to byte ${cut}`, [mixed, after[1]]]);
    const other = Buffer.concat([(after[0] as Buffer).subarray(0, cut), (before[0] as Buffer).subarray(cut)]);
    if (!other.equals(after[0] as Buffer)) mixtures.push([`old from byte ${cut}`, [other, after[1]]]);
  }
  for (const [what, files] of mixtures) {
    for (const [i, content] of files.entries()) writeFileSync(at('new', names[i] as string), content as Buffer);
    t.not((await verifyStore(join(folder, 'new'))).problems.length, 0, what);
    let store: SegmentStore | undefined;
    try {
      store = await SegmentStore.open(join(folder, 'new'));
    } catch (error) {
      t.is((error as { code?: string }).code, 'ERR_OCSP_STORE_DAMAGED', what);
    }
    for (const serial of store === undefined ? [] : [1n, 2n, 3n, 4n]) {
      try {
        t.is(store?.get(serial)?.toString(), `1 ${serial}`, what);
      } catch (error) {
        t.is((error as { code?: string }).code, 'ERR_OCSP_STORE_DAMAGED', what);
      }
    }
    store?.close();
  }
  // A folder that was made again under a reader has names that it knows.
  for (const [i, name] of names.entries()) writeFileSync(at('new', name), after[i] as Buffer);
  const reader = await SegmentStore.open(join(folder, 'old'), { refreshInterval: 0 });
  t.is(reader.get(1n)?.toString(), '0 1');
  for (const name of [...names, 'MANIFEST']) {
    writeFileSync(at('old', `${name}.x`), readFileSync(at('new', name)));
    renameSync(at('old', `${name}.x`), at('old', name));
  }
  t.is(reader.get(1n)?.toString(), '1 1');
  reader.close();
});

test('an unfinished run of another store is damage, and its segments are never taken for those of a run', async (t) => {
  const folder = scratch(t);
  const begin = async (name: string): Promise<void> => {
    const store = await SegmentStore.open(join(folder, name), { segmentRecords: 1 });
    const run = await store.beginRun({ id: 'r' });
    for (const serial of [1n, 2n, 3n]) {
      await run.append([record(serial, { der: Buffer.from(name) })]);
      await run.checkpoint(String(serial));
    }
    await run.close();
    store.close();
  };
  await begin('a');
  await begin('b');
  const segments = readdirSync(join(folder, 'a')).filter((file) => file.endsWith('.seg'));
  const first = segments.sort()[0] as string;
  const own = readFileSync(join(folder, 'a', first));
  writeFileSync(join(folder, 'a', first), readFileSync(join(folder, 'b', first)));
  const store = await SegmentStore.open(join(folder, 'a'));
  await t.throwsAsync(store.beginRun({ id: 'r' }), { code: 'ERR_OCSP_STORE_DAMAGED' });
  writeFileSync(join(folder, 'a', first), own);
  writeFileSync(join(folder, 'a', 'RUN'), readFileSync(join(folder, 'b', 'RUN')));
  await t.throwsAsync(store.beginRun({ id: 'r' }), { code: 'ERR_OCSP_STORE_DAMAGED', message: /another store/ });
  store.close();
});

test('compaction with a time, and a sweep, remove what has expired', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  await store.putBatch([record(1n, { nextUpdate: 1000 }), record(2n, { nextUpdate: 9000 })]);
  await store.putBatch([record(3n, { nextUpdate: 1000, statusVersion: 2 })]);
  t.is(await store.sweep(new Date(999_000)), 0);
  t.deepEqual(
    [...store.records(new Date(5_000_000))].map(({ serial }) => serial),
    ['02'],
  );
  t.is(await store.sweep(new Date(5_000_000)), 1);
  t.is(store.get(3n), undefined);
  t.not(store.get(1n), undefined);
  await store.compact(new Date(5_000_000));
  t.is(store.get(1n), undefined);
  t.not(store.get(2n), undefined);
  t.is(await store.sweep(new Date(10_000_000_000)), 1);
  t.is(store.stats().segments, 0);
  store.close();
});

test('wherever one bit is wrong, a wrong response is not served', async (t) => {
  const folder = scratch(t);
  const store = await SegmentStore.open(folder);
  const all = Array.from({ length: 5 }, (_, i) => record(BigInt(i) << 60n, { der: Buffer.from(`response ${i}`) }));
  await store.putBatch(all);
  store.close();
  let errors = 0;
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.seg') || file === 'MANIFEST')) {
    const path = join(folder, name);
    const content = readFileSync(path);
    for (let at = 0; at < content.length; at += 1) {
      const damaged = Buffer.from(content);
      damaged[at] = (damaged[at] as number) ^ (1 << (at % 8));
      writeFileSync(path, damaged);
      t.not((await verifyStore(folder)).problems.length, 0, `${name}, byte ${at}`);
      try {
        const reader = await SegmentStore.open(folder);
        for (const { serial, der } of all) {
          try {
            const found = reader.get(serial);
            if (found === undefined || !found.equals(der)) t.fail(`${name}, byte ${at}`);
          } catch (error) {
            t.is((error as { code?: string }).code, 'ERR_OCSP_STORE_DAMAGED');
            errors += 1;
          }
        }
        reader.close();
      } catch (error) {
        t.is((error as { code?: string }).code, 'ERR_OCSP_STORE_DAMAGED');
        errors += 1;
      }
    }
    writeFileSync(path, content);
  }
  t.true(errors > 300);
});

test('a segment or a manifest that is missing is an error', async (t) => {
  const folder = scratch(t);
  const store = await SegmentStore.open(folder);
  await store.putBatch([record(1n)]);
  store.close();
  const segment = readdirSync(folder).find((name) => name.endsWith('.seg')) as string;
  const content = readFileSync(join(folder, segment));
  rmSync(join(folder, segment));
  const damaged = async (problem: RegExp): Promise<void> => {
    await t.throwsAsync(SegmentStore.open(folder), { code: 'ERR_OCSP_STORE_DAMAGED' });
    const { problems } = await verifyStore(folder);
    t.is(problems.length, 1);
    t.regex(problems[0] as string, problem);
  };
  await damaged(/\.seg is missing$/);
  writeFileSync(join(folder, segment), content.subarray(0, -1));
  await damaged(/\.seg: not the footer of a segment$/);
  writeFileSync(join(folder, segment), content);
  rmSync(join(folder, 'MANIFEST'));
  await damaged(/has segments, but no MANIFEST$/);
});
