/**
 * Where the native parsers put what they find: indexes into the numbers of their structs, as the addon says
 * (native/binding/layout.cc). A range is two numbers, start and end offset in the DER; an absent one starts at -1.
 */
import { layout, native } from '../binding.js';

/** Offsets of one message or of a list of entries. */
export type Offsets = ArrayLike<number>;

const { offsets } = native;

/** CertID, at the beginning of every entry. */
export const HASH_ALGORITHM: number = offsets.HASH_ALGORITHM;
export const ISSUER_NAME_HASH: number = offsets.ISSUER_NAME_HASH;
export const ISSUER_KEY_HASH: number = offsets.ISSUER_KEY_HASH;
export const SERIAL: number = offsets.SERIAL;
export const HASH_INDEX: number = offsets.HASH_INDEX;

/** Request entry. */
export const ENTRY_EXTENSIONS: number = offsets.ENTRY_EXTENSIONS;
export const ENTRY_ELEMENT: number = offsets.ENTRY_ELEMENT;
export const ENTRY_SIZE: number = offsets.ENTRY_SIZE;

/** Request. */
export const REQUEST_TBS: number = offsets.REQUEST_TBS;
export const REQUESTOR_NAME: number = offsets.REQUESTOR_NAME;
export const REQUEST_EXTENSIONS: number = offsets.REQUEST_EXTENSIONS;
export const REQUEST_SIGNATURE: number = offsets.REQUEST_SIGNATURE;
export const REQUEST_ENTRIES: number = offsets.REQUEST_ENTRIES;
export const ENTRY_COUNT: number = offsets.ENTRY_COUNT;
export const FIRST_ENTRY: number = offsets.FIRST_ENTRY;

/** Single response. */
export const CERT_STATUS: number = offsets.CERT_STATUS;
export const REVOCATION_REASON: number = offsets.REVOCATION_REASON;
export const REVOCATION_TIME: number = offsets.REVOCATION_TIME;
export const THIS_UPDATE: number = offsets.THIS_UPDATE;
export const NEXT_UPDATE: number = offsets.NEXT_UPDATE;
export const SINGLE_EXTENSIONS: number = offsets.SINGLE_EXTENSIONS;
export const SINGLE_ELEMENT: number = offsets.SINGLE_ELEMENT;
export const SINGLE_SIZE: number = offsets.SINGLE_SIZE;

/** Response. */
export const RESPONSE_STATUS: number = offsets.RESPONSE_STATUS;
export const RESPONDER_ID_TAG: number = offsets.RESPONDER_ID_TAG;
export const TBS: number = offsets.TBS;
export const SIGNATURE_ALGORITHM: number = offsets.SIGNATURE_ALGORITHM;
export const SIGNATURE: number = offsets.SIGNATURE;
export const CERTIFICATES: number = offsets.CERTIFICATES;
export const RESPONDER_ID: number = offsets.RESPONDER_ID;
export const PRODUCED_AT: number = offsets.PRODUCED_AT;
export const RESPONSE_EXTENSIONS: number = offsets.RESPONSE_EXTENSIONS;
export const RESPONSES: number = offsets.RESPONSES;
export const RESPONSE_COUNT: number = offsets.RESPONSE_COUNT;
export const FIRST_SINGLE: number = offsets.FIRST_SINGLE;
export const ENCODINGS: number = offsets.ENCODINGS;

/** What authenticating a response adds behind it. */
export const AUTHENTICATION: number = offsets.AUTHENTICATION;
export const AUTHORITY: number = offsets.AUTHORITY;
export const SIGNER_SOURCE: number = offsets.SIGNER_SOURCE;
export const SIGNER_INDEX: number = offsets.SIGNER_INDEX;
export const UNTIL_HIGH: number = offsets.UNTIL_HIGH;
export const UNTIL_LOW: number = offsets.UNTIL_LOW;
export const SIGNER_CERTIFICATE: number = offsets.SIGNER_CERTIFICATE;
export const REMEMBERED: number = offsets.REMEMBERED;
export const NO_CHECK: number = offsets.NO_CHECK;
export const ISSUED: number = offsets.ISSUED;
export const AUTHENTICATED_SIZE: number = offsets.AUTHENTICATED_SIZE;

/**
 * A copy of what the parser left for the message just parsed: as many numbers as `blank` has, which is a multiple of eight. (A
 * plain array, cheaper to make than a typed one; eight at a time, because the loop is what it costs.)
 */
function take(blank: readonly number[]): Offsets {
  const offsets = blank.slice();
  for (let i = 0; i < offsets.length; i += 8) {
    offsets[i] = layout[i] as number;
    offsets[i + 1] = layout[i + 1] as number;
    offsets[i + 2] = layout[i + 2] as number;
    offsets[i + 3] = layout[i + 3] as number;
    offsets[i + 4] = layout[i + 4] as number;
    offsets[i + 5] = layout[i + 5] as number;
    offsets[i + 6] = layout[i + 6] as number;
    offsets[i + 7] = layout[i + 7] as number;
  }
  return offsets;
}

/** What {@link take} begins with: a copy of an array that is full of numbers is cheaper to fill than a new one. */
function blankOf(size: number): readonly number[] {
  return Array.from({ length: Math.ceil(size / 8) * 8 }, () => -1);
}

const BLANK_REQUEST = blankOf(offsets.REQUEST_SIZE);
const BLANK_RESPONSE = blankOf(offsets.RESPONSE_SIZE);
const BLANK_AUTHENTICATED = blankOf(AUTHENTICATED_SIZE);

export function takeRequestOffsets(): Offsets {
  return take(BLANK_REQUEST);
}

export function takeAuthenticatedOffsets(): Offsets {
  return take(BLANK_AUTHENTICATED);
}

export function takeResponseOffsets(): Offsets {
  return take(BLANK_RESPONSE);
}
