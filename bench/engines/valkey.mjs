// A responder whose answers are in Valkey or Redis, beside a bare GET by the same client.
import Redis from 'iovalkey';
import { loadDerOcspResponse, OCSPCertStatus, OCSPRequestBuilder } from 'openssl-ocsp';
import { putStatus, ResponseSigner } from 'openssl-ocsp/bulk';
import { listAuthority, Responder } from 'openssl-ocsp/responder';
import { ValkeyStore } from 'openssl-ocsp/valkey';
import { hasRedisServer, RedisServer } from '../../build/test/helpers/redis-server.js';
import { ca, serialOf } from './database.mjs';

const CERTIFICATES = 1000;
/** Milliseconds: what was read before is asked for again, and known when it comes. */
const FORGOTTEN = 0.001;

export async function* valkeyFigures(questions) {
  if (!hasRedisServer) return;
  const server = new RedisServer();
  await server.start();
  const servers = [server.socket];
  const bare = new Redis({ path: server.socket });
  const issuer = ca.certificate;
  const entries = Array.from({ length: CERTIFICATES }, (_, i) => ({
    serialNumber: serialOf(i),
    status: OCSPCertStatus.GOOD,
    statusVersion: 1,
  }));
  const store = await ValkeyStore.open({ servers, issuer, memoryTime: FORGOTTEN, timeout: 5000 });
  try {
    const signer = new ResponseSigner({
      issuer,
      responder: issuer,
      privateKey: ca.privateKey,
      certIdAlgorithm: 'sha1',
    });
    const requests = [];
    const { issuerNameHash, issuerKeyHash } = new OCSPRequestBuilder().addCertificate(issuer, issuer, 'sha1').build();
    await putStatus({ store, signer, entries });
    for (const { serialNumber } of entries) {
      const builder = new OCSPRequestBuilder();
      const number = BigInt(`0x${serialNumber}`);
      requests.push(builder.addCertificateByHash(issuerNameHash, issuerKeyHash, number, 'sha1').build().publicBytes());
    }
    const keys = (await bare.keys('*')).sort();
    const responder = new Responder({
      issuers: [
        {
          certificate: issuer,
          authority: listAuthority(entries),
          signers: [{ responder: issuer, privateKey: ca.privateKey }],
          store,
        },
      ],
      cache: { maxBytes: 0 },
    });
    await responder.ready();
    const ask = async (i) => {
      const { der, source } = await responder.answer(requests[i % CERTIFICATES]);
      if (source !== 'store') throw new Error(`an answer came from: ${source}`);
      return der;
    };
    for (let i = 0; i < CERTIFICATES; i += 1)
      if (loadDerOcspResponse(await ask(i)).certificateStatus !== OCSPCertStatus.GOOD) throw new Error('not good');
    const [limit, own] = [[], []];
    for (let i = 0; i < questions; i += 1) {
      limit.push(await timed(() => bare.getBuffer(keys[i % CERTIFICATES])));
      own.push(await timed(() => ask(i)));
    }
    const name = 'answer from Valkey, to a bare GET by the same client';
    for (const [q, goal] of [
      [0.5, ''],
      [0.99, '<= 1.5'],
    ])
      yield { name: `${name}: p${q * 100}`, value: quantile(own, q) / quantile(limit, q), unit: 'x', goal };
    yield { name: 'the bare GET: p99', value: quantile(limit, 0.99) * 1000, unit: 'us', goal: '' };
    await responder.close();
  } finally {
    store.close();
    bare.disconnect();
    await server.kill();
  }
}

async function timed(action) {
  const begin = performance.now();
  await action();
  return performance.now() - begin;
}

function quantile(values, q) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
}
