/** The HTTP client of the command: one POST, as OpenSSL's own client does it. */
import http from 'node:http';
import https from 'node:https';
import { derLength } from './files.js';
import { httpEntry, NOT_ENOUGH_DATA, type QueueEntry, systemCode, systemEntry } from './queue.js';

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
export function post(request: Uint8Array, settings: HttpSettings): Promise<Buffer> {
  const { tls, host, port, path, timeout } = settings;
  const proxy = proxyFor(settings);
  if (proxy !== undefined && (tls || proxy.tls)) {
    return Promise.reject(new HttpError(httpEntry('1E800072', 'tls not enabled', 'TLS through a proxy')));
  }
  const target = proxy ?? settings;
  const server = `server=${tls ? 'https' : 'http'}://${host}:${port}${proxy ? ` proxy=${proxy.host}:${proxy.port}` : ''}`;
  return new Promise((resolve, reject) => {
    let connected = false;
    const fail = (...entries: readonly QueueEntry[]): void => {
      clearTimeout(timer);
      sent.destroy();
      reject(new HttpError(...entries));
    };
    const receiving = (entry: QueueEntry): void => fail(entry, httpEntry('1E800067', 'error receiving', server));
    const options: https.RequestOptions = {
      method: 'POST',
      host: target.host,
      port: target.port,
      path: proxy === undefined ? path : `http://${host}:${port}${path}`,
      headers: headersFor(settings, request.length),
      agent: false,
      // OpenSSL's client does not verify it either: an OCSP response is signed.
      rejectUnauthorized: false,
    };
    const sent = (tls ? https : http).request(options, (response) => {
      const { statusCode = 0, statusMessage = '' } = response;
      const type = response.headers['content-type'];
      if (statusCode === 301 || statusCode === 302) {
        return receiving(httpEntry('1E800074', 'redirection not enabled'));
      }
      if (statusCode !== 200) {
        return receiving(httpEntry('1E800069', 'received error', `code=${statusCode}, reason=${statusMessage}`));
      }
      if (type === undefined) return receiving(httpEntry('1E800079', 'missing content type', `expected=${MEDIA_TYPE}`));
      if (type.toLowerCase() !== MEDIA_TYPE) {
        return receiving(httpEntry('1E800076', 'unexpected content type', `expected=${MEDIA_TYPE}, actual=${type}`));
      }
      let body = Buffer.alloc(0);
      const finish = (): void => {
        const length = derLength(body);
        if (body.length === 0) receiving(httpEntry('1E800080', 'failed reading data'));
        else if (body[0] !== 0x30) receiving(httpEntry('1E80006E', 'missing asn1 encoding'));
        else if (length > body.length) receiving(NOT_ENOUGH_DATA);
        else {
          clearTimeout(timer);
          resolve(body);
        }
      };
      response.on('data', (chunk: Buffer) => {
        body = Buffer.concat([body, chunk]);
        const length = derLength(body);
        const announced = Number(response.headers['content-length'] ?? Number.NaN);
        if (length > MAX_RESPONSE && Number.isFinite(length)) {
          receiving(httpEntry('1E800075', 'max resp len exceeded', `length=${length}, max=${MAX_RESPONSE}`));
        } else if (Number.isFinite(length) && Number.isFinite(announced) && length !== announced && body[0] === 0x30) {
          const data = `ASN.1 length=${length}, Content-Length=${announced}`;
          receiving(httpEntry('1E800078', 'inconsistent content length', data));
        } else if (length <= body.length) {
          finish();
          response.destroy();
        }
      });
      response.on('end', finish);
      response.on('error', () => receiving(NOT_ENOUGH_DATA));
    });
    const timer =
      timeout === undefined
        ? undefined
        : setTimeout(() => {
            const [code, reason] = connected ? ['10000069', 'transfer timeout'] : ['10000093', 'connect timeout'];
            fail({ code: code as string, library: 'BIO routines', reason: reason as string });
          }, timeout * 1000);
    sent.on('socket', (socket) => socket.on('connect', () => (connected = true)));
    sent.on('error', (error) => fail(...connectionEntries(error, connected, target, tls, server)));
    sent.end(request);
  });
}

function headersFor({ host, headers }: HttpSettings, length: number): Record<string, string | string[]> {
  const list: Record<string, string | string[]> = { Host: host.includes(':') ? `[${host}]` : host };
  for (const [name, value] of headers) {
    const key = Object.keys(list).find((known) => known.toLowerCase() === name.toLowerCase()) ?? name;
    list[key] = value;
  }
  return { ...list, 'Content-Type': 'application/ocsp-request', 'Content-Length': String(length) };
}

function connectionEntries(
  error: Error,
  connected: boolean,
  { host, port }: ResponderUrl,
  tls: boolean,
  server: string,
): QueueEntry[] {
  const { code: name = '', syscall, message } = error as NodeJS.ErrnoException;
  const bio = { library: 'BIO routines' };
  if (syscall === 'getaddrinfo') {
    return [{ ...bio, code: '10080002', reason: 'system lib', data: 'Name or service not known' }];
  }
  if (!connected && systemCode(error) !== '') {
    return [
      systemEntry(error, 'connect()'),
      { ...bio, code: '10000067', reason: 'connect error' },
      systemEntry(error, `connect(${host}, ${port})`),
      { ...bio, code: '10000067', reason: 'connect error' },
    ];
  }
  if (tls) return tlsEntries(message, server);
  const receiving = httpEntry('1E800067', 'error receiving', server);
  if (name.startsWith('HPE_')) return [httpEntry('1E80006A', 'header parse error', message), receiving];
  return [httpEntry('1E800080', 'failed reading data'), receiving];
}

/** Node puts an entry of OpenSSL's queue into the message. */
function tlsEntries(message: string, server: string): QueueEntry[] {
  const [, code = '0A000000', library = 'SSL routines', reason = message] =
    /error:([0-9A-F]{8}):([^:]*):[^:]*:([^:]*):/.exec(message) ?? [];
  const hint = reason === 'wrong version number' ? ' : The server does not support (a suitable version of) TLS' : '';
  return [{ code, library, reason }, httpEntry('1E800066', 'error sending', server + hint)];
}
