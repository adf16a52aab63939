import { join } from 'node:path';
import { AnswerKinds } from './answer-kinds.js';
import { storeDamaged } from './errors.js';
import { kindOf, recordOf } from './frames.js';
import { type Manifest, manifestStamp, readManifest } from './manifest.js';
import { served, servedBySerial } from './merge.js';
import type { StoredResponse } from './response-store.js';
import { SegmentReader } from './segment-reader.js';

/** The segments that a manifest names, opened. Follows the manifest as writers, in this process or others, replace it. */
export class SegmentSet {
  readonly #folder: string;
  readonly #refreshInterval: number;
  #manifest: Manifest;
  #stamp: string;
  #checkedAt = 0;
  #readers = new Map<string, SegmentReader>();
  #kinds = new AnswerKinds(null, []);

  /** @param refreshInterval - milliseconds for which a look at the manifest holds */
  constructor(folder: string, refreshInterval: number) {
    this.#folder = folder;
    this.#refreshInterval = refreshInterval;
    [this.#manifest, this.#stamp] = this.#load();
  }

  get manifest(): Manifest {
    return this.#manifest;
  }

  /** The opened segments, in the order of the manifest. */
  get readers(): readonly SegmentReader[] {
    return [...this.#readers.values()];
  }

  /** The kinds of answer that the manifest names. */
  get kinds(): AnswerKinds {
    return this.#kinds;
  }

  /** What is served for a serial number: the best frame of each kind, but for those that another one contradicts. */
  find(serial: Uint8Array): readonly Buffer[] {
    this.refresh();
    return served(this.findAll(serial));
  }

  /** All frames of a serial number, served or not. */
  findAll(serial: Uint8Array): Buffer[] {
    const frames: Buffer[] = [];
    for (const reader of this.#readers.values()) frames.push(...reader.find(serial));
    return frames;
  }

  /** All responses to serve, ascending; without those whose nextUpdate is before `validAt`, in seconds, if it is given. */
  *records(validAt?: number): Generator<StoredResponse> {
    // A set of its own: what a writer replaces meanwhile stays open here.
    const snapshot = new SegmentSet(this.#folder, Number.POSITIVE_INFINITY);
    const { kinds } = snapshot;
    try {
      for (const frames of servedBySerial(snapshot.readers, validAt)) {
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
    [this.#manifest, this.#stamp] = this.#load();
  }

  close(): void {
    for (const reader of this.#readers.values()) reader.close();
    this.#readers.clear();
  }

  #load(): [manifest: Manifest, stamp: string] {
    for (let attempt = 1; ; attempt += 1) {
      const stamp = manifestStamp(this.#folder);
      const manifest = readManifest(this.#folder);
      try {
        this.#open(manifest);
      } catch (error) {
        // A writer that replaces the manifest removes files of the old one.
        const gone = (error as NodeJS.ErrnoException).code === 'ENOENT';
        if (gone && attempt < 100 && manifestStamp(this.#folder) !== stamp) continue;
        throw gone ? storeDamaged(`a segment of ${this.#folder} is missing`, error) : error;
      }
      this.#checkedAt = performance.now();
      return [manifest, stamp];
    }
  }

  #open(manifest: Manifest): void {
    const readers = new Map<string, SegmentReader>();
    const opened: SegmentReader[] = [];
    try {
      for (const entry of manifest.segments) {
        let reader = this.#readers.get(entry.file);
        // A name comes again in a store that was made anew.
        if (reader?.seal !== entry.seal) {
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
    this.#kinds = new AnswerKinds(manifest.issuer, manifest.kinds);
  }
}
