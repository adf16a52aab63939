/** What docs/responder.md shows works as it is written there; its first section as somebody pastes it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import type { Responder } from 'openssl-ocsp/responder';
import { register } from 'prom-client';
import { checkSchema, SCHEMA } from '#dist/cli/serve/schema.js';
import { testIf, withCli } from '../helpers/conditional.js';
import { docPrograms } from '../helpers/doc-programs.js';
import { freePort } from '../helpers/free-port.js';
import { hasProgram, type ProgramResult, runProgram } from '../helpers/programs.js';
import { ask, makeResponder, TestAuthority } from '../responder/fixtures.js';

const text = readFileSync(new URL('../../../docs/responder.md', import.meta.url), 'utf8');
const [section = ''] = /^## Ten minutes .*?(?=^## )/ms.exec(text) ?? [];
const blocks = (language: string, where: string = section): string[] =>
  [...where.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, name]) => name === language)
    .map(([, , code]) => code as string);

const programs = docPrograms('responder.md');
const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

/** A configuration as CAs have it: a policy that wants a country, and no section for responders. */
const CA_CNF = `[ ca ]
default_ca = own
[ own ]
database = index.txt
serial = serial
new_certs_dir = certs
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 30
policy = strict
[ strict ]
countryName = match
commonName = supplied
`;

interface Folder {
  readonly path: string;
  readonly env: Record<string, string>;
  /** Runs what was pasted into a shell. */
  paste(lines: string): Promise<ProgramResult>;
}

function folderOf(t: ExecutionContext): Folder {
  const path = mkdtempSync(join(tmpdir(), 'openssl-ocsp-ten-minutes-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  mkdirSync(join(path, 'certs'));
  writeFileSync(join(path, 'ca.cnf'), CA_CNF);
  writeFileSync(join(path, 'index.txt'), '');
  writeFileSync(join(path, 'serial'), '1000\n');
  writeFileSync(join(path, 'openssl-ocsp'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  chmodSync(join(path, 'openssl-ocsp'), 0o755);
  const env = { PATH: `${path}${delimiter}${process.env['PATH']}` };
  // (For `openssl req`, as the machine's own would be.)
  writeFileSync(join(path, 'req.cnf'), '[ req ]\ndistinguished_name = dn\n[ dn ]\n');
  const all = { ...env, OPENSSL_CONF: join(path, 'req.cnf') };
  return { path, env, paste: (lines) => runProgram('sh', ['-e', '-c', `cd '${path}'\n${lines}`], all) };
}

const MAKE_CA =
  'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /C=DE/CN=Root -days 30';

withCli('ten minutes from an openssl ca folder', async (t) => {
  t.timeout(300_000);
  const { path, env, paste } = folderOf(t);
  const made = await paste(MAKE_CA);
  t.is(made.status, 0, made.stderr);
  const [delegate = '', serve = ''] = blocks('sh');
  const signed = await paste(delegate);
  t.is(signed.status, 0, signed.stderr);
  const [check = '', listen = ''] = serve.trim().split('\n');
  const checked = await paste(check);
  t.is(checked.status, 0, checked.stderr);
  t.regex(checked.stdout, /CN=OCSP responder, until .*, signs\n$/);

  const [port, admin] = [await freePort(), await freePort()];
  const command = listen.replace(':8080', `127.0.0.1:${port}`).replace(':9090', `:${admin}`);
  const child = spawn('sh', ['-c', `exec ${command}`], {
    cwd: path,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const query = await paste(`${line}`);
  t.is(query.status, 0, query.stdout + query.stderr);
  const revoked = await paste('openssl ca -config ca.cnf -revoke certs/1000.pem');
  t.is(revoked.status, 0, revoked.stderr);
  while (!/revoked/.test((await paste(`${line}`)).stdout)) await new Promise((resolve) => setTimeout(resolve, 100));
  child.kill('SIGTERM');
  const [status] = (await once(child, 'close')) as [number];
  t.is(status, 0);
});

test('metrics.mjs: the numbers of a responder in prom-client', async (t) => {
  const { watch } = await programs.load<{ watch(responder: Responder): void }>('metrics.mjs');
  const authority = new TestAuthority();
  const responder = makeResponder(t, { authority });
  watch(responder);
  await responder.answer(ask(['1001']));
  await responder.answer(ask(['1001']));
  await responder.answer(ask(['1002']));
  await makeResponder(t).answer(ask(['1001'])); // another one
  const text = await register.metrics();
  t.regex(text, /^ocsp_signatures_total\{issuer="CN=Responder CA"\} 2$/m);
  t.regex(text, /^ocsp_ready 1$/m);
  t.regex(text, /^ocsp_feed_lag_seconds\{issuer="CN=Responder CA"\} 0$/m);
  authority.lagging = 60_000;
  const late = await register.metrics();
  t.regex(late, /^ocsp_ready 0$/m);
  t.regex(late, /^ocsp_feed_lag_seconds\{issuer="CN=Responder CA"\} 60$/m);
});

test('the configurations are what the command takes', (t) => {
  const configs = blocks('json', text);
  t.is(configs.length, 2);
  for (const config of configs) t.notThrows(() => checkSchema(JSON.parse(config), SCHEMA));
});

testIf(hasProgram('systemd-analyze'))('the service is one that systemd takes', async (t) => {
  const { path } = folderOf(t);
  const [unit = '', ...others] = blocks('ini');
  t.deepEqual(others, []);
  const file = join(path, 'ocsp.service');
  writeFileSync(file, unit.replace('/usr/bin/openssl-ocsp', join(path, 'openssl-ocsp')).replace('User=ocsp\n', ''));
  const { status, stdout, stderr } = await runProgram('systemd-analyze', ['verify', '--man=no', file]);
  t.is(status, 0, stdout + stderr);
  t.notRegex(stdout + stderr, /ocsp\.service:/);
});
