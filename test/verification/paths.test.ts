// Paths of a signer's certificate: any valid one counts, whichever certificates there are besides, and in whichever order; and a
// path that is remembered says what it would say again.
import type { X509Certificate } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { type OCSPQuestion, TrustStore, Verifier, type VerifierOptions, verifyOcspResponse } from 'openssl-ocsp';
import { buildTestResponse, createTestCa, type TestCa, type TestIdentity, TestResponseKit } from 'openssl-ocsp/testing';
import { nameOf } from '../helpers/crl.js';
import { hex, integer, octets, sequence, tlv } from '../helpers/der.js';

const HOUR = 3600 * 1000;
const DAY = 24 * HOUR;

/** What a call says in one word. */
function say(der: Uint8Array, question: OCSPQuestion & VerifierOptions): string {
  const verdict = verifyOcspResponse(der, question);
  return verdict.status ?? verdict.refusals.map(({ code }) => code).join();
}

interface Scene {
  readonly ca: TestCa;
  readonly leaf: TestIdentity;
  readonly signers: readonly TestIdentity[];
}

function sceneOf(ca: TestCa): Scene {
  return { ca, leaf: ca.issue(), signers: [ca.issueResponder(), ca] };
}

/** The answer of each signer, with more certificates inside. */
function answers({ ca, leaf, signers }: Scene, inside: readonly X509Certificate[] = []): Buffer[] {
  return signers.map((signer) => {
    const certificates = [...(signer === ca ? [] : [signer.certificate]), ...inside];
    return buildTestResponse({
      entries: [{ certificate: leaf.certificate, issuer: ca.certificate }],
      signer,
      certificates,
    });
  });
}

const certificatesOf = (...of: readonly TestIdentity[]) => of.map(({ certificate }) => certificate);

// What is trusted.

test('a path ends at whatever is trusted, be it signed by itself or not', (t) => {
  const root = createTestCa({ subject: 'CN=Root' });
  const policy = root.issueIntermediate({ subject: 'CN=Policy' });
  const scene = sceneOf(policy.issueIntermediate({ subject: 'CN=Issuing' }));
  const question = { certificate: scene.leaf.certificate, issuer: scene.ca.certificate };
  const stranger = createTestCa({ subject: 'CN=Root' });
  for (const der of answers(scene)) {
    t.is(say(der, { ...question, trust: [scene.ca.certificate] }), 'good');
    t.is(say(der, { ...question, trust: [policy.certificate] }), 'good');
    t.is(say(der, { ...question, trust: [stranger.certificate, policy.certificate] }), 'good');
    t.is(say(der, { ...question, trust: [root.certificate], certificates: [policy.certificate] }), 'good');
    t.is(say(der, { ...question, trust: [root.certificate] }), 'SIGNER_UNTRUSTED');
    t.is(say(der, { ...question, trust: [stranger.certificate] }), 'SIGNER_UNTRUSTED');
    t.is(
      say(der, { ...question, trust: [stranger.certificate], certificates: [policy.certificate] }),
      'SIGNER_UNTRUSTED',
    );
    t.is(say(der, { ...question, trust: [scene.leaf.certificate] }), 'SIGNER_UNTRUSTED');
  }
  // A delegate that is trusted by itself, as no CA, says nothing about the CA that it answers for.
  const [delegate] = scene.signers as [TestIdentity];
  const [der] = answers(scene) as [Buffer];
  t.not(say(der, { ...question, trust: [delegate.certificate] }), 'good');
  t.is(say(der, { ...question, trust: [delegate.certificate, scene.ca.certificate] }), 'good');
  t.is(
    say(der, { ...question, trust: [delegate.certificate, root.certificate], certificates: [policy.certificate] }),
    'good',
  );
});

test('a trusted CA outside its validity ends no path', (t) => {
  const root = createTestCa({ subject: 'CN=Root' });
  const scene = sceneOf(root.issueIntermediate({ subject: 'CN=Issuing', notAfter: new Date(Date.now() - HOUR) }));
  const question = { certificate: scene.leaf.certificate, issuer: scene.ca.certificate };
  for (const der of answers(scene)) t.not(say(der, { ...question, trust: [scene.ca.certificate] }), 'good');
});

// Several certificates of one CA.

