/** The one call that an application makes, and the object behind it. */
import { availableParallelism } from 'node:os';
import type { Authenticate, NativeResponseVerifier } from '../../../typings/binding.js';
import { native } from '../../binding.js';
import { invalidArgType, OCSPError } from '../../errors.js';
import { checkObject } from '../../x509/checks.js';
import { checkNames, type OptionNames, pickOptions, readOptions } from '../../x509/options.js';
import { wholeNumber } from '../basic-verify.js';
import { AUTHENTICATED_SIZE, takeAuthenticatedOffsets } from '../layout.js';
import { copyInput, FIELD, INTERNAL, type MessageBytes, STRICT, wholeDer } from '../message.js';
import type { OCSPResponse } from '../response.js';
import { checkSeconds } from '../validity.js';
import { archivedStatus, type JudgeAt, type StatusAtQuestion } from './archive.js';
import { judge } from './judge.js';
import { POLICY_NAMES, type Policy, toPolicy, type VerifierOptions } from './policy.js';
import { type OCSPQuestion, QUESTION_NAMES, type Question, toQuestion } from './question.js';
import type { OCSPStatusAt } from './status-at.js';
import { OCSPVerdict, type Verdict } from './verdict.js';

/** What a {@link Verifier} remembers of the signers that it has seen. */
export interface SignerCacheOptions {
  /** How many validated paths are kept, the latest ones; 0 for none. Default 256. */
  readonly maxSigners?: number;
  /** Seconds for which one counts. Default 3600. Its certificates' own validity ends it sooner. */
  readonly seconds?: number;
}

/** Options of `verifyOcspResponse`: the question, and what is accepted. */
export interface VerifyOcspResponseOptions extends OCSPQuestion, VerifierOptions {}

/** A response and what it has to answer, for `verifyMany`. */
export interface VerifyItem extends OCSPQuestion {
  /** DER of the response. */
  readonly response: Uint8Array;
}

const CACHE_NAMES: OptionNames<SignerCacheOptions> = { maxSigners: true, seconds: true };
const VERIFIER_NAMES: OptionNames<VerifierOptions & { readonly signerCache?: SignerCacheOptions }> = {
  ...POLICY_NAMES,
  signerCache: true,
};
/** The options of `verifyOcspResponse` make a verifier, too: which certificate that call was about is no matter then. */
const CALLERS_NAMES = { ...VERIFIER_NAMES, certificate: true, certId: true, issuer: true } as const;
const CALL_NAMES: OptionNames<VerifyOcspResponseOptions> = { ...QUESTION_NAMES, ...POLICY_NAMES };
const ITEM_NAMES: OptionNames<VerifyItem> = { ...QUESTION_NAMES, response: true };

const ALWAYS_VERIFY: SignerCacheOptions = {};
const MAX_SIGNERS = 1_000_000;
const DEFAULT_SIGNERS = 256;
const DEFAULT_SECONDS = 3600;
/** Items of `verifyMany` that go to the threads at a time, for each thread: some ten milliseconds of work. */
const BATCH = 256;
/** Batches that are with the threads: with one less a core has nothing to do until this thread has seen that a batch is done. */
const AT_ONCE = 2;

/**
 * Verifies responses by one set of rules. Keeps what costs time: the trust store, and which delegates may answer for which CA.
 * A path that depends on revocation lists is never remembered.
 *
 * @example
 * const verifier = new Verifier({ trust: { caFile: 'roots.pem' } });
 * const verdict = verifier.verify(der, { certificate, issuer });
 * if (verdict.status !== 'good') throw new Error(verdict.explain());
 */
export class Verifier {
  readonly #policy: Policy;
  readonly #memory: NativeMemory;
  readonly #native: NativeResponseVerifier;
  #authenticate: Authenticate | undefined;
  #judgeThen: JudgeAt | undefined;

