import { randomBytes } from 'node:crypto';
import { lstat, mkdir, opendir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { invalidArgType, invalidValue } from '../errors.js';
import { OCSPCertStatus } from '../ocsp/enums.js';
import { OCSPRequestBuilder } from '../ocsp/request-builder.js';
import { loadDerOcspResponse, type OCSPResponse } from '../ocsp/response.js';
import { isPermanent } from '../statuses/is-permanent.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { removeQuietly } from './durable-files.js';
import { manifestStamp } from './manifest.js';
import type { StoredResponse } from './response-store.js';

/** How exported files are named. */
export interface ExportOptions {
  /**
   * Levels of folders, named after the last digits of the serial number, two to a level: with 1, `1234ABCD` is
   * `CD/1234ABCD.der`. For file systems that do not like millions of files in a folder. Default 0.
   */
  readonly levels?: 0 | 1 | 2;
  /**
   * `get`: a file for each response, also of several for one certificate, named as the request that asks for it by GET (RFC 6960 appendix A.1):
   * its base64, whose slashes are folders. A file server or CDN answers with them what it is asked for. Default `serial`.
   */
  readonly layout?: 'serial' | 'get';
}

const OPTION_NAMES: OptionNames<ExportOptions> = { levels: true, layout: true };

const PARALLEL_FILES = 32;
/** Name of a file before it is whole, which it has for moments. */
const TEMPORARY = /^\.[0-9a-f]{16}-\d+\.tmp$/;
/** Milliseconds after which its export was killed. */
const OLD = 3600_000;

/**
 * Writes a file for each certificate, `SERIAL.der`, with the serial number in upper-case hexadecimal digits. Each file appears
 * complete, in place of an older one; none is synced, so after a power loss some may be torn until the next export. Of several
 * responses for one certificate, side by side as a store gives them, the first one is taken: that for SHA-1; with the layout `get`, each.
 * Where two exports write at a time, the answer that was made later stays. Files of responses that are no longer among them stay: of a
 * revocation that was signed for one hash only, the older one for another hash does. Hidden files that an export has left which was killed
 * are removed when they are an hour old. Returns the number of files.
 *
 * @throws (rejects) `ERR_OCSP_INVALID_VALUE` for bad options, and for a folder that is a store; what the file system throws.
 */
export async function exportToFolder(
  records: Iterable<StoredResponse>,
  folder: string,
  options: ExportOptions = {},
): Promise<number> {
  const named = namesFor(options);
  await mkdir(folder, { recursive: true });
  if (manifestStamp(folder) !== '') throw invalidValue(`${folder} is a store`);
  await removeOldTemporaries(folder);
  const folders = new Set([folder]);
  const writing = new Set<Promise<void>>();
  const failures: unknown[] = [];
  // Others may write to the folder at the same time, also those whose process has the same number in another container.
  const own = randomBytes(8).toString('hex');
  const began = Date.now();
  let count = 0;
  try {
    for (const [name, { der }] of named(records)) {
      const path = join(folder, name);
      if (!folders.has(dirname(path))) {
        await mkdir(dirname(path), { recursive: true });
        folders.add(dirname(path));
      }
      // (Beside none of the names: those of requests are as long as file names may be.)
      const temporary = join(folder, `.${own}-${count}.tmp`);
      const file = writeWhole(path, temporary, der, began)
        .catch((error: unknown) => failures.push(error))
        .then(() => void writing.delete(file));
      writing.add(file);
      if (writing.size >= PARALLEL_FILES) await Promise.race(writing);
      if (failures.length > 0) break;
      count += 1;
    }
  } finally {
    await Promise.all(writing);
  }
  if (failures.length > 0) throw failures[0];
  return count;
}

/** What exports that were killed have left; what cannot be looked at stays. */
async function removeOldTemporaries(folder: string): Promise<void> {
  try {
    for await (const { name } of await opendir(folder, { bufferSize: 1024 })) {
      if (!TEMPORARY.test(name)) continue;
      const path = join(folder, name);
      const there = await lstat(path);
      if (there.isFile() && Date.now() - there.mtimeMs > OLD) await removeQuietly(path);
    }
  } catch {
    // Another export may be at the same.
  }
}

/** @param began - when the export began; the records are of that time or later */
async function writeWhole(path: string, temporary: string, der: Uint8Array, began: number): Promise<void> {
  try {
    await writeFile(temporary, der);
    if (await isOutdone(path, der, began)) await removeQuietly(temporary);
    else await rename(temporary, path);
  } catch (error) {
    await removeQuietly(temporary);
    throw error;
  }
}

/** Milliseconds by which the clock of a file system may be behind. */
const CLOCK_DIFFERENCE = 60_000;

/** Whether another export has written what is later since this one began: the one whose records are older may well be the last to end. */
async function isOutdone(path: string, der: Uint8Array, began: number): Promise<boolean> {
  const there = await stat(path).catch(() => undefined);
  if (there === undefined || there.mtimeMs < began - CLOCK_DIFFERENCE) return false;
  try {
    const [own, other] = [der, await readFile(path)].map((bytes) => loadDerOcspResponse(bytes)) as [
      OCSPResponse,
      OCSPResponse,
    ];
    // Whatever clock they were made by.
    if (isRevoked(own) && !isRevoked(other)) return false;
    if (isRevokedForEver(other) && !isRevoked(own)) return true;
    const difference = other.producedAt.getTime() - own.producedAt.getTime();
    if (difference !== 0) return difference > 0;
    return isRevoked(other) && !isRevoked(own);
  } catch {
    return false; // what is there is no answer
  }
}

function isRevoked({ responses }: OCSPResponse): boolean {
  return responses.some(({ certificateStatus }) => certificateStatus === OCSPCertStatus.REVOKED);
}

function isRevokedForEver({ responses }: OCSPResponse): boolean {
  return responses.some(({ certificateStatus: status, revocationReason: reason }) => isPermanent({ status, reason }));
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
  const named = namesFor(options);
  for (const [name, { der, producedAt }] of named(records)) {
    // The header has room for 100 bytes, which serial numbers of up to 48 bytes need.
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

/** What is exported, and under which names. */
function namesFor(
  options: ExportOptions,
): (records: Iterable<StoredResponse>) => Iterable<readonly [name: string, record: StoredResponse]> {
  const { levels, layout = 'serial' } = readOptions(options, OPTION_NAMES);
  if (levels !== undefined && levels !== 0 && levels !== 1 && levels !== 2)
    throw invalidValue('levels is not 0, 1 or 2');
  if (layout !== 'serial' && layout !== 'get') throw invalidValue("layout is not 'serial' or 'get'");
  if (layout === 'get' && levels !== undefined) throw invalidValue("levels goes with the layout 'serial'");
  return function* (records) {
    if (typeof records !== 'object' || typeof records?.[Symbol.iterator] !== 'function')
      throw invalidArgType('records', 'iterable, as store.records() of a store is', records);
    if (layout === 'get') for (const record of records) yield [requestName(record), record];
    else for (const record of firstOfEach(records)) yield [fileName(record.serial, levels ?? 0), record];
  };
}

/** The request that this response answers, without a nonce, as clients have it in the path of a GET: decoded, as servers look files up. */
function requestName({ der }: StoredResponse): string {
  const { issuerNameHash, issuerKeyHash, serialNumber, hashAlgorithm } = loadDerOcspResponse(der);
  const builder = new OCSPRequestBuilder().addCertificateByHash(
    issuerNameHash,
    issuerKeyHash,
    serialNumber,
    hashAlgorithm,
  );
  // Of several slashes in a row file systems make one, and none is at the end of the name of a file.
  return builder
    .build()
    .publicBytes()
    .toString('base64')
    .replace(/\/{2,}/g, '/')
    .replace(/\/$/, '');
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
