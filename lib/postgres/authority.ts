import type { CertIdKey, StatusAuthority, StatusChanges } from '../responder/authority.js';
import { wholeNumber } from '../responder/options.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import { serialKey } from '../store/serial-key.js';
import type { CertificateInput } from '../x509/certificate.js';
import { LONGEST_TIME } from '../x509/checks.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { Database, type PostgresInput } from './database.js';
import { readNews } from './feed.js';
import { BY_ISSUER, copyRefused, IS_COPY, type IssuerKey, issuerKey, unknownIssuer } from './issuer.js';
import { COLUMNS, entryOf, type StatusRow } from './rows.js';
import { Wakeup } from './wakeup.js';

/** What {@link PostgresAuthority} takes beside the database. */
export interface PostgresAuthorityOptions {
  /** The CA whose certificates it knows. */
  readonly issuer: CertificateInput;
  /** Milliseconds between two looks for news. Default 500. */
  readonly interval?: number;
  /**
   * Keeps a connection that is told of news (LISTEN) and looks for them at once. Not through PgBouncer in transaction mode, where
   * no one is told. Default false.
   */
  readonly listen?: boolean;
}

const OPTION_NAMES: OptionNames<PostgresAuthorityOptions> = { issuer: true, interval: true, listen: true };

const LOOKUP = `SELECT ${IS_COPY}, ${COLUMNS} FROM ocsp_issuer i
  LEFT JOIN ocsp_status s ON s.issuer = i.id AND s.serial = $3 WHERE ${BY_ISSUER}`;

/**
 * The statuses of one CA in a PostgreSQL database, which has the tables of `migratePostgres`. A certificate without a row was never issued.
 *
 * A database that cannot be reached, that is a standby or a logical replica, or that does not know the CA is an error, never an answer.
 */
export class PostgresAuthority implements StatusAuthority {
  readonly #database: Database;
  readonly #issuer: IssuerKey;
  readonly #interval: number;
  readonly #listen: boolean;

  /** @throws TypeError; `ERR_OCSP_MALFORMED` for what is no certificate; `ERR_OCSP_INVALID_VALUE`. */
  constructor(database: PostgresInput, options: PostgresAuthorityOptions) {
    const { issuer, interval = 500, listen = false } = readOptions(options, OPTION_NAMES);
    this.#database = new Database(database);
    this.#issuer = issuerKey(issuer);
    this.#interval = wholeNumber(interval, 'interval', 1, LONGEST_TIME);
    this.#listen = listen;
  }

  /** The status that is committed now. */
  async lookup({ serialNumber }: Pick<CertIdKey, 'serialNumber'>): Promise<StatusEntry | undefined> {
    type Row = [isCopy: boolean, ...StatusRow];
    const values = [...this.#issuer.hashes, serialKey(serialNumber)];
    const [row] = await this.#database.query<Row>(LOOKUP, values);
    if (row === undefined) throw unknownIssuer(this.#issuer);
    const [isCopy, ...status] = row;
    if (isCopy) throw copyRefused();
    return status[0] === null ? undefined : entryOf(status);
  }

  /** What has been committed since: each change at least once, in whatever order transactions begin and end. */
  async *changes(cursor: string | null, signal: AbortSignal): AsyncGenerator<StatusChanges> {
    const wakeup = new Wakeup(this.#database, this.#listen);
    try {
      for (let from = cursor; !signal.aborted; ) {
        await wakeup.arm();
        for await (const news of readNews(this.#database, this.#issuer, from)) {
          from = news.cursor;
          yield news;
        }
        await wakeup.wait(this.#interval, signal);
      }
    } finally {
      wakeup.close();
    }
  }

  /** Ends the connections, unless the pool is the caller's. */
  close(): Promise<void> {
    return this.#database.close();
  }
}
