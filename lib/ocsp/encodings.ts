/** Encodings that are not DER, and that a verdict takes all the same: a closed list. */

/**
 * What in a message is not DER as RFC 6960 and X.690 have it. Known from the field, read by OpenSSL, and nothing in it is ambiguous.
 *
 * - `explicit-version`: a version v1, which is the default, written out
 * - `explicit-false`: `critical FALSE`, which is the default, written out
 * - `trailing-nul`: one NUL behind a response that is an error
 * - `fraction`: a time with a fraction of a second, of up to nine digits; it is cut off
 * - `printable-string`: a PrintableString with other characters of ASCII, such as `@`, `&`, `_` and `*`
 * - `set-order`: a relative name whose attributes are not in the order of DER
 * - `null-parameters`: ECDSA with parameters NULL instead of none
 * - `unusable-certificate`: a certificate inside that is none, or not in these encodings. It is not looked at any further: should it
 *   be the one that is needed, there is none.
 */
export type EncodingNote =
  | 'explicit-version'
  | 'explicit-false'
  | 'trailing-nul'
  | 'fraction'
  | 'printable-string'
  | 'set-order'
  | 'null-parameters'
  | 'unusable-certificate';

/** In the order of the bits of `Encoding` (native/core/der_reader.h). */
const NOTES: readonly EncodingNote[] = [
  'explicit-version',
  'explicit-false',
  'trailing-nul',
  'fraction',
  'printable-string',
  'set-order',
  'null-parameters',
  'unusable-certificate',
];

const NONE: readonly EncodingNote[] = Object.freeze([]);

/** The notes that bits stand for. */
export function encodingNotes(bits: number): readonly EncodingNote[] {
  return bits === 0 ? NONE : Object.freeze(NOTES.filter((_, i) => (bits & (1 << i)) !== 0));
}
