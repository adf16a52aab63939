import type { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import fc from 'fast-check';
import {
  CRLReason,
  Extension,
  loadDerOcspResponse,
  OCSPCertStatus,
  OCSPResponderEncoding,
  OCSPResponseBuilder,
  ReasonFlags,
  UnrecognizedExtension,
} from 'openssl-ocsp';
import { createTestCa } from 'openssl-ocsp/testing';
import { ResponseSigner } from '#dist/signing/response-signer.js';
import { copyEntry, type StatusEntry } from '#dist/statuses/status-entry.js';
import { verifies } from '../helpers/fixtures.js';
import { refuses, refusesType } from '../helpers/refusals.js';

const { GOOD, REVOKED, UNKNOWN } = OCSPCertStatus;
const ca = createTestCa({ subject: 'O=Bulk, CN=CA' });
const delegate = ca.issueResponder({ subject: 'CN=Delegate' });
const signer = new ResponseSigner({
  certIdAlgorithm: 'sha256',
  issuer: ca.certificate,
  responder: delegate.certificate,
  privateKey: delegate.privateKey,
});

/** Serial numbers 1, 2, 3, ... */
function* entries(count: number): Generator<StatusEntry> {
  for (let i = 1; i <= count; i += 1) yield { serialNumber: BigInt(i), status: GOOD };
}

test('entries with extensions of a megabyte take as much memory as they are long', async (t) => {
  const extension = new Extension('1.2.3.4', false, new UnrecognizedExtension('1.2.3.4', Buffer.alloc(1 << 20)));
  const long = Array.from({ length: 16 }, (_, i) => ({
    serialNumber: BigInt(i + 1),
    status: GOOD,
    singleExtensions: [extension],
  }));
  const both = new ResponseSigner({
    issuer: ca.certificate,
    responder: delegate.certificate,
    privateKey: delegate.privateKey,
  });
  let count = 0;
  for await (const { der } of both.signAll(long)) {
    t.true(der.length > 1 << 20);
    count += 1;
  }
  t.is(count, 32);
});

const anyTime = fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }).map((seconds) => new Date(seconds * 1000));
const anyEntry: fc.Arbitrary<StatusEntry> = fc
  .record({
    serial: fc.bigInt({ min: 0n, max: 2n ** 400n }),
    hex: fc.boolean(),
    status: fc.constantFrom(GOOD, REVOKED, UNKNOWN),
    revocationTime: anyTime,
    reason: fc.option(fc.constantFrom(...Object.values(ReasonFlags))),
    thisUpdate: anyTime,
    nextUpdate: fc.option(anyTime),
    extension: fc.boolean(),
  })
  .map(({ serial, hex, status, revocationTime, reason, thisUpdate, nextUpdate, extension }) => ({
    serialNumber: hex ? serial.toString(16) : serial,
    status,
    ...(status === REVOKED ? { revocationTime, reason } : {}),
    thisUpdate,
    nextUpdate,
    ...(extension
      ? { singleExtensions: [new Extension('2.5.29.21', false, new CRLReason(ReasonFlags.superseded))] }
      : {}),
  }));

for (const [keyType, algorithm] of [
  ['rsa', 'sha256'],
  ['ed25519', null],
] as const) {
  const own = createTestCa({ subject: 'CN=Deterministic', keyType });
  for (const responderId of Object.values(OCSPResponderEncoding)) {
    for (const certIdAlgorithm of ['sha1', 'sha384'] as const) {
      test(`the bytes of the builder: ${keyType}, ${responderId}, ${certIdAlgorithm}`, (t) => {
        const bulk = new ResponseSigner({
          issuer: own.certificate,
          responder: own.certificate,
          privateKey: own.privateKey,
          responderId,
          certIdAlgorithm,
          certificates: [delegate.certificate, ca.certificate],
          // Times that lie beyond its end are signed as they are.
          allowUnauthorized: true,
        });
        fc.assert(
          fc.property(anyEntry, (entry) => {
            const der = bulk.sign(entry);
            const signed = loadDerOcspResponse(der);
            const expected = new OCSPResponseBuilder()
              .addResponseByHash({
                issuerNameHash: signed.issuerNameHash,
                issuerKeyHash: signed.issuerKeyHash,
                serialNumber: entry.serialNumber,
                algorithm: certIdAlgorithm,
                certStatus: entry.status,
                thisUpdate: entry.thisUpdate as Date,
                nextUpdate: entry.nextUpdate,
                revocationTime: entry.revocationTime,
                revocationReason: entry.reason,
                singleExtensions: entry.singleExtensions,
              })
              .responderId(responderId, own.certificate)
              .certificates([delegate.certificate, ca.certificate])
              .producedAt(signed.producedAt)
              .sign(own.privateKey, algorithm);
            t.deepEqual(der, expected.publicBytes());
          }),
          { numRuns: keyType === 'rsa' ? 50 : 200 },
        );
      });
    }
  }
}

