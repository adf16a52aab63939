/** Private keys as they come in, parsed once per `KeyObject`. */
import {
  createPrivateKey,
  type JsonWebKeyInput,
  KeyObject,
  type PrivateKeyInput as NodePrivateKeyInput,
} from 'node:crypto';
import type { NativePrivateKey } from '../../typings/binding.js';
import { native } from '../binding.js';
import { invalidArgType, invalidValue, malformed } from '../errors.js';
import { nativeStoredKey, StoredPrivateKey } from './stored-key.js';

/** What Node says of encrypted PEM without a passphrase, as if it had asked somebody for it. */
const CANCELLED = 'ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED';

/** Whatever `crypto.createPrivateKey` takes, or its result; or a key in one of OpenSSL's stores. */
export type PrivateKeyInput = KeyObject | StoredPrivateKey | string | Buffer | NodePrivateKeyInput | JsonWebKeyInput;

const parsed = new WeakMap<KeyObject, NativePrivateKey>();

/**
 * The private key behind an argument; parsed once per `KeyObject` object.
 *
 * @throws TypeError when it is none of the accepted types; `ERR_OCSP_INVALID_VALUE` for a KeyObject that is not private;
 * `ERR_OCSP_MALFORMED`, with Node's error as `cause`, when it does not parse or its passphrase is missing (then `cause` has
 * the code `ERR_MISSING_PASSPHRASE`) or wrong.
 */
export function toPrivateKey(input: unknown): NativePrivateKey {
  if (input instanceof StoredPrivateKey) return nativeStoredKey(input);
  const key = input instanceof KeyObject ? input : decode(input);
  if (key.type !== 'private') throw invalidValue(`privateKey is a ${key.type} key`);
  let result = parsed.get(key);
  if (result === undefined) {
    // The constructor overwrites the exported bytes.
    result = new native.PrivateKey(key.export({ format: 'der', type: 'pkcs8' }));
    // Asked for at every signature: an own property spares a native call each time.
    Object.defineProperty(result, 'type', { value: result.type });
    parsed.set(key, result);
  }
  return result;
}

function decode(input: unknown): KeyObject {
  const isObject = typeof input === 'object' && input !== null;
  if (typeof input !== 'string' && !isObject) {
    throw invalidArgType('privateKey', 'a KeyObject or what crypto.createPrivateKey() takes', input);
  }
  try {
    return createKeyObject(input as NodePrivateKeyInput);
  } catch (cause) {
    if (cause instanceof TypeError && (cause as NodeJS.ErrnoException).code?.startsWith('ERR_INVALID_ARG')) {
      throw invalidArgType('privateKey', 'a KeyObject or what crypto.createPrivateKey() takes', input);
    }
    throw malformed(`privateKey cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/**
 * `crypto.createPrivateKey`, with one error for a missing passphrase: `ERR_MISSING_PASSPHRASE`, which Node itself has for DER
 * only. Throws what Node throws otherwise.
 */
export function createKeyObject(input: string | Buffer | NodePrivateKeyInput): KeyObject {
  try {
    return createPrivateKey(input);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // One that is too long for OpenSSL ends in the same way.
    const isGiven = typeof input === 'object' && 'passphrase' in input && (input.passphrase ?? undefined) !== undefined;
    if (code !== CANCELLED || isGiven) throw error;
    const missing = new TypeError('Passphrase required for encrypted key', { cause: error });
    throw Object.assign(missing, { code: 'ERR_MISSING_PASSPHRASE' });
  }
}
