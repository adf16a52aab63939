import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect as connectTo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { OCSPClient } from 'openssl-ocsp/client';
import { TestResponder, TestResponseKit } from 'openssl-ocsp/testing';
import { command } from '../helpers/command.js';
import { testIf } from '../helpers/conditional.js';
import { freePort } from '../helpers/free-port.js';
import { Scratch } from '../helpers/openssl-cli.js';

const kit = new TestResponseKit();
const question = { certificate: kit.leaf.certificate, issuer: kit.ca.certificate };
const PATIENT = { timeout: 100_000, hedgeAfter: 50_000 };

const hasTinyproxy = (() => {
  try {
    execFileSync('tinyproxy', ['-v']);
    return true;
  } catch {
    return false;
  }
})();

/** Debian's proxy, on a port of its own; with a name and a password. */
async function tinyproxy(t: ExecutionContext, auth: string): Promise<string> {
  const scratch = new Scratch();
  const port = await freePort();
  const config = `Port ${port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nBasicAuth ${auth.replace(':', ' ')}\n`;
  const child: ChildProcess = spawn('tinyproxy', ['-d', '-c', scratch.write('tinyproxy.conf', config)], {
    stdio: 'ignore',
  });
  t.teardown(() => {
    child.kill();
    scratch[Symbol.dispose]();
  });
  for (;;) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connectTo(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (isUp) return `127.0.0.1:${port}`;
    if (child.exitCode !== null) throw new Error(`tinyproxy ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function tlsResponder(t: ExecutionContext): Promise<{ url: string; pem: string }> {
  const identity = kit.root.issue({ subject: 'CN=localhost', dnsNames: ['localhost'] });
  const server = createTlsServer(
    { cert: identity.certificatePem, key: identity.privateKeyPem },
    (request, response) => {
      request.resume();
      response
        .writeHead(200, { 'Content-Type': 'application/ocsp-response' })
        .end(kit.respond(kit.entry({ hash: 'sha256' })));
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return { url: `https://localhost:${(server.address() as AddressInfo).port}/`, pem: kit.root.certificatePem };
}

testIf(hasTinyproxy)('a real proxy, for http and by CONNECT for https, with a password', async (t) => {
  const address = await tinyproxy(t, 'user:s3cret');
  await using responder = await TestResponder.start(kit.ca);
  await using client = new OCSPClient({
    responders: [responder.url],
    proxy: `http://user:s3cret@${address}`,
    ...PATIENT,
  });
  const result = await client.check(question);
  t.is(result.outcome, 'good', result.explain());
  t.regex(String(responder.requests[0]!.headers.via), /tinyproxy/);
  await using stranger = new OCSPClient({ responders: [responder.url], proxy: `http://${address}`, ...PATIENT });
  const denied = await stranger.check(question);
  t.is(denied.failure, 'unreachable');
  t.regex(denied.explain(), /HTTP status 40[17]/);

  using scratch = new Scratch();
  const secure = await tlsResponder(t);
  const about = [
    '--cert',
    scratch.write('leaf.pem', kit.leaf.certificatePem),
    '--issuer',
    scratch.write('ca.pem', kit.ca.certificatePem),
  ];
  const args = ['query', ...about, '--timeout', '120', '--url'];
  const env = { NODE_EXTRA_CA_CERTS: scratch.write('root.pem', secure.pem), no_proxy: '', NO_PROXY: '' };
  const byOption = await command([...args, secure.url, '--proxy', `http://user:s3cret@${address}`], { env });
  t.is(byOption.status, 0, byOption.stderr);
  const byEnvironment = await command([...args, secure.url], {
    env: { ...env, HTTPS_PROXY: `user:s3cret@${address}` },
  });
  t.is(byEnvironment.status, 0, byEnvironment.stderr);
  const wrong = await command([...args, secure.url, '--proxy', `http://user:wr0ng@${address}`], { env });
  t.is(wrong.status, 1);
  t.regex(wrong.stderr, /the proxy answers with HTTP status 40[17]/);
  t.notRegex(wrong.stderr, /wr0ng/);
});

test('the environment: which variable, and which hosts are excepted', async (t) => {
  using scratch = new Scratch();
  await using responder = await TestResponder.start(kit.ca);
  const seen: IncomingMessage[] = [];
  const proxy = createServer((request, response) => {
    seen.push(request);
    request.resume();
    response.writeHead(502).end();
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.teardown(() => proxy.close());
  const address = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const { host } = new URL(responder.url);
  const about = [
    '--cert',
    scratch.write('leaf.pem', kit.leaf.certificatePem),
    '--issuer',
    scratch.write('ca.pem', kit.ca.certificatePem),
  ];
  const none = { http_proxy: '', HTTP_PROXY: '', https_proxy: '', HTTPS_PROXY: '', no_proxy: '', NO_PROXY: '' };
  const through = { http_proxy: `http://${address}` };
  for (const [env, isUsed] of [
    [{}, false],
    [through, true],
    [{ HTTP_PROXY: address }, true],
    [{ HTTP_PROXY: address, REQUEST_METHOD: 'GET' }, false],
    [{ HTTPS_PROXY: address }, false],
    [{ ...through, no_proxy: '*' }, false],
    [{ ...through, no_proxy: 'example.com, 127.0.0.1' }, false],
    [{ ...through, NO_PROXY: host }, false],
    [{ ...through, no_proxy: '127.0.0.1:9' }, true],
    [{ ...through, no_proxy: '127.0.0.0-127.0.0.9' }, false],
    [{ ...through, no_proxy: '10.0.0.0-10.0.0.9' }, true],
    [{ ...through, no_proxy: '.0.0.1' }, false],
    [{ ...through, no_proxy: '0.0.1' }, true],
  ] as const) {
    seen.length = 0;
    const { status, stderr } = await command(['query', ...about, '--url', responder.url, '--timeout', '120'], {
      env: { ...none, ...env },
    });
    t.is(status, isUsed ? 1 : 0, `${JSON.stringify(env)}: ${stderr}`);
    t.is(seen.length > 0, isUsed, JSON.stringify(env));
    if (isUsed) t.is(seen[0]!.url, responder.url);
    if (isUsed) t.is(seen[0]!.headers.host, host);
  }
  const wrong = await command(['query', ...about, '--url', responder.url, '--proxy', 'socks5://user:s3cret@x/']);
  t.is(wrong.status, 2);
  t.notRegex(wrong.stderr, /s3cret/);
});

test('what is asked by https is asked through the proxy alone; one that hangs up ends the question, and nothing else', async (t) => {
  const first: number[] = [];
  for (const atOnce of [false, true]) {
    const proxy = createServer().on('connect', (_request, socket) => {
      socket.on('error', () => undefined).write('HTTP/1.1 200 OK\r\n\r\n');
      if (atOnce) socket.end();
      else
        socket.once('data', (chunk: Buffer) => {
          first.push(chunk[0] as number);
          socket.destroy();
        });
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    t.teardown(() => proxy.close());
    const { port } = proxy.address() as AddressInfo;
    for (const host of ['responder.invalid', '[2001:db8::1]']) {
      await using client = new OCSPClient({ responders: [`https://${host}/`], proxy: `http://127.0.0.1:${port}` });
      const { attempts } = await client.check(question);
      t.regex(String(attempts[0]?.reason), /disconnected before secure TLS connection/);
    }
  }
  // TLS records of a handshake.
  t.deepEqual(first, [22, 22]);
});
