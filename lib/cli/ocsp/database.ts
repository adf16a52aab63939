/** The database of `openssl ca`, as `openssl ocsp -index` reads it: rows by serial number, reasons looked at later. */
import { readWhole } from './files.js';
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

/** The number as a key of {@link Database}. */
export function serialKey(digits: string): string {
  return digits.toUpperCase().replace(/^0+(?=.)/, '');
}

/** Reads it whole. Ends the run when it cannot be read, has a row of another form, or the same certificate twice. */
export function loadDatabase(session: Session, path: string): Database {
  const failed = (): never => session.stop(`Problem with index file: ${path} (could not load/parse file)`);
  let content: Buffer;
  try {
    content = readWhole(path);
  } catch (error) {
    session.push(...openError(error, path, 'r'));
    session.printErrors();
    return failed();
  }
  const rows = readRows(content.toString('latin1'));
  if (rows === undefined) return failed();
  const database = new Map<string, DatabaseRow>();
  const lines = new Map<string, number>();
  for (const [line, row] of rows.entries()) {
    const [type = '', , revocation = '', serial = ''] = row;
    const key = serialKey(serial);
    const before = lines.get(key);
    if (before !== undefined) {
      // Error, argument and row number as OpenSSL counts them.
      session.say(`Error creating serial number index:(2,${before},${line})`);
      return failed();
    }
    lines.set(key, line);
    database.set(key, { type: type.slice(0, 1), revocation });
  }
  if (subjectsAreUnique(path)) checkSubjects(session, rows, failed);
  return database;
}

/** Columns of all rows; undefined when a row has another number of them. */
function readRows(text: string): string[][] | undefined {
  const rows: string[][] = [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  for (const line of lines) {
    if (line.startsWith('#')) continue;
    // A tab after a backslash belongs to the column.
    const columns = line.split(/(?<!\\)\t/).map((column) => column.replaceAll('\\\t', '\t'));
    if (columns.length !== COLUMNS) return undefined;
    rows.push(columns);
  }
  return rows;
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

function checkSubjects(session: Session, rows: readonly string[][], failed: () => never): void {
  const subjects = new Map<string, number>();
  for (const [line, [type, , , , , subject = '']] of rows.entries()) {
    if (!type?.startsWith('V')) continue;
    const before = subjects.get(subject);
    if (before !== undefined) {
      session.say(`Error creating name index:(2,${before},${line})`);
      failed();
    }
    subjects.set(subject, line);
  }
}
