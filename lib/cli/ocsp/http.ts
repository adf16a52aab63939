/** The HTTP client of the command: one POST, as OpenSSL's own client does it. */
import http from 'node:http';
import https from 'node:https';
import { derLength } from './files.js';
import { httpEntry, NOT_ENOUGH_DATA, type QueueEntry, systemEntry } from './queue.js';

/** Where a responder is. */
export interface ResponderUrl {
  readonly tls: boolean;
  readonly host: string;
  readonly port: string;
  /** With the query. */
  readonly path: string;
}

/** How to get there. */
export interface HttpSettings extends ResponderUrl {
  readonly proxy: string | undefined;
  readonly noProxy: string | undefined;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Seconds that the exchange may take. */
  readonly timeout: number | undefined;
}

/** An exchange that failed, with what OpenSSL's queue would hold. */
export class HttpError extends Error {
  readonly entries: readonly QueueEntry[];

  constructor(...entries: readonly QueueEntry[]) {
    super(entries[0]?.reason ?? 'no response');
    this.entries = entries;
  }
}

const NO_SUCH_HOST: QueueEntry = {
  code: '10080002',
  library: 'BIO routines',
  reason: 'system lib',
  data: 'Name or service not known',
};

const CONNECT_TIMEOUT = { code: '10000093', library: 'BIO routines', reason: 'connect timeout' };
const TRANSFER_TIMEOUT = { code: '10000069', library: 'BIO routines', reason: 'transfer timeout' };

const MEDIA_TYPE = 'application/ocsp-response';
/** OpenSSL's `OSSL_HTTP_DEFAULT_MAX_RESP_LEN`. */
const MAX_RESPONSE = 100 * 1024;

/**
 * Takes a URL apart as `OSSL_HTTP_parse_url` does: the scheme may be missing, user and fragment are left out.
 *
 * @throws HttpError
 */
