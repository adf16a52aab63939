/** OCSP over HTTP, asked by a client that writes every byte itself. */
import { sign } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { loadDerOcspResponse, OCSPResponseStatus } from 'openssl-ocsp';
import { type Responder, type ResponderOptions, serve } from 'openssl-ocsp/responder';
import { ask, ca, delegate, listen, makeResponder, statusIn } from './fixtures.js';

interface HttpReply {
  readonly status: number;
  readonly headers: Map<string, string>;
  readonly body: Buffer;
}

/** Sends bytes, and gives what came back until the server closed. */
function exchange(port: number, ...parts: readonly (string | Buffer)[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.on('close', () => resolve(Buffer.concat(chunks)));
    for (const part of parts) socket.write(part);
  });
}

/** The replies in what a server sent. */
function replies(bytes: Buffer, heads = 0): HttpReply[] {
  const list: HttpReply[] = [];
  let rest = bytes;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return list;
    const [first = '', ...lines] = rest.toString('latin1', 0, end).split('\r\n');
    const headers = new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
    );
    const status = Number(first.split(' ')[1]);
    const length = list.length < heads || status === 304 ? 0 : Number(headers.get('content-length') ?? 0);
    list.push({ status, headers, body: rest.subarray(end + 4, end + 4 + length) });
    rest = rest.subarray(end + 4 + length);
  }
}

const request = ask(['1001']);
const path = `/${encodeURIComponent(request.toString('base64'))}`;
/** Base64 of a request of 11,000 bytes. */
const LONG = Buffer.concat([Buffer.from('30822af4', 'hex'), Buffer.alloc(0x2af4)]).toString('base64');
const CLOSE = 'Host: x\r\nConnection: close\r\n';
const post = (body: Buffer | string, headers = ''): Buffer =>
  Buffer.concat([
    Buffer.from(`POST / HTTP/1.1\r\n${CLOSE}Content-Length: ${body.length}\r\n${headers}\r\n`),
    Buffer.from(body),
  ]);

async function start(
  t: ExecutionContext,
  options: Partial<ResponderOptions> = {},
): Promise<{ port: number; responder: Responder }> {
  const responder = makeResponder(t, {}, options);
  return { ...(await listen(t, responder)), responder };
}

test('GET, HEAD and POST say the same', async (t) => {
  const { port } = await start(t);
  const get = replies(await exchange(port, `GET ${path} HTTP/1.1\r\n${CLOSE}\r\n`))[0] as HttpReply;
  t.is(get.status, 200);
  t.is(statusIn(get.body, request), 'good');
  t.is(get.headers.get('content-type'), 'application/ocsp-response');
  t.regex(get.headers.get('cache-control') ?? '', /^max-age=\d+, public, no-transform, must-revalidate$/);
  t.truthy(get.headers.get('date'));
  const head = await exchange(port, `HEAD ${path} HTTP/1.1\r\n${CLOSE}\r\n`);
  const [headReply] = replies(head, 1) as [HttpReply];
  t.true(head.toString('latin1').endsWith('\r\n\r\n'));
  for (const name of ['etag', 'content-length', 'expires', 'last-modified', 'content-type'])
    t.is(headReply.headers.get(name), get.headers.get(name), name);
  const [posted] = replies(await exchange(port, post(request))) as [HttpReply];
  t.is(posted.status, 200);
  t.deepEqual(posted.body, get.body);
  t.is(posted.headers.get('cache-control'), undefined);
  t.is(posted.headers.get('etag'), get.headers.get('etag'));
});

