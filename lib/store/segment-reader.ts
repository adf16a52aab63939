import { basename } from 'node:path';
import { crc32 } from 'node:zlib';
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

/** Where a response frame lies in its segment. */
export interface FramePosition {
  readonly offset: number;
  readonly length: number;
}

/**
 * Reads a finished segment. In memory are the first key of each block of the index; a lookup reads one block, and what lies side
 * by side in one go. Nothing that does not have its checksum is handed out.
 */
export class SegmentReader {
  readonly name: string;
  readonly bytes: number;
  readonly header: Header;
  readonly footer: Footer;
  /** What the manifest knows it by. */
  readonly seal: string;
  readonly #file: PooledFile;
  /** First key of each block, then the last one of all. */
  readonly #sparse: Buffer;
  readonly #blocks: number;
  /** The key looked for, at the width of the index; and the block it would be in. */
  readonly #key: Buffer;
  readonly #block: Buffer;

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
      const { sparseOffset, entries, keyWidth } = this.footer;
      this.#blocks = Math.ceil(entries / BLOCK_ENTRIES);
      const length = (this.#blocks + 1) * keyWidth;
      // Guards the allocation; the footer has its checksum, but the file may have been cut and glued.
      if (sparseOffset + length + 4 !== this.bytes - FOOTER_LENGTH) throw storeDamaged(`${this.name}: bad footer`);
      this.#sparse = this.#readChecked(sparseOffset, Buffer.allocUnsafeSlow(length + 4));
      this.#key = Buffer.alloc(keyWidth);
      this.#block = Buffer.allocUnsafeSlow(BLOCK_ENTRIES * (keyWidth + ENTRY_TAIL) + 4);
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

  /** The frames of a serial number, given without leading zeros: one for each kind of answer that the segment has. */
  find(serial: Uint8Array): Buffer[] {
    const { keyWidth } = this.footer;
    if (serial.length >= keyWidth) return [];
    this.#key.fill(0, 0, keyWidth - 1 - serial.length);
    this.#key.set(serial, keyWidth - 1 - serial.length);
    this.#key[keyWidth - 1] = 0;
    if (this.#compare(this.#sparse, this.#blocks * keyWidth) > 0) return [];
    const stride = keyWidth + ENTRY_TAIL;
    const positions: FramePosition[] = [];
    let block = Math.max(0, this.#lastNotAbove(this.#sparse, keyWidth, this.#blocks));
    let bytes = this.readBlock(block, this.#block);
    let at = this.#firstNotBelow(bytes, stride);
    for (;;) {
      if (at === bytes.length) {
        block += 1;
        if (block === this.#blocks) break;
        bytes = this.readBlock(block, this.#block);
        at = 0;
      }
      if (this.#compare(bytes, at, keyWidth - 1) !== 0) break;
      positions.push(positionAt(bytes, at + keyWidth));
      at += stride;
    }
    const frames = this.#readFrames(positions);
    for (const frame of frames) {
      if (serialOf(frame).compare(serial) !== 0)
        throw storeDamaged(`${this.name}: the index does not lead to the serial number`);
    }
    return frames;
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
      throw storeDamaged(`${this.name} has ${this.bytes} octets instead of ${entry.bytes}`);
    if (this.seal !== entry.seal) throw storeDamaged(`${this.name} is not the segment of this name that was published`);
  }

  /** Frames that lie side by side, as those of one certificate do in a bulk run, are read in one go. */
  #readFrames(positions: readonly FramePosition[]): Buffer[] {
    const frames: Buffer[] = [];
    for (let first = 0; first < positions.length; ) {
      const { offset, length } = positions[first] as FramePosition;
      let end = offset + length;
      let next = first + 1;
      while (positions[next]?.offset === end && end - offset < LONGEST_FRAME) {
        end += (positions[next] as FramePosition).length;
        next += 1;
      }
      if (end - offset > 2 * LONGEST_FRAME) throw storeDamaged(`${this.name}: bad index entry`);
      const bytes = this.#read(offset, end - offset);
      for (const position of positions.slice(first, next)) {
        const at = position.offset - offset;
        frames.push(this.#checkFrame(bytes.subarray(at, at + position.length), position.offset));
      }
      first = next;
    }
    return frames;
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

  /** Compares the key looked for, or its beginning, with the one at a position. */
  #compare(bytes: Buffer, at: number, length: number = this.#key.length): number {
    const key = this.#key;
    for (let i = 0; i < length; i += 1) {
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

  /** Where the first key of a block is that is not below the one looked for. */
  #firstNotBelow(bytes: Buffer, stride: number): number {
    const last = this.#lastNotAbove(bytes, stride, bytes.length / stride);
    const isEqual = last >= 0 && this.#compare(bytes, last * stride) === 0;
    return (isEqual ? last : last + 1) * stride;
  }
}

/** Offset and length of an index entry, after its serial number. */
export function positionAt(bytes: Buffer, at: number): FramePosition {
  return { offset: bytes.readUIntBE(at, 6), length: bytes.readUInt32BE(at + 6) };
}
