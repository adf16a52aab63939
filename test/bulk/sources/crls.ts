/** CRLs of a test CA. */
import { sign } from 'node:crypto';
import type { TestCa } from 'openssl-ocsp/testing';
import { toCertificate } from '#dist/x509/certificate.js';
import {
  encodeBitString,
  encodeBoolean,
  encodeEnumerated,
  encodeInteger,
  encodeOctetString,
  encodeOid,
  encodeSequence,
  encodeTlv,
  encodeUtcTime,
} from '#dist/x509/der.js';

const HOUR = 3_600_000;

/** An extension of a CRL or of an entry. */
export function extensionOf(oid: string, value: Buffer, critical = false): Buffer {
  return encodeSequence(encodeOid(oid), ...(critical ? [encodeBoolean(true)] : []), encodeOctetString(value));
}

/** An entry; `at` is a time, or what stands in its place. */
export function entryOf(
  serial: bigint,
  at: Date | Buffer = new Date(Date.now() - HOUR),
  ...extensions: Buffer[]
): Buffer {
  const time = at instanceof Date ? encodeUtcTime(at) : at;
  return encodeSequence(encodeInteger(serial), time, ...(extensions.length > 0 ? [encodeSequence(...extensions)] : []));
}

/** The reasonCode of an entry. */
export function reasonOf(code: number): Buffer {
  return extensionOf('2.5.29.21', encodeEnumerated(code));
}

/** What may differ from CRL to CRL. */
export interface CrlParts {
  readonly entries?: readonly Buffer[];
  readonly number?: number;
  /** Default 1, for version 2. */
  readonly version?: number;
  readonly thisUpdate?: Date;
  readonly nextUpdate?: Date | null;
  readonly extensions?: readonly Buffer[];
  /** DER of the issuer's name. */
  readonly name?: Buffer;
}

/** A CRL that the CA (of an EC key) has signed: of an hour ago, for a day. */
export function crlOf(ca: TestCa, parts: CrlParts = {}): Buffer {
  const { entries = [], number, version = 1, thisUpdate = new Date(Date.now() - HOUR) } = parts;
  const nextUpdate = parts.nextUpdate === undefined ? new Date(thisUpdate.getTime() + 24 * HOUR) : parts.nextUpdate;
  const algorithm = encodeSequence(encodeOid('1.2.840.10045.4.3.2'));
  const numbers = number === undefined ? [] : [extensionOf('2.5.29.20', encodeInteger(number))];
  const extensions = [...numbers, ...(parts.extensions ?? [])];
  const list = encodeSequence(
    encodeInteger(version),
    algorithm,
    parts.name ?? toCertificate(ca.certificate, 'ca').subject,
    encodeUtcTime(thisUpdate),
    ...(nextUpdate === null ? [] : [encodeUtcTime(nextUpdate)]),
    ...(entries.length > 0 ? [encodeSequence(...entries)] : []),
    ...(extensions.length > 0 ? [encodeTlv(0xa0, encodeSequence(...extensions))] : []),
  );
  return encodeSequence(list, algorithm, encodeBitString(sign('sha256', list, ca.privateKey)));
}

/** The CRL in PEM. */
export function pemOf(crl: Buffer): string {
  return `-----BEGIN X509 CRL-----\n${crl.toString('base64')}\n-----END X509 CRL-----\n`;
}
