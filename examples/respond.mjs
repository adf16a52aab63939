// A responder over the index.txt of `openssl ca`, with an address for health and metrics.
//   node respond.mjs CA.pem OCSP.pem OCSP.key index.txt PORT
import { readFileSync } from 'node:fs';
import { indexTxtAuthority, Responder, serve } from 'openssl-ocsp/responder';

const [ca, certificate, key, index, port] = process.argv.slice(2);
if (!ca || !certificate || !key || !index)
  throw new Error('usage: node respond.mjs CA.pem OCSP.pem OCSP.key index.txt PORT');

const responder = new Responder({
  issuers: [
    {
      certificate: readFileSync(ca),
      // Read again when it has changed: `openssl ca -revoke` shows in the next answer.
      authority: indexTxtAuthority(index),
      signers: [{ responder: readFileSync(certificate), privateKey: readFileSync(key, 'utf8') }],
    },
  ],
});
await responder.ready();
const server = await serve(responder, { port: Number(port) }, { admin: { host: '127.0.0.1', port: 0 } });
console.log(`${server.url} (health: ${server.adminUrl}/health)`);

process.once('SIGTERM', async () => {
  // After the answers that are under way.
  await server.close();
  await responder.close();
});
