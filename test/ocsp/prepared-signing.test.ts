/** Signing again and again with one key: whatever came before, each response is what a fresh key would have made. */
import { createPrivateKey } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import {
  CertId,
  OCSPCertStatus,
  OCSPNonce,
  OCSPResponderEncoding,
  type OCSPResponse,
  OCSPResponseBuilder,
  type SignOptions,
} from 'openssl-ocsp';
import { createTestCa, type TestCa } from 'openssl-ocsp/testing';
import { native } from '#dist/binding.js';
import { refuses, wrong } from '../helpers/refusals.js';

// Signatures of RSA (PKCS #1) are the same each time; those of PSS and P-256 are looked at through their parts.
const cas: Record<string, TestCa> = {
  rsa: createTestCa({ keyType: 'rsa' }),
  ec: createTestCa({ keyType: 'ec' }),
  ed25519: createTestCa({ keyType: 'ed25519' }),
};
/** Another certificate of the same key. */
const again = Object.fromEntries(
  Object.entries(cas).map(([type, { privateKey }]) => [type, createTestCa({ privateKey, subject: 'CN=again' })]),
);
const lists = Object.values(cas).map(({ certificate }) => [certificate]);
const now = new Date(Math.floor(Date.now() / 1000) * 1000);
const later = new Date(now.getTime() + 3_600_000);

interface Step {
  readonly type: string;
  readonly other: boolean;
  readonly byName: boolean;
  readonly hash: 'sha256' | 'sha384';
  readonly pss: boolean;
  readonly list: number;
  readonly serials: readonly bigint[];
  readonly nonce: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  type: fc.constantFrom('rsa', 'ec', 'ed25519'),
  other: fc.boolean(),
  byName: fc.boolean(),
  hash: fc.constantFrom('sha256' as const, 'sha384' as const),
  pss: fc.boolean(),
  list: fc.integer({ min: -1, max: 2 }),
  serials: fc.array(fc.bigInt({ min: 0n, max: 1n << 159n }), { minLength: 1, maxLength: 3 }),
  nonce: fc.boolean(),
});

function sign({ type, other, byName, hash, pss, list, serials, nonce }: Step, key: TestCa['privateKey']): OCSPResponse {
  const ca = (other ? again : cas)[type] as TestCa;
  let builder = new OCSPResponseBuilder()
    .responderId(byName ? OCSPResponderEncoding.NAME : OCSPResponderEncoding.HASH, ca.certificate)
    .producedAt(now);
  if (list >= 0) builder = builder.certificates(lists[list] as (typeof lists)[0]);
  if (nonce) builder = builder.addExtension(new OCSPNonce(Buffer.alloc(16, 1)), false);
  const { issuerNameHash, issuerKeyHash } = CertId.hashesOf(ca.certificate, 'sha1');
  for (const serialNumber of serials)
    builder = builder.addResponseByHash({
      issuerNameHash,
      issuerKeyHash,
      algorithm: 'sha1',
      serialNumber,
      certStatus: OCSPCertStatus.GOOD,
      thisUpdate: now,
      nextUpdate: later,
    });
  const options: SignOptions = type === 'rsa' && pss ? { rsaPadding: 'pss' } : {};
  return builder.sign(key, type === 'ed25519' ? null : hash, options);
}

test('in any order', (t) => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: 12 }), (steps) => {
      for (const one of steps) {
        const ca = (one.other ? again : cas)[one.type] as TestCa;
        const response = sign(one, ca.privateKey);
        const fresh = sign(one, createPrivateKey(ca.privateKeyPem));
        t.deepEqual(response.tbsResponseBytes, fresh.tbsResponseBytes);
        t.is(response.signatureAlgorithmOid, fresh.signatureAlgorithmOid);
        t.is(response.signatureHashAlgorithm, fresh.signatureHashAlgorithm);
        t.deepEqual(
          response.certificates.map(({ raw }) => raw),
          (one.list < 0 ? [] : (lists[one.list] as (typeof lists)[0])).map(({ raw }) => raw),
        );
        t.deepEqual(
          response.responses.map(({ serialNumber }) => serialNumber),
          [...one.serials],
        );
        const isDeterministic = one.type === 'ed25519' || (one.type === 'rsa' && !one.pss);
        if (isDeterministic) t.deepEqual(response.publicBytes(), fresh.publicBytes());
        t.true(response.basicVerify({ trust: [ca.certificate], certificates: [ca.certificate] }).verified);
      }
    }),
    { numRuns: 60 },
  );
});

