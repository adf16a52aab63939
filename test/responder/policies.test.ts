/** What operators choose: whose signature, whose requests, and what is said of what no one issued. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  ArchiveCutoff,
  loadDerOcspResponse,
  OCSPCertStatus,
  OCSPExtensionOID,
  OCSPNonce,
  OCSPRequestBuilder,
  PreferredSignatureAlgorithms,
  SignatureAlgorithmOID,
  TrustStore,
  UnrecognizedExtension,
} from 'openssl-ocsp';
import { bulkSign, iterableSource, ResponseSigner, SegmentStore } from 'openssl-ocsp/bulk';
import { Responder, type ResponderOptions, type ResponderSigner } from 'openssl-ocsp/responder';
import { createTestCa } from 'openssl-ocsp/testing';
import { makeCrl } from '../helpers/crl.js';
import {
  ask,
  ca,
  delegate,
  GOOD,
  issuerOptions,
  makeResponder,
  REVOKED,
  statusIn,
  statusOf,
  TestAuthority,
} from './fixtures.js';

type Preference =
  ConstructorParameters<typeof PreferredSignatureAlgorithms>[0]['algorithms'] extends Iterable<infer T> ? T : never;

const { ECDSA_WITH_SHA256, ECDSA_WITH_SHA384, RSA_WITH_SHA256, RSA_WITH_SHA512, RSASSA_PSS, ED25519 } =
  SignatureAlgorithmOID;
const EC_PUBLIC_KEY = '1.2.840.10045.2.1';
const P256 = Buffer.from('06082a8648ce3d030107', 'hex');
const P384 = Buffer.from('06052b81040022', 'hex');
/** RSASSA-PSS-params with SHA-256 and SHA-512, the rest left to its defaults. */
const PSS_SHA256 = Buffer.from('300fa00d300b0609608648016503040201', 'hex');
const PSS_SHA512 = Buffer.from('300fa00d300b0609608648016503040203', 'hex');

const rsa = ca.issueResponder({
  subject: 'CN=RSA',
  keyType: 'rsa',
  notBefore: new Date(Date.parse(delegate.certificate.validFrom) - 3600_000),
});
const signer = ({ certificate, privateKey }: typeof rsa, more: Partial<ResponderSigner> = {}): ResponderSigner => ({
  responder: certificate,
  privateKey,
  ...more,
});
/** P-256 by default; RSA in three ways. */
const signers: readonly ResponderSigner[] = [
  signer(delegate),
  signer(rsa),
  signer(rsa, { algorithm: 'sha512' }),
  signer(rsa, { algorithm: 'sha512', signOptions: { rsaPadding: 'pss' } }),
];

const idOf = loadDerOcspResponse(
  (await new Responder({ issuers: [issuerOptions()] }).answer(ask(['1001'], { hash: 'sha1' }))).der,
);

/** A request with preferences. */
function prefer(
  algorithms: readonly (string | Preference)[],
  { serial = 0x1001n, nonce = false }: { serial?: bigint; nonce?: boolean } = {},
): Buffer {
  const list = algorithms.map((one) => (typeof one === 'string' ? { sigIdentifier: { oid: one } } : one));
  const builder = new OCSPRequestBuilder()
    .addCertificateByHash(idOf.issuerNameHash, idOf.issuerKeyHash, serial, 'sha1')
    .addExtension(new PreferredSignatureAlgorithms({ algorithms: list }), false);
  return (nonce ? builder.addExtension(new OCSPNonce(Buffer.alloc(32, 1)), false) : builder).build().publicBytes();
}

