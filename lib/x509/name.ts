import { invalidArgType, invalidValue, malformed } from '../errors.js';
import { ASN1StringType, checkString, decodeString, encodeString, escapeText } from './asn1-string.js';
import { checkBytes, checkList } from './checks.js';
import {
  checkDerElement,
  copyBytes,
  DerReader,
  encodeOid,
  encodeSequence,
  encodeSequenceOf,
  encodeSetOf,
  Tag,
  type Tlv,
} from './der.js';
import { checkOid, NameOID } from './oids.js';
import { type OptionNames, readOptions } from './options.js';
import { type Json, ValueObject } from './value-object.js';

/** Types that RFC 5280 appendix A.1 fixes to another string than UTF8String. */
const DEFAULT_TYPE: ReadonlyMap<string, ASN1StringType> = new Map<string, ASN1StringType>([
  [NameOID.COUNTRY_NAME, ASN1StringType.PrintableString],
  [NameOID.JURISDICTION_COUNTRY_NAME, ASN1StringType.PrintableString],
  [NameOID.SERIAL_NUMBER, ASN1StringType.PrintableString],
  [NameOID.DN_QUALIFIER, ASN1StringType.PrintableString],
  [NameOID.EMAIL_ADDRESS, ASN1StringType.IA5String],
  [NameOID.DOMAIN_COMPONENT, ASN1StringType.IA5String],
]);

/** The short names of RFC 4514 section 3. */
const SHORT_NAME: ReadonlyMap<string, string> = new Map<string, string>([
  [NameOID.COMMON_NAME, 'CN'],
  [NameOID.LOCALITY_NAME, 'L'],
  [NameOID.STATE_OR_PROVINCE_NAME, 'ST'],
  [NameOID.ORGANIZATION_NAME, 'O'],
  [NameOID.ORGANIZATIONAL_UNIT_NAME, 'OU'],
  [NameOID.COUNTRY_NAME, 'C'],
  [NameOID.STREET_ADDRESS, 'STREET'],
  [NameOID.DOMAIN_COMPONENT, 'DC'],
  [NameOID.USER_ID, 'UID'],
]);

const ATTRIBUTE_NAMES: OptionNames<NameAttributeInit> = { oid: true, value: true, type: true };

/** One attribute of a name: a type and a value (RFC 5280 section 4.1.2.4, AttributeTypeAndValue). */
export class NameAttribute extends ValueObject {
  readonly #oid: string;
  /** DER of the value. */
  readonly #der: Buffer;
  /** What `#der` says, or null when it is not a string. */
  readonly #text: string | null;

  /**
   * @param oid - dotted OID of the attribute type, see {@link NameOID}
   * @param value - the text; or the DER of one element, for a value that is not a string
   * @param type - how text is encoded; by default what RFC 5280 appendix A.1 demands for this `oid`, else UTF8String
   * @throws TypeError for wrong types; `ERR_OCSP_INVALID_VALUE` when `oid` is not an OID, when the string type does not
   * have a character, or when bytes are not one element; `ERR_OCSP_MALFORMED` when bytes are a string with bad content.
   */
  constructor(oid: string, value: string | Uint8Array, type?: ASN1StringType) {
    super();
    this.#oid = checkOid(oid, 'oid');
    if (typeof value === 'string') {
      this.#der = encodeString(value, type ?? DEFAULT_TYPE.get(oid) ?? ASN1StringType.UTF8String);
      this.#text = value;
    } else {
      this.#der = checkDerElement(value, 'value');
      this.#text = decodeString(new DerReader(this.#der));
    }
  }

  /** Dotted OID of the attribute type. */
  get oid(): string {
    return this.#oid;
  }

  /** The text; for a value that is not a string, its DER. */
  get value(): string | Buffer {
    return this.#text ?? copyBytes(this.#der);
  }

  /** The string type, or null when the value is not a string. */
  get type(): ASN1StringType | null {
    return this.#text === null ? null : (this.#der[0] as ASN1StringType);
  }

