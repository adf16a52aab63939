/** From the options of a signer to what its signatures are made of. */
import type { CertIdHashIndex, NativePrivateKey, SchemeArguments } from '../../typings/binding.js';
import { invalidArgType, invalidValue } from '../errors.js';
import { OCSPResponderEncoding } from '../ocsp/enums.js';
import { type ExternalSigner, isExternalSigner, resolveScheme, type SignOptions } from '../ocsp/signing.js';
import { checkCertIdHash, checkSigningHash, HashAlgorithm, type HashAlgorithmName } from '../x509/algorithms.js';
import { type CertificateInput, type ParsedCertificate, toCertificate, toOneCertificate } from '../x509/certificate.js';
import { type PrivateKeyInput, toPrivateKey } from '../x509/key.js';
import { SignatureAlgorithmOID } from '../x509/oids.js';
import type { OptionNames } from '../x509/options.js';
import type { LifetimeOptions } from './lifetime.js';

/** What a {@link ResponseSigner} is made of. */
export interface ResponseSignerOptions {
  /** The CA whose certificates are answered for. */
  readonly issuer: CertificateInput;
  /** The certificate that signs: the issuer's own, or a delegate's that it issued for OCSP signing. */
  readonly responder: CertificateInput;
  /**
   * The private key of the responder certificate; or who signs with it elsewhere, for `signAsync` and `signAll`. What an
   * external signer returns is verified before a response is handed out.
   */
  readonly privateKey: PrivateKeyInput | ExternalSigner;
  /** Hash of the signature; SHA-256 by default, null for keys that hash by themselves. */
  readonly algorithm?: HashAlgorithmName | null;
  /** RSA padding and PSS salt length. */
  readonly signOptions?: SignOptions;
  /**
   * Hash of the CertIDs, or several: a response for each. By default SHA-1 and SHA-256: clients find a response only by the hash
   * that they ask by, which is SHA-1 with nearly all of them, and many refuse a response with two entries.
   */
  readonly certIdAlgorithm?: HashAlgorithmName | readonly HashAlgorithmName[];
  /**
   * Certificates that the issuer has issued. Where they spell its name in other string types than its own certificate does, it
   * is signed for both spellings: clients hash that in the certificate they ask about, responders often the other one. One
   * of each kind will do.
   */
  readonly subjects?: Iterable<CertificateInput>;
  /** How responses name the responder; by key hash by default, as RFC 9919 requires. */
  readonly responderId?: OCSPResponderEncoding | `${OCSPResponderEncoding}`;
  /** Certificates to embed; by default the responder certificate, also that of the issuer, which many clients need. */
  readonly certificates?: Iterable<CertificateInput>;
  /** From when and until when responses hold; see {@link LifetimeOptions}. */
  readonly validity?: LifetimeOptions;
  /** Sign even with a responder certificate that clients will refuse: expired, or not authorised by the issuer. */
  readonly allowUnauthorized?: boolean;
}

/** The names of {@link ResponseSignerOptions}. */
export const SIGNER_NAMES: OptionNames<ResponseSignerOptions> = {
  issuer: true,
  responder: true,
  privateKey: true,
  algorithm: true,
  signOptions: true,
  certIdAlgorithm: true,
  subjects: true,
  responderId: true,
  certificates: true,
  validity: true,
  allowUnauthorized: true,
};

/** A key with its certificate, and how it signs; checked. */
export interface SignerProfile {
  /** The key; undefined where an external signer signs. */
  readonly key: NativePrivateKey | undefined;
  /** Who signs elsewhere; undefined where there is a key. */
  readonly external: ExternalSigner | undefined;
  readonly issuer: ParsedCertificate;
  readonly responder: ParsedCertificate;
  readonly algorithm: HashAlgorithm | null;
  readonly scheme: SchemeArguments;
  /** 1 by name, 2 by key hash. */
  readonly responderIdTag: 1 | 2;
  /** Those that are included. */
  readonly certificates: readonly ParsedCertificate['native'][];
}

