// An HTTPS gateway that lets clients in by certificate, and asks whether that is revoked before it answers.
//   node gateway.mjs CHAIN.pem KEY.pem CLIENT-CA.pem PORT [PRIVATE-HOST ...]
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { loadCertificates } from 'openssl-ocsp';
import { OCSPClient } from 'openssl-ocsp/client';

const [chain, key, clientCa, port, ...privateHosts] = process.argv.slice(2);
if (!chain || !key || !clientCa)
  throw new Error('usage: node gateway.mjs CHAIN.pem KEY.pem CLIENT-CA.pem PORT [HOST ...]');

const ca = readFileSync(clientCa);
const issuers = loadCertificates(ca);
// 'hard', the default: while no responder can be reached, no one gets in. 'soft' stays open then.
const client = new OCSPClient({ failPolicy: 'hard', allowPrivateAddresses: privateHosts });

const tls = { cert: readFileSync(chain), key: readFileSync(key), ca, requestCert: true, rejectUnauthorized: true };
const server = createServer(tls, async (request, response) => {
  const { allowed, outcome } = await client.checkPeer(request.socket, { issuers });
  if (!allowed) {
    response.writeHead(403, { Connection: 'close' }).end(`${outcome}\n`);
    return;
  }
  response.end('welcome\n');
});
server.listen(Number(port), () => console.log('listening'));

process.once('SIGTERM', async () => {
  server.close();
  server.closeAllConnections();
  await client.close();
});
