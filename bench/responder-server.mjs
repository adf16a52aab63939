// A server for the group `responder`: the responder, or a fixed answer with the same headers.
import { createServer } from 'node:http';
import { OCSPRequestBuilder } from 'openssl-ocsp';
import { Responder } from 'openssl-ocsp/responder';
import { issuerOf } from './groups/responder.mjs';

process.once('message', async ({ certificate, key, serials, fixed }) => {
  const responder = new Responder({ issuers: [issuerOf(certificate, key, serials)] });
  const server = createServer(fixed ? await fixedListener(responder, certificate, serials) : responder.listener);
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
});
process.once('disconnect', () => process.exit());

async function fixedListener(responder, certificate, [serial]) {
  const { issuerNameHash, issuerKeyHash } = new OCSPRequestBuilder()
    .addCertificate(certificate, certificate, 'sha1')
    .build();
  const request = new OCSPRequestBuilder().addCertificateByHash(issuerNameHash, issuerKeyHash, serial, 'sha1').build();
  const { der, headers } = await responder.answer(request.publicBytes());
  return (incoming, response) => {
    const send = () => {
      response.writeHead(200, headers);
      response.end(der);
    };
    if (incoming.method === 'GET') return send();
    const chunks = [];
    incoming.on('data', (chunk) => chunks.push(chunk));
    incoming.on('end', send);
  };
}
