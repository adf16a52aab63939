import { X509Certificate } from 'node:crypto';
import test from 'ava';
import {
  CRLReason,
  Encoding,
  HashAlgorithm,
  loadDerOcspRequest,
  loadDerOcspResponse,
  OCSPCertStatus,
  OCSPNonce,
  OCSPResponse,
  OCSPResponseStatus,
  OCSPSingleResponse,
  ReasonFlags,
  SignatureAlgorithmOID,
  SignedCertificateTimestamps,
  UnrecognizedExtension,
} from 'openssl-ocsp';
import * as der from '../helpers/der.js';
import { verifies } from '../helpers/fixtures.js';
import { refuses, refusesType, wrong } from '../helpers/refusals.js';
import { base64Vector, referenceOcsp, vector, vectorText } from '../helpers/vectors.js';
import { differs } from './deliberate-differences.js';

const utc = (text: string) => new Date(`${text}Z`);

/** Members of the one certificate that a response is about. */
const singleMembers = [
  'certificateStatus',
  'revocationTime',
  'revocationReason',
  'thisUpdate',
  'nextUpdate',
  'issuerKeyHash',
  'issuerNameHash',
  'hashAlgorithm',
  'serialNumber',
  'singleExtensions',
] as const;

test('bytes that are no response', (t) => {
  refuses(t, 'ERR_OCSP_MALFORMED', () => loadDerOcspResponse(Buffer.from('invalid')));
});

test('a real response, in full', (t) => {
  const issuer = new X509Certificate(vectorText('reference/x509/letsencryptx3.pem'));
  const response = loadDerOcspResponse(referenceOcsp('resp-sha256'));
  t.true(response instanceof OCSPResponse);
  t.is(response.responseStatus, OCSPResponseStatus.SUCCESSFUL);
  t.is(response.signatureAlgorithmOid, SignatureAlgorithmOID.RSA_WITH_SHA256);
  t.is(response.signatureHashAlgorithm, HashAlgorithm.SHA256);
  t.true(verifies(response, issuer.publicKey));
  t.is(response.signature.length, 256);
  t.deepEqual(response.certificates, []);
  t.is(response.responderKeyHash, null);
  t.true(issuer.raw.includes(response.responderName?.publicBytes() ?? Buffer.from('none')), "the issuer's own subject");
  t.is(response.responderName?.rfc4514String(), "CN=Let's Encrypt Authority X3,O=Let's Encrypt,C=US");
  t.deepEqual(response.producedAt, utc('2018-08-30T11:15:00'));
  t.is(response.certificateStatus, OCSPCertStatus.GOOD);
  t.is(response.revocationTime, null);
  t.is(response.revocationReason, null);
  t.deepEqual(response.thisUpdate, utc('2018-08-30T11:00:00'));
  t.deepEqual(response.nextUpdate, utc('2018-09-06T11:00:00'));
  t.is(response.issuerKeyHash.toString('hex'), 'a84a6a63047dddbae6d139b7a64565eff3a8eca1');
  t.is(response.issuerNameHash.toString('hex'), '7ee66ae7729ab3fcf8a220646c16a12d6071085d');
  t.is(response.hashAlgorithm, HashAlgorithm.SHA1);
  t.is(response.serialNumber, 271024907440004808294641238224534273948400n);
  t.is(response.extensions.length, 0);
  t.is(response.singleExtensions.length, 0);
  t.is(response.responses.length, 1);
});

test('twenty answers in one response', (t) => {
  const response = loadDerOcspResponse(referenceOcsp('ocsp-army.deps.mil-resp'));
  refuses(t, 'ERR_OCSP_NOT_SINGLE', () => response.serialNumber);
  t.true(Array.isArray(response.responses));
  t.is(response.responses.length, 20);
  for (const single of response.responses) t.true(single instanceof OCSPSingleResponse);
  for (const member of singleMembers) {
    refuses(t, 'ERR_OCSP_NOT_SINGLE', () => response[member], member);
  }
  t.is(response.extensions.length, 0);
  t.is(response.certificates.length, 1);
});

