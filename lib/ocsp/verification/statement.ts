/** What one entry of an answer says about a moment: before the answer was made, or while it held. */

import { CRLReason, InvalidityDate } from '../../x509/extensions/crl-entry.js';
import { ArchiveCutoff } from '../../x509/extensions/response.js';
import { CRLEntryExtensionOID, OCSPExtensionOID } from '../../x509/oids.js';
import { reasonToCode } from '../../x509/reason.js';
import { CERT_STATUS, REVOCATION_REASON, SINGLE_EXTENSIONS } from '../layout.js';
import type { MessageView } from '../message.js';
import { type EntryTimes, extensionsOf, isoTime, readTimes, timeEdges, timeRefusals } from './judge.js';
import type { Policy } from './policy.js';
import { type Refusal, refusal } from './refusals.js';

/** Times are whole seconds since 1970-01-01; NaN where an extension cannot be read. */
interface EntryFacts extends EntryTimes {
  readonly certStatus: number;
  /**
   * CRLReason codes, of the entry and of its reasonCode extension (RFC 6960 section 4.4.5): -1 for none, NaN for one that cannot be
   * read. Where there are two, each counts.
   */
  readonly reasons: readonly number[];
  /** Since when the certificate is known, or suspected, to be invalid. */
  readonly invalidityDate: number | null;
  readonly archiveCutoff: number | null;
}

/** From the first second of a certificate to the first one after it. */
export interface Lifetime {
  readonly from: number;
  readonly until: number;
}

/** What is needed beside the entry. */
export interface Circumstances {
  readonly certificate: Lifetime;
  readonly issuer: Lifetime;
  readonly policy: Policy;
}

/** `'later'`: what was known at the moment or after it; `'current'`: what was known before, by an answer that still held. */
export type StatusBasis = 'later' | 'current';

/** What an entry says about a moment. */
export interface Statement {
  readonly status: 'good' | 'revoked' | 'unknown' | null;
  readonly basis: StatusBasis | null;
  /** When "revoked" began; null unless that is what it says. */
  readonly since: number | null;
  /** As of when it was known: thisUpdate, or producedAt where that is earlier. */
  readonly knownAt: number;
  /** It tells of a revocation that speaks against "good" at the moment. */
  readonly isObjection: boolean;
  /** The objection is a hold from before the moment: a later answer that was "good" before the moment ends it. */
  readonly isHold: boolean;
  /** Why it says nothing; empty unless `status` is null. */
  readonly refusals: readonly Refusal[];
}

/** A statement, and the moment from which on it is made. */
export interface Phase extends Statement {
  readonly from: number;
}

const GOOD = 0;
const REVOKED = 1;
/** CRLReason codes (RFC 5280 section 5.3.1). */
const COMPROMISES: readonly number[] = [1, 2, 10];
/** unspecified (which no reason stands for), affiliationChanged, superseded, cessationOfOperation, certificateHold, privilegeWithdrawn. */
const PLAIN_REASONS: readonly number[] = [-1, 0, 3, 4, 5, 6, 9];
/** certificateHold, and removeFromCRL, which stands for one that is lifted. */
const HOLDS: readonly number[] = [6, 8];

/** {@link statementAt} for an entry. One that cannot be read says nothing, but that of a revocation is heard. */
export function statementOf(
  at: number,
  message: MessageView,
  entry: MessageView,
  circumstances: Circumstances,
): Statement {
  try {
    return statementAt(at, factsOf(message, entry), circumstances);
  } catch {
    return unreadable(entry);
  }
}

/**
 * {@link statementOf} for every moment: whole seconds in their order, from each of which on the statement is the same until the
 * next one. The first one is -Infinity.
 */
export function phasesOf(message: MessageView, entry: MessageView, circumstances: Circumstances): Phase[] {
  try {
    const facts = factsOf(message, entry);
    return edgesOf(facts, circumstances).map((from) => ({ from, ...statementAt(from, facts, circumstances) }));
  } catch {
    return [{ from: Number.NEGATIVE_INFINITY, ...unreadable(entry) }];
  }
}

