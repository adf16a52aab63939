import type { X509Certificate } from 'node:crypto';
import { native } from '../binding.js';
import { OCSPError } from '../errors.js';
import type { HashAlgorithm } from '../x509/algorithms.js';
import { copyBytes, DerReader, type OwnBuffer } from '../x509/der.js';
import type { Extensions } from '../x509/extension.js';
import { type GeneralName, readGeneralName } from '../x509/general-name.js';
import { type Json, ValueObject } from '../x509/value-object.js';
import { type MessageVerifyOptions, type MessageVerifyResult, messageResult, verifyArguments } from './basic-verify.js';
import { CertIdMembers } from './cert-id.js';
import { Encoding } from './enums.js';
import {
  ENTRY_COUNT,
  ENTRY_ELEMENT,
  ENTRY_EXTENSIONS,
  ENTRY_SIZE,
  FIRST_ENTRY,
  REQUEST_ENTRIES,
  REQUEST_EXTENSIONS,
  REQUEST_SIGNATURE,
  REQUEST_TBS,
  REQUESTOR_NAME,
  takeRequestOffsets,
} from './layout.js';
import {
  checkEncoding,
  checkInternal,
  copyInput,
  INTERNAL,
  LENIENT,
  type LoadOptions,
  type MessageBytes,
  MessageView,
  orError,
  readingOf,
  refuseText,
  wholeDer,
} from './message.js';
import { printRequest, wholeText } from './printing.js';
import { nonceOf, type RawExtension, readRawExtensions } from './raw-extensions.js';
import { type RequestSignature, readRequestSignature } from './request-signature.js';

/** One Request of an OCSPRequest (RFC 6960 section 4.1.1): the CertID of a certificate, and what was asked beside it. */
export class OCSPRequestEntry extends CertIdMembers {
  readonly #parsed: MessageView;
  #extensions: Extensions | undefined;

  /** @internal */
  constructor(key: typeof INTERNAL, parsed: MessageView) {
    checkInternal(key, 'OCSPRequestEntry');
    super(parsed);
    this.#parsed = parsed;
  }

  /**
   * singleRequestExtensions, in the order of the message.
   *
   * @throws `ERR_OCSP_DUPLICATE_EXTENSION`, or `ERR_OCSP_MALFORMED` for a known extension with an unreadable value.
   */
  get extensions(): Extensions {
    this.#extensions ??= this.#parsed.extensions(ENTRY_EXTENSIONS, 'singleRequest');
    return this.#extensions;
  }

  /** Whether `other` is an entry with the same bytes. */
  override equals(other: unknown): boolean {
    return this.isSameClass(other) && this.#parsed.sameBytes(ENTRY_ELEMENT, other.#parsed);
  }

  override toJSON(): Json {
    return { ...this.certIdToJSON(), extensions: orError(() => this.extensions.toJSON()) };
  }
}

function readRequest(der: MessageBytes): MessageView {
  native.parseRequest(der.memory, der.start, der.end, der.reading);
  return new MessageView(der, takeRequestOffsets(), 0);
}

/**
 * An OCSP request (RFC 6960 section 4.1.1), as loaded by {@link loadDerOcspRequest} or built by `OCSPRequestBuilder`.
 *
 * The per-certificate members are those of the only entry; {@link requests} lists the entries however many there are.
 */
export class OCSPRequest extends ValueObject {
  readonly #der: MessageBytes;
  #read: MessageView | undefined;
  #entries: readonly OCSPRequestEntry[] | undefined;
  #signature: RequestSignature | undefined;
  #extensions: Extensions | undefined;

  /**
   * @param isBuilt - That it comes from a builder: then there is no hurry to read it.
   * @internal
   */
  constructor(key: typeof INTERNAL, der: MessageBytes, isBuilt = false) {
    checkInternal(key, 'OCSPRequest');
    super();
    this.#der = der;
    if (!isBuilt) this.#read = readRequest(der);
  }

