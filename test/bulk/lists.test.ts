/** Lists of several generations into one store: good never comes after revoked but by a newer list, and runs say what is served. */
import { sign } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { loadDerOcspResponse, OCSPCertStatus, ReasonFlags } from 'openssl-ocsp';
import {
  type BulkResult,
  bulkSign,
  crlSource,
  iterableSource,
  ResponseSigner,
  type ResponseStore,
  SegmentStore,
  type StatusEntry,
} from 'openssl-ocsp/bulk';
import { createTestCa } from 'openssl-ocsp/testing';
import { encodeSequence, encodeTlv } from '#dist/x509/der.js';
import { MemoryStore } from '../testing/memory-bulk.js';
import { scratch } from './scratch.js';
import { crlOf, entryOf, extensionOf } from './sources/crls.js';

const { GOOD, REVOKED, UNKNOWN } = OCSPCertStatus;
const ca = createTestCa();
const signer = new ResponseSigner({
  issuer: ca.certificate,
  responder: ca.certificate,
  privateKey: ca.privateKey,
  certIdAlgorithm: 'sha256',
});
const SERIALS = [1n, 2n, 3n];
/** Second 0 of the moments below. */
const ORIGIN = Math.floor(Date.now() / 1000) - 20_000;
const MINUTE = 60;
const dateOf = (moment: number): Date => new Date((ORIGIN + moment * MINUTE) * 1000);

