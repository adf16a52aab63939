/** A PostgreSQL server in a temporary folder, on a Unix socket: for tests and benchmarks. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { migratePostgres } from 'openssl-ocsp/postgres';
import pg from 'pg';
import { tied } from './lifeline.js';

/** Where Debian has the programs of the server, the newest version first. */
const DEBIAN = '/usr/lib/postgresql';
const folders = existsSync(DEBIAN)
  ? readdirSync(DEBIAN)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(DEBIAN, version, 'bin'))
  : [];
const programs = [...folders, '/usr/local/bin', '/usr/bin'].find((folder) => existsSync(join(folder, 'initdb')));

/** The server refuses to run as root. */
export const postgresUser: Owner | Record<string, never> | undefined =
  process.getuid?.() === 0 ? ownerOf('postgres') : {};

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

function ownerOf(name: string): Owner | undefined {
  const { status, stdout } = spawnSync('id', ['-u', name], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  return { uid: Number(stdout), gid: Number(execFileSync('id', ['-g', name], { encoding: 'utf8' })) };
}

/** Whether there is a server to start. */
export const hasPostgres: boolean =
  programs !== undefined && postgresUser !== undefined && process.platform !== 'win32';

/** A server, which may be stopped and started. */
export class PostgresServer {
  readonly folder: string;
  #child: ChildProcess | undefined;
  #databases = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Starts a server with the tables in its database `template`. */
  static async start(): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), 'ocsp-pg-'));
    if (postgresUser !== undefined && 'uid' in postgresUser)
      chownSync(folder, postgresUser.uid as number, postgresUser.gid as number);
    const server = new PostgresServer(folder);
    server.run('initdb', ['-D', server.data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-sync']);
    appendFileSync(
      join(server.data, 'postgresql.conf'),
      `listen_addresses = ''\nunix_socket_directories = '${folder}'\nfsync = off\nshared_buffers = 64MB\nmax_connections = 400\nlog_min_messages = fatal\n`,
    );
    await server.up();
    await server.psql('CREATE DATABASE template', 'postgres');
    await migratePostgres(server.url('template'));
    return server;
  }

  get data(): string {
    return join(this.folder, 'data');
  }

  /** Runs a program of the server as the one who may. */
  run(program: string, args: readonly string[]): void {
    execFileSync(join(programs as string, program), args, {
      ...postgresUser,
      cwd: '/',
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  }

  /** Copies a data folder, owner and all. The server is stopped. */
  copy(from: string, to: string): void {
    execFileSync('cp', ['-a', from, to]);
  }

  /** Starts the server on a data folder, and waits until it takes connections. */
  async up(data = this.data, { standby = false } = {}): Promise<void> {
    if (standby) writeFileSync(join(data, 'standby.signal'), '', { mode: 0o644 });
    const args = ['-D', data, '-k', this.folder];
    const how = { ...postgresUser, cwd: '/', stdio: 'ignore' } as const;
    const child = tied(spawn(join(programs as string, 'postgres'), args, how), this.folder);
    this.#child = child;
    for (;;) {
      try {
        await this.psql('SELECT', 'postgres');
        return;
      } catch (error) {
        if (child.exitCode !== null || child.signalCode !== null) throw error;
        await sleep(50);
      }
    }
  }

  /** SIGINT: connections are ended first; SIGQUIT: as in a crash; SIGKILL leaves even the lock file. */
  async down(signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL' = 'SIGINT'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }

  /** Stops the processes of the server where they stand, or lets them go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    const pid = this.#child?.pid as number;
    const children = spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter(Boolean);
    for (const one of [pid, ...children.map(Number)])
      try {
        process.kill(one, signal);
      } catch {
        // It has ended meanwhile.
      }
  }

  async remove(): Promise<void> {
    await this.down('SIGQUIT');
    rmSync(this.folder, { recursive: true, force: true });
  }

  url(database: string, parameters = ''): string {
    return `postgres://postgres@/${database}?host=${encodeURIComponent(this.folder)}${parameters}`;
  }

  /** A new database with the tables: its connection string. */
  async database(): Promise<string> {
    this.#databases += 1;
    const name = `test${this.#databases}`;
    await this.psql(`CREATE DATABASE ${name} TEMPLATE template`, 'postgres');
    return this.url(name);
  }

  /** Runs statements in a database. */
  async psql(sql: string, database: string): Promise<unknown[]> {
    return runSql(this.url(database), sql);
  }
}

/** Runs statements on a connection of their own. */
export async function runSql(url: string, sql: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
  // (A server that hangs is an error of the test that asks it, not a wait of all.)
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 30_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql, values)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}
