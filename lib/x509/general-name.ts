import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import { invalidArgType, invalidValue, malformed } from '../errors.js';
import { checkText } from './checks.js';
import {
  asciiFromBytes,
  asciiToBytes,
  checkDerElement,
  contextTag,
  copyBytes,
  DerReader,
  encodeOid,
  encodeTlv,
} from './der.js';
import { Name, readName } from './name.js';
import { checkOid, oidFromBytes, oidToBytes } from './oids.js';
import { type Json, ValueObject } from './value-object.js';

/** The choices of GeneralName (RFC 5280 section 4.2.1.6), each tagged with its place in this list. */
const CHOICES = [
  'otherName',
  'rfc822Name',
  'dNSName',
  'x400Address',
  'directoryName',
  'ediPartyName',
  'uniformResourceIdentifier',
  'iPAddress',
  'registeredID',
] as const;

/** Name of a GeneralName choice, as RFC 5280 spells it. */
export type GeneralNameType = (typeof CHOICES)[number];

/** Tells the classes apart by `type`; `value` has the content. */
export type GeneralName =
  | OtherName
  | RFC822Name
  | DNSName
  | X400Address
  | DirectoryName
  | EDIPartyName
  | UniformResourceIdentifier
  | IPAddress
  | RegisteredID;

const CONSTRUCTED: ReadonlySet<GeneralNameType> = new Set<GeneralNameType>([
  'otherName',
  'x400Address',
  'directoryName',
  'ediPartyName',
]);

function tagOf(type: GeneralNameType): number {
  return contextTag(CHOICES.indexOf(type), CONSTRUCTED.has(type));
}

abstract class GeneralNameBase extends ValueObject {
  /** Which choice of GeneralName this is. */
  abstract readonly type: GeneralNameType;

  /** DER of the GeneralName, with its context tag. */
  abstract publicBytes(): Buffer;

  /** Same choice with the same content. */
  override equals(other: unknown): boolean {
    return this.isSameClass(other) && other.publicBytes().equals(this.publicBytes());
  }
}

abstract class TextName extends GeneralNameBase {
  readonly #value: string;

  /**
   * @param value - ASCII: internationalised names go in their encoded form (RFC 5280 section 7)
   * @throws TypeError when it is not a string; `ERR_OCSP_INVALID_VALUE` for a character outside ASCII.
   */
  constructor(value: string) {
    super();
    asciiToBytes(checkText(value, 'value'), 'value');
    this.#value = value;
  }

  /** The text. A NUL within is kept, so that `good.example\0.evil.example` never passes for `good.example`. */
  get value(): string {
    return this.#value;
  }

