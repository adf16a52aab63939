// Certificates as bytes, new objects each time: what is kept of those that were decoded before makes nothing live on.
import { X509Certificate } from 'node:crypto';
import test from 'ava';
import { OCSPCertStatus, OCSPResponderEncoding, OCSPResponseBuilder, TrustStore, Verifier } from 'openssl-ocsp';
import { createTestCa, type TestIdentity } from 'openssl-ocsp/testing';
import { crlEntry, makeCrl } from '../helpers/crl.js';

const HOUR = 3600 * 1000;
const start = Date.now();
const later = (hours: number) => new Date(start + hours * HOUR);

const ca = createTestCa({ notBefore: later(-10), notAfter: later(30) });
const leaf = ca.issue({ subject: 'CN=leaf' });
const delegate = ca.issueResponder({ notBefore: later(-10), notAfter: later(2) });

function respond(signer: TestIdentity): Buffer {
  return new OCSPResponseBuilder()
    .addResponse({
      cert: leaf.certificate,
      issuer: ca.certificate,
      algorithm: 'sha1',
      certStatus: OCSPCertStatus.GOOD,
      thisUpdate: later(-1),
      nextUpdate: later(48),
      revocationTime: null,
      revocationReason: null,
    })
    .responderId(OCSPResponderEncoding.HASH, signer.certificate)
    .certificates([signer.certificate])
    .sign(signer.privateKey, 'sha256')
    .publicBytes();
}

/** The same certificates, in memory that no one has seen. */
const question = (hours: number) => ({
  certificate: Buffer.from(leaf.certificate.raw),
  issuer: Buffer.from(ca.certificate.raw),
  at: later(hours),
});
const codes = (verdict: { refusals: readonly { code: string }[] }) => verdict.refusals.map(({ code }) => code);

for (const [name, options] of Object.entries({
  'that anchors the CA': {},
  'that trusts a store': { trust: [ca.certificate] },
})) {
  test(`a delegate dies with its certificate, by a verifier ${name}`, (t) => {
    const verifier = new Verifier(options);
    const der = respond(delegate);
    for (let i = 0; i < 3; i += 1) t.is(verifier.verify(Buffer.from(der), question(1)).status, 'good');
    t.is(verifier.remembered, 1, 'the same bytes are the same certificate');
    for (let i = 0; i < 3; i += 1)
      t.deepEqual(codes(verifier.verify(Buffer.from(der), question(3))), ['SIGNER_EXPIRED']);
    t.is(verifier.verify(der, question(1)).status, 'good');
  });

  test(`a delegate whose certificate is replaced by one that delegates nothing is none, by a verifier ${name}`, (t) => {
    const verifier = new Verifier(options);
    t.is(verifier.verify(respond(delegate), question(1)).status, 'good');
    const { privateKey } = delegate;
    const replaced = ca.issue({ subject: 'CN=Test OCSP responder', privateKey, extendedKeyUsage: ['serverAuth'] });
    t.deepEqual(codes(verifier.verify(respond(replaced), question(1))), ['SIGNER_NOT_AUTHORIZED']);
  });
}

test('a CA that has ended answers for nothing by a store, whatever was remembered', (t) => {
  const verifier = new Verifier({ trust: [ca.certificate] });
  const long = ca.issueResponder({ notBefore: later(-10), notAfter: later(100) });
  const der = respond(long);
  t.is(verifier.verify(der, question(1)).status, 'good');
  t.is(verifier.verify(der, question(29)).status, 'good');
  t.false(verifier.verify(der, question(31)).usable);
});

test('a delegate that its CA has revoked is none, by a store with the new list', (t) => {
  const ordinary = ca.issueResponder({ ocspNoCheck: false, notBefore: later(-10), notAfter: later(20) });
  const der = respond(ordinary);
  const verifierWith = (revoked: readonly bigint[]) => {
    const crls = [
      makeCrl(
        ca,
        revoked.map((serial) => crlEntry(serial)),
      ),
    ];
    return new Verifier({ trust: new TrustStore({ certificates: [ca.certificate], crls }), signerRevocation: 'crl' });
  };
  const serial = BigInt(`0x${ordinary.certificate.serialNumber}`);
  t.is(verifierWith([]).verify(der, question(1)).status, 'good');
  t.deepEqual(codes(verifierWith([serial]).verify(der, question(1))), ['SIGNER_REVOKED']);
  t.is(verifierWith([]).verify(der, question(1)).status, 'good');
});

test('that a certificate was issued by a CA is said of these bytes, and no others', (t) => {
  const verifier = new Verifier();
  const der = respond(delegate);
  t.is(verifier.verify(der, question(1)).status, 'good');
  const forged = Buffer.from(leaf.certificate.raw);
  forged[forged.length - 1]! ^= 1;
  const asked = { ...question(1), certificate: forged };
  t.true(codes(verifier.verify(der, asked)).includes('ISSUER_MISMATCH'));
  t.true(
    codes(verifier.verify(der, { ...asked, certificate: new X509Certificate(forged) })).includes('ISSUER_MISMATCH'),
  );
  t.is(verifier.verify(der, question(1)).status, 'good');
});

test('verifyMany says of new bytes what verify says, whoever issued them', async (t) => {
  const verifier = new Verifier();
  const der = respond(delegate);
  const stranger = createTestCa().issue({ subject: 'CN=leaf' });
  const forged = Buffer.from(leaf.certificate.raw);
  forged[forged.length - 1]! ^= 1;
  const certificates = [leaf.certificate.raw, stranger.certificate.raw, forged, leaf.certificate.toString()];
  const items = Array.from({ length: 40 }, (_, i) => ({
    response: der,
    ...question(1),
    certificate: certificates[i % certificates.length]!,
  }));
  const verdicts = await verifier.verifyMany(items);
  for (const [i, verdict] of verdicts.entries()) {
    const { response, ...rest } = items[i]!;
    t.deepEqual(verdict.toJSON(), verifier.verify(response, rest).toJSON());
  }
  t.is(verdicts.filter(({ usable }) => usable).length, 20);
});
