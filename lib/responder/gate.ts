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
  /** A task that hangs keeps its place until it ends, as it does a thread. Default false. */
  readonly keepsPlace?: boolean;
}

interface Waiting {
  readonly start: () => void;
}

/**
 * Lets so many tasks run at a time and so many wait; refuses the others at once. A task that takes too long is given up: who has called
 * waits no more, and when it has run for as long itself its place goes to the next. Until one has succeeded again only one is tried at a
 * time, so that no one waits for what hangs.
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

  /** Whether the last task that ended had hung. */
  get isStuck(): boolean {
    return this.#stuck;
  }

  /** Runs a task. Rejects with {@link Overload}, or with what the task throws. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const { maxInflight, maxWaiting, timeout, keepsPlace = false } = this.#limits;
    if (this.#stuck && this.#running > 0) return Promise.reject(new Overload('the signer does not answer'));
    if (this.#running >= maxInflight && this.#queue.length >= maxWaiting)
      return Promise.reject(new Overload('too many signatures are waited for'));
    return new Promise<T>((resolve, reject) => {
      let hasPlace = false;
      let begin: number | undefined;
      const hang = (): void => {
        this.#stuck = true;
        if (keepsPlace) return;
        hasPlace = false;
        this.#running -= 1;
      };
      const giveUp = (): void => {
        // One that began late has not hung yet.
        const left = begin === undefined ? 0 : begin + timeout - performance.now();
        if (begin === undefined) this.#queue.splice(this.#queue.indexOf(waiting), 1);
        else if (left < 1) hang();
        else timer = later(hang, left);
        reject(new Overload('a signature took too long'));
      };
      let timer = later(giveUp, timeout);
      const end = (isStuck: boolean): void => {
        timer.cancel();
        // Late, but it came.
        if (hasPlace) this.#running -= 1;
        this.#stuck = hasPlace ? isStuck : this.#stuck && isStuck;
        hasPlace = false;
        this.#startWaiting();
      };
      const waiting: Waiting = {
        start: () => {
          begin = performance.now();
          hasPlace = true;
          this.#running += 1;
          task().then(
            (value) => {
              end(false);
              resolve(value);
            },
            (error: unknown) => {
              end(this.#stuck);
              reject(error);
            },
          );
        },
      };
      if (this.#running < (this.#stuck ? 1 : maxInflight)) waiting.start();
      else this.#queue.push(waiting);
    });
  }

  /** What waits for a signer that is stuck goes on waiting, until its own time is over or a success lets it in. */
  #startWaiting(): void {
    while (!this.#stuck && this.#running < this.#limits.maxInflight && this.#queue.length > 0)
      this.#queue.shift()?.start();
  }
}

/** When this process itself was held up, what has come meanwhile counts as come in time. */
function later(action: () => void, milliseconds: number): { cancel(): void } {
  let isCancelled = false;
  const timer = setTimeout(() => setImmediate(() => isCancelled || action()), milliseconds);
  return {
    cancel: () => {
      isCancelled = true;
      clearTimeout(timer);
    },
  };
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
