/** Reading files whole, those with secrets in them, too: no buffer on the way keeps what was in it. */
import { closeSync, openSync, readSync } from 'node:fs';
import { UsageError } from './command.js';

/** No message, key or list of certificates of use is longer; a device or a mistake may be. */
export const MAX_FILE: number = 64 * 1024 * 1024;
const FIRST = 64 * 1024;

/**
 * Reads until the file ends, or `enough` says so of what is there. Whoever is done with a secret overwrites the result.
 *
 * @throws a system error when it cannot be read, or goes on for more than `most` bytes.
 */
export function readDescriptor(fd: number, most: number = MAX_FILE, enough?: (begun: Buffer) => boolean): Buffer {
  let bytes = Buffer.alloc(FIRST);
  let length = 0;
  try {
    for (;;) {
      const count = readSync(fd, bytes, length, bytes.length - length, null);
      if (count === 0) return bytes.subarray(0, length);
      length += count;
      if (length > most) throw Object.assign(new Error(`more than ${most} bytes`), { code: 'EFBIG', syscall: 'read' });
      if (enough?.(bytes.subarray(0, length))) return bytes.subarray(0, length);
      if (length < bytes.length) continue;
      const larger = Buffer.alloc(2 * length);
      bytes.copy(larger);
      bytes.fill(0);
      bytes = larger;
    }
  } catch (error) {
    bytes.fill(0);
    throw error;
  }
}

/** The whole file. Throws as {@link readDescriptor}. */
export function readWhole(path: string, most: number = MAX_FILE): Buffer {
  const fd = openSync(path, 'r');
  try {
    return readDescriptor(fd, most);
  } finally {
    closeSync(fd);
  }
}

let standardInputTaken = false;

/** A run begins: no one has read standard input yet. */
export function giveStandardInput(): void {
  standardInputTaken = false;
}

/**
 * For whoever is about to read standard input: who comes second would find nothing in it.
 *
 * @throws UsageError for the second one.
 */
export function takeStandardInput(): void {
  if (standardInputTaken) throw new UsageError('standard input can be one thing only, and is read once');
  standardInputTaken = true;
}

/** A file with a secret, or, for `-`, standard input. Throws as {@link readDescriptor} and {@link takeStandardInput}. */
export function readSecret(path: string): Buffer {
  if (path !== '-') return readWhole(path);
  takeStandardInput();
  return readDescriptor(0);
}

/** What `use` makes of the content of a file, which is overwritten then. */
export function withSecret<T>(bytes: Buffer, use: (bytes: Buffer) => T): T {
  try {
    return use(bytes);
  } finally {
    bytes.fill(0);
  }
}
