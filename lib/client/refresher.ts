/** Refreshes answers in the background, so many at a time. */

const MOST_AT_A_TIME = 8;

/** A piece of work, and what resolves when it has ended. */
interface Piece {
  readonly run: () => void;
  readonly ended: Promise<void>;
}

/** Work that waits for its turn, each piece once. */
export class Refresher {
  readonly #urgent = new Map<string, Piece>();
  readonly #waiting = new Map<string, Piece>();
  #running = 0;

  /**
   * Whatever goes wrong in it is no one's business but its own.
   *
   * @returns what resolves when it has ended, or the piece of that key that waits already
   */
  add(key: string, work: () => Promise<void>): Promise<void> {
    let piece = this.#waiting.get(key) ?? this.#urgent.get(key);
    if (piece === undefined) {
      piece = this.#toPiece(work);
      this.#waiting.set(key, piece);
    }
    this.#next();
    return piece.ended;
  }

  /** Lets what waits be the next. */
  hurry(key: string): void {
    const piece = this.#waiting.get(key);
    if (piece === undefined) return;
    this.#waiting.delete(key);
    this.#urgent.set(key, piece);
  }

  #toPiece(work: () => Promise<void>): Piece {
    let run!: () => void;
    const ended = new Promise<void>((resolve) => {
      const end = (): void => {
        this.#running -= 1;
        resolve();
        this.#next();
      };
      run = () => void work().then(end, end);
    });
    return { run, ended };
  }

  #next(): void {
    for (const queue of [this.#urgent, this.#waiting]) {
      for (const [key, { run }] of queue) {
        if (this.#running === MOST_AT_A_TIME) return;
        queue.delete(key);
        this.#running += 1;
        run();
      }
    }
  }
}
