/** Prints of RSA keys of these lengths whether they sign at once, and what the answer says. */
import { availableParallelism } from 'node:os';
import { Responder } from 'openssl-ocsp/responder';
import { createTestCa } from 'openssl-ocsp/testing';
import { ask, GOOD, statusIn, TestAuthority } from './fixtures.js';

const answers: string[] = [];
for (const modulusLength of [2048, 4096]) {
  const ca = createTestCa({ keyType: 'rsa', modulusLength });
  const signers = [{ responder: ca.certificate, privateKey: ca.privateKey }];
  const responder = new Responder({
    issuers: [{ certificate: ca.certificate, authority: new TestAuthority([GOOD]), signers }],
  });
  const request = ask(['1001'], { issuer: ca, nonce: Buffer.alloc(32, 1) });
  const answer = responder.answer(request);
  const when = answer instanceof Promise ? 'later' : 'at once';
  answers.push(`${modulusLength} ${when} ${statusIn((await answer).der, request, ca)}`);
  await responder.close();
}
console.log(JSON.stringify({ cores: availableParallelism(), answers }));
