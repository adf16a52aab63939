// The agent of node:https whose connections are held until the certificate of the server is known to be allowed.

import { once } from 'node:events';
import type { ClientRequest } from 'node:http';
import { type Agent, type AgentOptions, createServer, type RequestOptions, request } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { createServer as createTlsServer, type Server, type TLSSocket } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { OCSPClient, PeerNotAllowedError } from 'openssl-ocsp/client';
import { createTestCa, TestResponder } from 'openssl-ocsp/testing';

const ca = createTestCa();
const leaf = ca.issue({ dnsNames: ['localhost'] });
const TLS = { key: leaf.privateKeyPem, cert: `${leaf.certificatePem}${ca.certificatePem}` };
const GOOD = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

async function listening(t: ExecutionContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A client that asks about every connection. */
async function asking(t: ExecutionContext) {
  const responder = await TestResponder.start(ca);
  const client = new OCSPClient({ responders: [responder.url], cache: false, timeout: 100_000, hedgeAfter: 50_000 });
  t.teardown(async () => {
    await client.close();
    await responder.close();
  });
  const agentWith = (options: AgentOptions = {}): Agent => {
    const agent = client.createAgent({ ca: ca.certificatePem, ...options });
    t.teardown(() => agent.destroy());
    return agent;
  };
  return { responder, agentWith };
}

const requestTo = (port: number, agent: Agent, more: RequestOptions = {}): ClientRequest =>
  request({ port, host: '127.0.0.1', servername: 'localhost', agent, ...more });

/** What comes of a request. Whoever waits for ever is told, too. */
async function outcomeOf(made: ClientRequest): Promise<string> {
  const ended = new Promise<string>((resolve) => {
    made.on('response', (response) => response.resume().on('end', () => resolve(String(response.statusCode))));
    made.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
  return await Promise.race([ended, wait(20_000, 'waits for ever', { ref: false })]);
}

const outcomesOf = async (count: number, port: number, agent: Agent): Promise<string[]> =>
  await Promise.all(Array.from({ length: count }, () => outcomeOf(requestTo(port, agent).end())));

/** A check that goes on until it is told what comes of it. */
function suspended(responder: TestResponder) {
  const { promise: asked, resolve: begin } = withResolvers<void>();
  const { promise: answered, resolve: answer } = withResolvers<'good' | 'revoked'>();
  responder.behaviour = () => {
    begin();
    return answered;
  };
  return { asked, answer };
}

function withResolvers<T>() {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((yes) => {
    resolve = yes;
  });
  return { promise, resolve };
}

/** A server of TLS that answers before it is asked, and keeps what it is sent. */
async function hasty(t: ExecutionContext) {
  const received: Buffer[] = [];
  const { promise: gone, resolve: leave } = withResolvers<void>();
  const server = createTlsServer(TLS, (socket) => {
    socket.on('error', () => undefined).on('close', () => leave());
    socket.on('data', (data: Buffer) => received.push(data));
    socket.write(GOOD);
  });
  const port = await listening(t, server);
  return { port, gone, sent: () => Buffer.concat(received).toString() };
}

test('no more connections than maxSockets and maxTotalSockets', async (t) => {
  const { agentWith } = await asking(t);
  for (const limit of [{ maxSockets: 2 }, { maxTotalSockets: 2 }]) {
    let connections = 0;
    const { promise: counted, resolve: count } = withResolvers<void>();
    const server = createServer(TLS, (_request, response) => {
      void counted.then(() => response.setHeader('Connection', 'close').end());
    });
    server.on('connection', (socket: Socket) => {
      socket.on('error', () => undefined);
      connections += 1;
    });
    const port = await listening(t, server);
    const outcomes = outcomesOf(12, port, agentWith(limit));
    while (connections < 2) await once(server, 'connection');
    await wait(100);
    t.is(connections, 2, 'while no one is answered');
    count();
    t.deepEqual(await outcomes, Array(12).fill('200'));
  }
});

test('whoever waits for a connection to a server that is refused, or gone, is told so', async (t) => {
  const { responder, agentWith } = await asking(t);
  const server = createServer(TLS, (_request, response) => response.end());
  const port = await listening(t, server);
  const agent = agentWith({ maxSockets: 1 });
  responder.behaviour = 'revoked';
  t.deepEqual(await outcomesOf(5, port, agent), Array(5).fill('ERR_OCSP_PEER_NOT_ALLOWED'));
  // Refused once: the next connection is for who comes next.
  let asked = 0;
  responder.behaviour = () => {
    asked += 1;
    return asked === 1 ? 'revoked' : 'good';
  };
  t.deepEqual(await outcomesOf(5, port, agent), ['ERR_OCSP_PEER_NOT_ALLOWED', ...Array(4).fill('200')]);
  server.close();
  server.closeAllConnections();
  t.deepEqual(await outcomesOf(5, port, agent), Array(5).fill('ECONNREFUSED'));
  t.deepEqual(Object.keys(agent.requests), []);
});

test('nothing is sent, and nothing that has come is seen, before the check is over', async (t) => {
  const { responder, agentWith } = await asking(t);
  for (const answer of ['good', 'revoked'] as const) {
    const { port, sent, gone } = await hasty(t);
    const check = suspended(responder);
    const made = requestTo(port, agentWith(), { method: 'POST' });
    let responses = 0;
    made.on('response', () => {
      responses += 1;
    });
    made.write('a body');
    const [socket] = (await once(made, 'socket')) as [TLSSocket];
    t.true(socket.connecting, 'it can be waited for, as any other');
    await once(socket, 'secureConnect');
    const outcome = outcomeOf(made);
    await check.asked;
    // The end of a request sends what has been held back of it, corked or not.
    made.end(', and its end');
    await wait(100);
    t.is(sent(), '');
    t.is(responses, 0);
    check.answer(answer);
    t.is(await outcome, answer === 'good' ? '200' : 'ERR_OCSP_PEER_NOT_ALLOWED');
    await gone;
    t.is(responses, answer === 'good' ? 1 : 0);
    if (answer === 'good') t.regex(sent(), /^POST .*a body.*, and its end/s);
    else t.is(sent(), '');
  }
});

test('the error of a request that is refused says why', async (t) => {
  const { responder, agentWith } = await asking(t);
  responder.behaviour = 'revoked';
  const { port } = await hasty(t);
  const [error] = (await once(requestTo(port, agentWith()).end('a body'), 'error')) as [PeerNotAllowedError];
  t.true(error instanceof PeerNotAllowedError);
  t.is(error.result.outcome, 'revoked');
});

test('a connection that is kept is used again, without a further check', async (t) => {
  const { responder, agentWith } = await asking(t);
  let connections = 0;
  const server = createServer(TLS, (_request, response) => response.end()).on('secureConnection', () => {
    connections += 1;
  });
  const port = await listening(t, server);
  const agent = agentWith({ keepAlive: true });
  for (const _ of [1, 2, 3]) {
    t.is(await outcomeOf(requestTo(port, agent).end()), '200');
    await new Promise(setImmediate);
  }
  t.is(connections, 1);
  t.is(responder.requests.length, 1);
});

test('an agent that is destroyed meanwhile, and requests that do not wait any longer', async (t) => {
  const { responder, agentWith } = await asking(t);
  for (const leave of [
    (_made: ClientRequest, agent: Agent) => agent.destroy(),
    (made: ClientRequest) => made.destroy(),
    (made: ClientRequest) => made.setTimeout(50, () => made.destroy()),
  ]) {
    const { port, sent, gone } = await hasty(t);
    const check = suspended(responder);
    const agent = agentWith({ maxSockets: 1 });
    const made = requestTo(port, agent, { method: 'POST' });
    const outcome = outcomeOf(made.end('a body'));
    await check.asked;
    leave(made, agent);
    t.is(await outcome, 'ECONNRESET');
    await gone;
    check.answer('good');
    // There is room again.
    responder.behaviour = 'good';
    t.is(await outcomeOf(requestTo(port, agent).end()), '200');
    t.false(sent().includes('a body'));
  }
  // Also where all of the time is that of the options.
  const { port } = await hasty(t);
  const check = suspended(responder);
  const made = requestTo(port, agentWith(), { timeout: 300 });
  made.on('timeout', () => made.destroy());
  t.regex(await outcomeOf(made.end()), /ECONNRESET|no handshake/);
  check.answer('good');
});
