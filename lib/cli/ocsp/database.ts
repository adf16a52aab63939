/** The database of `openssl ca`, as `openssl ocsp -index` reads it: rows by serial number, reasons looked at later. */
import { readWhole } from '../read-file.js';
import { openError, systemCode } from './queue.js';
import type { Session } from './session.js';

/** One row: what it says about a certificate. */
export interface DatabaseRow {
  /** `V`, `R` or `E`. */
  readonly type: string;
  /** `time[,reason[,argument]]` */
  readonly revocation: string;
}

/** Rows by serial number in upper-case hexadecimal digits without leading zeros. */
export type Database = ReadonlyMap<string, DatabaseRow>;

const COLUMNS = 6;
/** Six million rows or so; a string cannot be much longer. */
const MAX_DATABASE = 400 * 1024 * 1024;

/** The number as a key of {@link Database}. */
export function serialKey(digits: string): string {
  return digits.toUpperCase().replace(/^0+(?=.)/, '');
}

/** Reads it whole. Ends the run when it cannot be read, has a row of another form, or the same certificate twice. */
export function loadDatabase(session: Session, path: string): Database {
  const failed = (): never => session.stop(`Problem with index file: ${path} (could not load/parse file)`);
  let text: string;
  try {
    text = readWhole(path, MAX_DATABASE).toString('latin1');
  } catch (error) {
    session.push(...openError(error, path, 'r'));
    session.printErrors();
    return failed();
  }
  const database = new Map<string, DatabaseRow>();
  // Row numbers count from 0, comments left out.
  const serials = new Index();
  const subjects = new Index();
  let line = 0;
  for (const columns of rowsOf(text)) {
    if (columns.length !== COLUMNS) return failed();
    const [type = '', , revocation = '', serial = '', , subject = ''] = columns;
    const key = serialKey(serial);
    serials.add(key, line);
    if (type.startsWith('V')) subjects.add(subject, line);
    database.set(key, type === 'V' && revocation === '' ? VALID : { type: type.slice(0, 1), revocation });
    line += 1;
  }
  const kinds: [string, Index][] = [['serial number', serials]];
  if (subjectsAreUnique(path)) kinds.push(['name', subjects]);
  for (const [kind, { twice }] of kinds) {
    if (twice === undefined) continue;
    // Error number and rows as OpenSSL says them.
    session.say(`Error creating ${kind} index:(2,${twice.join(',')})`);
    failed();
  }
  return database;
}

/** Most rows of most databases. */
const VALID: DatabaseRow = { type: 'V', revocation: '' };

/** Finds the first thing that is there twice. */
class Index {
  readonly #rows = new Map<string, number>();
  /** The rows of both. */
  twice: readonly [first: number, second: number] | undefined;

  add(key: string, row: number): void {
    const before = this.#rows.get(key);
    if (before === undefined) this.#rows.set(key, row);
    else this.twice ??= [before, row];
  }
}

/** The columns of each row; comments are left out. */
function* rowsOf(text: string): Generator<string[]> {
  let begin = 0;
  while (begin < text.length) {
    const end = text.indexOf('\n', begin);
    const line = text.slice(begin, end < 0 ? text.length : end);
    begin = end < 0 ? text.length : end + 1;
    if (line.startsWith('#')) continue;
    // A tab after a backslash belongs to the column.
    yield line.includes('\\')
      ? line.split(/(?<!\\)\t/).map((column) => column.replaceAll('\\\t', '\t'))
      : line.split('\t');
  }
}

/** `unique_subject` of the file beside the database; yes where nothing is said. */
function subjectsAreUnique(path: string): boolean {
  try {
    const attributes = readWhole(`${path}.attr`).toString('latin1');
    const value = /^\s*unique_subject\s*=\s*(\S+)/m.exec(attributes)?.[1];
    return value === undefined || !/^[fFnN0]/.test(value);
  } catch (error) {
    if (systemCode(error) === '') throw error;
    return true;
  }
}
