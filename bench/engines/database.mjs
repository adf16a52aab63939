// A PostgreSQL server for the group `engines`, and lists of certificates to fill it with.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createTestCa } from 'openssl-ocsp/testing';
import { hasPostgres, PostgresServer, runSql } from '../../build/test/helpers/postgres-server.js';

export { hasPostgres, runSql };

/** One of so many is revoked. */
const REVOKED_ONE_IN = 100;

export const ca = createTestCa({ subject: 'C=XX,O=Benchmark,CN=Benchmark CA' });

let server;

/** Starts it at the first call. */
export async function startServer() {
  server ??= await PostgresServer.start();
  return server;
}

export async function stopServer() {
  await server?.remove();
  server = undefined;
}

/** A serial number of 16 bytes, in no order. */
export const serialOf = (i) =>
  ((BigInt(i + 1) * 0x9e3779b97f4a7c15f39cc0605cedc835n) % 2n ** 127n).toString(16).toUpperCase().padStart(32, '0');

export const isRevoked = (i) => i % REVOKED_ONE_IN === 0;

/** Writes a file for `importStatuses`, or for COPY into the table. */
export async function writeList(path, count, { copyFor } = {}) {
  const time = '2026-01-02T03:04:05Z';
  const line = (i) =>
    copyFor === undefined
      ? `${serialOf(i)},${isRevoked(i) ? `revoked,${time}` : 'good,'}\n`
      : `${copyFor},\\x${serialOf(i).replace(/^(00)+/, '')},${isRevoked(i) ? `1,${time}` : '0,'}\n`;
  const pieces = function* () {
    if (copyFor === undefined) yield 'serial,status,revocationTime\n';
    for (let at = 0; at < count; at += 1000)
      yield Array.from({ length: Math.min(1000, count - at) }, (_, i) => line(at + i)).join('');
  };
  await pipeline(Readable.from(pieces()), createWriteStream(path));
}

/** Runs a command of psql to its end, and gives the bytes that it prints. */
export async function psql(url, command) {
  const child = spawn('psql', ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', command], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let bytes = 0;
  child.stdout.on('data', (chunk) => {
    bytes += chunk.length;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`psql ended with ${code}`);
  return bytes;
}
