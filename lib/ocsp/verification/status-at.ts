/** What was known of a chain of certificates at an earlier moment. */
import type { X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';
import { type Json, ValueObject } from '../../x509/value-object.js';
import { checkInternal, type INTERNAL } from '../message.js';
import { isoTime } from './judge.js';
import type { Refusal } from './refusals.js';
import type { Statement, StatusBasis } from './statement.js';
import type { Verdict } from './verdict.js';

/**
 * Why the signer of an answer is believed not to have been revoked: it is the CA itself; it is trusted by configuration; its
 * certificate has id-pkix-ocsp-nocheck; another answer says so; or (`'accepted'`) the policy asks for nothing more.
 */
export type SignerProof = 'ca' | 'trusted' | 'nocheck' | 'answer' | 'accepted';

/** What all answers about one certificate come to. */
export interface LinkFacts {
  readonly certificate: X509Certificate;
  readonly status: 'good' | 'revoked' | 'unknown' | null;
  readonly basis: StatusBasis | null;
  readonly since: number | null;
  /** An answer that does not count, or does not say enough, speaks against "good". */
  readonly isDisputed: boolean;
  readonly answers: readonly OCSPAnswerAt[];
}

/** What one answer says about the moment. */
export class OCSPAnswerAt {
  /** On the answer, as of producedAt. */
  readonly verdict: Verdict;
  /** What it says; null where it says nothing, or does not count. */
  readonly status: 'good' | 'revoked' | 'unknown' | null;
  /** `'later'`: what was known at the moment or after it; `'current'`: by an answer from before that still held. */
  readonly basis: StatusBasis | null;
  /** Why its signer is believed not to have been revoked; null where that is not known. */
  readonly signerProof: SignerProof | null;
  /** Every reason why it says nothing; empty exactly when it says something. */
  readonly refusals: readonly Refusal[];
  /** @internal */
  readonly statements: readonly Statement[];

  /** @internal */
  constructor(key: typeof INTERNAL, facts: Pick<OCSPAnswerAt, 'verdict' | 'statements' | 'signerProof' | 'refusals'>) {
    checkInternal(key, 'OCSPAnswerAt');
    this.verdict = facts.verdict;
    this.statements = facts.statements;
    this.signerProof = facts.signerProof;
    this.refusals = facts.refusals;
    // (Entries about one certificate do not contradict each other, or the verdict is not usable.)
    const [first] = facts.statements;
    const counts = facts.refusals.length === 0 && first !== undefined;
    const statuses = new Set(facts.statements.map(({ status }) => status));
    this.status = !counts ? null : statuses.has('revoked') ? 'revoked' : first.status;
    this.basis = counts ? first.basis : null;
  }

  /** What the answer came to, for `JSON.stringify`. */
  toJSON(): Json {
    return {
      status: this.status,
      basis: this.basis,
      signerProof: this.signerProof,
      refusals: this.refusals.map(({ code, message, clause }) => ({ code, message, clause })),
      verdict: this.verdict.toJSON(),
    };
  }
}

/** What was known of one certificate of the chain. */
export interface OCSPLinkAt {
  readonly certificate: X509Certificate;
  /** `'revoked'` where one answer that counts says so; null where there is none, or one that does not count speaks against "good". */
  readonly status: 'good' | 'revoked' | 'unknown' | null;
  /** On what "good" rests; null unless that is the status. */
  readonly basis: StatusBasis | null;
  /** Since when it was revoked, or invalid by its invalidityDate; null unless that is the status. */
  readonly revokedSince: Date | null;
  /** The answers about it, in the order given. */
  readonly answers: readonly OCSPAnswerAt[];
}

/** What `Verifier.statusAt` found: the status of a certificate, and of the CAs above it, at an earlier moment. */
export class OCSPStatusAt extends ValueObject {
  readonly #at: number;
  readonly #existedAt: number;
  readonly #unreadable: number;

  /**
   * `'good'` where all certificates of the chain, but the last one, were good; `'revoked'` where one was revoked; `'unknown'` where the
   * responders did not know one; null where nothing is known.
   */
  readonly status: 'good' | 'revoked' | 'unknown' | null;
  /** One for each certificate of the chain but the last, in their order. */
  readonly links: readonly OCSPLinkAt[];

  /** @internal */
  constructor(key: typeof INTERNAL, at: number, existedAt: number, links: readonly LinkFacts[], unreadable: number) {
    checkInternal(key, 'OCSPStatusAt');
    super();
    this.#at = at;
    this.#existedAt = existedAt;
    this.#unreadable = unreadable;
    this.links = links.map(({ since, isDisputed: _, ...link }) => ({
      ...link,
      revokedSince: since === null ? null : new Date(since * 1000),
    }));
    this.status = WORST_FIRST.find((status) => links.some((link) => link.status === status)) ?? null;
  }

  /** The moment in question, in whole seconds. */
  get at(): Date {
    return new Date(this.#at * 1000);
  }

  /** The moment at which the answers are taken to have existed, in whole seconds. */
  get existedAt(): Date {
    return new Date(this.#existedAt * 1000);
  }

  /** Certificate by certificate, and answer by answer, what was checked and what came of it. For people; the wording may change. */
  explain(): string {
    const lines = [`status at ${isoTime(this.#at)}, by answers that existed at ${isoTime(this.#existedAt)}`];
    if (this.#unreadable > 0) lines.push(`  -    ${this.#unreadable} of the answers are no successful responses`);
    for (const [i, link] of this.links.entries()) {
      lines.push(`certificate ${i}, serial number ${link.certificate.serialNumber}:`, ...explainLink(link));
    }
    lines.push(`=> ${wordOf(this.status)} at ${isoTime(this.#at)}`);
    return lines.join('\n');
  }

  /** Whether `other` says the same of the same certificates, by answers that say the same, at the same moments. */
  override equals(other: unknown): boolean {
    return (
      this.isSameClass(other) &&
      inspect(this.toJSON(), { depth: null }) === inspect(other.toJSON(), { depth: null }) &&
      this.links.every(({ certificate }, i) => other.links[i]?.certificate.raw.equals(certificate.raw))
    );
  }

  override toJSON(): Json {
    return {
      status: this.status,
      at: this.at.toISOString(),
      existedAt: this.existedAt.toISOString(),
      links: this.links.map(({ certificate, status, basis, revokedSince, answers }) => ({
        serialNumber: certificate.serialNumber,
        status,
        basis,
        revokedSince: revokedSince?.toISOString() ?? null,
        answers: answers.map((answer) => answer.toJSON()),
      })),
    };
  }
}

const WORST_FIRST = ['revoked', null, 'unknown', 'good'] as const;
const BASES: Readonly<Record<StatusBasis, string>> = {
  later: 'known then or later',
  current: 'known before, by an answer that still held',
};
const PROOFS: Readonly<Record<SignerProof, string>> = {
  ca: 'it is the CA itself',
  trusted: 'it is trusted by configuration',
  nocheck: 'its certificate has id-pkix-ocsp-nocheck, and nothing says that it was revoked',
  answer: 'another answer says so',
  accepted: 'taken without an answer of its own, by policy',
};

function wordOf(status: OCSPStatusAt['status']): string {
  return status ?? 'not known';
}

function explainLink({ status, basis, revokedSince, answers }: OCSPLinkAt): string[] {
  const lines = answers.flatMap((answer) => explainAnswer(answer));
  if (answers.length === 0) lines.push('  no   answer: there is none about it');
  const since = revokedSince === null ? '' : ` since ${isoTime(revokedSince.getTime() / 1000)}`;
  lines.push(`  => ${wordOf(status)}${since}${basis === null ? '' : `, ${BASES[basis]}`}`);
  return lines;
}

function explainAnswer({ verdict, status, basis, signerProof, refusals, statements }: OCSPAnswerAt): string[] {
  // The verdict tells its own refusals.
  const own = refusals.filter((item) => !verdict.refusals.includes(item));
  const lines = verdict.explain().split('\n');
  for (const { message, code, clause } of own) lines.push(`  no   then: ${message} [${code}, ${clause}]`);
  if (signerProof !== null) lines.push(`  yes  signer was not revoked: ${PROOFS[signerProof]}`);
  if (status !== null) lines.push(`  yes  then: ${status}${basis === null ? '' : `, ${BASES[basis]}`}`);
  else if (statements.some(({ isObjection }) => isObjection))
    lines.push('  no   then: it tells of a revocation, which speaks against "good"');
  return lines.map((line) => `  ${line}`);
}
