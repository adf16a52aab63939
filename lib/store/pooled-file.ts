import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { basename } from 'node:path';
import { storeDamaged } from './errors.js';

/** Descriptors that all files of the pool together take, however many there are. */
const MOST_OPEN = 64;

/** Grows with each use of a file. */
let clock = 0;
const opened = new Set<PooledFile>();

/** A file that is read and does not change. It is open when that is of use, as the least used ones give way to others. */
export class PooledFile {
  readonly #path: string;
  readonly bytes: number;
  readonly #inode: number;
  #descriptor = -1;
  #used = 0;
  #kept = false;

  constructor(path: string) {
    this.#path = path;
    ({ size: this.bytes, ino: this.#inode } = this.#open());
  }

  /** The open file, for a moment. */
  get descriptor(): number {
    if (this.#descriptor < 0) this.#reopen();
    this.#used = ++clock;
    return this.#descriptor;
  }

  /** Reads so many bytes from a position. */
  read(into: Buffer, position: number): void {
    const { descriptor } = this;
    for (let done = 0; done < into.length; ) {
      const count = readSync(descriptor, into, done, into.length - done, position + done);
      if (count === 0) throw storeDamaged(`${basename(this.#path)}: ends at byte ${position + done}`);
      done += count;
    }
  }

  /** Keeps the file open until {@link close}, so that it can be read though it is removed. */
  keep(): void {
    if (this.#descriptor < 0) this.#reopen();
    this.#kept = true;
  }

  /** Closes the file until it is read again. */
  close(): void {
    const descriptor = this.#descriptor;
    if (descriptor < 0) return;
    this.#descriptor = -1;
    this.#kept = false;
    opened.delete(this);
    try {
      closeSync(descriptor);
    } catch {
      // Nothing was written; and the descriptor is gone all the same.
    }
  }

  #reopen(): void {
    const { size, ino } = this.#open();
    if (size === this.bytes && ino === this.#inode) return;
    this.close();
    throw storeDamaged(`${basename(this.#path)} has been replaced by another file`);
  }

  #open(): Stats {
    if (opened.size >= MOST_OPEN) PooledFile.#closeLeastUsed();
    for (;;) {
      try {
        this.#descriptor = openSync(this.#path, 'r');
        break;
      } catch (error) {
        // The process has fewer descriptors left than the pool would take.
        const { code } = error as NodeJS.ErrnoException;
        if ((code === 'EMFILE' || code === 'ENFILE') && PooledFile.#closeLeastUsed()) continue;
        throw error;
      }
    }
    this.#used = ++clock;
    opened.add(this);
    try {
      return fstatSync(this.#descriptor);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** False when no open file may be closed. */
  static #closeLeastUsed(): boolean {
    let least: PooledFile | undefined;
    for (const file of opened) {
      if (!file.#kept && (least === undefined || file.#used < least.#used)) least = file;
    }
    least?.close();
    return least !== undefined;
  }
}
