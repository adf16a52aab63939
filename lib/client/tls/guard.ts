/** Holds TLS connections back until it is known whether the certificate at the other end is revoked. */
import type { X509Certificate } from 'node:crypto';
import { Agent, type AgentOptions, type RequestOptions } from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { invalidArgType, invalidValue, OCSPError } from '../../errors.js';
import { type CertificateInput, toOneCertificate } from '../../x509/certificate.js';
import { checkList, LONGEST_TIME } from '../../x509/checks.js';
import { type OptionNames, readOptions } from '../../x509/options.js';
import { CheckResult } from '../check-result.js';
import type { OCSPClient } from '../client.js';
import { isMustStaple, issuerOf, keepCertificate, peerCertificate } from './peer.js';

/** Options of {@link OCSPClient.guard} and {@link OCSPClient.checkPeer}. */
export interface PeerOptions {
  /** Certificates of CAs that may have issued the peer's, where the peer does not send them, or their keys are unusual. */
  readonly issuers?: Iterable<CertificateInput>;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** The peer's certificate is not to be relied on: code `ERR_OCSP_PEER_NOT_ALLOWED`. */
export class PeerNotAllowedError extends OCSPError {
  /** What is known of the certificate. */
  readonly result: CheckResult;

  /** @internal */
  constructor(result: CheckResult) {
    const { outcome, reason } = result;
    const why = outcome === 'undetermined' && reason !== null ? reason : `it is ${outcome}`;
    super('ERR_OCSP_PEER_NOT_ALLOWED', `the certificate of the peer is not allowed: ${why}`);
    this.result = result;
  }
}

const ALWAYS_STAPLES = 'the certificate is one of a server that always staples';
/** Milliseconds. */
const HANDSHAKE_TIME = 10_000;
const PEER_OPTIONS: OptionNames<PeerOptions> = { issuers: true, signal: true };

/** Checks the certificate of the peer of a connection that stands. */
export async function checkPeer(client: OCSPClient, socket: Socket, options: PeerOptions): Promise<CheckResult> {
  const { issuers = [], signal } = readOptions(options, PEER_OPTIONS);
  if (isOver(socket)) return refused('the connection was closed before');
  checkSocket(socket);
  return await checkWith(client, socket, toIssuers(issuers), signal, undefined);
}

/**
 * Waits for the handshake, judges the staple, asks where there is none that counts, and ends the connection unless allowed.
 *
 * @param handshakeTime - Milliseconds that the handshake may take.
 * @param isInUse - Whether somebody has the connection already, whom its error tells why it ends.
 */
export async function guard(
  client: OCSPClient,
  socket: TLSSocket,
  options: PeerOptions,
  handshakeTime?: number,
  isInUse = false,
): Promise<CheckResult> {
  const { issuers = [], signal } = readOptions(options, PEER_OPTIONS);
  const known = toIssuers(issuers);
  checkSocket(socket);
  let staple: Buffer | null | undefined;
  const take = (response: Buffer | null): void => {
    staple = response;
  };
  let failure: Error | undefined;
  const fail = (error: Error): void => {
    failure = error;
  };
  // The peer may end the connection at any moment: without a listener its error would end the process.
  socket.once('OCSPResponse', take).on('error', fail);
  try {
    await secured(socket, signal, handshakeTime);
    const result = await checkWith(client, socket, known, signal, staple ?? null);
    if (!result.allowed) throw new PeerNotAllowedError(result);
    if (socket.destroyed)
      throw failure ?? new Error('the connection was closed while the certificate of the peer was checked');
    return result;
  } catch (error) {
    socket.destroy(isInUse ? (error as Error) : undefined);
    throw error;
  } finally {
    socket.off('OCSPResponse', take).off('error', fail);
  }
}

/** Waits for the end of the handshake. */
function secured(
  socket: TLSSocket & { secureConnecting?: boolean },
  signal: AbortSignal | undefined,
  time: number | undefined,
): Promise<void> {
  if (socket.secureConnecting === false && !socket.destroyed) return Promise.resolve();
  const { promise, resolve, reject } = withResolvers();
  const late = (): void => reject(new Error(`no handshake within ${(time ?? 0) / 1000} seconds`));
  const timer = time === undefined ? undefined : setTimeout(late, Math.min(time, LONGEST_TIME));
  const abort = (): void => reject(signal?.reason);
  const close = (): void => reject(new Error('the connection was closed before its handshake was over'));
  socket.once('secureConnect', resolve).once('error', reject).once('close', close);
  if (signal?.aborted || socket.destroyed) (signal?.aborted ? abort : close)();
  signal?.addEventListener('abort', abort, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    socket.off('secureConnect', resolve).off('error', reject).off('close', close);
    signal?.removeEventListener('abort', abort);
  });
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers() {
  let resolve!: () => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** @param staple - null: there was none; undefined: this is the server, and clients do not staple */
async function checkWith(
  client: OCSPClient,
  socket: TLSSocket,
  issuers: readonly X509Certificate[],
  signal: AbortSignal | undefined,
  staple: Buffer | null | undefined,
): Promise<CheckResult> {
  const certificate = peerCertificate(socket);
  if (certificate === undefined) {
    const why = socket.isSessionReused() ? 'a session was resumed, and Node.js no longer knows its certificate' : null;
    return refused(why ?? 'the peer has no certificate');
  }
  if (!socket.authorized) return refused(`the certificate is not trusted: ${String(socket.authorizationError)}`);
  keepCertificate(socket);
  // (A request of HTTP/2 that has ended has a connection no more, which may go on.)
  const shownLater = socket.getPeerX509Certificate.bind(socket);
  const issuer = issuerOf(certificate, issuers);
  if (issuer === undefined) return refused('the certificate of the issuer is not known: name it in issuers');
  const mustStaple = staple !== undefined && isMustStaple(certificate);
  if (mustStaple && staple === null) return refused(`${ALWAYS_STAPLES}, and there was no staple`);
  const more = { ...(staple != null && { staple }), ...(signal !== undefined && { signal }) };
  const result = await client.check({ certificate, issuer }, more);
  // (A handshake that had begun before may be over by now.)
  if (shownLater()?.raw.equals(certificate.raw) === false)
    return refused('the peer has shown another certificate meanwhile');
  // A staple that does not count is none: no policy lets that pass, nor that there is no one to ask.
  if (mustStaple && !hasAnswer(result)) return refused(`${ALWAYS_STAPLES}, and no answer counts`);
  return result;
}

/** Whether an answer has decided, in its time; "revoked" is one past it, too. */
function hasAnswer({ outcome, source }: CheckResult): boolean {
  return outcome === 'revoked' || ((outcome === 'good' || outcome === 'unknown') && source !== 'stale');
}

function refused(reason: string): CheckResult {
  const facts = {
    outcome: 'undetermined',
    verdict: null,
    source: null,
    failure: 'refused',
    reason,
    attempts: [],
  } as const;
  return new CheckResult(facts, false);
}

/** Whether it stands for the connection of a request, or session, of HTTP/2 that has ended, and has nothing of it any more. */
function isOver(socket: Socket): boolean {
  try {
    return socket?.destroyed && typeof (socket as TLSSocket).getPeerX509Certificate !== 'function';
  } catch {
    return true;
  }
}

function checkSocket(socket: Socket): asserts socket is TLSSocket {
  if (typeof (socket as TLSSocket | undefined)?.getPeerX509Certificate !== 'function')
    throw invalidArgType('socket', 'a TLSSocket of node:tls', socket);
}

function toIssuers(issuers: Iterable<CertificateInput>): readonly X509Certificate[] {
  return [...checkList(issuers, 'issuers', (item) => toOneCertificate(item, 'issuers').x509)];
}

/** Options that are used again and again: what is wrong is said at once, and a list is read once. */
function checkedPeer(options: PeerOptions): PeerOptions {
  const { issuers = [], signal } = readOptions(options, PEER_OPTIONS);
  return { issuers: toIssuers(issuers), ...(signal !== undefined && { signal }) };
}

/**
 * Sends nothing of what is written, and shows nothing of what comes, before it is known that the peer is allowed; nor ever, where it is
 * not. (To cork the connection would not do: the end of a request uncorks it.)
 */
function hold(socket: TLSSocket, allowed: Promise<unknown>): void {
  const { _write, _writev } = socket;
  const held: Pick<Required<TLSSocket>, '_write' | '_writev'> = {
    _write: (chunk, encoding, callback) => {
      allowed.then(() => socket._write(chunk, encoding, callback), callback);
    },
    _writev: (chunks, callback) => {
      allowed.then(() => socket._writev?.(chunks, callback), callback);
    },
  };
  Object.assign(socket.pause(), held);
  // (Before anything that is written later waits for it.)
  allowed.then(
    () => Object.assign(socket, { _write, _writev }).resume(),
    () => undefined,
  );
}

/** Connections that are used when the certificate of the server is known to be allowed. */
export class GuardedAgent extends Agent {
  readonly #client: OCSPClient;
  readonly #peer: PeerOptions;

  constructor(client: OCSPClient, options: AgentOptions, peer: PeerOptions) {
    // What Node.js makes then is the connection to the proxy; the one inside of it is not seen before its handshake is over.
    if ((options as { proxyEnv?: unknown }).proxyEnv != null)
      throw invalidValue('proxyEnv: connections through a proxy of the agent cannot be guarded');
    // Of a session that is resumed Node.js does not know the certificate.
    super({ ...options, maxCachedSessions: 0 });
    this.#client = client;
    this.#peer = checkedPeer(peer);
  }

  /** Returned at once: of connections that are handed over later Node.js keeps no count, and forgets who waits for one that fails. */
  override createConnection(options: RequestOptions): Duplex {
    const socket = super.createConnection({ ...options, requestOCSP: true } as RequestOptions) as TLSSocket;
    hold(socket, guard(this.#client, socket, this.#peer, options.timeout || HANDSHAKE_TIME, true));
    return socket;
  }
}

/** What undici gives a connector. */
export interface ConnectorTarget {
  readonly hostname: string;
  readonly protocol: string;
  readonly port: string;
  readonly servername?: string | null;
  readonly localAddress?: string | null;
  /** The way through a proxy, where there is one: the connection is made inside of it. */
  readonly httpSocket?: Duplex | null;
}

/** A connector of undici: https alone, guarded. */
export function connectorOf(
  client: OCSPClient,
  tlsOptions: ConnectionOptions,
  peer: PeerOptions,
): {
  (target: ConnectorTarget, callback: (error: Error | null, socket: TLSSocket | null) => void): void;
  // As undici's own types have it: an error, or a connection.
  (target: ConnectorTarget, callback: (...outcome: [null, TLSSocket] | [Error, null]) => void): void;
} {
  const checked = checkedPeer(peer);
  return (target: ConnectorTarget, callback: (...outcome: [null, TLSSocket] | [Error, null]) => void): void => {
    const { hostname, protocol, port, servername, localAddress, httpSocket } = target;
    if (protocol !== 'https:') {
      callback(invalidValue(`${protocol} has no certificate that could be checked`), null);
      return;
    }
    const socket = connect({
      ...tlsOptions,
      ALPNProtocols: tlsOptions.ALPNProtocols ?? ['http/1.1'],
      host: hostname,
      port: Number(port === '' ? 443 : port),
      ...(isIP(hostname) === 0 && { servername: servername || hostname }),
      ...(localAddress != null && { localAddress }),
      ...(httpSocket != null && { socket: httpSocket }),
      requestOCSP: true,
    } as ConnectionOptions).setNoDelay(true);
    guard(client, socket, checked, tlsOptions.timeout || HANDSHAKE_TIME).then(
      () => callback(null, socket),
      (error) => callback(error as Error, null),
    );
  };
}