test('a CA with several certificates: any order, any of them as the issuer, wherever they are', (t) => {
  const roots = ['CN=One', 'CN=Two', 'CN=Three'].map((subject) => createTestCa({ subject }));
  const [first, second, third] = roots as [TestCa, TestCa, TestCa];
  const subject = 'CN=Issuing';
  const ca = first.issueIntermediate({ subject });
  const { privateKey } = ca;
  const cross = second.issueIntermediate({ subject, privateKey });
  const expired = third.issueIntermediate({ subject, privateKey, notAfter: new Date(Date.now() - HOUR) });
  const own = createTestCa({ subject, privateKey });
  const scene = sceneOf(ca);
  const all = [ca, cross, expired, own];
  const everyOrder = fc.shuffledSubarray(all, { minLength: 0 });
  fc.assert(
    fc.property(
      fc.constantFrom(ca, cross, own),
      everyOrder,
      everyOrder,
      fc.shuffledSubarray([...roots, own], { minLength: 1 }),
      (issuer, given, inside, trusted) => {
        const known = [issuer, ...given, ...inside];
        const right =
          (trusted.includes(first) && known.includes(ca)) ||
          (trusted.includes(second) && known.includes(cross)) ||
          trusted.includes(own);
        for (const der of answers(scene, certificatesOf(...inside))) {
          const said = say(der, {
            certificate: scene.leaf.certificate,
            issuer: issuer.certificate,
            certificates: certificatesOf(...given),
            trust: certificatesOf(...trusted),
          });
          t.is(said, right ? 'good' : 'SIGNER_UNTRUSTED');
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('an end entity with the name and key of a CA does not stand in for it', (t) => {
  const root = createTestCa({ subject: 'CN=Root' });
  const bought = root.issue({ subject: 'CN=bought.example', ca: false, extendedKeyUsage: ['serverAuth'] });
  const { privateKey } = bought;
  const own = sceneOf(createTestCa({ subject: 'CN=bought.example', privateKey }));
  const question = { certificate: own.leaf.certificate, issuer: own.ca.certificate };
  const notForCertificates = root.issueIntermediate({
    subject: 'CN=bought.example',
    privateKey,
    keyUsage: ['digitalSignature'],
  });
  for (const standIn of certificatesOf(bought, notForCertificates)) {
    const trust = [root.certificate];
    for (const der of answers(own, [standIn])) t.is(say(der, { ...question, trust }), 'SIGNER_UNTRUSTED');
    for (const der of answers(own)) {
      t.is(say(der, { ...question, trust: [...trust, standIn] }), 'SIGNER_UNTRUSTED');
      t.is(say(der, { ...question, trust, certificates: [standIn] }), 'SIGNER_UNTRUSTED');
      const verifier = new Verifier({ trust, certificates: [standIn] });
      t.not(verifier.verify(der, question).status, 'good');
      t.is(verifier.remembered, 0);
      // Nor do many of them hide the CA's own certificate.
      const cross = root.issueIntermediate({ subject: 'CN=bought.example', privateKey }).certificate;
      const many = [...Array.from({ length: 20 }, () => standIn), cross];
      t.is(say(der, { ...question, trust, certificates: many }), 'good');
    }
  }
});

test('the path length that a CA allows counts for a CA that signs its own answers, too', (t) => {
  const root = createTestCa({ subject: 'CN=Root' });
  const limited = root.issueIntermediate({ subject: 'CN=Limited', ca: { pathLength: 0 } });
  const below = limited.issueIntermediate({ subject: 'CN=Below' });
  const renewed = limited.issueIntermediate({ subject: 'CN=Limited' });
  for (const [ca, helpers, said] of [
    [limited, [], 'good'],
    [below, [limited], 'SIGNER_UNTRUSTED'],
    // A CA that names itself as its issuer does not count, be it the signer or above it.
    [renewed, [limited], 'good'],
    [renewed.issueIntermediate({ subject: 'CN=Below' }), [renewed, limited], 'SIGNER_UNTRUSTED'],
  ] as const) {
    const scene = sceneOf(ca);
    const question = { certificate: scene.leaf.certificate, issuer: ca.certificate, trust: [root.certificate] };
    const certificates = certificatesOf(...helpers);
    for (const der of answers(scene)) t.is(say(der, { ...question, certificates }), said);
    for (const der of answers(scene, certificates)) t.is(say(der, question), said);
  }
  const scene = sceneOf(below);
  const question = { certificate: scene.leaf.certificate, issuer: below.certificate };
  const [, der] = answers(scene) as [Buffer, Buffer];
  const trust = [root.certificate];
  const verdict = verifyOcspResponse(der, { ...question, trust, certificates: [limited.certificate] });
  t.regex(verdict.explain(), /path length constraint exceeded \(certificate 1 above/);
  // What is trusted limits as well; and another way up may be free of limits.
  t.is(say(der, { ...question, trust: [limited.certificate] }), 'SIGNER_UNTRUSTED');
  t.is(say(der, { ...question, trust: [below.certificate] }), 'good');
  const { privateKey } = limited;
  const free = root.issueIntermediate({ subject: 'CN=Limited', privateKey }).certificate;
  t.is(say(der, { ...question, trust, certificates: [limited.certificate, free] }), 'good');
});

test('several certificates further up, and roots that share a name', (t) => {
  const roots = [0, 1, 2].map(() => createTestCa({ subject: 'CN=Root', keyIdentifiers: false }));
  const [, second] = roots as [TestCa, TestCa];
  const subject = 'CN=Policy';
  const policy = roots[0]!.issueIntermediate({ subject, keyIdentifiers: false });
  const others = roots
    .slice(1)
    .map((root) => root.issueIntermediate({ subject, privateKey: policy.privateKey, keyIdentifiers: false }));
  const scene = sceneOf(policy.issueIntermediate({ subject: 'CN=Issuing' }));
  const question = { certificate: scene.leaf.certificate, issuer: scene.ca.certificate };
  for (const certificates of [[policy, ...others], [...others].reverse().concat(policy)].map((list) =>
    certificatesOf(...list),
  )) {
    for (const trust of [[second], roots, [...roots].reverse()].map((list) => certificatesOf(...list))) {
      for (const der of answers(scene)) t.is(say(der, { ...question, certificates, trust }), 'good');
      for (const der of answers(scene, certificates)) t.is(say(der, { ...question, trust }), 'good');
    }
  }
});

test('certificates that lead nowhere take no more time than a few do', (t) => {
  const subject = 'CN=Ring';
  const keys = createTestCa({ subject });
  const ring = Array.from({ length: 40 }, () => keys.issueIntermediate({ subject, keyIdentifiers: false }));
  const scene = sceneOf(ring[0] as TestCa);
  const question = { certificate: scene.leaf.certificate, issuer: scene.ca.certificate };
  const trust = [createTestCa({ subject }).certificate];
  for (const der of answers(scene, certificatesOf(...ring))) {
    t.is(say(der, { ...question, trust, certificates: certificatesOf(...ring) }), 'SIGNER_UNTRUSTED');
  }
});

// Key identifiers.

const keyIdentifierOf = (ca: TestCa, serial: bigint) => ({
  oid: '2.5.29.35',
  value: sequence(tlv(0xa1, tlv(0xa4, nameOf(ca))), tlv(0x82, integer(serial).subarray(2))),
});

test('an authorityKeyIdentifier that names another certificate of the same key', (t) => {
  const root = createTestCa({ subject: 'CN=Root' });
  const ca = root.issueIntermediate({ subject: 'CN=Issuing', serialNumber: 1000n });
  const extensions = [keyIdentifierOf(root, 999n)];
  const leaf = ca.issue({ keyIdentifiers: false, extensions });
  const delegate = ca.issueResponder({ keyIdentifiers: false, extensions });
  const question = { certificate: leaf.certificate, issuer: ca.certificate };
  for (const der of answers({ ca, leaf, signers: [delegate, ca] })) {
    t.is(say(der, question), 'good');
    t.is(say(der, { ...question, trust: [root.certificate] }), 'good');
  }
  // Another key is another CA.
  const other = root.issueIntermediate({ subject: 'CN=Issuing', serialNumber: 1000n });
  const [der] = answers({ ca, leaf, signers: [delegate] }) as [Buffer];
  t.true(
    say(der, { ...question, issuer: other.certificate })
      .split(',')
      .includes('ISSUER_MISMATCH'),
  );
  // So is one whose key usage does not allow to issue.
  const mayNot = root.issueIntermediate({ subject: 'CN=Issuing', privateKey: ca.privateKey, keyUsage: ['cRLSign'] });
  t.true(
    say(der, { ...question, issuer: mayNot.certificate })
      .split(',')
      .includes('ISSUER_MISMATCH'),
  );
  const foreign = ca.issue({
    keyIdentifiers: false,
    extensions: [{ oid: '2.5.29.35', value: sequence(tlv(0x80, octets('x'.repeat(20)).subarray(2))) }],
  });
  t.is(say(der, { ...question, certificate: foreign.certificate }).split(',')[0], 'ISSUER_MISMATCH');
});

// Issuers that OpenSSL cannot check.

test('an issuer whose kind of key OpenSSL does not know is no mismatch', (t) => {
  const kit = new TestResponseKit();
  // The key of the issuer, under an algorithm that no one has.
  const known = kit.ca.certificate.raw;
  const at = known.indexOf(hex('06072a8648ce3d0201'));
  const unknown = Buffer.from(known);
  unknown[at + 8] = 0x7f;
  const verdict = verifyOcspResponse(kit.respond(), { certificate: kit.leaf.certificate, issuer: unknown });
  const codes = verdict.refusals.map(({ code }) => code);
  t.true(codes.includes('UNSUPPORTED_SIGNATURE'), verdict.explain());
  t.false(codes.includes('ISSUER_MISMATCH'), verdict.explain());
});

// What is remembered.

const second = (offset: number) => new Date(Math.floor(Date.now() / 1000) * 1000 + offset);

test('the same question has one answer, whatever was asked before', (t) => {
  const end = second(HOUR);
  const begin = second(-HOUR);
  const root = createTestCa({ subject: 'CN=Root', notBefore: second(-DAY) });
  const times = { thisUpdate: second(-DAY), nextUpdate: second(DAY) };
  const limited = { notBefore: begin, notAfter: end };
  const plain = root.issueIntermediate({ subject: 'CN=Issuing' });
  for (const [what, ca, signerOptions] of [
    ['the delegate', plain, limited],
    ['the CA', root.issueIntermediate({ subject: 'CN=Issuing', ...limited }), {}],
    ['the CA that signs itself', root.issueIntermediate({ subject: 'CN=Issuing', ...limited }), null],
    ['a trusted responder', plain, limited],
  ] as const) {
    const leaf = ca.issue();
    const signer = signerOptions === null ? ca : ca.issueResponder({ notBefore: second(-DAY), ...signerOptions });
    const entries = [{ certificate: leaf.certificate, issuer: ca.certificate, ...times }];
    const der = buildTestResponse({ entries, signer, certificates: [signer.certificate] });
    const question = { certificate: leaf.certificate, issuer: ca.certificate };
    const trust = [root.certificate];
    for (const options of [
      {},
      { trust },
      ...(what === 'a trusted responder' ? [{ trustedResponders: [signer.certificate] }] : []),
    ]) {
      const moments = [-1000, 0, 1000].flatMap((offset) => [new Date(+begin + offset), new Date(+end + offset)]);
      const anew = (at: Date) =>
        new Verifier({ ...options, signerCache: { maxSigners: 0 } }).verify(der, { ...question, at });
      const warm = new Verifier(options);
      t.is(warm.verify(der, question).status, 'good');
      verifyOcspResponse(der, { ...question, ...options });
      const results = moments.map((at) => {
        const expected = anew(at)
          .refusals.map(({ code }) => code)
          .join();
        t.is(
          warm
            .verify(der, { ...question, at })
            .refusals.map(({ code }) => code)
            .join(),
          expected,
          what,
        );
        t.is(
          verifyOcspResponse(der, { ...question, ...options, at })
            .refusals.map(({ code }) => code)
            .join(),
          expected,
          what,
        );
        return expected === '';
      });
      // Valid from the first moment on, until just before the last.
      t.deepEqual(results, [false, true, true, false, true, false], `${what}: ${Object.keys(options)}`);
    }
  }
});

test('a path over certificates inside one message does not count for another message', (t) => {
  const root = createTestCa({ subject: 'CN=Root' });
  const policy = root.issueIntermediate({ subject: 'CN=Policy' });
  const scene = sceneOf(policy.issueIntermediate({ subject: 'CN=Issuing' }));
  const question = { certificate: scene.leaf.certificate, issuer: scene.ca.certificate };
  const trust = new TrustStore({ certificates: [root.certificate] });
  const [complete] = answers(scene, [policy.certificate]) as [Buffer];
  const [bare] = answers(scene) as [Buffer];
  const verifier = new Verifier({ trust });
  t.is(verifier.verify(bare, question).status, null);
  t.is(verifier.verify(complete, question).status, 'good');
  t.is(verifier.verify(bare, question).status, null);
  const configured = new Verifier({ trust, certificates: [policy.certificate] });
  t.is(configured.verify(complete, question).status, 'good');
  t.is(configured.remembered, 1);
  t.is(configured.verify(bare, question).status, 'good');
  t.true(configured.verify(bare, question).signerFromCache);
});
