/** Where the package `pg` is not installed. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { releaseAddon, root } from '../packaging/host.js';

const PROBE = `
  const { migratePostgres, PostgresAuthority } = await import(process.argv[1]);
  // A connection string needs it; loading the sub-path does not.
  const { code, message } = await migratePostgres('postgres:///').catch((error) => error);
  console.log(JSON.stringify({ code, message, loaded: typeof PostgresAuthority }));
`;

test('without pg the sub-path loads, and its first use says what is missing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-no-pg-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['dist', 'package.json']) cpSync(join(root, name), join(folder, name), { recursive: true });
  const entry = pathToFileURL(join(folder, 'dist/postgres/index.js')).href;
  const env = { ...process.env, OPENSSL_OCSP_BINDING: releaseAddon };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', PROBE, entry], { env });
  t.deepEqual(JSON.parse(stdout), {
    code: 'ERR_OCSP_DRIVER_UNAVAILABLE',
    message: 'PostgreSQL needs the package pg: npm install pg',
    loaded: 'function',
  });
});
