/** From what the addon found in a response to a verdict: every check of RFC 6960 section 3.2, and all of them. */
import { native } from '../../binding.js';
import { OCSPError } from '../../errors.js';
import { Tag } from '../../x509/der.js';
import { OCSPCertStatus } from '../enums.js';
import {
  AUTHENTICATION,
  CERT_STATUS,
  FIRST_SINGLE,
  ISSUED,
  NEXT_UPDATE,
  type Offsets,
  PRODUCED_AT,
  RESPONSE_COUNT,
  RESPONSE_EXTENSIONS,
  RESPONSE_STATUS,
  RESPONSES,
  REVOCATION_REASON,
  REVOCATION_TIME,
  SINGLE_EXTENSIONS,
  SINGLE_SIZE,
  THIS_UPDATE,
} from '../layout.js';
import { type MessageBytes, MessageView } from '../message.js';
import { isUnknownCritical, nonceOf, type RawExtension, readRawExtensions } from '../raw-extensions.js';
import { type ValidityFault, validityFaults } from '../validity.js';
import { type NonceState, nonceState } from './nonce.js';
import type { Policy } from './policy.js';
import type { Question } from './question.js';
import { type Refusal, type RefusalCode, refusal } from './refusals.js';

/** Times of an entry, in whole seconds since 1970-01-01. */
export interface EntryTimes {
  readonly thisUpdate: number;
  readonly nextUpdate: number | null;
  readonly producedAt: number;
  readonly revocationTime: number | null;
}

/** All that a verdict rests on. */
export interface Findings {
  readonly message: MessageView;
  readonly refusals: readonly Refusal[];
  /** The entry about the certificate; null when none was looked for or found. */
  readonly entry: MessageView | null;
  /** All entries about it. */
  readonly matching: readonly MessageView[];
  readonly times: EntryTimes | null;
  readonly nonce: NonceState | null;
}

const NOTHING = 12;
/** What the outcomes of an authentication mean: AuthenticationOutcome of native/core/response_verifier.h; 0 is "authentic". */
export const OUTCOMES: readonly (RefusalCode | null)[] = [
  null,
  'SIGNER_NOT_FOUND',
  'BAD_SIGNATURE',
  'UNSUPPORTED_SIGNATURE',
  'WEAK_SIGNATURE',
  'SIGNER_NOT_AUTHORIZED',
  'SIGNER_NOT_YET_VALID',
  'SIGNER_EXPIRED',
  'SIGNER_REVOKED',
  'SIGNER_UNTRUSTED',
  'SIGNER_REVOCATION_UNKNOWN',
  'INTERNAL_FAILURE',
];

const STATUS_NAMES: Readonly<Record<number, string>> = {
  1: 'malformedRequest: it could not read the request',
  2: 'internalError: it has operational problems',
  3: 'tryLater: it is overloaded',
  5: 'sigRequired: it requires signed requests',
  6: 'unauthorized: it does not answer for this certificate',
};

const UNKNOWN_ISSUER = "whether the issuer's key signed the certificate cannot be told";

/**
 * Judges a response.
 *
 * @param offsets - What an authenticator left: layout of the response, then of its authentication.
 * @param error - The error behind the outcome of the authentication.
 */
export function judge(
  der: MessageBytes,
  offsets: Offsets,
  base: number,
  error: Error | undefined,
  question: Question,
  policy: Policy,
): Findings {
  const message = new MessageView(der, offsets, base);
  const cause = error instanceof OCSPError ? error : null;
  const refusals: Refusal[] = [];
  const status = message.number(RESPONSE_STATUS);
  if (status !== 0) {
    refusals.push(
      status < 0
        ? refusal('MALFORMED', otherThan(der.view()) ?? cause?.message, cause)
        : refusal('UNSUCCESSFUL', STATUS_NAMES[status] ?? `status ${status}`),
    );
    return { message, refusals, entry: null, matching: [], times: null, nonce: null };
  }
  const { target } = question;
  if (message.number(ISSUED) === 1) target.isIssued();
  if (target.mismatch === null) refusals.push(refusal('UNSUPPORTED_SIGNATURE', UNKNOWN_ISSUER));
  else if (target.mismatch !== '') refusals.push(refusal('ISSUER_MISMATCH', target.mismatch));
  if (!question.isAsked) refusals.push(refusal('REQUEST_MISMATCH'));
  const matching = findEntries(message, question);
  const entry = chooseEntry(matching, refusals);
  checkAuthentication(message, cause, refusals);
  const times = entry === null ? null : checkEntryTimes(message, entry, matching, question.at, policy, refusals);
  const nonce = checkExtensions(message, matching, question, policy, refusals);
  return { message, refusals, entry, matching, times, nonce };
}

