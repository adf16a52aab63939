/** Which certificate a response has to be about, checked once and compared with entries by any hash. */
import type { Buffer } from 'node:buffer';
import { X509Certificate } from 'node:crypto';
import type { CertIdHashIndex } from '../../../typings/binding.js';
import { invalidArgType, invalidValue } from '../../errors.js';
import { CERT_ID_HASHES, type HashAlgorithmName } from '../../x509/algorithms.js';
import { type CertificateInput, type ParsedCertificate, toCertificate } from '../../x509/certificate.js';
import { type OptionNames, readOptions } from '../../x509/options.js';
import type { SerialNumberInput } from '../../x509/serial-number.js';
import { CertIdMembers } from '../cert-id.js';
import { type CertIdTuple, certIdFrom } from '../cert-id-input.js';
import { HASH_INDEX, ISSUER_KEY_HASH, ISSUER_NAME_HASH, SERIAL } from '../layout.js';
import type { MessageView } from '../message.js';
import { loadDerOcspRequest, OCSPRequest } from '../request.js';
import { momentOf } from '../validity.js';

/** A CertID: an entry of a request or response, or its four parts. */
export type CertIdInput = CertIdMembers | CertIdParts;

/** The four parts of a CertID. */
export interface CertIdParts {
  readonly hashAlgorithm: HashAlgorithmName;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  readonly serialNumber: SerialNumberInput;
}

/** What a response has to answer. One of `certificate`, `certId`, or a `request` with one entry says which certificate. */
export interface OCSPQuestion {
  /** The certificate whose status is wanted. */
  readonly certificate?: CertificateInput;
  /** Its CertID, where the certificate itself is not at hand. */
  readonly certId?: CertIdInput;
  /**
   * The certificate of the CA that issued it. Unless `trust` is given it is trusted as it is: pass one that has been
   * validated, or configured.
   */
  readonly issuer: CertificateInput;
  /** The request that the response answers. It has to ask about the certificate, by whatever hash; its nonce is compared. */
  readonly request?: OCSPRequest | Uint8Array;
  /** The moment to judge at; now by default. */
  readonly at?: Date;
}

/** The names of {@link OCSPQuestion}. */
export const QUESTION_NAMES: OptionNames<OCSPQuestion> = {
  certificate: true,
  certId: true,
  issuer: true,
  request: true,
  at: true,
};

const CERT_ID_NAMES: OptionNames<CertIdParts> = {
  hashAlgorithm: true,
  issuerNameHash: true,
  issuerKeyHash: true,
  serialNumber: true,
};

/** The certificate that an answer has to be about. */
export class Target {
  readonly issuer: ParsedCertificate;
  readonly serial: Buffer;
  readonly #certificate: ParsedCertificate | null;
  readonly #nameHashes: (hash: CertIdHashIndex) => readonly Buffer[];
  #mismatch: string | null | undefined;

  /** @param about - The certificate; or, where it is not at hand, why the issuer cannot be its issuer. */
  constructor(
    issuer: ParsedCertificate,
    serial: Buffer,
    about: ParsedCertificate | string,
    nameHashes: (hash: CertIdHashIndex) => readonly Buffer[],
  ) {
    this.issuer = issuer;
    this.serial = serial;
    this.#certificate = typeof about === 'string' ? null : about;
    this.#mismatch = typeof about === 'string' ? about : undefined;
    this.#nameHashes = nameHashes;
  }

