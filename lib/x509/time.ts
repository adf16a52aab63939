import { types } from 'node:util';
import { invalidArgType, invalidValue, malformed, type OCSPError } from '../errors.js';

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, in seconds: what GeneralizedTime can say, less year 0. */
const EARLIEST = -62_135_596_800;
const LATEST = 253_402_300_799;
const GENERALIZED_TIME_LENGTH = 15;
const ZERO = 0x30;
const ZULU = 0x5a;

/**
 * Reads the content `[start, end)` of a GeneralizedTime in the one form that RFC 5280 section 4.1.2.5.2 allows:
 * `YYYYMMDDHHMMSSZ`.
 *
 * @throws `ERR_OCSP_MALFORMED` for any other form (fraction, offset, no seconds), for a moment that does not exist
 * (30 February, hour 24, second 60) and for year 0.
 */
export function parseGeneralizedTime(bytes: Uint8Array, start: number = 0, end: number = bytes.length): Date {
  return new Date(parseSeconds(bytes, start, end) * 1000);
}

/** {@link parseGeneralizedTime} in whole seconds since 1970-01-01. Errors count bytes from `origin`. */
export function parseSeconds(bytes: Uint8Array, start: number, end: number, origin: number = 0): number {
  const at = start - origin;
  if (end - start !== GENERALIZED_TIME_LENGTH || bytes[end - 1] !== ZULU) throw badTime(at, 'not YYYYMMDDHHMMSSZ');
  const century = twoDigits(bytes, start);
  const yearOfCentury = twoDigits(bytes, start + 2);
  const month = twoDigits(bytes, start + 4);
  const day = twoDigits(bytes, start + 6);
  const hour = twoDigits(bytes, start + 8);
  const minute = twoDigits(bytes, start + 10);
  const second = twoDigits(bytes, start + 12);
  // One negative number among them makes the whole negative.
  if ((century | yearOfCentury | month | day | hour | minute | second) < 0) throw badTime(at, 'not YYYYMMDDHHMMSSZ');
  const year = century * 100 + yearOfCentury;
  if (year === 0) throw badTime(at, 'year 0 is out of range');
  if (hour > 23 || minute > 59 || second > 59) throw badTime(at, 'no such time of day');
  if (month < 1 || month > 12 || day < 1 || day > daysOf(month, year)) throw badTime(at, 'no such day');
  return ((daysSince1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
}

/** Days from 1970-01-01 to a date of the Gregorian calendar. (Date.UTC is slow, and takes years below 100 for 19xx.) */
function daysSince1970(year: number, month: number, day: number): number {
  // Years that begin in March have the leap day at their end.
  const y = month > 2 ? year : year - 1;
  const m = month > 2 ? month - 3 : month + 9;
  const century = (y / 100) | 0;
  const leapDays = (y >> 2) - century + (century >> 2);
  return 365 * y + leapDays + (((153 * m + 2) / 5) | 0) + day - 719_469;
}

function badTime(at: number, why: string): OCSPError {
  return malformed(`GeneralizedTime at byte ${at}: ${why}`);
}

/** A number below 100; a negative one where bytes that are there are not digits. */
function twoDigits(bytes: Uint8Array, position: number): number {
  const tens = (bytes[position] as number) - ZERO;
  const units = (bytes[position + 1] as number) - ZERO;
  return (tens | units | (9 - tens) | (9 - units)) < 0 ? -1 : tens * 10 + units;
}

function daysOf(month: number, year: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** As OpenSSL prints times: without "GMT" where the encoding has an offset, though the time is UTC all the same. */
const PRINTED = /^([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.\d+)? (\d{1,4})(?: GMT)?$/;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * Reads `validFrom` or `validTo` of Node's X509Certificate, in milliseconds since 1970-01-01; NaN for what is no time. (Date.parse takes
 * one without "GMT" for local time, and the year 49 for 2049.)
 */
export function parsePrintedTime(text: string): number {
  const [, name = '', ...numbers] = PRINTED.exec(text) ?? [];
  const month = MONTHS.indexOf(name) + 1;
  if (month === 0) return Number.NaN;
  const [day, hour, minute, second, year] = numbers.map(Number) as [number, number, number, number, number];
  return (((daysSince1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000;
}

/** `YYYYMMDDHHMMSSZ` of a date that passed {@link checkDate}; fractions of a second are cut off towards the past. */
export function formatGeneralizedTime(date: Date): string {
  const iso = new Date(Math.floor(date.getTime() / 1000) * 1000).toISOString();
  return `${iso.slice(0, 19).replace(/[-T:]/g, '')}Z`;
}

/**
 * Checks an argument that has to be a Date which GeneralizedTime can carry, and returns a copy in whole seconds
 * (fractions are cut off towards the past).
 *
 * @throws TypeError when it is not a Date; `ERR_OCSP_INVALID_VALUE` when it is invalid or outside the years 1 to 9999.
 */
export function checkDate(value: unknown, name: string): Date {
  return new Date(checkSeconds(value, name) * 1000);
}

/** The same as {@link checkDate} in whole seconds since 1970-01-01. */
export function checkSeconds(value: unknown, name: string): number {
  if (!types.isDate(value)) throw invalidArgType(name, 'an instance of Date', value);
  // From the prototype, so that a subclass cannot answer differently the second time.
  const time = Date.prototype.getTime.call(value);
  if (Number.isNaN(time)) throw invalidValue(`${name} is an invalid Date`);
  return checkEncodable(Math.floor(time / 1000), name);
}

/** Seconds since 1970-01-01 that a GeneralizedTime can say. */
export function checkEncodable(seconds: number, name: string): number {
  if (seconds < EARLIEST || seconds > LATEST) throw invalidValue(`${name} is outside the years 0001 to 9999`);
  return seconds;
}
