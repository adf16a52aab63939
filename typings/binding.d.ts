/**
 * The native addon as TypeScript sees it: the contract between native/binding and lib/.
 * Callers validate shapes; the addon trusts them. Contents of byte arrays are never trusted.
 */
import type { X509Certificate } from 'node:crypto';

/** Index into the CertID hashes: SHA-1, SHA-224, SHA-256, SHA-384, SHA-512. */
export type CertIdHashIndex = 0 | 1 | 2 | 3 | 4;

/** One Request: CertID fields (serial = content octets of the INTEGER), and the SEQUENCE OF Extension element. */
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

/** How to sign: OpenSSL's hash name (undefined for keys that hash by themselves), RSASSA-PSS or not, salt octets or -1. */
export type SchemeArguments = readonly [hash: string | undefined, pss: boolean, saltLength: number];

/** A decoded certificate. Decoding is done once, by the constructor; throws `ERR_OCSP_MALFORMED`. */
export interface NativeCertificate {
  /** Content octets of the serialNumber INTEGER. */
  readonly serial: Buffer;
  /** The subject's Name element. */
  readonly subject: Buffer;
  /** OpenSSL's name of the public key's type, '' where OpenSSL cannot use the key. */
  readonly keyType: string;
  issuerNameHash(hash: CertIdHashIndex): Buffer;
  /** Hash of the subject field: what the issuerNameHash of its certificates is. */
  subjectHash(hash: CertIdHashIndex): Buffer;
  publicKeyHash(hash: CertIdHashIndex): Buffer;
  /** Puts together a response whose signature was made elsewhere; rejects with `ERR_OCSP_KEY_MISMATCH` if it is wrong. */
  assembleResponseAsync(
    responseData: Uint8Array,
    signature: Uint8Array,
    ...rest: [...SchemeArguments, certificates: readonly NativeCertificate[]]
  ): Promise<Buffer>;
}

/** A private key. The constructor takes PKCS#8 DER and overwrites it with zeros. */
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
}

/**
 * Signs many responses for one issuer. Entries are packed as native/core/signing_pool.h describes; `producedAt` is whole
 * seconds since 1970-01-01 UTC.
 */
export interface NativeResponseSigner {
  sign(entry: Uint8Array, producedAt: number): Output;
  signAsync(entry: Uint8Array, producedAt: number): Promise<Buffer>;
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

/** The number of octets left in the output array, or, when they do not fit there, a Buffer. */
export type Output = number | Buffer;

export interface NativeBinding {
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

  readonly Certificate: new (der: X509Certificate['raw']) => NativeCertificate;
  readonly PrivateKey: new (pkcs8: Uint8Array) => NativePrivateKey;

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
  readonly SigningPool: new (
    signer: NativeResponseSigner,
    threads: number,
    verifyRate: number,
    onBatch: OnBatch,
  ) => NativeSigningPool;

  /** Parses strictly (or, lenient, what `normalizeRequest` gave) and fills the layout. Throws `ERR_OCSP_MALFORMED`. */
  parseRequest(der: Uint8Array, lenient: boolean): void;
  parseResponse(der: Uint8Array, lenient: boolean): void;
  /** The elements of a list that a parser accepted: their layouts, one after the other. */
  parseRequestEntries(der: Uint8Array, start: number, end: number, lenient: boolean): Int32Array;
  parseSingleResponses(der: Uint8Array, start: number, end: number, lenient: boolean): Int32Array;
  parseCertificates(der: Uint8Array, start: number, end: number, lenient: boolean): Int32Array;

  /** What OpenSSL's own parser makes of the message, re-encoded by OpenSSL. Throws `ERR_OCSP_MALFORMED`. */
  normalizeRequest(data: Uint8Array): Buffer;
  normalizeResponse(data: Uint8Array): Buffer;

  /** OCSPRequest without signature. `requestorName` is a GeneralName element. */
  encodeRequest(
    entries: readonly RequestEntryTuple[],
    requestorName: Uint8Array | undefined,
    requestExtensions: Uint8Array | undefined,
  ): Output;
  /** ResponseData. `responderId` is a Name element (tag 1) or a key hash (tag 2). */
  encodeResponseData(
    responderIdTag: 1 | 2,
    responderId: Uint8Array,
    producedAt: number,
    responses: readonly SingleResponseTuple[],
    responseExtensions: Uint8Array | undefined,
  ): Output;
}
