// What responders hear of a database: how soon, how much of it, and what it takes.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadDerOcspResponse, OCSPCertStatus, OCSPRequestBuilder } from 'openssl-ocsp';
import { ca, isRevoked, runSql, serialOf } from './database.mjs';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const MEMORY = fileURLToPath(new URL('./news-memory.mjs', import.meta.url));
const REVOKED_MEMORY = fileURLToPath(new URL('./revoked-memory.mjs', import.meta.url));
const issuer = ca.certificate;
/** Certificates that are asked about while very many are revoked. */
const SAMPLE = 50;
/** Milliseconds after which no one says good any more: the responder's `maxLag`, and what was under way. */
const PROMISED = 10_000 + 2500;

/** With a responder in a process of its own. */
export async function* newsFigures(url, { revocations, rows, remembered }) {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-bench-'));
  const socketPath = join(folder, 'socket');
  writeFileSync(join(folder, 'ca.pem'), ca.certificatePem);
  writeFileSync(join(folder, 'ca.key'), ca.privateKeyPem);
  const signers = [{ certificate: 'ca.pem', key: 'ca.key' }];
  const configuration = { listen: `unix:${socketPath}`, issuers: [{ certificate: 'ca.pem', signers, postgres: url }] };
  writeFileSync(join(folder, 'serve.json'), JSON.stringify(configuration));
  const child = spawn(process.execPath, [MAIN, 'serve', '--config', join(folder, 'serve.json')], { stdio: 'ignore' });
  try {
    const statusOf = asker(socketPath);
    while ((await statusOf(serialOf(1)).catch(() => undefined)) !== OCSPCertStatus.GOOD) await sleep(50);
    yield* lag(url, statusOf, revocations);
    yield* manyAtOnce(url, statusOf, rows);
    const { revoked, milliseconds, bytes, peak } = JSON.parse(
      execFileSync(process.execPath, ['--expose-gc', MEMORY, url, folder], { encoding: 'utf8' }),
    );
    const name = `first news of ${revoked} revocations`;
    yield { name: `${name}: rows a second`, value: (revoked / milliseconds) * 1000, unit: '/s', goal: '' };
    yield { name: `${name}: memory for each, afterwards`, value: bytes / revoked, unit: 'bytes', goal: '' };
    yield { name: `${name}: memory for each, at most`, value: peak / revoked, unit: 'bytes', goal: '' };
    const { bytes: each } = JSON.parse(
      execFileSync(process.execPath, ['--expose-gc', REVOKED_MEMORY, folder, String(remembered)], { encoding: 'utf8' }),
    );
    yield {
      name: `memory of ${remembered} revocations in a responder, for each`,
      value: each,
      unit: 'bytes',
      goal: '',
    };
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
}

/** Asks a responder about a certificate; undefined for an error. */
function asker(socketPath) {
  const probe = ca.issue({ serialNumber: 1n }).certificate;
  const { issuerNameHash, issuerKeyHash } = new OCSPRequestBuilder().addCertificate(probe, issuer, 'sha1').build();
  return async (serial) => {
    const number = BigInt(`0x${serial}`);
    const builder = new OCSPRequestBuilder().addCertificateByHash(issuerNameHash, issuerKeyHash, number, 'sha1');
    const response = loadDerOcspResponse(await post(socketPath, builder.build().publicBytes()));
    return response.responseStatus === 0 ? response.certificateStatus : undefined;
  };
}

/** From the commit of a revocation to the first "revoked". */
async function* lag(url, statusOf, revocations) {
  const lags = [];
  for (let i = 1; lags.length < revocations; i += 1) {
    if (isRevoked(i)) continue;
    const serial = serialOf(i);
    // An answer that is at hand, and signed already, is what has to go.
    if ((await statusOf(serial)) !== OCSPCertStatus.GOOD) throw new Error('not good before it is revoked');
    await sleep((i * 37) % 500);
    await runSql(url, 'UPDATE ocsp_status SET status = 1, revoked_at = now() WHERE serial = ocsp_serial($1)', [serial]);
    const committed = performance.now();
    while ((await statusOf(serial)) !== OCSPCertStatus.REVOKED) await sleep(1);
    lags.push(performance.now() - committed);
  }
  lags.sort((a, b) => a - b);
  const name = `revocation committed, served by another process, of ${revocations}`;
  yield { name: `${name}: p50`, value: quantile(lags, 0.5), unit: 'ms', goal: '' };
  yield { name: `${name}: p99`, value: quantile(lags, 0.99), unit: 'ms', goal: '<= 1000' };
}

/** All that is good still is revoked in one transaction. */
async function* manyAtOnce(url, statusOf, rows) {
  const good = Array.from({ length: rows }, (_, i) => i).filter((i) => !isRevoked(i));
  const sample = Array.from({ length: SAMPLE }, (_, n) =>
    serialOf(good.at(-1 - Math.floor((n * good.length) / SAMPLE / 2))),
  );
  for (const serial of sample)
    if ((await statusOf(serial)) !== OCSPCertStatus.GOOD) throw new Error('not good before it is revoked');
  let committed = Number.POSITIVE_INFINITY;
  const done = runSql(
    url,
    'WITH done AS (UPDATE ocsp_status SET status = 1, revoked_at = now() WHERE status = 0 RETURNING 1) SELECT count(*)::int4 FROM done',
  );
  done.then(
    () => {
      committed = performance.now();
    },
    () => undefined,
  );
  const lags = [];
  const missing = new Set(sample);
  while (missing.size > 0) {
    for (const serial of missing) {
      const begin = performance.now();
      const status = await statusOf(serial);
      if (status === OCSPCertStatus.GOOD && begin > committed + PROMISED)
        throw new Error('good beyond the promised lag');
      if (status !== OCSPCertStatus.REVOKED) continue;
      missing.delete(serial);
      lags.push(performance.now() - committed);
    }
    await sleep(20);
  }
  const [{ count }] = await done;
  lags.sort((a, b) => a - b);
  const name = `${count} revoked in one transaction, ${SAMPLE} of them served by another process`;
  yield { name: `${name}: p50`, value: quantile(lags, 0.5), unit: 'ms', goal: '' };
  yield { name: `${name}: the last`, value: lags.at(-1), unit: 'ms', goal: '' };
}

/** Of values in ascending order. */
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];

function post(socketPath, body) {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ socketPath, method: 'POST', path: '/' }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks)));
    });
    request.on('error', reject);
    request.end(body);
  });
}
