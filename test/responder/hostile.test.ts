/** Clients that mean harm, in numbers: nothing of what they send is kept, and whoever asks next is answered. */
import { once } from 'node:events';
import { connect } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { type ResponderServer, serve } from 'openssl-ocsp/responder';
import { ask, makeResponder, statusIn } from './fixtures.js';

const request = ask(['1001']);

async function start(t: ExecutionContext): Promise<ResponderServer> {
  const server = await serve(makeResponder(t), { port: 0, host: '127.0.0.1' }, { shutdownTimeout: 0 });
  t.teardown(() => server.close());
  return server;
}

async function isAnswered(t: ExecutionContext, { url }: ResponderServer): Promise<void> {
  const response = await fetch(url, { method: 'POST', body: request });
  t.is(statusIn(Buffer.from(await response.arrayBuffer()), request), 'good');
}

const port = ({ url }: ResponderServer): number => Number(new URL(url).port);

const GIB = 2 ** 30;
const PIECE = 2 ** 16;
for (const [name, headers, wrap] of [
  ['as announced', `Content-Length: ${GIB}`, (piece: Buffer) => piece],
  [
    'in pieces',
    'Transfer-Encoding: chunked',
    (piece: Buffer) => Buffer.concat([Buffer.from(`${PIECE.toString(16)}\r\n`), piece, Buffer.from('\r\n')]),
  ],
] as const)
  test(`a gigabyte of body, ${name}: 413, and the connection ends long before`, async (t) => {
    const server = await start(t);
    const socket = connect(port(server), '127.0.0.1');
    socket.on('error', () => undefined); // a reset
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
    let heard = '';
    socket.on('data', (chunk: Buffer) => {
      heard += chunk;
    });
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n`);
    const piece = wrap(Buffer.alloc(PIECE, 0x30));
    let sent = 0;
    for (; sent < GIB && !socket.destroyed && socket.writable; sent += PIECE)
      if (!socket.write(piece)) await Promise.race([once(socket, 'drain').catch(() => undefined), closed]);
    socket.end();
    await closed;
    t.true(sent < 2 ** 26, `${sent} bytes`);
    t.regex(heard, /^(HTTP\/1\.1 413 |$)/);
    await isAnswered(t, server);
  });

/** One request on the wire; `wrong` says what is wrong about its lengths. */
function wrongLength(i: number): Buffer {
  const [at, change] = [[1, 3, 5, 7][i % 4] as number, 1 + (i % 251)];
  const der = Buffer.from(request);
  der[at] = ((der[at] as number) + change) & 0xff;
  return Buffer.concat([Buffer.from(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${der.length}\r\n\r\n`), der]);
}

test('a hundred thousand requests with wrong lengths inside: each is refused, on connections that last', async (t) => {
  const server = await start(t);
  const [lanes, each, batch] = [4, 25_000, 250];
  const lane = async (number: number): Promise<number> => {
    const socket = connect(port(server), '127.0.0.1');
    let refused = 0;
    let rest = '';
    const wires = Array.from({ length: batch }, (_, i) => wrongLength(i * lanes + number));
    socket.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString('latin1')).split('\x30\x03\x0a\x01\x01');
      rest = (parts.pop() as string).slice(-1024);
      refused += parts.length;
    });
    for (let sent = 0; sent < each; sent += batch) {
      socket.write(Buffer.concat(wires));
      while (refused < sent + batch) await once(socket, 'data');
    }
    socket.destroy();
    return refused;
  };
  const refused = await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
  t.deepEqual(refused, Array<number>(lanes).fill(each));
  await isAnswered(t, server);
});

test('a thousand requests whose Content-Length is wrong harm no one', async (t) => {
  const server = await start(t);
  const once_ = (announced: number): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(port(server), '127.0.0.1', () => {
        socket.end(
          Buffer.concat([Buffer.from(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${announced}\r\n\r\n`), request]),
        );
      });
      let heard = '';
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        heard += chunk.toString('latin1');
      });
      socket.on('close', () => resolve(heard));
    });
  for (let i = 1; i <= 1000; i += 1) {
    const shorter = i % request.length;
    const announced = i % 2 === 0 ? shorter : request.length + i;
    const heard = await once_(announced);
    // Too short: what is there is no request. Too long: the client has gone before the end.
    if (i % 2 === 1) t.notRegex(heard, /^HTTP\/1\.1 200/);
    else t.false(heard.includes('application/ocsp-response') && !heard.includes('\x30\x03\x0a\x01\x01'));
  }
  await isAnswered(t, server);
});
