/** Revocation lists that no CA would write, and those that one does. */
import type { KeyObject } from 'node:crypto';
import type { TestCa } from 'openssl-ocsp/testing';
import { signatureAlgorithm, signBytes } from '#dist/testing/signature.js';
import { generalizedTime, hex, integer, sequence, tlv } from './der.js';

const DAY = 24 * 3600 * 1000;

export interface CrlParts {
  /** Milliseconds from now. By default a day ago and in a day; null for none. */
  readonly thisUpdate?: number;
  readonly nextUpdate?: number | null;
  /** Extension elements. */
  readonly extensions?: readonly Buffer[];
  /** The Name of the issuer; that of the CA by default. */
  readonly name?: Buffer;
  readonly privateKey?: KeyObject;
  readonly corrupt?: boolean;
}

/** An entry: the serial number and its extensions. */
export function crlEntry(serial: bigint, ...extensions: Buffer[]): Buffer {
  return sequence(integer(serial), time(-DAY), ...(extensions.length > 0 ? [sequence(...extensions)] : []));
}

/** A reasonCode extension (2.5.29.21). */
export function reasonCode(reason: number): Buffer {
  return sequence(hex('0603551d15'), tlv(0x04, tlv(0x0a, Buffer.from([reason]))));
}

/** A revocation list of a CA. */
export function makeCrl(by: TestCa, entries: readonly Buffer[], parts: CrlParts = {}): Buffer {
  const { thisUpdate = -DAY, nextUpdate = DAY, extensions = [], privateKey = by.privateKey, corrupt = false } = parts;
  const algorithm = signatureAlgorithm(privateKey);
  const tbs = sequence(
    hex('020101'),
    algorithm,
    parts.name ?? nameOf(by),
    time(thisUpdate),
    ...(nextUpdate === null ? [] : [time(nextUpdate)]),
    ...(entries.length > 0 ? [sequence(...entries)] : []),
    ...(extensions.length > 0 ? [tlv(0xa0, sequence(...extensions))] : []),
  );
  const signature = signBytes(tbs, privateKey);
  if (corrupt) signature[signature.length - 1]! ^= 1;
  return sequence(tbs, algorithm, tlv(0x03, Buffer.from([0]), signature));
}

/** The Name of `CN=...`, as the test CA writes it. */
export function nameOf(by: TestCa): Buffer {
  const text = /^CN=(.*)$/.exec(by.certificate.subject)?.[1] ?? '';
  return sequence(tlv(0x31, sequence(hex('0603550403'), tlv(0x0c, Buffer.from(text)))));
}

function time(offset: number): Buffer {
  return generalizedTime(`${new Date(Date.now() + offset).toISOString().slice(0, 19).replace(/[-T:]/g, '')}Z`);
}
