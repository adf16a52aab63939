/** Private keys as they come in, parsed once per `KeyObject`. */
import {
  createPrivateKey,
  type JsonWebKeyInput,
  KeyObject,
  type PrivateKeyInput as NodePrivateKeyInput,
  X509Certificate,
} from 'node:crypto';
import type { NativePrivateKey } from '../../typings/binding.js';
import { native } from '../binding.js';
import { invalidArgType, invalidValue, malformed } from '../errors.js';
import { checkBytes } from './checks.js';

/** Whatever `crypto.createPrivateKey` takes, or its result; or a {@link LoadedKey}. */
export type PrivateKeyInput = KeyObject | string | Buffer | NodePrivateKeyInput | JsonWebKeyInput | LoadedKey;

const parsed = new WeakMap<KeyObject, NativePrivateKey>();

/**
 * The private key behind an argument; parsed once per `KeyObject` object.
 *
 * @throws TypeError when it is none of the accepted types; `ERR_OCSP_INVALID_VALUE` for a KeyObject that is not private;
 * `ERR_OCSP_MALFORMED`, with Node's error as `cause`, when it does not parse or its passphrase is missing or wrong.
 */
export function toPrivateKey(input: unknown): NativePrivateKey {
  if (input instanceof LoadedKey) return nativeOf(input);
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

let nativeOf: (key: LoadedKey) => NativePrivateKey;

/**
 * A private key that OpenSSL has read by itself, from PKCS#12 or through one of its stores. It signs like any other; its
 * private part may lie in a token, and never comes to JavaScript.
 */
export class LoadedKey {
  readonly #native: NativePrivateKey;
  /** The certificates that lay beside the key; that of the key first, if it was among them. */
  readonly certificates: readonly X509Certificate[];

  static {
    nativeOf = (key) => key.#native;
  }

  private constructor(key: NativePrivateKey) {
    this.#native = key;
    this.certificates = key.certificates.map((der) => new X509Certificate(der));
  }

  /**
   * Reads a PKCS#12 file (`.p12`, `.pfx`).
   *
   * @param data - Its bytes.
   * @param passphrase - Text; without it, both none and the empty one are tried.
   * @throws TypeError; `ERR_OCSP_MALFORMED` when it does not parse, holds no private key, or the passphrase is wrong.
   */
  static fromPkcs12(data: Uint8Array, passphrase?: string): LoadedKey {
    return new LoadedKey(new native.PrivateKey(checkBytes(data, 'data'), checkPassphrase(passphrase)));
  }

  /**
   * Reads a key by URI with OpenSSL's OSSL_STORE: `file:` and a path, and whatever the providers of the running OpenSSL
   * offer beyond it, such as `pkcs11:`.
   *
   * @param uri - Where the one private key is.
   * @param passphrase - Or PIN, in case OpenSSL asks for it.
   * @throws TypeError; `ERR_OCSP_OPENSSL` when there is no store for such URIs; `ERR_OCSP_MALFORMED` when there is no key, or
   * the passphrase is wrong; `ERR_OCSP_INVALID_VALUE` when there are several.
   */
  static fromStore(uri: string, passphrase?: string): LoadedKey {
    if (typeof uri !== 'string') throw invalidArgType('uri', 'a string', uri);
    if (uri.includes('\0')) throw invalidValue('uri has a null character');
    return new LoadedKey(new native.PrivateKey(uri, checkPassphrase(passphrase)));
  }
}

function checkPassphrase(passphrase: unknown): string | undefined {
  if (passphrase === undefined) return undefined;
  if (typeof passphrase !== 'string') throw invalidArgType('passphrase', 'a string', passphrase);
  // OpenSSL would take what comes before it.
  if (passphrase.includes('\0')) throw invalidValue('passphrase has a null character');
  return passphrase;
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
    throw malformed(`privateKey cannot be read: ${(cause as Error).message}`, { cause });
  }
}
