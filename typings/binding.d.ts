/**
 * The native addon as TypeScript sees it: the contract between native/binding and lib/.
 * Callers validate shapes; the addon trusts them. Contents of byte arrays are never trusted.
 */
import type { StoreBinding } from './store-binding.js';

/** How a message is read: 0 strict DER, 1 leniently, 2 strict but for the encodings of the field. */
export type Reading = 0 | 1 | 2;

/** Index into the CertID hashes: SHA-1, SHA-224, SHA-256, SHA-384, SHA-512. */
export type CertIdHashIndex = 0 | 1 | 2 | 3 | 4;

/** One Request: CertID fields (serial = content bytes of the INTEGER), and the SEQUENCE OF Extension element. */
export type RequestEntryTuple = readonly [
  hash: CertIdHashIndex,
  issuerNameHash: Uint8Array,
  issuerKeyHash: Uint8Array,
  serial: Uint8Array,
  singleRequestExtensions: Uint8Array | undefined,
];

/** One SingleResponse. Times are whole seconds since 1970-01-01 UTC; status and reason are the RFC's numbers. */
export type SingleResponseTuple = readonly [
  hash: CertIdHashIndex,
  issuerNameHash: Uint8Array,
  issuerKeyHash: Uint8Array,
  serial: Uint8Array,
  singleExtensions: Uint8Array | undefined,
  certStatus: 0 | 1 | 2,
  revocationTime: number | undefined,
  revocationReason: number | undefined,
  thisUpdate: number,
  nextUpdate: number | undefined,
];

/** How to sign: OpenSSL's hash name (undefined for keys that hash by themselves), RSASSA-PSS or not, salt bytes or -1. */
export type SchemeArguments = readonly [hash: string | undefined, pss: boolean, saltLength: number];

/** A decoded certificate. Decoding is done once, by the constructor; throws `ERR_OCSP_MALFORMED`. */
export interface NativeCertificate {
  /** Content bytes of the serialNumber INTEGER. */
  readonly serial: Buffer;
  /** The subject's Name element. */
  readonly subject: Buffer;
  /** OpenSSL's name of the public key's type, '' where OpenSSL cannot use the key. */
  readonly keyType: string;
  issuerNameHash(hash: CertIdHashIndex): Output;
  publicKeyHash(hash: CertIdHashIndex): Output;
  /** URIs of the access method id-ad-ocsp. */
  readonly ocspUrls: string[];
  /** Whether there may be others: locations that are no URIs, or in an extension that cannot be read. */
  readonly hasOtherLocations: boolean;
  /** Puts together a response whose signature was made elsewhere; rejects with `ERR_OCSP_KEY_MISMATCH` if it is wrong. */
  assembleResponseAsync(
    responseData: Uint8Array,
    signature: Uint8Array,
    ...rest: [...SchemeArguments, certificates: readonly NativeCertificate[]]
  ): Promise<Buffer>;
}

/**
 * A private key. The constructor takes PKCS#8 DER and overwrites it with zeros; or a URI that OpenSSL's stores know, and the
 * passphrase. When there is none and one is wanted, the error's cause has Node's code `ERR_MISSING_PASSPHRASE`.
 */
export interface NativePrivateKey {
  /** OpenSSL's name of the key type, such as 'RSA', 'RSA-PSS', 'EC', 'ED25519', 'ML-DSA-44'. */
  readonly type: string;
  signResponse(
    responseData: Uint8Array,
    responder: NativeCertificate,
    ...rest: [...SchemeArguments, certificates: readonly NativeCertificate[]]
  ): Output;
  signResponseAsync(
    responseData: Uint8Array,
    responder: NativeCertificate,
    ...rest: [...SchemeArguments, certificates: readonly NativeCertificate[]]
  ): Promise<Buffer>;
  /** The same arguments, with a whole request in the place of responseData. */
  signRequest(
    request: Uint8Array,
    signer: NativeCertificate,
    ...rest: [...SchemeArguments, certificates: readonly NativeCertificate[]]
  ): Output;
  signRequestAsync(
    request: Uint8Array,
    signer: NativeCertificate,
    ...rest: [...SchemeArguments, certificates: readonly NativeCertificate[]]
  ): Promise<Buffer>;
}

/** Signs a ResponseData with one entry, on the calling thread. `responderId` is a Name element (tag 1) or a key hash (tag 2). */
export type SignResponseData = (
  responderIdTag: 1 | 2,
  responderId: Uint8Array,
  producedAt: number,
  responseExtensions: Uint8Array | undefined,
  ...response: SingleResponseTuple
) => Output;

