import type { Prepared } from './answer.js';

/** What an answer costs beside its bytes: its objects, strings and place in the map. */
const OVERHEAD = 512;

/** Answers in memory, bounded by their bytes; what has not been asked for longest goes first. */
export class AnswerCache {
  readonly #maxBytes: number;
  readonly #answers = new Map<string, Prepared>();
  #bytes = 0;

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
