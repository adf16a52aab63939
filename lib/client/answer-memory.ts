/** The answers that were used last, within so many bytes. */
import type { CachedAnswer } from './cached-answer.js';

/** By the keys of subjects. */
export class AnswerMemory {
  readonly #maxBytes: number;
  /** The one that was used last is the last. */
  readonly #answers = new Map<string, CachedAnswer>();
  #bytes = 0;
  #last: string | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that are held, about. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#answers.size;
  }

  get(key: string): CachedAnswer | undefined {
    const answer = this.#answers.get(key);
    if (answer !== undefined && key !== this.#last) {
      this.#answers.delete(key);
      this.#answers.set(key, answer);
      this.#last = key;
    }
    return answer;
  }

  set(key: string, answer: CachedAnswer): void {
    this.delete(key);
    this.#answers.set(key, answer);
    this.#bytes += answer.size;
    this.#last = key;
    if (this.#bytes <= this.#maxBytes) return;
    for (const oldest of this.#answers.keys()) {
      this.delete(oldest);
      if (this.#bytes <= this.#maxBytes) break;
    }
  }

  delete(key: string): void {
    const answer = this.#answers.get(key);
    if (answer === undefined) return;
    this.#answers.delete(key);
    this.#bytes -= answer.size;
  }
}