/** Where {@link statementAt} may change: all that it compares a moment with. */
function edgesOf(facts: EntryFacts, { certificate, issuer, policy }: Circumstances): number[] {
  const lives = [certificate.from, certificate.until, issuer.from, issuer.until];
  const edges = [sinceOf(facts), knownAt(facts), ...lives, ...timeEdges(facts, policy)];
  const whole = edges.filter(Number.isFinite).map(Math.floor);
  // What changes there does so in that second or in the next one, as "until" or "before" has it.
  const seconds = new Set(whole.flatMap((second) => [second, second + 1]));
  return [Number.NEGATIVE_INFINITY, ...[...seconds].sort((one, other) => one - other)];
}

function unreadable(entry: MessageView): Statement {
  return {
    status: null,
    basis: null,
    since: null,
    knownAt: Number.POSITIVE_INFINITY,
    isObjection: entry.number(CERT_STATUS) === REVOKED,
    isHold: false,
    refusals: [],
  };
}

/** @throws `ERR_OCSP_MALFORMED`; `ERR_OCSP_DUPLICATE_EXTENSION`. Where a verdict is usable, neither happens. */
function factsOf(message: MessageView, entry: MessageView): EntryFacts {
  const extensions = extensionsOf(entry, SINGLE_EXTENSIONS);
  const read = (oid: string, toNumber: (value: Uint8Array) => number): number | null => {
    const extension = extensions.find((item) => item.oid === oid);
    if (extension === undefined) return null;
    try {
      return toNumber(extension.value);
    } catch {
      return Number.NaN;
    }
  };
  const { CRL_REASON, INVALIDITY_DATE } = CRLEntryExtensionOID;
  const extended = read(CRL_REASON, (value) => reasonToCode(CRLReason.fromDer(value).reason));
  const own = entry.number(REVOCATION_REASON);
  return {
    ...readTimes(message, entry),
    certStatus: entry.number(CERT_STATUS),
    reasons: extended === null ? [own] : own === -1 ? [extended] : [own, extended],
    invalidityDate: read(INVALIDITY_DATE, (value) => secondsOf(InvalidityDate.fromDer(value).invalidityDate)),
    archiveCutoff: read(OCSPExtensionOID.ARCHIVE_CUTOFF, (value) =>
      secondsOf(ArchiveCutoff.fromDer(value).archiveCutoff),
    ),
  };
}

function secondsOf(date: Date): number {
  return date.getTime() / 1000;
}

/** As of when it was known: no one knows more than what was so when they signed, whatever they write. */
function knownAt({ thisUpdate, producedAt }: EntryTimes): number {
  return Math.min(thisUpdate, producedAt);
}

/** What an entry says about a moment. Whatever is not plainly "good" then is not. Where that changes is told by {@link edgesOf}. */
function statementAt(at: number, facts: EntryFacts, circumstances: Circumstances): Statement {
  if (facts.certStatus === REVOKED) return revokedAt(at, facts, circumstances);
  const isKnown = facts.certStatus === GOOD;
  const refusals = [
    ...coverage(at, facts, circumstances),
    ...(isKnown ? validity(at, circumstances) : []),
    ...(isKnown ? retention(facts, circumstances) : []),
  ];
  if (refusals.length > 0) return nothing(facts, refusals);
  return said(isKnown ? 'good' : 'unknown', at, facts);
}

/** Since when the certificate is no good, where the entry tells of a revocation. */
function sinceOf(facts: EntryFacts): number {
  const { revocationTime, invalidityDate } = facts;
  const known = knownAt(facts);
  // No one can know a revocation before it is there: a later time is none to rely on.
  const revoked = Math.min(revocationTime ?? known, known);
  return Math.min(revoked, Number.isNaN(invalidityDate) ? revoked : (invalidityDate ?? revoked));
}

