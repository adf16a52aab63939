/** A worker that signs without end. */
import { parentPort } from 'node:worker_threads';
import { createTestCa } from 'openssl-ocsp/testing';
import { ResponseSigner } from '#dist/signing/response-signer.js';
import type { StatusEntry } from '#dist/statuses/status-entry.js';

const ca = createTestCa();
const signer = new ResponseSigner({ issuer: ca.certificate, responder: ca.certificate, privateKey: ca.privateKey });

function* endless(): Generator<StatusEntry> {
  for (let i = 0n; ; i += 1n) yield { serialNumber: i, status: 0 };
}

let count = 0;
for await (const _ of signer.signAll(endless(), { threads: 2, batchSize: 50 })) {
  count += 1;
  if (count === 60) parentPort?.postMessage(count);
}