  /** `TYPE=value`, see {@link Name.rfc4514String}. */
  rfc4514String(): string {
    const value = this.#text === null ? `#${this.#der.toString('hex')}` : escapeText(this.#text);
    return `${SHORT_NAME.get(this.#oid) ?? this.#oid}=${value}`;
  }

  /** DER of the AttributeTypeAndValue. */
  publicBytes(): Buffer {
    return encodeSequence(encodeOid(this.#oid), this.#der);
  }

  /** Same type and value; which string type carries the text makes no difference. */
  override equals(other: unknown): boolean {
    // Escaping is reversible and a short name stands for one OID, so equal strings mean equal content.
    return this.isSameClass(other) && other.rfc4514String() === this.rfc4514String();
  }

  override toJSON(): Json {
    return { oid: this.#oid, value: this.#text ?? this.#der.toString('hex') };
  }
}

/** One level of a name: nearly always a single attribute (RFC 5280 section 4.1.2.4, RelativeDistinguishedName). */
export class RelativeDistinguishedName extends ValueObject implements Iterable<NameAttribute> {
  readonly #attributes: readonly NameAttribute[];

  /**
   * @throws TypeError when an item is not a {@link NameAttribute}; `ERR_OCSP_INVALID_VALUE` when there is none.
   */
  constructor(attributes: Iterable<NameAttribute>) {
    super();
    this.#attributes = checkList(attributes, 'attributes', (item) => {
      if (!(item instanceof NameAttribute)) throw invalidArgType('attributes', 'an iterable of NameAttribute', item);
      return item;
    });
    if (this.#attributes.length === 0) throw invalidValue('a relative distinguished name cannot be empty');
  }

  /** Number of attributes. */
  get length(): number {
    return this.#attributes.length;
  }

  /** The attributes, in the order of the DER or of the constructor. */
  [Symbol.iterator](): IterableIterator<NameAttribute> {
    return this.#attributes[Symbol.iterator]();
  }

  /** The attributes with this type. */
  getAttributesForOid(oid: string): NameAttribute[] {
    return this.#attributes.filter((attribute) => attribute.oid === oid);
  }

  /** The attributes joined with `+`, see {@link Name.rfc4514String}. */
  rfc4514String(): string {
    return this.#attributes.map((attribute) => attribute.rfc4514String()).join('+');
  }

  /** DER of the SET OF AttributeTypeAndValue. */
  publicBytes(): Buffer {
    return encodeSetOf(this.#attributes.map((attribute) => attribute.publicBytes()));
  }

  /** Same attributes, in any order: it is a set. */
  override equals(other: unknown): boolean {
    if (!this.isSameClass(other)) return false;
    const mine = new Set(this.#attributes.map((attribute) => attribute.rfc4514String()));
    const theirs = new Set(other.#attributes.map((attribute) => attribute.rfc4514String()));
    return mine.size === theirs.size && [...mine].every((attribute) => theirs.has(attribute));
  }

  override toJSON(): Json {
    return this.#attributes.map((attribute) => attribute.toJSON());
  }
}

/** What {@link Name.fromAttributes} takes: the arguments of {@link NameAttribute} by name. */
export interface NameAttributeInit {
  /** Dotted OID of the attribute type. */
  readonly oid: string;
  /** The text, or the DER of a value that is not a string. */
  readonly value: string | Uint8Array;
  /** How text is encoded. */
  readonly type?: ASN1StringType;
}

const NO_RDNS: readonly never[] = Object.freeze([]);

/** Makes `name` the one that lies in `[start, end)`. */
let keepBytes: (name: Name, memory: Buffer, start: number, end: number) => void;

/** A distinguished name (RFC 5280 section 4.1.2.4). Iterates over all its attributes. */
export class Name extends ValueObject implements Iterable<NameAttribute> {
  /** Of a name that was read, made when first asked for: most names are only compared or passed on. */
  #list: readonly RelativeDistinguishedName[] | undefined;
  /**
   * The bytes it came from, in `[#start, #end)`: hashes and signatures cover these, and another writer may have sorted or typed
   * otherwise.
   */
  #memory: Buffer | null = null;
  #start = 0;
  #end = 0;

  /**
   * @param rdns - from the root down, as in DER; an attribute stands for an RDN of its own
   * @throws TypeError when an item is neither a {@link RelativeDistinguishedName} nor a {@link NameAttribute}.
   */
  constructor(rdns: Iterable<RelativeDistinguishedName | NameAttribute>) {
    super();
    this.#list = rdns === NO_RDNS ? NO_RDNS : checkList(rdns, 'rdns', toRdn);
  }

  /**
   * A name of single-attribute RDNs, from the root down:
   * `Name.fromAttributes([{ oid: NameOID.COUNTRY_NAME, value: 'US' }, { oid: NameOID.COMMON_NAME, value: 'CA' }])`.
   *
   * @throws as the constructor of {@link NameAttribute}.
   */
  static fromAttributes(attributes: Iterable<NameAttributeInit>): Name {
    return new Name(
      checkList(attributes, 'attributes', (item) => {
        if (item instanceof NameAttribute) return item;
        const { oid, value, type } = readOptions(item as NameAttributeInit, ATTRIBUTE_NAMES, 'attributes');
        return new NameAttribute(oid, value, type);
      }),
    );
  }

  /**
   * Reads a name from its DER (SEQUENCE OF SET OF AttributeTypeAndValue).
   *
   * @throws TypeError when it is not bytes; `ERR_OCSP_MALFORMED` when it is not exactly one name, or when a string does
   * not hold what its type allows.
   */
  static fromDer(bytes: Uint8Array): Name {
    return wholeName(copyBytes(checkBytes(bytes, 'bytes')));
  }

  static {
    keepBytes = (name, memory, start, end) => {
      name.#memory = memory;
      name.#start = start;
      name.#end = end;
      name.#list = undefined;
    };
  }

  get #rdns(): readonly RelativeDistinguishedName[] {
    this.#list ??= readRdns(this.#memory as Buffer, this.#start, this.#end);
    return this.#list;
  }

  /** The RDNs, from the root down. The array is frozen. */
  get rdns(): readonly RelativeDistinguishedName[] {
    return this.#rdns;
  }

  /** Number of attributes in all RDNs. */
  get length(): number {
    return this.#rdns.reduce((sum, rdn) => sum + rdn.length, 0);
  }

  /** All attributes, from the root down. */
  *[Symbol.iterator](): IterableIterator<NameAttribute> {
    for (const rdn of this.#rdns) yield* rdn;
  }

  /** The attributes with this type, from the root down. */
  getAttributesForOid(oid: string): NameAttribute[] {
    return [...this].filter((attribute) => attribute.oid === oid);
  }

  /**
   * The name as text, `CN=Example CA,O=Example,C=US`: the last RDN first (RFC 4514 section 2.1), multi-valued RDNs joined
   * with `+`, special characters escaped (section 2.4). Types outside the table of section 3 are dotted OIDs; their
   * strings stay readable (`1.2.840.113549.1.9.1=a@example.com`), which the grammar of section 3 admits. A value that is
   * not a string is `#` and the hex of its DER.
   */
  rfc4514String(): string {
    return this.#rdns
      .map((rdn) => rdn.rfc4514String())
      .reverse()
      .join(',');
  }

  /** DER of the name; for a name that was read, exactly the bytes it was read from. */
  publicBytes(): Buffer {
    return this.#memory === null
      ? encodeSequenceOf(this.#rdns.map((rdn) => rdn.publicBytes()))
      : copyBytes(this.#memory, this.#start, this.#end);
  }

  /** Same RDNs in the same order, see {@link RelativeDistinguishedName.equals}; the bytes may differ. */
  override equals(other: unknown): boolean {
    if (!this.isSameClass(other) || other.#rdns.length !== this.#rdns.length) return false;
    return this.#rdns.every((rdn, index) => rdn.equals(other.#rdns[index]));
  }

  /** The text of {@link Name.rfc4514String}. */
  override toJSON(): Json {
    return this.rfc4514String();
  }
}

/**
 * As {@link Name.fromDer}, of bytes that no one else can change: they are kept, not copied. Errors count bytes from `origin`.
 */
export function nameOver(memory: Buffer, start: number, end: number, origin: number = 0): Name {
  if (!isPlain(memory, start, end)) {
    const reader = new DerReader(memory.subarray(origin), start - origin, end - origin);
    const sequence = reader.enter(Tag.SEQUENCE, 'Name');
    reader.done('Name');
    while (!sequence.atEnd) eachAttribute(sequence, checkString);
  }
  const name = new Name(NO_RDNS);
  keepBytes(name, memory, start, end);
  return name;
}

function wholeName(der: Buffer): Name {
  return nameOver(der, 0, der.length);
}

function toRdn(item: unknown): RelativeDistinguishedName {
  if (item instanceof NameAttribute) return new RelativeDistinguishedName([item]);
  if (item instanceof RelativeDistinguishedName) return item;
  throw invalidArgType('rdns', 'an iterable of RelativeDistinguishedName or NameAttribute', item);
}

/**
 * Whether a name is such as nearly all are, and with nothing to object to: one attribute of arc 2.5.4 in each RDN, ASCII
 * text, and short lengths. `false` means nothing.
 */
function isPlain(der: Buffer, start: number, nameEnd: number): boolean {
  const header = der[start + 1] === 0x81 ? 3 : 2;
  const length = nameEnd - start - header;
  if (der[start] !== Tag.SEQUENCE || der[start + header - 1] !== length || length > 0x7f !== (header === 3))
    return false;
  let at = start + header;
  while (at < nameEnd) {
    // 31 size+9, 30 size+7, 06 03 55 04 xx, tag size text
    const size = der[at + 10] as number;
    const tag = der[at + 9];
    const end = at + 11 + size;
    if (
      !(size <= 0x7f - 9 && end <= nameEnd) ||
      der[at] !== Tag.SET ||
      der[at + 1] !== size + 9 ||
      der[at + 2] !== Tag.SEQUENCE ||
      der[at + 3] !== size + 7 ||
      der[at + 4] !== Tag.OID ||
      der[at + 5] !== 3 ||
      der[at + 6] !== 0x55 ||
      der[at + 7] !== 0x04 ||
      (der[at + 8] as number) >= 0x80 ||
      (tag !== ASN1StringType.UTF8String && tag !== ASN1StringType.PrintableString && tag !== ASN1StringType.IA5String)
    ) {
      return false;
    }
    for (at += 11; at < end; at++) if ((der[at] as number) >= 0x80) return false;
  }
  return true;
}

/** Reads the next element as a name. */
export function readName(reader: DerReader, what: string = 'Name'): Name {
  return wholeName(reader.copyTlv(reader.read(Tag.SEQUENCE, what)));
}

/** Reads the RDN at the reader, and hands over each attribute: its type, and where its value lies. */
function eachAttribute(reader: DerReader, take: (bytes: Uint8Array, value: Tlv, oid: string) => void): void {
  const set = reader.enter(Tag.SET, 'RelativeDistinguishedName');
  if (set.atEnd) throw malformed('empty RelativeDistinguishedName');
  while (!set.atEnd) {
    const sequence = set.enter(Tag.SEQUENCE, 'AttributeTypeAndValue');
    const oid = sequence.readOid('AttributeTypeAndValue.type');
    const value = sequence.readTlv('AttributeTypeAndValue.value');
    sequence.done('AttributeTypeAndValue');
    take(sequence.bytes, value, oid);
  }
}

/** The RDNs of a name that was checked when it was read. */
function readRdns(der: Buffer, start: number, end: number): readonly RelativeDistinguishedName[] {
  const sequence = new DerReader(der, start, end).enter(Tag.SEQUENCE, 'Name');
  const rdns: RelativeDistinguishedName[] = [];
  while (!sequence.atEnd) {
    const attributes: NameAttribute[] = [];
    eachAttribute(sequence, (bytes, { start, end }, oid) => {
      attributes.push(new NameAttribute(oid, copyBytes(bytes, start, end)));
    });
    rdns.push(new RelativeDistinguishedName(attributes));
  }
  return Object.freeze(rdns);
}
