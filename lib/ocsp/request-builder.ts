import type { NativePrivateKey, RequestEntryTuple } from '../../typings/binding.js';
import { native, takeOutput } from '../binding.js';
import { invalidArgType, invalidValue } from '../errors.js';
import type { HashAlgorithmName } from '../x509/algorithms.js';
import { type CertificateInput, toCertificate } from '../x509/certificate.js';
import { contextTag, encodeTlv } from '../x509/der.js';
import type { Extension } from '../x509/extension.js';
import type { ExtensionType } from '../x509/extension-codec.js';
import { checkGeneralName, type GeneralName } from '../x509/general-name.js';
import { type PrivateKeyInput, toPrivateKey } from '../x509/key.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import type { SerialNumberInput } from '../x509/serial-number.js';
import { checkCertificates } from '../x509/trust-store.js';
import { type Appended, append, itemsOf } from './appended.js';
import { type CertIdTuple, certIdFrom, certIdOf } from './cert-id-input.js';
import { checkExtensionList, encodeExtensionList, withExtension } from './extension-list.js';
import { INTERNAL, LENIENT, wholeDer } from './message.js';
import { OCSPRequest } from './request.js';
import { resolveScheme, SIGN_NAMES, type SignOptions } from './signing.js';

/** How to sign a request. */
export interface SignRequestOptions extends SignOptions {
  /** Certificates that are included behind that of the signer. */
  readonly certificates?: Iterable<CertificateInput>;
  /** Include no certificate, not even that of the signer (`OCSP_NOCERTS`). */
  readonly noCertificates?: boolean;
}

const SIGN_REQUEST_NAMES: OptionNames<SignRequestOptions> = { ...SIGN_NAMES, certificates: true, noCertificates: true };

/** The last request that was built for one certificate without extensions. */
let last: { readonly entry: RequestEntryTuple; readonly der: Buffer } | undefined;

/**
 * The DER of such a request for another certificate of the same CA, whose serial number is as long: it is the last thing in the
 * message, and all else is the same. Undefined when the last request was about something else.
 */
function likeLast([hash, nameHash, keyHash, serial, extensions]: RequestEntryTuple): Buffer | undefined {
  if (last === undefined || extensions !== undefined) return undefined;
  const [lastHash, lastNameHash, lastKeyHash, lastSerial, lastExtensions] = last.entry;
  // Hashes of one certificate object are the same objects.
  if (hash !== lastHash || nameHash !== lastNameHash || keyHash !== lastKeyHash) return undefined;
  if (serial.length !== lastSerial.length || lastExtensions !== undefined) return undefined;
  const der = Buffer.from(last.der);
  der.set(serial, der.length - serial.length);
  return der;
}

/** directoryName, which is EXPLICIT since Name is a CHOICE (RFC 5280 section 4.2.1.6). */
const DIRECTORY_NAME = 4;

interface State {
  readonly entries: Appended<RequestEntryTuple> | undefined;
  readonly extensions: readonly Extension[];
  readonly requestorName: GeneralName | undefined;
}

const NOTHING: State = { entries: undefined, extensions: [], requestorName: undefined };

/**
 * Builds OCSP requests. Immutable: every method returns a new builder and leaves this one as it is.
 *
 * @example
 * const request = new OCSPRequestBuilder().addCertificate(cert, issuer, HashAlgorithm.SHA256).build();
 */
export class OCSPRequestBuilder {
  #state: State = NOTHING;

  /**
   * Asks for the status of a certificate. May be called several times: RFC 6960 allows several entries, though many
   * responders answer only one.
   *
   * @param cert - The certificate whose status is asked for.
   * @param issuer - The certificate of its issuer. Nothing checks that it really is.
   * @param algorithm - Hash of the CertID: SHA-1 or SHA-2.
   * @param singleRequestExtensions - Extensions of this entry alone.
   * @throws TypeError; `ERR_OCSP_MALFORMED` for a certificate that does not parse; `ERR_OCSP_UNSUPPORTED_ALGORITHM`;
   * `ERR_OCSP_DUPLICATE_EXTENSION`.
   */
  addCertificate(
    cert: CertificateInput,
    issuer: CertificateInput,
    algorithm: HashAlgorithmName,
    singleRequestExtensions?: Iterable<Extension>,
  ): OCSPRequestBuilder {
    return this.#add(certIdOf(cert, issuer, algorithm), singleRequestExtensions);
  }

  /**
   * Asks for the status of a certificate that is known by the hashes of its issuer and its serial number only.
   *
   * @param issuerNameHash - Hash of the DER of the issuer's distinguished name.
   * @param issuerKeyHash - Hash of the issuer's public key bits, without tag, length and unused-bits byte.
   * @param serialNumber - A string holds hexadecimal digits.
   * @param algorithm - The hash that both hashes were made with: SHA-1 or SHA-2.
   * @param singleRequestExtensions - Extensions of this entry alone.
   * @throws TypeError; `ERR_OCSP_INVALID_VALUE` for a hash of the wrong length or a bad serial number;
   * `ERR_OCSP_UNSUPPORTED_ALGORITHM`; `ERR_OCSP_DUPLICATE_EXTENSION`.
   */
  addCertificateByHash(
    issuerNameHash: Uint8Array,
    issuerKeyHash: Uint8Array,
    serialNumber: SerialNumberInput,
    algorithm: HashAlgorithmName,
    singleRequestExtensions?: Iterable<Extension>,
  ): OCSPRequestBuilder {
    return this.#add(certIdFrom(issuerNameHash, issuerKeyHash, serialNumber, algorithm), singleRequestExtensions);
  }

