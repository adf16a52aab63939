/** News: nothing is missed, whatever the order in which transactions end, and nothing goes back. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import { OCSPCertStatus } from 'openssl-ocsp';
import { PostgresAuthority, postgresSource } from 'openssl-ocsp/postgres';
import type { StatusChanges } from 'openssl-ocsp/responder';
import { createTestCa } from 'openssl-ocsp/testing';
import pg from 'pg';
import { Knowledge } from '#dist/responder/knowledge.js';
import { entriesOf } from '../bulk/records.js';
import { postgresForFile, startPgbouncer, withPgbouncer, withPostgres } from '../helpers/postgres.js';
import { PostgresServer, runSql } from '../helpers/postgres-server.js';
import { repeated } from '../helpers/repeated.js';
import { addIssuer, authorityOf } from './fixtures.js';

const file = postgresForFile();
const ca = createTestCa();
const { GOOD, REVOKED } = OCSPCertStatus;

/** Reads news to the end of what there is, and keeps what it is told. */
class Reader {
  readonly known = new Map<string, { status: OCSPCertStatus; version: number }>();
  readonly #authority: PostgresAuthority;
  readonly #stop = new AbortController();
  #feed: AsyncGenerator<StatusChanges> | undefined;
  cursor: string | null = null;
  /** Entries that came in the last look. */
  last: string[] = [];

  constructor(authority: PostgresAuthority) {
    this.#authority = authority;
  }

  /** A database that does not answer in its time is asked once more, as a responder does. */
  async look(): Promise<void> {
    try {
      await this.#look();
    } catch {
      await this.pause();
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    this.#feed ??= this.#authority.changes(this.cursor, this.#stop.signal);
    this.last = [];
    for (let more: boolean | undefined = true; more; ) {
      const { value } = (await this.#feed.next()) as { value: StatusChanges };
      for (const { serialNumber, status, statusVersion = 0 } of value.entries) {
        const serial = String(serialNumber);
        this.last.push(serial);
        const before = this.known.get(serial);
        if (before === undefined || statusVersion > before.version)
          this.known.set(serial, { status, version: statusVersion });
      }
      ({ cursor: this.cursor, more } = value);
    }
  }

  /** As after a break: what the connection knew is gone, the cursor is not. */
  async pause(): Promise<void> {
    await this.#feed?.return(undefined);
    this.#feed = undefined;
  }
}

async function revoke(url: string, issuer: number, ...serials: number[]): Promise<void> {
  await runSql(
    url,
    `INSERT INTO ocsp_status (issuer, serial, status, revoked_at, reason)
      SELECT $1, ocsp_serial(to_hex(n)), 1, now(), 1 FROM unnest($2::int8[]) n`,
    [issuer, serials],
  );
}

const hex = (n: number): string => n.toString(16).padStart(2, '0').toUpperCase();

type Step =
  | { kind: 'change'; who: number; serial: number; status: 0 | 1 }
  | { kind: 'commit' | 'rollback' | 'savepoint' | 'undo'; who: number }
  | { kind: 'look' | 'pause'; who: number };

const step = (): fc.Arbitrary<Step> => {
  const who = fc.integer({ min: 0, max: 3 });
  const serial = fc.integer({ min: 1, max: 12 });
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('change' as const), who, serial, status: fc.constantFrom(0, 1) }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('commit', 'rollback', 'savepoint', 'undo'), who }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('look', 'look', 'look', 'pause'), who }) },
  ) as fc.Arbitrary<Step>;
};

