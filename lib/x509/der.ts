import { invalidValue, malformed } from '../errors.js';
import { checkBytes, checkText } from './checks.js';
import { bufferOver, integerFromBytes, integerToBytes } from './integer.js';
import { oidFromBytes, oidToBytes } from './oids.js';
import { formatGeneralizedTime, parseGeneralizedTime } from './time.js';

export { checkBytes } from './checks.js';

/** Identifier bytes of the universal types in use (X.690 section 8.1.2). */
export const Tag = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OID: 0x06,
  ENUMERATED: 0x0a,
  UTF8_STRING: 0x0c,
  NUMERIC_STRING: 0x12,
  PRINTABLE_STRING: 0x13,
  T61_STRING: 0x14,
  IA5_STRING: 0x16,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  VISIBLE_STRING: 0x1a,
  UNIVERSAL_STRING: 0x1c,
  BMP_STRING: 0x1e,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const;

/** Identifier byte of a context-specific tag below 31; constructed unless said otherwise. */
export function contextTag(number: number, constructed: boolean = true): number {
  return (constructed ? 0xa0 : 0x80) | number;
}

/** Where one element lies; positions count from the beginning of the reader's bytes. */
export interface Tlv {
  /** Identifier bytes, as one big-endian number: `0x30`, or `0xbf8101` for [129] in the long form. */
  readonly tag: number;
  /** First identifier byte. */
  readonly start: number;
  /** First content byte. */
  readonly contentStart: number;
  /** One past the last content byte. */
  readonly end: number;
}

/**
 * A cursor over DER. It never recurses and never copies; every refusal is `ERR_OCSP_MALFORMED` with the offset.
 * Lengths are definite and minimal (X.690 section 10.1).
 */
export class DerReader {
  readonly bytes: Uint8Array;
  readonly #end: number;
  #position: number;

  constructor(bytes: Uint8Array, start: number = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.#position = start;
    this.#end = end;
  }

  /** Whether everything has been read. */
  get atEnd(): boolean {
    return this.#position >= this.#end;
  }

  /** First identifier byte of the next element, or undefined at the end. */
  peekTag(): number | undefined {
    return this.atEnd ? undefined : this.bytes[this.#position];
  }

  /** Reads the next element, whatever it is. `what` names it in the error. */
  readTlv(what: string = 'element'): Tlv {
    const start = this.#position;
    const tag = this.#readTag(what);
    const length = this.#readLength(what);
    const contentStart = this.#position;
    if (length > this.#end - contentStart) {
      throw malformed(`${what} at byte ${start}: ${length} bytes announced, ${this.#end - contentStart} left`);
    }
    this.#position = contentStart + length;
    return { tag, start, contentStart, end: this.#position };
  }

  /** Reads the next element, which has to have this tag. */
  read(tag: number, what: string = 'element'): Tlv {
    const next = this.peekTag();
    if (next !== undefined && next !== tag) {
      throw malformed(`${what} at byte ${this.#position}: tag ${hexTag(tag)} expected, found ${hexTag(next)}`);
    }
    return this.readTlv(what);
  }

  /** Reads the next element if it has this tag. */
  optional(tag: number, what: string = 'element'): Tlv | undefined {
    return this.peekTag() === tag ? this.readTlv(what) : undefined;
  }

  /** Reads the next element, which has to have this tag, and returns a reader of its content. */
  enter(tag: number, what: string = 'element'): DerReader {
    const { contentStart, end } = this.read(tag, what);
    return new DerReader(this.bytes, contentStart, end);
  }

  /** Reads an OBJECT IDENTIFIER as a dotted string. */
  readOid(what: string = 'OBJECT IDENTIFIER'): string {
    const { contentStart, end } = this.read(Tag.OID, what);
    return oidFromBytes(this.bytes, contentStart, end);
  }

  /** Reads an INTEGER of any size. */
  readInteger(what: string = 'INTEGER'): bigint {
    const { contentStart, end } = this.read(Tag.INTEGER, what);
    return integerFromBytes(this.bytes, contentStart, end);
  }

  /** Reads an OCTET STRING as a copy of its content. */
  readOctetString(what: string = 'OCTET STRING'): Buffer {
    return this.copyContent(this.read(Tag.OCTET_STRING, what));
  }

  /** Reads a GeneralizedTime of the form `YYYYMMDDHHMMSSZ`. */
  readGeneralizedTime(what: string = 'GeneralizedTime'): Date {
    const { contentStart, end } = this.read(Tag.GENERALIZED_TIME, what);
    return parseGeneralizedTime(this.bytes, contentStart, end);
  }

  /** Reads a NULL. */
  readNull(what: string = 'NULL'): void {
    const { start, contentStart, end } = this.read(Tag.NULL, what);
    if (end !== contentStart) throw malformed(`${what} at byte ${start}: NULL with content`);
  }

  /** A copy of an element's content bytes. */
  copyContent({ contentStart, end }: Tlv): Buffer {
    return copyBytes(this.bytes, contentStart, end);
  }

  /** A copy of a whole element. */
  copyTlv({ start, end }: Tlv): Buffer {
    return copyBytes(this.bytes, start, end);
  }

  /** Refuses what is left over. */
  done(what: string = 'value'): void {
    if (!this.atEnd) {
      throw malformed(`${what}: ${this.#end - this.#position} unexpected bytes at byte ${this.#position}`);
    }
  }

  #octet(what: string): number {
    const octet = this.bytes[this.#position];
    if (this.atEnd || octet === undefined) throw malformed(`${what}: data ends at byte ${this.#position}`);
    this.#position += 1;
    return octet;
  }

  #readTag(what: string): number {
    const start = this.#position;
    let tag = this.#octet(what);
    if ((tag & 0x1f) !== 0x1f) return tag;
    // The long form (X.690 8.1.2.4) occurs only where any type may stand; two bytes of number are beyond any use.
    let octet = this.#octet(what);
    const first = octet;
    tag = tag * 0x100 + octet;
    if (octet >= 0x80) {
      octet = this.#octet(what);
      tag = tag * 0x100 + octet;
    }
    if (octet >= 0x80 || first < 0x1f || first === 0x80) throw malformed(`${what} at byte ${start}: bad tag number`);
    return tag;
  }

  #readLength(what: string): number {
    const start = this.#position;
    const first = this.#octet(what);
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0) throw malformed(`${what}: indefinite length at byte ${start}`);
    // Six bytes stay exact in a double; no message is as long as that.
    if (count > 6) throw malformed(`${what}: length of ${count} bytes at byte ${start}`);
    let length = 0;
    for (let i = 0; i < count; i += 1) length = length * 0x100 + this.#octet(what);
    if (length < 0x80 || length < 0x100 ** (count - 1)) {
      throw malformed(`${what}: length at byte ${start} is not minimal`);
    }
    return length;
  }
}

