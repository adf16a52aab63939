// Many certificates of one CA, and a folder of answers about them.
import { OCSPCertStatus } from 'openssl-ocsp';
import { ResponseSigner } from 'openssl-ocsp/bulk';
import { FolderCache, OCSPClient } from 'openssl-ocsp/client';
import { createTestCa } from 'openssl-ocsp/testing';

const FIRST = 0x1000_0000_0000_0000n;
const WRITES = 32;

let made = { identities: [] };

/** Certificates of one key: what a server has matters here, not what it does with it. Made once: it takes minutes. */
export function manyCertificates(count) {
  if (made.identities.length !== count) made = makeCertificates(count);
  return made;
}

function makeCertificates(count) {
  const ca = createTestCa({ subject: 'C=XX,O=Benchmark,CN=Benchmark CA' });
  const { privateKey } = ca.issue();
  const identities = Array.from({ length: count }, (_, i) =>
    ca.issue({ serialNumber: FIRST + BigInt(i), dnsNames: ['localhost'], privateKey }),
  );
  return { ca, identities };
}

/** DER of a "good" about each, by SHA-1, as they are stapled; with the certificate of a delegate. */
export async function answersAbout(ca, identities) {
  const delegate = ca.issueResponder();
  const signer = new ResponseSigner({
    issuer: ca.certificate,
    responder: delegate.certificate,
    privateKey: delegate.privateKey,
    certIdAlgorithm: 'sha1',
  });
  const entries = identities.map(({ certificate }) => ({
    serialNumber: certificate.serialNumber,
    status: OCSPCertStatus.GOOD,
  }));
  const answers = [];
  for await (const { der } of signer.signAll(entries)) answers.push(Buffer.from(der));
  return answers;
}

/** A `fetch` that has the answers: by the serial number at the end of the URL. */
export function fetchFrom(identities, answers) {
  const bySerial = new Map(identities.map(({ certificate }, i) => [certificate.serialNumber, answers[i]]));
  return async (url) =>
    new Response(bySerial.get(new URL(url).pathname.slice(1)), {
      headers: { 'content-type': 'application/ocsp-response' },
    });
}

/** Options of a client that has the answers. */
export function clientOptions(identities, answers, more = {}) {
  return {
    responders: ({ certificate }) => [`http://ocsp.example/${certificate.serialNumber}`],
    fetch: fetchFrom(identities, answers),
    method: 'post',
    hash: 'sha1',
    ...more,
  };
}

/** Keeps all answers in a folder, as a client does. */
export async function fillFolder(folder, ca, identities, answers) {
  const store = new FolderCache(folder);
  const client = new OCSPClient(clientOptions(identities, answers, { cache: { store, maxBytes: 0 } }));
  let next = 0;
  const write = async () => {
    while (next < identities.length) {
      const { certificate } = identities[next++];
      const { outcome } = await client.check({ certificate, issuer: ca.certificate });
      if (outcome !== 'good') throw new Error(`the answer is ${outcome}`);
    }
  };
  await Promise.all(Array.from({ length: WRITES }, write));
  await client.close();
}
