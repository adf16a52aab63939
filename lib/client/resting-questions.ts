/** Questions that had no answer lately: they are not asked again at once. */
import type { CheckResult } from './check-result.js';
import { backOffSeconds } from './clock.js';

interface RestingQuestion {
  readonly result: CheckResult;
  readonly failures: number;
  readonly since: number;
}

/** They are kept for certificates of strangers, too: only so many. */
const MOST_QUESTIONS = 10_000;

/** By the keys of questions; the oldest go first. */
export class RestingQuestions {
  readonly #questions = new Map<string, RestingQuestion>();

  /** What came of a question that rests; null when it may be asked. */
  get(key: string, now: number): CheckResult | null {
    const question = this.#questions.get(key);
    if (question === undefined) return null;
    const passed = now - question.since;
    // (A clock that was set back does not make it rest longer.)
    return passed >= 0 && passed < backOffSeconds(question.failures) * 1000 ? question.result : null;
  }

  /** Takes note of what came of a question. */
  put(key: string, result: CheckResult, now: number): void {
    const failures = this.#questions.get(key)?.failures ?? 0;
    this.#questions.delete(key);
    if (result.outcome !== 'undetermined' && result.source !== 'stale') return;
    this.#questions.set(key, { result, failures: Math.min(failures + 1, 16), since: now });
    if (this.#questions.size <= MOST_QUESTIONS) return;
    for (const oldest of this.#questions.keys()) {
      this.#questions.delete(oldest);
      break;
    }
  }
}