/** Runs transactions side by side, as told; after each look, all that was committed is known, and nothing went back. */
async function play(t: ExecutionContext, url: string, id: number, steps: readonly Step[]): Promise<void> {
  await runSql(url, 'DELETE FROM ocsp_status');
  const clients = await Promise.all(
    [0, 1, 2, 3].map(async () => {
      const client = new pg.Client(url);
      await client.connect();
      return { client, isOpen: false, hasSavepoint: false, rows: new Set<number>() };
    }),
  );
  const authority = authorityOf(t, url, ca.certificate, { interval: 1 });
  const reader = new Reader(authority);
  const check = async (): Promise<void> => {
    const before = new Map(reader.known);
    await reader.look();
    for (const [serial, { version }] of before) t.true((reader.known.get(serial)?.version ?? 0) >= version);
    for (const row of await runSql(url, "SELECT encode(serial, 'hex') AS serial, status, version FROM ocsp_status")) {
      const known = reader.known.get(String(row['serial']).toUpperCase());
      if (known === undefined) t.is(row['status'], 0, `serial ${row['serial']} is revoked, and no one says so`);
      else t.deepEqual([known.status, known.version], [row['status'], Number(row['version'])], String(row['serial']));
    }
  };
  try {
    for (const { kind, who, ...change } of steps) {
      const own = clients[who] as (typeof clients)[number];
      if (kind === 'look') await check();
      else if (kind === 'pause') await reader.pause();
      else if (kind === 'change') {
        const { serial, status } = change as { serial: number; status: 0 | 1 };
        // (A row that another one has changed would be waited for.)
        if (clients.some((other) => other !== own && other.rows.has(serial))) continue;
        if (!own.isOpen) await own.client.query('BEGIN');
        own.isOpen = true;
        own.rows.add(serial);
        await own.client.query(
          `INSERT INTO ocsp_status (issuer, serial, status, revoked_at, reason)
            VALUES ($1, $2, $3::int2, CASE $3::int2 WHEN 1 THEN now() END, CASE $3::int2 WHEN 1 THEN 6 END)
            ON CONFLICT (issuer, serial) DO UPDATE
            SET status = excluded.status, revoked_at = excluded.revoked_at, reason = excluded.reason`,
          [id, Buffer.of(serial), status],
        );
      } else if (own.isOpen) {
        if (kind === 'savepoint') await own.client.query('SAVEPOINT s');
        else if (kind === 'undo') {
          if (own.hasSavepoint) await own.client.query('ROLLBACK TO s');
        } else await own.client.query(kind);
        own.hasSavepoint = own.hasSavepoint ? kind === 'savepoint' || kind === 'undo' : kind === 'savepoint';
        if (kind === 'commit' || kind === 'rollback') {
          own.isOpen = false;
          own.rows.clear();
        }
      }
    }
    for (const { client, isOpen } of clients) if (isOpen) await client.query('COMMIT');
    await check();
  } finally {
    await reader.pause();
    await authority.close();
    for (const { client } of clients) await client.end();
  }
}

withPostgres('transactions that end in any order: all that is committed is known, and nothing goes back', async (t) => {
  t.timeout(300_000);
  const url = await file.server.database();
  const id = await addIssuer(url, ca.certificate);
  await fc.assert(
    fc.asyncProperty(fc.array(step(), { minLength: 5, maxLength: 40 }), (steps) => play(t, url, id, steps)),
    { numRuns: repeated(15) },
  );
});

withPostgres('a transaction that began first and is committed last is neither missed nor waited for', async (t) => {
  const url = await file.server.database();
  const id = await addIssuer(url, ca.certificate);
  const reader = new Reader(authorityOf(t, url, ca.certificate, { interval: 1 }));
  const slow = new pg.Client(url);
  await slow.connect();
  await slow.query('BEGIN');
  await slow.query("INSERT INTO ocsp_status (issuer, serial, status, revoked_at) VALUES ($1, '\\x01', 1, now())", [id]);
  await reader.look();
  await revoke(url, id, 2);
  await reader.look();
  t.deepEqual(reader.last, ['02']);
  await reader.look();
  t.deepEqual(reader.last, [], 'each once');
  await revoke(url, id, 3);
  await slow.query('COMMIT');
  await slow.end();
  await reader.look();
  t.deepEqual(reader.last.sort(), ['01', '03']);
  await reader.pause();
});

