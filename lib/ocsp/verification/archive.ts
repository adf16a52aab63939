/** What the answers of an archive say about a moment, with the proof that each of them rests on. */

import type { X509Certificate } from 'node:crypto';
import { types } from 'node:util';
import { invalidArgType } from '../../errors.js';
import { type ChainInput, toChain } from '../../x509/chain.js';
import { checkList } from '../../x509/checks.js';
import { type OptionNames, readOptions } from '../../x509/options.js';
import { parsePrintedTime } from '../../x509/time.js';
import { SERIAL } from '../layout.js';
import { copyInput, INTERNAL, type MessageBytes, type MessageView, STRICT } from '../message.js';
import { loadDerOcspResponse, OCSPResponse } from '../response.js';
import { momentOf } from '../validity.js';
import { type Findings, isoTime } from './judge.js';
import type { Policy } from './policy.js';
import { type Question, type Target, toQuestion } from './question.js';
import { type Refusal, type RefusalCode, refusal } from './refusals.js';
import { type Authentic, Standing } from './standing.js';
import { type Circumstances, type Lifetime, type Statement, statementOf } from './statement.js';
import { type LinkFacts, OCSPAnswerAt, OCSPStatusAt, type SignerProof } from './status-at.js';
import type { OCSPVerdict, Verdict } from './verdict.js';

/** What {@link Verifier.statusAt} is asked. */
export interface StatusAtQuestion {
  /**
   * PEM, or a list: the certificate in question, the certificate of the CA that issued it, and so on. The last one is taken as it
   * is: a trust anchor, or a CA that is known to have been good. Two will do.
   */
  readonly chain: ChainInput;
  /** The moment in question, such as that of a time stamp over a signature. */
  readonly at: Date;
  /**
   * A moment at which the answers are known to have existed: when they were archived under a time stamp, say. The certificates that
   * they rest on have to be valid then, since a key that has come to its end proves nothing about the past. Default: now.
   */
  readonly existedAt?: Date;
}

/** Judges one response at a moment. */
export type JudgeAt = (
  der: MessageBytes,
  question: Question,
) => { readonly findings: Findings; readonly verdict: OCSPVerdict };

const QUESTION: OptionNames<StatusAtQuestion> = { chain: true, at: true, existedAt: true };

/** A certificate of the chain, or a delegate of a CA in it. */
interface Link {
  /** Its moment is set for each use. */
  readonly question: Question;
  readonly certificate: X509Certificate;
  readonly issuer: X509Certificate;
  readonly circumstances: Circumstances;
  /** The certificate of its issuer; null where that is taken as it is. */
  readonly above: Link | null;
  /** The answers that have an entry about it. */
  readonly about: readonly Answer[];
  /** What they come to for what it has signed. */
  readonly standing: Map<Depth, Standing>;
  readonly authentic: Map<Answer, Authenticity>;
}

interface Answer {
  readonly der: MessageBytes;
  readonly response: OCSPResponse;
}

/** An entry of an answer. */
interface Entry {
  readonly answer: Answer;
  readonly certId: MessageView;
}

/** What was found about an answer for a certificate, whatever the moment. */
interface Authenticity {
  readonly verdict: Verdict;
  /** Null where it was not authentic when it was made. What is authentic and refused may still speak against "good". */
  readonly made: Findings | null;
  readonly refusals: readonly Refusal[];
}

/**
 * How far the answers about a signer are believed. Those about a certificate of the chain may be by any delegate; those about that
 * delegate by the CA itself, a trusted responder, or a delegate with id-pkix-ocsp-nocheck; those about the latter by the former
 * two. So no answer vouches for itself.
 */
type Depth = 0 | 1 | 2;

/** What does not matter about an answer at the moment when it is known to have existed: its times are judged as of producedAt. */
const OF_TIMES: readonly RefusalCode[] = ['NOT_YET_VALID', 'EXPIRED', 'TOO_OLD'];
/** What may be wrong with an answer of which it is certain who made it. */
const OF_CONTENT: readonly RefusalCode[] = [
  ...OF_TIMES,
  'INVERTED_TIMES',
  'BAD_TIME',
  'BAD_EXTENSIONS',
  'UNKNOWN_CRITICAL_EXTENSION',
  'CONTRADICTORY',
];

/** Reads the arguments of `Verifier.statusAt`, and answers. */
export function archivedStatus(
  input: unknown,
  question: StatusAtQuestion,
  policy: Policy,
  judge: JudgeAt,
): OCSPStatusAt {
  const { chain, at, existedAt } = readOptions(question, QUESTION, 'question');
  if (at === undefined) throw invalidArgType('at', 'an instance of Date', at);
  return new Archive(input, chain, momentOf(existedAt, 'existedAt'), policy, judge).statusAt(momentOf(at, 'at'));
}

class Archive {
  /** By serial number: archives have thousands of answers, and an answer may have as many entries. */
  readonly #entries: ReadonlyMap<string, readonly Entry[]>;
  readonly #unreadable: number;
  readonly #links: readonly Link[];
  readonly #delegates = new Map<string, Link>();
  readonly #existedAt: number;
  readonly #policy: Policy;
  readonly #judge: JudgeAt;

