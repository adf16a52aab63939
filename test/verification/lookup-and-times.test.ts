// Which entry is meant, and whether its times hold.
import test from 'ava';
import {
  loadDerOcspResponse,
  OCSPNonce,
  type OCSPQuestion,
  OCSPRequestBuilder,
  type OCSPVerdict,
  type ValidityFault,
  Verifier,
  type VerifierOptions,
  verifyOcspResponse,
} from 'openssl-ocsp';
import { createTestCa, type TestEntry, TestResponseKit } from 'openssl-ocsp/testing';
import { makeCrl } from '../helpers/crl.js';
import { refuses, refusesType, wrong } from '../helpers/refusals.js';

const kit = new TestResponseKit();
const { ca, leaf } = kit;
const issuer = ca.certificate;
const question: OCSPQuestion = { certificate: leaf.certificate, issuer };
const codesIn = ({ refusals }: OCSPVerdict) => refusals.map(({ code }) => code);
const codesOf = (der: Buffer, more: Partial<OCSPQuestion & VerifierOptions> = {}) =>
  codesIn(verifyOcspResponse(der, { ...question, ...more }));

const HASHES = ['sha1', 'sha224', 'sha256', 'sha384', 'sha512'] as const;

for (const asked of HASHES) {
  test(`a CertID by ${asked} finds entries by every hash`, (t) => {
    const request = new OCSPRequestBuilder().addCertificate(leaf.certificate, issuer, asked).build();
    const [certId] = request.requests;
    for (const answered of HASHES) {
      const der = kit.respond([kit.entry({ serialNumber: 5n, status: 'revoked' }), kit.entry({ hash: answered })]);
      for (const target of [{ certId: certId! }, { request }, { certId: plainCertId(request) }]) {
        t.is(verifyOcspResponse(der, { issuer, ...target }).status, 'good', `${asked}, ${answered}`);
      }
      // As OpenSSL does, findStatus knows the one hash only.
      const found = loadDerOcspResponse(der).findStatus(certId!);
      t.is(found === null, asked !== answered);
    }
  });
}

function plainCertId({
  hashAlgorithm,
  issuerNameHash,
  issuerKeyHash,
  serialNumber,
}: ReturnType<OCSPRequestBuilder['build']>) {
  return { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber };
}

test('each field of a CertID counts', (t) => {
  const { requests } = new OCSPRequestBuilder().addCertificate(leaf.certificate, issuer, 'sha1').build();
  const [entry] = loadDerOcspResponse(kit.respond()).responses;
  const changed: Partial<TestEntry>[] = [
    { serialNumber: 0x12345678n },
    { serialNumber: 0x123456789000n },
    { issuerNameHash: Buffer.alloc(20) },
    { issuerKeyHash: Buffer.alloc(20) },
    { hash: 'sha256', issuerNameHash: entry!.issuerNameHash, issuerKeyHash: entry!.issuerKeyHash },
  ];
  t.true(entry!.hasSameCertId(requests[0]!) && entry!.hasSameIssuer(requests[0]!));
  const [bare] = loadDerOcspResponse(kit.respond(kit.entry({ withoutHashParameters: true }))).responses;
  t.true(bare!.hasSameCertId(requests[0]!));
  for (const change of changed) {
    const der = kit.respond(kit.entry(change));
    const response = loadDerOcspResponse(der);
    t.false(response.responses[0]!.hasSameCertId(requests[0]!));
    t.is(response.responses[0]!.hasSameIssuer(requests[0]!), change.serialNumber !== undefined);
    t.is(response.findStatus(requests[0]!), null);
    t.deepEqual(codesOf(der), ['CERTIFICATE_NOT_FOUND']);
  }
});

test('the CertID has to be of the issuer that is given', (t) => {
  const certId = new OCSPRequestBuilder().addCertificate(leaf.certificate, kit.root.certificate, 'sha1').build();
  const verdict = verifyOcspResponse(kit.respond(), { certId: certId.requests[0]!, issuer });
  t.deepEqual(
    verdict.refusals.map(({ code }) => code),
    ['ISSUER_MISMATCH'],
  );
});

test('a thousand entries, ours the last', (t) => {
  const others = Array.from({ length: 999 }, (_, i) => kit.entry({ serialNumber: BigInt(i + 1) }));
  const der = kit.respond([...others, kit.entry({ status: 'revoked' })]);
  t.is(verifyOcspResponse(der, question).status, 'revoked');
});

