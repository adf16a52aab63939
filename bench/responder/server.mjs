// A server for the group `responder`, in a process of its own: the responder, or a fixed answer with the same headers, which may sign for each.
import { createPrivateKey, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { OCSPCertStatus, OCSPRequestBuilder } from 'openssl-ocsp';
import { SegmentStore } from 'openssl-ocsp/bulk';
import { listAuthority, Responder, storeAuthority } from 'openssl-ocsp/responder';

process.once('message', async ({ certificate, key, serials, kind, folder }) => {
  const issuer = folder === undefined ? issuerOf(certificate, key, serials) : await storeOf(certificate, key, folder);
  const responder = new Responder({ issuers: [issuer] });
  await responder.ready();
  const server = createServer(await LISTENERS[kind](responder, { certificate, key, serials }));
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
});
process.once('disconnect', () => process.exit());

const LISTENERS = {
  responder: ({ listener }) => listener,
  fetch: (responder) => getRequestListener((request) => responder.fetch(request)),
  fixed: (...given) => fixed(() => undefined, ...given),
  // As many bytes are signed as a response has.
  signing: (responder, material) => {
    const key = createPrivateKey(material.key);
    const data = Buffer.alloc(200, 1);
    return fixed(() => sign('sha256', data, key), responder, material);
  },
  'fixed-fetch': async (...given) => {
    const { der, headers } = await oneAnswer(...given);
    return getRequestListener(async (request) => {
      if (request.method === 'POST') await request.arrayBuffer();
      return new Response(der, { status: 200, headers });
    });
  },
};

async function fixed(work, ...given) {
  const { der, headers } = await oneAnswer(...given);
  return (incoming, response) => {
    const send = () => {
      work();
      response.writeHead(200, headers);
      response.end(der);
    };
    if (incoming.method === 'GET') return send();
    const chunks = [];
    incoming.on('data', (chunk) => chunks.push(chunk));
    incoming.on('end', send);
  };
}

function oneAnswer(responder, { certificate, serials: [serial] }) {
  const { issuerNameHash, issuerKeyHash } = new OCSPRequestBuilder()
    .addCertificate(certificate, certificate, 'sha1')
    .build();
  const request = new OCSPRequestBuilder().addCertificateByHash(issuerNameHash, issuerKeyHash, serial, 'sha1').build();
  return responder.answer(request.publicBytes());
}

/** The options of an issuer whose answers are all in a store. */
async function storeOf(certificate, privateKey, folder) {
  const store = await SegmentStore.open(folder);
  return { certificate, authority: storeAuthority(store), store, signers: [{ responder: certificate, privateKey }] };
}

/** The options of an issuer whose certificates are all good. */
function issuerOf(certificate, privateKey, serials) {
  return {
    certificate,
    authority: listAuthority(serials.map((serialNumber) => ({ serialNumber, status: OCSPCertStatus.GOOD }))),
    signers: [{ responder: certificate, privateKey }],
  };
}