test('a key that is not the certificate’s is refused each time', (t) => {
  const { rsa, ec } = cas as { rsa: TestCa; ec: TestCa };
  const one = {
    other: false,
    byName: false,
    hash: 'sha256',
    pss: false,
    list: -1,
    serials: [1n],
    nonce: false,
  } as const;
  sign({ ...one, type: 'rsa' }, rsa.privateKey);
  for (let i = 0; i < 2; i += 1)
    refuses(t, 'ERR_OCSP_KEY_MISMATCH', () => sign({ ...one, type: 'rsa' }, ec.privateKey));
  t.is(sign({ ...one, type: 'ec' }, ec.privateKey).serialNumber, 1n);
});

test('a signature that fails does not spoil the next', (t) => {
  const { privateKey, certificate } = createTestCa({ keyType: 'rsa' });
  const builder = new OCSPResponseBuilder()
    .responderId(OCSPResponderEncoding.HASH, certificate)
    .addResponse({ cert: certificate, issuer: certificate, algorithm: 'sha1', certStatus: 0, thisUpdate: now });
  // More salt than there is room for.
  const tooMuch: SignOptions = { rsaPadding: 'pss', saltLength: 2048 };
  for (let i = 0; i < 3; i += 1) {
    refuses(t, 'ERR_OCSP_OPENSSL', () => builder.sign(privateKey, 'sha256', tooMuch));
    const response = builder.sign(privateKey, 'sha256', { rsaPadding: 'pss' });
    t.true(response.basicVerify({ trust: [certificate], certificates: [certificate] }).verified);
  }
});

test('in one turn of the event loop nothing piles up, however a key is used', (t) => {
  const { certificate, privateKey } = cas['ec'] as TestCa;
  const other = (again['ec'] as TestCa).certificate;
  const status = { cert: certificate, issuer: certificate, algorithm: 'sha1', certStatus: 0, thisUpdate: now } as const;
  const bare = new OCSPResponseBuilder().addResponse(status);
  const ways: readonly (() => OCSPResponseBuilder)[] = [
    () => bare.responderId(OCSPResponderEncoding.HASH, certificate).certificates([certificate]),
    () => bare.responderId(OCSPResponderEncoding.HASH, other),
    // A certificate that is read each time.
    () => bare.responderId(OCSPResponderEncoding.HASH, Buffer.from(certificate.raw)),
  ];
  const signAll = (count: number): void => {
    for (let i = 0; i < count; i += 1)
      (ways[i % ways.length] as () => OCSPResponseBuilder)().sign(privateKey, 'sha256');
  };
  signAll(3000);
  const before = process.memoryUsage.rss();
  signAll(30_000);
  const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
  t.log(`${grown.toFixed(0)} MiB`);
  t.true(grown < 64, `${grown} MiB`);
});

test('only native keys and certificates are taken', (t) => {
  const { privateKey, certificate } = cas['rsa'] as TestCa;
  const key = new native.PrivateKey(privateKey.export({ format: 'der', type: 'pkcs8' }));
  const responder = new native.Certificate(certificate.raw);
  for (const other of [undefined, null, 1, {}, certificate.raw, Object.create(key) as object, new Proxy(key, {})]) {
    t.throws(() => native.prepareSigning(wrong(other), responder, 'SHA256', false, -1, []), { instanceOf: TypeError });
    t.throws(() => native.prepareSigning(key, wrong(other), 'SHA256', false, -1, []), { instanceOf: TypeError });
  }
  t.throws(() => native.prepareSigning(wrong(responder), wrong(key), 'SHA256', false, -1, []), {
    instanceOf: TypeError,
  });
});
