// What a verifier can be told to accept: strength, revocation of delegates, trust, memory; and what OpenSSL's own verification
// can be told.
import { mkdirSync, symlinkSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test, { type ExecutionContext } from 'ava';
import {
  loadDerOcspResponse,
  type OCSPQuestion,
  OCSPRequestBuilder,
  TrustStore,
  type Verdict,
  Verifier,
  type VerifierOptions,
  verifyOcspResponse,
} from 'openssl-ocsp';
import { createTestCa, type TestCa, TestIdentity, TestResponseKit } from 'openssl-ocsp/testing';
import { signatureAlgorithm, signBytes } from '#dist/testing/signature.js';
import { withCli } from '../helpers/conditional.js';
import { generalizedTime, hex, sequence, tlv } from '../helpers/der.js';
import { openssl, Scratch } from '../helpers/openssl-cli.js';
import { refuses, refusesType, wrong } from '../helpers/refusals.js';

const kit = new TestResponseKit();
const { root, ca, leaf } = kit;
const question: OCSPQuestion = { certificate: leaf.certificate, issuer: ca.certificate };
const DAY = 24 * 3600 * 1000;

function codes(verdict: Verdict): string[] {
  return verdict.refusals.map(({ code }) => code);
}

function judge(der: Uint8Array, more: Partial<OCSPQuestion & VerifierOptions> = {}): Verdict {
  return verifyOcspResponse(der, { ...question, ...more });
}

function is(t: ExecutionContext, verdict: Verdict, ...expected: string[]): void {
  t.deepEqual(codes(verdict), expected, verdict.explain());
  t.is(verdict.usable, expected.length === 0);
}

// Strength.

const rsa = new TestResponseKit({ keyType: 'rsa' });
const rsaQuestion = { certificate: rsa.leaf.certificate, issuer: rsa.ca.certificate };

for (const [hash, level0, level1, level2] of [
  ['md5', 'WEAK_SIGNATURE', 'WEAK_SIGNATURE', 'WEAK_SIGNATURE'],
  ['sha1', null, 'WEAK_SIGNATURE', 'WEAK_SIGNATURE'],
  ['sha256', null, null, null],
] as const) {
  for (const [what, options] of [
    ['the response, by a delegate', () => ({ hash })],
    ['the response, by the CA', () => ({ hash, signer: rsa.ca })],
  ] as const) {
    test(`${hash} in ${what}`, (t) => {
      const der = rsa.respond(undefined, options());
      for (const [securityLevel, code] of [
        [undefined, level0],
        [0, level0],
        [1, level1],
        [2, level2],
      ] as const) {
        const more = securityLevel === undefined ? {} : { securityLevel };
        is(t, verifyOcspResponse(der, { ...rsaQuestion, ...more }), ...(code === null ? [] : [code]));
      }
    });
  }
}

test("a broken hash in the delegate's certificate, or in a CA's on the path", (t) => {
  for (const [hash, code] of [
    ['md5', 'WEAK_SIGNATURE'],
    ['sha1', null],
  ] as const) {
    const signer = rsa.ca.issueResponder({ keyType: 'rsa', signature: { hash } });
    const expected = code === null ? [] : [code];
    const verifier = new Verifier();
    for (let i = 0; i < 2; i += 1) {
      is(t, verifyOcspResponse(rsa.respond(undefined, { signer }), rsaQuestion), ...expected);
      is(t, verifier.verify(rsa.respond(undefined, { signer }), rsaQuestion), ...expected);
    }
    const weakCa = rsa.root.issueIntermediate({ subject: 'CN=Weak CA', keyType: 'rsa', signature: { hash } });
    const { certificate } = weakCa.issue();
    const entry = rsa.entry({ certificate, issuer: weakCa.certificate });
    const asked = { certificate, issuer: weakCa.certificate };
    for (const by of [weakCa, weakCa.issueResponder({ keyType: 'rsa' })]) {
      const der = rsa.respond(entry, { signer: by });
      is(t, verifyOcspResponse(der, { ...asked, trust: [rsa.root.certificate] }), ...expected);
      // Trusted as it is: no one asks who signed it.
      is(t, verifyOcspResponse(der, asked));
    }
  }
  // The signature of an anchor says nothing.
  const weakRoot = createTestCa({ keyType: 'rsa', signature: { hash: 'md5' } });
  const { certificate } = weakRoot.issue();
  const asked = { certificate, issuer: weakRoot.certificate, trust: [weakRoot.certificate] };
  is(t, verifyOcspResponse(rsa.respond(rsa.entry(asked), { signer: weakRoot }), asked));
});

test('RSASSA-PSS: the hash is in the parameters', (t) => {
  for (const [hash, level1] of [
    ['sha1', ['WEAK_SIGNATURE']],
    ['sha256', []],
    ['sha512', []],
  ] as const) {
    const der = rsa.respond(undefined, { hash, rsaPadding: 'pss' });
    is(t, verifyOcspResponse(der, rsaQuestion));
    is(t, verifyOcspResponse(der, { ...rsaQuestion, securityLevel: 1 }), ...level1);
  }
});

test('a key too short for the security level', (t) => {
  const signer = rsa.ca.issueResponder({ keyType: 'rsa', modulusLength: 1024 });
  const der = rsa.respond(undefined, { signer });
  is(t, verifyOcspResponse(der, rsaQuestion));
  is(t, verifyOcspResponse(der, { ...rsaQuestion, securityLevel: 2 }), 'WEAK_SIGNATURE');
});

// The issuer.

test('an issuer that is not a CA', (t) => {
  const fake = new TestIdentity(leaf.certificate, leaf.privateKey);
  const { certificate } = createTestCa({
    subject: 'CN=leaf',
    privateKey: leaf.privateKey,
    keyIdentifiers: false,
  }).issue({
    subject: 'CN=below a leaf',
    keyIdentifiers: false,
  });
  const asked = { certificate, issuer: fake.certificate };
  for (const trust of [undefined, [root.certificate]]) {
    const der = kit.respond(kit.entry(asked), { signer: fake });
    const verdict = verifyOcspResponse(der, { ...asked, ...(trust ? { trust, certificates: [ca.certificate] } : {}) });
    is(t, verdict, 'SIGNER_NOT_AUTHORIZED');
    t.regex(verdict.refusals[0]!.message, /not a CA/);
  }
});

test('the request has to be about the certificate', (t) => {
  const of = (identity: TestIdentity) =>
    new OCSPRequestBuilder().addCertificate(identity.certificate, ca.certificate, 'sha1');
  const other = ca.issue({ subject: 'CN=other' });
  const der = kit.respond([kit.entry(), kit.entry({ certificate: other.certificate })]);
  is(t, judge(der, { request: of(other).build() }), 'REQUEST_MISMATCH');
  is(t, judge(der, { request: of(other).addCertificate(leaf.certificate, ca.certificate, 'sha512').build() }));
  is(t, judge(der, { request: of(leaf).build().publicBytes() }));
  const elsewhere = new OCSPRequestBuilder().addCertificate(leaf.certificate, root.certificate, 'sha1').build();
  is(t, judge(der, { request: elsewhere }), 'REQUEST_MISMATCH');
  t.regex(judge(der, { request: elsewhere }).explain(), /no {3}certificate: the request does not ask/);
});

// Revocation of delegates.

/** A CRL with these serial numbers. */
function crl(by: TestCa, serials: readonly string[], options: { age?: number; corrupt?: boolean } = {}): Buffer {
  const { age = 0, corrupt = false } = options;
  const algorithm = signatureAlgorithm(by.privateKey);
  const time = (offset: number) =>
    generalizedTime(`${new Date(Date.now() + offset).toISOString().slice(0, 19).replace(/[-T:]/g, '')}Z`);
  const revoked = serials.map((serial) => sequence(tlv(0x02, hex(serial)), time(-DAY)));
  const name = subjectOf(by);
  const tbs = sequence(
    hex('020101'),
    algorithm,
    name,
    time(-age - DAY),
    time(-age + DAY),
    ...(revoked.length > 0 ? [sequence(...revoked)] : []),
  );
  const signature = signBytes(tbs, by.privateKey);
  if (corrupt) signature[signature.length - 1]! ^= 1;
  return sequence(tbs, algorithm, tlv(0x03, Buffer.from([0]), signature));
}

/** The Name of `CN=...`, as the test CA writes it. */
function subjectOf(by: TestCa): Buffer {
  const text = /^CN=(.*)$/.exec(by.certificate.subject)?.[1] ?? '';
  return sequence(tlv(0x31, sequence(hex('0603550403'), tlv(0x0c, Buffer.from(text)))));
}

const plain = ca.issueResponder({ ocspNoCheck: false });
const serial = plain.certificate.serialNumber;

for (const [name, crls, expected] of [
  ['not in the list', () => [crl(ca, ['11'])], null],
  ['an empty list', () => [crl(ca, [])], null],
  ['in the list', () => [crl(ca, ['11', serial])], 'SIGNER_REVOKED'],
  ['no list', () => [], 'SIGNER_REVOCATION_UNKNOWN'],
  ['a list of another CA', () => [crl(root, [])], 'SIGNER_REVOCATION_UNKNOWN'],
  ['an old list', () => [crl(ca, [], { age: 3 * DAY })], 'SIGNER_REVOCATION_UNKNOWN'],
  ['a list of tomorrow', () => [crl(ca, [], { age: -3 * DAY })], 'SIGNER_REVOCATION_UNKNOWN'],
  ['a forged list', () => [crl(ca, [], { corrupt: true })], 'SIGNER_UNTRUSTED'],
  ['a list of a namesake', () => [crl(createTestCa({ subject: 'CN=Test CA' }), [])], 'SIGNER_UNTRUSTED'],
] as const) {
  test(`a delegate looked up in revocation lists: ${name}`, (t) => {
    const trust = { certificates: [root.certificate], crls: crls() };
    const der = kit.respond(undefined, { signer: plain });
    const verifier = new Verifier({ trust, signerRevocation: 'crl' });
    for (let i = 0; i < 2; i += 1) {
      is(t, verifier.verify(der, question), ...(expected === null ? [] : [expected]));
      t.is(verifier.remembered, 0, 'what a list says is not remembered');
    }
    // nocheck, and the CA itself, need no list.
    is(t, verifier.verify(kit.respond(), question));
    is(t, verifier.verify(kit.respond(undefined, { signer: ca }), question));
    // OpenSSL's own verification says the same.
    const result = loadDerOcspResponse(der).basicVerify({
      trust,
      certificates: [ca.certificate],
      pathFlags: ['crlCheck'],
    });
    t.is(result.verified, expected === null, String(result.error));
  });
}

test('nocheck', (t) => {
  const der = kit.respond(undefined, { signer: plain });
  is(t, judge(der));
  t.is(judge(der).signerHasNoCheck, false);
  t.is(judge(kit.respond()).signerHasNoCheck, true);
  is(t, judge(der, { signerRevocation: 'nocheck' }), 'SIGNER_REVOCATION_UNKNOWN');
  is(t, judge(kit.respond(), { signerRevocation: 'nocheck' }));
});

test('path flags that ask for lists where there is no store', (t) => {
  is(t, judge(kit.respond(), { pathFlags: ['crlCheck'] }), 'SIGNER_REVOCATION_UNKNOWN');
  is(t, judge(kit.respond(), { pathFlags: ['crlCheck', 'crlCheckAll'] }), 'SIGNER_REVOCATION_UNKNOWN');
});

test('path flags that ask for lists of the whole path ask for that of the signer, too', (t) => {
  const der = kit.respond(undefined, { signer: plain });
  for (const [listed, expected] of [
    [[], null],
    [[serial], 'SIGNER_REVOKED'],
  ] as const) {
    const trust = { certificates: [root.certificate], crls: [crl(ca, listed), crl(root, [])] };
    const certificates = [ca.certificate];
    for (const pathFlags of [['crlCheckAll'], ['crlCheck', 'crlCheckAll'], ['crlCheckAll', 'useDeltas']] as const) {
      is(t, judge(der, { trust, pathFlags }), ...(expected === null ? [] : [expected]));
      const { verified } = loadDerOcspResponse(der).basicVerify({ trust, certificates, pathFlags });
      t.is(verified, expected === null, pathFlags.join());
    }
  }
  const only = { certificates: [root.certificate], crls: [crl(ca, [])] };
  is(t, judge(der, { trust: only, pathFlags: ['crlCheck'] }));
  t.is(judge(der, { trust: only, pathFlags: ['crlCheckAll'] }).status, null, 'there is no list of the root');
  // A verdict looks at the times of certificates in any case.
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => new Verifier({ pathFlags: ['noCheckTime'] }));
  // How lists are read means nothing where none is.
  for (const pathFlags of [['extendedCrl'], ['useDeltas'], ['extendedCrl', 'useDeltas']] as const)
    refuses(t, 'ERR_OCSP_INVALID_VALUE', () => new Verifier({ trust: only, pathFlags }));
});

