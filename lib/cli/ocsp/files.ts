/** Files that the command reads and writes: messages, certificates, keys, passphrases. */

import type { KeyObject } from 'node:crypto';
import { X509Certificate } from 'node:crypto';
import { closeSync, openSync, readSync, statSync, writeFileSync } from 'node:fs';
import { readPrivateKey } from '../../ocsp/encoded-signing.js';
import { atoi } from './grammar.js';
import { NOT_ENOUGH_DATA, openError, storeContentError, storeOpenError, systemEntry } from './queue.js';
import type { Session } from './session.js';

/** No message or list of certificates of use is longer; a device or a mistake may be. */
const MAX_FILE = 64 * 1024 * 1024;
const CHUNK = 64 * 1024;

/** Reads until `enough` says so or the file ends. Throws a system error when it goes on for too long. */
function readUntil(fd: number, enough: (bytes: Buffer) => boolean, most: number = MAX_FILE): Buffer {
  const chunks: Buffer[] = [];
  let length = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK);
    const count = readSync(fd, chunk, 0, CHUNK, null);
    if (count === 0) break;
    chunks.push(chunk.subarray(0, count));
    length += count;
    if (length > most) throw Object.assign(new Error(`more than ${most} octets`), { code: 'EFBIG', syscall: 'read' });
    if (length <= 2 * CHUNK && enough(Buffer.concat(chunks))) break;
  }
  return Buffer.concat(chunks);
}

/** The whole file. Throws a system error when it cannot be read, or is longer than `most` octets. */
export function readWhole(path: string, most: number = MAX_FILE): Buffer {
  const fd = openSync(path, 'r');
  try {
    return readUntil(fd, () => false, most);
  } finally {
    closeSync(fd);
  }
}

/** A message in a file, or, for `-`, on standard input. Ends the run when there is none. */
export function readMessage(session: Session, path: string, what: string): Buffer {
  const fd = path === '-' ? 0 : openMessage(session, path);
  try {
    const bytes = readUntil(fd, (begun) => derLength(begun) <= begun.length);
    if (derLength(bytes) > bytes.length) {
      if (bytes.length > 0) session.push(NOT_ENOUGH_DATA);
      session.stop(`Error reading ${what}`);
    }
    return bytes;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    session.push(
      systemEntry(error, 'fread()'),
      { code: '10080002', library: 'BIO routines', reason: 'system lib' },
      NOT_ENOUGH_DATA,
    );
    return session.stop(`Error reading ${what}`);
  } finally {
    if (fd !== 0) closeSync(fd);
  }
}

function openMessage(session: Session, path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    return session.stop(`Can't open "${path}" for reading, ${session.push(...openError(error, path, 'rb'))}`);
  }
}

/** How long the element at the beginning is, as far as its header tells; infinite while the header is incomplete. */
export function derLength(bytes: Uint8Array): number {
  const first = bytes[1];
  if (first === undefined) return Number.POSITIVE_INFINITY;
  if (first < 0x80) return 2 + first;
  const count = first & 0x7f;
  // An indefinite length, or one that no parser takes: whoever parses says so.
  if (count === 0 || count > 8) return bytes.length;
  if (bytes.length < 2 + count) return Number.POSITIVE_INFINITY;
  return bytes.subarray(2, 2 + count).reduce((length, octet) => length * 0x100 + octet, 0) + 2 + count;
}

