/** What a client remembers of responders: how they like to be asked, and until when they rest. */
import type { HashAlgorithmName } from '../x509/algorithms.js';
import { backOffSeconds } from './clock.js';

/** A responder, by its URL. */
export class ResponderMemory {
  /** The CertID hash that it answered last by. */
  hash: HashAlgorithmName | null = null;
  /** It does not take GET. */
  postOnly = false;
  /** Bytes of the longest nonce that it has taken; null while nothing is known. */
  nonceLength: number | null = null;
  #failures = 0;
  #failedAt = Number.NEGATIVE_INFINITY;
  #restsUntil = 0;

  /** Milliseconds until it may be asked again; 0 for now. A clock that was set back does not make it rest longer. */
  restAt(now: number): number {
    const left = this.#restsUntil - now;
    return left > 0 && left <= LONGEST_REST ? left : 0;
  }

  answered(): void {
    this.#failures = 0;
    this.#restsUntil = 0;
  }

  /**
   * @param began - When it was asked: those who ask at a time fail together, once.
   * @param retryAfter - Seconds that it asks for.
   */
  failed(now: number, began: number, retryAfter: number = 0): void {
    if (began >= this.#failedAt || now < this.#failedAt) {
      this.#failures = Math.min(this.#failures + 1, 16);
      this.#failedAt = now;
    }
    const seconds = Math.max(backOffSeconds(this.#failures), retryAfter);
    this.#restsUntil = now + Math.min(seconds * 1000, LONGEST_REST);
  }
}

/** Milliseconds. Rests are capped: the network of an hour ago says little about that of now. */
const LONGEST_REST = 60_000;
/** URLs come from strangers' certificates: only so many are remembered. */
const MOST_RESPONDERS = 1000;

/** The responders that were asked lately. */
export class ResponderMemories {
  readonly #byUrl = new Map<string, ResponderMemory>();

  of({ href }: URL): ResponderMemory {
    const memory = this.#byUrl.get(href) ?? new ResponderMemory();
    this.#byUrl.delete(href);
    this.#byUrl.set(href, memory);
    if (this.#byUrl.size > MOST_RESPONDERS) {
      for (const oldest of this.#byUrl.keys()) {
        this.#byUrl.delete(oldest);
        break;
      }
    }
    return memory;
  }
}
