import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { Verdict } from 'openssl-ocsp';
import { TestResponder, TestResponseKit } from 'openssl-ocsp/testing';
import { askAgainAt, WATCH_AFTER_FAILURE } from '#dist/cli/watch.js';
import { type CommandResult, command } from '../helpers/command.js';
import { Scratch } from '../helpers/openssl-cli.js';

const kit = new TestResponseKit();
const query = (...args: readonly string[]): Promise<CommandResult> => command(['query', '--timeout', '120', ...args]);
const issue = (subject: string, ...ocsp: string[]) =>
  kit.ca.issue({ subject, ...(ocsp.length > 0 && { aia: { ocsp } }) });

function place(t: ExecutionContext): { scratch: Scratch; issuer: string[] } {
  const scratch = new Scratch();
  t.teardown(() => scratch[Symbol.dispose]());
  return { scratch, issuer: ['--issuer', scratch.write('ca.pem', kit.ca.certificatePem)] };
}

test('several certificates: all are told, the worst counts', async (t) => {
  const { scratch, issuer } = place(t);
  await using responder = await TestResponder.start(kit.ca);
  const args = ['good', 'revoked', 'unknown', 'unauthorized', 'gone'].map((status) => {
    const identity = issue(`CN=${status}`);
    responder.setStatus(identity.certificate.serialNumber, status as 'good');
    return ['--cert', scratch.write(`${status}.pem`, identity.certificatePem)];
  });
  const [good, revoked, unknown, refused] = args as [string[], string[], string[], string[]];
  const url = [...issuer, '--url', responder.url];
  for (const [certificates, expected] of [
    [[...good, ...good], 0],
    [[...good, ...revoked, ...unknown], 3],
    [[...good, ...unknown], 4],
    [[...unknown, ...refused, ...good], 5],
  ] as const) {
    const { status, stdout, stderr } = await query(...certificates, ...url, '--json');
    t.is(status, expected, stderr);
    t.is(stdout.trim().split('\n').length, certificates.length / 2);
  }
  const text = await query(...good, ...revoked, ...url);
  t.regex(text.stdout, /^CN=good, [\s\S]*=> good[^\n]*\n\nCN=revoked, [\s\S]*=> revoked/);
  responder.behaviour = (request) =>
    request.serialNumber === BigInt(`0x${kit.leaf.certificate.serialNumber}`) ? 'gone' : 'good';
  const half = await query('--cert', scratch.write('leaf.pem', kit.leaf.certificatePem), ...good, ...url);
  t.is(half.status, 1);
  t.regex(half.stdout, /=> good/);
  t.is((await query(...good, ...revoked, ...url, '--out', scratch.path('x'))).status, 2);
});

test('an HTTP error leads to SHA-1, a GET that is not taken to POST, a useless answer to the next responder', async (t) => {
  const { scratch, issuer } = place(t);
  await using responder = await TestResponder.start(kit.ca);
  const leaf = ['--cert', scratch.write('leaf.pem', kit.leaf.certificatePem), ...issuer];
  for (const status of [400, 404, 500] as const) {
    responder.behaviour = ({ hashAlgorithm }) => (hashAlgorithm === 'sha256' ? status : 'good');
    const result = await query(...leaf, '--url', responder.url, '--json');
    t.is(result.status, 0, result.stderr);
    t.like(JSON.parse(result.stdout), { hash: 'sha1', method: 'POST', source: 'network' });
  }
  for (const status of [400, 405, 414, 'silent'] as const) {
    responder.behaviour = ({ method }) => (method === 'GET' ? status : 'good');
    const result = await query(...leaf, '--url', responder.url, '--get', '--json');
    t.is(result.status, 0, result.stderr);
    t.like(JSON.parse(result.stdout), { hash: 'sha256', method: 'POST' });
  }
  await using good = await TestResponder.start(kit.ca);
  const named = [
    '--cert',
    scratch.write('named.pem', issue('CN=named', responder.url, good.url).certificatePem),
    ...issuer,
  ];
  for (const behaviour of [
    'text',
    'empty',
    'expired',
    'internalError',
    'switching-protocols',
    'wrong-type',
    503,
    'bare-lf',
  ] as const) {
    responder.behaviour = behaviour;
    const before = good.requests.length;
    const result = await query(...named);
    t.is(result.status, 0, `${behaviour}: ${result.stderr}`);
    t.is(good.requests.length > before, behaviour !== 'bare-lf', String(behaviour));
  }
});

