/** Answers, and what HTTP says beside them. */
import { hash } from 'node:crypto';
import { refreshSeconds } from '../bulk/policy.js';
import { type OCSPCertStatus, OCSPResponseStatus } from '../ocsp/enums.js';
import { OCSPResponseBuilder } from '../ocsp/response-builder.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import { copyBytes, type OwnBuffer } from '../x509/der.js';

/** Where an answer came from. */
export type AnswerSource = 'store' | 'cache' | 'live' | 'error';

const TYPE = 'application/ocsp-response';

type HttpHeaders = Readonly<Record<string, string>>;

/** Times of an answer, in seconds. */
interface Times {
  readonly producedAt: number;
  readonly thisUpdate: number;
  readonly nextUpdate: number | null;
}

/**
 * A signed answer for one certificate that may be given again.
 *
 * There are many, and each costs what is read of it where it is not in a cache of the processor: so it has few parts. Times are whole
 * seconds since 1970-01-01 UTC, which are no objects of their own.
 */
export class Prepared {
  /** The DER, a character for each byte. */
  readonly latin1: string;
  /** What it states. */
  readonly entry: StatusEntry;
  /** As in the answer. */
  readonly producedAt: number;
  readonly nextUpdate: number | null;
  /** From when it may be given: when it was signed, or thisUpdate, where that is later. */
  readonly begins: number;
  /** When it shall be signed again. */
  readonly refreshAt: number;
  /** Until when it may be given: nextUpdate, or the end of the signer's certificate. */
  readonly expires: number;
  /** Milliseconds of a clock that no one sets: when the store was looked at last. */
  checkedAt: number;
  /** The edition of the store that was looked at last; -1 where none was, or it has none. */
  edition = -1;
  /** By the same clock: when the authority said the same last. */
  confirmedAt: number;
  /** When it was asked for last, more or less; seconds. */
  touchedAt = 0;
  #etag: string | undefined;

  /** @param signerNotAfter - milliseconds */
  constructor(latin1: string, entry: StatusEntry, times: Times, signerNotAfter: number) {
    this.latin1 = latin1;
    this.entry = entry;
    this.producedAt = times.producedAt;
    this.nextUpdate = times.nextUpdate;
    this.begins = Math.max(times.producedAt, times.thisUpdate);
    this.expires = Math.min(times.nextUpdate ?? Number.POSITIVE_INFINITY, signerNotAfter / 1000);
    this.refreshAt = refreshTime(times);
    this.checkedAt = clock();
    this.confirmedAt = this.checkedAt;
  }

  /** The SHA-256 of the DER, in quotes; worked out when it is asked for. */
  get etag(): string {
    this.#etag ??= `"${hash('sha256', Buffer.from(this.latin1, 'latin1'), 'hex')}"`;
    return this.#etag;
  }

  /** Whether it may be given at a time (milliseconds). One of the future is that of a clock that was wrong, or no client takes it yet. */
  isUsable(now: number): boolean {
    return now < this.expires * 1000 && this.begins * 1000 <= now + CLOCK_DIFFERENCE;
  }

  /** Whether it may be given, and need not be signed again. */
  isFresh(now: number): boolean {
    return this.isUsable(now) && now < this.refreshAt * 1000;
  }

  /** @param mostAge - seconds for which caches may keep it at most; undefined where nothing is to be said of it */
  headersAt(now: number, mostAge: number | undefined): HttpHeaders {
    // (A new object each time: what wraps writeHead may add to it.)
    const headers: Record<string, string> = { 'Content-Type': TYPE, 'Content-Length': String(this.latin1.length) };
    if (mostAge !== undefined)
      headers['Cache-Control'] = keepFor(
        Math.max(0, Math.floor(Math.min(mostAge, this.refreshAt - now / 1000, this.expires - now / 1000))),
      );
    headers['ETag'] = this.etag;
    headers['Last-Modified'] = httpDate(this.producedAt);
    if (this.nextUpdate !== null) headers['Expires'] = httpDate(this.nextUpdate);
    return headers;
  }
}

/** Milliseconds of a clock that no one sets. */
export function clock(): number {
  return Math.floor(performance.now());
}

/** When a question came that came at `now`, by that clock. */
export function clockOf(now: number): number {
  return clock() - Math.max(0, Date.now() - now);
}

/** Milliseconds that clocks of machines that sign may differ. */
const CLOCK_DIFFERENCE = 5 * 60 * 1000;

/**
 * Without a nextUpdate newer information is always there. What was signed late in its time, as with the times of a CRL, would be no other if it
 * were signed again at once: so it stays for a quarter of what is left.
 */
function refreshTime({ producedAt, thisUpdate, nextUpdate }: Times): number {
  if (nextUpdate === null || nextUpdate <= thisUpdate) return 0;
  return Math.max(refreshSeconds(thisUpdate, nextUpdate), Math.floor(producedAt + (nextUpdate - producedAt) / 4));
}

