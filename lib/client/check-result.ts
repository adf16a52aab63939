/** What a client found out about a certificate. */
import type { Verdict } from '../ocsp/verification/verdict.js';
import type { Verifier } from '../ocsp/verification/verifier.js';
import type { OCSPAttempt } from './attempt.js';
import type { CachedAnswer } from './cached-answer.js';
import type { OCSPFailure } from './failures.js';
import type { Subject } from './subject.js';

/**
 * What is known of a certificate: `'good'`, `'revoked'` and `'unknown'` are what an answer says that counts; `'undetermined'`:
 * there is no such answer; `'not-applicable'`: there is nothing to ask for.
 */
export type CheckOutcome = 'good' | 'revoked' | 'unknown' | 'undetermined' | 'not-applicable';

/**
 * Where the answer comes from: it came with the certificate, the cache, the network, or (`'stale'`) the cache although its time
 * is over. Null where there is none.
 */
export type CheckSource = 'staple' | 'cache' | 'network' | 'stale' | null;

/** What is known before a policy has looked at it. */
export interface CheckFacts {
  readonly outcome: CheckOutcome;
  readonly verdict: Verdict | null;
  readonly source: CheckSource;
  readonly failure: OCSPFailure | null;
  /** Behind `'undetermined'` and `'not-applicable'`, in a sentence. */
  readonly reason: string | null;
  readonly attempts: readonly OCSPAttempt[];
}

const NO_ATTEMPTS: readonly OCSPAttempt[] = Object.freeze([]);

/** What an answer of the cache says. The verdict is made when somebody asks for it: most want the outcome. */
export class FactsFromCache implements CheckFacts {
  readonly outcome: CheckOutcome;
  readonly source = 'cache';
  readonly failure = null;
  readonly reason = null;
  readonly attempts: readonly OCSPAttempt[] = NO_ATTEMPTS;
  // (No private fields, which cost more than all the rest of it: no one but CheckResult has it.)
  readonly answer: CachedAnswer;
  readonly at: number;
  readonly verifier: Verifier;
  readonly subject: Subject;
  judged: Verdict | null = null;

  constructor(answer: CachedAnswer, at: number, verifier: Verifier, subject: Subject) {
    this.outcome = answer.status;
    this.answer = answer;
    this.at = at;
    this.verifier = verifier;
    this.subject = subject;
  }

  get verdict(): Verdict {
    this.judged ??= this.answer.verdictAt(this.at, this.verifier, this.subject);
    return this.judged;
  }
}

/** What `OCSPClient.check` found out. */
export class CheckResult implements CheckFacts {
  /** What is known of the certificate. */
  readonly outcome: CheckOutcome;
  /** Whether the certificate may be relied on, by the client's `failPolicy`. */
  readonly allowed: boolean;
  /** Where the answer comes from. */
  readonly source: CheckSource;
  /** Why there is none: null unless `outcome` is `'undetermined'`. */
  readonly failure: OCSPFailure | null;
  /** Why there is none, for people; null unless `outcome` is `'undetermined'` or `'not-applicable'`. */
  readonly reason: string | null;
  /** The exchanges behind it; empty for an answer from the cache. */
  readonly attempts: readonly OCSPAttempt[];
  readonly #facts: CheckFacts;

  /** @internal */
  constructor(facts: CheckFacts, allowed: boolean) {
    const { outcome, source, failure, reason, attempts } = facts;
    this.#facts = facts;
    this.outcome = outcome;
    this.allowed = allowed;
    this.source = source;
    this.failure = failure;
    this.reason = reason;
    this.attempts = attempts;
  }

  /**
   * On the answer that decided, or on the last one that was refused; null where there was none. On an answer of the cache it is
   * made when it is first read, which takes as long as a call of `Verifier.verify`.
   */
  get verdict(): Verdict | null {
    return this.#facts.verdict;
  }

  /** The content for `JSON.stringify`. */
  toJSON(): CheckFacts & { readonly allowed: boolean } {
    const { outcome, allowed, source, failure, reason, verdict, attempts } = this;
    return { outcome, allowed, source, failure, reason, verdict, attempts };
  }

  /** What was asked, what came of it, and the decision, a line each. For people; the wording may change. */
  explain(): string {
    const lines = this.attempts.map(attemptLine);
    if (this.source === 'cache') lines.push('  -    from the cache');
    if (this.source === 'staple') lines.push('  -    came with the certificate');
    if (this.source === 'stale')
      lines.push('  -    from the cache, past its time: no one could be reached for a newer answer');
    if (this.verdict !== null) lines.push(this.verdict.explain());
    if (this.reason !== null) lines.push(`  -    ${this.reason}`);
    const failure = this.failure === null ? '' : ` (${this.failure})`;
    lines.push(`=> ${this.outcome}${failure}, ${this.allowed ? 'allowed' : 'not allowed'}`);
    return lines.join('\n');
  }
}

function attemptLine({ url, method, hashAlgorithm, reason }: OCSPAttempt): string {
  const how = method === null ? 'not asked' : `asked by ${method} and ${hashAlgorithm}`;
  return `  ${reason === null ? 'yes' : 'no '}  ${url}: ${how}${reason === null ? '' : `: ${reason}`}`;
}

/**
 * What becomes of a certificate whose status no one can tell: `'hard'` lets none pass; `'soft'` those for which no one could be
 * reached, never those for which somebody has given a bad answer; or a function that decides. `'good'` is always let pass,
 * `'revoked'` never, whatever the policy.
 */
export type FailPolicy = 'hard' | 'soft' | ((result: CheckResult) => boolean);