test('user names and passwords in URLs are not shown, whatever comes', async (t) => {
  const { scratch, issuer } = place(t);
  await using responder = await TestResponder.start(kit.ca);
  const url = responder.url.replace('//', '//user:s3cret@');
  const leaf = ['--cert', scratch.write('leaf.pem', kit.leaf.certificatePem), ...issuer];
  const named = ['--cert', scratch.write('named.pem', issue('CN=named', url).certificatePem), ...issuer];
  for (const behaviour of ['good', 503, 'redirect-loop', 'wrong-type', 'gone'] as const) {
    responder.behaviour = behaviour;
    for (const args of [[...leaf, '--url', url], [...leaf, '--url', url, '--json'], named]) {
      const { stdout, stderr } = await query(...args);
      t.notRegex(stdout + stderr, /s3cret/);
    }
  }
  const { status, stderr } = await query(...leaf, '--url', 'ftp://user:s3cret@x/');
  t.is(status, 2);
  t.notRegex(stderr, /s3cret/);
});

test('a live server, with its staple and without', async (t) => {
  const { scratch, issuer } = place(t);
  await using responder = await TestResponder.start(kit.ca);
  const site = kit.ca.issue({ subject: 'CN=localhost', dnsNames: ['localhost'], aia: { ocsp: [responder.url] } });
  let staple: Buffer | null = null;
  const server = createServer(
    { cert: site.certificatePem + kit.ca.certificatePem, key: site.privateKeyPem },
    (socket) => {
      socket.on('error', () => {});
      socket.end();
    },
  );
  server.on('OCSPRequest', (_certificate, _issuer, callback: (error: null, der: Buffer | null) => void) =>
    callback(null, staple),
  );
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const connect = ['--connect', `localhost:${(server.address() as AddressInfo).port}`];

  const without = await query(...connect);
  t.is(without.status, 0, without.stderr);
  t.regex(without.stderr, /staples nothing/);
  t.regex(without.stderr, /the issuer CN=Test CA comes from what localhost:\d+ shows and is taken as it is/);
  staple = kit.respond(kit.entry({ certificate: site.certificate }));
  const good = await query(...connect, ...issuer);
  t.is(good.status, 0, good.stderr);
  t.regex(good.stdout, /^Stapled:\n[\s\S]*=> good[\s\S]*\nAsked:\n[\s\S]*=> good/);
  const json = await query(...connect, '--json', '--trust', scratch.write('root.pem', kit.root.certificatePem));
  t.deepEqual(
    json.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { source: string }).source),
    ['staple', 'network'],
  );
  const other = await query(...connect, '--issuer', scratch.write('other.pem', kit.root.certificatePem));
  t.is(other.status, 1, 'an issuer that is named is meant, whatever the server shows');
  t.is(other.stdout, '');
  t.regex(other.stderr, /localhost:\d+: CN=localhost was not issued by what --issuer names/);
  responder.behaviour = 'revoked';
  t.is((await query(...connect)).status, 3, 'the responder knows more than the staple');
  responder.behaviour = 'good';
  staple = kit.respond(kit.entry({ certificate: site.certificate }), { breakSignature: true });
  const broken = await query(...connect);
  t.is(broken.status, 5, 'a staple that is refused is not made good by the responder');
  // What is stapled counts also where the responder says nothing.
  responder.behaviour = 503;
  t.is((await query(...connect)).status, 5);
  staple = kit.respond(kit.entry({ certificate: site.certificate, status: 'revoked' }));
  const silent = await query(...connect, '--out', scratch.path('staple'));
  t.is(silent.status, 3, silent.stderr);
  t.regex(silent.stderr, /^openssl-ocsp query: .*503/m);
  t.deepEqual(readFileSync(scratch.path('staple')), staple);
  staple = kit.respond(kit.entry({ certificate: site.certificate }));
  t.is((await query(...connect)).status, 1);
  responder.behaviour = 'good';
  // No one has asked for what is stapled by a nonce.
  const nonced = await query(...connect, '--nonce', '--nonce-policy', 'required');
  t.is(nonced.status, 0, nonced.stderr);
  staple = kit.respond(kit.entry({ certificate: site.certificate }), { breakSignature: true });
  for (const [target, expected] of [
    ['', 2],
    ['host:port', 2],
    ['localhost:0', 2],
    ['127.0.0.1:9', 1],
  ] as const) {
    t.is((await query('--connect', target)).status, expected, target);
  }
});

