import type { Output, SchemeArguments, SingleResponseTuple } from '../../typings/binding.js';
import { native, takeOutput, viewOutput } from '../binding.js';
import { invalidArgType, invalidValue } from '../errors.js';
import type { HashAlgorithmName } from '../x509/algorithms.js';
import { type CertificateInput, type ParsedCertificate, toCertificate, toOneCertificate } from '../x509/certificate.js';
import { checkBytes, copyBytes, encodeEnumerated, encodeSequence } from '../x509/der.js';
import type { Extension } from '../x509/extension.js';
import type { ExtensionType } from '../x509/extension-codec.js';
import { type PrivateKeyInput, toPrivateKey } from '../x509/key.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import type { ReasonName } from '../x509/reason.js';
import type { SerialNumberInput } from '../x509/serial-number.js';
import { checkDate } from '../x509/time.js';
import { type Appended, append, itemsOf } from './appended.js';
import { certIdFrom, certIdOf } from './cert-id-input.js';
import { type OCSPCertStatus, OCSPResponderEncoding, OCSPResponseStatus } from './enums.js';
import { encodeExtensionList, withExtension } from './extension-list.js';
import { INTERNAL, LENIENT, wholeDer } from './message.js';
import { prepareSigning } from './prepared-signing.js';
import { OCSPResponse } from './response.js';
import { type ExternalSigner, isExternalSigner, resolveScheme, type SignOptions } from './signing.js';
import { type StatusInput, singleResponseFrom } from './single-response-input.js';

/** Arguments of `addResponse`: a certificate and its status. */
export interface ResponseInput extends StatusInput {
  /** The certificate whose status is given. */
  readonly cert: CertificateInput;
  /** The certificate of its issuer. Nothing checks that it really is. */
  readonly issuer: CertificateInput;
  /** Hash of the CertID: SHA-1 or SHA-2. */
  readonly algorithm: HashAlgorithmName;
}

/** Arguments of `addResponseByHash`: the CertID of a certificate, and its status. */
export interface ResponseByHashInput extends StatusInput {
  /** Hash of the DER of the issuer's distinguished name. */
  readonly issuerNameHash: Uint8Array;
  /** Hash of the issuer's public key bits, without tag, length and unused-bits byte. */
  readonly issuerKeyHash: Uint8Array;
  /** A string holds hexadecimal digits. */
  readonly serialNumber: SerialNumberInput;
  /** The hash that both hashes were made with: SHA-1 or SHA-2. */
  readonly algorithm: HashAlgorithmName;
}

/**
 * So many answers are encoded together, and only that is kept: as objects that live long they would cost the garbage collector
 * more than all the rest costs.
 */
const TOGETHER = 64;

/** Of builders without certificates. */
const NONE: readonly ParsedCertificate[] = [];

interface State {
  /** Of the first answers. */
  readonly encoded: Appended<Buffer> | undefined;
  /** The others. */
  readonly responses: Appended<SingleResponseTuple> | undefined;
  readonly responder: { readonly encoding: OCSPResponderEncoding; readonly certificate: ParsedCertificate } | undefined;
  readonly certificates: readonly ParsedCertificate[] | undefined;
  readonly extensions: readonly Extension[];
  readonly producedAt: Date | undefined;
}

const EMPTY: State = {
  encoded: undefined,
  responses: undefined,
  responder: undefined,
  certificates: undefined,
  extensions: [],
  producedAt: undefined,
};

/**
 * Builds and signs OCSP responses. Immutable: every method returns a new builder and leaves this one as it is.
 *
 * @example
 * const response = new OCSPResponseBuilder()
 *   .addResponse({ cert, issuer, algorithm: HashAlgorithm.SHA256, certStatus: OCSPCertStatus.GOOD, thisUpdate, nextUpdate })
 *   .responderId(OCSPResponderEncoding.HASH, responderCert)
 *   .sign(responderKey, HashAlgorithm.SHA256);
 */
export class OCSPResponseBuilder {
  #state: State = EMPTY;

