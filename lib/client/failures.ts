/** Why a question has no answer. */

/**
 * `'unreachable'`: no one answered, by HTTP or by what the responder says of itself (tryLater, internalError). `'refused'`:
 * somebody did, and it does not count.
 */
export type OCSPFailure = 'unreachable' | 'refused';

/** What an exchange ended in, in place of an answer. */
export interface ExchangeFault {
  readonly failure: OCSPFailure;
  /** Who was asked last. */
  readonly url: string;
  /** HTTP status, where there was one. */
  readonly status?: number;
  /** Seconds for which the responder asks to be left alone (`Retry-After`). */
  readonly retryAfter?: number;
}

/** An exchange that gave no answer. The message is for people; it has no URL in it. */
export class ExchangeError extends Error {
  override readonly name: string = 'ExchangeError';
  readonly fault: ExchangeFault;

  constructor(message: string, fault: ExchangeFault, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.fault = fault;
  }
}

/** A URL for people and records: name and password are no one's business. */
export function withoutCredentials(url: URL): string {
  if (url.username === '' && url.password === '') return url.href;
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  return shown.href;
}

/** What an error says, whatever was thrown. (Node's error for a host with several addresses has no text of its own.) */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Object)) return String(error);
  const { message, code, errors } = error as NodeJS.ErrnoException & { errors?: readonly Error[] };
  return message || errors?.[0]?.message || code || 'unknown failure';
}

/** Longest reason that is told. What is in it comes from strangers, and is kept. */
const LONGEST_REASON = 1000;

/** A reason for people, cut where it is longer than anyone reads. */
export function shortened(reason: string): string {
  if (reason.length <= LONGEST_REASON) return reason;
  // (By way of bytes: a slice of a text keeps all of it alive.)
  return `${Buffer.from(reason.slice(0, LONGEST_REASON)).toString()}…`;
}