/** Wraps contents, one after another, in one tag below 31 and a length. */
export function encodeTlv(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const content of contents) length += content.length;
  let lengthOctets = 0;
  if (length >= 0x80) for (let rest = length; rest > 0; rest = Math.floor(rest / 0x100)) lengthOctets += 1;
  let position = 2 + lengthOctets;
  const out = Buffer.alloc(position + length);
  out[0] = tag;
  out[1] = lengthOctets === 0 ? length : 0x80 | lengthOctets;
  for (let at = position - 1, rest = length; at > 1; at -= 1, rest = Math.floor(rest / 0x100)) out[at] = rest % 0x100;
  for (const content of contents) {
    out.set(content, position);
    position += content.length;
  }
  return out;
}

/** SEQUENCE of encoded fields. */
export function encodeSequence(...fields: readonly Uint8Array[]): Buffer {
  return encodeTlv(Tag.SEQUENCE, ...fields);
}

/** SEQUENCE OF encoded elements. Not variadic: a list from a hostile message may be longer than the stack is deep. */
export function encodeSequenceOf(elements: readonly Uint8Array[]): Buffer {
  return encodeTlv(Tag.SEQUENCE, Buffer.concat(elements));
}

/** SET OF encoded elements, in the order that X.690 section 11.6 demands. */
export function encodeSetOf(elements: readonly Uint8Array[]): Buffer {
  return encodeTlv(Tag.SET, Buffer.concat([...elements].sort(Buffer.compare)));
}

/** OBJECT IDENTIFIER. */
export function encodeOid(dotted: string): Buffer {
  return encodeTlv(Tag.OID, oidToBytes(dotted));
}

/** INTEGER. */
export function encodeInteger(value: bigint | number): Buffer {
  return encodeTlv(Tag.INTEGER, integerToBytes(BigInt(value)));
}

/** ENUMERATED. */
export function encodeEnumerated(value: number): Buffer {
  return encodeTlv(Tag.ENUMERATED, integerToBytes(BigInt(value)));
}

/** OCTET STRING. */
export function encodeOctetString(bytes: Uint8Array): Buffer {
  return encodeTlv(Tag.OCTET_STRING, bytes);
}

/** BIT STRING whose last byte has `unused` unused bits. */
export function encodeBitString(bytes: Uint8Array, unused: number = 0): Buffer {
  return encodeTlv(Tag.BIT_STRING, Uint8Array.of(unused), bytes);
}

