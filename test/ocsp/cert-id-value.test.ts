import test from 'ava';
import {
  CertId,
  caIssuersUrls,
  loadCertificates,
  OCSPRequestBuilder,
  OCSPResponseBuilder,
  TrustStore,
  Verifier,
  verifyOcspResponse,
} from 'openssl-ocsp';
import { ResponseSigner } from 'openssl-ocsp/bulk';
import { Stapler } from 'openssl-ocsp/client';
import { createTestCa, TestResponseKit } from 'openssl-ocsp/testing';
import { refusesType, wrong } from '../helpers/refusals.js';

const kit = new TestResponseKit();
const certificate = kit.leaf.certificate;
const issuer = kit.ca.certificate;
const HASHES = ['sha1', 'sha224', 'sha256', 'sha384', 'sha512'] as const;

test('the four parts are those of a request', (t) => {
  for (const hashAlgorithm of HASHES) {
    const [entry] = new OCSPRequestBuilder().addCertificate(certificate, issuer, hashAlgorithm).build().requests;
    const { serialNumber } = certificate;
    for (const certId of [
      CertId.of(issuer, { certificate, hashAlgorithm }),
      CertId.of(issuer, { serialNumber, hashAlgorithm }),
    ]) {
      t.deepEqual(certId.issuerNameHash, entry!.issuerNameHash);
      t.deepEqual(certId.issuerKeyHash, entry!.issuerKeyHash);
      t.is(certId.serialNumber, entry!.serialNumber);
      t.is(certId.hashAlgorithm, entry!.hashAlgorithm);
      t.true(certId.equals(CertId.from(entry!)));
      t.is(verifyOcspResponse(kit.respond(), { certId, issuer }).status, 'good');
    }
    t.deepEqual(CertId.hashesOf(issuer, hashAlgorithm).issuerKeyHash, entry!.issuerKeyHash);
  }
  t.is(CertId.of(issuer, { certificate }).hashAlgorithm as string, 'sha256');
  t.false(CertId.of(issuer, { certificate }).equals(CertId.of(issuer, { certificate, hashAlgorithm: 'sha1' })));
  t.false(CertId.of(issuer, { serialNumber: 1n }).equals(CertId.of(issuer, { serialNumber: 2n })));
});

test('JSON has the serial number as certificates have it', (t) => {
  for (const serialNumber of [0x80n, 0x7fn, 0n, -5n]) {
    const json = CertId.of(issuer, { serialNumber }).toJSON() as { serialNumber: string };
    const [entry] = new OCSPRequestBuilder()
      .addCertificateByHash(Buffer.alloc(20), Buffer.alloc(20), serialNumber, 'sha1')
      .build().requests;
    t.is(json.serialNumber, (entry!.toJSON() as { serialNumber: string }).serialNumber);
  }
  t.like(CertId.of(issuer, { certificate }).toJSON(), { serialNumber: certificate.serialNumber });
});

test('what is read may be changed without effect', (t) => {
  const certId = CertId.of(issuer, { certificate });
  certId.issuerKeyHash.fill(0);
  certId.issuerNameHash.fill(0);
  CertId.hashesOf(issuer).issuerKeyHash.fill(0);
  t.true(certId.equals(CertId.of(issuer, { certificate })));
  t.true(certId.isOfIssuer(issuer));
});

test('issuers are found by their hashes', (t) => {
  const namesake = createTestCa({ subject: 'CN=Test CA' });
  for (const hashAlgorithm of HASHES) {
    const certId = CertId.of(issuer, { serialNumber: 5n, hashAlgorithm });
    t.is(
      certId.findIssuer([kit.root.certificate, namesake.certificate, kit.ca.certificatePem])?.fingerprint256,
      issuer.fingerprint256,
    );
    t.is(certId.findIssuer([kit.root.certificate, namesake.certificate, certificate]), null);
    t.is(certId.findIssuer([]), null);
  }
  // What is returned is what was compared, whatever the bytes are by then.
  const answers = [kit.ca.certificate.raw, kit.root.certificate.raw];
  const changing = Object.assign(new Uint8Array(1), { valueOf: () => answers.shift() });
  t.is(CertId.of(issuer, { serialNumber: 5n }).findIssuer([changing])?.fingerprint256, issuer.fingerprint256);
  t.throws(() => CertId.of(issuer, { serialNumber: 5n }).findIssuer(kit.ca.certificatePem as never), {
    instanceOf: TypeError,
  });
});

test('arguments', (t) => {
  t.throws(() => CertId.of(issuer, {}), { instanceOf: TypeError });
  t.throws(() => CertId.of(issuer, { certificate, serialNumber: 1n }), { code: 'ERR_OCSP_INVALID_VALUE' });
  t.throws(() => CertId.of(issuer, { certificate, hashAlgorithm: 'md5' as never }), {
    code: 'ERR_OCSP_UNSUPPORTED_ALGORITHM',
  });
  t.throws(() => CertId.of(issuer, { serial: 1n } as never), { code: 'ERR_OCSP_INVALID_VALUE' });
  t.throws(() => CertId.of('x' as never, { certificate }), { code: 'ERR_OCSP_MALFORMED' });
  const parts = CertId.of(issuer, { certificate });
  t.throws(
    () => CertId.from({ ...CertId.hashesOf(issuer), issuerKeyHash: Buffer.alloc(3), serialNumber: parts.serialNumber }),
    {
      code: 'ERR_OCSP_INVALID_VALUE',
    },
  );
});

