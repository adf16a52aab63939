import { invalidArgType, invalidValue, malformed } from '../errors.js';
import { HashAlgorithm } from './algorithms.js';
import { checkBytes, checkList } from './checks.js';
import { copyBytes, DerReader, encodeOctetString } from './der.js';
import { ExtensionValue } from './extensions/value.js';
import { OCSPExtensionOID } from './oids.js';
import { type Json, ValueObject } from './value-object.js';

/** Version of an SCT (RFC 6962 section 3.2). */
export enum CtVersion {
  v1 = 0,
}

/** What was logged (RFC 6962 section 3.1). */
export enum LogEntryType {
  X509_CERTIFICATE = 0,
  PRE_CERTIFICATE = 1,
}

/** TLS 1.2 numbers of signature algorithms (RFC 5246 section 7.4.1.4.1). */
export enum CtSignatureAlgorithm {
  /** Never found in an SCT that was read: a log has to sign. */
  ANONYMOUS = 0,
  RSA = 1,
  DSA = 2,
  ECDSA = 3,
}

/** TLS 1.2 numbers of hash algorithms, from 1 (RFC 5246 section 7.4.1.4.1). */
const TLS_HASHES: readonly HashAlgorithm[] = [
  HashAlgorithm.MD5,
  HashAlgorithm.SHA1,
  HashAlgorithm.SHA224,
  HashAlgorithm.SHA256,
  HashAlgorithm.SHA384,
  HashAlgorithm.SHA512,
];
const TLS_SIGNATURES: readonly CtSignatureAlgorithm[] = [
  CtSignatureAlgorithm.RSA,
  CtSignatureAlgorithm.DSA,
  CtSignatureAlgorithm.ECDSA,
];

/** 9999-12-31T23:59:59.999Z, the last moment that the other dates of a message can say. */
const LATEST_TIMESTAMP = 253_402_300_799_999n;
/** Both the list and one SCT carry a length of two bytes. */
const MAX_LENGTH = 0xffff;

