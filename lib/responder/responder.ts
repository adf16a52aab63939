import type { IncomingMessage, ServerResponse } from 'node:http';
import { putLasting } from '../bulk/put-lasting.js';
import { versionToOutdo } from '../bulk/version-to-outdo.js';
import { invalidArgType, invalidValue, OCSPError } from '../errors.js';
import { OCSPCertStatus } from '../ocsp/enums.js';
import { EntryPacker } from '../signing/entry-packer.js';
import { isPermanent } from '../statuses/is-permanent.js';
import { copyEntry, type StatusEntry } from '../statuses/status-entry.js';
import type { ResponseRecord, ResponseStore } from '../store/response-store.js';
import type { SegmentStore } from '../store/segment-store.js';
import { type CertificateInput, toCertificate } from '../x509/certificate.js';
import { checkBytes } from '../x509/checks.js';
import { readOptions } from '../x509/options.js';
import type { Answer } from './answer.js';
import { Answerer } from './answerer.js';
import { hexOf } from './authority.js';
import { publishAnswer, publishError } from './channels.js';
import { Counters } from './counters.js';
import { type ExplanationStep, explain } from './explain.js';
import { fetchAnswer } from './fetch.js';
import { inTime } from './finding.js';
import { healthOf, type ResponderHealth } from './health.js';
import { ResponderIssuer } from './issuer.js';
import { type HttpOptions, makeListener } from './listener.js';
import { RESPONDER_NAMES, type ResponderOptions, readLimits } from './options.js';

/** Hands requests to a {@link Responder}: for `node:http`, `node:https`, Express, Fastify and the like. */
export type ResponderListener = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Answers OCSP requests for any number of CAs.
 *
 * Every answer, also one that was signed before or lies in memory, says what the authority of its issuer knows when it is sent; what
 * the authority cannot be asked about is answered tryLater, never good.
 *
 * @example
 * ```ts
 * const responder = new Responder({
 *   issuers: [{ certificate: ca, authority: indexTxtAuthority('index.txt'), signers: [{ responder: delegate, privateKey }] }],
 * });
 * await responder.ready();
 * http.createServer(responder.listener).listen(8080);
 * ```
 */
export class Responder implements AsyncDisposable {
  /** For `node:http(s)`, and what calls such functions. */
  readonly listener: ResponderListener;
  #answerer: Answerer;
  readonly #counters = new Counters();
  readonly #begin = performance.now();
  #draining = false;
  /** Gives up the reload that is under way. */
  #giveUp: (why: string) => void = () => undefined;
  readonly #http: HttpOptions;

