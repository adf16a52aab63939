import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { invalidValue } from '../errors.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import type { StoredResponse } from './response-store.js';

/** How exported files are named. */
export interface ExportOptions {
  /**
   * Levels of folders, named after the last digits of the serial number, two to a level: with 1, `1234ABCD` is
   * `CD/1234ABCD.der`. For file systems that do not like millions of files in a folder. Default 0.
   */
  readonly levels?: 0 | 1 | 2;
}

const OPTION_NAMES: OptionNames<ExportOptions> = { levels: true };

const PARALLEL_FILES = 32;

/**
 * Writes a file for each certificate, `SERIAL.der`, with the serial number in upper-case hexadecimal digits. Each file appears
 * complete, in place of an older one. Of several responses for one certificate, side by side as a store gives them, the first
 * one is taken: that for SHA-1. Returns the number of files.
 */
export async function exportToFolder(
  records: Iterable<StoredResponse>,
  folder: string,
  options: ExportOptions = {},
): Promise<number> {
  const levels = levelsOf(options);
  await mkdir(folder, { recursive: true });
  const folders = new Set([folder]);
  const writing = new Set<Promise<void>>();
  let count = 0;
  try {
    for (const { serial, der } of firstOfEach(records)) {
      const path = join(folder, fileName(serial, levels));
      if (!folders.has(dirname(path))) {
        await mkdir(dirname(path), { recursive: true });
        folders.add(dirname(path));
      }
      const file = writeWhole(path, der).finally(() => writing.delete(file));
      // Observed by Promise.race or, at the end, by Promise.all.
      file.catch(() => undefined);
      writing.add(file);
      if (writing.size >= PARALLEL_FILES) await Promise.race(writing);
      count += 1;
    }
  } finally {
    await Promise.all(writing);
  }
  return count;
}

async function writeWhole(path: string, content: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  await writeFile(temporary, content);
  await rename(temporary, path);
}

function* firstOfEach(records: Iterable<StoredResponse>): Generator<StoredResponse> {
  let last: string | undefined;
  for (const record of records) {
    if (record.serial === last) continue;
    last = record.serial;
    yield record;
  }
}

const BLOCK = 512;

/**
 * The responses as a tar archive (POSIX.1-2001), named as {@link exportToFolder} does and dated with producedAt: equal
 * contents give equal archives. In pieces of any size; `Readable.from` makes a stream of it.
 */
export function* exportTar(records: Iterable<StoredResponse>, options: ExportOptions = {}): Generator<Buffer> {
  const levels = levelsOf(options);
  for (const { serial, der, producedAt } of firstOfEach(records)) {
    const name = fileName(serial, levels);
    // The header has room for 100 octets, which serial numbers of up to 48 octets need.
    if (name.length > 100) {
      const path = paxRecord('path', name);
      yield tarHeader('pax-header', path.length, producedAt, 'x');
      yield padded(path);
    }
    yield tarHeader(name.slice(0, 100), der.length, producedAt, '0');
    yield padded(der);
  }
  yield Buffer.alloc(2 * BLOCK);
}

function levelsOf(options: ExportOptions): 0 | 1 | 2 {
  const { levels = 0 } = readOptions(options, OPTION_NAMES);
  if (levels !== 0 && levels !== 1 && levels !== 2) throw invalidValue('levels is not 0, 1 or 2');
  return levels;
}

function fileName(serial: string, levels: 0 | 1 | 2): string {
  const digits = serial.padStart(4, '0');
  const folders = levels === 2 ? [digits.slice(-4, -2), digits.slice(-2)] : levels === 1 ? [digits.slice(-2)] : [];
  return [...folders, `${serial}.der`].join('/');
}

function tarHeader(name: string, size: number, seconds: number, type: '0' | 'x'): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number) =>
    header.write(`${value.toString(8).padStart(digits, '0')}\0`, at, 'latin1');
  header.write(name, 0, 'latin1');
  octal(0o644, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(size, 124, 11);
  octal(Math.min(seconds, 8 ** 11 - 1), 136, 11);
  header.write(type, 156, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  // The sum is over the header with spaces in its own place.
  header.fill(' ', 148, 156);
  octal(
    header.reduce((sum, octet) => sum + octet, 0),
    148,
    6,
  );
  return header;
}

function padded(content: Uint8Array): Buffer {
  const out = Buffer.alloc(Math.ceil(content.length / BLOCK) * BLOCK);
  out.set(content);
  return out;
}

/** `LENGTH key=value\n`, where LENGTH counts itself. */
function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
  return Buffer.from(`${length}${rest}`, 'latin1');
}
