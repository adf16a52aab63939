import { hostname } from 'node:os';
import type { LeasedRange, Ledger, RangeState } from '../bulk/ledger.js';
import { invalidValue } from '../errors.js';
import { checkPositive, checkText } from '../x509/checks.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { Database, type PostgresInput } from './database.js';

/** What {@link PostgresLedger.open} takes beside the database. */
export interface PostgresLedgerOptions {
  /** Name of the job: whoever gives the same one works on the same ranges. */
  readonly job: string;
  /** Seconds after which a lease runs out that was not extended. Default 300. */
  readonly leaseSeconds?: number;
  /** How often a range is handed out before it counts as failed. Default 5. */
  readonly maxAttempts?: number;
}

const OPTION_NAMES: OptionNames<PostgresLedgerOptions> = { job: true, leaseSeconds: true, maxAttempts: true };

/** A range to be added. */
export interface NewRange {
  readonly id: string;
  /** Certificates in it, for the figures of `db status`. */
  readonly certificates: number;
}

const STATES = ['open', 'leased', 'done', 'failed'] as const;
/** Of the transactions that add ranges: the other half of the lock's number is the job. */
const LOCK = 0x6f637370;
const UNTIL = `clock_timestamp() + $2 * interval '1 second'`;
const MILLISECONDS = 'floor(extract(epoch FROM r.expires_at) * 1000)::float8';

const GIVE_UP = `UPDATE ocsp_range SET state = 3, error = coalesce(error, 'its leases ran out')
  WHERE job = $1 AND attempt >= $2 AND (state = 0 OR (state = 1 AND expires_at <= clock_timestamp()))`;
/** (One that was given back with an error comes behind those that no one has tried, however often it fails.) */
const LEASE = `WITH picked AS MATERIALIZED (
    SELECT id FROM ocsp_range WHERE job = $1 AND attempt < $4
      AND (state = 0 OR (state = 1 AND expires_at <= clock_timestamp()))
    ORDER BY CASE state WHEN 0 THEN attempt ELSE 0 END, position FOR UPDATE SKIP LOCKED LIMIT $3)
  UPDATE ocsp_range r SET state = 1, attempt = attempt + 1, expires_at = ${UNTIL}, owner = $5
  FROM picked WHERE r.job = $1 AND r.id = picked.id
  RETURNING r.id, r.attempt, r.last_serial, ${MILLISECONDS}`;
const HELD = `WHERE r.job = $1 AND r.id = $3 AND r.state = 1 AND r.attempt = $4 RETURNING 1`;
const CHECKPOINT = `UPDATE ocsp_range r SET expires_at = ${UNTIL}, last_serial = $5, signed = signed + $6 ${HELD}`;
const END = `UPDATE ocsp_range r SET state = CASE WHEN $5::bool THEN 2 WHEN r.attempt >= $2 THEN 3 ELSE 0 END, error = $6 ${HELD}`;
const ADD = `INSERT INTO ocsp_range (job, id, certificates)
  SELECT $1, n.id, n.certificates FROM unnest($2::text[], $3::int8[]) WITH ORDINALITY AS n(id, certificates, place)
  ORDER BY n.place ON CONFLICT (job, id) DO NOTHING`;
const RANGES = `SELECT r.id, r.state, r.attempt, r.last_serial, coalesce(${MILLISECONDS}, 0), r.error
  FROM ocsp_range r WHERE r.job = $1 ORDER BY r.position`;

/** The ledger of a job in a PostgreSQL database, for any number of hosts. Times are those of the server's clock. */
export class PostgresLedger implements Ledger {
  readonly #database: Database;
  readonly #job: string;
  readonly #leaseSeconds: number;
  readonly #maxAttempts: number;
  readonly #owner = `${hostname()} ${process.pid}`;

  private constructor(database: Database, { job, leaseSeconds = 300, maxAttempts = 5 }: PostgresLedgerOptions) {
    this.#database = database;
    this.#job = checkName(job, 'job');
    this.#leaseSeconds = checkPositive(leaseSeconds, 'leaseSeconds');
    this.#maxAttempts = checkPositive(maxAttempts, 'maxAttempts');
  }

