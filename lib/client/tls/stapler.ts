/** Gives the clients of TLS servers the answers about the servers' certificates (RFC 6066 section 8). */
import { createHash, type X509Certificate } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import type { Server } from 'node:tls';
import { invalidArgType, invalidValue } from '../../errors.js';
import { HashAlgorithm } from '../../x509/algorithms.js';
import { type CertificateInput, toOneCertificate } from '../../x509/certificate.js';
import { type ChainInput, toCertificates } from '../../x509/chain.js';
import { checkList, LONGEST_TIME } from '../../x509/checks.js';
import { type OptionNames, readOptions } from '../../x509/options.js';
import { loadCertificates, x509Of } from '../../x509/pem.js';
import { parsePrintedTime } from '../../x509/time.js';
import { abortable } from '../abortable.js';
import { CheckResult } from '../check-result.js';
import { type CheckOptions, OCSPClient } from '../client.js';
import type { ClientClock } from '../clock.js';
import { undetermined } from '../facts.js';
import { reasonOf } from '../failures.js';
import { Refresher } from '../refresher.js';
import type { ClientQuestion } from '../subject.js';
import { CertificateChange } from './certificate-change.js';
import { hasCertIdBy, isAnswer, Staple, type StapleState } from './staple.js';

/** Options of {@link Stapler}. */
export interface StaplerOptions {
  /**
   * Asks, and keeps the answers: with a {@link FolderCache} they are there again after a restart, and shared by the processes of
   * a cluster. By default one of its own, which ends with the stapler.
   */
  readonly client?: OCSPClient;
  /** Certificates of CAs, for servers whose chain does not hold that of the issuer. */
  readonly issuers?: Iterable<CertificateInput>;
  /** What is stapled. `'good'`, the default: a client learns of a revocation by asking itself. */
  readonly staple?: 'good' | 'good-or-revoked';
  /** For tests. */
  readonly clock?: ClientClock;
}

/** Events of a {@link Stapler}, each with the state of one certificate. */
export interface StaplerEvents {
  /** A new answer is stapled. */
  refreshed: [state: StapleState];
  /** There was no answer that can be stapled. It is asked again: after a minute, then twice as long each time, an hour at most. */
  failed: [state: StapleState];
  /** The certificate is revoked. It has to be replaced. */
  revoked: [state: StapleState];
  /** There was no new answer, and less than a quarter of the life of the one that is stapled is left. */
  expiring: [state: StapleState];
}

const OPTIONS: OptionNames<StaplerOptions> = { client: true, issuers: true, staple: true, clock: true };
/** Each handshake of a server: `{ decision, certificate }`, the latter in DER. */
const DECISIONS = channel('ocsp:stapler:decision');

/** Milliseconds for which a handshake waits for a store to say what it has. */
const PATIENCE = 1000;

/** That of the machine. It keeps no process alive. */
const CLOCK: ClientClock = {
  now: () => Date.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds).unref();
    return () => clearTimeout(timer);
  },
};

/**
 * Staples for TLS servers: asks about their certificates in time, and answers each handshake at once from memory, but for the first
 * one of a certificate, which waits for the client's store, a second at most. Any number of servers and certificates; one that it
 * has not been told of is asked about when it is first used.
 *
 * @example
 * const stapler = new Stapler().attach(server);
 * stapler.on('revoked', ({ certificate }) => replace(certificate));
 */
export class Stapler extends EventEmitter<StaplerEvents> {
  readonly #client: OCSPClient;
  readonly #ownsClient: boolean;
  readonly #issuers: readonly X509Certificate[];
  readonly #alsoRevoked: boolean;
  readonly #clock: ClientClock;
  readonly #staples = new Map<string, Staple>();
  readonly #timers = new Map<Staple, () => void>();
  readonly #first = new Map<Staple, Promise<void>>();
  readonly #recalls = new Map<Staple, Promise<void>>();
  readonly #refresher = new Refresher();
  readonly #detach: (() => void)[] = [];
  #closed = false;

