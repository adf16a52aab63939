// What a responder keeps of very many revoked certificates. Arguments: folder, how many. Run with --expose-gc.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OCSPCertStatus } from 'openssl-ocsp';
import { Responder } from 'openssl-ocsp/responder';

const [folder, count] = process.argv.slice(2);
const certificate = readFileSync(join(folder, 'ca.pem'), 'utf8');
const privateKey = readFileSync(join(folder, 'ca.key'), 'utf8');
const PIECE = 5000;
const revocationTime = new Date('2026-01-02T03:04:05Z');

/** A serial number of 16 bytes, in no order. */
const serialOf = (i) =>
  ((BigInt(i + 1) * 0x9e3779b97f4a7c15f39cc0605cedc835n) % 2n ** 127n).toString(16).toUpperCase().padStart(32, '0');

const authority = {
  lookup: () => undefined,
  async *changes(_cursor, signal) {
    for (let at = 0; at < Number(count); at += PIECE) {
      const entries = Array.from({ length: Math.min(PIECE, Number(count) - at) }, (_, i) => ({
        serialNumber: serialOf(at + i),
        status: OCSPCertStatus.REVOKED,
        statusVersion: 1_767_000_000,
        revocationTime,
        reason: 'keyCompromise',
      }));
      yield { entries, cursor: String(at), more: true };
    }
    yield { entries: [], cursor: 'all' };
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  },
};

globalThis.gc();
const inUse = () => {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};
const before = inUse();
const responder = new Responder({
  issuers: [{ certificate, authority, signers: [{ responder: certificate, privateKey }] }],
});
await responder.ready();
globalThis.gc();
console.log(JSON.stringify({ bytes: (inUse() - before) / Number(count) }));
await responder.close();