/** A cursor over TLS presentation language, where the only refusal is "the lengths do not add up". */
class TlsReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#position === this.#bytes.length;
  }

  take(length: number): Buffer {
    const end = this.#position + length;
    if (end > this.#bytes.length) throw malformed('invalid SCT length');
    const taken = copyBytes(this.#bytes, this.#position, end);
    this.#position = end;
    return taken;
  }

  /** A field of up to 65535 bytes, after its length in two bytes. */
  takeOpaque(): Buffer {
    return this.take(this.take(2).readUInt16BE());
  }

  done(): void {
    if (!this.atEnd) throw malformed('invalid SCT length');
  }
}

interface SctFields {
  readonly logId: Buffer;
  readonly timestamp: number;
  readonly extensionBytes: Buffer;
  readonly signatureHashAlgorithm: HashAlgorithm;
  readonly signatureAlgorithm: CtSignatureAlgorithm;
  readonly signature: Buffer;
}

/** Known to this module only, so that an SCT can only come from bytes that were checked. */
const FROM_READER = Symbol('SignedCertificateTimestamp');
let createSct: (raw: Buffer, entryType: LogEntryType) => SignedCertificateTimestamp;

/** A log's promise to publish a certificate (RFC 6962 section 3.2). Only ever read, never made. */
export class SignedCertificateTimestamp extends ValueObject {
  readonly #raw: Buffer;
  readonly #entryType: LogEntryType;
  readonly #fields: SctFields;

  static {
    createSct = (raw, entryType) => new SignedCertificateTimestamp(FROM_READER, raw, entryType);
  }

  private constructor(caller: symbol, raw: Buffer, entryType: LogEntryType) {
    if (caller !== FROM_READER) {
      throw Object.assign(new TypeError('Illegal constructor'), { code: 'ERR_ILLEGAL_CONSTRUCTOR' });
    }
    super();
    this.#raw = raw;
    this.#entryType = entryType;
    this.#fields = parseFields(raw);
  }

  /** Always {@link CtVersion.v1}. */
  get version(): CtVersion {
    return CtVersion.v1;
  }

  /** SHA-256 of the log's public key, 32 bytes. */
  get logId(): Buffer {
    return copyBytes(this.#fields.logId);
  }

  /** When the log got the entry; in milliseconds, unlike every other date of a message. */
  get timestamp(): Date {
    return new Date(this.#fields.timestamp);
  }

  /** What was logged; not part of the bytes but of where they were found: in OCSP always X509_CERTIFICATE. */
  get entryType(): LogEntryType {
    return this.#entryType;
  }

  /** The hash of {@link SignedCertificateTimestamp.signature}. */
  get signatureHashAlgorithm(): HashAlgorithm {
    return this.#fields.signatureHashAlgorithm;
  }

  /** The kind of key that made {@link SignedCertificateTimestamp.signature}. */
  get signatureAlgorithm(): CtSignatureAlgorithm {
    return this.#fields.signatureAlgorithm;
  }

  /** The signature bytes; for ECDSA the DER SEQUENCE of r and s. */
  get signature(): Buffer {
    return copyBytes(this.#fields.signature);
  }

  /** Content of the CtExtensions; version 1 defines none, so nearly always empty. */
  get extensionBytes(): Buffer {
    return copyBytes(this.#fields.extensionBytes);
  }

  /** The SCT as in RFC 6962, without the length that precedes it in a list. */
  publicBytes(): Buffer {
    return copyBytes(this.#raw);
  }

  /** Same bytes. */
  override equals(other: unknown): boolean {
    return this.isSameClass(other) && other.#raw.equals(this.#raw);
  }

  override toJSON(): Json {
    return {
      version: CtVersion[this.version],
      logId: this.#fields.logId.toString('hex'),
      timestamp: this.timestamp.toISOString(),
      entryType: LogEntryType[this.#entryType],
      signatureHashAlgorithm: this.#fields.signatureHashAlgorithm,
      signatureAlgorithm: CtSignatureAlgorithm[this.#fields.signatureAlgorithm],
      signature: this.#fields.signature.toString('hex'),
      extensionBytes: this.#fields.extensionBytes.toString('hex'),
    };
  }
}

/** The SCTs of a certificate, as an OCSP response delivers them (RFC 6962 section 3.3). Iterates over them. */
export class SignedCertificateTimestamps extends ExtensionValue implements Iterable<SignedCertificateTimestamp> {
  static readonly oid: typeof OCSPExtensionOID.SIGNED_CERTIFICATE_TIMESTAMPS =
    OCSPExtensionOID.SIGNED_CERTIFICATE_TIMESTAMPS;
  readonly #scts: readonly SignedCertificateTimestamp[];

  /**
   * @throws TypeError when it is not an iterable of {@link SignedCertificateTimestamp}.
   */
  constructor(scts: Iterable<SignedCertificateTimestamp>) {
    super();
    this.#scts = checkList(scts, 'scts', (item) => {
      if (item instanceof SignedCertificateTimestamp) return item;
      throw invalidArgType('scts', 'an iterable of SignedCertificateTimestamp', item);
    });
  }

  /**
   * Reads an extension value: OCTET STRING of a SignedCertificateTimestampList.
   *
   * @throws `ERR_OCSP_MALFORMED` when lengths do not add up, for another version than 1, for an unknown or anonymous
   * signature algorithm, and for a timestamp beyond the year 9999.
   */
  static fromDer(value: Uint8Array): SignedCertificateTimestamps {
    const reader = new DerReader(checkBytes(value, 'value'));
    const outer = new TlsReader(reader.readOctetString('SignedCertificateTimestampList'));
    reader.done('SignedCertificateTimestampList');
    const list = new TlsReader(outer.takeOpaque());
    outer.done();
    const scts: SignedCertificateTimestamp[] = [];
    while (!list.atEnd) scts.push(createSct(list.takeOpaque(), LogEntryType.X509_CERTIFICATE));
    return new SignedCertificateTimestamps(scts);
  }

  override get oid(): typeof OCSPExtensionOID.SIGNED_CERTIFICATE_TIMESTAMPS {
    return SignedCertificateTimestamps.oid;
  }

  /** The SCTs, in order. The array is frozen. */
  get scts(): readonly SignedCertificateTimestamp[] {
    return this.#scts;
  }

  /** Number of SCTs. */
  get length(): number {
    return this.#scts.length;
  }

  /** The items, in order. */
  [Symbol.iterator](): IterableIterator<SignedCertificateTimestamp> {
    return this.#scts[Symbol.iterator]();
  }

  /**
   * @inheritDoc
   * @throws `ERR_OCSP_INVALID_VALUE` when the list is over 65535 bytes, the most its length field can say.
   */
  override publicBytes(): Buffer {
    const list = Buffer.concat(this.#scts.map((sct) => opaque(sct.publicBytes())));
    return encodeOctetString(opaque(list));
  }

  /** Same SCTs in the same order. */
  override equals(other: unknown): boolean {
    if (!this.isSameClass(other) || other.#scts.length !== this.#scts.length) return false;
    return this.#scts.every((sct, index) => sct.equals(other.#scts[index]));
  }

  override toJSON(): Json {
    return { scts: this.#scts.map((sct) => sct.toJSON()) };
  }
}

function parseFields(raw: Buffer): SctFields {
  const reader = new TlsReader(raw);
  const version = reader.take(1).readUInt8();
  if (version !== CtVersion.v1) throw malformed(`invalid SCT version: ${version}`);
  const logId = reader.take(32);
  const timestamp = reader.take(8).readBigUInt64BE();
  if (timestamp > LATEST_TIMESTAMP) throw malformed(`SCT timestamp is out of range: ${timestamp}`);
  const extensionBytes = reader.takeOpaque();
  const hash = reader.take(1).readUInt8();
  const signatureHashAlgorithm = TLS_HASHES[hash - 1];
  if (signatureHashAlgorithm === undefined) throw malformed(`unsupported hash algorithm of an SCT: ${hash}`);
  const algorithm = reader.take(1).readUInt8();
  const signatureAlgorithm = TLS_SIGNATURES[algorithm - 1];
  if (signatureAlgorithm === undefined) throw malformed(`unsupported signature algorithm of an SCT: ${algorithm}`);
  const signature = reader.takeOpaque();
  reader.done();
  return { logId, timestamp: Number(timestamp), extensionBytes, signatureHashAlgorithm, signatureAlgorithm, signature };
}

/** A field of up to 65535 bytes with its length in front. */
function opaque(content: Buffer): Buffer {
  if (content.length > MAX_LENGTH) throw invalidValue(`SCT list of ${content.length} bytes; at most ${MAX_LENGTH} fit`);
  const out = Buffer.alloc(2 + content.length);
  out.writeUInt16BE(content.length);
  out.set(content, 2);
  return out;
}
