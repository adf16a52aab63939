/** The HTTP client of the command: one POST, as OpenSSL's own client does it. */
import net from 'node:net';
import tls from 'node:tls';
import { LONGEST_TIME } from '../../x509/checks.js';
import { ReceivingError, ResponseReader } from './http-response.js';
import { httpEntry, type QueueEntry, systemEntry } from './queue.js';

/** Where a responder is. */
export interface ResponderUrl {
  readonly tls: boolean;
  /** An IPv6 address stands in brackets. */
  readonly host: string;
  readonly port: string;
  /** With the query. */
  readonly path: string;
}

/** How to get there. */
export interface HttpSettings {
  readonly tls: boolean;
  /** As it was given, perhaps with a port: the header `Host` has it so. */
  readonly host: string;
  readonly port: string | undefined;
  /** With the query; a whole URL for a proxy that the host is. */
  readonly path: string;
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

const AMBIGUOUS = { code: '10000081', library: 'BIO routines', reason: 'ambiguous host or service' };
const NO_SUCH_PORT: QueueEntry = { ...NO_SUCH_HOST, data: 'Servname not supported for ai_socktype' };

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
    throw new HttpError(httpEntry('1E80007B', 'invalid port number', `${port}${path}`));
  }
  const tls = scheme === 'https';
  return {
    tls,
    host,
    port: port ?? (tls ? '443' : '80'),
    path: path.startsWith('/') ? path : `/${path}`,
  };
}

/** The proxy for a host: the option, or the environment as OpenSSL reads it; undefined for none. */
function proxyFor({ tls, host, proxy, noProxy }: HttpSettings): string | undefined {
  const { env } = process;
  const name = tls ? 'https_proxy' : 'http_proxy';
  const chosen = proxy ?? env[name] ?? env[name.toUpperCase()];
  const exceptions = noProxy ?? env['no_proxy'] ?? env['NO_PROXY'] ?? '';
  return !chosen || exceptions.split(/[ ,]+/).includes(withoutBrackets(host)) ? undefined : chosen;
}

/** The end of a connection. */
interface Target {
  readonly tls: boolean;
  readonly host: string;
  readonly port: string;
}

/** Where to connect to. The port may stand behind the host. */
function targetOf({ tls, host, port }: Pick<HttpSettings, 'tls' | 'host' | 'port'>): Target {
  const [, name, own] = /^(\[[^\]]*\]|[^:]*)(?::([^:]*))?$/.exec(host) ?? [];
  // OpenSSL looks at it twice where no option names the port.
  if (name === undefined) throw new HttpError(AMBIGUOUS, ...(port === undefined ? [AMBIGUOUS] : []));
  // Node would take an empty host for the machine itself.
  if (name === '') throw new HttpError(NO_SUCH_HOST);
  const service = port ?? own ?? (tls ? '443' : '80');
  if (!/^\d{1,5}$/.test(service) || Number(service) > 65535) throw new HttpError(NO_SUCH_PORT);
  return { tls, host: withoutBrackets(name), port: service };
}

/** Sends the request, returns the response. Rejects with an HttpError. */
export async function post(request: Uint8Array, settings: HttpSettings): Promise<Buffer> {
  const { tls, host, port } = settings;
  const proxy = proxyFor(settings);
  const through = proxy === undefined ? undefined : parseUrl(proxy);
  if (through !== undefined && (tls || through.tls)) {
    throw new HttpError(httpEntry('1E80006B', 'tls not enabled', 'TLS through a proxy'));
  }
  const address = port === undefined ? host : `${host}:${port}`;
  const message = messageFor(request, settings, through === undefined ? '' : `http://${address}`);
  const target = targetOf(through ?? settings);
  // OpenSSL prints the user of a proxy and the password, too.
  const by = proxy === undefined ? '' : ` proxy=${proxy.replace(/^([^:/?#]*:\/\/)?[^@/?#]*@/, '$1')}`;
  const server = `server=${tls ? 'https' : 'http'}://${address}${by}`;
  try {
    return await exchange(message, target, settings.timeout);
  } catch (error) {
    if (error instanceof HttpError) throw error;
    if (error instanceof ReceivingError) {
      throw new HttpError(error.entry, httpEntry('1E800067', 'error receiving', server));
    }
    throw new HttpError(...connectionEntries(error as Error, target, server));
  }
}

