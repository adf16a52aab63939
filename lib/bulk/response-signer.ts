import { availableParallelism } from 'node:os';
import type { NativeResponseSigner } from '../../typings/binding.js';
import { copyOutput, native } from '../binding.js';
import { invalidArgType, invalidValue } from '../errors.js';
import { OCSPResponderEncoding } from '../ocsp/enums.js';
import { type ExternalSigner, isExternalSigner, resolveScheme, type SignOptions } from '../ocsp/signing.js';
import { checkCertIdHash, checkSigningHash, HashAlgorithm, type HashAlgorithmName } from '../x509/algorithms.js';
import { type CertificateInput, type ParsedCertificate, toCertificate } from '../x509/certificate.js';
import { type PrivateKeyInput, toPrivateKey } from '../x509/key.js';
import { checkResponder } from './authority.js';
import { EntryPacker, type PackedEntry, unpackEntries } from './entry-packer.js';
import { ExternalPool, type ExternalProfile, signExternally } from './external-pool.js';
import { checkWhole, MAX_THREADS, type SignAllOptions, type SignedEntry, signAll } from './sign-all.js';
import type { MakePool } from './signing-run.js';
import type { StatusEntry } from './status-entry.js';
import { resolveValidity, timesAt, type Validity, type ValidityOptions } from './validity.js';

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
  readonly #backend: NativeResponseSigner | ExternalProfile;
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
    const { privateKey } = options;
    const key = isExternalSigner(privateKey) ? undefined : toPrivateKey(privateKey);
    const keyType = key?.type ?? responder.native.keyType;
    const algorithm = checkSigningHash(options.algorithm === undefined ? defaultHash(keyType) : options.algorithm);
    const scheme = resolveScheme(keyType, algorithm, options.signOptions);
    const responderIdTag = tagOf(options.responderId);
    const certIdHash = checkCertIdHash(options.certIdAlgorithm ?? HashAlgorithm.SHA256, 'certIdAlgorithm').index;
    const issuerNameHash = issuer.native.subjectHash(certIdHash);
    const issuerKeyHash = issuer.native.publicKeyHash(certIdHash);
    const certificates = embedded(options.certificates, responder, issuer).map((certificate) => certificate.native);
    const isChecked = options.allowUnauthorized !== true;
    if (isChecked) checkResponder(responder.x509, issuer.x509, new Date());
    // A signer may live longer than its certificate.
    this.#validity = resolveValidity(options.validity, isChecked ? Date.parse(responder.x509.validTo) : undefined);
    this.#backend =
      key === undefined
        ? {
            signer: privateKey as ExternalSigner,
            responder,
            algorithm,
            scheme,
            responderIdTag,
            certIdHash,
            issuerNameHash,
            issuerKeyHash,
            certificates,
          }
        : new native.ResponseSigner(
            key,
            responder.native,
            ...scheme,
            responderIdTag,
            certIdHash,
            issuerNameHash,
            issuerKeyHash,
            certificates,
          );
  }

  /**
   * The DER of the signed response for one certificate, signed on this thread.
   *
   * @throws TypeError or `ERR_OCSP_INVALID_VALUE` for a bad entry; `ERR_OCSP_OPENSSL` when signing fails;
   * `ERR_OCSP_INVALID_VALUE` once the responder certificate has expired, and with an external signer, which takes its time.
   */
  sign(entry: StatusEntry): Buffer {
    const backend = this.#backend;
    if ('signer' in backend) throw invalidValue('an external signer needs signAsync() or signAll()');
    const now = Date.now();
    return copyOutput(backend.sign(this.#pack(entry, now), Math.floor(now / 1000)));
  }

  /**
   * As {@link sign}, on a thread of libuv's pool; or by an external signer.
   *
   * @throws (rejects) As {@link sign}; `ERR_OCSP_KEY_MISMATCH` for a wrong external signature, TypeError when an external
   * signer returns no bytes; what it throws, unchanged.
   */
  async signAsync(entry: StatusEntry): Promise<Buffer> {
    const now = Date.now();
    const packed = this.#pack(entry, now);
    const producedAt = Math.floor(now / 1000);
    const backend = this.#backend;
    if (!('signer' in backend)) return backend.signAsync(packed, producedAt);
    const [unpacked] = unpackEntries(Buffer.from(packed));
    return signExternally(backend, unpacked as PackedEntry, producedAt);
  }

  /**
   * Signs everything that `source` yields, on threads of its own, and yields the results in the same order. Reads from
   * the source only as fast as results are taken.
   *
   * @throws (rejects) What the source throws; the signal's reason; `ERR_OCSP_INVALID_VALUE` once the responder certificate has
   * expired; naming the entry: `ERR_OCSP_OPENSSL` when a signature
   * fails or does not verify, and TypeError, `ERR_OCSP_INVALID_VALUE` for a bad entry, `ERR_OCSP_KEY_MISMATCH` for a wrong
   * external signature, or what the external signer throws, as `cause`.
   */
  signAll(
    source: Iterable<StatusEntry> | AsyncIterable<StatusEntry>,
    options: SignAllOptions = {},
  ): AsyncIterableIterator<SignedEntry> {
    const backend = this.#backend;
    const makePool: MakePool = ({ threads, concurrency, verifySample }, onBatch) =>
      'signer' in backend
        ? new ExternalPool(backend, concurrency, onBatch)
        : new native.SigningPool(backend, threads, verifySample, onBatch);
    return signAll(makePool, this.#validity, source, options);
  }

  /**
   * Measures how many signatures per second the key makes with nothing around them: the limit of {@link signAll}.
   *
   * @param threads - One per core by default.
   * @param milliseconds - How long to measure; 200 by default.
   * @throws (rejects) `ERR_OCSP_INVALID_VALUE` with an external signer; `ERR_OCSP_OPENSSL`.
   */
  async bareRate(threads: number = availableParallelism(), milliseconds: number = 200): Promise<number> {
    const backend = this.#backend;
    if ('signer' in backend) throw invalidValue('an external signer is not measured');
    return backend.bareRate(
      checkWhole(threads, 'threads', MAX_THREADS),
      checkWhole(milliseconds, 'milliseconds', 60_000),
    );
  }

  #pack(entry: StatusEntry, now: number): Buffer {
    this.#packer.clear();
    this.#packer.add(entry, timesAt(this.#validity, now));
    return this.#packer.bytes;
  }
}

/** Keys that hash by themselves take none. */
function defaultHash(keyType: string): HashAlgorithm | null {
  return /^(ED|ML-DSA)/.test(keyType) ? null : HashAlgorithm.SHA256;
}

function tagOf(encoding: unknown = OCSPResponderEncoding.HASH): 1 | 2 {
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
