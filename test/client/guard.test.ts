import dns from 'node:dns';
import http, { createServer } from 'node:http';
import { type AddressInfo, connect, type LookupFunction } from 'node:net';
import test from 'ava';
import { OCSPClient } from 'openssl-ocsp/client';
import { TestResponder, TestResponseKit } from 'openssl-ocsp/testing';

const kit = new TestResponseKit();
const issuer = kit.ca.certificate;
const PATIENT = { timeout: 100_000, hedgeAfter: 50_000 };
const naming = (...ocsp: string[]) => ({ certificate: kit.ca.issue({ aia: { ocsp } }).certificate, issuer });

/** A server that sends whoever asks somewhere else. */
async function redirecting(to: string): Promise<{ url: string; close(): void }> {
  const server = createServer((_request, response) =>
    response.writeHead(307, { Location: to, 'Content-Length': 0 }).end(),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}

test('special addresses in certificates are not asked, however they are written', async (t) => {
  for (const host of [
    '127.0.0.1',
    '127.1',
    '0x7f.1',
    '2130706433',
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '192.0.2.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '[::]',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:8.8.8.8]',
    '[::7f00:1]',
    '[64:ff9b::127.0.0.1]',
    '[64:ff9b::a00:1]',
    '[2001:db8::1]',
    '[2002:7f00:1::]',
    '[fc00::1]',
    '[fd12::1]',
    '[fe80::1]',
    '[ff02::1]',
    'localhost',
    'LOCALHOST',
  ]) {
    await using client = new OCSPClient({ failPolicy: 'soft', ...PATIENT });
    const result = await client.check(naming(`http://${host}:9/`));
    t.is(result.failure, 'refused', `${host}: ${result.explain()}`);
    t.false(result.allowed);
    t.regex(result.explain(), /public address.*allowPrivateAddresses/);
  }
});

test('it is off where the caller says so: for all, for a host, for responders of its own', async (t) => {
  await using responder = await TestResponder.start(kit.ca);
  const question = naming(responder.url);
  for (const options of [
    { allowPrivateAddresses: true },
    { allowPrivateAddresses: ['127.0.0.1'] },
    { allowPrivateAddresses: ['127.1'] },
    { responders: [responder.url] },
    { responders: () => [responder.url], allowPrivateAddresses: true },
  ]) {
    await using client = new OCSPClient({ ...PATIENT, ...options });
    t.is((await client.check(question)).outcome, 'good', JSON.stringify(options));
  }
  const before = responder.requests.length;
  for (const options of [
    {},
    { allowPrivateAddresses: false },
    { allowPrivateAddresses: ['localhost'] },
    { responders: () => [responder.url] },
  ]) {
    await using client = new OCSPClient({ ...PATIENT, ...options });
    t.is((await client.check(question)).failure, 'refused', JSON.stringify(options));
  }
  t.is(responder.requests.length, before);
});

test('redirects are guarded as well, from responders of the caller, too', async (t) => {
  await using responder = await TestResponder.start(kit.ca);
  const astray = await redirecting(responder.url);
  t.teardown(() => astray.close());
  await using client = new OCSPClient({ responders: [astray.url], ...PATIENT });
  t.is((await client.check(naming())).failure, 'refused');
  t.is(responder.requests.length, 0);
  await using open = new OCSPClient({
    responders: [astray.url],
    allowPrivateAddresses: true,
    method: 'post',
    ...PATIENT,
  });
  t.is((await open.check(naming())).outcome, 'good');
});

test('agents of the caller that look names up themselves lead to no private address, either', async (t) => {
  await using responder = await TestResponder.start(kit.ca);
  const { port } = new URL(responder.url);
  const found = { address: '127.0.0.1', family: 4 };
  const lookups: [string, LookupFunction][] = [
    [
      'later',
      (_host, { all }, callback) =>
        setImmediate(() => (all ? callback(null, [found]) : callback(null, found.address, found.family))),
    ],
    [
      'at once',
      (_host, { all }, callback) => (all ? callback(null, [found]) : callback(null, found.address, found.family)),
    ],
    [
      'behind a public address',
      (_host, { all }, callback) =>
        setImmediate(() =>
          all
            ? callback(null, [{ address: '192.31.196.1', family: 4 }, found])
            : callback(null, found.address, found.family),
        ),
    ],
  ];
  for (const [when, lookup] of lookups)
    for (const autoSelectFamily of [true, false]) {
      const agent = new http.Agent({ lookup, autoSelectFamily, keepAlive: true } as http.AgentOptions);
      const question = naming(`http://cached.example:${port}/${when}`);
      await using client = new OCSPClient({ agents: { http: agent }, method: 'post', ...PATIENT });
      const before = responder.requests.length;
      const result = await client.check(question);
      t.is(result.failure, 'refused', `${when}: ${result.explain()}`);
      t.is(responder.requests.length, before);
      if (when !== 'behind a public address') {
        // A connection that the caller has made before is no way round, either.
        await new Promise((resolve) =>
          http.get({ agent, host: 'cached.example', port, path: '/' }, (answer) => answer.resume().on('end', resolve)),
        );
        const { length } = responder.requests;
        t.is((await client.check(naming(`http://cached.example:${port}/again`))).failure, 'refused');
        t.is(responder.requests.length, length);
        const options = { agents: { http: agent }, allowPrivateAddresses: ['cached.example'], ...PATIENT };
        await using open = new OCSPClient(options);
        t.is((await open.check(question)).outcome, 'good', 'the agent itself works');
      }
      agent.destroy();
    }
});

test("a connection that was kept for the application is no way into the own network; an agent's own way is its own", async (t) => {
  await using responder = await TestResponder.start(kit.ca);
  const { port } = new URL(responder.url);
  const agent = new http.Agent({ keepAlive: true });
  t.teardown(() => agent.destroy());
  const lookup = ((_host: string, { all }: { all?: boolean }, callback: (...found: unknown[]) => void) =>
    all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4)) as LookupFunction;
  const host = 'intranet.example';
  await new Promise((resolve) =>
    http.get({ agent, lookup, host, port, path: '/' }, (answer) => answer.resume().on('end', resolve)),
  );
  await new Promise(setImmediate);
  t.is(Object.keys(agent.freeSockets).length, 1);
  const { length } = responder.requests;
  await using client = new OCSPClient({ agents: { http: agent }, ...PATIENT });
  const result = await client.check(naming(`http://${host}:${port}/`));
  t.is(result.failure, 'refused', result.explain());
  t.regex(result.explain(), /127\.0\.0\.1 is not a public address/);
  t.is(responder.requests.length, length);

  // As agents do that lead to a proxy.
  class Through extends http.Agent {
    override createConnection() {
      return connect(Number(port), '127.0.0.1');
    }
  }
  const through = new Through({ keepAlive: true });
  t.teardown(() => through.destroy());
  await using other = new OCSPClient({ agents: { http: through }, ...PATIENT });
  for (const path of ['a', 'b']) t.is((await other.check(naming(`http://${host}/${path}`))).outcome, 'good');
});

