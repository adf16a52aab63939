// A whole verdict: parsing, CertID, signature, authority of the signer, times. Limits are the signature verifications that
// it cannot do without: one where the CA signs or the delegate is remembered, two where a delegate is met again.
import { Verifier, verifyOcspResponse } from 'openssl-ocsp';
import { createTestCa } from 'openssl-ocsp/testing';
import { loadBaseline } from '../baseline.mjs';
import { contender } from '../measure.mjs';
import { KEYS, responseOf } from './common.mjs';

export const heading = 'Verdict on a response: may it be relied on for this certificate?';

export async function* tables() {
  const baseline = loadBaseline();
  for (const [algorithm, keyOptions, hash] of KEYS) {
    let ca;
    try {
      ca = createTestCa({ ...keyOptions, subject: 'C=XX,O=Benchmark,CN=Benchmark CA' });
    } catch (error) {
      console.error(`${algorithm} is left out: ${error.message}`);
      continue;
    }
    const delegate = ca.issueResponder({ ...keyOptions, subject: 'C=XX,O=Benchmark,CN=Benchmark responder' });
    const { certificate } = ca.issue({ subject: 'CN=leaf' });
    const question = { certificate, issuer: ca.certificate };
    const bareKey = baseline.key(delegate.privateKey.export({ format: 'der', type: 'pkcs8' }));
    const byDelegate = responseOf(certificate, ca, delegate, hash);
    const byCa = responseOf(certificate, ca, ca, hash);
    const verifier = new Verifier();
    const check = (verdict) => {
      if (verdict.status !== 'good') throw new Error(verdict.explain());
    };
    const bare = { name: 'bare verification', kind: 'limit', run: (n) => baseline.digestVerify(bareKey, hash, n) };
    yield {
      title: `${algorithm}, one signature to verify`,
      contenders: [
        bare,
        await contender('Verifier, delegate remembered', () => verifier.verify(byDelegate, question), {
          check,
          kind: 'own',
        }),
        await contender('verifyOcspResponse, CA', () => verifyOcspResponse(byCa, question), { check, kind: 'own' }),
      ],
    };
    yield {
      title: `${algorithm}, two signatures to verify`,
      contenders: [
        { name: 'two bare verifications', kind: 'limit', run: (n) => baseline.digestVerify(bareKey, hash, 2 * n) },
        await contender('verifyOcspResponse, delegate', () => verifyOcspResponse(byDelegate, question), {
          check,
          kind: 'own',
        }),
      ],
    };
    const many = Array.from({ length: 1024 }, () => ({ response: byDelegate, ...question }));
    yield {
      title: `${algorithm}, many on all cores`,
      contenders: [
        bare,
        await contender('verifyMany, delegate remembered', () => verifier.verifyMany(many), {
          check: (verdicts) => verdicts.forEach(check),
          kind: 'own',
          batch: many.length,
        }),
      ],
    };
  }
}
