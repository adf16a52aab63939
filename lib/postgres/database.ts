/** The database as this package uses it: rows as arrays, single statements, and transactions on one connection. */
import { invalidArgType, invalidValue, OCSPError } from '../errors.js';

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
  query(query: object): Promise<{ rows: unknown[][] }>;
  release(destroy?: boolean): void;
  on(event: string, listener: (message: never) => void): unknown;
  off(event: string, listener: (message: never) => void): unknown;
}

/** Milliseconds in which a statement of an authority or ledger has to be carried out. */
export const STATEMENT_TIMEOUT = 5000;

const ignore = (): void => undefined;
/** A pool that tells of a lost connection and finds no one who listens ends the process. */
const heard = new WeakSet<object>();

/** No such table, function or column. */
const NOT_MADE = /^42(P01|883|703)$/;

/** A connection, until it is released. */
export class Session {
  readonly client: Client;

  constructor(client: Client) {
    this.client = client;
    // Whoever asks next is told that the connection is lost.
    client.on('error', ignore);
  }

  /**
   * The rows of a statement. After an error the connection is to be given up.
   *
   * @param timeout - milliseconds; none by default
   */
  async query<Row extends unknown[]>(text: string, values: readonly unknown[] = [], timeout?: number): Promise<Row[]> {
    const query = { text, values, rowMode: 'array', ...(timeout !== undefined && { query_timeout: timeout }) };
    try {
      return (await this.client.query(query)).rows as Row[];
    } catch (cause) {
      if (!NOT_MADE.test((cause as NodeJS.ErrnoException).code ?? '')) throw cause;
      throw invalidValue('the database does not have the tables of this version: openssl-ocsp db init', { cause });
    }
  }

  /** @param isLost - whatever state it is in, no one shall use it again */
  release(isLost: boolean): void {
    this.client.off('error', ignore);
    // (What a connection that is given up has to say any more is of no interest.)
    if (isLost) this.client.on('error', ignore);
    this.client.release(isLost);
  }
}

/** A pool of connections. */
export class Database {
  readonly #given: PostgresPool | undefined;
  readonly #url: string;
  #pool: Promise<PostgresPool> | undefined;

  /** @throws TypeError when it is neither. */
  constructor(input: PostgresInput) {
    const isPool = typeof input === 'object' && typeof input?.connect === 'function';
    if (typeof input !== 'string' && !isPool)
      throw invalidArgType('database', 'a connection string or a Pool of pg', input);
    this.#given = isPool ? input : undefined;
    this.#url = isPool ? '' : (input as string);
  }

  /** @throws (rejects) `ERR_OCSP_DRIVER_UNAVAILABLE` where `pg` is not installed; whatever it throws. */
  async acquire(): Promise<Session> {
    this.#pool ??= this.#open();
    const pool = await this.#pool;
    return new Session((await pool.connect()) as Client);
  }

  /** A statement by itself. */
  async query<Row extends unknown[]>(text: string, values: readonly unknown[] = [], timeout?: number): Promise<Row[]> {
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

  /** A transaction: all that `action` does, or nothing. */
  async transaction<T>(action: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.acquire();
    let isLost = true;
    try {
      await session.query('BEGIN');
      const value = await action(session);
      await session.query('COMMIT');
      isLost = false;
      return value;
    } finally {
      // (The end of its connection rolls a transaction back.)
      session.release(isLost);
    }
  }

  /** Ends the connections, unless the pool is the caller's. */
  async close(): Promise<void> {
    if (this.#given !== undefined) return;
    const pool = await this.#pool?.catch(() => undefined);
    this.#pool = undefined;
    await pool?.end();
  }

  async #open(): Promise<PostgresPool> {
    const pool = this.#given ?? (await openPool(this.#url));
    if (!heard.has(pool)) {
      heard.add(pool);
      (pool as unknown as Pick<Client, 'on'>).on?.('error', ignore);
    }
    return pool;
  }
}

async function openPool(connectionString: string): Promise<PostgresPool> {
  const { Pool } = await loadPg();
  return new Pool({ connectionString, connectionTimeoutMillis: STATEMENT_TIMEOUT, keepAlive: true });
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
