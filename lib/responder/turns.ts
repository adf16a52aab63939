/** Signatures on the thread that answers everybody. */
import { Overload } from './gate.js';

/**
 * Milliseconds of a turn of the event loop that signatures may take: as many as all else took in the last one, within these bounds. What is
 * at hand is answered in between.
 */
const LEAST_SHARE = 2;
const MOST_SHARE = 20;

/** (Made once: the stack of an error costs as much as a signature.) */
const TOO_MANY = new Overload('too many signatures are waited for');

interface Waiting {
  readonly run: () => void;
  readonly giveUp: () => void;
  /** By performance.now(). */
  readonly until: number;
  /** The turn in which it came. */
  readonly turn: number;
}

/** Limits of {@link Turns}. */
export interface TurnLimits {
  /** Tasks that wait for the end of this turn, or the next ones. */
  readonly maxWaiting: number;
  /** Milliseconds for which one waits. */
  readonly timeout: number;
}

/** Runs the first short task of a turn at once and others at its end, for no longer than their share of it; so many wait for the next one. */
export class Turns {
  readonly #limits: TurnLimits;
  readonly #queue: Waiting[] = [];
  /** Milliseconds of this turn that tasks have taken, and may take. */
  #spent = 0;
  #share = LEAST_SHARE;
  /** When it began, by performance.now(). */
  #begin = performance.now();
  #isTurnSeen = false;
  /** How many have gone by. */
  #turn = 0;

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Whether a task is to be run at once: the first of its turn, and one for which there is no more room to wait. The others are better run
   * together, and their answers sent in a row: each answer that is sent between signatures wakes a client, which costs about as much as a
   * P-256 signature does.
   */
  get isFree(): boolean {
    if (this.#spent === 0) return this.#queue.length === 0;
    return this.#spent < this.#share && this.#queue.length >= this.#limits.maxWaiting;
  }

  /** Runs a task at once, whatever has been run in this turn. */
  runNow<T>(task: () => T): T {
    const begin = performance.now();
    try {
      return task();
    } finally {
      this.#spent += performance.now() - begin;
      this.#seeTurn();
    }
  }

  /**
   * Runs a task at the end of this turn, or of one of the next.
   *
   * @throws {@link Overload} at once, where too many wait: to refuse has to cost less than to sign.
   * @throws (rejects) {@link Overload}, or what the task throws.
   */
  runLater<T>(task: () => T): Promise<T> {
    const { maxWaiting, timeout } = this.#limits;
    if (this.#queue.length >= maxWaiting) throw TOO_MANY;
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({
        run: () => {
          try {
            resolve(this.runNow(task));
          } catch (error) {
            reject(error);
          }
        },
        giveUp: () => reject(new Overload('a signature took too long')),
        until: performance.now() + timeout,
        turn: this.#turn,
      });
      this.#seeTurn();
    });
  }

  /** Learns when this turn is over. */
  #seeTurn(): void {
    if (this.#isTurnSeen) return;
    this.#isTurnSeen = true;
    setImmediate(this.#next);
  }

  readonly #next = (): void => {
    const now = performance.now();
    this.#share = Math.min(Math.max(now - this.#begin - this.#spent, LEAST_SHARE), MOST_SHARE);
    this.#isTurnSeen = false;
    this.#turn += 1;
    this.#spent = 0;
    while (this.#spent < this.#share) {
      const first = this.#queue.shift();
      if (first === undefined) break;
      // (Where this process was held up for a turn, what has come meanwhile came in time.)
      if (first.until < now && this.#turn - first.turn > 1) first.giveUp();
      else first.run();
    }
    if (this.#queue.length > 0) this.#seeTurn();
    this.#begin = performance.now();
  };
}