function revokedAt(at: number, facts: EntryFacts, circumstances: Circumstances): Statement {
  const since = sinceOf(facts);
  if (at >= since) {
    const isHold = facts.reasons.every((reason) => HOLDS.includes(reason)) && at > knownAt(facts);
    // A hold may have been lifted since; any other revocation is for good.
    const refusals = isHold ? coverage(at, facts, circumstances) : [];
    const objection = { isObjection: true, isHold };
    if (refusals.length > 0) return { ...nothing(facts, refusals), ...objection };
    return { ...said('revoked', at, facts), since, ...objection };
  }
  const unclear = unclearReason(facts);
  if (unclear !== null) {
    return { ...nothing(facts, [refusal('REVOCATION_UNCLEAR', unclear)]), isObjection: true };
  }
  const refusals = validity(at, circumstances);
  return refusals.length > 0 ? nothing(facts, refusals) : said('good', at, facts);
}

/** Why a certificate that was revoked after a moment may have been no good before; null where the CA says otherwise. */
function unclearReason({ reasons, invalidityDate, revocationTime }: EntryFacts): string | null {
  const when = isoTime(revocationTime ?? 0);
  if (Number.isNaN(invalidityDate)) return `revoked at ${when}, and the invalidityDate cannot be read`;
  const other = reasons.filter((reason) => !PLAIN_REASONS.includes(reason));
  if (other.length === 0) return null;
  if (other.some((reason) => !COMPROMISES.includes(reason))) return `revoked at ${when} for reason ${other.join(', ')}`;
  return invalidityDate === null ? `revoked at ${when} after a compromise, without an invalidityDate` : null;
}

/** Known as of thisUpdate, an answer says what was so until then, and what is so while it holds. */
function coverage(at: number, facts: EntryFacts, { policy }: Circumstances): Refusal[] {
  return at <= knownAt(facts) ? [] : timeRefusals(facts, at, policy);
}

function validity(at: number, { certificate, issuer }: Circumstances): Refusal[] {
  const refusals: Refusal[] = [];
  if (!isWithin(at, certificate)) refusals.push(refusal('CERTIFICATE_NOT_VALID', lifeOf(certificate)));
  if (!isWithin(at, issuer)) refusals.push(refusal('ISSUER_NOT_VALID', lifeOf(issuer)));
  return refusals;
}

/** A CA may forget certificates that have expired, unless it says how long it does not. */
function retention({ thisUpdate, producedAt, archiveCutoff }: EntryFacts, { certificate }: Circumstances): Refusal[] {
  const { until } = certificate;
  if (thisUpdate < until && producedAt < until) return [];
  if (archiveCutoff === null) return [refusal('ARCHIVE_CUTOFF', 'it has no archive cutoff')];
  if (Number.isNaN(archiveCutoff)) return [refusal('ARCHIVE_CUTOFF', 'its archive cutoff cannot be read')];
  if (archiveCutoff <= until) return [];
  return [refusal('ARCHIVE_CUTOFF', `${isoTime(archiveCutoff)} is its archive cutoff`)];
}

function isWithin(at: number, { from, until }: Lifetime): boolean {
  return at >= from && at < until;
}

function lifeOf({ from, until }: Lifetime): string {
  return Number.isNaN(from + until) ? 'its times cannot be read' : `${isoTime(from)} to ${isoTime(until)}`;
}

function said(status: 'good' | 'revoked' | 'unknown', at: number, facts: EntryFacts): Statement {
  const known = knownAt(facts);
  const basis = at <= known ? 'later' : 'current';
  return { status, basis, since: null, knownAt: known, isObjection: false, isHold: false, refusals: [] };
}

function nothing(facts: EntryFacts, refusals: readonly Refusal[]): Statement {
  return {
    status: null,
    basis: null,
    since: null,
    knownAt: knownAt(facts),
    isObjection: false,
    isHold: false,
    refusals,
  };
}