/** The entries about the certificate that is asked about. */
function findEntries(message: MessageView, { target }: Question): MessageView[] {
  const { der, offsets } = message;
  const count = message.number(RESPONSE_COUNT);
  if (count === 1) {
    const only = new MessageView(der, offsets, message.base + FIRST_SINGLE);
    return target.matches(only) ? [only] : [];
  }
  if (count === 0) return [];
  const list = native.parseSingleResponses(der.memory, message.start(RESPONSES), message.end(RESPONSES), der.reading);
  const found: MessageView[] = [];
  for (let i = 0; i < count; i++) {
    const entry = new MessageView(der, list, i * SINGLE_SIZE);
    if (target.matches(entry)) found.push(entry);
  }
  return found;
}

/** The latest of entries that agree, such as twins with CertIDs by different hashes. */
function chooseEntry(matching: readonly MessageView[], refusals: Refusal[]): MessageView | null {
  const [first] = matching;
  if (first === undefined) {
    refusals.push(refusal('CERTIFICATE_NOT_FOUND'));
    return null;
  }
  let latest = first;
  for (let i = 1; i < matching.length; i++) {
    const other = matching[i] as MessageView;
    if (!sameStatus(first, other)) {
      refusals.push(refusal('CONTRADICTORY'));
      return null;
    }
    // Text of the form YYYYMMDDHHMMSSZ sorts by time.
    if (other.view(THIS_UPDATE).compare(latest.view(THIS_UPDATE)) > 0) latest = other;
  }
  return latest;
}

function sameStatus(one: MessageView, other: MessageView): boolean {
  if (one.number(CERT_STATUS) !== other.number(CERT_STATUS)) return false;
  if (one.number(CERT_STATUS) !== OCSPCertStatus.REVOKED) return true;
  return (
    one.number(REVOCATION_REASON) === other.number(REVOCATION_REASON) &&
    one.view(REVOCATION_TIME).equals(other.view(REVOCATION_TIME))
  );
}

function checkAuthentication(message: MessageView, cause: OCSPError | null, refusals: Refusal[]): void {
  const outcome = message.number(AUTHENTICATION);
  if (outcome === 0 && cause === null) return;
  // Whatever is not plainly a yes is a no: an outcome that is not known here, or one that comes with an error.
  const code = outcome === NOTHING ? undefined : OUTCOMES[outcome];
  refusals.push(refusal(code ?? 'INTERNAL_FAILURE', cause?.message, cause));
}

const FAULT_CODES: Readonly<Record<ValidityFault, RefusalCode>> = {
  'not-yet-valid': 'NOT_YET_VALID',
  expired: 'EXPIRED',
  'too-old': 'TOO_OLD',
  inverted: 'INVERTED_TIMES',
};

function checkEntryTimes(
  message: MessageView,
  entry: MessageView,
  matching: readonly MessageView[],
  at: number,
  policy: Policy,
  refusals: Refusal[],
): EntryTimes | null {
  let times: EntryTimes;
  try {
    times = readTimes(message, entry);
    // A twin that no one goes by has to make sense all the same.
    for (const twin of matching) if (twin !== entry) readTimes(message, twin);
  } catch (error) {
    refusals.push(refusal('BAD_TIME', (error as Error).message, asOcspError(error)));
    return null;
  }
  refusals.push(...timeRefusals(times, at, policy));
  return times;
}

/** What is wrong with the times of an entry at a moment. */
export function timeRefusals(times: EntryTimes, at: number, policy: Policy): Refusal[] {
  const { thisUpdate, nextUpdate } = times;
  const maxAge = greatestAge(times, policy);
  const faults = validityFaults(thisUpdate, nextUpdate, at, policy.clockTolerance, maxAge);
  return faults.map((fault) => refusal(FAULT_CODES[fault], faultDetail(fault, times, maxAge)));
}

/** The moments about which {@link timeRefusals} changes. */
export function timeEdges(times: EntryTimes, policy: Policy): number[] {
  const { thisUpdate, nextUpdate } = times;
  const edges = [thisUpdate - policy.clockTolerance, thisUpdate + greatestAge(times, policy)];
  return nextUpdate === null ? edges : [...edges, nextUpdate + policy.clockTolerance];
}

