/** What is stapled for one certificate, and when it is asked about again. */
import type { X509Certificate } from 'node:crypto';
import type { Verdict } from '../../ocsp/verification/verdict.js';
import type { HashAlgorithmName } from '../../x509/algorithms.js';
import { parsePrintedTime } from '../../x509/time.js';
import type { CheckResult } from '../check-result.js';
import { spreadOf } from '../clock.js';
import { isMustStaple, issuerOf } from './peer.js';

/**
 * What a handshake is given, and why: `'stapled'`; or nothing, since the answer is not there yet (`'pending'`), its time is over
 * (`'expired'`), the certificate is `'revoked'`, the responder does not know it (`'unknown'`), no answer came (`'unreachable'`) or
 * counts (`'refused'`), the certificate names no responder (`'not-applicable'`), or no one knows who issued it (`'no-issuer'`).
 */
export type StapleDecision =
  | 'stapled'
  | 'pending'
  | 'expired'
  | 'revoked'
  | 'unknown'
  | 'unreachable'
  | 'refused'
  | 'not-applicable'
  | 'no-issuer';

/** What a {@link Stapler} knows of a certificate. */
export interface StapleState {
  readonly certificate: X509Certificate;
  /** Null where no one knows who issued it. */
  readonly issuer: X509Certificate | null;
  /** The certificate says that its server always staples (RFC 7633): clients may refuse it without. */
  readonly mustStaple: boolean;
  /** What a handshake is given now. */
  readonly decision: StapleDecision;
  /** From when on the staple is not given any more; null where there is none. */
  readonly expires: Date | null;
  /** The last result; null before the first. */
  readonly result: CheckResult | null;
}

/** Milliseconds before its end from which on an answer is not stapled any more: clocks of clients are not right. */
const MARGIN = 5 * 60_000;
/** A tenth of its life at most. */
const MARGIN_SHARE = 10;
/** Answers "unknown" in a row that a staple outlives: a responder behind a load balancer may know less than the others. */
const UNKNOWN_OUTLIVED = 2;
const MINUTE = 60_000;
const LONGEST_BACK_OFF = 60 * MINUTE;

/** Whether a check has an answer that can be stapled, and not only one that was kept since no other came. */
export function isAnswer({ outcome, source, attempts }: CheckResult): boolean {
  const wasKept = source === 'stale' || (source === 'cache' && attempts.length > 0);
  return (outcome === 'good' || outcome === 'revoked') && !wasKept;
}

/** Whether an answer names a certificate by that hash. */
export function hasCertIdBy(hash: HashAlgorithmName, { response }: Verdict): boolean {
  try {
    return response?.responses.some(({ hashAlgorithm }) => hashAlgorithm === hash) ?? false;
  } catch {
    return false; // an entry about another certificate, by a hash that no one knows
  }
}

/** The staple of one certificate. */
export class Staple {
  /** Names the certificate. */
  readonly key: string;
  readonly certificate: X509Certificate;
  /** When it is to be asked about again; `Infinity` while that is under way, or for nothing. */
  askAt: number = Number.POSITIVE_INFINITY;
  /** Undefined until somebody asks: of tens of thousands it takes seconds to tell. */
  #issuer: X509Certificate | null | undefined;
  #candidates: readonly X509Certificate[];
  #der: Buffer | null = null;
  #expires = 0;
  #lifetime = 0;
  #result: CheckResult | null = null;
  /** Whether the last answer, or what was kept of one, said so. */
  #wasRevoked = false;
  #unknownInARow = 0;
  #failuresInARow = 0;

  /** @param candidates - Among them that of the issuer may be. */
  constructor(key: string, certificate: X509Certificate, candidates: readonly X509Certificate[]) {
    this.key = key;
    this.certificate = certificate;
    this.#candidates = candidates;
  }

  get issuer(): X509Certificate | null {
    if (this.#issuer === undefined) {
      this.#issuer = issuerOf(this.certificate, this.#candidates) ?? null;
      this.#candidates = [];
    }
    return this.#issuer;
  }

  /** Whether its issuer was looked for in vain, and is among these. */
  learns(candidates: readonly X509Certificate[]): boolean {
    if (this.#issuer === undefined) this.#candidates = [...new Set([...this.#candidates, ...candidates])];
    if (this.#issuer !== null) return false;
    this.#issuer = issuerOf(this.certificate, candidates) ?? null;
    return this.#issuer !== null;
  }

  /** Whether there was no result yet. */
  get isNew(): boolean {
    return this.#result === null;
  }

  /** The answer to give in a handshake at a moment. */
  derAt(now: number): Buffer | null {
    return now < this.#expires ? this.#der : null;
  }

  stateAt(now: number): StapleState {
    const { certificate, issuer } = this;
    const mustStaple = isMustStaple(certificate);
    const expires = this.#der === null ? null : new Date(this.#expires);
    return { certificate, issuer, mustStaple, decision: this.decisionAt(now), expires, result: this.#result };
  }

  decisionAt(now: number): StapleDecision {
    if (this.derAt(now) !== null) return 'stapled';
    if (this.issuer === null) return 'no-issuer';
    if (this.#result === null) return 'pending';
    const { outcome, failure } = this.#result;
    if (outcome === 'undetermined') return failure ?? 'refused';
    return outcome === 'good' ? 'expired' : outcome;
  }

  /** Whether most of its life is over. */
  isExpiring(now: number): boolean {
    return this.#der !== null && this.#expires - now < this.#lifetime / 4;
  }

  /** Takes what a check found out; returns milliseconds until the next one. */
  take(result: CheckResult, now: number, alsoRevoked: boolean): number {
    const { outcome, source, verdict } = result;
    this.#result = result;
    this.#unknownInARow = outcome === 'unknown' ? this.#unknownInARow + 1 : 0;
    this.#failuresInARow = isAnswer(result) ? 0 : this.#failuresInARow + 1;
    if (outcome === 'unknown' && this.#unknownInARow > UNKNOWN_OUTLIVED) this.#der = null;
    // Also where it was known before, and no one answered now: "good" is over.
    if (outcome === 'revoked') this.#der = null;
    const isGiven = outcome === 'good' || (outcome === 'revoked' && alsoRevoked);
    // What was kept will do while no one answers, this process may have just begun, or another one have kept it; but not "good" where
    // "revoked" was seen.
    const counts = isAnswer(result) || (source !== 'stale' && !(this.#wasRevoked && outcome === 'good'));
    if (isAnswer(result)) this.#wasRevoked = outcome === 'revoked';
    else this.#wasRevoked ||= outcome === 'revoked';
    if (verdict?.usable && isGiven && counts) {
      const thisUpdate = verdict.thisUpdate.getTime();
      const end = Math.min(verdict.freshUntil.getTime(), parsePrintedTime(this.certificate.validTo));
      this.#lifetime = end - thisUpdate;
      this.#expires = end - Math.min(MARGIN, this.#lifetime / MARGIN_SHARE);
      this.#der = verdict.der;
    }
    if (this.#failuresInARow > 0) return Math.min(LONGEST_BACK_OFF, MINUTE * 2 ** (this.#failuresInARow - 1));
    const refresh = (verdict?.refreshAt?.getTime() ?? now) - now;
    return Math.max(MINUTE, refresh * spreadOf(this.certificate.fingerprint256.replaceAll(':', '')));
  }
}