const PREFERENCES: readonly [name: string, algorithms: readonly (string | Preference)[], oid: string, hash: string][] =
  [
    ['the default one', [ECDSA_WITH_SHA256], ECDSA_WITH_SHA256, 'sha256'],
    ['another key', [RSA_WITH_SHA256], RSA_WITH_SHA256, 'sha256'],
    ['another hash', [RSA_WITH_SHA512], RSA_WITH_SHA512, 'sha512'],
    ['the best that there is', [ED25519, RSA_WITH_SHA512, RSA_WITH_SHA256], RSA_WITH_SHA512, 'sha512'],
    ['in the order of the client', [RSA_WITH_SHA256, ECDSA_WITH_SHA256], RSA_WITH_SHA256, 'sha256'],
    ['none that there is', [ED25519, ECDSA_WITH_SHA384, '1.2.3'], ECDSA_WITH_SHA256, 'sha256'],
    ['an empty list', [], ECDSA_WITH_SHA256, 'sha256'],
    ['PSS', [RSASSA_PSS], RSASSA_PSS, 'sha512'],
    ['PSS of a hash', [{ sigIdentifier: { oid: RSASSA_PSS, parameters: PSS_SHA512 } }], RSASSA_PSS, 'sha512'],
    ['PSS of another', [{ sigIdentifier: { oid: RSASSA_PSS, parameters: PSS_SHA256 } }], ECDSA_WITH_SHA256, 'sha256'],
    [
      'PSS of nonsense',
      [{ sigIdentifier: { oid: RSASSA_PSS, parameters: Buffer.from('0500', 'hex') } }],
      ECDSA_WITH_SHA256,
      'sha256',
    ],
    [
      'a key that is not there, for a hash that is',
      [{ sigIdentifier: { oid: RSA_WITH_SHA512 }, certIdentifier: { oid: EC_PUBLIC_KEY } }, RSA_WITH_SHA256],
      RSA_WITH_SHA256,
      'sha256',
    ],
    [
      'a curve',
      [{ sigIdentifier: { oid: ECDSA_WITH_SHA256 }, certIdentifier: { oid: EC_PUBLIC_KEY, parameters: P256 } }],
      ECDSA_WITH_SHA256,
      'sha256',
    ],
    [
      'another curve',
      [
        { sigIdentifier: { oid: ECDSA_WITH_SHA256 }, certIdentifier: { oid: EC_PUBLIC_KEY, parameters: P384 } },
        RSA_WITH_SHA512,
      ],
      RSA_WITH_SHA512,
      'sha512',
    ],
  ];
for (const [name, algorithms, oid, hash] of PREFERENCES)
  test(`preferred signature algorithms: ${name}`, async (t) => {
    const responder = makeResponder(t, { signers });
    t.is(await statusOf(responder, ask(['1001'])), 'good');
    for (const nonce of [false, true]) {
      const request = prefer(algorithms, { nonce });
      for (const source of nonce ? ['live'] : ['live', 'cache']) {
        const answer = await responder.answer(request);
        const response = loadDerOcspResponse(answer.der);
        t.is(response.signatureAlgorithmOid, oid);
        t.is<string | null, string>(response.signatureHashAlgorithm, hash);
        t.is(statusIn(answer.der, request), 'good');
        t.is<string, string>(answer.source, source);
      }
    }
    // And no one else gets it.
    const other = loadDerOcspResponse((await responder.answer(ask(['1001'], { hash: 'sha1' }))).der);
    t.is(other.signatureAlgorithmOid, ECDSA_WITH_SHA256);
  });

test('preferred signature algorithms: a revocation shows in every one of them', async (t) => {
  const responder = makeResponder(t, { signers });
  const requests = [[ECDSA_WITH_SHA256], [RSA_WITH_SHA256], [RSA_WITH_SHA512], [RSASSA_PSS]].map((one) => prefer(one));
  for (const request of requests) t.is(await statusOf(responder, request), 'good');
  await responder.update([{ ...REVOKED, serialNumber: '1001' }]);
  for (const request of requests) t.is(await statusOf(responder, request), 'revoked');
});

test('preferred signature algorithms: a signer that is not valid signs for no one', async (t) => {
  const past = ca.issueResponder({
    subject: 'CN=Past',
    keyType: 'rsa',
    notBefore: new Date(Date.now() - 7200_000),
    notAfter: new Date(Date.now() - 3600_000),
  });
  const responder = makeResponder(t, { signers: [signer(delegate), signer(past)] });
  const response = loadDerOcspResponse((await responder.answer(prefer([RSA_WITH_SHA256]))).der);
  t.is(response.signatureAlgorithmOid, ECDSA_WITH_SHA256);
});

test('preferred signature algorithms: what is no list is malformed', async (t) => {
  const responder = makeResponder(t, { signers });
  const extension = new UnrecognizedExtension(
    OCSPExtensionOID.PREFERRED_SIGNATURE_ALGORITHMS,
    Buffer.from('0500', 'hex'),
  );
  const request = new OCSPRequestBuilder()
    .addCertificateByHash(idOf.issuerNameHash, idOf.issuerKeyHash, 0x1001n, 'sha1')
    .addExtension(extension, false)
    .build();
  t.is(await statusOf(responder, request.publicBytes()), 'MALFORMED_REQUEST');
});

