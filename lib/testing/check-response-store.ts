import assert from 'node:assert/strict';
import { OCSPCertStatus } from '../ocsp/enums.js';
import type { ResponseRecord, ResponseStore } from '../store/response-store.js';
import { type Check, carryOut, refusal } from './checks.js';

const { GOOD, REVOKED, UNKNOWN } = OCSPCertStatus;
const INVALID = refusal('ERR_OCSP_INVALID_VALUE');

/** Makes an empty store. Called again and again. */
export type MakeStore = () => ResponseStore | Promise<ResponseStore>;

/**
 * Checks that a {@link ResponseStore} does what `bulkSign` and a responder rely on: an older or less severe response never
 * takes the place of another, nothing of a run is served before its commit, a run goes on from its last checkpoint. For any
 * implementation, in any test framework. The responses put in are no OCSPResponses: a store does not look into them.
 *
 * @throws (rejects) AssertionError, saying what does not hold.
 */
export async function checkResponseStore(make: MakeStore): Promise<void> {
  await carryOut(CHECKS.map(([claim, check]): Check => [claim, () => withStore(make, check)]));
}

async function withStore(make: MakeStore, check: (store: ResponseStore) => Promise<void>): Promise<void> {
  const store = await make();
  try {
    await check(store);
  } finally {
    await store.close();
  }
}

/** A record whose bytes tell it from all others. */
function record(serial: bigint, change: Partial<ResponseRecord> = {}): ResponseRecord {
  const base = { serial, statusVersion: 1, producedAt: 1_700_000_000, certStatus: GOOD, nextUpdate: 1_700_600_000 };
  const { der, ...others } = { ...base, ...change };
  const text = `${serial}/${others.statusVersion}/${others.producedAt}/${others.certStatus}/${others.nextUpdate}`;
  return { ...others, der: der ?? Buffer.from(text) };
}

async function serves(store: ResponseStore, ...records: readonly ResponseRecord[]): Promise<void> {
  for (const { serial, der } of records) {
    assert.deepEqual(await store.get(serial), Buffer.from(der), `what is served for ${serial}`);
  }
}

async function servesNothing(store: ResponseStore, ...serials: readonly bigint[]): Promise<void> {
  for (const serial of serials) assert.equal(await store.get(serial), undefined, `what is served for ${serial}`);
}

/** Each takes the place of those before it. */
const ASCENDING = [
  { statusVersion: 1, certStatus: GOOD, producedAt: 100 },
  { statusVersion: 1, certStatus: GOOD, producedAt: 200 },
  { statusVersion: 1, certStatus: UNKNOWN, producedAt: 60 },
  { statusVersion: 1, certStatus: REVOKED, producedAt: 50 },
  { statusVersion: 2, certStatus: GOOD, producedAt: 10 },
  { statusVersion: 2, certStatus: REVOKED, producedAt: 5 },
  { statusVersion: 3, certStatus: GOOD, producedAt: 1 },
].map((version) => record(7n, version));

