import { createHash, type X509Certificate } from 'node:crypto';
import test from 'ava';
import {
  Encoding,
  HashAlgorithm,
  loadDerOcspRequest,
  OCSPNonce,
  OCSPRequest,
  OCSPRequestBuilder,
  UnrecognizedExtension,
} from 'openssl-ocsp';
import { cert, certId, goldenRequest, goldenRequestSha256, issuer } from '../helpers/fixtures.js';
import { refuses, refusesType, wrong } from '../helpers/refusals.js';
import { differs } from './deliberate-differences.js';

const { SHA1, SHA256 } = HashAlgorithm;
const { issuerNameHash, issuerKeyHash, serialNumber } = certId;

test(`several certificates in one request ${differs('severalEntries')}`, (t) => {
  const request = new OCSPRequestBuilder()
    .addCertificate(cert, issuer, SHA1)
    .addCertificate(cert, issuer, SHA256)
    .addCertificateByHash(issuerNameHash, issuerKeyHash, 7n, SHA1)
    .build();
  t.deepEqual(
    request.requests.map((entry) => [entry.hashAlgorithm, entry.serialNumber]),
    [
      [SHA1, serialNumber],
      [SHA256, serialNumber],
      [SHA1, 7n],
    ],
  );
  refuses(t, 'ERR_OCSP_NOT_SINGLE', () => request.serialNumber);
});

test(`a CertID by hash: algorithm, lengths, serial ${differs('unknownHashIsUnsupported')} ${differs('hexSerials')}`, (t) => {
  const builder = new OCSPRequestBuilder();
  const add = (name: unknown, key: unknown, serial: unknown, algorithm: unknown) => () =>
    builder.addCertificateByHash(wrong(name), wrong(key), wrong(serial), wrong(algorithm));
  refuses(t, 'ERR_OCSP_UNSUPPORTED_ALGORITHM', add(issuerNameHash, issuerKeyHash, 1n, 'notahash'));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', add(issuerNameHash.subarray(1), issuerKeyHash, 1n, SHA1), '19 bytes');
  refuses(t, 'ERR_OCSP_INVALID_VALUE', add(issuerNameHash, Buffer.alloc(21), 1n, SHA1), '21 bytes');
  refuses(t, 'ERR_OCSP_INVALID_VALUE', add(issuerNameHash, issuerKeyHash, 'notanint', SHA1));
  refusesType(t, add(issuerNameHash, issuerKeyHash, 1, SHA1), 'a number');
  refusesType(t, add(issuerNameHash, issuerKeyHash, null, SHA1));
  refusesType(t, add(issuerNameHash, issuerKeyHash, 1n, null));
});

test('nothing added', (t) => {
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => new OCSPRequestBuilder().build());
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () =>
    new OCSPRequestBuilder().addExtension(new OCSPNonce(Buffer.from('n')), false).build(),
  );
});

test(`md5 is refused ${differs('unknownHashIsUnsupported')}`, (t) => {
  refuses(t, 'ERR_OCSP_UNSUPPORTED_ALGORITHM', () =>
    new OCSPRequestBuilder().addCertificate(cert, issuer, wrong('md5')),
  );
  refuses(t, 'ERR_OCSP_UNSUPPORTED_ALGORITHM', () =>
    new OCSPRequestBuilder().addCertificate(cert, issuer, HashAlgorithm.SHA3_256),
  );
});

test(`the same extension twice ${differs('duplicateExtensionCode')}`, (t) => {
  const builder = new OCSPRequestBuilder().addExtension(new OCSPNonce(Buffer.from('123')), false);
  const error = refuses(t, 'ERR_OCSP_DUPLICATE_EXTENSION', () =>
    builder.addExtension(new OCSPNonce(Buffer.from('123')), false),
  );
  t.is(error?.oid, '1.3.6.1.5.5.7.48.1.2');
  refuses(
    t,
    'ERR_OCSP_DUPLICATE_EXTENSION',
    () => builder.addExtension(new UnrecognizedExtension('1.3.6.1.5.5.7.48.1.2', Buffer.alloc(2)), true),
    'by OID, whatever the class',
  );
});

test(`what is no extension ${differs('onlyOwnExtensionClasses')}`, (t) => {
  class Dummy {
    readonly oid = '1.2.3.4';
    publicBytes(): Buffer {
      return Buffer.from('0500', 'hex');
    }
  }
  const builder = new OCSPRequestBuilder().addCertificate(cert, issuer, SHA256);
  for (const value of ['notanext', null, undefined, {}, new Dummy(), OCSPNonce]) {
    refusesType(t, () => builder.addExtension(wrong(value), false));
  }
  const nonce = new OCSPNonce(Buffer.from('n'));
  for (const critical of [0, null, undefined, 'true']) {
    refusesType(t, () => builder.addExtension(nonce, wrong(critical)));
  }
});

test(`what is no certificate ${differs('certificatesFromBytes')}`, (t) => {
  const builder = new OCSPRequestBuilder();
  for (const value of [Buffer.from('notacert'), 'notacert', Buffer.alloc(0), '']) {
    refuses(t, 'ERR_OCSP_MALFORMED', () => builder.addCertificate(value, issuer, SHA1));
    refuses(t, 'ERR_OCSP_MALFORMED', () => builder.addCertificate(cert, value, SHA1));
  }
  for (const value of [null, undefined, 5, {}, []]) {
    refusesType(t, () => builder.addCertificate(wrong(value), issuer, SHA1));
    refusesType(t, () => builder.addCertificate(cert, wrong(value), SHA1));
  }
});

