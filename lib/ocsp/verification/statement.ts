/** What one entry of an answer says about a moment: before the answer was made, or while it held. */

import { InvalidityDate } from '../../x509/extensions/crl-entry.js';
import { ArchiveCutoff } from '../../x509/extensions/response.js';
import { CRLEntryExtensionOID, OCSPExtensionOID } from '../../x509/oids.js';
import { CERT_STATUS, REVOCATION_REASON, SINGLE_EXTENSIONS } from '../layout.js';
import type { Parsed } from '../message.js';
import { type EntryTimes, extensionsOf, isoTime, readTimes, timeRefusals } from './judge.js';
import type { Policy } from './policy.js';
import { type Refusal, refusal } from './refusals.js';

/** Times are whole seconds since 1970-01-01; NaN where an extension cannot be read. */
export interface EntryFacts extends EntryTimes {
  readonly certStatus: number;
  /** CRLReason code; -1 for none. */
  readonly reason: number;
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
  /** thisUpdate: as of when it was known. */
  readonly knownAt: number;
  /** It tells of a revocation that speaks against "good" at the moment. */
  readonly isObjection: boolean;
  /** The objection is a hold from before the moment: a later answer that was "good" before the moment ends it. */
  readonly isHold: boolean;
  /** Why it says nothing; empty unless `status` is null. */
  readonly refusals: readonly Refusal[];
}

const GOOD = 0;
const REVOKED = 1;
/** CRLReason codes (RFC 5280 section 5.3.1). */
const COMPROMISES: readonly number[] = [1, 2, 10];
/** unspecified (which no reason stands for), affiliationChanged, superseded, cessationOfOperation, certificateHold, privilegeWithdrawn. */
const PLAIN_REASONS: readonly number[] = [-1, 0, 3, 4, 5, 6, 9];
const CERTIFICATE_HOLD = 6;
const REMOVE_FROM_CRL = 8;

/** @throws `ERR_OCSP_MALFORMED`; `ERR_OCSP_DUPLICATE_EXTENSION`. Where a verdict is usable, neither happens. */
export function factsOf(message: Parsed, entry: Parsed): EntryFacts {
  const extensions = extensionsOf(entry, SINGLE_EXTENSIONS);
  const read = (oid: string, toDate: (value: Uint8Array) => Date): number | null => {
    const extension = extensions.find((item) => item.oid === oid);
    if (extension === undefined) return null;
    try {
      return toDate(extension.value).getTime() / 1000;
    } catch {
      return Number.NaN;
    }
  };
  return {
    ...readTimes(message, entry),
    certStatus: entry.number(CERT_STATUS),
    reason: entry.number(REVOCATION_REASON),
    invalidityDate: read(CRLEntryExtensionOID.INVALIDITY_DATE, (value) => InvalidityDate.fromDer(value).invalidityDate),
    archiveCutoff: read(OCSPExtensionOID.ARCHIVE_CUTOFF, (value) => ArchiveCutoff.fromDer(value).archiveCutoff),
  };
}

/** What an entry says about a moment. Whatever is not plainly "good" then is not. */
export function statementAt(at: number, facts: EntryFacts, circumstances: Circumstances): Statement {
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

function revokedAt(at: number, facts: EntryFacts, circumstances: Circumstances): Statement {
  const { thisUpdate, revocationTime, reason, invalidityDate } = facts;
  // Nobody can know a revocation before it is there: a time after thisUpdate is none to rely on.
  const revoked = Math.min(revocationTime ?? thisUpdate, thisUpdate);
  const since = Math.min(revoked, Number.isNaN(invalidityDate) ? revoked : (invalidityDate ?? revoked));
  if (at >= since) {
    const isHold = (reason === CERTIFICATE_HOLD || reason === REMOVE_FROM_CRL) && at > thisUpdate;
    // A hold may have been lifted after thisUpdate; any other revocation is for good.
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
function unclearReason({ reason, invalidityDate, revocationTime }: EntryFacts): string | null {
  const when = isoTime(revocationTime ?? 0);
  if (Number.isNaN(invalidityDate)) return `revoked at ${when}, and the invalidityDate cannot be read`;
  if (PLAIN_REASONS.includes(reason)) return null;
  if (!COMPROMISES.includes(reason)) return `revoked at ${when} for reason ${reason}`;
  return invalidityDate === null ? `revoked at ${when} after a compromise, without an invalidityDate` : null;
}

/** Known as of thisUpdate, an answer says what was so until then, and what is so while it holds. */
function coverage(at: number, facts: EntryFacts, { policy }: Circumstances): Refusal[] {
  return at <= facts.thisUpdate ? [] : timeRefusals(facts, at, policy);
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

function said(status: 'good' | 'revoked' | 'unknown', at: number, { thisUpdate }: EntryFacts): Statement {
  const basis = at <= thisUpdate ? 'later' : 'current';
  return { status, basis, since: null, knownAt: thisUpdate, isObjection: false, isHold: false, refusals: [] };
}

function nothing({ thisUpdate }: EntryFacts, refusals: readonly Refusal[]): Statement {
  return { status: null, basis: null, since: null, knownAt: thisUpdate, isObjection: false, isHold: false, refusals };
}
