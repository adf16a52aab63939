/** A folder of answers, for the next run and for other processes. */
import { createHash, randomBytes } from 'node:crypto';
import { constants, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidArgType, invalidValue } from '../errors.js';
import { checkBytes } from '../x509/checks.js';
import { checkDate } from '../x509/time.js';
import type { ResponseCacheStore } from './response-cache.js';
import { LARGEST_BODY } from './transport.js';

/**
 * File of an answer: magic, the moment (milliseconds since 1970-01-01, 8 bytes, big-endian) from when on it is of no use,
 * SHA-256 over both and the DER, DER.
 */
const MAGIC = Buffer.from('OCSPA001');
const MOMENT_SIZE = 8;
const DIGEST_SIZE = 32;
const HEADER_SIZE = MAGIC.length + MOMENT_SIZE + DIGEST_SIZE;
const SUFFIX = '.ocsp';
/** Milliseconds after which what a killed process left half written is a leftover for certain. */
const RUBBISH_AGE = 3600_000;

/**
 * Keeps answers in a folder, a file each. A file is written beside its place and renamed: other processes, and whoever comes
 * after a crash, find the old answer or the new one, and no half of any. What is damaged all the same counts as
 * absent, as does what is longer than any answer (1 MiB).
 */
export class FolderCache implements ResponseCacheStore {
  readonly #folder: string;

  /** @param folder - Made when the first answer is kept. */
  constructor(folder: string) {
    if (typeof folder !== 'string') throw invalidArgType('folder', 'a string', folder);
    if (folder === '') throw invalidValue('folder is empty');
    this.#folder = folder;
  }

  /** The answer of that key; null where there is none, or a damaged one. */
  async get(key: string): Promise<Buffer | null> {
    return (await this.#read(this.#path(key)))?.der ?? null;
  }

  /** Keeps an answer in place of an earlier one. Rejects with Node's error, such as for a full disk; then nothing has changed. */
  async put(key: string, der: Uint8Array, expires: Date): Promise<void> {
    const path = this.#path(key);
    const moment = Buffer.alloc(MOMENT_SIZE);
    moment.writeBigUInt64BE(BigInt(Math.max(0, checkDate(expires, 'expires').getTime())));
    const bytes = checkBytes(der, 'der');
    const content = Buffer.concat([MAGIC, moment, digest(moment, bytes), bytes]);
    await mkdir(join(path, '..'), { recursive: true });
    const draft = besides(path);
    try {
      const file = await open(draft, 'wx');
      try {
        await file.writeFile(content);
      } finally {
        await file.close();
      }
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }

  /** Forgets an answer. */
  async delete(key: string): Promise<void> {
    await rm(this.#path(key), { force: true });
  }

  /** The keys of all answers, in no order. */
  async *keys(): AsyncIterable<string> {
    for await (const { name } of this.#files()) {
      if (name.endsWith(SUFFIX)) yield name.slice(0, -SUFFIX.length);
    }
  }

  /**
   * Removes what is of no use: answers that ended so long ago, damaged files, and what killed processes have left.
   *
   * @param olderThan - Seconds since the end of an answer. Default a week: an answer also keeps older ones from coming back.
   * @returns how many files are gone
   */
  async sweep(olderThan: number = 7 * 24 * 3600): Promise<number> {
    let removed = 0;
    const now = Date.now();
    const hasEnded = async (path: string): Promise<boolean> =>
      ((await this.#read(path))?.expires ?? 0) < now - olderThan * 1000;
    for await (const { path, name } of this.#files()) {
      if (name.endsWith(SUFFIX)) {
        if ((await hasEnded(path)) && (await removeIf(path, hasEnded))) removed += 1;
      } else if (await isOld(path, now)) {
        await rm(path, { force: true });
        removed += 1;
      }
    }
    return removed;
  }

  async *#files(): AsyncGenerator<{ path: string; name: string }> {
    for (const part of await namesIn(this.#folder)) {
      if (!/^[0-9a-f]{2}$/.test(part)) continue;
      for (const name of await namesIn(join(this.#folder, part))) yield { path: join(this.#folder, part, name), name };
    }
  }

  async #read(path: string): Promise<{ der: Buffer; expires: number } | null> {
    const content = await contentOf(path);
    if (content === null) return null;
    const moment = content.subarray(MAGIC.length, MAGIC.length + MOMENT_SIZE);
    const stated = content.subarray(MAGIC.length + MOMENT_SIZE, HEADER_SIZE);
    const der = content.subarray(HEADER_SIZE);
    if (!content.subarray(0, MAGIC.length).equals(MAGIC) || !stated.equals(digest(moment, der))) return null;
    return { der, expires: Number(moment.readBigUInt64BE()) };
  }

  /** In 256 folders: none gets too many files. */
  #path(key: string): string {
    if (typeof key !== 'string') throw invalidArgType('key', 'a string', key);
    if (!/^[0-9a-f]{64}$/.test(key)) throw invalidValue('key is not 64 hexadecimal digits');
    return join(this.#folder, key.slice(0, 2), key + SUFFIX);
  }
}

/** Of a file that may hold an answer: whoever can write to the folder must not be able to fill memory, or to hold up who reads. */
async function contentOf(path: string): Promise<Buffer | null> {
  try {
    // (Without it, opening a pipe waits for somebody who writes.)
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { size } = await file.stat().then((stats) => (stats.isFile() ? stats : { size: 0 }));
      if (size < HEADER_SIZE || size > HEADER_SIZE + LARGEST_BODY) return null;
      const content = Buffer.allocUnsafe(size);
      const { bytesRead } = await file.read(content, 0, size, 0);
      return bytesRead === size ? content : null;
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** A name of its own beside a file. */
function besides(path: string): string {
  return `${path}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`;
}

/** Removes a file, but not one that somebody has put in its place meanwhile. */
async function removeIf(path: string, isRubbish: (path: string) => Promise<boolean>): Promise<boolean> {
  const aside = besides(path);
  try {
    await rename(path, aside);
    if (await isRubbish(aside)) return true;
    // (A later one may be there again.)
    await link(aside, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

function digest(moment: Buffer, der: Uint8Array): Buffer {
  return createHash('sha256').update(MAGIC).update(moment).update(der).digest();
}

async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
}

async function isOld(path: string, now: number): Promise<boolean> {
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: now }));
  return now - mtimeMs > RUBBISH_AGE;
}
