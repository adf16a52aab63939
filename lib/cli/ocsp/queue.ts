/** Entries of OpenSSL's error queue for what happens outside OpenSSL here: files, sockets, arguments. */
import { constants } from 'node:os';

/** One entry. The code is eight hexadecimal digits, as OpenSSL 3 prints it. */
export interface QueueEntry {
  readonly code: string;
  readonly library: string;
  readonly reason: string;
  readonly data?: string;
}

/** What the C library calls them. */
const SYSTEM_TEXTS: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset by peer',
  EHOSTUNREACH: 'No route to host',
  EISDIR: 'Is a directory',
  ELOOP: 'Too many levels of symbolic links',
  EMFILE: 'Too many open files',
  ENAMETOOLONG: 'File name too long',
  ENETUNREACH: 'Network is unreachable',
  ENOENT: 'No such file or directory',
  ENOSPC: 'No space left on device',
  ENOTDIR: 'Not a directory',
  ENXIO: 'No such device or address',
  EPERM: 'Operation not permitted',
  EROFS: 'Read-only file system',
  ETIMEDOUT: 'Connection timed out',
};

/** The name of a system error, such as ENOENT; '' for any other error. */
export function systemCode(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : '';
}

/** A failed system call. */
export function systemEntry(error: unknown, call: string): QueueEntry {
  const name = systemCode(error);
  const number = (constants.errno as Readonly<Record<string, number>>)[name] ?? 0;
  const code = (0x80000000 + number).toString(16).toUpperCase();
  return { code, library: 'system library', reason: SYSTEM_TEXTS[name] ?? name, data: `calling ${call}` };
}

/** A file that cannot be opened (`BIO_new_file`). */
export function openError(error: unknown, path: string, mode: string): QueueEntry[] {
  const missing = systemCode(error) === 'ENOENT' || systemCode(error) === 'ENXIO';
  const bio = { library: 'BIO routines' };
  return [
    systemEntry(error, `fopen(${path}, ${mode})`),
    missing ? { ...bio, code: '10000080', reason: 'no such file' } : { ...bio, code: '10080002', reason: 'system lib' },
  ];
}

/** A file or URI that cannot be opened (`OSSL_STORE_open`). */
export function storeOpenError(error: unknown, path: string): QueueEntry[] {
  return [
    { code: '16000069', library: 'STORE routines', reason: 'unregistered scheme', data: 'scheme=file' },
    systemEntry(error, `stat(${path})`),
  ];
}

const STORE_UNSUPPORTED = { code: '1608010C', library: 'STORE routines', reason: 'unsupported' };

/** A file that holds nothing of what was looked for. What else decoders complain about depends on what they tried. */
export function storeContentError(content: Buffer): QueueEntry[] {
  return content.includes('-----BEGIN') ? [STORE_UNSUPPORTED] : [];
}

export const NOT_ENOUGH_DATA: QueueEntry = {
  code: '0680008E',
  library: 'asn1 encoding routines',
  reason: 'not enough data',
};

export const BAD_SERIAL: QueueEntry = { code: '11000064', library: 'X509 V3 routines', reason: 'bn dec2bn error' };

export const UNKNOWN_OBJECT: QueueEntry = {
  code: '04000067',
  library: 'object identifier routines',
  reason: 'unknown object name',
};

/** A hash that is not known (`EVP_MD_fetch`). */
export function unknownDigest(name: string): QueueEntry {
  return {
    code: '0308010C',
    library: 'digital envelope routines',
    reason: 'unsupported',
    data: `Global default library context, Algorithm (${name} : 0), Properties (<null>)`,
  };
}

/** An entry of the HTTP client. */
export function httpEntry(code: string, reason: string, data = ''): QueueEntry {
  return { code, library: 'HTTP routines', reason, data };
}

/** A key that is not that of the certificate (`X509_check_private_key`, and what calls it). */
export function keyMismatch(certificateType: string | undefined, keyType: string | undefined): QueueEntry[] {
  const library = 'x509 certificate routines';
  const why =
    certificateType === keyType
      ? [{ code: '05800074', library, reason: 'key values mismatch' }]
      : [
          { code: '03000065', library: 'digital envelope routines', reason: 'different key types' },
          { code: '05800073', library, reason: 'key type mismatch' },
        ];
  return [...why, { code: '1380006E', library: 'OCSP routines', reason: 'private key does not match certificate' }];
}
