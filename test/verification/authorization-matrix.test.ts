// Who may sign: every kind of signer, under every flag, with its certificate travelling in every way. The openssl command
// gives the expectations of response.basicVerify; those of verifyOcspResponse follow from RFC 6960 section 4.2.2.2.
import test from 'ava';
import { loadDerOcspResponse, type OCSPVerifyFlags, Verifier, verifyOcspResponse } from 'openssl-ocsp';
import { createTestCa, type TestIdentity, TestResponseKit } from 'openssl-ocsp/testing';
import { withCli } from '../helpers/conditional.js';
import { openssl, Scratch } from '../helpers/openssl-cli.js';

const kit = new TestResponseKit();
const { root, ca, leaf } = kit;
const DAY = 24 * 3600 * 1000;
const stranger = createTestCa({ subject: 'CN=Stranger' });
const namesake = createTestCa({ subject: 'CN=Test CA' });
const named = (subject: string) => ({ subject: `CN=${subject}` });

/** Signers, and whether RFC 6960 lets them answer for `ca`. */
const signers: Record<string, [TestIdentity, boolean]> = {
  'the CA': [ca, true],
  'a delegate': [ca.issueResponder(named('Delegate')), true],
  'a delegate without nocheck': [ca.issueResponder({ ...named('Plain'), ocspNoCheck: false }), true],
  'a delegate without EKU': [ca.issue(named('No EKU')), false],
  'a delegate for any EKU': [
    ca.issueResponder({ ...named('Any EKU'), extendedKeyUsage: ['anyExtendedKeyUsage'] }),
    false,
  ],
  'a delegate of the root': [root.issueResponder(named('Of the root')), false],
  'a delegate of a namesake CA': [namesake.issueResponder(named('Of a namesake')), false],
  'a delegate of a stranger': [stranger.issueResponder(named('Of a stranger')), false],
  'a delegate with a forged certificate': [ca.issueResponder({ ...named('Forged'), corruptSignature: true }), false],
  'an expired delegate': [
    ca.issueResponder({
      ...named('Expired'),
      notBefore: new Date(Date.now() - 9 * DAY),
      notAfter: new Date(Date.now() - DAY),
    }),
    false,
  ],
  'a self-signed responder': [createTestCa({ ...named('Self'), ca: false, extendedKeyUsage: ['OCSPSigning'] }), false],
  'a server certificate': [ca.issue({ ...named('Server'), extendedKeyUsage: ['serverAuth'] }), false],
  'the certificate itself': [leaf, false],
  'the root': [root, false],
};

const flags: [keyof OCSPVerifyFlags | null, string | null][] = [
  [null, null],
  ['noChecks', '-no_cert_checks'],
  ['trustOther', '-trust_other'],
  ['noExplicit', '-no_explicit'],
  ['noIntern', '-no_intern'],
  ['noChain', '-no_chain'],
  ['partialChain', '-partial_chain'],
  ['noVerify', '-no_cert_verify'],
  ['noSignatures', '-no_signature_verify'],
];

const ways = ['embedded', 'given', 'absent'] as const;