test('a server that is away is told of, and keeps nothing from the others; with --watch it is looked at again', async (t) => {
  const { issuer } = place(t);
  await using responder = await TestResponder.start(kit.ca, {
    // Half of its time is over, so it is time at once.
    entry: { thisUpdate: new Date(Date.now() - 10_000), nextUpdate: new Date(Date.now() + 4000) },
  });
  const site = (subject: string) => kit.ca.issue({ subject, dnsNames: ['localhost'], aia: { ocsp: [responder.url] } });
  const tlsOf = ({ certificatePem, privateKeyPem }: ReturnType<typeof site>) => ({
    cert: certificatePem + kit.ca.certificatePem,
    key: privateKeyPem,
  });
  const server = createServer(tlsOf(site('CN=old')), (socket) => socket.on('error', () => {}).resume());
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const connect = ['--connect', `localhost:${(server.address() as AddressInfo).port}`];
  const away = await query('--connect', '127.0.0.1:9', ...connect, ...issuer);
  t.is(away.status, 1);
  t.regex(away.stderr, /127\.0\.0\.1:9: .*ECONNREFUSED/);
  t.regex(away.stdout, /^\n?CN=old[\s\S]*=> good/);

  const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, 'query', ...connect, ...issuer, '--watch', '--timeout', '120']);
  t.teardown(() => child.kill());
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (/CN=old[\s\S]*=> good/.test(output)) server.setSecureContext(tlsOf(site('CN=new')));
      if (/CN=new[\s\S]*=> good/.test(output)) resolve();
    });
    child.on('close', () => reject(new Error(output)));
  });
  t.pass();
});

test('a cache', async (t) => {
  const { scratch, issuer } = place(t);
  await using responder = await TestResponder.start(kit.ca);
  const args = [
    '--cert',
    scratch.write('leaf.pem', kit.leaf.certificatePem),
    ...issuer,
    '--url',
    responder.url,
    '--cache',
    scratch.path('cache'),
  ];
  t.is((await query(...args)).status, 0);
  responder.behaviour = 'revoked';
  const second = await query(...args);
  t.is(second.status, 0);
  t.regex(second.stderr, /the answer comes from the cache/);
  t.is(responder.requests.length, 1);
  t.is(readdirSync(scratch.path('cache')).length, 1);
});

test('it watches until it is ended, and asks when it is time', async (t) => {
  const { scratch, issuer } = place(t);
  const now = Math.floor(Date.now() / 1000) * 1000;
  await using responder = await TestResponder.start(kit.ca, {
    behaviour: ({ at }) => (at - now > 0 && responder.requests.length > 1 ? 'revoked' : 'good'),
    // Half of its time is over, so it is time at once; clocks may differ by more than that.
    entry: { thisUpdate: new Date(now - 10_000), nextUpdate: new Date(now + 4000) },
  });
  const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
  const leaf = scratch.write('leaf.pem', kit.leaf.certificatePem);
  const child = spawn(process.execPath, [
    main,
    'query',
    '--cert',
    leaf,
    ...issuer,
    '--url',
    responder.url,
    '--watch',
    '--timeout',
    '120',
  ]);
  let output = '';
  const isRevoked = new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('=> revoked')) resolve();
    });
    child.on('close', () => reject(new Error(output)));
  });
  t.teardown(() => child.kill());
  await isRevoked;
  t.true(responder.requests.length >= 2);
});

test('it watches what a server staples whose certificate names no responder', async (t) => {
  const { issuer } = place(t);
  const site = kit.ca.issue({ subject: 'CN=site', dnsNames: ['localhost'] });
  const server = createServer(
    { cert: site.certificatePem + kit.ca.certificatePem, key: site.privateKeyPem },
    (socket) => socket.on('error', () => {}).resume(),
  );
  let status: 'good' | 'revoked' = 'good';
  server.on('OCSPRequest', (_certificate, _issuer, callback) => {
    const times = { thisUpdate: new Date(Date.now() - 10_000), nextUpdate: new Date(Date.now() + 4000) };
    callback(null, kit.respond(kit.entry({ certificate: site.certificate, status, ...times })));
    status = 'revoked';
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
  const args = ['query', '--connect', `localhost:${port}`, ...issuer, '--watch', '--timeout', '120'];
  const child = spawn(process.execPath, [main, ...args]);
  t.teardown(() => child.kill());
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (/=> good[\s\S]*=> revoked/.test(output)) resolve();
    });
    child.on('close', () => reject(new Error(output)));
  });
  t.pass();
});

test('the moment to ask again: at half of the time, and past that the sooner the less is left', (t) => {
  const now = Date.parse('2026-11-30T12:00:00Z');
  const again = (refreshAt: number, freshUntil: number) =>
    askAgainAt({ refreshAt: new Date(now + refreshAt), freshUntil: new Date(now + freshUntil) } as Verdict, now) - now;
  const hour = 3_600_000;
  t.is(again(hour, 3 * hour), hour);
  t.is(again(-12 * hour, 72 * hour), 9 * hour, 'an answer that was signed in advance: not each second');
  t.is(again(-hour, 8000), 1000);
  t.is(askAgainAt({ refreshAt: null, freshUntil: null } as unknown as Verdict, now), now + WATCH_AFTER_FAILURE);
});
