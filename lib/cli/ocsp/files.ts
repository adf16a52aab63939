/** Files that the command reads and writes: messages, certificates, keys, passphrases. */

import type { KeyObject } from 'node:crypto';
import { X509Certificate } from 'node:crypto';
import { closeSync, openSync, statSync, writeFileSync } from 'node:fs';
import { readPrivateKey } from '../../ocsp/encoded-signing.js';
import { MAX_FILE, readDescriptor, readWhole, withSecret } from '../read-file.js';
import { atoi } from './grammar.js';
import { NOT_ENOUGH_DATA, openError, storeContentError, storeOpenError, systemEntry } from './queue.js';
import type { Session } from './session.js';

/** A message in a file, or, for `-`, on standard input. Ends the run when there is none. */
export function readMessage(session: Session, path: string, what: string): Buffer {
  const fd = path === '-' ? 0 : openMessage(session, path);
  try {
    const bytes = readDescriptor(fd, MAX_FILE, (begun) => derLength(begun) <= begun.length);
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

const PEM_BEGIN = Buffer.from('-----BEGIN ');
const PEM_LABELS = ['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE'].map((name) =>
  Buffer.from(`${name}-----`),
);

/** All certificates in PEM, or the one that the bytes are. Unreadable ones are left out, as OpenSSL's stores do. */
function certificatesIn(bytes: Buffer): X509Certificate[] {
  const found: X509Certificate[] = [];
  for (const candidate of bytes.includes(PEM_BEGIN) ? pemCertificates(bytes) : [bytes]) {
    try {
      found.push(new X509Certificate(candidate));
    } catch {
      // Not a certificate.
    }
  }
  return found;
}

/** One pass, however many beginnings there are without an end. Nothing but certificates is copied: a key may stand beside them. */
function pemCertificates(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = bytes.indexOf(PEM_BEGIN); at >= 0; at = bytes.indexOf(PEM_BEGIN, at + 1)) {
    const begin = at + PEM_BEGIN.length;
    const label = PEM_LABELS.find((name) => bytes.subarray(begin, begin + name.length).equals(name));
    if (label === undefined) continue;
    const footer = `-----END ${label}`;
    const end = bytes.indexOf(footer, at);
    if (end < 0) break;
    found.push(bytes.subarray(at, end + footer.length));
    at = end;
  }
  return found;
}

/** The first certificate of a file (`load_cert`). Ends the run when there is none. */
export function loadCertificate(session: Session, path: string, what: string): X509Certificate {
  const failed = (): never => session.stop(`Unable to load ${what}`);
  const [certificate] = withSecret(readStore(session, path, what, failed), (bytes) => {
    const found = certificatesIn(bytes);
    if (found.length === 0) session.push(...storeContentError(bytes));
    return found;
  });
  if (certificate !== undefined) return certificate;
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
    return withSecret(bytes, () => readPrivateKey(bytes, passphrase));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ERR_MISSING_PASSPHRASE') {
      session.say(`${path} needs a passphrase, and no one is asked for one: -passin names that of -rkey`);
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
      const line = withSecret(
        readDescriptor(fd, MAX_FILE, (begun) => begun.includes('\n')),
        // The first line, without its end; a stream that is empty has none.
        (bytes) => (bytes.length > 0 ? bytes.toString('utf8').split(/[\r\n]/, 1)[0] : undefined),
      );
      if (line !== undefined) return line;
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
