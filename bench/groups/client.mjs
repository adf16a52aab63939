// Asking: what a check costs from the cache, cold, in a TLS handshake, and in memory.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { connect, createSecureContext, createServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { OCSPRequestBuilder, Verifier } from 'openssl-ocsp';
import { FolderCache, OCSPClient, Stapler } from 'openssl-ocsp/client';
import { createTestCa, TestResponder, TestResponseKit } from 'openssl-ocsp/testing';
import { inRoot } from '../../scripts/lib/paths.mjs';
import { clientOptions, manyCertificates } from '../client/certificates.mjs';
import { contender } from '../measure.mjs';
import { peerContenders } from './common.mjs';

export const heading = 'Checks of a client';
const MANY = 50_000;

export async function* tables({ peers }) {
  yield* fromCache();
  yield* cold(peers);
  yield* manyInTurn(MANY);
  yield* handshakes(MANY);
}

async function* fromCache() {
  const kit = new TestResponseKit();
  const responder = await TestResponder.start(kit.ca);
  const client = new OCSPClient({ responders: [responder.url] });
  // (Of a quick run only the first table is measured, and this one is not continued.)
  try {
    const question = { certificate: kit.leaf.certificate, issuer: kit.ca.certificate };
    await client.check(question);
    const der = kit.respond();
    const verifier = new Verifier();
    const verdict = verifier.verify(der, question);
    const start = Math.floor(Date.now() / 1000);
    yield {
      title: 'From the cache, one certificate, P-256',
      contenders: [
        {
          name: 'an asynchronous function that does nothing',
          kind: 'limit',
          run: async (n) => {
            for (let i = 0; i < n; i++) await nothing(question);
          },
        },
        {
          name: 'OCSPClient.check',
          kind: 'own',
          run: async (n) => {
            for (let i = 0; i < n; i++) await check(client, question);
          },
        },
        {
          name: 'a verdict that only reads its times again',
          kind: 'limit',
          run: (n) => {
            for (let i = 0; i < n; i++) verdict.judgeAgain(start + (i & 1));
          },
        },
        {
          name: 'Verifier.verify, signer remembered',
          kind: 'own',
          run: (n) => {
            for (let i = 0; i < n; i++) verifier.verify(der, question);
          },
        },
      ],
    };
    if (responder.requests.length !== 1) throw new Error(`${responder.requests.length} requests were sent`);
  } finally {
    await client.close();
    await responder.close();
  }
}

async function nothing(question) {
  return question;
}

async function check(client, question) {
  const { allowed, source } = await client.check(question);
  if (!allowed || source !== 'cache') throw new Error('not from the cache');
}

/** Each certificate is looked up, and verified again once a minute. */
async function* manyInTurn(count) {
  const { ca, identities, store } = await manyCertificates(count);
  const questions = identities.map(({ certificate }) => ({ certificate, issuer: ca.certificate }));
  const client = new OCSPClient(clientOptions(store, { maxBytes: Number.MAX_SAFE_INTEGER }));
  await checkAll(client, questions);
  let next = 0;
  const inTurn = (use) => async (n) => {
    for (let i = 0; i < n; i++) {
      await use(questions[next]);
      next = (next + 1) % count;
    }
  };
  yield {
    title: `From the cache, ${count} certificates in turn`,
    contenders: [
      { name: 'an asynchronous function that does nothing', kind: 'limit', run: inTurn(nothing) },
      { name: 'OCSPClient.check', kind: 'own', run: inTurn((question) => check(client, question)) },
    ],
  };
  await client.close();
}

