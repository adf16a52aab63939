/** What changes a store: one change after the other, with the lock of the folder, published by a new manifest. */
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { OCSPError } from '../errors.js';
import { agreedIssuer } from './answer-kinds.js';
import { removeQuietly } from './durable-files.js';
import { checkedRecordOf, kindOf } from './frames.js';
import { removeLeftovers } from './leftovers.js';
import {
  compactionEpoch,
  type Manifest,
  newMark,
  parseSegmentName,
  type SegmentEntry,
  segmentNames,
  unfinishedRun,
  writeManifest,
} from './manifest.js';
import { type ExpiredOptions, servedBySerial } from './merge.js';
import { mergeable } from './merge-policy.js';
import type { AnswerLabel, IssuerIdentity } from './response-store.js';
import type { SegmentReader } from './segment-reader.js';
import { type SegmentLimits, SegmentRun } from './segment-run.js';
import type { SegmentSet } from './segment-set.js';
import { WriterLock } from './writer-lock.js';

/** Milliseconds for which the lock of the folder is waited for while one and the same has it. */
const LOCK_PATIENCE = 5000;
const LOCK_ATTEMPTS = 1000;
/** Milliseconds between two looks whether it is free. */
const LOCK_PAUSE = 2;
/** Responses after which the event loop has its turn when segments are rewritten. */
const REWRITE_TURN = 256;

