/** Options of a responder: checked, and with the defaults filled in. */
import { availableParallelism } from 'node:os';
import { invalidArgType, invalidValue } from '../errors.js';
import { checkText, LONGEST_TIME } from '../x509/checks.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { bringsLists, readTrust, type TrustInput, type TrustStore } from '../x509/trust-store.js';
import type { ResponderIssuerOptions } from './issuer.js';

/** What to do with the nonce of a request (RFC 9654). */
export type NoncePolicy = 'ignored' | 'optional' | 'required' | 'forbidden';

/** What a `Responder` is made of. */
export interface ResponderOptions {
  /** The CAs that are answered for. */
  readonly issuers: Iterable<ResponderIssuerOptions>;
  /**
   * `optional`, the default: a request with a nonce gets an answer of its own, signed with the nonce; one without gets what is at hand.
   * `ignored`: no answer has a nonce, which RFC 9919 section 3.2.2 allows; the choice for answers behind a CDN. `required`: a request
   * without a nonce is a malformedRequest. `forbidden`: one with a nonce is. A nonce that is empty or longer than 128 bytes is a
   * malformedRequest, whatever is chosen here (RFC 9654 section 2.1).
   */
  readonly nonce?: NoncePolicy;
  /**
   * `ignored`, the default, as RFC 9919 section 3.1.2 allows: anybody may ask. `verified`: a signature has to be right if there is one.
   * `required`: and there has to be one, else the answer is sigRequired. Whose it may be is for {@link requestTrust} to say.
   */
  readonly requestSignatures?: 'ignored' | 'verified' | 'required';
  /**
   * Certificates that those who sign requests are trusted by. Needed by `verified` and `required`, and refused without either; so are
   * revocation lists, of which none is looked into.
   */
  readonly requestTrust?: TrustInput;
  /** Bytes of the longest request. Default 10,000. */
  readonly maxRequestBytes?: number;
  /** Certificates that one request may ask about. Default 16. */
  readonly maxCertIds?: number;
  /** Seconds for which HTTP caches may keep an answer, at most. Default 3600. */
  readonly maxAge?: number;
  /** Seconds by which an authority may be behind before tryLater takes the place of good. Default 10. */
  readonly maxLag?: number;
  /** Let HTTP caches keep answers to POST, too. Default false. */
  readonly cachePost?: boolean;
  /** Paths below which requests are looked for in the target of a GET, such as `/ocsp`. Default: none. */
  readonly basePath?: string | readonly string[];
  /** Refuse a POST whose content type is not `application/ocsp-request`. Default false: what counts is the body. */
  readonly strictContentType?: boolean;
  /**
   * HTTP status of OCSP errors such as tryLater. `ok`, the default: 200, because many clients drop the body of anything else. `mapped`:
   * 400, 403, 500 or 503.
   */
  readonly errorStatus?: 'ok' | 'mapped';
  /** Limits of what is signed as it is asked for. */
  readonly live?: LiveOptions;
  /** What is kept of what has been answered. */
  readonly cache?: CacheOptions;
}

/** What is kept in memory of answers that may be given again. */
export interface CacheOptions {
  /** Bytes of the answers. Default 64 MiB; 0 keeps none. */
  readonly maxBytes?: number;
}

/** Limits of live signing. What is at hand is never refused. */
export interface LiveOptions {
  /**
   * Signatures at a time, but for those of P-256 and Ed25519 keys of the process, and of short RSA keys on one core; of an external
   * signer, at a time for its issuer.
   * Default: one per core, but at least 4.
   */
  readonly maxInflight?: number;
  /** Requests that wait for a signature. Beyond, the answer is tryLater at once. Default 1000. */
  readonly maxWaiting?: number;
  /** Milliseconds that a signature may take, with the wait for it; then the answer is tryLater. Default 5000, at most 2147483647. */
  readonly timeout?: number;
  /**
   * Answers a second that no cache can help with: those with a nonce, for several certificates, and for serial numbers that were never
   * issued. Beyond, an optional nonce is left out, and else the answer is tryLater. Default: no limit.
   */
  readonly perSecond?: number;
}

/** {@link ResponderOptions}, checked; without the issuers. */
export interface Limits {
  readonly nonce: NoncePolicy;
  readonly requestSignatures: 'ignored' | 'verified' | 'required';
  readonly requestTrust: TrustStore | undefined;
  readonly maxRequestBytes: number;
  readonly maxCertIds: number;
  readonly maxAge: number;
  /** Milliseconds. */
  readonly maxLag: number;
  readonly cachePost: boolean;
  /** The longest first; each begins with a slash and ends with none. */
  readonly basePaths: readonly string[];
  readonly strictContentType: boolean;
  readonly errorStatus: 'ok' | 'mapped';
  readonly live: { readonly maxInflight: number; readonly maxWaiting: number; readonly timeout: number };
  readonly perSecond: number;
  readonly cacheBytes: number;
}

const NONCE = ['ignored', 'optional', 'required', 'forbidden'] as const;
const SIGNATURES = ['ignored', 'verified', 'required'] as const;

