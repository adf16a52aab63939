/** From key type, hash and options to the way a response is signed. */
import type { SchemeArguments } from '../../typings/binding.js';
import { invalidArgType, invalidValue, unsupportedAlgorithm } from '../errors.js';
import { checkSigningHash, type HashAlgorithm } from '../x509/algorithms.js';
import { type OptionNames, readOptions } from '../x509/options.js';

/** How an RSA key signs. Other keys have no choice. */
export interface SignOptions {
  /** RSASSA-PKCS1-v1_5 ('pkcs1', the default) or RSASSA-PSS ('pss'). RSA-PSS keys always sign with PSS. */
  readonly rsaPadding?: 'pkcs1' | 'pss';
  /** PSS salt length in bytes; the length of the hash by default. */
  readonly saltLength?: number;
}

/**
 * Signs with a key that lives elsewhere (HSM, KMS, smart card). `sign` gets the DER of ResponseData, a copy of its own, and
 * returns the signature bytes as they go into the BIT STRING; for ECDSA and DSA that is the DER SEQUENCE of r and s.
 */
export interface ExternalSigner {
  /** Signs `tbs` with `algorithm`, the hash that `signAsync` was given (null for keys that hash by themselves). */
  sign(tbs: Buffer, algorithm: HashAlgorithm | null): Uint8Array | Promise<Uint8Array>;
}

/** The names of {@link SignOptions}. */
export const SIGN_NAMES: OptionNames<SignOptions> = { rsaPadding: true, saltLength: true };

/** Key types that hash by themselves. */
const ONE_SHOT = new Set(['ED25519', 'ED448', 'ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87']);
const HASHING = new Set(['RSA', 'RSA-PSS', 'DSA', 'EC']);
const MAX_SALT_LENGTH = 2048;

/**
 * Checks the arguments of a signature against the type of the key.
 *
 * @param keyType - OpenSSL's name of it.
 * @throws TypeError; `ERR_OCSP_UNSUPPORTED_ALGORITHM` for a hash that is not SHA-2 or SHA-3, or SHA-3 with DSA;
 * `ERR_OCSP_INVALID_VALUE` for a key that cannot sign, a hash where there must be none or the other way round, and
 * padding that does not go with the key.
 */
export function resolveScheme(keyType: string, algorithm: unknown, options: SignOptions = {}): SchemeArguments {
  const oneShot = ONE_SHOT.has(keyType);
  if (!oneShot && !HASHING.has(keyType))
    throw invalidValue(`a key of type ${keyType || 'unknown'} cannot sign responses`);
  const hash = checkSigningHash(algorithm);
  const { rsaPadding, saltLength } = checkOptions(options);
  if (oneShot && hash !== null) throw invalidValue(`algorithm must be null for a key of type ${keyType}`);
  if (!oneShot && hash === null) throw invalidValue(`algorithm must not be null for a key of type ${keyType}`);
  if (keyType === 'DSA' && hash?.startsWith('sha3-')) throw unsupportedAlgorithm('DSA does not go with SHA-3 hashes');
  if (keyType === 'RSA-PSS' && rsaPadding === 'pkcs1')
    throw invalidValue("an RSA-PSS key cannot sign with 'pkcs1' padding");
  if (!keyType.startsWith('RSA') && rsaPadding !== undefined) throw invalidValue('rsaPadding goes with RSA keys only');
  const pss = keyType === 'RSA-PSS' || rsaPadding === 'pss';
  if (!pss && saltLength !== undefined) throw invalidValue('saltLength goes with RSASSA-PSS only');
  return [hash?.toUpperCase(), pss, saltLength ?? -1];
}

function checkOptions(input: SignOptions): SignOptions {
  const options = readOptions(input, SIGN_NAMES);
  const { rsaPadding, saltLength } = options;
  if (rsaPadding !== undefined) {
    if (typeof rsaPadding !== 'string') throw invalidArgType('options.rsaPadding', "'pkcs1' or 'pss'", rsaPadding);
    if (rsaPadding !== 'pkcs1' && rsaPadding !== 'pss')
      throw invalidValue("options.rsaPadding must be 'pkcs1' or 'pss'");
  }
  if (saltLength !== undefined) {
    if (typeof saltLength !== 'number') throw invalidArgType('options.saltLength', 'a number', saltLength);
    if (!Number.isInteger(saltLength) || saltLength < 0 || saltLength > MAX_SALT_LENGTH) {
      throw invalidValue(`options.saltLength must be a whole number of bytes, 0 to ${MAX_SALT_LENGTH}`);
    }
  }
  return options;
}

/** Whether `value` offers to sign by itself. */
export function isExternalSigner(value: unknown): value is ExternalSigner {
  return typeof value === 'object' && value !== null && 'sign' in value && typeof value.sign === 'function';
}