test('preferred signature algorithms: among what was signed before', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-preferred-'));
  const store = await SegmentStore.open(folder, { refreshInterval: 0 });
  t.teardown(() => {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  for (const { certificate, privateKey } of [delegate, rsa])
    await bulkSign({
      source: iterableSource([GOOD]),
      signer: new ResponseSigner({
        issuer: ca.certificate,
        responder: certificate,
        privateKey,
        certIdAlgorithm: ['sha1', 'sha256'],
      }),
      store,
      id: certificate.fingerprint256,
      statusVersion: 100,
      threads: 1,
    });
  const responder = makeResponder(t, { signers, store });
  for (const [algorithm, source] of [
    [RSA_WITH_SHA256, 'store'],
    [ECDSA_WITH_SHA256, 'store'],
    [RSA_WITH_SHA512, 'live'],
  ] as const) {
    const request = prefer([algorithm]);
    const answer = await responder.answer(request);
    t.is(loadDerOcspResponse(answer.der).signatureAlgorithmOid, algorithm);
    t.is<string, string>(answer.source, source, algorithm);
    t.is(statusIn(answer.der, request), 'good');
  }
});

const requestCa = createTestCa({ subject: 'CN=Request CA' });
const client = requestCa.issue({ subject: 'CN=Client' });
const stranger = createTestCa({ subject: 'CN=Stranger CA' }).issue({ subject: 'CN=Stranger' });

const REQUESTORS = ['nobody', 'a client', 'a stranger', 'a forger'] as const;
type Requestor = (typeof REQUESTORS)[number];

/** A request, signed by somebody. */
function askAs(who: Requestor, nonce?: Buffer): Buffer {
  let builder = new OCSPRequestBuilder().addCertificateByHash(idOf.issuerNameHash, idOf.issuerKeyHash, 0x1001n, 'sha1');
  if (nonce !== undefined) builder = builder.addExtension(new OCSPNonce(nonce), false);
  if (who === 'nobody') return builder.build().publicBytes();
  const { certificate, privateKey } = who === 'a stranger' ? stranger : client;
  const der = builder.sign(certificate, privateKey, 'sha256', { certificates: [certificate] }).publicBytes();
  if (who !== 'a forger') return der;
  // A bit of the serial number, which is signed.
  const at = der.indexOf(Buffer.from('02021001', 'hex'));
  der[at + 3] = 0x03;
  return der;
}

const SIGNATURES: readonly [
  policy: 'ignored' | 'verified' | 'required',
  results: Readonly<Record<Requestor, string>>,
][] = [
  ['ignored', { nobody: 'good', 'a client': 'good', 'a stranger': 'good', 'a forger': 'good' }],
  ['verified', { nobody: 'good', 'a client': 'good', 'a stranger': 'UNAUTHORIZED', 'a forger': 'UNAUTHORIZED' }],
  [
    'required',
    { nobody: 'SIG_REQUIRED', 'a client': 'good', 'a stranger': 'UNAUTHORIZED', 'a forger': 'UNAUTHORIZED' },
  ],
];
const trusts: readonly [name: string, trust: ResponderOptions['requestTrust']][] = [
  ['certificates', [requestCa.certificate]],
  ['options', { certificates: [requestCa.certificatePem] }],
  ['a store', new TrustStore({ certificates: [requestCa.certificate] })],
];
for (const [policy, results] of SIGNATURES)
  for (const [name, requestTrust] of trusts)
    test(`request signatures ${policy}, trusted by ${name}`, async (t) => {
      const authority = new TestAuthority([GOOD, { ...GOOD, serialNumber: '1003' }]);
      const responder = makeResponder(
        t,
        { authority },
        { requestSignatures: policy, requestTrust: requestTrust as never },
      );
      for (const who of REQUESTORS)
        for (const nonce of [undefined, Buffer.alloc(32, 1)]) {
          const request = askAs(who, nonce);
          t.is(await statusOf(responder, request), results[who], who);
          // What a stranger asked first is not in the way of anybody.
          t.is(await statusOf(responder, request), results[who], who);
        }
    });

test('request signatures: what is trusted is read once, and is needed', async (t) => {
  const list = [requestCa.certificate];
  const responder = makeResponder(t, {}, { requestSignatures: 'required', requestTrust: list });
  list[0] = stranger.certificate;
  t.is(await statusOf(responder, askAs('a client')), 'good');
  t.is(await statusOf(responder, askAs('a stranger')), 'UNAUTHORIZED');
  for (const requestSignatures of ['verified', 'required'] as const)
    t.throws(() => new Responder({ issuers: [issuerOptions()], requestSignatures }), {
      code: 'ERR_OCSP_INVALID_VALUE',
      message: /requestTrust/,
    });
  // Alone it would look as if somebody checked.
  t.throws(() => new Responder({ issuers: [issuerOptions()], requestTrust: list }), {
    code: 'ERR_OCSP_INVALID_VALUE',
    message: /requestSignatures/,
  });
  // Lists of revoked clients would look as if somebody read them.
  const requestTrust = { certificates: list, crls: [makeCrl(requestCa, [])] };
  t.throws(() => new Responder({ issuers: [issuerOptions()], requestSignatures: 'required', requestTrust }), {
    code: 'ERR_OCSP_INVALID_VALUE',
    message: /crls/,
  });
  t.throws(() => new Responder({ issuers: [issuerOptions()], requestTrust: 'ca.pem' as never }), {
    code: 'ERR_INVALID_ARG_TYPE',
  });
  t.throws(() => new Responder({ issuers: [issuerOptions()], requestSignatures: 'maybe' as never }), {
    code: 'ERR_OCSP_INVALID_VALUE',
  });
});

test('extended revoke in every answer, or in those that need it', async (t) => {
  for (const [extendedRevoke, expected] of [
    ['always', [true, true, true, true]],
    ['when-used', [false, true, true, false]],
  ] as const) {
    const responder = makeResponder(t, { notIssued: 'revoked', extendedRevoke });
    const requests = [ask(['1001']), ask(['4711']), ask(['1001', '4711']), ask(['1002'], { nonce: Buffer.alloc(32) })];
    const answers = await Promise.all(requests.map((request) => responder.answer(request)));
    t.deepEqual(
      answers.map(({ der }) =>
        [...loadDerOcspResponse(der).extensions].some(({ oid }) => oid === OCSPExtensionOID.EXTENDED_REVOKE),
      ),
      expected,
    );
  }
  for (const notIssued of ['unauthorized', 'unknown', 'good'] as const)
    t.throws(() => makeResponder(t, { notIssued, extendedRevoke: 'always' }), {
      code: 'ERR_OCSP_INVALID_VALUE',
      message: /extendedRevoke goes with notIssued/,
    });
  // Elsewhere it would be a lie.
  const plain = makeResponder(t, { notIssued: 'unknown' });
  t.deepEqual([...loadDerOcspResponse((await plain.answer(ask(['4711']))).der).extensions], []);
});

test('archive cutoff: so long before producedAt, in each of several answers', async (t) => {
  const responder = makeResponder(t, { archiveCutoff: 86_400 });
  for (const request of [ask(['1001']), ask(['1001', '1002'], { nonce: Buffer.alloc(32) })]) {
    const { responses, producedAt } = loadDerOcspResponse((await responder.answer(request)).der);
    for (const { extensions } of responses) {
      const value = [...extensions].find(({ oid }) => oid === OCSPExtensionOID.ARCHIVE_CUTOFF)?.value;
      t.true(value instanceof ArchiveCutoff);
      if (value instanceof ArchiveCutoff) t.is(value.archiveCutoff.getTime(), producedAt.getTime() - 86_400_000);
    }
  }
});

test('an issuer that is not answered for, in the same request: unknown, and unauthorized alone', async (t) => {
  const other = createTestCa({ subject: 'CN=Not served' });
  const responder = makeResponder(t);
  t.is(await statusOf(responder, ask(['1001'], { issuer: other })), 'UNAUTHORIZED');
  const foreign = new OCSPRequestBuilder().addCertificate(other.issue().certificate, other.certificate, 'sha1').build();
  const both = new OCSPRequestBuilder()
    .addCertificateByHash(foreign.issuerNameHash, foreign.issuerKeyHash, 0x1001n, 'sha1')
    .addCertificateByHash(idOf.issuerNameHash, idOf.issuerKeyHash, 0x1002n, 'sha1')
    .build();
  const { responses } = loadDerOcspResponse((await responder.answer(both.publicBytes())).der);
  t.deepEqual(
    responses.map(({ certificateStatus }) => certificateStatus),
    [OCSPCertStatus.UNKNOWN, OCSPCertStatus.REVOKED],
  );
});
