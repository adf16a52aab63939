import { join } from 'node:path';
import type { SegmentTable } from '../../typings/store-binding.js';
import { native } from '../binding.js';
import { AnswerKinds } from './answer-kinds.js';
import { storeDamaged } from './errors.js';
import { frameEnd, kindOf, recordOf } from './frames.js';
import { type Manifest, manifestStamp, readManifest } from './manifest.js';
import { served, servedBySerial } from './merge.js';
import type { StoredResponse } from './response-store.js';
import { SegmentReader } from './segment-reader.js';
import { SerialMark } from './serial-filter.js';

/** Writers that replace the manifest again and again. */
const ATTEMPTS = 100;
/** How many segments are kept open for one iteration. */
const MOST_KEPT = 32;
/** Bytes for the frames of one serial number; what has no room takes longer to be read. */
const MEMORY = 64 * 1024;
/** Blocks of indexes that were read before, 1 KiB each, for all segments of the thread; native tables fill it. */
let blocks: Buffer | undefined;
const BLOCKS_LENGTH = 32 * 1024 * 1024;
/** Frames that were found last, also for all segments of the thread: none of a set of segments that was replaced is found again. */
let found: Buffer | undefined;
const FOUND_LENGTH = 32 * 1024 * 1024;
/** How many files are opened for one serial number before they are read one by one. */
const MOST_OPENED = 16;

