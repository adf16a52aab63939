/** The servers of a responder: sockets, time limits, and a way to an end. */

import { lstat, unlink } from 'node:fs/promises';
import { createServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type ListenOptions } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { LONGEST_TIME } from '../x509/checks.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { adminListener } from './admin.js';
import type { Responder } from './responder.js';

/** Where a server listens: a port, by default of all addresses; a unix socket; or a file descriptor that listens already. */
export type ListenAddress =
  | { readonly port: number; readonly host?: string }
  | { readonly path: string }
  | { readonly fd: number };

/** Any {@link ListenAddress}. */
interface AnyAddress {
  readonly port?: number;
  readonly host?: string;
  readonly path?: string;
  readonly fd?: number;
}

const ADDRESS_NAMES: OptionNames<AnyAddress> = { port: true, host: true, path: true, fd: true };

/** What {@link serve} takes beside the address. */
export interface ServeOptions {
  /** Answers by HTTPS. OCSP clients ask by HTTP: what is signed needs no other protection. */
  readonly tls?: TlsOptions;
  /** Where `/healthz`, `/readyz`, `/metrics` and a page are, for those who operate the responder. Default: nowhere. */
  readonly admin?: ListenAddress;
  /** Lets several processes listen on one port (Node.js 22.12 and later). Default false. */
  readonly reusePort?: boolean;
  /** Ends the server, as `close` does. */
  readonly signal?: AbortSignal;
  /** Milliseconds in which connections may end by themselves when the server closes. Default 10,000. */
  readonly shutdownTimeout?: number;
}

const SERVE_NAMES: OptionNames<ServeOptions> = {
  tls: true,
  admin: true,
  reusePort: true,
  signal: true,
  shutdownTimeout: true,
};

/** A responder that listens. */
export interface ResponderServer extends AsyncDisposable {
  /** Where to ask: `http://host:port`, or the path of the socket. */
  readonly url: string;
  /** The same of the admin listener; undefined without one. */
  readonly adminUrl: string | undefined;
  /** Takes no more connections, lets those that are there finish, and resolves when all have ended. The responder stays. */
  close(): Promise<void>;
}

/** Slow clients are cut off: a request has to be there in 10 seconds, and an answer has to be taken in 30. */
export const LIMITS: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 30_000,
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 16 * 1024,
};
const HANDSHAKE = 10_000;
const IDLE = 30_000;

/**
 * Lets a responder listen.
 *
 * @throws (rejects) What `listen` throws, as when the address is taken.
 */
export async function serve(
  responder: Responder,
  address: ListenAddress,
  options: ServeOptions = {},
): Promise<ResponderServer> {
  const { tls, admin, reusePort, signal, shutdownTimeout = 10_000 } = readOptions(options, SERVE_NAMES);
  const server: Server & { httpAllowHalfOpen?: boolean } = tls
    ? createTlsServer({ ...LIMITS, handshakeTimeout: HANDSHAKE, allowHalfOpen: true, ...tls }, responder.listener)
    : createServer(LIMITS, responder.listener);
  // Who says no more may wait for the answer.
  server.httpAllowHalfOpen = true;
  server.setTimeout(IDLE);
  await listen(server, address, reusePort);
  let adminServer: Server | undefined;
  try {
    if (admin !== undefined) {
      const source = { health: () => responder.health(), explain: (pasted: string) => responder.explain(pasted) };
      adminServer = createServer(LIMITS, adminListener(source));
      await listen(adminServer, admin);
    }
  } catch (error) {
    server.close();
    throw error;
  }
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= (async () => {
      responder.drain();
      await closeServer(server, shutdownTimeout);
      if (adminServer !== undefined) await closeServer(adminServer, 0);
    })();
    return closing;
  };
  signal?.addEventListener('abort', () => void close(), { once: true });
  if (signal?.aborted) void close();
  return {
    url: urlOf(server, tls === undefined ? 'http' : 'https'),
    adminUrl: adminServer && urlOf(adminServer, 'http'),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Listens; takes the place of a socket that no one listens at any more. */
export async function listen(server: Server, address: ListenAddress, reusePort = false): Promise<void> {
  const { path, ...others } = readOptions<AnyAddress>(address, ADDRESS_NAMES, 'address');
  const options = { ...others, ...(path !== undefined && { path }) };
  try {
    await tryToListen(server, (reusePort ? { ...options, reusePort } : options) as ListenOptions);
  } catch (error) {
    const isTaken = path !== undefined && (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    if (!isTaken || !(await removeLeftSocket(path))) throw error;
    await tryToListen(server, options);
  }
}

/** Removes a socket that a process left behind which was killed; false where there is none. */
export async function removeLeftSocket(path: string): Promise<boolean> {
  if (!(await isSocket(path)) || (await isServed(path))) return false;
  await unlink(path);
  return true;
}

function tryToListen(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A file that is none belongs to somebody. */
async function isSocket(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isSocket() ?? false;
}

/** One that does not take more now, or nothing of this user, is served, too. */
function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket
      .once('connect', () => resolve(true))
      .once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED'));
    socket.once('connect', () => socket.destroy());
  });
}

/** Closes a server; connections may end by themselves for so long, in milliseconds. */
export async function closeServer(server: Server, timeout: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), Math.min(timeout, LONGEST_TIME));
  await closed;
  clearTimeout(timer);
}

/** Where a server listens. */
export function urlOf(server: Server, scheme: string): string {
  const address = server.address();
  if (address === null || typeof address === 'string') return address ?? '';
  const { address: host, family, port } = address;
  const name = host === '::' || host === '0.0.0.0' ? 'localhost' : family === 'IPv6' ? `[${host}]` : host;
  return `${scheme}://${name}:${port}`;
}