const REPLIES: readonly [name: string, bytes: string | Buffer, status: number, ocsp?: OCSPResponseStatus][] = [
  ['GET / for balancers', `GET / HTTP/1.1\r\n${CLOSE}\r\n`, 200],
  ['absolute form', `GET http://ocsp.example${path} HTTP/1.1\r\n${CLOSE}\r\n`, 200, OCSPResponseStatus.SUCCESSFUL],
  ['two slashes', `GET /${path} HTTP/1.1\r\n${CLOSE}\r\n`, 200, OCSPResponseStatus.SUCCESSFUL],
  ['HTTP/1.0', `GET ${path} HTTP/1.0\r\n\r\n`, 200, OCSPResponseStatus.SUCCESSFUL],
  ['junk', `GET /favicon.ico HTTP/1.1\r\n${CLOSE}\r\n`, 200, OCSPResponseStatus.MALFORMED_REQUEST],
  ['DELETE', `DELETE / HTTP/1.1\r\n${CLOSE}\r\n`, 405],
  ['OPTIONS', `OPTIONS * HTTP/1.1\r\n${CLOSE}\r\n`, 405],
  ['too long a path', `GET /${LONG} HTTP/1.1\r\n${CLOSE}\r\n`, 414],
  ['too long a head', `GET /${'M'.repeat(20_000)} HTTP/1.1\r\n${CLOSE}\r\n`, 431],
  ['any content type', post(request, 'Content-Type: text/html\r\n'), 200, OCSPResponseStatus.SUCCESSFUL],
  ['an empty body', post(''), 200, OCSPResponseStatus.MALFORMED_REQUEST],
  ['junk in the body', post('<html>'), 200, OCSPResponseStatus.MALFORMED_REQUEST],
  ['more behind the request', post(Buffer.concat([request, request])), 200],
  ['a gigabyte announced', `POST / HTTP/1.1\r\n${CLOSE}Content-Length: 1073741824\r\n\r\n`, 413],
  [
    'too many bytes in pieces',
    `POST / HTTP/1.1\r\n${CLOSE}Transfer-Encoding: chunked\r\n\r\n4000\r\n${'0'.repeat(0x4000)}\r\n0\r\n\r\n`,
    413,
  ],
  [
    'pieces',
    Buffer.concat([
      Buffer.from(`POST / HTTP/1.1\r\n${CLOSE}Transfer-Encoding: chunked\r\n\r\n3\r\n`),
      request.subarray(0, 3),
      Buffer.from(`\r\n${(request.length - 3).toString(16)}\r\n`),
      request.subarray(3),
      Buffer.from('\r\n0\r\n\r\n'),
    ]),
    200,
    OCSPResponseStatus.SUCCESSFUL,
  ],
  ['no HTTP', 'hello\r\n\r\n', 400],
  ['two lengths', `POST / HTTP/1.1\r\n${CLOSE}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`, 400],
  ['a negative length', `POST / HTTP/1.1\r\n${CLOSE}Content-Length: -5\r\n\r\n`, 400],
  ['TLS', Buffer.from('16030100c8010000c40303', 'hex'), 400],
];

for (const [name, bytes, status, ocsp] of REPLIES)
  test(`over HTTP: ${name}`, async (t) => {
    const { port } = await start(t);
    const [reply] = replies(await exchange(port, bytes)) as [HttpReply];
    t.is(reply.status, status);
    if (status === 405) t.is(reply.headers.get('allow'), 'GET, HEAD, POST');
    if (ocsp !== undefined) {
      t.is(loadDerOcspResponse(reply.body).responseStatus, ocsp);
      if (ocsp !== OCSPResponseStatus.SUCCESSFUL) t.is(reply.headers.get('cache-control'), 'max-age=0, no-cache');
    }
    // And the next client is served.
    const [next] = replies(await exchange(port, `GET ${path} HTTP/1.1\r\n${CLOSE}\r\n`)) as [HttpReply];
    t.is(statusIn(next.body, request), 'good');
  });

test('304 for an entity tag, however it is listed, and for nothing else', async (t) => {
  const { port } = await start(t);
  const get = async (header: string): Promise<HttpReply> =>
    replies(await exchange(port, `GET ${path} HTTP/1.1\r\n${header}${CLOSE}\r\n`))[0] as HttpReply;
  const { headers } = await get('');
  const etag = headers.get('etag') as string;
  const cases: [string, number][] = [
    [`If-None-Match: ${etag}\r\n`, 304],
    [`If-None-Match: W/${etag}\r\n`, 304],
    [`If-None-Match: "x", W/"y", ${etag}\r\n`, 304],
    ['If-None-Match: *\r\n', 304],
    ['If-None-Match: "x"\r\n', 200],
    [`If-None-Match: ${etag.slice(1, -1)}\r\n`, 200],
    [`If-Modified-Since: ${new Date(Date.now() + 1000).toUTCString()}\r\n`, 200],
  ];
  for (const [header, status] of cases) {
    const reply = await get(header);
    t.is(reply.status, status, header);
    if (status === 304) {
      t.is(reply.body.length, 0);
      t.is(reply.headers.get('etag'), etag);
      t.truthy(reply.headers.get('expires'));
      t.regex(reply.headers.get('cache-control') ?? '', /^max-age=/);
    }
  }
});

