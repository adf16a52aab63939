import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  type CheckedRecord,
  checkpointFrame,
  endFrame,
  FrameKind,
  keyOf,
  MAX_UINT48,
  nextUpdateOf,
  ownRecord,
  responseLength,
  versionOf,
  writeResponse,
} from './frames.js';
import type { SegmentEntry } from './manifest.js';
import type { ResponseVersion } from './response-store.js';
import { BLOCK_ENTRIES, decodeHeader, ENTRY_TAIL, encodeFooter, encodeHeader, sealOf } from './segment-format.js';
import { filterLength, SerialMark } from './serial-filter.js';
import { SerialIndex } from './serial-index.js';

/** Bytes that are collected before they are written. Writing is also when the event loop gets its turn: a few milliseconds. */
const BUFFER_LENGTH = 1 << 18;

/** Writes one segment, front to back. After an error the file is good for nothing but recovery. */
export class SegmentWriter {
  readonly #file: FileHandle;
  readonly #name: string;
  readonly #index = new SerialIndex();
  #buffer = Buffer.allocUnsafeSlow(BUFFER_LENGTH);
  #buffered = 0;
  /** Where in the file the buffer goes. */
  #position: number;
  /** How much of the file a checkpoint has made durable. */
  #durable: number;
  #minStatusVersion = MAX_UINT48;
  #maxStatusVersion = 0;
  #maxNextUpdate = 0;
  /** What the checksums begin with. */
  readonly #seed: number;
  /** CRC-32 of what the file has before the buffer. */
  #sum: number;

  private constructor(file: FileHandle, name: string, header: Buffer, position: number) {
    this.#file = file;
    this.#name = name;
    this.#seed = decodeHeader(header, name).seed;
    this.#sum = crc32(header);
    this.#position = position;
    this.#durable = position;
  }

  /** Begins a new file; there must be none. */
  static async create(path: string, epoch: number, sequence: number, mark: Buffer): Promise<SegmentWriter> {
    const header = encodeHeader(epoch, sequence, mark);
    const writer = new SegmentWriter(await open(path, 'wx'), basename(path), header, 0);
    writer.#put(header);
    writer.#sum = 0;
    return writer;
  }

  /** Goes on with a file from a position, before which all frames are undamaged; {@link readd} has to be told of them. */
  static async reopen(path: string, header: Buffer, position: number): Promise<SegmentWriter> {
    const file = await open(path, 'r+');
    try {
      await file.truncate(position);
      await file.sync();
    } catch (error) {
      await file.close();
      throw error;
    }
    return new SegmentWriter(file, basename(path), header, position);
  }

  /** Response frames so far. */
  get records(): number {
    return this.#index.length;
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#position + this.#buffered;
  }

  /** Takes up a frame that is in the file already, the next one. */
  readd(frame: Buffer, offset: number): void {
    this.#sum = crc32(frame, this.#sum);
    if (frame[8] === FrameKind.RESPONSE)
      this.#note(keyOf(frame), offset, frame.length, versionOf(frame), nextUpdateOf(frame));
  }

  /** Adds a record, whose bytes are read before this returns, to the buffer. Returns a promise when it had to be written. */
  append(record: CheckedRecord, kind: number): Promise<void> | undefined {
    const length = responseLength(record);
    if (length > this.#buffer.length - this.#buffered) {
      const own = ownRecord(record);
      return this.#flush(length).then(() => this.#append(own, kind, length));
    }
    this.#append(record, kind, length);
    return undefined;
  }

