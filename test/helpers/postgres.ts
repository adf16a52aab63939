/** A PostgreSQL server of the test's own, gone when the test file ends; and PgBouncer before it. */
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { testIf } from './conditional.js';
import { tied } from './lifeline.js';
import { hasPostgres, PostgresServer, postgresUser, runSql } from './postgres-server.js';

if (!hasPostgres)
  console.log(
    'Skipped: what needs a PostgreSQL server (Debian: apt-get install postgresql; as root, its user postgres).',
  );

/** For tests that need a server. */
export const withPostgres: typeof test.skip = testIf(hasPostgres);

/** The server of a test file: started before its first test, removed after its last. */
export function postgresForFile(): { readonly server: PostgresServer } {
  const holder: { server?: PostgresServer } = {};
  if (hasPostgres) {
    test.before(async (t) => {
      t.timeout(120_000);
      holder.server = await PostgresServer.start();
    });
    test.after.always(() => holder.server?.remove());
  }
  return holder as { readonly server: PostgresServer };
}

/** PgBouncer in transaction mode in front of a server: connection strings through it, and how to end it. */
export async function startPgbouncer(server: PostgresServer): Promise<{ url(name: string): string; stop(): void }> {
  const port = 6432;
  const ini = join(server.folder, 'pgbouncer.ini');
  writeFileSync(join(server.folder, 'users.txt'), '"postgres" ""\n');
  writeFileSync(
    ini,
    `[databases]\n* = host=${server.folder}\n[pgbouncer]\nlisten_addr =\nlisten_port = ${port}\nunix_socket_dir = ${server.folder}
pool_mode = transaction\nauth_type = trust\nauth_file = ${join(server.folder, 'users.txt')}\ndefault_pool_size = 3\nmax_client_conn = 200
logfile = ${join(server.folder, 'pgbouncer.log')}\n`,
  );
  const how = { ...postgresUser, cwd: '/', stdio: 'ignore' } as const;
  const child = tied(spawn('pgbouncer', [ini], how), server.folder);
  const url = (name: string): string => `${server.url(name)}&port=${port}`;
  for (;;) {
    try {
      await runSql(url('postgres'), 'SELECT 1');
      return { url, stop: () => void child.kill('SIGKILL') };
    } catch (error) {
      if (child.exitCode !== null || child.signalCode !== null) throw error;
      await sleep(50);
    }
  }
}

const bouncer = spawnSync('pgbouncer', ['--version']).status === 0;
if (hasPostgres && !bouncer) console.log('Skipped: what needs PgBouncer (Debian: apt-get install pgbouncer).');

/** For tests that need PgBouncer, too. */
export const withPgbouncer: typeof test.skip = testIf(hasPostgres && bouncer);
