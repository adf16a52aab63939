/** The database of `openssl ca`, as `openssl ocsp -index` reads it: rows by serial number, reasons looked at later. */
import { readWhole } from '../read-file.js';
import { type DatabaseRow, SerialRows, Subjects } from './database-rows.js';
import { IndexFile, type IndexRow } from './index-file.js';
import { openError, systemCode } from './queue.js';
import type { Session } from './session.js';

/** Rows by serial number in upper-case hexadecimal digits without leading zeros. */
export interface Database {
  get(key: string): DatabaseRow | undefined;
}

const COLUMNS = 6;
const TAB = 0x09;
const ZERO = 0x30;
const LETTER_V = 0x56;
const BACKSLASH = 0x5c;

/** The number as a key of {@link Database}. */
export function serialKey(digits: string): string {
  return digits.toUpperCase().replace(/^0+(?=.)/, '');
}

/** Keeps what its rows say. Ends the run when it cannot be read, has a row of another form, or the same certificate twice. */
export function loadDatabase(session: Session, path: string): Database {
  const failed = (): never => session.stop(`Problem with index file: ${path} (could not load/parse file)`);
  let contents: Contents | undefined;
  try {
    const file = new IndexFile(path);
    try {
      contents = contentsOf(file);
    } finally {
      file.close();
    }
  } catch (error) {
    session.push(...openError(error, path, 'r'));
    session.printErrors();
    return failed();
  }
  if (contents === undefined) return failed();
  const kinds: [string, Twice | undefined][] = [['serial number', contents.serialTwice]];
  if (subjectsAreUnique(path)) kinds.push(['name', contents.subjectTwice]);
  for (const [kind, twice] of kinds) {
    if (twice === undefined) continue;
    // Error number and rows as OpenSSL says them.
    session.say(`Error creating ${kind} index:(2,${twice.join(',')})`);
    failed();
  }
  return contents.rows;
}

/** Numbers of the first two rows that have the same; they count from 0, comments left out. */
type Twice = readonly [first: number, second: number];

interface Contents {
  readonly rows: SerialRows;
  readonly serialTwice: Twice | undefined;
  readonly subjectTwice: Twice | undefined;
}

/** undefined where a row has another form. */
function contentsOf(file: IndexFile): Contents | undefined {
  const rows = new SerialRows(file.size);
  const subjects = new Subjects(file);
  const tabs = new Int32Array(COLUMNS - 1);
  let serialTwice: Twice | undefined;
  let subjectTwice: Twice | undefined;
  let number = 0;
  for (const row of file.rows()) {
    if (!findTabs(row, tabs)) return undefined;
    const { bytes, start } = row;
    const [typeEnd, expiryEnd, revocationEnd, serialEnd, fileEnd] = tabs as unknown as Positions;
    let digits = revocationEnd + 1;
    while (digits + 1 < serialEnd && bytes[digits] === ZERO) digits += 1;
    const type = typeEnd === start ? 0 : (bytes[start] as number);
    const serial = { bytes, start: digits, end: serialEnd };
    const before = rows.add(type, serial, { bytes, start: expiryEnd + 1, end: revocationEnd });
    if (before !== undefined) serialTwice ??= [before, number];
    if (type === LETTER_V) {
      const same = subjects.add(row, fileEnd + 1);
      if (same !== undefined) subjectTwice ??= [numberAt(file, same), number];
    }
    number += 1;
  }
  return { rows, serialTwice, subjectTwice };
}

type Positions = readonly [number, number, number, number, number];

/** Whether the row has as many columns as it should. A tab after a backslash belongs to the column. */
function findTabs({ bytes, start, end }: IndexRow, tabs: Int32Array): boolean {
  let count = 0;
  for (let i = start; i < end; i += 1) {
    if (bytes[i] !== TAB || (i > start && bytes[i - 1] === BACKSLASH)) continue;
    if (count === tabs.length) return false;
    tabs[count] = i;
    count += 1;
  }
  return count === tabs.length;
}

/** How many rows begin before a position of the file, less the one that it is in. */
function numberAt(file: IndexFile, position: number): number {
  let number = -1;
  for (const { start, origin } of file.rows()) {
    if (origin + start > position) break;
    number += 1;
  }
  return number;
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
