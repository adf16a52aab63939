/** Refreshes answers in the background, so many at a time. */

const MOST_AT_A_TIME = 8;

/** Work that waits for its turn, each piece once. */
export class Refresher {
  readonly #waiting = new Map<string, () => Promise<void>>();
  #running = 0;

  /** Whatever goes wrong in it is nobody's business but its own. */
  add(key: string, work: () => Promise<void>): void {
    if (!this.#waiting.has(key)) this.#waiting.set(key, work);
    this.#next();
  }

  #next(): void {
    for (const [key, work] of this.#waiting) {
      if (this.#running === MOST_AT_A_TIME) return;
      this.#waiting.delete(key);
      this.#running += 1;
      const end = (): void => {
        this.#running -= 1;
        this.#next();
      };
      work().then(end, end);
    }
  }
}
