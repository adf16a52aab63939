import { malformed } from '../../errors.js';
import { checkBytes, checkList } from '../checks.js';
import { DerReader, encodeEnumerated, encodeGeneralizedTime, encodeSequenceOf, Tag } from '../der.js';
import { checkGeneralName, type GeneralName, readGeneralName } from '../general-name.js';
import { integerFromBytes } from '../integer.js';
import { CRLEntryExtensionOID } from '../oids.js';
import { checkReason, type ReasonFlags, type ReasonName, reasonFromCode, reasonToCode } from '../reason.js';
import { checkDate } from '../time.js';
import type { Json } from '../value-object.js';
import { ExtensionValue } from './value.js';

/** Why a certificate was revoked (RFC 5280 section 5.3.1). */
export class CRLReason extends ExtensionValue {
  static readonly oid: typeof CRLEntryExtensionOID.CRL_REASON = CRLEntryExtensionOID.CRL_REASON;
  readonly #reason: ReasonFlags;

  /**
   * @throws TypeError when it is not a string; `ERR_OCSP_INVALID_VALUE` when it is not a member of `ReasonFlags`.
   */
  constructor(reason: ReasonName) {
    super();
    this.#reason = checkReason(reason, 'reason');
  }

  /**
   * Reads an extension value: ENUMERATED.
   *
   * @throws `ERR_OCSP_MALFORMED` for anything else and for a code without a meaning.
   */
  static fromDer(value: Uint8Array): CRLReason {
    const reader = new DerReader(checkBytes(value, 'value'));
    const { contentStart, end } = reader.read(Tag.ENUMERATED, 'CRLReason');
    reader.done('CRLReason');
    // All codes fit in one byte; a code of a megabyte would only be formatted to be refused.
    if (end - contentStart > 4) throw malformed(`CRLReason of ${end - contentStart} bytes`);
    return new CRLReason(reasonFromCode(integerFromBytes(reader.bytes, contentStart, end)));
  }

  override get oid(): typeof CRLEntryExtensionOID.CRL_REASON {
    return CRLReason.oid;
  }

  /** The reason. */
  get reason(): ReasonFlags {
    return this.#reason;
  }

  override publicBytes(): Buffer {
    return encodeEnumerated(reasonToCode(this.#reason));
  }

  override toJSON(): Json {
    return { reason: this.#reason };
  }
}

/** When the key is thought to have been compromised, or the certificate to have become invalid (RFC 5280 section 5.3.2). */
export class InvalidityDate extends ExtensionValue {
  static readonly oid: typeof CRLEntryExtensionOID.INVALIDITY_DATE = CRLEntryExtensionOID.INVALIDITY_DATE;
  readonly #invalidityDate: Date;

  /**
   * @param invalidityDate - fractions of a second are cut off
   * @throws TypeError when it is not a Date; `ERR_OCSP_INVALID_VALUE` when invalid or outside the years 1 to 9999.
   */
  constructor(invalidityDate: Date) {
    super();
    this.#invalidityDate = checkDate(invalidityDate, 'invalidityDate');
  }

  /**
   * Reads an extension value: GeneralizedTime.
   *
   * @throws `ERR_OCSP_MALFORMED` for anything else.
   */
  static fromDer(value: Uint8Array): InvalidityDate {
    const reader = new DerReader(checkBytes(value, 'value'));
    const date = reader.readGeneralizedTime('InvalidityDate');
    reader.done('InvalidityDate');
    return new InvalidityDate(date);
  }

  override get oid(): typeof CRLEntryExtensionOID.INVALIDITY_DATE {
    return InvalidityDate.oid;
  }

  /** The date. */
  get invalidityDate(): Date {
    return new Date(this.#invalidityDate);
  }

  override publicBytes(): Buffer {
    return encodeGeneralizedTime(this.#invalidityDate);
  }

  override toJSON(): Json {
    return { invalidityDate: this.#invalidityDate.toISOString() };
  }
}

/** Who issued the certificate, where that is not who issued the CRL (RFC 5280 section 5.3.3). Iterates over the names. */
export class CertificateIssuer extends ExtensionValue implements Iterable<GeneralName> {
  static readonly oid: typeof CRLEntryExtensionOID.CERTIFICATE_ISSUER = CRLEntryExtensionOID.CERTIFICATE_ISSUER;
  readonly #generalNames: readonly GeneralName[];

  /**
   * @throws TypeError when it is not an iterable of GeneralName.
   */
  constructor(generalNames: Iterable<GeneralName>) {
    super();
    this.#generalNames = checkList(generalNames, 'generalNames', (item) => checkGeneralName(item, 'generalNames'));
  }

  /**
   * Reads an extension value: SEQUENCE OF GeneralName.
   *
   * @throws `ERR_OCSP_MALFORMED` for anything else.
   */
  static fromDer(value: Uint8Array): CertificateIssuer {
    const reader = new DerReader(checkBytes(value, 'value'));
    const sequence = reader.enter(Tag.SEQUENCE, 'CertificateIssuer');
    reader.done('CertificateIssuer');
    const names: GeneralName[] = [];
    while (!sequence.atEnd) names.push(readGeneralName(sequence));
    return new CertificateIssuer(names);
  }

  override get oid(): typeof CRLEntryExtensionOID.CERTIFICATE_ISSUER {
    return CertificateIssuer.oid;
  }

  /** The names, in order. The array is frozen. */
  get generalNames(): readonly GeneralName[] {
    return this.#generalNames;
  }

  /** Number of names. */
  get length(): number {
    return this.#generalNames.length;
  }

  /** The items, in order. */
  [Symbol.iterator](): IterableIterator<GeneralName> {
    return this.#generalNames[Symbol.iterator]();
  }

  /** The values of all names of one class: `issuer.getValuesForType(DNSName)` is a list of strings. */
  getValuesForType<T extends GeneralName>(type: abstract new (...args: never[]) => T): T['value'][] {
    return this.#generalNames.filter((name): name is T => name instanceof type).map((name) => name.value);
  }

  override publicBytes(): Buffer {
    return encodeSequenceOf(this.#generalNames.map((name) => name.publicBytes()));
  }

  override toJSON(): Json {
    return { generalNames: this.#generalNames.map((name) => name.toJSON()) };
  }
}
