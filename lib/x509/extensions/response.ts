import { invalidArgType } from '../../errors.js';
import { checkBytes, checkText } from '../checks.js';
import {
  asciiFromBytes,
  asciiToBytes,
  contextTag,
  DerReader,
  encodeGeneralizedTime,
  encodeIa5String,
  encodeInteger,
  encodeNull,
  encodeSequence,
  encodeTlv,
  Tag,
} from '../der.js';
import { OCSPExtensionOID } from '../oids.js';
import { type OptionNames, readOptions } from '../options.js';
import { checkDate } from '../time.js';
import { integerToJson, type Json } from '../value-object.js';
import { ExtensionValue } from './value.js';

/** In a responder's certificate: its own revocation need not be checked (RFC 6960 section 4.2.2.2.1). */
export class OCSPNoCheck extends ExtensionValue {
  static readonly oid: typeof OCSPExtensionOID.NO_CHECK = OCSPExtensionOID.NO_CHECK;

  /**
   * Reads an extension value: NULL.
   *
   * @throws `ERR_OCSP_MALFORMED` for anything else.
   */
  static fromDer(value: Uint8Array): OCSPNoCheck {
    readNullValue(value, 'OCSPNoCheck');
    return new OCSPNoCheck();
  }

  override get oid(): typeof OCSPExtensionOID.NO_CHECK {
    return OCSPNoCheck.oid;
  }

  override publicBytes(): Buffer {
    return encodeNull();
  }

  override toJSON(): Json {
    return {};
  }
}

/** The responder answers "revoked" for certificates that were never issued (RFC 6960 section 4.4.8). */
export class ExtendedRevoke extends ExtensionValue {
  static readonly oid: typeof OCSPExtensionOID.EXTENDED_REVOKE = OCSPExtensionOID.EXTENDED_REVOKE;

  /**
   * Reads an extension value: NULL.
   *
   * @throws `ERR_OCSP_MALFORMED` for anything else.
   */
  static fromDer(value: Uint8Array): ExtendedRevoke {
    readNullValue(value, 'ExtendedRevoke');
    return new ExtendedRevoke();
  }

  override get oid(): typeof OCSPExtensionOID.EXTENDED_REVOKE {
    return ExtendedRevoke.oid;
  }

  override publicBytes(): Buffer {
    return encodeNull();
  }

  override toJSON(): Json {
    return {};
  }
}

/** The responder still knows of certificates that expired at this date or later (RFC 6960 section 4.4.4). */
export class ArchiveCutoff extends ExtensionValue {
  static readonly oid: typeof OCSPExtensionOID.ARCHIVE_CUTOFF = OCSPExtensionOID.ARCHIVE_CUTOFF;
  readonly #archiveCutoff: Date;

  /**
   * @param archiveCutoff - producedAt less the retention period; fractions of a second are cut off
   * @throws TypeError when it is not a Date; `ERR_OCSP_INVALID_VALUE` when invalid or outside the years 1 to 9999.
   */
  constructor(archiveCutoff: Date) {
    super();
    this.#archiveCutoff = checkDate(archiveCutoff, 'archiveCutoff');
  }

  /**
   * Reads an extension value: GeneralizedTime.
   *
   * @throws `ERR_OCSP_MALFORMED` for anything else.
   */
  static fromDer(value: Uint8Array): ArchiveCutoff {
    const reader = new DerReader(checkBytes(value, 'value'));
    const date = reader.readGeneralizedTime('ArchiveCutoff');
    reader.done('ArchiveCutoff');
    return new ArchiveCutoff(date);
  }

  override get oid(): typeof OCSPExtensionOID.ARCHIVE_CUTOFF {
    return ArchiveCutoff.oid;
  }

