import { invalidArgType, invalidValue } from '../errors.js';
import { OCSPCertStatus } from '../ocsp/enums.js';
import { checkExtensionList, encodeExtensionList } from '../ocsp/extension-list.js';
import type { ListEdition } from '../statuses/list-edition.js';
import { copyEntry, type StatusEntry } from '../statuses/status-entry.js';
import type { StatusSource } from '../statuses/status-source.js';
import { serialKey } from '../store/serial-key.js';
import type { CertificateInput } from '../x509/certificate.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { checkReason, reasonToCode } from '../x509/reason.js';
import { checkDate } from '../x509/time.js';
import { copyIn } from './copy-in.js';
import { Database, type PostgresInput, type Session } from './database.js';
import { checkIsCa, issuerKey, registerIssuer } from './issuer.js';

/** What {@link importStatuses} takes beside the database. */
export interface ImportOptions {
  /** The CA whose certificates they are; brought in where the database does not know it. */
  readonly issuer: CertificateInput;
  /** The list. */
  readonly source: StatusSource;
  /** When it was last modified. Default: thisUpdate of a CRL, else now. */
  readonly modified?: Date;
  /** Called after every batch with the number of entries read so far. */
  readonly onProgress?: (entries: number) => void;
}

const OPTION_NAMES: OptionNames<ImportOptions> = { issuer: true, source: true, modified: true, onProgress: true };

/** What came of an import. */
export interface ImportResult {
  /** Certificates that the database did not have. */
  readonly inserted: number;
  /** Certificates of which it had another status. */
  readonly updated: number;
  /** Certificates of which it had another status, which stays: it is newer than the list, or a revocation for ever. */
  readonly kept: number;
  /** Entries of the list. */
  readonly entries: number;
}

const COLUMNS = 'serial, status, revoked_at, reason, extensions';

/** How much a wrong "good" instead of it would hurt: good, unknown, on hold, revoked for ever. */
const severity = (row: string): string =>
  `CASE ${row}.status WHEN 0 THEN 0 WHEN 2 THEN 1 ELSE CASE WHEN coalesce(${row}.reason, 0) IN (6, 8) THEN 2 ELSE 3 END END`;

const values = (row: string): string =>
  COLUMNS.split(', ')
    .slice(1)
    .map((name) => `${row}.${name}`)
    .join(', ');

/**
 * Which of two statuses counts that differ: the more severe one, else the later one; a revocation for ever stays. A version has whole
 * seconds: in its second no one knows which was first, and nothing ends that is more severe.
 */
const differs = (row: string): string => `(${values('s')}) IS DISTINCT FROM (${values(row)})`;
const counts = (row: string): string => `(${severity(row)} > ${severity('s')}
  OR (${severity(row)} = ${severity('s')} AND $2::float8 >= s.version)
  OR (${severity('s')} < 3 AND floor($2::float8) > s.version))`;

/** Of a certificate that the list has twice, the more severe row, or else the later one. */
const ONCE = `SELECT DISTINCT ON (serial) ${COLUMNS} FROM ocsp_import n ORDER BY serial, ${severity('n')} DESC, ctid DESC`;
const IS_THERE = 'SELECT 1 FROM ocsp_status WHERE issuer = $1 LIMIT 1';
const KEPT = `SELECT count(*) FROM (${ONCE}) n JOIN ocsp_status s ON s.issuer = $1 AND s.serial = n.serial
  WHERE ${differs('n')} AND NOT ${counts('n')}`;
const INSERT = `WITH done AS (
  INSERT INTO ocsp_status (issuer, ${COLUMNS}) SELECT $1, ${COLUMNS} FROM (${ONCE}) n RETURNING 1)
  SELECT count(*) FROM done`;
/** (A row that stays as it is must not be locked until the end: who revokes its certificate would wait for the whole list.) */
const MERGE = `WITH done AS (
  INSERT INTO ocsp_status AS s (issuer, ${COLUMNS}) SELECT $1, ${COLUMNS} FROM (${ONCE}) n
  WHERE NOT EXISTS (SELECT FROM ocsp_status s WHERE s.issuer = $1 AND s.serial = n.serial
    AND NOT (${differs('n')} AND ${counts('n')}))
  ORDER BY serial
  ON CONFLICT (issuer, serial) DO UPDATE
    SET status = excluded.status, revoked_at = excluded.revoked_at, reason = excluded.reason, extensions = excluded.extensions
    WHERE ${differs('excluded')} AND ${counts('excluded')}
  RETURNING s.xmax = 0 AS is_new)
  SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM done`;

const UNIQUE_VIOLATION = '23505';
/** Digits of a number that may be negative by its key are more: see {@link serialKey}. */
const USUAL_SERIAL = /^[1-9a-f][0-9a-f]{0,63}$/i;

/** Bytes that are sent at once, or a little more. */
const CHUNK = 1 << 16;

