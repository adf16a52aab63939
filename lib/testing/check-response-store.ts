import type { X509Certificate } from 'node:crypto';
import { OCSPCertStatus } from '../ocsp/enums.js';
import type { CertIdLookup, ResponseRecord, ResponseStore } from '../store/response-store.js';
import { carryOut, type Findings } from './checks.js';
import { STORE_CLAUSES } from './clauses.js';
import { tryRivalRuns } from './rival-runs.js';
import { Bench, type CheckedSerial, certIdOf, nameOf, RecordMaker } from './store-bench.js';

const { REVOKED } = OCSPCertStatus;
const INVALID = 'ERR_OCSP_INVALID_VALUE';
const MISMATCH = 'ERR_OCSP_ISSUER_MISMATCH';

/**
 * Makes an empty store. Called again and again, always for the same issuer, whose identity comes with every batch and run, too: a store
 * that learns it from them needs no argument.
 */
export type MakeStore = (issuer: X509Certificate) => ResponseStore | Promise<ResponseStore>;

/** One for all checks of the process: signing takes most of their time. */
let maker: RecordMaker | undefined;

/**
 * Checks that a {@link ResponseStore} does what `bulkSign` and a responder rely on: an older or less severe response never
 * takes the place of another, nothing of a run is served before its commit, a run goes on from its last checkpoint. For any
 * implementation, in any test framework. The responses put in are real ones, of a CA that the check makes.
 *
 * @throws (rejects) {@link ConformanceError} with all that does not hold.
 */
export async function checkResponseStore(make: MakeStore): Promise<void> {
  maker ??= new RecordMaker();
  const { certificate } = maker;
  const records = maker;
  await carryOut(
    STORE_CLAUSES,
    CHECKS.map(([clause, tries]) => [
      clause,
      async (findings) => {
        const store = await make(certificate);
        try {
          await tries(findings, new Bench(findings, store, records));
        } finally {
          await store.close();
        }
      },
    ]),
  );
}

const BAD: readonly (readonly [what: string, change: object, code: string])[] = [
  ['serial that is not hexadecimal', { serial: 'xyz' }, INVALID],
  ['serial that is empty text', { serial: '' }, INVALID],
  ['serial of no bytes', { serial: new Uint8Array(0) }, INVALID],
  ['serial of 300 bytes', { serial: 'f'.repeat(600) }, INVALID],
  ['serial that is a boolean', { serial: true }, 'ERR_INVALID_ARG_TYPE'],
  ['statusVersion that is negative', { statusVersion: -1 }, INVALID],
  ['statusVersion that is a fraction', { statusVersion: 1.5 }, INVALID],
  ['producedAt that is a Date', { producedAt: new Date() }, 'ERR_INVALID_ARG_TYPE'],
  ['nextUpdate of 2^48', { nextUpdate: 2 ** 48 }, INVALID],
  ['certStatus that is 3', { certStatus: 3 }, INVALID],
  ['hashAlgorithm that is MD5', { hashAlgorithm: 'md5' }, 'ERR_OCSP_UNSUPPORTED_ALGORITHM'],
  ['der that is text', { der: 'text' }, 'ERR_INVALID_ARG_TYPE'],
  ['der of no bytes', { der: new Uint8Array(0) }, INVALID],
];

