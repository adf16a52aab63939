import { invalidArgType, invalidValue } from '../../errors.js';

/** A serial number: a bigint, hexadecimal digits, or the octets of its magnitude, most significant first. */
export type SerialKey = bigint | string | Uint8Array;

/** Octets of the longest serial number that a store takes. RFC 5280 allows 20; some authorities have gone beyond. */
export const LONGEST_KEY = 255;

/**
 * The octets of a serial number without leading zeros: equal for equal numbers, and ordered by length, then by content,
 * as the numbers are. The result may be a view on the argument.
 *
 * @throws TypeError when it is none of the kinds; `ERR_OCSP_INVALID_VALUE` when it is negative, not hexadecimal, or too long.
 */
export function serialKey(serial: SerialKey): Uint8Array {
  if (typeof serial === 'string') return fromHex(serial);
  if (typeof serial === 'bigint') {
    if (serial < 0n) throw invalidValue('serial is negative');
    return fromHex(serial.toString(16));
  }
  if (!(serial instanceof Uint8Array)) {
    throw invalidArgType('serial', 'a bigint, a string of hexadecimal digits, or a Uint8Array', serial);
  }
  let start = 0;
  while (start < serial.length - 1 && serial[start] === 0) start += 1;
  if (serial.length === 0) throw invalidValue('serial is empty');
  if (serial.length - start > LONGEST_KEY) throw tooLong();
  return start === 0 ? serial : serial.subarray(start);
}

function fromHex(digits: string): Uint8Array {
  if (digits.length > 2 * LONGEST_KEY + 2) throw tooLong();
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  // Node stops at the first character that is no digit.
  if (bytes.length === 0 || bytes.length * 2 < digits.length) {
    throw invalidValue('serial is not a string of hexadecimal digits');
  }
  return bytes[0] === 0 ? serialKey(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)) : bytes;
}

function tooLong(): Error {
  return invalidValue(`serial is longer than ${LONGEST_KEY} octets`);
}

/** Upper-case hexadecimal digits, two for each octet: the form of `X509Certificate.serialNumber`. */
export function serialHex(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('hex').toUpperCase();
}
