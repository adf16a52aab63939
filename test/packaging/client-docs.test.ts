/** The programs of docs/client.md work as they are written there. */
import { writeFileSync } from 'node:fs';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Server } from 'node:https';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { OCSPClient, type Stapler } from 'openssl-ocsp/client';
import { TestResponder, TestResponseKit } from 'openssl-ocsp/testing';
import { docPrograms } from '../helpers/doc-programs.js';
import { runProgram } from '../helpers/programs.js';

const kit = new TestResponseKit();
const { names, folder, load } = docPrograms('client.md');

test('all programs are known here', (t) => {
  // (Those of other packages: test/client/frameworks.test.ts.)
  const others = ['express.mjs', 'fastify.mjs', 'websocket.mjs', 'hono.mjs', 'undici.mjs'];
  const own = ['check.mjs', 'gateway.mjs', 'stapling.mjs', 'agent.mjs', 'shared-cache.mjs', 'test.mjs'];
  t.deepEqual([...names].sort(), [...own, ...others].sort());
});

test('check.mjs', async (t) => {
  await using responder = await TestResponder.start(kit.ca);
  const leaf = kit.ca.issue({ aia: { ocsp: [responder.url] } });
  const chain = join(folder, 'chain.pem');
  writeFileSync(chain, leaf.certificatePem + kit.ca.certificatePem);
  const check = (...hosts: string[]) => runProgram(process.execPath, [join(folder, 'check.mjs'), chain, ...hosts]);
  const guarded = await check();
  t.is(guarded.status, 1, guarded.stderr);
  t.regex(guarded.stdout, /is not a public address/);
  const good = await check('127.0.0.1');
  t.is(good.status, 0, good.stdout + good.stderr);
  t.regex(good.stdout, /=> good, allowed/);
  responder.behaviour = 'revoked';
  t.is((await check('127.0.0.1')).status, 1);
});

test('gateway.mjs, hard and soft', async (t) => {
  type Handler = (request: unknown, response: { end(text: string): void }) => void;
  type Gateway = (tls: object, client: OCSPClient, issuers: unknown[], handler: Handler) => Server;
  const { gateway } = await load<{ gateway: Gateway }>('gateway.mjs');
  const site = kit.ca.issue({ subject: 'CN=localhost', dnsNames: ['localhost'] });
  const user = kit.ca.issue({ subject: 'CN=user', extendedKeyUsage: ['clientAuth'] });
  const chain = (pem: string) => pem + kit.ca.certificatePem;
  await using responder = await TestResponder.start(kit.ca);
  for (const [behaviour, failPolicy, expected] of [
    ['good', 'hard', 200],
    ['revoked', 'soft', 403],
    ['gone', 'hard', 403],
    ['gone', 'soft', 200],
    ['text', 'soft', 403],
  ] as const) {
    responder.behaviour = behaviour;
    await using client = new OCSPClient({
      responders: [responder.url],
      failPolicy,
      timeout: 100_000,
      hedgeAfter: 50_000,
    });
    const tls = { cert: chain(site.certificatePem), key: site.privateKeyPem, ca: [kit.root.certificatePem] };
    const server = gateway(tls, client, [kit.ca.certificate], (_request, response) => response.end('welcome'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const ask = () =>
      new Promise((resolve, reject) => {
        const options = { host: '127.0.0.1', port, servername: 'localhost', ca: kit.root.certificatePem, agent: false };
        request({ ...options, cert: chain(user.certificatePem), key: user.privateKeyPem }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
    t.deepEqual(
      await Promise.all([ask(), ask(), ask()]),
      [expected, expected, expected],
      `${behaviour}, ${failPolicy}`,
    );
    server.closeAllConnections();
    server.close();
  }
});

test('stapling.mjs and agent.mjs', async (t) => {
  type Serve = (tls: object, folder: string, options: object, handler: unknown) => Promise<Stapling>;
  type Stapling = { server: Server; stapler: Stapler; client: OCSPClient };
  type Get = (client: OCSPClient, url: string, tls: object, handler: unknown) => ClientRequest;
  const { staplingServer } = await load<{ staplingServer: Serve }>('stapling.mjs');
  const { getFrom } = await load<{ getFrom: Get }>('agent.mjs');
  const site = kit.ca.issue({ subject: 'CN=localhost', dnsNames: ['localhost'] });
  await using responder = await TestResponder.start(kit.ca);
  const options = { responders: [responder.url], timeout: 100_000, hedgeAfter: 50_000 };
  const tls = { cert: site.certificatePem + kit.ca.certificatePem, key: site.privateKeyPem };
  const welcome = (_request: unknown, response: { end(text: string): void }) => response.end('welcome');
  const { server, stapler, client: source } = await staplingServer(tls, join(folder, 'staples'), options, welcome);
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  await using client = new OCSPClient(options);
  const status = await new Promise((resolve, reject) => {
    getFrom(client, `https://localhost:${port}/`, { ca: kit.root.certificatePem }, (response: IncomingMessage) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject);
  });
  t.is(status, 200);
  t.is(responder.requests.length, 1);
  await stapler.close();
  await source.close();
  server.closeAllConnections();
  server.close();
});

test('shared-cache.mjs', async (t) => {
  const { openClient } = await load<{ openClient(folder: string, options: object): OCSPClient }>('shared-cache.mjs');
  await using responder = await TestResponder.start(kit.ca);
  const question = { certificate: kit.leaf.certificate, issuer: kit.ca.certificate };
  for (const source of ['network', 'cache'] as const) {
    await using client = openClient(join(folder, 'cache'), { responders: [responder.url] });
    t.is((await client.check(question)).source, source);
  }
});

test('test.mjs', async (t) => {
  const { status, stdout, stderr } = await runProgram(process.execPath, [join(folder, 'test.mjs')]);
  t.is(status, 0, stderr);
  t.is(stdout, 'revoked\n');
});
