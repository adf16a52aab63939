/** A server that takes connections and falls silent, at each step of each operation: an error, in a time that has an end, and nothing is left open. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { iterableSource } from 'openssl-ocsp/bulk';
import {
  importStatuses,
  migratePostgres,
  PostgresAuthority,
  PostgresLedger,
  postgresSource,
  postgresStatus,
} from 'openssl-ocsp/postgres';
import { createTestCa } from 'openssl-ocsp/testing';
import pg from 'pg';
import { postgresForFile, withPostgres } from '../helpers/postgres.js';
import { runSql } from '../helpers/postgres-server.js';
import { addIssuer, authorityOf } from './fixtures.js';

const file = postgresForFile();
const ca = createTestCa();
const issuer = ca.certificate;
const LONG = 240_000;
/** Milliseconds: longer than all deadlines. */
const BOUND = 120_000;

interface Silence {
  /** Times that the server answers before it says nothing more; also to new connections. */
  readonly after: number;
  /** Others than the first connection are answered. */
  readonly onlyFirst?: boolean;
}

/** Between clients and a server: goes silent, and never closes a connection then. */
class SilentServer {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'openssl-ocsp-silent-'));
  readonly sockets: Set<Socket> = new Set();
  answers = 0;
  isSilent: boolean;
  readonly #server: Server;

  constructor(to: string, { after, onlyFirst = false }: Silence) {
    this.isSilent = after === 0;
    let count = 0;
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      count += 1;
      const isOpen = onlyFirst && count > 1;
      client.on('error', () => undefined);
      this.sockets.add(client);
      client.on('close', () => this.sockets.delete(client));
      client.on('end', () => poke(client));
      // (Without a reader it would not hear of the end.)
      if (this.isSilent && !isOpen) return void client.resume();
      const server = connect(to);
      server.on('error', () => undefined);
      client.on('close', () => server.destroy());
      server.on('end', () => (this.isSilent && !isOpen ? undefined : client.end()));
      client.on('data', (data) => (this.isSilent && !isOpen ? undefined : server.write(data)));
      server.on('data', (data) => {
        if (this.isSilent && !isOpen) return;
        client.write(data);
        if (isOpen) return;
        this.answers += 1;
        this.isSilent = this.answers >= after;
      });
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(join(this.folder, '.s.PGSQL.5432'), resolve));
  }

  /** Until no client has a connection any more. */
  async left(): Promise<void> {
    while (this.sockets.size > 0) await sleep(50);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A client that only has said goodbye takes a notice; who has closed the connection does not. */
function poke(client: Socket): void {
  const timer = setInterval(() => client.write(Buffer.of(0x4e, 0, 0, 0, 5, 0)), 100);
  client.on('close', () => clearInterval(timer));
}

/** What somebody does with a database that has a certificate. */
type Operation = (url: string) => Promise<unknown>;

const news =
  (listen: boolean): Operation =>
  async (url) => {
    const authority = new PostgresAuthority(url, { issuer, interval: 1, listen });
    try {
      let looks = 0;
      for await (const { more } of authority.changes(null, new AbortController().signal)) {
        if (!more) looks += 1;
        if (looks === 2) break;
      }
    } finally {
      await authority.close();
    }
  };

const ledger =
  (...steps: ((ledger: PostgresLedger) => Promise<unknown>)[]): Operation =>
  async (url) => {
    const opened = await PostgresLedger.open(url, { job: 'night' });
    try {
      for (const step of steps) await step(opened);
    } finally {
      await opened.close();
    }
  };
const leased = async (opened: PostgresLedger): Promise<Parameters<PostgresLedger['complete']>[0]> =>
  (await opened.lease(1))[0] ?? { id: 'there is none', attempt: 1, lastSerial: null, expiresAt: 0 };

const OPERATIONS: Record<string, Operation> = {
  lookup: async (url) => {
    const authority = new PostgresAuthority(url, { issuer });
    try {
      await authority.lookup({ serialNumber: '01' });
    } finally {
      await authority.close();
    }
  },
  changes: news(false),
  'changes, with LISTEN': news(true),
  postgresSource: async (url) => {
    for await (const _ of postgresSource(url, { issuer }).batches());
  },
  importStatuses: (url) => importStatuses(url, { issuer, source: iterableSource(list()) }),
  migratePostgres,
  postgresStatus,
  'a ledger: add, lease, checkpoint, complete': ledger(
    (opened) => opened.add(['a', 'b']),
    async (opened) => {
      const range = await leased(opened);
      await opened.checkpoint(range, '01');
      await opened.complete(range);
    },
  ),
  'a ledger: begin, lease, fail, isUnderWay': ledger(
    (opened) => opened.begin(async () => ['a', 'b']),
    async (opened) => opened.fail(await leased(opened), new Error('no')),
    (opened) => opened.isUnderWay(),
  ),
};

/** More than fits into buffers. */
function* list(): Generator<{ serialNumber: string; status: 0 }> {
  for (let i = 0; i < 100_000; i += 1) yield { serialNumber: (2n ** 120n + BigInt(i)).toString(16), status: 0 };
}

/** A database with a certificate that is revoked, and a server before it. */
async function prepare(t: ExecutionContext, silence: Silence): Promise<{ server: SilentServer; through: string }> {
  const url = await file.server.database();
  const id = await addIssuer(url, issuer);
  await runSql(url, "INSERT INTO ocsp_status (issuer, serial, status, revoked_at) VALUES ($1, '\\x01', 1, now())", [
    id,
  ]);
  const server = new SilentServer(join(file.server.folder, '.s.PGSQL.5432'), silence);
  t.teardown(() => server.close());
  await server.listen();
  const through = url.replace(encodeURIComponent(file.server.folder), encodeURIComponent(server.folder));
  t.not(through, url);
  return { server, through };
}

/** How often a server that goes on answers until all is done. */
async function stepsOf(t: ExecutionContext, name: string): Promise<number> {
  for (;;) {
    const { server, through } = await prepare(t, { after: Number.POSITIVE_INFINITY });
    try {
      await (OPERATIONS[name] as Operation)(through);
      return server.answers;
    } catch (error) {
      // The machine may have too much to do at once.
      t.regex(String(error), /timeout/);
    }
  }
}

/** Does it; false where the server has answered all. Throws where it waits for ever. */
async function isRefused(t: ExecutionContext, name: string, silence: Silence): Promise<boolean> {
  const { server, through } = await prepare(t, silence);
  const result = (OPERATIONS[name] as Operation)(through).then(
    () => false,
    () => true,
  );
  const what = `${name}, silent after ${silence.after} answers`;
  const isWrong = await inTime(result, `${what}: is waited for`);
  await inTime(server.left(), `${what}: a connection is left`);
  return server.isSilent && isWrong;
}

async function inTime<T>(action: Promise<T>, name: string): Promise<T> {
  const over = new AbortController();
  try {
    const late = sleep(BOUND, undefined, over).then(() => {
      throw new Error(name);
    });
    late.catch(() => undefined);
    return await Promise.race([action, late]);
  } finally {
    over.abort();
  }
}

for (const name of Object.keys(OPERATIONS))
  withPostgres(`a server that falls silent: ${name}`, async (t) => {
    t.timeout(LONG);
    const steps = await stepsOf(t, name);
    t.log(`${steps} steps`);
    const refused = await Promise.all(Array.from({ length: steps }, (_, after) => isRefused(t, name, { after })));
    t.true(refused[0] && refused[1], 'connection and statement');
  });

withPostgres('a connection that is lost without a word while the server answers others', async (t) => {
  t.timeout(LONG);
  const cases = Array.from({ length: 8 }, (_, i) => ({ after: i + 1, onlyFirst: true }));
  const refused = await Promise.all(cases.map((silence) => isRefused(t, 'migratePostgres', silence)));
  t.true(refused[0] && refused[1], JSON.stringify(refused));
});

for (const connections of [undefined, 1, 2])
  withPostgres(
    `a statement that takes long is waited for, while the server says that it is at it: ${connections ?? 'no'} connections of a pool, all in use`,
    async (t) => {
      t.timeout(LONG);
      const url = await file.server.database();
      const holder = new pg.Client(url);
      await holder.connect();
      await holder.query('BEGIN');
      await holder.query('LOCK TABLE ocsp_status IN SHARE MODE');
      const pool = new pg.Pool({ connectionString: url, max: connections });
      const database = connections === undefined ? url : pool;
      const importing = Promise.all(
        Array.from({ length: connections ?? 1 }, () =>
          importStatuses(database, { issuer, source: iterableSource(list()) }),
        ),
      );
      importing.catch(() => undefined);
      // Longer than a server may be silent.
      await sleep(42_000);
      await holder.query('COMMIT');
      await holder.end();
      const inserted = (await importing).map((one) => one.inserted).sort();
      t.deepEqual(inserted.reverse(), connections === 2 ? [100_000, 0] : [100_000]);
      await pool.end();
      while ((await runSql(url, CONNECTIONS)).length > 1) await sleep(50);
    },
  );

/** (With that which asks.) */
const CONNECTIONS = 'SELECT FROM pg_stat_activity WHERE datname = current_database()';

withPostgres('a pool of another make is asked itself', async (t) => {
  t.timeout(LONG);
  const url = await file.server.database();
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  t.teardown(() => pool.end());
  let asked = 0;
  const other = {
    connect: async () => {
      asked += 1;
      return pool.connect();
    },
    end: () => pool.end(),
  };
  const holder = new pg.Client(url);
  await holder.connect();
  await holder.query('BEGIN');
  await holder.query('LOCK TABLE ocsp_status IN SHARE MODE');
  const importing = importStatuses(other, { issuer, source: iterableSource(list()) });
  while (asked < 2) await sleep(50);
  await holder.query('COMMIT');
  await holder.end();
  t.is((await importing).inserted, 100_000);
});

test('a server that asks for a password, or for TLS, and says no more', async (t) => {
  t.timeout(LONG);
  for (const [answer, parameters] of [
    [Buffer.of(0x52, 0, 0, 0, 8, 0, 0, 0, 3), ''],
    [Buffer.from('S'), '?sslmode=verify-full'],
    [Buffer.alloc(0), '?sslmode=verify-full'],
  ] as const) {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
      socket.once('data', () => socket.write(answer));
      socket.resume();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => server.close());
    const { port } = server.address() as { port: number };
    const authority = authorityOf(t, `postgres://user:word@127.0.0.1:${port}/none${parameters}`, issuer);
    await t.throwsAsync(inTime(authority.lookup({ serialNumber: '01' }), 'is waited for'), { message: /timeout/ });
    while (sockets.size > 0) await sleep(50);
  }
});

withPostgres('a pool that has no connection left, and knows no timeouts', async (t) => {
  t.timeout(LONG);
  const url = await file.server.database();
  await addIssuer(url, issuer);
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  t.teardown(() => pool.end());
  const taken = await pool.connect();
  const authority = new PostgresAuthority(pool, { issuer });
  await t.throwsAsync(authority.lookup({ serialNumber: '01' }), { message: /timeout exceeded when trying to connect/ });
  taken.release();
  t.is(await authority.lookup({ serialNumber: '01' }), undefined, 'and what came too late is back');
});

withPostgres('an authority ends though somebody has left its news unread', async (t) => {
  t.timeout(LONG);
  const url = await file.server.database();
  const id = await addIssuer(url, issuer);
  await runSql(
    url,
    'INSERT INTO ocsp_status (issuer, serial, status, revoked_at) SELECT $1, ocsp_serial(to_hex(n)), 1, now() FROM generate_series(1, 6000) n',
    [id],
  );
  const authority = new PostgresAuthority(url, { issuer });
  const feed = authority.changes(null, new AbortController().signal);
  t.true(((await feed.next()).value as { more?: boolean }).more);
  await authority.close();
  await t.throwsAsync(feed.next());
});
