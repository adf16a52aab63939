/** Bytes in, rows out: what the sources over text files share. */
import { open } from 'node:fs/promises';
import { types } from 'node:util';
import { invalidArgType, malformed } from '../../errors.js';
import type { StatusEntry } from '../status-entry.js';
import { type RowOptions, reportBadRow, type StatusSource, sourceOf } from './status-source.js';

/** A file by its path, all of its bytes, or its bytes in pieces: a `Readable`, or any iterable of Uint8Array. */
export type ByteInput = string | URL | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

const CHUNK = 1 << 18;
/** No row is nearly as long. Without a bound, a file without line ends would be taken into memory whole. */
const LONGEST_ROW = 1 << 20;
const LINE_FEED = 0x0a;

/**
 * The bytes, in pieces. A piece is valid until the next one is asked for.
 *
 * @throws TypeError when it is none of the accepted kinds.
 */
export async function* readChunks(input: ByteInput): AsyncGenerator<Uint8Array> {
  if (typeof input === 'string' || input instanceof URL) {
    await using file = await openForReading(input);
    const buffer = Buffer.allocUnsafeSlow(CHUNK);
    for (;;) {
      const { bytesRead } = await file.handle.read(buffer, 0, CHUNK, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  }
  if (types.isUint8Array(input)) {
    yield input;
    return;
  }
  const iterable = input as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined;
  if (typeof iterable?.[Symbol.iterator] !== 'function' && typeof iterable?.[Symbol.asyncIterator] !== 'function') {
    throw invalidArgType('input', 'a path, bytes, or an iterable of bytes', input);
  }
  for await (const chunk of input) {
    if (!types.isUint8Array(chunk)) throw invalidArgType('input', 'an iterable of Uint8Array', chunk);
    yield chunk;
  }
}
