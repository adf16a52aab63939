import type { StatusEntry } from '../statuses/status-entry.js';
import { type StatusSource, sourceOf } from '../statuses/status-source.js';
import { type SerialKey, serialKey } from '../store/serial-key.js';
import type { CertificateInput } from '../x509/certificate.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { Database, type PostgresInput } from './database.js';
import { BY_ISSUER, copyRefused, IS_COPY, issuerKey, unknownIssuer } from './issuer.js';
import { entriesOf, lastKeyOf, PAGE, type Page } from './rows.js';

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
const PAGE_ROWS = 8192;
/** Milliseconds for a page, whose rows may be anywhere on a slow disk. */
const PAGE_TIMEOUT = 60_000;

const STATE = `SELECT i.id, ${IS_COPY} FROM ocsp_issuer i WHERE ${BY_ISSUER}`;
/** A page as one row: one of the protocol for each certificate would cost the client more than all else. */
const ROWS = `SELECT ${PAGE}, ${IS_COPY} FROM (SELECT * FROM ocsp_status
  WHERE issuer = $1 AND serial > $2 AND ($3::bytea IS NULL OR serial <= $3) ORDER BY serial LIMIT ${PAGE_ROWS}) s`;

type Read = [...Page, isCopy: boolean] | [null, null, null, isCopy: boolean];

/**
 * The certificates of a CA in a database, in pages: each is a statement by itself, so no transaction lasts as long as the list. Each row
 * is what it was when its page was read, and brings its version. A run goes on after an interruption behind the last serial number that it
 * has signed.
 *
 * @throws TypeError; `ERR_OCSP_INVALID_VALUE`. What the database throws comes when it is iterated; a standby is
 * refused, and so is a logical replica.
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
      const [state] = await opened.query<[id: number, isCopy: boolean]>(STATE, ca.hashes);
      if (state === undefined) throw unknownIssuer(ca);
      const [id, isCopy] = state;
      if (isCopy) throw copyRefused();
      // (Each may come on another connection, which may lead elsewhere by then.)
      const pageOf = ([row]: Read[]): Page | null => {
        const [serials = null, versions = null, others = null, isPageOfCopy = false] = row ?? [];
        if (isPageOfCopy) throw copyRefused();
        return serials === null || versions === null ? null : [serials, versions, others];
      };
      const read = (from: Uint8Array): Promise<Page | null> => {
        const page = opened.query<Read>(ROWS, [id, from, last], PAGE_TIMEOUT).then(pageOf);
        // (What it throws is thrown where it is awaited, unless no one wants the rest.)
        page.catch(() => undefined);
        return page;
      };
      for (let next = read(lastSerial === undefined ? first : serialKey(lastSerial)); ; ) {
        const page = await next;
        if (page === null) return;
        // The next page comes while this one is dealt with.
        next = read(lastKeyOf(page));
        yield entriesOf(page);
      }
    } finally {
      await opened.close();
    }
  }, true);
}
