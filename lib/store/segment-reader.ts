import { basename } from 'node:path';
import { crc32 } from 'node:zlib';
import type { TableSegment } from '../../typings/store-binding.js';
import { storeDamaged } from './errors.js';
import { FrameKind, frameLength, LONGEST_FRAME, serialOf } from './frames.js';
import { parseSegmentName, type SegmentEntry } from './manifest.js';
import { PooledFile } from './pooled-file.js';
import {
  BLOCK_ENTRIES,
  blockLength,
  blockOffset,
  decodeFooter,
  decodeHeader,
  ENTRY_TAIL,
  FOOTER_LENGTH,
  type Footer,
  HEADER_LENGTH,
  type Header,
  sealOf,
} from './segment-format.js';
import { filterLength } from './serial-filter.js';

/** Number of the first block of the next segment: none has been given before. */
let nextBlock = 1;

/** Where a response frame lies in its segment. */
export interface FramePosition {
  readonly offset: number;
  readonly length: number;
}

/**
 * Reads a finished segment. In memory are the first key of each block of the index, and a filter of the serial numbers; a lookup
 * reads one block, and what lies side by side in one go. Nothing that does not have its checksum is handed out.
 */
export class SegmentReader {
  readonly name: string;
  readonly bytes: number;
  readonly header: Header;
  readonly footer: Footer;
  /** Which serial numbers there may be. */
  readonly filter: Buffer;
  /** What the manifest knows it by. */
  readonly seal: string;
  readonly #file: PooledFile;
  /** What a native table takes: numbers, and {@link #sparse}, which is a view. */
  readonly #index: Buffer;
  /** First key of each block, then the last one of all. */
  readonly #sparse: Buffer;
  readonly #blocks: number;