/** Each time the responder, in a process of its own, is asked again, and its answer verified. CPU and heap are this process's. */
async function* cold(peers) {
  const ca = createTestCa({ keyType: 'rsa', subject: 'C=XX,O=Benchmark,CN=Benchmark CA' });
  const serial = 0x1000_0000_0000_0000n;
  const child = fork(fileURLToPath(new URL('../responder/server.mjs', import.meta.url)));
  child.send({
    certificate: ca.certificatePem,
    key: ca.privateKeyPem,
    serials: [serial.toString(16)],
    kind: 'fixed',
  });
  const [port] = await once(child, 'message');
  const url = `http://127.0.0.1:${port}/`;
  const { certificate } = ca.issue({ keyType: 'rsa', serialNumber: serial, aia: { ocsp: [url] } });
  const issuer = ca.certificate;
  const client = new OCSPClient({ responders: [url], cache: false, method: 'post', hash: 'sha1' });
  const request = new OCSPRequestBuilder().addCertificate(certificate, issuer, 'sha1').build().publicBytes();
  try {
    yield {
      title: 'Cold: over HTTP, RSA-2048',
      contenders: [
        await contender('fetch of an answer that no one looks into', () => post(url, request), { kind: 'limit' }),
        await contender('OCSPClient.check', async () => (await client.check({ certificate, issuer })).outcome, {
          kind: 'own',
          check: isGood,
        }),
        ...(await peerContenders(peers, (peer) => peer.ask?.(certificate, issuer, url), isGood)),
      ],
    };
  } finally {
    await client.close();
    child.kill();
  }
}

function isGood(status) {
  if (status !== 'good') throw new Error(`${status} is not good`);
}

async function post(url, body) {
  const headers = { 'Content-Type': 'application/ocsp-request' };
  const response = await fetch(url, { method: 'POST', headers, body });
  return await response.arrayBuffer();
}