export function parseUrl(url: string): ResponderUrl {
  const [, scheme = 'http', rest = ''] = /^(?:([^:/?#]*):\/\/)?(.*)$/s.exec(url) ?? [];
  if (scheme !== 'http' && scheme !== 'https') throw new HttpError(httpEntry('1E80007C', 'invalid url scheme'));
  const [, host = '', port, path = ''] = /^(?:[^@/?#]*@)?(\[[^\]]*\]|[^:/?#]*)(?::([^/?#]*))?([^#]*)/s.exec(rest) ?? [];
  const number = Number(port ?? 0);
  if (port !== undefined && (!/^\d+$/.test(port) || number > 65535)) {
    throw new HttpError(httpEntry('1E80007B', 'invalid port number', port));
  }
  const tls = scheme === 'https';
  return {
    tls,
    host: host.replace(/^\[|\]$/g, ''),
    port: port ?? (tls ? '443' : '80'),
    path: path.startsWith('/') ? path : `/${path}`,
  };
}

/** The proxy for a host: the option, or the environment as OpenSSL reads it; undefined for none. */
function proxyFor({ tls, host, proxy, noProxy }: HttpSettings): ResponderUrl | undefined {
  const { env } = process;
  const name = tls ? 'https_proxy' : 'http_proxy';
  const chosen = proxy ?? env[name] ?? env[name.toUpperCase()];
  const exceptions = noProxy ?? env['no_proxy'] ?? env['NO_PROXY'] ?? '';
  if (!chosen || exceptions.split(/[ ,]+/).includes(host)) return undefined;
  return parseUrl(chosen);
}

/** Sends the request, returns the response. Rejects with an HttpError. */
export async function post(request: Uint8Array, settings: HttpSettings): Promise<Buffer> {
  const { tls, host, port } = settings;
  const proxy = proxyFor(settings);
  if (proxy !== undefined && (tls || proxy.tls)) {
    throw new HttpError(httpEntry('1E800072', 'tls not enabled', 'TLS through a proxy'));
  }
  const target = proxy ?? settings;
  // Node would take an empty host for the machine itself.
  if (target.host === '') throw new HttpError(NO_SUCH_HOST);
  const through = proxy === undefined ? '' : ` proxy=${proxy.host}:${proxy.port}`;
  const server = `server=${tls ? 'https' : 'http'}://${host}:${port}${through}`;
  const path = proxy === undefined ? settings.path : `http://${host}:${port}${settings.path}`;
  try {
    return await exchange(request, { ...target, tls, path }, settings);
  } catch (error) {
    if (error instanceof HttpError) throw error;
    if (error instanceof ReceivingError) {
      throw new HttpError(error.entry, httpEntry('1E800067', 'error receiving', server));
    }
    // Node refuses to send headers and paths with line ends and the like in them.
    if (error instanceof TypeError) throw new HttpError(httpEntry('1E800066', 'error sending', error.message));
    throw new HttpError(...connectionEntries(error as Error, target, tls, server));
  }
}

/** Something is wrong with what the responder sent. */
class ReceivingError extends Error {
  readonly entry: QueueEntry;

  constructor(entry: QueueEntry) {
    super(entry.reason);
    this.entry = entry;
  }
}

/** Rejects with an HttpError when time is up, a ReceivingError, or what Node says. */
function exchange(
  request: Uint8Array,
  { tls, host, port, path }: ResponderUrl,
  settings: HttpSettings,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const sent = (tls ? https : http).request({
      method: 'POST',
      host,
      port,
      path,
      headers: headersFor(settings, request.length),
      agent: false,
      // OpenSSL's client does not verify it either: an OCSP response is signed.
      rejectUnauthorized: false,
    });
    let late = CONNECT_TIMEOUT;
    const { timeout } = settings;
    const timer = timeout && setTimeout(() => sent.destroy(new HttpError(late)), timeout * 1000);
    const end = (): void => {
      clearTimeout(timer);
      sent.destroy();
    };
    sent.on('socket', (socket) => {
      socket.on('connect', () => {
        late = TRANSFER_TIMEOUT;
      });
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      receive(response).then(resolve, reject).finally(end);
    });
    sent.on('close', () => clearTimeout(timer));
    sent.end(request);
  });
}

/** What a responder must not answer, before it has said anything. */
function headFault({ statusCode = 0, statusMessage = '', headers }: http.IncomingMessage): QueueEntry | undefined {
  if (statusCode === 301 || statusCode === 302) return httpEntry('1E800074', 'redirection not enabled');
  if (statusCode !== 200) return httpEntry('1E800069', 'received error', `code=${statusCode}, reason=${statusMessage}`);
  const type = headers['content-type'];
  const expected = `expected=${MEDIA_TYPE}`;
  if (type === undefined) return httpEntry('1E800079', 'missing content type', expected);
  if (type.toLowerCase() === MEDIA_TYPE) return undefined;
  return httpEntry('1E800076', 'unexpected content type', `${expected}, actual=${type}`);
}

/** The same once the length of the message is known. */
function lengthFault(length: number, announced: number): QueueEntry | undefined {
  if (length > MAX_RESPONSE) {
    return httpEntry('1E800075', 'max resp len exceeded', `length=${length}, max=${MAX_RESPONSE}`);
  }
  if (Number.isNaN(announced) || length === announced) return undefined;
  const data = `ASN.1 length=${length}, Content-Length=${announced}`;
  return httpEntry('1E800078', 'inconsistent content length', data);
}

/** Reads one message; what comes behind it is not waited for. */
async function receive(response: http.IncomingMessage): Promise<Buffer> {
  const fault = headFault(response);
  if (fault !== undefined) throw new ReceivingError(fault);
  const announced = Number(response.headers['content-length'] ?? Number.NaN);
  let body = Buffer.alloc(0);
  for await (const chunk of response as AsyncIterable<Buffer>) {
    body = Buffer.concat([body, chunk]);
    if (body[0] !== 0x30) throw new ReceivingError(httpEntry('1E80006E', 'missing asn1 encoding'));
    const length = derLength(body);
    if (!Number.isFinite(length)) continue;
    const bad = lengthFault(length, announced);
    if (bad !== undefined) throw new ReceivingError(bad);
    if (length <= body.length) return body;
  }
  throw new ReceivingError(body.length === 0 ? httpEntry('1E800080', 'failed reading data') : NOT_ENOUGH_DATA);
}

function headersFor({ host, headers }: HttpSettings, length: number): Record<string, string> {
  const list: Record<string, string> = { Host: host.includes(':') ? `[${host}]` : host };
  for (const [name, value] of headers) {
    const key = Object.keys(list).find((known) => known.toLowerCase() === name.toLowerCase()) ?? name;
    list[key] = value;
  }
  return { ...list, 'Content-Type': 'application/ocsp-request', 'Content-Length': String(length) };
}

function connectionEntries(error: Error, { host, port }: ResponderUrl, tls: boolean, server: string): QueueEntry[] {
  const { code = '', syscall, message } = error as NodeJS.ErrnoException;
  if (syscall === 'getaddrinfo') return [NO_SUCH_HOST];
  if (syscall === 'connect') {
    const failed = { code: '10000067', library: 'BIO routines', reason: 'connect error' };
    return [systemEntry(error, 'connect()'), failed, systemEntry(error, `connect(${host}, ${port})`), failed];
  }
  if (tls) return tlsEntries(message, server);
  const receiving = httpEntry('1E800067', 'error receiving', server);
  if (code.startsWith('HPE_')) return [httpEntry('1E80006A', 'header parse error', message), receiving];
  return [httpEntry('1E800080', 'failed reading data'), receiving];
}

/** Node puts an entry of OpenSSL's queue into the message. */
function tlsEntries(message: string, server: string): QueueEntry[] {
  const [, code = '0A000000', library = 'SSL routines', reason = message] =
    /error:([0-9A-F]{8}):([^:]*):[^:]*:([^:]*):/.exec(message) ?? [];
  const hint = reason === 'wrong version number' ? ' : The server does not support (a suitable version of) TLS' : '';
  return [{ code, library, reason }, httpEntry('1E800066', 'error sending', server + hint)];
}
