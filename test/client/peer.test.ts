// Connections that are held back until the certificate at the other end is known to be allowed.

import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2, createSecureServer } from 'node:http2';
import { Agent, createServer as createHttpsServer, request as httpsRequest } from 'node:https';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net';
import { type ConnectionOptions, connect, createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import test from 'ava';
import { OCSPClient, type OCSPClientOptions, PeerNotAllowedError, Stapler } from 'openssl-ocsp/client';
import { createTestCa, type TestIdentity, TestResponder } from 'openssl-ocsp/testing';
import { issuerOf } from '#dist/client/tls/peer.js';
import { Shifted } from '../helpers/shifted-clock.js';

const ca = createTestCa();
const PATIENT = { timeout: 100_000, hedgeAfter: 50_000 };
const trust = ca.certificate.toString();
const tlsOf = (identity: TestIdentity): TlsOptions => ({
  cert: `${identity.certificate.toString()}${trust}`,
  key: identity.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
});
const leafOf = (more: object = {}) => ca.issue({ dnsNames: ['localhost'], ...more });
const clientOf = ({ url }: TestResponder, options: OCSPClientOptions = {}) =>
  new OCSPClient({ responders: [url], ...PATIENT, ...options });

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A server that keeps what clients send. */
async function recorder(options: TlsOptions) {
  const received: Buffer[] = [];
  const server = createServer(options, (socket) => {
    socket.on('error', () => undefined).on('data', (data: Buffer) => received.push(data));
  });
  return { server, received, port: await listening(server) };
}

const open = (port: number, more: object = {}): TLSSocket =>
  connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: trust,
    requestOCSP: true,
    ...more,
  } as ConnectionOptions);

test('a staple that counts is enough; one that does not is as good as none', async (t) => {
  await using responder = await TestResponder.start(ca);
  await using source = clientOf(responder);
  await using stapler = new Stapler({ client: source });
  const { server, port } = await recorder(tlsOf(leafOf()));
  stapler.attach(server);
  await stapler.ready();
  t.is(responder.requests.length, 1);
  await using client = clientOf(responder);
  const socket = open(port);
  const result = await client.guard(socket);
  t.like(result, { outcome: 'good', source: 'staple', allowed: true });
  t.regex(result.explain(), /came with the certificate/);
  socket.destroy();
  const again = open(port);
  t.like(await client.guard(again), { outcome: 'good', allowed: true });
  again.destroy();
  t.is(responder.requests.length, 1);
  server.close();
  for (const staple of [Buffer.from('nonsense'), Buffer.alloc(0)]) {
    const bad = await recorder(tlsOf(leafOf()));
    bad.server.on('OCSPRequest', (_certificate, _issuer, callback) => callback(null, staple));
    const asked = responder.requests.length;
    const other = open(bad.port);
    t.like(await client.guard(other), { outcome: 'good', source: 'network' });
    t.is(responder.requests.length, asked + 1);
    other.destroy();
    bad.server.close();
  }
});

