import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from './durable-files.js';
import { checkRecord, FrameKind } from './frames.js';
import { parseSegmentName, type SegmentEntry, segmentName, segmentNames } from './manifest.js';
import type { ResponseRecord } from './response-store.js';
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
  readonly #limits: SegmentLimits;
  readonly #sealed: SegmentEntry[] = [];
  #sequence = 1;
  #current: SegmentWriter | undefined;
  #sealedRecords = 0;
  /** Token of the last checkpoint found by {@link recover}. */
  resumeToken: string | null = null;

  constructor(folder: string, epoch: number, limits: SegmentLimits) {
    this.#folder = folder;
    this.#epoch = epoch;
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
      const checkpoint = await lastCheckpoint(path);
      if (checkpoint === undefined) {
        await rm(path);
        continue;
      }
      this.resumeToken = checkpoint.token;
      this.#sequence = parseSegmentName(name).sequence;
      this.#current = await SegmentWriter.reopen(path, checkpoint.end);
      for await (const { offset, frame } of scanFrames(path, checkpoint.end)) {
        if (frame[8] === FrameKind.RESPONSE) this.#current.readd(frame, offset);
      }
      break;
    }
    for (const name of names) this.#takeSealed(name);
    await syncFolder(this.#folder);
  }

  /** Adds a record. */
  async append(records: Iterable<ResponseRecord>): Promise<void> {
    for (const record of records) {
      const checked = checkRecord(record, serialKey(record.serial));
      const writer = this.#current ?? (await this.#begin());
      const written = writer.append(checked);
      if (written !== undefined) await written;
      if (writer.records >= this.#limits.records || writer.bytes >= this.#limits.bytes) await this.#seal();
    }
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
    await this.#current?.close();
    this.#current = undefined;
  }

  /** Closes and removes all files of the epoch. */
  async remove(): Promise<void> {
    await this.close();
    for (const name of segmentNames(this.#folder, this.#epoch)) await rm(join(this.#folder, name), { force: true });
  }

  async #begin(): Promise<SegmentWriter> {
    const path = join(this.#folder, segmentName(this.#epoch, this.#sequence));
    this.#current = await SegmentWriter.create(path, this.#epoch, this.#sequence);
    await syncFolder(this.#folder);
    return this.#current;
  }

  async #seal(): Promise<void> {
    const writer = this.#current;
    if (writer === undefined) return;
    if (writer.records === 0) {
      // Nothing but a checkpoint, as at the end of a run whose last segment was just full.
      await writer.close();
      await rm(join(this.#folder, segmentName(this.#epoch, this.#sequence)));
    } else {
      this.#sealed.push(await writer.seal());
      this.#sealedRecords += writer.records;
    }
    this.#sequence += 1;
    this.#current = undefined;
  }

  #takeSealed(name: string): void {
    const reader = new SegmentReader(join(this.#folder, name));
    const { records, entries } = reader.footer;
    this.#sealed.push({ file: name, bytes: reader.bytes, entries });
    this.#sealedRecords += records;
    reader.close();
  }
}
