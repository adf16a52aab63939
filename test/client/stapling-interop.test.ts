/** Stapling with the programs of others: curl, GnuTLS and OpenSSL against a Stapler; nginx, haproxy and OpenSSL against the guard. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:https';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { FolderCache, OCSPClient, PeerNotAllowedError, Stapler } from 'openssl-ocsp/client';
import {
  buildTestResponse,
  createTestCa,
  type IssueOptions,
  type TestIdentity,
  TestResponder,
} from 'openssl-ocsp/testing';
import { command } from '../helpers/command.js';
import { testIf, withCli } from '../helpers/conditional.js';
import { freePort } from '../helpers/free-port.js';
import { Scratch } from '../helpers/openssl-cli.js';
import { runProgram } from '../helpers/programs.js';

const ca = createTestCa();
const PATIENT = { timeout: 100_000, hedgeAfter: 50_000 };
const [curl, gnutlsCli, gnutlsServ, nginx, haproxy] = [
  '/usr/bin/curl',
  '/usr/bin/gnutls-cli',
  '/usr/bin/gnutls-serv',
  '/usr/sbin/nginx',
  '/usr/sbin/haproxy',
] as const;
const leafOf = (more: IssueOptions = {}) => ca.issue({ subject: 'CN=localhost', dnsNames: ['localhost'], ...more });
const clientOf = ({ url }: TestResponder, more: object = {}) =>
  new OCSPClient({ responders: [url], ...PATIENT, ...more });

function place(t: ExecutionContext): Scratch {
  const scratch = new Scratch();
  t.teardown(() => scratch[Symbol.dispose]());
  return scratch;
}

/** A server with a Stapler, by what the responder says. */
async function stapling(t: ExecutionContext, behaviour: 'good' | 'revoked' | 'unknown', mustStaple: boolean) {
  const responder = await TestResponder.start(ca, { behaviour });
  const client = clientOf(responder);
  const stapler = new Stapler({ client, staple: 'good-or-revoked' });
  const { certificatePem, privateKeyPem } = leafOf({ mustStaple });
  const server = createServer({ cert: certificatePem + ca.certificatePem, key: privateKeyPem }, (_request, response) =>
    response.end('welcome'),
  );
  stapler.attach(server);
  await stapler.ready();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    server.closeAllConnections();
    server.close();
    for (const one of [stapler, client, responder]) await one.close();
  });
  return (server.address() as AddressInfo).port;
}

testIf(existsSync(curl))('curl --cert-status: takes a staple "good", and nothing else', async (t) => {
  const trust = place(t).write('ca.pem', ca.certificatePem);
  for (const [behaviour, expected, words] of [
    ['good', 0, /^$/],
    ['revoked', 91, /revocation reason/],
    ['unknown', 91, /No OCSP response received/],
  ] as const) {
    const port = await stapling(t, behaviour, false);
    const address = ['--connect-to', `localhost:443:127.0.0.1:${port}`, 'https://localhost/'];
    const { status, stdout, stderr } = await runProgram(curl, ['-sS', '--cacert', trust, '--cert-status', ...address]);
    t.is(status, expected, stderr);
    t.regex(stderr, words);
    t.is(stdout, behaviour === 'good' ? 'welcome' : '');
  }
});

testIf(existsSync(gnutlsCli))('GnuTLS: judges the staple, and misses one where the certificate says so', async (t) => {
  const trust = place(t).write('ca.pem', ca.certificatePem);
  for (const [behaviour, mustStaple, expected] of [
    ['good', true, /The certificate is trusted[\s\S]*OCSP status request/],
    ['revoked', false, /NOT trusted. The certificate chain is revoked/],
    ['unknown', true, /NOT trusted.*OCSP status is missing/],
  ] as const) {
    const port = await stapling(t, behaviour, mustStaple);
    const args = ['--x509cafile', trust, '--port', String(port), 'localhost'];
    const child = spawn(gnutlsCli, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk;
    });
    child.stdin.end();
    const [status] = await once(child, 'close');
    t.is(status, behaviour === 'good' ? 0 : 1, printed);
    t.regex(printed, expected);
  }
});

