/** From a request to its answer, under one configuration. */
import { OCSPResponseStatus } from '../ocsp/enums.js';
import type { OCSPRequest } from '../ocsp/request.js';
import { isPermanent } from '../statuses/is-permanent.js';
import { saysTheSame } from '../statuses/says-the-same.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import { CERT_ID_HASHES } from '../x509/algorithms.js';
import { Answer, clock, clockOf, errorAnswer, NoAnswer, Prepared, tryLater } from './answer.js';
import { AnswerCache } from './answer-cache.js';
import { publishError } from './channels.js';
import { notIssuedEntry } from './content.js';
import { type Signed, SigningDesk } from './desk.js';
import { Finder, type MaybeStored } from './finder.js';
import { Budget, Overload } from './gate.js';
import { IssuerTable, type ResponderIssuer } from './issuer.js';
import type { Known } from './knowledge.js';
import { ATTEMPTS, LiveAnswerer } from './live-answerer.js';
import type { Limits } from './options.js';
import { keyOf, type Question, signerOf } from './question.js';
import { Recent } from './recent.js';
import { Remembered } from './remembered.js';
import { type Asked, type RequestExtensions, readAsked, readExtensions, readRequest } from './request.js';

const { MALFORMED_REQUEST, INTERNAL_ERROR, TRY_LATER, SIG_REQUIRED, UNAUTHORIZED, SUCCESSFUL } = OCSPResponseStatus;

/** Longest nonce (RFC 9654 section 2.1). */
const LONGEST_NONCE = 128;
/** Milliseconds after which a store is asked again about an answer that is in memory. */
const STORE_INTERVAL = 500;

/** Questions that are remembered. */
const MOST_QUESTIONS = 16_384;
/** Bytes of a request that is remembered; one for one certificate has about a hundred. A target has up to five characters for three. */
const LONGEST_BYTES = 512;
const LONGEST_TARGET = 1024;

export class Answerer {
  readonly issuers: readonly ResponderIssuer[];
  readonly limits: Limits;
  readonly cache: AnswerCache;
  readonly desk: SigningDesk;
  readonly #owner: object;
  readonly #finder: Finder;
  readonly table: IssuerTable;
  readonly #live: LiveAnswerer;
  readonly #budget: Budget | undefined;
  /** Answers that are being signed, by their key in the cache: the newest of each. */
  readonly #signing = new Map<string, { readonly entry: StatusEntry; readonly promise: Promise<Prepared> }>();
  /** For one certificate, and without a nonce: what the same bytes ask, or the same target of a GET, when they come again. */
  readonly #byBytes = new Recent<Question>(MOST_QUESTIONS, LONGEST_BYTES);
  readonly #byTarget = new Recent<Question>(MOST_QUESTIONS, LONGEST_TARGET);

  constructor(owner: object, issuers: readonly ResponderIssuer[], limits: Limits) {
    this.#owner = owner;
    this.issuers = issuers;
    this.limits = limits;
    this.table = new IssuerTable(issuers);
    this.cache = new AnswerCache(limits.cacheBytes);
    this.desk = new SigningDesk(owner, limits);
    this.#finder = new Finder(owner, limits);
    this.#live = new LiveAnswerer(this.desk, this.#finder);
    this.#budget = Number.isFinite(limits.perSecond) ? new Budget(limits.perSecond) : undefined;
  }

  /**
   * Never throws. A promise only where something takes time.
   *
   * @param target - the target of the GET that the request was in
   */
  answer(bytes: Uint8Array, target?: string): Answer | Promise<Answer> {
    if (target !== undefined) return this.#parsing(bytes, this.#byTarget, target);
    // What has more than a short requestList, which begins at 4 then, is not remembered.
    if (bytes[4] !== 0x30 || bytes[5] !== bytes.length - 6) return this.#parsing(bytes);
    const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const words = buffer.toString('latin1');
    // The caller's bytes may be others by now.
    return this.#again(this.#byBytes.get(words)) ?? this.#parsing(Buffer.from(words, 'latin1'), this.#byBytes, words);
  }

  /** The answer to a GET whose target has come before, if that is remembered. */
  answerAgain(target: string): Answer | Promise<Answer> | undefined {
    return this.#again(this.#byTarget.get(target));
  }

