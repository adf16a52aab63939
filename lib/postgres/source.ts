import type { StatusEntry } from '../statuses/status-entry.js';
import { type StatusSource, sourceOf } from '../statuses/status-source.js';
import { type SerialKey, serialKey } from '../store/serial-key.js';
import type { CertificateInput } from '../x509/certificate.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { Database, type PostgresInput } from './database.js';
import { BY_ISSUER, issuerKey, unknownIssuer } from './issuer.js';
import { COLUMNS, entryOf, type StatusRow } from './rows.js';

/** What {@link postgresSource} takes beside the database. */
export interface PostgresSourceOptions {
  /** The CA whose certificates they are. */
  readonly issuer: CertificateInput;
  /** Only what comes after this serial number, in the order of the bytes of serial numbers. */
  readonly after?: SerialKey;
  /** Only what does not come after this one. */
  readonly until?: SerialKey;
}

const OPTION_NAMES: OptionNames<PostgresSourceOptions> = { issuer: true, after: true, until: true };

/** Rows of a page, of which two are in memory. */
const PAGE = 4096;

const STATE = `SELECT i.id, pg_is_in_recovery() FROM ocsp_issuer i WHERE ${BY_ISSUER}`;
const ROWS = `SELECT ${COLUMNS} FROM ocsp_status s
  WHERE s.issuer = $1 AND s.serial > $2 AND ($3::bytea IS NULL OR s.serial <= $3) ORDER BY s.serial LIMIT ${PAGE}`;

/**
 * The certificates of a CA in a database, in pages: each is a statement by itself, so no transaction lasts as long as the list. Each row
 * is what it was when its page was read, and brings its version. A run goes on after an interruption behind the last serial number that it
 * has signed.
 *
 * @throws TypeError; `ERR_OCSP_INVALID_VALUE`. What the database throws comes when it is iterated; a standby is refused.
 */
export function postgresSource(database: PostgresInput, options: PostgresSourceOptions): StatusSource {
  const { issuer, after, until } = readOptions(options, OPTION_NAMES);
  const ca = issuerKey(issuer);
  const first = after === undefined ? Buffer.alloc(0) : serialKey(after);
  const last = until === undefined ? null : serialKey(until);
  new Database(database);
  return sourceOf(async function* (_onEdition, lastSerial): AsyncGenerator<StatusEntry[]> {
    const opened = new Database(database);
    try {
      const [state] = await opened.query<[id: number, isStandby: boolean]>(STATE, ca.hashes);
      if (state === undefined) throw unknownIssuer(ca);
      const [id, isStandby] = state;
      if (isStandby) throw new Error('the database is a standby: statuses are to be had of the primary only');
      const read = (from: Uint8Array): Promise<StatusRow[]> => {
        const rows = opened.query<StatusRow>(ROWS, [id, from, last]);
        // (What it throws is thrown where it is awaited, unless no one wants the rest.)
        rows.catch(() => undefined);
        return rows;
      };
      for (let next = read(lastSerial === undefined ? first : serialKey(lastSerial)); ; ) {
        const rows = await next;
        const end = rows.at(-1);
        // The next page comes while this one is dealt with.
        if (end !== undefined && rows.length === PAGE) next = read(Buffer.from(end[0], 'hex'));
        yield rows.map(entryOf);
        if (rows.length < PAGE) return;
      }
    } finally {
      await opened.close();
    }
  }, true);
}