  /** @throws TypeError; `ERR_OCSP_INVALID_VALUE`; `ERR_OCSP_MALFORMED` for certificates and lists that do not parse. */
  constructor(options: VerifierOptions & { readonly signerCache?: SignerCacheOptions } = {}) {
    checkNames(options, 'issuer' in checkObject(options, 'options') ? CALLERS_NAMES : VERIFIER_NAMES);
    const { signerCache = {}, ...rules } = pickOptions(options, VERIFIER_NAMES);
    this.#policy = toPolicy(rules);
    const { maxSigners, seconds } = readOptions(signerCache, CACHE_NAMES, 'signerCache');
    const signers =
      maxSigners === undefined ? DEFAULT_SIGNERS : wholeNumber(maxSigners, 'signerCache.maxSigners', MAX_SIGNERS);
    this.#memory = {
      signers,
      seconds: Math.floor(checkSeconds(seconds, 'signerCache.seconds') ?? DEFAULT_SECONDS),
      alwaysVerify: signerCache === ALWAYS_VERIFY,
    };
    this.#native = toNative(this.#policy, this.#memory);
  }

  /** How many validated paths are remembered now. */
  get remembered(): number {
    return this.#native.remembered;
  }

  /**
   * Judges a response. Whatever the bytes are, the result is a verdict.
   *
   * @param der - The response as it came from the network.
   * @throws TypeError, `ERR_OCSP_MALFORMED`, `ERR_OCSP_INVALID_VALUE`, `ERR_OCSP_UNSUPPORTED_ALGORITHM`,
   * `ERR_OCSP_NOT_SINGLE`, `ERR_OCSP_DUPLICATE_EXTENSION` for what the caller passes beside `der`. Rules, which the
   * constructor takes, are refused here.
   */
  verify(der: Uint8Array, question: OCSPQuestion): Verdict {
    const copy = copyInput(der, this.#policy.reading);
    const asked = toQuestion(checkNames(question, QUESTION_NAMES, 'question'));
    const { memory, start, end } = copy;
    this.#authenticate ??= this.#native.authenticator();
    const { issuer, unchecked } = asked.target;
    const error = this.#authenticate(memory, start, end, issuer.nativeOrDer, asked.at, unchecked);
    return this.#verdict(copy, takeAuthenticatedOffsets(), 0, error, asked);
  }

  /** {@link verify}, off the main thread. Rejects with what `verify` throws. */
  async verifyAsync(der: Uint8Array, question: OCSPQuestion): Promise<Verdict> {
    const copy = copyInput(der, FIELD);
    const asked = toQuestion(checkNames(question, QUESTION_NAMES, 'question'));
    const batch = { messages: [copy.view()], questions: [asked] };
    const [verdict] = this.#verdicts(await this.#examine(batch, 1));
    return verdict as Verdict;
  }

  /**
   * Judges many responses on all cores. The verdicts come in the order of the items.
   *
   * @throws (rejects with) what {@link verify} throws, for the first item whose arguments are wrong.
   */
  async verifyMany(items: Iterable<VerifyItem>): Promise<Verdict[]> {
    if (typeof (items as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] !== 'function') {
      throw invalidArgType('items', 'an iterable of { response, issuer, ... }', items);
    }
    const verdicts: Verdict[] = [];
    const running: Promise<Examined>[] = [];
    const addFirst = async (): Promise<void> => {
      for (const verdict of this.#verdicts((await running[0]) as Examined)) verdicts.push(verdict);
      running.shift();
    };
    // While the threads look at some batches, this one writes the verdicts on the batch before them, and gathers the next.
    const threads = availableParallelism();
    try {
      for (const batch of batchesOf(items, BATCH * threads)) {
        if (running.length === AT_ONCE) await addFirst();
        const examined = this.#examine(batch, threads);
        // (What it rejects with is thrown where it is awaited.)
        examined.catch(() => undefined);
        running.push(examined);
      }
      while (running.length > 0) await addFirst();
    } catch (error) {
      // Nothing goes on behind the caller's back, and what is wrong with an earlier item is told first.
      await Promise.allSettled(running);
      for (const one of running) await one;
      throw error;
    }
    return verdicts;
  }

  /**
   * What the answers of an archive say about an earlier moment: whether a certificate was good, by answers that were made later, or
   * that held then. An answer counts where it was authentic when it was made and is so at `existedAt`, and neither its signer nor
   * the CA is known to have been revoked. "Good" needs a revocation that came later to be one that leaves the time before alone
   * (RFC 5280 section 5.3.2), and an answer from after the end of the certificate to reach back to it (RFC 6960 section 4.4.4).
   * Nonces are not looked at. OCSP does not tell of holds that were lifted before the answer was made.
   *
   * @param answers - DER of responses, or responses: those about the certificates of the chain, and those about delegates that signed
   * them; in any order, with others among them.
   * @throws TypeError; `ERR_OCSP_INVALID_VALUE`; `ERR_OCSP_MALFORMED` for a chain that does not parse.
   */
  statusAt(
    answers: Uint8Array | OCSPResponse | Iterable<Uint8Array | OCSPResponse>,
    question: StatusAtQuestion,
  ): OCSPStatusAt {
    const policy = policyThen(this.#policy);
    this.#judgeThen ??= judgeBy(policy, toNative(policy, this.#memory).authenticator());
    return archivedStatus(answers, question, policy, this.#judgeThen);
  }

  async #examine(batch: Batch, threads: number): Promise<Examined> {
    const items = batch.messages.map((der, i) => {
      const { target, at } = batch.questions[i] as Question;
      return [der, target.issuer.nativeOrDer, at, target.unchecked] as const;
    });
    const [layouts, errors] = await this.#native.authenticateMany(items, threads);
    if (layouts.length !== items.length * AUTHENTICATED_SIZE) {
      throw new OCSPError('ERR_OCSP_OPENSSL', 'the addon did not look at every response');
    }
    return { ...batch, layouts, errors };
  }

  #verdicts({ messages, questions, layouts, errors }: Examined): Verdict[] {
    return messages.map((der, i) =>
      this.#verdict(
        wholeDer(der, this.#policy.reading),
        layouts,
        i * AUTHENTICATED_SIZE,
        errors[i],
        questions[i] as Question,
      ),
    );
  }

  #verdict(
    der: MessageBytes,
    offsets: ArrayLike<number>,
    base: number,
    error: Error | undefined,
    asked: Question,
  ): Verdict {
    const findings = judge(der, offsets, base, error, asked, this.#policy);
    return new OCSPVerdict(INTERNAL, findings, asked, this.#policy) as Verdict;
  }
}

/** What the native verifier keeps. */
interface NativeMemory {
  readonly signers: number;
  readonly seconds: number;
  readonly alwaysVerify: boolean;
}

function toNative(policy: Policy, { signers, seconds, alwaysVerify }: NativeMemory): NativeResponseVerifier {
  return new native.ResponseVerifier(
    policy.trust,
    policy.trustedResponders.map((item) => item.native),
    policy.certificates.map((item) => item.native),
    policy.pathFlags,
    policy.securityLevel,
    policy.signerRevocation,
    signers,
    seconds,
    alwaysVerify,
    policy.reading === STRICT,
  );
}

/** For an archive: there was no request, and a delegate without nocheck may have an answer of its own. */
function policyThen(policy: Policy): Policy {
  return { ...policy, nonce: 'ignored', signerRevocation: policy.signerRevocation === 2 ? 2 : 0 };
}

function judgeBy(policy: Policy, authenticate: Authenticate): JudgeAt {
  return (der, question) => {
    const { issuer, unchecked } = question.target;
    const error = authenticate(der.memory, der.start, der.end, issuer.nativeOrDer, question.at, unchecked);
    const findings = judge(der, takeAuthenticatedOffsets(), 0, error, question, policy);
    return { findings, verdict: new OCSPVerdict(INTERNAL, findings, question, policy) };
  };
}

/** Items with their arguments checked. */
interface Batch {
  readonly messages: Buffer[];
  readonly questions: Question[];
}

/** A batch, and what the addon found out about it. */
interface Examined extends Batch {
  readonly layouts: Int32Array;
  readonly errors: readonly (Error | undefined)[];
}

/** Batches of up to `most` items. The first ones are smaller: while they are gathered, no one else has work. */
function* batchesOf(items: Iterable<VerifyItem>, most: number): Generator<Batch> {
  let batch: Batch = { messages: [], questions: [] };
  let size = Math.ceil(most / 8);
  for (const item of items) {
    try {
      batch.questions.push(toQuestion(checkNames(item, ITEM_NAMES, 'item')));
      batch.messages.push(copyInput(item.response, FIELD).view());
    } catch (error) {
      // The addon, too, refuses some issuers: of those before this item it is to tell first.
      batch.questions.length = batch.messages.length;
      yield batch;
      throw error;
    }
    if (batch.messages.length === size) {
      yield batch;
      batch = { messages: [], questions: [] };
      size = Math.min(size * 2, most);
    }
  }
  if (batch.messages.length > 0) yield batch;
}

/**
 * For calls that configure nothing. It verifies every signature again, and remembers only what else OpenSSL found out about a
 * path: the same two certificates give the same answer as long as both are valid.
 */
let plain: Verifier | undefined;

function verifierFor(rules: VerifierOptions): Verifier {
  if (Object.keys(rules).length > 0) return new Verifier({ ...rules, signerCache: { maxSigners: 0 } });
  plain ??= new Verifier({ signerCache: ALWAYS_VERIFY });
  return plain;
}

function takeApart(options: VerifyOcspResponseOptions): [verifier: Verifier, question: OCSPQuestion] {
  const given = readOptions(options, CALL_NAMES);
  return [
    verifierFor(pickOptions<VerifierOptions>(given, POLICY_NAMES)),
    pickOptions<OCSPQuestion>(given, QUESTION_NAMES),
  ];
}

/**
 * Judges one response: whether it may be relied on for this certificate now, and what it says. Everything that RFC 6960
 * section 3.2 demands is checked, and whatever cannot be checked is refused. For many responses make a {@link Verifier}.
 *
 * @example
 * const verdict = verifyOcspResponse(der, { certificate, issuer, request });
 * if (verdict.status === 'good') connect();
 * else console.error(verdict.explain());
 * @param der - The response as it came from the network: whatever it is, the result is a verdict.
 * @throws TypeError, `ERR_OCSP_MALFORMED`, `ERR_OCSP_INVALID_VALUE`, `ERR_OCSP_UNSUPPORTED_ALGORITHM`, `ERR_OCSP_NOT_SINGLE`,
 * `ERR_OCSP_DUPLICATE_EXTENSION` for what the caller passes beside `der`.
 */
export function verifyOcspResponse(der: Uint8Array, options: VerifyOcspResponseOptions): Verdict {
  const [verifier, question] = takeApart(options);
  return verifier.verify(der, question);
}

/** {@link verifyOcspResponse}, off the main thread. Rejects with what it throws. */
export async function verifyOcspResponseAsync(der: Uint8Array, options: VerifyOcspResponseOptions): Promise<Verdict> {
  const [verifier, question] = takeApart(options);
  return await verifier.verifyAsync(der, question);
}