test('what is not allowed ends the connection, and nothing was sent', async (t) => {
  await using responder = await TestResponder.start(ca, { behaviour: 'revoked' });
  await using client = clientOf(responder, { failPolicy: 'soft' });
  const refusal = { instanceOf: PeerNotAllowedError, code: 'ERR_OCSP_PEER_NOT_ALLOWED' };
  const revoked = await recorder(tlsOf(leafOf()));
  const socket = open(revoked.port);
  const error = await t.throwsAsync(client.guard(socket), { ...refusal, message: /it is revoked/ });
  t.is(error!.result.outcome, 'revoked');
  t.true(socket.destroyed);
  responder.behaviour = 503;
  const must = await recorder(tlsOf(leafOf({ mustStaple: true })));
  await t.throwsAsync(client.guard(open(must.port)), { ...refusal, message: /always staples/ });
  const notAsking = open(must.port, { requestOCSP: false });
  await t.throwsAsync(client.guard(notAsking), { ...refusal, message: /always staples/ });
  const nonsense = await recorder(tlsOf(leafOf({ mustStaple: true })));
  for (const staple of ['nonsense', '']) {
    nonsense.server.removeAllListeners('OCSPRequest');
    nonsense.server.on('OCSPRequest', (_certificate, _issuer, callback) => callback(null, Buffer.from(staple)));
    await t.throwsAsync(client.guard(open(nonsense.port)), { ...refusal, message: /always staples/ }, staple);
  }
  const late = open(must.port);
  await once(late, 'secureConnect');
  await t.throwsAsync(client.guard(late), { ...refusal, message: /always staples/ });
  const stranger = open(must.port, { ca: createTestCa().certificate.toString(), rejectUnauthorized: false });
  await t.throwsAsync(client.guard(stranger), { ...refusal, message: /not trusted/ });
  // No one can be reached, which soft lets pass.
  const plain = await recorder(tlsOf(leafOf()));
  const passing = open(plain.port);
  t.like(await client.guard(passing), { outcome: 'undetermined', allowed: true });
  passing.destroy();
  await using hard = clientOf(responder);
  await t.throwsAsync(hard.guard(open(plain.port)), { ...refusal, message: /no responder gave an answer/ });
  await t.throwsAsync(client.guard({} as never), { code: 'ERR_INVALID_ARG_TYPE' });
  const closing = open(plain.port);
  const guarded = client.guard(closing);
  closing.destroy();
  await t.throwsAsync(guarded, { message: /closed before/ });
  await t.throwsAsync(client.guard(open(plain.port), { signal: AbortSignal.abort(new Error('enough')) }), {
    message: 'enough',
  });
  for (const { server, received } of [revoked, must, nonsense, plain]) {
    t.is(Buffer.concat(received).length, 0);
    server.close();
  }
});

test('always stapled, and no staple that counts: neither no one to ask nor an old answer lets it pass', async (t) => {
  await using responder = await TestResponder.start(ca);
  const bad = async (leaf: TestIdentity) => {
    const { server, port } = await recorder(tlsOf(leaf));
    server.on('OCSPRequest', (_certificate, _issuer, callback) => callback(null, Buffer.from('nonsense')));
    return { port, [Symbol.dispose]: () => server.close() };
  };
  const refusal = { instanceOf: PeerNotAllowedError, message: /always staples, and no answer counts/ };
  const leaf = leafOf({ mustStaple: true });
  using server = await bad(leaf);
  await using asksNoOne = new OCSPClient();
  await t.throwsAsync(asksNoOne.guard(open(server.port)), refusal);
  await using short = clientOf(responder, { minLifetime: 3650 * 24 * 3600 });
  await t.throwsAsync(short.guard(open(server.port)), refusal);
  const clock = new Shifted();
  await using client = clientOf(responder, { failPolicy: 'soft', staleIfError: 30 * 24 * 3600, clock });
  const first = open(server.port);
  t.like(await client.guard(first), { outcome: 'good', source: 'network' });
  first.destroy();
  responder.behaviour = 503;
  clock.ahead = 2 * 24 * 3600 * 1000;
  const question = { certificate: leaf.certificate, issuer: ca.certificate };
  t.like(await client.check(question), { outcome: 'good', source: 'stale', allowed: true });
  await t.throwsAsync(client.guard(open(server.port)), refusal);
});

test('a server that goes while it is asked about: an error of that connection alone', async (t) => {
  await using responder = await TestResponder.start(ca);
  await using client = clientOf(responder, { cache: false });
  const { server, port } = await recorder(tlsOf(leafOf()));
  for (const [message, leave] of [
    [/ECONNRESET/, (connection: Socket) => connection.resetAndDestroy()],
    [/closed while/, (_connection: Socket, tls: TLSSocket) => tls.end()],
  ] as const) {
    const connected = once(server, 'connection') as Promise<[Socket]>;
    const secured = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    const socket = open(port);
    // (Without a listener for errors, which `once` of node:events would add.)
    const gone = new Promise((resolve) => socket.once('close', resolve));
    responder.behaviour = async () => {
      leave((await connected)[0], (await secured)[0]);
      await gone;
      return 'good' as const;
    };
    await t.throwsAsync(client.guard(socket), { message });
    t.is(socket.listenerCount('OCSPResponse'), 0);
  }
  server.close();
});

