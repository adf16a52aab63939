/** An answer that was verified, and what it is worth later. */
import type { RefusedVerdict, Verdict } from '../ocsp/verification/verdict.js';
import type { Verifier } from '../ocsp/verification/verifier.js';
import { spreadOf } from './clock.js';
import type { Subject } from './subject.js';

export type CachedStatus = 'good' | 'revoked' | 'unknown';

/** Milliseconds for which "unknown" is kept: a certificate may be younger than what the responder knows. */
const UNKNOWN_KEPT = 60_000;
/**
 * Milliseconds for which only the times of an answer are looked at; then all of it is verified again, and with it the paths of
 * certificates that end. Less than clocks may differ.
 */
const TRUSTED_FOR = 60_000;

/** A verified answer about one certificate. Times are milliseconds since 1970-01-01. */
export class CachedAnswer {
  readonly status: CachedStatus;
  readonly thisUpdate: number;
  readonly producedAt: number;
  /** From when on it is not used any more. */
  readonly usableUntil: number;
  /** From when on it is worth asking again. */
  refreshAt: number;
  /** When all of it was verified last, a whole second. */
  verifiedAt: number;
  /** By which certificate of the CA that was: {@link Subject.issuerMark}. */
  issuerMark: number;
  /** Not a copy: never hand it out. */
  readonly der: Buffer;
  /** What was found when it was verified last, by that certificate. */
  #verdict: Verdict | null = null;

  constructor(
    status: CachedStatus,
    thisUpdate: number,
    producedAt: number,
    usableUntil: number,
    refreshAt: number,
    verifiedAt: number,
    issuerMark: number,
    der: Buffer,
  ) {
    this.status = status;
    this.thisUpdate = thisUpdate;
    this.producedAt = producedAt;
    this.usableUntil = usableUntil;
    this.refreshAt = refreshAt;
    this.verifiedAt = verifiedAt;
    this.issuerMark = issuerMark;
    this.der = der;
  }

  /** @param verdict - By the verifier that goes on judging it; of the moment `at`. */
  static of(verdict: Exclude<Verdict, RefusedVerdict>, at: number, { key, issuerMark }: Subject): CachedAnswer {
    const { status, nonce } = verdict;
    const thisUpdate = verdict.thisUpdate.getTime();
    const end = verdict.freshUntil.getTime();
    const usableUntil = status === 'unknown' ? Math.min(end, at + UNKNOWN_KEPT) : end;
    const refreshAt = thisUpdate + (verdict.refreshAt.getTime() - thisUpdate) * spreadOf(key);
    const answer = new CachedAnswer(
      status,
      thisUpdate,
      verdict.producedAt.getTime(),
      usableUntil,
      Math.min(refreshAt, usableUntil),
      // An answer to one request is another thing to those who did not send it.
      nonce === 'equal' ? 0 : secondOf(at),
      issuerMark,
      verdict.der,
    );
    answer.#verdict = verdict;
    return answer;
  }

  /** Whether it counts at a moment. May verify it again, and takes that down. */
  countsAt(now: number, verifier: Verifier, subject: Subject): boolean {
    if (now >= this.usableUntil) return false;
    // (It was kept when the clock was ahead.)
    if (this.status === 'unknown' && now < this.usableUntil - UNKNOWN_KEPT) return false;
    const second = secondOf(now);
    // (It may be from a clock that is ahead of this one; then it has counted since it was verified.)
    const isInTime = second >= Math.min(this.thisUpdate, this.verifiedAt);
    const isSame = this.issuerMark === subject.issuerMark;
    if (isSame && isInTime && Math.abs(second - this.verifiedAt) <= TRUSTED_FOR) return true;
    const verdict = this.verdictAt(now, verifier, subject);
    if (!verdict.usable) return false;
    this.verifiedAt = second;
    this.issuerMark = subject.issuerMark;
    this.#verdict = verdict;
    return true;
  }

  verdictAt(now: number, verifier: Verifier, subject: Subject): Verdict {
    if (this.#verdict?.at.getTime() === secondOf(now) && this.issuerMark === subject.issuerMark) return this.#verdict;
    return verifier.verify(this.der, subject.question(now));
  }

  /** What it was worth while it could be used. */
  lastVerdict(verifier: Verifier, subject: Subject): Verdict {
    return this.verdictAt(Math.max(this.thisUpdate, this.usableUntil - 1000), verifier, subject);
  }

  /**
   * Whether it may take the place of another one about the same certificate. Of the same moment, "revoked" stays; and so it does
   * where a responder does not know the certificate, whichever of the two comes first: that takes nothing back.
   */
  mayReplace(other: CachedAnswer): boolean {
    if (this.status === 'unknown' && other.status === 'revoked') return false;
    if (this.status === 'revoked' && other.status === 'unknown') return true;
    if (this.thisUpdate !== other.thisUpdate) return this.thisUpdate > other.thisUpdate;
    if (this.producedAt !== other.producedAt) return this.producedAt > other.producedAt;
    return this.status === 'revoked' || other.status !== 'revoked';
  }

  /** It was asked again, and nothing newer was there: an eighth of what is left has to pass, a minute at least. */
  postpone(now: number): void {
    this.refreshAt = now + Math.max(60_000, (this.usableUntil - now) / 8);
  }
}

/** A verdict at a later moment. */
export function verdictLater(verdict: Verdict, now: number, verifier: Verifier, subject: Subject): Verdict {
  const passed = secondOf(now) - verdict.at.getTime();
  if (passed === 0) return verdict;
  const again = Math.abs(passed) <= TRUSTED_FOR ? verdict.judgeAgain(secondOf(now) / 1000) : null;
  return again ?? verifier.verify(verdict.der, subject.question(now));
}

function secondOf(now: number): number {
  return Math.floor(now / 1000) * 1000;
}
