// Asks about a certificate, verifies the answer, and keeps it in a folder for the next time.
//   node ask.mjs CHAIN.pem CACHE-FOLDER [PRIVATE-HOST ...]
// CHAIN.pem: the certificate, and behind it its issuer. Exit code 0: it may be relied on.
import { readFileSync } from 'node:fs';
import { loadCertificates } from 'openssl-ocsp';
import { FolderCache, OCSPClient } from 'openssl-ocsp/client';

const [chain, folder, ...privateHosts] = process.argv.slice(2);
if (chain === undefined || folder === undefined)
  throw new Error('usage: node ask.mjs CHAIN.pem CACHE-FOLDER [HOST ...]');
const [certificate, issuer] = loadCertificates(readFileSync(chain));
if (certificate === undefined || issuer === undefined)
  throw new Error(`${chain} does not hold a certificate and its issuer`);

const client = new OCSPClient({
  // While no responder can be reached: 'hard' says no, 'soft' says yes. A wrong answer is a no either way.
  failPolicy: 'hard',
  cache: { store: new FolderCache(folder) },
  // A URL in a certificate must not lead into a private network, unless it is named here.
  allowPrivateAddresses: privateHosts,
});
const result = await client.check({ certificate, issuer });
await client.close();

console.log(`${result.outcome}, from ${result.source ?? 'nowhere'}`);
if (!result.allowed) console.error(result.explain());
process.exitCode = result.allowed ? 0 : 1;
