import { generateKeyPairSync } from 'node:crypto';
import test from 'ava';
import {
  Extension,
  HashAlgorithm,
  loadDerOcspResponse,
  OCSPCertStatus,
  OCSPNonce,
  OCSPResponderEncoding,
  type OCSPResponse,
  OCSPResponseBuilder,
  OCSPResponseStatus,
  ReasonFlags,
  SignatureAlgorithmOID,
  UnrecognizedExtension,
} from 'openssl-ocsp';
import {
  answer,
  cert,
  certId,
  issuer,
  responseBuilder,
  root,
  rootKey,
  rootKeyHash,
  times,
  verifies,
} from '../helpers/fixtures.js';
import { refuses, refusesType, wrong } from '../helpers/refusals.js';
import { differs } from './deliberate-differences.js';

const { GOOD, REVOKED, UNKNOWN } = OCSPCertStatus;
const { HASH, NAME } = OCSPResponderEncoding;
const { SHA1, SHA256, SHA384 } = HashAlgorithm;
const revoked = { certStatus: REVOKED, revocationTime: times.revocationTime };

test(`several answers in one response ${differs('severalEntries')}`, (t) => {
  const response = responseBuilder()
    .addResponse(answer(revoked))
    .addResponseByHash({
      ...certId,
      serialNumber: 9n,
      algorithm: SHA1,
      certStatus: UNKNOWN,
      thisUpdate: times.thisUpdate,
    })
    .sign(rootKey, SHA256);
  t.deepEqual(
    response.responses.map(({ certificateStatus, serialNumber }) => [certificateStatus, serialNumber]),
    [
      [GOOD, certId.serialNumber],
      [REVOKED, certId.serialNumber],
      [UNKNOWN, 9n],
    ],
  );
  refuses(t, 'ERR_OCSP_NOT_SINGLE', () => response.certificateStatus);
  t.true(verifies(response));
});

test('undefined is null for what may be absent', (t) => {
  const { thisUpdate } = times;
  const builder = new OCSPResponseBuilder()
    .addResponse({ cert, issuer, algorithm: SHA1, certStatus: GOOD, thisUpdate })
    .responderId(HASH, root.certificate);
  t.is(builder.sign(rootKey, SHA256).nextUpdate, null);
  const alike = new OCSPResponseBuilder()
    .addResponse(cert, issuer, SHA1, REVOKED, thisUpdate, undefined, thisUpdate, undefined)
    .responderId(HASH, root.certificate);
  t.is(alike.sign(rootKey, SHA256).revocationReason, null);
});

test('positional arguments, single extensions last', (t) => {
  const { thisUpdate, nextUpdate, revocationTime } = times;
  const extension = new Extension('1.2.3', true, new UnrecognizedExtension('1.2.3', Buffer.from('x')));
  const byCertificate = new OCSPResponseBuilder()
    .addResponse(cert, issuer, SHA1, REVOKED, thisUpdate, nextUpdate, revocationTime, ReasonFlags.superseded, [
      extension,
    ])
    .responderId(NAME, root.certificate)
    .producedAt(thisUpdate);
  const { issuerNameHash, issuerKeyHash, serialNumber } = certId;
  const byHash = new OCSPResponseBuilder()
    .addResponseByHash(
      issuerNameHash,
      issuerKeyHash,
      serialNumber,
      SHA1,
      REVOKED,
      thisUpdate,
      nextUpdate,
      revocationTime,
      ReasonFlags.superseded,
      new Set([extension]),
    )
    .responderId(NAME, root.certificate)
    .producedAt(thisUpdate);
  const object = responseBuilder({
    ...revoked,
    revocationReason: 'superseded',
    singleExtensions: [extension],
  }).producedAt(thisUpdate);
  const [first, second, third] = [byCertificate, byHash, object].map((builder) => builder.sign(rootKey, SHA256));
  t.deepEqual(first?.tbsResponseBytes, second?.tbsResponseBytes);
  t.deepEqual(first?.tbsResponseBytes, third?.tbsResponseBytes);
  t.is(first?.revocationReason, ReasonFlags.superseded);
  t.is(first?.singleExtensions.length, 1);
  t.true([...(first?.singleExtensions ?? [])][0]?.critical);
});

test('GOOD, by name', (t) => {
  const before = Math.floor(Date.now() / 1000) * 1000;
  const response = responseBuilder().sign(rootKey, SHA256);
  t.is(response.responseStatus, OCSPResponseStatus.SUCCESSFUL);
  t.is(response.responderName?.rfc4514String(), 'CN=Cryptography CA,C=US');
  t.is(response.responderKeyHash, null);
  t.true(response.producedAt.getTime() >= before && response.producedAt.getTime() <= Date.now());
  t.is(response.producedAt.getUTCMilliseconds(), 0);
  t.is(response.signatureAlgorithmOid, SignatureAlgorithmOID.ECDSA_WITH_SHA256);
  t.is(response.signatureHashAlgorithm, SHA256);
  t.is(response.certificateStatus, GOOD);
  t.is(response.revocationTime, null);
  t.is(response.revocationReason, null);
  checkTimes(t, response);
  t.deepEqual(response.issuerNameHash, certId.issuerNameHash);
  t.deepEqual(response.issuerKeyHash, certId.issuerKeyHash);
  t.is(response.serialNumber, certId.serialNumber);
  t.is(response.hashAlgorithm, SHA1);
  t.deepEqual(response.certificates, [], 'the responder certificate is not put in unasked');
  t.is(response.extensions.length, 0);
  t.is(response.singleExtensions.length, 0);
  t.true(verifies(response));
});

