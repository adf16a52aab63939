/** Real proxies in front: what they do to the path of a GET, and what clients get through them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { ExecutionContext } from 'ava';
import { loadDerOcspResponse, OCSPResponseStatus } from 'openssl-ocsp';
import { testIf } from '../helpers/conditional.js';
import { freePort } from '../helpers/free-port.js';
import { ask, ca, listen, makeResponder, statusIn, TestAuthority } from './fixtures.js';

const NGINX = '/usr/sbin/nginx';
const APACHE = '/usr/sbin/apache2';
const HAPROXY = '/usr/sbin/haproxy';
const MODULES = '/usr/lib/apache2/modules';
const withNginx = testIf(existsSync(NGINX));
const withHaproxy = testIf(existsSync(HAPROXY));
const withApache = testIf(existsSync(APACHE));

/** Starts a program that listens; ends it with the test. */
async function start(t: ExecutionContext, program: string, args: readonly string[], port: number): Promise<void> {
  const child: ChildProcess = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk;
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  t.teardown(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  for (let i = 0; ; i += 1) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return;
    if (child.exitCode !== null || i > 600) throw new Error(`${program} does not listen: ${errors}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function scratch(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-proxy-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function nginx(t: ExecutionContext, server: string): Promise<number> {
  const folder = scratch(t);
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events {}
http { access_log off; ${temporary.join(' ')}
  server { listen 127.0.0.1:${port}${server.includes('ssl_certificate') ? ' ssl' : ''}; ${server} } }\n`,
  );
  await start(t, NGINX, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], port);
  return port;
}

