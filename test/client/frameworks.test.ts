/** Servers and clients of npm, by the programs of docs/client.md: no one gets through before the verdict. */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { Server } from 'node:https';
import { createServer, request as httpsRequest } from 'node:https';
import { type AddressInfo, connect as connectTcp, Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { OCSPClient, type OCSPClientOptions, Stapler } from 'openssl-ocsp/client';
import { createTestCa, type TestIdentity, TestResponder } from 'openssl-ocsp/testing';
import { Agent, Client, type Dispatcher, fetch, request } from 'undici';
import { docPrograms } from '../helpers/doc-programs.js';

const ca = createTestCa();
const trust = ca.certificatePem;
const site = ca.issue({ subject: 'CN=localhost', dnsNames: ['localhost'] });
const device = ca.issue({ subject: 'CN=device', extendedKeyUsage: ['clientAuth'] });
const { load } = docPrograms('client.md');
const tlsOf = (identity: TestIdentity) => ({ cert: identity.certificatePem + trust, key: identity.privateKeyPem });
const clientOf = ({ url }: TestResponder, options: OCSPClientOptions = {}) =>
  new OCSPClient({ responders: [url], timeout: 100_000, hedgeAfter: 50_000, ...options });
const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

async function listening(server: Server): Promise<Server> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** What a client of a gateway gets. */
function statusAt(port: number, path = '/', headers: Record<string, string> = {}): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const to = { host: '127.0.0.1', port, servername: 'localhost', ca: trust, agent: false, path, headers } as const;
    const sent = httpsRequest({ ...to, ...tlsOf(device) }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    });
    sent.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response.statusCode);
    });
    sent.on('error', reject).end();
  });
}

const WEBSOCKET = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

type Gateway = (tls: object, client: OCSPClient, issuers: unknown[]) => Promise<Server>;

const gateways: readonly [name: string, open: Gateway, welcome: number, headers?: Record<string, string>][] = [
  [
    'Express',
    async (...args) => {
      const { expressGateway } = await load<{ expressGateway(...args: unknown[]): Server }>('express.mjs');
      return await listening(expressGateway(...args));
    },
    200,
  ],
  [
    'Fastify',
    async (...args) => {
      type App = { listen(options: object): Promise<string>; server: Server };
      const { fastifyGateway } = await load<{ fastifyGateway(...args: unknown[]): App }>('fastify.mjs');
      const app = fastifyGateway(...args);
      await app.listen({ port: 0, host: '127.0.0.1' });
      return app.server;
    },
    200,
  ],
  [
    'Hono',
    async (...args) => {
      const { honoGateway } = await load<{ honoGateway(...args: unknown[]): Server }>('hono.mjs');
      const server = honoGateway(...args, 0);
      if (!server.listening) await once(server, 'listening');
      return server;
    },
    200,
  ],
  [
    'ws',
    async (...args) => {
      const { socketGateway } = await load<{ socketGateway(...args: unknown[]): Server }>('websocket.mjs');
      return await listening(socketGateway(...args, () => undefined));
    },
    101,
    WEBSOCKET,
  ],
];

for (const [name, open, welcome, headers] of gateways)
  test(`${name} lets in whose certificate is good, hard and soft; one question for all`, async (t) => {
    await using responder = await TestResponder.start(ca);
    for (const [behaviour, failPolicy, expected] of [
      ['good', 'hard', welcome],
      ['revoked', 'hard', 403],
      ['revoked', 'soft', 403],
      ['unknown', 'soft', 403],
      [503, 'hard', 403],
      [503, 'soft', welcome],
      ['broken-signature', 'soft', 403],
    ] as const) {
      responder.behaviour = behaviour;
      await using client = clientOf(responder, { failPolicy, method: 'post', hash: 'sha256' });
      const server = await open({ ...tlsOf(site), ca: trust }, client, [ca.certificate]);
      const before = responder.requests.length;
      const statuses = await Promise.all([1, 2, 3].map(() => statusAt(portOf(server), '/', headers)));
      t.deepEqual(statuses, Array(3).fill(expected), `${behaviour} ${failPolicy}`);
      t.is(responder.requests.length, before + 1);
      server.closeAllConnections();
      server.close();
    }
    // What fails in the check itself lets no one in. (Hono prints it; Express does not in tests.)
    process.env['NODE_ENV'] = 'test';
    await using broken = clientOf(responder, {
      responders: () => {
        throw new Error('no list of responders');
      },
    });
    const server = await open({ ...tlsOf(site), ca: trust }, broken, [ca.certificate]);
    t.is(await statusAt(portOf(server), '/', headers), 500);
    server.closeAllConnections();
    server.close();
  });

