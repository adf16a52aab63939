/** One exchange with one responder, and what came of it. */
import { OCSPResponseStatus } from '../ocsp/enums.js';
import type { Verdict } from '../ocsp/verification/verdict.js';
import type { HashAlgorithmName } from '../x509/algorithms.js';
import { type ExchangeFault, type OCSPFailure, shortened } from './failures.js';

/** One exchange with one responder, or why there was none. */
export interface OCSPAttempt {
  /** Who was asked, after redirects; without name and password. */
  readonly url: string;
  /** Null where nothing was sent. */
  readonly method: 'GET' | 'POST' | null;
  /** Hash of the CertID. */
  readonly hashAlgorithm: HashAlgorithmName;
  /** Null where the answer counts. */
  readonly failure: OCSPFailure | null;
  /** What went wrong, for people; null where the answer counts. */
  readonly reason: string | null;
  /** On the answer; null where there was none. */
  readonly verdict: Verdict | null;
  /** HTTP status that was not 200; null for none. */
  readonly httpStatus: number | null;
}

/** An exchange without an answer. */
export function failedAttempt(
  { url, failure, status }: ExchangeFault,
  reason: string,
  method: OCSPAttempt['method'],
  hashAlgorithm: HashAlgorithmName,
): OCSPAttempt {
  return {
    url,
    method,
    hashAlgorithm,
    failure,
    reason: shortened(reason),
    verdict: null,
    httpStatus: status ?? null,
  };
}

/** An exchange with an answer that was judged. `fault`: why it does not count all the same. */
export function judgedAttempt(
  url: string,
  method: 'GET' | 'POST',
  hashAlgorithm: HashAlgorithmName,
  verdict: Verdict,
  fault: string | null,
): OCSPAttempt {
  const counts = verdict.usable && fault === null;
  return {
    url,
    method,
    hashAlgorithm,
    failure: counts ? null : failureOf(verdict),
    reason: counts ? null : (fault ?? shortened(verdict.refusals.map(({ message }) => message).join('; '))),
    verdict,
    httpStatus: null,
  };
}

/** A responder that cannot answer now is as good as one that cannot be reached (RFC 6960 section 2.3). */
function failureOf({ responseStatus }: Verdict): OCSPFailure {
  const { INTERNAL_ERROR, TRY_LATER } = OCSPResponseStatus;
  return responseStatus === INTERNAL_ERROR || responseStatus === TRY_LATER ? 'unreachable' : 'refused';
}

/** Whether it settles the matter: "unknown" does not, as another hash or another responder may know more. */
export function settles({ failure, verdict }: OCSPAttempt): boolean {
  return failure === null && verdict !== null && verdict.status !== 'unknown';
}

/** The attempt that tells more; the later one of equals. */
export function better(one: OCSPAttempt | undefined, other: OCSPAttempt): OCSPAttempt {
  return one !== undefined && worth(one) > worth(other) ? one : other;
}

function worth(attempt: OCSPAttempt): number {
  if (settles(attempt)) return 3;
  if (attempt.failure === null) return 2;
  return attempt.verdict === null ? 0 : 1;
}

/**
 * Whether it went as with a responder that does not understand the CertID: one that predates RFC 9919 knows certificates by
 * SHA-1 only, and says so in one of these ways.
 */
export function maySpeakOtherHash({ verdict, httpStatus }: OCSPAttempt): boolean {
  // (429: too many requests.)
  if (verdict === null) return httpStatus !== null && httpStatus >= 400 && httpStatus !== 429;
  const { MALFORMED_REQUEST, INTERNAL_ERROR, UNAUTHORIZED } = OCSPResponseStatus;
  const declined = [MALFORMED_REQUEST, INTERNAL_ERROR, UNAUTHORIZED].some((code) => code === verdict.responseStatus);
  const other = verdict.refusals.some(({ code }) => code === 'CERTIFICATE_NOT_FOUND');
  return declined || other || verdict.status === 'unknown';
}

/** Whether it went as with a responder that does not like the nonce. */
export function mayDislikeNonce({ verdict, httpStatus }: OCSPAttempt): boolean {
  if (verdict === null) return httpStatus !== null && httpStatus >= 400 && httpStatus !== 429;
  const { MALFORMED_REQUEST, INTERNAL_ERROR } = OCSPResponseStatus;
  return verdict.responseStatus === MALFORMED_REQUEST || verdict.responseStatus === INTERNAL_ERROR;
}
