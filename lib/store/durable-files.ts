/** Small files that are replaced as a whole, and the order of system calls that makes it last. */
import { readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { storeDamaged } from './errors.js';

/** Makes names that were added to, or taken from, a folder survive the machine's end. */
export async function syncFolder(path: string): Promise<void> {
  // Windows does not open folders, and does not need it.
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Removes a file that counts for nothing. What cannot be removed now is removed by who writes to the folder later. */
export async function removeQuietly(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => undefined);
}

/** Writes a file so that at any instant either the old or the new content is there. Durable once it resolves. */
export async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await removeQuietly(temporary);
    throw error;
  }
  await syncFolder(dirname(path));
}

/** A value as JSON in one line, and the CRC-32 of that line in the next. */
export function checkedJson(value: unknown): string {
  const line = `${JSON.stringify(value)}\n`;
  return `${line}${checksum(line)}\n`;
}

/** Reads what {@link checkedJson} wrote; undefined when there is no such file. */
export function readCheckedJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const end = text.indexOf('\n') + 1;
  if (end === 0 || text.slice(end) !== `${checksum(text.slice(0, end))}\n`) {
    throw storeDamaged(`${path} does not have its checksum`);
  }
  return JSON.parse(text.slice(0, end));
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
