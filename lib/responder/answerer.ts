/** From a request to its answer, under one configuration. */
import type { CertIdHashIndex, SingleResponseTuple } from '../../typings/binding.js';
import { OCSPCertStatus, OCSPResponseStatus } from '../ocsp/enums.js';
import type { OCSPRequest } from '../ocsp/request.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import { nameHash } from '../store/issuer-identity.js';
import type { ResponseRecord } from '../store/response-store.js';
import { CERT_ID_HASHES, type HashAlgorithm } from '../x509/algorithms.js';
import { integerToBytes } from '../x509/integer.js';
import { Answer, errorAnswer, Prepared } from './answer.js';
import { AnswerCache } from './answer-cache.js';
import { hexOf } from './authority.js';
import { publishError, publishSignature } from './channels.js';
import { notIssuedEntry, responseExtensions, singleFor } from './content.js';
import { combine, type Finding, inTime, isExtendedRevoke } from './finding.js';
import { Budget, Gate, Overload } from './gate.js';
import { IssuerTable, type ResponderIssuer } from './issuer.js';
import type { Known } from './knowledge.js';
import type { LiveSigner } from './live-signer.js';
import type { Limits } from './options.js';
import { type Asked, type AskedNonce, readAsked, readNonce, readRequest } from './request.js';
import { isPermanent, moreTrue, saysTheSame } from './statement.js';
import { readStore, type Stored } from './store-reader.js';

const { MALFORMED_REQUEST, INTERNAL_ERROR, TRY_LATER, SIG_REQUIRED, UNAUTHORIZED, SUCCESSFUL } = OCSPResponseStatus;

/** Longest nonce (RFC 9654 section 2.1). */
const LONGEST_NONCE = 128;
/** How often an answer is begun, in case the status changes while it is being signed. */
const ATTEMPTS = 3;
/** Milliseconds after which a store is asked again about an answer that is in memory. */
const STORE_INTERVAL = 500;

/** What a store that fails has to say. */
const UNREADABLE = Symbol('unreadable');
type MaybeStored = Stored | typeof UNREADABLE | undefined;

/** Whether a store that fails may hold a revocation that nobody else knows: only "revoked" is true whatever it holds. */
function hides(stored: MaybeStored, known: Known): boolean {
  return stored === UNREADABLE && known?.status !== OCSPCertStatus.REVOKED;
}

/** A question about a certificate of an issuer that is answered for. */
export interface Question extends Asked {
  readonly issuer: ResponderIssuer;
  readonly serialNumber: string;
}

/** There is no answer, and why. */
class NoAnswer extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super('no answer');
    this.answer = answer;
  }
}

export class Answerer {
  readonly issuers: readonly ResponderIssuer[];
  readonly limits: Limits;
  readonly cache: AnswerCache;
  /** Of the keys in this process, which share its cores. */
  readonly gate: Gate;
  readonly #owner: object;
  readonly #table: IssuerTable;
  readonly #budget: Budget | undefined;
  /** Answers that are being signed, by their key in the cache. */
  readonly #signing = new Map<string, Promise<Prepared>>();

  constructor(owner: object, issuers: readonly ResponderIssuer[], limits: Limits) {
    this.#owner = owner;
    this.issuers = issuers;
    this.limits = limits;
    this.#table = new IssuerTable(issuers);
    this.cache = new AnswerCache(limits.cacheBytes);
    this.gate = new Gate(limits.live);
    this.#budget = Number.isFinite(limits.perSecond) ? new Budget(limits.perSecond) : undefined;
  }

