import { constants, type KeyObject, sign } from 'node:crypto';
import { invalidValue } from '../errors.js';
import { encodeInteger, encodeNull, encodeOid, encodeSequence, encodeTlv } from '../x509/der.js';
import type { OptionNames } from '../x509/options.js';

/** How to sign. */
export interface TestSignatureOptions {
  /** Hash, in OpenSSL's name for it (`sha256`, `sha3-256`, also `sha1` and `md5`). Ignored by keys that hash themselves. Default `sha256`. */
  hash?: string;
  /** Padding of an `rsa` key; an `rsa-pss` key always pads with PSS. Default `pkcs1`. */
  rsaPadding?: 'pkcs1' | 'pss';
}

/** The names of {@link TestSignatureOptions}. */
export const SIGNATURE_NAMES: OptionNames<TestSignatureOptions> = { hash: true, rsaPadding: true };

const hashOid: Record<string, string> = {
  sha1: '1.3.14.3.2.26',
  sha224: '2.16.840.1.101.3.4.2.4',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
  'sha3-224': '2.16.840.1.101.3.4.2.7',
  'sha3-256': '2.16.840.1.101.3.4.2.8',
  'sha3-384': '2.16.840.1.101.3.4.2.9',
  'sha3-512': '2.16.840.1.101.3.4.2.10',
};

const digestLength: Record<string, number> = {
  sha1: 20,
  sha224: 28,
  sha256: 32,
  sha384: 48,
  sha512: 64,
  'sha3-224': 28,
  'sha3-256': 32,
  'sha3-384': 48,
  'sha3-512': 64,
};

const signatureOid: Record<string, Record<string, string>> = {
  rsa: {
    md5: '1.2.840.113549.1.1.4',
    sha1: '1.2.840.113549.1.1.5',
    sha224: '1.2.840.113549.1.1.14',
    sha256: '1.2.840.113549.1.1.11',
    sha384: '1.2.840.113549.1.1.12',
    sha512: '1.2.840.113549.1.1.13',
    'sha3-224': '2.16.840.1.101.3.4.3.13',
    'sha3-256': '2.16.840.1.101.3.4.3.14',
    'sha3-384': '2.16.840.1.101.3.4.3.15',
    'sha3-512': '2.16.840.1.101.3.4.3.16',
  },
  dsa: {
    sha1: '1.2.840.10040.4.3',
    sha224: '2.16.840.1.101.3.4.3.1',
    sha256: '2.16.840.1.101.3.4.3.2',
    sha384: '2.16.840.1.101.3.4.3.3',
    sha512: '2.16.840.1.101.3.4.3.4',
  },
  ec: {
    sha1: '1.2.840.10045.4.1',
    sha224: '1.2.840.10045.4.3.1',
    sha256: '1.2.840.10045.4.3.2',
    sha384: '1.2.840.10045.4.3.3',
    sha512: '1.2.840.10045.4.3.4',
    'sha3-224': '2.16.840.1.101.3.4.3.9',
    'sha3-256': '2.16.840.1.101.3.4.3.10',
    'sha3-384': '2.16.840.1.101.3.4.3.11',
    'sha3-512': '2.16.840.1.101.3.4.3.12',
  },
};

/** Keys whose signature scheme fixes the hash: one OID, no parameters (RFC 8410, RFC 9881). */
const hashlessOid: Record<string, string> = {
  ed25519: '1.3.101.112',
  ed448: '1.3.101.113',
  'ml-dsa-44': '2.16.840.1.101.3.4.3.17',
  'ml-dsa-65': '2.16.840.1.101.3.4.3.18',
  'ml-dsa-87': '2.16.840.1.101.3.4.3.19',
};

/**
 * DER of the AlgorithmIdentifier of a signature by this key: RSA PKCS#1 with NULL parameters (RFC 4055), RSASSA-PSS with
 * its parameters, DSA and ECDSA without (RFC 5758), EdDSA and ML-DSA without.
 *
 * @throws OCSPError `ERR_OCSP_INVALID_VALUE` for a key that cannot sign or a hash that it has no OID for.
 */
export function signatureAlgorithm(privateKey: KeyObject, options: TestSignatureOptions = {}): Buffer {
  const { hash = 'sha256' } = options;
  const keyType = String(privateKey.asymmetricKeyType);
  const hashless = hashlessOid[keyType];
  if (hashless !== undefined) return encodeSequence(encodeOid(hashless));
  if (usesPss(keyType, options)) return pssAlgorithm(hash, keyType);
  const oid = encodeOid(lookUp(signatureOid[keyType] ?? {}, hash, keyType));
  return keyType === 'rsa' ? encodeSequence(oid, encodeNull()) : encodeSequence(oid);
}

/**
 * Signs bytes, in the way that {@link signatureAlgorithm} names for the same arguments.
 *
 * @returns The bytes that go into the BIT STRING.
 */
export function signBytes(bytes: Uint8Array, privateKey: KeyObject, options: TestSignatureOptions = {}): Buffer {
  const { hash = 'sha256' } = options;
  const keyType = String(privateKey.asymmetricKeyType);
  if (keyType in hashlessOid) return sign(null, bytes, privateKey);
  if (!usesPss(keyType, options)) return sign(hash, bytes, privateKey);
  const saltLength = lookUp(digestLength, hash, keyType);
  return sign(hash, bytes, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
}

function usesPss(keyType: string, options: TestSignatureOptions): boolean {
  return keyType === 'rsa-pss' || (keyType === 'rsa' && options.rsaPadding === 'pss');
}

function lookUp<T>(table: Record<string, T>, hash: string, keyType: string): T {
  const entry = Object.hasOwn(table, hash) ? table[hash] : undefined;
  if (entry === undefined) throw invalidValue(`A key of type ${keyType} cannot sign with the hash ${hash}`);
  return entry;
}

/** RFC 4055 section 3.1: the DEFAULTs (SHA-1, salt 20) may not be written out in DER. */
function pssAlgorithm(hash: string, keyType: string): Buffer {
  const fields: Buffer[] = [];
  if (hash !== 'sha1') {
    const digest = encodeSequence(encodeOid(lookUp(hashOid, hash, keyType)), encodeNull());
    fields.push(encodeTlv(0xa0, digest), encodeTlv(0xa1, encodeSequence(encodeOid('1.2.840.113549.1.1.8'), digest)));
    fields.push(encodeTlv(0xa2, encodeInteger(BigInt(lookUp(digestLength, hash, keyType)))));
  }
  return encodeSequence(encodeOid('1.2.840.113549.1.1.10'), encodeSequence(...fields));
}
