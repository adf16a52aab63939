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

/** Whatever `crypto.createPrivateKey` takes, or its result; or a key in one of OpenSSL's stores. */
export type PrivateKeyInput = KeyObject | StoredPrivateKey | string | Buffer | NodePrivateKeyInput | JsonWebKeyInput;

const parsed = new WeakMap<KeyObject, NativePrivateKey>();

/**
 * The private key behind an argument; parsed once per `KeyObject` object.
 *
 * @throws TypeError when it is none of the accepted types; `ERR_OCSP_INVALID_VALUE` for a KeyObject that is not private;
 * `ERR_OCSP_MALFORMED`, with Node's error as `cause`, when it does not parse or its passphrase is missing or wrong.
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
    return createPrivateKey(input as NodePrivateKeyInput);
  } catch (cause) {
    if (cause instanceof TypeError && (cause as NodeJS.ErrnoException).code?.startsWith('ERR_INVALID_ARG')) {
      throw invalidArgType('privateKey', 'a KeyObject or what crypto.createPrivateKey() takes', input);
    }
    throw malformed(explain(cause as NodeJS.ErrnoException), { cause });
  }
}

function explain({ code = '', message }: NodeJS.ErrnoException): string {
  // Of PEM, Node says that somebody cancelled.
  if (code === 'ERR_MISSING_PASSPHRASE' || code.endsWith('INTERRUPTED_OR_CANCELLED'))
    return 'privateKey is encrypted, and there is no passphrase';
  if (code.endsWith('BAD_DECRYPT')) return 'the passphrase of privateKey is wrong, or the key is damaged';
  return `privateKey cannot be read: ${message}`;
}
