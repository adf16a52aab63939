/** The responder behind frameworks of npm: every GET arrives, however long, and every POST. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import fastify from 'fastify';
import { Hono } from 'hono';
import { OCSPClient } from 'openssl-ocsp/client';
import { ca, makeResponder } from './fixtures.js';

/** Asks by GET and by POST, at the root and below a path. */
async function answers(t: ExecutionContext, server: Server, paths: readonly string[]): Promise<void> {
  const { port } = server.address() as AddressInfo;
  for (const path of paths)
    for (const method of ['auto', 'post'] as const) {
      await using client = new OCSPClient({
        responders: [`http://127.0.0.1:${port}${path}`],
        method,
        timeout: 100_000,
        hedgeAfter: 50_000,
      });
      const { certificate } = ca.issue({ serialNumber: 0x1001n });
      const { outcome, attempts } = await client.check({ certificate, issuer: ca.certificate });
      t.is(outcome, 'good');
      t.deepEqual(
        attempts.map((attempt) => attempt.method),
        [method === 'post' ? 'POST' : 'GET'],
      );
    }
}

/** (Its types need those of a browser.) */
async function honoListener(fetch: (request: Request) => Response | Promise<Response>): Promise<RequestListener> {
  const name: string = '@hono/node-server';
  const { getRequestListener } = (await import(name)) as {
    getRequestListener(handler: typeof fetch): RequestListener;
  };
  return getRequestListener(fetch);
}

test('Hono: fetch', async (t) => {
  const responder = makeResponder(t);
  const app = new Hono();
  app.all('*', (context) => responder.fetch(context.req.raw));
  const server = createServer(await honoListener(app.fetch)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  await answers(t, server, ['/', '']);
});

test('Fastify: the listener, for all paths', async (t) => {
  const responder = makeResponder(t);
  const app = fastify();
  // The body is the responder's to read.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.all('/*', (request, reply) => {
    reply.hijack();
    responder.listener(request.raw, reply.raw);
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  t.teardown(() => app.close());
  await answers(t, app.server, ['/', '']);
});
