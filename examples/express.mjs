// A route of Express that tells what a responder says about a certificate that is posted to it.
//   node express.mjs ISSUER.pem PORT [PRIVATE-HOST ...]
//   curl --data-binary @cert.pem http://localhost:PORT/status
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import express from 'express';
import { OCSPClient } from 'openssl-ocsp/client';

const [issuerFile, port, ...privateHosts] = process.argv.slice(2);
if (!issuerFile) throw new Error('usage: node express.mjs ISSUER.pem PORT [PRIVATE-HOST ...]');
const issuer = new X509Certificate(readFileSync(issuerFile));
const client = new OCSPClient({ allowPrivateAddresses: privateHosts });

/** The certificate in a body; undefined where there is none. */
function certificateOf(/** @type {unknown} */ body) {
  try {
    return new X509Certificate(/** @type {Buffer} */ (body));
  } catch {
    return undefined;
  }
}

const app = express();
app.post('/status', express.raw({ type: () => true, limit: '64kb' }), async (request, response) => {
  const certificate = certificateOf(request.body);
  if (certificate === undefined || !certificate.checkIssued(issuer)) {
    response.status(400).json({ error: 'not a certificate of this CA' });
    return;
  }
  const { outcome, allowed, source, verdict } = await client.check({ certificate, issuer });
  const { serialNumber } = certificate;
  response.json({ serialNumber, outcome, allowed, source, nextUpdate: verdict?.nextUpdate ?? null });
});
const server = app.listen(Number(port), () => console.log('listening'));

process.once('SIGTERM', async () => {
  server.close();
  server.closeAllConnections();
  await client.close();
});
