/** How many signatures are made at a time, and how many may wait. */

/** There is too much to do, or it takes too long: tryLater. */
export class Overload extends Error {}

/** Limits of a {@link Gate}. */
export interface GateLimits {
  /** Tasks at a time. */
  readonly maxInflight: number;
  /** Tasks that wait for their turn. */
  readonly maxWaiting: number;
  /** Milliseconds from the call to the end, waiting and working. */
  readonly timeout: number;
}

interface Waiting {
  readonly start: () => void;
}

/**
 * Lets so many tasks run at a time and so many wait; refuses the others at once. A task that takes too long is given up: its
 * place goes to the next, and until one has succeeded again only one is tried at a time, so that no one waits for what hangs.
 */
export class Gate {
  readonly #limits: GateLimits;
  readonly #queue: Waiting[] = [];
  #running = 0;
  #stuck = false;

  constructor(limits: GateLimits) {
    this.#limits = limits;
  }

  get inflight(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** Whether the last task that ended was given up. */
  get isStuck(): boolean {
    return this.#stuck;
  }

  /** Runs a task. Rejects with {@link Overload}, or with what the task throws. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const { maxInflight, maxWaiting, timeout } = this.#limits;
    if (this.#stuck && this.#running > 0) return Promise.reject(new Overload('the signer does not answer'));
    if (this.#running >= maxInflight && this.#queue.length >= maxWaiting)
      return Promise.reject(new Overload('too many signatures are waited for'));
    return new Promise<T>((resolve, reject) => {
      let isOver = false;
      let hasBegun = false;
      const giveUp = (): void => {
        if (isOver) return;
        isOver = true;
        if (hasBegun) {
          this.#stuck = true;
          this.#leave();
        } else {
          this.#queue.splice(this.#queue.indexOf(waiting), 1);
        }
        reject(new Overload('a signature took too long'));
      };
      // When this process itself was held up, what has come meanwhile counts as come in time.
      const timer = setTimeout(() => setImmediate(giveUp), timeout);
      const end = (settle: () => void, isStuck: boolean): void => {
        if (isOver) {
          // Late, but it came.
          this.#stuck &&= isStuck;
          return;
        }
        isOver = true;
        clearTimeout(timer);
        this.#stuck = isStuck;
        this.#leave();
        settle();
      };
      const waiting: Waiting = {
        start: () => {
          hasBegun = true;
          this.#running += 1;
          task().then(
            (value) => end(() => resolve(value), false),
            (error: unknown) => end(() => reject(error), this.#stuck),
          );
        },
      };
      if (this.#running < (this.#stuck ? 1 : maxInflight)) waiting.start();
      else this.#queue.push(waiting);
    });
  }

  #leave(): void {
    this.#running -= 1;
    // What waits for a signer that is stuck goes on waiting, until its own time is over or a success lets it in.
    while (!this.#stuck && this.#running < this.#limits.maxInflight && this.#queue.length > 0)
      this.#queue.shift()?.start();
  }
}

/** So many a second, of which some may come at once. */
export class Budget {
  readonly #perSecond: number;
  #left: number;
  #at = performance.now();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
  }

  /** Whether there is one left, which is then gone. */
  take(): boolean {
    const now = performance.now();
    this.#left = Math.min(this.#perSecond, this.#left + ((now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
