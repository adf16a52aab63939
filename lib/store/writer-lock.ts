import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { getSystemErrorName } from 'node:util';
import { native } from '../binding.js';
import { storeLocked } from './errors.js';

/** Who has the lock, as its file says for messages; the lock does not rest on it. */
interface Owner {
  readonly pid: number;
  readonly host: string;
}

const FILE = 'LOCK';

/**
 * The right to write to a folder: one thread of one process at a time.
 *
 * It is the operating system's lock of an open file, so there is none that is taken or given back by half: whoever has the file
 * `LOCK` open and locked may write, and the system takes the lock away when the file is closed, which is also when its thread
 * or process ends, however that happens. The file stays; its being there means nothing.
 *
 * | state | `LOCK` | what ends it |
 * |---|---|---|
 * | free | no one has it locked | {@link acquire} |
 * | held | the holder has it locked | {@link release}; the end of thread, process or machine |
 * | lost | removed or replaced by somebody else while it was held | {@link check}, before anything is published, throws |
 *
 * Every failure between opening the file and the end of {@link acquire} closes it: the lock is free, or another's, as before.
 */
export class WriterLock {
  readonly #folder: string;
  readonly #descriptor: number;

  private constructor(folder: string, descriptor: number) {
    this.#folder = folder;
    this.#descriptor = descriptor;
  }

  /**
   * Takes the lock.
   *
   * @param breakLock - take it though a process on another machine, by the name of its host, still has it
   * @throws `ERR_OCSP_STORE_LOCKED` when somebody holds it; what the file system throws.
   */
  static acquire(folder: string, breakLock: boolean = false): WriterLock {
    mkdirSync(folder, { recursive: true });
    for (;;) {
      const lock = new WriterLock(folder, openSync(join(folder, FILE), 'a+'));
      try {
        if (lock.#take(breakLock)) return lock;
      } catch (error) {
        lock.release();
        throw error;
      }
      lock.release();
    }
  }

  /** Tells one time of holding the lock of a folder from another, whoever it is. */
  static holding(folder: string): string {
    const file = statSync(join(folder, FILE), { bigint: true, throwIfNoEntry: false });
    return file === undefined ? '' : `${file.ino} ${file.mtimeNs}`;
  }

  /** Throws `ERR_OCSP_STORE_LOCKED` when somebody has removed the file, so that another may have taken the lock by now. */
  check(): void {
    if (!this.#isInPlace()) throw storeLocked(`the lock of ${this.#folder} was taken away: its file was removed`);
  }

  /** Gives the lock back. Does not fail: what is left after an error of the file system is not a lock. */
  release(): void {
    // First, because a child process that is just being started has the file, too, until it runs its program.
    native.unlockFile(this.#descriptor);
    try {
      closeSync(this.#descriptor);
    } catch {
      // The descriptor is gone all the same.
    }
  }

  /** False when it has to be tried again, with the file that is there now. */
  #take(breakLock: boolean): boolean {
    const error = native.lockFile(this.#descriptor);
    if (error === 0) {
      if (!this.#isInPlace()) return false;
      this.#note();
      return true;
    }
    const path = join(this.#folder, FILE);
    const code = getSystemErrorName(error);
    if (code !== 'EAGAIN') {
      throw Object.assign(new Error(`${code}: ${path} cannot be locked`), {
        code,
        errno: error,
        syscall: 'flock',
        path,
      });
    }
    const owner = readOwner(path);
    const elsewhere = owner !== undefined && owner.host !== hostname();
    if (!breakLock || !elsewhere) {
      const who =
        owner === undefined ? 'another process' : `process ${owner.pid}${elsewhere ? ` on ${owner.host}` : ''}`;
      throw storeLocked(`${this.#folder} is being written by ${who}`);
    }
    rmSync(path, { force: true });
    return false;
  }

  /** Without room on the disk the lock has no name, but is there. */
  #note(): void {
    ftruncateSync(this.#descriptor);
    const owner: Owner = { pid: process.pid, host: hostname() };
    try {
      writeSync(this.#descriptor, `${JSON.stringify(owner)}\n`);
    } catch {
      // Only messages need it.
    }
  }

  #isInPlace(): boolean {
    const there = statSync(join(this.#folder, FILE), { bigint: true, throwIfNoEntry: false });
    const own = fstatSync(this.#descriptor, { bigint: true });
    return there !== undefined && there.ino === own.ino && there.dev === own.dev;
  }
}

function readOwner(path: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Owner;
  } catch {
    // Gone, or not written.
    return undefined;
  }
}