test('parts that are none', (t) => {
  for (const value of [undefined, null, 5, 'sha1']) refusesType(t, () => CertId.from(wrong(value)));
});

test('certificates of a file: PEM of several, DER of one', (t) => {
  const chain = `a comment\n${kit.leaf.certificatePem}${kit.leaf.privateKeyPem}${kit.ca.certificatePem}`;
  for (const data of [chain, Buffer.from(chain)]) {
    t.deepEqual(
      loadCertificates(data).map(({ fingerprint256 }) => fingerprint256),
      [certificate.fingerprint256, issuer.fingerprint256],
    );
  }
  t.is(loadCertificates(certificate.raw)[0]!.fingerprint256, certificate.fingerprint256);
  for (const data of ['', 'text', Buffer.alloc(0), kit.leaf.privateKeyPem, certificate.raw.subarray(1)]) {
    t.throws(() => loadCertificates(data), { code: 'ERR_OCSP_MALFORMED' });
  }
  t.throws(
    () => loadCertificates(`${kit.leaf.certificatePem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`),
    {
      code: 'ERR_OCSP_MALFORMED',
      message: /certificate 1 does not parse/,
    },
  );
  t.throws(() => loadCertificates(5 as never), { instanceOf: TypeError });
});

test('an item of a list is one certificate', (t) => {
  const [leaf, ca, root] = [kit.leaf, kit.ca, kit.root].map(({ certificatePem }) => certificatePem);
  const bundle = `${ca}${root}`;
  const builder = new OCSPResponseBuilder();
  for (const two of [bundle, Buffer.from(bundle), `a comment\n${bundle}`]) {
    for (const use of [
      () => new Verifier().statusAt([], { chain: [leaf as string, two], at: new Date() }),
      () => new Verifier({ trust: [two] }),
      () => new Verifier({ certificates: [two] }),
      () => new Verifier({ trustedResponders: [ca as string, two] }),
      () => new TrustStore({ certificates: [two] }),
      () => builder.certificates([two]),
      () => new Stapler({ issuers: [two] }),
      () => new ResponseSigner({ issuer, responder: issuer, privateKey: kit.ca.privateKey, certificates: [two] }),
      () => new ResponseSigner({ issuer, responder: issuer, privateKey: kit.ca.privateKey, subjects: [two] }),
    ]) {
      t.throws(use, { code: 'ERR_OCSP_INVALID_VALUE', message: /holds 2 certificates/ });
    }
  }
  for (const one of [ca as string, `a comment\n${ca}`, Buffer.from(ca as string), kit.ca.certificate.raw])
    t.notThrows(() => new Verifier({ trust: [one] }));
});

test('a text of which a part is missing is not one of less certificates', (t) => {
  const [leaf, ca, root] = [kit.leaf, kit.ca, kit.root].map(({ certificatePem }) => certificatePem);
  const whole = `${leaf}${ca}${root}`;
  const cut: [string, string][] = [
    ['its end', whole.slice(0, -10)],
    ['the end of the last one', whole.slice(0, -200)],
    ['its beginning', whole.slice(10)],
    ['the beginning of the first one', whole.slice(200)],
    ['an end in the middle', `${leaf}${ca?.slice(0, -200)}\n${root}`],
    ['another end', `${leaf}${ca?.replace('END ', 'END X509 ')}${root}`],
    ['a dash', whole.replaceAll('-----BEGIN', '----BEGIN')],
    ['the end of a key before it', `${leaf}${kit.leaf.privateKeyPem.slice(0, -30)}\n${ca}${root}`],
  ];
  t.is(loadCertificates(whole).length, 3);
  for (const [what, text] of cut) {
    for (const data of [text, Buffer.from(text)])
      t.throws(() => loadCertificates(data), { code: 'ERR_OCSP_MALFORMED' }, what);
    const question = { chain: text, at: new Date() };
    t.throws(() => new Verifier().statusAt([], question), { code: 'ERR_OCSP_MALFORMED' }, what);
  }
  // What is no certificate may be cut off.
  t.is(loadCertificates(`${whole}${kit.leaf.privateKeyPem.slice(0, -30)}`).length, 3);
});

test('URLs of the certificate of the issuer', (t) => {
  const { ca } = kit;
  const caIssuers = ['http://ca.example/ca.cer', 'ldap://ca.example/x'];
  t.deepEqual(caIssuersUrls(ca.issue({ aia: { ocsp: ['http://ocsp.example/'], caIssuers } }).certificate), caIssuers);
  t.deepEqual(caIssuersUrls(ca.issue({ aia: { ocsp: ['http://ocsp.example/'] } }).certificate), []);
  t.deepEqual(caIssuersUrls(ca.issue({}).certificatePem), []);
  const broken = [{ oid: '1.3.6.1.5.5.7.1.1', value: Buffer.from('3003020101', 'hex') }];
  t.throws(() => caIssuersUrls(ca.issue({ extensions: broken }).certificate), { code: 'ERR_OCSP_MALFORMED' });
  t.throws(() => caIssuersUrls('ca.pem'), { code: 'ERR_OCSP_MALFORMED' });
});
