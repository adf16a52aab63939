import type { Database, Session } from './database.js';

/** Waits for the next look at the database: for a time, or until the database says that there is news. */
export class Wakeup {
  readonly #database: Database;
  readonly #listen: boolean;
  #session: Session | undefined;
  #isWoken = false;
  #wake: () => void = () => undefined;
  readonly #onNotification = (): void => {
    this.#isWoken = true;
    this.#wake();
  };
  /** No one tells any more: the next look makes a new connection. */
  readonly #onEnd = (): void => {
    this.#drop();
    this.#onNotification();
  };

  constructor(database: Database, listen: boolean) {
    this.#database = database;
    this.#listen = listen;
  }

  /** What comes from now on wakes. Before the database is read, so that nothing comes between. */
  async arm(): Promise<void> {
    this.#isWoken = false;
    if (!this.#listen || this.#session !== undefined) return;
    const session = await this.#database.acquire();
    this.#session = session;
    session.client.on('notification', this.#onNotification);
    session.client.on('error', this.#onEnd);
    session.client.on('end', this.#onEnd);
    try {
      await session.query('LISTEN ocsp_status');
    } catch (error) {
      this.#drop();
      throw error;
    }
  }

  /** @param time - milliseconds, at most */
  wait(time: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(done, this.#isWoken || signal.aborted ? 0 : time);
      timer.unref();
      signal.addEventListener('abort', done);
      this.#wake = done;
    });
  }

  close(): void {
    this.#drop();
  }

  #drop(): void {
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    session.client.off('notification', this.#onNotification);
    session.client.off('error', this.#onEnd);
    session.client.off('end', this.#onEnd);
    session.release(true);
  }
}
