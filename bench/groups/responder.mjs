// Answers at hand, in this process and over HTTP: the servers in processes of their own, whose CPU time counts; this one as load.
import { fork } from 'node:child_process';
import { createPrivateKey, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadDerOcspRequest, loadDerOcspResponse, OCSPCertStatus, OCSPNonce, OCSPRequestBuilder } from 'openssl-ocsp';
import { bulkSign, iterableSource, ResponseSigner, SegmentStore } from 'openssl-ocsp/bulk';
import { listAuthority, Responder } from 'openssl-ocsp/responder';
import { createTestCa } from 'openssl-ocsp/testing';
import { contender } from '../measure.mjs';
import { get, load, loadByConnections, offer, post } from '../responder/load.mjs';
import { Servers } from '../responder/servers.mjs';

export const heading = 'Answering requests';
/** Long enough for sockets and timers not to count. */
export const effort = { rounds: 7, milliseconds: 500 };

const COUNT = 1000;
/** Requests before a server is measured. */
const WARM_UP = 5 * COUNT;
const FIRST = 0x1000_0000_0000_0000n;
const SERIALS = Array.from({ length: COUNT }, (_, i) => FIRST + BigInt(i));

export async function* tables({ quick }) {
  const ca = createTestCa({ subject: 'C=XX,O=Benchmark,CN=Benchmark CA' });
  const requests = requestsFor(ca);
  yield await inProcess(ca, requests);
  // One table is measured then.
  if (!quick) yield* overHttp(ca, requests);
}

/** DER of a request for each certificate. */
function requestsFor(ca, nonce, serials = SERIALS) {
  const own = ca.issue({ serialNumber: 1n });
  const { issuerNameHash, issuerKeyHash } = new OCSPRequestBuilder()
    .addCertificate(own.certificate, ca.certificate, 'sha1')
    .build();
  return serials.map((serial) => {
    const builder = new OCSPRequestBuilder().addCertificateByHash(issuerNameHash, issuerKeyHash, serial, 'sha1');
    return (nonce === undefined ? builder : builder.addExtension(nonce, false)).build().publicBytes();
  });
}

const NONCE = new OCSPNonce(Buffer.alloc(32, 7));
const materialOf = ({ certificatePem, privateKeyPem }) => ({
  certificate: certificatePem,
  key: privateKeyPem,
  serials: SERIALS.map((serial) => serial.toString(16)),
});

/** A responder over a list on which all are good. */
function responderOf({ certificate, privateKey }, serials = SERIALS) {
  const authority = listAuthority(serials.map((serialNumber) => ({ serialNumber, status: OCSPCertStatus.GOOD })));
  return new Responder({ issuers: [{ certificate, authority, signers: [{ responder: certificate, privateKey }] }] });
}

async function inProcess(ca, requests) {
  const responder = responderOf(ca);
  const answers = new Map();
  for (const [i, der] of requests.entries())
    answers.set(SERIALS[i].toString(16).toUpperCase(), await responder.answer(der));
  let at = 0;
  const next = () => {
    at = (at + 1) % COUNT;
    return requests[at];
  };
  const check = (answer) => {
    if (loadDerOcspResponse(answer.der).certificateStatus !== OCSPCertStatus.GOOD) throw new Error('not good');
  };
  return {
    title: 'in process, from memory',
    contenders: [
      await contender(
        'strict parse, Map lookup',
        () => answers.get(loadDerOcspRequest(next()).serialNumber.toString(16).toUpperCase()),
        { kind: 'limit', check },
      ),
      await contender('Responder.answer', () => responder.answer(next()), { kind: 'own', check }),
    ],
  };
}