  /** @throws TypeError; `ERR_OCSP_INVALID_VALUE`; `ERR_OCSP_MALFORMED` for a certificate that is none. */
  constructor(options: StaplerOptions = {}) {
    super();
    // (It has no fields: it would be taken for no options at all.)
    if (options instanceof OCSPClient) throw invalidArgType('options', '{ client }', options);
    const { client, issuers = [], staple = 'good', clock = CLOCK } = readOptions(options, OPTIONS);
    if (client !== undefined && !(client instanceof OCSPClient))
      throw invalidArgType('client', 'an instance of OCSPClient', client);
    if (staple !== 'good' && staple !== 'good-or-revoked')
      throw invalidValue("staple must be 'good' or 'good-or-revoked'");
    this.#issuers = [...checkList(issuers, 'issuers', (item) => toOneCertificate(item, 'issuers').x509)];
    this.#alsoRevoked = staple === 'good-or-revoked';
    this.#clock = clock;
    this.#ownsClient = client === undefined;
    this.#client = client ?? new OCSPClient();
  }

  /**
   * Staples in the handshakes of a server, for all of its certificates, those of `addContext` and later ones of
   * `setSecureContext`, too. (Tell {@link add} of a certificate before the server has it, and its first handshake has a staple.)
   *
   * @throws `ERR_OCSP_INVALID_VALUE` for a server whose staples would go wrong: one that has a listener for `OCSPRequest` already
   * (handshakes fail with two), that compresses certificates (Node.js then loses the staple without an error), or that has
   * several certificates for one name, such as RSA and ECDSA (Node.js does not tell which one a client gets). From then on
   * `addContext` and `setSecureContext` of the server throw that, too. (Node.js does not tell what is in a context of
   * `tls.createSecureContext`, or what `addContext` was given before: that is the caller's to see to.)
   */
  attach(server: Server): this {
    if (typeof server?.addContext !== 'function') throw invalidArgType('server', 'a Server of node:tls', server);
    this.#checkOpen();
    if (server.listenerCount('OCSPRequest') > 0)
      throw invalidValue("the server has a listener for 'OCSPRequest' already: with two its handshakes fail");
    refuseLoss(server as ContextOptions);
    const change = new CertificateChange();
    const answer = (certificate: Buffer, issuer: Buffer | null, callback: OCSPRequestCallback): void => {
      const staple = change.isOlderConnection(certificate) ? undefined : this.#stapleOf(certificate, issuer);
      const give = (): void => callback(null, this.#answer(certificate, staple));
      if (staple?.isNew && staple.issuer !== null) this.#recalled(staple, staple.issuer).then(give);
      else give();
    };
    const refuse = (event: string | symbol): void => {
      if (event === 'OCSPRequest')
        throw invalidValue(
          "a Stapler answers 'OCSPRequest' of this server: with a second listener its handshakes fail",
        );
    };
    server.on('OCSPRequest', answer);
    server.on('newListener', refuse);
    const leave = (): void => void server.off('newListener', refuse).off('OCSPRequest', answer);
    this.#detach.push(leave, this.#watchContexts(server, change));
    this.#learn((server as ContextOptions).cert);
    return this;
  }

  /** Learns of the certificates that a server is given later; returns what ends that. */
  #watchContexts(server: Server, change: CertificateChange): () => void {
    const { addContext, setSecureContext } = server;
    server.addContext = (name, context) => {
      refuseLoss(context as ContextOptions | undefined);
      addContext.call(server, name, context);
      this.#learn((context as ContextOptions).cert);
    };
    server.setSecureContext = (options) => {
      refuseLoss(options as ContextOptions | undefined);
      setSecureContext.call(server, options);
      change.to(this.#learn((options as ContextOptions).cert));
    };
    return () => Object.assign(server, { addContext, setSecureContext });
  }

  /**
   * Asks about a certificate, if need be, and keeps its answer fresh from now on. Resolves when there is a first result.
   *
   * @param chain - PEM, text or bytes, or a list, the certificate of the server first; what is behind it may hold that of its issuer.
   * @throws (rejects with) TypeError; `ERR_OCSP_MALFORMED`; `ERR_OCSP_INVALID_VALUE`.
   */
  async add(chain: ChainInput): Promise<StapleState> {
    this.#checkOpen();
    const certificates = toCertificates(chain);
    const [certificate, ...others] = certificates;
    if (certificate === undefined) throw invalidValue('the chain has no certificate');
    const staple = this.#know(certificate, others);
    await this.#first.get(staple);
    return staple.stateAt(this.#clock.now());
  }

  /** What would be stapled for a certificate (DER) now; null for nothing. */
  staple(certificate: Uint8Array): Buffer | null {
    const der = this.#staples.get(keyOf(certificate))?.derAt(this.#clock.now()) ?? null;
    return der && Buffer.from(der);
  }

  /**
   * Resolves when there is a first result about every certificate known now. With many of them that takes a while, and need not be
   * waited for where their answers were kept: a first handshake looks for its own.
   */
  async ready(signal?: AbortSignal): Promise<void> {
    await abortable(Promise.all(this.#first.values()), signal);
  }

  /** What is known of every certificate. */
  states(): StapleState[] {
    const now = this.#clock.now();
    return Array.from(this.#staples.values(), (staple) => staple.stateAt(now));
  }

  /** Leaves its servers, and asks no more. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const detach of this.#detach) detach();
    for (const stop of this.#timers.values()) stop();
    this.#timers.clear();
    if (this.#ownsClient) await this.#client.close();
  }

  /** {@link close} */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #checkOpen(): void {
    if (this.#closed) throw invalidValue('the stapler is closed');
  }

  /** In a handshake: without an error, which would end it. */
  #answer(der: Buffer, staple: Staple | undefined): Buffer | null {
    if (staple === undefined) return null;
    const now = this.#clock.now();
    // Timers do not count the time for which a machine sleeps.
    if (now >= staple.askAt) this.#refreshNow(staple);
    if (DECISIONS.hasSubscribers) DECISIONS.publish({ decision: staple.decisionAt(now), certificate: der });
    return staple.derAt(now);
  }

  #stapleOf(der: Buffer, issuer: Buffer | null): Staple | undefined {
    try {
      const known = this.#staples.get(keyOf(der));
      // (What a server has as `ca` only a handshake tells.)
      const isLearnt = known !== undefined && (issuer === null || known.issuer !== null);
      if (isLearnt || this.#closed) return known;
      return this.#know(known?.certificate ?? x509Of(der), issuer === null ? [] : [x509Of(issuer)]);
    } catch {
      return undefined; // a certificate that cannot be read: OpenSSL has taken it, so it is served, without a staple
    }
  }

  /** The first handshake of a certificate has what was kept of it: that is looked up now, though thousands may come before it. */
  #recalled(staple: Staple, issuer: X509Certificate): Promise<void> {
    const running = this.#recalls.get(staple);
    if (running !== undefined) return running;
    const { certificate } = staple;
    this.#refresher.hurry(staple.key);
    const recall = this.#client.recall({ certificate, issuer }).then((result) => {
      if (result !== null && staple.isNew) staple.take(result, this.#clock.now(), this.#alsoRevoked);
    });
    const patient = abortable(recall, AbortSignal.timeout(PATIENCE)).catch(() => undefined);
    this.#recalls.set(staple, patient);
    return patient;
  }

  /** The certificate that a server has: as good as nothing where it is not PEM. Returns its DER. */
  #learn(cert: unknown): Buffer | undefined {
    const pem: unknown = Array.isArray(cert) ? cert[0] : cert;
    if (typeof pem !== 'string' && !(pem instanceof Uint8Array)) return undefined;
    try {
      const [certificate, ...others] = loadCertificates(Buffer.from(pem as Uint8Array).toString('latin1'));
      if (certificate !== undefined) this.#know(certificate, others);
      return certificate?.raw;
    } catch {
      return undefined; // it is asked about in its first handshake
    }
  }

  #know(certificate: X509Certificate, others: readonly X509Certificate[]): Staple {
    const key = keyOf(certificate.raw);
    const known = this.#staples.get(key);
    if (known !== undefined && !known.learns(others)) return known;
    const staple = known ?? new Staple(key, certificate, [...others, ...this.#issuers]);
    this.#staples.set(key, staple);
    const first = this.#refresh(staple, false);
    // (One that has ended may be forgotten already.)
    if (this.#staples.has(key)) this.#first.set(staple, first);
    return staple;
  }

  #refreshNow(staple: Staple): void {
    this.#timers.get(staple)?.();
    staple.askAt = Number.POSITIVE_INFINITY;
    if (!this.#closed) void this.#refresh(staple, true);
  }

  /** A few at a time. */
  #refresh(staple: Staple, fresh: boolean): Promise<void> {
    return this.#refresher.add(staple.key, async () => {
      if (!this.#closed) await this.#ask(staple, fresh);
    });
  }

  async #ask(staple: Staple, fresh: boolean): Promise<void> {
    const { certificate, issuer } = staple;
    if (issuer === null) {
      this.#keepToItsEnd(staple);
      return this.#emitLater('failed', staple);
    }
    let delay = 60_000;
    try {
      const result = await this.#check({ certificate, issuer }, fresh);
      const now = this.#clock.now();
      delay = staple.take(result, now, this.#alsoRevoked);
      // Where there is no one to ask, nothing is gained by asking again.
      if (result.outcome === 'not-applicable') return this.#emitLater('failed', staple);
      if (result.outcome === 'revoked') this.#emitLater('revoked', staple);
      else this.#emitLater(isAnswer(result) ? 'refreshed' : 'failed', staple);
      if (!isAnswer(result) && staple.isExpiring(now)) this.#emitLater('expiring', staple);
    } finally {
      const now = this.#clock.now();
      const isOver = parsePrintedTime(staple.certificate.validTo) <= now;
      if (isOver || staple.decisionAt(now) === 'not-applicable') this.#keepToItsEnd(staple);
      else {
        staple.askAt = now + delay;
        this.#wake(staple, delay, () => this.#refreshNow(staple));
      }
    }
  }

  /** Where there is nothing to ask, or no more: a certificate that has ended is no one's any more. */
  #keepToItsEnd(staple: Staple): void {
    const left = parsePrintedTime(staple.certificate.validTo) - this.#clock.now();
    if (left <= 0) this.#forget(staple);
    else this.#wake(staple, left, () => this.#keepToItsEnd(staple));
  }

