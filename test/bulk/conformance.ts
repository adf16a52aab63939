/** What every implementation of the bulk interfaces has to do, whatever it is built on. */
import type { TestFn } from 'ava';
import type { LeasedRange, Ledger } from '#dist/bulk/ledger.js';
import type { StatusSource } from '#dist/bulk/sources/status-source.js';
import type { StatusEntry } from '#dist/bulk/status-entry.js';
import type { ResponseRecord, ResponseStore } from '#dist/bulk/store/response-store.js';

const GOOD = 0;
const REVOKED = 1;

/** A record whose bytes tell it from all others. */
export function record(serial: bigint | string, change: Partial<ResponseRecord> = {}): ResponseRecord {
  const base = { serial, statusVersion: 1, producedAt: 1_700_000_000, certStatus: GOOD, nextUpdate: 1_700_600_000 };
  const { der, ...others } = { ...base, ...change };
  const text = `${serial}/${others.statusVersion}/${others.producedAt}/${others.certStatus}/${others.nextUpdate}`;
  return { ...others, der: der ?? Buffer.from(text) };
}

/** Tests of a {@link ResponseStore}; `open` gives an empty one. */
export function storeConformance(test: TestFn, name: string, open: () => Promise<ResponseStore>): void {
  const title = (what: string): string => `${name}: ${what}`;

  test(title('a response that was put is got, by every form of its serial number'), async (t) => {
    const store = await open();
    t.is(await store.get(0x0abcn), undefined);
    t.deepEqual(await store.putBatch([record(0x0abcn), record(0n)]), { written: 2, kept: 0 });
    for (const serial of [0x0abcn, 'abc', '0ABC', '000ABC', Uint8Array.of(0, 0x0a, 0xbc), Uint8Array.of(0x0a, 0xbc)]) {
      t.deepEqual(await store.get(serial), record(0x0abcn).der as Buffer);
    }
    for (const serial of [0n, '0', '00', Uint8Array.of(0)])
      t.deepEqual(await store.get(serial), record(0n).der as Buffer);
    for (const serial of [0xabn, 0xabc0n, 0xabdn, 0xabbn, 1n]) t.is(await store.get(serial), undefined);
    await store.close();
  });

  test(title('what a caller does to the bytes changes nothing'), async (t) => {
    const store = await open();
    const der = Buffer.from('response');
    await store.putBatch([record(1n, { der })]);
    der.fill(0);
    (await store.get(1n))?.fill(0);
    t.deepEqual(await store.get(1n), Buffer.from('response'));
    await store.close();
  });

  test(title('an older response never takes the place of a newer one, nor good that of revoked'), async (t) => {
    const versions = [
      { statusVersion: 1, certStatus: GOOD, producedAt: 100 },
      { statusVersion: 1, certStatus: GOOD, producedAt: 200 },
      { statusVersion: 1, certStatus: REVOKED, producedAt: 50 },
      { statusVersion: 2, certStatus: GOOD, producedAt: 10 },
      { statusVersion: 2, certStatus: REVOKED, producedAt: 5 },
      { statusVersion: 3, certStatus: GOOD, producedAt: 1 },
    ].map((version) => record(7n, version));
    for (const [i, first] of versions.entries()) {
      for (const [j, second] of versions.entries()) {
        const store = await open();
        await store.putBatch([first]);
        const result = await store.putBatch([second], { ifNewer: true });
        t.deepEqual(result, j > i ? { written: 1, kept: 0 } : { written: 0, kept: 1 });
        t.deepEqual(await store.get(7n), versions[Math.max(i, j)]?.der as Buffer);
        await store.close();
      }
    }
  });

  test(title('the order in which runs and batches end does not matter'), async (t) => {
    const store = await open();
    const run = await store.beginRun({ id: 'run' });
    await run.append([record(1n, { producedAt: 300 }), record(2n, { producedAt: 300 })]);
    // Revoked while the run, which has read "good" before, is going on.
    await store.putBatch([record(1n, { statusVersion: 2, certStatus: REVOKED, producedAt: 200 })]);
    await run.commit();
    t.deepEqual(
      await store.get(1n),
      record(1n, { statusVersion: 2, certStatus: REVOKED, producedAt: 200 }).der as Buffer,
    );
    t.deepEqual(await store.get(2n), record(2n, { producedAt: 300 }).der as Buffer);
    await store.close();
  });

  test(title('a run is served at once, when it is committed'), async (t) => {
    const store = await open();
    const run = await store.beginRun({ id: 'run' });
    t.is(run.resumeToken, null);
    await run.append([record(1n), record(2n)]);
    await run.checkpoint('two');
    await run.append([record(3n)]);
    t.is(await store.get(1n), undefined);
    t.is(run.records, 3);
    await run.commit();
    for (const serial of [1n, 2n, 3n]) t.deepEqual(await store.get(serial), record(serial).der as Buffer);
    await t.throwsAsync(run.append([record(4n)]), { code: 'ERR_OCSP_INVALID_VALUE' });
    await run.close();
    await store.close();
  });

  test(title('a run that was closed goes on from its last checkpoint'), async (t) => {
    const store = await open();
    const first = await store.beginRun({ id: 'run' });
    await first.append([record(1n)]);
    await first.checkpoint('one');
    await first.append([record(2n, { der: Buffer.from('lost') })]);
    await first.close();
    await t.throwsAsync(store.beginRun({ id: 'another' }), { code: 'ERR_OCSP_INVALID_VALUE' });
    const second = await store.beginRun({ id: 'run' });
    t.is(second.resumeToken, 'one');
    t.is(second.records, 1);
    await second.append([record(2n), record(3n)]);
    await second.commit();
    for (const serial of [1n, 2n, 3n]) t.deepEqual(await store.get(serial), record(serial).der as Buffer);
    const third = await store.beginRun({ id: 'run' });
    t.is(third.resumeToken, null, 'a committed run does not go on');
    await third.close();
    await store.close();
  });

  test(title('a run that was discarded leaves nothing'), async (t) => {
    const store = await open();
    const first = await store.beginRun({ id: 'first' });
    await first.append([record(1n)]);
    await first.checkpoint('one');
    await first.discard();
    const second = await store.beginRun({ id: 'second' });
    t.is(second.resumeToken, null);
    await second.checkpoint('nothing');
    await second.close();
    const third = await store.beginRun({ id: 'third', otherRun: 'discard' });
    t.is(third.resumeToken, null);
    await third.commit();
    t.is(await store.get(1n), undefined);
    await store.close();
  });

  test(title('bad records are refused'), async (t) => {
    const store = await open();
    const bad: [Partial<Record<keyof ResponseRecord, unknown>>, string][] = [
      [{ serial: -1n }, 'ERR_OCSP_INVALID_VALUE'],
      [{ serial: 'xyz' }, 'ERR_OCSP_INVALID_VALUE'],
      [{ serial: '' }, 'ERR_OCSP_INVALID_VALUE'],
      [{ serial: new Uint8Array(0) }, 'ERR_OCSP_INVALID_VALUE'],
      [{ serial: 'f'.repeat(600) }, 'ERR_OCSP_INVALID_VALUE'],
      [{ serial: 5 }, 'ERR_INVALID_ARG_TYPE'],
      [{ statusVersion: -1 }, 'ERR_OCSP_INVALID_VALUE'],
      [{ statusVersion: 1.5 }, 'ERR_OCSP_INVALID_VALUE'],
      [{ producedAt: new Date() }, 'ERR_INVALID_ARG_TYPE'],
      [{ nextUpdate: 2 ** 48 }, 'ERR_OCSP_INVALID_VALUE'],
      [{ certStatus: 3 }, 'ERR_OCSP_INVALID_VALUE'],
      [{ der: 'text' }, 'ERR_INVALID_ARG_TYPE'],
      [{ der: new Uint8Array(0) }, 'ERR_OCSP_INVALID_VALUE'],
    ];
    for (const [change, code] of bad) {
      const wrong = { ...record(1n), ...change } as ResponseRecord;
      await t.throwsAsync(store.putBatch([wrong]), { code }, JSON.stringify(Object.keys(change)));
    }
    t.is(await store.get(1n), undefined);
    await store.close();
  });

  test(title('a sweep takes only what has expired, and brings nothing back'), async (t) => {
    const store = await open();
    await store.putBatch([
      record(1n, { nextUpdate: 1000 }),
      record(2n, { nextUpdate: 5000 }),
      record(3n, { nextUpdate: null }),
    ]);
    await store.putBatch([record(2n, { statusVersion: 2, certStatus: REVOKED, nextUpdate: 1000 })]);
    await store.sweep(new Date(2_000_000));
    const two = await store.get(2n);
    t.true(
      two === undefined || two.equals(record(2n, { statusVersion: 2, certStatus: REVOKED, nextUpdate: 1000 }).der),
    );
    t.deepEqual(await store.get(3n), record(3n, { nextUpdate: null }).der as Buffer);
    await store.close();
  });
}

