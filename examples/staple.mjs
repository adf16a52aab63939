// An HTTPS server that staples: its handshakes bring the answer about its certificate along.
//   node staple.mjs CHAIN.pem KEY.pem PORT CACHE-FOLDER [PRIVATE-HOST ...]
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { FolderCache, OCSPClient, Stapler } from 'openssl-ocsp/client';

const [chain, key, port, folder, ...privateHosts] = process.argv.slice(2);
if (!chain || !key || !folder) throw new Error('usage: node staple.mjs CHAIN.pem KEY.pem PORT CACHE-FOLDER [HOST ...]');

// Processes that share the folder share the answers, and a restart begins with them.
const client = new OCSPClient({ cache: { store: new FolderCache(folder) }, allowPrivateAddresses: privateHosts });
const stapler = new Stapler({ client });
stapler.on('revoked', ({ certificate }) => console.error(`${certificate.subject} is revoked: replace it`));
stapler.on('expiring', ({ result }) => console.error(`no new answer: ${result?.explain() ?? 'not asked yet'}`));

const server = createServer({ cert: readFileSync(chain), key: readFileSync(key) }, (_request, response) => {
  response.end('hello\n');
});
stapler.attach(server);
// From the first handshake on there is a staple.
await stapler.ready();
server.listen(Number(port), () => console.log('listening'));

process.once('SIGTERM', async () => {
  server.close();
  server.closeAllConnections();
  await stapler.close();
  await client.close();
});