withPostgres(
  'what was committed beside a long transaction is read once, what another CA has revoked never',
  async (t) => {
    const url = await file.server.database();
    const id = await addIssuer(url, ca.certificate);
    const other = await addIssuer(url, createTestCa({ subject: 'CN=Another CA' }).certificate);
    const slow = new pg.Client(url);
    await slow.connect();
    await slow.query('BEGIN');
    await slow.query('SELECT pg_current_xact_id()');
    const pool = new pg.Pool({ connectionString: url });
    const statements: pg.QueryConfig[] = [];
    pool.on('connect', (client) => {
      const query: (...args: unknown[]) => unknown = client.query.bind(client);
      const noted = (...args: [pg.QueryConfig, ...unknown[]]): unknown => {
        if (args[0].text?.startsWith('DECLARE news')) statements.push(args[0]);
        return query(...args);
      };
      Object.assign(client, { query: noted });
    });
    const authority = new PostgresAuthority(pool, { issuer: ca.certificate, interval: 1 });
    const reader = new Reader(authority);
    await reader.look();
    const many = Array.from({ length: 5000 }, (_, i) => 256 + i);
    await revoke(url, id, ...many);
    await reader.look();
    t.is(reader.last.length, many.length);
    await revoke(url, other, ...many);
    await runSql(url, 'ANALYZE ocsp_status');
    await revoke(url, id, 7);
    await reader.look();
    t.deepEqual(reader.last, ['07']);
    const { text, values = [] } = statements.at(-1) as pg.QueryConfig;
    const explain = text.replace('DECLARE news NO SCROLL CURSOR FOR', 'EXPLAIN (ANALYZE, FORMAT JSON)');
    const [row = {}] = await runSql(url, explain, values);
    const [{ Plan: plan }] = row['QUERY PLAN'] as [{ Plan: PlanNode }];
    t.true(rowsRead(plan) < 10, JSON.stringify(plan, undefined, 1));
    await reader.pause();
    await pool.end();
    await slow.end();
  },
);

/** What EXPLAIN says of a step. */
type PlanNode = Readonly<Record<string, unknown>> & { readonly Plans?: readonly PlanNode[] };

/** Rows of tables and entries of indexes that a plan looked at. */
function rowsRead(node: PlanNode): number {
  const counts = ['Actual Rows', 'Rows Removed by Filter', 'Rows Removed by Index Recheck'];
  const own = String(node['Node Type']).includes('Scan')
    ? counts.reduce((sum, name) => sum + Number(node[name] ?? 0), 0) * Number(node['Actual Loops'])
    : 0;
  return (node.Plans ?? []).reduce((sum, below) => sum + rowsRead(below), own);
}

withPostgres(
  'the first news are all that is not good; what was issued good is no news, the end of a hold is',
  async (t) => {
    const url = await file.server.database();
    const id = await addIssuer(url, ca.certificate);
    await revoke(url, id, 1, 2);
    await runSql(
      url,
      `INSERT INTO ocsp_status (issuer, serial, status) VALUES (${id}, '\\x03', 0), (${id}, '\\x04', 2)`,
    );
    const reader = new Reader(authorityOf(t, url, ca.certificate, { interval: 1 }));
    await reader.look();
    t.deepEqual(reader.last.sort(), ['01', '02', '04']);
    await runSql(url, `INSERT INTO ocsp_status (issuer, serial, status) VALUES (${id}, '\\x05', 0)`);
    await runSql(url, "UPDATE ocsp_status SET status = 1, revoked_at = now(), reason = 6 WHERE serial = '\\x03'");
    await reader.look();
    t.deepEqual(reader.last, ['03']);
    await reader.pause();
    await runSql(url, "UPDATE ocsp_status SET status = 0, revoked_at = NULL, reason = NULL WHERE serial = '\\x03'");
    await reader.look();
    t.deepEqual(reader.last, ['03']);
    t.is(reader.known.get('03')?.status, GOOD);
    await reader.pause();
  },
);

