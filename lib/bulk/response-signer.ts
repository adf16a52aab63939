import type { NativeResponseSigner, SchemeArguments } from '../../typings/binding.js';
import { copyOutput, native } from '../binding.js';
import { invalidArgType, invalidValue } from '../errors.js';
import { OCSPResponderEncoding } from '../ocsp/enums.js';
import { resolveScheme, type SignOptions } from '../ocsp/signing.js';
import { checkCertIdHash, HashAlgorithm, type HashAlgorithmName } from '../x509/algorithms.js';
import { type CertificateInput, type ParsedCertificate, toCertificate } from '../x509/certificate.js';
import { type PrivateKeyInput, toPrivateKey } from '../x509/key.js';
import { checkResponder } from './authority.js';
import { EntryPacker } from './entry-packer.js';
import { type SignAllOptions, type SignedEntry, signAll } from './sign-all.js';
import type { MakePool } from './signing-run.js';
import type { StatusEntry } from './status-entry.js';
import { resolveValidity, timesAt, type Validity, type ValidityOptions } from './validity.js';

/** What a {@link ResponseSigner} is made of. */
export interface ResponseSignerOptions {
  /** The CA whose certificates are answered for. */
  readonly issuer: CertificateInput;
  /** The certificate that signs: the issuer's own, or a delegate's that it issued for OCSP signing. */
  readonly responder: CertificateInput;
  /** The private key of the responder certificate. */
  readonly privateKey: PrivateKeyInput;
  /** Hash of the signature; SHA-256 by default, null for keys that hash by themselves. */
  readonly algorithm?: HashAlgorithmName | null;
  /** RSA padding and PSS salt length. */
  readonly signOptions?: SignOptions;
  /** Hash of the CertIDs; SHA-256 by default. Clients find an answer only by the hash they ask with, often SHA-1. */
  readonly certIdAlgorithm?: HashAlgorithmName;
  /** How responses name the responder; by key hash by default, as RFC 9919 wants. */
  readonly responderId?: OCSPResponderEncoding | `${OCSPResponderEncoding}`;
  /** Certificates to embed; by default the responder certificate, unless it is the issuer's. */
  readonly certificates?: Iterable<CertificateInput>;
  /** From when and until when responses hold; see {@link ValidityOptions}. */
  readonly validity?: ValidityOptions;
  /** Sign even with a responder certificate that clients will refuse: expired, or not authorised by the issuer. */
  readonly allowUnauthorized?: boolean;
}

/**
 * Signs the status of many certificates of one issuer, at little more than the cost of the bare signatures.
 *
 * Its responses are those that `OCSPResponseBuilder` makes of the same values, byte for byte where the signature
 * algorithm is deterministic.
 */
export class ResponseSigner {
  readonly #native: NativeResponseSigner;
  readonly #validity: Validity;
  readonly #packer = new EntryPacker();

  /**
   * @throws TypeError; `ERR_OCSP_MALFORMED`; `ERR_OCSP_KEY_MISMATCH`; `ERR_OCSP_UNSUPPORTED_ALGORITHM`;
   * `ERR_OCSP_INVALID_VALUE` for a responder that clients would refuse, and for arguments that do not go together.
   */
  constructor(options: ResponseSignerOptions) {
    if (typeof options !== 'object' || options === null) throw invalidArgType('options', 'an object', options);
    const issuer = toCertificate(options.issuer, 'issuer');
    const responder = toCertificate(options.responder, 'responder');
    const key = toPrivateKey(options.privateKey);
    const scheme = schemeOf(key.type, options);
    const hash = checkCertIdHash(options.certIdAlgorithm ?? HashAlgorithm.SHA256, 'certIdAlgorithm').index;
    this.#validity = resolveValidity(options.validity);
    if (options.allowUnauthorized !== true) checkResponder(responder.x509, issuer.x509, new Date());
    this.#native = new native.ResponseSigner(
      key,
      responder.native,
      ...scheme,
      responderIdTag(options.responderId),
      hash,
      issuer.native.subjectHash(hash),
      issuer.native.publicKeyHash(hash),
      embedded(options.certificates, responder, issuer).map((certificate) => certificate.native),
    );
  }

  /**
   * The DER of the signed response for one certificate, signed on this thread.
   *
   * @throws TypeError or `ERR_OCSP_INVALID_VALUE` for a bad entry; `ERR_OCSP_OPENSSL` when signing fails.
   */
  sign(entry: StatusEntry): Buffer {
    const now = Date.now();
    return copyOutput(this.#native.sign(this.#pack(entry, now), Math.floor(now / 1000)));
  }

  /** As {@link sign}, on a thread of libuv's pool. */
  async signAsync(entry: StatusEntry): Promise<Buffer> {
    const now = Date.now();
    return this.#native.signAsync(this.#pack(entry, now), Math.floor(now / 1000));
  }

  /**
   * Signs everything that `source` yields, on threads of its own, and yields the results in the same order. Reads from
   * the source only as fast as results are taken.
   *
   * @throws (rejects) What the source throws; the signal's reason; `ERR_OCSP_OPENSSL` when a signature fails or does not
   * verify, naming the entry.
   */
  signAll(
    source: Iterable<StatusEntry> | AsyncIterable<StatusEntry>,
    options: SignAllOptions = {},
  ): AsyncIterableIterator<SignedEntry> {
    const makePool: MakePool = (...rest) => new native.SigningPool(this.#native, ...rest);
    return signAll(makePool, this.#validity, source, options);
  }

  #pack(entry: StatusEntry, now: number): Buffer {
    this.#packer.clear();
    this.#packer.add(entry, timesAt(this.#validity, now));
    return this.#packer.bytes;
  }
}

function schemeOf(keyType: string, { algorithm, signOptions }: ResponseSignerOptions): SchemeArguments {
  const hashless = /^(ED|ML-DSA)/.test(keyType);
  return resolveScheme(
    keyType,
    algorithm === undefined && !hashless ? HashAlgorithm.SHA256 : (algorithm ?? null),
    signOptions,
  );
}

function responderIdTag(encoding: unknown = OCSPResponderEncoding.HASH): 1 | 2 {
  if (encoding === OCSPResponderEncoding.HASH) return 2;
  if (encoding === OCSPResponderEncoding.NAME) return 1;
  if (typeof encoding !== 'string') throw invalidArgType('responderId', 'a member of OCSPResponderEncoding', encoding);
  throw invalidValue('responderId is not a member of OCSPResponderEncoding');
}

function embedded(
  certificates: Iterable<CertificateInput> | undefined,
  responder: ParsedCertificate,
  issuer: ParsedCertificate,
): ParsedCertificate[] {
  if (certificates !== undefined)
    return Array.from(certificates, (cert, i) => toCertificate(cert, `certificates[${i}]`));
  return responder.x509.raw.equals(issuer.x509.raw) ? [] : [responder];
}
