/** Passphrases as they come in. */
import { types } from 'node:util';
import { invalidArgType, invalidValue } from '../errors.js';

/** A passphrase: text, or its bytes (in UTF-8 where that matters). */
export type PassphraseInput = string | Uint8Array;

/** The longest that OpenSSL takes, as in `crypto.createPrivateKey`. */
const LONGEST = 1024;

/**
 * The bytes of a passphrase, a copy; undefined for undefined.
 *
 * @throws TypeError; `ERR_OCSP_INVALID_VALUE` when it is over 1024 bytes or holds a NUL, which would end it early.
 */
export function toPassphrase(input: unknown): Buffer | undefined {
  if (input === undefined) return undefined;
  if (typeof input !== 'string' && !types.isUint8Array(input)) {
    throw invalidArgType('passphrase', 'a string or an instance of Uint8Array', input);
  }
  const bytes = Buffer.from(input as string);
  if (bytes.includes(0)) throw invalidValue('the passphrase holds a NUL');
  if (bytes.length > LONGEST) throw invalidValue(`the passphrase is longer than ${LONGEST} bytes`);
  return bytes;
}