/** An X509_STORE. The constructor throws `ERR_OCSP_MALFORMED`, `ERR_OCSP_INVALID_VALUE`. */
export interface NativeTrustStore {
  readonly nativeTrustStore: never;
}

/** What OCSP_basic_verify and OCSP_request_verify are given. Times are whole seconds since 1970-01-01 UTC; -1 is unset. */
export type BasicVerifyArguments = readonly [
  certificates: readonly NativeCertificate[],
  trust: NativeTrustStore | undefined,
  flags: number,
  pathFlags: number,
  at: number | undefined,
  purpose: string | undefined,
  depth: number,
  securityLevel: number,
  policies: readonly string[],
  name: string | undefined,
  host: string | undefined,
  email: string | undefined,
  ip: string | undefined,
];

/** What they told. */
export interface BasicVerifyOutcome {
  readonly verified: boolean;
  /** An OCSPError. */
  readonly error?: Error;
  /** X509_V_ERR_*; 0 when no certificate was the trouble. */
  readonly certificateError: number;
  readonly certificateErrorDepth: number;
  readonly certificateErrorText: string;
  /** DER. */
  readonly signer?: Buffer;
  readonly chain: Buffer[];
  /** 0 none, 1 the CA, 2 a delegate, 3 trusted by configuration. */
  readonly authority: number;
}

/** A certificate: an object, or the DER of one that `readCertificate` has found plain. */
export type AnyCertificate = NativeCertificate | Uint8Array;

/**
 * A response to authenticate: DER, certificate of the issuer, whole seconds since 1970-01-01 UTC; and a certificate, of which
 * `isPlainlyIssued` is asked as well.
 */
export type AuthenticationItem = readonly [
  der: Uint8Array,
  issuer: AnyCertificate,
  at: number,
  certificate: Uint8Array | undefined,
];

/**
 * Parses what lies in `[start, end)` strictly and fills the layout (response, then authentication), whose offsets count from
 * the beginning of `memory`; the error behind the outcome, if any.
 */
export type Authenticate = (
  memory: Uint8Array,
  start: number,
  end: number,
  issuer: AnyCertificate,
  at: number,
  certificate: Uint8Array | undefined,
) => Error | undefined;

/** Finds out who signed responses. */
export interface NativeResponseVerifier {
  /** How many validated paths are remembered. */
  readonly remembered: number;
  /** A function bound to this verifier, whatever its receiver. */
  authenticator(): Authenticate;
  /** {@link Authenticate} for many, on so many threads: their layouts, one after the other, and their errors. */
  authenticateMany(
    items: readonly AuthenticationItem[],
    threads: number,
  ): Promise<[layouts: Int32Array, errors: (Error | undefined)[]]>;
}

/**
 * Signs many responses for one issuer. Entries are packed as native/core/signing_pool.h describes; `producedAt` is whole
 * seconds since 1970-01-01 UTC.
 */
export interface NativeResponseSigner {
  sign(entry: Uint8Array, producedAt: number, extensions?: Uint8Array): Output;
  signAsync(entry: Uint8Array, producedAt: number, extensions?: Uint8Array): Promise<Buffer>;
  /** Signatures per second of so many threads, measured for so long, with nothing around them. */
  rawSigningRate(threads: number, milliseconds: number): Promise<number>;
}

/** Called once per batch, in the order in which batches are finished. On an error, the entry after the last end failed. */
export type OnBatch = (id: number, responses: Buffer, ends: Uint32Array, error: Error | undefined) => void;

/** Threads that sign batches of packed entries. While batches are outstanding they keep the event loop alive. */
export interface NativeSigningPool {
  submit(id: number, entries: Uint8Array, producedAt: number): void;
  /** Drops what has not been started, and ends the threads. */
  close(): void;
}

/** Which OpenSSL the addon calls. */
export interface OpensslInfo {
  /** Of the library in use, as `OpenSSL_version()` prints it. */
  readonly version: string;
  /** Of the headers that the addon was compiled with. */
  readonly builtAgainst: string;
  /** Path of the file that OpenSSL's functions come from: Node's executable, or the addon itself when linked statically. */
  readonly source: string;
  /** Whether both are of one major version. */
  readonly compatible: boolean;
}

/** The number of bytes left in the output array, or, when they do not fit there, a Buffer. */
export type Output = number | Buffer;