test('finding one answer of many by its request', (t) => {
  const { responses } = loadDerOcspResponse(referenceOcsp('ocsp-army.deps.mil-resp'));
  const find = (name: string) => {
    const request = loadDerOcspRequest(referenceOcsp(`ocsp-army.${name}-req`));
    const single = responses.find(({ serialNumber }) => serialNumber === request.serialNumber);
    if (single) {
      t.deepEqual(single.issuerKeyHash, request.issuerKeyHash);
      t.deepEqual(single.issuerNameHash, request.issuerNameHash);
      t.is(single.hashAlgorithm, request.hashAlgorithm);
    }
    return single;
  };
  const valid = find('valid');
  t.is(valid?.certificateStatus, OCSPCertStatus.GOOD);
  t.is(valid?.revocationTime, null);
  t.is(valid?.revocationReason, null);
  t.deepEqual(valid?.thisUpdate, utc('2020-02-22T00:00:00'));
  t.deepEqual(valid?.nextUpdate, utc('2020-02-29T01:00:00'));
  t.is(valid?.extensions.length, 0);
  const revoked = find('revoked');
  t.is(revoked?.certificateStatus, OCSPCertStatus.REVOKED);
  t.is(revoked?.revocationReason, ReasonFlags.cessationOfOperation);
  t.deepEqual(revoked?.revocationTime, utc('2018-05-30T14:01:39'));
  t.is(find('inapplicable'), undefined);
});

const members = [
  'signatureAlgorithmOid',
  'signatureHashAlgorithm',
  'signature',
  'tbsResponseBytes',
  'certificates',
  'responderKeyHash',
  'responderName',
  'producedAt',
  'extensions',
  'responses',
  ...singleMembers,
] as const;

test('an unsuccessful response has a status and nothing else', (t) => {
  const response = loadDerOcspResponse(referenceOcsp('resp-unauthorized'));
  t.is(response.responseStatus, OCSPResponseStatus.UNAUTHORIZED);
  for (const member of members) refuses(t, 'ERR_OCSP_UNSUCCESSFUL', () => response[member], member);
  t.deepEqual(response.publicBytes(), Buffer.from('30030a0106', 'hex'));
});

test(`an unsuccessful response with a body ${differs('membersNeedSuccess')}`, (t) => {
  const good = der.response([der.singleResponse()]);
  const bytes = Buffer.from(good);
  const at = bytes.indexOf(Buffer.from('0a0100', 'hex'));
  bytes[at + 2] = 6;
  const response = loadDerOcspResponse(bytes);
  t.is(response.responseStatus, OCSPResponseStatus.UNAUTHORIZED);
  for (const member of members) refuses(t, 'ERR_OCSP_UNSUCCESSFUL', () => response[member], member);
  t.deepEqual(response.publicBytes(), bytes);
});

test('REVOKED without a reason', (t) => {
  const response = loadDerOcspResponse(referenceOcsp('resp-revoked'));
  t.is(response.certificateStatus, OCSPCertStatus.REVOKED);
  t.deepEqual(response.revocationTime, utc('2016-09-02T21:28:48'));
  t.is(response.revocationReason, null);
});

test('UNKNOWN, by a delegated responder', (t) => {
  const response = loadDerOcspResponse(referenceOcsp('resp-delegate-unknown-cert'));
  t.is(response.certificates.length, 1);
  t.true(response.certificates[0] instanceof X509Certificate);
  t.is(response.certificateStatus, OCSPCertStatus.UNKNOWN);
  t.true(verifies(response, response.certificates[0]?.publicKey));
});

test('an unknown signature algorithm: loads, the hash throws', (t) => {
  const response = loadDerOcspResponse(referenceOcsp('resp-invalid-signature-oid'));
  t.is(response.signatureAlgorithmOid, '1.2.840.113549.1.1.2');
  refuses(t, 'ERR_OCSP_UNSUPPORTED_ALGORITHM', () => response.signatureHashAlgorithm);
});

test('a CertID by an unknown hash: loads, the hash throws', (t) => {
  const response = loadDerOcspResponse(referenceOcsp('resp-unknown-hash-alg'));
  refuses(t, 'ERR_OCSP_UNSUPPORTED_ALGORITHM', () => response.hashAlgorithm);
  refuses(t, 'ERR_OCSP_UNSUPPORTED_ALGORITHM', () => response.responses[0]?.hashAlgorithm);
});

test('the responder by the hash of its key', (t) => {
  const response = loadDerOcspResponse(referenceOcsp('resp-responder-key-hash'));
  t.is(response.responderName, null);
  t.is(response.responderKeyHash?.toString('hex'), '0f80611c823161d52f28e78d4638b42ce1c6d9e2');
});

test('a reason', (t) => {
  t.is(loadDerOcspResponse(referenceOcsp('resp-revoked-reason')).revocationReason, ReasonFlags.superseded);
});

test('no nextUpdate', (t) => {
  const response = loadDerOcspResponse(referenceOcsp('resp-revoked-no-next-update'));
  t.is(response.serialNumber, 16160n);
  t.is(response.nextUpdate, null);
});

test('a nonce', (t) => {
  const { extensions } = loadDerOcspResponse(referenceOcsp('resp-revoked-reason'));
  t.is(extensions.length, 1);
  const [extension] = extensions;
  t.false(extension?.critical);
  t.true(extension?.value.equals(new OCSPNonce(der.hex('3595379f610383878972578fae99f722'))));
});