/** All entries of a source. */
export async function entriesOf(source: AsyncIterable<StatusEntry>): Promise<StatusEntry[]> {
  const entries: StatusEntry[] = [];
  for await (const entry of source) entries.push(entry);
  return entries;
}

/** Tests of a {@link StatusSource} that can be iterated again and has `entries`, at least three. */
export function sourceConformance(
  test: TestFn,
  name: string,
  open: () => StatusSource | Promise<StatusSource>,
  entries: readonly StatusEntry[],
): void {
  test(`${name}: entries and batches are the same, every time`, async (t) => {
    const source = await open();
    t.deepEqual(await entriesOf(source), [...entries]);
    t.deepEqual(await entriesOf(source), [...entries]);
    for (const batchSize of [1, 2, entries.length, 10_000]) {
      const batches: StatusEntry[][] = [];
      for await (const batch of source.batches({ batchSize })) batches.push(batch);
      t.deepEqual(batches.flat(), [...entries]);
      t.true(batches.every((batch, i) => batch.length === batchSize || (i === batches.length - 1 && batch.length > 0)));
    }
  });

  test(`${name}: entries are skipped`, async (t) => {
    const source = await open();
    for (const skip of [0, 1, entries.length - 1, entries.length, entries.length + 1]) {
      const rest: StatusEntry[] = [];
      for await (const batch of source.batches({ skip, batchSize: 2 })) rest.push(...batch);
      t.deepEqual(rest, entries.slice(skip));
    }
  });

  test(`${name}: an iteration may be left`, async (t) => {
    const source = await open();
    for await (const entry of source) {
      t.deepEqual(entry, entries[0]);
      break;
    }
    t.is((await entriesOf(source)).length, entries.length);
  });
}

