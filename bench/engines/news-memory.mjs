// What a responder takes to read the first news. Arguments: connection string, folder. Run with --expose-gc.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PostgresAuthority } from 'openssl-ocsp/postgres';
import { Responder } from 'openssl-ocsp/responder';
import pg from 'pg';

const [url, folder] = process.argv.slice(2);
const certificate = readFileSync(join(folder, 'ca.pem'), 'utf8');
const privateKey = readFileSync(join(folder, 'ca.key'), 'utf8');
const client = new pg.Client(url);
await client.connect();
const { rows } = await client.query('SELECT count(*)::int4 AS revoked FROM ocsp_status WHERE status = 1');
await client.end();
const authority = new PostgresAuthority(url, { issuer: certificate });
await authority.lookup({ serialNumber: '01' });
globalThis.gc();
const inUse = () => {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};
const before = inUse();
const atMost = process.resourceUsage().maxRSS * 1024;
const begin = performance.now();
const responder = new Responder({
  issuers: [{ certificate, authority, signers: [{ responder: certificate, privateKey }] }],
});
await responder.ready();
const milliseconds = performance.now() - begin;
globalThis.gc();
const bytes = inUse() - before;
const peak = process.resourceUsage().maxRSS * 1024 - atMost;
console.log(JSON.stringify({ revoked: rows[0].revoked, milliseconds, bytes, peak }));
await responder.close();
process.exit(0);
