/** An answer that was verified, and what it is worth later. */
import type { RefusedVerdict, Verdict } from '../ocsp/verification/verdict.js';
import type { Verifier } from '../ocsp/verification/verifier.js';
import { spreadOf } from './clock.js';
import type { Subject } from './subject.js';

/** Seconds for which "unknown" is kept: a certificate may be younger than what the responder knows. */
const UNKNOWN_KEPT = 60;
/**
 * Seconds for which only the times of an answer are read again; then all of it is verified anew, and with it the paths of
 * certificates that end. Less than clocks may differ.
 */
const TRUSTED_FOR = 60;
/** Bytes of an answer in memory beside its DER, about, as `npm run bench -- client` measures them. */
const OVERHEAD = 1400;

/** A verified answer about one certificate. */
export class CachedAnswer {
  readonly status: 'good' | 'revoked' | 'unknown';
  /** Milliseconds since 1970-01-01, as all times here. */
  readonly thisUpdate: number;
  readonly producedAt: number;
  /** From when on it is worth asking again. */
  refreshAt: number;
  /** From when on it is not used any more. */
  readonly usableUntil: number;
  /** Bytes. */
  readonly size: number;
  /** In whole seconds. */
  #verifiedAt: number;
  #verified: Verdict;
  #latest: Verdict;
  #latestAt: number;

  /** @param verdict - By the verifier that goes on judging it; of the moment `at`. */
  constructor(verdict: Exclude<Verdict, RefusedVerdict>, at: number, subject: Subject) {
    this.status = verdict.status;
    this.thisUpdate = verdict.thisUpdate.getTime();
    this.producedAt = verdict.producedAt.getTime();
    const end = verdict.freshUntil.getTime();
    this.usableUntil = this.status === 'unknown' ? Math.min(end, at + UNKNOWN_KEPT * 1000) : end;
    const refresh = verdict.refreshAt.getTime();
    this.refreshAt = Math.min(this.thisUpdate + (refresh - this.thisUpdate) * spreadOf(subject.key), this.usableUntil);
    this.#verified = verdict;
    this.size = this.der.length + OVERHEAD;
    this.#verifiedAt = Math.floor(at / 1000);
    this.#latest = verdict;
    this.#latestAt = this.#verifiedAt;
  }

  /** A copy. */
  get der(): Buffer {
    return this.#verified.der;
  }

  /** What it is worth at a moment. */
  verdictAt(now: number, verifier: Verifier, subject: Subject): Verdict {
    const seconds = Math.floor(now / 1000);
    if (seconds === this.#latestAt) return this.#latest;
    const again = Math.abs(seconds - this.#verifiedAt) <= TRUSTED_FOR ? this.#verified.judgeAgain(seconds) : null;
    if (again === null) {
      this.#verified = verifier.verify(this.der, subject.question(now));
      this.#verifiedAt = seconds;
    }
    this.#latest = again ?? this.#verified;
    this.#latestAt = seconds;
    return this.#latest;
  }

  /** What it was worth while it could be used. */
  lastVerdict(verifier: Verifier, subject: Subject): Verdict {
    const before = Math.max(this.thisUpdate, this.usableUntil - 1000);
    return verifier.verify(this.der, subject.question(before));
  }

  /** Whether it may take the place of another one about the same certificate. Of the same moment, "revoked" stays. */
  mayReplace(other: CachedAnswer): boolean {
    if (this.thisUpdate !== other.thisUpdate) return this.thisUpdate > other.thisUpdate;
    if (this.producedAt !== other.producedAt) return this.producedAt > other.producedAt;
    return this.status === 'revoked' || other.status !== 'revoked';
  }

  /** It was asked again, and nothing newer was there: an eighth of what is left has to pass, a minute at least. */
  postpone(now: number): void {
    this.refreshAt = now + Math.max(60_000, (this.usableUntil - now) / 8);
  }
}
