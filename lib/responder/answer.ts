/** Answers, and what HTTP says beside them. */
import { createHash } from 'node:crypto';
import { refreshBy } from '../bulk/policy.js';
import { type OCSPCertStatus, OCSPResponseStatus } from '../ocsp/enums.js';
import { OCSPResponseBuilder } from '../ocsp/response-builder.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import { copyBytes } from '../x509/der.js';

/** Where an answer came from. */
export type AnswerSource = 'store' | 'cache' | 'live' | 'error';

const TYPE = 'application/ocsp-response';

/** A signed answer for one certificate that may be given again. */
export class Prepared {
  readonly der: Buffer;
  /** What it states. */
  readonly entry: StatusEntry;
  /** Seconds since 1970-01-01 UTC, as in the answer. */
  readonly producedAt: number;
  readonly nextUpdate: number | null;
  /** When it shall be signed again, in milliseconds. */
  readonly refreshAt: number;
  /** Until when it may be given, in milliseconds: nextUpdate, or the end of the signer's certificate. */
  readonly expires: number;
  readonly etag: string;
  /** For HTTP. */
  readonly lastModified: string;
  readonly expiresHeader: string | undefined;
  /** Milliseconds of a clock that no one sets: when the store was looked at last. */
  checkedAt: number;
  /** By the same clock: when the authority said the same last. */
  confirmedAt: number;
  /** When it was asked for last, more or less; milliseconds. */
  touchedAt = 0;

  constructor(
    der: Buffer,
    entry: StatusEntry,
    times: { producedAt: number; thisUpdate: number; nextUpdate: number | null },
    signerNotAfter: number,
  ) {
    this.der = der;
    this.entry = entry;
    this.producedAt = times.producedAt;
    this.nextUpdate = times.nextUpdate;
    this.expires = Math.min(
      times.nextUpdate === null ? Number.POSITIVE_INFINITY : times.nextUpdate * 1000,
      signerNotAfter,
    );
    this.refreshAt = refreshTime(times.thisUpdate, times.nextUpdate);
    this.etag = `"${createHash('sha256').update(der).digest('hex')}"`;
    this.lastModified = httpDate(times.producedAt);
    this.expiresHeader = times.nextUpdate === null ? undefined : httpDate(times.nextUpdate);
    this.checkedAt = performance.now();
    this.confirmedAt = this.checkedAt;
  }

  /** Whether it may be given at a time (milliseconds). One of the future is that of a clock that was wrong. */
  isUsable(now: number): boolean {
    return now < this.expires && this.producedAt * 1000 <= now + CLOCK_DIFFERENCE;
  }
}

/** Milliseconds that clocks of machines that sign may differ. */
const CLOCK_DIFFERENCE = 5 * 60 * 1000;

/** Without a nextUpdate newer information is always there. */
function refreshTime(thisUpdate: number, nextUpdate: number | null): number {
  if (nextUpdate === null || nextUpdate <= thisUpdate) return Number.NEGATIVE_INFINITY;
  return refreshBy(new Date(thisUpdate * 1000), new Date(nextUpdate * 1000)).getTime();
}

/** What a responder answers. */
export class Answer {
  /** 0 when there is a status inside, else why there is none. */
  readonly responseStatus: OCSPResponseStatus;
  /** Where it came from: signed before, in memory, signed for this request, or not signed at all. */
  readonly source: AnswerSource;
  /** Entity tag: the SHA-256 of the answer (RFC 9919 section 6.2), in quotes; null for errors. */
  readonly etag: string | null;
  /** @internal The answer itself. Never handed out. */
  readonly bytes: Buffer;
  /** @internal The status that an answer for one certificate states. */
  readonly certStatus: OCSPCertStatus | undefined;
  readonly #prepared: Prepared | undefined;
  readonly #now: number;
  readonly #maxAge: number;

  /** @internal */
  constructor(
    bytes: Buffer,
    responseStatus: OCSPResponseStatus,
    source: AnswerSource,
    prepared?: Prepared,
    now: number = 0,
    maxAge: number = 0,
  ) {
    this.bytes = bytes;
    this.responseStatus = responseStatus;
    this.source = source;
    this.#prepared = prepared;
    this.etag = prepared?.etag ?? null;
    this.certStatus = prepared?.entry.status;
    this.#now = now;
    this.#maxAge = maxAge;
  }

  /** Until when it holds; null for errors, and for answers that say nothing of it. */
  get nextUpdate(): Date | null {
    const seconds = this.#prepared?.nextUpdate ?? null;
    return seconds === null ? null : new Date(seconds * 1000);
  }

  /** The DER of the OCSPResponse. */
  get der(): Buffer {
    return copyBytes(this.bytes);
  }

  /**
   * Headers for an answer to GET (RFC 9919 section 6.2). Caches keep what has no nonce until it shall be signed again, and errors
   * never.
   */
  get headers(): Readonly<Record<string, string>> {
    return this.headersFor(true);
  }

  /** @internal @param mayBeKept - whether caches may keep it at all */
  headersFor(mayBeKept: boolean): Record<string, string> {
    const headers: Record<string, string> = { 'Content-Type': TYPE, 'Content-Length': String(this.bytes.length) };
    const prepared = this.#prepared;
    if (this.responseStatus !== OCSPResponseStatus.SUCCESSFUL) {
      headers['Cache-Control'] = 'max-age=0, no-cache';
      if (this.responseStatus === OCSPResponseStatus.TRY_LATER) headers['Retry-After'] = RETRY_AFTER;
      return headers;
    }
    if (prepared === undefined) {
      headers['Cache-Control'] = 'max-age=0, no-transform, must-revalidate';
      return headers;
    }
    const { etag, lastModified, expiresHeader } = prepared;
    if (mayBeKept)
      headers['Cache-Control'] = `max-age=${this.#maxAgeNow(prepared)}, public, no-transform, must-revalidate`;
    headers['ETag'] = etag;
    headers['Last-Modified'] = lastModified;
    if (expiresHeader !== undefined) headers['Expires'] = expiresHeader;
    return headers;
  }

  #maxAgeNow({ refreshAt, expires }: Prepared): number {
    const now = this.#now;
    return Math.max(0, Math.floor(Math.min(this.#maxAge, (refreshAt - now) / 1000, (expires - now) / 1000)));
  }
}

/** Seconds after which to come again. */
const RETRY_AFTER = '5';

/** IMF-fixdate (RFC 9110 section 5.6.7). */
function httpDate(seconds: number): string {
  return new Date(seconds * 1000).toUTCString();
}

const ERRORS: ReadonlyMap<OCSPResponseStatus, Answer> = new Map(
  [
    OCSPResponseStatus.MALFORMED_REQUEST,
    OCSPResponseStatus.INTERNAL_ERROR,
    OCSPResponseStatus.TRY_LATER,
    OCSPResponseStatus.SIG_REQUIRED,
    OCSPResponseStatus.UNAUTHORIZED,
  ].map((status) => [status, new Answer(OCSPResponseBuilder.buildUnsuccessful(status).publicBytes(), status, 'error')]),
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
