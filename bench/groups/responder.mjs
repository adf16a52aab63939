// Answers at hand, in this process and over HTTP: the server in a process of its own, this one as load.
import { fork } from 'node:child_process';
import { createConnection } from 'node:net';
import { fileURLToPath } from 'node:url';
import { loadDerOcspRequest, loadDerOcspResponse, OCSPCertStatus, OCSPNonce, OCSPRequestBuilder } from 'openssl-ocsp';
import { listAuthority, Responder } from 'openssl-ocsp/responder';
import { createTestCa } from 'openssl-ocsp/testing';
import { contender } from '../measure.mjs';

export const heading = 'Answering requests';
/** Long enough for sockets and timers not to count. */
export const effort = { rounds: 7, milliseconds: 500 };

const COUNT = 1000;
const FIRST = 0x1000_0000_0000_0000n;
const CONNECTIONS = 16;
/** Requests under way on each connection: the load must cost less than what it measures. */
const PIPELINE = 4;

export async function* tables() {
  const ca = createTestCa({ subject: 'C=XX,O=Benchmark,CN=Benchmark CA' });
  const serials = Array.from({ length: COUNT }, (_, i) => FIRST + BigInt(i));
  const requests = requestsFor(ca, serials);
  yield* inProcess(ca, serials, requests);
  yield* overHttp(ca, serials, requests);
}

/** DER of a request for each certificate. */
function requestsFor(ca, serials) {
  const own = ca.issue({ serialNumber: 1n });
  const { issuerNameHash, issuerKeyHash } = new OCSPRequestBuilder()
    .addCertificate(own.certificate, ca.certificate, 'sha1')
    .build();
  return serials.map((serial) =>
    new OCSPRequestBuilder().addCertificateByHash(issuerNameHash, issuerKeyHash, serial, 'sha1').build().publicBytes(),
  );
}

async function* inProcess(ca, serials, requests) {
  const responder = new Responder({ issuers: [issuerOf(ca.certificate, ca.privateKey, serials)] });
  const answers = new Map();
  for (const [i, der] of requests.entries())
    answers.set(serials[i].toString(16).toUpperCase(), await responder.answer(der));
  let at = 0;
  const next = () => {
    at = (at + 1) % COUNT;
    return requests[at];
  };
  const check = (answer) => {
    if (loadDerOcspResponse(answer.der).certificateStatus !== OCSPCertStatus.GOOD) throw new Error('not good');
  };
  yield {
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
  await responder.close();
}

async function* overHttp(ca, serials, requests) {
  const material = {
    certificate: ca.certificatePem,
    key: ca.privateKeyPem,
    serials: serials.map((serial) => serial.toString(16)),
  };
  const nonce = new OCSPNonce(Buffer.alloc(32, 7));
  const nonced = requests.map((der) => {
    const { issuerNameHash, issuerKeyHash, serialNumber } = loadDerOcspRequest(der);
    return new OCSPRequestBuilder()
      .addCertificateByHash(issuerNameHash, issuerKeyHash, serialNumber, 'sha1')
      .addExtension(nonce, false)
      .build()
      .publicBytes();
  });
  const [fixed, own] = [await startServer({ ...material, fixed: true }), await startServer({ ...material })];
  try {
    const gets = requests.map((der) =>
      Buffer.from(`GET /${encodeURIComponent(der.toString('base64'))} HTTP/1.1\r\nHost: x\r\n\r\n`),
    );
    const posts = requests.map(post);
    for (const [title, wires] of [
      ['GET, keep-alive', gets],
      ['POST, keep-alive', posts],
      ['POST with a nonce, P-256', nonced.map(post)],
    ]) {
      yield {
        title,
        contenders: [
          { name: 'node:http, fixed answer of the same size', kind: 'limit', run: (n) => load(fixed.port, wires, n) },
          { name: 'Responder.listener', kind: 'own', run: (n) => load(own.port, wires, n) },
        ],
      };
    }
  } finally {
    fixed.child.kill();
    own.child.kill();
  }
}

function post(der) {
  return Buffer.concat([
    Buffer.from(
      `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/ocsp-request\r\nContent-Length: ${der.length}\r\n\r\n`,
    ),
    der,
  ]);
}

/** The options of an issuer whose certificates are all good. */
export function issuerOf(certificate, privateKey, serials) {
  return {
    certificate,
    authority: listAuthority(serials.map((serialNumber) => ({ serialNumber, status: OCSPCertStatus.GOOD }))),
    signers: [{ responder: certificate, privateKey }],
  };
}

function startServer(message) {
  const child = fork(fileURLToPath(new URL('../responder-server.mjs', import.meta.url)));
  child.send(message);
  return new Promise((resolve, reject) => {
    child.once('message', (port) => resolve({ child, port }));
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
}

/** Asks `count` times; resolves when every answer has come. Headers and bodies are told apart by their lengths only. */
function load(port, wires, count) {
  let started = 0;
  let done = 0;
  return new Promise((resolve, reject) => {
    const sockets = [];
    const finish = () => {
      for (const socket of sockets) socket.destroy();
      resolve();
    };
    for (let i = 0; i < Math.min(CONNECTIONS, count); i += 1) {
      const socket = createConnection(port, '127.0.0.1');
      sockets.push(socket);
      const send = () => {
        if (started >= count) return;
        socket.write(wires[started % wires.length]);
        started += 1;
      };
      const counter = new Answers();
      socket.on('connect', () => {
        for (let k = 0; k < PIPELINE; k += 1) send();
      });
      socket.on('data', (chunk) => {
        const answered = counter.take(chunk);
        done += answered;
        for (let k = 0; k < answered; k += 1) send();
        if (done >= count) finish();
      });
      socket.on('error', reject);
    }
  });
}

/** Counts the answers in a stream. */
class Answers {
  #rest = Buffer.alloc(0);

  take(chunk) {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let count = 0;
    for (;;) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) break;
      const head = bytes.latin1Slice(0, end);
      const at = head.indexOf('ontent-Length: ');
      const whole = end + 4 + Number.parseInt(head.slice(at + 15), 10);
      if (!head.startsWith('HTTP/1.1 200') || bytes.length < whole) {
        if (head.startsWith('HTTP/1.1 200')) break;
        throw new Error(`not answered: ${head}`);
      }
      bytes = bytes.subarray(whole);
      count += 1;
    }
    this.#rest = bytes;
    return count;
  }
}
