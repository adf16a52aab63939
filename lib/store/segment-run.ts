import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeQuietly, syncFolder } from './durable-files.js';
import { storeDamaged } from './errors.js';
import { type CheckedRecord, checkRecord, ownRecord } from './frames.js';
import { parseSegmentName, type SegmentEntry, segmentName, segmentNames } from './manifest.js';
import type { AnswerLabel, ResponseRecord } from './response-store.js';
import { decodeHeader, encodeHeader } from './segment-format.js';
import { SegmentReader } from './segment-reader.js';
import { lastCheckpoint, scanFrames } from './segment-scan.js';
import { SegmentWriter } from './segment-writer.js';
import { serialKey } from './serial-key.js';

/** When a segment is full. */
export interface SegmentLimits {
  readonly records: number;
  readonly bytes: number;
}

/** Writes the segments of one epoch, one after the other. Calls must not overlap. */
export class SegmentRun {
  readonly #folder: string;
  readonly #epoch: number;
  readonly #mark: Buffer;
  readonly #limits: SegmentLimits;
  readonly #sealed: SegmentEntry[] = [];
  #sequence = 1;
  #current: SegmentWriter | undefined;
  #sealedRecords = 0;
  /** Token of the last checkpoint found by {@link recover}. */
  resumeToken: string | null = null;

  /** @param mark - what tells its segments from those of others */
  constructor(folder: string, epoch: number, mark: Buffer, limits: SegmentLimits) {
    this.#folder = folder;
    this.#epoch = epoch;
    this.#mark = mark;
    this.#limits = limits;
  }

  /** Records written. */
  get records(): number {
    return this.#sealedRecords + (this.#current?.records ?? 0);
  }

  /**
   * Takes up what an interrupted run has left: everything up to its last checkpoint stays, everything after it goes, be it
   * whole or torn.
   */
  async recover(): Promise<void> {
    const names = segmentNames(this.#folder, this.#epoch);
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      const path = join(this.#folder, name);
      const { sequence } = parseSegmentName(name);
      const header = encodeHeader(this.#epoch, sequence, this.#mark);
      const { seed } = decodeHeader(header, name);
      // In a segment of somebody else no frame has its checksum.
      const checkpoint = await lastCheckpoint(path, seed);
      if (checkpoint === undefined) {
        await rm(path);
        continue;
      }
      this.resumeToken = checkpoint.token;
      this.#sequence = sequence;
      this.#current = await SegmentWriter.reopen(path, header, checkpoint.end);
      for await (const { offset, frame } of scanFrames(path, seed, checkpoint.end)) this.#current.readd(frame, offset);
      break;
    }
    if (this.#current !== undefined && names.length !== this.#sequence - 1) {
      throw storeDamaged(
        `a segment of the unfinished run is missing before ${segmentName(this.#epoch, this.#sequence)}`,
      );
    }
    for (const name of names) this.#takeSealed(name);
    await syncFolder(this.#folder);
  }

  /**
   * Adds records.
   *
   * @param kindOf - the kind of answer that a label is
   */
  async append(
    records: Iterable<ResponseRecord>,
    kindOf: (label: AnswerLabel) => number | Promise<number>,
  ): Promise<void> {
    for (const record of records) {
      const { serial, hashAlgorithm, issuerNameHash, signatureAlgorithm } = record;
      let checked = checkRecord(record, serialKey(serial));
      let kind = kindOf({ hashAlgorithm, issuerNameHash, signatureAlgorithm });
      if (typeof kind !== 'number') {
        checked = ownRecord(checked);
        kind = await kind;
      }
      const written = this.add(checked, kind);
      if (written !== undefined) await written;
    }
  }

  /** Adds a record, whose bytes are read before this returns. Returns a promise when it had to be written. */
  add(record: CheckedRecord, kind: number): Promise<void> | undefined {
    const writer = this.#current;
    if (writer === undefined) {
      const own = ownRecord(record);
      return this.#begin().then(() => this.add(own, kind));
    }
    const written = writer.append(record, kind);
    return written === undefined ? this.#sealIfFull() : written.then(() => this.#sealIfFull());
  }

  /** Makes everything so far durable. */
  async checkpoint(token: string): Promise<void> {
    const writer = this.#current ?? (await this.#begin());
    await writer.checkpoint(token);
  }

  /** Seals the last segment. Returns all of them; durable, but not served. */
  async finish(): Promise<readonly SegmentEntry[]> {
    if (this.#current !== undefined) await this.#seal();
    await syncFolder(this.#folder);
    return this.#sealed;
  }

  /** Closes the file that is being written. */
  async close(): Promise<void> {
    const writer = this.#current;
    this.#current = undefined;
    await writer?.close();
  }

  /** Closes and removes all files of the epoch, as far as that can be done; what stays is a leftover. */
  async remove(): Promise<void> {
    await this.close().catch(() => undefined);
    for (const name of segmentNames(this.#folder, this.#epoch)) await removeQuietly(join(this.#folder, name));
  }

  async #begin(): Promise<SegmentWriter> {
    const path = join(this.#folder, segmentName(this.#epoch, this.#sequence));
    this.#current = await SegmentWriter.create(path, this.#epoch, this.#sequence, this.#mark);
    await syncFolder(this.#folder);
    return this.#current;
  }

  #sealIfFull(): Promise<void> | undefined {
    const { records = 0, bytes = 0 } = this.#current ?? {};
    return records >= this.#limits.records || bytes >= this.#limits.bytes ? this.#seal() : undefined;
  }

  async #seal(): Promise<void> {
    const writer = this.#current;
    if (writer === undefined) return;
    if (writer.records === 0) {
      // Nothing but a checkpoint, as at the end of a run whose last segment was just full. It is what the run goes on from if it
      // cannot be published, and leftovers once it is.
      await writer.close();
    } else {
      this.#sealed.push(await writer.seal());
      this.#sealedRecords += writer.records;
    }
    this.#sequence += 1;
    this.#current = undefined;
  }

  #takeSealed(name: string): void {
    const reader = new SegmentReader(join(this.#folder, name));
    try {
      if (!reader.header.mark.equals(this.#mark)) throw storeDamaged(`${name} is not a segment of the unfinished run`);
      const { records, entries } = reader.footer;
      this.#sealed.push({ file: name, bytes: reader.bytes, entries, seal: reader.seal });
      this.#sealedRecords += records;
    } finally {
      reader.close();
    }
  }
}