  constructor(input: unknown, chain: ChainInput, existedAt: number, policy: Policy, judge: JudgeAt) {
    this.#policy = policy;
    this.#judge = judge;
    this.#existedAt = existedAt;
    const given = toAnswers(input, policy);
    const answers = given.filter((answer) => answer !== null);
    this.#entries = entriesOf(answers);
    this.#unreadable = given.length - answers.length;
    this.#links = this.#toLinks(chain);
  }

  statusAt(at: number): OCSPStatusAt {
    const links = this.#links.map((link) => this.#statusOf(link, at));
    return new OCSPStatusAt(INTERNAL, at, this.#existedAt, links, this.#unreadable);
  }

  #toLinks(chain: ChainInput): Link[] {
    const certificates = toChain(chain);
    const links: Link[] = [];
    for (let i = certificates.length - 2; i >= 0; i--) {
      const [certificate, issuer] = certificates.slice(i, i + 2) as [X509Certificate, X509Certificate];
      links.unshift(this.#toLink(certificate, issuer, links[0] ?? null));
    }
    return links;
  }

  #toLink(certificate: X509Certificate, issuer: X509Certificate, above: Link | null): Link {
    const question = toQuestion({ certificate, issuer, at: new Date(0) });
    return {
      question,
      certificate,
      issuer,
      circumstances: { certificate: lifetimeOf(certificate), issuer: lifetimeOf(issuer), policy: this.#policy },
      above,
      about: this.#about(question.target),
      standing: new Map(),
      authentic: new Map(),
    };
  }

  #about(target: Target): Answer[] {
    const entries = this.#entries.get(target.serial.toString('hex')) ?? [];
    const about = new Set<Answer>();
    for (const { answer, certId } of entries) if (target.matches(certId)) about.add(answer);
    return [...about];
  }

  /** What all answers about a certificate of the chain come to. */
  #statusOf(link: Link, at: number): LinkFacts {
    const answers = link.about.map((answer) => this.#answerAt(link, answer, at));
    return { certificate: link.certificate, answers, ...outcomeOf(answers) };
  }

  #answerAt(link: Link, answer: Answer, at: number): OCSPAnswerAt {
    const { verdict, made, refusals } = this.#authenticity(link, answer);
    if (made === null) return new OCSPAnswerAt(INTERNAL, { verdict, statements: [], signerProof: null, refusals });
    const proof = refusals.length > 0 ? null : this.#signerProof(link, made, verdict, 2);
    const statements = made.matching.map((entry) => statementOf(at, made.message, entry, link.circumstances));
    const all = [...refusals, ...(proof?.refusals ?? []), ...statements.flatMap((statement) => statement.refusals)];
    return new OCSPAnswerAt(INTERNAL, { verdict, statements, signerProof: proof?.kind ?? null, refusals: all });
  }

  /** What all answers come to at any moment. */
  #standing(link: Link, depth: Depth): Standing {
    let standing = link.standing.get(depth);
    if (standing === undefined) {
      standing = new Standing(this.#authentic(link, depth), link.circumstances);
      link.standing.set(depth, standing);
    }
    return standing;
  }

  *#authentic(link: Link, depth: Depth): Generator<Authentic> {
    for (const answer of link.about) {
      const { verdict, made, refusals } = this.#authenticity(link, answer);
      if (made === null) continue;
      const isBelieved = refusals.length === 0 && this.#signerProof(link, made, verdict, depth).refusals.length === 0;
      yield { made, isBelieved };
    }
  }

  /** Whether it was authentic when it was made, and is so at the moment when it is known to have existed. */
  #authenticity(link: Link, answer: Answer): Authenticity {
    let result = link.authentic.get(answer);
    if (result === undefined) {
      result = this.#authenticate(link, answer);
      link.authentic.set(answer, result);
    }
    return result;
  }

  #authenticate({ question }: Link, { der, response }: Answer): Authenticity {
    const producedAt = response.producedAt.getTime() / 1000;
    const made = this.#judge(der, { ...question, at: producedAt });
    const verdict = made.verdict as Verdict;
    if (!verdict.usable) {
      const isAuthentic = verdict.refusals.every(({ code }) => OF_CONTENT.includes(code));
      return { verdict, made: isAuthentic ? made.findings : null, refusals: verdict.refusals };
    }
    const refusals: Refusal[] = [];
    if (producedAt > this.#existedAt + this.#policy.clockTolerance) {
      refusals.push(refusal('PRODUCED_LATER', `${isoTime(producedAt)}, and ${isoTime(this.#existedAt)}`));
    }
    const then = this.#judge(der, { ...question, at: this.#existedAt });
    const faults = then.verdict.refusals.filter(({ code }) => !OF_TIMES.includes(code));
    return { verdict, made: made.findings, refusals: [...refusals, ...faults] };
  }

  /** Whether the keys that an answer rests on were not revoked: that of the signer, and that of the CA. */
  #signerProof(
    link: Link,
    made: Findings,
    verdict: Verdict,
    depth: Depth,
  ): { readonly kind: SignerProof | null; readonly refusals: readonly Refusal[] } {
    const producedAt = made.times?.producedAt as number;
    if (verdict.authority === 'trusted') return { kind: 'trusted', refusals: [] };
    const refusals: Refusal[] = [];
    if (link.above !== null && !this.#stood(link.above, producedAt)) refusals.push(refusal('ISSUER_STATUS'));
    if (verdict.authority === 'ca') return { kind: 'ca', refusals };
    const [kind, fault] = this.#delegateProof(link, verdict.signer as X509Certificate, producedAt, verdict, depth);
    return { kind, refusals: fault === null ? refusals : [...refusals, fault] };
  }

  #delegateProof(
    { issuer, above }: Link,
    signer: X509Certificate,
    producedAt: number,
    { signerHasNoCheck }: Verdict,
    depth: Depth,
  ): [SignerProof | null, Refusal | null] {
    const unknown = refusal('SIGNER_REVOCATION_UNKNOWN');
    if (depth === 0) return [null, unknown];
    const key = `${issuer.fingerprint512} ${signer.fingerprint512}`;
    const delegate = this.#delegates.get(key) ?? this.#toLink(signer, issuer, above);
    this.#delegates.set(key, delegate);
    const standing = this.#standing(delegate, (depth - 1) as Depth);
    if (standing.isRevoked(producedAt) || standing.isRevoked(this.#existedAt)) {
      return [null, refusal('SIGNER_REVOKED', 'an answer about its certificate says so')];
    }
    if (signerHasNoCheck === true) return ['nocheck', null];
    if (depth === 1) return [null, unknown];
    if (standing.isGood(producedAt)) return ['answer', null];
    return this.#policy.acceptsUnproven ? ['accepted', null] : [null, unknown];
  }

  /** Whether it is known to have been good when something was signed, and nothing says that it was revoked before that existed. */
  #stood(link: Link, signedAt: number): boolean {
    const standing = this.#standing(link, 2);
    return standing.isGood(signedAt) && !standing.isRevoked(this.#existedAt);
  }
}