/** The hashes that the CertIDs of a signer are made with, in the order of {@link CERT_ID_HASHES}. */
export function certIdHashes(given: ResponseSignerOptions['certIdAlgorithm']): readonly CertIdHashIndex[] {
  const names =
    given === undefined ? [HashAlgorithm.SHA1, HashAlgorithm.SHA256] : Array.isArray(given) ? given : [given];
  const indexes = new Set(names.map((name) => checkCertIdHash(name, 'certIdAlgorithm').index));
  if (indexes.size === 0) throw invalidValue('certIdAlgorithm is empty');
  return [...indexes].sort();
}

/** OID of the signatures of a key; null when there is none for the hash. */
export function signatureAlgorithmOf({
  key,
  responder,
  scheme,
  algorithm,
}: Pick<SignerProfile, 'key' | 'responder' | 'scheme' | 'algorithm'>): string | null {
  const type = key?.type ?? responder.native.keyType;
  const [, pss] = scheme;
  const name = pss
    ? 'RSASSA_PSS'
    : algorithm === null
      ? type.replaceAll('-', '_')
      : `${type === 'EC' ? 'ECDSA' : type}_WITH_${algorithm.toUpperCase().replaceAll('-', '_')}`;
  const oids: Readonly<Record<string, string>> = SignatureAlgorithmOID;
  return Object.hasOwn(oids, name) ? (oids[name] as string) : null;
}

/** What a profile is made of. */
export type ProfileOptions = Pick<
  ResponseSignerOptions,
  'issuer' | 'responder' | 'privateKey' | 'algorithm' | 'signOptions' | 'responderId' | 'certificates'
>;

/**
 * @param options - As `readOptions` has read them.
 * @throws As the constructor of `ResponseSigner`, but for what is about times and authorisation.
 */
export function resolveProfile(options: ProfileOptions): SignerProfile {
  const issuer = toCertificate(options.issuer, 'issuer');
  const responder = toCertificate(options.responder, 'responder');
  const { privateKey } = options;
  const external = isExternalSigner(privateKey) ? privateKey : undefined;
  const key = external === undefined ? toPrivateKey(privateKey) : undefined;
  const { algorithm, scheme } = resolveSignature(key?.type ?? responder.native.keyType, options);
  const responderIdTag = tagOf(options.responderId);
  const certificates = embedded(options.certificates, responder).map((certificate) => certificate.native);
  return { key, external, issuer, responder, algorithm, scheme, responderIdTag, certificates };
}

/** @throws TypeError; `ERR_OCSP_INVALID_VALUE`, `ERR_OCSP_UNSUPPORTED_ALGORITHM` for what does not go with the type of the key. */
export function resolveSignature(
  keyType: string,
  options: Pick<ProfileOptions, 'algorithm' | 'signOptions'>,
): Pick<SignerProfile, 'algorithm' | 'scheme'> {
  const algorithm = checkSigningHash(options.algorithm === undefined ? defaultHash(keyType) : options.algorithm);
  return { algorithm, scheme: resolveScheme(keyType, algorithm, options.signOptions) };
}

/** Keys that hash by themselves take none. */
function defaultHash(keyType: string): HashAlgorithm | null {
  return /^(ED|ML-DSA)/.test(keyType) ? null : HashAlgorithm.SHA256;
}

function tagOf(encoding: unknown = OCSPResponderEncoding.HASH): 1 | 2 {
  if (encoding === OCSPResponderEncoding.HASH) return 2;
  if (encoding === OCSPResponderEncoding.NAME) return 1;
  if (typeof encoding !== 'string') throw invalidArgType('responderId', 'a member of OCSPResponderEncoding', encoding);
  throw invalidValue(`responderId is 'By Hash' or 'By Name' (OCSPResponderEncoding), not '${encoding.slice(0, 64)}'`);
}

function embedded(
  certificates: Iterable<CertificateInput> | undefined,
  responder: ParsedCertificate,
): ParsedCertificate[] {
  if (certificates !== undefined)
    return Array.from(certificates, (cert, i) => toOneCertificate(cert, `certificates[${i}]`));
  return [responder];
}