test('a request for a real certificate', (t) => {
  const request = new OCSPRequestBuilder().addCertificate(cert, issuer, SHA1).build();
  t.true(request instanceof OCSPRequest);
  t.deepEqual(request.publicBytes(Encoding.DER), goldenRequest);
  t.deepEqual(
    new OCSPRequestBuilder().addCertificate(cert, issuer, 'sha256').build().publicBytes(),
    goldenRequestSha256,
    'a plain string names the hash too',
  );
});

test('certificates as PEM, DER and X509Certificate give the same request', (t) => {
  const forms = (certificate: X509Certificate) => [
    certificate,
    certificate.toString(),
    Buffer.from(certificate.toString()),
    certificate.raw,
    new Uint8Array(certificate.raw),
  ];
  for (const subject of forms(cert)) {
    for (const authority of forms(issuer)) {
      const request = new OCSPRequestBuilder().addCertificate(subject, authority, SHA1).build();
      t.deepEqual(request.publicBytes(), goldenRequest);
    }
  }
});

test('every hash of a CertID', (t) => {
  for (const [algorithm, length] of [
    ['sha1', 20],
    ['sha224', 28],
    ['sha256', 32],
    ['sha384', 48],
    ['sha512', 64],
  ] as const) {
    const request = new OCSPRequestBuilder().addCertificate(cert, issuer, algorithm).build();
    t.is(request.hashAlgorithm, algorithm as HashAlgorithm);
    t.is(request.issuerKeyHash.length, length);
    t.is(request.issuerNameHash.length, length);
    t.is(request.serialNumber, serialNumber);
    const point = issuer.publicKey.export({ format: 'der', type: 'pkcs1' });
    t.deepEqual(request.issuerKeyHash, createHash(algorithm).update(point).digest(), 'RSA: the bits are RSAPublicKey');
  }
});

for (const [nonce, critical] of [
  [Buffer.from('0000'), false],
  [Buffer.from([0, 1, 2]), true],
] as const) {
  test(`an extension goes into the request, critical ${critical}`, (t) => {
    const request = new OCSPRequestBuilder()
      .addCertificate(cert, issuer, SHA1)
      .addExtension(new OCSPNonce(nonce), critical)
      .build();
    t.is(request.extensions.length, 1);
    const [extension] = request.extensions;
    t.is(extension?.oid, '1.3.6.1.5.5.7.48.1.2');
    t.is(extension?.critical, critical);
    t.true(extension?.value.equals(new OCSPNonce(nonce)));
    t.true(request.publicBytes().includes(Buffer.concat([Buffer.from([4, nonce.length]), nonce])), 'wrapped');
  });
}

test('by hash: the same request', (t) => {
  for (const serial of [serialNumber, '3F20', '3f20', '03f20']) {
    const request = new OCSPRequestBuilder().addCertificateByHash(issuerNameHash, issuerKeyHash, serial, SHA1).build();
    t.deepEqual(request.publicBytes(), goldenRequest);
  }
});

test('builders are immutable, and build as often as one likes', (t) => {
  const empty = new OCSPRequestBuilder();
  const one = empty.addCertificate(cert, issuer, SHA1);
  const two = one.addCertificate(cert, issuer, SHA1);
  const extended = one.addExtension(new OCSPNonce(Buffer.from('n')), false);
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => empty.build());
  t.deepEqual(one.build().publicBytes(), goldenRequest);
  t.deepEqual(one.build().publicBytes(), goldenRequest);
  t.is(two.build().requests.length, 2);
  t.is(extended.build().extensions.length, 1);
  t.is(one.build().extensions.length, 0);
});

test('a builder with 100,000 entries goes on in two ways, and each has its own', (t) => {
  // Quadratic work would take minutes.
  const add = (builder: OCSPRequestBuilder, serial: bigint): OCSPRequestBuilder =>
    builder.addCertificateByHash(certId.issuerNameHash, certId.issuerKeyHash, serial, SHA1);
  let common = new OCSPRequestBuilder();
  for (let i = 0n; i < 100_000n; i += 1n) common = add(common, i);
  const serials = [add(common, 200_000n), add(common, 300_000n), common].map((builder) =>
    builder.build().requests.map(({ serialNumber }) => serialNumber),
  );
  t.deepEqual(
    serials.map((list) => [list.length, list[0], list[99_999], list[100_000]]),
    [
      [100_001, 0n, 99_999n, 200_000n],
      [100_001, 0n, 99_999n, 300_000n],
      [100_000, 0n, 99_999n, undefined],
    ],
  );
});

test('extensions keep their order; critical false is left out of the DER', (t) => {
  const request = new OCSPRequestBuilder()
    .addCertificate(cert, issuer, SHA1)
    .addExtension(new UnrecognizedExtension('1.2.9', Buffer.from('z')), true)
    .addExtension(new UnrecognizedExtension('1.2.3', Buffer.from('a')), false)
    .build();
  t.deepEqual(
    [...request.extensions].map(({ oid, critical }) => [oid, critical]),
    [
      ['1.2.9', true],
      ['1.2.3', false],
    ],
  );
  t.true(request.publicBytes().includes(Buffer.from('300a06022a090101ff04017a300706022a03040161', 'hex')));
});

test('what a builder makes loads again, and equals', (t) => {
  const request = new OCSPRequestBuilder().addCertificate(cert, issuer, SHA1).build();
  t.true(loadDerOcspRequest(request.publicBytes()).equals(request));
  t.false(loadDerOcspRequest(goldenRequestSha256).equals(request));
});
