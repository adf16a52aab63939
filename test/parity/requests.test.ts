import type { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  HashAlgorithm,
  loadDerOcspRequest,
  OCSPAcceptableResponses,
  OCSPNonce,
  OCSPRequestBuilder,
  UnrecognizedExtension,
} from 'openssl-ocsp';
import { createTestCa } from 'openssl-ocsp/testing';
import { withCli } from '../helpers/conditional.js';
import { cert, issuer } from '../helpers/fixtures.js';
import { openssl, Scratch } from '../helpers/openssl-cli.js';

// The openssl command is the oracle. Without one these tests are skipped: there is nothing to compare with.

const hashes = ['sha1', 'sha224', 'sha256', 'sha384', 'sha512'] as const;

/** `openssl ocsp ... -reqout`. */
function cliRequest(args: (scratch: Scratch) => string[]): Buffer {
  using scratch = new Scratch();
  const out = scratch.path('request.der');
  const { status, stderr } = openssl(['ocsp', ...args(scratch), '-reqout', out]);
  if (status !== 0) throw new Error(stderr);
  return readFileSync(out);
}

/** `openssl ocsp -req_text` of our request. */
function cliText(request: Uint8Array): string {
  using scratch = new Scratch();
  const { stdout, stderr, status } = openssl(['ocsp', '-reqin', scratch.write('r.der', request), '-req_text']);
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

const ca = createTestCa({ keyType: 'rsa' });
const ec = createTestCa({ curve: 'secp384r1', subject: 'C=US, O=Example, CN=EC' });
const pairs: [string, X509Certificate, X509Certificate][] = [
  ['a real certificate', cert, issuer],
  ['an RSA issuer', ca.issue().certificate, ca.certificate],
  ['an EC issuer', ec.issue().certificate, ec.certificate],
  [
    'an Ed25519 issuer',
    ...(() => {
      const a = createTestCa({ keyType: 'ed25519' });
      return [a.issue().certificate, a.certificate] as const;
    })(),
  ],
  [
    'a DSA issuer',
    ...(() => {
      const a = createTestCa({ keyType: 'dsa' });
      return [a.issue().certificate, a.certificate] as const;
    })(),
  ],
  ['an issuer that it is not', ca.issue().certificate, ec.certificate],
  ['serial zero', ca.issue({ serialNumber: 0n }).certificate, ca.certificate],
  ['serial 0x80', ca.issue({ serialNumber: 0x80n }).certificate, ca.certificate],
  ['a serial of 20 bytes', ca.issue({ serialNumber: 2n ** 159n - 1n }).certificate, ca.certificate],
];

for (const [name, subject, authority] of pairs) {
  for (const hash of hashes) {
    withCli(`the request of openssl ocsp, byte for byte: ${name}, ${hash}`, (t) => {
      const expected = cliRequest((scratch) => [
        '-no_nonce',
        `-${hash}`,
        '-issuer',
        scratch.write('issuer.pem', authority.toString()),
        '-cert',
        scratch.write('cert.pem', subject.toString()),
      ]);
      const request = new OCSPRequestBuilder().addCertificate(subject, authority, hash).build();
      t.is(request.publicBytes().toString('hex'), expected.toString('hex'));
      t.true(loadDerOcspRequest(expected).equals(request));
    });
  }
}

withCli('several certificates, each with its hash', (t) => {
  const [first, second, third] = [ca.issue().certificate, ca.issue().certificate, ec.issue().certificate];
  const expected = cliRequest((scratch) => [
    '-no_nonce',
    '-issuer',
    scratch.write('ca.pem', ca.certificatePem),
    '-cert',
    scratch.write('1.pem', first.toString()),
    '-sha256',
    '-cert',
    scratch.write('2.pem', second.toString()),
    '-issuer',
    scratch.write('ec.pem', ec.certificatePem),
    '-sha512',
    '-cert',
    scratch.write('3.pem', third.toString()),
  ]);
  const request = new OCSPRequestBuilder()
    .addCertificate(first, ca.certificate, 'sha1')
    .addCertificate(second, ca.certificate, 'sha256')
    .addCertificate(third, ec.certificate, 'sha512')
    .build();
  t.is(request.publicBytes().toString('hex'), expected.toString('hex'));
});

withCli('by serial number', (t) => {
  for (const serial of [0n, 1n, 255n, 256n, 2n ** 64n, 2n ** 160n, 2n ** 800n]) {
    const expected = cliRequest((scratch) => [
      '-no_nonce',
      '-issuer',
      scratch.write('ca.pem', ca.certificatePem),
      '-serial',
      `0x${serial.toString(16)}`,
    ]);
    const { issuerNameHash, issuerKeyHash } = loadDerOcspRequest(expected);
    const request = new OCSPRequestBuilder()
      .addCertificateByHash(issuerNameHash, issuerKeyHash, serial, HashAlgorithm.SHA1)
      .build();
    t.is(request.publicBytes().toString('hex'), expected.toString('hex'), String(serial));
  }
});

withCli('its nonce', (t) => {
  const bytes = cliRequest((scratch) => [
    '-nonce',
    '-issuer',
    scratch.write('issuer.pem', issuer.toString()),
    '-cert',
    scratch.write('cert.pem', cert.toString()),
  ]);
  const { nonce } = loadDerOcspRequest(bytes).extensions.getExtensionForClass(OCSPNonce).value;
  t.is(nonce.length, 16);
  const request = new OCSPRequestBuilder()
    .addCertificate(cert, issuer, 'sha1')
    .addExtension(new OCSPNonce(nonce), false)
    .build();
  t.is(request.publicBytes().toString('hex'), bytes.toString('hex'));
});

withCli('its signed request', (t) => {
  const signer = ca.issue({ subject: 'CN=Signer' });
  const bytes = cliRequest((scratch) => [
    '-no_nonce',
    '-issuer',
    scratch.write('issuer.pem', issuer.toString()),
    '-cert',
    scratch.write('cert.pem', cert.toString()),
    '-signer',
    scratch.write('signer.pem', signer.certificatePem),
    '-signkey',
    scratch.write('key.pem', signer.privateKeyPem),
  ]);
  const request = loadDerOcspRequest(bytes);
  t.is(request.serialNumber, 0x3f20n);
  t.is(request.requestorName?.constructor.name, 'DirectoryName');
  t.deepEqual(request.publicBytes(), bytes);
});

withCli('it reads ours', (t) => {
  const text = cliText(
    new OCSPRequestBuilder()
      .addCertificate(cert, issuer, 'sha1')
      .addCertificate(cert, issuer, 'sha384')
      .addExtension(new OCSPNonce(Buffer.from('deadbeef', 'hex')), true)
      .addExtension(new OCSPAcceptableResponses(['1.3.6.1.5.5.7.48.1.1']), false)
      .addExtension(new UnrecognizedExtension('1.2.3.4', Buffer.from('0500', 'hex')), false)
      .build()
      .publicBytes(),
  );
  t.regex(text, /Hash Algorithm: sha1\s+Issuer Name Hash: 400B467AF1E6B2D30983BA0D607E7E59374824C4\s/);
  t.regex(text, /Issuer Key Hash: C39CF3FCD3460834BBCE467FA07C5BF3E208CB59\s+Serial Number: 3F20/);
  t.regex(text, /Hash Algorithm: sha384/);
  t.regex(text, /OCSP Nonce: critical\s+0404DEADBEEF/);
  t.regex(text, /Acceptable OCSP Responses:\s+Basic OCSP Response/);
  t.regex(text, /1\.2\.3\.4:/);
});