  /**
   * @throws TypeError; `ERR_OCSP_INVALID_VALUE`, also for a signer that clients would refuse, and for two issuers of one name and
   * key; `ERR_OCSP_MALFORMED`.
   */
  constructor(options: ResponderOptions) {
    this.#answerer = this.#make(options);
    this.#http = {
      answer: (bytes, target) => this.#counted(this.#answerer.answer(bytes, target)),
      answerAgain: (target) => {
        const answer = this.#answerer.answerAgain(target);
        return answer && this.#counted(answer);
      },
      limits: () => this.#answerer.limits,
      isDraining: () => this.#draining,
      onPathMerged: () => {
        this.#counters.pathMerged += 1;
        if (this.#counters.pathMerged === 1) publishError(this, 'http', undefined, new Error(PATH_MERGED));
      },
      onError: (error) => publishError(this, 'http', undefined, error),
    };
    this.listener = makeListener(this.#http);
    for (const { knowledge } of this.#answerer.issuers) knowledge.start();
  }

  /**
   * The answer to a request. Never throws for what is in the request; a promise only where something takes time: an authority or a
   * store that is asked, a signature.
   *
   * @param request - DER of an OCSPRequest, as it came.
   * @throws TypeError when it is not a Uint8Array.
   */
  answer(request: Uint8Array): Answer | Promise<Answer> {
    return this.#counted(this.#answerer.answer(checkBytes(request, 'request')));
  }

  /** The same for `Request` and `Response` of fetch, as Hono and the like have them. Works on the path of the URL, as it came. */
  fetch(request: Request): Promise<Response> {
    return fetchAnswer(this.#http, request);
  }

  /**
   * Takes note of statuses that have changed, as after a revocation: when it resolves, nothing else is answered any more, and with a
   * store it is there, too. What was said of a certificate counts until the authority says as much: a revocation stays even when an
   * older list is read again.
   *
   * A revocation for ever stands, whatever is told later (RFC 5280 section 5.3.1 knows certificateHold alone to end).
   * An entry without statusVersion gets one that neither store nor authority outdoes by what they had before, by whatever clock.
   *
   * @param entries - What has changed.
   * @param issuer - Whose certificates they are; may be left out where there is one issuer.
   * @throws (rejects) TypeError, `ERR_OCSP_INVALID_VALUE` for a bad entry or an issuer that is not answered for: nothing has changed
   * then; `ERR_OCSP_NOT_SIGNED` where no signer can sign now what the store has to have, and what the store throws: the answers of this
   * responder have changed then, what is durable has not.
   */
  async update(entries: Iterable<StatusEntry>, issuer?: CertificateInput): Promise<void> {
    const target = this.#issuer(issuer);
    const list = Array.from(entries, copyEntry);
    const packer = new EntryPacker();
    for (const entry of list) packer.add(entry, { thisUpdate: 0, nextUpdate: undefined });
    const now = Date.now();
    const { knowledge, store } = target;
    const { desk, limits } = this.#answerer;
    const told = list.map((entry) => {
      const own = knowledge.tell(entry, now);
      return entry.statusVersion === undefined ? knowledge.tellAtLeast(own, leastVersion(own, store), now) : own;
    });
    const overAuthority = told.map(async (entry, i) => {
      if (isPermanent(entry) || list[i]?.statusVersion !== undefined) return;
      const id = { issuer: target, serialNumber: hexOf(entry.serialNumber) };
      told[i] = await inTime(knowledge.tellOverAuthority(id, entry), limits.live.timeout);
    });
    // (An authority that is out of reach lets no one say "good".)
    await Promise.allSettled(overAuthority);
    if (store === undefined || told.length === 0) return;
    const wanted = told.flatMap((entry, i) => {
      const hasVersion = list[i]?.statusVersion !== undefined;
      return STORED_HASHES.map((hash) => ({ entry, hash, hasVersion }));
    });
    const records: ResponseRecord[] = [];
    // No more at a time than are signed at a time: of many changes some would be refused.
    const { maxInflight } = limits.live;
    try {
      for (let at = 0; at < wanted.length; at += maxInflight) {
        const some = wanted.slice(at, at + maxInflight);
        records.push(...(await Promise.all(some.map(({ entry, hash }) => desk.record(target, entry, hash, now)))));
      }
    } catch (cause) {
      throw new OCSPError('ERR_OCSP_NOT_SIGNED', 'the change counts, but no one can sign it for the store now', {
        cause,
      });
    }
    // Signing may have taken a while.
    const outdoing = wanted.map(({ entry, hasVersion }, i) => {
      const record = records[i] as ResponseRecord;
      const least = hasVersion || entry.status !== OCSPCertStatus.REVOKED ? 0 : leastVersion(entry, store);
      return { ...record, statusVersion: Math.max(record.statusVersion, least) };
    });
    await putLasting(store, outdoing, { issuer: target.identity });
  }

  /**
   * Takes other options. What is wrong with them is thrown, and the old ones go on counting. Statuses that {@link update} was told are
   * kept for the issuers that stay.
   *
   * Resolves when the authorities of the new ones are {@link ready}, which one that is out of reach is not. The last call counts.
   *
   * @throws (rejects) As the constructor; an Error for a reload that another one, or {@link close}, has overtaken.
   */
  reload(options: ResponderOptions): Promise<void> {
    return this.reloadIf(options);
  }

  /** @internal {@link reload}, unless `check` throws when it is told how the new ones are doing that are ready. */
  async reloadIf(options: ResponderOptions, check?: (next: ResponderHealth) => void): Promise<void> {
    const next = this.#make(options);
    this.giveUpReload();
    const givenUp = new Promise<never>((_resolve, reject) => {
      this.#giveUp = (why) => reject(new Error(why));
    });
    // (Also where no one waits for it, as it is over.)
    givenUp.catch(() => undefined);
    try {
      for (const { knowledge } of next.issuers) knowledge.start();
      await Promise.race([Promise.all(next.issuers.map(({ knowledge }) => knowledge.ready())), givenUp]);
      check?.(healthOf(next, this.#counters, this.#draining, this.#begin));
    } catch (error) {
      // The authorities are their caller's still, who may give them again.
      for (const { knowledge } of next.issuers) await knowledge.close(true);
      throw error;
    }
    const old = this.#answerer;
    // In one go with the change: what is told meanwhile is told to the old ones.
    for (const issuer of next.issuers) {
      const before = old.issuers.find((one) => one.isOf(issuer.parsed));
      if (before !== undefined) issuer.inherit(before);
    }
    this.#answerer = next;
    const kept = new Set(next.issuers.map(({ knowledge }) => knowledge.authority));
    for (const { knowledge } of old.issuers) await knowledge.close(kept.has(knowledge.authority));
  }

  /** @internal A reload that is under way fails, as if another one had begun. */
  giveUpReload(): void {
    this.#giveUp('another reload has begun before this one was over');
  }

  /** Resolves when every authority has been read, or could not be; {@link health} tells. Until it has been, the answer is tryLater. */
  async ready(): Promise<void> {
    await Promise.all(this.#answerer.issuers.map(({ knowledge }) => knowledge.ready()));
  }

  /** How it is doing. */
  health(): ResponderHealth {
    return healthOf(this.#answerer, this.#counters, this.#draining, this.#begin);
  }

  /** @internal What a request or response says that somebody has pasted, step by step. */
  explain(pasted: string): Promise<ExplanationStep[]> {
    const { table, limits } = this.#answerer;
    const { maxRequestBytes } = limits;
    return explain(pasted, { issuers: table, maxRequestBytes, answer: (der) => this.#answerer.answer(der) });
  }

  /** From now on {@link health} says "not ready", and HTTP connections end after the next answer. All requests are answered still. */
  drain(): void {
    this.#draining = true;
  }

  /** Lets go of the authorities. */
  async close(): Promise<void> {
    this.drain();
    this.#giveUp('the responder was closed');
    for (const { knowledge } of this.#answerer.issuers) await knowledge.close(false);
  }

  /** {@link close} */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #make(options: ResponderOptions): Answerer {
    const { issuers, ...others } = readOptions(options, RESPONDER_NAMES);
    const limits = readLimits(others);
    if (typeof issuers?.[Symbol.iterator] !== 'function') throw invalidArgType('options.issuers', 'iterable', issuers);
    const list = Array.from(
      issuers,
      (issuer, i) =>
        new ResponderIssuer(issuer, i, limits.live, (where, error) => publishError(this, 'feed', where, error)),
    );
    if (list.length === 0) throw invalidValue('options.issuers is empty');
    const authorities = new Set(list.map(({ knowledge }) => knowledge.authority));
    if (authorities.size !== list.length && list.some(({ knowledge }) => knowledge.hasFeed))
      throw invalidValue('an authority with a feed belongs to one issuer');
    return new Answerer(this, list, limits);
  }

  #counted(answer: Answer | Promise<Answer>): Answer | Promise<Answer> {
    return answer instanceof Promise ? answer.then((late) => this.#count(late)) : this.#count(answer);
  }

  #count(answer: Answer): Answer {
    this.#counters.count(answer);
    publishAnswer(this, answer);
    return answer;
  }

  #issuer(certificate: CertificateInput | undefined): ResponderIssuer {
    const { issuers } = this.#answerer;
    const [first, ...others] = issuers;
    if (certificate === undefined) {
      if (first === undefined || others.length > 0) throw invalidValue('issuer is needed: there are several');
      return first;
    }
    const given = toCertificate(certificate, 'issuer');
    const found = issuers.find((issuer) => issuer.isOf(given));
    if (found === undefined) throw invalidValue('issuer is not among those that are answered for');
    return found;
  }
}

/** The version with which an entry is not hidden by what a store has, by whatever clock that is. */
function leastVersion(entry: StatusEntry, store: Readable | undefined): number {
  try {
    return versionToOutdo(store?.getRecord?.(hexOf(entry.serialNumber)), entry);
  } catch {
    return 0; // writing to it will say what is wrong
  }
}

type Readable = ResponseStore & Partial<Pick<SegmentStore, 'getRecord'>>;

/** SHA-1 and SHA-256: what clients ask by. */
const STORED_HASHES = [0, 2] as const;

const PATH_MERGED =
  'a proxy merges slashes in the path, which breaks GET requests: nginx needs "merge_slashes off", Apache "MergeSlashes Off"';