/** Tests of a {@link Ledger}; `open` gives one with these ranges, and with a way to let all leases run out. */
export function ledgerConformance(
  test: TestFn,
  name: string,
  open: (ids: string[]) => Promise<{ ledger: Ledger; expire(): void | Promise<void> }>,
): void {
  test(`${name}: each range is leased once, and not again when it is done`, async (t) => {
    const { ledger, expire } = await open(['a', 'b', 'c']);
    const two = await ledger.lease(2);
    t.is(two.length, 2);
    const rest = await ledger.lease(10);
    const all = [...two, ...rest];
    t.deepEqual(all.map(({ id }) => id).sort(), ['a', 'b', 'c']);
    t.true(all.every(({ attempt, lastSerial }) => attempt === 1 && lastSerial === null));
    t.deepEqual(await ledger.lease(1), []);
    for (const range of all) await ledger.complete(range);
    await expire();
    t.deepEqual(await ledger.lease(10), []);
  });

  test(`${name}: a range whose lease ran out goes to another, who knows how far it was done`, async (t) => {
    const { ledger, expire } = await open(['a']);
    const [slow] = (await ledger.lease(1)) as [LeasedRange];
    await ledger.checkpoint(slow, '1F');
    await expire();
    const [next] = (await ledger.lease(1)) as [LeasedRange];
    t.is(next.lastSerial, '1F');
    t.is(next.attempt, 2);
    await t.throwsAsync(ledger.checkpoint(slow, '2F'), { code: 'ERR_OCSP_INVALID_VALUE' });
    await t.throwsAsync(ledger.complete(slow), { code: 'ERR_OCSP_INVALID_VALUE' });
    await t.throwsAsync(ledger.fail(slow, new Error('late')), { code: 'ERR_OCSP_INVALID_VALUE' });
    await ledger.complete(next);
    await t.throwsAsync(ledger.complete(next), { code: 'ERR_OCSP_INVALID_VALUE' });
  });

  test(`${name}: a checkpoint extends the lease, a failure gives it back`, async (t) => {
    const { ledger } = await open(['a']);
    const [first] = (await ledger.lease(1)) as [LeasedRange];
    await ledger.checkpoint(first, 'AA');
    t.deepEqual(await ledger.lease(1), []);
    await ledger.fail(first, new Error('no room'));
    const [second] = (await ledger.lease(1)) as [LeasedRange];
    t.is(second.lastSerial, 'AA');
  });

  test(`${name}: a range that always fails is given up`, async (t) => {
    const { ledger } = await open(['a', 'b']);
    let attempts = 0;
    for (;;) {
      const leases = await ledger.lease(1);
      if (leases.length === 0) break;
      attempts += 1;
      t.true(attempts < 1000);
      for (const lease of leases) await (lease.id === 'a' ? ledger.fail(lease, 'no') : ledger.complete(lease));
    }
    t.true(attempts > 2);
  });

  test(`${name}: workers at once never get the same range`, async (t) => {
    const ids = Array.from({ length: 20 }, (_, i) => `range ${i}`);
    const { ledger } = await open(ids);
    const leases = await Promise.all(Array.from({ length: 10 }, () => ledger.lease(3)));
    t.deepEqual(
      leases
        .flat()
        .map(({ id }) => id)
        .sort(),
      [...ids].sort(),
    );
  });
}
