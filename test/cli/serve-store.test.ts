/** `openssl-ocsp serve` over a store to which the worst happens. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createTestCa } from 'openssl-ocsp/testing';
import { command } from '../helpers/command.js';
import { freePort } from '../helpers/free-port.js';
import { ask, statusIn } from '../responder/fixtures.js';
import { basic, ca, folder, get, post, type Served, start } from './serve-process.js';

const sha1 = (serial: string): Buffer => ask([serial], { issuer: ca, hash: 'sha1' });

interface Serving {
  readonly store: string;
  readonly admin: number;
  readonly served: Served;
  statusOf(serial: string): Promise<string>;
}

async function serving(t: ExecutionContext): Promise<Serving> {
  const at = folder(t);
  const store = at('store');
  const signed = await command(['bulk-sign', ...basic(at), '--out', store]);
  t.is(signed.status, 0, signed.stderr);
  const port = await freePort();
  const admin = await freePort();
  const addresses = ['--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${admin}`];
  const served = await start(t, [...basic(at), '--store', store, ...addresses]);
  t.is((await get(admin, '/readyz')).status, 200);
  const statusOf = async (serial: string): Promise<string> => {
    const request = sha1(serial);
    return statusIn(await post({ port }, request), request, ca);
  };
  return { store, admin, served, statusOf };
}

/** Every file of at least some bytes, the segments among them. */
function filesOf(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .map((name) => join(path, name))
    .filter((file) => statSync(file).isFile());
}

async function isHonest(t: ExecutionContext, { admin, served, statusOf }: Serving): Promise<void> {
  // What the list knows to be revoked is; all else may be revoked by what can no longer be read.
  t.is(await statusOf('1002'), 'revoked');
  t.is(await statusOf('1001'), 'TRY_LATER');
  t.is((await served.event('store'))['level'], 'error');
  const { status, body } = await get(admin, '/readyz');
  t.is(status, 503);
  t.regex(body, /the store cannot be read/);
  t.is(await served.end(), 0);
}

test('every byte of the segments is damaged', async (t) => {
  const all = await serving(t);
  for (const file of filesOf(all.store)) {
    const bytes = readFileSync(file);
    if (!/MANIFEST|LOCK/i.test(file))
      writeFileSync(
        file,
        bytes.map((byte) => byte ^ 0x55),
      );
  }
  await isHonest(t, all);
});

test('the store is removed', async (t) => {
  const all = await serving(t);
  rmSync(all.store, { recursive: true });
  // It is looked at each half a second.
  while ((await all.statusOf('1001')) === 'good') await new Promise((resolve) => setTimeout(resolve, 50));
  await isHonest(t, all);
});

test('a store that is not there at the start is an error: it may hold a revocation', async (t) => {
  const at = folder(t);
  mkdirSync(at('empty'));
  for (const [name, message] of [
    ['mistyped', /cannot read .*mistyped: no such folder/],
    ['empty', /there is no store in .*empty/],
  ] as const)
    for (const args of [[...basic(at), '--check'], basic(at), ['--issuer', at('ca.pem')]]) {
      const { status, stderr } = await command(['serve', ...args, '--store', at(name)]);
      t.is(status, 1);
      t.regex(stderr, message);
    }
  t.deepEqual([existsSync(at('mistyped')), readdirSync(at('empty'))], [false, []]);
});

test('a store of another CA is an error, an empty one is none', async (t) => {
  const at = folder(t);
  const other = createTestCa({ subject: 'CN=Other' });
  writeFileSync(at('other.pem'), other.certificatePem);
  writeFileSync(at('other.key'), other.privateKeyPem);
  const of = ['--issuer', at('other.pem'), '--signer', at('other.pem'), '--key', at('other.key')];
  t.is((await command(['bulk-sign', ...of, '--index', at('index.txt'), '--out', at('theirs')])).status, 0);
  for (const args of [basic(at), ['--issuer', at('ca.pem')]]) {
    const { status, stderr } = await command(['serve', ...args, '--check', '--store', at('theirs')]);
    t.is(status, 1);
    t.regex(stderr, /the store .*theirs has answers of another CA than CN=/);
  }
  t.is((await command(['serve', ...of, '--check', '--store', at('theirs')])).status, 0);
  writeFileSync(at('none.csv'), 'serial,status\n');
  t.is((await command(['bulk-sign', ...of, '--csv', at('none.csv'), '--out', at('new')])).status, 0);
  t.is((await command(['serve', ...of, '--check', '--store', at('new')])).status, 0);
  // A nonce is in no answer that was signed before.
  const nonced = await command(['serve', ...of.slice(0, 2), '--check', '--store', at('new'), '--nonce', 'required']);
  t.is(nonced.status, 2);
  t.regex(nonced.stderr, /nonce required goes with signers/);
});

test('a store that is removed makes it unready, also when no one asks', async (t) => {
  const { store, admin, served } = await serving(t);
  rmSync(store, { recursive: true });
  while ((await get(admin, '/readyz')).status !== 503) await new Promise((resolve) => setTimeout(resolve, 50));
  t.is((await get(admin, '/healthz')).status, 200);
  t.is(await served.end(), 0);
});
