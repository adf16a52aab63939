// One job of bench/bulk-scale.mjs in a process of its own, whose peak memory is that of the job.
// Arguments: job, size, key type, folder for files; 'prepare' to write the files only. Prints what it found as JSON.
import { createWriteStream, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { OCSPCertStatus } from 'openssl-ocsp';
import {
  bulkSign,
  crlSource,
  csvSource,
  indexTxtSource,
  iterableSource,
  ndjsonSource,
  ResponseSigner,
  SegmentStore,
} from 'openssl-ocsp/bulk';
import { createTestCa } from 'openssl-ocsp/testing';
import { encodeInteger, encodeOid, encodeSequence, encodeTlv, encodeUtcTime } from '#dist/x509/der.js';

const [job, sizeText, keyType, folder, mode] = process.argv.slice(2);
const size = Number(sizeText);
const REVOKED_AT = new Date('2026-01-02T03:04:05Z');

/** A serial number of 16 bytes, in no order. */
const serialOf = (i) => (BigInt(i + 1) * 0x9e3779b97f4a7c15f39cc0605cedc835n) % 2n ** 127n;
const hexOf = (i) => serialOf(i).toString(16).toUpperCase().padStart(32, '0');

function* entries() {
  for (let i = 0; i < size; i += 1) {
    yield i % 100 === 0
      ? { serialNumber: serialOf(i), status: OCSPCertStatus.REVOKED, revocationTime: REVOKED_AT }
      : { serialNumber: serialOf(i), status: OCSPCertStatus.GOOD };
  }
}

function makeSigner() {
  const ca = createTestCa({ keyType });
  return new ResponseSigner({
    certIdAlgorithm: 'sha256',
    issuer: ca.certificate,
    responder: ca.certificate,
    privateKey: ca.privateKey,
    ...(keyType === 'ed25519' && { algorithm: null }),
  });
}

/** The jobs: each prepares, and returns what is measured, which returns bytes. */
const JOBS = {
  signAll: () => {
    const signer = makeSigner();
    return async () => {
      let octets = 0;
      for await (const { der } of signer.signAll(entries())) octets += der.length;
      return octets;
    };
  },
  bulkSign: async () => {
    const signer = makeSigner();
    const store = await SegmentStore.open(join(folder, 'store'));
    return async () => {
      await bulkSign({ source: iterableSource(entries()), signer, store, id: 'scale' });
      return store.stats().bytes;
    };
  },
  'index.txt': () =>
    reading(indexTxtSource, (i) =>
      i % 100 === 0
        ? `R\t301231235959Z\t260102030405Z,keyCompromise\t${hexOf(i)}\tunknown\t/CN=device ${i}\n`
        : `V\t301231235959Z\t\t${hexOf(i)}\tunknown\t/CN=device ${i}\n`,
    ),
  CSV: () =>
    reading(
      csvSource,
      (i) => `${hexOf(i)},${i % 100 === 0 ? 'revoked,2026-01-02T03:04:05Z,keyCompromise' : 'good,,'}\n`,
      'serial,status,revocationTime,reason\n',
    ),
  NDJSON: () =>
    reading(ndjsonSource, (i) =>
      i % 100 === 0
        ? `{"serial":"${hexOf(i)}","status":"revoked","revocationTime":"2026-01-02T03:04:05Z","reason":"keyCompromise"}\n`
        : `{"serial":"${hexOf(i)}","status":"good"}\n`,
    ),
  CRL: () => {
    const path = join(folder, 'list');
    if (mode === 'prepare') writeFileSync(path, makeCrl());
    return async () => count(crlSource(path), path);
  },
};

async function reading(open, row, header = '') {
  const path = join(folder, 'list');
  const rows = function* () {
    yield header;
    for (let i = 0; i < size; i += 1) yield row(i);
  };
  if (mode === 'prepare') await pipeline(Readable.from(rows()), createWriteStream(path));
  return () => count(open(path), path);
}

async function count(source, path) {
  let found = 0;
  for await (const batch of source.batches()) found += batch.length;
  if (found !== size) throw new Error(`${found} entries instead of ${size}`);
  return statSync(path).size;
}

/** A CRL that revokes everything; its signature is empty, which no one looks at. */
function makeCrl() {
  const date = encodeUtcTime(REVOKED_AT);
  const algorithm = encodeSequence(encodeOid('1.2.840.10045.4.3.2'));
  const revoked = Array.from({ length: size }, (_, i) => encodeSequence(encodeInteger(serialOf(i)), date));
  const list = encodeSequence(
    encodeInteger(1),
    algorithm,
    encodeSequence(),
    date,
    encodeSequence(Buffer.concat(revoked)),
  );
  return encodeSequence(list, algorithm, encodeTlv(0x03, Buffer.of(0)));
}

const run = await JOBS[job]();
if (mode !== 'prepare') await measure();

async function measure() {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  const before = process.cpuUsage();
  const begin = performance.now();
  delay.enable();
  const octets = await run();
  const seconds = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(before);
  // Were the loop blocked until here, nothing would have been noticed yet.
  await setTimeout(20);
  delay.disable();
  console.log(
    JSON.stringify({
      seconds,
      cpuSeconds: (user + system) / 1e6,
      peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
      // The monitor's own period is part of what it says.
      p99: Math.max(0, delay.percentile(99) / 1e6 - 5),
      max: Math.max(0, delay.max / 1e6 - 5),
      octets,
    }),
  );
}
