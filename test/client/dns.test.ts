/** Names of responders: those that cannot be looked up, that take their time, and that lead elsewhere after a while. */
import dns from 'node:dns';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { OCSPClient, type OCSPClientOptions } from 'openssl-ocsp/client';
import { TestResponder, TestResponseKit } from 'openssl-ocsp/testing';
import { Shifted } from '../helpers/shifted-clock.js';

const kit = new TestResponseKit();
const issuer = kit.ca.certificate;
const NAME = 'responder.example';
const naming = (...ocsp: string[]) => ({ certificate: kit.ca.issue({ aia: { ocsp } }).certificate, issuer });
const clientOf = (options: OCSPClientOptions) => new OCSPClient({ timeout: 100_000, hedgeAfter: 50_000, ...options });

/** What a look-up comes to: an address, an error code, or nothing, ever. */
type Found = string | { code: string } | 'nothing';

/** Answers in place of the resolver of the machine. Returns the names that were looked up. */
function resolveBy(t: ExecutionContext, find: (host: string) => Found): string[] {
  const { lookup } = dns;
  t.teardown(() => {
    dns.lookup = lookup;
  });
  const asked: string[] = [];
  const instead = (host: string, options: dns.LookupOptions, callback: (...args: unknown[]) => void) => {
    // (Servers look up what they listen on.)
    if (host !== NAME) return lookup(host, options, callback as never);
    asked.push(host);
    const found = find(host);
    if (found === 'nothing') return;
    setImmediate(() => {
      if (typeof found !== 'string')
        return callback(Object.assign(new Error(`getaddrinfo ${found.code} ${host}`), found));
      if (options.all) callback(null, [{ address: found, family: 4 }]);
      else callback(null, found, 4);
    });
  };
  dns.lookup = instead as never;
  return asked;
}

/** Another address of a responder. */
async function relay(t: ExecutionContext, host: string, port: number, to: URL): Promise<void> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    const other = connect(Number(to.port), to.hostname);
    for (const one of [socket, other]) sockets.push(one.on('error', () => {}));
    socket.pipe(other).pipe(socket);
  });
  server.listen(port, host);
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
}

test.serial(
  'a name that cannot be looked up: no one was reached, guarded or not; it is asked again when it has rested',
  async (t) => {
    await using responder = await TestResponder.start(kit.ca);
    const { port } = new URL(responder.url);
    for (const code of ['ENOTFOUND', 'EAI_AGAIN', 'ESERVFAIL'])
      for (const allowPrivateAddresses of [[NAME], []]) {
        let found: Found = { code };
        const asked = resolveBy(t, () => found);
        const clock = new Shifted();
        for (const failPolicy of ['hard', 'soft'] as const) {
          await using client = clientOf({ allowPrivateAddresses, failPolicy, clock });
          const question = naming(`http://${NAME}:${port}/`);
          const result = await client.check(question);
          t.like(result, { outcome: 'undetermined', failure: 'unreachable', allowed: failPolicy === 'soft' });
          t.regex(result.explain(), new RegExp(code));
          const { length } = asked;
          await client.check(question);
          t.is(asked.length, length, 'not at once');
          clock.ahead += 2000;
          found = '127.0.0.1';
          const later = await client.check(question);
          if (allowPrivateAddresses.length > 0) t.is(later.outcome, 'good');
          else t.like(later, { outcome: 'undetermined', failure: 'refused', allowed: false });
          found = { code };
        }
      }
  },
);

test.serial('a resolver that says nothing: the time ends it, and the next responder is asked meanwhile', async (t) => {
  await using responder = await TestResponder.start(kit.ca);
  const allowPrivateAddresses = [NAME, '127.0.0.1'];
  resolveBy(t, () => 'nothing');
  await using client = clientOf({ allowPrivateAddresses, timeout: 400, hedgeAfter: 100 });
  const alone = await client.check(naming(`http://${NAME}/`));
  t.like(alone, { outcome: 'undetermined', failure: 'unreachable', allowed: false });
  t.regex(alone.explain(), /no answer within/);
  await using patient = clientOf({ allowPrivateAddresses, hedgeAfter: 100 });
  t.is((await patient.check(naming(`http://${NAME}/`, responder.url))).outcome, 'good');
});

test.serial(
  'a name that leads elsewhere by and by: to a responder that took over, and never to a private address',
  async (t) => {
    const first = await TestResponder.start(kit.ca);
    const { port } = new URL(first.url);
    let found: Found = '127.0.0.1';
    const asked = resolveBy(t, () => found);
    await using client = clientOf({ allowPrivateAddresses: [NAME], cache: false });
    const question = naming(`http://${NAME}:${port}/`);
    for (let times = 0; times < 2; times++) t.is((await client.check(question)).outcome, 'good');
    t.is(asked.length, 1, 'the connection is kept');
    await first.close();
    await using second = await TestResponder.start(kit.ca, { behaviour: 'revoked' });
    await relay(t, '127.0.0.2', Number(port), new URL(second.url));
    found = '127.0.0.2';
    t.is((await client.check(question)).outcome, 'revoked');
    t.is(second.requests.length, 1);

    // To one that is not named as allowed a name leads nowhere, whatever it was before.
    await using guarded = clientOf({});
    t.like(await guarded.check(question), { outcome: 'undetermined', failure: 'refused', allowed: false });
    t.is(second.requests.length, 1);
  },
);
