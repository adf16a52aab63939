import type { X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';
import type { OwnBuffer } from '../../x509/der.js';
import { x509Of } from '../../x509/pem.js';
import { type ReasonFlags, reasonFromCode } from '../../x509/reason.js';
import { type Json, ValueObject } from '../../x509/value-object.js';
import { AUTHORITIES, type SignerAuthority } from '../basic-verify.js';
import { type EncodingNote, encodingNotes } from '../encodings.js';
import { OCSPResponseStatus } from '../enums.js';
import {
  AUTHORITY,
  CERT_STATUS,
  ENCODINGS,
  NO_CHECK,
  REMEMBERED,
  RESPONSE_STATUS,
  REVOCATION_REASON,
  SIGNER_CERTIFICATE,
  SIGNER_INDEX,
  SIGNER_SOURCE,
  UNTIL_HIGH,
  UNTIL_LOW,
} from '../layout.js';
import { checkInternal, INTERNAL, STRICT } from '../message.js';
import { loadDerOcspResponse, type OCSPResponse } from '../response.js';
import { explain } from './explain.js';
import { type Findings, timeRefusals } from './judge.js';
import type { NonceState } from './nonce.js';
import type { Policy } from './policy.js';
import type { Question } from './question.js';
import type { Refusal } from './refusals.js';

const STATUS = ['good', 'revoked', 'unknown'] as const;
/** SignerSource of native/core/response_verifier.h. */
const ISSUER = 1;
const EMBEDDED = 2;
const GIVEN = 3;
const RESPONDER = 4;

/** In one field, since private fields are what costs most in making a verdict. */
interface Facts {
  readonly findings: Findings;
  readonly question: Question;
  readonly policy: Policy;
  signer: X509Certificate | null | undefined;
  response: OCSPResponse | null | undefined;
}

/**
 * What a response says about a certificate, and whether to believe it.
 *
 * Unless {@link usable}, every member that would tell a status is null: there is no way to read "good" off a response that
 * was refused. What a refused response claims can be looked at in {@link response}.
 */
export class OCSPVerdict extends ValueObject {
  readonly #facts: Facts;

  /** Whether the response may be relied on at {@link at}. */
  readonly usable: boolean;
  /** What it says then: `'good'`, `'revoked'` or `'unknown'`; null when it is not usable. */
  readonly status: 'good' | 'revoked' | 'unknown' | null;
  /** Every reason why it is not usable; empty exactly when it is. */
  readonly refusals: readonly Refusal[];

  /** @internal */
  constructor(key: typeof INTERNAL, findings: Findings, question: Question, policy: Policy) {
    checkInternal(key, 'OCSPVerdict');
    super();
    this.#facts = { findings, question, policy, signer: undefined, response: undefined };
    const { refusals, entry } = findings;
    this.usable = refusals.length === 0 && entry !== null && findings.times !== null;
    this.status = this.usable && entry !== null ? (STATUS[entry.number(CERT_STATUS)] ?? null) : null;
    this.refusals = refusals;
  }

  /** The moment that was judged at, in whole seconds. */
  get at(): Date {
    return new Date(this.#facts.question.at * 1000);
  }

  /** The outcome of the exchange, signed by no one unless successful; null when the bytes are not a response. */
  get responseStatus(): OCSPResponseStatus | null {
    const status = this.#facts.findings.message.number(RESPONSE_STATUS);
    return status < 0 ? null : status;
  }

  /** When the certificate was revoked; null unless {@link status} is `'revoked'`. */
  get revocationTime(): Date | null {
    return this.#time(this.#facts.findings.times?.revocationTime);
  }

  /** Why the certificate was revoked; null unless {@link status} is `'revoked'` and the response gives a reason of RFC 5280. */
  get revocationReason(): ReasonFlags | null {
    const { entry } = this.#facts.findings;
    if (this.status !== 'revoked' || entry === null) return null;
    try {
      const code = entry.number(REVOCATION_REASON);
      return code === -1 ? null : reasonFromCode(code);
    } catch {
      return null; // a code that no one has defined; revoked all the same
    }
  }

  /** The most recent time at which the status is known to have been right; null unless usable. */
  get thisUpdate(): Date | null {
    return this.#time(this.#facts.findings.times?.thisUpdate);
  }

  /** The time by which newer information will be there; null where the response names none, and unless usable. */
  get nextUpdate(): Date | null {
    return this.#time(this.#facts.findings.times?.nextUpdate);
  }

  /** When the response was signed; null unless usable. */
  get producedAt(): Date | null {
    return this.#time(this.#facts.findings.times?.producedAt);
  }

  /**
   * Until when the answer may be kept and used again: nextUpdate, or sooner where its greatest age is reached, or something ends
   * on which it rests: a certificate of the path of its signer, or the revocation list that tells of that; null unless usable.
   */
  get freshUntil(): Date | null {
    return this.#time(this.#freshUntil());
  }

  /** When to ask again: half way between thisUpdate and {@link freshUntil}; null unless usable. */
  get refreshAt(): Date | null {
    const { times } = this.#facts.findings;
    const end = this.#freshUntil();
    return times === null || end === null ? null : this.#time(Math.floor((times.thisUpdate + end) / 2));
  }

  /** The certificate whose key made the signature; null unless usable. */
  get signer(): X509Certificate | null {
    if (!this.usable) return null;
    this.#facts.signer ??= this.#findSigner();
    return this.#facts.signer;
  }

  /** By which right the signer answers: as the CA, as its delegate, or because the caller trusts it; null unless usable. */
  get authority(): SignerAuthority | null {
    return this.usable ? (AUTHORITIES[this.#facts.findings.message.number(AUTHORITY)] ?? null) : null;
  }

  /** Whether the path of the signer's certificate was validated by an earlier call and remembered. */
  get signerFromCache(): boolean {
    return this.usable && this.#facts.findings.message.number(REMEMBERED) === 1;
  }

  /** Whether the signer's certificate says that its own status need not be checked; null unless usable. */
  get signerHasNoCheck(): boolean | null {
    return this.usable ? this.#facts.findings.message.number(NO_CHECK) === 1 : null;
  }

  /** How the nonces of request and response relate; null unless usable. */
  get nonce(): NonceState | null {
    return this.usable ? this.#facts.findings.nonce : null;
  }

  /** What in the bytes is not DER and was taken all the same: encodings of the field in which nothing is ambiguous. */
  get encodingNotes(): readonly EncodingNote[] {
    const { message } = this.#facts.findings;
    return encodingNotes(message.number(RESPONSE_STATUS) < 0 ? 0 : message.number(ENCODINGS));
  }

  /** The bytes that were judged. */
  get der(): OwnBuffer {
    return this.#facts.findings.message.der.copy();
  }

  /** What the bytes claim, believed or not; null when they are not a response. */
  get response(): OCSPResponse | null {
    if (this.#facts.response === undefined) {
      const { message } = this.#facts.findings;
      const options = { strict: message.der.reading === STRICT ? true : ('field' as const) };
      this.#facts.response =
        message.number(RESPONSE_STATUS) < 0 ? null : loadDerOcspResponse(message.der.view(), options);
    }
    return this.#facts.response;
  }

  /** The decision step by step, a line each: what was checked, and what came of it. For people; the wording may change. */
  explain(): string {
    return explain(this, this.#facts.findings, this.#facts.question, this.#facts.policy);
  }

  /**
   * The same bytes at another moment, in whole seconds since 1970-01-01: only the times of the entry are read again. Null
   * where that does not do: unless this verdict is usable, for an earlier moment, and when a certificate has ended by then, on which it
   * rests.
   *
   * @internal
   */
  judgeAgain(at: number): Verdict | null {
    const { findings, question, policy } = this.#facts;
    const end = this.#freshUntil();
    // (Before, a certificate of the path may not have begun yet.)
    if (end === null || findings.times === null || at >= end || at < question.at) return null;
    const refusals = timeRefusals(findings.times, at, policy);
    return new OCSPVerdict(INTERNAL, { ...findings, refusals }, { ...question, at }, policy) as Verdict;
  }

  /** Whether `other` is the same verdict about the same certificate, on the same bytes, at the same moment. */
  override equals(other: unknown): boolean {
    return (
      this.isSameClass(other) &&
      this.#facts.question.at === other.#facts.question.at &&
      this.#facts.question.target.equals(other.#facts.question.target) &&
      this.#facts.findings.message.der.equals(other.#facts.findings.message.der) &&
      inspect(this.toJSON(), { depth: null }) === inspect(other.toJSON(), { depth: null })
    );
  }

  override toJSON(): Json {
    const date = (value: Date | null) => value?.toISOString() ?? null;
    return {
      usable: this.usable,
      status: this.status,
      at: date(this.at),
      refusals: this.refusals.map(({ code, message, clause }) => ({ code, message, clause })),
      responseStatus: this.responseStatus === null ? null : (OCSPResponseStatus[this.responseStatus] ?? null),
      revocationTime: date(this.revocationTime),
      revocationReason: this.revocationReason,
      thisUpdate: date(this.thisUpdate),
      nextUpdate: date(this.nextUpdate),
      producedAt: date(this.producedAt),
      freshUntil: date(this.freshUntil),
      refreshAt: date(this.refreshAt),
      authority: this.authority,
      signer: this.signer?.subject ?? null,
      nonce: this.nonce,
    };
  }

  #time(seconds: number | null | undefined): Date | null {
    return this.usable && seconds != null ? new Date(seconds * 1000) : null;
  }

  #freshUntil(): number | null {
    const { times } = this.#facts.findings;
    if (times === null || !this.usable) return null;
    const { thisUpdate, nextUpdate } = times;
    const { maxAge, maxAgeWithoutNext } = this.#facts.policy;
    const ends = nextUpdate === null ? [thisUpdate + maxAgeWithoutNext] : [nextUpdate, thisUpdate + maxAge];
    return Math.min(...ends, this.#proofUntil);
  }

  /** When a certificate ends that the answer rests on, whoever issued it, or a revocation list. */
  get #proofUntil(): number {
    const { message } = this.#facts.findings;
    return message.number(UNTIL_HIGH) * 2 ** 31 + message.number(UNTIL_LOW);
  }

  #findSigner(): X509Certificate | null {
    const { message } = this.#facts.findings;
    const index = message.number(SIGNER_INDEX);
    switch (message.number(SIGNER_SOURCE)) {
      case ISSUER:
        return this.#facts.question.target.issuer.x509;
      case EMBEDDED:
        return delegateOf(message.bytes(SIGNER_CERTIFICATE));
      case GIVEN:
        return this.#facts.policy.certificates[index]?.x509 ?? null;
      case RESPONDER:
        return this.#facts.policy.trustedResponders[index]?.x509 ?? null;
      default:
        return null;
    }
  }
}

/** Delegates whose certificates are kept: a responder sends the same one with every answer, and decoding costs more than all the rest. */
const MOST_DELEGATES = 64;
const delegates = new Map<string, X509Certificate>();

function delegateOf(der: Buffer): X509Certificate {
  const key = der.toString('latin1');
  const known = delegates.get(key);
  if (known !== undefined) return known;
  const certificate = x509Of(der);
  for (const oldest of delegates.keys()) {
    if (delegates.size < MOST_DELEGATES) break;
    delegates.delete(oldest);
  }
  delegates.set(key, certificate);
  return certificate;
}

/** A verdict whose response may be relied on. */
export interface UsableVerdict extends OCSPVerdict {
  readonly usable: true;
  readonly status: 'good' | 'revoked' | 'unknown';
  readonly thisUpdate: Date;
  readonly producedAt: Date;
  readonly freshUntil: Date;
  readonly refreshAt: Date;
  readonly signer: X509Certificate;
  readonly authority: SignerAuthority;
  readonly nonce: NonceState;
}

/** The certificate is not revoked. */
export interface GoodVerdict extends UsableVerdict {
  readonly status: 'good';
}

/** The certificate is revoked. */
export interface RevokedVerdict extends UsableVerdict {
  readonly status: 'revoked';
  readonly revocationTime: Date;
}

/** The responder does not know the certificate. */
export interface UnknownVerdict extends UsableVerdict {
  readonly status: 'unknown';
}

/** A verdict whose response says nothing. */
export interface RefusedVerdict extends OCSPVerdict {
  readonly usable: false;
  readonly status: null;
}

/** What came of it: `usable` tells the last from the others, `status` tells those apart. */
export type Verdict = GoodVerdict | RevokedVerdict | UnknownVerdict | RefusedVerdict;
