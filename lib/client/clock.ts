/** What time it is, and what happens later. */

/** A clock: that of the machine, or one of a test. */
export interface ClientClock {
  /** Milliseconds since 1970-01-01. */
  now(): number;
  /** Calls back after so many milliseconds; returns what calls it off. */
  after(milliseconds: number, callback: () => void): () => void;
}

export const SYSTEM_CLOCK: ClientClock = {
  now: () => Date.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** Seconds for which something rests that failed so many times in a row: 1, 2, 4 and so on, 60 at most. */
export function backOffSeconds(failures: number): number {
  return Math.min(60, 2 ** (failures - 1));
}

/**
 * 0.9 to 1.1, always the same for a certificate: so that not all are asked about at once.
 *
 * @param digest - Hexadecimal digits that stand for the certificate.
 */
export function spreadOf(digest: string): number {
  return 0.9 + (Number.parseInt(digest.slice(0, 8), 16) / 0xffffffff) * 0.2;
}