test('500 connections at a time with one certificate: one question', async (t) => {
  const [, open] = gateways[0]!;
  await using responder = await TestResponder.start(ca, { behaviour: 'late' });
  await using client = clientOf(responder);
  const server = await open({ ...tlsOf(site), ca: trust }, client, [ca.certificate]);
  let sockets = 0;
  server.on('secureConnection', () => {
    sockets += 1;
  });
  const statuses = await Promise.all(Array.from({ length: 500 }, () => statusAt(portOf(server))));
  t.deepEqual(new Set(statuses), new Set([200]));
  t.is(sockets, 500);
  t.is(responder.requests.length, 1);
  server.closeAllConnections();
  server.close();
});

/** A server that staples, and says what requests it got. */
async function stapling(t: ExecutionContext, responder: TestResponder) {
  const paths: (string | undefined)[] = [];
  const server = createServer(tlsOf(site), (incoming, response) => {
    paths.push(incoming.url);
    response.end('welcome');
  });
  const source = clientOf(responder);
  const stapler = new Stapler({ client: source }).attach(server);
  await stapler.ready();
  await listening(server);
  t.teardown(async () => {
    server.closeAllConnections();
    server.close();
    await stapler.close();
    await source.close();
  });
  return { server, paths, port: portOf(server) };
}

/** The cause that undici gives to a failure of `fetch`. */
const codeOf = (error: unknown) =>
  ((error as { cause?: { code?: string } }).cause ?? (error as { code?: string })).code;

test('undici asks by staple, by question, directly and through a proxy', async (t) => {
  const { guardedDispatcher } = await load<{ guardedDispatcher(...args: unknown[]): Dispatcher }>('undici.mjs');
  await using responder = await TestResponder.start(ca);
  const { paths, port } = await stapling(t, responder);
  t.is(responder.requests.length, 1);
  await using client = clientOf(responder);
  const dispatcher = guardedDispatcher(client, { ca: trust });
  const url = `https://localhost:${port}`;
  for (const path of ['/one', '/two']) {
    const response = await fetch(`${url}${path}`, { dispatcher });
    t.is(await response.text(), 'welcome');
  }
  const { statusCode, body } = await request(`${url}/three`, { dispatcher });
  t.is(statusCode, 200);
  await body.dump();
  t.is(responder.requests.length, 1, 'the staple was enough');
  await dispatcher.close();

  // A proxy as undici goes through one: CONNECT, and the connection inside of that.
  const proxy = createHttpServer();
  const seen: (string | undefined)[] = [];
  proxy.on('connect', (incoming, socket) => {
    seen.push(incoming.url);
    const on = connectTcp(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(on).pipe(socket);
    });
    for (const one of [on, socket]) one.on('error', () => undefined);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const way = new Client(`http://127.0.0.1:${portOf(proxy)}`);
  const tunnelled = (one: OCSPClient) => {
    const connector = one.connector({ ca: trust });
    return new Agent({
      connect: async (target, callback) => {
        const { socket } = await way.connect({ path: `${target.hostname}:${target.port}` });
        connector({ ...target, httpSocket: socket }, callback);
      },
    });
  };
  const direct = new Agent({ connect: client.connector({ ca: trust }) });
  t.is(await (await fetch(`${url}/three`, { dispatcher: direct })).text(), 'welcome');
  await direct.close();
  const through = tunnelled(client);
  t.is(await (await fetch(`${url}/four`, { dispatcher: through })).text(), 'welcome');
  t.deepEqual(seen, [`localhost:${port}`]);
  await through.close();

  const before = paths.length;
  responder.behaviour = 'revoked';
  await using knowing = clientOf(responder);
  const question = { certificate: site.certificate, issuer: ca.certificate };
  t.is((await knowing.check(question)).outcome, 'revoked');
  for (const make of [(one: OCSPClient) => guardedDispatcher(one, { ca: trust }), tunnelled]) {
    const refusing = make(knowing);
    const error = await t.throwsAsync(fetch(`${url}/five`, { dispatcher: refusing, method: 'POST', body: 'secret' }));
    t.is(codeOf(error), 'ERR_OCSP_PEER_NOT_ALLOWED');
    await t.throwsAsync(fetch(`http://localhost:${port}/`, { dispatcher: guardedDispatcher(knowing, {}) }));
    await refusing.destroy();
  }
  t.is(paths.length, before);
  await way.destroy();
  proxy.closeAllConnections();
  proxy.close();
});

test('a socket that is none of TLS', async (t) => {
  await using client = new OCSPClient();
  await t.throwsAsync(client.checkPeer(new Socket()), { code: 'ERR_INVALID_ARG_TYPE' });
  await t.throwsAsync(client.checkPeer({} as never), { code: 'ERR_INVALID_ARG_TYPE' });
  await t.throwsAsync(client.checkPeer(undefined as never), { code: 'ERR_INVALID_ARG_TYPE' });
});
