/** OCSP over HTTP (RFC 6960 appendix A, RFC 9919 section 6): one question, one bounded answer. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** Octets of the largest answer. What one certificate needs is a few thousand. */
const LARGEST_ANSWER = 1024 * 1024;
/** Longest URL that is asked by GET (RFC 9919 section 6). */
const LONGEST_GET_URL = 255;
const MOST_REDIRECTS = 3;
const REQUEST_TYPE = 'application/ocsp-request';
const RESPONSE_TYPE = 'application/ocsp-response';

/** How to ask. */
export interface AskOptions {
  /** GET where the URL is short enough for it, rather than POST: such answers may come from caches. */
  readonly get: boolean;
  /** For the whole exchange, redirects and all. */
  readonly timeoutSeconds: number;
}

/** An answer, which nobody has looked into yet. */
export interface Answer {
  readonly body: Buffer;
  /** Who gave it, after redirects. */
  readonly url: string;
  readonly method: 'GET' | 'POST';
}

/** The URL as an OCSP client may ask it; undefined for what is not HTTP. */
export function httpUrl(text: string): URL | undefined {
  try {
    const url = new URL(text);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Sends a request.
 *
 * @throws an Error, with the URL in it, for everything that is not an answer of the right type and size in time.
 */
export async function ask(url: URL, request: Buffer, { get, timeoutSeconds }: AskOptions): Promise<Answer> {
  const getUrl = urlForGet(url, request);
  const method = get && getUrl.href.length <= LONGEST_GET_URL ? 'GET' : 'POST';
  const signal = AbortSignal.timeout(Math.ceil(timeoutSeconds * 1000));
  let current = method === 'GET' ? getUrl : url;
  try {
    for (let redirects = 0; ; redirects++) {
      const message = await send(current, method, request, signal);
      const target = redirectTarget(message, current, method);
      if (target === undefined) return { body: await readBody(message), url: current.href, method };
      message.destroy();
      if (redirects === MOST_REDIRECTS) throw new Error(`more than ${MOST_REDIRECTS} redirects`);
      current = target;
    }
  } catch (error) {
    const why = signal.aborted
      ? `no answer within ${timeoutSeconds} seconds`
      : reasonOf(error as NodeJS.ErrnoException);
    throw new Error(`${current.href}: ${why}`, { cause: error });
  }
}

/** Base64, then URL-encoded: a `/` within must not look like one of the path. */
function urlForGet(url: URL, request: Buffer): URL {
  const result = new URL(url);
  const path = result.pathname.endsWith('/') ? result.pathname : `${result.pathname}/`;
  result.pathname = path + encodeURIComponent(request.toString('base64'));
  return result;
}

async function send(url: URL, method: 'GET' | 'POST', body: Buffer, signal: AbortSignal): Promise<IncomingMessage> {
  const headers = {
    Accept: RESPONSE_TYPE,
    ...(method === 'POST' && { 'Content-Type': REQUEST_TYPE, 'Content-Length': body.length }),
  };
  const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return await new Promise((resolve, reject) => {
    // An agent of its own: the connection ends with the exchange.
    const request = start(url, { method, headers, signal, agent: false });
    request.on('response', resolve);
    request.on('error', reject);
    request.end(method === 'POST' ? body : undefined);
  });
}

/** Where a redirect leads; undefined when the message is none. A body is never sent again as something else. */
function redirectTarget(message: IncomingMessage, from: URL, method: 'GET' | 'POST'): URL | undefined {
  const { statusCode = 0 } = message;
  const { location } = message.headers;
  if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined) return undefined;
  if (method === 'POST' && statusCode < 307)
    throw failed(message, `redirect ${statusCode}, which a POST cannot follow`);
  const target = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
  if (target?.protocol !== from.protocol) throw failed(message, `redirect to ${location}, which is not followed`);
  return target;
}

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const { statusCode = 0, statusMessage = '', headers } = message;
  if (statusCode !== 200) throw failed(message, `HTTP status ${statusCode} ${statusMessage}`.trimEnd());
  const type = headers['content-type'];
  if (type?.split(';', 1)[0]?.trim().toLowerCase() !== RESPONSE_TYPE) {
    throw failed(message, `content type ${type ?? 'missing'}, not ${RESPONSE_TYPE}`);
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LARGEST_ANSWER) throw failed(message, `an answer of more than ${LARGEST_ANSWER} octets`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function failed(message: IncomingMessage, why: string): Error {
  message.destroy();
  return new Error(why);
}

/** (Node's error for a host with several addresses has no text of its own.) */
function reasonOf({ message, code, errors }: NodeJS.ErrnoException & { errors?: readonly Error[] }): string {
  return message || errors?.[0]?.message || code || 'unknown failure';
}
