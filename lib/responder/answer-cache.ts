import type { Prepared } from './answer.js';
import { Seen } from './seen.js';

/** What an answer costs beside its bytes: its objects, strings and place in the map. */
const OVERHEAD = 512;

/** Answers in memory, bounded by their bytes; what has not been asked for longest goes first. */
export class AnswerCache {
  readonly #maxBytes: number;
  readonly #answers = new Map<string, Prepared>();
  #bytes = 0;
  /** What was asked for and is not kept. */
  readonly #asked = new Seen();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#answers.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): Prepared | undefined {
    return this.#answers.get(key);
  }

  set(key: string, answer: Prepared): void {
    this.delete(key);
    this.#answers.set(key, answer);
    answer.isKept = true;
    this.#bytes += answer.latin1.length + OVERHEAD;
    for (const oldest of this.#answers.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.delete(oldest);
    }
  }

  /**
   * Keeps an answer that a store has as well. Where there is much else, not before it is asked for again: of a store that is larger than the
   * memory most would go before they are, and what comes and goes takes several times its size until it is collected.
   */
  admit(key: string, answer: Prepared): void {
    if (this.#bytes < this.#maxBytes / 4 || this.#asked.again(key)) this.set(key, answer);
  }

  /** Marks an answer as asked for; to the second, as doing it costs as much as looking the answer up. */
  touch(key: string, answer: Prepared, now: number): void {
    const seconds = Math.floor(now / 1000);
    if (seconds === answer.touchedAt) return;
    answer.touchedAt = seconds;
    this.#answers.delete(key);
    this.#answers.set(key, answer);
  }

  delete(key: string): void {
    const answer = this.#answers.get(key);
    if (answer === undefined) return;
    this.#answers.delete(key);
    answer.isKept = false;
    this.#bytes -= answer.latin1.length + OVERHEAD;
  }

  /** When the oldest answer was signed; null when there is none. */
  get oldest(): Date | null {
    let seconds = Number.POSITIVE_INFINITY;
    for (const { producedAt } of this.#answers.values()) seconds = Math.min(seconds, producedAt);
    return Number.isFinite(seconds) ? new Date(seconds * 1000) : null;
  }
}