test('lists that no one looks into are an error, unless a store may have them for others', (t) => {
  const der = kit.respond(undefined, { signer: plain });
  const trust = { certificates: [root.certificate], crls: [crl(ca, [serial])] };
  for (const signerRevocation of [undefined, 'accept', 'nocheck'] as const) {
    refuses(t, 'ERR_OCSP_INVALID_VALUE', () => judge(der, { trust, ...(signerRevocation && { signerRevocation }) }));
  }
  is(t, judge(der, { trust, signerRevocation: 'crl' }), 'SIGNER_REVOKED');
  is(t, judge(der, { trust, pathFlags: ['crlCheck'] }), 'SIGNER_REVOKED');
  is(t, judge(der, { trust: { ...trust, crls: [] } }));
  const certificates = [ca.certificate];
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => loadDerOcspResponse(der).basicVerify({ trust, certificates }));
  const shared = new TrustStore(trust);
  is(t, judge(der, { trust: shared }));
  t.true(loadDerOcspResponse(der).basicVerify({ trust: shared, certificates }).verified);
  is(t, judge(der, { trust: shared, signerRevocation: 'crl' }), 'SIGNER_REVOKED');
});

// Trust.

test('a store of an intermediate CA alone', (t) => {
  for (const signer of [ca, kit.responder]) {
    const der = kit.respond(undefined, { signer });
    is(t, judge(der, { trust: [ca.certificate] }));
    is(t, judge(der, { trust: [ca.certificate], pathFlags: ['partialChain'] }));
  }
});

