// Many certificates of one CA, and answers about them.
import { OCSPCertStatus } from 'openssl-ocsp';
import { ResponseSigner } from 'openssl-ocsp/bulk';
import { createTestCa } from 'openssl-ocsp/testing';
import { toSubject } from '#dist/client/subject.js';

const FIRST = 0x1000_0000_0000_0000n;
const DAY = 24 * 3600 * 1000;

let made = { identities: [] };

/** Certificates of one key (what a server has matters here, not what it does with it), and answers. Made once: it takes minutes. */
export async function manyCertificates(count) {
  if (made.identities.length !== count) made = await makeCertificates(count);
  return made;
}

async function makeCertificates(count) {
  const ca = createTestCa({ subject: 'C=XX,O=Benchmark,CN=Benchmark CA' });
  const { privateKey } = ca.issue();
  const identities = Array.from({ length: count }, (_, i) =>
    ca.issue({ serialNumber: FIRST + BigInt(i), dnsNames: ['localhost'], privateKey }),
  );
  return { ca, identities, store: new MemoryStore(ca, identities, await answersAbout(ca, identities)) };
}

/** DER of a "good" about each, by SHA-1, as they are stapled; with the certificate of a delegate. */
async function answersAbout(ca, identities) {
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

/** A store for clients that holds them all. */
class MemoryStore {
  answers = new Map();

  constructor(ca, identities, answers) {
    for (const [i, { certificate }] of identities.entries())
      this.answers.set(toSubject({ certificate, issuer: ca.certificate }).key, answers[i]);
  }

  async get(key) {
    return this.answers.get(key) ?? null;
  }

  async put() {}

  async delete() {}

  async *keys() {
    yield* this.answers.keys();
  }

  /** Copies all of it. */
  async fill(store) {
    const expires = new Date(Date.now() + DAY);
    const work = this.answers.entries();
    const copy = async () => {
      for (const [key, der] of work) await store.put(key, der, expires);
    };
    await Promise.all(Array.from({ length: 32 }, copy));
  }
}

/** Options of a client that has the answers, and asks no one. */
export function clientOptions(store, more = {}) {
  return { fetch: refuse, responders: ['http://ocsp.example/'], cache: { store, ...more } };
}

async function refuse() {
  throw new Error('no one should be asked');
}
