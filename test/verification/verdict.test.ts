import { X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';
import test from 'ava';
import {
  type OCSPQuestion,
  OCSPVerdict,
  type Verdict,
  Verifier,
  verifyOcspResponse,
  verifyOcspResponseAsync,
} from 'openssl-ocsp';
import { TestResponseKit } from 'openssl-ocsp/testing';

const kit = new TestResponseKit();
const question: OCSPQuestion = { certificate: kit.leaf.certificate, issuer: kit.ca.certificate };
const good = kit.good();
const bad = kit.bad();

const codes = (verdict: Verdict) => verdict.refusals.map(({ code }) => code);

/** The rules by which every response of the kit is judged, with and without a trust store, remembering and not. */
const verifiers: [string, (der: Uint8Array) => Verdict][] = [
  ['verifyOcspResponse', (der) => verifyOcspResponse(der, question)],
  ['with trust', (der) => verifyOcspResponse(der, { ...question, trust: [kit.root.certificate] })],
  ...(() => {
    const verifier = new Verifier();
    const trusting = new Verifier({ trust: { certificates: [kit.root.certificate] } });
    return [
      ['Verifier', (der: Uint8Array) => verifier.verify(der, question)],
      ['Verifier, again', (der: Uint8Array) => verifier.verify(der, question)],
      ['Verifier with trust', (der: Uint8Array) => trusting.verify(der, question)],
      ['Verifier with trust, again', (der: Uint8Array) => trusting.verify(der, question)],
    ] as [string, (der: Uint8Array) => Verdict][];
  })(),
];

for (const [how, verify] of verifiers) {
  for (const { name, der, status } of good) {
    test(`accepted: ${name} (${how})`, (t) => {
      const verdict = verify(der);
      t.deepEqual(codes(verdict), [], verdict.explain());
      t.true(verdict.usable);
      t.is(verdict.status, status);
      t.true(verdict.thisUpdate instanceof Date && verdict.producedAt instanceof Date);
      t.true(verdict.freshUntil! > verdict.refreshAt! && verdict.refreshAt! > verdict.thisUpdate!);
      t.true(verdict.signer instanceof X509Certificate);
      t.is(verdict.authority, name.includes('by the CA') ? 'ca' : 'delegate');
      t.is(verdict.revocationTime !== null, status === 'revoked');
      t.deepEqual(verdict.der, der);
      t.is(verdict.response?.responses.length, name.includes('two entries') || name.includes('two hashes') ? 2 : 1);
      t.regex(verdict.explain(), new RegExp(`=> ${status}`));
      t.notRegex(verdict.explain(), /^ {2}(no|-) /m);
    });
  }

  for (const { name, der, refusal } of bad) {
    test(`refused: ${name} (${how})`, (t) => {
      const verdict = verify(der);
      // With a path to validate, a stranger is found out there or at the question whether the CA issued it.
      t.true(codes(verdict).includes(refusal), `${refusal} expected: ${verdict.explain()}`);
      t.false(verdict.usable);
      t.is(verdict.status, null);
      const { revocationTime, revocationReason, thisUpdate, nextUpdate, producedAt, freshUntil, refreshAt } = verdict;
      const { signer, authority, nonce } = verdict;
      for (const value of [
        revocationTime,
        revocationReason,
        thisUpdate,
        nextUpdate,
        producedAt,
        freshUntil,
        refreshAt,
      ]) {
        t.is(value, null);
      }
      for (const value of [signer, authority, nonce]) t.is(value, null);
      t.deepEqual(verdict.der, der);
      t.is(verdict.refusals.length, 1, 'one thing is wrong with it, and one thing is said');
      for (const { message, clause } of verdict.refusals) {
        t.true(message.length > 10);
        t.regex(clause, /^RFC \d+/);
      }
      t.true(verdict.explain().includes(`[${refusal}, `));
      t.notRegex(verdict.explain(), /=> (good|revoked|unknown)/);
    });
  }
}

test('async and in bulk, the verdicts are the same', async (t) => {
  const all = [...good, ...bad].map(({ der }) => der);
  const at = new Date();
  const expected = all.map((der) => verifyOcspResponse(der, { ...question, at }));
  const one = await Promise.all(all.map((der) => verifyOcspResponseAsync(der, { ...question, at })));
  const verifier = new Verifier();
  const many = await verifier.verifyMany(all.map((response) => ({ response, ...question, at })));
  const repeated = Array.from({ length: 1100 }, (_, i) => ({ response: all[i % all.length]!, ...question, at }));
  const batches = await verifier.verifyMany(repeated);
  t.is(batches.length, repeated.length);
  for (const [i, verdict] of expected.entries()) {
    t.true(verdict.equals(one[i]), `${verdict.explain()}\n${one[i]?.explain()}`);
    t.deepEqual(many[i]?.toJSON(), verdict.toJSON());
  }
  for (const [i, verdict] of batches.entries()) t.is(verdict.status, expected[i % all.length]!.status);
});

test('a verdict prints and compares by what it says', (t) => {
  const [first, second] = [kit.respond(), kit.respond(kit.entry({ status: 'unknown' }))];
  const at = new Date();
  const verdict = verifyOcspResponse(first, { ...question, at });
  t.true(verdict.equals(verifyOcspResponse(first, { ...question, at })));
  t.false(verdict.equals(verifyOcspResponse(second, { ...question, at })));
  t.false(verdict.equals(null));
  // One response about two certificates.
  const { certificate } = kit.ca.issue({ subject: 'CN=other' });
  const both = kit.respond([kit.entry(), kit.entry({ certificate })]);
  const about = (certificate: X509Certificate) => verifyOcspResponse(both, { ...question, certificate, at });
  t.true(about(certificate).equals(about(certificate)));
  t.false(about(certificate).equals(about(kit.leaf.certificate)));
  t.regex(inspect(verdict), /^OCSPVerdict .*usable: true/s);
  t.true(JSON.stringify(verdict).includes('"status":"good"'));
  t.throws(() => new (OCSPVerdict as unknown as new () => unknown)(), { instanceOf: TypeError });
});

test('types: the status is known to be there once usable is', (t) => {
  const verdict = verifyOcspResponse(kit.respond(), question);
  if (!verdict.usable) return t.fail();
  const until: Date = verdict.freshUntil;
  const status: 'good' | 'revoked' | 'unknown' = verdict.status;
  if (verdict.status === 'revoked') t.true(verdict.revocationTime instanceof Date);
  return t.true(until instanceof Date && status === 'good');
});

test('the signer is the delegate of that answer, of however many', (t) => {
  const { privateKey } = kit.ca.issueResponder();
  const delegates = Array.from({ length: 100 }, (_, i) => {
    const notAfter = new Date(Date.now() + (i + 1) * 60_000);
    const delegate = kit.ca.issueResponder({ privateKey, notAfter });
    return { delegate, der: kit.respond(kit.entry({}), { signer: delegate, certificates: [delegate.certificate] }) };
  });
  for (const _ of [1, 2])
    for (const { delegate, der } of delegates) {
      const verdict = verifyOcspResponse(der, question);
      t.true(verdict.usable, verdict.explain());
      t.is(verdict.signer!.fingerprint256, delegate.certificate.fingerprint256);
      t.is(verdict.freshUntil!.getTime(), Date.parse(delegate.certificate.validTo));
    }
});

test('judged again it is at later moments only: before, a certificate of the path may not have begun', (t) => {
  const verdict = verifyOcspResponse(kit.respond(), question);
  const seconds = verdict.at.getTime() / 1000;
  t.is(verdict.judgeAgain(seconds + 1)?.status, 'good');
  t.is(verdict.judgeAgain(seconds - 1), null);
});