test('CertIDs are those of the builder', (t) => {
  const leaf = ca.issue({ serialNumber: 77n });
  const signed = loadDerOcspResponse(signer.sign({ serialNumber: leaf.certificate.serialNumber, status: GOOD }));
  const built = new OCSPResponseBuilder()
    .addResponse(leaf.certificate, ca.certificate, 'sha256', GOOD, new Date(), null, null, null)
    .responderId(OCSPResponderEncoding.HASH, delegate.certificate)
    .sign(delegate.privateKey, 'sha256');
  t.deepEqual(signed.issuerNameHash, built.issuerNameHash);
  t.deepEqual(signed.issuerKeyHash, built.issuerKeyHash);
  t.is(signed.serialNumber, 77n);
  t.deepEqual(signed.responderKeyHash, built.responderKeyHash);
  t.deepEqual(
    signed.certificates.map(({ raw }) => raw),
    [delegate.certificate.raw],
  );
});

test('sign and signAsync: signatures verify, times come from the validity', async (t) => {
  const thisUpdate = new Date('2030-01-01T12:34:56Z');
  const daily = new ResponseSigner({
    certIdAlgorithm: 'sha256',
    issuer: ca.certificate,
    responder: delegate.certificate,
    privateKey: delegate.privateKey,
    validity: { thisUpdate, granularity: 3600, period: 86_400 },
    allowUnauthorized: true,
  });
  for (const der of [
    daily.sign({ serialNumber: 'ff', status: UNKNOWN }),
    await daily.signAsync({ serialNumber: 'FF', status: UNKNOWN }),
  ]) {
    const response = loadDerOcspResponse(der);
    t.true(verifies(response, delegate.certificate.publicKey));
    t.is(response.serialNumber, 255n);
    t.deepEqual(response.thisUpdate, new Date('2030-01-01T12:00:00Z'));
    t.deepEqual(response.nextUpdate, new Date('2030-01-02T12:00:00Z'));
  }
});

test('signAll: in order, complete, every signature good', async (t) => {
  for (const count of [0, 1, 127, 128, 129, 1000]) {
    let expected = 0n;
    for await (const { entry, der } of signer.signAll(entries(count), { threads: 3, verifySample: 1 })) {
      expected += 1n;
      const response = loadDerOcspResponse(der);
      t.is(response.serialNumber, expected);
      t.is(entry.serialNumber, expected);
      if (expected % 50n === 0n) t.true(verifies(response, delegate.certificate.publicKey));
    }
    t.is(expected, BigInt(count));
  }
});

test('signAll: async sources, progress, results on memory of their own', async (t) => {
  async function* source(): AsyncGenerator<StatusEntry> {
    for (const entry of entries(300)) {
      if (entry.serialNumber === 200n) await sleep(5);
      yield entry;
    }
  }
  const progress: number[] = [];
  const seen: Buffer[] = [];
  for await (const { der } of signer.signAll(source(), { batchSize: 100, onProgress: (n) => progress.push(n) })) {
    seen.push(der);
  }
  t.is(seen.length, 300);
  seen[7]?.fill(0);
  for (const [i, der] of seen.entries()) if (i !== 7) t.is(loadDerOcspResponse(der).serialNumber, BigInt(i + 1));
  t.is(progress.at(-1), 300);
  t.deepEqual(
    progress,
    progress.toSorted((a, b) => a - b),
  );
});