/** The request as OpenSSL writes it, to the byte. */
function messageFor(request: Uint8Array, { host, path, headers }: HttpSettings, prefix: string): Buffer {
  const isUrl = path.startsWith('http://');
  if (isUrl && prefix !== '') throw new HttpError(httpEntry('1E880106', 'passed invalid argument'));
  const lines = [`POST ${prefix}${isUrl || path.startsWith('/') ? '' : '/'}${path} HTTP/1.0`];
  for (const [name, value] of headers) {
    if (name === '') throw new HttpError();
    lines.push(`${name}: ${value}`);
  }
  if (!headers.some(([name]) => name.toLowerCase() === 'host')) lines.push(`Host: ${host}`);
  lines.push('Content-Type: application/ocsp-request', `Content-Length: ${request.length}`);
  if (lines.some((line) => /[\r\n]/.test(line))) {
    throw new HttpError(httpEntry('1E800066', 'error sending', 'a line end in a header, host or path'));
  }
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), request]);
}

/** Rejects with an HttpError when time is up, a ReceivingError, or what Node says. */
function exchange(message: Uint8Array, target: Target, timeout: number | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect(target);
    let late = CONNECT_TIMEOUT;
    const timer =
      timeout && setTimeout(() => socket.destroy(new HttpError(late)), Math.min(timeout * 1000, LONGEST_TIME));
    const reader = new ResponseReader();
    socket.on('connect', () => {
      late = TRANSFER_TIMEOUT;
    });
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      try {
        const response = reader.push(chunk);
        if (response === undefined) return;
        resolve(response);
      } catch (error) {
        reject(error);
      }
      socket.destroy();
    });
    socket.on('close', () => {
      clearTimeout(timer);
      // (Of no effect where the exchange has ended.)
      reject(new ReceivingError('1E800080', 'failed reading data'));
    });
    socket.write(message);
  });
}

function connect({ tls: secure, host, port }: Target): net.Socket {
  const options = { host, port: Number(port) };
  if (!secure) return net.connect(options);
  const name = net.isIP(host) === 0 ? { servername: host } : {};
  // OpenSSL's client does not verify it either: an OCSP response is signed.
  return tls.connect({ ...options, ...name, rejectUnauthorized: false });
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

function connectionEntries(error: Error, { host, port, tls }: Target, server: string): QueueEntry[] {
  // Of a host with several addresses each has an error; the last one is told.
  const [failure] = error instanceof AggregateError ? error.errors.slice(-1) : [error];
  const { syscall, message } = failure as NodeJS.ErrnoException;
  if (syscall === 'getaddrinfo') return [NO_SUCH_HOST];
  if (syscall === 'connect') {
    const failed = { code: '10000067', library: 'BIO routines', reason: 'connect error' };
    return [systemEntry(failure, 'connect()'), failed, systemEntry(failure, `connect(${host}, ${port})`), failed];
  }
  if (tls) return tlsEntries(message, server);
  return [httpEntry('1E800080', 'failed reading data'), httpEntry('1E800067', 'error receiving', server)];
}

/** Node puts an entry of OpenSSL's queue into the message. */
function tlsEntries(message: string, server: string): QueueEntry[] {
  const [, code = '0A000000', library = 'SSL routines', reason = message] =
    /error:([0-9A-F]{8}):([^:]*):[^:]*:([^:]*):/.exec(message) ?? [];
  const hint = reason === 'wrong version number' ? ' : The server does not support (a suitable version of) TLS' : '';
  return [{ code, library, reason }, httpEntry('1E800066', 'error sending', server + hint)];
}
