import { malformed } from '../errors.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import {
  checkSerialFormat,
  type EntryFields,
  entryFromFields,
  type FieldName,
  fieldNamed,
  type SerialFormat,
} from './entry-fields.js';
import { type ByteInput, lineEnd, type RowFormat, rowSource } from './rows.js';
import type { StatusEntry } from './status-entry.js';
import type { RowOptions, StatusSource } from './status-source.js';

/** What {@link ndjsonSource} takes beside the file. */
export interface NdjsonOptions extends RowOptions {
  /** How serial numbers in strings are written: `hex`, after `0x` or not, or `decimal`. Default `hex`. */
  readonly serials?: SerialFormat;
}

const OPTION_NAMES: OptionNames<NdjsonOptions> = { serials: true, onBadRow: true };

/**
 * A JSON object in each line, with the members that {@link csvSource} has as columns, each at most once, under one name.
 * Serial numbers are strings, or JSON numbers without fraction and exponent, up to 2^53 - 1; null is as good as absent. Empty
 * lines are left out.
 *
 * @throws `ERR_OCSP_INVALID_VALUE` for another form of serial numbers.
 */
export function ndjsonSource(input: ByteInput, options: NdjsonOptions = {}): StatusSource {
  const given = readOptions(options, OPTION_NAMES);
  const serials = checkSerialFormat(given.serials ?? 'hex', 'serials');
  const format: RowFormat = {
    rowEnd: lineEnd,
    parse(bytes: Buffer, start: number, end: number): StatusEntry | undefined {
      const text = bytes.toString('utf8', start, end);
      if (!text.startsWith('{') && text.trim() === '') return undefined;
      return entryFromFields(fieldsOf(text), serials);
    },
  };
  return rowSource(input, given, () => format);
}

/** Strings, signs, and all else between signs and space. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g;

/** The members of interest, once what JSON.parse does not tell has been looked at: names that come twice, and digits. */
function fieldsOf(text: string): EntryFields {
  const object = parseObject(text);
  const fields: { -readonly [name in FieldName]?: unknown } = {};
  let depth = 0;
  let name = '';
  let previous = '';
  for (const [token] of text.matchAll(TOKEN)) {
    if (depth === 1 && token === ':') name = previous;
    else if (depth === 1 && previous === ':') take(fields, object, JSON.parse(name) as string, token);
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    previous = token;
  }
  return fields;
}

/** @param token - what the value begins with; all of it when it is a number */
function take(
  fields: { -readonly [name in FieldName]?: unknown },
  object: Readonly<Record<string, unknown>>,
  name: string,
  token: string,
): void {
  const field = fieldNamed(name);
  if (field === undefined) return;
  if (Object.hasOwn(fields, field)) throw malformed(`the object has '${field}' twice, if under two names`);
  const value = object[name];
  // 9007199254740990.9 would be read as 9007199254740991, the serial number of somebody else.
  if (typeof value === 'number' && !/^-?\d+$/.test(token))
    throw malformed(`${field} is not a whole number: ${token.slice(0, 64)}`);
  fields[field] = value;
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed(`not JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('not a JSON object');
  return value as Record<string, unknown>;
}
