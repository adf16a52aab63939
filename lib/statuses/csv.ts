import { invalidValue, malformed } from '../errors.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import {
  checkSerialFormat,
  type EntryFields,
  entryFromFields,
  type FieldName,
  fieldNamed,
  type SerialFormat,
} from './entry-fields.js';
import { type ByteInput, type RowFormat, rowSource } from './rows.js';
import type { StatusEntry } from './status-entry.js';
import { BadRowError, type RowOptions, type StatusSource } from './status-source.js';

/** What {@link csvSource} takes beside the file. */
export interface CsvOptions extends RowOptions {
  /** Between two fields. Default `,`. */
  readonly delimiter?: ',' | ';' | '\t';
  /** How serial numbers are written: `hex`, after `0x` or not, or `decimal`. Default `hex`. */
  readonly serials?: SerialFormat;
}

const OPTION_NAMES: OptionNames<CsvOptions> = { delimiter: true, serials: true, onBadRow: true };

const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const DELIMITERS: readonly string[] = [',', ';', '\t'];

/**
 * Comma-separated values (RFC 4180, UTF-8). The first row names the columns, in any order and case: `serial` and `status`
 * are required, `revocationTime`, `reason`, `thisUpdate`, `nextUpdate`, `invalidityDate` and `statusVersion` optional, others are
 * ignored.
 * Times are RFC 3339 with an offset, or `YYYYMMDDHHMMSSZ`; statuses `good`, `revoked`, `unknown`. Empty lines are left out.
 * A first row that does not name the columns ends the iteration, whatever `onBadRow` says; so does a file without rows, which
 * is more likely a failed export than a list of no certificates (that is a first row alone), and a quote that makes one row of
 * several lines and does not end there.
 *
 * @throws `ERR_OCSP_INVALID_VALUE` for another delimiter or form of serial numbers.
 */
export function csvSource(input: ByteInput, options: CsvOptions = {}): StatusSource {
  const given = readOptions(options, OPTION_NAMES);
  new CsvFormat(given);
  return rowSource(input, given, () => new CsvFormat(given));
}

type Column = FieldName | undefined;

class CsvFormat implements RowFormat {
  readonly #delimiterText: string;
  readonly #delimiter: number;
  readonly #serials: SerialFormat;
  #columns: Column[] | undefined;

  constructor({ delimiter = ',', serials = 'hex' }: CsvOptions) {
    if (!DELIMITERS.includes(delimiter)) throw invalidValue('delimiter is none of comma, semicolon and tab');
    this.#delimiterText = delimiter;
    this.#delimiter = delimiter.charCodeAt(0);
    this.#serials = checkSerialFormat(serials, 'serials');
  }

  rowEnd(bytes: Buffer, start: number): number {
    let quoted = false;
    // One that is not at the beginning of a field, or behind its quotes, is a fault of its own line.
    let mayQuote = true;
    for (let i = start; i < bytes.length; i += 1) {
      const octet = bytes[i];
      // A doubled quote inside a field leaves it and enters it again.
      if (octet === QUOTE && mayQuote) quoted = !quoted;
      else if (octet === LINE_FEED && !quoted) return i;
      else if (!quoted) mayQuote = octet === this.#delimiter;
    }
    return -1;
  }

  parse(bytes: Buffer, start: number, end: number, line: number): StatusEntry | undefined {
    const rowEnd = bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
    if (rowEnd <= start) return undefined;
    const fields = this.#fieldsOf(bytes, start, rowEnd, line);
    if (this.#columns === undefined) {
      this.#columns = columnsOf(fields);
      return undefined;
    }
    const named: { -readonly [name in keyof EntryFields]: unknown } = {};
    for (let i = 0; i < fields.length; i += 1) {
      const column = this.#columns[i];
      if (column !== undefined) named[column] = fields[i];
    }
    return entryFromFields(named, this.#serials);
  }

  finish(): void {
    if (this.#columns === undefined)
      throw badHeader('the file is empty; a list of no certificates has the row that names the columns');
  }

  #fieldsOf(bytes: Buffer, start: number, end: number, line: number): string[] {
    try {
      const fields = this.#split(bytes, start, end);
      const { length } = this.#columns ?? fields;
      if (fields.length !== length) throw malformed(`${fields.length} fields, but ${length} columns`);
      return fields;
    } catch (error) {
      if (!bytes.subarray(start, end).includes(LINE_FEED)) throw error;
      // Never left out: the lines may be rows, which a quote hides that is one too many.
      const { message } = error as Error;
      throw new BadRowError('line', line, malformed(`${message}; from one quote to the next it has several lines`));
    }
  }

  #split(bytes: Buffer, start: number, end: number): string[] {
    const text = bytes.toString('utf8', start, end);
    if (!text.includes('"')) return text.split(this.#delimiterText);
    const fields: string[] = [];
    let position = start;
    for (;;) {
      if (bytes[position] === QUOTE && position < end) {
        const close = closingQuote(bytes, position + 1, end);
        fields.push(bytes.toString('utf8', position + 1, close).replaceAll('""', '"'));
        position = close + 1;
        if (position < end && bytes[position] !== this.#delimiter) throw malformed('text after a closing quote');
      } else {
        const from = position;
        while (position < end && bytes[position] !== this.#delimiter) {
          if (bytes[position] === QUOTE) throw malformed('a quote inside a field that is not quoted');
          position += 1;
        }
        fields.push(bytes.toString('utf8', from, position));
      }
      if (position >= end) return fields;
      position += 1;
    }
  }
}

function closingQuote(bytes: Buffer, start: number, end: number): number {
  for (let i = start; i < end; i += 1) {
    if (bytes[i] !== QUOTE) continue;
    if (bytes[i + 1] !== QUOTE || i + 1 >= end) return i;
    i += 1;
  }
  throw malformed('a quoted field without an end');
}

function columnsOf(names: readonly string[]): Column[] {
  const columns = names.map(columnNamed);
  const known = columns.filter((column) => column !== undefined);
  for (const required of ['serial', 'status'] as const) {
    if (known.includes(required)) continue;
    const hint =
      names.length === 1 && /[,;\t]/.test(names[0] ?? '') ? ': it is one column; is the delimiter another?' : '';
    throw badHeader(`the first row does not name a column '${required}'${hint}`);
  }
  if (new Set(known).size !== known.length) throw badHeader('the first row names a column twice');
  return columns;
}

function columnNamed(name: string): Column {
  try {
    return fieldNamed(name);
  } catch (error) {
    throw badHeader((error as Error).message);
  }
}

/** Never left out as other rows are: every row after it would be read by the wrong names. */
function badHeader(why: string): BadRowError {
  return new BadRowError('line', 1, malformed(why));
}
