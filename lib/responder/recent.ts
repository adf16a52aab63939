import { Seen } from './seen.js';

/**
 * The latest of what was put in, by name; the oldest goes first. Where there is much else, only what comes again is kept: what waits
 * long enough to be collected with what lives long, and is of no use, takes several times its size until then.
 */
export class Recent<T extends object> {
  readonly #values = new Map<string, T>();
  readonly #most: number;
  readonly #longestName: number;
  readonly #seen = new Seen();

  /** @param longestName - characters; a value with a longer name is not kept */
  constructor(most: number, longestName: number) {
    this.#most = most;
    this.#longestName = longestName;
  }

  get(name: string): T | undefined {
    return this.#values.get(name);
  }

  set(name: string, value: T): void {
    if (name.length > this.#longestName) return;
    if (this.#values.size >= this.#most / 4 && !this.#seen.again(name)) return;
    this.#values.set(name, value);
    for (const oldest of this.#values.keys()) {
      if (this.#values.size <= this.#most) return;
      this.#values.delete(oldest);
    }
  }
}
