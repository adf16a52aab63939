/** What ends questions. */
import type { ClientClock } from './clock.js';

/** Ends a question whose time is up. */
export class OutOfTimeError extends Error {
  constructor(milliseconds: number) {
    super(`no answer within ${milliseconds / 1000} seconds`);
  }
}

/** A signal that ends with a time, with the client, or before. */
export class Deadline {
  readonly #end = new AbortController();
  readonly #detach: () => void;

  /** @param closed - The signal of the client. */
  constructor(clock: ClientClock, milliseconds: number, closed: AbortSignal) {
    const callOff = clock.after(milliseconds, () => this.abort(new OutOfTimeError(milliseconds)));
    // (With AbortSignal.any, `closed` would keep something of every deadline in Node.js 20.)
    const close = (): void => this.abort(closed.reason);
    closed.addEventListener('abort', close, { once: true });
    if (closed.aborted) close();
    this.#detach = () => {
      callOff();
      closed.removeEventListener('abort', close);
    };
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  abort(reason: unknown): void {
    this.#end.abort(reason);
  }

  [Symbol.dispose](): void {
    this.#detach();
  }
}
