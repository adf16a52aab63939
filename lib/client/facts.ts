/** What is known of a certificate, before a policy has looked at it, in each case. */
import type { Verdict } from '../ocsp/verification/verdict.js';
import type { OCSPAttempt } from './attempt.js';
import type { CheckFacts } from './check-result.js';
import { type OCSPFailure, shortened } from './failures.js';
import type { Subject } from './subject.js';

const NO_ATTEMPTS: readonly OCSPAttempt[] = Object.freeze([]);

export function answered(
  outcome: CheckFacts['outcome'],
  verdict: Verdict,
  source: CheckFacts['source'],
  attempts: readonly OCSPAttempt[] = NO_ATTEMPTS,
): CheckFacts {
  return { outcome, verdict, source, failure: null, reason: null, attempts };
}

export function inapplicableFor(reason: string): CheckFacts {
  return { outcome: 'not-applicable', verdict: null, source: null, failure: null, reason, attempts: NO_ATTEMPTS };
}

export function noResponder({ certificate }: Subject, others: readonly string[]): CheckFacts {
  // A CertID names no one, which says nothing of the certificate.
  if (certificate === null) return undetermined('unreachable', 'a CertID names no responder, and the client has none');
  if (others.length === 0) return inapplicableFor('no responder is named');
  return undetermined('unreachable', `no responder over HTTP is named, only ${others.join(', ')}`);
}

export function unanswered(attempts: readonly OCSPAttempt[], { verdict }: OCSPAttempt): CheckFacts {
  const failure = attempts.some((attempt) => attempt.failure === 'refused') ? 'refused' : 'unreachable';
  return undetermined(failure, reasonOf(failure, attempts), verdict?.usable ? null : verdict, attempts);
}

export function undetermined(
  failure: OCSPFailure,
  reason: string,
  verdict: Verdict | null = null,
  attempts: readonly OCSPAttempt[] = NO_ATTEMPTS,
): CheckFacts {
  return { outcome: 'undetermined', verdict, source: null, failure, reason: shortened(reason), attempts };
}

function reasonOf(failure: OCSPFailure, attempts: readonly OCSPAttempt[]): string {
  const counts = failure === 'refused' ? ' that counts' : '';
  const last = attempts.findLast((attempt) => attempt.failure === failure)?.reason;
  return `no responder gave an answer${counts}${last ? `: ${last}` : ''}`;
}
