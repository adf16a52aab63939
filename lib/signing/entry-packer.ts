/** Status entries in the packed form that the native signer reads (native/core/signing_pool.h). */
import type { SingleResponseTuple } from '../../typings/binding.js';
import { invalidArgType, invalidValue } from '../errors.js';
import { OCSPCertStatus } from '../ocsp/enums.js';
import { checkExtensionList, encodeExtensionList } from '../ocsp/extension-list.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import { checkReason, reasonToCode } from '../x509/reason.js';
import { serialToBytes } from '../x509/serial-number.js';
import { checkEncodable, checkSeconds } from '../x509/time.js';

const HEADER_SIZE = 32;
/** Longest serial whose length the packed form can say. */
const MAX_SERIAL_OCTETS = 0xffff;

const BARE_DIGITS = /^[0-9a-f]+$/i;

/** Longer serials than RFC 5280 allows (20 bytes) take a slower way. */
const USUAL_WORDS = 3;
const USUAL_BITS = BigInt(64 * USUAL_WORDS);

/** Times of an entry that does not bring its own, in seconds since 1970-01-01 UTC. */
export interface DefaultTimes {
  readonly thisUpdate: number;
  /** undefined when newer information is always there. */
  readonly nextUpdate: number | undefined;
  /** Where every nextUpdate ends at the latest, also those that entries bring. */
  readonly latest?: number;
}

/** Collects entries in one growing buffer, which is reused from batch to batch. */
export class EntryPacker {
  #buffer: Buffer;
  #view: DataView;
  #length = 0;

  constructor(size: number = 16 * 1024) {
    this.#buffer = Buffer.alloc(size);
    this.#view = viewOf(this.#buffer);
  }

  /** What has been packed; valid until the next call. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /**
   * Appends an entry. Returns its nextUpdate, in seconds; null when it has none.
   *
   * @param serial - content bytes of an INTEGER in the place of the entry's serial number
   * @throws TypeError, `ERR_OCSP_INVALID_VALUE` or `ERR_OCSP_DUPLICATE_EXTENSION`; nothing has been appended then.
   */
  add(entry: StatusEntry, times: DefaultTimes, serial?: Uint8Array): number | null {
    if (typeof entry !== 'object' || entry === null) throw invalidArgType('entry', 'an object', entry);
    const { serialNumber, status, reason, revocationTime, thisUpdate, nextUpdate, singleExtensions } = entry;
    if (typeof status !== 'number') throw invalidArgType('status', 'a member of OCSPCertStatus', status);
    if (status !== 0 && status !== 1 && status !== 2)
      throw invalidValue(`status is not a member of OCSPCertStatus: ${status}`);
    let revokedAt = 0;
    let code = -1;
    if (status === OCSPCertStatus.REVOKED) {
      revokedAt = checkSeconds(revocationTime, 'revocationTime');
      if (reason != null) code = reasonToCode(checkReason(reason, 'reason'));
    } else {
      if (revocationTime != null) throw invalidValue('revocationTime goes with a revoked certificate only');
      if (reason != null) throw invalidValue('reason goes with a revoked certificate only');
    }
    const from = thisUpdate == null ? times.thisUpdate : checkSeconds(thisUpdate, 'thisUpdate');
    let until =
      nextUpdate === undefined
        ? times.nextUpdate
        : nextUpdate === null
          ? undefined
          : checkSeconds(nextUpdate, 'nextUpdate');
    const { latest = Number.POSITIVE_INFINITY } = times;
    if (until !== undefined && until >= latest) {
      if (from >= latest) throw invalidValue('the responder certificate expires before thisUpdate');
      until = latest;
    }
    // What a period makes of a time may be later than any time that can be written.
    checkEncodable(from, 'thisUpdate');
    if (until !== undefined) checkEncodable(until, 'nextUpdate');
    const extensions =
      singleExtensions == null
        ? undefined
        : encodeExtensionList(checkExtensionList(singleExtensions, 'singleExtensions'));

    const start = this.#length;
    const serialStart = start + HEADER_SIZE;
    const serialLength =
      serial === undefined ? this.#writeSerial(serialNumber, serialStart) : this.#writeBytes(serial, serialStart);
    const extensionsLength = extensions?.length ?? 0;
    const end = serialStart + serialLength + extensionsLength;
    this.#reserve(end);
    if (extensions !== undefined) this.#buffer.set(extensions, serialStart + serialLength);
    const view = this.#view;
    view.setFloat64(start, from, LITTLE_ENDIAN);
    view.setFloat64(start + 8, until ?? Number.NaN, LITTLE_ENDIAN);
    view.setFloat64(start + 16, revokedAt, LITTLE_ENDIAN);
    view.setUint8(start + 24, status);
    view.setInt8(start + 25, code);
    view.setUint16(start + 26, serialLength, LITTLE_ENDIAN);
    view.setUint32(start + 28, extensionsLength, LITTLE_ENDIAN);
    this.#length = end;
    return until ?? null;
  }

