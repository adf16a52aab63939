/** A certificate that holds another one as PEM text is itself. (Node's X509Certificate looks for such text first, in whatever bytes.) */
import test from 'ava';
import { loadCertificates, loadDerOcspResponse, Verifier, verifyOcspResponse } from 'openssl-ocsp';
import { buildTestResponse, createTestCa, type TestIdentity } from 'openssl-ocsp/testing';

const ca = createTestCa();
const DAY = 24 * 3600 * 1000;
const holding = ({ certificatePem }: TestIdentity) => [
  { oid: '1.3.6.1.4.1.99999.1', critical: false, value: Buffer.from(`\n${certificatePem}`) },
];
const leaf = ca.issue({ subject: 'CN=leaf' });
const entry = { certificate: leaf.certificate, issuer: ca.certificate };

test('a delegate whose certificate holds that of another one: that it was revoked is heard', (t) => {
  const other = ca.issueResponder({ subject: 'CN=other' });
  const delegate = ca.issueResponder({ subject: 'CN=delegate', extensions: holding(other) });
  const certificates = [delegate.certificate];
  const answer = buildTestResponse({ entries: [entry], signer: delegate, certificates });
  const verdict = verifyOcspResponse(answer, entry);
  t.is(verdict.status, 'good');
  t.is(verdict.signer?.subject, 'CN=delegate');
  t.is(loadDerOcspResponse(answer).certificates[0]?.subject, 'CN=delegate');
  t.is(loadDerOcspResponse(answer).signer()?.subject, 'CN=delegate');
  const revocationTime = new Date(Date.now() - DAY);
  const about = {
    certificate: delegate.certificate,
    issuer: ca.certificate,
    status: 'revoked',
    revocationTime,
  } as const;
  const answers = [answer, buildTestResponse({ entries: [about], signer: ca, certificates: [] })];
  const { status, links } = new Verifier().statusAt(answers, {
    chain: [leaf.certificate, ca.certificate],
    at: new Date(),
  });
  t.is(status, null);
  t.deepEqual(
    links[0]?.answers[0]?.refusals.map(({ code }) => code),
    ['SIGNER_REVOKED'],
  );
});

test('DER that holds the text of another certificate: an answer about that one is none about this one', (t) => {
  const { certificate } = ca.issue({ subject: 'CN=holder', extensions: holding(leaf) });
  const der = Buffer.from(certificate.raw);
  t.true(der.includes('-----BEGIN CERTIFICATE-----'));
  const answer = buildTestResponse({ entries: [entry], signer: ca, certificates: [] });
  t.is(verifyOcspResponse(answer, entry).status, 'good');
  for (const input of [certificate, der, Uint8Array.from(der), certificate.toString()]) {
    const { refusals } = verifyOcspResponse(answer, { certificate: input, issuer: ca.certificate });
    t.deepEqual(
      refusals.map(({ code }) => code),
      ['CERTIFICATE_NOT_FOUND'],
    );
  }
  t.is(loadCertificates(der)[0]?.subject, 'CN=holder');
});

test('whatever their lengths, such certificates are read', (t) => {
  // 48 bytes make a line of PEM.
  for (let length = 0; length < 48; length += 1) {
    const value = Buffer.from(`\n-----BEGIN CERTIFICATE-----\n${'x'.repeat(length)}`);
    const extensions = [{ oid: '1.3.6.1.4.1.99999.1', value }];
    const delegate = ca.issueResponder({ subject: 'CN=delegate', extensions });
    const answer = buildTestResponse({ entries: [entry], signer: delegate, certificates: [delegate.certificate] });
    t.is(verifyOcspResponse(answer, entry).signer?.subject, 'CN=delegate', `${length}`);
    t.is(loadCertificates(Buffer.from(delegate.certificate.raw))[0]?.subject, 'CN=delegate');
  }
});

test('a certificate of some megabytes as text is read as any other', (t) => {
  const value = Buffer.alloc(8_000_000, 'x');
  const large = ca.issue({ extensions: [{ oid: '1.3.6.1.4.1.99999.1', value }] });
  const answer = buildTestResponse({
    entries: [{ certificate: large.certificate, issuer: ca.certificate }],
    signer: ca,
  });
  for (const certificate of [large.certificatePem, Buffer.from(large.certificatePem)])
    t.is(verifyOcspResponse(answer, { certificate, issuer: ca.certificate }).status, 'good');
  const junk = `-----BEGIN CERTIFICATE-----\n${`${'A'.repeat(64)}\n`.repeat(200_000)}-----END CERTIFICATE-----\n`;
  t.throws(() => verifyOcspResponse(answer, { certificate: junk, issuer: ca.certificate }), {
    code: 'ERR_OCSP_MALFORMED',
  });
});
