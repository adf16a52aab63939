import { join } from 'node:path';
import { storeDamaged } from './errors.js';
import { nextUpdateOf, versionOf } from './frames.js';
import { type Manifest, manifestStamp, readManifest } from './manifest.js';
import { mergeSegments } from './merge.js';
import { compareVersions } from './response-store.js';
import { SegmentReader } from './segment-reader.js';

/** The segments that a manifest names, opened. Follows the manifest as writers, in this process or others, replace it. */
export class SegmentSet {
  readonly #folder: string;
  readonly #refreshInterval: number;
  #manifest: Manifest;
  #stamp: string;
  #checkedAt = 0;
  #readers = new Map<string, SegmentReader>();

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

  /** The frame to serve for a serial number. */
  find(key: Uint8Array): Buffer | undefined {
    this.refresh();
    let best: Buffer | undefined;
    for (const reader of this.#readers.values()) {
      const frame = reader.find(key);
      if (frame === undefined) continue;
      if (best === undefined || compareVersions(versionOf(frame), versionOf(best)) > 0) best = frame;
    }
    return best;
  }

  /** All frames to serve, ascending; without those whose nextUpdate is before `validAt`, in seconds, if it is given. */
  *frames(validAt?: number): Generator<Buffer> {
    // A set of its own: what a writer replaces meanwhile stays open here.
    const snapshot = new SegmentSet(this.#folder, Number.POSITIVE_INFINITY);
    try {
      yield* framesOf(snapshot.readers, validAt);
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
      for (const { file, bytes } of manifest.segments) {
        let reader = this.#readers.get(file);
        if (reader === undefined) {
          reader = new SegmentReader(join(this.#folder, file));
          opened.push(reader);
          if (reader.bytes !== bytes) throw storeDamaged(`${file} has ${reader.bytes} octets instead of ${bytes}`);
        }
        readers.set(file, reader);
      }
    } catch (error) {
      for (const reader of opened) reader.close();
      throw error;
    }
    for (const [file, reader] of this.#readers) {
      if (!readers.has(file)) reader.close();
    }
    this.#readers = readers;
  }
}

/** What segments serve, without those whose nextUpdate is before `validAt`. */
export function* framesOf(readers: readonly SegmentReader[], validAt: number = 0): Generator<Buffer> {
  for (const frame of mergeSegments(readers)) {
    if ((nextUpdateOf(frame) ?? Number.POSITIVE_INFINITY) >= validAt) yield frame;
  }
}
