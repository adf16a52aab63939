import { availableParallelism } from 'node:os';
import type { CertIdHashIndex, NativeResponseSigner } from '../../typings/binding.js';
import { copyOutput, native } from '../binding.js';
import { invalidValue } from '../errors.js';
import type { ExternalSigner } from '../ocsp/signing.js';
import { copyEntry, type StatusEntry } from '../statuses/status-entry.js';
import type { StoredLabel } from '../store/answer-kinds.js';
import { issuerIdentity, nameHash } from '../store/issuer-identity.js';
import type { AnswerChoice, AnswerLabel, IssuerIdentity } from '../store/response-store.js';
import { CERT_ID_HASHES, type CertIdHash, checkCertIdHash } from '../x509/algorithms.js';
import { checkNames, type OptionNames, readOptions } from '../x509/options.js';
import { parsePrintedTime } from '../x509/time.js';
import { checkResponder } from './check-responder.js';
import { EntryPacker, type PackedEntry, unpackEntries } from './entry-packer.js';
import { ExternalPool, type ExternalProfile, signExternally } from './external-pool.js';
import { type Lifetime, resolveLifetime, timesAt } from './lifetime.js';
import { checkWhole, MAX_THREADS, type SignAllOptions, type SignedEntry, signAll } from './sign-all.js';
import {
  certIdHashes,
  type ResponseSignerOptions,
  resolveProfile,
  SIGNER_NAMES,
  type SignerProfile,
  signatureAlgorithmOf,
} from './signer-profile.js';
import type { MakePool } from './signing-run.js';
import { endBeforeExit } from './threads.js';

/**
 * Signs the status of many certificates of one issuer, at little more than the cost of the bare signatures.
 *
 * Its responses are those that `OCSPResponseBuilder` makes of the same values, byte for byte where the signature
 * algorithm is deterministic.
 */
export class ResponseSigner {
  /** Whose certificates it answers for. */
  readonly issuer: IssuerIdentity;
  readonly #profile: SignerProfile;
  readonly #signatureAlgorithm: string | null;
  /** Those of the responses that {@link signAll} makes, in their order: by hash, then by spelling of the issuer's name. */
  readonly #kinds: readonly Kind[];
  readonly #validity: Lifetime;
  readonly #packer = new EntryPacker();

