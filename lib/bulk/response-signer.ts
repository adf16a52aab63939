import { availableParallelism } from 'node:os';
import type { NativeResponseSigner } from '../../typings/binding.js';
import { copyOutput, native } from '../binding.js';
import { invalidValue } from '../errors.js';
import type { ExternalSigner } from '../ocsp/signing.js';
import { checkCertIdHash, HashAlgorithm } from '../x509/algorithms.js';
import { readOptions } from '../x509/options.js';
import { checkResponder } from './authority.js';
import { EntryPacker, type PackedEntry, unpackEntries } from './entry-packer.js';
import { ExternalPool, type ExternalProfile, signExternally } from './external-pool.js';
import { checkWhole, MAX_THREADS, type SignAllOptions, type SignedEntry, signAll } from './sign-all.js';
import { type ResponseSignerOptions, resolveProfile, SIGNER_NAMES } from './signer-profile.js';
import type { MakePool } from './signing-run.js';
import type { StatusEntry } from './status-entry.js';
import { resolveValidity, timesAt, type Validity } from './validity.js';

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
  constructor(input: ResponseSignerOptions) {
    const options = readOptions(input, SIGNER_NAMES);
    const { key, external, ...profile } = resolveProfile(options);
    const { issuer, responder, scheme, responderIdTag, certificates } = profile;
    const certIdHash = checkCertIdHash(options.certIdAlgorithm ?? HashAlgorithm.SHA256, 'certIdAlgorithm').index;
    const issuerNameHash = issuer.native.subjectHash(certIdHash);
    const issuerKeyHash = issuer.native.publicKeyHash(certIdHash);
    const isChecked = options.allowUnauthorized !== true;
    if (isChecked) checkResponder(responder.x509, issuer.x509, new Date());
    // A signer may live longer than its certificate.
    this.#validity = resolveValidity(options.validity, isChecked ? Date.parse(responder.x509.validTo) : undefined);
    this.#backend =
      key === undefined
        ? { ...profile, signer: external as ExternalSigner, certIdHash, issuerNameHash, issuerKeyHash }
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