export type LayoutName =
  | 'HASH_ALGORITHM'
  | 'ISSUER_NAME_HASH'
  | 'ISSUER_KEY_HASH'
  | 'SERIAL'
  | 'HASH_INDEX'
  | 'ENTRY_EXTENSIONS'
  | 'ENTRY_ELEMENT'
  | 'REQUEST_TBS'
  | 'REQUESTOR_NAME'
  | 'REQUEST_EXTENSIONS'
  | 'REQUEST_SIGNATURE'
  | 'REQUEST_ENTRIES'
  | 'ENTRY_COUNT'
  | 'FIRST_ENTRY'
  | 'CERT_STATUS'
  | 'REVOCATION_REASON'
  | 'REVOCATION_TIME'
  | 'THIS_UPDATE'
  | 'NEXT_UPDATE'
  | 'SINGLE_EXTENSIONS'
  | 'SINGLE_ELEMENT'
  | 'RESPONSE_STATUS'
  | 'RESPONDER_ID_TAG'
  | 'TBS'
  | 'SIGNATURE_ALGORITHM'
  | 'SIGNATURE'
  | 'CERTIFICATES'
  | 'RESPONDER_ID'
  | 'PRODUCED_AT'
  | 'RESPONSE_EXTENSIONS'
  | 'RESPONSES'
  | 'RESPONSE_COUNT'
  | 'FIRST_SINGLE'
  | 'ENCODINGS'
  | 'AUTHENTICATION'
  | 'AUTHORITY'
  | 'SIGNER_SOURCE'
  | 'SIGNER_INDEX'
  | 'UNTIL_HIGH'
  | 'UNTIL_LOW'
  | 'SIGNER_CERTIFICATE'
  | 'REMEMBERED'
  | 'NO_CHECK'
  | 'ISSUED'
  | 'CERTIFICATE_SERIAL'
  | 'CERTIFICATE_ISSUER'
  | 'CERTIFICATE_SUBJECT'
  | 'CERTIFICATE_KEY_BITS'
  | 'ENTRY_SIZE'
  | 'SINGLE_SIZE'
  | 'REQUEST_SIZE'
  | 'RESPONSE_SIZE'
  | 'AUTHENTICATED_SIZE';

export interface NativeBinding extends StoreBinding {
  /**
   * Must be called once, before anything else but `opensslInfo`. `layout` is filled by `parseRequest` and `parseResponse`,
   * `output` by whatever returns {@link Output}.
   */
  initialize(
    errorClass: new (code: never, message: string, details: object) => Error,
    layout: Int32Array,
    output: Uint8Array,
  ): void;
  opensslInfo(): OpensslInfo;
  /** Where in the layout each number lies, by the names of lib/ocsp/layout.ts. */
  readonly offsets: Readonly<Record<LayoutName, number>>;

  readonly Certificate: new (der: Uint8Array) => NativeCertificate;
  /**
   * Whether `der` is a certificate without anything unusual, read without OpenSSL, which would read the same; then the layout is
   * filled. False does not mean that it is bad.
   */
  readCertificate(der: Uint8Array): boolean;
  /** Whether `der` is such a certificate, and `issuerMismatch` is sure to give ''. False does not mean that it would not. */
  isPlainlyIssued(der: Uint8Array, issuer: AnyCertificate): boolean;
  /**
   * Why `issuer` did not issue a certificate: by names, key identifiers, key usage, signature; '' when it did, null where OpenSSL
   * cannot check the signature.
   */
  issuerMismatch(certificate: AnyCertificate, issuer: AnyCertificate): string | null;
  /** Of what lies in `[start, end)`. */
  hash(memory: Uint8Array, start: number, end: number, hash: CertIdHashIndex): Output;
  readonly PrivateKey: new (
    ...source: [pkcs8: Uint8Array] | [uri: string, passphrase: Uint8Array | undefined]
  ) => NativePrivateKey;

  readonly ResponseSigner: new (
    key: NativePrivateKey,
    responder: NativeCertificate,
    ...rest: [
      ...SchemeArguments,
      responderIdTag: 1 | 2,
      certIdHash: CertIdHashIndex,
      issuerNameHash: Uint8Array,
      issuerKeyHash: Uint8Array,
      certificates: readonly NativeCertificate[],
    ]
  ) => NativeResponseSigner;
  /** Each entry is signed by all signers in turn. */
  readonly SigningPool: new (
    signers: readonly NativeResponseSigner[],
    threads: number,
    verifyRate: number,
    onBatch: OnBatch,
  ) => NativeSigningPool;

  readonly TrustStore: new (
    certificates: readonly NativeCertificate[],
    crls: readonly Uint8Array[],
    caFile: string | undefined,
    caPath: string | undefined,
    caStore: string | undefined,
    system: number,
  ) => NativeTrustStore;
  readonly ResponseVerifier: new (
    trust: NativeTrustStore | undefined,
    responders: readonly NativeCertificate[],
    certificates: readonly NativeCertificate[],
    pathFlags: number,
    securityLevel: number,
    revocation: 0 | 1 | 2,
    maxRemembered: number,
    rememberSeconds: number,
    alwaysVerify: boolean,
    strict: boolean,
  ) => NativeResponseVerifier;