  /**
   * @throws TypeError; `ERR_OCSP_MALFORMED`; `ERR_OCSP_KEY_MISMATCH`; `ERR_OCSP_UNSUPPORTED_ALGORITHM`;
   * `ERR_OCSP_INVALID_VALUE` for a responder that clients would refuse, for a subject that the issuer has not issued, and for
   * arguments that do not go together.
   */
  constructor(input: ResponseSignerOptions) {
    const options = readOptions(input, SIGNER_NAMES);
    this.#profile = resolveProfile(options);
    const { issuer, responder } = this.#profile;
    const isChecked = options.allowUnauthorized !== true;
    if (isChecked) checkResponder(responder.x509, issuer.x509, new Date());
    // A signer may live longer than its certificate.
    this.#validity = resolveLifetime(
      options.validity,
      isChecked ? parsePrintedTime(responder.x509.validTo) : undefined,
    );
    this.issuer = issuerIdentity(issuer, options.subjects);
    this.#signatureAlgorithm = signatureAlgorithmOf(this.#profile);
    this.#kinds = certIdHashes(options.certIdAlgorithm).flatMap((hash) =>
      this.issuer.names.map((name) => this.#kind(hash, nameHash(name, hash))),
    );
  }

  /** What tells the responses of one certificate that {@link signAll} makes from each other, in their order. */
  get answers(): readonly AnswerLabel[] {
    return this.#kinds.map(({ label }) => ({ ...label, issuerNameHash: Buffer.from(label.issuerNameHash) }));
  }

  /**
   * The DER of the signed response for one certificate, signed on this thread.
   *
   * @param choice - the hash and the issuer's name of the CertID; by default the first of {@link answers}. What it names
   * need not be among those.
   * @throws TypeError or `ERR_OCSP_INVALID_VALUE` for a bad entry; `ERR_OCSP_OPENSSL` when signing fails;
   * `ERR_OCSP_INVALID_VALUE` once the responder certificate has expired, and with an external signer, which takes its time.
   */
  sign(entry: StatusEntry, choice: CertIdChoice = {}): Buffer {
    const { backend } = this.#chosen(choice);
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
  async signAsync(entry: StatusEntry, choice: CertIdChoice = {}): Promise<Buffer> {
    const { backend } = this.#chosen(choice);
    const now = Date.now();
    const packed = this.#pack(entry, now);
    const producedAt = Math.floor(now / 1000);
    if (!('signer' in backend)) return backend.signAsync(packed, producedAt);
    const [unpacked] = unpackEntries(Buffer.from(packed));
    return signExternally(backend, unpacked as PackedEntry, producedAt);
  }

  /**
   * Signs everything that `source` yields, on threads of its own, and yields the results in the same order: for each entry one for
   * each of {@link answers}. Reads from the source only as fast as results are taken.
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
    const backends = this.#kinds.map(({ backend }) => backend);
    const makePool: MakePool = ({ threads, concurrency, verifySample }, onBatch) => {
      if (isExternal(backends)) return new ExternalPool(backends, concurrency, onBatch);
      const pool = new native.SigningPool(backends as NativeResponseSigner[], threads, verifySample, onBatch);
      endBeforeExit(pool);
      return pool;
    };
    const labels = this.#kinds.map(({ label }) => label);
    return signAll(makePool, labels, this.#validity, source, options);
  }

  /**
   * Measures how many signatures per second the key makes with nothing around them: the limit of {@link signAll}.
   *
   * @param threads - One per core by default.
   * @param milliseconds - How long to measure; 200 by default.
   * @throws (rejects) `ERR_OCSP_INVALID_VALUE` with an external signer; `ERR_OCSP_OPENSSL`.
   */
  async rawSigningRate(threads: number = availableParallelism(), milliseconds: number = 200): Promise<number> {
    const { backend } = this.#chosen({});
    if ('signer' in backend) throw invalidValue('an external signer is not measured');
    return backend.rawSigningRate(
      checkWhole(threads, 'threads', MAX_THREADS),
      checkWhole(milliseconds, 'milliseconds', 60_000),
    );
  }

  #pack(entry: StatusEntry, now: number): Buffer {
    // Reading may run the caller's code, which may sign with this signer.
    const copy = copyEntry(entry);
    this.#packer.clear();
    this.#packer.add(copy, timesAt(this.#validity, now));
    return this.#packer.bytes;
  }

  #chosen(choice: CertIdChoice): Kind {
    const { hashAlgorithm, issuerNameHash } = checkNames(choice, CHOICE_NAMES, 'choice');
    const [first] = this.#kinds;
    if (hashAlgorithm === undefined && issuerNameHash === undefined) return first as Kind;
    const { index, hash } = checkCertIdHash(hashAlgorithm ?? first?.label.hashAlgorithm, 'hashAlgorithm');
    const found = this.#kinds.find(
      ({ label }) =>
        label.hashAlgorithm === hash && (issuerNameHash === undefined || label.issuerNameHash.equals(issuerNameHash)),
    );
    if (found !== undefined) return found;
    const names = this.issuer.names.map((name) => nameHash(name, index));
    const name = issuerNameHash === undefined ? names[0] : names.find((known) => known.equals(issuerNameHash));
    if (name === undefined) throw invalidValue("issuerNameHash is not the hash of the issuer's name");
    return this.#kind(index, name);
  }

  #kind(certIdHash: CertIdHashIndex, issuerNameHash: Buffer): Kind {
    const { key, external, ...profile } = this.#profile;
    const { issuer, responder, scheme, responderIdTag, certificates } = profile;
    const issuerKeyHash = issuer.publicKeyHash(certIdHash);
    const hashAlgorithm = (CERT_ID_HASHES[certIdHash] as CertIdHash).hash;
    const certId = [certIdHash, issuerNameHash, issuerKeyHash] as const;
    return {
      label: { hashAlgorithm, issuerNameHash, signatureAlgorithm: this.#signatureAlgorithm },
      backend:
        key === undefined
          ? { ...profile, signer: external as ExternalSigner, certIdHash, issuerNameHash, issuerKeyHash }
          : new native.ResponseSigner(key, responder.native, ...scheme, responderIdTag, ...certId, certificates),
    };
  }
}

/** Which CertID a response is to have. */
export type CertIdChoice = Pick<AnswerChoice, 'hashAlgorithm' | 'issuerNameHash'>;

const CHOICE_NAMES: OptionNames<CertIdChoice> = { hashAlgorithm: true, issuerNameHash: true };

/** A kind of response that a signer makes. */
interface Kind {
  readonly label: StoredLabel & { readonly issuerNameHash: Buffer };
  readonly backend: NativeResponseSigner | ExternalProfile;
}

function isExternal(backends: readonly Kind['backend'][]): backends is ExternalProfile[] {
  return backends.every((backend) => 'signer' in backend);
}