/** Writes a message into a file, or, for `-`, to standard output. */
export function writeMessage(session: Session, path: string, der: Uint8Array): void {
  if (path === '-') {
    session.stdout.write(der);
    return;
  }
  let fd: number;
  try {
    fd = openSync(path, 'w');
  } catch (error) {
    session.stop(`Can't open "${path}" for writing, ${session.push(...openError(error, path, 'wb'))}`);
  }
  try {
    writeFileSync(fd, der);
  } finally {
    closeSync(fd);
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return (error as NodeJS.ErrnoException).syscall !== undefined;
}

/** What a store of OpenSSL would find at `path`; ends the run when it cannot even be opened. */
function readStore(session: Session, path: string, what: string, failed: () => never): Buffer {
  try {
    // A folder is a store too, without anything of ours in it.
    return statSync(path).isDirectory() ? Buffer.alloc(0) : readWhole(path);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    session.push(...storeOpenError(error, path));
    session.say(`Could not open file or uri for loading ${what} from ${path}`);
    session.printErrors();
    return failed();
  }
}

const PEM_BEGIN = /-----BEGIN ((?:X509 |TRUSTED |)CERTIFICATE)-----/g;

/** All certificates in PEM, or the one that the bytes are. Unreadable ones are left out, as OpenSSL's stores do. */
function certificatesIn(bytes: Buffer): X509Certificate[] {
  const found: X509Certificate[] = [];
  for (const candidate of bytes.includes('-----BEGIN') ? pemCertificates(bytes) : [bytes]) {
    try {
      found.push(new X509Certificate(candidate));
    } catch {
      // Not a certificate.
    }
  }
  return found;
}

/** One pass, however many beginnings there are without an end. */
function pemCertificates(bytes: Buffer): string[] {
  const text = bytes.toString('latin1');
  const found: string[] = [];
  let position = 0;
  for (const begin of text.matchAll(PEM_BEGIN)) {
    if (begin.index < position) continue;
    const footer = `-----END ${begin[1]}-----`;
    const end = text.indexOf(footer, begin.index);
    if (end < 0) break;
    position = end + footer.length;
    found.push(text.slice(begin.index, position));
  }
  return found;
}

/** The first certificate of a file (`load_cert`). Ends the run when there is none. */
export function loadCertificate(session: Session, path: string, what: string): X509Certificate {
  const failed = (): never => session.stop(`Unable to load ${what}`);
  const bytes = readStore(session, path, what, failed);
  const [certificate] = certificatesIn(bytes);
  if (certificate !== undefined) return certificate;
  session.push(...storeContentError(bytes));
  session.say(`Could not read ${what} from ${path}`);
  session.printErrors();
  return failed();
}

/** All certificates of a file (`load_certs`). Ends the run when there is none. */
export function loadCertificates(session: Session, path: string | undefined, what: string): X509Certificate[] {
  if (path === undefined) return session.stop(`No filename or uri specified for loading\n certs of ${what}s`);
  const failed = (): never => session.stop();
  const bytes = readStore(session, path, `certs of ${what}s`, failed);
  const found = certificatesIn(bytes);
  if (found.length > 0) return found;
  session.push(...storeContentError(bytes));
  session.say(`Could not read any ${what}s from ${path}`);
  session.printErrors();
  return failed();
}

/** The private key in a file (`load_key`). Ends the run when there is none, or its passphrase is missing or wrong. */
export function loadKey(session: Session, path: string, what: string, passphrase?: string): KeyObject {
  const bytes = readStore(session, path, what, () => session.stop());
  try {
    return readPrivateKey(bytes, passphrase);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ERR_MISSING_PASSPHRASE') {
      session.say(`${path} wants a passphrase, and nobody is asked for one: -passin names that of -rkey`);
    }
    return session.stop(`Could not read ${what} from ${path}`);
  }
}

/** The passphrase that `-passin` names (`app_passwd`). Ends the run when there is none. */
export function readPassphrase(session: Session, source: string | undefined): string | undefined {
  if (source === undefined) return undefined;
  const failed = (line: string): never => {
    session.say(line);
    return session.stop('Error getting password');
  };
  const fromDescriptor = (fd: number): string => {
    try {
      const bytes = readUntil(fd, (begun) => begun.includes('\n'));
      // The first line, without its end; a stream that is empty has none.
      if (bytes.length > 0) return bytes.toString('utf8').split(/[\r\n]/, 1)[0] ?? '';
    } catch (error) {
      if (!isSystemError(error)) throw error;
    }
    return failed('Error reading password from BIO');
  };
  if (source === 'stdin') return fromDescriptor(0);
  const colon = source.indexOf(':');
  if (colon < 0 || colon > 4) return failed("Invalid password argument, missing ':' within the first 5 chars");
  const value = source.slice(colon + 1);
  switch (source.slice(0, colon)) {
    case 'pass':
      return value;
    case 'env':
      return process.env[value] ?? failed(`No environment variable ${value}`);
    case 'fd':
      return fromDescriptor(Math.max(0, atoi(value)));
    case 'file': {
      let fd: number;
      try {
        fd = openSync(value, 'r');
      } catch (error) {
        session.push(...openError(error, value, 'r'));
        return failed(`Can't open file ${value}`);
      }
      try {
        return fromDescriptor(fd);
      } finally {
        closeSync(fd);
      }
    }
    default:
      return failed(`Invalid password argument, starting with "${source.slice(0, colon + 1)}"`);
  }
}
