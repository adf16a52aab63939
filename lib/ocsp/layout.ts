/**
 * Where the native parsers put what they find: indexes into the numbers of `RequestLayout`, `ResponseLayout` and their
 * entries (native/core/request_parser.h, response_parser.h). A range is two numbers, start and end offset in the DER;
 * an absent one starts at -1.
 */
import { layout } from '../binding.js';

/** Offsets of one message or of a list of entries. */
export type Offsets = ArrayLike<number>;

/** CertID, at the beginning of every entry. */
export const HASH_ALGORITHM = 0;
export const ISSUER_NAME_HASH = 2;
export const ISSUER_KEY_HASH = 4;
export const SERIAL = 6;
export const HASH_INDEX = 8;
const CERT_ID_SIZE = 9;

/** Request entry. */
export const ENTRY_EXTENSIONS: number = CERT_ID_SIZE;
export const ENTRY_ELEMENT: number = CERT_ID_SIZE + 2;
export const ENTRY_SIZE: number = CERT_ID_SIZE + 4;

/** Request. */
export const REQUESTOR_NAME = 2;
export const REQUEST_EXTENSIONS = 4;
export const REQUEST_ENTRIES = 8;
export const ENTRY_COUNT = 10;
export const FIRST_ENTRY = 11;
export const REQUEST_TBS = 0;
export const REQUEST_SIGNATURE = 6;
const REQUEST_SIZE = FIRST_ENTRY + ENTRY_SIZE;

/** Single response. */
export const CERT_STATUS: number = CERT_ID_SIZE;
export const REVOCATION_REASON: number = CERT_ID_SIZE + 1;
export const REVOCATION_TIME: number = CERT_ID_SIZE + 2;
export const THIS_UPDATE: number = CERT_ID_SIZE + 4;
export const NEXT_UPDATE: number = CERT_ID_SIZE + 6;
export const SINGLE_EXTENSIONS: number = CERT_ID_SIZE + 8;
export const SINGLE_ELEMENT: number = CERT_ID_SIZE + 10;
export const SINGLE_SIZE: number = CERT_ID_SIZE + 12;

/** Response. */
export const RESPONSE_STATUS = 0;
export const RESPONDER_ID_TAG = 1;
export const TBS = 2;
export const SIGNATURE_ALGORITHM = 4;
export const SIGNATURE = 6;
export const CERTIFICATES = 8;
export const RESPONDER_ID = 10;
export const PRODUCED_AT = 12;
export const RESPONSE_EXTENSIONS = 14;
export const RESPONSES = 16;
export const RESPONSE_COUNT = 18;
export const FIRST_SINGLE = 19;
export const ENCODINGS: number = FIRST_SINGLE + SINGLE_SIZE;
const RESPONSE_SIZE = ENCODINGS + 1;

/** What authenticating a response adds behind it (native/core/response_verifier.h). */
export const AUTHENTICATION: number = RESPONSE_SIZE;
export const AUTHORITY: number = AUTHENTICATION + 1;
export const SIGNER_SOURCE: number = AUTHENTICATION + 2;
export const SIGNER_INDEX: number = AUTHENTICATION + 3;
export const SIGNER_CERTIFICATE: number = AUTHENTICATION + 4;
export const REMEMBERED: number = AUTHENTICATION + 6;
export const NO_CHECK: number = AUTHENTICATION + 7;
export const AUTHENTICATED_SIZE: number = AUTHENTICATION + 8;

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

const BLANK_REQUEST = blankOf(REQUEST_SIZE);
const BLANK_RESPONSE = blankOf(RESPONSE_SIZE);
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
