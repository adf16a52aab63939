/** Private keys that OpenSSL's stores hold. */
import type { NativePrivateKey } from '../../typings/binding.js';
import { native } from '../binding.js';
import { invalidArgType, invalidValue } from '../errors.js';
import { checkText } from './checks.js';
import { type OptionNames, readOptions } from './options.js';
import { type PassphraseInput, toPassphrase } from './passphrase.js';

/** What {@link loadStoredPrivateKey} may need. */
export interface StoredKeyOptions {
  /** Passphrase or PIN, in case the store asks for one. */
  readonly passphrase?: PassphraseInput;
}

const OPTION_NAMES: OptionNames<StoredKeyOptions> = { passphrase: true };

/** One letter is a drive of Windows. */
const URI = /^[a-z][a-z0-9+.-]+:/i;
const natives = new WeakMap<StoredPrivateKey, NativePrivateKey>();
/** Known to this module only. */
const LOADED = Symbol('StoredPrivateKey');
let make: (key: NativePrivateKey) => StoredPrivateKey;

/**
 * A private key in one of OpenSSL's stores. It signs wherever a private key is taken, and cannot be exported: it may lie in a
 * device. {@link loadStoredPrivateKey} makes it.
 */
export class StoredPrivateKey {
  /** OpenSSL's name of the key type, such as 'RSA', 'EC', 'ED25519'. */
  readonly keyType: string;

  private constructor(caller: symbol, key: NativePrivateKey) {
    if (caller !== LOADED) {
      throw Object.assign(new TypeError('Illegal constructor'), { code: 'ERR_ILLEGAL_CONSTRUCTOR' });
    }
    this.keyType = key.type;
    natives.set(this, key);
    Object.freeze(this);
  }

  static {
    make = (key) => new StoredPrivateKey(LOADED, key);
  }
}

/**
 * Loads the first private key behind a URI from OpenSSL's stores (`OSSL_STORE_open`): `file:`, and what the providers add
 * that OpenSSL's configuration names (`node --openssl-config`), such as `pkcs11:` (RFC 7512). Takes as long as the store does,
 * on this thread.
 *
 * @throws TypeError; `ERR_OCSP_INVALID_VALUE` when it is no URI or OpenSSL cannot open it, as when no provider knows the
 * scheme; `ERR_OCSP_MALFORMED` when no private key is found, and when the passphrase is wrong or missing (then `cause` has
 * Node's code `ERR_MISSING_PASSPHRASE`).
 */
export function loadStoredPrivateKey(uri: string, options: StoredKeyOptions = {}): StoredPrivateKey {
  if (!isStoreUri(checkText(uri, 'uri')) || uri.includes('\0')) throw invalidValue('uri does not begin with a scheme');
  const secret = toPassphrase(readOptions(options, OPTION_NAMES).passphrase);
  try {
    const key = new native.PrivateKey(uri, secret);
    Object.defineProperty(key, 'type', { value: key.type });
    return make(key);
  } finally {
    secret?.fill(0);
  }
}

/** Whether `text` begins with the scheme of a URI. */
export function isStoreUri(text: string): boolean {
  return URI.test(text);
}

/** The native key behind it. */
export function nativeStoredKey(key: StoredPrivateKey): NativePrivateKey {
  const found = natives.get(key);
  if (found === undefined) throw invalidArgType('privateKey', 'a StoredPrivateKey that was loaded', key);
  return found;
}