async function* overHttp(ca, requests) {
  const servers = new Servers();
  try {
    const material = materialOf(ca);
    const answers = await signedBefore(ca, requests);
    const targets = {
      fixed: await servers.own({ ...material, kind: 'fixed' }),
      own: await servers.own({ ...material, kind: 'responder' }),
      fixedFetch: await servers.own({ ...material, kind: 'fixed-fetch' }),
      fetch: await servers.own({ ...material, kind: 'fetch' }),
      go: await servers.go(answers),
      openssl: await servers.openssl(material),
    };
    const table = (title, wires, by, rows) => ({
      title,
      contenders: rows
        .filter(([target]) => targets[target] !== undefined)
        .map(([target, name, kind]) => {
          const { port, cpu } = targets[target];
          return { name, kind, cpu, run: (count) => by(port, wires, count) };
        }),
    });
    const fixed = ['fixed', 'node:http, fixed answer of the same size', 'limit'];
    const own = ['own', 'Responder.listener', 'own'];
    const go = ['go', 'Go, net/http and x/crypto, signed before'];
    const posts = requests.map((der) => post(der));
    // Answers are in memory then, and code is compiled.
    for (const { port } of [targets.fixed, targets.own, targets.fixedFetch, targets.fetch])
      await load(port, posts, WARM_UP);
    yield table('GET, keep-alive', requests.map(get), load, [fixed, own, go]);
    yield table('POST, keep-alive', posts, load, [fixed, own, go]);
    yield table('POST, Request and Response', posts, load, [
      ['fixedFetch', 'a fixed Response through @hono/node-server', 'limit'],
      ['fetch', 'Responder.fetch through it', 'own'],
    ]);
    const closing = requests.map((der) => post(der, 'Connection: close\r\n'));
    const openssl = ['openssl', 'openssl ocsp -port, signed each time'];
    yield table('POST, a connection each', closing, loadByConnections, [fixed, own, go, openssl]);
    const nonced = requestsFor(ca, NONCE).map((der) => post(der));
    yield table('POST with a nonce, P-256', nonced, load, [fixed, own]);
  } finally {
    servers.close();
  }
}

async function signedBefore(ca, requests) {
  const responder = responderOf(ca);
  const answers = [];
  for (const [i, request] of requests.entries())
    answers.push({ serial: SERIALS[i].toString(16), der: (await responder.answer(request)).der });
  await responder.close();
  return answers;
}

const quantile = (values, part) => values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? Number.NaN;
const median = (values) => quantile(values, 0.5);
/** Connections of those who ask too often: more than may wait for a signature. */
const CROWD = 1500;

export async function* figures({ quick }) {
  if (!quick)
    for (const [name, keyOptions, goal, count] of [
      ['P-256', { keyType: 'ec' }, '>= 0.85', 20_000],
      ['RSA-2048', { keyType: 'rsa' }, '>= 0.95', 2000],
    ])
      yield* live(name, createTestCa({ ...keyOptions, subject: 'CN=Benchmark CA' }), goal, count);
  yield await updates(quick ? 5 : 200);
  yield await manyIssuers(quick ? 10 : 10_000);
  yield* storedAnswers(quick ? 1000 : 1_000_000);
  yield await growth(quick ? 1000 : 10_000_000);
}

/**
 * What is signed for each request, beside what HTTP and the bare signature leave on one core, and beside HTTP that signs, whose clients
 * wait as long and so cost as many turns; and three times as many as can be.
 */
