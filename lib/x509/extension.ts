import { invalidArgType, invalidValue, OCSPError } from '../errors.js';
import { checkBytes, checkList } from './checks.js';
import { copyBytes } from './der.js';
import { CertificateIssuer, CRLReason, InvalidityDate } from './extensions/crl-entry.js';
import { OCSPAcceptableResponses, OCSPNonce, PreferredSignatureAlgorithms } from './extensions/request.js';
import { ArchiveCutoff, CrlID, ExtendedRevoke, OCSPNoCheck } from './extensions/response.js';
import { ServiceLocator } from './extensions/service-locator.js';
import { ExtensionValue } from './extensions/value.js';
import { checkOid } from './oids.js';
import { SignedCertificateTimestamps } from './sct.js';
import { type Json, ValueObject } from './value-object.js';

/** An extension whose type is not known, or not where it was found; its value stays as it is. */
export class UnrecognizedExtension extends ExtensionValue {
  readonly #oid: string;
  readonly #value: Buffer;

  /**
   * @param oid - dotted OID; any, also one that has a class of its own
   * @param value - content of the extnValue OCTET STRING; need not be DER
   * @throws TypeError for wrong types; `ERR_OCSP_INVALID_VALUE` when `oid` is not an OID.
   */
  constructor(oid: string, value: Uint8Array) {
    super();
    this.#oid = checkOid(oid, 'oid');
    this.#value = copyBytes(checkBytes(value, 'value'));
  }

  override get oid(): string {
    return this.#oid;
  }