  /** Makes everything so far durable, with a token. */
  async checkpoint(token: string): Promise<void> {
    const frame = checkpointFrame(token, this.#seed);
    if (frame.length > this.#buffer.length - this.#buffered) await this.#flush(frame.length);
    this.#put(frame);
    try {
      await this.#flush();
      await this.#file.sync();
    } catch (error) {
      // What could not be made durable may still be read back, and a later synchronization succeed without it: away with it.
      await this.#file.truncate(this.#durable).catch(() => undefined);
      throw error;
    }
    this.#durable = this.#position;
  }

  /** Writes the index, makes the file durable and closes it. */
  async seal(): Promise<SegmentEntry> {
    await this.#write(endFrame(this.#seed));
    const indexOffset = this.bytes;
    await this.#index.sort();
    const keyWidth = this.#index.longestKey;
    const statuses: [number, number, number] = [0, 0, 0];
    const sparse: Buffer[] = [];
    const key = Buffer.alloc(keyWidth);
    const block = Buffer.alloc(BLOCK_ENTRIES * (keyWidth + ENTRY_TAIL));
    const filter = Buffer.alloc(filterLength(this.#index.length));
    const mark = new SerialMark();
    let entries = 0;
    let length = 0;
    for (const { offset, length: frameLength, status } of this.#index.sorted(key)) {
      if (length === 0) sparse.push(Buffer.from(key));
      mark.set(key, keyWidth - 1);
      mark.addTo(filter);
      block.set(key, length);
      block.writeUIntBE(offset, length + keyWidth, 6);
      length = block.writeUInt32BE(frameLength, length + keyWidth + 6);
      statuses[status] += 1;
      entries += 1;
      if (length === block.length) {
        await this.#writeChecked(block);
        length = 0;
      }
    }
    if (length > 0) await this.#writeChecked(block.subarray(0, length));
    const sparseOffset = this.bytes;
    await this.#writeChecked(Buffer.concat([...sparse, key]));
    await this.#writeChecked(filter);
    await this.#flush();
    const footer = encodeFooter(
      {
        indexOffset,
        sparseOffset,
        keyWidth,
        entries,
        records: this.#index.length,
        statuses,
        minStatusVersion: this.#minStatusVersion,
        maxStatusVersion: this.#maxStatusVersion,
        maxNextUpdate: this.#maxNextUpdate,
        sum: this.#sum,
      },
      this.#seed,
    );
    await this.#write(footer);
    await this.#flush();
    await this.#file.sync();
    await this.close();
    return { file: this.#name, bytes: this.#position, entries, seal: sealOf(footer) };
  }

  /** Closes the file as it is. */
  async close(): Promise<void> {
    await this.#file.close();
  }

  #append(record: CheckedRecord, kind: number, length: number): void {
    const offset = this.bytes;
    const start = this.#buffered;
    this.#buffered = writeResponse(this.#buffer, start, record, kind, this.#seed);
    this.#note(keyOf(this.#buffer, start), offset, length, record, record.nextUpdate);
  }

  #note(key: Uint8Array, offset: number, length: number, version: ResponseVersion, nextUpdate: number | null): void {
    this.#index.add(key, offset, length, version);
    this.#minStatusVersion = Math.min(this.#minStatusVersion, version.statusVersion);
    this.#maxStatusVersion = Math.max(this.#maxStatusVersion, version.statusVersion);
    this.#maxNextUpdate = Math.max(this.#maxNextUpdate, nextUpdate ?? MAX_UINT48);
  }

  #put(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered += bytes.length;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (bytes.length > this.#buffer.length - this.#buffered) await this.#flush(bytes.length);
    this.#put(bytes);
  }

  async #writeChecked(bytes: Buffer): Promise<void> {
    await this.#write(bytes);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(bytes, this.#seed));
    await this.#write(sum);
  }

  /** Empties the buffer, and makes room in it. */
  async #flush(room: number = 0): Promise<void> {
    // A full disk writes the part that fits.
    for (let done = 0; done < this.#buffered; ) {
      const { bytesWritten } = await this.#file.write(this.#buffer, done, this.#buffered - done, this.#position + done);
      done += bytesWritten;
    }
    this.#sum = crc32(this.#buffer.subarray(0, this.#buffered), this.#sum);
    this.#position += this.#buffered;
    this.#buffered = 0;
    if (room > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(room);
  }
}
