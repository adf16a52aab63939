import { closeSync, fstatSync, openSync, readFileSync, readSync, type Stats, statSync } from 'node:fs';
import { basename } from 'node:path';
import { storeDamaged } from './errors.js';

/** Descriptors that all files of a thread together take, however many there are: an eighth of those that the process may have. */
let mostOpen: number | undefined;
const LEAST = 64;
const MOST = 256;

/** In the order in which they were opened, or spared as ones that were used. */
const opened = new Set<PooledFile>();

/** A file that is read and does not change. It is open when that is of use; ones that were not used lately give way to others. */
export class PooledFile {
  readonly #path: string;
  readonly bytes: number;
  readonly #inode: number;
  /** Descriptor, or -1; and whether it was used lately: what the addon sees of it, and tells (native/core/segment_table.h). */
  readonly #state = new Int32Array(new ArrayBuffer(8));
  #kept = false;

  constructor(path: string) {
    this.#path = path;
    this.#state[0] = -1;
    ({ size: this.bytes, ino: this.#inode } = this.#open());
  }

  /** For the addon. */
  get state(): Uint8Array {
    return new Uint8Array(this.#state.buffer);
  }

  /** Whether its path still leads to it. */
  get isInPlace(): boolean {
    const there = statSync(this.#path, { throwIfNoEntry: false });
    return there?.ino === this.#inode && there.size === this.bytes;
  }

  /** Opens it for a moment, unless it is open. Returns whether it was not. */
  open(): boolean {
    this.#state[1] = 1;
    if (this.#descriptor >= 0) return false;
    this.#reopen();
    return true;
  }

  /** Reads so many bytes from a position. */
  read(into: Buffer, position: number): void {
    this.open();
    const descriptor = this.#descriptor;
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
    this.#state[0] = -1;
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
    mostOpen ??= Math.min(Math.max(LEAST, descriptorLimit() / 8), MOST);
    if (opened.size >= mostOpen) PooledFile.#closeUnused();
    for (;;) {
      try {
        this.#state[0] = openSync(this.#path, 'r');
        break;
      } catch (error) {
        // The process has fewer descriptors left than the pool would take.
        const { code } = error as NodeJS.ErrnoException;
        if ((code === 'EMFILE' || code === 'ENFILE') && PooledFile.#closeUnused()) continue;
        throw error;
      }
    }
    this.#state[1] = 1;
    opened.add(this);
    try {
      return fstatSync(this.#descriptor);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get #descriptor(): number {
    return this.#state[0] as number;
  }

  /** Closes the first one that was not used since it was spared. False when no open file may be closed. */
  static #closeUnused(): boolean {
    let left = 2 * opened.size;
    for (const file of opened) {
      if (left === 0) break;
      left -= 1;
      if (!file.#kept && file.#state[1] === 0) {
        file.close();
        return true;
      }
      // Behind the others, where it is met again.
      file.#state[1] = 0;
      opened.delete(file);
      opened.add(file);
    }
    return false;
  }
}

/** How many descriptors this process may have; 0 where that is not known. */
function descriptorLimit(): number {
  try {
    const [, limit = '0'] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return Number(limit);
  } catch {
    // Only Linux has the file.
    return 0;
  }
}
