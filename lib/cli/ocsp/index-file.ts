/** The rows of an `index.txt`, without the whole of it in memory. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { readDescriptor } from '../read-file.js';

/** Ten million rows or so: no database of use is longer; a device or a mistake may be. */
const MAX_DATABASE = 400 * 1024 * 1024;
const PIECE = 1024 * 1024;
const NEWLINE = 0x0a;
const HASH = 0x23;

/** A row: where it lies in `bytes`, and where these lie in the file. Good until the next one. */
export interface IndexRow {
  bytes: Buffer;
  start: number;
  end: number;
  origin: number;
}

/** An open file. */
export class IndexFile {
  readonly #fd: number;
  /** Bytes, but for what is added later. */
  readonly size: number;
  /** What cannot be read twice, and is in memory. */
  readonly #whole: Buffer | undefined;

  /** @throws a system error */
  constructor(path: string) {
    this.#fd = openSync(path, 'r');
    try {
      const stats = fstatSync(this.#fd);
      if (!stats.isFile()) this.#whole = readDescriptor(this.#fd, MAX_DATABASE);
      this.size = Math.min(this.#whole?.length ?? stats.size, MAX_DATABASE);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** Reads from a position on. Returns how many bytes there are, less than asked for at the end alone. */
  read(into: Buffer, position: number): number {
    if (this.#whole !== undefined) return this.#whole.copy(into, 0, position);
    for (let done = 0; ; ) {
      const count = done < into.length ? readSync(this.#fd, into, done, into.length - done, position + done) : 0;
      if (count === 0) return done;
      done += count;
    }
  }

  /** The rows that are not comments. Throws when it is too long, or cannot be read. */
  *rows(): Generator<IndexRow> {
    const row: IndexRow = { bytes: Buffer.allocUnsafeSlow(PIECE), start: 0, end: 0, origin: 0 };
    /** Bytes of a row whose end has not been read. */
    let begun = 0;
    for (;;) {
      if (begun === row.bytes.length) {
        const larger = Buffer.allocUnsafeSlow(2 * begun);
        row.bytes.copy(larger);
        row.bytes = larger;
      }
      const count = this.read(row.bytes.subarray(begun), row.origin + begun);
      const length = begun + count;
      if (row.origin + length > MAX_DATABASE)
        throw Object.assign(new Error(`more than ${MAX_DATABASE} bytes`), { code: 'EFBIG', syscall: 'read' });
      const isLast = length < row.bytes.length;
      const { bytes } = row;
      row.start = 0;
      while (row.start < length) {
        const newline = bytes.indexOf(NEWLINE, row.start);
        if (newline >= length || newline < 0) {
          if (!isLast) break;
          row.end = length;
        } else {
          row.end = newline;
        }
        if (bytes[row.start] !== HASH) yield row;
        row.start = row.end + 1;
      }
      if (isLast) return;
      begun = length - row.start;
      bytes.copyWithin(0, row.start, length);
      row.origin += row.start;
    }
  }
}

/** Tells the state of a file from any other: equal as long as it was neither written nor replaced; '' when it cannot be seen. */
export function indexState(path: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch {
    return '';
  }
}
