/** Where a client keeps answers: in memory, and in a store that outlives it. */
import { types } from 'node:util';
import type { Verdict } from '../ocsp/verification/verdict.js';
import type { Verifier } from '../ocsp/verification/verifier.js';
import { abortable } from './abortable.js';
import { AnswerMemory } from './answer-memory.js';
import { CachedAnswer } from './cached-answer.js';
import { reasonOf } from './failures.js';
import type { Subject } from './subject.js';

/**
 * Keeps answers beyond the life of a client, and for several of them. Keys are 64 hexadecimal digits. What it gives back is
 * verified before it is used, so it need not be trusted; what it fails in, or takes longer for than `timeout` of the client, costs a
 * question.
 */
export interface ResponseCacheStore {
  /** The answer of that key; null where there is none. */
  get(key: string): Promise<Uint8Array | null>;
  /** Keeps an answer in place of an earlier one. `expires`: from when on it is of no use. */
  put(key: string, der: Uint8Array, expires: Date): Promise<void>;
  /** Forgets an answer. */
  delete(key: string): Promise<void>;
  /** The keys of all answers. */
  keys(): AsyncIterable<string>;
}

/** The answers of a client. */
export class ResponseCache {
  readonly #memory: AnswerMemory;
  readonly #store: ResponseCacheStore | null;
  readonly #verifier: Verifier;
  readonly #patience: number;
  #warned = false;

  /** @param patience - Milliseconds that the store may take. */
  constructor(maxBytes: number, store: ResponseCacheStore | null, verifier: Verifier, patience: number) {
    this.#patience = Math.ceil(patience);
    this.#memory = new AnswerMemory(maxBytes);
    this.#store = store;
    this.#verifier = verifier;
  }

  /** What memory holds, in its time or past it. */
  get({ key }: Subject): CachedAnswer | undefined {
    return this.#memory.get(key);
  }

  /** Whether an answer of this cache counts at a moment. */
  counts(answer: CachedAnswer, subject: Subject, now: number): boolean {
    const { verifiedAt, issuerMark } = answer;
    const counts = answer.countsAt(now, this.#verifier, subject);
    if (answer.verifiedAt !== verifiedAt || answer.issuerMark !== issuerMark) this.#memory.update(subject.key, answer);
    return counts;
  }

  /** Whatever came of asking again: an answer that is still the same is not asked about again at once. */
  postpone(answer: CachedAnswer, { key }: Subject, now: number): void {
    answer.postpone(now);
    this.#memory.update(key, answer);
  }

  /** Looks into the store, where another process may have left something later; returns what is known then. */
  async load(subject: Subject, now: number): Promise<CachedAnswer | undefined> {
    return (await this.#read(subject, now)).known;
  }

  /** @returns what is known then, and whether the store could be read: one that could not may hold what is later. */
  async #read(subject: Subject, now: number): Promise<{ known: CachedAnswer | undefined; isRead: boolean }> {
    const { key } = subject;
    const der = await this.#ofStore(async (store) => bytesOf(await store.get(key)));
    const known = this.#memory.get(key);
    const isRead = der !== undefined;
    if (!isRead || known?.der.equals(der ?? NOTHING)) return { known, isRead };
    const stored = der === null ? undefined : this.#toAnswer(der, subject, now);
    if (stored === undefined || (known !== undefined && !stored.mayReplace(known))) {
      // It could not be put when it came, or somebody slow has put an older one since.
      if (known !== undefined && (stored !== undefined || known.status === 'revoked')) void this.#keep(key, known);
      return { known, isRead };
    }
    this.#memory.set(key, stored);
    return { known: stored, isRead };
  }

  /** Takes an answer, unless a later one is known; returns the one that is known then. */
  async adopt(subject: Subject, answer: CachedAnswer, now: number): Promise<CachedAnswer> {
    const { key } = subject;
    const { known: loaded, isRead } = await this.#read(subject, now);
    // Others may have taken one since it was loaded.
    const known = this.#memory.get(key) ?? loaded;
    if (known !== undefined && !answer.mayReplace(known)) return known;
    this.#memory.set(key, answer);
    // What could not be read is not written over: it may be later.
    if (isRead) await this.#keep(key, answer);
    return answer;
  }

  /** Puts an answer into the store. Of two that are put at a time either may be the last: that has to be the later one. */
  async #keep(key: string, answer: CachedAnswer): Promise<void> {
    for (let kept: CachedAnswer | undefined = answer; kept !== undefined; kept = this.#laterThan(key, kept)) {
      const put: CachedAnswer = kept;
      let isGivenUp = false;
      await this.#ofStore((store) => {
        const putting = store.put(key, put.der, new Date(put.usableUntil));
        // One that was given up may still be the last.
        const onEnd = (): void => {
          const later = isGivenUp ? this.#laterThan(key, put) : undefined;
          if (later !== undefined) void this.#keep(key, later);
        };
        putting.then(onEnd, onEnd);
        return putting;
      });
      isGivenUp = true;
    }
  }

  /** What memory holds by now instead of an answer. */
  #laterThan(key: string, answer: CachedAnswer): CachedAnswer | undefined {
    return this.#memory.holds(key, answer) ? undefined : this.#memory.get(key);
  }

  /**
   * An answer of the store: one of now, or one that is right in its time, and is a floor for those to come; also where a clock was
   * set back, and that time is to come.
   */
  #toAnswer(der: Uint8Array, subject: Subject, now: number): CachedAnswer | undefined {
    const verdict = this.#verifier.verify(der, subject.question(now));
    if (verdict.usable) {
      // How long ago "unknown" was kept the store does not say. It is a floor for those to come, but no answer for a minute again.
      const { status, thisUpdate } = verdict;
      const since = status === 'unknown' ? Math.min(thisUpdate.getTime(), now) : now;
      return CachedAnswer.of(verdict, since, subject);
    }
    for (const then of timesOf(verdict)) {
      const inItsTime = this.#verifier.verify(der, subject.question(then));
      if (inItsTime.usable) return CachedAnswer.of(inItsTime, then, subject);
    }
    return undefined;
  }

  /** @returns undefined where there is no store, or it has failed. */
  async #ofStore<T>(use: (store: ResponseCacheStore) => Promise<T>): Promise<T | undefined> {
    if (this.#store === null) return undefined;
    try {
      const patience = AbortSignal.timeout(this.#patience);
      return await abortable(use(this.#store), patience);
    } catch (error) {
      // A store that fails (a full disk) or hangs must not fail the check.
      if (!this.#warned) process.emitWarning(`the store of OCSP answers failed: ${reasonOf(error)}`, 'OCSPWarning');
      this.#warned = true;
      return undefined;
    }
  }
}

const NOTHING = Buffer.alloc(0);

/** What a store returns. @throws where that is neither bytes nor nothing. */
function bytesOf(value: unknown): Uint8Array | null {
  if (value == null) return null;
  if (!types.isUint8Array(value)) throw new Error('it returned what is not bytes');
  return value;
}

/**
 * Moments in the time of a response, believed or not: of a short-lived delegate's certificate, or a list of revocations that says whether it
 * counts, the first may be too early.
 */
function timesOf({ response }: Verdict): number[] {
  try {
    const entry = response?.responses[0];
    if (response === undefined || response === null || entry === undefined) return [];
    const { thisUpdate, nextUpdate } = entry;
    const end = nextUpdate === null ? [] : [nextUpdate.getTime() - 1000];
    return [thisUpdate.getTime(), response.producedAt.getTime(), ...end];
  } catch {
    return []; // no time, or none that can be read
  }
}