  /** Never throws. A promise only where something takes time. */
  answer(bytes: Uint8Array): Answer | Promise<Answer> {
    try {
      const answer = this.#answer(bytes, Date.now());
      return answer instanceof Promise ? answer.catch((error: unknown) => this.#failure(error)) : answer;
    } catch (error) {
      return this.#failure(error);
    }
  }

  #failure(error: unknown): Answer {
    if (error instanceof NoAnswer) return error.answer;
    if (error instanceof Overload) return errorAnswer(TRY_LATER);
    publishError(this.#owner, 'answer', undefined, error);
    return errorAnswer(INTERNAL_ERROR);
  }

  #answer(bytes: Uint8Array, now: number): Answer | Promise<Answer> {
    const { limits } = this;
    if (bytes.length > limits.maxRequestBytes) return errorAnswer(MALFORMED_REQUEST);
    let request: OCSPRequest;
    let asked: Asked[];
    let nonce: AskedNonce | null;
    try {
      request = readRequest(bytes);
      const { requests } = request;
      if (requests.length === 0 || requests.length > limits.maxCertIds) return errorAnswer(MALFORMED_REQUEST);
      nonce = readNonce(request, requests);
      asked = requests.map((entry) => readAsked(entry, this.#table));
    } catch {
      return errorAnswer(MALFORMED_REQUEST);
    }
    if (nonce !== null && (nonce.length < 1 || nonce.length > LONGEST_NONCE)) return errorAnswer(MALFORMED_REQUEST);
    if (limits.nonce === (nonce === null ? 'required' : 'forbidden')) return errorAnswer(MALFORMED_REQUEST);
    if (limits.requestSignatures !== 'ignored') {
      const problem = this.#checkSignature(request);
      if (problem !== undefined) return errorAnswer(problem);
    }
    // What nobody here answers for costs nothing, and a hash that is not known cannot be answered in.
    if (asked.every((one) => one.issuer === undefined || one.serialNumber === undefined))
      return errorAnswer(UNAUTHORIZED);
    if (asked.some(({ hash }) => CERT_ID_HASHES[hash] === undefined)) return errorAnswer(UNAUTHORIZED);
    if (limits.nonce === 'ignored') nonce = null;
    if (asked.length === 1 && nonce === null) return this.#answerOne(asked[0] as Question, now, ATTEMPTS);
    if (this.#pays()) return this.#answerLive(asked, nonce, now);
    return asked.length === 1 && limits.nonce === 'optional'
      ? this.#answerOne(asked[0] as Question, now, ATTEMPTS)
      : errorAnswer(TRY_LATER);
  }

  /** Whether one more answer may be signed that cannot be kept. */
  #pays(): boolean {
    return this.#budget?.take() ?? true;
  }

  #checkSignature(request: OCSPRequest): typeof SIG_REQUIRED | typeof UNAUTHORIZED | undefined {
    if (!request.isSigned) return this.limits.requestSignatures === 'required' ? SIG_REQUIRED : undefined;
    try {
      const trust = this.limits.requestTrust;
      if (request.verifySignature(trust === undefined ? {} : { trust }).verified) return undefined;
    } catch {
      // What cannot be verified is not.
    }
    return UNAUTHORIZED;
  }

  // One certificate, no nonce: what is at hand will do.

  #answerOne(question: Question, now: number, attempts: number): Answer | Promise<Answer> {
    const { issuer, hash, name, serialNumber } = question;
    const key = `${issuer.index} ${hash + 8 * name} ${serialNumber}`;
    const cached = this.cache.get(key);
    if (cached !== undefined && issuer.knowledge.hasFeed && !this.#asksStore(issuer, cached, now)) {
      const news = issuer.knowledge.news(question);
      if (news === undefined || saysTheSame(cached.entry, news)) return this.#give(question, key, cached, 'cache', now);
    }
    const known = this.#known(question);
    if (known instanceof Promise)
      return known.then(
        (entry) => this.#withKnown(question, key, entry, now, attempts),
        (error: unknown) => this.#withoutKnown(question, key, error, now),
      );
    return this.#withKnown(question, key, known, now, attempts);
  }

