import { invalidArgType, invalidValue } from '../errors.js';
import { type SerialKey, serialKey } from '../store/serial-key.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { checkDate } from '../x509/time.js';

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;

/** Verdict of {@link checkValidityInterval}. */
export interface ValidityIntervalCheck {
  /** Whether the interval is allowed. */
  readonly ok: boolean;
  /** The interval in seconds, counting both ends. */
  readonly seconds: number;
  /** What is wrong with it. */
  readonly problem: 'too-short' | 'too-long' | null;
}

const SHORTEST = 8 * HOUR;
const LONGEST = 10 * DAY;

/**
 * Checks a validity interval against section 4.9.9 of the CA/Browser Forum's TLS Baseline Requirements: at least 8 hours, at
 * most 10 days. The interval includes both its first and its last second.
 */
export function checkValidityInterval(thisUpdate: Date, nextUpdate: Date): ValidityIntervalCheck {
  const interval = intervalOf(thisUpdate, nextUpdate);
  const problem = interval < SHORTEST ? 'too-short' : interval > LONGEST ? 'too-long' : null;
  return { ok: problem === null, seconds: interval / SECOND, problem };
}

/**
 * When newer information has to be there at the latest, by section 4.9.9 of the same: for intervals below 16 hours before half
 * of the interval is left; for longer ones at least 8 hours before nextUpdate, and at most 4 days after thisUpdate.
 *
 * @throws TypeError for wrong types; `ERR_OCSP_INVALID_VALUE` when nextUpdate is not after thisUpdate.
 */
export function refreshBy(thisUpdate: Date, nextUpdate: Date): Date {
  intervalOf(thisUpdate, nextUpdate);
  const begin = checkDate(thisUpdate, 'thisUpdate').getTime();
  const end = checkDate(nextUpdate, 'nextUpdate').getTime();
  return new Date(refreshSeconds(begin / SECOND, end / SECOND) * SECOND);
}

/** The same in whole seconds since 1970-01-01, of a nextUpdate that is after thisUpdate. */
export function refreshSeconds(thisUpdate: number, nextUpdate: number): number {
  const interval = nextUpdate - thisUpdate + 1;
  if (interval < (2 * SHORTEST) / SECOND) return Math.floor(nextUpdate - interval / 2);
  return Math.min(thisUpdate + (4 * DAY) / SECOND, nextUpdate - (8 * HOUR) / SECOND);
}

function intervalOf(thisUpdate: Date, nextUpdate: Date): number {
  const length = checkDate(nextUpdate, 'nextUpdate').getTime() - checkDate(thisUpdate, 'thisUpdate').getTime();
  if (length <= 0) throw invalidValue('nextUpdate is not after thisUpdate');
  return length + SECOND;
}

/** What {@link nextRefresh} takes beside the serial number. */
export interface RefreshOptions {
  /** thisUpdate of the response at hand. */
  readonly thisUpdate: Date;
  /** Its nextUpdate. */
  readonly nextUpdate: Date;
  /** Seconds before {@link refreshBy} by which every refresh is done: time to catch up after a failure. Default 3600. */
  readonly margin?: number;
}

const REFRESH_NAMES: OptionNames<RefreshOptions> = { thisUpdate: true, nextUpdate: true, margin: true };

/**
 * When to sign the response of one certificate again, so that the work is spread evenly.
 *
 * Time is divided into periods, as long as from thisUpdate to {@link refreshBy} less the margin, and each certificate has its
 * own moment in every period, by a hash of its serial number. The answer is the first such moment after thisUpdate: never
 * later than the margin before {@link refreshBy}; and from then on the certificate is signed once in each period. So even
 * after a run that signed everything at once, the next period's work is spread over all of it, and stays so. Same arguments,
 * same answer, on every machine.
 *
 * @throws `ERR_OCSP_INVALID_VALUE` when the margin leaves no time.
 */
export function nextRefresh(serial: SerialKey, options: RefreshOptions): Date {
  const { thisUpdate, nextUpdate, margin = 3600 } = readOptions(options, REFRESH_NAMES);
  const begin = checkDate(thisUpdate, 'thisUpdate').getTime() / SECOND;
  const latest = refreshBy(thisUpdate, nextUpdate).getTime() / SECOND;
  const period = latest - begin - (margin === 0 ? 0 : checkSeconds(margin, 'margin'));
  if (period < 1) throw invalidValue('margin leaves no time between thisUpdate and the latest refresh');
  const phase = Math.floor((hash(serialKey(serial)) / 2 ** 32) * period);
  const moment = Math.floor((begin - phase) / period) * period + phase + period;
  return new Date(moment * SECOND);
}

/**
 * FNV-1a with a final mix (that of MurmurHash3): serial numbers that follow each other differ in the last byte only, and have
 * to end up far apart.
 */
function hash(bytes: Uint8Array): number {
  let value = 0x811c9dc5;
  for (const octet of bytes) value = Math.imul(value ^ octet, 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

function checkSeconds(value: unknown, name: string): number {
  if (typeof value !== 'number') throw invalidArgType(name, 'a number of seconds', value);
  if (!Number.isInteger(value) || value < 1) throw invalidValue(`${name} is not a whole number of seconds: ${value}`);
  return value;
}