  /**
   * Adds the status of a certificate. May be called several times: a response answers every entry of its request.
   * Takes one object, or the same values in the order of the documentation.
   *
   * @throws TypeError; `ERR_OCSP_MALFORMED` for a certificate that does not parse; `ERR_OCSP_UNSUPPORTED_ALGORITHM`;
   * `ERR_OCSP_INVALID_VALUE` for a bad date, and a revocation time or reason of a certificate that is not revoked;
   * `ERR_OCSP_DUPLICATE_EXTENSION`.
   */
  addResponse(input: ResponseInput): OCSPResponseBuilder;
  addResponse(
    cert: CertificateInput,
    issuer: CertificateInput,
    algorithm: HashAlgorithmName,
    certStatus: OCSPCertStatus,
    thisUpdate: Date,
    nextUpdate: Date | null | undefined,
    revocationTime: Date | null | undefined,
    revocationReason: ReasonName | null | undefined,
    singleExtensions?: Iterable<Extension> | null,
  ): OCSPResponseBuilder;
  addResponse(...args: [unknown, ...unknown[]]): OCSPResponseBuilder {
    const input = inputOf<ResponseInput>(args, CERTIFICATE_NAMES);
    return this.#add(singleResponseFrom(certIdOf(input.cert, input.issuer, input.algorithm), input));
  }

  /**
   * Adds the status of a certificate that is known by the hashes of its issuer and its serial number only.
   * Takes one object, or the same values in the order of the documentation.
   *
   * @throws As {@link addResponse}, and `ERR_OCSP_INVALID_VALUE` for a hash of the wrong length or a bad serial number.
   */
  addResponseByHash(input: ResponseByHashInput): OCSPResponseBuilder;
  addResponseByHash(
    issuerNameHash: Uint8Array,
    issuerKeyHash: Uint8Array,
    serialNumber: SerialNumberInput,
    algorithm: HashAlgorithmName,
    certStatus: OCSPCertStatus,
    thisUpdate: Date,
    nextUpdate: Date | null | undefined,
    revocationTime: Date | null | undefined,
    revocationReason: ReasonName | null | undefined,
    singleExtensions?: Iterable<Extension> | null,
  ): OCSPResponseBuilder;
  addResponseByHash(...args: [unknown, ...unknown[]]): OCSPResponseBuilder {
    const input = inputOf<ResponseByHashInput>(args, HASH_NAMES);
    const id = certIdFrom(input.issuerNameHash, input.issuerKeyHash, input.serialNumber, input.algorithm);
    return this.#add(singleResponseFrom(id, input));
  }

