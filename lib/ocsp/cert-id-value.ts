import type { X509Certificate } from 'node:crypto';
import { types } from 'node:util';
import { invalidArgType, invalidValue } from '../errors.js';
import { CERT_ID_HASHES, checkCertIdHash, HashAlgorithm, type HashAlgorithmName } from '../x509/algorithms.js';
import { type CertificateInput, type ParsedCertificate, toCertificate } from '../x509/certificate.js';
import { checkObject } from '../x509/checks.js';
import { integerFromBytes } from '../x509/integer.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { type SerialNumberInput, serialToText } from '../x509/serial-number.js';
import { type Json, ValueObject } from '../x509/value-object.js';
import { type CertIdTuple, certIdFrom, certIdOf } from './cert-id-input.js';

/** Hashes that name an issuer in CertIDs. */
export interface IssuerHashes {
  /** The hash that both were made with. */
  readonly hashAlgorithm: HashAlgorithm;
  /** Hash of the issuer's distinguished name. */
  readonly issuerNameHash: Buffer;
  /** Hash of the issuer's public key, over the bits of `subjectPublicKey`. */
  readonly issuerKeyHash: Buffer;
}

/** Which certificate of the issuer is meant, for {@link CertId.of}: one of the first two. */
export interface CertIdOptions {
  /** The certificate itself. Nothing checks that the issuer issued it. */
  readonly certificate?: CertificateInput;
  /** Its serial number, where the certificate is not at hand. */
  readonly serialNumber?: SerialNumberInput;
  /** Default SHA-256 (RFC 9919 section 3.1.1). */
  readonly hashAlgorithm?: HashAlgorithmName;
}

const OPTIONS: OptionNames<CertIdOptions> = { certificate: true, serialNumber: true, hashAlgorithm: true };

/**
 * A CertID (RFC 6960 section 4.1.1) as a value: what OCPP and ISO 15118 send in place of certificates. It is taken wherever
 * a CertID is, such as by `verifyOcspResponse`.
 *
 * @example
 * const certId = CertId.of(issuer, { certificate });
 * send({ issuerNameHash: certId.issuerNameHash.toString('hex'), issuerKeyHash: certId.issuerKeyHash.toString('hex') });
 */
export class CertId extends ValueObject implements IssuerHashes {
  readonly #tuple: CertIdTuple;

  private constructor(tuple: CertIdTuple) {
    super();
    this.#tuple = tuple;
  }

  /** @throws TypeError; `ERR_OCSP_MALFORMED`; `ERR_OCSP_INVALID_VALUE`; `ERR_OCSP_UNSUPPORTED_ALGORITHM`. */
  static of(issuer: CertificateInput, options: CertIdOptions): CertId {
    const { certificate, serialNumber, hashAlgorithm = HashAlgorithm.SHA256 } = readOptions(options, OPTIONS);
    if (certificate !== undefined) {
      if (serialNumber !== undefined)
        throw invalidValue('certificate and serialNumber are two things: give one of them');
      return new CertId(certIdOf(certificate, issuer, hashAlgorithm));
    }
    if (serialNumber === undefined)
      throw invalidArgType('certificate', 'a certificate, unless there is a serialNumber', certificate);
    const { issuerNameHash, issuerKeyHash } = CertId.hashesOf(issuer, hashAlgorithm);
    return new CertId(certIdFrom(issuerNameHash, issuerKeyHash, serialNumber, hashAlgorithm));
  }

  /**
   * From its four parts, as a message has them.
   *
   * @throws TypeError; `ERR_OCSP_INVALID_VALUE`; `ERR_OCSP_UNSUPPORTED_ALGORITHM`.
   */
  static from(parts: IssuerHashes & { readonly serialNumber: SerialNumberInput }): CertId {
    const { issuerNameHash, issuerKeyHash, serialNumber, hashAlgorithm } = checkObject(parts, 'parts');
    return new CertId(certIdFrom(issuerNameHash, issuerKeyHash, serialNumber, hashAlgorithm));
  }

  /**
   * The hashes of a CA.
   *
   * @param hashAlgorithm - Default SHA-256.
   * @throws TypeError; `ERR_OCSP_MALFORMED`; `ERR_OCSP_UNSUPPORTED_ALGORITHM`.
   */
  static hashesOf(issuer: CertificateInput, hashAlgorithm: HashAlgorithmName = HashAlgorithm.SHA256): IssuerHashes {
    const { hash, index } = checkCertIdHash(hashAlgorithm, 'hashAlgorithm');
    const ca = toCertificate(issuer, 'issuer');
    return {
      hashAlgorithm: hash,
      issuerNameHash: Buffer.from(ca.subjectHash(index)),
      issuerKeyHash: Buffer.from(ca.publicKeyHash(index)),
    };
  }

  get hashAlgorithm(): HashAlgorithm {
    return (CERT_ID_HASHES[this.#tuple[0]] as (typeof CERT_ID_HASHES)[0]).hash;
  }

  get issuerNameHash(): Buffer {
    return Buffer.from(this.#tuple[1]);
  }

  get issuerKeyHash(): Buffer {
    return Buffer.from(this.#tuple[2]);
  }

  /** Serial number of the certificate. */
  get serialNumber(): bigint {
    return integerFromBytes(this.#tuple[3]);
  }

  /** Whether the hashes are those of a CA: its name, as its certificate spells it, and its key. */
  isOfIssuer(candidate: CertificateInput): boolean {
    return this.#isOf(toCertificate(candidate, 'candidate'));
  }

  #isOf(ca: ParsedCertificate): boolean {
    const [hash, nameHash, keyHash] = this.#tuple;
    return ca.subjectHash(hash).equals(nameHash) && ca.publicKeyHash(hash).equals(keyHash);
  }

  /**
   * The first of some certificates whose hashes these are; null when it is none of them.
   *
   * @throws TypeError; `ERR_OCSP_MALFORMED`.
   */
  findIssuer(candidates: Iterable<CertificateInput>): X509Certificate | null {
    if (typeof candidates === 'string' || types.isUint8Array(candidates)) {
      throw invalidArgType('candidates', 'a list of certificates', candidates);
    }
    for (const candidate of candidates) {
      // Read once: what is returned is what was compared.
      const ca = toCertificate(candidate, 'candidate');
      if (this.#isOf(ca)) return ca.x509;
    }
    return null;
  }

  /** Whether `other` has the same four parts. */
  override equals(other: unknown): boolean {
    if (!(other instanceof CertId)) return false;
    const [hash, ...parts] = this.#tuple;
    const [otherHash, ...otherParts] = other.#tuple;
    return hash === otherHash && parts.every((part, i) => part.equals(otherParts[i] as Buffer));
  }

  override toJSON(): Json {
    return {
      hashAlgorithm: this.hashAlgorithm,
      issuerNameHash: this.#tuple[1].toString('hex'),
      issuerKeyHash: this.#tuple[2].toString('hex'),
      serialNumber: serialToText(this.#tuple[3]),
    };
  }
}
