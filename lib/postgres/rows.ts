/** Rows of the table of statuses. */
import { OCSPCertStatus } from '../ocsp/enums.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import { serialHex } from '../store/serial-key.js';
import { DerReader, Tag } from '../x509/der.js';
import { parseExtensions } from '../x509/extension-codec.js';
import { reasonFromCode } from '../x509/reason.js';

/** What is read of table `s`: text and numbers, whatever the session's settings say of times and bytes. */
export const COLUMNS = `encode(s.serial, 'hex'), s.status, s.version, floor(extract(epoch FROM s.revoked_at))::float8,
  s.reason, encode(s.extensions, 'hex')`;

/**
 * The rows of `s`, in their order, as texts: the serial numbers, their versions, and a line with what else {@link COLUMNS} have for each
 * that is not good or has extensions. Text that is put together row by row would take the server twice as long.
 */
export const PAGE = `string_agg(encode(s.serial, 'hex'), ' '), string_agg(s.version::text, ' '),
  string_agg(CASE WHEN s.status <> 0 OR s.extensions IS NOT NULL THEN concat(encode(s.serial, 'hex'), ' ', s.status, ' ',
    floor(extract(epoch FROM s.revoked_at)), ' ', s.reason, ' ', encode(s.extensions, 'hex')) END, E'\\n')`;

/** What {@link PAGE} has of rows, if there are any. */
export type Page = [serials: string, versions: string, others: string | null];

/** A row as {@link COLUMNS} have it. */
export type StatusRow = [
  serial: string,
  status: OCSPCertStatus,
  version: string,
  revokedAt: number | null,
  reason: number | null,
  extensions: string | null,
];

/** Hexadecimal digits of the keys of negative serial numbers, and what they begin with. */
const NEGATIVE_LENGTH = 66;

/** A serial number from the digits of its key. */
export function serialOf(hex: string): string {
  return hex.length === NEGATIVE_LENGTH && hex.startsWith('01')
    ? serialHex(Buffer.from(hex, 'hex'))
    : hex.toUpperCase();
}

/** @throws `ERR_OCSP_MALFORMED` for extensions that do not parse. */
export function entryOf([serial, status, version, revokedAt, reason, extensions]: StatusRow): StatusEntry {
  // (Members one after the other: a revocation that is read is one of millions.)
  const entry: { -readonly [name in keyof StatusEntry]: StatusEntry[name] } = {
    serialNumber: serialOf(serial),
    status,
    statusVersion: Number(version),
  };
  if (revokedAt !== null) entry.revocationTime = new Date(revokedAt * 1000);
  if (reason !== null) entry.reason = reasonFromCode(reason);
  if (extensions !== null) entry.singleExtensions = extensionsOf(Buffer.from(extensions, 'hex'));
  return entry;
}

/** The key of the last serial number. */
export function lastKeyOf([serials]: Page): Buffer {
  return Buffer.from(serials.slice(serials.lastIndexOf(' ') + 1), 'hex');
}

/** @throws `ERR_OCSP_MALFORMED` for extensions that do not parse. */
export function entriesOf([serials, versions, rest]: Page): StatusEntry[] {
  const entries: StatusEntry[] = [];
  const others = rest?.split('\n').map((line) => line.split(' ')) ?? [];
  let other = 0;
  // (Without lists of what nearly all have, which takes half as long again.)
  for (let start = 0, from = 0; start < serials.length; ) {
    const end = endOf(serials, start);
    const until = endOf(versions, from);
    const serial = serials.slice(start, end);
    const version = versions.slice(from, until);
    if (serial === others[other]?.[0]) {
      entries.push(entryOf(rowOf(others[other] as string[], version)));
      other += 1;
    } else {
      entries.push({ serialNumber: serialOf(serial), status: OCSPCertStatus.GOOD, statusVersion: Number(version) });
    }
    start = end + 1;
    from = until + 1;
  }
  // (Nothing that is revoked is lost.)
  if (other < others.length) throw new Error('the rows of the database are not in one order');
  return entries;
}

function endOf(list: string, start: number): number {
  const space = list.indexOf(' ', start);
  return space < 0 ? list.length : space;
}

function rowOf(other: readonly string[], version: string): StatusRow {
  const [serial, status, revokedAt, reason, extensions] = other as [string, ...string[]];
  const numberOr = (text: string | undefined): number | null => (text ? Number(text) : null);
  return [serial, Number(status), version, numberOr(revokedAt), numberOr(reason), extensions || null];
}

function extensionsOf(der: Buffer): StatusEntry['singleExtensions'] & object {
  const reader = new DerReader(der);
  const { contentStart, end } = reader.read(Tag.SEQUENCE, 'extensions');
  reader.done('extensions');
  return [...parseExtensions(der, contentStart, end, 'singleResponse')];
}
