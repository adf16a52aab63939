import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { crc32 } from 'node:zlib';
import { storeDamaged } from './errors.js';
import { FrameKind, frameLength, keyOf, LONGEST_FRAME } from './frames.js';
import {
  BLOCK_ENTRIES,
  blockLength,
  blockOffset,
  checkHeader,
  decodeFooter,
  ENTRY_TAIL,
  FOOTER_LENGTH,
  type Footer,
  HEADER_LENGTH,
} from './segment-format.js';

/** Where a response frame lies in its segment. */
export interface FramePosition {
  readonly offset: number;
  readonly length: number;
}

/**
 * Reads a finished segment. In memory are the first serial number of each block of the index; a lookup reads one block and
 * one frame. Nothing that does not have its checksum is handed out.
 */
export class SegmentReader {
  readonly name: string;
  readonly bytes: number;
  readonly footer: Footer;
  readonly #descriptor: number;
  /** First serial number of each block, then the last one of all. */
  readonly #sparse: Buffer;
  readonly #blocks: number;
  /** The serial number looked for, at the width of the index; and the block it would be in. */
  readonly #key: Buffer;
  readonly #block: Buffer;

  /** Opens a file. Throws `ERR_OCSP_STORE_DAMAGED` when it is not a finished segment. */
  constructor(path: string) {
    this.name = basename(path);
    this.#descriptor = openSync(path, 'r');
    try {
      this.bytes = fstatSync(this.#descriptor).size;
      if (this.bytes < HEADER_LENGTH + FOOTER_LENGTH) throw storeDamaged(`${this.name}: too short for a segment`);
      checkHeader(this.#read(0, HEADER_LENGTH), this.name);
      this.footer = decodeFooter(this.#read(this.bytes - FOOTER_LENGTH, FOOTER_LENGTH), this.name);
      const { sparseOffset, entries, keyWidth } = this.footer;
      this.#blocks = Math.ceil(entries / BLOCK_ENTRIES);
      const length = (this.#blocks + 1) * keyWidth;
      // Guards the allocation; the footer has its checksum, but the file may have been cut and glued.
      if (sparseOffset + length + 4 !== this.bytes - FOOTER_LENGTH) throw storeDamaged(`${this.name}: bad footer`);
      this.#sparse = this.#readChecked(sparseOffset, Buffer.allocUnsafeSlow(length + 4));
      this.#key = Buffer.alloc(keyWidth);
      this.#block = Buffer.allocUnsafeSlow(BLOCK_ENTRIES * (keyWidth + ENTRY_TAIL) + 4);
    } catch (error) {
      closeSync(this.#descriptor);
      throw error;
    }
  }

  /** Number of index blocks. */
  get blocks(): number {
    return this.#blocks;
  }

  /** Lowest serial number, padded. A view. */
  get firstKey(): Buffer {
    return this.#sparse.subarray(0, this.footer.keyWidth);
  }

  /** Highest serial number, padded. A view. */
  get lastKey(): Buffer {
    return this.#sparse.subarray(this.#blocks * this.footer.keyWidth);
  }

  /** The frame of a serial number, given without leading zeros; undefined when the segment does not have it. */
  find(key: Uint8Array): Buffer | undefined {
    const { keyWidth } = this.footer;
    if (key.length > keyWidth) return undefined;
    this.#key.fill(0, 0, keyWidth - key.length);
    this.#key.set(key, keyWidth - key.length);
    if (this.#compare(this.#sparse, this.#blocks * keyWidth) > 0) return undefined;
    const block = this.#lastNotAbove(this.#sparse, keyWidth, this.#blocks);
    if (block < 0) return undefined;
    const bytes = this.readBlock(block, this.#block);
    const stride = keyWidth + ENTRY_TAIL;
    const entry = this.#lastNotAbove(bytes, stride, bytes.length / stride);
    if (entry < 0 || this.#compare(bytes, entry * stride) !== 0) return undefined;
    const frame = this.readFrame(positionAt(bytes, entry * stride + keyWidth));
    const found = keyOf(frame);
    if (found.length !== key.length || found.compare(key) !== 0) {
      throw storeDamaged(`${this.name}: the index does not lead to the serial number`);
    }
    return frame;
  }

  /** Reads a block of the index into a buffer. Returns its entries, as a view. */
  readBlock(block: number, into: Buffer): Buffer {
    return this.#readChecked(blockOffset(this.footer, block), into.subarray(0, blockLength(this.footer, block) + 4));
  }

  /** Reads a response frame. */
  readFrame({ offset, length }: FramePosition): Buffer {
    if (length > LONGEST_FRAME) throw storeDamaged(`${this.name}: bad index entry`);
    const frame = this.#read(offset, length);
    if (frameLength(frame, 0, length) !== length || frame[8] !== FrameKind.RESPONSE) {
      throw storeDamaged(`${this.name}: the response at byte ${offset} does not have its checksum`);
    }
    return frame;
  }

  /** Closes the file. */
  close(): void {
    closeSync(this.#descriptor);
  }

  #read(offset: number, length: number): Buffer {
    return this.#readInto(offset, Buffer.allocUnsafe(length));
  }

  #readInto(offset: number, into: Buffer): Buffer {
    for (let done = 0; done < into.length; ) {
      const count = readSync(this.#descriptor, into, done, into.length - done, offset + done);
      if (count === 0) throw storeDamaged(`${this.name}: ends at byte ${offset + done}`);
      done += count;
    }
    return into;
  }

  /** Reads content and the CRC after it. Returns the content. */
  #readChecked(offset: number, into: Buffer): Buffer {
    const content = this.#readInto(offset, into).subarray(0, into.length - 4);
    if (into.readUInt32BE(content.length) !== crc32(content)) {
      throw storeDamaged(`${this.name}: the index at byte ${offset} does not have its checksum`);
    }
    return content;
  }

  /** Compares the key looked for with the one at a position. */
  #compare(bytes: Buffer, at: number): number {
    const key = this.#key;
    for (let i = 0; i < key.length; i += 1) {
      const difference = (key[i] as number) - (bytes[at + i] as number);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  /** Index of the last of `count` ascending keys that is not above the one looked for; -1 when all are. */
  #lastNotAbove(bytes: Buffer, stride: number, count: number): number {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(bytes, middle * stride) >= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** Offset and length of an index entry, after its serial number. */
export function positionAt(bytes: Buffer, at: number): FramePosition {
  return { offset: bytes.readUIntBE(at, 6), length: bytes.readUInt32BE(at + 6) };
}