test('of entries that agree the latest counts', (t) => {
  const now = Date.now();
  const old = kit.entry({ thisUpdate: new Date(now - 9e8), nextUpdate: new Date(now - 8e8) });
  for (const entries of [
    [old, kit.entry()],
    [kit.entry(), old],
  ]) {
    t.is(verifyOcspResponse(kit.respond(entries), question).status, 'good');
  }
});

test('arguments that do not say which certificate is meant', (t) => {
  const der = kit.respond();
  const certId = new OCSPRequestBuilder().addCertificate(leaf.certificate, issuer, 'sha1').build().requests[0]!;
  refusesType(t, () => verifyOcspResponse(der, { issuer }));
  refusesType(t, () => verifyOcspResponse(der, wrong({ certificate: leaf.certificate })));
  refusesType(t, () => verifyOcspResponse(der, wrong(undefined)));
  refusesType(t, () => verifyOcspResponse(wrong('der'), question));
  refusesType(t, () => verifyOcspResponse(der, { ...question, at: wrong('now') }));
  refusesType(t, () => verifyOcspResponse(der, { ...question, request: wrong({}) }));
  refusesType(t, () => verifyOcspResponse(der, { ...question, clockTolerance: wrong('300') }));
  refusesType(t, () => verifyOcspResponse(der, { ...question, trust: wrong('roots.pem') }));
  refusesType(t, () => verifyOcspResponse(der, { ...question, certificates: wrong(leaf.certificatePem) }));
  refusesType(t, () => verifyOcspResponse(der, { ...question, nonce: wrong(true) }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => verifyOcspResponse(der, { ...question, certId }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => verifyOcspResponse(der, { ...question, nonce: wrong('always') }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => verifyOcspResponse(der, { ...question, maxAge: -1 }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => verifyOcspResponse(der, { ...question, clockTolerance: Number.NaN }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => verifyOcspResponse(der, { ...question, securityLevel: 6 }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => verifyOcspResponse(der, { ...question, signerRevocation: 'crl' }));
  refuses(t, 'ERR_OCSP_MALFORMED', () => verifyOcspResponse(der, { issuer: 'no PEM', certificate: leaf.certificate }));
  const two = new OCSPRequestBuilder()
    .addCertificate(leaf.certificate, issuer, 'sha1')
    .addCertificate(leaf.certificate, issuer, 'sha256')
    .build();
  refuses(t, 'ERR_OCSP_NOT_SINGLE', () => verifyOcspResponse(der, { issuer, request: two }));
});

// Times. The moment to judge at is fixed, so that a second is a second.
const at = new Date('2026-06-15T12:00:00Z');
const timed = new TestResponseKit({
  notBefore: new Date('2026-01-01T00:00:00Z'),
  notAfter: new Date('2027-01-01T00:00:00Z'),
});
const moved = (seconds: number) => new Date(at.getTime() + seconds * 1000);

const timeCases: [
  thisUpdate: number,
  nextUpdate: number | null,
  tolerance: number,
  maxAge: number | undefined,
  ValidityFault[],
][] = [
  [-60, 60, 0, undefined, []],
  [0, 60, 0, undefined, []],
  [1, 60, 0, undefined, ['not-yet-valid']],
  [1, 60, 1, undefined, []],
  [301, 600, 300, undefined, ['not-yet-valid']],
  [-60, 1, 0, undefined, []],
  [-60, 0, 0, undefined, ['expired']],
  [-60, -1, 0, undefined, ['expired']],
  [-60, 0, 1, undefined, []],
  [-600, -300, 300, undefined, ['expired']],
  [-600, -299, 300, undefined, []],
  [-60, 60, 0, 60, []],
  [-61, 60, 0, 60, ['too-old']],
  [-61, 60, 1, 60, ['too-old']],
  [-10, -20, 60, undefined, ['inverted']],
  [-10, -10, 60, undefined, []],
  [-60, null, 0, 60, []],
  [-61, null, 0, 60, ['too-old']],
];
const faultCodes = {
  'not-yet-valid': 'NOT_YET_VALID',
  expired: 'EXPIRED',
  'too-old': 'TOO_OLD',
  inverted: 'INVERTED_TIMES',
};

for (const [thisUpdate, nextUpdate, clockTolerance, maxAge, faults] of timeCases) {
  const name = `thisUpdate ${thisUpdate} s, nextUpdate ${nextUpdate} s, tolerance ${clockTolerance} s, age ${maxAge} s`;
  test(`times: ${name}`, (t) => {
    const next = nextUpdate === null ? null : moved(nextUpdate);
    const der = timed.respond(timed.entry({ thisUpdate: moved(thisUpdate), nextUpdate: next }));
    const options = { at, clockTolerance, ...(maxAge === undefined ? {} : { maxAge }) };
    const validity = loadDerOcspResponse(der).responses[0]!.checkValidity(options);
    t.deepEqual(validity, { valid: faults.length === 0, faults });
    const asked = { certificate: timed.leaf.certificate, issuer: timed.ca.certificate };
    t.deepEqual(
      codesOf(der, { ...options, ...asked }),
      faults.map((fault) => faultCodes[fault]),
    );
  });
}

test('without nextUpdate an answer holds for an hour, unless told otherwise', (t) => {
  const respond = (age: number) =>
    kit.respond(kit.entry({ thisUpdate: new Date(Date.now() - age * 1000), nextUpdate: null }));
  t.deepEqual(codesOf(respond(3500)), []);
  t.deepEqual(codesOf(respond(4000)), ['TOO_OLD']);
  t.deepEqual(codesOf(respond(4000), { maxAge: 86400 }), []);
  const verdict = verifyOcspResponse(respond(60), question);
  t.is(verdict.freshUntil!.getTime(), verdict.thisUpdate!.getTime() + 3600_000);
});

test('freshUntil and refreshAt', (t) => {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const der = kit.respond(kit.entry({ thisUpdate: new Date(now - 1000), nextUpdate: new Date(now + 9000) }));
  const verdict = verifyOcspResponse(der, question);
  t.is(verdict.freshUntil?.getTime(), now + 9000);
  t.is(verdict.refreshAt?.getTime(), now + 4000);
  const aged = verifyOcspResponse(der, { ...question, maxAge: 5 });
  t.is(aged.freshUntil?.getTime(), now + 4000);
});

test('freshUntil ends with the certificates that the answer rests on', (t) => {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const short = { notAfter: new Date(now + 3600_000) };
  const entry = kit.entry({ thisUpdate: new Date(now), nextUpdate: new Date(now + 9 * 86400_000) });
  const until = (der: Buffer, more: Partial<OCSPQuestion & VerifierOptions> = {}) => {
    const verdict = verifyOcspResponse(der, { ...question, ...more });
    t.true(verdict.usable, verdict.explain());
    if (verdict.usable && verdict.freshUntil < verdict.nextUpdate!) {
      // A second later no one would take it.
      const later = new Date(verdict.freshUntil.getTime() + 1000);
      t.false(verifyOcspResponse(der, { ...question, ...more, at: later }).usable);
    }
    return verdict.freshUntil!.getTime() - now;
  };
  t.is(until(kit.respond(entry)), 9 * 86400_000);
  t.is(until(kit.respond(entry, { signer: ca.issueResponder(short) })), 3600_000);
  const trusted = createTestCa({ subject: 'CN=Local', ca: false, ...short });
  t.is(until(kit.respond(entry, { signer: trusted }), { trustedResponders: [trusted.certificate] }), 3600_000);
  const shortCa = kit.root.issueIntermediate({ subject: 'CN=Short', ...short });
  const { certificate } = shortCa.issue({ subject: 'CN=of short' });
  const asked = { certificate, issuer: shortCa.certificate };
  for (const signer of [shortCa, shortCa.issueResponder()]) {
    t.is(until(kit.respond({ ...entry, ...asked }, { signer }), asked), 3600_000);
  }
});

test('freshUntil ends with what is further up, also where the path is remembered', (t) => {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const end = new Date(now + 3600_000);
  const upper = kit.root.issueIntermediate({ subject: 'CN=Upper', notAfter: end });
  const lower = upper.issueIntermediate({ subject: 'CN=Lower' });
  const { certificate } = lower.issue({ subject: 'CN=of lower' });
  const asked = { certificate, issuer: lower.certificate };
  const times = { thisUpdate: new Date(now), nextUpdate: new Date(now + 9 * 86400_000) };
  const trust = [kit.root.certificate];
  for (const signer of [lower, lower.issueResponder()]) {
    const verifier = new Verifier({ trust, certificates: [upper.certificate] });
    const der = kit.respond({ ...kit.entry(times), ...asked }, { signer });
    for (let time = 0; time < 3; time += 1) t.deepEqual(verifier.verify(der, asked).freshUntil, end);
    const last = new Date(end.getTime() - 1000);
    t.is(verifier.verify(der, { ...asked, at: last }).status, 'good');
    t.deepEqual(codesIn(verifier.verify(der, { ...asked, at: end })), ['SIGNER_UNTRUSTED']);
  }
});

test('freshUntil ends with the revocation list that tells of the delegate', (t) => {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const der = kit.respond(kit.entry({ thisUpdate: new Date(now), nextUpdate: new Date(now + 9 * 86400_000) }), {
    signer: ca.issueResponder({ ocspNoCheck: false }),
  });
  const crls = [makeCrl(ca, [], { nextUpdate: 3600_000 }), makeCrl(kit.root, [], { nextUpdate: 1800_000 })];
  const trust = { certificates: [kit.root.certificate], crls };
  for (const [rules, seconds] of [
    [{ signerRevocation: 'crl' }, 3600],
    [{ pathFlags: ['crlCheck'] }, 3600],
    [{ pathFlags: ['crlCheckAll'] }, 1800],
  ] as const) {
    const verifier = new Verifier({ trust, ...rules });
    const verdict = verifier.verify(der, question);
    t.is(verdict.status, 'good', verdict.explain());
    const left = verdict.freshUntil!.getTime() - now;
    t.true(left > (seconds - 10) * 1000 && left <= (seconds + 10) * 1000, `${JSON.stringify(rules)}: ${left}`);
    t.regex(verifier.verify(der, { ...question, at: verdict.freshUntil! }).explain(), /CRL has expired/);
  }
});

test('checkValidity: arguments, and times that only lenient loading lets through', (t) => {
  const entry = loadDerOcspResponse(kit.respond()).responses[0]!;
  t.true(entry.checkValidity().valid);
  refusesType(t, () => entry.checkValidity({ at: wrong(0) }));
  refusesType(t, () => entry.checkValidity(wrong(null)));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => entry.checkValidity({ at: new Date(Number.NaN) }));
  for (const thisUpdate of ['20200101000000.5Z', '20200101000000+0100']) {
    const der = kit.respond(kit.entry({ thisUpdate, nextUpdate: '20990101000000.5Z' }));
    const odd = loadDerOcspResponse(der, { strict: false }).responses[0]!;
    refuses(t, 'ERR_OCSP_MALFORMED', () => odd.checkValidity());
  }
});

// Nonces.
const withNonce = (nonce?: OCSPNonce) => {
  const builder = new OCSPRequestBuilder().addCertificate(leaf.certificate, issuer, 'sha1');
  return (nonce ? builder.addExtension(nonce, false) : builder).build();
};
const nonceOf = (octet: number) => new OCSPNonce(Buffer.alloc(32, octet));
const answerWith = (nonce?: OCSPNonce) =>
  kit.respond(undefined, nonce ? { extensions: [{ oid: nonce.oid, value: nonce.publicBytes() }] } : {});

const nonceCases = [
  ['equal', nonceOf(1), nonceOf(1), [], []],
  ['different', nonceOf(1), nonceOf(2), ['NONCE_MISMATCH'], ['NONCE_MISMATCH']],
  ['request-only', nonceOf(1), undefined, [], ['NONCE_MISSING']],
  ['response-only', undefined, nonceOf(1), [], ['NONCE_MISSING']],
  ['both-absent', undefined, undefined, [], ['NONCE_MISSING']],
] as const;

for (const [state, asked, answered, optional, required] of nonceCases) {
  test(`nonce: ${state}`, async (t) => {
    const { checkNonce } = await import('openssl-ocsp');
    const [request, der] = [withNonce(asked), answerWith(answered)];
    t.is(checkNonce(request, loadDerOcspResponse(der)), state);
    t.deepEqual(codesOf(der, { request }), [...optional]);
    t.deepEqual(codesOf(der, { request: request.publicBytes(), nonce: 'optional' }), [...optional]);
    t.deepEqual(codesOf(der, { request, nonce: 'required' }), [...required]);
    const verdict = verifyOcspResponse(der, { ...question, request, nonce: 'ignored' });
    t.true(verdict.usable);
    t.is(verdict.nonce, state);
    refusesType(t, () => checkNonce(wrong(der), loadDerOcspResponse(der)));
    refusesType(t, () => checkNonce(request, wrong(der)));
  });
}
