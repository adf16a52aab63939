/** Asks about certificates, keeps answers, and says what they come to. */
import type { X509Certificate } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Agent, AgentOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { invalidArgType, invalidValue } from '../errors.js';
import { checkCertIdHash, type HashAlgorithmName } from '../x509/algorithms.js';
import { type ChainInput, toChain } from '../x509/chain.js';
import { checkNames, type OptionNames } from '../x509/options.js';
import { abortable } from './abortable.js';
import { namedResponders, notApplicable, type Responders } from './applicability.js';
import type { OCSPAttempt } from './attempt.js';
import { CachedAnswer, verdictLater } from './cached-answer.js';
import { ChainResult } from './chain.js';
import { type CheckFacts, CheckResult, FactsFromCache } from './check-result.js';
import { Deadline } from './deadline.js';
import { answered, inapplicableFor, noResponder, unanswered, undetermined } from './facts.js';
import { reasonOf } from './failures.js';
import { type GatheredChain, type GatherOptions, gatherChain } from './gather.js';
import { type ClientSettings, type OCSPClientOptions, toResponderUrl, toSettings } from './options.js';
import { Refresher } from './refresher.js';
import { ResponderMemories } from './responder.js';
import { ResponseCache } from './response-cache.js';
import { RestingQuestions } from './resting-questions.js';
import { search } from './search.js';
import { type ClientQuestion, type Subject, toSubject } from './subject.js';
import { checkPeer, connectorOf, GuardedAgent, guard, type PeerOptions } from './tls/guard.js';

/** Options of {@link OCSPClient.check}. */
export interface CheckOptions {
  /** Ends the waiting of this caller. The question goes on for others, and for the cache. */
  readonly signal?: AbortSignal;
  /** Asks, whatever the cache holds. Responders that rest are let rest all the same. Default `false`. */
  readonly fresh?: boolean;
  /**
   * An answer that came with the certificate, such as in a TLS handshake. Where it counts, no one is asked; where it does not, or
   * an answer is known that is later, it is as if there were none.
   */
  readonly staple?: Uint8Array;
  /**
   * Hash of the CertID by which a responder is asked first, for those who will read the answer. Default: as `hash` of the client
   * says, which counts before this unless it is `'auto'`.
   */
  readonly hash?: HashAlgorithmName;
}

const CHECK_OPTIONS: OptionNames<CheckOptions> = { signal: true, fresh: true, staple: true, hash: true };

/**
 * Asks responders about certificates, verifies what they answer, and keeps it. One of it for a process: what it remembers
 * is what it is for.
 *
 * @example
 * const client = new OCSPClient();
 * const result = await client.check({ certificate, issuer });
 * if (!result.allowed) throw new Error(result.explain());
 */
export class OCSPClient {
  readonly #settings: ClientSettings;
  readonly #cache: ResponseCache;
  readonly #responders = new ResponderMemories();
  readonly #flights = new Map<string, Promise<CheckResult>>();
  readonly #resting = new RestingQuestions();
  readonly #refresher = new Refresher();
  readonly #closed = new AbortController();