/** Starts a server of others; ends it with the test. */
async function start(t: ExecutionContext, program: string, args: readonly string[], port: number): Promise<void> {
  const child: ChildProcess = spawn(program, args, {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { ...process.env, OPENSSL_CONF: '/dev/null' },
  });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk;
  });
  const ended = once(child, 'close');
  t.teardown(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connectTcp(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (isOpen) return;
    if (child.exitCode !== null) throw new Error(`${program} does not listen: ${errors}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** How a program is made to staple what is in a file. */
type Serve = (t: ExecutionContext, scratch: Scratch, identity: TestIdentity, staple: Buffer) => Promise<number>;

const pemOf = ({ certificatePem, privateKeyPem }: TestIdentity) => ({
  chain: certificatePem + ca.certificatePem,
  key: privateKeyPem,
});

const servers: readonly [name: string, runs: typeof test.skip, serve: Serve][] = [
  [
    'openssl s_server',
    withCli,
    async (t, scratch, identity, staple) => {
      const port = await freePort();
      const { chain, key } = pemOf(identity);
      const issuer = scratch.write('issuer.pem', ca.certificatePem);
      const site = scratch.write('chain.pem', chain);
      const args = ['s_server', '-accept', `127.0.0.1:${port}`, '-cert', site, '-cert_chain', issuer];
      await start(
        t,
        'openssl',
        [...args, '-key', scratch.write('key.pem', key), '-status_file', scratch.write('staple.der', staple), '-quiet'],
        port,
      );
      return port;
    },
  ],
  [
    'gnutls-serv',
    testIf(existsSync(gnutlsServ)),
    async (t, scratch, identity, staple) => {
      const port = await freePort();
      const { chain, key } = pemOf(identity);
      const files = [
        '--x509certfile',
        scratch.write('chain.pem', chain),
        '--x509keyfile',
        scratch.write('key.pem', key),
      ];
      const ocsp = ['--ocsp-response', scratch.write('staple.der', staple), '--ignore-ocsp-response-errors'];
      await start(t, gnutlsServ, ['--port', String(port), '--quiet', ...files, ...ocsp], port);
      return port;
    },
  ],
  [
    'nginx',
    testIf(existsSync(nginx)),
    async (t, scratch, identity, staple) => {
      const port = await freePort();
      const { chain, key } = pemOf(identity);
      const folder = scratch.path('');
      const config = `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log; events {}
http { access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
  uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server { listen 127.0.0.1:${port} ssl; ssl_certificate ${scratch.write('chain.pem', chain)};
    ssl_certificate_key ${scratch.write('key.pem', key)}; ssl_stapling on;
    ssl_stapling_file ${scratch.write('staple.der', staple)}; } }\n`;
      await start(
        t,
        nginx,
        ['-p', folder, '-c', scratch.write('nginx.conf', config), '-e', `${folder}/error.log`],
        port,
      );
      return port;
    },
  ],
  [
    'haproxy',
    testIf(existsSync(haproxy)),
    async (t, scratch, identity, staple) => {
      const port = await freePort();
      const { chain, key } = pemOf(identity);
      const pem = scratch.write('site.pem', chain + key);
      scratch.write('site.pem.ocsp', staple);
      const config = `defaults\n  mode http\n  timeout connect 60s\n  timeout client 1h\n  timeout server 60s
frontend site\n  bind 127.0.0.1:${port} ssl crt ${pem}\n  http-request return status 200\n`;
      await start(t, haproxy, ['-db', '-f', scratch.write('haproxy.cfg', config)], port);
      return port;
    },
  ],
];

const open = (port: number) =>
  connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: ca.certificatePem,
    requestOCSP: true,
  } as ConnectionOptions).on('error', () => undefined);

for (const [name, runs, serve] of servers)
  runs(`${name} staples: guard and query --connect judge it`, async (t) => {
    const scratch = place(t);
    await using responder = await TestResponder.start(ca);
    const site = leafOf({ mustStaple: true, aia: { ocsp: [responder.url] } });
    for (const status of ['good', 'revoked'] as const) {
      const entry = { certificate: site.certificate, issuer: ca.certificate, status };
      const port = await serve(t, scratch, site, buildTestResponse({ entries: [entry], signer: ca }));
      responder.behaviour = status;
      const before = responder.requests.length;
      await using client = clientOf(responder, { failPolicy: 'soft' });
      const socket = open(port);
      if (status === 'good') t.like(await client.guard(socket), { outcome: 'good', source: 'staple', allowed: true });
      else await t.throwsAsync(client.guard(socket), { instanceOf: PeerNotAllowedError, message: /it is revoked/ });
      socket.destroy();
      t.is(responder.requests.length, before);
      const args = ['query', '--connect', `localhost:${port}`, '--timeout', '120', '--json'];
      const result = await command([...args, '--issuer', scratch.write('ca.pem', ca.certificatePem)]);
      t.is(result.status, status === 'good' ? 0 : 3, result.stderr);
      const told = result.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { source: string; verdict: string });
      t.deepEqual(
        told.map(({ source, verdict }) => [source, verdict]),
        [
          ['staple', status],
          ['network', status],
        ],
      );
    }
  });

test('an answer that was kept by SHA-256 is not what is stapled, while there is another', async (t) => {
  const scratch = place(t);
  await using responder = await TestResponder.start(ca);
  const leaf = leafOf();
  const question = { certificate: leaf.certificate, issuer: ca.certificate };
  await using client = clientOf(responder, { cache: { store: new FolderCache(scratch.path('cache')) } });
  t.is((await client.check(question)).attempts.at(-1)!.hashAlgorithm, 'sha256');
  const stapled = async (asking: OCSPClient) => {
    await using stapler = new Stapler({ client: asking });
    const { result, decision } = await stapler.add([leaf.certificate, ca.certificate]);
    t.is(decision, 'stapled');
    return String(result!.verdict!.response!.hashAlgorithm);
  };
  t.is(await stapled(client), 'sha1');
  t.is(responder.requests.length, 2);
  t.is(await stapled(client), 'sha1', 'now it is kept by SHA-1');
  t.is(responder.requests.length, 2);
  // What the stapler likes is not what the responder likes.
  t.is((await client.check(question, { fresh: true })).attempts.at(-1)!.hashAlgorithm, 'sha256');
  // Where no one answers, or the client says otherwise, the one that was kept is better than none.
  responder.behaviour = 503;
  t.is(await stapled(client), 'sha256');
  responder.behaviour = 'good';
  await using strict = clientOf(responder, { hash: 'sha256' });
  t.is(await stapled(strict), 'sha256');
  await t.throwsAsync(client.check(question, { hash: 'md5' as never }), { code: 'ERR_OCSP_UNSUPPORTED_ALGORITHM' });
});
