/** Clients that take their time, against a server with the limits that `serve` sets: each is cut off, and costs others nothing. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { type ResponderServer, serve } from 'openssl-ocsp/responder';
import { createTestCa } from 'openssl-ocsp/testing';
import { ask, makeResponder, statusIn } from './fixtures.js';

const request = ask(['1001']);
const target = `/${encodeURIComponent(request.toString('base64'))}`;
const GET = `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`;
const HEAD = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${request.length}\r\n\r\n`;

/** What a client does with its socket, until the server ends it. */
type Client = (socket: Socket, ended: AbortSignal) => unknown;

async function drip(socket: Socket, ended: AbortSignal, bytes: Iterable<string | Buffer>): Promise<void> {
  for (const byte of bytes) {
    if (ended.aborted) return;
    socket.write(byte);
    await sleep(500, undefined, { signal: ended }).catch(() => undefined);
  }
}

const each = (bytes: Buffer): Buffer[] => Array.from(bytes, (byte) => Buffer.of(byte));

const CLIENTS: readonly [name: string, client: Client][] = [
  ['says nothing', () => undefined],
  ['stops within the request line', (socket) => socket.write(GET.slice(0, 40))],
  ['writes the request line byte by byte', (socket, ended) => drip(socket, ended, GET)],
  [
    'writes headers without end',
    async (socket, ended) => {
      socket.write('POST / HTTP/1.1\r\nHost: x\r\n');
      await drip(socket, ended, Array<string>(10_000).fill('X-Slow: 1\r\n'));
    },
  ],
  ['sends no body', (socket) => socket.write(HEAD)],
  [
    'sends the body byte by byte',
    async (socket, ended) => {
      socket.write(HEAD);
      await drip(socket, ended, each(request));
    },
  ],
  [
    'sends chunks of one byte',
    async (socket, ended) => {
      socket.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
      await drip(
        socket,
        ended,
        each(request).map((byte) => Buffer.concat([Buffer.from('1\r\n'), byte, Buffer.from('\r\n')])),
      );
    },
  ],
  ['asks once, and keeps the connection', (socket) => socket.write(GET)],
  ['asks without end, and reads no answer', (socket) => void socket.pause().write(GET.repeat(20_000))],
];

/** Resolves with the bytes that came when the server has ended the connection. */
async function play({ url }: ResponderServer, client: Client): Promise<Buffer> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const controller = new AbortController();
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const closed = new Promise<void>((resolve) => {
    socket.on('error', () => undefined); // a reset, as the server does not wait for such a client
    socket.on('end', () => resolve()).on('close', () => resolve());
  });
  const playing = client(socket, controller.signal);
  // One that does not read would never learn of the end: it reads again when the server must have given up.
  if (socket.isPaused())
    void sleep(34_000, undefined, { signal: controller.signal }).then(
      () => socket.resume(),
      () => undefined,
    );
  await closed;
  controller.abort();
  await playing;
  socket.destroy();
  return Buffer.concat(chunks);
}

test('clients that take their time are cut off, and others are answered', async (t) => {
  t.timeout(300_000);
  const responder = makeResponder(t);
  const server = await serve(responder, { port: 0, host: '127.0.0.1' });
  let left = CLIENTS.length;
  const slow = CLIENTS.map(async ([name, client]) => {
    const bytes = await play(server, client);
    left -= 1;
    const text = bytes.toString('latin1');
    if (name.startsWith('asks')) t.regex(text, /^HTTP\/1\.1 200 /, name);
    else t.regex(text, /^(HTTP\/1\.1 408 |$)/, name);
    if (name === 'asks without end, and reads no answer') t.true(text.split('HTTP/1.1 200').length < 20_000, name);
  });
  let asked = 0;
  while (left > 0) {
    const response = await fetch(server.url + target);
    await sleep(1000);
    if (response.status === 408) continue; // this machine itself stood still for so long
    t.is(response.status, 200);
    t.is(statusIn(Buffer.from(await response.arrayBuffer()), request), 'good');
    asked += 1;
  }
  await Promise.all(slow);
  t.true(asked > 5);
  await server.close();
});

test('over TLS, too, who says nothing is cut off, and holds up no end', async (t) => {
  const identity = createTestCa();
  const tls = { key: identity.privateKeyPem, cert: identity.certificatePem };
  const server = await serve(makeResponder(t), { port: 0, host: '127.0.0.1' }, { tls, shutdownTimeout: 0 });
  const bytes = await play(server, async () => undefined);
  t.is(bytes.length, 0);
  const silent = connect(Number(new URL(server.url).port), '127.0.0.1').on('error', () => undefined);
  t.teardown(() => silent.destroy());
  await new Promise((resolve) => silent.once('connect', resolve));
  await server.close();
  t.pass();
});
