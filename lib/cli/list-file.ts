/** Lists of certificates on the command line: files and pipes. */
import { createHash, randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { readChunks } from '../statuses/rows.js';
import { takeStandardInput } from './read-file.js';
import { fileError, reading } from './system-error.js';

/** A list, and which state of it. */
export interface ListFile {
  /** Its bytes; of a pipe they come once. A file that is not what it was when it was opened is an error at its end. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Equal for equal content; of a pipe, whose content no one knows before its end, equal to nothing. */
  readonly content: string;
  /** Of a pipe, unknown. */
  readonly lines: number | undefined;
  /** When it was last modified; of a pipe, when it was opened. */
  readonly modified: Date;
}

const LINE_FEED = 0x0a;

/**
 * Opens a file, a pipe, or standard input (`-`). A file is read to its end here, and again when the list is: its time and size
 * may stay when it is changed.
 *
 * @throws an Error when it cannot be read; UsageError when something else was on standard input.
 */
export async function openListFile(path: string): Promise<ListFile> {
  const isFile = path !== '-' && reading(path, () => statSync(path)).isFile();
  if (!isFile) {
    if (path === '-') takeStandardInput();
    const bytes = path === '-' ? process.stdin : named(path, readChunks(path));
    return { bytes, content: randomUUID(), lines: undefined, modified: new Date() };
  }
  const modified = reading(path, () => statSync(path)).mtime;
  const hash = createHash('sha256');
  let lines = 0;
  for await (const chunk of named(path, readChunks(path))) {
    hash.update(chunk);
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, at + 1)) lines += 1;
  }
  const content = hash.digest('hex');
  return { bytes: { [Symbol.asyncIterator]: () => readUnchanged(path, content) }, content, lines, modified };
}

async function* readUnchanged(path: string, content: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of named(path, readChunks(path))) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') !== content) throw new Error(`${path} has changed while it was read`);
}

async function* named(path: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throw fileError('read', path, error);
  }
}