  /**
   * Opens a file. Throws `ERR_OCSP_STORE_DAMAGED` when it is not a finished segment, or not the one that it is called.
   *
   * @param entry - what the manifest says of it
   */
  constructor(path: string, entry?: SegmentEntry) {
    this.name = basename(path);
    this.#file = new PooledFile(path);
    try {
      this.bytes = this.#file.bytes;
      if (this.bytes < HEADER_LENGTH + FOOTER_LENGTH) throw storeDamaged(`${this.name}: too short for a segment`);
      this.header = decodeHeader(this.#read(0, HEADER_LENGTH), this.name);
      const footer = this.#read(this.bytes - FOOTER_LENGTH, FOOTER_LENGTH);
      this.footer = decodeFooter(footer, this.name, this.header.seed);
      this.seal = sealOf(footer);
      this.#checkIdentity(entry);
      const { indexOffset, sparseOffset, entries, records, keyWidth } = this.footer;
      this.#blocks = Math.ceil(entries / BLOCK_ENTRIES);
      const length = (this.#blocks + 1) * keyWidth;
      const filterOffset = sparseOffset + length + 4;
      // Guards the allocation; the footer has its checksum, but the file may have been cut and glued.
      if (filterOffset + filterLength(records) + 4 !== this.bytes - FOOTER_LENGTH)
        throw storeDamaged(`${this.name}: bad footer`);
      const numbers = Float64Array.of(indexOffset, entries, keyWidth, BLOCK_ENTRIES, this.header.seed, nextBlock);
      nextBlock += this.#blocks;
      const { byteLength } = numbers;
      this.#index = Buffer.allocUnsafeSlow(byteLength + length + 4);
      this.#index.set(new Uint8Array(numbers.buffer));
      this.#sparse = this.#readChecked(sparseOffset, this.#index.subarray(byteLength, byteLength + length + 4));
      this.filter = this.#readChecked(filterOffset, Buffer.allocUnsafeSlow(filterLength(records) + 4));
    } catch (error) {
      this.#file.close();
      throw error;
    }
  }

  /** Number of index blocks. */
  get blocks(): number {
    return this.#blocks;
  }

  /** Lowest key, padded. A view. */
  get firstKey(): Buffer {
    return this.#sparse.subarray(0, this.footer.keyWidth);
  }

  /** Highest key, padded. A view. */
  get lastKey(): Buffer {
    return this.#sparse.subarray(this.#blocks * this.footer.keyWidth);
  }

  /** For a native table. */
  get parts(): TableSegment {
    return [this.#file.state, this.#index.subarray(0, -4), this.filter];
  }

  /** Whether the file is still there, and no copy of it. */
  get isInPlace(): boolean {
    return this.#file.isInPlace;
  }

  /** Opens the file. Returns whether it was not open. */
  open(): boolean {
    return this.#file.open();
  }

  /**
   * The frames of a serial number, given without leading zeros, one for each kind of answer that the segment has: where the addon
   * found damage, or cannot look. Throws what is wrong.
   */
  find(serial: Uint8Array): Buffer[] {
    const { keyWidth } = this.footer;
    if (serial.length >= keyWidth) return [];
    const key = Buffer.alloc(keyWidth);
    key.set(serial, keyWidth - 1 - serial.length);
    const buffer = Buffer.allocUnsafe(BLOCK_ENTRIES * (keyWidth + ENTRY_TAIL) + 4);
    const positions: FramePosition[] = [];
    for (let block = this.#firstBlock(key); block < this.#blocks; block += 1) {
      const bytes = this.readBlock(block, buffer);
      for (let at = 0; at < bytes.length; at += keyWidth + ENTRY_TAIL) {
        const difference = bytes.compare(key, 0, keyWidth - 1, at, at + keyWidth - 1);
        if (difference > 0) return this.#readFrames(positions, serial);
        if (difference === 0) positions.push(positionAt(bytes, at + keyWidth));
      }
    }
    return this.#readFrames(positions, serial);
  }

  /** The block in which a key would be, and those of the same serial number begin. */
  #firstBlock(key: Buffer): number {
    const { keyWidth } = this.footer;
    let low = 0;
    let high = this.#blocks;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = middle * keyWidth;
      if (key.compare(this.#sparse, at, at + keyWidth) >= 0) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  /** Reads a block of the index into a buffer. Returns its entries, as a view. */
  readBlock(block: number, into: Buffer): Buffer {
    return this.#readChecked(blockOffset(this.footer, block), into.subarray(0, blockLength(this.footer, block) + 4));
  }

  /** Reads a response frame. */
  readFrame({ offset, length }: FramePosition): Buffer {
    if (length > LONGEST_FRAME) throw storeDamaged(`${this.name}: bad index entry`);
    return this.#checkFrame(this.#read(offset, length), offset);
  }

  /** Keeps the file open until {@link close}, so that it can be read though a writer removes it. */
  keep(): void {
    this.#file.keep();
  }

  /** Closes the file until it is read again. */
  close(): void {
    this.#file.close();
  }

  #checkIdentity(entry: SegmentEntry | undefined): void {
    const { epoch, sequence } = parseSegmentName(this.name);
    if (this.header.epoch !== epoch || this.header.sequence !== sequence)
      throw storeDamaged(`${this.name} is another segment: ${this.header.epoch}, ${this.header.sequence}`);
    if (entry === undefined) return;
    if (this.bytes !== entry.bytes)
      throw storeDamaged(`${this.name} has ${this.bytes} bytes instead of ${entry.bytes}`);
    if (this.seal !== entry.seal) throw storeDamaged(`${this.name} is not the segment of this name that was published`);
  }

  #readFrames(positions: readonly FramePosition[], serial: Uint8Array): Buffer[] {
    return positions.map((position) => {
      const frame = this.readFrame(position);
      if (serialOf(frame).compare(serial) === 0) return frame;
      throw storeDamaged(`${this.name}: the index does not lead to the serial number`);
    });
  }

  #checkFrame(frame: Buffer, offset: number): Buffer {
    const { length } = frame;
    if (frameLength(frame, 0, length, this.header.seed) !== length || frame[8] !== FrameKind.RESPONSE) {
      throw storeDamaged(`${this.name}: the response at byte ${offset} does not have its checksum`);
    }
    return frame;
  }

  #read(offset: number, length: number): Buffer {
    return this.#readInto(offset, Buffer.allocUnsafe(length));
  }

  #readInto(offset: number, into: Buffer): Buffer {
    this.#file.read(into, offset);
    return into;
  }

  /** Reads content and the CRC after it. Returns the content. */
  #readChecked(offset: number, into: Buffer): Buffer {
    const content = this.#readInto(offset, into).subarray(0, into.length - 4);
    if (into.readUInt32BE(content.length) !== crc32(content, this.header.seed)) {
      throw storeDamaged(`${this.name}: the index at byte ${offset} does not have its checksum`);
    }
    return content;
  }
}

/** Offset and length of an index entry, after its serial number. */
export function positionAt(bytes: Buffer, at: number): FramePosition {
  return { offset: bytes.readUIntBE(at, 6), length: bytes.readUInt32BE(at + 6) };
}