withPostgres('more than one piece is up to date only after the last; a break in between begins again', async (t) => {
  const url = await file.server.database();
  const id = await addIssuer(url, ca.certificate);
  await runSql(
    url,
    `INSERT INTO ocsp_status (issuer, serial, status, revoked_at, extensions)
      SELECT ${id}, ocsp_serial(to_hex(n)), 1, now(), CASE WHEN n % 2 = 0 THEN '\\xFF'::bytea END FROM generate_series(1, 12000) n`,
  );
  const authority = authorityOf(t, url, ca.certificate, { interval: 1 });
  const feed = authority.changes(null, new AbortController().signal);
  const first = (await feed.next()).value as StatusChanges;
  t.true(first.more);
  await feed.return(undefined);
  const reader = new Reader(authority);
  reader.cursor = first.cursor;
  await reader.look();
  t.is(reader.known.size, 12000, 'also those whose extensions no one understands');
  await reader.pause();
  // Whoever listens to the feed is behind until then.
  const knowledge = new Knowledge({ ...stub, changes: slowly }, () => undefined);
  knowledge.start();
  await sleep(50);
  t.is(knowledge.lag, Number.POSITIVE_INFINITY);
  await knowledge.close(false);
});

const stub = { lookup: () => undefined };
async function* slowly(_cursor: string | null, signal: AbortSignal): AsyncGenerator<StatusChanges> {
  while (!signal.aborted) {
    yield { entries: [], cursor: 'x', more: true };
    await sleep(5);
  }
}

withPostgres(
  'after another start all that ever changed is news again: numbers of transactions may come twice',
  async (t) => {
    t.timeout(120_000);
    const server = await PostgresServer.start();
    t.teardown(() => server.remove());
    const url = await server.database();
    const id = await addIssuer(url, ca.certificate);
    await revoke(url, id, 1);
    const reader = new Reader(authorityOf(t, url, ca.certificate, { interval: 1 }));
    await reader.look();
    await server.down('SIGINT');
    await server.up();
    await reader.pause();
    await reader.look();
    t.deepEqual(reader.last, ['01'], 'nor does anyone know which copy of a stopped server was started');
    await server.down('SIGQUIT');
    await reader.pause();
    await t.throwsAsync(reader.look());
    await server.up();
    await reader.pause();
    await reader.look();
    t.deepEqual(reader.last, ['01']);

    // A copy of now takes over later, and does not know what was committed in between.
    await server.down('SIGINT');
    const copy = join(server.folder, 'copy');
    server.copy(server.data, copy);
    await server.up();
    await reader.pause();
    for (let n = 2; n < 40; n += 1) await revoke(url, id, n);
    await reader.look();
    const lost = new Map(reader.known);
    t.is(lost.size, 39);
    await server.down('SIGKILL');
    await server.up(copy, { standby: true });
    await reader.pause();
    await t.throwsAsync(reader.look(), undefined, 'a standby is no authority');
    await reader.pause();
    await t.throwsAsync(authorityOf(t, url, ca.certificate).lookup({ serialNumber: '01' }), { message: /standby/ });
    server.run('pg_ctl', ['promote', '-D', copy, '-w']);
    // Of the same numbers as those that were lost.
    for (let n = 100; n < 110; n += 1) await revoke(url, id, n);
    await reader.look();
    for (let n = 100; n < 110; n += 1) t.is(reader.known.get(hex(n))?.status, REVOKED);
    for (const [serial, { version }] of lost)
      t.true((reader.known.get(serial)?.version ?? 0) >= version, 'nothing goes back');
    await reader.pause();
  },
);

withPostgres('a logical replica is no authority: its changes are no news', async (t) => {
  t.timeout(120_000);
  const server = await PostgresServer.start();
  t.teardown(() => server.remove());
  const [from, to] = [await server.database(), await server.database()];
  await runSql(from, 'ALTER SYSTEM SET wal_level = logical');
  await server.down('SIGINT');
  await server.up();
  await revoke(from, await addIssuer(from, ca.certificate), 1);
  await runSql(from, "SELECT pg_create_logical_replication_slot('copy', 'pgoutput')");
  await runSql(from, 'CREATE PUBLICATION copy FOR TABLE ocsp_issuer, ocsp_status');
  const source = `host=${server.folder} user=postgres dbname=${new URL(from.replace('@/', '@x/')).pathname.slice(1)}`;
  await runSql(to, `CREATE SUBSCRIPTION copy CONNECTION '${source}' PUBLICATION copy WITH (create_slot = false)`);
  while ((await runSql(to, 'SELECT FROM ocsp_issuer, ocsp_status')).length === 0) await sleep(50);
  const copy = { message: /a logical replica/ };
  const authority = authorityOf(t, to, ca.certificate);
  await t.throwsAsync(authority.lookup({ serialNumber: '01' }), copy);
  await t.throwsAsync(authority.changes(null, new AbortController().signal).next(), copy);
  await t.throwsAsync(entriesOf(postgresSource(to, { issuer: ca.certificate })), copy);
  await runSql(to, 'DROP SUBSCRIPTION copy');
  t.like(await authority.lookup({ serialNumber: '01' }), { status: REVOKED });
});

