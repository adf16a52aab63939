/**
 * The database as this package uses it: rows as arrays, single statements, and transactions on one connection. No wait for it is without
 * an end, whatever it does: a connection and a statement have a time; what takes as long as it takes is waited for while the server says,
 * on a connection beside the pool's, that it is at it.
 */
import { invalidArgType, invalidValue, OCSPError } from '../errors.js';
import { attend } from './attend.js';

/**
 * Where the database is: a connection string such as `postgres://user@host/name`, or a `Pool` of `pg`, which stays the caller's to
 * end. What a string does not say is taken from the environment (`PGHOST`, `PGPASSWORD` and so on), as libpq does.
 */
export type PostgresInput = string | PostgresPool;

/** What is needed of a `Pool` of the package `pg`. */
export interface PostgresPool {
  /** A connection that is no one else's until it is released. */
  connect(): Promise<object>;
  /** Ends all connections. */
  end(): Promise<void>;
}

/** What is needed of a connection. */
interface Client {
  readonly connection?: { readonly stream: { destroy(error?: Error): void } };
  query(query: object): Promise<{ rows: unknown[][] }>;
  release(destroy?: boolean): void;
  on(event: string, listener: (message: never) => void): unknown;
  off(event: string, listener: (message: never) => void): unknown;
}

/** What a `Pool` of `pg` makes its connections of. */
interface Maker {
  readonly Client?: new (options: unknown) => Client & { connect(): Promise<unknown>; end(): Promise<void> };
  readonly options?: unknown;
}

/** Milliseconds for a connection, and for a statement of which nothing else is said. */
const TIMEOUT = 5000;
/** Milliseconds in which a server has to take leave. */
const PARTING = 1000;
/** Milliseconds after which the system asks whether the other side of a silent connection is there. */
const KEEP_ALIVE = 10_000;
/** Of what this package locks or changes, another one may be at a long list. */
const LOCK_TIMEOUT = '1h';

const ignore = (): void => undefined;
/** A pool that tells of a lost connection and finds no one who listens ends the process. */
const heard = new WeakSet<object>();

/** No such table, function or column. */
const NOT_MADE = /^42(P01|883|703)$/;

/** A connection, until it is released. */
export class Session {
  readonly client: Client;
  #isTimed = true;
  #waits = 0;

  constructor(client: Client) {
    this.client = client;
    // Whoever asks next is told that the connection is lost.
    client.on('error', ignore);
  }

  /** Whether the server is waited for. */
  get isWaiting(): boolean {
    return this.#waits > 0;
  }

