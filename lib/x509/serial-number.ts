/** Serial numbers: one reader and one printer, for all that comes in and goes out. */
import { invalidArgType, invalidValue } from '../errors.js';
import { integerToBytes } from './integer.js';

/**
 * A serial number: a bigint, or hexadecimal digits in either case, as `X509Certificate` and
 * OpenSSL have them: after `0x` or not, with a colon, hyphen or space between bytes or without, after `-` when it is negative.
 */
export type SerialNumberInput = bigint | string;

/** Sign, digits without separators or with the same one between bytes. */
const HEXADECIMAL = /^(-?)(?:0x)?([0-9a-f]+|[0-9a-f]{1,2}(?:(?::[0-9a-f]{2})+|(?:-[0-9a-f]{2})+|(?: [0-9a-f]{2})+))$/i;
/** With the separators of as many bytes. No one has a longer one, and what is longer is not worth the time. */
const LONGEST_TEXT = 200_000;

/** Sign and upper-case digits, no leading zeros: equal for equal numbers. undefined when the text is no serial number. */
export function serialFromText(text: string): string | undefined {
  if (text.length > LONGEST_TEXT) return undefined;
  const [, sign, digits] = HEXADECIMAL.exec(text.trim()) ?? [];
  if (digits === undefined) return undefined;
  const bare = digits
    .replace(/[-: ]/g, '')
    .replace(/^0+(?=.)/, '')
    .toUpperCase();
  return bare === '0' ? bare : `${sign}${bare}`;
}

/**
 * Content bytes of the INTEGER.
 *
 * @throws TypeError when it is none of the kinds; `ERR_OCSP_INVALID_VALUE` for text that is no serial number.
 */
export function serialToBytes(value: unknown, name: string = 'serialNumber'): Buffer {
  if (typeof value === 'bigint') return integerToBytes(value);
  if (typeof value !== 'string') {
    throw invalidArgType(name, 'a bigint or a string of hexadecimal digits', value);
  }
  const text = serialFromText(value);
  if (text === undefined) throw invalidValue(`${name} is not hexadecimal: '${value.slice(0, 64)}'`);
  return textToBytes(text);
}

/** Of what {@link serialFromText} gave. Without big integers: the time grows with the length only. */
function textToBytes(text: string): Buffer {
  const negative = text.startsWith('-');
  const digits = negative ? text.slice(1) : text;
  const magnitude = Buffer.from(`00${digits.length % 2 === 1 ? '0' : ''}${digits}`, 'hex');
  if (negative) negate(magnitude);
  const first = magnitude[1] as number;
  // The byte in front is there for the sign only.
  const spare = negative ? first >= 0x80 : first < 0x80;
  return spare ? magnitude.subarray(1) : magnitude;
}

/** Two's complement, in place. */
function negate(bytes: Buffer): void {
  let carry = 1;
  for (let i = bytes.length - 1; i >= 0; i--) {
    const octet = (~(bytes[i] as number) & 0xff) + carry;
    bytes[i] = octet & 0xff;
    carry = octet >> 8;
  }
}

/**
 * The serial number of these content bytes in upper-case hexadecimal digits, two for each byte, after `-` when it is negative:
 * the form of `X509Certificate.serialNumber`.
 */
export function serialToText(bytes: Uint8Array): string {
  const negative = (bytes[0] as number) >= 0x80;
  const magnitude = Buffer.from(bytes);
  if (negative) negate(magnitude);
  const spare = magnitude.length > 1 && magnitude[0] === 0 ? 1 : 0;
  return `${negative ? '-' : ''}${magnitude.toString('hex', spare).toUpperCase()}`;
}
