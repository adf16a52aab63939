/** Text forms of serial numbers, times, statuses and reasons, as files have them. */
import { malformed, type OCSPError } from '../errors.js';
import { OCSPCertStatus } from '../ocsp/enums.js';
import { ReasonFlags } from '../x509/reason.js';
import { serialFromText } from '../x509/serial-number.js';
import { parseGeneralizedTime } from '../x509/time.js';

/** Longer ones are no serial numbers (RFC 5280 allows 20 bytes), but an attempt to make big integers slow. */
const LONGEST_SERIAL = 2 * 255;

/** A serial number at `[start, end)`, as {@link serialFromHexText} takes it; bare digits stay as they stand. */
export function hexSerial(bytes: Buffer, start: number, end: number): string {
  if (end - start > LONGEST_SERIAL) throw malformed(`serial number of ${end - start} digits`);
  for (let i = start; i < end; i += 1) {
    if (!isHexDigit(bytes[i] as number)) return serialFromHexText(bytes.toString('latin1', start, end));
  }
  if (end <= start) throw malformed('no serial number');
  return bytes.toString('latin1', start, end);
}

/** Hexadecimal in any of the forms of `SerialNumberInput`: bare digits as they stand, others with nothing but sign and digits. */
export function serialFromHexText(text: string): string {
  if (text.length === 0) throw malformed('no serial number');
  if (text.length > 2 * LONGEST_SERIAL) throw malformed(`serial number of ${text.length} digits`);
  const digits = /^[0-9A-Fa-f]+$/.test(text) ? text : serialFromText(text);
  if (digits === undefined) throw notHexadecimal(JSON.stringify(text.slice(0, 64)));
  if (digits.length > LONGEST_SERIAL) throw malformed(`serial number of ${digits.length} digits`);
  return digits;
}

function isHexDigit(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66);
}

function notHexadecimal(shown: string): OCSPError {
  return malformed(`serial number with a character that is no hexadecimal digit: ${shown}`);
}

/** Decimal digits, after `-` or not. */
export function serialFromDecimalText(text: string): bigint {
  if (!/^-?[0-9]{1,600}$/.test(text)) throw malformed(`serial number that is not decimal: '${text.slice(0, 64)}'`);
  return BigInt(text);
}

/** Upper case, without leading zeros: equal texts for equal numbers. */
export function canonicalHex(digits: string): string {
  return digits.toUpperCase().replace(/^0+(?=.)/, '');
}

/** `YYYYMMDDHHMMSSZ`, written by {@link asn1Time}. */
const LONG_TIME = Buffer.alloc(15);

/**
 * `YYMMDDHHMMSSZ` or `YYMMDDHHMMZ` (two-digit years stand for 1950 to 2049) or `YYYYMMDDHHMMSSZ`, at `[start, end)`.
 */
export function asn1Time(bytes: Buffer, start: number, end: number): Date {
  try {
    const length = end - start;
    if (length !== 13 && length !== 11) return parseGeneralizedTime(bytes, start, end);
    // One buffer for all: lists have a time in every row.
    LONG_TIME.write((bytes[start] as number) < 0x35 ? '20' : '19', 'latin1');
    for (let i = 0; i < length; i += 1) LONG_TIME[i + 2] = bytes[start + i] as number;
    if (length === 11) LONG_TIME.write(bytes[end - 1] === 0x5a ? '00Z' : '???', 12, 'latin1');
    return parseGeneralizedTime(LONG_TIME);
  } catch (cause) {
    throw malformed(`not a time: ${show(bytes, start, end)}`, { cause });
  }
}

const ISO_TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)$/i;

/** RFC 3339, with the offset, or one of the forms of {@link asn1Time}. */
export function timeFromText(text: string): Date {
  if (/^\d{10}(\d\d|\d{4})?Z$/.test(text)) {
    const bytes = Buffer.from(text, 'latin1');
    return asn1Time(bytes, 0, bytes.length);
  }
  const time = ISO_TIME.test(text) ? Date.parse(text.replace(' ', 'T').replace(',', '.').toUpperCase()) : Number.NaN;
  // JavaScript takes 30 February for 1 March.
  if (Number.isNaN(time) || !dayExists(text))
    throw malformed(`not a time such as 2026-01-02T03:04:05Z: '${text.slice(0, 64)}'`);
  return new Date(time);
}

function dayExists(iso: string): boolean {
  const [year, month, day] = [iso.slice(0, 4), iso.slice(5, 7), iso.slice(8, 10)].map(Number);
  if (year === undefined || month === undefined || day === undefined || year === 0) return false;
  const date = new Date(Date.UTC(2000, month - 1, day));
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1;
}

const STATUS_OF: ReadonlyMap<string, OCSPCertStatus> = new Map([
  ['good', OCSPCertStatus.GOOD],
  ['v', OCSPCertStatus.GOOD],
  ['0', OCSPCertStatus.GOOD],
  ['revoked', OCSPCertStatus.REVOKED],
  ['r', OCSPCertStatus.REVOKED],
  ['1', OCSPCertStatus.REVOKED],
  ['unknown', OCSPCertStatus.UNKNOWN],
  ['2', OCSPCertStatus.UNKNOWN],
]);

/** `good`, `revoked`, `unknown` in any case, the letters of index.txt, or the numbers of CertStatus. */
export function statusFromText(text: string): OCSPCertStatus {
  const status = STATUS_OF.get(text) ?? STATUS_OF.get(text.toLowerCase());
  if (status === undefined) throw malformed(`not a status (good, revoked, unknown): '${text.slice(0, 64)}'`);
  return status;
}

const REASON_OF: ReadonlyMap<string, ReasonFlags> = new Map(
  Object.values(ReasonFlags).map((reason) => [reason.toLowerCase(), reason]),
);

/** The name of a reason in any case: OpenSSL writes `CACompromise`, RFC 5280 `cACompromise`. */
export function reasonFromText(text: string): ReasonFlags {
  const reason = REASON_OF.get(text.toLowerCase());
  if (reason === undefined)
    throw malformed(`not a revocation reason: '${text.slice(0, 64)}' is none of ${[...REASON_OF.values()].join(', ')}`);
  return reason;
}

/** Bytes of a file in an error message: bounded, and on one line. */
export function show(bytes: Buffer, start: number, end: number): string {
  return JSON.stringify(bytes.toString('latin1', start, Math.min(end, start + 64)));
}
