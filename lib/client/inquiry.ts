/** Asks one responder: GET or POST, SHA-256 or SHA-1, with a nonce or without, until it has understood. */
import { randomBytes } from 'node:crypto';
import { OCSPResponseStatus } from '../ocsp/enums.js';
import type { OCSPRequest } from '../ocsp/request.js';
import type { Verifier } from '../ocsp/verification/verifier.js';
import { HashAlgorithm, type HashAlgorithmName } from '../x509/algorithms.js';
import { OCSPNonce } from '../x509/extensions/request.js';
import {
  better,
  failedAttempt,
  judgedAttempt,
  mayDislikeNonce,
  maySpeakOtherHash,
  type OCSPAttempt,
  settles,
} from './attempt.js';
import type { ClientClock } from './clock.js';
import { OutOfTimeError } from './deadline.js';
import { exchange, urlForGet } from './exchange.js';
import { ExchangeError, withoutCredentials } from './failures.js';
import type { ResponderMemory } from './responder.js';
import type { Subject } from './subject.js';
import type { Transport } from './transport.js';

/** How responders are asked. */
export interface InquiryOptions {
  readonly transport: Transport;
  readonly verifier: Verifier;
  readonly clock: ClientClock;
  readonly method: 'auto' | 'post';
  readonly hash: HashAlgorithmName | 'auto';
  /** Which one comes first with `'auto'`; null: as the responder liked it. */
  readonly firstHash?: HashAlgorithmName | null;
  /** What is sent, or how many bytes of it; null for none. */
  readonly nonce: OCSPNonce | number | null;
  /** Answers without the nonce do not count. */
  readonly nonceRequired: boolean;
  /** Milliseconds after which a GET without an answer is tried by POST. */
  readonly patience: number;
  /** Whether a URL may lead to public addresses only. */
  readonly isGuarded: (url: URL) => boolean;
}

/** Bytes of a nonce for responders that do not take 32. */
const SHORT_NONCE = 16;

/**
 * Asks about a certificate, and verifies. Never rejects. Ends early when `signal` says so.
 *
 * @param report - Told of each exchange.
 */
export async function inquire(
  responder: URL,
  memory: ResponderMemory,
  subject: Subject,
  options: InquiryOptions,
  signal: AbortSignal,
  report: (attempt: OCSPAttempt) => void,
): Promise<OCSPAttempt> {
  const hashes = hashesFor(options, memory);
  const began = options.clock.now();
  const rest = memory.restAt(began);
  if (rest > 0) {
    const attempt = failedAttempt(
      { failure: 'unreachable', url: withoutCredentials(responder) },
      `it failed before, and is asked again in ${Math.ceil(rest / 1000)} seconds`,
      null,
      hashes[0],
    );
    report(attempt);
    return attempt;
  }
  const inquiry = new Inquiry(responder, memory, subject, options, signal, report);
  let best: OCSPAttempt | undefined;
  for (const hash of hashes) {
    const attempt = await inquiry.byHash(hash);
    best = better(best, attempt);
    if (settles(attempt) && !options.firstHash) memory.hash = hash;
    if (signal.aborted || !maySpeakOtherHash(attempt)) break;
  }
  const result = best as OCSPAttempt;
  // Whoever was cut short because another responder was faster has neither failed nor answered: what comes of it comes late.
  if (signal.aborted && !(signal.reason instanceof OutOfTimeError)) return result;
  if (result.failure === 'unreachable') memory.failed(options.clock.now(), began, inquiry.retryAfter);
  else memory.answered();
  return result;
}

function hashesFor(
  { hash: wanted, firstHash }: InquiryOptions,
  memory: ResponderMemory,
): [HashAlgorithmName, ...HashAlgorithmName[]] {
  if (wanted !== 'auto') return [wanted];
  const { SHA256, SHA1 } = HashAlgorithm;
  const first = firstHash ?? memory.hash ?? SHA256;
  return [first, ...[SHA256, SHA1].filter((hash) => hash !== first)];
}

class Inquiry {
  /** Seconds for which the responder asks to be left alone. */
  retryAfter = 0;
  readonly #responder: URL;
  readonly #memory: ResponderMemory;
  readonly #subject: Subject;
  readonly #options: InquiryOptions;
  readonly #signal: AbortSignal;
  readonly #report: (attempt: OCSPAttempt) => void;

  constructor(
    responder: URL,
    memory: ResponderMemory,
    subject: Subject,
    options: InquiryOptions,
    signal: AbortSignal,
    report: (attempt: OCSPAttempt) => void,
  ) {
    this.#responder = responder;
    this.#memory = memory;
    this.#subject = subject;
    this.#options = options;
    this.#signal = signal;
    this.#report = report;
  }

