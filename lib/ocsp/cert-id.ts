import { CERT_ID_HASHES, certIdHashForOid, type HashAlgorithm } from '../x509/algorithms.js';
import { integerFromBytes } from '../x509/integer.js';
import { oidFromBytes } from '../x509/oids.js';
import { serialToText } from '../x509/serial-number.js';
import { type Json, ValueObject } from '../x509/value-object.js';
import { HASH_ALGORITHM, HASH_INDEX, ISSUER_KEY_HASH, ISSUER_NAME_HASH, SERIAL } from './layout.js';
import { type MessageView, orError } from './message.js';

/** Compares bytes. Parameters of the hash's AlgorithmIdentifier do not matter: NULL and none mean the same. */
function samePart(one: MessageView, other: MessageView, range: number): boolean {
  return one.view(range).equals(other.view(range));
}

/** The four members of a CertID (RFC 6960 section 4.1.1), which name the certificate that an entry is about. */
export abstract class CertIdMembers extends ValueObject {
  readonly #parsed: MessageView;

  /** @internal */
  constructor(parsed: MessageView) {
    super();
    this.#parsed = parsed;
  }

  /** Hash of the issuer's distinguished name, made with {@link hashAlgorithm}. */
  get issuerNameHash(): Buffer {
    return this.#parsed.bytes(ISSUER_NAME_HASH);
  }

  /**
   * Hash of the issuer's public key, made with {@link hashAlgorithm}: over the bits of `subjectPublicKey`, without tag,
   * length and unused-bits byte.
   */
  get issuerKeyHash(): Buffer {
    return this.#parsed.bytes(ISSUER_KEY_HASH);
  }

  /**
   * The hash that both issuer hashes were made with.
   *
   * @throws `ERR_OCSP_UNSUPPORTED_ALGORITHM` when it is neither SHA-1 nor SHA-2.
   */
  get hashAlgorithm(): HashAlgorithm {
    const row = CERT_ID_HASHES[this.#parsed.number(HASH_INDEX)];
    if (row !== undefined) return row.hash;
    return certIdHashForOid(oidFromBytes(...this.#parsed.locate(HASH_ALGORITHM))).hash;
  }

  /** Serial number of the certificate; may be negative or of any size in a message that was loaded. */
  get serialNumber(): bigint {
    return integerFromBytes(this.#parsed.memory, this.#parsed.start(SERIAL), this.#parsed.end(SERIAL));
  }

  /**
   * Whether `other` names the same certificate: hash algorithm, both issuer hashes and serial number are the same (OpenSSL's
   * `OCSP_id_cmp`). A CertID made with another hash compares as different.
   */
  hasSameCertId(other: CertIdMembers): boolean {
    return this.hasSameIssuer(other) && samePart(this.#parsed, other.#parsed, SERIAL);
  }

  /** Whether `other` names the same issuer by the same hash (OpenSSL's `OCSP_id_issuer_cmp`). */
  hasSameIssuer(other: CertIdMembers): boolean {
    return [HASH_ALGORITHM, ISSUER_NAME_HASH, ISSUER_KEY_HASH].every((part) =>
      samePart(this.#parsed, other.#parsed, part),
    );
  }

  /** @internal */
  parsedCertId(): MessageView {
    return this.#parsed;
  }

  /** @internal */
  protected certIdToJSON(): { readonly [key: string]: Json } {
    return {
      hashAlgorithm: orError(() => this.hashAlgorithm),
      issuerNameHash: this.issuerNameHash.toString('hex'),
      issuerKeyHash: this.issuerKeyHash.toString('hex'),
      serialNumber: serialToText(this.#parsed.view(SERIAL)),
    };
  }
}