const moment = fc.nat(40);
const statuses = fc.tuple(...SERIALS.map(() => fc.constantFrom(null, GOOD, GOOD, REVOKED, UNKNOWN)));
const step = fc.oneof(
  // (Without a time it is of the second at which it is read.)
  fc.record({ kind: fc.constant('file' as const), isDated: fc.boolean(), time: moment, statuses, clock: moment }),
  fc.record({
    kind: fc.constant('crl' as const),
    time: moment,
    number: fc.option(fc.nat(8)),
    revoked: fc.subarray(SERIALS),
    issued: fc.subarray(SERIALS),
    clock: moment,
  }),
  fc.record({ kind: fc.constant('put' as const), time: moment, serial: fc.constantFrom(...SERIALS), clock: moment }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What a list, or somebody, has said of a certificate. */
interface Statement {
  readonly status: OCSPCertStatus;
  readonly time: number;
}

const revocation = { status: REVOKED, revocationTime: dateOf(0), reason: ReasonFlags.superseded } as const;

/** What the step says, and the run that publishes it. */
async function publish(
  store: ResponseStore,
  one: Step,
  id: string,
): Promise<[Map<bigint, OCSPCertStatus>, BulkResult?]> {
  const said = new Map<bigint, OCSPCertStatus>();
  const common = { signer, store, id, threads: 1 };
  if (one.kind === 'put') {
    said.set(one.serial, REVOKED);
    const version = { statusVersion: ORIGIN + one.time * MINUTE, producedAt: Math.floor(Date.now() / 1000) };
    const der = await signer.signAsync({ serialNumber: one.serial, ...revocation });
    const record = { serial: one.serial, ...signer.answers[0], ...version, certStatus: REVOKED, nextUpdate: null, der };
    await store.putBatch([record], { issuer: signer.issuer });
    return [said];
  }
  if (one.kind === 'file') {
    const entries: StatusEntry[] = [];
    for (const [i, status] of one.statuses.entries()) {
      if (status === null) continue;
      const serialNumber = SERIALS[i] as bigint;
      said.set(serialNumber, status);
      entries.push(status === REVOKED ? { serialNumber, ...revocation } : { serialNumber, status });
    }
    const modified = one.isDated ? { modified: dateOf(one.time) } : {};
    return [said, await bulkSign({ ...common, source: iterableSource(entries), ...modified })];
  }
  for (const serial of one.issued) said.set(serial, GOOD);
  for (const serial of one.revoked) said.set(serial, REVOKED);
  const crl = crlOf(ca, {
    ...(one.number !== null && { number: one.number }),
    thisUpdate: dateOf(one.time),
    nextUpdate: null,
    entries: one.revoked.map((serial) => entryOf(serial)),
  });
  const source = crlSource(crl, { issuer: ca.certificate, serials: one.issued, allowFuture: true });
  return [said, await bulkSign({ ...common, source })];
}

async function holds(t: ExecutionContext, store: ResponseStore, steps: readonly Step[]): Promise<void> {
  const realNow = Date.now;
  const served = new Map<bigint, Statement>();
  const everRevoked = new Map<bigint, number>();
  let newestFile = Number.NEGATIVE_INFINITY;
  try {
    for (const [i, one] of steps.entries()) {
      // No two runs in one second, in a clock that jumps.
      const now = ORIGIN + one.clock * MINUTE + i;
      Date.now = () => now * 1000;
      const before = await Promise.all(SERIALS.map((serial) => store.get(serial)));
      const [said, result] = await publish(store, one, `run ${i}`);
      const saidAt = one.kind === 'file' && !one.isDated ? now : ORIGIN + one.time * MINUTE;
      const time = one.kind === 'put' ? saidAt : Math.min(saidAt, now);
      let kept = 0;
      for (const [place, serial] of SERIALS.entries()) {
        const der = await store.get(serial);
        const status = said.get(serial);
        const isNew = der !== undefined && !before[place]?.equals(der);
        const last = served.get(serial);
        if (isNew) served.set(serial, { status: status as OCSPCertStatus, time });
        else if (status !== undefined) kept += 1;
        if (status === REVOKED) everRevoked.set(serial, Math.max(everRevoked.get(serial) ?? 0, time));
        const current = served.get(serial);
        t.is(der === undefined ? undefined : loadDerOcspResponse(der).certificateStatus, current?.status);
        if (current?.status === GOOD && everRevoked.has(serial))
          t.true(
            current.time > (everRevoked.get(serial) as number),
            'good only by what is newer than every revocation',
          );
        if (result?.supersededBy && last?.status === REVOKED && last.time >= result.supersededBy.thisUpdate)
          t.is(current?.status, REVOKED, 'a CRL that goes back takes nothing back of the one before');
        if (one.kind === 'file' && status === REVOKED && !isNew && current?.status !== REVOKED)
          t.true(
            (current as Statement).time > Math.max(newestFile, time),
            'a revocation is served, whatever its time says',
          );
      }
      if (result !== undefined) t.deepEqual([result.served, result.kept], [said.size - kept, kept]);
      if (one.kind === 'file') newestFile = Math.max(newestFile, time);
    }
  } finally {
    Date.now = realNow;
  }
}

const steps = fc.array(step, { minLength: 2, maxLength: 8 });

test.serial('lists in any order, a clock that jumps: a store in memory', async (t) => {
  t.timeout(600_000);
  await fc.assert(
    fc.asyncProperty(steps, (all) => holds(t, new MemoryStore(), all)),
    { numRuns: 150 },
  );
});

test.serial('a list without any certificate is one of its time, too', async (t) => {
  const at = { time: 0, isDated: false } as const;
  const steps: Step[] = [
    { kind: 'crl', time: 1, number: null, revoked: [], issued: [3n], clock: 1 },
    { kind: 'file', ...at, statuses: [null, null, null], clock: 1 },
    // In a clock that has gone back.
    { kind: 'file', ...at, statuses: [null, null, REVOKED], clock: 0 },
  ];
  const store = new MemoryStore();
  await holds(t, store, steps);
  t.is(loadDerOcspResponse((await store.get(3n)) as Buffer).certificateStatus, REVOKED);
});

test.serial('lists in any order, a clock that jumps: a store of segments', async (t) => {
  t.timeout(600_000);
  const run = async (all: readonly Step[]): Promise<void> => {
    const store = await SegmentStore.open(scratch(t), { refreshInterval: 0 });
    try {
      await holds(t, store, all);
    } finally {
      store.close();
    }
  };
  await fc.assert(fc.asyncProperty(steps, run), { numRuns: 25 });
});

/** Signs CRLs one after the other into one store, and tells of each run what is served for serial 1. */
async function signCrls(
  t: ExecutionContext,
  crls: readonly [number: number | undefined, minute: number, isRevoked: boolean, options?: object][],
): Promise<[status: string | undefined, kept: number, supersededBy: string | null][]> {
  const store = await SegmentStore.open(scratch(t));
  const found: [string | undefined, number, string | null][] = [];
  for (const [i, [number, minute, isRevoked, options]] of crls.entries()) {
    const entries = isRevoked ? [entryOf(1n)] : [];
    const crl = crlOf(ca, {
      ...(number !== undefined && { number }),
      thisUpdate: dateOf(minute),
      nextUpdate: null,
      entries,
    });
    const source = crlSource(crl, { serials: [1n] });
    const { kept, supersededBy } = await bulkSign({ source, signer, store, id: `${i}`, threads: 1, ...options });
    const der = store.get(1n) as Buffer;
    found.push([OCSPCertStatus[loadDerOcspResponse(der).certificateStatus], kept, supersededBy?.number ?? null]);
  }
  store.close();
  return found;
}

test.serial('a CRL that goes back, by number or time, replaces nothing, and the result says so', async (t) => {
  t.deepEqual(
    await signCrls(t, [
      [8, 20, true],
      [7, 10, false],
      [8, 20, true],
      [7, 30, false],
      [9, 10, false],
      [undefined, 10, false],
      [255, 30, false],
      [256, 31, true],
      [16, 40, false],
    ]),
    [
      ['REVOKED', 0, null],
      ['REVOKED', 1, '8'],
      ['REVOKED', 0, null],
      ['REVOKED', 1, '8'],
      ['REVOKED', 1, '8'],
      ['REVOKED', 1, '8'],
      ['GOOD', 0, null],
      ['REVOKED', 0, null],
      ['REVOKED', 1, '100'],
    ],
  );
});

test.serial('a CRL that goes back counts when that is asked for, by name', async (t) => {
  t.deepEqual(
    await signCrls(t, [
      [8, 20, true],
      [1, 10, false, { allowOlderList: true }],
      [2, 11, true],
      [8, 20, true],
    ]),
    [
      ['REVOKED', 0, null],
      ['GOOD', 0, null],
      ['GOOD', 1, null],
      ['GOOD', 1, null],
    ],
  );
  const older = signCrls(t, [
    [8, 20, true],
    [7, 10, false, { statusVersion: 2 ** 40 }],
  ]);
  await t.throwsAsync(older, { code: 'ERR_OCSP_INVALID_VALUE', message: /the list goes back: number 7 of/ });
});

test.serial('parts of a list have editions of their own', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  const signPart = async (tag: number, number: number): Promise<BulkResult> => {
    const part = extensionOf('2.5.29.28', encodeSequence(encodeTlv(tag, Buffer.of(0xff))), true);
    const crl = crlOf(ca, { number, extensions: [part], nextUpdate: null });
    return bulkSign({ source: crlSource(crl), signer, store, id: `${tag} ${number}`, threads: 1 });
  };
  t.is((await signPart(0x81, 5)).supersededBy, null);
  t.is((await signPart(0x82, 3)).supersededBy, null);
  t.is((await signPart(0x82, 2)).supersededBy?.number, '3');
  t.is((await signPart(0x81, 6)).supersededBy, null);
  store.close();
});

test.serial('an entry is read once: one object for all rows, getters, objects that change', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  const reads = new Map<string, number>();
  const row = { serial: 0n, status: GOOD as OCSPCertStatus };
  const members: Record<string, () => unknown> = {
    serialNumber: () => row.serial,
    status: () => row.status,
    revocationTime: () => (row.status === REVOKED ? dateOf(0) : null),
    reason: () => null,
    thisUpdate: () => undefined,
    nextUpdate: () => null,
    singleExtensions: () => undefined,
    statusVersion: () => 7,
  };
  const prototype = {};
  for (const [name, member] of Object.entries(members)) {
    const get = (): unknown => {
      reads.set(name, (reads.get(name) ?? 0) + 1);
      return member();
    };
    Object.defineProperty(prototype, name, { get });
  }
  const cursor = Object.create(prototype) as StatusEntry;
  function* rows(): Generator<StatusEntry> {
    for (let i = 1; i <= 600; i += 1) {
      row.serial = BigInt(i);
      row.status = i % 7 === 0 ? REVOKED : GOOD;
      yield cursor;
    }
    row.serial = 9999n;
  }
  const check = (): void => {
    for (let i = 1; i <= 600; i += 1) {
      const response = loadDerOcspResponse(store.get(BigInt(i)) as Buffer);
      t.is(response.serialNumber, BigInt(i));
      t.is(response.certificateStatus, i % 7 === 0 ? REVOKED : GOOD);
      t.is(store.getRecord(BigInt(i))?.certStatus, response.certificateStatus);
      t.is(store.getRecord(BigInt(i))?.statusVersion, 7);
    }
    t.is(store.get(9999n), undefined);
  };
  await bulkSign({ source: iterableSource(rows()), signer, store, id: 'cursor' });
  check();
  t.deepEqual([...new Set(reads.values())], [600]);
  let at = 0;
  const external = new ResponseSigner({
    issuer: ca.certificate,
    responder: ca.certificate,
    certIdAlgorithm: 'sha256',
    privateKey: {
      sign: async (bytes) => {
        at += 1;
        return sign('sha256', bytes, ca.privateKey);
      },
    },
  });
  reads.clear();
  for await (const { entry, der } of external.signAll(rows())) {
    const response = loadDerOcspResponse(der);
    t.is(response.serialNumber, entry.serialNumber as bigint);
    t.is(response.certificateStatus, entry.status);
  }
  t.is(at, 600);
  t.deepEqual([...new Set(reads.values())], [600]);
  store.close();
});

test.serial('versions that contradict are refused', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  const source = iterableSource([{ serialNumber: 1n, status: GOOD }]);
  for (const [options, code] of [
    [{ statusVersion: 1, modified: new Date() }, 'ERR_OCSP_INVALID_VALUE'],
    [{ modified: new Date(Number.NaN) }, 'ERR_OCSP_INVALID_VALUE'],
    [{ modified: 5 as never }, 'ERR_INVALID_ARG_TYPE'],
  ] as const) {
    await t.throwsAsync(bulkSign({ source, signer, store, id: 'x', ...options }), { code });
  }
  store.close();
});

test.serial('the bare rate of more threads than there is time for', async (t) => {
  for (let i = 0; i < 20; i += 1) t.true((await signer.rawSigningRate(64, 5)) > 0);
});