  /** The date. */
  get archiveCutoff(): Date {
    return new Date(this.#archiveCutoff);
  }

  override publicBytes(): Buffer {
    return encodeGeneralizedTime(this.#archiveCutoff);
  }

  override toJSON(): Json {
    return { archiveCutoff: this.#archiveCutoff.toISOString() };
  }
}

/** What {@link CrlID} takes, by the field names of RFC 6960; what is null or left out is absent. */
export interface CrlIDInit {
  /** Where the CRL is. */
  readonly crlUrl?: string | null;
  /** Its CRL number. */
  readonly crlNum?: bigint | null;
  /** When it was issued. */
  readonly crlTime?: Date | null;
}

const CRL_ID_NAMES: OptionNames<CrlIDInit> = { crlUrl: true, crlNum: true, crlTime: true };

/** The CRL on which a revoked certificate was found (RFC 6960 section 4.4.2). */
export class CrlID extends ExtensionValue {
  static readonly oid: typeof OCSPExtensionOID.CRL_REFERENCES = OCSPExtensionOID.CRL_REFERENCES;
  readonly #crlUrl: string | null;
  readonly #crlNum: bigint | null;
  readonly #crlTime: Date | null;

  /**
   * @throws TypeError for wrong types; `ERR_OCSP_INVALID_VALUE` for a URL outside ASCII or a bad date.
   */
  constructor(init: CrlIDInit) {
    super();
    const { crlUrl, crlNum, crlTime } = readOptions(init, CRL_ID_NAMES, 'init');
    this.#crlUrl = crlUrl == null ? null : checkText(crlUrl, 'crlUrl');
    if (this.#crlUrl !== null) asciiToBytes(this.#crlUrl, 'crlUrl');
    if (crlNum != null && typeof crlNum !== 'bigint') throw invalidArgType('crlNum', 'a bigint', crlNum);
    this.#crlNum = crlNum ?? null;
    this.#crlTime = crlTime == null ? null : checkDate(crlTime, 'crlTime');
  }

  /**
   * Reads an extension value: SEQUENCE of [0] IA5String, [1] INTEGER and [2] GeneralizedTime, each optional and
   * explicitly tagged.
   *
   * @throws `ERR_OCSP_MALFORMED` for anything else.
   */
  static fromDer(value: Uint8Array): CrlID {
    const reader = new DerReader(checkBytes(value, 'value'));
    const sequence = reader.enter(Tag.SEQUENCE, 'CrlID');
    reader.done('CrlID');
    const crlUrl = readExplicit(sequence, 0, (field) => {
      const { contentStart, end } = field.read(Tag.IA5_STRING, 'CrlID.crlUrl');
      return asciiFromBytes(field.bytes, contentStart, end, 'CrlID.crlUrl');
    });
    const crlNum = readExplicit(sequence, 1, (field) => field.readInteger('CrlID.crlNum'));
    const crlTime = readExplicit(sequence, 2, (field) => field.readGeneralizedTime('CrlID.crlTime'));
    sequence.done('CrlID');
    return new CrlID({ crlUrl, crlNum, crlTime });
  }

  override get oid(): typeof OCSPExtensionOID.CRL_REFERENCES {
    return CrlID.oid;
  }

  /** Where the CRL is, or null. */
  get crlUrl(): string | null {
    return this.#crlUrl;
  }

  /** The CRL's number, or null. */
  get crlNum(): bigint | null {
    return this.#crlNum;
  }

  /** When the CRL was issued, or null. */
  get crlTime(): Date | null {
    return this.#crlTime && new Date(this.#crlTime);
  }

  override publicBytes(): Buffer {
    const fields: Buffer[] = [];
    if (this.#crlUrl !== null) fields.push(encodeTlv(contextTag(0), encodeIa5String(this.#crlUrl)));
    if (this.#crlNum !== null) fields.push(encodeTlv(contextTag(1), encodeInteger(this.#crlNum)));
    if (this.#crlTime !== null) fields.push(encodeTlv(contextTag(2), encodeGeneralizedTime(this.#crlTime)));
    return encodeSequence(...fields);
  }

  override toJSON(): Json {
    return {
      crlUrl: this.#crlUrl,
      crlNum: this.#crlNum === null ? null : integerToJson(this.#crlNum),
      crlTime: this.#crlTime?.toISOString() ?? null,
    };
  }
}

function readNullValue(value: Uint8Array, what: string): void {
  const reader = new DerReader(checkBytes(value, 'value'));
  reader.readNull(what);
  reader.done(what);
}

function readExplicit<T>(reader: DerReader, number: number, read: (field: DerReader) => T): T | null {
  if (reader.peekTag() !== contextTag(number)) return null;
  const field = reader.enter(contextTag(number), 'CrlID');
  const result = read(field);
  field.done('CrlID');
  return result;
}