for (const [name, [signer, allowed]] of Object.entries(signers)) {
  const responses = {
    embedded: kit.respond(undefined, { signer }),
    given: kit.respond(undefined, { signer, certificates: [] }),
    absent: kit.respond(undefined, { signer, certificates: [] }),
  };

  withCli(`as the openssl command decides: ${name}`, (t) => {
    using scratch = new Scratch();
    const trusted = scratch.write('trusted.pem', root.certificatePem + ca.certificatePem);
    const other = scratch.write('other.pem', signer.certificatePem);
    for (const way of ways) {
      const file = scratch.write('response.der', responses[way]);
      const response = loadDerOcspResponse(responses[way]);
      for (const [flag, option] of flags) {
        const { status, stderr } = openssl([
          ...['ocsp', '-respin', file, '-CAfile', trusted, '-no-CApath', '-no-CAstore'],
          ...(way === 'given' ? ['-verify_other', other] : []),
          ...(option === null ? [] : [option]),
        ]);
        const result = response.basicVerify({
          certificates: way === 'given' ? [signer.certificate] : [],
          trust: [root.certificate, ca.certificate],
          ...(flag === null ? {} : { [flag]: true }),
        });
        const what = `${way}, ${flag}: ${stderr}`;
        t.is(result.verified, /Response verify OK/.test(stderr), what);
        t.is(result.verified, status === 0, what);
        if (!result.verified) {
          // The first line of the CLI's error stack that OCSP wrote.
          const reason = /:OCSP routines:[^:]*:([^:]*):/.exec(stderr)?.[1];
          if (reason !== undefined) t.is(result.reason, reason, what);
          t.is(result.authority, null);
        } else if (flag === null) {
          t.is(result.authority, signer === ca ? 'ca' : 'delegate');
        }
      }
    }
  });

  for (const trust of [undefined, [root.certificate]]) {
    test(`as RFC 6960 decides${trust ? ', with trust' : ''}: ${name}`, (t) => {
      const question = { certificate: leaf.certificate, issuer: ca.certificate, ...(trust ? { trust } : {}) };
      const embedded = verifyOcspResponse(responses.embedded, question);
      const given = verifyOcspResponse(responses.given, { ...question, certificates: [signer.certificate] });
      const absent = verifyOcspResponse(responses.absent, question);
      t.is(embedded.usable, allowed, embedded.explain());
      t.is(given.usable, allowed, given.explain());
      // The certificate of the CA is at hand in any case.
      t.is(absent.usable, signer === ca, absent.explain());
      if (signer !== ca) t.is(absent.refusals[0]?.code, 'SIGNER_NOT_FOUND');
      if (allowed) t.is(given.signer?.fingerprint256, signer.certificate.fingerprint256);
    });

    test(`trusted by configuration${trust ? ', with trust' : ''}: ${name}`, (t) => {
      const verdict = verifyOcspResponse(responses.absent, {
        certificate: leaf.certificate,
        issuer: ca.certificate,
        trustedResponders: [signer.certificate],
        ...(trust ? { trust } : {}),
      });
      // Configuration makes up for everything but the validity of the certificate.
      t.is(verdict.usable, name !== 'an expired delegate', verdict.explain());
      if (verdict.usable) t.is(verdict.authority, 'trusted');
      else t.is(verdict.refusals[0]?.code, 'SIGNER_EXPIRED');
    });
  }
}

test('an issuer that is not anchored in what is trusted', (t) => {
  const verdict = verifyOcspResponse(kit.respond(undefined, { signer: ca }), {
    certificate: leaf.certificate,
    issuer: ca.certificate,
    trust: [stranger.certificate],
  });
  t.deepEqual(
    verdict.refusals.map(({ code }) => code),
    ['SIGNER_UNTRUSTED'],
  );
});

test('an issuer that did not issue the certificate', (t) => {
  const verdict = verifyOcspResponse(kit.respond(), { certificate: leaf.certificate, issuer: stranger.certificate });
  t.is(verdict.refusals[0]?.code, 'ISSUER_MISMATCH');
  t.is(verdict.status, null);
});

test('an issuer that shares nothing but the name with the one that signed the certificate', (t) => {
  const plain = { subject: 'CN=Twin', keyIdentifiers: false };
  const [right, wrong] = [createTestCa(plain), createTestCa(plain)];
  const { certificate } = right.issue({ subject: 'CN=twin leaf', keyIdentifiers: false });
  for (const signer of [wrong, wrong.issueResponder({ keyIdentifiers: false })]) {
    // All of it is as it has to be for the certificate with this serial number of the other CA.
    const der = kit.respond({ certificate, issuer: wrong.certificate }, { signer });
    const question = { certificate, issuer: wrong.certificate };
    for (const verdict of [verifyOcspResponse(der, question), new Verifier().verify(der, question)]) {
      t.deepEqual(
        verdict.refusals.map(({ code }) => code),
        ['ISSUER_MISMATCH'],
      );
      t.is(verdict.status, null);
      t.regex(verdict.explain(), /its key did not sign the certificate/);
    }
  }
  const answer = kit.respond({ certificate, issuer: right.certificate }, { signer: right });
  t.is(verifyOcspResponse(answer, { certificate, issuer: right.certificate }).status, 'good');
});

test('an expired issuer answers for no one', (t) => {
  const times = { notBefore: new Date(Date.now() - 9 * DAY), notAfter: new Date(Date.now() - DAY) };
  const old = root.issueIntermediate({ subject: 'CN=Old CA', ...times });
  const certificate = old.issue({ subject: 'CN=old leaf' }).certificate;
  const entry = kit.entry({ certificate, issuer: old.certificate });
  for (const signer of [old, old.issueResponder(times)]) {
    const verdict = verifyOcspResponse(kit.respond(entry, { signer }), { certificate, issuer: old.certificate });
    t.regex(String(verdict.refusals[0]?.code), /^SIGNER_(EXPIRED|UNTRUSTED)$/);
    const before = verifyOcspResponse(
      kit.respond({ ...entry, thisUpdate: new Date(Date.now() - 3 * DAY) }, { signer }),
      {
        certificate,
        issuer: old.certificate,
        at: new Date(Date.now() - 2 * DAY),
      },
    );
    t.is(before.status, 'good', before.explain());
  }
});
