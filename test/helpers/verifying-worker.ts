/** A worker that verifies without end. */
import { parentPort } from 'node:worker_threads';
import { loadDerOcspResponse, Verifier } from 'openssl-ocsp';
import { TestResponseKit } from 'openssl-ocsp/testing';

const kit = new TestResponseKit();
const verifier = new Verifier({ trust: [kit.root.certificate] });
const question = { certificate: kit.leaf.certificate, issuer: kit.ca.certificate };
const messages = [kit.respond(), kit.respond(undefined, { breakSignature: true })];
const items = Array.from({ length: 3000 }, (_, i) => ({ ...question, response: messages[i % 2]! }));
const options = { trust: [kit.root.certificate], certificates: [kit.ca.certificate] };

for (let round = 1; ; round += 1) {
  const many = verifier.verifyMany(items);
  const [one] = await Promise.all([
    verifier.verifyAsync(messages[0]!, question),
    loadDerOcspResponse(messages[0]!).basicVerifyAsync(options),
  ]);
  parentPort?.postMessage({ round, status: one.status });
  // (Certificates as bytes are new objects each time.)
  for (let i = 0; i < 200; i += 1) {
    const issuer = i % 3 === 0 ? kit.ca.certificate.raw : kit.ca.certificate;
    const { status } = verifier.verify(messages[i % 2]!, { ...question, issuer });
    if ((status === 'good') !== (i % 2 === 0)) parentPort?.postMessage({ round, status: null });
  }
  const verdicts = await many;
  const fine = verdicts.every(({ status, refusals }, i) =>
    i % 2 === 0 ? status === 'good' : refusals[0]?.code === 'BAD_SIGNATURE',
  );
  parentPort?.postMessage({ round, status: fine ? 'good' : null });
}