  /** With shorter nonces, and then none, while the responder may be one that does not like them. */
  async byHash(hash: HashAlgorithmName): Promise<OCSPAttempt> {
    let best: OCSPAttempt | undefined;
    for (const nonce of this.#nonces()) {
      const attempt = await this.#ask(hash, nonce);
      best = better(best, attempt);
      if (nonce !== null && attempt.failure === null) this.#memory.nonceLength = nonce.nonce.length;
      if (this.#signal.aborted || !mayDislikeNonce(attempt)) break;
    }
    return best as OCSPAttempt;
  }

  #nonces(): (OCSPNonce | null)[] {
    const { nonce, nonceRequired } = this.#options;
    if (nonce === null) return [null];
    if (nonce instanceof OCSPNonce) return [nonce];
    const known = this.#memory.nonceLength;
    const lengths = known === null ? [nonce, ...(nonce > SHORT_NONCE ? [SHORT_NONCE] : [])] : [Math.min(known, nonce)];
    const nonces = lengths.map((length) => new OCSPNonce(randomBytes(length)));
    return nonceRequired ? nonces : [...nonces, null];
  }

  async #ask(hash: HashAlgorithmName, nonce: OCSPNonce | null): Promise<OCSPAttempt> {
    const request = this.#subject.request(hash, nonce);
    const { method, patience, clock } = this.#options;
    const der = request.publicBytes();
    const getUrl = method === 'auto' && !this.#memory.postOnly ? urlForGet(this.#responder, der) : null;
    if (getUrl === null) return await this.#send(this.#responder, 'POST', request, this.#signal);

    const impatience = new AbortController();
    const callOff = clock.after(patience, () => impatience.abort(new OutOfTimeError(patience)));
    const byGet = await this.#send(getUrl, 'GET', request, AbortSignal.any([this.#signal, impatience.signal]));
    callOff();
    const inVain = impatience.signal.aborted && byGet.verdict === null;
    if (this.#signal.aborted) return byGet;
    // It may be that of a cache on the way (RFC 9919 section 7).
    if (hasEnded(byGet)) return better(byGet, await this.#send(getUrl, 'GET', request, this.#signal, true));
    if (!(inVain || refusesGet(byGet))) return byGet;
    const byPost = await this.#send(this.#responder, 'POST', request, this.#signal);
    if (byPost.verdict !== null) this.#memory.postOnly = true;
    return better(byGet, byPost);
  }

  async #send(
    url: URL,
    method: 'GET' | 'POST',
    request: OCSPRequest,
    signal: AbortSignal,
    noCache: boolean = false,
  ): Promise<OCSPAttempt> {
    const attempt = await this.#exchange(url, method, request, signal, noCache);
    this.#report(attempt);
    return attempt;
  }

  async #exchange(
    url: URL,
    method: 'GET' | 'POST',
    request: OCSPRequest,
    signal: AbortSignal,
    noCache: boolean,
  ): Promise<OCSPAttempt> {
    const { transport, verifier, clock, isGuarded, nonceRequired } = this.#options;
    const { hashAlgorithm } = request;
    try {
      const answer = await exchange(transport, url, request.publicBytes(), { method, noCache, signal, isGuarded });
      const verdict = await verifier.verifyAsync(answer.body, this.#subject.question(clock.now(), request));
      if (verdict.responseStatus === OCSPResponseStatus.TRY_LATER) this.#leaveAlone(answer.retryAfter);
      const fault = verdict.usable && nonceRequired && verdict.nonce !== 'equal' ? 'the answer has no nonce' : null;
      return judgedAttempt(answer.url, method, hashAlgorithm, verdict, fault);
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      this.#leaveAlone(error.fault.retryAfter ?? 0);
      return failedAttempt(error.fault, error.message, method, hashAlgorithm);
    }
  }

  #leaveAlone(seconds: number): void {
    this.retryAfter = Math.max(this.retryAfter, seconds);
  }
}

function hasEnded({ verdict }: OCSPAttempt): boolean {
  return verdict?.refusals.some(({ code }) => code === 'EXPIRED' || code === 'TOO_OLD') ?? false;
}

/** (404: servers that know the path of POST only. 501: those that do not know GET.) */
function refusesGet({ httpStatus }: OCSPAttempt): boolean {
  return httpStatus !== null && ((httpStatus >= 400 && httpStatus < 429) || httpStatus === 501);
}