/** NULL. */
export function encodeNull(): Buffer {
  return encodeTlv(Tag.NULL);
}

/** BOOLEAN. */
export function encodeBoolean(value: boolean): Buffer {
  return encodeTlv(Tag.BOOLEAN, Uint8Array.of(value ? 0xff : 0));
}

/** GeneralizedTime `YYYYMMDDHHMMSSZ`; the date has passed `checkDate`. */
export function encodeGeneralizedTime(date: Date): Buffer {
  return encodeTlv(Tag.GENERALIZED_TIME, Buffer.from(formatGeneralizedTime(date), 'latin1'));
}

/**
 * UTCTime `YYMMDDHHMMSSZ`.
 *
 * @throws `ERR_OCSP_INVALID_VALUE` outside 1950 to 2049, which two digits stand for (RFC 5280 section 4.1.2.5.1).
 */
export function encodeUtcTime(date: Date): Buffer {
  const year = date.getUTCFullYear();
  if (!(year >= 1950 && year < 2050)) throw invalidValue(`UTCTime cannot carry the year ${year}`);
  return encodeTlv(Tag.UTC_TIME, Buffer.from(formatGeneralizedTime(date).slice(2), 'latin1'));
}

/**
 * UTF8String.
 *
 * @throws `ERR_OCSP_INVALID_VALUE` for half a surrogate pair, which UTF-8 cannot carry.
 */
export function encodeUtf8String(text: string): Buffer {
  return encodeTlv(Tag.UTF8_STRING, Buffer.from(checkText(text, 'UTF8String'), 'utf8'));
}

/**
 * PrintableString.
 *
 * @throws `ERR_OCSP_INVALID_VALUE` for characters outside its set (X.680 table 10).
 */
export function encodePrintableString(text: string): Buffer {
  if (!/^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text)) throw invalidValue(`not a PrintableString: '${text.slice(0, 64)}'`);
  return encodeTlv(Tag.PRINTABLE_STRING, Buffer.from(text, 'latin1'));
}

/**
 * IA5String.
 *
 * @throws `ERR_OCSP_INVALID_VALUE` for characters outside ASCII.
 */
export function encodeIa5String(text: string): Buffer {
  return encodeTlv(Tag.IA5_STRING, asciiToBytes(text, 'IA5String'));
}

/**
 * One byte for each ASCII character.
 *
 * @throws `ERR_OCSP_INVALID_VALUE` for any other character. `what` names the text.
 */
export function asciiToBytes(text: string, what: string): Buffer {
  if (/\P{ASCII}/u.test(text)) throw invalidValue(`${what} has a character outside ASCII: '${text.slice(0, 64)}'`);
  return copyBytes(Buffer.from(text, 'latin1'));
}

/**
 * Text of the bytes `[start, end)`, all of them ASCII; NUL is a character like any other.
 *
 * @throws `ERR_OCSP_MALFORMED` for a byte above 0x7f. `what` names the text.
 */
export function asciiFromBytes(bytes: Uint8Array, start: number, end: number, what: string): string {
  for (let at = start; at < end; at++) {
    if ((bytes[at] as number) > 0x7f) throw malformed(`${what} at byte ${at}: byte outside ASCII`);
  }
  return bufferOver(bytes).toString('latin1', start, end);
}

/** A `Buffer` on memory that no one shares: what the types of `fetch` and `Response` take as a body. */
export type OwnBuffer = ReturnType<typeof Buffer.alloc>;

/** A copy of `[start, end)` on memory of its own: Node's pooled buffers would expose their neighbours. */
export function copyBytes(bytes: Uint8Array, start: number = 0, end: number = bytes.length): OwnBuffer {
  const length = end - start;
  const out = Buffer.alloc(length);
  // Hashes and the like are copied faster by hand than through a view. (And a detached array, which looks empty, has none.)
  if (length <= 64) {
    for (let i = 0; i < length; i++) out[i] = bytes[start + i] as number;
  } else {
    out.set(bytes.subarray(start, end));
  }
  return out;
}

/**
 * Checks an argument that has to be the DER of one element, and returns a copy.
 *
 * @throws TypeError when it is not a Uint8Array; `ERR_OCSP_INVALID_VALUE` when it is not exactly one element.
 */
export function checkDerElement(value: unknown, name: string): Buffer {
  const der = copyBytes(checkBytes(value, name));
  const reader = new DerReader(der);
  try {
    reader.readTlv(name);
    reader.done(name);
  } catch (cause) {
    throw invalidValue(`${name} is not the DER of one element`, { cause });
  }
  return der;
}

function hexTag(tag: number): string {
  return `0x${tag.toString(16).padStart(2, '0')}`;
}