test.serial('a name is looked up once, and the connection is made to what was found', async (t) => {
  await using responder = await TestResponder.start(kit.ca);
  const { port } = new URL(responder.url);
  const lookup = dns.lookup;
  t.teardown(() => {
    dns.lookup = lookup;
  });
  const answers = [['8.8.8.8', '127.0.0.1'], ['127.0.0.1'], ['fe80::1%lo']];
  const asked: string[] = [];
  dns.lookup = ((
    host: string,
    _options: unknown,
    callback: (error: null, list: { address: string; family: number }[]) => void,
  ) => {
    asked.push(host);
    const list = answers[asked.length - 1] ?? [];
    callback(
      null,
      list.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  }) as never;
  // A public address and a private one: only the first is tried, and no one answers there in time.
  await using client = new OCSPClient({ timeout: 1500, hedgeAfter: 1500, method: 'post' });
  const first = await client.check(naming(`http://rebinding.example:${port}/a`));
  t.is(first.failure, 'unreachable', first.explain());
  for (const path of ['b', 'c']) {
    const result = await client.check(naming(`http://rebinding.example:${port}/${path}`));
    t.is(result.failure, 'refused', result.explain());
  }
  t.deepEqual(asked, Array(3).fill('rebinding.example'));
  t.is(responder.requests.length, 0);
});