const CHECKS: readonly (readonly [
  clause: keyof typeof STORE_CLAUSES,
  tries: (findings: Findings, bench: Bench) => Promise<void>,
])[] = [
  [
    'S1',
    async (f, bench) => {
      await bench.servesNothing('of an empty store', 0xabcn);
      const [first, zero] = [bench.record(0xabcn), bench.record(0n)];
      await f.equal('the result of a batch of two', () => bench.put(first, zero), { written: 2, kept: 0 });
      for (const form of [
        'abc',
        '0ABC',
        '000ABC',
        '0xabc',
        '0a:bc',
        Uint8Array.of(0, 0x0a, 0xbc),
        Uint8Array.of(0x0a, 0xbc),
      ])
        await bench.gives(`get(${typeof form === 'string' ? `'${form}'` : `bytes ${form}`})`, form, first);
      for (const form of [0n, '0', '00', Uint8Array.of(0)]) await bench.gives(`get(${String(form)})`, form, zero);
      await bench.servesNothing('of a neighbour', 0xabn, 0xabc0n, 0xabdn, 0xabbn, 1n);
    },
  ],
  [
    'S2',
    async (_, bench) => {
      const all = Array.from({ length: 160 }, (_, bits) => bench.record(1n << BigInt(bits)));
      await bench.put(...all);
      await bench.serves('of 160 powers of two', ...all);
      await bench.servesNothing('beside 160 powers of two', 3n, (1n << 159n) + 1n, 1n << 160n);
    },
  ],
  [
    'S3',
    async (_, bench) => {
      const record = bench.record(1n);
      const der = Buffer.from(record.der);
      await bench.put({ ...record, der });
      der.fill(0);
      await bench.serves('after the bytes that were put have changed', record);
      (await bench.store.get(1n))?.fill(0);
      await bench.serves('after the bytes that were got have changed', record);
    },
  ],
  [
    'S4',
    async (f, bench) => {
      let serial = 1000n;
      for (const [i] of bench.ascending(0n).entries()) {
        for (const [j] of bench.ascending(0n).entries()) {
          serial += 1n;
          const versions = bench.ascending(serial);
          const [first, second] = [versions[i], versions[j]] as [CheckedSerial, CheckedSerial];
          await bench.put(first);
          const what = `${nameOf(second.der, bench.maker)} after ${nameOf(first.der, bench.maker)}`;
          const result = j > i ? { written: 1, kept: 0 } : { written: 0, kept: 1 };
          await f.equal(`the result of ${what}`, () => bench.put(second), result);
          await bench.gives(`get after ${what}`, serial, versions[Math.max(i, j)]);
        }
      }
    },
  ],
  [
    'S5',
    async (_, bench) => {
      const shuffled = (serial: bigint): CheckedSerial[] => {
        const versions = bench.ascending(serial);
        return [3, 6, 0, 5, 1, 4, 2].map((i) => versions[i] as CheckedSerial);
      };
      const best = (serial: bigint): CheckedSerial => bench.ascending(serial).at(-1) as CheckedSerial;
      await bench.put(...shuffled(7n));
      await bench.serves('after one batch of seven versions', best(7n));
      await Promise.all(shuffled(8n).map((item) => bench.put(item)));
      await bench.serves('after seven batches at once', best(8n));
      const run = await bench.begin('run');
      for (const item of shuffled(9n)) await run.append([item]);
      await run.commit();
      await bench.serves('after a run with seven versions', best(9n));
    },
  ],
  [
    'S6',
    async (f, bench) => {
      const [one, other] = [
        bench.record(1n),
        bench.record(1n, { hashAlgorithm: 'sha256', producedAt: bench.maker.begin + 9 }),
      ];
      await bench.put(other);
      await bench.gives('get where there is only SHA-256', 1n, other);
      await bench.gives('get of SHA-1 where there is only SHA-256', 1n, undefined, { hashAlgorithm: 'sha1' });
      await bench.put(one);
      await bench.gives('get without a choice', 1n, one);
      await bench.gives('get of SHA-1', 1n, one, { hashAlgorithm: 'sha1' });
      await bench.gives('get of SHA-256', 1n, other, { hashAlgorithm: 'sha256' });
      await bench.gives('get of SHA-384', 1n, undefined, { hashAlgorithm: 'sha384' });
      const both = [bench.record(2n), bench.record(2n, { hashAlgorithm: 'sha256' })];
      await f.equal('the result of a batch of two hashes', () => bench.put(...both), { written: 2, kept: 0 });
      const { issuerNameHash } = certIdOf(bench.maker, 1n, 'sha256');
      await bench.gives('get of SHA-256 and its issuerNameHash', 1n, other, {
        hashAlgorithm: 'sha256',
        issuerNameHash,
      });
      await bench.gives('get of another issuerNameHash', 1n, undefined, { hashAlgorithm: 'sha1', issuerNameHash });
    },
  ],
  [
    'S7',
    async (f, bench) => {
      const revoked = bench.record(1n, { statusVersion: 2, certStatus: REVOKED });
      await bench.put(bench.record(1n), bench.record(1n, { hashAlgorithm: 'sha256' }));
      await bench.put(revoked);
      await bench.gives('get of SHA-1 after a revocation by SHA-1', 1n, revoked, { hashAlgorithm: 'sha1' });
      await bench.gives('get of SHA-256 after a revocation by SHA-1', 1n, undefined, { hashAlgorithm: 'sha256' });
      const late = bench.record(1n, { hashAlgorithm: 'sha256', producedAt: bench.maker.begin + 99 });
      await f.equal('the result of an older good by SHA-256', () => bench.put(late), { written: 0, kept: 1 });
      await bench.gives('get of SHA-256 after it', 1n, undefined, { hashAlgorithm: 'sha256' });
    },
  ],
  [
    'S8',
    async (f, bench) => {
      const [one, other] = [bench.record(0x77n), bench.record(0x77n, { hashAlgorithm: 'sha256' })];
      await bench.put(one, other, bench.record(0x78n));
      const lookup = (certId: CertIdLookup) => async () => nameOf(await bench.store.lookup(certId), bench.maker);
      for (const [hash, record] of [
        ['sha1', one],
        ['sha256', other],
      ] as const)
        await f.equal(`lookup by ${hash}`, lookup(certIdOf(bench.maker, 0x77n, hash)), nameOf(record.der, bench.maker));
      await f.equal(
        'lookup by a hash that there is none of',
        lookup(certIdOf(bench.maker, 0x78n, 'sha256')),
        undefined,
      );
      const certId = certIdOf(bench.maker, 0x77n, 'sha1');
      for (const name of ['issuerNameHash', 'issuerKeyHash'] as const) {
        const wrong = { ...certId, [name]: Buffer.alloc(20, 7) };
        await f.refused(`lookup with another ${name}`, () => bench.store.lookup(wrong), MISMATCH);
      }
    },
  ],
  [
    'S9',
    async (f, bench) => {
      await bench.put(bench.record(1n));
      const issuer = new RecordMaker().identity;
      const record = bench.record(2n);
      await f.refused('putBatch of another issuer', () => bench.store.putBatch([record], { issuer }), MISMATCH);
      await f.refused('beginRun of another issuer', () => bench.store.beginRun({ id: 'other', issuer }), MISMATCH);
      await bench.servesNothing('after both were refused', 2n);
    },
  ],
  [
    'S10',
    async (f, bench) => {
      for (const [what, change, code] of BAD) {
        const wrong = { ...bench.record(1n), ...change } as ResponseRecord;
        await f.refused(`putBatch with a ${what}`, () => bench.put(bench.record(2n), wrong), code);
      }
      await bench.servesNothing('after all were refused', 1n, 2n);
      const run = await bench.begin('run');
      const wrong = { ...bench.record(1n), certStatus: 3 } as unknown as ResponseRecord;
      await f.refused('append with a certStatus that is 3', () => run.append([wrong]), INVALID);
      await run.discard();
    },
  ],
  [
    'S11',
    async (f, bench) => {
      const run = await bench.begin('run');
      await f.equal('resumeToken of a new run', run.resumeToken, null);
      await run.append([bench.record(1n), bench.record(2n)]);
      await run.checkpoint('two');
      await run.append([bench.record(3n)]);
      await bench.servesNothing('before the commit', 1n, 2n, 3n);
      await f.equal('records of the run', run.records, 3);
      await run.commit();
      await bench.serves('after the commit', bench.record(1n), bench.record(2n), bench.record(3n));
      await f.refused('append after the commit', () => run.append([bench.record(4n)]), INVALID);
      await f.refused('checkpoint after the commit', () => run.checkpoint('three'), INVALID);
      await f.refused('commit after the commit', () => run.commit(), INVALID);
      await f.equal('close after the commit', () => run.close(), undefined);
    },
  ],
  [
    'S12',
    async (f, bench) => {
      const first = await bench.begin('run');
      await first.append([bench.record(1n)]);
      await first.checkpoint('one');
      await first.append([bench.record(2n, { statusVersion: 9 }), bench.record(9n)]);
      await first.close();
      const second = await bench.begin('run');
      await f.equal(
        'resumeToken and records of the run that goes on',
        [second.resumeToken, second.records],
        ['one', 1],
      );
      await second.append([bench.record(2n), bench.record(3n)]);
      await second.commit();
      await bench.serves('after the commit', bench.record(1n), bench.record(2n), bench.record(3n));
      await bench.servesNothing('that was appended after the checkpoint', 9n);
      const third = await bench.begin('run');
      await f.equal('resumeToken under the id of a run that was committed', third.resumeToken, null);
      await third.close();
    },
  ],
  [
    'S13',
    async (f, bench) => {
      const first = await bench.begin('first');
      await first.append([bench.record(1n)]);
      await first.checkpoint('one');
      await first.close();
      await f.refused('a run of another id', () => bench.begin('another'), INVALID);
      const again = await bench.begin('first');
      await f.equal('resumeToken after that', again.resumeToken, 'one');
      await again.discard();
      const second = await bench.begin('second');
      await f.equal('resumeToken after discard', second.resumeToken, null);
      await second.append([bench.record(2n)]);
      await second.checkpoint('two');
      await second.close();
      const third = await bench.begin('third', 'discard');
      await f.equal('resumeToken after otherRun: discard', third.resumeToken, null);
      await third.commit();
      await bench.servesNothing('of runs that were discarded', 1n, 2n);
    },
  ],
  [
    'S14',
    async (f, bench) => {
      const { begin } = bench.maker;
      const run = await bench.begin('run');
      const [one, two] = [bench.record(1n, { producedAt: begin + 300 }), bench.record(2n, { producedAt: begin + 300 })];
      await run.append([one, two]);
      const revoked = bench.record(1n, { statusVersion: 2, certStatus: REVOKED, producedAt: begin + 200 });
      await bench.put(revoked);
      await bench.serves('before the commit', revoked);
      await f.equal('the result of the commit', () => run.commit(), { written: 1, kept: 1 });
      await bench.serves('after the commit', revoked, two);
    },
  ],
  [
    'S15',
    async (f, bench) => {
      const { begin } = bench.maker;
      await bench.put(
        bench.record(1n),
        bench.record(2n, { statusVersion: 2 }),
        bench.record(3n, { certStatus: REVOKED }),
        bench.record(4n),
      );
      const run = await bench.begin('run');
      await run.append([1n, 2n, 3n, 5n].map((serial) => bench.record(serial, { producedAt: begin + 1 })));
      await run.append([bench.record(5n, { producedAt: begin + 2, certStatus: REVOKED })]);
      await f.equal('the result of the commit', () => run.commit(), { written: 2, kept: 2 });
      const empty = await bench.begin('empty');
      await f.equal('the result of an empty run', () => empty.commit(), { written: 0, kept: 0 });
    },
  ],
  [
    'S16',
    async (f, bench) => {
      const edition = (list: string, number: string | null, thisUpdate: number) => ({ list, number, thisUpdate });
      const editions = async (): Promise<unknown> => {
        const run = await bench.begin('look');
        await run.discard();
        return [...run.editions].sort((a, b) => (a.list < b.list ? -1 : 1));
      };
      const commit = async (one?: ReturnType<typeof edition>): Promise<void> => {
        const run = await bench.begin('run');
        await run.commit(one);
      };
      await f.equal('editions of an empty store', editions, []);
      await commit(edition('a', '7', 100));
      await commit(edition('b', null, 50));
      await commit(edition('a', '6', 90));
      const both = [edition('a', '6', 90), edition('b', null, 50)];
      await f.equal('editions after two of a and one of b', editions, both);
      await commit();
      await f.equal('editions after a run without one', editions, both);
    },
  ],
  [
    'S17',
    async (f, bench) => {
      const soon = Math.floor(Date.now() / 1000) + 3600;
      const revoked = bench.record(2n, { statusVersion: 2, certStatus: REVOKED, nextUpdate: soon + 1000 });
      const lasting = [bench.record(3n, { nextUpdate: null }), bench.record(4n, { nextUpdate: soon + 2001 })];
      await bench.put(
        bench.record(1n, { nextUpdate: soon + 1000 }),
        bench.record(2n, { nextUpdate: soon + 5000 }),
        ...lasting,
      );
      await bench.put(revoked);
      const count = await bench.store.sweep(new Date((soon + 2000) * 1000));
      f.holds('the result of a sweep', count >= 0 && count <= 3, 'a number of responses, 3 at most', count);
      if ((await bench.store.get(2n)) !== undefined) await bench.serves('after a sweep, if it is there', revoked);
      await bench.serves('after a sweep', ...lasting);
    },
  ],
  ['S18', tryRivalRuns],
];