  /** Whether the answer in memory is too old, or the store may have another one by now. */
  #asksStore(issuer: ResponderIssuer, cached: Prepared, now: number): boolean {
    if (!cached.isUsable(now) || now >= cached.refreshAt) return true;
    return issuer.store !== undefined && performance.now() - cached.checkedAt >= STORE_INTERVAL;
  }

  #withKnown(question: Question, key: string, known: Known, now: number, attempts: number): Answer | Promise<Answer> {
    const { issuer } = question;
    const cached = this.cache.get(key);
    if (cached !== undefined && known !== undefined && saysTheSame(cached.entry, known)) {
      cached.confirmedAt = performance.now();
      if (!this.#asksStore(issuer, cached, now)) return this.#give(question, key, cached, 'cache', now);
    }
    const stored = this.#readStore(question);
    if (stored instanceof Promise)
      return stored.then((found) => this.#withStored(question, key, known, found, now, attempts));
    return this.#withStored(question, key, known, stored, now, attempts);
  }

  #withStored(
    question: Question,
    key: string,
    known: Known,
    found: MaybeStored,
    now: number,
    attempts: number,
  ): Answer | Promise<Answer> {
    const { issuer, serialNumber } = question;
    if (hides(found, known)) return errorAnswer(TRY_LATER);
    const stored = found === UNREADABLE ? undefined : found;
    const finding = combine(known, stored) ?? notIssuedEntry(issuer, serialNumber);
    this.#checkLag(issuer, finding);
    if (finding === undefined) return errorAnswer(UNAUTHORIZED);
    const cached = this.cache.get(key);
    const usable = [cached, stored?.answer].filter(
      (answer) => answer?.isUsable(now) && saysTheSame(answer.entry, finding),
    );
    const [late] = usable;
    const fresh = issuer.signerAt(now) === undefined ? late : usable.find((answer) => answer && now < answer.refreshAt);
    if (fresh !== undefined) {
      fresh.checkedAt = performance.now();
      if (fresh === cached) return this.#give(question, key, fresh, 'cache', now);
      this.cache.set(key, fresh);
      return this.#give(question, key, fresh, 'store', now);
    }
    // Guessed serial numbers would fill the cache.
    const isGuess = known === undefined && finding !== stored?.entry && issuer.notIssued !== 'good';
    if (isGuess) return this.#pays() ? this.#answerLive([question], null, now) : errorAnswer(TRY_LATER);
    return this.#signOne(question, key, finding, now).then(
      (prepared) => this.#afterSigning(question, key, prepared, attempts),
      (error: unknown) => {
        // Late, but true.
        if (late !== undefined) return this.#give(question, key, late, late === cached ? 'cache' : 'store', now);
        throw error;
      },
    );
  }

  /** The status may have changed while the answer was signed. */
  #afterSigning(question: Question, key: string, prepared: Prepared, attempts: number): Answer | Promise<Answer> {
    const now = Date.now();
    if (this.#isStill(question, prepared.entry)) return this.#give(question, key, prepared, 'live', now);
    if (attempts <= 1) throw new Overload('the status changes all the time');
    return this.#answerOne(question, now, attempts - 1);
  }

  #give(question: Question, key: string, prepared: Prepared, source: 'store' | 'cache' | 'live', now: number): Answer {
    this.#checkLag(question.issuer, prepared.entry);
    if (source === 'cache') this.cache.touch(key, prepared, now);
    return new Answer(prepared.der, SUCCESSFUL, source, prepared, now, this.limits.maxAge);
  }

  /** The authority cannot be asked. What was true a moment ago may be said, and so may what can never become untrue. */
  #withoutKnown(question: Question, key: string, error: unknown, now: number): Answer {
    const { issuer } = question;
    publishError(this.#owner, 'authority', issuer, error);
    const cached = this.cache.get(key);
    const isTrue =
      cached !== undefined &&
      (isPermanent(cached.entry) || performance.now() - cached.confirmedAt <= this.limits.maxLag);
    if (isTrue && cached.isUsable(now))
      return new Answer(cached.der, SUCCESSFUL, 'cache', cached, now, this.limits.maxAge);
    return errorAnswer(TRY_LATER);
  }

  #checkLag(issuer: ResponderIssuer, finding: Finding): void {
    if (finding?.status === OCSPCertStatus.REVOKED) return;
    if (issuer.knowledge.lag > this.limits.maxLag) throw new NoAnswer(errorAnswer(TRY_LATER));
  }

  #known({ issuer, serialNumber }: Question): Known | Promise<Known> {
    try {
      const known = issuer.knowledge.now({ issuer, serialNumber });
      return known instanceof Promise ? inTime(known, this.limits.live.timeout) : known;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #readStore(question: Question): MaybeStored | Promise<MaybeStored> {
    const { issuer } = question;
    if (issuer.store === undefined) return undefined;
    const failed = (error: unknown): typeof UNREADABLE => {
      publishError(this.#owner, 'store', issuer, error);
      return UNREADABLE;
    };
    try {
      const stored = readStore(issuer, issuer.store, question.serialNumber, question);
      return stored instanceof Promise ? inTime(stored, this.limits.live.timeout).catch(failed) : stored;
    } catch (error) {
      return failed(error);
    }
  }

  /** Whether an entry is still what is known, as far as can be said at once. */
  #isStill({ issuer, serialNumber }: Question, entry: StatusEntry): boolean {
    const { knowledge } = issuer;
    const id = { issuer, serialNumber };
    const known = knowledge.hasFeed ? knowledge.news(id) : knowledge.now(id);
    if (known instanceof Promise) {
      // What has been told since counts; the rest is as new as the question.
      known.catch(() => undefined);
      const news = knowledge.news(id);
      return news === undefined || saysTheSame(entry, moreTrue(news, entry));
    }
    return known === undefined || saysTheSame(entry, moreTrue(known, entry));
  }

  /** Signs the answer for one certificate; once, for all who wait for it. */
  #signOne(question: Question, key: string, entry: StatusEntry, now: number): Promise<Prepared> {
    const under = this.#signing.get(key);
    if (under !== undefined) return under;
    const promise = this.#sign(question.issuer, [{ question, entry }], null, now)
      .then(({ der, signer, singles }) => {
        const [single] = singles;
        const [, , , , , , , , thisUpdate, nextUpdate] = single as SingleResponseTuple;
        const times = { producedAt: Math.floor(now / 1000), thisUpdate, nextUpdate: nextUpdate ?? null };
        const prepared = new Prepared(der, entry, times, signer.notAfter);
        this.cache.set(key, prepared);
        return prepared;
      })
      .finally(() => this.#signing.delete(key));
    this.#signing.set(key, promise);
    return promise;
  }

  // Several certificates, or a nonce: an answer for this request alone.

  async #answerLive(asked: readonly Asked[], nonce: AskedNonce | null, now: number): Promise<Answer> {
    const issuer = asked.find((one) => one.issuer !== undefined)?.issuer;
    if (issuer === undefined) return errorAnswer(UNAUTHORIZED);
    const signer = issuer.signerAt(now);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const findings = await Promise.all(asked.map((one) => this.#find(one, issuer, signer)));
      if (findings.every((finding) => finding === undefined)) return errorAnswer(UNAUTHORIZED);
      const content = asked.map((question, i) => ({
        question,
        entry: findings[i] ?? { serialNumber: question.serialNumber ?? 0n, status: OCSPCertStatus.UNKNOWN },
      }));
      const { der } = await this.#sign(issuer, content, nonce, attempt === 1 ? now : Date.now());
      const isStill = content.every(
        ({ question, entry }, i) =>
          findings[i] === undefined ||
          entry.status === OCSPCertStatus.REVOKED ||
          this.#isStill(question as Question, entry),
      );
      if (isStill) return new Answer(der, SUCCESSFUL, 'live');
    }
    throw new Overload('the status changes all the time');
  }

  /** What to say of one of several certificates; undefined for what this signer may say nothing of, or nobody knows. */
  async #find(asked: Asked, answering: ResponderIssuer, signer: LiveSigner | undefined): Promise<Finding> {
    const { issuer, serialNumber } = asked;
    if (issuer === undefined || serialNumber === undefined) return undefined;
    const maySign =
      issuer === answering ||
      issuer.signers.some(
        ({ responder }) => signer !== undefined && responder.x509.raw.equals(signer.responder.x509.raw),
      );
    if (!maySign) return undefined;
    const question = asked as Question;
    let known: Known;
    try {
      known = await this.#known(question);
    } catch (error) {
      publishError(this.#owner, 'authority', issuer, error);
      throw new NoAnswer(errorAnswer(TRY_LATER));
    }
    const stored = await this.#readStore(question);
    if (hides(stored, known)) throw new NoAnswer(errorAnswer(TRY_LATER));
    const finding = combine(known, stored === UNREADABLE ? undefined : stored) ?? notIssuedEntry(issuer, serialNumber);
    this.#checkLag(issuer, finding);
    return finding;
  }

  /** A signed answer as it goes into a store. */
  async record(
    issuer: ResponderIssuer,
    entry: StatusEntry,
    hash: CertIdHashIndex,
    now: number,
  ): Promise<ResponseRecord> {
    const issuerNameHash = nameHash(issuer.identity.names[0] as Uint8Array, hash);
    const issuerKeyHash = issuer.parsed.publicKeyHash(hash);
    const serialNumber = hexOf(entry.serialNumber);
    const serialBytes = integerToBytes(BigInt(`0x${serialNumber}`));
    const question = { issuer, hash, name: 0, serialNumber, serialBytes, issuerNameHash, issuerKeyHash };
    const { der, singles } = await this.#sign(issuer, [{ question, entry }], null, now);
    return {
      serial: serialNumber,
      hashAlgorithm: CERT_ID_HASHES[hash]?.hash as HashAlgorithm,
      statusVersion: entry.statusVersion ?? Math.floor(now / 1000),
      producedAt: Math.floor(now / 1000),
      certStatus: entry.status,
      nextUpdate: singles[0]?.[9] ?? null,
      der,
    };
  }

  async #sign(
    issuer: ResponderIssuer,
    content: readonly { readonly question: Asked; readonly entry: StatusEntry }[],
    nonce: AskedNonce | null,
    now: number,
  ): Promise<{ der: Buffer; signer: LiveSigner; singles: readonly SingleResponseTuple[] }> {
    const signer = issuer.signerAt(now);
    if (signer === undefined) {
      publishError(this.#owner, 'signer', issuer, new Error('no signer whose certificate is valid'));
      throw new NoAnswer(errorAnswer(TRY_LATER));
    }
    const times = { ...signer.timesAt(now), last: Math.floor(signer.notAfter / 1000) };
    let usesExtendedRevoke = issuer.extendedRevoke === 'always';
    const singles = content.map(({ question, entry }) => {
      const { hash, serialBytes, issuerNameHash: name, issuerKeyHash: key } = question;
      if (issuer.extendedRevoke !== undefined && isExtendedRevoke(entry)) usesExtendedRevoke = true;
      return singleFor(issuer, { hash, serialBytes, name, key }, entry, times, now);
    });
    for (const [, , , , , , , , thisUpdate, nextUpdate] of singles) {
      // An authority whose own list ends, or a certificate that ends this second.
      if (nextUpdate !== undefined && (nextUpdate <= thisUpdate || nextUpdate * 1000 <= now))
        throw new NoAnswer(errorAnswer(TRY_LATER));
    }
    const extensions = responseExtensions(nonce, usesExtendedRevoke);
    const gate = signer.isLocal ? this.gate : issuer.gate;
    try {
      const der = await gate.run(() => signer.sign(singles, extensions, now));
      const entries = content.map(({ entry }) => entry);
      publishSignature(this.#owner, issuer, signer, entries);
      return { der, signer, singles };
    } catch (error) {
      if (!(error instanceof Overload)) publishError(this.#owner, 'signer', issuer, error);
      throw error instanceof Overload ? error : new NoAnswer(errorAnswer(TRY_LATER));
    }
  }
}