  override publicBytes(): Buffer {
    return encodeTlv(tagOf(this.type), asciiToBytes(this.#value, 'value'));
  }

  override toJSON(): Json {
    return { type: this.type, value: this.#value };
  }
}

abstract class OpaqueName extends GeneralNameBase {
  readonly #der: Buffer;

  constructor(value: Uint8Array, type: GeneralNameType) {
    super();
    this.#der = checkDerElement(value, 'value');
    if (this.#der[0] !== tagOf(type)) throw invalidValue(`value is not the DER of ${type}`);
  }

  /** DER of the GeneralName, with its context tag: nothing in PKIX looks inside. */
  get value(): Buffer {
    return copyBytes(this.#der);
  }

  override publicBytes(): Buffer {
    return this.value;
  }

  override toJSON(): Json {
    return { type: this.type, value: this.#der.toString('hex') };
  }
}

/** A DNS name, as in `new DNSName('example.com')`. */
export class DNSName extends TextName {
  override get type(): 'dNSName' {
    return 'dNSName';
  }
}

/** An e-mail address, as in `new RFC822Name('a@example.com')`. */
export class RFC822Name extends TextName {
  override get type(): 'rfc822Name' {
    return 'rfc822Name';
  }
}

/** A URI, as in `new UniformResourceIdentifier('http://ocsp.example.com')`. */
export class UniformResourceIdentifier extends TextName {
  override get type(): 'uniformResourceIdentifier' {
    return 'uniformResourceIdentifier';
  }
}

/** An X.400 address, kept as it is. */
export class X400Address extends OpaqueName {
  /**
   * @param value - DER of the GeneralName, with its context tag
   * @throws TypeError when it is not bytes; `ERR_OCSP_INVALID_VALUE` when it is not one element with that tag.
   */
  constructor(value: Uint8Array) {
    super(value, 'x400Address');
  }

  override get type(): 'x400Address' {
    return 'x400Address';
  }
}

/** An EDI party name, kept as it is. */
export class EDIPartyName extends OpaqueName {
  /**
   * @param value - DER of the GeneralName, with its context tag
   * @throws TypeError when it is not bytes; `ERR_OCSP_INVALID_VALUE` when it is not one element with that tag.
   */
  constructor(value: Uint8Array) {
    super(value, 'ediPartyName');
  }

  override get type(): 'ediPartyName' {
    return 'ediPartyName';
  }
}

/** A distinguished name. */
export class DirectoryName extends GeneralNameBase {
  readonly #value: Name;

  /** @throws TypeError when it is not a {@link Name}. */
  constructor(value: Name) {
    super();
    if (!(value instanceof Name)) throw invalidArgType('value', 'an instance of Name', value);
    this.#value = value;
  }

  override get type(): 'directoryName' {
    return 'directoryName';
  }

  /** The name. */
  get value(): Name {
    return this.#value;
  }

  // Name is a CHOICE, so its tag is explicit even where tags are implicit (X.680 section 31.2.7).
  override publicBytes(): Buffer {
    return encodeTlv(tagOf(this.type), this.#value.publicBytes());
  }

  /** Names are compared by content, not by bytes, see {@link Name.equals}. */
  override equals(other: unknown): boolean {
    return this.isSameClass(other) && other.#value.equals(this.#value);
  }

  override toJSON(): Json {
    return { type: this.type, value: this.#value.toJSON() };
  }
}

/** An IPv4 or IPv6 address. */
export class IPAddress extends GeneralNameBase {
  readonly #octets: Buffer;

  /**
   * @param value - the address as text, `192.0.2.1` or `2001:db8::1`
   * @throws TypeError when it is not a string; `ERR_OCSP_INVALID_VALUE` when it is not an address.
   */
  constructor(value: string) {
    super();
    this.#octets = ipToOctets(checkText(value, 'value'));
  }

  override get type(): 'iPAddress' {
    return 'iPAddress';
  }

  /** The address as text; IPv6 in the short form of RFC 5952. */
  get value(): string {
    return ipFromOctets(this.#octets);
  }

  override publicBytes(): Buffer {
    return encodeTlv(tagOf(this.type), this.#octets);
  }

  override toJSON(): Json {
    return { type: this.type, value: this.value };
  }
}

/** A registered OID. */
export class RegisteredID extends GeneralNameBase {
  readonly #value: string;

  /** @throws TypeError when it is not a string; `ERR_OCSP_INVALID_VALUE` when it is not a dotted OID. */
  constructor(value: string) {
    super();
    this.#value = checkOid(value, 'value');
  }

  override get type(): 'registeredID' {
    return 'registeredID';
  }

  /** The dotted OID. */
  get value(): string {
    return this.#value;
  }

  override publicBytes(): Buffer {
    return encodeTlv(tagOf(this.type), oidToBytes(this.#value));
  }

  override toJSON(): Json {
    return { type: this.type, value: this.#value };
  }
}

/** A name of a type that an OID names, such as a Microsoft user principal name. */
export class OtherName extends GeneralNameBase {
  readonly #typeId: string;
  readonly #value: Buffer;

  /**
   * @param typeId - dotted OID that says what `value` is
   * @param value - DER of one element
   * @throws TypeError for wrong types; `ERR_OCSP_INVALID_VALUE` when `typeId` is not an OID or `value` not one element.
   */
  constructor(typeId: string, value: Uint8Array) {
    super();
    this.#typeId = checkOid(typeId, 'typeId');
    this.#value = checkDerElement(value, 'value');
  }

  override get type(): 'otherName' {
    return 'otherName';
  }

  /** Dotted OID that says what the value is. */
  get typeId(): string {
    return this.#typeId;
  }

  /** DER of the value. */
  get value(): Buffer {
    return copyBytes(this.#value);
  }

  override publicBytes(): Buffer {
    return encodeTlv(tagOf(this.type), encodeOid(this.#typeId), encodeTlv(contextTag(0), this.#value));
  }

  override toJSON(): Json {
    return { type: this.type, typeId: this.#typeId, value: this.#value.toString('hex') };
  }
}

const CLASSES = [
  OtherName,
  RFC822Name,
  DNSName,
  X400Address,
  DirectoryName,
  EDIPartyName,
  UniformResourceIdentifier,
  IPAddress,
  RegisteredID,
] as const;

/**
 * Reads the next element as a GeneralName.
 *
 * @throws `ERR_OCSP_MALFORMED` for an unknown tag or content that does not fit it.
 */
export function readGeneralName(reader: DerReader): GeneralName {
  const { bytes } = reader;
  const element = reader.readTlv('GeneralName');
  const { tag, start, contentStart, end } = element;
  const type = CHOICES.find((choice) => tagOf(choice) === tag);
  switch (type) {
    case 'otherName':
      return readOtherName(new DerReader(bytes, contentStart, end));
    case 'rfc822Name':
      return new RFC822Name(asciiFromBytes(bytes, contentStart, end, type));
    case 'dNSName':
      return new DNSName(asciiFromBytes(bytes, contentStart, end, type));
    case 'x400Address':
      return new X400Address(reader.copyTlv(element));
    case 'directoryName': {
      const content = new DerReader(bytes, contentStart, end);
      const name = readName(content, type);
      content.done(type);
      return new DirectoryName(name);
    }
    case 'ediPartyName':
      return new EDIPartyName(reader.copyTlv(element));
    case 'uniformResourceIdentifier':
      return new UniformResourceIdentifier(asciiFromBytes(bytes, contentStart, end, type));
    case 'iPAddress':
      if (end - contentStart !== 4 && end - contentStart !== 16) {
        throw malformed(`iPAddress at byte ${start}: ${end - contentStart} bytes, 4 or 16 expected`);
      }
      return new IPAddress(ipFromOctets(bytes.subarray(contentStart, end)));
    case 'registeredID':
      return new RegisteredID(oidFromBytes(bytes, contentStart, end));
    default:
      throw malformed(`GeneralName at byte ${start}: unknown tag 0x${tag.toString(16)}`);
  }
}

/**
 * Checks an argument that has to be a GeneralName.
 *
 * @throws TypeError when it is not an instance of one of the classes.
 */
export function checkGeneralName(value: unknown, name: string): GeneralName {
  if (!CLASSES.some((type) => value instanceof type)) throw invalidArgType(name, 'a GeneralName', value);
  return value as GeneralName;
}

function readOtherName(reader: DerReader): OtherName {
  const typeId = reader.readOid('otherName.type-id');
  const explicit = reader.enter(contextTag(0), 'otherName.value');
  const value = explicit.copyTlv(explicit.readTlv('otherName.value'));
  explicit.done('otherName.value');
  reader.done('otherName');
  return new OtherName(typeId, value);
}

function ipToOctets(address: string): Buffer {
  if (isIPv4(address)) return copyBytes(Uint8Array.from(address.split('.'), Number));
  // isIPv6 lets a zone such as %eth0 pass; it means nothing outside one host.
  if (!isIPv6(address) || address.includes('%')) throw invalidValue(`not an IP address: '${address.slice(0, 64)}'`);
  const hextets = address.replace(/\d+\.\d+\.\d+\.\d+$/, (tail) => {
    const [a = 0, b = 0, c = 0, d = 0] = tail.split('.').map(Number);
    return `${(a * 0x100 + b).toString(16)}:${(c * 0x100 + d).toString(16)}`;
  });
  const [head = [], tail = []] = hextets.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const groups = [...head, ...new Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  const octets = Buffer.alloc(16);
  for (const [index, group] of groups.entries()) octets.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  return octets;
}

function ipFromOctets(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.');
  const hex = Buffer.from(octets).toString('hex');
  return new SocketAddress({ family: 'ipv6', address: hex.replace(/.{4}(?!$)/g, '$&:') }).address;
}
