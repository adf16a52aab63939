import type { CertIdHashIndex } from '../../typings/binding.js';
import { invalidArgType, malformed, unsupportedAlgorithm } from '../errors.js';
import { contextTag, copyBytes, DerReader, encodeOid, encodeSequence, Tag } from './der.js';
import { HashAlgorithmOID, SignatureAlgorithmOID } from './oids.js';

/** Hash algorithms by their OpenSSL names. Where one is asked for, the plain string is accepted too. */
export enum HashAlgorithm {
  /** Only ever read from a message; refused as an argument. */
  MD5 = 'md5',
  /** For a CertID; refused for signing. */
  SHA1 = 'sha1',
  SHA224 = 'sha224',
  SHA256 = 'sha256',
  SHA384 = 'sha384',
  SHA512 = 'sha512',
  SHA3_224 = 'sha3-224',
  SHA3_256 = 'sha3-256',
  SHA3_384 = 'sha3-384',
  SHA3_512 = 'sha3-512',
}

/** A {@link HashAlgorithm} member or its plain string. */
export type HashAlgorithmName = HashAlgorithm | `${HashAlgorithm}`;

/** AlgorithmIdentifier (RFC 5280 section 4.1.1.2). */
export interface AlgorithmIdentifier {
  /** Dotted OID of the algorithm. */
  readonly oid: string;
  /** DER of the parameters, one element; null when they are absent. */
  readonly parameters: Buffer | null;
}

/** The algorithm of a signature. */
export interface SignatureAlgorithm extends AlgorithmIdentifier {
  /**
   * The hash, or null for algorithms that sign the message itself.
   *
   * @throws `ERR_OCSP_UNSUPPORTED_ALGORITHM` when the algorithm is unknown; `ERR_OCSP_MALFORMED` for bad PSS parameters.
   */
  readonly hash: HashAlgorithm | null;
}

/** A hash that a CertID may use. */
export interface CertIdHash {
  /** The number that stands for it on the native side, and its place in {@link CERT_ID_HASHES}. */
  readonly index: CertIdHashIndex;
  readonly hash: HashAlgorithm;
  /** Dotted OID of the hash. */
  readonly oid: string;
  /** Bytes of a digest. */
  readonly digestLength: number;
}

/** The hashes of a CertID: SHA-1 (RFC 6960) and SHA-2. */
export const CERT_ID_HASHES: readonly CertIdHash[] = [
  { index: 0, hash: HashAlgorithm.SHA1, oid: HashAlgorithmOID.SHA1, digestLength: 20 },
  { index: 1, hash: HashAlgorithm.SHA224, oid: HashAlgorithmOID.SHA224, digestLength: 28 },
  { index: 2, hash: HashAlgorithm.SHA256, oid: HashAlgorithmOID.SHA256, digestLength: 32 },
  { index: 3, hash: HashAlgorithm.SHA384, oid: HashAlgorithmOID.SHA384, digestLength: 48 },
  { index: 4, hash: HashAlgorithm.SHA512, oid: HashAlgorithmOID.SHA512, digestLength: 64 },
];
const CERT_ID_HASH_BY_OID: ReadonlyMap<string, CertIdHash> = new Map(CERT_ID_HASHES.map((row) => [row.oid, row]));
const CERT_ID_HASH_BY_NAME: ReadonlyMap<string, CertIdHash> = new Map(CERT_ID_HASHES.map((row) => [row.hash, row]));

const SIGNING_HASHES: ReadonlyMap<string, HashAlgorithm> = new Map(
  Object.values(HashAlgorithm)
    .filter((hash) => hash !== HashAlgorithm.MD5 && hash !== HashAlgorithm.SHA1)
    .map((hash) => [hash, hash]),
);

const HASH_OF_OID: ReadonlyMap<string, HashAlgorithm> = new Map<string, HashAlgorithm>([
  [HashAlgorithmOID.SHA1, HashAlgorithm.SHA1],
  [HashAlgorithmOID.SHA224, HashAlgorithm.SHA224],
  [HashAlgorithmOID.SHA256, HashAlgorithm.SHA256],
  [HashAlgorithmOID.SHA384, HashAlgorithm.SHA384],
  [HashAlgorithmOID.SHA512, HashAlgorithm.SHA512],
  [HashAlgorithmOID.SHA3_224, HashAlgorithm.SHA3_224],
  [HashAlgorithmOID.SHA3_256, HashAlgorithm.SHA3_256],
  [HashAlgorithmOID.SHA3_384, HashAlgorithm.SHA3_384],
  [HashAlgorithmOID.SHA3_512, HashAlgorithm.SHA3_512],
]);

