/** Questions that had no answer lately: they are not asked again at once. */
import type { CheckResult } from './check-result.js';
import { backOffSeconds } from './clock.js';

interface RestingQuestion {
  readonly result: CheckResult;
  /** Bytes of the answers that it holds. */
  readonly size: number;
  readonly failures: number;
  readonly since: number;
  /** When the result ends. */
  readonly until: number;
}

/** They are kept for certificates of strangers, too, with what strangers answered: only so many, and so much. */
const MOST_QUESTIONS = 10_000;
const MOST_BYTES = 32 * 1024 * 1024;

/** By the keys of questions; the oldest go first. */
export class RestingQuestions {
  readonly #questions = new Map<string, RestingQuestion>();
  #bytes = 0;

  /** What came of a question that rests; null when it may be asked. */
  get(key: string, now: number): CheckResult | null {
    const question = this.#questions.get(key);
    if (question === undefined) return null;
    const passed = now - question.since;
    // (A clock that was set back does not make it rest longer.)
    const rests = passed >= 0 && passed < backOffSeconds(question.failures) * 1000;
    return rests && now < question.until ? question.result : null;
  }

  /**
   * Takes note of what came of a question.
   *
   * @param until - from when on the result counts no more
   */
  put(key: string, result: CheckResult, now: number, until: number): void {
    const failures = this.#questions.get(key)?.failures ?? 0;
    this.#forget(key);
    if (result.outcome !== 'undetermined' && result.source !== 'stale') return;
    const size = sizeOf(result);
    this.#questions.set(key, { result, size, failures: Math.min(failures + 1, 16), since: now, until });
    this.#bytes += size;
    for (const oldest of this.#questions.keys()) {
      if (this.#questions.size <= MOST_QUESTIONS && this.#bytes <= MOST_BYTES) break;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#bytes -= this.#questions.get(key)?.size ?? 0;
    this.#questions.delete(key);
  }
}

function sizeOf({ attempts }: CheckResult): number {
  return attempts.reduce((sum, { verdict }) => sum + (verdict?.der.length ?? 0), 0);
}
