import { malformed } from '../../errors.js';
import type { StatusEntry } from '../status-entry.js';
import { type EntryFields, entryFromFields } from './entry-fields.js';
import { type ByteInput, lineEnd, type RowFormat, rowSource } from './rows.js';
import type { RowOptions, StatusSource } from './status-source.js';

/**
 * A JSON object in each line, with the members that {@link csvSource} has as columns. Serial numbers are strings of
 * hexadecimal digits, after `0x` or not, or JSON numbers up to 2^53 - 1; null is as good as absent. Empty lines are left
 * out.
 */
export function ndjsonSource(input: ByteInput, options: RowOptions = {}): StatusSource {
  return rowSource(input, options, () => FORMAT);
}

const FORMAT: RowFormat = {
  rowEnd: lineEnd,
  parse(bytes: Buffer, start: number, end: number): StatusEntry | undefined {
    const text = bytes.toString('utf8', start, end);
    if (!text.startsWith('{') && text.trim() === '') return undefined;
    return entryFromFields(parseObject(text));
  },
};

function parseObject(text: string): EntryFields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed(`not JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('not a JSON object');
  return value;
}
