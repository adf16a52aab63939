/** OCSP over HTTP (RFC 6960 appendix A, RFC 9919 section 6): one question, one bounded answer. */
import { PrivateAddressError } from './addresses.js';
import { ExchangeError, type ExchangeFault, reasonOf, withoutCredentials } from './failures.js';
import { type HttpAnswer, TooLargeError, type Transport } from './transport.js';

/** Longest URL that is asked by GET (RFC 9919 section 6). */
const LONGEST_GET_URL = 255;
const MOST_REDIRECTS = 3;
const REQUEST_TYPE = 'application/ocsp-request';
const RESPONSE_TYPE = 'application/ocsp-response';

/** An answer, which no one has looked into yet. */
export interface ExchangeAnswer {
  readonly body: Buffer;
  /** Who gave it, after redirects. */
  readonly url: string;
  /** Seconds for which the responder asks to be left alone (`Retry-After`); 0 for none. */
  readonly retryAfter: number;
}

/** How to ask. */
export interface ExchangeOptions {
  readonly method: 'GET' | 'POST';
  /** Caches on the way are not to answer. */
  readonly noCache?: boolean;
  readonly signal: AbortSignal;
  /** Whether a URL may lead to public addresses only. */
  readonly isGuarded: (url: URL) => boolean;
}

/** The URL of a GET; null where it is too long for one. */
export function urlForGet(url: URL, request: Buffer): URL | null {
  const result = new URL(url);
  const path = result.pathname.endsWith('/') ? result.pathname : `${result.pathname}/`;
  // Base64, then URL-encoded: a `/` within must not look like one of the path.
  result.pathname = path + encodeURIComponent(request.toString('base64'));
  return result.href.length <= LONGEST_GET_URL ? result : null;
}

/**
 * Sends a request.
 *
 * @param url - With the request in it for GET.
 * @throws ExchangeError for everything that is not an answer of the right type and size.
 */
export async function exchange(
  transport: Transport,
  url: URL,
  request: Buffer,
  { method, noCache = false, signal, isGuarded }: ExchangeOptions,
): Promise<ExchangeAnswer> {
  const headers = {
    Accept: RESPONSE_TYPE,
    ...(noCache && { 'Cache-Control': 'no-cache' }),
    ...(method === 'POST' && { 'Content-Type': REQUEST_TYPE, 'Content-Length': String(request.length) }),
  };
  let current = url;
  try {
    for (let redirects = 0; ; redirects++) {
      const guarded = isGuarded(current);
      const answer = await transport.send(current, { method, headers, body: request, signal, guarded });
      try {
        const target = redirectTarget(answer, current, method);
        if (target === undefined) {
          const retryAfter = retryAfterOf(answer);
          return { body: await bodyOf(answer, retryAfter), url: withoutCredentials(current), retryAfter };
        }
        if (redirects === MOST_REDIRECTS) throw unreachable(`more than ${MOST_REDIRECTS} redirects`);
        current = target;
      } finally {
        answer.discard();
      }
    }
  } catch (error) {
    throw toExchangeError(signal.aborted ? signal.reason : error, withoutCredentials(current));
  }
}

/** What is known of a fault where it is found. */
class Fault extends Error {
  readonly fault: Omit<ExchangeFault, 'url'>;

  constructor(message: string, fault: Omit<ExchangeFault, 'url'>) {
    super(message);
    this.fault = fault;
  }
}

function unreachable(message: string, more: { status?: number; retryAfter?: number } = {}): Fault {
  return new Fault(message, { failure: 'unreachable', ...more });
}

function toExchangeError(error: unknown, url: string): ExchangeError {
  if (error instanceof Fault) return new ExchangeError(error.message, { ...error.fault, url });
  // Whoever sends the client astray, or floods it, has answered after all.
  const refused = error instanceof PrivateAddressError || error instanceof TooLargeError;
  return new ExchangeError(reasonOf(error), { failure: refused ? 'refused' : 'unreachable', url }, error);
}

/** Where a redirect leads; undefined when the answer is none. A body is never sent again as something else. */
function redirectTarget(answer: HttpAnswer, from: URL, method: 'GET' | 'POST'): URL | undefined {
  const { status } = answer;
  const location = answer.header('location');
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return undefined;
  if (method === 'POST' && status < 307)
    throw unreachable(`redirect ${status}, which a POST cannot follow`, { status });
  const target = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
  if (target?.protocol !== from.protocol) {
    const shown = target === undefined ? location : withoutCredentials(target);
    throw unreachable(`redirect to ${shown}, which is not followed`, { status });
  }
  return target;
}

/** (RFC 9110 section 10.2.3: seconds, or a date.) */
function retryAfterOf(answer: HttpAnswer): number {
  const value = answer.header('retry-after') ?? '';
  const seconds = /^\d+$/.test(value)
    ? Number(value)
    : (Date.parse(value) - Date.parse(answer.header('date') ?? '')) / 1000;
  return Math.max(0, seconds || 0);
}

async function bodyOf(answer: HttpAnswer, retryAfter: number): Promise<Buffer> {
  const { status, statusText } = answer;
  if (status !== 200) throw unreachable(`HTTP status ${status} ${statusText}`.trimEnd(), { status, retryAfter });
  const type = answer.header('content-type');
  if (type?.split(';', 1)[0]?.trim().toLowerCase() !== RESPONSE_TYPE) {
    throw new Fault(`content type ${type ?? 'missing'}, not ${RESPONSE_TYPE}`, { failure: 'refused', status });
  }
  return await answer.body();
}
