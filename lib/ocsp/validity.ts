/** Whether the times of a status hold now: what OpenSSL's `OCSP_check_validity` asks, with a clock that can be set. */
import { invalidArgType, invalidValue } from '../errors.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { checkDate } from '../x509/time.js';

/** Longest tolerance and age: longer than any certificate lives. */
const MAX_SECONDS = 100 * 366 * 24 * 3600;

/** How times are judged. */
export interface ValidityOptions {
  /** The moment to judge at; now by default. */
  readonly at?: Date;
  /** Seconds that clocks may differ, either way. Default 0; `openssl ocsp` takes 300. */
  readonly clockTolerance?: number;
  /** Greatest age of thisUpdate in seconds, whatever the tolerance; unlimited by default. */
  readonly maxAge?: number;
}

const VALIDITY_NAMES: OptionNames<ValidityOptions> = { at: true, clockTolerance: true, maxAge: true };

/** What is wrong with the times of a status. */
export type ValidityFault = 'not-yet-valid' | 'expired' | 'too-old' | 'inverted';

/** The outcome: `faults` is empty exactly when `valid`. */
export interface Validity {
  readonly valid: boolean;
  readonly faults: readonly ValidityFault[];
}

/** Judges times in whole seconds since 1970-01-01. NaN, which no comparison likes, is never valid. */
export function validityFaults(
  thisUpdate: number,
  nextUpdate: number | null,
  at: number,
  tolerance: number,
  maxAge: number,
): ValidityFault[] {
  const faults: ValidityFault[] = [];
  if (!(thisUpdate <= at + tolerance)) faults.push('not-yet-valid');
  // As in OpenSSL, the tolerance does not add to the age.
  if (!(at - thisUpdate <= maxAge)) faults.push('too-old');
  if (nextUpdate !== null) {
    // "Later than now" (RFC 6960 section 3.2): a status that ends this very second has ended.
    if (!(nextUpdate + tolerance > at)) faults.push('expired');
    if (!(nextUpdate >= thisUpdate)) faults.push('inverted');
  }
  return faults;
}

/** {@link validityFaults} for the times of an entry. */
export function checkTimes(thisUpdate: Date, nextUpdate: Date | null, options: ValidityOptions): Validity {
  const { at, clockTolerance, maxAge } = readOptions(options, VALIDITY_NAMES);
  const faults = validityFaults(
    thisUpdate.getTime() / 1000,
    nextUpdate === null ? null : nextUpdate.getTime() / 1000,
    momentOf(at, 'options.at'),
    checkSeconds(clockTolerance, 'options.clockTolerance') ?? 0,
    checkSeconds(maxAge, 'options.maxAge') ?? Number.POSITIVE_INFINITY,
  );
  return { valid: faults.length === 0, faults };
}

/** Whole seconds since 1970-01-01 of a Date; of now for undefined. */
export function momentOf(at: unknown, name: string): number {
  return at === undefined ? Math.floor(Date.now() / 1000) : checkDate(at, name).getTime() / 1000;
}

/** A length of time in seconds; undefined stays undefined. */
export function checkSeconds(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number') throw invalidArgType(name, 'a number of seconds', value);
  if (!(value >= 0 && value <= MAX_SECONDS))
    throw invalidValue(`${name} must be a number of seconds, 0 to ${MAX_SECONDS}`);
  return value;
}