/** What a responder answers. */
export class Answer {
  /** 0 when there is a status inside, else why there is none. */
  readonly responseStatus: OCSPResponseStatus;
  /** Where it came from: signed before, in memory, signed for this request, or not signed at all. */
  readonly source: AnswerSource;
  /** @internal The answer itself, a character for each byte. */
  readonly latin1: string;
  /** @internal The status that an answer for one certificate states. */
  readonly certStatus: OCSPCertStatus | undefined;
  readonly #prepared: Prepared | undefined;
  readonly #now: number;
  readonly #maxAge: number;

  /** @internal */
  constructor(
    latin1: string,
    responseStatus: OCSPResponseStatus,
    source: AnswerSource,
    prepared?: Prepared,
    now: number = 0,
    maxAge: number = 0,
    certStatus: OCSPCertStatus | undefined = prepared?.entry.status,
  ) {
    this.latin1 = latin1;
    this.responseStatus = responseStatus;
    this.source = source;
    this.#prepared = prepared;
    this.certStatus = certStatus;
    this.#now = now;
    this.#maxAge = maxAge;
  }

  /** Entity tag: the SHA-256 of the answer (RFC 9919 section 6.2), in quotes; null for errors, and answers with a nonce. */
  get etag(): string | null {
    return this.#prepared?.etag ?? null;
  }

  /** Until when it holds; null for errors, and for answers that say nothing of it. */
  get nextUpdate(): Date | null {
    const seconds = this.#prepared?.nextUpdate ?? null;
    return seconds === null ? null : new Date(seconds * 1000);
  }

  /** The DER of the OCSPResponse. */
  get der(): OwnBuffer {
    return copyBytes(Buffer.from(this.latin1, 'latin1'));
  }

  /**
   * Headers for an answer to GET (RFC 9919 section 6.2). Caches keep what has no nonce until it shall be signed again, and errors
   * never.
   */
  get headers(): Readonly<Record<string, string>> {
    return this.headersFor(true);
  }

  /** @internal @param mayBeKept - whether caches may keep it at all */
  headersFor(mayBeKept: boolean): HttpHeaders {
    const prepared = this.#prepared;
    if (prepared !== undefined) return prepared.headersAt(this.#now, mayBeKept ? this.#maxAge : undefined);
    const headers = { 'Content-Type': TYPE, 'Content-Length': String(this.latin1.length) };
    if (this.responseStatus === OCSPResponseStatus.SUCCESSFUL)
      return { ...headers, 'Cache-Control': 'max-age=0, no-transform, must-revalidate' };
    const isOverload = this.responseStatus === OCSPResponseStatus.TRY_LATER;
    return {
      ...headers,
      'Cache-Control': 'max-age=0, no-cache',
      ...(isOverload && { 'Retry-After': RETRY_AFTER }),
    };
  }
}

/** Seconds after which to come again. */
const RETRY_AFTER = '5';

/** Texts for numbers of which few are asked for at a time. */
function remembering(text: (value: number) => string): (value: number) => string {
  const texts = new Map<number, string>();
  return (value) => {
    let found = texts.get(value);
    if (found === undefined) {
      if (texts.size >= MOST_TEXTS) texts.clear();
      found = text(value);
      texts.set(value, found);
    }
    return found;
  };
}

const MOST_TEXTS = 1024;

/** IMF-fixdate (RFC 9110 section 5.6.7). */
const httpDate = remembering((seconds) => new Date(seconds * 1000).toUTCString());
const keepFor = remembering((maxAge) => `max-age=${maxAge}, public, no-transform, must-revalidate`);

const ERRORS: ReadonlyMap<OCSPResponseStatus, Answer> = new Map(
  [
    OCSPResponseStatus.MALFORMED_REQUEST,
    OCSPResponseStatus.INTERNAL_ERROR,
    OCSPResponseStatus.TRY_LATER,
    OCSPResponseStatus.SIG_REQUIRED,
    OCSPResponseStatus.UNAUTHORIZED,
  ].map((status) => [
    status,
    new Answer(OCSPResponseBuilder.buildUnsuccessful(status).publicBytes().toString('latin1'), status, 'error'),
  ]),
);

/** The answer that says why there is none. */
export function errorAnswer(status: Exclude<OCSPResponseStatus, OCSPResponseStatus.SUCCESSFUL>): Answer {
  return ERRORS.get(status) as Answer;
}

/** There is no answer, and why. */
export class NoAnswer extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super('no answer');
    this.answer = answer;
  }
}

/** Why there is no answer now. */
export function tryLater(): NoAnswer {
  return new NoAnswer(errorAnswer(OCSPResponseStatus.TRY_LATER));
}
