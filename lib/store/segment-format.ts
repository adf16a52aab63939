/**
 * A segment file. All numbers are unsigned and big-endian; every byte is under a CRC-32. The header has some that are
 * random; its CRC begins all others, so that no part of one segment passes for that of another.
 *
 * 1. header, 32 bytes: `OCSPSEG\x03`, epoch (6), sequence (4), mark of the epoch (8), zeros (2), CRC (4)
 * 2. data: frames (see `frames.ts`) in the order in which they came, then an END frame
 * 3. index: one entry for each key (serial number and kind of answer), ascending, in blocks of {@link BLOCK_ENTRIES} that each end with a CRC (4).
 *    An entry is the key, padded with zeros on the left to the width of the longest, offset (6) and length (4) of
 *    its frame
 * 4. the first key of each block, then the very last one, and a CRC (4)
 * 5. which serial numbers there may be (see `serial-filter.ts`), and a CRC (4)
 * 6. footer, {@link FOOTER_LENGTH} bytes
 *
 * A file that does not end with a footer is the unfinished end of a bulk run.
 */
import { crc32 } from 'node:zlib';
import { storeDamaged } from './errors.js';

export const HEADER_LENGTH = 32;
export const FOOTER_LENGTH = 72;
/** Entries in a block of the index; with serial numbers of 20 bytes a block is about 1 KiB. */
export const BLOCK_ENTRIES = 32;
/** Bytes of an index entry beside the key. */
export const ENTRY_TAIL = 10;

const HEADER_MAGIC = 'OCSPSEG\x03';
const FOOTER_MAGIC = 'OCSPEND\x03';
/** Bytes of the mark of an epoch. */
export const MARK_LENGTH = 8;

/** What the footer says. */
export interface Footer {
  /** Where the index begins. */
  readonly indexOffset: number;
  /** Where the list of first serial numbers begins. */
  readonly sparseOffset: number;
  /** Bytes of a key in the index. */
  readonly keyWidth: number;
  /** Keys in the index. */
  readonly entries: number;
  /** Response frames, with those that another one of the segment outdoes. */
  readonly records: number;
  /** Entries by status, indexed by OCSPCertStatus. */
  readonly statuses: readonly [good: number, revoked: number, unknown: number];
  readonly minStatusVersion: number;
  readonly maxStatusVersion: number;
  /** Latest nextUpdate; 2^48 - 1 when some response has none. */
  readonly maxNextUpdate: number;
  /** CRC-32 of all bytes before the footer. */
  readonly sum: number;
}

/** Which segment a file is. */
export interface Header {
  readonly epoch: number;
  readonly sequence: number;
  /** Random, and the same in all segments of an epoch. */
  readonly mark: Buffer;
  /** What all other checksums begin with. */
  readonly seed: number;
}

export function encodeHeader(epoch: number, sequence: number, mark: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_LENGTH);
  header.write(HEADER_MAGIC, 0, 'latin1');
  header.writeUIntBE(epoch, 8, 6);
  header.writeUInt32BE(sequence, 14);
  header.set(mark, 18);
  header.writeUInt32BE(crc32(header.subarray(0, HEADER_LENGTH - 4)), HEADER_LENGTH - 4);
  return header;
}

export function encodeFooter(footer: Footer, seed: number): Buffer {
  const out = Buffer.alloc(FOOTER_LENGTH);
  out.write(FOOTER_MAGIC, 0, 'latin1');
  out.writeUIntBE(footer.indexOffset, 8, 6);
  out.writeUIntBE(footer.sparseOffset, 14, 6);
  out.writeUInt32BE(footer.entries, 20);
  out.writeUInt32BE(footer.records, 24);
  out.writeUInt16BE(footer.keyWidth, 28);
  for (const [status, count] of footer.statuses.entries()) out.writeUInt32BE(count, 32 + 4 * status);
  out.writeUIntBE(footer.minStatusVersion, 44, 6);
  out.writeUIntBE(footer.maxStatusVersion, 50, 6);
  out.writeUIntBE(footer.maxNextUpdate, 56, 6);
  out.writeUInt32BE(footer.sum, 62);
  out.writeUInt32BE(crc32(out.subarray(0, FOOTER_LENGTH - 4), seed), FOOTER_LENGTH - 4);
  return out;
}

/** Reads a header; `name` goes into the error. */
export function decodeHeader(header: Buffer, name: string): Header {
  const sum = header.readUInt32BE(HEADER_LENGTH - 4);
  if (header.toString('latin1', 0, 8) !== HEADER_MAGIC || sum !== crc32(header.subarray(0, HEADER_LENGTH - 4))) {
    throw storeDamaged(`${name}: not the header of a segment`);
  }
  return {
    epoch: header.readUIntBE(8, 6),
    sequence: header.readUInt32BE(14),
    mark: Buffer.from(header.subarray(18, 18 + MARK_LENGTH)),
    seed: sum,
  };
}

export function decodeFooter(bytes: Buffer, name: string, seed: number): Footer {
  const sum = bytes.readUInt32BE(FOOTER_LENGTH - 4);
  if (bytes.toString('latin1', 0, 8) !== FOOTER_MAGIC || sum !== crc32(bytes.subarray(0, FOOTER_LENGTH - 4), seed)) {
    throw storeDamaged(`${name}: not the footer of a segment`);
  }
  return {
    indexOffset: bytes.readUIntBE(8, 6),
    sparseOffset: bytes.readUIntBE(14, 6),
    entries: bytes.readUInt32BE(20),
    records: bytes.readUInt32BE(24),
    keyWidth: bytes.readUInt16BE(28),
    statuses: [bytes.readUInt32BE(32), bytes.readUInt32BE(36), bytes.readUInt32BE(40)],
    minStatusVersion: bytes.readUIntBE(44, 6),
    maxStatusVersion: bytes.readUIntBE(50, 6),
    maxNextUpdate: bytes.readUIntBE(56, 6),
    sum: bytes.readUInt32BE(62),
  };
}

/** The checksum of a footer, under which that of all other bytes is: what the manifest knows a segment by. */
export function sealOf(footer: Buffer): string {
  return footer.toString('hex', FOOTER_LENGTH - 4);
}

/** Length of the block that begins with this entry, without its CRC. */
export function blockLength({ entries, keyWidth }: Footer, block: number): number {
  return Math.min(BLOCK_ENTRIES, entries - block * BLOCK_ENTRIES) * (keyWidth + ENTRY_TAIL);
}

/** Where a block begins. */
export function blockOffset({ indexOffset, keyWidth }: Footer, block: number): number {
  return indexOffset + block * (BLOCK_ENTRIES * (keyWidth + ENTRY_TAIL) + 4);
}
