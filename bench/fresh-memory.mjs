// A process of its own that judges many responses, each about another certificate that no one has seen before: what it takes more
// than after a tenth of them.
import { once } from 'node:events';
import { Verifier } from 'openssl-ocsp';
import { createTestCa } from 'openssl-ocsp/testing';
import { makeLeaves } from './groups/fresh.mjs';

const [count] = await once(process, 'message');
const ca = createTestCa({ keyType: 'ec', subject: 'C=XX,O=Benchmark,CN=Benchmark CA' });
const delegate = ca.issueResponder({ keyType: 'ec', subject: 'C=XX,O=Benchmark,CN=Benchmark responder' });
const { privateKey } = ca.issue({ keyType: 'ec' });
const verifier = new Verifier();
let few = 0;
for (let i = 1; i <= count; i += 1) {
  const [{ der, leaf }] = makeLeaves(ca, delegate, privateKey, 'sha256', 1);
  // Some callers have the issuer's certificate, others its bytes.
  const issuer = i % 2 === 0 ? ca.certificate : ca.certificate.raw;
  const verdict = verifier.verify(der, { certificate: leaf, issuer });
  if (verdict.status !== 'good') throw new Error(verdict.explain());
  if (i === count / 10) few = process.memoryUsage.rss();
}
process.send(process.memoryUsage.rss() - few);
process.disconnect();