async function* live(name, ca, goal, count) {
  const servers = new Servers();
  try {
    const material = materialOf(ca);
    const requests = requestsFor(ca);
    const fixed = await servers.own({ ...material, kind: 'fixed' });
    const signing = await servers.own({ ...material, kind: 'signing' });
    const server = await servers.own({ ...material, kind: 'responder' });
    const own = server.port;
    const gets = requests.map(get);
    const nonced = requestsFor(ca, NONCE).map((der) => post(der));
    const ratios = [];
    const beside = [];
    const rates = [];
    await load(own, gets, COUNT);
    // (V8 compiles for some thousand answers, on threads whose time counts.)
    for (const { port } of [fixed, signing, server]) await load(port, nonced, 2 * WARM_UP);
    for (let round = 0; round < 5; round += 1) {
      const http = await spent(fixed, nonced, 20_000);
      const bare = bareSignature(ca);
      const bareBoth = await spent(signing, nonced, count);
      const both = await spent(server, nonced, count);
      beside.push(bareBoth.cpu / both.cpu);
      rates.push(1 / both.seconds);
      ratios.push((http.cpu + bare) / both.cpu);
    }
    yield { name: `live ${name}, of what HTTP and the signature leave`, value: median(ratios), unit: '', goal };
    yield { name: `live ${name}, of node:http that signs`, value: median(beside), unit: '', goal: '' };
    yield { name: `live ${name}`, value: median(rates), unit: 'answers/s', goal: '' };
    const ask = () => offer(own, gets, 1000, 3000);
    const alone = await ask();
    const [crowded, others] = await Promise.all([ask(), offer(own, nonced, 3 * median(rates), 3000, CROWD)]);
    const kept = crowded.answered.length / alone.answered.length;
    yield { name: `${name}, 1000 cached a second beside 3 x that: kept`, value: kept, unit: '', goal: '>= 0.9' };
    const { sent, answered, refused } = others;
    yield { name: `${name}, the others: asked`, value: sent / 3 / median(rates), unit: 'x', goal: '' };
    yield { name: `${name}, the others: told tryLater`, value: refused.length / sent, unit: '', goal: '' };
    yield { name: `${name}, tryLater comes in (median)`, value: median(refused), unit: 'ms', goal: '<= 50' };
    yield { name: `${name}, tryLater comes in (p99)`, value: quantile(refused, 0.99), unit: 'ms', goal: '' };
    yield { name: `${name}, the others wait for an answer (median)`, value: median(answered), unit: 'ms', goal: '' };
  } finally {
    servers.close();
  }
}

/**
 * Seconds in which a server answers once, and those of its CPU time, where that is known. One request is under way on each connection: of
 * several, a server that is slower than its clients would have to read each by itself, and one that is faster all at once.
 */
async function spent({ port, cpu }, wires, count) {
  const begin = performance.now();
  const before = cpu?.();
  await load(port, wires, count, 1);
  const seconds = (performance.now() - begin) / 1000 / count;
  return { seconds, cpu: cpu === undefined ? seconds : (cpu() - before) / 1e6 / count };
}

/** Seconds of CPU time of a signature of as many bytes as a response has. */
function bareSignature({ privateKeyPem }) {
  const key = createPrivateKey(privateKeyPem);
  const data = Buffer.alloc(200, 1);
  const before = process.cpuUsage();
  for (let i = 0; i < 500; i += 1) sign('sha256', data, key);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6 / 500;
}

/** From `update` to an answer that says so. */
async function updates(count) {
  const ca = createTestCa({ subject: 'CN=Benchmark CA' });
  const requests = requestsFor(ca);
  const responder = responderOf(ca);
  const times = [];
  for (const [i, request] of requests.slice(0, count).entries()) {
    await responder.answer(request);
    const begin = performance.now();
    await responder.update([
      { serialNumber: SERIALS[i], status: OCSPCertStatus.REVOKED, revocationTime: new Date(), reason: 'keyCompromise' },
    ]);
    const { der } = await responder.answer(request);
    times.push(performance.now() - begin);
    if (loadDerOcspResponse(der).certificateStatus !== OCSPCertStatus.REVOKED) throw new Error('not revoked');
  }
  await responder.close();
  return { name: 'from a revocation to its answer', value: median(times), unit: 'ms', goal: '<= 10' };
}

