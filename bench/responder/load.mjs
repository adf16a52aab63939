// Load for a server on the loopback interface, and the requests that it is made of.
import { once } from 'node:events';
import { createConnection } from 'node:net';

const CONNECTIONS = 16;
/** Requests under way on each connection: the load must cost less than what it measures. */
const PIPELINE = 4;

/** Bytes of a POST. */
export function post(der, headers = '') {
  const type = 'Content-Type: application/ocsp-request';
  const head = `POST / HTTP/1.1\r\nHost: x\r\n${headers}${type}\r\nContent-Length: ${der.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), der]);
}

/** Bytes of a GET. */
export function get(der) {
  return Buffer.from(`GET /${encodeURIComponent(der.toString('base64'))} HTTP/1.1\r\nHost: x\r\n\r\n`);
}

/** Asks `count` times; resolves when every answer has come. `pipeline` requests are under way on each connection. */
export function load(port, wires, count, pipeline = PIPELINE) {
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
        for (let k = 0; k < pipeline; k += 1) send();
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

/** The same with a connection for each request, which the server ends. */
export async function loadByConnections(port, wires, count) {
  let started = 0;
  const ask = () =>
    new Promise((resolve, reject) => {
      const counter = new Answers();
      let answered = 0;
      const socket = createConnection(port, '127.0.0.1', () => socket.write(wires[started % wires.length]));
      socket.on('data', (chunk) => {
        answered += counter.take(chunk);
      });
      socket.on('error', reject);
      socket.on('close', () => (answered === 1 ? resolve() : reject(new Error(`${answered} answers`))));
    });
  const lane = async () => {
    while (started < count) {
      started += 1;
      await ask();
    }
  };
  // One program listens with a queue of few places.
  await Promise.all(Array.from({ length: Math.min(4, count) }, lane));
}

/**
 * Asks so often a second for so many milliseconds, each time on a connection that waits for no answer, as clients do that know nothing of each
 * other; where none is free it waits for one. Resolves with how often it asked, and with the milliseconds that answers took, those apart that say
 * tryLater; they count from when a request was sent.
 */
export async function offer(port, wires, perSecond, milliseconds, connections = 64) {
  const answered = [];
  const refused = [];
  const free = [];
  let sent = 0;
  const lanes = await Promise.all(Array.from({ length: connections }, () => connected(port)));
  const failures = lanes.map(
    (socket) =>
      new Promise((_resolve, reject) => {
        const counter = new Answers();
        socket.on('error', reject);
        socket.on('data', (chunk) => {
          if (counter.take(chunk) === 0) return;
          (chunk.includes('Retry-After') ? refused : answered).push(performance.now() - socket.askedAt);
          free.push(socket);
        });
        free.push(socket);
      }),
  );
  const begin = performance.now();
  let timer;
  const done = new Promise((resolve) => {
    timer = setInterval(() => {
      const elapsed = performance.now() - begin;
      for (; sent < (perSecond * Math.min(elapsed, milliseconds)) / 1000 && free.length > 0; sent += 1) {
        const socket = free.shift();
        socket.askedAt = performance.now();
        socket.write(wires[sent % wires.length]);
      }
      const isDone = elapsed > milliseconds && free.length === connections;
      if (!isDone && elapsed < milliseconds + 10_000) return;
      resolve();
    }, 1);
  });
  try {
    await Promise.race([done, ...failures]);
  } finally {
    clearInterval(timer);
    for (const socket of lanes) socket.destroy();
  }
  return { sent, answered, refused };
}

async function connected(port) {
  const socket = createConnection(port, '127.0.0.1');
  socket.setNoDelay(true);
  await once(socket, 'connect');
  return socket;
}

/** Counts the answers in a stream. Headers and bodies are told apart by their lengths only. */
class Answers {
  #rest = Buffer.alloc(0);

  take(chunk) {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let count = 0;
    for (;;) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) break;
      const head = bytes.latin1Slice(0, end);
      const isAnswer = /^HTTP\/1\.[01] 200/.test(head);
      const at = head.search(/content-length: /i);
      const whole = end + 4 + Number.parseInt(head.slice(at + 16), 10);
      if (!isAnswer || bytes.length < whole) {
        if (isAnswer) break;
        throw new Error(`not answered: ${head}`);
      }
      bytes = bytes.subarray(whole);
      count += 1;
    }
    this.#rest = bytes;
    return count;
  }
}