/** Writes into one folder. Methods that say "with the lock" are for the actions of {@link write}. */
export class StoreWriter {
  readonly folder: string;
  readonly limits: SegmentLimits;
  readonly breakLock: boolean;
  readonly set: SegmentSet;
  #lock: WriterLock | undefined;
  #lastEpoch = 0;
  #releasedAt = Number.NEGATIVE_INFINITY;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(folder: string, limits: SegmentLimits, breakLock: boolean, set: SegmentSet) {
    this.folder = folder;
    this.limits = limits;
    this.breakLock = breakLock;
    this.set = set;
  }

  /** Calls that write, one after the other, with the lock, which is held for moments only. */
  write<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(async () => {
      const lock = await this.#acquire();
      this.#lock = lock;
      try {
        this.set.reload();
        await removeLeftovers(this.folder, this.set.manifest);
        return await action();
      } finally {
        lock.release();
        this.#releasedAt = performance.now();
      }
    });
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /**
   * The lock of the folder. Whoever has it will soon give it back; one who does not is asleep, or cannot be seen. Where many take it in turn,
   * as the workers of a job do, it is a matter of chance whose turn comes, and it is waited for as long as it goes from hand to hand.
   */
  async #acquire(): Promise<WriterLock> {
    let patience = performance.now() + LOCK_PATIENCE;
    let holding = WriterLock.holding(this.folder);
    // Others may be waiting for it.
    if (performance.now() - this.#releasedAt < LOCK_PAUSE) await sleep(LOCK_PAUSE);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return WriterLock.acquire(this.folder, this.breakLock);
      } catch (error) {
        const isLocked = error instanceof OCSPError && error.code === 'ERR_OCSP_STORE_LOCKED';
        if (!isLocked) throw error;
        // A process that hardly gets to run has not looked often.
        if (performance.now() > patience && attempt > LOCK_ATTEMPTS) {
          const now = WriterLock.holding(this.folder);
          if (now === holding) throw error;
          holding = now;
          patience = performance.now() + LOCK_PATIENCE;
        }
        await sleep(Math.random() * LOCK_PAUSE);
      }
    }
  }

  /** Holds the issuer of what is to be written against that of the store, which learns of it. With the lock. */
  async agree(issuer: IssuerIdentity | undefined): Promise<void> {
    if (issuer === undefined) return;
    const { manifest } = this.set;
    // What has nothing is no one's: a first attempt may have been that of another.
    const isEmpty = manifest.segments.length === 0 && unfinishedRun(this.folder, manifest) === undefined;
    const agreed = agreedIssuer(isEmpty ? null : manifest.issuer, issuer);
    if (agreed === manifest.issuer) return;
    await this.#changeManifest({ issuer: agreed, ...(isEmpty && { kinds: [] }) });
  }

  /** The kind of answer that a record is; one that is new goes into the manifest first. With the lock. */
  async kindOf(label: AnswerLabel): Promise<number> {
    const known = this.set.kinds.find(label);
    if (known >= 0) return known;
    const { manifest } = this.set;
    const kind = this.set.kinds.kindOf(label);
    await this.#changeManifest({ kinds: [...manifest.kinds, kind] });
    return manifest.kinds.length;
  }

  /** A number that no file bears: neither those served, nor those of a run or a batch that is being written. */
  async nextEpoch(): Promise<number> {
    if (this.set.manifest.generation === 0) await this.#changeManifest({});
    const { manifest } = this.set;
    const running = unfinishedRun(this.folder, manifest)?.epoch ?? 0;
    const compacting = compactionEpoch(this.folder) ?? 0;
    // Also beyond what could not be removed.
    const present = segmentNames(this.folder).map((name) => parseSegmentName(name).epoch);
    this.#lastEpoch = 1 + Math.max(manifest.nextEpoch - 1, this.#lastEpoch, running, compacting, ...present);
    return this.#lastEpoch;
  }

  /** Writes segments of a new epoch; durable, but not served. */
  async writeSegments(epoch: number, write: (run: SegmentRun) => Promise<void>): Promise<readonly SegmentEntry[]> {
    const run = new SegmentRun(this.folder, epoch, newMark(), this.limits);
    try {
      await write(run);
      return await run.finish();
    } catch (error) {
      // Best effort; what stays is removed by whoever takes the lock next.
      await run.remove().catch(() => undefined);
      throw error;
    }
  }

  rewrite(
    epoch: number,
    readers: readonly SegmentReader[],
    expired: ExpiredOptions = {},
  ): Promise<readonly SegmentEntry[]> {
    return this.writeSegments(epoch, async (run) => {
      let count = 0;
      for (const frames of servedBySerial(readers, expired)) {
        for (const frame of frames) {
          await run.add(checkedRecordOf(frame), kindOf(frame));
          count += 1;
          if (count % REWRITE_TURN === 0) await nextTurn();
        }
      }
    });
  }

  /** Replaces the manifest, and removes the segments that it no longer names. */
  async publish(
    change: (segments: readonly SegmentEntry[]) => readonly SegmentEntry[],
    others: Partial<Manifest> = {},
  ): Promise<void> {
    const { manifest } = this.set;
    const segments = change(manifest.segments);
    // Also beyond a run that an earlier process began: whoever follows must not take its files for his own.
    const epochs = segments.map(({ file }) => parseSegmentName(file).epoch);
    const nextEpoch = 1 + Math.max(manifest.nextEpoch - 1, this.#lastEpoch, others.lastRun?.epoch ?? 0, ...epochs);
    try {
      await this.#putManifest({ ...others, nextEpoch, segments });
    } finally {
      // Also after an error the new one may be there.
      this.set.expire();
    }
    const served = new Set(segments.map(({ file }) => file));
    for (const { file } of manifest.segments) {
      if (!served.has(file)) await removeQuietly(join(this.folder, file));
    }
  }

  /** Puts the next manifest in the place of the current one, which has to be that of whoever had the lock before. */
  async #putManifest(change: Partial<Manifest>): Promise<void> {
    this.#lock?.check();
    await writeManifest(this.folder, this.set.manifest, change);
  }

  async #changeManifest(change: Partial<Manifest>): Promise<void> {
    await this.#putManifest(change);
    this.set.reload();
  }

  /**
   * Puts the segments of many small batches together. Housekeeping: its failure, as on a full disk, must not pass for that of what has
   * just been published. The next call tries again.
   */
  async mergeSmall(): Promise<void> {
    try {
      for (;;) {
        this.set.refresh();
        const small = mergeable(this.set.readers, this.limits);
        if (small === undefined) return;
        const entries = await this.rewrite(await this.nextEpoch(), small);
        await this.publish(replacing(small, entries));
      }
    } catch {
      // What was written counts for nothing.
    }
  }
}

/** The change of the manifest that puts new segments in the place of those they were made of. */
export function replacing(old: readonly SegmentReader[], entries: readonly SegmentEntry[]) {
  const names = new Set(old.map((reader) => reader.name));
  return (segments: readonly SegmentEntry[]): readonly SegmentEntry[] => [
    ...entries,
    ...segments.filter(({ file }) => !names.has(file)),
  ];
}
