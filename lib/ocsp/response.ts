import type { X509Certificate } from 'node:crypto';
import { native } from '../binding.js';
import { invalidArgType, OCSPError } from '../errors.js';
import {
  checkCertIdHash,
  HashAlgorithm,
  type HashAlgorithmName,
  readSignatureAlgorithm,
  type SignatureAlgorithm,
} from '../x509/algorithms.js';
import type { CertificateInput } from '../x509/certificate.js';
import type { OwnBuffer } from '../x509/der.js';
import type { Extensions } from '../x509/extension.js';
import type { Name } from '../x509/name.js';
import type { ReasonFlags } from '../x509/reason.js';
import { checkCertificates } from '../x509/trust-store.js';
import { type Json, ValueObject } from '../x509/value-object.js';
import {
  decode,
  type MessageVerifyOptions,
  type ResponseVerifyResult,
  responseResult,
  verifyArguments,
} from './basic-verify.js';
import { CertIdMembers } from './cert-id.js';
import { Encoding, type OCSPCertStatus, OCSPResponseStatus } from './enums.js';
import {
  PRODUCED_AT,
  RESPONSE_COUNT,
  RESPONSE_EXTENSIONS,
  RESPONSE_STATUS,
  SIGNATURE,
  SIGNATURE_ALGORITHM,
  TBS,
} from './layout.js';
import {
  checkEncoding,
  checkInternal,
  copyInput,
  INTERNAL,
  LENIENT,
  type LoadOptions,
  type MessageBytes,
  type MessageView,
  orError,
  readingOf,
  refuseText,
  wholeDer,
} from './message.js';
import { printResponse, wholeText } from './printing.js';
import { nonceOf, readRawExtensions } from './raw-extensions.js';
import {
  basicResponseOf,
  digestOf,
  type OCSPResponseReference,
  readCertificates,
  readResponse,
  readResponses,
  responderIdOf,
  responderKeyHashOf,
  responderNameOf,
} from './response-parts.js';
import type { OCSPSingleResponse } from './single-response.js';

/**
 * An OCSP response (RFC 6960 section 4.2.1), as loaded by {@link loadDerOcspResponse} or made by `OCSPResponseBuilder`.
 *
 * Only {@link responseStatus} and {@link publicBytes} can be read whatever the status; every other member throws
 * `ERR_OCSP_UNSUCCESSFUL` unless it is SUCCESSFUL, whatever else the message carries. The per-certificate members are
 * those of the only entry and throw `ERR_OCSP_NOT_SINGLE` when there are none or several; {@link responses} lists them.
 *
 * Nothing here is verified: an attacker can put any status into a response.
 */
export class OCSPResponse extends ValueObject {
  readonly #der: MessageBytes;
  #read: MessageView | undefined;
  #responses: readonly OCSPSingleResponse[] | undefined;
  #certificates: readonly X509Certificate[] | undefined;
  #signatureAlgorithm: SignatureAlgorithm | undefined;
  #responderName: Name | null | undefined;
  #extensions: Extensions | undefined;

  /**
   * @param isBuilt - That it comes from a builder: then there is no hurry to read it.
   * @internal
   */
  constructor(key: typeof INTERNAL, der: MessageBytes, isBuilt = false) {
    checkInternal(key, 'OCSPResponse');
    super();
    this.#der = der;
    if (!isBuilt) this.#read = readResponse(der);
  }

  /** The outcome of the exchange. Not signed: anyone on the way can answer with an error. */
  get responseStatus(): OCSPResponseStatus {
    return this.#message.number(RESPONSE_STATUS);
  }