/** Every signature algorithm whose hash the OID alone tells; null where the message is signed without one. */
const HASH_OF_SIGNATURE: ReadonlyMap<string, HashAlgorithm | null> = new Map<string, HashAlgorithm | null>([
  [SignatureAlgorithmOID.RSA_WITH_MD5, HashAlgorithm.MD5],
  [SignatureAlgorithmOID.RSA_WITH_SHA1, HashAlgorithm.SHA1],
  [SignatureAlgorithmOID.RSA_WITH_SHA1_OIW, HashAlgorithm.SHA1],
  [SignatureAlgorithmOID.RSA_WITH_SHA224, HashAlgorithm.SHA224],
  [SignatureAlgorithmOID.RSA_WITH_SHA256, HashAlgorithm.SHA256],
  [SignatureAlgorithmOID.RSA_WITH_SHA384, HashAlgorithm.SHA384],
  [SignatureAlgorithmOID.RSA_WITH_SHA512, HashAlgorithm.SHA512],
  [SignatureAlgorithmOID.RSA_WITH_SHA3_224, HashAlgorithm.SHA3_224],
  [SignatureAlgorithmOID.RSA_WITH_SHA3_256, HashAlgorithm.SHA3_256],
  [SignatureAlgorithmOID.RSA_WITH_SHA3_384, HashAlgorithm.SHA3_384],
  [SignatureAlgorithmOID.RSA_WITH_SHA3_512, HashAlgorithm.SHA3_512],
  [SignatureAlgorithmOID.ECDSA_WITH_SHA1, HashAlgorithm.SHA1],
  [SignatureAlgorithmOID.ECDSA_WITH_SHA224, HashAlgorithm.SHA224],
  [SignatureAlgorithmOID.ECDSA_WITH_SHA256, HashAlgorithm.SHA256],
  [SignatureAlgorithmOID.ECDSA_WITH_SHA384, HashAlgorithm.SHA384],
  [SignatureAlgorithmOID.ECDSA_WITH_SHA512, HashAlgorithm.SHA512],
  [SignatureAlgorithmOID.ECDSA_WITH_SHA3_224, HashAlgorithm.SHA3_224],
  [SignatureAlgorithmOID.ECDSA_WITH_SHA3_256, HashAlgorithm.SHA3_256],
  [SignatureAlgorithmOID.ECDSA_WITH_SHA3_384, HashAlgorithm.SHA3_384],
  [SignatureAlgorithmOID.ECDSA_WITH_SHA3_512, HashAlgorithm.SHA3_512],
  [SignatureAlgorithmOID.DSA_WITH_SHA1, HashAlgorithm.SHA1],
  [SignatureAlgorithmOID.DSA_WITH_SHA224, HashAlgorithm.SHA224],
  [SignatureAlgorithmOID.DSA_WITH_SHA256, HashAlgorithm.SHA256],
  [SignatureAlgorithmOID.DSA_WITH_SHA384, HashAlgorithm.SHA384],
  [SignatureAlgorithmOID.DSA_WITH_SHA512, HashAlgorithm.SHA512],
  [SignatureAlgorithmOID.DSA_WITH_SHA3_224, HashAlgorithm.SHA3_224],
  [SignatureAlgorithmOID.DSA_WITH_SHA3_256, HashAlgorithm.SHA3_256],
  [SignatureAlgorithmOID.DSA_WITH_SHA3_384, HashAlgorithm.SHA3_384],
  [SignatureAlgorithmOID.DSA_WITH_SHA3_512, HashAlgorithm.SHA3_512],
  [SignatureAlgorithmOID.ED25519, null],
  [SignatureAlgorithmOID.ED448, null],
  [SignatureAlgorithmOID.ML_DSA_44, null],
  [SignatureAlgorithmOID.ML_DSA_65, null],
  [SignatureAlgorithmOID.ML_DSA_87, null],
  // id-alg-unsigned (RFC 9925): there is no signature.
  ['1.3.6.1.5.5.7.6.36', null],
  // GOST signatures do hash, but with nothing that HashAlgorithm names.
  [SignatureAlgorithmOID.GOSTR3411_94_WITH_3410_2001, null],
  [SignatureAlgorithmOID.GOSTR3410_2012_WITH_3411_2012_256, null],
  [SignatureAlgorithmOID.GOSTR3410_2012_WITH_3411_2012_512, null],
]);

/**
 * The CertID hash with this OID.
 *
 * @throws `ERR_OCSP_UNSUPPORTED_ALGORITHM` when it is neither SHA-1 nor SHA-2.
 */
export function certIdHashForOid(oid: string): CertIdHash {
  const row = CERT_ID_HASH_BY_OID.get(oid);
  if (row === undefined) throw unsupportedAlgorithm(`CertID hash algorithm ${oid} is not SHA-1 or SHA-2`);
  return row;
}

/**
 * Checks an argument that has to name a CertID hash.
 *
 * @throws TypeError when it is not a string; `ERR_OCSP_UNSUPPORTED_ALGORITHM` when it is neither SHA-1 nor SHA-2.
 */