/** One word for all answers: "revoked" before "good", and nothing where one that does not count speaks against it. */
function outcomeOf(answers: readonly OCSPAnswerAt[]): Omit<LinkFacts, 'certificate' | 'answers'> {
  const counted = answers.flatMap((answer) => (answer.status === null ? [] : [answer]));
  const good = counted.filter(({ status }) => status === 'good');
  const lifted = good
    .flatMap(({ statements }) => statements)
    .reduce(
      (latest, { basis, knownAt }) => (basis === 'current' ? Math.max(latest, knownAt) : latest),
      Number.NEGATIVE_INFINITY,
    );
  const stands = ({ isObjection, isHold, knownAt }: Statement): boolean => isObjection && !(isHold && knownAt < lifted);
  const since = counted
    .flatMap(({ status, statements }) => (status === 'revoked' ? statements.filter(stands) : []))
    .map((statement) => statement.since as number)
    .sort((one, other) => one - other);
  if (since[0] !== undefined) return { status: 'revoked', basis: null, since: since[0], isDisputed: false };
  if (answers.some(({ statements }) => statements.some(stands))) {
    return { status: null, basis: null, since: null, isDisputed: true };
  }
  if (good.length > 0) {
    const basis = good.some((answer) => answer.basis === 'later') ? 'later' : 'current';
    return { status: 'good', basis, since: null, isDisputed: false };
  }
  const isUnknown = counted.some(({ status }) => status === 'unknown');
  return { status: isUnknown ? 'unknown' : null, basis: null, since: null, isDisputed: false };
}

/** Answers in the order given; null for what is none that can be read, or an error. */
function toAnswers(input: unknown, policy: Policy): (Answer | null)[] {
  const items = types.isUint8Array(input) || input instanceof OCSPResponse ? [input] : input;
  const messages = checkList(items, 'answers', (item) =>
    copyInput(item instanceof OCSPResponse ? item.publicBytes() : item, policy.reading),
  );
  return messages.map((der) => {
    try {
      const response = loadDerOcspResponse(der.view(), { strict: policy.reading === STRICT ? true : 'field' });
      // What is not successful, and a producedAt that is none, throw here.
      return response.producedAt && { der, response };
    } catch {
      return null;
    }
  });
}

function entriesOf(answers: readonly Answer[]): Map<string, Entry[]> {
  const entries = new Map<string, Entry[]>();
  for (const answer of answers) {
    for (const entry of answer.response.responses) {
      const certId = entry.parsedCertId();
      const serial = certId.view(SERIAL).toString('hex');
      const ofSerial = entries.get(serial);
      if (ofSerial === undefined) entries.set(serial, [{ answer, certId }]);
      else ofSerial.push({ answer, certId });
    }
  }
  return entries;
}

function lifetimeOf({ validFrom, validTo }: X509Certificate): Lifetime {
  return { from: parsePrintedTime(validFrom) / 1000, until: parsePrintedTime(validTo) / 1000 };
}