test('REVOKED without a reason', (t) => {
  const response = responseBuilder(revoked).sign(rootKey, SHA256);
  t.is(response.certificateStatus, REVOKED);
  t.deepEqual(response.revocationTime, times.revocationTime);
  t.is(response.revocationReason, null);
  checkTimes(t, response);
  t.true(verifies(response));
});

test('UNKNOWN, signed by SHA-384', (t) => {
  const response = responseBuilder({ certStatus: UNKNOWN }).sign(rootKey, SHA384);
  t.is(response.certificateStatus, UNKNOWN);
  t.is(response.signatureAlgorithmOid, SignatureAlgorithmOID.ECDSA_WITH_SHA384);
  t.is(response.signatureHashAlgorithm, SHA384);
  checkTimes(t, response);
  t.true(verifies(response));
});

test('certificates go along, in order, duplicates too', (t) => {
  const response = responseBuilder().certificates([root.certificate]).sign(rootKey, SHA256);
  t.deepEqual(
    response.certificates.map(({ raw }) => raw),
    [root.certificate.raw],
  );
  const many = responseBuilder()
    .certificates(new Set([issuer, cert.raw, root.certificatePem]))
    .sign(rootKey, SHA256);
  t.deepEqual(
    many.certificates.map(({ raw }) => raw),
    [issuer.raw, cert.raw, root.certificate.raw],
  );
  const twice = responseBuilder().certificates([issuer, issuer]).sign(rootKey, SHA256);
  t.is(twice.certificates.length, 2);
  t.true(verifies(many));
});

test('no nextUpdate', (t) => {
  const response = responseBuilder({ ...revoked, nextUpdate: null }).sign(rootKey, SHA256);
  t.deepEqual(response.thisUpdate, times.thisUpdate);
  t.is(response.nextUpdate, null);
  t.true(verifies(response));
});

test('every reason, the unspecified one too', (t) => {
  for (const revocationReason of Object.values(ReasonFlags)) {
    const response = responseBuilder({ ...revoked, revocationReason }).sign(rootKey, SHA256);
    t.is(response.revocationReason, revocationReason);
    t.true(verifies(response));
  }
});

test('the responder by the hash of its key', (t) => {
  const response = responseBuilder(revoked, root.certificate, HASH).sign(rootKey, SHA256);
  t.is(response.responderName, null);
  t.deepEqual(response.responderKeyHash, rootKeyHash);
  t.true(verifies(response));
});

test('response extensions', (t) => {
  const response = responseBuilder()
    .addExtension(new OCSPNonce(Buffer.from('012345')), false)
    .sign(rootKey, SHA256);
  t.is(response.extensions.length, 1);
  const [extension] = response.extensions;
  t.false(extension?.critical);
  t.true(extension?.value.equals(new OCSPNonce(Buffer.from('012345'))));
  t.true(verifies(response));
});

for (const [name, code] of Object.entries({
  MALFORMED_REQUEST: 1,
  INTERNAL_ERROR: 2,
  TRY_LATER: 3,
  SIG_REQUIRED: 5,
  UNAUTHORIZED: 6,
} as const)) {
  test(`an unsuccessful response: ${name}`, (t) => {
    const response = OCSPResponseBuilder.buildUnsuccessful(code);
    t.is(response.responseStatus, OCSPResponseStatus[name as keyof typeof OCSPResponseStatus]);
    t.deepEqual(response.publicBytes(), Buffer.from([0x30, 3, 0x0a, 1, code]));
  });
}

test('by hash: all of the CertID comes back', (t) => {
  const issuerNameHash = Buffer.alloc(32, 'a');
  const issuerKeyHash = Buffer.alloc(32, 'b');
  const response = new OCSPResponseBuilder()
    .addResponseByHash({
      issuerNameHash,
      issuerKeyHash,
      serialNumber: 12345n,
      algorithm: SHA256,
      certStatus: GOOD,
      thisUpdate: times.thisUpdate,
      nextUpdate: times.nextUpdate,
      revocationTime: null,
      revocationReason: null,
    })
    .responderId(NAME, root.certificate)
    .sign(rootKey, SHA256);
  t.is(response.certificateStatus, GOOD);
  t.deepEqual(response.issuerNameHash, issuerNameHash);
  t.deepEqual(response.issuerKeyHash, issuerKeyHash);
  t.is(response.serialNumber, 12345n);
  t.is(response.hashAlgorithm, SHA256);
});