  /** In place of what it waited for before. No timer takes more than {@link LONGEST_TIME}. */
  #wake(staple: Staple, delay: number, then: () => void): void {
    this.#timers.get(staple)?.();
    if (!this.#closed) this.#timers.set(staple, this.#clock.after(Math.min(delay, LONGEST_TIME), then));
  }

  /** Many clients look for the certificate by SHA-1 alone: curl, Firefox, Java. */
  async #check(question: ClientQuestion, fresh: boolean): Promise<CheckResult> {
    const hash = HashAlgorithm.SHA1;
    const result = await this.#tryCheck(question, { fresh, hash });
    const { verdict, attempts } = result;
    if (attempts.length > 0 || !verdict?.usable || hasCertIdBy(hash, verdict)) return result;
    // It was kept from somebody else's question, which is better than none.
    const asked = await this.#tryCheck(question, { fresh: true, hash });
    return isAnswer(asked) || asked.outcome === 'revoked' ? asked : result;
  }

  /** That a function of the caller's throws, or the client is closed, is told as any failure is. */
  async #tryCheck(question: ClientQuestion, options: CheckOptions): Promise<CheckResult> {
    try {
      return await this.#client.check(question, options);
    } catch (error) {
      return new CheckResult(undetermined('unreachable', reasonOf(error)), false);
    }
  }

  #forget(staple: Staple): void {
    this.#staples.delete(staple.key);
    this.#timers.get(staple)?.();
    this.#timers.delete(staple);
    this.#first.delete(staple);
    this.#recalls.delete(staple);
  }

  /** Apart from what goes on: a listener that throws must not end a handshake or the asking. */
  #emitLater(event: keyof StaplerEvents, staple: Staple): void {
    const state = staple.stateAt(this.#clock.now());
    queueMicrotask(() => this.emit(event, state));
  }
}

/** What matters here of a server, and of the options of a context. */
interface ContextOptions {
  readonly cert?: unknown;
  readonly pfx?: unknown;
  readonly certificateCompression?: unknown;
}

/** With what the staple would be lost, or be that of another certificate. */
function refuseLoss(options: ContextOptions | undefined): void {
  const { cert, pfx, certificateCompression } = options ?? {};
  const hasSeveral = (list: unknown): boolean => Array.isArray(list) && list.length > 1;
  if (Array.isArray(certificateCompression) && certificateCompression.length > 0)
    throw invalidValue('the server has certificateCompression: Node.js loses the staple with it');
  if (hasSeveral(cert) || hasSeveral(pfx))
    throw invalidValue(
      'the server has several certificates for one name: Node.js does not tell which one a client gets',
    );
}

type OCSPRequestCallback = (error: Error | null, response: Buffer | null) => void;

function keyOf(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('base64');
}