  /**
   * Opens the ledger of a job, which may be one that no one has added ranges to.
   *
   * @throws (rejects) TypeError; `ERR_OCSP_INVALID_VALUE`; what the database throws.
   */
  static async open(database: PostgresInput, options: PostgresLedgerOptions): Promise<PostgresLedger> {
    const opened = new Database(database);
    const ledger = new PostgresLedger(opened, readOptions(options, OPTION_NAMES));
    try {
      await ledger.ranges();
      return ledger;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  /** Adds ranges. Those that are there already stay as they are, so that it may be done again after a failure. */
  async add(ranges: Iterable<string | NewRange>): Promise<void> {
    await this.#add(async () => ranges, false);
  }

  /**
   * Adds the ranges of a job that has none; of several which try at once, one cuts it.
   *
   * @param cut - asked only where there are none; told how to ask the database on the connection that it is asked on
   */
  async begin(
    cut: (
      query: (text: string, values: readonly unknown[]) => Promise<unknown[][]>,
    ) => Promise<Iterable<string | NewRange>>,
  ): Promise<void> {
    await this.#add(cut, true);
  }

  async #add(cut: Parameters<PostgresLedger['begin']>[0], onlyFirst: boolean): Promise<void> {
    await this.#database.transaction(async (session) => {
      await session.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [LOCK, this.#job]);
      const found = await session.query('SELECT 1 FROM ocsp_range WHERE job = $1 LIMIT 1', [this.#job]);
      if (onlyFirst && found.length > 0) return;
      const ids: string[] = [];
      const counts: (number | null)[] = [];
      for (const range of await cut((text, values) => session.query(text, values))) {
        ids.push(checkName(typeof range === 'string' ? range : range?.id, 'ids'));
        counts.push(typeof range === 'string' ? null : range.certificates);
      }
      await session.query(ADD, [this.#job, ids, counts]);
    });
  }

  /** All ranges, in the order in which they were added. */
  async ranges(): Promise<RangeState[]> {
    type Row = [string, number, number, string | null, number, string | null];
    const rows = await this.#query<Row>(RANGES, [this.#job]);
    return rows.map(([id, state, attempt, lastSerial, expiresAt, error]) => {
      return { id, state: STATES[state] as RangeState['state'], attempt, lastSerial, expiresAt, error };
    });
  }

  /** Whether a range is open or leased: there may yet be something to do. */
  async isUnderWay(): Promise<boolean> {
    const rows = await this.#query('SELECT 1 FROM ocsp_range WHERE job = $1 AND state < 2 LIMIT 1', [this.#job]);
    return rows.length > 0;
  }

  async lease(n: number): Promise<LeasedRange[]> {
    await this.#query(GIVE_UP, [this.#job, this.#maxAttempts]);
    type Row = [string, number, string | null, number];
    const rows = await this.#query<Row>(LEASE, [this.#job, this.#leaseSeconds, n, this.#maxAttempts, this.#owner]);
    return rows.map(([id, attempt, lastSerial, expiresAt]) => ({ id, attempt, lastSerial, expiresAt }));
  }

  /**
   * Notes how far a range has been done, and extends the lease.
   *
   * @param signed - certificates since the last checkpoint, for the figures of `db status`
   */
  async checkpoint(range: LeasedRange, lastSerial: string, signed = 0): Promise<void> {
    const { id, attempt } = range;
    const values = [this.#job, this.#leaseSeconds, id, attempt, checkName(lastSerial, 'lastSerial'), signed];
    this.#held(id, await this.#query(CHECKPOINT, values));
  }

  async complete({ id, attempt }: LeasedRange): Promise<void> {
    this.#held(id, await this.#query(END, [this.#job, this.#maxAttempts, id, attempt, true, null]));
  }

  async fail({ id, attempt }: LeasedRange, error: unknown): Promise<void> {
    const text = (error instanceof Error ? error.message : String(error)).replaceAll('\0', '\uFFFD');
    this.#held(id, await this.#query(END, [this.#job, this.#maxAttempts, id, attempt, false, text]));
  }

  /** Ends the connections, unless the pool is the caller's. */
  close(): Promise<void> {
    return this.#database.close();
  }

  #query<Row extends unknown[]>(text: string, values: readonly unknown[]): Promise<Row[]> {
    return this.#database.query<Row>(text, values);
  }

  #held(id: string, rows: readonly unknown[]): void {
    // Even when the lease has run out: no one else has taken the range, so its holder may go on.
    if (rows.length === 0)
      throw invalidValue(`the lease of '${id}' has ended: another worker has the range, or it is done`);
  }
}

/** Text that a database takes. */
function checkName(value: unknown, name: string): string {
  const text = checkText(value, name);
  if (text.includes('\0')) throw invalidValue(`${name} has a zero byte, which PostgreSQL does not take`);
  return text;
}
