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
 * The rows of `s` as one text, in their order: what {@link COLUMNS} have of each, on a line of its own; of those that are good and have no
 * extensions serial number and version alone.
 */
export const LINES = `string_agg(encode(s.serial, 'hex') || ' ' || s.version || CASE WHEN s.status = 0 AND s.extensions IS NULL THEN ''
  ELSE concat(' ', s.status, ' ', floor(extract(epoch FROM s.revoked_at)), ' ', s.reason, ' ', encode(s.extensions, 'hex')) END, E'\\n')`;

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

/** The key of the last serial number of {@link LINES}. */
export function lastKeyOf(page: string): Buffer {
  const start = page.lastIndexOf('\n') + 1;
  return Buffer.from(page.slice(start, page.indexOf(' ', start)), 'hex');
}

/** @throws `ERR_OCSP_MALFORMED` for extensions that do not parse. */
export function entriesOf(page: string): StatusEntry[] {
  const entries: StatusEntry[] = [];
  // (Without a list of lines and of their parts, which takes half as long again.)
  for (let start = 0; start < page.length; ) {
    const newline = page.indexOf('\n', start);
    const end = newline < 0 ? page.length : newline;
    const space = page.indexOf(' ', start);
    const serial = page.slice(start, space);
    const version = page.slice(space + 1, end);
    entries.push(
      version.includes(' ')
        ? entryOf(rowOf(serial, version))
        : { serialNumber: serialOf(serial), status: OCSPCertStatus.GOOD, statusVersion: Number(version) },
    );
    start = end + 1;
  }
  return entries;
}

/** @param rest - what a line has behind the serial number */
function rowOf(serial: string, rest: string): StatusRow {
  const [version, status, revokedAt, reason, extensions] = rest.split(' ') as [string, ...string[]];
  const numberOr = (text: string | undefined): number | null => (text ? Number(text) : null);
  return [serial, Number(status), version, numberOr(revokedAt), numberOr(reason), extensions || null];
}

function extensionsOf(der: Buffer): StatusEntry['singleExtensions'] & object {
  const reader = new DerReader(der);
  const { contentStart, end } = reader.read(Tag.SEQUENCE, 'extensions');
  reader.done('extensions');
  return [...parseExtensions(der, contentStart, end, 'singleResponse')];
}