  /** Why the issuer cannot be that of the certificate; '' when it can, null where OpenSSL cannot tell. */
  get mismatch(): string | null {
    if (this.#mismatch === undefined) this.#mismatch = this.#certificate?.issuerMismatch(this.issuer) ?? null;
    return this.#mismatch;
  }

  /** DER of the certificate, whose issuer's signature no one has verified yet; undefined otherwise. */
  get unchecked(): Buffer | undefined {
    return this.#mismatch === undefined ? this.#certificate?.der : undefined;
  }

  /** Says that there is no {@link mismatch}. */
  isIssued(): void {
    this.#mismatch = '';
  }

  /** Whether it is the same certificate of the same issuer. */
  equals(other: Target): boolean {
    return this.serial.equals(other.serial) && this.issuer.der.equals(other.issuer.der);
  }

  /** Whether an entry is about this certificate: hash algorithm, both hashes of the issuer, and serial number. */
  matches(entry: MessageView): boolean {
    const hash = entry.number(HASH_INDEX);
    if (CERT_ID_HASHES[hash] === undefined || !hasBytes(entry, SERIAL, this.serial)) return false;
    const index = hash as CertIdHashIndex;
    if (!hasBytes(entry, ISSUER_KEY_HASH, this.issuer.publicKeyHash(index))) return false;
    return this.#nameHashes(index).some((name) => hasBytes(entry, ISSUER_NAME_HASH, name));
  }
}

/** A question with its arguments checked. */
export interface Question {
  readonly target: Target;
  /** False when there is a request, and it asks about other certificates. */
  readonly isAsked: boolean;
  /** Bytes of the request's nonce extension. */
  readonly nonce: Uint8Array | null;
  /** Whole seconds since 1970-01-01. */
  readonly at: number;
}

/**
 * @param input - Its names have been checked.
 * @throws TypeError, `ERR_OCSP_MALFORMED`, `ERR_OCSP_INVALID_VALUE`, `ERR_OCSP_UNSUPPORTED_ALGORITHM`, `ERR_OCSP_NOT_SINGLE`,
 * `ERR_OCSP_DUPLICATE_EXTENSION`.
 */
export function toQuestion(input: OCSPQuestion): Question {
  const { certificate, certId, issuer, request, at } = input;
  const parsedIssuer = toCertificate(issuer, 'issuer');
  const parsedRequest = request === undefined ? null : toRequest(request);
  let target: Target;
  if (certificate !== undefined) {
    if (certId !== undefined) throw invalidValue('certificate and certId both say which certificate: give one of them');
    const parsed = toCertificate(certificate, 'certificate');
    // Bytes come as a certificate of their own each time.
    target =
      certificate instanceof X509Certificate
        ? keptTarget(parsed, parsedIssuer)
        : targetOfCertificate(parsed, parsedIssuer);
  } else if (certId !== undefined) {
    target = targetOfCertId(toTuple(certId), parsedIssuer);
  } else if (parsedRequest !== null) {
    // Throws ERR_OCSP_NOT_SINGLE where there is no telling which entry is meant.
    target = targetOfCertId(toTuple(parsedRequest), parsedIssuer);
  } else {
    throw invalidArgType('certificate', 'a certificate, unless certId or request says which one is meant', certificate);
  }
  return {
    target,
    isAsked: parsedRequest?.requests.some((entry) => target.matches(entry.parsedCertId())) ?? true,
    nonce: parsedRequest?.rawNonce() ?? null,
    at: momentOf(at, 'at'),
  };
}

function toRequest(request: unknown): OCSPRequest {
  return request instanceof OCSPRequest ? request : loadDerOcspRequest(request as Uint8Array);
}

/** The last target of each certificate: what it needs of hashes is worked out once. */
const targets = new WeakMap<ParsedCertificate, Target>();

function keptTarget(certificate: ParsedCertificate, issuer: ParsedCertificate): Target {
  const known = targets.get(certificate);
  // A mismatch may come from a failure that passes.
  if (known !== undefined && known.issuer === issuer && known.mismatch === '') return known;
  const target = targetOfCertificate(certificate, issuer);
  targets.set(certificate, target);
  return target;
}

function targetOfCertificate(certificate: ParsedCertificate, issuer: ParsedCertificate): Target {
  // The two certificates may spell the CA's name differently, and a responder may have hashed either spelling.
  const nameHashes = certificate.namesAsIssuer(issuer)
    ? (hash: CertIdHashIndex) => [issuer.subjectHash(hash)]
    : perHash((hash) => distinct(certificate.issuerNameHash(hash), issuer.subjectHash(hash)));
  return new Target(issuer, certificate.serial, certificate, nameHashes);
}

function targetOfCertId([hash, nameHash, keyHash, serial]: CertIdTuple, issuer: ParsedCertificate): Target {
  const isOfIssuer = issuer.subjectHash(hash).equals(nameHash) && issuer.publicKeyHash(hash).equals(keyHash);
  const mismatch = isOfIssuer ? '' : 'its name or key hash is another';
  return new Target(
    issuer,
    serial,
    mismatch,
    perHash((index) => [issuer.subjectHash(index)]),
  );
}

function perHash(compute: (hash: CertIdHashIndex) => readonly Buffer[]): (hash: CertIdHashIndex) => readonly Buffer[] {
  const computed: (readonly Buffer[] | undefined)[] = [];
  return (hash) => {
    computed[hash] ??= compute(hash);
    return computed[hash];
  };
}

function distinct(one: Buffer, other: Buffer): readonly Buffer[] {
  return one.equals(other) ? [one] : [one, other];
}

function toTuple(certId: CertIdInput | OCSPRequest): CertIdTuple {
  const isOurs = certId instanceof CertIdMembers || certId instanceof OCSPRequest;
  const parts = isOurs ? certId : readOptions(certId, CERT_ID_NAMES, 'certId');
  const { issuerNameHash, issuerKeyHash, serialNumber, hashAlgorithm } = parts;
  return certIdFrom(issuerNameHash, issuerKeyHash, serialNumber, hashAlgorithm);
}

/** Whether a part of an entry is exactly these bytes. (Twenty of them: a loop beats a call out of JavaScript.) */
function hasBytes(entry: MessageView, range: number, bytes: Uint8Array): boolean {
  const start = entry.start(range);
  const { length } = bytes;
  if (entry.end(range) - start !== length) return false;
  const { memory } = entry;
  for (let i = 0; i < length; i++) if (memory[start + i] !== bytes[i]) return false;
  return true;
}