test('a session that is resumed is refused: its certificate is not known', async (t) => {
  await using responder = await TestResponder.start(ca);
  await using client = clientOf(responder);
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const { server, port } = await recorder({ ...tlsOf(leafOf()), maxVersion });
    server.on('secureConnection', (socket) => socket.write('x'));
    const first = open(port);
    const [session] = (await Promise.all([once(first, 'session'), client.guard(first)]))[0] as [Buffer];
    first.destroy();
    const again = open(port, { session });
    await t.throwsAsync(client.guard(again), { instanceOf: PeerNotAllowedError, message: /session was resumed/ });
    server.close();
  }
});

test('an agent of node:https, and a connector', async (t) => {
  await using responder = await TestResponder.start(ca);
  await using client = clientOf(responder, { cache: false });
  let requests = 0;
  let reused = 0;
  const server = createHttpsServer(tlsOf(leafOf()), (request, response) => {
    requests += 1;
    if ((request.socket as TLSSocket).isSessionReused()) reused += 1;
    response.end('hello');
  });
  const port = await listening(server);
  // (A time that no timer takes is a long one, not none.)
  const agent = client.createAgent({ ca: trust, timeout: 2 ** 31 });
  const get = () =>
    new Promise<number>((resolve, reject) => {
      const options = { port, host: '127.0.0.1', servername: 'localhost', agent };
      httpsRequest(options, (response) => response.resume().on('end', () => resolve(response.statusCode!)))
        .on('error', reject)
        .end();
    });
  // Where a session is resumed, no one would know whose certificate it was.
  for (const _ of [1, 2, 3]) t.is(await get(), 200);
  t.is(reused, 0);
  responder.behaviour = 'revoked';
  await t.throwsAsync(get(), { instanceOf: PeerNotAllowedError, message: /it is revoked/ });
  t.is(requests, 3);
  const connector = client.connector({ ca: trust });
  const dial = (protocol: string) =>
    new Promise<TLSSocket>((resolve, reject) => {
      connector({ protocol, hostname: 'localhost', port: String(port) }, (error, socket) =>
        error ? reject(error) : resolve(socket!),
      );
    });
  await t.throwsAsync(dial('https:'), { instanceOf: PeerNotAllowedError, message: /it is revoked/ });
  await t.throwsAsync(dial('http:'), { code: 'ERR_OCSP_INVALID_VALUE' });
  responder.behaviour = 'good';
  (await dial('https:')).destroy();
  // Through a proxy: inside the connection that leads there.
  const tunnel = connectTcp(port, '127.0.0.1');
  const inside = await new Promise<TLSSocket>((resolve, reject) => {
    const target = { protocol: 'https:', hostname: 'localhost', port: '9', httpSocket: tunnel };
    connector(target, (error, socket) => (error ? reject(error) : resolve(socket!)));
  });
  t.is(inside.remotePort, port);
  inside.destroy();
  for (const make of [(peer: object) => client.createAgent({}, peer), (peer: object) => client.connector({}, peer)]) {
    t.throws(() => make({ isuers: [] }), { code: 'ERR_OCSP_INVALID_VALUE' });
    t.throws(() => make({ issuers: ['no certificate'] }), { code: 'ERR_OCSP_MALFORMED' });
  }
  t.throws(() => client.createAgent({ proxyEnv: {} } as object), { code: 'ERR_OCSP_INVALID_VALUE', message: /proxy/ });
  agent.destroy();
  server.close();
});

test('of several certificates of a CA, one that is valid is taken, wherever it stands', (t) => {
  const day = 24 * 3600 * 1000;
  const ca = createTestCa();
  const others = [
    { notBefore: new Date(Date.now() - 9 * day), notAfter: new Date(Date.now() - day) },
    { notBefore: new Date(Date.now() + day), notAfter: new Date(Date.now() + 9 * day) },
  ].map((validity) => createTestCa({ privateKey: ca.privateKey, ...validity }).certificate);
  const leaf = ca.issue({}).certificate;
  t.is(issuerOf(leaf, [...others, ca.certificate]), ca.certificate);
  t.is(issuerOf(leaf, [ca.certificate, ...others]), ca.certificate);
  t.is(issuerOf(leaf, others), others[0]);
  t.is(issuerOf(leaf, [createTestCa().certificate]), undefined);
});