  get #parsed(): MessageView {
    this.#read ??= readRequest(this.#der);
    return this.#read;
  }

  /** The entries, in the order of the message. A request with none can be loaded, but not built. */
  get requests(): OCSPRequestEntry[] {
    this.#entries ??= this.#readEntries();
    return [...this.#entries];
  }

  /**
   * Hash of the issuer's public key. See {@link hashAlgorithm}.
   *
   * @throws `ERR_OCSP_NOT_SINGLE` unless there is exactly one entry.
   */
  get issuerKeyHash(): Buffer {
    return this.#only.issuerKeyHash;
  }

  /**
   * Hash of the issuer's distinguished name. See {@link hashAlgorithm}.
   *
   * @throws `ERR_OCSP_NOT_SINGLE` unless there is exactly one entry.
   */
  get issuerNameHash(): Buffer {
    return this.#only.issuerNameHash;
  }

  /**
   * The hash that {@link issuerKeyHash} and {@link issuerNameHash} were made with.
   *
   * @throws `ERR_OCSP_NOT_SINGLE` unless there is exactly one entry; `ERR_OCSP_UNSUPPORTED_ALGORITHM` when it is neither
   * SHA-1 nor SHA-2.
   */
  get hashAlgorithm(): HashAlgorithm {
    return this.#only.hashAlgorithm;
  }

  /**
   * Serial number of the certificate that is asked about.
   *
   * @throws `ERR_OCSP_NOT_SINGLE` unless there is exactly one entry.
   */
  get serialNumber(): bigint {
    return this.#only.serialNumber;
  }

  /**
   * requestExtensions, in the order of the message.
   *
   * @throws `ERR_OCSP_DUPLICATE_EXTENSION`, or `ERR_OCSP_MALFORMED` for a known extension with an unreadable value.
   */
  get extensions(): Extensions {
    this.#extensions ??= this.#parsed.extensions(REQUEST_EXTENSIONS, 'request');
    return this.#extensions;
  }

  /**
   * requestorName, or null. No one has vouched for it unless the request is signed (RFC 6960 section 4.1.2).
   *
   * @throws `ERR_OCSP_MALFORMED` when it holds a string that is not what it says.
   */
  get requestorName(): GeneralName | null {
    if (!this.#parsed.has(REQUESTOR_NAME)) return null;
    return readGeneralName(new DerReader(...this.#parsed.locate(REQUESTOR_NAME)));
  }

  /**
   * The DER of the request.
   *
   * @throws TypeError, or `ERR_OCSP_INVALID_VALUE` for anything but `Encoding.DER`.
   */
  publicBytes(encoding: Encoding | `${Encoding}` = Encoding.DER): OwnBuffer {
    checkEncoding(encoding);
    return this.#der.copy();
  }

  /** Whether the request carries a signature. Nothing is verified: see {@link verifySignature}. */
  get isSigned(): boolean {
    return this.#parsed.has(REQUEST_SIGNATURE);
  }

  /** The bytes that {@link signature} is over: the DER of tbsRequest. */
  get tbsRequestBytes(): Buffer {
    return this.#parsed.bytes(REQUEST_TBS);
  }

  /**
   * OID of the signature algorithm; null when the request is not signed.
   *
   * @throws `ERR_OCSP_MALFORMED` when the signature cannot be read.
   */
  get signatureAlgorithmOid(): string | null {
    return this.#signed?.algorithm.oid ?? null;
  }

  /**
   * The hash of the signature algorithm; null where the algorithm signs the message itself, and when the request is not signed.
   *
   * @throws `ERR_OCSP_MALFORMED`; `ERR_OCSP_UNSUPPORTED_ALGORITHM` when the algorithm is unknown.
   */
  get signatureHashAlgorithm(): HashAlgorithm | null {
    return this.#signed?.algorithm.hash ?? null;
  }

  /**
   * The signature bytes; null when the request is not signed.
   *
   * @throws `ERR_OCSP_MALFORMED` when the signature cannot be read.
   */
  get signature(): Buffer | null {
    const signed = this.#signed;
    return signed === null ? null : copyBytes(signed.signature);
  }

  /**
   * The certificates that travel in the signature; none of them is trusted.
   *
   * @throws `ERR_OCSP_MALFORMED` when the signature cannot be read, or OpenSSL cannot decode a certificate.
   */
  get certificates(): X509Certificate[] {
    return [...(this.#signed?.certificates() ?? [])];
  }

  /**
   * Verifies the signature of the request as OpenSSL does (`OCSP_request_verify`): by the certificate whose subject is
   * {@link requestorName}, and its path.
   *
   * @throws TypeError; `ERR_OCSP_INVALID_VALUE`; `ERR_OCSP_MALFORMED`; `ERR_OCSP_OPENSSL`. A request that is not signed, or
   * does not verify, is a result, not an error.
   */
  verifySignature(options: MessageVerifyOptions = {}): MessageVerifyResult {
    return messageResult(native.verifyRequest(this.#parsed.der.view(), ...verifyArguments(options)));
  }

  /** {@link verifySignature}, off the main thread. Rejects with what `verify` throws. */
  async verifySignatureAsync(options: MessageVerifyOptions = {}): Promise<MessageVerifyResult> {
    return messageResult(await native.verifyRequestAsync(this.#parsed.der.view(), ...verifyArguments(options)));
  }

  /**
   * The request as OpenSSL prints it (`OCSP_REQUEST_print`, `openssl ocsp -req_text`), byte for byte as far as that is UTF-8.
   *
   * @throws `ERR_OCSP_MALFORMED` when OpenSSL cannot decode or print what is in it.
   */
  toText(): string {
    return wholeText(printRequest(this.#parsed.der.view()));
  }

  /** @internal */
  rawNonce(): Uint8Array | null {
    return nonceOf(this.rawExtensions());
  }

  /** @internal Views of the message. */
  rawExtensions(): RawExtension[] {
    const parsed = this.#parsed;
    return parsed.has(REQUEST_EXTENSIONS) ? readRawExtensions(...parsed.locate(REQUEST_EXTENSIONS)) : [];
  }

  /** Whether `other` is a request with the same bytes. */
  override equals(other: unknown): boolean {
    return this.isSameClass(other) && this.#parsed.der.equals(other.#parsed.der);
  }

  override toJSON(): Json {
    return {
      requestorName: orError(() => this.requestorName?.toJSON() ?? null),
      requests: this.requests.map((entry) => entry.toJSON()),
      extensions: orError(() => this.extensions.toJSON()),
    };
  }

  get #signed(): RequestSignature | null {
    const parsed = this.#parsed;
    if (!parsed.has(REQUEST_SIGNATURE)) return null;
    this.#signature ??= readRequestSignature(...parsed.locate(REQUEST_SIGNATURE));
    return this.#signature;
  }

  get #only(): OCSPRequestEntry {
    const count = this.#parsed.number(ENTRY_COUNT);
    if (count !== 1) {
      throw new OCSPError('ERR_OCSP_NOT_SINGLE', `the request holds ${count} entries, not one: read them by .requests`);
    }
    this.#entries ??= this.#readEntries();
    return this.#entries[0] as OCSPRequestEntry;
  }

  #readEntries(): OCSPRequestEntry[] {
    const { der, offsets } = this.#parsed;
    const count = this.#parsed.number(ENTRY_COUNT);
    if (count === 0) return [];
    if (count === 1) return [new OCSPRequestEntry(INTERNAL, new MessageView(der, offsets, FIRST_ENTRY))];
    const list = native.parseRequestEntries(
      der.memory,
      this.#parsed.start(REQUEST_ENTRIES),
      this.#parsed.end(REQUEST_ENTRIES),
      der.reading,
    );
    return Array.from(
      { length: count },
      (_, i) => new OCSPRequestEntry(INTERNAL, new MessageView(der, list, i * ENTRY_SIZE)),
    );
  }
}

/**
 * Loads a request from DER. The bytes are copied; small messages lie together in pieces of 64 KiB, which stay in memory as long
 * as one of them does.
 *
 * @throws TypeError when `data` is not a Uint8Array; `ERR_OCSP_MALFORMED` when it is not an OCSPRequest.
 */
export function loadDerOcspRequest(data: Uint8Array, options?: LoadOptions): OCSPRequest {
  const reading = readingOf(options);
  refuseText(data, reading);
  const der = copyInput(data, reading);
  return new OCSPRequest(INTERNAL, reading === LENIENT ? wholeDer(native.normalizeRequest(der.view()), LENIENT) : der);
}
