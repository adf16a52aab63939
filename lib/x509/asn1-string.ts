/** ASN.1's string types: their text, and their bytes. */
import { isUtf8 } from 'node:buffer';
import { invalidArgType, invalidValue, malformed } from '../errors.js';
import { checkText } from './checks.js';
import {
  asciiFromBytes,
  asciiToBytes,
  DerReader,
  encodeIa5String,
  encodePrintableString,
  encodeTlv,
  encodeUtf8String,
  type Tlv,
} from './der.js';

/** The string types an attribute value may have (X.680 section 41; RFC 5280 section 4.1.2.4); values are tag numbers. */
export enum ASN1StringType {
  UTF8String = 12,
  NumericString = 18,
  PrintableString = 19,
  /** Read as Latin-1, as OpenSSL does. */
  T61String = 20,
  IA5String = 22,
  VisibleString = 26,
  /** UTF-32, big-endian. */
  UniversalString = 28,
  /** UTF-16, big-endian. */
  BMPString = 30,
}

/** Refuses a value of a string type that does not hold what its type allows. */
export function checkString(bytes: Uint8Array, { tag, start, contentStart, end }: Tlv): void {
  // Nearly all names are ASCII, which is right in every one-octet type.
  let ascii = tag <= ASN1StringType.VisibleString;
  for (let at = contentStart; ascii && at < end; at++) ascii = (bytes[at] as number) < 0x80;
  if (!ascii) decodeString(new DerReader(bytes, start, end));
}

/** Text of the element at the reader, or null when it is not of a string type. */
export function decodeString(reader: DerReader): string | null {
  const { bytes } = reader;
  const { tag, contentStart, end } = reader.readTlv();
  const content = bytes.subarray(contentStart, end);
  switch (tag) {
    case ASN1StringType.UTF8String:
      return decodeUtf8(content);
    case ASN1StringType.BMPString:
      return decodeUtf16(content);
    case ASN1StringType.UniversalString:
      return decodeUtf32(content);
    case ASN1StringType.T61String:
      return Buffer.from(content).toString('latin1');
    // Characters such as '*' and '@' do occur in a PrintableString that OpenSSL accepts: only ASCII is checked.
    case ASN1StringType.PrintableString:
    case ASN1StringType.NumericString:
    case ASN1StringType.IA5String:
    case ASN1StringType.VisibleString:
      return asciiFromBytes(bytes, contentStart, end, ASN1StringType[tag]);
    default:
      return null;
  }
}

function decodeUtf8(content: Uint8Array): string {
  if (!isUtf8(content)) throw malformed('name attribute is not valid UTF-8');
  return Buffer.from(content).toString('utf8');
}

function decodeUtf16(content: Uint8Array): string {
  const text = content.length % 2 === 0 ? Buffer.from(content).swap16().toString('utf16le') : undefined;
  if (text === undefined || /\p{Surrogate}/u.test(text)) throw malformed('name attribute is not valid UTF-16');
  return text;
}

function decodeUtf32(content: Uint8Array): string {
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  if (content.length % 4 !== 0) throw malformed('name attribute is not valid UTF-32');
  const characters: string[] = [];
  for (let at = 0; at < content.length; at += 4) {
    const code = view.getUint32(at);
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw malformed('name attribute is not valid UTF-32');
    characters.push(String.fromCodePoint(code));
  }
  return characters.join('');
}

export function encodeString(text: string, type: ASN1StringType): Buffer {
  switch (type) {
    case ASN1StringType.UTF8String:
      return encodeUtf8String(text);
    case ASN1StringType.PrintableString:
      return encodePrintableString(text);
    case ASN1StringType.IA5String:
      return encodeIa5String(text);
    case ASN1StringType.VisibleString:
      if (!/^[ -~]*$/.test(text)) throw invalidValue(`not a VisibleString: '${text.slice(0, 64)}'`);
      return encodeTlv(type, asciiToBytes(text, 'VisibleString'));
    case ASN1StringType.NumericString:
      if (!/^[0-9 ]*$/.test(text)) throw invalidValue(`not a NumericString: '${text.slice(0, 64)}'`);
      return encodeTlv(type, asciiToBytes(text, 'NumericString'));
    case ASN1StringType.T61String:
      if (Array.from(text).some((character) => character > '\xff'))
        throw invalidValue(`not a T61String: '${text.slice(0, 64)}'`);
      return encodeTlv(type, Buffer.from(text, 'latin1'));
    case ASN1StringType.BMPString:
      return encodeTlv(type, Buffer.from(checkText(text, 'value'), 'utf16le').swap16());
    case ASN1StringType.UniversalString:
      return encodeTlv(type, encodeUtf32(checkText(text, 'value')));
    default:
      if (typeof type !== 'number') throw invalidArgType('type', 'a member of ASN1StringType', type);
      throw invalidValue(`type is not a member of ASN1StringType: ${String(type)}`);
  }
}

function encodeUtf32(text: string): Buffer {
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const out = Buffer.alloc(codes.length * 4);
  for (const [index, code] of codes.entries()) out.writeUInt32BE(code, index * 4);
  return out;
}

/** RFC 4514 section 2.4. */
export function escapeText(text: string): string {
  let escaped = text.replace(/[\\"+,;<>]/g, '\\$&').replaceAll('\0', '\\00');
  if (escaped.startsWith('#') || (escaped.startsWith(' ') && escaped.length > 1)) escaped = `\\${escaped}`;
  return escaped.endsWith(' ') ? `${escaped.slice(0, -1)}\\ ` : escaped;
}
