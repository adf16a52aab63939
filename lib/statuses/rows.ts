/** Bytes in, rows out: what the sources over text files share. */
import { open } from 'node:fs/promises';
import { types } from 'node:util';
import { invalidArgType, malformed } from '../errors.js';
import type { StatusEntry } from './status-entry.js';
import {
  BadRowError,
  type RowOptions,
  refuseIfAllBad,
  reportBadRow,
  type StatusSource,
  sourceOf,
} from './status-source.js';

/** A file or pipe by its path, all of its bytes, or its bytes in pieces: a `Readable`, or any iterable of Uint8Array. */
export type ByteInput = string | URL | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

const CHUNK = 1 << 16;
/** No row is nearly as long. Without a bound, a file without line ends would be taken into memory whole. */
const LONGEST_ROW = 1 << 16;
const LINE_FEED = 0x0a;
const UTF8_MARK = Buffer.from('\ufeff');
/** Byte order marks of UTF-16, which PowerShell writes. */
const UTF16_MARKS = [Buffer.of(0xff, 0xfe), Buffer.of(0xfe, 0xff)];

/**
 * The bytes, in pieces. A piece is valid until the next one is asked for.
 *
 * @throws TypeError when it is none of the accepted kinds; whatever the file system throws.
 */
export async function* readChunks(input: ByteInput): AsyncGenerator<Uint8Array> {
  if (typeof input === 'string' || input instanceof URL) {
    const file = await open(input, 'r');
    try {
      const buffer = Buffer.allocUnsafeSlow(CHUNK);
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, CHUNK, null);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }
  if (types.isUint8Array(input)) {
    yield* pieces(input);
    return;
  }
  const iterable = input as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined;
  if (typeof iterable?.[Symbol.iterator] !== 'function' && typeof iterable?.[Symbol.asyncIterator] !== 'function') {
    throw invalidArgType('input', 'a path, bytes, or an iterable of bytes', input);
  }
  for await (const chunk of input) {
    if (!types.isUint8Array(chunk)) throw invalidArgType('input', 'an iterable of Uint8Array', chunk);
    yield* pieces(chunk);
  }
}

/** So that what is read at once stays small, however much is there. */
function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
}

/** All of the bytes. */
export async function readAll(input: ByteInput): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of readChunks(input)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** How one file format is cut into rows and read. Made again for each iteration, so it may keep state. */
export interface RowFormat {
  /** Position of the line feed that ends the row which begins at `start`; -1 when it lies beyond `bytes`. */
  rowEnd(bytes: Buffer, start: number): number;
  /** The entry of the row `[start, end)`, undefined when it has none. Throws OCSPError when it cannot be understood. */
  parse(bytes: Buffer, start: number, end: number, line: number): StatusEntry | undefined;
  /** Called behind the last row. Throws when something has not come that has to. */
  finish?(): void;
}

/** For formats in which a line is a row. */
export function lineEnd(bytes: Buffer, start: number): number {
  return bytes.indexOf(LINE_FEED, start);
}

/** A source that reads rows. Memory does not grow with the number of rows. */
export function rowSource(input: ByteInput, options: RowOptions, format: () => RowFormat): StatusSource {
  return sourceOf(() => readRows(input, options, format()));
}

async function* readRows(input: ByteInput, options: RowOptions, format: RowFormat): AsyncGenerator<StatusEntry[]> {
  let line = 1;
  let good = 0;
  let bad = 0;
  let rest: Buffer = Buffer.alloc(0);
  const take = (bytes: Buffer, start: number, end: number, entries: StatusEntry[]): void => {
    try {
      const entry = format.parse(bytes, line === 1 ? afterMark(bytes, start) : start, end, line);
      if (entry === undefined) return;
      entries.push(entry);
      good += 1;
    } catch (error) {
      reportBadRow(error, 'line', line, options);
      bad += 1;
    }
  };
  for await (const chunk of readChunks(input)) {
    // A copy: the chunk's memory is used again, and others may write to it.
    const bytes = Buffer.concat([rest, chunk]);
    const entries: StatusEntry[] = [];
    let start = 0;
    for (let end = format.rowEnd(bytes, start); end >= 0; end = format.rowEnd(bytes, start)) {
      take(bytes, start, end, entries);
      line += format.rowEnd === lineEnd ? 1 : countLines(bytes, start, end + 1);
      start = end + 1;
    }
    rest = bytes.subarray(start);
    if (rest.length > LONGEST_ROW) throw malformed(`line ${line}: longer than ${LONGEST_ROW} bytes`);
    yield entries;
  }
  if (rest.length > 0 && !(line === 1 && rest.equals(UTF8_MARK))) {
    const entries: StatusEntry[] = [];
    take(rest, 0, rest.length, entries);
    yield entries;
  }
  format.finish?.();
  refuseIfAllBad(good, bad);
}

/** Where the first row begins: behind the mark that some programs write in front of UTF-8. */
function afterMark(bytes: Buffer, start: number): number {
  if (UTF16_MARKS.some((mark) => bytes.subarray(start, start + 2).equals(mark)))
    throw new BadRowError('line', 1, malformed('the text is UTF-16; it has to be UTF-8'));
  return bytes.subarray(start, start + 3).equals(UTF8_MARK) ? start + 3 : start;
}

function countLines(bytes: Buffer, start: number, end: number): number {
  let count = 0;
  for (let i = start; i < end; i += 1) if (bytes[i] === LINE_FEED) count += 1;
  return count;
}