test('signAll reads no further ahead than its batches', async (t) => {
  let read = 0;
  function* source(): Generator<StatusEntry> {
    for (const entry of entries(100_000)) {
      read += 1;
      yield entry;
    }
  }
  const results = signer.signAll(source(), { threads: 2, batchSize: 10 });
  await results.next();
  await sleep(50);
  t.true(read <= 2 * 4 * 10 + 10, `${read} entries read`);
  await results.return?.();
  t.true((await results.next()).done);
});

test('signAll: a source that throws, a bad entry, an abort', async (t) => {
  function* failing(): Generator<StatusEntry> {
    yield* entries(5);
    throw new Error('the source is broken');
  }
  await t.throwsAsync(async () => signedBy(failing()), { message: 'the source is broken' });
  const bad = [...entries(3), { serialNumber: 'xyz', status: GOOD }];
  await t.throwsAsync(async () => signedBy(bad), { code: 'ERR_OCSP_INVALID_VALUE' });

  const controller = new AbortController();
  let count = 0;
  const aborted = async (): Promise<void> => {
    for await (const _ of signer.signAll(entries(1e6), { signal: controller.signal })) {
      count += 1;
      if (count === 500) controller.abort(new Error('enough'));
    }
  };
  await t.throwsAsync(aborted, { message: 'enough' });
  t.is(count, 500);

  for (const when of [1, 2, 5]) {
    let isClosed = false;
    let calls = 0;
    const source = function* (): Generator<StatusEntry> {
      try {
        yield* entries(1e6);
      } finally {
        isClosed = true;
      }
    };
    const onProgress = (): void => {
      calls += 1;
      if (calls === when) throw new Error('not this way');
    };
    const telling = async (): Promise<void> => {
      for await (const _ of signer.signAll(source(), { onProgress }));
    };
    await t.throwsAsync(telling, { message: 'not this way' });
    t.true(isClosed, `after ${when}`);
  }
  await t.throwsAsync(async () => signedBy(entries(1), AbortSignal.abort(new Error('before'))), { message: 'before' });
});

async function signedBy(source: Iterable<StatusEntry>, signal?: AbortSignal): Promise<number> {
  let count = 0;
  for await (const _ of signer.signAll(source, signal ? { signal } : {})) count += 1;
  return count;
}

test('serial numbers of every length, as bigint and as text', async (t) => {
  const serials = [0n, 1n];
  for (const bits of [7n, 8n, 15n, 16n, 63n, 64n, 65n, 127n, 128n, 159n, 160n, 191n, 192n, 193n, 4000n]) {
    serials.push((1n << bits) - 1n, 1n << bits, (1n << bits) + 1n);
  }
  for (const serial of serials) {
    for (const serialNumber of [serial, serial.toString(16), `00${serial.toString(16).toUpperCase()}`]) {
      t.is(loadDerOcspResponse(signer.sign({ serialNumber, status: GOOD })).serialNumber, serial);
    }
  }
  let i = 0;
  for await (const { der } of signer.signAll(serials.map((serialNumber) => ({ serialNumber, status: GOOD })))) {
    t.is(loadDerOcspResponse(der).serialNumber, serials[i] as bigint);
    i += 1;
  }
});

test('a bad entry is named, after the responses for those before it', async (t) => {
  for (const [bad, code] of [
    [{ serialNumber: 0xabcn, status: REVOKED }, 'ERR_INVALID_ARG_TYPE'],
    [{ serialNumber: 0xabcn, status: 7 }, 'ERR_OCSP_INVALID_VALUE'],
  ] as const) {
    let closed = false;
    function* source(): Generator<StatusEntry> {
      try {
        yield* entries(300);
        yield bad as unknown as StatusEntry;
      } finally {
        closed = true;
      }
    }
    let count = 0;
    const drain = async (): Promise<void> => {
      for await (const _ of signer.signAll(source())) count += 1;
    };
    await t.throwsAsync(drain, { code, message: /^entry 300 \(serial number 0ABC\): / });
    t.is(count, 300);
    t.true(closed);
  }
  await t.throwsAsync(() => signedBy([undefined as unknown as StatusEntry]), { code: 'ERR_INVALID_ARG_TYPE' });
});

