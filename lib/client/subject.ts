/** The certificate that is asked about, with what a client works out of it once. */
import { createHash } from 'node:crypto';
import type { OCSPRequest } from '../ocsp/request.js';
import { OCSPRequestBuilder } from '../ocsp/request-builder.js';
import { type CertIdInput, type OCSPQuestion, type Target, toQuestion } from '../ocsp/verification/question.js';
import { checkCertIdHash, HashAlgorithm, type HashAlgorithmName } from '../x509/algorithms.js';
import { type CertificateInput, type ParsedCertificate, toCertificate } from '../x509/certificate.js';
import type { OCSPNonce } from '../x509/extensions/request.js';
import { integerFromBytes } from '../x509/integer.js';
import { checkNames, type OptionNames } from '../x509/options.js';

/** Which certificate is asked about, and who issued it. */
export interface ClientQuestion {
  /** The certificate whose status is wanted. */
  readonly certificate?: CertificateInput;
  /** Its CertID, where the certificate itself is not at hand: then only `responders` can say whom to ask. */
  readonly certId?: CertIdInput;
  /** The certificate of the CA that issued it: one that has been validated, or configured. */
  readonly issuer: CertificateInput;
}

/** A question, checked. */
export class Subject {
  /** Names the certificate in caches: its issuer's name and key, and its serial number. Never a URL. */
  readonly key: string;
  readonly target: Target;
  /** Null where there is only a CertID. */
  readonly certificate: ParsedCertificate | null;
  #questionKey: string | undefined;

  constructor(target: Target, certificate: ParsedCertificate | null) {
    const { issuer, serial } = target;
    this.target = target;
    this.certificate = certificate;
    this.key = createHash('sha256')
      .update(issuer.subjectHash(SHA256))
      .update(issuer.publicKeyHash(SHA256))
      .update(serial)
      .digest('hex');
  }

  /**
   * Names the question. Whom to ask, and whether there is anything to ask, the certificate itself says: a CertID does not, nor does
   * another certificate to which the CA gave the same serial number. What an answer is worth depends on the certificate of the CA, of
   * which there may be several.
   */
  get questionKey(): string {
    this.#questionKey ??= createHash('sha256')
      .update(this.key)
      .update(digestOf(this.target.issuer))
      .update(this.certificate?.der ?? '')
      .digest('hex');
    return this.#questionKey;
  }

  /** Tells certificates of the CA apart: 48 bits. */
  get issuerMark(): number {
    return digestOf(this.target.issuer).readUIntBE(0, 6);
  }

  get serialNumber(): bigint {
    const { serial } = this.target;
    return integerFromBytes(serial);
  }

  /** For a Verifier. */
  question(at: number, request?: OCSPRequest): OCSPQuestion {
    const issuer = this.target.issuer.x509;
    const more = { at: new Date(at), ...(request !== undefined && { request }) };
    if (this.certificate !== null) return { certificate: this.certificate.x509, issuer, ...more };
    return { certId: this.#certId(HashAlgorithm.SHA256), issuer, ...more };
  }

  /** Asks about the certificate. */
  request(hashAlgorithm: HashAlgorithmName, nonce: OCSPNonce | null): OCSPRequest {
    const builder = new OCSPRequestBuilder();
    let asked: OCSPRequestBuilder;
    if (this.certificate !== null) {
      asked = builder.addCertificate(this.certificate.x509, this.target.issuer.x509, hashAlgorithm);
    } else {
      const { issuerNameHash, issuerKeyHash, serialNumber } = this.#certId(hashAlgorithm);
      asked = builder.addCertificateByHash(issuerNameHash, issuerKeyHash, serialNumber, hashAlgorithm);
    }
    return (nonce === null ? asked : asked.addExtension(nonce, false)).build();
  }

  #certId(hashAlgorithm: HashAlgorithmName) {
    const { index } = checkCertIdHash(hashAlgorithm, 'hash');
    const { issuer } = this.target;
    return {
      hashAlgorithm,
      issuerNameHash: issuer.subjectHash(index),
      issuerKeyHash: issuer.publicKeyHash(index),
      serialNumber: this.serialNumber,
    };
  }
}

const QUESTION: OptionNames<ClientQuestion> = { certificate: true, certId: true, issuer: true };
const SHA256 = checkCertIdHash(HashAlgorithm.SHA256, 'hash').index;

const digests = new WeakMap<ParsedCertificate, Buffer>();

function digestOf(certificate: ParsedCertificate): Buffer {
  let digest = digests.get(certificate);
  if (digest === undefined) {
    digest = createHash('sha256').update(certificate.der).digest();
    digests.set(certificate, digest);
  }
  return digest;
}

/** The last subject of each certificate. */
const subjects = new WeakMap<ParsedCertificate, Subject>();

/** @throws TypeError; `ERR_OCSP_MALFORMED`; `ERR_OCSP_INVALID_VALUE`; `ERR_OCSP_UNSUPPORTED_ALGORITHM`. */
export function toSubject(input: ClientQuestion): Subject {
  const { certificate, certId, issuer } = checkNames(input, QUESTION, 'question');
  if (certificate === undefined || certId !== undefined) {
    const about = { ...(certificate !== undefined && { certificate }), ...(certId !== undefined && { certId }) };
    return new Subject(toQuestion({ issuer, ...about }).target, null);
  }
  const parsed = toCertificate(certificate, 'certificate');
  const parsedIssuer = toCertificate(issuer, 'issuer');
  const known = subjects.get(parsed);
  if (known !== undefined && known.target.issuer === parsedIssuer) return known;
  const { target } = toQuestion({ certificate: parsed.x509, issuer: parsedIssuer.x509 });
  const subject = new Subject(target, parsed);
  // A mismatch may come from a failure that passes.
  if (target.mismatch === '') subjects.set(parsed, subject);
  return subject;
}