  #again(question: Question | undefined): Answer | Promise<Answer> | undefined {
    return question && this.#guarded(() => this.#begin(question, Date.now()));
  }

  #parsing(bytes: Uint8Array, memory?: Recent<Question>, words: string = ''): Answer | Promise<Answer> {
    return this.#guarded(() => this.#answer(bytes, (question) => memory?.set(words, question), Date.now()));
  }

  #guarded(answer: () => Answer | Promise<Answer>): Answer | Promise<Answer> {
    try {
      const given = answer();
      return given instanceof Promise ? given.catch((error: unknown) => this.#failure(error)) : given;
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

  #answer(bytes: Uint8Array, remember: (question: Question) => void, now: number): Answer | Promise<Answer> {
    const { limits } = this;
    if (bytes.length > limits.maxRequestBytes) return errorAnswer(MALFORMED_REQUEST);
    let request: OCSPRequest;
    let asked: Asked[];
    let extensions: RequestExtensions;
    try {
      request = readRequest(bytes);
      const { requests } = request;
      if (requests.length === 0 || requests.length > limits.maxCertIds) return errorAnswer(MALFORMED_REQUEST);
      extensions = readExtensions(request, requests);
      asked = requests.map((entry) => readAsked(entry, this.table));
    } catch {
      return errorAnswer(MALFORMED_REQUEST);
    }
    let { nonce } = extensions;
    if (nonce !== null && (nonce.length < 1 || nonce.length > LONGEST_NONCE)) return errorAnswer(MALFORMED_REQUEST);
    if (limits.nonce === (nonce === null ? 'required' : 'forbidden')) return errorAnswer(MALFORMED_REQUEST);
    if (limits.requestSignatures !== 'ignored') {
      const problem = this.#checkSignature(request);
      if (problem !== undefined) return errorAnswer(problem);
    }
    // What no one here answers for costs nothing, and a hash that is not known cannot be answered in.
    if (asked.every((one) => one.issuer === undefined || one.serialNumber === undefined))
      return errorAnswer(UNAUTHORIZED);
    if (asked.some(({ hash }) => CERT_ID_HASHES[hash] === undefined)) return errorAnswer(UNAUTHORIZED);
    // Where no one signs, what was signed before is all that there is; it may be given without the nonce (RFC 9919).
    const onlyStored = asked.length === 1 && asked[0]?.issuer?.signers.length === 0;
    if (limits.nonce === 'ignored' || (limits.nonce === 'optional' && onlyStored)) nonce = null;
    if (extensions.preferred !== undefined)
      for (const one of asked) one.signer = one.issuer?.preferredSigner(extensions.preferred, now);
    if (asked.length === 1 && nonce === null) {
      const question = asked[0] as Question;
      const isPlain = extensions.nonce === null && extensions.preferred === undefined;
      if (isPlain && limits.requestSignatures === 'ignored') remember(new Remembered(question));
      return this.#begin(question, now);
    }
    if (this.#pays()) return this.#live.answer(asked, nonce, now);
    return asked.length === 1 && limits.nonce === 'optional'
      ? this.#begin(asked[0] as Question, now)
      : errorAnswer(TRY_LATER);
  }

  /** Whether one more answer may be signed that cannot be kept. */
  #pays(): boolean {
    return this.#budget?.take() ?? true;
  }

  #checkSignature(request: OCSPRequest): typeof SIG_REQUIRED | typeof UNAUTHORIZED | undefined {
    if (!request.isSigned) return this.limits.requestSignatures === 'required' ? SIG_REQUIRED : undefined;
    const { requestTrust: trust } = this.limits;
    try {
      if (trust !== undefined && request.verifySignature({ trust }).verified) return undefined;
    } catch {
      // What cannot be verified is not.
    }
    return UNAUTHORIZED;
  }

  // One certificate, no nonce: what is at hand will do.

  #begin(question: Question, now: number): Answer | Promise<Answer> {
    const answer = this.#answerOne(question, now, ATTEMPTS);
    return answer instanceof Promise ? question.issuer.words.during(question.serialNumber, answer) : answer;
  }

  /** What was known when an answer was begun is not any more. */
  #answerAgain(question: Question, attempts: number): Answer | Promise<Answer> {
    if (attempts <= 1) throw new Overload('the status changes all the time');
    return this.#answerOne(question, Date.now(), attempts - 1);
  }

  #answerOne(question: Question, now: number, attempts: number): Answer | Promise<Answer> {
    question.key ??= keyOf(question);
    const { issuer, key } = question;
    if (question.place?.answer === undefined) question.place = this.cache.place(key);
    const cached = question.place?.answer;
    if (cached?.isFresh(now) && this.#finder.isAsFound(question, cached)) {
      cached.checkedAt = clock();
      cached.confirmedAt = cached.checkedAt;
      return this.#give(question, key, cached, 'cache', now);
    }
    const atHand = cached === undefined || this.#asksStore(issuer, cached, now) ? undefined : cached;
    if (atHand !== undefined && issuer.knowledge.hasFeed) {
      const news = issuer.knowledge.news(question);
      const isRight = news === undefined || saysTheSame(atHand.entry, news);
      if (isRight && !this.#finder.mustAsk(question)) return this.#give(question, key, atHand, 'cache', now);
    }
    if (atHand === undefined) {
      const both = this.#finder.knownAndStored(question);
      if (both !== undefined) return this.#withKnown(question, key, both.known, now, attempts, cached, both);
    }
    const known = this.#finder.known(question, atHand?.entry);
    if (known instanceof Promise)
      return known.then(
        (entry) => this.#withKnown(question, key, entry, now, attempts),
        () => this.#withoutKnown(question, key, now, attempts),
      );
    if (atHand !== undefined && known !== undefined && saysTheSame(atHand.entry, known)) {
      atHand.confirmedAt = clock();
      issuer.words.heard(question.serialNumber, known, clockOf(now));
      return this.#give(question, key, atHand, 'cache', now);
    }
    return this.#withKnown(question, key, known, now, attempts);
  }

  /** Whether the answer in memory is too old, or the store may have another one by now. */
  #asksStore(issuer: ResponderIssuer, cached: Prepared, now: number): boolean {
    if (!cached.isFresh(now)) return true;
    if (issuer.store === undefined || clock() - cached.checkedAt < STORE_INTERVAL) return false;
    if (!this.#finder.isSameStore(issuer, cached)) return true;
    cached.checkedAt = clock();
    return false;
  }

  #withKnown(
    question: Question,
    key: string,
    known: Known,
    now: number,
    attempts: number,
    cached: Prepared | undefined = this.cache.get(key),
    read?: { stored: MaybeStored },
  ): Answer | Promise<Answer> {
    const saidAt = clockOf(now);
    const { issuer, serialNumber } = question;
    // Somebody who asked later may have been told something else meanwhile.
    if (issuer.words.isOutdone(serialNumber, known, saidAt)) return this.#answerAgain(question, attempts);
    issuer.words.heard(serialNumber, known, saidAt);
    if (cached !== undefined && known !== undefined && saysTheSame(cached.entry, known))
      cached.confirmedAt = Math.max(cached.confirmedAt, saidAt);
    return this.#believing(question, key, cached, known, saidAt, now, attempts, read);
  }

  /** The authority cannot be asked. What was true a moment ago may be said, and so may what can never become untrue. */
  #withoutKnown(question: Question, key: string, now: number, attempts: number): Answer | Promise<Answer> {
    const cached = this.cache.get(key);
    if (cached === undefined) throw tryLater();
    const { entry, confirmedAt } = cached;
    const news = question.issuer.knowledge.news(question);
    if (news !== undefined && !saysTheSame(entry, news)) throw tryLater();
    if (!isPermanent(entry) && clock() - confirmedAt > this.limits.maxLag) throw tryLater();
    return this.#believing(question, key, cached, entry, confirmedAt, now, attempts);
  }

  /**
   * What is known, but for the store, says whether the answer in memory is right.
   *
   * @param saidAt - when the authority said so, by a clock that no one sets: what is answered with it is no newer
   */
  #believing(
    question: Question,
    key: string,
    cached: Prepared | undefined,
    known: Known,
    saidAt: number,
    now: number,
    attempts: number,
    read?: { stored: MaybeStored },
  ): Answer | Promise<Answer> {
    const { issuer } = question;
    const at = Date.now();
    if (cached !== undefined && known !== undefined && saysTheSame(cached.entry, known))
      if (!this.#asksStore(issuer, cached, at)) return this.#give(question, key, cached, 'cache', at);
    const stored = read === undefined ? this.#finder.stored(question) : read.stored;
    if (stored instanceof Promise)
      return stored.then((found) => {
        // Something may have been told meanwhile.
        const knownNow = issuer.knowledge.withNews(question, known);
        if (issuer.words.isOutdone(question.serialNumber, known, saidAt)) return this.#answerAgain(question, attempts);
        return this.#withStored(question, key, knownNow, saidAt, found, now, attempts);
      });
    return this.#withStored(question, key, known, saidAt, stored, now, attempts);
  }

  #withStored(
    question: Question,
    key: string,
    known: Known,
    saidAt: number,
    maybe: MaybeStored,
    now: number,
    attempts: number,
  ): Answer | Promise<Answer> {
    const { issuer, serialNumber } = question;
    const { finding: found, stored } = this.#finder.together(issuer, known, maybe);
    // Before anything is said of what is not known: that is what lag makes untrue first.
    this.#finder.checkLag(question, found);
    const finding = found ?? notIssuedEntry(issuer, serialNumber, signerOf(question, now), now);
    if (finding === undefined) return errorAnswer(UNAUTHORIZED);
    const cached = this.cache.get(key);
    // (What is signed now says what was known when it was asked; what is at hand has to last until it is given.)
    const at = Date.now();
    const kept = usable(cached, finding, at);
    const other = usable(stored?.answer, finding, at);
    const late = kept ?? other;
    const fresh = signerOf(question, now) === undefined ? late : (freshOf(kept, at) ?? freshOf(other, at));
    if (fresh !== undefined) {
      fresh.checkedAt = clock();
      // (Where the store says otherwise, what is known may come to agree with the answer without it.)
      fresh.edition = stored !== undefined && saysTheSame(stored.entry, finding) ? stored.edition : -1;
      if (fresh === cached) return this.#give(question, key, fresh, 'cache', at);
      fresh.confirmedAt = saidAt;
      this.cache.admit(key, fresh);
      return this.#give(question, key, fresh, 'store', at);
    }
    // Guessed serial numbers would fill the cache.
    const isGuess = known === undefined && finding !== stored?.entry && issuer.notIssued !== 'good';
    if (isGuess) return this.#pays() ? this.#live.answer([question], null, now) : errorAnswer(TRY_LATER);
    const failed = (error: unknown): Answer => {
      // Late, but true.
      if (late?.isUsable(Date.now())) return this.#give(question, key, late, late === cached ? 'cache' : 'store', now);
      throw error;
    };
    const isOutdone = (): boolean => issuer.words.isOutdone(serialNumber, known, saidAt);
    let prepared: Prepared | Promise<Prepared>;
    try {
      prepared = this.#signOne(question, key, finding, saidAt, now, isOutdone);
    } catch (error) {
      return failed(error);
    }
    if (!(prepared instanceof Promise)) return this.#afterSigning(question, key, prepared, attempts);
    return prepared.then(
      (signed) =>
        isOutdone() ? this.#answerAgain(question, attempts) : this.#afterSigning(question, key, signed, attempts),
      failed,
    );
  }

  /** The status may have changed while the answer was signed. */
  #afterSigning(question: Question, key: string, prepared: Prepared, attempts: number): Answer | Promise<Answer> {
    const now = Date.now();
    if (this.#finder.isStill(question, prepared.entry)) return this.#give(question, key, prepared, 'live', now);
    return this.#answerAgain(question, attempts);
  }

  #give(question: Question, key: string, prepared: Prepared, source: 'store' | 'cache' | 'live', now: number): Answer {
    this.#finder.checkLag(question, prepared.entry);
    if (source === 'cache') this.cache.touch(key, prepared, now);
    return new Answer(prepared.latin1, SUCCESSFUL, source, prepared, now, this.limits.maxAge);
  }

  /** Signs the answer for one certificate; once, for all who wait for one that says the same. */
  #signOne(
    question: Question,
    key: string,
    entry: StatusEntry,
    saidAt: number,
    now: number,
    isOutdone: () => boolean,
  ): Prepared | Promise<Prepared> {
    const under = this.#signing.get(key);
    if (under !== undefined && saysTheSame(under.entry, entry)) return under.promise;
    const signing = this.desk.sign(question.issuer, signerOf(question, now), [{ question, entry }], null, now);
    const prepare = ({ latin1, signer, thisUpdate, nextUpdate }: Signed): Prepared => {
      const times = { producedAt: Math.floor(now / 1000), thisUpdate, nextUpdate };
      const prepared = new Prepared(latin1, entry, times, signer.notAfter);
      prepared.confirmedAt = saidAt;
      return prepared;
    };
    // What was begun before and is not over yet says what was known then: it is not kept.
    this.#signing.delete(key);
    if (!(signing instanceof Promise)) {
      const prepared = prepare(signing);
      this.cache.set(key, prepared);
      return prepared;
    }
    const promise = signing.then(prepare);
    const own = { entry, promise };
    this.#signing.set(key, own);
    const end = (prepared?: Prepared): void => {
      if (this.#signing.get(key) !== own) return;
      this.#signing.delete(key);
      if (prepared !== undefined && !isOutdone()) this.cache.set(key, prepared);
    };
    promise.then(end, () => end());
    return promise;
  }
}

/** The answer, where it may be given for what was found. */
function usable(answer: Prepared | undefined, finding: StatusEntry, now: number): Prepared | undefined {
  return answer?.isUsable(now) && saysTheSame(answer.entry, finding) ? answer : undefined;
}

function freshOf(answer: Prepared | undefined, now: number): Prepared | undefined {
  return answer?.isFresh(now) ? answer : undefined;
}
