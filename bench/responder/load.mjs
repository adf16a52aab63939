// Load for a server on the loopback interface, and the requests that it is made of.
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

/** Asks so often a second for so many milliseconds, whatever comes back. Resolves with the milliseconds that each answer took. */
export function offer(port, wires, perSecond, milliseconds) {
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const times = [];
    let sent = 0;
    const lanes = Array.from({ length: CONNECTIONS }, () => {
      const socket = createConnection(port, '127.0.0.1');
      const lane = { socket, waiting: [], counter: new Answers() };
      socket.on('data', (chunk) => {
        const now = performance.now();
        for (let left = lane.counter.take(chunk); left > 0; left -= 1) times.push(now - lane.waiting.shift());
      });
      socket.on('error', reject);
      return lane;
    });
    const timer = setInterval(() => {
      const now = performance.now();
      const elapsed = Math.min(now - begin, milliseconds);
      for (; sent < (perSecond * elapsed) / 1000; sent += 1) {
        const lane = lanes[sent % lanes.length];
        lane.waiting.push(now);
        lane.socket.write(wires[sent % wires.length]);
      }
      const isDone = now - begin > milliseconds && times.length >= sent;
      if (!isDone && now - begin < milliseconds + 10_000) return;
      clearInterval(timer);
      for (const { socket } of lanes) socket.destroy();
      resolve({ times, sent, seconds: (now - begin) / 1000 });
    }, 2);
  });
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