test('issuers that can be read once only are those of all connections', async (t) => {
  const intermediate = ca.issueIntermediate();
  await using responder = await TestResponder.start(intermediate);
  await using client = clientOf(responder);
  const leaf = intermediate.issue({ dnsNames: ['localhost'] });
  const { key } = tlsOf(leaf);
  const { server, port } = await recorder({ key, cert: leaf.certificate.toString() });
  t.teardown(() => server.close());
  const issuers = [intermediate.certificate].values();
  const connector = client.connector({ ca: [trust, intermediate.certificate.toString()] }, { issuers });
  for (const _ of [1, 2]) {
    const socket = await new Promise<TLSSocket>((resolve, reject) => {
      connector({ protocol: 'https:', hostname: 'localhost', port: String(port) }, (error, made) =>
        error ? reject(error) : resolve(made!),
      );
    });
    socket.destroy();
  }
  t.pass();
});

test('a server that is silent in its handshake: the time ends it', async (t) => {
  await using client = new OCSPClient();
  const server = createTcpServer((socket) => socket.on('error', () => undefined).resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const late = { message: 'no handshake within 0.3 seconds' };
  const target = { protocol: 'https:', hostname: 'localhost', port: String(port) };
  const dial = client.connector({
    timeout: 300,
    lookup: (_host, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
  });
  const refused = new Promise((_resolve, reject) => dial(target, (error) => reject(error)));
  await t.throwsAsync(refused, late);
  const get = (agent: Agent, more: object = {}) =>
    new Promise((_resolve, reject) =>
      httpsRequest({ port, host: '127.0.0.1', agent, ...more })
        .on('error', reject)
        .end(),
    );
  await t.throwsAsync(get(client.createAgent({ timeout: 300 })), late);
  await t.throwsAsync(get(client.createAgent(), { timeout: 300 }), late);
  server.close();
});

test('a server checks its clients', async (t) => {
  await using responder = await TestResponder.start(ca);
  await using client = clientOf(responder, { cache: false });
  const server = createHttpsServer(
    { ...tlsOf(leafOf()), ca: trust, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      client.checkPeer(request.socket, { issuers: [ca.certificate] }).then(
        ({ allowed, outcome }) => response.writeHead(allowed ? 200 : 403).end(outcome),
        (error) => response.writeHead(500).end(String(error)),
      );
    },
  );
  const port = await listening(server);
  const get = (more: object) =>
    new Promise<string>((resolve, reject) => {
      const options = { port, host: '127.0.0.1', servername: 'localhost', ca: trust, agent: false, ...more } as const;
      httpsRequest(options, async (response) => {
        let body = '';
        for await (const part of response) body += String(part);
        resolve(`${response.statusCode} ${body}`);
      })
        .on('error', reject)
        .end();
    });
  const device = ca.issue();
  const identity = { key: tlsOf(device).key, cert: device.certificate.toString() };
  t.is(await get(identity), '200 good');
  responder.behaviour = 'revoked';
  t.is(await get(identity), '403 revoked');
  t.is(await get({}), '403 undetermined');
  // A session that is resumed: the server knows the certificate, and finds the issuer among those given.
  responder.behaviour = 'good';
  const agent = new Agent();
  let reused = 0;
  server.on('secureConnection', (socket) => {
    if (socket.isSessionReused()) reused += 1;
  });
  for (const _ of [1, 2, 3]) t.is(await get({ ...identity, agent }), '200 good');
  t.true(reused > 0);
  responder.behaviour = 'revoked';
  t.is(await get({ ...identity, agent }), '403 revoked');
  agent.destroy();
  const other = createTestCa().issue();
  t.is(await get({ key: tlsOf(other).key, cert: other.certificate.toString() }), '403 undetermined');
  server.close();
});

test('the chain that a client sends: as often as it is asked about, and whatever is in it', async (t) => {
  const intermediate = ca.issueIntermediate();
  await using responder = await TestResponder.start(intermediate);
  await using client = clientOf(responder, { cache: false });
  const device = intermediate.issue();
  const der = Buffer.from(createTestCa({ subject: 'CN=Other' }).certificate.raw);
  der[der.indexOf(Buffer.from('170d', 'hex')) + 2] = 0x41; // a letter in its notBefore
  const unreadable = new X509Certificate(der);
  const server = createServer({ ...tlsOf(leafOf()), ca: trust, requestCert: true });
  const port = await listening(server);
  t.teardown(() => server.close());
  const connected = async (...chain: X509Certificate[]) => {
    const { key } = tlsOf(device);
    const secured = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    const socket = open(port, { key, cert: [device.certificate, ...chain].join('') });
    const [accepted] = await secured;
    accepted.on('error', () => undefined);
    return { accepted, [Symbol.dispose]: () => socket.destroy() };
  };
  using ordinary = await connected(intermediate.certificate);
  for (const _ of [1, 2, 3]) t.like(await client.checkPeer(ordinary.accepted), { outcome: 'good', allowed: true });
  using odd = await connected(unreadable, intermediate.certificate);
  t.true(odd.accepted.authorized);
  const result = await client.checkPeer(odd.accepted, { issuers: [ca.certificate] });
  t.like(result, { outcome: 'undetermined', allowed: false });
  t.regex(result.explain(), /issuer is not known/);
});

test('the chain that a client of HTTP/2 sends, in each of its requests', async (t) => {
  const intermediate = ca.issueIntermediate();
  await using responder = await TestResponder.start(intermediate);
  await using client = clientOf(responder);
  const device = intermediate.issue();
  const server = createSecureServer({ ...tlsOf(leafOf()), ca: trust, requestCert: true }, (request, response) => {
    client.checkPeer(request.socket).then(
      ({ outcome }) => response.end(outcome),
      (error) => response.end(String(error)),
    );
  });
  const port = await listening(server as unknown as Server);
  t.teardown(() => server.close());
  const { key } = tlsOf(device);
  const cert = [device.certificate, intermediate.certificate].join('');
  const connection = connectHttp2(`https://localhost:${port}`, { host: '127.0.0.1', ca: trust, cert, key } as object);
  t.teardown(() => connection.close());
  for (const _ of [1, 2, 3]) {
    const stream = connection.request({ ':path': '/' }).setEncoding('utf8');
    let body = '';
    for await (const part of stream) body += part;
    t.is(body, 'good');
  }
});

test('a server that was guarded can be checked again', async (t) => {
  await using responder = await TestResponder.start(ca);
  await using client = clientOf(responder, { cache: false });
  const { server, port } = await recorder(tlsOf(leafOf()));
  const socket = open(port);
  await client.guard(socket);
  t.like(await client.checkPeer(socket), { outcome: 'good', allowed: true });
  responder.behaviour = 'revoked';
  t.like(await client.checkPeer(socket), { outcome: 'revoked', allowed: false });
  socket.destroy();
  server.close();
});

test('a client checks its server as often as it likes, whatever their keys agree on', async (t) => {
  await using responder = await TestResponder.start(ca);
  await using client = clientOf(responder, { cache: false });
  const { server, port } = await recorder({ ...tlsOf(leafOf({ keyType: 'rsa' })), ciphers: 'ALL' });
  t.teardown(() => server.close());
  const rsa = { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' }; // no key but that of the certificate
  for (const options of [{}, { ecdhCurve: 'P-256' }, { maxVersion: 'TLSv1.2' }, rsa]) {
    const socket = open(port, options);
    t.teardown(() => socket.destroy());
    await once(socket, 'secureConnect');
    for (const _ of [1, 2, 3])
      t.like(await client.checkPeer(socket), { outcome: 'good', allowed: true }, JSON.stringify(options));
    responder.behaviour = 'revoked';
    t.like(await client.checkPeer(socket), { outcome: 'revoked', allowed: false });
    responder.behaviour = 'good';
  }
});
