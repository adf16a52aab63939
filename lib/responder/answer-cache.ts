import type { Prepared } from './answer.js';
import { Seen } from './seen.js';

/** What an answer costs beside its bytes: its objects, strings and place in the map. */
const OVERHEAD = 540;

/** Where the answer for a key is, as long as it is kept: who remembers the place finds what is there by then without looking for it. */
export interface Place {
  answer: Prepared | undefined;
}

/** Answers in memory, bounded by their bytes; what has not been asked for longest goes first. */
export class AnswerCache {
  readonly #maxBytes: number;
  readonly #places = new Map<string, Place>();
  #bytes = 0;
  /** What was asked for and is not kept. */
  readonly #asked = new Seen();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#places.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): Prepared | undefined {
    return this.#places.get(key)?.answer;
  }

  place(key: string): Place | undefined {
    return this.#places.get(key);
  }

  set(key: string, answer: Prepared): void {
    this.delete(key);
    this.#places.set(key, { answer });
    this.#bytes += answer.latin1.length + OVERHEAD;
    for (const oldest of this.#places.keys()) {
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
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    this.#places.set(key, place);
  }

  delete(key: string): void {
    const place = this.#places.get(key);
    if (place?.answer === undefined) return;
    this.#places.delete(key);
    this.#bytes -= place.answer.latin1.length + OVERHEAD;
    place.answer = undefined;
  }

  /** When the oldest answer was signed; null when there is none. */
  get oldest(): Date | null {
    let seconds = Number.POSITIVE_INFINITY;
    for (const { answer } of this.#places.values())
      seconds = Math.min(seconds, answer?.producedAt ?? Number.POSITIVE_INFINITY);
    return Number.isFinite(seconds) ? new Date(seconds * 1000) : null;
  }
}