  /**
   * The rows of a statement. After an error the connection is to be given up.
   *
   * @param timeout - milliseconds; without an end where {@link Database.transaction} attends to it
   */
  async query<Row extends unknown[]>(
    text: string,
    values: readonly unknown[] = [],
    timeout: number = TIMEOUT,
  ): Promise<Row[]> {
    const query = { text, values, rowMode: 'array', ...(this.#isTimed && { query_timeout: timeout }) };
    try {
      return (await this.wait(this.client.query(query))).rows as Row[];
    } catch (cause) {
      if (!NOT_MADE.test((cause as NodeJS.ErrnoException).code ?? '')) throw cause;
      throw invalidValue('the database does not have the tables of this version: openssl-ocsp db init', { cause });
    }
  }

  /** Counts as waiting for the server until `answer` has come. */
  async wait<T>(answer: Promise<T>): Promise<T> {
    this.#waits += 1;
    try {
      return await answer;
    } finally {
      this.#waits -= 1;
    }
  }

  /** From now on statements have no time of their own: somebody attends to them. */
  untime(): void {
    this.#isTimed = false;
  }

  /** Ends the connection; whoever waits for it gets the error. */
  destroy(error?: Error): void {
    this.client.connection?.stream.destroy(error);
  }

  /** @param isLost - whatever state it is in, no one shall use it again */
  release(isLost: boolean): void {
    this.client.off('error', ignore);
    if (isLost) {
      // (What a connection that is given up has to say any more is of no interest.)
      this.client.on('error', ignore);
      // A server that does not take leave would keep it for ever.
      setTimeout(() => this.destroy(), PARTING).unref();
    }
    this.client.release(isLost);
  }
}

/** A pool of connections. */
export class Database {
  readonly #given: PostgresPool | undefined;
  readonly #url: string;
  #pool: Promise<PostgresPool> | undefined;
  /** Connections of a pool of its own, and those beside. */
  readonly #clients = new Set<Client>();

  /** @throws TypeError when it is neither; `ERR_OCSP_INVALID_VALUE` for text that pg would take for the path on a host "base". */
  constructor(input: PostgresInput) {
    const isPool = typeof input === 'object' && typeof input?.connect === 'function';
    if (typeof input !== 'string' && !isPool)
      throw invalidArgType('database', 'a connection string or a Pool of pg', input);
    // (The environment says it all where it is empty.)
    if (typeof input === 'string' && !/^(?:$|\/|postgres(?:ql)?:|socket:)/i.test(input))
      throw invalidValue('the database is no connection string such as postgres://USER@HOST/DATABASE');
    this.#given = isPool ? input : undefined;
    this.#url = isPool ? '' : (input as string);
  }

  /** @throws (rejects) `ERR_OCSP_DRIVER_UNAVAILABLE` where `pg` is not installed; whatever it throws. */
  async acquire(): Promise<Session> {
    const pool = await this.#opened();
    const connecting = pool.connect() as Promise<Client>;
    const late = (): Error => {
      connecting.then((client) => client.release(), ignore);
      return new Error(
        'timeout exceeded when trying to connect: no connection of the pool came free, or the server is silent',
      );
    };
    // (A pool of the caller's may know no timeouts. One of this class has ended before.)
    const client = await within(connecting, TIMEOUT + PARTING, late);
    return new Session(client);
  }

  /** A statement by itself. */
  async query<Row extends unknown[]>(text: string, values?: readonly unknown[], timeout?: number): Promise<Row[]> {
    const session = await this.acquire();
    let isLost = true;
    try {
      const rows = await session.query<Row>(text, values, timeout);
      isLost = false;
      return rows;
    } finally {
      session.release(isLost);
    }
  }

  /**
   * A statement on a connection of its own, beside those of the pool: transactions may have taken them all. (What is no `Pool` of `pg`
   * has to have one more.)
   *
   * @param signal - ends it
   */
  async queryBeside<Row extends unknown[]>(
    text: string,
    values: readonly unknown[],
    signal: AbortSignal,
  ): Promise<Row[]> {
    const { Client, options } = (await this.#opened()) as Maker;
    if (Client === undefined) return this.query(text, values);
    signal.throwIfAborted();
    const client = new Client(options);
    const session = new Session(Object.assign(client, { release: () => void client.end().catch(ignore) }));
    this.#keep(client);
    const stop = (): void => session.destroy();
    signal.addEventListener('abort', stop);
    try {
      await within(client.connect(), TIMEOUT, () => new Error('timeout exceeded when trying to connect'));
      return await session.query(text, values);
    } finally {
      signal.removeEventListener('abort', stop);
      session.release(true);
    }
  }

  /**
   * A transaction: all that `action` does, or nothing. Its statements may take as long as the server is at them, which a connection
   * beside is asked for.
   */
  async transaction<T>(action: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.acquire();
    const over = new AbortController();
    let isLost = true;
    try {
      await session.query('BEGIN');
      const [process] = await session.query<[number]>("SELECT pg_backend_pid(), set_config('lock_timeout', $1, true)", [
        LOCK_TIMEOUT,
      ]);
      session.untime();
      void attend(this, session, process?.[0] as number, over.signal);
      const value = await action(session);
      await session.query('COMMIT');
      isLost = false;
      return value;
    } finally {
      over.abort();
      // (The end of its connection rolls a transaction back.)
      session.release(isLost);
    }
  }

  /** Ends the connections, unless the pool is the caller's. (Those beside are ended by whoever has them.) */
  async close(): Promise<void> {
    if (this.#given !== undefined) return;
    const pool = await this.#pool?.catch(() => undefined);
    this.#pool = undefined;
    if (pool === undefined) return;
    const late = (): Error => new Error('a connection does not end');
    // (Whoever uses one has got his time.)
    await within(pool.end(), TIMEOUT + PARTING, late).catch(ignore);
    const clients = [...this.#clients];
    const ends = clients.map((client) => new Promise((resolve) => client.on('end', resolve)));
    await within(Promise.all(ends), PARTING, late).catch(ignore);
    for (const client of clients) client.connection?.stream.destroy();
  }

  #opened(): Promise<PostgresPool> {
    this.#pool ??= this.#open();
    return this.#pool;
  }

  /** Until it has ended. */
  #keep(client: Client): void {
    this.#clients.add(client);
    client.on('end', () => this.#clients.delete(client));
  }

  async #open(): Promise<PostgresPool> {
    const pool = this.#given ?? (await openPool(this.#url));
    const events = pool as unknown as Partial<Pick<Client, 'on'>>;
    if (!heard.has(pool)) {
      heard.add(pool);
      events.on?.('error', ignore);
    }
    if (this.#given === undefined) events.on?.('connect', (client: Client) => this.#keep(client));
    return pool;
  }
}

async function openPool(connectionString: string): Promise<PostgresPool> {
  const { Pool } = await loadPg();
  return new Pool({
    connectionString,
    connectionTimeoutMillis: TIMEOUT,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE,
  });
}

/** @throws (rejects) `ERR_OCSP_DRIVER_UNAVAILABLE` */
async function loadPg(): Promise<{ Pool: new (options: object) => PostgresPool }> {
  try {
    return (await import('pg')).default;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new OCSPError('ERR_OCSP_DRIVER_UNAVAILABLE', 'PostgreSQL needs the package pg: npm install pg', { cause });
  }
}

/** What comes in time, or else an error. */
function within<T>(answer: Promise<T>, milliseconds: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), milliseconds);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