test('builders are immutable', (t) => {
  const empty = new OCSPResponseBuilder();
  const answered = empty.addResponse(answer());
  const ready = answered.responderId(NAME, root.certificate);
  const extended = ready.addExtension(new OCSPNonce(Buffer.from('n')), false);
  const certified = ready.certificates([issuer]);
  const dated = ready.producedAt(new Date('2001-02-03T04:05:06.789Z'));
  const double = ready.addResponse(answer());
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => empty.sign(rootKey, SHA256));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => answered.sign(rootKey, SHA256));
  const plain = ready.sign(rootKey, SHA256);
  t.deepEqual([plain.responses.length, plain.extensions.length, plain.certificates.length], [1, 0, 0]);
  t.is(extended.sign(rootKey, SHA256).extensions.length, 1);
  t.is(certified.sign(rootKey, SHA256).certificates.length, 1);
  t.is(double.sign(rootKey, SHA256).responses.length, 2);
  t.is(dated.sign(rootKey, SHA256).producedAt.toISOString(), '2001-02-03T04:05:06.000Z', 'fractions are cut off');
});

test('however many answers there are, each stands where it was added', (t) => {
  const { cert: _cert, issuer: _issuer, ...status } = answer();
  const statuses = [
    { certStatus: OCSPCertStatus.GOOD },
    { certStatus: OCSPCertStatus.UNKNOWN },
    { certStatus: OCSPCertStatus.REVOKED, revocationTime: new Date(1_000_000_000_000) },
  ];
  let builder = responseBuilder();
  for (let i = 1; i < 200; i += 1) {
    builder = builder.addResponseByHash({ ...certId, ...status, ...statuses[i % 3]!, serialNumber: BigInt(i) });
    // What is encoded together is of several answers, and what is not ends anywhere.
    const { responses } = builder.sign(rootKey, SHA256);
    t.is(responses.length, i + 1);
    const isWrong = [...responses].some(
      ({ serialNumber, certificateStatus }, at) =>
        at > 0 && (serialNumber !== BigInt(at) || certificateStatus !== statuses[at % 3]!.certStatus),
    );
    t.false(isWrong);
  }
});

test('a builder with 100,000 answers goes on in two ways, and each has its own', (t) => {
  // Quadratic work would take minutes.
  const { cert: _cert, issuer: _issuer, ...status } = answer();
  let common = responseBuilder();
  for (let i = 1n; i < 100_000n; i += 1n) {
    common = common.addResponseByHash({ ...certId, ...status, serialNumber: i });
  }
  const [left, right] = [200_000n, 300_000n].map((serialNumber) =>
    common.addResponseByHash({ ...certId, ...status, serialNumber }),
  );
  const serials = [left, right, common].map((builder) =>
    builder!.sign(rootKey, SHA256).responses.map(({ serialNumber }) => serialNumber),
  );
  t.deepEqual(
    serials.map((list) => [list.length, list[1], list[99_999], list[100_000]]),
    [
      [100_001, 1n, 99_999n, 200_000n],
      [100_001, 1n, 99_999n, 300_000n],
      [100_000, 1n, 99_999n, undefined],
    ],
  );
});

test('producedAt: what may be set, and once', (t) => {
  const builder = responseBuilder();
  for (const value of ['2020-01-01', 0, null, undefined, {}]) refusesType(t, () => builder.producedAt(wrong(value)));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => builder.producedAt(new Date(Number.NaN)));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => builder.producedAt(new Date()).producedAt(new Date()));
  const date = new Date(Date.UTC(2020, 0, 1));
  const dated = builder.producedAt(date);
  date.setUTCFullYear(1999);
  t.is(dated.sign(rootKey, SHA256).producedAt.getUTCFullYear(), 2020, 'the builder keeps its own copy');
});

test('times are cut to whole seconds, before 1970 too', (t) => {
  const response = responseBuilder({
    certStatus: REVOKED,
    thisUpdate: new Date('1960-01-01T00:00:00.999Z'),
    nextUpdate: new Date('2222-02-02T22:22:22.001Z'),
    revocationTime: new Date('0001-01-01T00:00:00.500Z'),
  }).sign(rootKey, SHA256);
  t.is(response.thisUpdate.toISOString(), '1960-01-01T00:00:00.000Z');
  t.is(response.nextUpdate?.toISOString(), '2222-02-02T22:22:22.000Z');
  t.is(response.revocationTime?.toISOString(), '0001-01-01T00:00:00.000Z');
});

test('the same input gives the same signed bytes', (t) => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const produced = new Date('2020-01-01T00:00:00Z');
  const builder = responseBuilder({}, root.issueResponder({ privateKey }).certificate);
  const [first, second] = [1, 2].map(() => builder.producedAt(produced).sign(privateKey, null).publicBytes());
  t.deepEqual(first, second, 'Ed25519 signatures are deterministic');
  t.deepEqual(loadDerOcspResponse(first!).producedAt, produced);
});

function checkTimes(t: { deepEqual(a: unknown, b: unknown): void }, response: OCSPResponse): void {
  t.deepEqual(response.thisUpdate, times.thisUpdate);
  t.deepEqual(response.nextUpdate, times.nextUpdate);
}