test('an extension of unknown type', (t) => {
  const { extensions } = loadDerOcspResponse(referenceOcsp('resp-unknown-extension'));
  t.is(extensions.length, 1);
  const [extension] = extensions;
  t.false(extension?.critical);
  const expected = new UnrecognizedExtension(
    '1.3.6.1.5.5.7.48.1.2.200',
    der.hex('04103595379f610383878972578fae99f722'),
  );
  t.true(extension?.value.equals(expected));
});

test('comes out as it went in', (t) => {
  const bytes = referenceOcsp('resp-revoked');
  t.deepEqual(loadDerOcspResponse(bytes).publicBytes(Encoding.DER), bytes);
  t.deepEqual(loadDerOcspResponse(bytes).publicBytes(), bytes);
});

test(`an encoding other than DER ${differs('enumsAreValues')}`, (t) => {
  const response = loadDerOcspResponse(referenceOcsp('resp-revoked'));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => response.publicBytes(Encoding.PEM));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => response.publicBytes(wrong('invalid')));
  refusesType(t, () => response.publicBytes(wrong({})));
});

test('single extensions: SCTs', (t) => {
  const { singleExtensions, responses } = loadDerOcspResponse(referenceOcsp('resp-sct-extension'));
  t.is(singleExtensions.length, 1);
  const extension = singleExtensions.getExtensionForOid('1.3.6.1.4.1.11129.2.4.5');
  t.true(extension.value instanceof SignedCertificateTimestamps);
  t.is(singleExtensions.getExtensionForClass(SignedCertificateTimestamps).value.length, 4);
  t.deepEqual(
    [...singleExtensions.getExtensionForClass(SignedCertificateTimestamps).value].map(({ logId }) =>
      logId.toString('base64').slice(0, 4),
    ),
    ['RJRl', 'b1N2', 'u9nf', '7ku9'],
  );
  t.true(responses[0]?.extensions.getExtensionForOid('1.3.6.1.4.1.11129.2.4.5').value.equals(extension.value));
});

test('single extensions: a reason', (t) => {
  const { singleExtensions } = loadDerOcspResponse(referenceOcsp('resp-single-extension-reason'));
  t.is(singleExtensions.length, 1);
  const [extension] = singleExtensions;
  t.true(extension?.value.equals(new CRLReason(ReasonFlags.unspecified)));
});

test('what does not load: unknown type, no body, unknown status, unsupported version', (t) => {
  for (const name of [
    'resp-response-type-unknown-oid',
    'resp-successful-no-response-bytes',
    'resp-unknown-response-status',
  ]) {
    refuses(t, 'ERR_OCSP_MALFORMED', () => loadDerOcspResponse(referenceOcsp(name)), name);
  }
  const bytes = vector('reference/reconstructed/resp-invalid-version.der');
  refuses(t, 'ERR_OCSP_MALFORMED', () => loadDerOcspResponse(bytes));
});

test("OpenSSL's own test responses load and come out as they went in", (t) => {
  for (const name of ['ND1', 'ND2', 'ND3', 'D1', 'D2', 'D3']) {
    const bytes = base64Vector(`openssl/ocsp-tests/${name}.ors`);
    const response = loadDerOcspResponse(bytes);
    t.is(response.certificateStatus, OCSPCertStatus.GOOD, name);
    t.is(response.certificates.length, name.startsWith('D') ? 1 : 0, name);
    t.is(response.signatureHashAlgorithm, HashAlgorithm.SHA1, name);
    t.deepEqual(response.publicBytes(), bytes, name);
    if (response.certificates[0]) t.true(verifies(response, response.certificates[0].publicKey), name);
  }
});

test('reading gives copies, the object stays as it is', (t) => {
  const bytes = referenceOcsp('resp-sct-extension');
  const response = loadDerOcspResponse(bytes);
  const before = JSON.stringify(response);
  for (const member of ['signature', 'tbsResponseBytes', 'issuerKeyHash', 'issuerNameHash'] as const) {
    response[member].fill(0);
    t.false(
      response[member].every((byte) => byte === 0),
      member,
    );
  }
  for (const member of ['producedAt', 'thisUpdate', 'nextUpdate'] as const) response[member]?.setTime(0);
  response.publicBytes().fill(0);
  response.responderName?.publicBytes().fill(0);
  response.certificates.length = 0;
  response.responses.length = 0;
  t.is(JSON.stringify(response), before);
  t.deepEqual(response.publicBytes(), bytes);
  t.is(response.responses.length, 1);
  t.is(response.certificates.length, 1);
  t.throws(() => Object.assign(response, { serialNumber: 5n }), { instanceOf: TypeError });
});