test('a source that pauses: what it gave before comes out', async (t) => {
  let release: (() => void) | undefined;
  async function* source(): AsyncGenerator<StatusEntry> {
    yield* entries(3);
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    yield* entries(2);
  }
  const seen: unknown[] = [];
  for await (const { entry } of signer.signAll(source())) {
    seen.push(entry.serialNumber);
    if (seen.length === 3) release?.();
  }
  t.deepEqual(seen, [1n, 2n, 3n, 1n, 2n]);

  // An abort, and leaving, do not wait for a source that never answers.
  async function* stuck(): AsyncGenerator<StatusEntry> {
    yield* entries(1);
    await new Promise<void>(() => undefined);
  }
  const controller = new AbortController();
  const drain = async (): Promise<void> => {
    for await (const _ of signer.signAll(stuck(), { signal: controller.signal })) controller.abort(new Error('enough'));
  };
  await t.throwsAsync(drain, { message: 'enough' });
  for await (const _ of signer.signAll(stuck())) break;
});

test('overlapping calls of next get results in order', async (t) => {
  const results = signer.signAll(entries(20), { batchSize: 3 });
  const all = await Promise.all(Array.from({ length: 22 }, () => results.next()));
  t.deepEqual(
    all.map(({ done, value }) => (done ? null : value.entry.serialNumber)),
    [...Array.from({ length: 20 }, (_, i) => BigInt(i + 1)), null, null],
  );
});

test('a worker that is ended during a run takes its threads along', async (t) => {
  const script = new URL('../helpers/bulk-worker.js', import.meta.url);
  for (let i = 0; i < 5; i += 1) {
    const worker = new Worker(script);
    await new Promise((resolve) => worker.once('message', resolve));
    await sleep(i * 3);
    t.is(await worker.terminate(), 1);
  }
});

test('responders that clients would refuse are refused', (t) => {
  const make =
    (responder: X509Certificate, extra = {}) =>
    () =>
      new ResponseSigner({
        certIdAlgorithm: 'sha256',
        issuer: ca.certificate,
        responder,
        privateKey: delegate.privateKey,
        ...extra,
      });
  const key = { privateKey: delegate.privateKey };
  const hour = 3_600_000;
  const past = { notBefore: new Date(Date.now() - 2 * hour), notAfter: new Date(Date.now() - hour) };
  const future = { notBefore: new Date(Date.now() + hour), notAfter: new Date(Date.now() + 2 * hour) };
  const expired = ca.issueResponder({ ...key, ...past }).certificate;
  refuses(t, 'ERR_OCSP_INVALID_VALUE', make(expired));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', make(ca.issueResponder({ ...key, ...future }).certificate));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', make(ca.issue({ ...key, extendedKeyUsage: ['serverAuth'] }).certificate));
  const sameName = createTestCa({ subject: 'O=Bulk, CN=CA' });
  refuses(t, 'ERR_OCSP_INVALID_VALUE', make(sameName.issueResponder(key).certificate));
  t.notThrows(make(expired, { allowUnauthorized: true }));
});

test.serial('a signer that outlives its certificate signs no more', async (t) => {
  const hour = 3_600_000;
  const short = ca.issueResponder({ notAfter: new Date(Date.now() + hour) });
  const options = { issuer: ca.certificate, responder: short.certificate, privateKey: short.privateKey };
  const one = new ResponseSigner(options);
  const careless = new ResponseSigner({ ...options, allowUnauthorized: true });
  const external = new ResponseSigner({ ...options, privateKey: { sign: () => Buffer.alloc(64) } });
  const entry = { serialNumber: 1n, status: GOOD };
  t.notThrows(() => one.sign(entry));
  const refused = { code: 'ERR_OCSP_INVALID_VALUE', message: 'the responder certificate has expired' };
  const now = Date.now;
  Date.now = () => now() + 2 * hour;
  try {
    t.throws(() => one.sign(entry), refused);
    await t.throwsAsync(one.signAsync(entry), refused);
    await t.throwsAsync(one.signAll([entry]).next(), refused);
    await t.throwsAsync(external.signAsync(entry), refused);
    await t.throwsAsync(external.signAll([entry]).next(), refused);
    t.notThrows(() => careless.sign(entry));
  } finally {
    Date.now = now;
  }
  t.notThrows(() => one.sign(entry));
});