const LIVE_NAMES: OptionNames<LiveOptions> = { maxInflight: true, maxWaiting: true, timeout: true, perSecond: true };
const CACHE_NAMES: OptionNames<CacheOptions> = { maxBytes: true };
/** Of `Responder`. */
export const RESPONDER_NAMES: OptionNames<ResponderOptions> = {
  issuers: true,
  nonce: true,
  requestSignatures: true,
  requestTrust: true,
  maxRequestBytes: true,
  maxCertIds: true,
  maxAge: true,
  maxLag: true,
  cachePost: true,
  basePath: true,
  strictContentType: true,
  errorStatus: true,
  live: true,
  cache: true,
};

/**
 * @param options - As `readOptions` has read them.
 * @throws TypeError; `ERR_OCSP_INVALID_VALUE`.
 */
export function readLimits(options: Omit<ResponderOptions, 'issuers'>): Limits {
  const live = readOptions(options.live ?? {}, LIVE_NAMES, 'options.live');
  const cache = readOptions(options.cache ?? {}, CACHE_NAMES, 'options.cache');
  const requestSignatures = oneOf(options.requestSignatures ?? 'ignored', SIGNATURES, 'requestSignatures');
  if (requestSignatures !== 'ignored' && options.requestTrust === undefined)
    throw invalidValue('requestSignatures needs requestTrust: without it no signature is worth anything');
  const requestTrust =
    options.requestTrust === undefined ? undefined : readTrust(options.requestTrust, 'options.requestTrust');
  if (bringsLists(options.requestTrust, requestTrust))
    throw invalidValue('the crls of requestTrust count for nothing: no one looks up those who sign requests');
  if (requestTrust !== undefined && options.requestSignatures === undefined)
    throw invalidValue(
      "requestTrust needs requestSignatures, 'verified' or 'required': without it no signature is looked at",
    );
  return {
    nonce: oneOf(options.nonce ?? 'optional', NONCE, 'nonce'),
    requestSignatures,
    requestTrust,
    maxRequestBytes: wholeNumber(options.maxRequestBytes ?? 10_000, 'maxRequestBytes', 1, 1 << 20),
    maxCertIds: wholeNumber(options.maxCertIds ?? 16, 'maxCertIds', 1, 10_000),
    maxAge: wholeNumber(options.maxAge ?? 3600, 'maxAge', 0),
    maxLag: seconds(options.maxLag ?? 10, 'maxLag') * 1000,
    cachePost: options.cachePost === true,
    basePaths: pathsOf(options.basePath),
    strictContentType: options.strictContentType === true,
    errorStatus: oneOf(options.errorStatus ?? 'ok', ['ok', 'mapped'] as const, 'errorStatus'),
    live: {
      maxInflight: wholeNumber(live.maxInflight ?? Math.max(4, availableParallelism()), 'live.maxInflight', 1),
      maxWaiting: wholeNumber(live.maxWaiting ?? 1000, 'live.maxWaiting', 0),
      timeout: wholeNumber(live.timeout ?? 5000, 'live.timeout', 1, LONGEST_TIME),
    },
    perSecond:
      live.perSecond === undefined ? Number.POSITIVE_INFINITY : wholeNumber(live.perSecond, 'live.perSecond', 1),
    cacheBytes: wholeNumber(cache.maxBytes ?? 64 * 1024 * 1024, 'cache.maxBytes', 0),
  };
}

function pathsOf(given: ResponderOptions['basePath']): string[] {
  const list = given === undefined ? [] : typeof given === 'string' ? [given] : [...given];
  const paths = list.map((path) => rootedPath(checkText(path, 'basePath')));
  return paths.filter((path) => path !== '').sort((a, b) => b.length - a.length);
}

/** A path with a slash at its beginning and none at its end; empty for the root. */
export function rootedPath(path: string): string {
  const bare = path.replace(/^\/+|\/+$/g, '');
  return bare === '' ? '' : `/${bare}`;
}

/** A positive number, also a fraction; Infinity for no limit. */
function seconds(value: unknown, name: string): number {
  if (typeof value !== 'number') throw invalidArgType(name, 'a number of seconds', value);
  if (!(value > 0)) throw invalidValue(`${name} must be more than 0`);
  return value;
}

/** A whole number. */
export function wholeNumber(
  value: unknown,
  name: string,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value !== 'number') throw invalidArgType(name, 'a number', value);
  if (!Number.isSafeInteger(value) || value < least || value > most)
    throw invalidValue(
      `${name} must be a whole number from ${least}${most < Number.MAX_SAFE_INTEGER ? ` to ${most}` : ' on'}`,
    );
  return value;
}

/** One of a list of names. */
export function oneOf<T extends string>(value: unknown, names: readonly T[], name: string): T {
  if (typeof value !== 'string') throw invalidArgType(name, names.map((one) => `'${one}'`).join(' or '), value);
  if (!names.includes(value as T)) throw invalidValue(`${name} is not one of ${names.join(', ')}`);
  return value as T;
}
