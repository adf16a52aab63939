/** INTEGER's content bytes: two's complement, the shortest form (X.690 section 8.3). */
import { malformed } from '../errors.js';

/**
 * Value of the INTEGER content `[start, end)`: two's complement, most significant byte first, any size.
 *
 * @throws `ERR_OCSP_MALFORMED` when empty or padded (X.690 section 8.3.2).
 */
export function integerFromBytes(bytes: Uint8Array, start: number = 0, end: number = bytes.length): bigint {
  const first = bytes[start];
  if (end <= start || first === undefined) throw malformed(`empty INTEGER at byte ${start}`);
  const second = bytes[start + 1];
  if (end - start > 1 && second !== undefined) {
    const sign = second & 0x80;
    if ((first === 0 && sign === 0) || (first === 0xff && sign !== 0)) {
      throw malformed(`INTEGER at byte ${start} is not minimal`);
    }
  }
  const length = end - start;
  if (length <= 6) {
    let value = first & 0x80 ? first - 0x100 : first;
    for (let i = start + 1; i < end; i++) value = value * 0x100 + (bytes[i] as number);
    return BigInt(value);
  }
  const magnitude = length <= WORDS_SIZE ? magnitudeOf(bytes, start, end) : BigInt(`0x${hexOf(bytes, start, end)}`);
  return first & 0x80 ? BigInt.asIntN(length * 8, magnitude) : magnitude;
}

/** Three 64-bit words: serial numbers have at most 20 bytes (RFC 5280 section 4.1.2.2). */
const WORDS_SIZE = 24;
const words = new DataView(new ArrayBuffer(WORDS_SIZE));

/** Unsigned value of at most 24 bytes; half the cost of going through hexadecimal text. */
function magnitudeOf(bytes: Uint8Array, start: number, end: number): bigint {
  const shift = WORDS_SIZE - (end - start);
  for (let i = 0; i < shift; i++) words.setUint8(i, 0);
  for (let i = start; i < end; i++) words.setUint8(shift + i - start, bytes[i] as number);
  const low = words.getBigUint64(16);
  if (shift >= 16) return low;
  const middle = (words.getBigUint64(8) << 64n) | low;
  return shift >= 8 ? middle : (words.getBigUint64(0) << 128n) | middle;
}

function hexOf(bytes: Uint8Array, start: number, end: number): string {
  return bufferOver(bytes).toString('hex', start, end);
}

/** The same memory as a Buffer, which reads text faster. */
export function bufferOver(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Minimal two's complement of any integer: the content bytes of an INTEGER. */
export function integerToBytes(value: bigint): Buffer {
  // The magnitude of ~value is what a negative number needs bits for: -128 fits in one byte, as 127 does.
  const bits = (value < 0n ? ~value : value).toString(16).length * 4 + 1;
  let length = Math.ceil(bits / 8);
  let hex = BigInt.asUintN(length * 8, value)
    .toString(16)
    .padStart(length * 2, '0');
  // Counting in hex digits can be three bits too generous.
  if (length > 1 && (/^00[0-7]/.test(hex) || /^ff[89a-f]/.test(hex))) {
    hex = hex.slice(2);
    length -= 1;
  }
  const out = Buffer.alloc(length);
  out.write(hex, 'hex');
  return out;
}
