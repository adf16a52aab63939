/** Questions that had no answer lately: they are not asked again at once. */
import type { Refusal } from '../ocsp/verification/refusals.js';
import type { Verdict } from '../ocsp/verification/verdict.js';
import type { OCSPAttempt } from './attempt.js';
import type { CheckResult } from './check-result.js';
import { backOffSeconds } from './clock.js';
import type { Subject } from './subject.js';

interface RestingQuestion {
  readonly result: CheckResult;
  /** About how many bytes of memory it takes. */
  readonly size: number;
  readonly since: number;
  /** When the rest ends, or the result. */
  readonly until: number;
}

/** They are kept for certificates of strangers, too, with what strangers answered: only so many, and so much. */
const MOST_QUESTIONS = 10_000;
const MOST_BYTES = 32 * 1024 * 1024;

/** By the keys of questions; the oldest go first. */
export class RestingQuestions {
  /** How many times in a row each had no answer, which is known still when its rest is over. */
  readonly #failures = new Map<string, number>();
  readonly #resting = new Map<string, RestingQuestion>();
  #bytes = 0;

  /** What came of a question that rests; null when it may be asked. */
  get({ questionKey }: Subject, now: number): CheckResult | null {
    this.#wake(now);
    const question = this.#resting.get(questionKey);
    return question !== undefined && rests(question, now) ? question.result : null;
  }

  /**
   * Takes note of what came of a question.
   *
   * @param until - from when on the result counts no more
   */
  put(subject: Subject, result: CheckResult, now: number, until: number): void {
    const key = subject.questionKey;
    const failures = Math.min((this.#failures.get(key) ?? 0) + 1, 16);
    this.#forget(key);
    this.#wake(now);
    if (result.outcome !== 'undetermined' && result.source !== 'stale') return;
    const end = Math.min(until, now + backOffSeconds(failures) * 1000);
    const size = sizeOf(result, subject);
    this.#failures.set(key, failures);
    this.#resting.set(key, { result, size, since: now, until: end });
    this.#bytes += size;
    for (const oldest of this.#resting.keys()) {
      if (this.#bytes <= MOST_BYTES) break;
      this.#drop(oldest);
    }
    for (const oldest of this.#failures.keys()) {
      if (this.#failures.size <= MOST_QUESTIONS) break;
      this.#forget(oldest);
    }
  }

  /** Lets go of results whose rest is over. (One that rests on keeps those behind it, for no longer than the longest rest.) */
  #wake(now: number): void {
    for (const [key, question] of this.#resting) {
      if (rests(question, now)) break;
      this.#drop(key);
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#resting.get(key)?.size ?? 0;
    this.#resting.delete(key);
  }

  #forget(key: string): void {
    this.#drop(key);
    this.#failures.delete(key);
  }
}

/** (A clock that was set back does not make it rest longer.) */
function rests({ since, until }: RestingQuestion, now: number): boolean {
  return now >= since && now < until;
}

/** Bytes of what comes with each, about. */
const OF_QUESTION = 1024;
const OF_ATTEMPT = 512;
const OF_VERDICT = 2048;
const OF_REFUSAL = 256;
const OF_ERROR = 2048;
/** What is made of an answer of many entries, and what OpenSSL makes of a certificate, in bytes for each of theirs. */
const PARSED_ANSWER = 3;
const PARSED_CERTIFICATE = 4;

function sizeOf({ reason, verdict, attempts }: CheckResult, { certificate }: Subject): number {
  const verdicts = new Set([verdict, ...attempts.map((attempt) => attempt.verdict)].filter((item) => item !== null));
  // (Verdicts hold the certificate; else no one here does.)
  const ofCertificate = verdicts.size === 0 ? 0 : (certificate?.der.length ?? 0) * PARSED_CERTIFICATE;
  return (
    OF_QUESTION + sizeOfText(reason) + ofCertificate + sum(attempts, sizeOfAttempt) + sum([...verdicts], sizeOfVerdict)
  );
}

function sizeOfAttempt({ url, reason }: OCSPAttempt): number {
  return OF_ATTEMPT + sizeOfText(url) + sizeOfText(reason);
}

function sizeOfVerdict({ der, refusals }: Verdict): number {
  return OF_VERDICT + der.length * PARSED_ANSWER + sum(refusals, sizeOfRefusal);
}

function sizeOfRefusal({ message, error }: Refusal): number {
  return OF_REFUSAL + sizeOfText(message) + (error === null ? 0 : OF_ERROR);
}

/** (A character takes two bytes at most.) */
function sizeOfText(text: string | null): number {
  return (text?.length ?? 0) * 2;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
