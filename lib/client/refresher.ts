/** Refreshes answers in the background, so many at a time. */

const MOST_AT_A_TIME = 8;

/** Work that waits for its turn, each piece once. */
export class Refresher {
  readonly #urgent = new Map<string, () => Promise<void>>();
  readonly #waiting = new Map<string, () => Promise<void>>();
  #running = 0;

  /** Whatever goes wrong in it is no one's business but its own. */
  add(key: string, work: () => Promise<void>): void {
    if (!this.#waiting.has(key) && !this.#urgent.has(key)) this.#waiting.set(key, work);
    this.#next();
  }

  /** Lets what waits be the next. */
  hurry(key: string): void {
    const work = this.#waiting.get(key);
    if (work === undefined) return;
    this.#waiting.delete(key);
    this.#urgent.set(key, work);
  }

  #next(): void {
    for (const queue of [this.#urgent, this.#waiting]) {
      for (const [key, work] of queue) {
        if (this.#running === MOST_AT_A_TIME) return;
        queue.delete(key);
        this.#running += 1;
        const end = (): void => {
          this.#running -= 1;
          this.#next();
        };
        work().then(end, end);
      }
    }
  }
}