  /** Writes the content bytes of the INTEGER and returns their number. */
  #writeSerial(serial: unknown, at: number): number {
    if (typeof serial === 'string' && BARE_DIGITS.test(serial)) return this.#writeHexSerial(serial, at);
    if (typeof serial === 'bigint' && serial >> USUAL_BITS === 0n) return this.#writeWords(serial, at);
    return this.#writeBytes(serialToBytes(serial), at);
  }

  #writeBytes(bytes: Uint8Array, at: number): number {
    if (bytes.length > MAX_SERIAL_OCTETS) throw invalidValue(`serialNumber is longer than ${MAX_SERIAL_OCTETS} bytes`);
    this.#reserve(at + bytes.length);
    this.#buffer.set(bytes, at);
    return bytes.length;
  }

  /** Word by word: through a string it would take several times as long. */
  #writeWords(serial: bigint, at: number): number {
    const words = serial >> 64n === 0n ? 1 : USUAL_WORDS;
    const end = at + 1 + 8 * words;
    this.#reserve(end);
    const buffer = this.#buffer;
    buffer[at] = 0;
    let rest = serial;
    for (let word = words - 1; word >= 0; word--) {
      this.#view.setBigUint64(at + 1 + 8 * word, BigInt.asUintN(64, rest));
      if (word > 0) rest >>= 64n;
    }
    // Leading zeros go, but for the one that keeps the number positive when its top bit is set.
    let first = at;
    while (first < end - 1 && buffer[first] === 0 && (buffer[first + 1] as number) < 0x80) first++;
    if (first > at) buffer.copyWithin(at, first, end);
    return end - first;
  }

  /** The usual form of a source; going through a bigint would cost several times as much. */
  #writeHexSerial(hex: string, at: number): number {
    let digit = 0;
    while (digit < hex.length - 1 && hex.charCodeAt(digit) === 0x30) digit++;
    const digits = hex.length - digit;
    if (digits < 1) throw invalidValue('serialNumber is empty');
    const first = nibble(hex, digit);
    // A leading byte of zero keeps the number positive when its top bit is set.
    const odd = digits & 1;
    const pad = odd === 0 && first > 7 ? 1 : 0;
    const length = pad + (digits >> 1) + odd;
    if (length > MAX_SERIAL_OCTETS) throw invalidValue(`serialNumber is longer than ${MAX_SERIAL_OCTETS} bytes`);
    this.#reserve(at + length);
    const buffer = this.#buffer;
    let out = at;
    if (pad === 1) buffer[out++] = 0;
    if (odd === 1) buffer[out++] = nibble(hex, digit++);
    for (; digit < hex.length; digit += 2) buffer[out++] = (nibble(hex, digit) << 4) | nibble(hex, digit + 1);
    return length;
  }

  #reserve(size: number): void {
    if (size <= this.#buffer.length) return;
    const larger = Buffer.alloc(Math.max(size, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.#length));
    // What is being written after #length has to come along: a serial precedes its header.
    larger.set(this.#buffer.subarray(this.#length), this.#length);
    this.#buffer = larger;
    this.#view = viewOf(larger);
  }
}

/** An entry as it was packed: the serial, and what follows it in a {@link SingleResponseTuple}. */
export type PackedEntry = SingleResponseTuple extends readonly [unknown, unknown, unknown, ...infer Rest]
  ? Rest
  : never;

/** The entries that an {@link EntryPacker} has packed; views of `bytes`. */
export function unpackEntries(bytes: Buffer): PackedEntry[] {
  const view = viewOf(bytes);
  const entries: PackedEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const serialStart = at + HEADER_SIZE;
    const serialEnd = serialStart + view.getUint16(at + 26, LITTLE_ENDIAN);
    const end = serialEnd + view.getUint32(at + 28, LITTLE_ENDIAN);
    const status = view.getUint8(at + 24) as OCSPCertStatus;
    const revoked = status === OCSPCertStatus.REVOKED;
    const reason = view.getInt8(at + 25);
    const nextUpdate = view.getFloat64(at + 8, LITTLE_ENDIAN);
    entries.push([
      bytes.subarray(serialStart, serialEnd),
      end > serialEnd ? bytes.subarray(serialEnd, end) : undefined,
      status,
      revoked ? view.getFloat64(at + 16, LITTLE_ENDIAN) : undefined,
      reason < 0 ? undefined : reason,
      view.getFloat64(at, LITTLE_ENDIAN),
      Number.isNaN(nextUpdate) ? undefined : nextUpdate,
    ]);
    at = end;
  }
  return entries;
}

/** The native side reads numbers in the machine's byte order. */
const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
}

function nibble(hex: string, at: number): number {
  const code = hex.charCodeAt(at);
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  if (letter >= 0x61 && letter <= 0x66) return letter - 0x57;
  throw invalidValue('serialNumber is not a string of hexadecimal digits');
}