export function checkCertIdHash(value: unknown, name: string): CertIdHash {
  if (typeof value !== 'string') throw invalidArgType(name, 'a HashAlgorithm', value);
  const row = CERT_ID_HASH_BY_NAME.get(value);
  if (row === undefined) {
    throw unsupportedAlgorithm(`${name} must be sha1, sha224, sha256, sha384 or sha512, not '${value.slice(0, 64)}'`);
  }
  return row;
}

/**
 * Checks an argument that has to name the hash of a new signature; null stands for "none", as Ed25519 requires.
 *
 * @throws TypeError when it is neither a string nor null; `ERR_OCSP_UNSUPPORTED_ALGORITHM` when it is neither SHA-2
 * nor SHA-3: MD5 is broken, and so is SHA-1 for signatures (RFC 9155, BR 7.1.3.2).
 */
export function checkSigningHash(value: unknown, name: string = 'algorithm'): HashAlgorithm | null {
  if (value === null) return null;
  if (typeof value !== 'string') throw invalidArgType(name, 'a HashAlgorithm or null', value);
  const hash = SIGNING_HASHES.get(value);
  if (hash === undefined) {
    const names = [...SIGNING_HASHES.keys()].join(', ');
    throw unsupportedAlgorithm(`'${value.slice(0, 64)}' is not supported for signatures, only ${names}`);
  }
  return hash;
}

/** OpenSSL's names of a hash as {@link HashAlgorithm} has them: `SHA1`, `SHA-1`, `SHA256`, `SHA-256`, `SHA2-256`, `SHA3-256`. */
export function plainHashName(name: string): string {
  const lower = name.toLowerCase();
  return lower.replace(/^sha(?:-1$|2?-(?=\d{3}$))/, (start) => (start === 'sha-1' ? 'sha1' : 'sha'));
}

/** Reads an AlgorithmIdentifier: SEQUENCE of an OID and optional parameters of any type. */
export function readAlgorithmIdentifier(reader: DerReader, what: string = 'AlgorithmIdentifier'): AlgorithmIdentifier {
  const sequence = reader.enter(Tag.SEQUENCE, what);
  const oid = sequence.readOid(`${what}.algorithm`);
  const parameters = sequence.atEnd ? null : sequence.copyTlv(sequence.readTlv(`${what}.parameters`));
  sequence.done(what);
  return { oid, parameters };
}

/** DER of an AlgorithmIdentifier. */
export function encodeAlgorithmIdentifier({ oid, parameters }: AlgorithmIdentifier): Buffer {
  return parameters === null ? encodeSequence(encodeOid(oid)) : encodeSequence(encodeOid(oid), parameters);
}

/**
 * Reads the signature AlgorithmIdentifier that spans `[start, end)`, tag and length included. The hash is looked up only
 * when asked for, so that the OID of an unknown algorithm can still be read.
 *
 * @throws `ERR_OCSP_MALFORMED` when it is not exactly one AlgorithmIdentifier.
 */
export function readSignatureAlgorithm(
  der: Uint8Array,
  start: number = 0,
  end: number = der.length,
): SignatureAlgorithm {
  const reader = new DerReader(der, start, end);
  const { oid, parameters } = readAlgorithmIdentifier(reader, 'signatureAlgorithm');
  reader.done('signatureAlgorithm');
  return {
    oid,
    get parameters(): Buffer | null {
      return parameters && copyBytes(parameters);
    },
    get hash(): HashAlgorithm | null {
      return signatureHash(oid, parameters);
    },
  };
}

function signatureHash(oid: string, parameters: Buffer | null): HashAlgorithm | null {
  if (oid === SignatureAlgorithmOID.RSASSA_PSS) return pssHash(parameters);
  const hash = HASH_OF_SIGNATURE.get(oid);
  if (hash === undefined) throw unsupportedAlgorithm(`signature algorithm ${oid} is not known`);
  return hash;
}

/** RSASSA-PSS-params (RFC 4055 section 3.1): every field has a default, but in a signature the SEQUENCE must be there. */
function pssHash(parameters: Buffer | null): HashAlgorithm {
  if (parameters === null) throw malformed('RSASSA-PSS signature without parameters');
  const reader = new DerReader(parameters);
  const fields = reader.enter(Tag.SEQUENCE, 'RSASSA-PSS-params');
  reader.done('RSASSA-PSS-params');
  const [hashAlgorithm] = [0, 1, 2, 3].map((field) => fields.optional(contextTag(field), 'RSASSA-PSS-params'));
  fields.done('RSASSA-PSS-params');
  if (hashAlgorithm === undefined) return HashAlgorithm.SHA1;
  const field = new DerReader(parameters, hashAlgorithm.contentStart, hashAlgorithm.end);
  const { oid } = readAlgorithmIdentifier(field, 'RSASSA-PSS-params.hashAlgorithm');
  field.done('RSASSA-PSS-params.hashAlgorithm');
  const hash = HASH_OF_OID.get(oid);
  if (hash === undefined) throw unsupportedAlgorithm(`RSASSA-PSS hash algorithm ${oid} is not known`);
  return hash;
}