  /** OCSP_basic_verify, OCSP_request_verify. Throw `ERR_OCSP_MALFORMED`, `ERR_OCSP_INVALID_VALUE`, `ERR_OCSP_OPENSSL`. */
  verifyResponse(der: Uint8Array, ...rest: BasicVerifyArguments): BasicVerifyOutcome;
  verifyResponseAsync(der: Uint8Array, ...rest: BasicVerifyArguments): Promise<BasicVerifyOutcome>;
  verifyRequest(der: Uint8Array, ...rest: BasicVerifyArguments): BasicVerifyOutcome;
  verifyRequestAsync(der: Uint8Array, ...rest: BasicVerifyArguments): Promise<BasicVerifyOutcome>;
  /**
   * Why a revocation list is not that of the issuer, and why it does not tell all that its CA has revoked; '' where nothing is
   * wrong. Throws `ERR_OCSP_MALFORMED`, `ERR_OCSP_UNSUPPORTED_ALGORITHM`, `ERR_OCSP_OPENSSL`.
   */
  checkRevocationList(
    der: Uint8Array,
    issuer: NativeCertificate | undefined,
  ): [mismatch: string, list: string, part: string, entry: string];
  /** OCSP_resp_get0_signer: DER. */
  findResponseSigner(der: Uint8Array, certificates: readonly NativeCertificate[]): Buffer | undefined;
  /** OCSP_REQUEST_print, OCSP_RESPONSE_print: the text as far as OpenSSL got, and an OCSPError if that is not all. */
  printRequest(der: Uint8Array): [text: Buffer, error?: Error];
  printResponse(der: Uint8Array): [text: Buffer, error?: Error];

  /**
   * Parses what lies in `[start, end)` as told (leniently, what `normalizeRequest` gave) and fills the layout, whose offsets
   * count from the beginning of `memory`. Throws `ERR_OCSP_MALFORMED`.
   */
  parseRequest(memory: Uint8Array, start: number, end: number, reading: Reading): void;
  parseResponse(memory: Uint8Array, start: number, end: number, reading: Reading): void;
  /** The elements of a list that a parser accepted: their layouts, one after the other. */
  parseRequestEntries(memory: Uint8Array, start: number, end: number, reading: Reading): Int32Array;
  parseSingleResponses(memory: Uint8Array, start: number, end: number, reading: Reading): Int32Array;
  parseCertificates(memory: Uint8Array, start: number, end: number, reading: Reading): Int32Array;

  /** What OpenSSL's own parser makes of the message, re-encoded by OpenSSL. Throws `ERR_OCSP_MALFORMED`. */
  normalizeRequest(data: Uint8Array): Buffer;
  normalizeResponse(data: Uint8Array): Buffer;

  /**
   * The PKCS#8 DER of the private key (that of `certificate`, DER, else the only one), its certificate, and the others. The
   * passphrase has no NUL; without one that is wanted, the error's cause has Node's code `ERR_MISSING_PASSPHRASE`.
   */
  parsePkcs12(
    data: Uint8Array,
    passphrase: Uint8Array | undefined,
    certificate: Uint8Array | undefined,
  ): [pkcs8: Buffer, certificate: Buffer | undefined, others: Buffer[]];

  /** OCSPRequest without signature. `requestorName` is a GeneralName element. */
  encodeRequest(
    entries: readonly RequestEntryTuple[],
    requestorName: Uint8Array | undefined,
    requestExtensions: Uint8Array | undefined,
  ): Output;
  /** SingleResponse elements, one after the other. */
  encodeSingleResponses(responses: readonly SingleResponseTuple[]): Output;
  /** A function that signs with this key, as `signResponse` of the key does. Throws `ERR_OCSP_KEY_MISMATCH`. */
  prepareSigning(
    key: NativePrivateKey,
    responder: NativeCertificate,
    ...rest: [...SchemeArguments, certificates: readonly NativeCertificate[]]
  ): SignResponseData;
  /** ResponseData; `encoded` are responses that come before the others. `responderId` is a Name element (tag 1) or a key hash (tag 2). */
  encodeResponseData(
    responderIdTag: 1 | 2,
    responderId: Uint8Array,
    producedAt: number,
    responses: readonly SingleResponseTuple[],
    responseExtensions: Uint8Array | undefined,
    encoded?: readonly Uint8Array[],
  ): Output;
}