  /**
   * Sets the certificates that go along, for clients to verify the signature with: the delegate's, if there is one. The
   * responder certificate is not added by itself.
   *
   * @throws TypeError; `ERR_OCSP_MALFORMED`; `ERR_OCSP_INVALID_VALUE` for an empty list, and when they were set before.
   */
  certificates(certs: Iterable<CertificateInput>): OCSPResponseBuilder {
    if (this.#state.certificates !== undefined) throw invalidValue('certificates have been set already');
    if (typeof certs !== 'object' || certs === null || !(Symbol.iterator in certs)) {
      throw invalidArgType('certs', 'an iterable of certificates', certs);
    }
    const certificates = Array.from(certs, (cert, i) => toOneCertificate(cert, `certs[${i}]`));
    if (certificates.length === 0) throw invalidValue('certs is empty');
    return this.#with({ ...this.#state, certificates });
  }

  /**
   * Sets who signs.
   *
   * @param encoding - How the response names the responder.
   * @param responderCert - The certificate that the signing key belongs to.
   * @throws TypeError; `ERR_OCSP_MALFORMED`; `ERR_OCSP_INVALID_VALUE` for an unknown encoding, and when it was set before.
   */
  responderId(
    encoding: OCSPResponderEncoding | `${OCSPResponderEncoding}`,
    responderCert: CertificateInput,
  ): OCSPResponseBuilder {
    if (this.#state.responder !== undefined) throw invalidValue('responderId has been set already');
    const certificate = toCertificate(responderCert, 'responderCert');
    if (typeof encoding !== 'string') throw invalidArgType('encoding', 'a member of OCSPResponderEncoding', encoding);
    const member = Object.values(OCSPResponderEncoding).find((value) => value === encoding);
    if (member === undefined) {
      const name = encoding.slice(0, 64);
      throw invalidValue(`encoding is 'By Hash' or 'By Name' (OCSPResponderEncoding), not '${name}'`);
    }
    return this.#with({ ...this.#state, responder: { encoding: member, certificate } });
  }

  /**
   * Adds an extension to the response (responseExtensions).
   *
   * @param extension - The value; its type gives the OID.
   * @param critical - Whether a client that does not know it must refuse the response.
   * @throws TypeError; `ERR_OCSP_DUPLICATE_EXTENSION` when it is there already.
   */
  addExtension(extension: ExtensionType, critical: boolean): OCSPResponseBuilder {
    return this.#with({ ...this.#state, extensions: withExtension(this.#state.extensions, extension, critical) });
  }

  /**
   * Sets producedAt, which otherwise is the time of signing. With a deterministic signature algorithm (RSA PKCS#1,
   * Ed25519, Ed448) the response is then reproducible.
   *
   * @param date - Cut to whole seconds.
   * @throws TypeError; `ERR_OCSP_INVALID_VALUE` for a bad date, and when it was set before.
   */
  producedAt(date: Date): OCSPResponseBuilder {
    if (this.#state.producedAt !== undefined) throw invalidValue('producedAt has been set already');
    return this.#with({ ...this.#state, producedAt: checkDate(date, 'date') });
  }

  /**
   * Signs on this thread.
   *
   * @param privateKey - Of the responder certificate. Pass a `KeyObject` when signing in a loop: it is parsed once.
   * @param algorithm - SHA-2 or SHA-3; null for Ed25519, Ed448 and ML-DSA, which hash by themselves.
   * @throws TypeError; `ERR_OCSP_INVALID_VALUE` when no response or responder was set, and for a hash, padding or key that
   * do not go together; `ERR_OCSP_UNSUPPORTED_ALGORITHM`; `ERR_OCSP_MALFORMED` for a key that does not parse;
   * `ERR_OCSP_KEY_MISMATCH`; `ERR_OCSP_OPENSSL` for what else OpenSSL refuses.
   */
  sign(privateKey: PrivateKeyInput, algorithm: HashAlgorithmName | null, options?: SignOptions): OCSPResponse {
    const responder = this.#checkComplete();
    const key = toPrivateKey(privateKey);
    const scheme = resolveScheme(key.type, algorithm, options);
    const { encoded, responses, certificates, extensions } = this.#state;
    const sign =
      encoded === undefined && responses?.length === 1
        ? prepareSigning(key, responder, scheme, certificates ?? NONE)
        : undefined;
    if (sign !== undefined && responses !== undefined) {
      const extensionList = encodeExtensionList(extensions);
      return trusted(takeOutput(sign(...this.#responderId, this.#producedAt, extensionList, ...responses.last)));
    }
    const data = viewOutput(this.#encode());
    return trusted(takeOutput(key.signResponse(data, responder.native, ...scheme, this.#nativeCertificates)));
  }

  /**
   * Signs on a thread of libuv's pool, or with a key that lives elsewhere. An external signer's signature is checked
   * against the responder certificate before the response is handed out.
   *
   * @param privateKey - As for {@link sign}, or an {@link ExternalSigner}; the type of its key is that of the responder
   * certificate's.
   * @throws (rejects) As {@link sign}; `ERR_OCSP_KEY_MISMATCH` for a wrong external signature; TypeError when the signer
   * returns no bytes; what the external signer throws, unchanged.
   */
  async signAsync(
    privateKey: PrivateKeyInput | ExternalSigner,
    algorithm: HashAlgorithmName | null,
    options?: SignOptions,
  ): Promise<OCSPResponse> {
    const responder = this.#checkComplete();
    if (isExternalSigner(privateKey)) {
      const scheme = resolveScheme(responder.native.keyType, algorithm, options);
      return this.#signExternally(privateKey, responder, algorithm, scheme);
    }
    const key = toPrivateKey(privateKey);
    const scheme = resolveScheme(key.type, algorithm, options);
    return trusted(
      await key.signResponseAsync(viewOutput(this.#encode()), responder.native, ...scheme, this.#nativeCertificates),
    );
  }

  /**
   * A response that says why there is none. Such responses are not signed and carry nothing else.
   *
   * @throws TypeError; `ERR_OCSP_INVALID_VALUE` for SUCCESSFUL and for what is not a status.
   */
  static buildUnsuccessful(responseStatus: OCSPResponseStatus): OCSPResponse {
    if (typeof responseStatus !== 'number') {
      throw invalidArgType('responseStatus', 'a member of OCSPResponseStatus', responseStatus);
    }
    if (!(responseStatus in OCSPResponseStatus))
      throw invalidValue(`responseStatus is not a member of OCSPResponseStatus: ${responseStatus}`);
    if (responseStatus === OCSPResponseStatus.SUCCESSFUL) throw invalidValue('responseStatus cannot be SUCCESSFUL');
    return trusted(encodeSequence(encodeEnumerated(responseStatus)));
  }

  async #signExternally(
    signer: ExternalSigner,
    responder: ParsedCertificate,
    algorithm: HashAlgorithmName | null,
    scheme: SchemeArguments,
  ): Promise<OCSPResponse> {
    const responseData = takeOutput(this.#encode());
    const signature = checkBytes(
      await signer.sign(copyBytes(responseData), algorithm as Parameters<ExternalSigner['sign']>[1]),
      'signature of the external signer',
    );
    return trusted(
      await responder.native.assembleResponseAsync(responseData, signature, ...scheme, this.#nativeCertificates),
    );
  }

  /** The responder certificate, if everything is there that a signature needs. */
  #checkComplete(): ParsedCertificate {
    const { encoded, responses, responder } = this.#state;
    if (encoded === undefined && responses === undefined) throw invalidValue('nothing to sign: call addResponse first');
    if (responder === undefined) throw invalidValue('no one to sign: call responderId first');
    return responder.certificate;
  }

  /** ResponseData, as it stands now. */
  #encode(): Output {
    const { encoded, responses, extensions } = this.#state;
    return native.encodeResponseData(
      ...this.#responderId,
      this.#producedAt,
      itemsOf(responses),
      encodeExtensionList(extensions),
      itemsOf(encoded),
    );
  }

  /** Tag and content. */
  get #responderId(): [1 | 2, Buffer] {
    const { encoding, certificate } = this.#state.responder as NonNullable<State['responder']>;
    return encoding === OCSPResponderEncoding.NAME ? [1, certificate.subject] : [2, certificate.publicKeyHash(0)];
  }

  /** In seconds. */
  get #producedAt(): number {
    return Math.floor((this.#state.producedAt?.getTime() ?? Date.now()) / 1000);
  }

  get #nativeCertificates(): ParsedCertificate['native'][] {
    return (this.#state.certificates ?? []).map((certificate) => certificate.native);
  }

  #add(response: SingleResponseTuple): OCSPResponseBuilder {
    const responses = append(this.#state.responses, response);
    if (responses.length < TOGETHER) return this.#with({ ...this.#state, responses });
    const bytes = takeOutput(native.encodeSingleResponses(itemsOf(responses)));
    return this.#with({ ...this.#state, encoded: append(this.#state.encoded, bytes), responses: undefined });
  }

  #with(state: State): OCSPResponseBuilder {
    const builder = new OCSPResponseBuilder();
    builder.#state = state;
    return builder;
  }
}

/**
 * A response of our own making. Read leniently: names and certificates are the caller's, in whatever encoding OpenSSL
 * accepted, and checking what was just written would cost without telling anything.
 */
function trusted(der: Buffer): OCSPResponse {
  return new OCSPResponse(INTERNAL, wholeDer(der, LENIENT), true);
}

/** In the order of the documentation, as positional arguments come. */
const STATUS_NAMES: OptionNames<StatusInput> = {
  certStatus: true,
  thisUpdate: true,
  nextUpdate: true,
  revocationTime: true,
  revocationReason: true,
  singleExtensions: true,
};
const CERTIFICATE_NAMES: OptionNames<ResponseInput> = { cert: true, issuer: true, algorithm: true, ...STATUS_NAMES };
const HASH_NAMES: OptionNames<ResponseByHashInput> = {
  issuerNameHash: true,
  issuerKeyHash: true,
  serialNumber: true,
  algorithm: true,
  ...STATUS_NAMES,
};

function inputOf<T extends object>(args: readonly unknown[], names: OptionNames<T>): T {
  if (args.length === 1) return readOptions(args[0] as T, names, 'response');
  return Object.fromEntries(Object.keys(names).map((name, i) => [name, args[i]])) as T;
}