const CHECKS: readonly (readonly [claim: string, check: (store: ResponseStore) => Promise<void>])[] = [
  [
    'a response is got by every form of its serial number, and by no other',
    async (store) => {
      await servesNothing(store, 0xabcn);
      assert.deepEqual(await store.putBatch([record(0xabcn), record(0n)]), { written: 2, kept: 0 });
      for (const serial of [0xabcn, 'abc', '0ABC', '000ABC', Uint8Array.of(0, 0x0a, 0xbc), Uint8Array.of(0x0a, 0xbc)]) {
        assert.deepEqual(await store.get(serial), record(0xabcn).der);
      }
      for (const serial of [0n, '0', '00', Uint8Array.of(0)]) assert.deepEqual(await store.get(serial), record(0n).der);
      await servesNothing(store, 0xabn, 0xabc0n, 0xabdn, 0xabbn, 1n);
    },
  ],
  [
    "serial numbers of every length do not get in each other's way",
    async (store) => {
      const all = Array.from({ length: 160 }, (_, bits) => record(1n << BigInt(bits)));
      await store.putBatch(all);
      await serves(store, ...all);
      await servesNothing(store, 3n, (1n << 159n) + 1n, 1n << 160n);
    },
  ],
  [
    'what a caller does to the bytes changes nothing',
    async (store) => {
      const der = Buffer.from('response');
      await store.putBatch([record(1n, { der })]);
      der.fill(0);
      (await store.get(1n))?.fill(0);
      assert.deepEqual(await store.get(1n), Buffer.from('response'));
    },
  ],
  [
    'an older response never takes the place of a newer one, nor good that of revoked',
    async (store) => {
      let serial = 0n;
      for (const [i, first] of ASCENDING.entries()) {
        for (const [j, second] of ASCENDING.entries()) {
          serial += 1n;
          await store.putBatch([{ ...first, serial }]);
          const result = await store.putBatch([{ ...second, serial }], { ifNewer: true });
          const what = `${second.der} after ${first.der}`;
          assert.deepEqual(result, j > i ? { written: 1, kept: 0 } : { written: 0, kept: 1 }, what);
          assert.deepEqual(await store.get(serial), ASCENDING[Math.max(i, j)]?.der, what);
        }
      }
    },
  ],
  [
    'nor within a batch, within a run, or when they come at once',
    async (store) => {
      const best = ASCENDING.at(-1) as ResponseRecord;
      const shuffled = [3, 6, 0, 5, 1, 4, 2].map((i) => ASCENDING[i] as ResponseRecord);
      await store.putBatch(shuffled);
      await serves(store, best);
      await Promise.all(shuffled.map((item) => store.putBatch([{ ...item, serial: 8n }])));
      await serves(store, { ...best, serial: 8n });
      const run = await store.beginRun({ id: 'run' });
      for (const item of shuffled) await run.append([{ ...item, serial: 9n }]);
      await run.commit();
      await serves(store, { ...best, serial: 9n });
    },
  ],
  [
    'a revocation during a run outlives its commit',
    async (store) => {
      const run = await store.beginRun({ id: 'run' });
      await run.append([record(1n, { producedAt: 300 }), record(2n, { producedAt: 300 })]);
      const revoked = record(1n, { statusVersion: 2, certStatus: REVOKED, producedAt: 200 });
      await store.putBatch([revoked]);
      assert.deepEqual(await run.commit(), { written: 1, kept: 1 }, 'what the commit tells');
      await serves(store, revoked, record(2n, { producedAt: 300 }));
    },
  ],
  [
    'the commit of a run tells of how many certificates it is served, each counted once',
    async (store) => {
      await store.putBatch([
        record(1n),
        record(2n, { statusVersion: 2 }),
        record(3n, { certStatus: REVOKED }),
        record(4n),
      ]);
      const run = await store.beginRun({ id: 'run' });
      await run.append([1n, 2n, 3n, 5n].map((serial) => record(serial, { producedAt: 1_700_000_001 })));
      await run.append([record(5n, { producedAt: 1_700_000_002, certStatus: REVOKED })]);
      assert.deepEqual(await run.commit(), { written: 2, kept: 2 });
      const empty = await store.beginRun({ id: 'empty' });
      assert.deepEqual(await empty.commit(), { written: 0, kept: 0 });
    },
  ],
  [
    'the edition of a list is known to later runs once it is committed, the last one of each list',
    async (store) => {
      const edition = (list: string, number: string | null, thisUpdate: number) => ({ list, number, thisUpdate });
      const editions = async (): Promise<unknown> => {
        const run = await store.beginRun({ id: 'look' });
        await run.discard();
        return [...run.editions].sort((a, b) => (a.list < b.list ? -1 : 1));
      };
      const commit = async (one: ReturnType<typeof edition>): Promise<void> => {
        const run = await store.beginRun({ id: 'run' });
        await run.commit(one);
      };
      assert.deepEqual(await editions(), []);
      await commit(edition('a', '7', 100));
      await commit(edition('b', null, 50));
      await commit(edition('a', '6', 90));
      const both = [edition('a', '6', 90), edition('b', null, 50)];
      assert.deepEqual(await editions(), both);
      const run = await store.beginRun({ id: 'without' });
      await run.commit();
      assert.deepEqual(await editions(), both);
    },
  ],
  [
    'nothing of a run is served before its commit, and all of it after',
    async (store) => {
      const run = await store.beginRun({ id: 'run' });
      assert.equal(run.resumeToken, null);
      await run.append([record(1n), record(2n)]);
      await run.checkpoint('two');
      await run.append([record(3n)]);
      await servesNothing(store, 1n, 2n, 3n);
      assert.equal(run.records, 3);
      await run.commit();
      await serves(store, record(1n), record(2n), record(3n));
      await assert.rejects(run.append([record(4n)]), INVALID);
      await run.close();
    },
  ],
  [
    'a run that was closed goes on from its last checkpoint, and what came after that is gone',
    async (store) => {
      const first = await store.beginRun({ id: 'run' });
      await first.append([record(1n)]);
      await first.checkpoint('one');
      await first.append([record(2n, { der: Buffer.from('lost') }), record(9n)]);
      await first.close();
      await assert.rejects(store.beginRun({ id: 'another' }), INVALID);
      const second = await store.beginRun({ id: 'run' });
      assert.equal(second.resumeToken, 'one');
      assert.equal(second.records, 1);
      await second.append([record(2n), record(3n)]);
      await second.commit();
      await serves(store, record(1n), record(2n), record(3n));
      await servesNothing(store, 9n);
      const third = await store.beginRun({ id: 'run' });
      assert.equal(third.resumeToken, null, 'a committed run does not go on');
      await third.close();
    },
  ],
  [
    'a run that was discarded leaves nothing',
    async (store) => {
      const first = await store.beginRun({ id: 'first' });
      await first.append([record(1n)]);
      await first.checkpoint('one');
      await first.discard();
      const second = await store.beginRun({ id: 'second' });
      assert.equal(second.resumeToken, null);
      await second.append([record(2n)]);
      await second.checkpoint('two');
      await second.close();
      const third = await store.beginRun({ id: 'third', otherRun: 'discard' });
      assert.equal(third.resumeToken, null);
      await third.commit();
      await servesNothing(store, 1n, 2n);
    },
  ],
  [
    'bad records are refused, and leave nothing',
    async (store) => {
      const bad: readonly [change: object, code: string][] = [
        [{ serial: 'xyz' }, 'ERR_OCSP_INVALID_VALUE'],
        [{ serial: '' }, 'ERR_OCSP_INVALID_VALUE'],
        [{ serial: new Uint8Array(0) }, 'ERR_OCSP_INVALID_VALUE'],
        [{ serial: 'f'.repeat(600) }, 'ERR_OCSP_INVALID_VALUE'],
        [{ serial: true }, 'ERR_INVALID_ARG_TYPE'],
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
        await assert.rejects(store.putBatch([wrong]), refusal(code), `a record with a bad ${Object.keys(change)}`);
      }
      await servesNothing(store, 1n);
    },
  ],
  [
    'a sweep takes only what has expired, and brings nothing back',
    async (store) => {
      const revoked = record(2n, { statusVersion: 2, certStatus: REVOKED, nextUpdate: 1000 });
      const lasting = [record(3n, { nextUpdate: null }), record(4n, { nextUpdate: 2001 })];
      await store.putBatch([record(1n, { nextUpdate: 1000 }), record(2n, { nextUpdate: 5000 }), ...lasting]);
      await store.putBatch([revoked]);
      await store.sweep(new Date(2_000_000));
      if ((await store.get(2n)) !== undefined) await serves(store, revoked);
      await serves(store, ...lasting);
    },
  ],
];
