/**
 * A segment file. All numbers are unsigned and big-endian; every octet is under a CRC-32.
 *
 * 1. header, 32 octets: `OCSPSEG\x01`, epoch (6), sequence (4), zeros, CRC (4)
 * 2. data: frames (see `frames.ts`) in the order in which they came, then an END frame
 * 3. index: one entry for each serial number, ascending, in blocks of {@link BLOCK_ENTRIES} that each end with a CRC (4).
 *    An entry is the serial number, padded with zeros on the left to the width of the longest, offset (6) and length (4) of
 *    its frame
 * 4. the first serial number of each block, then the very last one, and a CRC (4)
 * 5. footer, {@link FOOTER_LENGTH} octets
 *
 * A file that does not end with a footer is the unfinished end of a bulk run.
 */
import { crc32 } from 'node:zlib';
import { storeDamaged } from './errors.js';

export const HEADER_LENGTH = 32;
export const FOOTER_LENGTH = 72;
/** Entries in a block of the index; with serial numbers of 20 octets a block is just under 4 KiB. */
export const BLOCK_ENTRIES = 128;
/** Octets of an index entry beside the serial number. */
export const ENTRY_TAIL = 10;

const HEADER_MAGIC = 'OCSPSEG\x01';
const FOOTER_MAGIC = 'OCSPEND\x01';

/** What the footer says. */
export interface Footer {
  /** Where the index begins. */
  readonly indexOffset: number;
  /** Where the list of first serial numbers begins. */
  readonly sparseOffset: number;
  /** Octets of a serial number in the index. */
  readonly keyWidth: number;
  /** Serial numbers in the index. */
  readonly entries: number;
  /** Response frames, with those that another one of the segment outdoes. */
  readonly records: number;
  /** Entries by status, indexed by OCSPCertStatus. */
  readonly statuses: readonly [good: number, revoked: number, unknown: number];
  readonly minStatusVersion: number;
  readonly maxStatusVersion: number;
  /** Latest nextUpdate; 2^48 - 1 when some response has none. */
  readonly maxNextUpdate: number;
}

export function encodeHeader(epoch: number, sequence: number): Buffer {
  const header = Buffer.alloc(HEADER_LENGTH);
  header.write(HEADER_MAGIC, 0, 'latin1');
  header.writeUIntBE(epoch, 8, 6);
  header.writeUInt32BE(sequence, 14);
  header.writeUInt32BE(crc32(header.subarray(0, HEADER_LENGTH - 4)), HEADER_LENGTH - 4);
  return header;
}

export function encodeFooter(footer: Footer): Buffer {
  const out = Buffer.alloc(FOOTER_LENGTH);
  out.write(FOOTER_MAGIC, 0, 'latin1');
  out.writeUIntBE(footer.indexOffset, 8, 6);
  out.writeUIntBE(footer.sparseOffset, 14, 6);
  out.writeUInt32BE(footer.entries, 20);
  out.writeUInt32BE(footer.records, 24);
  out.writeUInt8(footer.keyWidth, 28);
  for (const [status, count] of footer.statuses.entries()) out.writeUInt32BE(count, 32 + 4 * status);
  out.writeUIntBE(footer.minStatusVersion, 44, 6);
  out.writeUIntBE(footer.maxStatusVersion, 50, 6);
  out.writeUIntBE(footer.maxNextUpdate, 56, 6);
  out.writeUInt32BE(crc32(out.subarray(0, FOOTER_LENGTH - 4)), FOOTER_LENGTH - 4);
  return out;
}

/** Checks a header; `name` goes into the error. */
export function checkHeader(header: Buffer, name: string): void {
  const sum = header.readUInt32BE(HEADER_LENGTH - 4);
  if (header.toString('latin1', 0, 8) !== HEADER_MAGIC || sum !== crc32(header.subarray(0, HEADER_LENGTH - 4))) {
    throw storeDamaged(`${name}: not the header of a segment`);
  }
}

export function decodeFooter(bytes: Buffer, name: string): Footer {
  const sum = bytes.readUInt32BE(FOOTER_LENGTH - 4);
  if (bytes.toString('latin1', 0, 8) !== FOOTER_MAGIC || sum !== crc32(bytes.subarray(0, FOOTER_LENGTH - 4))) {
    throw storeDamaged(`${name}: not the footer of a segment`);
  }
  return {
    indexOffset: bytes.readUIntBE(8, 6),
    sparseOffset: bytes.readUIntBE(14, 6),
    entries: bytes.readUInt32BE(20),
    records: bytes.readUInt32BE(24),
    keyWidth: bytes.readUInt8(28),
    statuses: [bytes.readUInt32BE(32), bytes.readUInt32BE(36), bytes.readUInt32BE(40)],
    minStatusVersion: bytes.readUIntBE(44, 6),
    maxStatusVersion: bytes.readUIntBE(50, 6),
    maxNextUpdate: bytes.readUIntBE(56, 6),
  };
}

/** Length of the block that begins with this entry, without its CRC. */
export function blockLength({ entries, keyWidth }: Footer, block: number): number {
  return Math.min(BLOCK_ENTRIES, entries - block * BLOCK_ENTRIES) * (keyWidth + ENTRY_TAIL);
}

/** Where a block begins. */
export function blockOffset({ indexOffset, keyWidth }: Footer, block: number): number {
  return indexOffset + block * (BLOCK_ENTRIES * (keyWidth + ENTRY_TAIL) + 4);
}