test('what a caller gives is read once, before anything of it is packed', async (t) => {
  const extension = new Extension(
    '1.3.6.1.4.1.99999.1',
    false,
    new UnrecognizedExtension('1.3.6.1.4.1.99999.1', Buffer.from([5, 0])),
  );
  const within = (): void => void signer.sign({ serialNumber: 0x33n, status: GOOD });
  const iterator = function* () {
    within();
    yield extension;
  };
  const read = (der: Buffer): unknown => {
    const [single] = loadDerOcspResponse(der).responses;
    return [single?.serialNumber, single?.certificateStatus, single?.extensions.length];
  };
  const common = { serialNumber: 0x22n, status: REVOKED, revocationTime: new Date() };
  const given = (): StatusEntry[] => [
    { ...common, singleExtensions: iterator() },
    {
      ...common,
      get singleExtensions() {
        within();
        return [extension];
      },
    },
  ];
  const expected = [0x22n, REVOKED, 1];
  for (const entry of given()) t.deepEqual(read(signer.sign(entry)), expected);
  for (const entry of given()) t.deepEqual(read(await signer.signAsync(entry)), expected);
  for await (const { der } of signer.signAll(given())) t.deepEqual(read(der), expected);
  const copy = copyEntry({ ...common, singleExtensions: iterator() });
  for (let i = 0; i < 2; i += 1) t.deepEqual(read(signer.sign(copy)), expected);
  refusesType(t, () => signer.sign({ ...common, singleExtensions: 7 } as never));
  refusesType(t, () => signer.sign({ ...common, singleExtensions: 'text' } as never));
});

test('bad arguments', async (t) => {
  const good = { issuer: ca.certificate, responder: delegate.certificate, privateKey: delegate.privateKey };
  const make = (change: object) => () => new ResponseSigner({ ...good, ...change } as never);
  refusesType(t, () => new ResponseSigner(undefined as never));
  refusesType(t, make({ issuer: 1 }));
  refusesType(t, make({ privateKey: null }));
  refusesType(t, make({ validity: 7 }));
  refusesType(t, make({ responderId: 7 }));
  refusesType(t, make({ validity: { period: '7' } }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', make({ responderId: 'By Chance' }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', make({ validity: { period: 0 } }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', make({ algorithm: null }));
  refuses(t, 'ERR_OCSP_UNSUPPORTED_ALGORITHM', make({ algorithm: 'sha1' }));
  refuses(t, 'ERR_OCSP_UNSUPPORTED_ALGORITHM', make({ certIdAlgorithm: 'md5' }));
  refuses(t, 'ERR_OCSP_KEY_MISMATCH', make({ privateKey: ca.privateKey }));

  const sign = (entry: object) => () => signer.sign(entry as StatusEntry);
  for (const serialNumber of [true, 1, 1.5]) refusesType(t, sign({ serialNumber, status: GOOD }));
  refusesType(t, sign({ serialNumber: 1n, status: 'GOOD' }));
  refusesType(t, sign({ serialNumber: 1n, status: REVOKED }));
  for (const entry of [
    { serialNumber: '', status: GOOD },
    { serialNumber: '0x', status: GOOD },
    { serialNumber: 1n << (8n * 70_000n), status: GOOD },
    { serialNumber: 'f'.repeat(140_000), status: GOOD },
    { serialNumber: 1n, status: 3 },
    { serialNumber: 1n, status: GOOD, reason: 'superseded' },
    { serialNumber: 1n, status: GOOD, revocationTime: new Date() },
    { serialNumber: 1n, status: GOOD, thisUpdate: new Date(Number.NaN) },
  ]) {
    refuses(t, 'ERR_OCSP_INVALID_VALUE', sign(entry));
  }
  const run = (source: unknown, options?: object) => () => signer.signAll(source as never, options);
  refusesType(t, run(undefined));
  refusesType(t, run('rows'));
  refusesType(t, run([], { threads: '2' }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', run([], { threads: 0 }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', run([], { batchSize: 1e9 }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', run([], { verifySample: 2 }));
  t.is(await signedBy([]), 0);
});
