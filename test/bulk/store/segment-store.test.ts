import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { checkResponseStore } from 'openssl-ocsp/testing';
import { compareVersions, type ResponseRecord } from '#dist/bulk/store/response-store.js';
import { SegmentStore } from '#dist/bulk/store/segment-store.js';
import { serialHex, serialKey } from '#dist/bulk/store/serial-key.js';
import { verifyStore } from '#dist/bulk/store/verify.js';
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
    statusVersion: fc.nat(3),
    producedAt: fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 2 ** 48 - 2 })),
    certStatus: fc.constantFrom(0, 1, 2),
    nextUpdate: fc.option(fc.nat(2 ** 40)),
    der: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  })
  .map((fields) => fields as ResponseRecord);

/** What a store with these records has to hold, by serial number. */
function model(all: readonly ResponseRecord[]): Map<string, ResponseRecord> {
  const best = new Map<string, ResponseRecord>();
  for (const item of all) {
    const serial = serialHex(serialKey(item.serial));
    const other = best.get(serial);
    if (other === undefined || compareVersions(item, other) > 0) best.set(serial, item);
  }
  return best;
}

function check(t: ExecutionContext, store: SegmentStore, all: readonly ResponseRecord[]): void {
  const expected = model(all);
  const found = [...store.records()];
  t.is(found.length, expected.size);
  let previous = -1n;
  for (const { serial, ...rest } of found) {
    const { serial: _, ...others } = expected.get(serial) as ResponseRecord;
    t.deepEqual(rest, { ...others, der: Buffer.from(others.der) });
    t.true(BigInt(`0x${serial}`) > previous);
    previous = BigInt(`0x${serial}`);
    t.deepEqual(store.get(serial), Buffer.from(others.der));
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
          check(t, store, all);
        }
        const again = await SegmentStore.open(folder);
        check(t, again, all);
        t.deepEqual((await again.verify()).problems, []);
        again.close();
        store.close();
        rmSync(folder, { recursive: true });
      },
    ),
    { numRuns: 40 },
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
  check(t, store, all);
  t.is(store.stats().segments, 3);
  await store.compact();
  check(t, store, all);
  t.like(await store.verify(), { responses: model(all).size, problems: [] });
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

test('many small batches are put together', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  for (let i = 1n; i <= 40n; i += 1n) await store.putBatch([record(i)]);
  t.true(store.stats().segments <= 16);
  for (let i = 1n; i <= 40n; i += 1n) t.deepEqual(store.get(i), record(i).der as Buffer);
  store.close();
});

test('one writes at a time', async (t) => {
  const folder = scratch(t);
  const first = await SegmentStore.open(folder);
  const second = await SegmentStore.open(folder);
  const run = await first.beginRun({ id: 'r' });
  await t.throwsAsync(second.putBatch([record(1n)]), { code: 'ERR_OCSP_STORE_LOCKED' });
  await t.throwsAsync(second.beginRun({ id: 'r' }), { code: 'ERR_OCSP_STORE_LOCKED' });
  await t.throwsAsync(first.beginRun({ id: 'other' }), { code: 'ERR_OCSP_INVALID_VALUE' });
  await first.putBatch([record(2n)]);
  await run.close();
  await second.putBatch([record(1n)]);
  await Promise.all([first.compact(), first.compact(), first.putBatch([record(3n)])]);
  for (const serial of [1n, 2n, 3n]) t.deepEqual(first.get(serial), record(serial).der as Buffer);
  first.close();
  second.close();
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