test('keep-alive and pipelining: answers in the order of the requests', async (t) => {
  const { port, responder } = await start(t);
  const serials = ['1001', '1002', '4711', '1001'];
  const requests = serials.map((serial) => ask([serial]));
  const wire = requests.map((der, i) =>
    i % 2 === 0
      ? Buffer.from(`GET /${encodeURIComponent(der.toString('base64'))} HTTP/1.1\r\nHost: x\r\n\r\n`)
      : Buffer.concat([Buffer.from(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${der.length}\r\n\r\n`), der]),
  );
  const bytes = await exchange(port, Buffer.concat([...wire, Buffer.from(`GET / HTTP/1.1\r\n${CLOSE}\r\n`)]));
  const list = replies(bytes);
  t.deepEqual(
    list.slice(0, 4).map(({ body }, i) => statusIn(body, requests[i] as Buffer)),
    ['good', 'revoked', 'UNAUTHORIZED', 'good'],
  );
  t.is(list.length, 5);
  t.is(responder.health().answers.total, 4);
});

test('one byte at a time', async (t) => {
  const { port } = await start(t);
  const wire = post(request);
  const answer = new Promise<Buffer>((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', async () => {
      socket.setNoDelay(true);
      for (const byte of wire) {
        socket.write(Buffer.from([byte]));
        await new Promise((next) => setImmediate(next));
      }
    });
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('close', () => resolve(Buffer.concat(chunks)));
  });
  t.is(statusIn((replies(await answer)[0] as HttpReply).body, request), 'good');
});

test('a client that says no more, but listens still, is answered; one that is gone harms no one', async (t) => {
  const { port } = await start(t);
  const half = new Promise<Buffer>((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => socket.end(post(request)));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => resolve(Buffer.concat(chunks)));
  });
  t.is(statusIn((replies(await half)[0] as HttpReply).body, request), 'good');
  for (let i = 0; i < 50; i += 1) {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(i % 2 === 0 ? post(request) : post(request).subarray(0, 60));
      socket.resetAndDestroy();
    });
    await new Promise((resolve) => socket.on('close', resolve).on('error', () => undefined));
  }
  const [reply] = replies(await exchange(port, post(request))) as [HttpReply];
  t.is(statusIn(reply.body, request), 'good');
});

for (const over of ['TCP', 'TLS'])
  test(`over ${over}, a client that says no more waits for its answers, however late they are`, async (t) => {
    const signed: (() => void)[] = [];
    const key = delegate.privateKey;
    const signer = {
      sign: async (data: Buffer, algorithm: string | null) => {
        await new Promise<void>((resolve) => void signed.push(resolve));
        return sign(algorithm, data, key);
      },
    };
    const issuer = { signers: [{ responder: delegate.certificate, privateKey: signer, algorithm: 'sha256' as const }] };
    const responder = makeResponder(t, issuer);
    const server = ca.issue({ dnsNames: ['localhost'] });
    const tls = { key: server.privateKeyPem, cert: server.certificatePem };
    await using served = await serve(
      responder,
      { port: 0, host: '127.0.0.1' },
      { ...(over === 'TLS' && { tls }), shutdownTimeout: 0 },
    );
    const port = Number(new URL(served.url).port);
    const where = { port, host: '127.0.0.1', allowHalfOpen: true };
    const socket = over === 'TLS' ? connectTls({ ...where, rejectUnauthorized: false }) : connect(where);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    const end = once(socket, 'end');
    const questions = ['1001', '1002'].map((serial) => ask([serial]));
    const wire = questions.map((der) => post(der).toString('latin1').replace('close', 'keep-alive'));
    socket.end(wire.join(''), 'latin1');
    while (signed.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    // The end of what it says has come, too.
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (const resolve of signed) resolve();
    await end;
    const bodies = replies(Buffer.concat(chunks)).map(({ body }, i) => statusIn(body, questions[i] as Buffer));
    t.deepEqual(bodies, ['good', 'revoked']);
  });

test('strict content type, mapped errors, POST that may be kept', async (t) => {
  const { port } = await start(t, { strictContentType: true, errorStatus: 'mapped', cachePost: true });
  const once = async (bytes: Buffer | string): Promise<HttpReply> =>
    replies(await exchange(port, bytes))[0] as HttpReply;
  t.is((await once(post(request))).status, 415);
  const typed = await once(post(request, 'Content-Type: application/ocsp-request; x=y\r\n'));
  t.is(typed.status, 200);
  t.regex(typed.headers.get('cache-control') ?? '', /^max-age=\d+/);
  t.is((await once(`GET /x HTTP/1.1\r\n${CLOSE}\r\n`)).status, 400);
  const other = ask(['4711']);
  t.is((await once(`GET /${encodeURIComponent(other.toString('base64'))} HTTP/1.1\r\n${CLOSE}\r\n`)).status, 403);
});

test('merged slashes are counted', async (t) => {
  const { port, responder } = await start(t);
  let merged = '';
  for (let i = 0; merged === ''; i += 1) {
    const text = ask([BigInt(i)], { hash: 'sha512' }).toString('base64');
    if (text.includes('//')) merged = text.replaceAll('//', '/');
    if (i > 20_000) throw new Error('no request with two slashes');
  }
  const [reply] = replies(await exchange(port, `GET /${merged} HTTP/1.1\r\n${CLOSE}\r\n`)) as [HttpReply];
  t.is(loadDerOcspResponse(reply.body).responseStatus, OCSPResponseStatus.MALFORMED_REQUEST);
  t.is(responder.health().answers.pathMerged, 1);
});

test('fetch: Request in, Response out', async (t) => {
  const responder = makeResponder(t);
  const get = await responder.fetch(new Request(`http://ocsp.example${path}`));
  t.is(get.status, 200);
  t.is(statusIn(Buffer.from(await get.arrayBuffer()), request), 'good');
  const again = await responder.fetch(
    new Request(`http://ocsp.example${path}`, { headers: { 'If-None-Match': get.headers.get('etag') ?? '' } }),
  );
  t.is(again.status, 304);
  const posted = await responder.fetch(new Request('http://ocsp.example/', { method: 'POST', body: request }));
  t.is(statusIn(Buffer.from(await posted.arrayBuffer()), request), 'good');
  const long = await responder.fetch(
    new Request('http://ocsp.example/', { method: 'POST', body: Buffer.alloc(20_000) }),
  );
  t.is(long.status, 413);
  for (const [body, length, status] of [
    [request, request.length, 200],
    [Buffer.alloc(20_000), 20_000, 413],
    [Buffer.alloc(20_000), 100, 413],
    [request, 'x', 200],
  ] as const) {
    const headers = { 'Content-Length': String(length) };
    const declared = new Request('http://ocsp.example/', { method: 'POST', body, headers });
    t.is(declared.headers.get('content-length'), String(length));
    t.is((await responder.fetch(declared)).status, status);
  }
  t.is((await responder.fetch(new Request('http://ocsp.example/', { method: 'PUT', body: 'x' }))).status, 405);
  const head = await responder.fetch(new Request(`http://ocsp.example${path}`, { method: 'HEAD' }));
  t.is((await head.arrayBuffer()).byteLength, 0);
});

test('fetch: a strict content type', async (t) => {
  const responder = makeResponder(t, {}, { strictContentType: true });
  const statusOf = async (headers: Record<string, string>): Promise<number> =>
    (await responder.fetch(new Request('http://ocsp.example/', { method: 'POST', body: request, headers }))).status;
  t.is(await statusOf({}), 415);
  t.is(await statusOf({ 'Content-Type': 'text/html' }), 415);
  t.is(await statusOf({ 'Content-Type': 'Application/OCSP-Request; x=y' }), 200);
});