/**
 * Brings a list into the database: all of it, or nothing. What the list does not name stays as it is. It may be done again: of a status
 * that the database has otherwise, the more severe counts, else the later; of the same second the more severe stays, and a revocation
 * for ever is never taken back. Times of entries and versions of theirs are not kept: what is in a database is known now, and it counts its
 * versions itself.
 *
 * @throws (rejects) `BadRowError` with the line of a row that cannot be understood; TypeError; `ERR_OCSP_INVALID_VALUE`, also for an
 * issuer that is no CA; what the database throws.
 */
export async function importStatuses(database: PostgresInput, options: ImportOptions): Promise<ImportResult> {
  const { issuer, source, modified, onProgress } = readOptions(options, OPTION_NAMES);
  if (typeof source?.batches !== 'function')
    throw invalidArgType('source', 'a StatusSource, which iterableSource makes of entries', source);
  checkIsCa(issuer);
  const ca = issuerKey(issuer);
  let seconds = (modified === undefined ? Date.now() : checkDate(modified, 'modified').getTime()) / 1000;
  // A CRL of long ago does not say of any certificate that its hold has ended since.
  const onEdition = ({ thisUpdate }: ListEdition): void => {
    if (modified === undefined) seconds = Math.min(seconds, thisUpdate);
  };
  const opened = new Database(database);
  let entries = 0;
  const lines = async function* (): AsyncGenerator<Buffer> {
    let text = '';
    for await (const batch of source.batches({ onEdition })) {
      for (const entry of batch) text += lineOf(copyEntry(entry));
      entries += batch.length;
      onProgress?.(entries);
      if (text.length < CHUNK) continue;
      yield Buffer.from(text, 'latin1');
      text = '';
    }
    yield Buffer.from(text, 'latin1');
  };
  try {
    return await opened.transaction(async (session) => {
      const id = await registerIssuer(session, ca);
      await session.query(
        `CREATE TEMPORARY TABLE ocsp_import ON COMMIT DROP AS SELECT ${COLUMNS} FROM ocsp_status WITH NO DATA`,
      );
      await copyIn(session, `COPY ocsp_import (${COLUMNS}) FROM STDIN`, lines());
      const isFirst = (await session.query(IS_THERE, [id])).length === 0;
      const brought = (isFirst && (await insert(session, id))) || (await merge(session, id, seconds));
      return { ...brought, entries };
    });
  } finally {
    await opened.close();
  }
}

type Brought = Omit<ImportResult, 'entries'>;

/** Into no rows: takes half the time. undefined where somebody else has brought one of the certificates in meanwhile. */
async function insert(session: Session, issuer: number): Promise<Brought | undefined> {
  await session.query('SAVEPOINT alone');
  try {
    const [done] = await session.query<[string]>(INSERT, [issuer]);
    // Until PostgreSQL has looked it takes a CA for a small part of the table, and reads all of it for each page.
    // (Whoever is at a VACUUM of it would be waited for; that of PostgreSQL itself mostly looks, too.)
    await session.query('ANALYZE (SKIP_LOCKED) ocsp_status');
    return { inserted: Number(done?.[0]), updated: 0, kept: 0 };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== UNIQUE_VIOLATION) throw error;
    await session.query('ROLLBACK TO alone');
    return undefined;
  }
}

async function merge(session: Session, issuer: number, seconds: number): Promise<Brought> {
  await session.query('ANALYZE ocsp_import');
  const [kept] = await session.query<[string]>(KEPT, [issuer, seconds]);
  const [done] = await session.query<[string, string]>(MERGE, [issuer, seconds]);
  return { inserted: Number(done?.[0]), updated: Number(done?.[1]), kept: Number(kept?.[0]) };
}

/** A line of COPY's text format. Nothing in it has to be escaped but the backslash in front of hexadecimal digits. */
function lineOf({ serialNumber, status, revocationTime, reason, singleExtensions }: StatusEntry): string {
  const serial = keyDigits(serialNumber);
  if (status !== OCSPCertStatus.REVOKED && (revocationTime != null || reason != null))
    throw invalidValue('revocationTime and reason go with a revoked certificate only');
  if (status === OCSPCertStatus.GOOD && singleExtensions == null) return `\\\\x${serial}\t0\t\\N\t\\N\t\\N\n`;
  const time = revocationTime == null ? '\\N' : checkDate(revocationTime, 'revocationTime').toISOString();
  const code = reason == null ? '\\N' : reasonToCode(checkReason(reason, 'reason'));
  const extensions = encodeExtensionList(checkExtensionList(singleExtensions, 'singleExtensions'));
  return `\\\\x${serial}\t${status}\t${time}\t${code}\t${extensions === undefined ? '\\N' : `\\\\x${extensions.toString('hex')}`}\n`;
}

/** The key of a serial number in hexadecimal digits. */
function keyDigits(serialNumber: StatusEntry['serialNumber']): string {
  if (typeof serialNumber === 'string' && USUAL_SERIAL.test(serialNumber))
    return serialNumber.length % 2 === 0 ? serialNumber : `0${serialNumber}`;
  return Buffer.from(serialKey(serialNumber)).toString('hex');
}
