import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type OptionNames, readOptions } from '../x509/options.js';

/**
 * Key types that a {@link TestCa} can make: whatever `crypto.generateKeyPairSync` of the running Node makes.
 * `x25519` and `x448` are keys that cannot sign: they may be certified, not certify.
 */
export type TestKeyType =
  | 'rsa'
  | 'rsa-pss'
  | 'dsa'
  | 'ec'
  | 'ed25519'
  | 'ed448'
  | 'x25519'
  | 'x448'
  | 'ml-dsa-44'
  | 'ml-dsa-65'
  | 'ml-dsa-87';

/** How to make a key. */
export interface TestKeyOptions {
  /** Default `ec`. */
  keyType?: TestKeyType;
  /** Named curve of an `ec` key, as in `crypto.getCurves()`. Default `prime256v1`. */
  curve?: string;
  /** Bits of an RSA or DSA modulus. Default 2048. */
  modulusLength?: number;
  /** Hash that an `rsa-pss` key is bound to. Default: none, the key signs with any hash. */
  pssHash?: string;
}

/** The names of {@link TestKeyOptions}. */
export const KEY_NAMES: OptionNames<TestKeyOptions> = {
  keyType: true,
  curve: true,
  modulusLength: true,
  pssHash: true,
};

/** A key pair of node:crypto. */
export interface TestKeyPair {
  /** The half that goes into the certificate. */
  publicKey: KeyObject;
  /** The half that signs. */
  privateKey: KeyObject;
}

/**
 * Generates a key pair.
 *
 * @throws Node's own error for a key type or curve that the running OpenSSL does not have.
 */
export function generateTestKeyPair(options: TestKeyOptions = {}): TestKeyPair {
  const { keyType = 'ec', curve = 'prime256v1', modulusLength = 2048, pssHash } = readOptions(options, KEY_NAMES);
  switch (keyType) {
    case 'ec':
      return generateKeyPairSync('ec', { namedCurve: curve });
    case 'rsa':
      return generateKeyPairSync('rsa', { modulusLength });
    case 'rsa-pss':
      return generateKeyPairSync(
        'rsa-pss',
        pssHash === undefined
          ? { modulusLength }
          : { modulusLength, hashAlgorithm: pssHash, mgf1HashAlgorithm: pssHash },
      );
    case 'dsa':
      return generateKeyPairSync('dsa', { modulusLength, divisorLength: modulusLength > 1024 ? 256 : 160 });
    default:
      // The remaining types take no parameters. ML-DSA is missing from the type declarations of older Node versions.
      return (generateKeyPairSync as (type: string) => TestKeyPair)(keyType);
  }
}