withPostgres(
  'a copy of a stopped server in its place gives out the same numbers again: nothing is missed',
  async (t) => {
    t.timeout(120_000);
    const server = await PostgresServer.start();
    t.teardown(() => server.remove());
    const url = await server.database();
    const id = await addIssuer(url, ca.certificate);
    const reader = new Reader(authorityOf(t, url, ca.certificate, { interval: 1 }));
    await reader.look();
    await server.down('SIGINT');
    const copy = join(server.folder, 'copy');
    server.copy(server.data, copy);
    await server.up();
    await reader.pause();
    for (let n = 1; n < 40; n += 1) await revoke(url, id, n);
    await reader.look();
    t.is(reader.known.size, 39);
    await server.down('SIGINT');
    await server.up(copy);
    await reader.pause();
    for (let n = 100; n < 110; n += 1) await revoke(url, id, n);
    await reader.look();
    for (let n = 100; n < 110; n += 1) t.is(reader.known.get(hex(n))?.status, REVOKED);
    await reader.pause();
  },
);

withPostgres('NOTIFY wakes, and its connection is made again when it is lost', async (t) => {
  t.timeout(120_000);
  const url = await file.server.database();
  const id = await addIssuer(url, ca.certificate);
  // Without being woken it would wait for longer than the test may take.
  const reader = new Reader(authorityOf(t, url, ca.certificate, { interval: 600_000, listen: true }));
  await reader.look();
  for (let n = 1; n <= 3; n += 1) {
    const look = reader.look();
    // (Before or while it waits, in the same transaction as other changes or not.)
    await sleep(n * 20);
    await revoke(url, id, n);
    await look;
    if (reader.last.length === 0) await reader.look();
    t.deepEqual(reader.last, [hex(n)]);
  }
  const look = reader.look();
  await sleep(50);
  await runSql(
    url,
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()",
  );
  await look;
  await revoke(url, id, 9);
  await reader.look();
  t.is(reader.known.get('09')?.status, REVOKED);
  await reader.pause();
});

withPgbouncer('through PgBouncer in transaction mode, with more readers than connections', async (t) => {
  t.timeout(120_000);
  const url = await file.server.database();
  const id = await addIssuer(url, ca.certificate);
  const bouncer = await startPgbouncer(file.server);
  t.teardown(() => bouncer.stop());
  const through = `${url}&port=6432`;
  const authorities = Array.from({ length: 8 }, () => authorityOf(t, through, ca.certificate, { interval: 20 }));
  const readers = authorities.map((authority) => new Reader(authority));
  for (let n = 1; n <= 10; n += 1) {
    await revoke(through, id, n);
    await Promise.all(readers.map((reader) => reader.look()));
    for (const reader of readers) t.deepEqual(reader.last, [hex(n)]);
    const lookup = (authority: PostgresAuthority): ReturnType<PostgresAuthority['lookup']> =>
      // (A machine that is held up for five seconds is no fault of the pooler's.)
      authority.lookup({ serialNumber: hex(n) }).catch((error: Error) => {
        if (!/timeout/.test(error.message)) throw error;
        return lookup(authority);
      });
    const entries = await Promise.all(authorities.map(lookup));
    for (const entry of entries) t.is(entry?.status, REVOKED);
  }
  for (const reader of readers) await reader.pause();
});