  /** @throws TypeError; `ERR_OCSP_INVALID_VALUE`, also for options that there are not; `ERR_OCSP_UNSUPPORTED_ALGORITHM`. */
  constructor(options: OCSPClientOptions = {}) {
    this.#settings = toSettings(options);
    const { cache, inquiry, times } = this.#settings;
    // Each question listens to it.
    setMaxListeners(0, this.#closed.signal);
    this.#cache = new ResponseCache(cache.maxBytes, cache.store, inquiry.verifier, times.timeout);
  }

  /**
   * What is known of a certificate: from the cache, or by asking. That no one answers is a result, too.
   *
   * @throws (rejects with) TypeError, `ERR_OCSP_MALFORMED`, `ERR_OCSP_INVALID_VALUE`, `ERR_OCSP_UNSUPPORTED_ALGORITHM` for
   * what the caller passes; what `responders`, `failPolicy` throw; the reason of `signal`.
   */
  async check(question: ClientQuestion, options: CheckOptions = {}): Promise<CheckResult> {
    if (this.#closed.signal.aborted) throw invalidValue('the client is closed');
    const { signal, fresh = false, staple, hash } = checkNames(options, CHECK_OPTIONS);
    const firstHash = hash === undefined ? null : checkCertIdHash(hash, 'hash').hash;
    const subject = toSubject(question);
    signal?.throwIfAborted();
    // Before anything else: what is known, asked and kept under its serial number is about another certificate.
    const { mismatch } = subject.target;
    if (mismatch !== '') {
      const why = mismatch ?? 'whether its key signed it cannot be told';
      return this.#decide(undetermined('refused', `the issuer given is not that of the certificate: ${why}`));
    }
    if (staple !== undefined) {
      const stapled = await abortable(this.#judgeStaple(subject, staple), signal);
      if (stapled !== null) return stapled;
    }
    if (!fresh) {
      const known = this.#known(subject, question);
      if (known !== null) return known;
    }
    const running = this.#flights.get(subject.questionKey);
    if (running !== undefined) {
      const result = await abortable(running, signal);
      if (!fresh || result.attempts.length > 0) return result;
    }
    return await abortable(
      this.#flights.get(subject.questionKey) ?? this.#start(subject, question, fresh, firstHash),
      signal,
    );
  }

  /**
   * {@link check} for each certificate of a chain, by the one behind it.
   *
   * @param chain - PEM, or a list; the certificate of the end entity first, and last one that is trusted as it is: no one is
   * asked about that.
   * @throws (rejects with) what {@link check} throws; `ERR_OCSP_INVALID_VALUE` for less than two certificates.
   */
  async checkChain(chain: ChainInput, options: CheckOptions = {}): Promise<ChainResult> {
    const certificates = toChain(chain);
    const issuers = certificates.slice(1);
    const checks = issuers.map((issuer, i) =>
      this.check({ certificate: certificates[i] as X509Certificate, issuer }, options),
    );
    return new ChainResult(await Promise.all(checks));
  }

  /**
   * All that proves a chain, to be kept with a signature: the answers about its certificates, the certificates of delegates that signed
   * them, and the answers about those that do not have id-pkix-ocsp-nocheck; and what of it is missing.
   *
   * @param chain - As for {@link checkChain}.
   * @throws (rejects with) what {@link checkChain} throws.
   */
  async gatherChain(chain: ChainInput, options: GatherOptions = {}): Promise<GatheredChain> {
    const { verifier, clock } = this.#settings.inquiry;
    return await gatherChain(this, verifier, clock, chain, options);
  }

  /**
   * Holds a connection to a server back until its certificate is known to be allowed: waits for the handshake, judges the staple,
   * and asks where there is none that counts. To be called at once after `tls.connect({ ..., requestOCSP: true })`; nothing may
   * be written before the promise resolves. A `session` that is resumed is refused, since Node.js does not know its certificate. A
   * certificate whose server always staples (RFC 7633) is refused without one.
   *
   * @throws (rejects with) {@link PeerNotAllowedError}; the error of the connection; the reason of `signal`. The connection is
   * destroyed then.
   */
  async guard(socket: TLSSocket, options: PeerOptions = {}): Promise<CheckResult> {
    return await guard(this, socket, options);
  }

  /**
   * Checks the certificate of the peer of a connection that stands, such as the client of a server that asks for
   * certificates. From the cache where it can; no longer than `timeout` else. A peer without a certificate, or with one that TLS
   * does not trust, is `'undetermined'`, and not allowed.
   *
   * @param socket - One of TLS, as that of a request of an HTTPS server is, though Node.js' types do not say so.
   * @throws (rejects with) TypeError, also for a socket without TLS; what {@link check} throws.
   */
  async checkPeer(socket: Socket, options: PeerOptions = {}): Promise<CheckResult> {
    return await checkPeer(this, socket, options);
  }

  /**
   * An agent for node:https whose connections are {@link guard}ed: a request has its socket at once, but nothing is sent, and nothing that
   * comes is seen, before the check is over. None resumes a session: each has a handshake of its own, which takes `timeout` milliseconds
   * at most, 10,000 by default.
   *
   * @throws `ERR_OCSP_INVALID_VALUE` for `proxyEnv`: Node.js shows the connection inside a tunnel too late; for what is wrong with `peer`,
   * as {@link connector} throws.
   */
  createAgent(options: AgentOptions = {}, peer: PeerOptions = {}): Agent {
    return new GuardedAgent(this, options, peer);
  }

  /**
   * For `new Agent({ connect })` of undici: connections that are {@link guard}ed, to https alone. A handshake takes `timeout`
   * milliseconds at most, 10,000 by default. With `httpSocket` the connection is made inside of that one, as through a proxy.
   *
   * @throws TypeError; `ERR_OCSP_INVALID_VALUE`; `ERR_OCSP_MALFORMED` for an issuer that is no certificate.
   */
  connector(options: ConnectionOptions = {}, peer: PeerOptions = {}): ReturnType<typeof connectorOf> {
    return connectorOf(this, options, peer);
  }

  /** Ends connections and questions that are under way. */
  async close(): Promise<void> {
    this.#closed.abort(new Error('the client is closed'));
    this.#settings.inquiry.transport.close();
    await Promise.allSettled(this.#flights.values());
  }

  /** {@link close} */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * What is kept about a certificate, in memory or in the store, where it counts; no one is asked.
   *
   * @internal
   */
  async recall(question: ClientQuestion): Promise<CheckResult | null> {
    const subject = toSubject(question);
    if (subject.target.mismatch !== '') return null;
    const answer = this.#cache.get(subject) ?? (await this.#cache.load(subject, this.#now()));
    const now = this.#now();
    if (answer === undefined || !this.#cache.counts(answer, subject, now)) return null;
    return this.#fromCache(answer, subject, now);
  }

  /** What can be told without asking: an answer in its time, or that there was none a moment ago. */
  #known(subject: Subject, question: ClientQuestion): CheckResult | null {
    const now = this.#now();
    const answer = this.#cache.get(subject);
    if (answer !== undefined && this.#cache.counts(answer, subject, now)) {
      if (now >= answer.refreshAt) this.#refresh(subject, question, answer);
      return this.#fromCache(answer, subject, now);
    }
    const resting = this.#resting.get(subject, now);
    // "Revoked" is more than that there was no one to ask, also past its end.
    return answer?.status === 'revoked' && resting?.outcome !== 'revoked' ? null : resting;
  }

  /** Null where it does not count, or something later is known. */
  async #judgeStaple(subject: Subject, staple: Uint8Array): Promise<CheckResult | null> {
    const { verifier } = this.#settings.inquiry;
    const now = this.#now();
    // Most servers staple what they stapled before: it need not be kept again.
    const kept = this.#cache.get(subject);
    if (kept?.status !== 'unknown' && kept?.der.equals(staple) && this.#cache.counts(kept, subject, now))
      return this.#decide(answered(kept.status, kept.verdictAt(now, verifier, subject), 'staple'));
    const verdict = verifier.verify(staple, subject.question(now));
    if (!verdict.usable || verdict.status === 'unknown') return null;
    const answer = CachedAnswer.of(verdict, now, subject);
    const known = await this.#cache.adopt(subject, answer, now);
    if (known !== answer && !known.der.equals(answer.der)) return null;
    const later = this.#now();
    if (!this.#cache.counts(answer, subject, later)) return null;
    const latest = verdictLater(verdict, later, verifier, subject);
    return latest.usable ? this.#decide(answered(latest.status, latest, 'staple')) : null;
  }

  #fromCache(answer: CachedAnswer, subject: Subject, now: number): CheckResult {
    return this.#decide(new FactsFromCache(answer, now, this.#settings.inquiry.verifier, subject));
  }

  /** In the background, a few at a time; whoever checks meanwhile has what is known. */
  #refresh(subject: Subject, question: ClientQuestion, answer: CachedAnswer): void {
    if (this.#flights.has(subject.questionKey)) return;
    void this.#refresher.add(subject.questionKey, async () => {
      if (this.#flights.has(subject.questionKey) || this.#closed.signal.aborted) return;
      await this.#start(subject, question, false, null);
      // (One that is signed anew each time comes with the same times.)
      const now = this.#now();
      const known = this.#cache.get(subject) ?? answer;
      if (now >= known.refreshAt) this.#cache.postpone(known, subject, now);
    });
  }

  /** One question for all who ask it meanwhile. */
  #start(
    subject: Subject,
    question: ClientQuestion,
    fresh: boolean,
    firstHash: HashAlgorithmName | null,
  ): Promise<CheckResult> {
    const flight = this.#fly(subject, question, fresh, firstHash).finally(() =>
      this.#flights.delete(subject.questionKey),
    );
    this.#flights.set(subject.questionKey, flight);
    // Whoever started it may have gone.
    flight.catch(() => {});
    return flight;
  }

  async #fly(
    subject: Subject,
    question: ClientQuestion,
    fresh: boolean,
    firstHash: HashAlgorithmName | null,
  ): Promise<CheckResult> {
    let stored = await this.#cache.load(subject, this.#now());
    const now = this.#now();
    if (stored !== undefined && !fresh && now < stored.refreshAt && this.#cache.counts(stored, subject, now))
      return this.#fromCache(stored, subject, now);
    const facts = await this.#ask(subject, question, firstHash, (known) => {
      stored = known;
    });
    const isOpen = facts.outcome === 'undetermined' || facts.outcome === 'not-applicable';
    const result = this.#decide(isOpen ? this.#orKnown(subject, facts, stored) : facts);
    this.#resting.put(subject, result, this.#now(), this.#endOf(result));
    return result;
  }

  /** @param onLater - told of an answer that is known to be later than that which came */
  async #ask(
    subject: Subject,
    question: ClientQuestion,
    firstHash: HashAlgorithmName | null,
    onLater: (known: CachedAnswer) => void,
  ): Promise<CheckFacts> {
    const { minLifetime, times } = this.#settings;
    const inquiry = { ...this.#settings.inquiry, firstHash };
    const inapplicable = notApplicable(subject, minLifetime);
    if (inapplicable !== null) return inapplicableFor(inapplicable);
    using deadline = new Deadline(inquiry.clock, times.timeout, this.#closed.signal);
    const { signal } = deadline;
    let responders: Responders;
    try {
      responders = await abortable(this.#respondersFor(subject, question), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      return undetermined('unreachable', `the function of responders: ${reasonOf(error)}`);
    }
    const { urls, others } = responders;
    if (urls.length === 0) return noResponder(subject, others);
    const { best, attempts } = await search(urls, this.#responders, subject, inquiry, times.hedgeAfter, deadline);
    if (best.failure !== null || !best.verdict?.usable) return unanswered(attempts, best);
    const instead = (change: Partial<OCSPAttempt>): readonly OCSPAttempt[] =>
      attempts.map((item) => (item === best ? { ...item, ...change } : item));
    const refuse = (reason: string): CheckFacts => unanswered(instead({ failure: 'refused', reason }), best);
    // Time has passed since it was verified, and passes while it is stored: hours, where the machine slept.
    const ended = 'the answer ended before it could be used';
    const now = this.#now();
    const verdict = verdictLater(best.verdict, now, inquiry.verifier, subject);
    if (!verdict.usable) return refuse(ended);
    const answer = CachedAnswer.of(verdict, now, subject);
    const known = await this.#cache.adopt(subject, answer, now);
    if (known !== answer) {
      onLater(known);
      return refuse(
        known.status === 'revoked' && answer.status === 'unknown'
          ? 'it is known to be revoked, and "unknown" takes nothing back'
          : 'the answer is older than one that is known',
      );
    }
    const latest = verdictLater(verdict, this.#now(), inquiry.verifier, subject);
    if (!latest.usable) return refuse(ended);
    return answered(answer.status, latest, 'network', instead({ verdict: latest }));
  }

  /**
   * There was no answer that counts, or no one to ask: what is known counts on in its time, and "revoked" past it.
   *
   * @param stored - What the store had, which memory may have no room for.
   */
  #orKnown(subject: Subject, facts: CheckFacts, stored: CachedAnswer | undefined): CheckFacts {
    const { staleIfError, inquiry } = this.#settings;
    const { failure, attempts } = facts;
    const known = this.#cache.get(subject) ?? stored;
    if (known === undefined) return facts;
    const now = this.#now();
    if (this.#cache.counts(known, subject, now))
      return answered(known.status, known.verdictAt(now, inquiry.verifier, subject), 'cache', attempts);
    const age = now - known.usableUntil;
    const mayBeStale = failure === 'unreachable' && known.status === 'good' && age >= 0 && age < staleIfError;
    if (known.status !== 'revoked' && !mayBeStale) return facts;
    const verdict = known.lastVerdict(inquiry.verifier, subject);
    // (By this certificate of the CA it may never have counted.)
    if (known.status !== 'revoked' && !verdict.usable) return facts;
    return answered(known.status, verdict, 'stale', attempts);
  }

  /** When a result that came of no answer counts no more, whatever is known then; milliseconds since 1970-01-01. */
  #endOf({ outcome, source, verdict }: CheckResult): number {
    if (outcome !== 'good' || source !== 'stale' || !verdict?.usable) return Number.POSITIVE_INFINITY;
    return verdict.freshUntil.getTime() + this.#settings.staleIfError;
  }

  async #respondersFor(subject: Subject, question: ClientQuestion): Promise<Responders> {
    const { responders } = this.#settings;
    if (responders === null) return namedResponders(subject);
    if (typeof responders !== 'function') return { urls: responders, others: [] };
    return { urls: Array.from(await responders(question), toResponderUrl), others: [] };
  }

  #decide(facts: CheckFacts): CheckResult {
    const { failPolicy } = this.#settings;
    const { outcome, failure } = facts;
    if (outcome === 'good') return new CheckResult(facts, true);
    if (outcome === 'revoked' || typeof failPolicy !== 'function') {
      const passes = outcome === 'not-applicable' || (failPolicy === 'soft' && failure === 'unreachable');
      return new CheckResult(facts, passes);
    }
    const result = new CheckResult(facts, false);
    const allowed: unknown = failPolicy(result);
    // A promise would be "true", whatever it came to.
    if (typeof allowed !== 'boolean') throw invalidArgType('the result of failPolicy', 'a boolean', allowed);
    return allowed ? new CheckResult(facts, true) : result;
  }

  #now(): number {
    return this.#settings.inquiry.clock.now();
  }
}
