import { invalidArgType, invalidValue } from '../errors.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { checkSeconds } from '../x509/time.js';
import type { DefaultTimes } from './entry-packer.js';

/** From when and until when responses hold, where an entry does not say so itself. */
export interface LifetimeOptions {
  /** The time at which the statuses are known to be right; the time of signing by default. */
  readonly thisUpdate?: Date;
  /** thisUpdate is cut down to a whole multiple of this, in seconds; 60 by default. */
  readonly granularity?: number;
  /**
   * Seconds from thisUpdate to nextUpdate; 7 days by default. Less at the end of the responder certificate, after which no one takes
   * a response. null: no nextUpdate, newer information is always there.
   */
  readonly period?: number | null;
}

/** Checked {@link LifetimeOptions}. */
export interface Lifetime {
  /** When the responder certificate expires, in milliseconds: no one takes what is signed later. */
  readonly expires: number;
  readonly thisUpdate: number | undefined;
  readonly granularity: number;
  readonly period: number | null;
}

export const LIFETIME_NAMES: OptionNames<LifetimeOptions> = { thisUpdate: true, granularity: true, period: true };

/** Seconds from thisUpdate to nextUpdate. */
export const DEFAULT_PERIOD: number = 7 * 24 * 3600;
const MAX_PERIOD = 100 * 366 * 24 * 3600;

/** @throws TypeError; `ERR_OCSP_INVALID_VALUE` for a bad date and for numbers that are not positive whole seconds. */
export function resolveLifetime(options: LifetimeOptions = {}, expires: number = Number.POSITIVE_INFINITY): Lifetime {
  const { thisUpdate, granularity = 60, period = DEFAULT_PERIOD } = readOptions(options, LIFETIME_NAMES, 'validity');
  return {
    expires,
    thisUpdate: thisUpdate === undefined ? undefined : checkSeconds(thisUpdate, 'validity.thisUpdate'),
    granularity: wholeSeconds(granularity, 'validity.granularity'),
    period: period === null ? null : wholeSeconds(period, 'validity.period'),
  };
}

/**
 * Default times of a response that is signed at `now` (milliseconds).
 *
 * @throws `ERR_OCSP_INVALID_VALUE` when the responder certificate has expired.
 */
export function timesAt({ expires, thisUpdate, granularity, period }: Lifetime, now: number): DefaultTimes {
  if (now > expires) throw invalidValue('the responder certificate has expired');
  const known = thisUpdate ?? now / 1000;
  const from = Math.floor(known / granularity) * granularity;
  const latest = Math.floor(expires / 1000);
  return { thisUpdate: from, nextUpdate: period === null ? undefined : Math.min(from + period, latest), latest };
}

function wholeSeconds(value: unknown, name: string): number {
  if (typeof value !== 'number') throw invalidArgType(name, 'a number of seconds', value);
  if (!Number.isInteger(value) || value < 1 || value > MAX_PERIOD) {
    throw invalidValue(`${name} must be whole seconds, 1 to ${MAX_PERIOD}`);
  }
  return value;
}
