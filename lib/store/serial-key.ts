import { types } from 'node:util';
import { invalidArgType, invalidValue } from '../errors.js';
import { type SerialNumberInput, serialFromText, serialToBytes, serialToText } from '../x509/serial-number.js';

/** A serial number; or the bytes of one that is not negative, most significant first, or of a key that the store gave. */
export type SerialKey = SerialNumberInput | Uint8Array;

/** Bytes of the longest serial number that a store takes. RFC 5280 allows 20; some authorities have gone beyond. */
export const LONGEST_KEY = 255;

/**
 * Keys are numbers that are not negative. For -n stands 2^256 + n, and nothing else does: no authority has a serial number that is
 * as large, twelve bytes more than RFC 5280 allows.
 */
const NEGATIVE_KEY = 33;
const NEGATIVE_MARK = 1;

/**
 * The bytes of a serial number without leading zeros: equal for equal numbers, and ordered by length, then by content,
 * as the numbers are; negative ones come behind those of 32 bytes. The result may be a view on the argument.
 *
 * @throws TypeError when it is none of the kinds; `ERR_OCSP_INVALID_VALUE` when it is not hexadecimal, or too long.
 */
export function serialKey(serial: SerialKey): Uint8Array {
  if (types.isUint8Array(serial)) return withoutZeros(serial);
  if (typeof serial === 'string') {
    if (BARE_DIGITS.test(serial)) {
      if (serial.length > 2 * LONGEST_KEY + 2) throw tooLong();
      return positiveKey(octetsOf(serial));
    }
    const text = serialFromText(serial);
    if (text === undefined) throw invalidValue('serial is not a string of hexadecimal digits');
    if (text.startsWith('-')) return negativeKey(octetsOf(text.slice(1)));
    return serialKey(text);
  }
  if (typeof serial !== 'bigint') {
    throw invalidArgType('serial', 'a bigint, a string of hexadecimal digits, or a Uint8Array', serial);
  }
  return serialKey(serialToText(serialToBytes(serial, 'serial')));
}

const BARE_DIGITS = /^[0-9a-f]+$/i;

function octetsOf(digits: string): Buffer {
  return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
}

function positiveKey(octets: Uint8Array): Uint8Array {
  const key = withoutZeros(octets);
  if (isNegative(key)) throw invalidValue('serial is from 2^256 to 2^257, where keys of negative serial numbers are');
  return key;
}

function withoutZeros(octets: Uint8Array): Uint8Array {
  let start = 0;
  while (start < octets.length - 1 && octets[start] === 0) start += 1;
  if (octets.length === 0) throw invalidValue('serial is empty');
  if (octets.length - start > LONGEST_KEY) throw tooLong();
  return start === 0 ? octets : octets.subarray(start);
}

function negativeKey(magnitude: Uint8Array): Uint8Array {
  if (magnitude.length >= NEGATIVE_KEY)
    throw invalidValue(`serial is negative, and longer than ${NEGATIVE_KEY - 1} bytes`);
  const key = Buffer.alloc(NEGATIVE_KEY);
  key[0] = NEGATIVE_MARK;
  key.set(magnitude, NEGATIVE_KEY - magnitude.length);
  return key;
}

/** Whether bytes without leading zeros are the key of a negative serial number, and no serial number themselves. */
export function isNegative(bytes: Uint8Array, start: number = 0, end: number = bytes.length): boolean {
  return end - start === NEGATIVE_KEY && bytes[start] === NEGATIVE_MARK;
}

function tooLong(): Error {
  return invalidValue(`serial is longer than ${LONGEST_KEY} bytes`);
}

/** Upper-case hexadecimal digits, two for each byte, after `-` when negative: the form of `X509Certificate.serialNumber`. */
export function serialHex(key: Uint8Array): string {
  const hex = Buffer.from(key.buffer, key.byteOffset, key.length).toString('hex').toUpperCase();
  return isNegative(key) ? `-${hex.slice(2).replace(/^(?:00)+(?=..)/, '')}` : hex;
}