  /**
   * Adds an extension to the request.
   *
   * @param extension - The value; its type gives the OID.
   * @param critical - Whether a responder that does not know it must refuse. RFC 6960 4.1.2 advises against.
   * @throws TypeError; `ERR_OCSP_DUPLICATE_EXTENSION` when it is there already.
   */
  addExtension(extension: ExtensionType, critical: boolean): OCSPRequestBuilder {
    const state = this.#state;
    return this.#with({ ...state, extensions: withExtension(state.extensions, extension, critical) });
  }

  /**
   * Sets requestorName. In an unsigned request it proves nothing, and RFC 9919 advises against it.
   *
   * @throws TypeError; `ERR_OCSP_INVALID_VALUE` when it was set before.
   */
  requestorName(name: GeneralName): OCSPRequestBuilder {
    const requestorName = checkGeneralName(name, 'name');
    if (this.#state.requestorName !== undefined) throw invalidValue('requestorName has been set already');
    return this.#with({ ...this.#state, requestorName });
  }

  /**
   * The request. May be called repeatedly; the bytes are the same each time.
   *
   * @throws `ERR_OCSP_INVALID_VALUE` when no certificate was added.
   */
  build(): OCSPRequest {
    const { entries, extensions, requestorName } = this.#state;
    const isSingle = entries?.length === 1 && extensions.length === 0 && requestorName === undefined;
    const der = (isSingle ? likeLast(entries.last) : undefined) ?? this.#encode(requestorName?.publicBytes());
    if (isSingle) last = { entry: entries.last, der };
    return new OCSPRequest(INTERNAL, wholeDer(der, LENIENT), true);
  }

  /**
   * The request with a signature (OpenSSL's `OCSP_request_sign`). Unless {@link requestorName} was called, the requestor's
   * name is the subject of `signer`, without which no one finds the certificate (RFC 6960 section 4.1.2).
   *
   * @param signer - The certificate of the key.
   * @param privateKey - Its private key.
   * @param algorithm - Hash of the signature; null for keys that hash by themselves (Ed25519, Ed448, ML-DSA).
   * @throws TypeError; `ERR_OCSP_INVALID_VALUE` when no certificate was added, or for options that do not go with the key;
   * `ERR_OCSP_MALFORMED` for a certificate or key that does not parse; `ERR_OCSP_UNSUPPORTED_ALGORITHM`;
   * `ERR_OCSP_KEY_MISMATCH` when the key is not that of `signer`.
   */
  sign(
    signer: CertificateInput,
    privateKey: PrivateKeyInput,
    algorithm: HashAlgorithmName | null,
    options: SignRequestOptions = {},
  ): OCSPRequest {
    const { key, job } = this.#signing(signer, privateKey, algorithm, options);
    return new OCSPRequest(INTERNAL, wholeDer(takeOutput(key.signRequest(...job)), LENIENT));
  }

  /** {@link sign}, off the main thread. Rejects with what `sign` throws. */
  async signAsync(
    signer: CertificateInput,
    privateKey: PrivateKeyInput,
    algorithm: HashAlgorithmName | null,
    options: SignRequestOptions = {},
  ): Promise<OCSPRequest> {
    const { key, job } = this.#signing(signer, privateKey, algorithm, options);
    return new OCSPRequest(INTERNAL, wholeDer(await key.signRequestAsync(...job), LENIENT));
  }

  #encode(requestorName: Uint8Array | undefined): Buffer {
    const { entries, extensions } = this.#state;
    if (entries === undefined)
      throw invalidValue('a request needs at least one certificate: call addCertificate first');
    return takeOutput(native.encodeRequest(itemsOf(entries), requestorName, encodeExtensionList(extensions)));
  }

  #signing(
    signer: unknown,
    privateKey: unknown,
    algorithm: unknown,
    options: SignRequestOptions,
  ): { key: NativePrivateKey; job: Parameters<NativePrivateKey['signRequest']> } {
    const certificate = toCertificate(signer, 'signer');
    const key = toPrivateKey(privateKey);
    const { certificates = [], noCertificates = false, ...others } = readOptions(options, SIGN_REQUEST_NAMES);
    const scheme = resolveScheme(key.type, algorithm, others);
    if (typeof noCertificates !== 'boolean')
      throw invalidArgType('options.noCertificates', 'a boolean', noCertificates);
    const more = checkCertificates(certificates, 'options.certificates').map((item) => item.native);
    const requestorName =
      this.#state.requestorName?.publicBytes() ?? encodeTlv(contextTag(DIRECTORY_NAME), certificate.subject);
    const embedded = noCertificates ? [] : [certificate.native, ...more];
    return { key, job: [this.#encode(requestorName), certificate.native, ...scheme, embedded] };
  }

  #add([hash, nameHash, keyHash, serial]: CertIdTuple, singleRequestExtensions: unknown): OCSPRequestBuilder {
    const own = encodeExtensionList(checkExtensionList(singleRequestExtensions, 'singleRequestExtensions'));
    const { entries, extensions, requestorName } = this.#state;
    // (Written out: to spread objects and lists takes longer than all the rest.)
    return this.#with({
      entries: append(entries, [hash, nameHash, keyHash, serial, own]),
      extensions,
      requestorName,
    });
  }

  #with(state: State): OCSPRequestBuilder {
    const builder = new OCSPRequestBuilder();
    builder.#state = state;
    return builder;
  }
}
