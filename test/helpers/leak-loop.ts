/** Repeats one operation and prints how much resident memory grew after the warm-up. Run with --expose-gc. */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import {
  HashAlgorithm,
  loadDerOcspRequest,
  loadDerOcspResponse,
  OCSPNonce,
  OCSPRequestBuilder,
  OCSPResponseBuilder,
  TrustStore,
  Verifier,
  verifyOcspResponse,
} from 'openssl-ocsp';
import { indexTxtSource, ResponseSigner, type StatusEntry } from 'openssl-ocsp/bulk';
import { TestResponseKit } from 'openssl-ocsp/testing';
import { cert, goldenRequest, issuer, responseBuilder, root, rootKey } from './fixtures.js';
import { repeated } from './repeated.js';
import { vector } from './vectors.js';

const { SHA1, SHA256 } = HashAlgorithm;
const response = vector('reference/x509/ocsp/resp-delegate-unknown-cert.der');
const truncated = response.subarray(0, 1000);
const pkcs8 = rootKey.export({ format: 'der', type: 'pkcs8' });
const builder = responseBuilder();

const signed = new ResponseSigner({
  issuer: root.certificate,
  responder: root.certificate,
  privateKey: rootKey,
}).signAll(entries());

function* entries(): Generator<StatusEntry> {
  for (let i = 0n; ; i += 1n) yield { serialNumber: i, status: 0 };
}

const rows = indexTxtSource(indexTxt()).batches()[Symbol.asyncIterator]();

function* indexTxt(): Generator<Buffer> {
  for (let i = 0; ; i += 1000) {
    const row = (_: unknown, k: number): string =>
      `V\t301231235959Z\t\t${(i + k).toString(16).padStart(36, 'A')}\tunknown\t/CN=device ${i + k}\n`;
    yield Buffer.from(Array.from({ length: 1000 }, row).join(''));
  }
}

const kit = new TestResponseKit();
const question = { certificate: kit.leaf.certificate, issuer: kit.ca.certificate };
const otherIssuer = new X509Certificate(kit.ca.certificate.raw);
const answers = [...kit.good(), ...kit.bad()].map(({ der }) => der);
const successful = answers.filter((der) => verifyOcspResponse(der, question).responseStatus === 0);
const certificates = [kit.ca.certificate];
const trust = new TrustStore({ certificates: [kit.root.certificate] });
const verifier = new Verifier({ trust, signerCache: { maxSigners: 8 } });
const items = answers.map((response) => ({ ...question, response }));
let turns = 0;

function ignore(refused: () => unknown): void {
  try {
    refused();
  } catch {
    return;
  }
  throw new Error('not refused');
}

interface Operation {
  readonly times: number;
  readonly run: () => unknown;
}

const operations: Record<string, Operation> = {
  load: {
    times: 250_000,
    run: () => {
      const loaded = loadDerOcspResponse(response);
      return [
        loaded.certificateStatus,
        loaded.serialNumber,
        loaded.thisUpdate,
        loaded.extensions,
        loaded.publicBytes(),
      ];
    },
  },
  build: {
    times: 75_000,
    run: () =>
      loadDerOcspRequest(
        new OCSPRequestBuilder()
          .addCertificate(cert, issuer, SHA1)
          .addExtension(new OCSPNonce(goldenRequest), false)
          .build()
          .publicBytes(),
      ),
  },
  refuse: {
    times: 50_000,
    run: () => {
      ignore(() => loadDerOcspResponse(truncated));
      ignore(() => loadDerOcspResponse(truncated, { strict: false }));
      ignore(() => new OCSPResponseBuilder().sign(rootKey, SHA256));
    },
  },
  sign: { times: 10_000, run: () => builder.sign(rootKey, SHA256) },
  'sign-async': {
    times: 500,
    run: () => Promise.all(Array.from({ length: 16 }, () => builder.signAsync(rootKey, SHA256))),
  },
  'sign-all': { times: 25_000, run: () => signed.next() },
  // A batch has 4096 rows: half a million in all.
  'index-txt': { times: 120, run: () => rows.next() },
  verdict: {
    times: 15_000,
    run: () => {
      turns += 1;
      const der = answers[turns % answers.length]!;
      const issuer = turns % 3 ? question.issuer : otherIssuer;
      const asked = { ...question, issuer };
      const verdict = turns % 2 ? verifier.verify(der, asked) : verifyOcspResponse(der, asked);
      return [verdict.signer, verdict.explain(), verdict.der];
    },
  },
  'verify-many': { times: 120, run: () => verifier.verifyMany(items) },
  // Each decodes certificates, which go when the cache has no place for them.
  'verify-again': {
    times: 1_000,
    run: () => {
      const signer = kit.ca.issueResponder({ privateKey: kit.responder.privateKey });
      const options = { trust: [kit.root.certificate, signer.certificate] };
      return verifyOcspResponse(kit.respond(undefined, { signer }), { ...question, ...options });
    },
  },
  'basic-verify': {
    times: 3_000,
    run: () => {
      turns += 1;
      const loaded = loadDerOcspResponse(successful[turns % successful.length]!);
      return [loaded.basicVerify({ trust, certificates }), loaded.signer(certificates), loaded.toText()];
    },
  },
  'trust-store': {
    times: 1_200,
    run: () => {
      const store = new TrustStore({ certificates: [kit.root.certificate, kit.ca.certificate] });
      ignore(() => new TrustStore({ certificates, crls: [truncated] }));
      return new Verifier({ trust: store, certificates, trustedResponders: certificates });
    },
  },
  key: {
    times: 2_500,
    run: () => builder.sign(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }), SHA256),
  },
};

const name = process.argv[2] ?? '';
const operation = operations[name];
if (operation === undefined) throw new Error(`no such operation: ${name}`);
const SAMPLES = 20;
const { run } = operation;
const times = SAMPLES * Math.ceil(repeated(operation.times) / SAMPLES);

/** Runs finalizers too, which Node calls between turns of the event loop. */
async function collect(): Promise<number> {
  for (let i = 0; i < 3; i += 1) {
    globalThis.gc?.();
    await turn();
  }
  return resident();
}

/** Resident memory; on Linux without the pages of files, which the system drops and reads again as it likes. */
function resident(): number {
  if (process.platform !== 'linux') return process.memoryUsage.rss();
  const [, kib] = /^RssAnon:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  if (kib === undefined) throw new Error('no RssAnon');
  return Number(kib) * 1024;
}

const samples: number[] = [];
for (let i = 0; i < times; i += 1) {
  await run();
  if ((i + 1) % (times / SAMPLES) === 0) samples.push(await collect());
}
// Resident memory goes up and down with the garbage collector's moods; a leak lifts its lows above earlier highs.
const earlierHigh = Math.max(...samples.slice(SAMPLES / 4, SAMPLES / 2));
const laterLow = Math.min(...samples.slice(-SAMPLES / 4));
await signed.return?.();
process.stdout.write(JSON.stringify({ operations: times, growthMiB: (laterLow - earlierHigh) / 2 ** 20 }));