async function manyIssuers(count) {
  const issuers = Array.from({ length: count }, (_, i) => {
    const { certificatePem, privateKeyPem } = createTestCa({ subject: `CN=CA ${i}` });
    return {
      certificate: certificatePem,
      authority: listAuthority([]),
      // Keys are loaded at first use, as `serve` does.
      signers: [{ responder: certificatePem, privateKey: () => privateKeyPem }],
    };
  });
  const before = process.cpuUsage();
  const responder = new Responder({ issuers });
  await responder.ready();
  const { user, system } = process.cpuUsage(before);
  const value = (user + system) / 1e6;
  if (!responder.health().ready) throw new Error('not ready');
  await responder.close();
  return { name: `${count} issuers are ready, CPU time`, value, unit: 's', goal: '<= 5' };
}

/** So many answers of a store: what they take of the memory, and how long they take at half of what a server can do. */
async function* storedAnswers(count) {
  const ca = createTestCa({ subject: 'CN=Benchmark CA' });
  const { certificate, privateKey, certificatePem, privateKeyPem } = ca;
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-bench-'));
  try {
    const store = await SegmentStore.open(folder);
    const entries = function* () {
      for (let i = 0; i < count; i += 1) yield { serialNumber: FIRST + BigInt(i), status: OCSPCertStatus.GOOD };
    };
    const options = { issuer: certificate, responder: certificate, privateKey, certIdAlgorithm: 'sha1' };
    const source = iterableSource(entries());
    await bulkSign({ source, signer: new ResponseSigner(options), store, id: 'bench' });
    store.close();
    const child = fork(fileURLToPath(new URL('../responder/memory.mjs', import.meta.url)));
    child.send({ certificate: certificatePem, key: privateKeyPem, folder, first: String(FIRST), count });
    const [{ empty, most }] = await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) => Promise.reject(new Error(`the responder ended with ${code}`))),
    ]);
    yield {
      name: `memory of ${count} answers of a store`,
      value: (most - empty) / 2 ** 20,
      unit: 'MiB',
      goal: '<= 150',
    };
    for (const different of [count / 100, count / 10]) yield await halfLoad(ca, folder, count, different);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The slowest of a hundred answers, beside those of a fixed one, at half of what that server can do. */
async function halfLoad(ca, folder, count, different) {
  const servers = new Servers();
  try {
    const material = materialOf(ca);
    const ports = [
      (await servers.own({ ...material, kind: 'fixed' })).port,
      (await servers.own({ ...material, kind: 'responder', folder })).port,
    ];
    // Anywhere in the store, again and again: what fits into memory is there after the first time.
    const serials = Array.from({ length: different }, () => FIRST + BigInt(Math.floor(Math.random() * count)));
    const gets = requestsFor(ca, undefined, serials).map(get);
    for (const port of ports) await load(port, gets, Math.max(WARM_UP, 2 * different));
    const begin = performance.now();
    await load(ports[0], gets, WARM_UP);
    const half = (WARM_UP / (performance.now() - begin)) * 500;
    const ratios = [];
    for (let round = 0; round < 5; round += 1) {
      const times = [];
      for (const port of ports) times.push(quantile((await offer(port, gets, half, 3000)).answered, 0.99));
      ratios.push(times[1] / times[0]);
    }
    return {
      name: `p99 of ${different} of ${count} answers of a store at half load, of a fixed one`,
      value: median(ratios),
      unit: '',
      goal: '<= 1.3',
    };
  } finally {
    servers.close();
  }
}

/** What a process takes more after so many answers than after a tenth of them. */
async function growth(count) {
  const ca = createTestCa({ subject: 'CN=Benchmark CA' });
  const requests = requestsFor(ca);
  const responder = responderOf(ca);
  let begin = 0;
  for (let i = 0; i < count; i += 1) {
    const answer = responder.answer(requests[i % COUNT]);
    if (answer instanceof Promise) await answer;
    if (i === Math.floor(count / 10)) begin = process.memoryUsage.rss();
  }
  const value = (process.memoryUsage.rss() - begin) / 2 ** 20;
  await responder.close();
  return { name: `growth in ${count} answers`, value, unit: 'MiB', goal: '0' };
}