async function apache(t: ExecutionContext, directives: string): Promise<number> {
  const folder = scratch(t);
  const port = await freePort();
  mkdirSync(join(folder, 'run'));
  const modules = ['mpm_event', 'authz_core', 'proxy', 'proxy_http'];
  const load = modules.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`);
  writeFileSync(
    join(folder, 'apache.conf'),
    `ServerRoot ${folder}\nServerName localhost\nPidFile ${folder}/run/pid\nDefaultRuntimeDir ${folder}/run\nMutex file:${folder}/run default\n` +
      `ErrorLog ${folder}/error.log\nListen 127.0.0.1:${port}\n${load.join('\n')}\nUser www-data\nGroup www-data\nAllowEncodedSlashes NoDecode\n${directives}\n`,
  );
  await start(t, APACHE, ['-DFOREGROUND', '-f', join(folder, 'apache.conf')], port);
  return port;
}

/** Sends a target as it is, and gives the status and the body. */
function get(port: number, target: string): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('close', () => {
      const all = Buffer.concat(chunks);
      const end = all.indexOf('\r\n\r\n');
      resolve({ status: Number(all.toString('latin1', 9, 12)), body: all.subarray(end + 4) });
    });
    socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  });
}

/** What a TLS server staples; null for nothing. */
function stapleOf(port: number): Promise<Buffer | null> {
  // (Node's types do not know that clients ask, too.)
  const options = {
    port,
    host: '127.0.0.1',
    ca: ca.certificatePem,
    requestOCSP: true,
    rejectUnauthorized: false,
  } as ConnectionOptions;
  return new Promise((resolve, reject) => {
    const socket = connectTls(options);
    socket.on('OCSPResponse', (response) => {
      resolve(response);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/** Requests whose base64 has two slashes side by side, a plus and padding, or not. */
const requests = ((): Buffer[] => {
  const found: Buffer[] = [];
  for (let i = 0; found.length < 3; i += 1) {
    const der = ask([BigInt(i) + 0x10000n], { hash: 'sha1' });
    const text = der.toString('base64');
    if (found.length === 0 ? text.includes('//') : text.includes('+') && !text.includes('//')) found.push(der);
  }
  return found;
})();

const SPELLINGS: readonly [name: string, spell: (base64: string) => string][] = [
  ['encoded', encodeURIComponent],
  ['as it is', (text) => text],
  ['as it is, without padding', (text) => text.replace(/=+$/, '')],
  ['base64url', (text) => text.replaceAll('+', '-').replaceAll('/', '_')],
];

/** Through a proxy that hands the target on as it came, every spelling arrives. */
async function arrives(t: ExecutionContext, port: number): Promise<void> {
  for (const der of requests)
    for (const [name, spell] of SPELLINGS) {
      const { status, body } = await get(port, `/${spell(der.toString('base64'))}`);
      t.is(status, 200, name);
      t.is(loadDerOcspResponse(body).responseStatus, OCSPResponseStatus.SUCCESSFUL, name);
      t.is(statusIn(body, der), 'good', name);
    }
}

const serving = async (t: ExecutionContext) => {
  const authority = { lookup: ({ serialNumber }: { serialNumber: string }) => ({ serialNumber, status: 0 }) };
  const responder = makeResponder(t, { authority });
  return { responder, ...(await listen(t, responder)) };
};

withNginx('nginx that hands the target on as it came', async (t) => {
  const { url } = await serving(t);
  await arrives(t, await nginx(t, `location / { proxy_pass ${url}; }`));
});

withNginx('nginx that rewrites: what it has decoded arrives, what it has merged is counted', async (t) => {
  const { url, responder } = await serving(t);
  // With a path behind the port nginx sends what it made of the target: decoded, and with slashes merged.
  const rewriting = await nginx(t, `location / { proxy_pass ${url}/; }`);
  const [merged, ...others] = requests as [Buffer, ...Buffer[]];
  for (const der of others)
    for (const [name, spell] of SPELLINGS)
      t.is(statusIn((await get(rewriting, `/${spell(der.toString('base64'))}`)).body, der), 'good', name);
  const { body } = await get(rewriting, `/${merged.toString('base64')}`);
  t.is(loadDerOcspResponse(body).responseStatus, OCSPResponseStatus.MALFORMED_REQUEST);
  t.true(responder.health().answers.pathMerged > 0);
  await arrives(t, await nginx(t, `merge_slashes off; location / { proxy_pass ${url}/; }`));
});

withApache('Apache that hands the target on, and one that encodes it again', async (t) => {
  const { url, responder } = await serving(t);
  await arrives(t, await apache(t, `MergeSlashes Off\nProxyPass / ${url}/ nocanon`));
  const rewriting = await apache(t, `MergeSlashes Off\nProxyPass / ${url}/`);
  const [, ...others] = requests;
  for (const der of others)
    for (const [name, spell] of SPELLINGS)
      t.is(statusIn((await get(rewriting, `/${spell(der.toString('base64'))}`)).body, der), 'good', name);
  const merging = await apache(t, `ProxyPass / ${url}/ nocanon`);
  for (const der of others)
    t.is(statusIn((await get(merging, `/${encodeURIComponent(der.toString('base64'))}`)).body, der), 'good');
  t.true(responder.health().answers.total > 0);
});

withNginx('nginx staples what the responder answers', async (t) => {
  const responder = makeResponder(t, { authority: new TestAuthority([{ serialNumber: '4242', status: 0 }]) });
  const { url } = await listen(t, responder);
  const leaf = ca.issue({
    serialNumber: 0x4242n,
    aia: { ocsp: url },
    dnsNames: ['localhost'],
  });
  const folder = scratch(t);
  writeFileSync(join(folder, 'cert.pem'), leaf.certificatePem + ca.certificatePem);
  writeFileSync(join(folder, 'key.pem'), leaf.privateKeyPem);
  writeFileSync(join(folder, 'ca.pem'), ca.certificatePem);
  const at = (name: string): string => join(folder, name);
  const port = await nginx(
    t,
    `ssl_certificate ${at('cert.pem')}; ssl_certificate_key ${at('key.pem')}; ssl_stapling on; ssl_stapling_verify on; ` +
      `ssl_trusted_certificate ${at('ca.pem')}; location / { return 204; }`,
  );
  const staple = (): Promise<Buffer | null> => stapleOf(port);
  // The first handshake makes nginx ask.
  let stapled = await staple();
  for (let i = 0; i < 300 && stapled === null; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    stapled = await staple();
  }
  t.is(statusIn(stapled as Buffer, ask(['4242'], { hash: 'sha1' })), 'good');
});

withHaproxy('haproxy staples the answers that it is given over its socket', async (t) => {
  const authority = new TestAuthority([{ serialNumber: '4343', status: 0 }]);
  const { url } = await listen(t, makeResponder(t, { authority }));
  const request = ask(['4343'], { hash: 'sha1' });
  const askAt = async (address: string): Promise<Buffer> => {
    const response = await fetch(address, { method: 'POST', body: request });
    return Buffer.from(await response.arrayBuffer());
  };
  const first = await askAt(url);
  const leaf = ca.issue({ serialNumber: 0x4343n, dnsNames: ['localhost'] });
  const folder = scratch(t);
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('site.pem'), leaf.certificatePem + ca.certificatePem + leaf.privateKeyPem);
  writeFileSync(at('site.pem.ocsp'), first);
  const port = await freePort();
  writeFileSync(
    at('haproxy.cfg'),
    `global\n  stats socket ${at('admin')} level admin
defaults\n  mode http\n  timeout connect 60s\n  timeout client 1h\n  timeout server 60s
frontend site\n  bind 127.0.0.1:${port} ssl crt ${at('site.pem')}\n  http-request return status 200\n`,
  );
  await start(t, HAPROXY, ['-db', '-f', at('haproxy.cfg')], port);
  const give = (der: Buffer): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(at('admin'));
      let said = '';
      socket.on('data', (chunk) => {
        said += chunk;
      });
      socket.on('error', reject).on('close', () => resolve(said.trim()));
      socket.end(`set ssl ocsp-response ${der.toString('base64')}\n`);
    });
  t.deepEqual(await stapleOf(port), first);
  // Another responder over the list signs an answer of its own.
  authority.set({ serialNumber: '4343', status: 0, thisUpdate: new Date(Date.now() - 60_000) });
  const { url: other } = await listen(t, makeResponder(t, { authority }));
  const second = await askAt(other);
  t.notDeepEqual(second, first);
  t.is(await give(second), 'OCSP Response updated!');
  t.deepEqual(await stapleOf(port), second);
  const { url: late } = await listen(
    t,
    makeResponder(t, {
      authority: new TestAuthority([{ serialNumber: '4343', status: 1, revocationTime: new Date('2026-01-02') }]),
    }),
  );
  const revoked = await askAt(late);
  t.is(statusIn(revoked, request), 'revoked');
  t.is(await give(revoked), 'OCSP Response updated!');
  t.deepEqual(await stapleOf(port), revoked);
});