function greatestAge({ nextUpdate }: EntryTimes, policy: Policy): number {
  return nextUpdate === null ? policy.maxAgeWithoutNext : policy.maxAge;
}

/** The times of an entry. @throws `ERR_OCSP_MALFORMED`. */
export function readTimes(message: MessageView, entry: MessageView): EntryTimes {
  return {
    thisUpdate: entry.seconds(THIS_UPDATE),
    nextUpdate: entry.has(NEXT_UPDATE) ? entry.seconds(NEXT_UPDATE) : null,
    producedAt: message.seconds(PRODUCED_AT),
    revocationTime: entry.has(REVOCATION_TIME) ? entry.seconds(REVOCATION_TIME) : null,
  };
}

function faultDetail(fault: ValidityFault, { thisUpdate, nextUpdate }: EntryTimes, maxAge: number): string {
  if (fault === 'not-yet-valid') return isoTime(thisUpdate);
  if (fault === 'too-old') {
    const why = nextUpdate === null ? ', and there is no nextUpdate' : '';
    return `${isoTime(thisUpdate)} is more than ${maxAge} seconds ago${why}`;
  }
  return isoTime(nextUpdate as number);
}

/** ISO 8601 of whole seconds since 1970-01-01. */
export function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000', '');
}

function checkExtensions(
  message: MessageView,
  matching: readonly MessageView[],
  { nonce: asked }: Question,
  policy: Policy,
  refusals: Refusal[],
): NonceState | null {
  const unknown: string[] = [];
  let answered: Uint8Array | null;
  try {
    const ofResponse = extensionsOf(message, RESPONSE_EXTENSIONS);
    addUnknownCritical(ofResponse, unknown);
    for (const entry of matching) addUnknownCritical(extensionsOf(entry, SINGLE_EXTENSIONS), unknown);
    answered = nonceOf(ofResponse);
  } catch (error) {
    refuseUnknownCritical(unknown, refusals);
    refusals.push(refusal('BAD_EXTENSIONS', (error as Error).message, asOcspError(error)));
    return null;
  }
  refuseUnknownCritical(unknown, refusals);
  const state = nonceState(asked, answered);
  if (policy.nonce === 'ignored') return state;
  if (state === 'different') {
    refusals.push(refusal('NONCE_MISMATCH'));
  } else if (policy.nonce === 'required' && state !== 'equal') {
    refusals.push(refusal('NONCE_MISSING', asked === null ? 'the request had none' : 'the answer has none'));
  }
  return state;
}

function addUnknownCritical(extensions: readonly RawExtension[], unknown: string[]): void {
  for (const extension of extensions) if (isUnknownCritical(extension)) unknown.push(extension.oid);
}

/** Critical extensions that are named; of the others only how many there are is said. Strangers write tens of thousands of them. */
const MOST_NAMED = 8;

function refuseUnknownCritical(oids: readonly string[], refusals: Refusal[]): void {
  for (const oid of oids.slice(0, MOST_NAMED)) refusals.push(refusal('UNKNOWN_CRITICAL_EXTENSION', oid));
  const more = oids.length - MOST_NAMED;
  if (more > 0) refusals.push(refusal('UNKNOWN_CRITICAL_EXTENSION', `and ${more} more`));
}

const NO_EXTENSIONS: readonly RawExtension[] = [];

/** The extensions at a range. @throws `ERR_OCSP_MALFORMED`; `ERR_OCSP_DUPLICATE_EXTENSION`. */
export function extensionsOf(parsed: MessageView, range: number): readonly RawExtension[] {
  return parsed.has(range) ? readRawExtensions(...parsed.locate(range)) : NO_EXTENSIONS;
}

function asOcspError(error: unknown): OCSPError | null {
  return error instanceof OCSPError ? error : null;
}

/** What bytes are that do not even begin like an OCSPResponse; undefined when they do. */
function otherThan(der: Uint8Array): string | undefined {
  if (der.length === 0) return 'there are none';
  const [tag, length = 0] = der;
  if (tag !== Tag.SEQUENCE) return 'they are not DER, but text or something else';
  const first = der[length > 0x80 ? 2 + (length & 0x7f) : 2];
  return first === undefined || first === Tag.ENUMERATED
    ? undefined
    : 'they are DER of something else, such as a certificate';
}