test('files and folders', (t) => {
  using scratch = new Scratch();
  const both = scratch.write('both.pem', `# text\n${root.certificatePem}\n${ca.certificatePem}`);
  const list = scratch.write('list.pem', pem('X509 CRL', crl(ca, [serial])));
  const response = loadDerOcspResponse(kit.respond());
  const certificates = [ca.certificate];
  t.true(response.basicVerify({ trust: { caFile: both } }).verified);
  t.true(response.basicVerify({ trust: new TrustStore({ caFile: both }), certificates }).verified);
  is(t, judge(kit.respond(), { trust: { caFile: both } }));
  const withList = { certificates: [root.certificate], caFile: list };
  const revoked = kit.respond(undefined, { signer: plain });
  is(t, judge(revoked, { trust: withList, signerRevocation: 'crl' }), 'SIGNER_REVOKED');
  const text = { certificates: [root.certificate], crls: [pem('X509 CRL', crl(ca, []))] };
  is(t, judge(revoked, { trust: text, signerRevocation: 'crl' }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => new TrustStore({ caFile: scratch.path('missing.pem') }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => new TrustStore({ caFile: scratch.write('junk.pem', 'junk') }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => new TrustStore({ caFile: '' }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => new TrustStore({ caPath: 'a\0b' }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => new TrustStore({}));
  refuses(t, 'ERR_OCSP_MALFORMED', () => new TrustStore({ crls: [Buffer.from('junk')] }));
  refuses(t, 'ERR_OCSP_MALFORMED', () => new TrustStore({ crls: [Buffer.alloc(0)] }));
  refuses(t, 'ERR_OCSP_MALFORMED', () => new TrustStore({ crls: [Buffer.concat([crl(ca, []), hex('0500')])] }));
  refusesType(t, () => new TrustStore(wrong(null)));
  refusesType(t, () => new TrustStore({ certificates: wrong(root.certificatePem) }));
  refusesType(t, () => new TrustStore({ crls: wrong(5) }));
  refusesType(t, () => new TrustStore({ crls: [wrong(5)] }));
  refusesType(t, () => new TrustStore({ system: wrong(1) }));
  refusesType(t, () => new TrustStore({ caFile: wrong(1) }));
  // Nothing of this machine is trusted unless asked for; what the system trusts is not the test's root.
  t.false(response.basicVerify({ certificates }).verified);
  t.false(response.basicVerify({ trust: { system: true }, certificates }).verified);
  is(t, judge(kit.respond(), { trust: { system: true } }), 'SIGNER_UNTRUSTED');
});

withCli('a folder with hashed names', (t) => {
  using scratch = new Scratch();
  const folder = scratch.path('folder');
  mkdirSync(folder);
  const file = scratch.write('root.pem', root.certificatePem);
  const hash = openssl(['x509', '-in', file, '-noout', '-hash']).stdout.trim();
  const trust = new TrustStore({ caPath: folder });
  const der = kit.respond();
  is(t, judge(der, { trust }), 'SIGNER_UNTRUSTED');
  // It is read when a certificate is looked for.
  symlinkSync(file, `${folder}/${hash}.0`);
  is(t, judge(der, { trust }));
  t.true(loadDerOcspResponse(der).basicVerify({ trust, certificates: [ca.certificate] }).verified);
});

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

test('policies of the path: those of the list count, also of one behind a proxy', (t) => {
  // certificatePolicies with 1.2.3
  const policy = { oid: '2.5.29.32', value: sequence(sequence(hex('06022a03'))) };
  const authority = createTestCa({ subject: 'CN=Policies' });
  const signer = authority.issueResponder({ extensions: [policy] });
  const der = kit.respond(kit.entry({ issuer: authority.certificate }), { signer });
  const verified = (policies: string[]) =>
    loadDerOcspResponse(der).basicVerify({
      trust: [authority.certificate],
      policies,
      pathFlags: ['explicitPolicy'],
    }).verified;
  for (const list of [(oid: string) => [oid], (oid: string) => new Proxy([oid], {})]) {
    t.true(verified(list('1.2.3')));
    t.false(verified(list('1.2.4')));
  }
  const { verified: unasked } = loadDerOcspResponse(der).basicVerify({
    trust: [authority.certificate],
    policies: ['1.2.4'],
  });
  t.true(unasked, 'as OpenSSL has it: no one asks for a policy');
});

test('one store, many ways to verify: none leaves anything behind', (t) => {
  const trust = new TrustStore({ certificates: [root.certificate] });
  const response = loadDerOcspResponse(kit.respond());
  const certificates = [ca.certificate];
  const verified = (options: object) => response.basicVerify({ trust, certificates, ...options }).verified;
  const refusals: object[] = [
    { at: new Date(Date.now() - 400 * DAY) },
    { at: new Date(Date.now() + 4000 * DAY) },
    { depth: 0 },
    { purpose: 'sslserver', pathFlags: ['x509Strict'], securityLevel: 5 },
    { securityLevel: 5 },
    { policies: ['1.2.3.4'], pathFlags: ['explicitPolicy', 'policyCheck'] },
    { noIntern: true },
    { noChain: true },
  ];
  t.true(verified({}));
  for (const options of refusals) {
    t.false(verified(options), JSON.stringify(options));
    t.true(verified({}), `after ${JSON.stringify(options)}`);
  }
  for (const options of [{ depth: 1 }, { purpose: 'any' }, { pathFlags: ['noCheckTime'] }]) {
    t.true(verified(options), JSON.stringify(options));
  }
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => verified({ purpose: 'nothing' }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => verified({ policies: ['policy'] }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => verified({ depth: 1.5 }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => verified({ depth: -1 }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => verified({ securityLevel: 6 }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => verified({ pathFlags: ['everything'] }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => verified({ pathFlags: ['toString'] }));
  for (const options of [
    { at: 5 },
    { purpose: 5 },
    { policies: '1.2.3' },
    { policies: [5] },
    { depth: '1' },
    { pathFlags: 'crlCheck' },
    { pathFlags: [4] },
    { noChecks: 1 },
    { certificates: 'pem' },
    { trust: 'roots.pem' },
    { trust: Object.create(TrustStore.prototype) },
  ]) {
    refusesType(t, () => verified(options));
  }
  refusesType(t, () => response.basicVerify(wrong(null)));
});

// What is remembered.

test('memory of signers: its bound, its time, its keys', (t) => {
  const responders = Array.from({ length: 5 }, (_, i) => ca.issueResponder({ subject: `CN=Responder ${i}` }));
  const messages = responders.map((signer) => kit.respond(undefined, { signer }));
  const verifier = new Verifier({ signerCache: { maxSigners: 2 } });
  for (const der of messages) {
    is(t, verifier.verify(der, question));
    t.false(verifier.verify(der, question).refusals.length > 0);
    t.true(verifier.verify(der, question).signerFromCache);
    t.true(verifier.remembered <= 2);
  }
  t.is(verifier.remembered, 2);
  t.false(verifier.verify(messages[0]!, question).signerFromCache, 'the oldest is gone');

  const none = new Verifier({ signerCache: { maxSigners: 0 } });
  const brief = new Verifier({ signerCache: { seconds: 0 } });
  for (let i = 0; i < 2; i += 1) {
    t.false(none.verify(messages[0]!, question).signerFromCache);
    t.false(brief.verify(messages[0]!, question).signerFromCache);
  }
  t.is(none.remembered, 0);
  // Of one CA only: a delegate that is remembered for one is not one for its namesake.
  const namesake = createTestCa({ subject: 'CN=Test CA' });
  const { certificate } = namesake.issue({ keyIdentifiers: false });
  const asked = { certificate, issuer: namesake.certificate };
  const der = kit.respond(kit.entry(asked), { signer: responders[4]! });
  t.false(verifier.verify(der, asked).usable);
  t.is(verifier.verify(messages[4]!, question).status, 'good');
  t.false(verifier.verify(der, asked).usable);

  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => new Verifier({ signerCache: { maxSigners: -1 } }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => new Verifier({ signerCache: { seconds: Number.NaN } }));
  refusesType(t, () => new Verifier({ signerCache: wrong(true) }));
  refusesType(t, () => new Verifier(wrong(null)));
});

test('one verifier, asked about two CAs in turn', (t) => {
  const other = new TestResponseKit();
  const otherQuestion = { certificate: other.leaf.certificate, issuer: other.ca.certificate };
  const mine = kit.respond();
  const theirs = other.respond();
  // Says what the question says, and names the responder of the question's CA, whose key did not sign it.
  const forged = kit.respond(undefined, {
    signer: other.responder,
    responder: kit.responder.certificate,
    certificates: [kit.responder.certificate],
  });
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const verifier = new Verifier();
  for (let i = 0; i < 4; i += 1) {
    t.is(verifier.verify(mine, question).status, 'good');
    is(t, verifier.verify(forged, question), 'BAD_SIGNATURE');
    t.is(verifier.verify(theirs, otherQuestion).status, 'good');
    t.false(verifier.verify(mine, otherQuestion).usable);
    t.false(verifier.verify(theirs, question).usable);
    // The same two certificates as objects that are gone after the call.
    t.is(verifier.verify(mine, { certificate: leaf.certificate.raw, issuer: ca.certificate.raw }).status, 'good');
    collectGarbage();
  }
});

test('many candidates, none of them the signer', (t) => {
  // Forty certificates with the responder's name: the search ends.
  const decoys = Array.from({ length: 40 }, () => ca.issueResponder().certificate);
  const { responder } = kit;
  const certificates = [...decoys, responder.certificate];
  is(t, judge(kit.respond(undefined, { certificates, responderId: 'name' })), 'BAD_SIGNATURE');
  // By its key it is found among them, within what is looked at.
  is(t, judge(kit.respond(undefined, { certificates: [...decoys.slice(0, 20), responder.certificate] })));
  is(t, judge(kit.respond(undefined, { certificates })), 'SIGNER_NOT_FOUND');
  is(t, judge(kit.respond(undefined, { certificates }), { certificates: [responder.certificate] }));
});

test("a responder's name in another spelling", (t) => {
  // OpenSSL compares names without regard to case and string type, as RFC 5280 section 7.1 has it.
  const { responder } = kit;
  const spelt = ca.issueResponder({ subject: 'CN=TEST ocsp RESPONDER' });
  const der = kit.respond(undefined, { responder: spelt.certificate, responderId: 'name', signer: responder });
  const named = judge(der, { certificates: [responder.certificate] });
  const result = loadDerOcspResponse(der).basicVerify({
    trust: [root.certificate],
    certificates: [ca.certificate, responder.certificate],
  });
  t.is(named.usable, result.verified, named.explain());
});
