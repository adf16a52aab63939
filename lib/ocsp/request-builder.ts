import type { RequestEntryTuple } from '../../typings/binding.js';
import { native, takeOutput } from '../binding.js';
import { invalidValue } from '../errors.js';
import type { HashAlgorithmName } from '../x509/algorithms.js';
import type { CertificateInput } from '../x509/certificate.js';
import type { Extension } from '../x509/extension.js';
import type { ExtensionType } from '../x509/extension-codec.js';
import { checkGeneralName, type GeneralName } from '../x509/general-name.js';
import { type CertIdTuple, certIdFrom, certIdOf, type SerialNumberInput } from './cert-id-input.js';
import { checkExtensionList, encodeExtensionList, withExtension } from './extension-list.js';
import { INTERNAL } from './message.js';
import { OCSPRequest } from './request.js';

interface State {
  readonly entries: readonly RequestEntryTuple[];
  readonly extensions: readonly Extension[];
  readonly requestorName: GeneralName | undefined;
}

/**
 * Builds OCSP requests. Immutable: every method returns a new builder and leaves this one as it is.
 *
 * @example
 * const request = new OCSPRequestBuilder().addCertificate(cert, issuer, HashAlgorithm.SHA256).build();
 */
export class OCSPRequestBuilder {
  #state: State = { entries: [], extensions: [], requestorName: undefined };

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
   * @param issuerKeyHash - Hash of the issuer's public key bits, without tag, length and unused-bits octet.
   * @param serialNumber - Not negative; a string holds hexadecimal digits.
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
    return this.#with({ extensions: withExtension(this.#state.extensions, extension, critical) });
  }

  /**
   * Sets requestorName. In an unsigned request it proves nothing, and RFC 9919 advises against it.
   *
   * @throws TypeError; `ERR_OCSP_INVALID_VALUE` when it was set before.
   */
  requestorName(name: GeneralName): OCSPRequestBuilder {
    const requestorName = checkGeneralName(name, 'name');
    if (this.#state.requestorName !== undefined) throw invalidValue('requestorName has been set already');
    return this.#with({ requestorName });
  }

  /**
   * The request. May be called repeatedly; the bytes are the same each time.
   *
   * @throws `ERR_OCSP_INVALID_VALUE` when no certificate was added.
   */
  build(): OCSPRequest {
    const { entries, extensions, requestorName } = this.#state;
    if (entries.length === 0) throw invalidValue('a request needs at least one certificate: call addCertificate first');
    const encoded = native.encodeRequest(entries, requestorName?.publicBytes(), encodeExtensionList(extensions));
    return new OCSPRequest(INTERNAL, takeOutput(encoded), true);
  }

  #add(id: CertIdTuple, singleRequestExtensions: unknown): OCSPRequestBuilder {
    const extensions = encodeExtensionList(checkExtensionList(singleRequestExtensions, 'singleRequestExtensions'));
    return this.#with({ entries: [...this.#state.entries, [...id, extensions]] });
  }

  #with(change: Partial<State>): OCSPRequestBuilder {
    const builder = new OCSPRequestBuilder();
    builder.#state = { ...this.#state, ...change };
    return builder;
  }
}
