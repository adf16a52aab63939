import type { ClientClock } from 'openssl-ocsp/client';

/** The clock of the machine, so much ahead. */
export class Shifted implements ClientClock {
  /** Milliseconds. */
  ahead = 0;
  now(): number {
    return Date.now() + this.ahead;
  }
  after(milliseconds: number, callback: () => void): () => void {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  }
}