  /** The entries, in the order of the message. */
  get responses(): OCSPSingleResponse[] {
    const message = this.#successful;
    this.#responses ??= readResponses(message);
    return [...this.#responses];
  }

  /**
   * OID of the signature algorithm; one of `SignatureAlgorithmOID` where it is known.
   *
   * @throws `ERR_OCSP_MALFORMED` for parameters that are not DER, which only lenient loading lets through.
   */
  get signatureAlgorithmOid(): string {
    return this.#algorithm.oid;
  }

  /**
   * The hash of the signature algorithm; null where the algorithm signs the message itself (Ed25519, Ed448, ML-DSA).
   *
   * @throws `ERR_OCSP_UNSUPPORTED_ALGORITHM` when the algorithm is unknown.
   */
  get signatureHashAlgorithm(): HashAlgorithm | null {
    return this.#algorithm.hash;
  }

  /** The signature bytes. ECDSA and DSA: DER SEQUENCE of r and s. */
  get signature(): Buffer {
    return this.#successful.bytes(SIGNATURE);
  }

  /** The DER of ResponseData: the bytes that {@link signature} is over. */
  get tbsResponseBytes(): Buffer {
    return this.#successful.bytes(TBS);
  }

  /**
   * The certificates that the responder sent to help with verification; none of them is trusted.
   *
   * @throws `ERR_OCSP_MALFORMED` when OpenSSL cannot decode one.
   */
  get certificates(): X509Certificate[] {
    const message = this.#successful;
    this.#certificates ??= readCertificates(message);
    return [...this.#certificates];
  }

  /** SHA-1 hash of the responder's public key; null when the responder is named by {@link responderName}. */
  get responderKeyHash(): Buffer | null {
    return responderKeyHashOf(this.#successful);
  }

  /**
   * Subject of the responder's certificate; null when the responder is named by {@link responderKeyHash}.
   *
   * @throws `ERR_OCSP_MALFORMED` when it holds a string that is not what it says.
   */
  get responderName(): Name | null {
    const message = this.#successful;
    this.#responderName ??= responderNameOf(message);
    return this.#responderName;
  }

  /** The DER of the ResponderID, byName or byKey, as references to the response hold it (ETSI EN 319 122-1). */
  get responderIdBytes(): Buffer {
    return responderIdOf(this.#successful);
  }

  /** The DER of the BasicOCSPResponse: what CAdES signatures hold (`loadDerBasicOcspResponse` reads it). */
  get basicResponseBytes(): Buffer {
    return basicResponseOf(this.#successful);
  }

  /** When the response was signed, in whole seconds. */
  get producedAt(): Date {
    return this.#successful.time(PRODUCED_AT);
  }

  /** The status of the certificate. */
  get certificateStatus(): OCSPCertStatus {
    return this.#only.certificateStatus;
  }

  /** When the certificate was revoked; null unless it is revoked. */
  get revocationTime(): Date | null {
    return this.#only.revocationTime;
  }

  /** Why the certificate was revoked; null unless it is revoked and the responder says. */
  get revocationReason(): ReasonFlags | null {
    return this.#only.revocationReason;
  }

  /** The most recent time at which the status is known to have been right. */
  get thisUpdate(): Date {
    return this.#only.thisUpdate;
  }

  /** The time by which newer information will be there; null when it is always there. */
  get nextUpdate(): Date | null {
    return this.#only.nextUpdate;
  }

  /** Hash of the issuer's public key, made with {@link hashAlgorithm}. */
  get issuerKeyHash(): Buffer {
    return this.#only.issuerKeyHash;
  }

  /** Hash of the issuer's distinguished name, made with {@link hashAlgorithm}. */
  get issuerNameHash(): Buffer {
    return this.#only.issuerNameHash;
  }

  /**
   * The hash that {@link issuerKeyHash} and {@link issuerNameHash} were made with.
   *
   * @throws `ERR_OCSP_UNSUPPORTED_ALGORITHM` when it is neither SHA-1 nor SHA-2.
   */
  get hashAlgorithm(): HashAlgorithm {
    return this.#only.hashAlgorithm;
  }

  /** Serial number of the certificate. */
  get serialNumber(): bigint {
    return this.#only.serialNumber;
  }

  /**
   * responseExtensions, in the order of the message.
   *
   * @throws `ERR_OCSP_DUPLICATE_EXTENSION`, or `ERR_OCSP_MALFORMED` for a known extension with an unreadable value.
   */
  get extensions(): Extensions {
    const message = this.#successful;
    this.#extensions ??= message.extensions(RESPONSE_EXTENSIONS, 'response');
    return this.#extensions;
  }

  /** singleExtensions of the only entry. */
  get singleExtensions(): Extensions {
    return this.#only.extensions;
  }

  /**
   * The DER of the response, whatever its status.
   *
   * @throws TypeError, or `ERR_OCSP_INVALID_VALUE` for anything but `Encoding.DER`.
   */
  publicBytes(encoding: Encoding | `${Encoding}` = Encoding.DER): OwnBuffer {
    checkEncoding(encoding);
    return this.#der.copy();
  }

  /**
   * What names this response in place of its bytes, in CAdES and XAdES references.
   *
   * @param hashAlgorithm - Default SHA-256.
   * @throws TypeError; `ERR_OCSP_UNSUCCESSFUL`; `ERR_OCSP_UNSUPPORTED_ALGORITHM`.
   */
  reference(hashAlgorithm: HashAlgorithmName = HashAlgorithm.SHA256): OCSPResponseReference {
    const { hash } = checkCertIdHash(hashAlgorithm, 'hashAlgorithm');
    return {
      responderIdBytes: this.responderIdBytes,
      responderName: this.responderName,
      responderKeyHash: this.responderKeyHash,
      producedAt: this.producedAt,
      hashAlgorithm: hash,
      basicResponseDigest: digestOf(hash, this.basicResponseBytes),
      responseDigest: digestOf(hash, this.publicBytes()),
    };
  }

  /**
   * Verifies the response as OpenSSL does (`OCSP_basic_verify`): signature, path of the signer's certificate, and whether the
   * signer may answer for the CA that the entries name. It does **not** look at times, at the nonce, or at which certificate
   * the entries are about: an application wants `verifyOcspResponse`, which does.
   *
   * @throws TypeError; `ERR_OCSP_UNSUCCESSFUL`; `ERR_OCSP_INVALID_VALUE`; `ERR_OCSP_MALFORMED` for certificates that OpenSSL
   * cannot decode; `ERR_OCSP_OPENSSL` when it cannot even begin. A response that does not verify is a result, not an error.
   */
  basicVerify(options: MessageVerifyOptions = {}): ResponseVerifyResult {
    return responseResult(native.verifyResponse(this.#successful.der.view(), ...verifyArguments(options)));
  }

  /** {@link basicVerify}, off the main thread. Rejects with what `verify` throws. */
  async basicVerifyAsync(options: MessageVerifyOptions = {}): Promise<ResponseVerifyResult> {
    return responseResult(await native.verifyResponseAsync(this.#successful.der.view(), ...verifyArguments(options)));
  }

  /**
   * The certificate that the responder id names, looked for among `certificates` first and then inside the response
   * (OpenSSL's `OCSP_resp_get0_signer`); null when it is in neither. Nothing is verified.
   *
   * @throws TypeError; `ERR_OCSP_UNSUCCESSFUL`; `ERR_OCSP_MALFORMED` for certificates that OpenSSL cannot decode.
   */
  signer(certificates: Iterable<CertificateInput> = []): X509Certificate | null {
    const extra = checkCertificates(certificates, 'certificates').map((item) => item.native);
    const der = native.findResponseSigner(this.#successful.der.view(), extra);
    return der === undefined ? null : decode(der);
  }

  /**
   * The first entry about the certificate that a CertID names, or null (OpenSSL's `OCSP_resp_find_status`): hash, both issuer
   * hashes and serial number have to be the same, so an entry made with another hash is not found. Nothing is verified.
   *
   * @param certId - An entry of a request or of a response.
   * @throws TypeError; `ERR_OCSP_UNSUCCESSFUL`.
   */
  findStatus(certId: CertIdMembers): OCSPSingleResponse | null {
    if (!(certId instanceof CertIdMembers)) throw invalidArgType('certId', 'an entry of a request or response', certId);
    return this.responses.find((entry) => entry.hasSameCertId(certId)) ?? null;
  }

  /**
   * The response as OpenSSL prints it (`OCSP_RESPONSE_print`, `openssl ocsp -resp_text`), byte for byte as far as that is UTF-8.
   *
   * @throws `ERR_OCSP_MALFORMED` when OpenSSL cannot decode or print what is in it.
   */
  toText(): string {
    return wholeText(printResponse(this.#der.view()));
  }

  /** @internal */
  rawNonce(): Uint8Array | null {
    const message = this.#successful;
    if (!message.has(RESPONSE_EXTENSIONS)) return null;
    return nonceOf(readRawExtensions(...message.locate(RESPONSE_EXTENSIONS)));
  }

  /** Whether `other` is a response with the same bytes. */
  override equals(other: unknown): boolean {
    return this.isSameClass(other) && this.#der.equals(other.#der);
  }

  override toJSON(): Json {
    const code = this.#message.number(RESPONSE_STATUS);
    const status = OCSPResponseStatus[code] ?? code;
    if (code !== OCSPResponseStatus.SUCCESSFUL) return { responseStatus: status };
    return {
      responseStatus: status,
      responderName: orError(() => this.responderName?.rfc4514String() ?? null),
      responderKeyHash: this.responderKeyHash?.toString('hex') ?? null,
      producedAt: orError(() => this.producedAt.toISOString()),
      responses: this.responses.map((entry) => entry.toJSON()),
      extensions: orError(() => this.extensions.toJSON()),
      signatureAlgorithmOid: orError(() => this.signatureAlgorithmOid),
      signature: this.signature.toString('hex'),
      certificates: orError(() => this.certificates.map((certificate) => certificate.subject ?? '')),
    };
  }

  get #message(): MessageView {
    this.#read ??= readResponse(this.#der);
    return this.#read;
  }

  get #successful(): MessageView {
    if (this.responseStatus !== OCSPResponseStatus.SUCCESSFUL) {
      const status = OCSPResponseStatus[this.responseStatus] ?? this.responseStatus;
      throw new OCSPError('ERR_OCSP_UNSUCCESSFUL', `the response status is ${status}, so this has no value`);
    }
    return this.#message;
  }

  get #only(): OCSPSingleResponse {
    const message = this.#successful;
    const count = message.number(RESPONSE_COUNT);
    if (count !== 1) {
      throw new OCSPError(
        'ERR_OCSP_NOT_SINGLE',
        `the response holds ${count} entries, not one: read them by .responses`,
      );
    }
    this.#responses ??= readResponses(message);
    return this.#responses[0] as OCSPSingleResponse;
  }

  get #algorithm(): SignatureAlgorithm {
    const message = this.#successful;
    this.#signatureAlgorithm ??= readSignatureAlgorithm(...message.locate(SIGNATURE_ALGORITHM));
    return this.#signatureAlgorithm;
  }
}

/**
 * Loads a response from DER. Loading verifies nothing. The bytes are copied; small messages lie together in pieces of 64 KiB,
 * which stay in memory as long as one of them does.
 *
 * @throws TypeError when `data` is not a Uint8Array; `ERR_OCSP_MALFORMED` when it is not an OCSPResponse.
 */
export function loadDerOcspResponse(data: Uint8Array, options?: LoadOptions): OCSPResponse {
  const reading = readingOf(options);
  refuseText(data, reading);
  const der = copyInput(data, reading);
  return new OCSPResponse(
    INTERNAL,
    reading === LENIENT ? wholeDer(native.normalizeResponse(der.view()), LENIENT) : der,
  );
}
