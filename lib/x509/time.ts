import { types } from 'node:util';
import { invalidArgType, invalidValue, malformed } from '../errors.js';

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z, in milliseconds: what GeneralizedTime can say, less year 0. */
const EARLIEST = -62_135_596_800_000;
const LATEST = 253_402_300_799_999;
const GENERALIZED_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
const GENERALIZED_TIME_LENGTH = 15;

/**
 * Reads the content `[start, end)` of a GeneralizedTime in the one form that RFC 5280 section 4.1.2.5.2 allows:
 * `YYYYMMDDHHMMSSZ`.
 *
 * @throws `ERR_OCSP_MALFORMED` for any other form (fraction, offset, no seconds), for a moment that does not exist
 * (30 February, hour 24, second 60) and for year 0.
 */
export function parseGeneralizedTime(bytes: Uint8Array, start: number = 0, end: number = bytes.length): Date {
  const bad = (why: string): Error => malformed(`GeneralizedTime at byte ${start}: ${why}`);
  if (end - start !== GENERALIZED_TIME_LENGTH) throw bad('not YYYYMMDDHHMMSSZ');
  const match = GENERALIZED_TIME.exec(String.fromCharCode(...bytes.subarray(start, end)));
  if (match === null) throw bad('not YYYYMMDDHHMMSSZ');
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  if (year === 0) throw bad('year 0 is out of range');
  if (hour > 23 || minute > 59 || second > 59) throw bad('no such time of day');
  // Not Date.UTC: it takes years below 100 for 19xx.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) throw bad('no such day');
  return date;
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
  if (!types.isDate(value)) throw invalidArgType(name, 'an instance of Date', value);
  // From the prototype, so that a subclass cannot answer differently the second time.
  const time = Date.prototype.getTime.call(value);
  if (Number.isNaN(time)) throw invalidValue(`${name} is an invalid Date`);
  if (time < EARLIEST || time > LATEST) throw invalidValue(`${name} is outside the years 0001 to 9999`);
  return new Date(Math.floor(time / 1000) * 1000);
}