/** The segments that a manifest names. Follows the manifest as writers, in this process or others, replace it. */
export class SegmentSet {
  readonly #folder: string;
  readonly #refreshInterval: number;
  #manifest: Manifest;
  #stamp: string;
  #checkedAt = 0;
  #readers = new Map<string, SegmentReader>();
  #list: readonly SegmentReader[] = [];
  /** Looks into all of them; made when it is used. */
  #table: SegmentTable | undefined;
  /** Where it puts what it finds. */
  readonly #memory = Buffer.allocUnsafeSlow(MEMORY);
  #kinds = new AnswerKinds(null, []);
  #edition = 0;
  #used = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param refreshInterval - milliseconds for which a look at the manifest holds */
  constructor(folder: string, refreshInterval: number) {
    this.#folder = folder;
    this.#refreshInterval = refreshInterval;
    [this.#manifest, this.#stamp] = this.#load();
  }

  /**
   * The segments as they are now. Up to {@link MOST_KEPT} stay open though a writer replaces them, until {@link close}: the smallest, which
   * any writer may put together with others. Another one that was removed is an error when it is to be read.
   */
  static snapshot(folder: string): SegmentSet {
    const set = new SegmentSet(folder, Number.POSITIVE_INFINITY);
    try {
      const bySize = set.#list.toSorted((a, b) => a.footer.records - b.footer.records);
      for (const reader of bySize.slice(0, MOST_KEPT)) reader.keep();
      return set;
    } catch (error) {
      set.close();
      throw error;
    }
  }

  get manifest(): Manifest {
    return this.#manifest;
  }

  /** The opened segments, in the order of the manifest. */
  get readers(): readonly SegmentReader[] {
    return this.#list;
  }

  /** The kinds of answer that the manifest names. */
  get kinds(): AnswerKinds {
    return this.#kinds;
  }

  /**
   * What is served for a serial number: the best frame of each kind, but for those that another one contradicts. Valid until the
   * next call.
   */
  find(serial: Uint8Array): readonly Buffer[] {
    this.#use();
    return served(this.findAll(serial));
  }

  /**
   * The frame of a serial number that has one, which is the beginning of what is returned, until the next call; undefined for one that has
   * none, null for any other.
   */
  findOnly(serial: Uint8Array): Buffer | undefined | null {
    this.#use();
    const length = this.#search(serial);
    if (length === 0) return undefined;
    const memory = this.#memory;
    return length === frameEnd(memory, 0) ? memory : null;
  }

  /** All frames of a serial number, served or not. Valid until the next call. */
  findAll(serial: Uint8Array): Buffer[] {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const length = this.#search(serial);
        return length >= 0 ? this.#framesOf(length) : this.#readAll(serial);
      } catch (error) {
        // A segment that was not open has been removed.
        if (!isGone(error)) throw error;
        if (attempt >= ATTEMPTS || manifestStamp(this.#folder) === this.#stamp) throw missing(this.#folder, error);
        this.reload();
      }
    }
  }

  #use(): void {
    this.refresh();
    if (this.#timer === undefined) this.#watch();
    else this.#used = true;
  }

  /** How often the manifest has been read by now: what was found last is of that edition. */
  get edition(): number {
    return this.#edition;
  }

  /** Lets the addon put frames into the memory. Returns their bytes, or -1 where it cannot, or something is wrong. */
  #search(serial: Uint8Array): number {
    this.#table ??= this.#makeTable();
    for (let opened = 0; opened <= MOST_OPENED; opened += 1) {
      const length = native.findFrames(this.#table, serial);
      if (length >= 0) return length;
      try {
        if (!(this.#list[-1 - length] as SegmentReader).open()) return -1;
      } catch {
        return -1;
      }
    }
    return -1;
  }

  #makeTable(): SegmentTable {
    blocks ??= Buffer.alloc(BLOCKS_LENGTH);
    found ??= Buffer.alloc(FOUND_LENGTH);
    const segments = this.#list.map(({ parts }) => parts);
    return native.segmentTable(segments, this.#memory, blocks, found);
  }

  /** The same in JavaScript, which says what is wrong. */
  #readAll(serial: Uint8Array): Buffer[] {
    const mark = new SerialMark();
    mark.set(serial);
    return this.#list.flatMap((reader) => (mark.isIn(reader.filter) ? reader.find(serial) : []));
  }

  /** The frames in the memory, as views. */
  #framesOf(length: number): Buffer[] {
    const frames: Buffer[] = [];
    for (let start = 0; start < length; ) {
      const next = frameEnd(this.#memory, start);
      frames.push(this.#memory.subarray(start, next));
      start = next;
    }
    return frames;
  }

  /** All responses to serve, ascending; without those whose nextUpdate is before `validAt`, in seconds, if it is given. */
  *records(validAt?: number): Generator<StoredResponse> {
    const snapshot = SegmentSet.snapshot(this.#folder);
    const { kinds } = snapshot;
    try {
      for (const frames of servedBySerial(snapshot.readers, { validAt })) {
        for (const frame of kinds.sorted(frames)) yield recordOf(frame, kinds.label(kindOf(frame)));
      }
    } finally {
      snapshot.close();
    }
  }

  /** Looks whether the manifest has been replaced, unless that was done a moment ago. */
  refresh(): void {
    const now = performance.now();
    if (now - this.#checkedAt < this.#refreshInterval) return;
    if (manifestStamp(this.#folder) === this.#stamp) this.#checkedAt = now;
    else this.reload();
  }

  /** Reads the manifest again. */
  reload(): void {
    this.#edition += 1;
    [this.#manifest, this.#stamp] = this.#load();
  }

  /** Lets the next use read the manifest again, however short ago that was. */
  expire(): void {
    this.#checkedAt = Number.NEGATIVE_INFINITY;
  }

  /** Closes the files; what is known of them stays. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const reader of this.#readers.values()) reader.close();
  }

  /** Closes the files when they are not used for a moment: of those that a writer removes, an open one keeps its room on the disk. */
  #watch(): void {
    this.#used = true;
    if (this.#timer !== undefined || this.#refreshInterval === Number.POSITIVE_INFINITY) return;
    const interval = Math.min(Math.max(this.#refreshInterval, 50), 250) / 2;
    this.#timer = setInterval(() => {
      if (this.#used) {
        this.#used = false;
        return;
      }
      this.close();
    }, interval);
    this.#timer.unref();
  }

  #load(): [manifest: Manifest, stamp: string] {
    for (let attempt = 1; ; attempt += 1) {
      const stamp = manifestStamp(this.#folder);
      const manifest = readManifest(this.#folder);
      try {
        this.#open(manifest);
      } catch (error) {
        // A writer that replaces the manifest removes files of the old one.
        const gone = isGone(error);
        if (gone && attempt < ATTEMPTS && manifestStamp(this.#folder) !== stamp) continue;
        throw gone ? missing(this.#folder, error) : error;
      }
      this.#checkedAt = performance.now();
      this.#watch();
      return [manifest, stamp];
    }
  }

  #open(manifest: Manifest): void {
    const readers = new Map<string, SegmentReader>();
    const opened: SegmentReader[] = [];
    try {
      for (const entry of manifest.segments) {
        let reader = this.#readers.get(entry.file);
        // A name comes again in a store that was made again, and with it what it had in one that was restored.
        if (reader?.seal !== entry.seal || !reader.isInPlace) {
          reader = new SegmentReader(join(this.#folder, entry.file), entry);
          opened.push(reader);
        }
        readers.set(entry.file, reader);
      }
    } catch (error) {
      for (const reader of opened) reader.close();
      throw error;
    }
    for (const [file, reader] of this.#readers) {
      if (readers.get(file) !== reader) reader.close();
    }
    this.#readers = readers;
    this.#list = [...readers.values()];
    this.#table = undefined;
    this.#kinds = new AnswerKinds(manifest.issuer, manifest.kinds);
  }
}

/** Whether a file was not there. */
export function isGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function missing(folder: string, cause: unknown): Error {
  return storeDamaged(`a segment of ${folder} is missing`, cause);
}