/** Full handshakes of TLS 1.3 in this process, of a server that has no staple, and of one with so many of them. */
async function* handshakes(count) {
  const { ca, identities, store } = await manyCertificates(count);
  const client = new OCSPClient(clientOptions(store));
  const stapler = new Stapler({ client });
  for (const { certificate } of identities) stapler.add([certificate, ca.certificate]).catch(() => {});
  await stapler.ready();
  const { certificate, certificatePem, privateKeyPem } = identities[count >> 1];
  const options = { cert: certificatePem + ca.certificatePem, key: privateKeyPem };
  const [plain, listening, stapling] = [createServer(options), createServer(options), createServer(options)];
  const staple = stapler.staple(certificate.raw);
  listening.on('OCSPRequest', (_certificate, _issuer, callback) => callback(null, staple));
  stapler.attach(stapling);
  for (const server of [plain, listening, stapling]) {
    server.on('secureConnection', (socket) => socket.on('error', () => {}).end('x'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  const trust = createSecureContext({ ca: ca.certificatePem });
  try {
    yield {
      title: `TLS handshakes, ${count} certificates known`,
      contenders: [
        await contender('without a staple', () => handshake(plain, trust, false), { kind: 'limit' }),
        await contender('with the same one each time, of a listener', () => handshake(listening, trust, true), {
          kind: 'limit',
        }),
        await contender('with one of a Stapler', () => handshake(stapling, trust, true), { kind: 'own' }),
      ],
    };
  } finally {
    for (const server of [plain, listening, stapling]) server.close();
    await stapler.close();
    await client.close();
  }
}

async function handshake(server, secureContext, isStapled) {
  const { port } = server.address();
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    secureContext,
    requestOCSP: true,
  });
  let staple = null;
  socket.on('OCSPResponse', (der) => {
    staple = der;
  });
  await once(socket, 'secureConnect');
  if ((staple !== null && staple.length > 0) !== isStapled) throw new Error('a staple is missing, or there is one');
  socket.destroy();
}

/** What is no rate: name, value, and what it should be. */
export async function* figures({ quick }) {
  const count = quick ? 50 : MANY;
  const { ca, identities, store } = await manyCertificates(count);
  const issuer = ca.certificate;
  const questions = identities.map(({ certificate }) => ({ certificate, issuer }));
  yield await concurrentChecks(questions[0], store.answers.values().next().value, quick ? 100 : 10_000);
  yield* startFromFolder(ca, identities, store);
  yield* memoryOfAnswers(questions, store, quick ? 1000 : 10_000_000);
}

async function concurrentChecks(question, der, checks) {
  let requests = 0;
  const answer = async () => {
    requests += 1;
    return new Response(der, { headers: { 'content-type': 'application/ocsp-response' } });
  };
  const client = new OCSPClient({ fetch: answer, responders: ['http://ocsp.example/'], method: 'post', hash: 'sha1' });
  await Promise.all(Array.from({ length: checks }, () => client.check(question)));
  await client.close();
  return { name: `requests for ${checks} checks of one certificate at a time`, value: requests, unit: '', goal: '1' };
}

async function* startFromFolder(ca, identities, store) {
  const folder = mkdtempSync(join(inRoot('build'), 'bench-answers-'));
  const last = identities.at(-1);
  const server = createServer({ cert: last.certificatePem + ca.certificatePem, key: last.privateKeyPem });
  server.on('secureConnection', (socket) => socket.on('error', () => {}).end('x'));
  server.listen(0, '127.0.0.1');
  try {
    await store.fill(new FolderCache(folder));
    const begin = performance.now();
    const seconds = () => (performance.now() - begin) / 1000;
    const client = new OCSPClient(clientOptions(new FolderCache(folder)));
    const stapler = new Stapler({ client });
    for (const { certificate } of identities) stapler.add([certificate, ca.certificate]).catch(() => {});
    stapler.attach(server);
    await handshake(server, createSecureContext({ ca: ca.certificatePem }), true);
    const name = `start of a stapler from a folder of ${identities.length} answers`;
    yield { name: `${name}: a handshake with the last one`, value: seconds(), unit: 's', goal: '<= 3' };
    await stapler.ready();
    yield { name: 'the same: all of them verified', value: seconds(), unit: 's', goal: '' };
    if (!stapler.states().every(({ decision }) => decision === 'stapled')) throw new Error('not all are stapled');
    await stapler.close();
    await client.close();
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
}

async function* memoryOfAnswers(questions, store, checks) {
  const count = questions.length;
  const gc = collector();
  const memory = async () => {
    // What lies outside of V8's heap is let go some turns later.
    for (let turns = 0; turns < 5; turns++) {
      gc();
      await nextTurn();
    }
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  // (What the certificates take when they are first looked at is not the cache's.)
  const looking = new OCSPClient(clientOptions(store, { maxBytes: 0 }));
  await checkAll(looking, questions);
  await looking.close();
  // A store that gives copies, as a folder does.
  const nothing = async () => {};
  const get = async (key) => Buffer.from(await store.get(key));
  const copying = { get, put: nothing, delete: nothing, keys: () => store.keys() };
  const before = await memory();
  const client = new OCSPClient(clientOptions(copying, { maxBytes: Number.MAX_SAFE_INTEGER }));
  await checkAll(client, questions);
  const held = (await memory()) - before;
  const bytesOfDer = [...store.answers.values()].reduce((sum, { length }) => sum + length, 0);
  yield { name: 'memory of a cached answer, to its DER', value: held / bytesOfDer, unit: 'x', goal: '<= 1.3' };
  yield { name: 'the same', value: held / count, unit: 'bytes', goal: '' };

  const start = await memory();
  for (let i = 0; i < checks; i++) await client.check(questions[i % count]);
  const grown = ((await memory()) - start) / 2 ** 20;
  await client.close();
  yield { name: `what grew in ${checks} checks of ${count} certificates`, value: grown, unit: 'MiB', goal: 'flat' };
}

async function checkAll(client, questions) {
  for (const question of questions) {
    const { outcome } = await client.check(question);
    if (outcome !== 'good') throw new Error(`the answer is ${outcome}`);
  }
}

function collector() {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}
