import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { storeLocked } from './errors.js';

/** Who holds, or held, the lock. */
interface Owner {
  readonly pid: number;
  /** When the process began, in ticks since the machine did: a pid alone is used again. Empty where it cannot be known. */
  readonly started: string;
  readonly host: string;
  /** The boot of the machine: no process outlives it. */
  readonly boot: string;
  /** The process namespace; pids of another one mean nothing here. */
  readonly namespace: string;
  /** Set when it was given back. */
  readonly free?: true;
}

const LOCK = /^LOCK\.(\d+)$/;
let sequence = 0;

/**
 * The right to write to a folder: one process at a time. The lock of a process that has died is taken over, at once.
 *
 * Node has no lock that the system frees for us, so it is made of numbered files that appear complete, by `link`: whoever has
 * the highest number holds the lock. Numbers only grow, a file is never removed before a higher one is there, and whoever
 * finds a higher one beside his own gives way. So two processes that find the same dead owner cannot both succeed, which
 * removing and making one file again would allow.
 */
export class WriterLock {
  readonly #folder: string;
  readonly #number: number;

  private constructor(folder: string, number: number) {
    this.#folder = folder;
    this.#number = number;
  }

  /**
   * Takes the lock.
   *
   * @param breakLock - take it from an owner on another machine or in another container, who cannot be seen from here
   * @throws `ERR_OCSP_STORE_LOCKED` when somebody holds it.
   */
  static acquire(folder: string, breakLock: boolean = false): WriterLock {
    mkdirSync(folder, { recursive: true });
    for (;;) {
      const highest = highestNumber(folder);
      if (highest > 0) refuseIfHeld(folder, highest, breakLock);
      const number = highest + 1;
      if (!place(folder, number, ME)) continue;
      if (highestNumber(folder) > number) {
        rmSync(lockPath(folder, number), { force: true });
        continue;
      }
      for (const older of lockNumbers(folder)) {
        if (older >= number) continue;
        rmSync(lockPath(folder, older), { force: true });
        rmSync(freePath(folder, older), { force: true });
      }
      try {
        writeFileSync(freePath(folder, number), `${JSON.stringify({ ...ME, free: true })}\n`);
      } catch (error) {
        rmSync(lockPath(folder, number), { force: true });
        throw error;
      }
      return new WriterLock(folder, number);
    }
  }

  /** Gives the lock back. */
  release(): void {
    // Removing it would let numbers begin anew; and what takes its place was written before, because the disk may be full.
    renameSync(freePath(this.#folder, this.#number), lockPath(this.#folder, this.#number + 1));
    rmSync(lockPath(this.#folder, this.#number), { force: true });
  }
}

function refuseIfHeld(folder: string, number: number, breakLock: boolean): void {
  const path = lockPath(folder, number);
  const owner = readOwner(path);
  if (owner === undefined || owner.free) return;
  const sameBoot = owner.boot === ME.boot;
  if (owner.host === ME.host && !sameBoot) return;
  if (!sameBoot || owner.namespace !== ME.namespace) {
    if (breakLock) return;
    throw storeLocked(
      `${folder} is locked by process ${owner.pid} on ${owner.host}, which cannot be seen from here; ` +
        'if it has ended, break the lock',
    );
  }
  if (isAlive(owner)) throw storeLocked(`${folder} is being written by process ${owner.pid}`);
}

/** Makes a file that is complete from the first instant; false when it exists. */
function place(folder: string, number: number, owner: Owner): boolean {
  sequence += 1;
  const temporary = join(folder, `LOCK.${process.pid}-${sequence}.tmp`);
  writeFileSync(temporary, `${JSON.stringify(owner)}\n`);
  try {
    linkSync(temporary, lockPath(folder, number));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function readOwner(path: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Owner;
  } catch (error) {
    // Gone meanwhile, or emptied by the end of the machine: nobody's.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isAlive(owner: Owner): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const { started, isZombie } = statOf(owner.pid);
  return owner.started === started && !isZombie;
}

function lockNumbers(folder: string): number[] {
  return readdirSync(folder).flatMap((name) => {
    const match = LOCK.exec(name);
    return match === null ? [] : [Number(match[1])];
  });
}

function highestNumber(folder: string): number {
  return Math.max(0, ...lockNumbers(folder));
}

function lockPath(folder: string, number: number): string {
  return join(folder, `LOCK.${number}`);
}

/** The next lock file, complete and free, for whoever holds this one to put in its place. */
function freePath(folder: string, number: number): string {
  return join(folder, `LOCK.${number}.free`);
}

/**
 * What Linux says of a process, by proc(5); nothing elsewhere. The command before the fields may hold spaces and parentheses,
 * but ends with the last of these.
 */
function statOf(pid: number): { started: string; isZombie: boolean } {
  const stat = readIfThere(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, threads, started = ''] = [fields[0], fields[17], fields[19]];
  // Dead, though its parent has not asked yet, as PID 1 of many a container never does. With threads left it may still write.
  return { started, isZombie: state === 'Z' && Number(threads) <= 1 };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

const ME: Owner = {
  pid: process.pid,
  started: statOf(process.pid).started,
  host: hostname(),
  boot: readIfThere('/proc/sys/kernel/random/boot_id').trim(),
  namespace: pidNamespace(),
};