  /** Content of the extnValue OCTET STRING. */
  get value(): Buffer {
    return copyBytes(this.#value);
  }

  override publicBytes(): Buffer {
    return this.value;
  }

  override toJSON(): Json {
    return { oid: this.#oid, value: this.#value.toString('hex') };
  }
}

/** The extension classes. Only their instances are accepted as the value of an {@link Extension}. */
export type ExtensionType =
  | OCSPNonce
  | OCSPAcceptableResponses
  | OCSPNoCheck
  | SignedCertificateTimestamps
  | CRLReason
  | InvalidityDate
  | CertificateIssuer
  | ArchiveCutoff
  | CrlID
  | ServiceLocator
  | PreferredSignatureAlgorithms
  | ExtendedRevoke
  | UnrecognizedExtension;

/** An extension class that stands for one OID. */
export interface ExtensionClass<T extends ExtensionType = ExtensionType> {
  /** Dotted OID of the extension. */
  readonly oid: string;
  readonly name: string;
  new (...args: never[]): T;
}

const RECOGNIZED: readonly ExtensionClass[] = [
  OCSPNonce,
  OCSPAcceptableResponses,
  OCSPNoCheck,
  SignedCertificateTimestamps,
  CRLReason,
  InvalidityDate,
  CertificateIssuer,
  ArchiveCutoff,
  CrlID,
  ServiceLocator,
  PreferredSignatureAlgorithms,
  ExtendedRevoke,
];

/**
 * Checks an argument that has to be an instance of an extension class.
 *
 * @throws TypeError for anything else: only these know how to write themselves.
 */
export function checkExtension(value: unknown, name: string = 'extension'): ExtensionType {
  if (!isExtensionType(value)) throw invalidArgType(name, 'an instance of an extension class', value);
  return value;
}

function isExtensionType(value: unknown): value is ExtensionType {
  return value instanceof UnrecognizedExtension || RECOGNIZED.some((type) => value instanceof type);
}

/** One entry of an extension list (RFC 5280 section 4.2). */
export class Extension<T extends ExtensionType = ExtensionType> extends ValueObject {
  readonly #oid: string;
  readonly #critical: boolean;
  readonly #value: T;

  /**
   * @param oid - dotted OID; the one of `value`
   * @param critical - whether whoever does not understand the extension must refuse the message; RFC 6960 section 4.4
   * advises against it
   * @param value - what it says
   * @throws TypeError for wrong types; `ERR_OCSP_INVALID_VALUE` when `oid` is not an OID, or not the one of `value`.
   */
  constructor(oid: string, critical: boolean, value: T) {
    super();
    this.#oid = checkOid(oid, 'oid');
    if (typeof critical !== 'boolean') throw invalidArgType('critical', 'a boolean', critical);
    this.#critical = critical;
    checkExtension(value, 'value');
    if (value.oid !== oid) throw invalidValue(`oid is ${oid}, but the value is an extension with the OID ${value.oid}`);
    this.#value = value;
  }

  /** Dotted OID of the extension. */
  get oid(): string {
    return this.#oid;
  }

  /** Whether whoever does not understand the extension must refuse the message. */
  get critical(): boolean {
    return this.#critical;
  }

  /** What it says. */
  get value(): T {
    return this.#value;
  }

  /** Same OID, flag and value. */
  override equals(other: unknown): boolean {
    return this.isSameClass(other) && other.#critical === this.#critical && this.#value.equals(other.#value);
  }

  override toJSON(): Json {
    return { oid: this.#oid, critical: this.#critical, value: this.#value.toJSON() };
  }
}

/** An extension list, each OID at most once (RFC 5280 section 4.2). Iterates over the entries, in their order. */
export class Extensions extends ValueObject implements Iterable<Extension> {
  readonly #entries: readonly Extension[];
  readonly #byOid: ReadonlyMap<string, Extension>;

  /**
   * @throws TypeError when it is not an iterable of {@link Extension}; `ERR_OCSP_DUPLICATE_EXTENSION`, with `oid`, when
   * an OID occurs twice.
   */
  constructor(extensions: Iterable<Extension>) {
    super();
    const byOid = new Map<string, Extension>();
    this.#entries = checkList(extensions, 'extensions', (item) => {
      if (!(item instanceof Extension)) throw invalidArgType('extensions', 'an iterable of Extension', item);
      if (byOid.has(item.oid)) throw duplicateExtension(item.oid);
      byOid.set(item.oid, item);
      return item;
    });
    this.#byOid = byOid;
  }

  /** Number of extensions. */
  get length(): number {
    return this.#entries.length;
  }

  /** The items, in order. */
  [Symbol.iterator](): IterableIterator<Extension> {
    return this.#entries[Symbol.iterator]();
  }

  /** The entry at a position, from the end when negative, as `Array.prototype.at`. */
  at(index: number): Extension | undefined {
    return this.#entries.at(index);
  }

  /**
   * The extension with this OID.
   *
   * @throws `ERR_OCSP_EXTENSION_NOT_FOUND`, with `oid`, when there is none; TypeError when `oid` is not a string;
   * `ERR_OCSP_INVALID_VALUE` when it is not an OID.
   */
  getExtensionForOid(oid: string): Extension {
    const entry = this.#byOid.get(checkOid(oid, 'oid'));
    if (entry === undefined) throw notFound(`no extension with the OID ${oid}`, oid);
    return entry;
  }

  /**
   * The extension whose value is an instance of this class: `extensions.getExtensionForClass(OCSPNonce).value.nonce`.
   *
   * @throws `ERR_OCSP_EXTENSION_NOT_FOUND`, with `oid`, when there is none; TypeError when it is not one of the extension
   * classes, or when it is {@link UnrecognizedExtension}, of which there may be several.
   */
  getExtensionForClass<T extends ExtensionType>(type: ExtensionClass<T>): Extension<T> {
    if (!RECOGNIZED.includes(type)) {
      throw invalidArgType('type', 'an extension class other than UnrecognizedExtension', type);
    }
    const entry = this.#entries.find((candidate): candidate is Extension<T> => candidate.value instanceof type);
    if (entry === undefined) throw notFound(`no ${type.name} extension`, type.oid);
    return entry;
  }

  /** Same extensions in the same order. */
  override equals(other: unknown): boolean {
    if (!this.isSameClass(other) || other.length !== this.length) return false;
    return this.#entries.every((entry, index) => entry.equals(other.#entries[index]));
  }

  override toJSON(): Json {
    return this.#entries.map((entry) => entry.toJSON());
  }
}

/** The error for an OID that occurs twice. */
export function duplicateExtension(oid: string): OCSPError {
  return new OCSPError('ERR_OCSP_DUPLICATE_EXTENSION', `duplicate ${oid} extension`, { oid });
}

function notFound(message: string, oid: string): OCSPError {
  return new OCSPError('ERR_OCSP_EXTENSION_NOT_FOUND', message, { oid });
}
