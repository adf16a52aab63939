import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { invalidArgType, invalidValue } from '../../errors.js';
import { loadDerOcspResponse } from '../../ocsp/response.js';
import { checkDate } from '../../x509/time.js';
import { issuerMismatch } from './errors.js';
import { checkRecord, derOf, recordOf, versionOf } from './frames.js';
import {
  type Manifest,
  parseSegmentName,
  runPath,
  type SegmentEntry,
  segmentNames,
  unfinishedRun,
  writeManifest,
  writeRun,
} from './manifest.js';
import { countServed } from './merge.js';
import {
  type AnswerChoice,
  type BeginRunOptions,
  type CertIdLookup,
  compareVersions,
  type ListEdition,
  type PutOptions,
  type PutResult,
  type ResponseRecord,
  type ResponseStore,
  type RunWriter,
  type StoredResponse,
} from './response-store.js';
import { droppable } from './retention.js';
import { removeRubbish } from './rubbish.js';
import { BulkRun } from './run-writer.js';
import type { SegmentReader } from './segment-reader.js';
import { type SegmentLimits, SegmentRun } from './segment-run.js';
import { framesOf, SegmentSet } from './segment-set.js';
import { type SerialKey, serialKey } from './serial-key.js';
import { type VerifyReport, verifyStore } from './verify.js';
import { WriterLock } from './writer-lock.js';

/** What {@link SegmentStore.open} takes beside the folder. */
export interface SegmentStoreOptions {
  /** Milliseconds after which a change by another process is seen at the latest. 0 looks at every `get`. Default 250. */
  readonly refreshInterval?: number;
  /** Records after which a bulk run begins the next segment; a writer needs 60 octets of memory for each. Default 2^20. */
  readonly segmentRecords?: number;
  /** Octets after which a bulk run begins the next segment. Default 1 GiB. */
  readonly segmentBytes?: number;
  /** Write although a process on another machine or in another container holds the lock. Only when it has ended. */
  readonly breakLock?: boolean;
}

/** What a store holds. */
export interface StoreStats {
  /** Segments that are served. */
  readonly segments: number;
  /** Their octets. */
  readonly bytes: number;
  /** Entries of all segments; a certificate counts in each segment that has a response for it. */
  readonly entries: number;
  /** Those entries by status. */
  readonly good: number;
  readonly revoked: number;
  readonly unknown: number;
  /** Name of the run that was begun and not committed. */
  readonly unfinishedRun: string | null;
  /** Name of the run that was committed last. */
  readonly lastRun: string | null;
}

/** Batches leave one small segment each; so many are put together into one. */
const MANY_SMALL = 16;
const SMALL = 4096;

/**
 * Responses in files of one folder. No service, no dependency; any number of processes read, one at a time writes.
 *
 * - A bulk run appends to segments, each written once, in the order in which the responses come, with a sorted index at its
 *   end. `MANIFEST` says which segments count, and is replaced as a whole: a reader sees all of a run or nothing.
 * - Of several responses for one certificate the one that {@link compareVersions} prefers is served, whichever segment it is
 *   in. So the order of writing never matters, and nothing is looked up while a run is written.
 * - Every octet is under a checksum. Damage is an error (`ERR_OCSP_STORE_DAMAGED`), never a response.
 * - Methods that write take the lock of the folder and give it back: `ERR_OCSP_STORE_LOCKED` when another process has it.
 */
export class SegmentStore implements ResponseStore {
  readonly #folder: string;
  readonly #limits: SegmentLimits;
  readonly #breakLock: boolean;
  readonly #set: SegmentSet;
  #lock: WriterLock | undefined;
  #users = 0;
  #running = false;
  #lastEpoch = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #compaction: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, options: SegmentStoreOptions) {
    const { refreshInterval = 250, segmentRecords = 2 ** 20, segmentBytes = 2 ** 30, breakLock = false } = options;
    this.#folder = folder;
    this.#limits = { records: segmentRecords, bytes: segmentBytes };
    this.#breakLock = breakLock;
    this.#set = new SegmentSet(folder, refreshInterval);
  }

  /** Opens the store in a folder; makes the folder if there is none. */
  static async open(folder: string, options: SegmentStoreOptions = {}): Promise<SegmentStore> {
    if (typeof folder !== 'string') throw invalidArgType('folder', 'a path', folder);
    await mkdir(folder, { recursive: true });
    return new SegmentStore(folder, options);
  }

  get(serialNumber: SerialKey, { hashAlgorithm }: AnswerChoice = {}): Buffer | undefined {
    const frame = this.#set.find(serialKey(serialNumber));
    if (frame === undefined) return undefined;
    const der = derOf(frame);
    return hashAlgorithm === undefined || loadDerOcspResponse(der).hashAlgorithm === hashAlgorithm ? der : undefined;
  }

  lookup({ hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber }: CertIdLookup): Buffer | undefined {
    const der = this.get(serialNumber, { hashAlgorithm });
    if (der === undefined) return undefined;
    const response = loadDerOcspResponse(der);
    if (!response.issuerKeyHash.equals(issuerKeyHash))
      throw issuerMismatch('the store holds responses of another issuer');
    return response.issuerNameHash.equals(issuerNameHash) ? der : undefined;
  }

  /** The response to serve for a certificate, with what the store knows of it. */
  getRecord(serial: SerialKey): StoredResponse | undefined {
    const frame = this.#set.find(serialKey(serial));
    return frame === undefined ? undefined : recordOf(frame);
  }

  /**
   * All responses to serve, in ascending order of serial numbers, as the store is when the iteration begins.
   *
   * @param validAt - leave out those whose nextUpdate is earlier
   */
  *records(validAt?: Date): Generator<StoredResponse> {
    const seconds = validAt === undefined ? undefined : checkDate(validAt, 'validAt').getTime() / 1000;
    for (const frame of this.#set.frames(seconds)) yield recordOf(frame);
  }

  async putBatch(batch: Iterable<ResponseRecord>, _options?: PutOptions): Promise<PutResult> {
    return this.#write(async () => {
      let count = 0;
      const newer: ResponseRecord[] = [];
      for (const item of batch) {
        count += 1;
        const record = checkRecord(item, serialKey(item.serial));
        const frame = this.#set.find(record.serial);
        if (frame === undefined || compareVersions(record, versionOf(frame)) > 0) newer.push(record);
      }
      if (newer.length === 0) return { written: 0, kept: count };
      const entries = await this.#writeSegments(async (run) => run.append(newer));
      await this.#publish((segments) => [...segments, ...entries]);
      // Housekeeping: its failure, as on a full disk, must not pass for that of the batch, which is served. The next one tries again.
      await this.#compactSmall().catch(() => undefined);
      const written = entries.reduce((sum, segment) => sum + segment.entries, 0);
      return { written, kept: count - written };
    });
  }

  async beginRun({ id, otherRun = 'refuse' }: BeginRunOptions): Promise<RunWriter> {
    if (typeof id !== 'string') throw invalidArgType('id', 'a string', id);
    return this.#serially(async () => {
      if (this.#running) throw invalidValue('a run of this store is open');
      await this.#acquire();
      try {
        const run = await this.#recoverRun(id, otherRun);
        this.#running = true;
        return run;
      } catch (error) {
        this.#release();
        throw error;
      }
    });
  }

  /**
   * Puts all segments together into as few as possible, without the responses that newer ones have outdone, and without
   * those whose nextUpdate is before `validAt`. Reads and writes the whole store; it is served all the while.
   */
  async compact(validAt?: Date): Promise<void> {
    const seconds = validAt === undefined ? undefined : checkDate(validAt, 'validAt').getTime() / 1000;
    await this.#serially(() => this.#acquire());
    try {
      // Apart from the other calls: a revocation does not wait until the whole store has been copied.
      const compaction = this.#compaction.then(() => this.#compactAll(seconds));
      this.#compaction = compaction.catch(() => undefined);
      await compaction;
    } finally {
      this.#release();
    }
  }

  /** Removes the segments all of whose responses have expired. {@link compact} with a time removes every expired response. */
  async sweep(now: Date): Promise<number> {
    const seconds = checkDate(now, 'now').getTime() / 1000;
    return this.#write(async () => {
      const dropped = droppable(this.#set.readers, seconds);
      if (dropped.length === 0) return 0;
      const names = new Set(dropped.map((reader) => reader.name));
      const count = dropped.reduce((sum, reader) => sum + reader.footer.entries, 0);
      await this.#publish((segments) => segments.filter(({ file }) => !names.has(file)));
      return count;
    });
  }

  /** {@link verifyStore} of this store's folder. */
  verify(): Promise<VerifyReport> {
    return verifyStore(this.#folder);
  }

  /** Counts, from the ends of the segments. */
  stats(): StoreStats {
    this.#set.refresh();
    const footers = this.#set.readers.map((reader) => reader.footer);
    const sum = (count: (footer: SegmentReader['footer']) => number) =>
      footers.reduce((all, one) => all + count(one), 0);
    return {
      segments: footers.length,
      bytes: this.#set.readers.reduce((all, { bytes }) => all + bytes, 0),
      entries: sum((footer) => footer.entries),
      good: sum((footer) => footer.statuses[0]),
      revoked: sum((footer) => footer.statuses[1]),
      unknown: sum((footer) => footer.statuses[2]),
      unfinishedRun: unfinishedRun(this.#folder, this.#set.manifest)?.id ?? null,
      lastRun: this.#set.manifest.lastRun?.id ?? null,
    };
  }

  close(): void {
    this.#set.close();
  }

  async #recoverRun(id: string, otherRun: 'refuse' | 'discard'): Promise<BulkRun> {
    let identity = unfinishedRun(this.#folder, this.#set.manifest);
    if (identity !== undefined && identity.id !== id) {
      if (otherRun !== 'discard')
        throw invalidValue(`the store has an unfinished run of another name: '${identity.id}'; finish or discard it`);
      await this.#forgetRun(identity.epoch);
      identity = undefined;
    }
    if (identity === undefined) {
      identity = { id, epoch: await this.#nextEpoch() };
      await writeRun(this.#folder, identity);
    }
    const { epoch } = identity;
    const run = new SegmentRun(this.#folder, epoch, this.#limits);
    try {
      await run.recover();
    } catch (error) {
      await run.close();
      throw error;
    }
    return new BulkRun(run, {
      editions: this.#set.manifest.lists ?? [],
      commit: (entries, edition) =>
        this.#serially(async () => {
          const lists = withEdition(this.#set.manifest.lists, edition);
          await this.#publish((segments) => [...segments, ...entries], {
            lastRun: { id, epoch },
            ...(lists && { lists }),
          });
          await rm(runPath(this.#folder), { force: true });
          const names = new Set(entries.map(({ file }) => file));
          const own = this.#set.readers.filter(({ name }) => names.has(name));
          const others = this.#set.readers.filter(({ name }) => !names.has(name));
          return countServed(own, others);
        }),
      discard: () => this.#serially(() => this.#forgetRun(epoch)),
      end: () => {
        this.#running = false;
        this.#release();
      },
    });
  }

  async #forgetRun(epoch: number): Promise<void> {
    // The note goes first: without it the files are rubbish, and it without them a run that lost its work.
    await rm(runPath(this.#folder), { force: true });
    for (const name of segmentNames(this.#folder, epoch)) await rm(join(this.#folder, name), { force: true });
  }

  /** Puts the segments of many small batches together. */
  async #compactSmall(): Promise<void> {
    const small = this.#set.readers.filter((reader) => reader.footer.records <= SMALL);
    if (small.length < MANY_SMALL) return;
    const entries = await this.#rewrite(small);
    await this.#publish(replacing(small, entries));
  }

  async #compactAll(validAt: number | undefined): Promise<void> {
    // A set of its own: other calls may replace the manifest meanwhile.
    const snapshot = new SegmentSet(this.#folder, Number.POSITIVE_INFINITY);
    try {
      const entries = await this.#rewrite(snapshot.readers, validAt);
      await this.#serially(() => this.#publish(replacing(snapshot.readers, entries)));
    } finally {
      snapshot.close();
    }
  }

  #rewrite(readers: readonly SegmentReader[], validAt?: number): Promise<readonly SegmentEntry[]> {
    return this.#writeSegments(async (run) => {
      let batch: StoredResponse[] = [];
      for (const frame of framesOf(readers, validAt)) {
        if (batch.push(recordOf(frame)) < 256) continue;
        await run.append(batch);
        batch = [];
        await nextTurn();
      }
      await run.append(batch);
    });
  }

  /** Writes segments of a new epoch; durable, but not served. */
  async #writeSegments(write: (run: SegmentRun) => Promise<void>): Promise<readonly SegmentEntry[]> {
    const run = new SegmentRun(this.#folder, await this.#nextEpoch(), this.#limits);
    try {
      await write(run);
      return await run.finish();
    } catch (error) {
      // Best effort; what stays is removed by whoever takes the lock next.
      await run.remove().catch(() => undefined);
      throw error;
    }
  }

  /** A number that no file bears: neither those served, nor those of a run or a batch that is being written. */
  async #nextEpoch(): Promise<number> {
    if (this.#set.manifest.generation === 0) {
      await writeManifest(this.#folder, this.#set.manifest, {});
      this.#set.reload();
    }
    const { manifest } = this.#set;
    const running = unfinishedRun(this.#folder, manifest)?.epoch ?? 0;
    this.#lastEpoch = Math.max(manifest.nextEpoch, this.#lastEpoch + 1, running + 1);
    return this.#lastEpoch;
  }

  /** Replaces the manifest, and removes the segments that it no longer names. */
  async #publish(
    change: (segments: readonly SegmentEntry[]) => readonly SegmentEntry[],
    others: Partial<Manifest> = {},
  ): Promise<void> {
    const { manifest } = this.#set;
    const segments = change(manifest.segments);
    // Also beyond a run that an earlier process began: whoever follows must not take its files for his own.
    const epochs = segments.map(({ file }) => parseSegmentName(file).epoch);
    const nextEpoch = 1 + Math.max(manifest.nextEpoch - 1, this.#lastEpoch, others.lastRun?.epoch ?? 0, ...epochs);
    await writeManifest(this.#folder, manifest, { ...others, nextEpoch, segments });
    this.#set.reload();
    const served = new Set(segments.map(({ file }) => file));
    for (const { file } of manifest.segments) {
      if (!served.has(file)) await rm(join(this.#folder, file), { force: true });
    }
  }

  /** Calls that write, one after the other, with the lock. */
  #write<T>(action: () => Promise<T>): Promise<T> {
    return this.#serially(async () => {
      await this.#acquire();
      try {
        return await action();
      } finally {
        this.#release();
      }
    });
  }

  #serially<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(action);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #acquire(): Promise<void> {
    if (this.#lock === undefined) {
      this.#lock = WriterLock.acquire(this.#folder, this.#breakLock);
      try {
        this.#set.reload();
        await removeRubbish(this.#folder, this.#set.manifest);
      } catch (error) {
        this.#lock.release();
        this.#lock = undefined;
        throw error;
      }
    }
    this.#users += 1;
  }

  #release(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#lock?.release();
    this.#lock = undefined;
  }
}

/** The lists of a manifest, one of them in a new edition. */
function withEdition(lists: Manifest['lists'], edition: ListEdition | undefined): Manifest['lists'] {
  return edition === undefined ? lists : [...(lists ?? []).filter(({ list }) => list !== edition.list), edition];
}

/** The change of the manifest that puts new segments in the place of those they were made of. */
function replacing(old: readonly SegmentReader[], entries: readonly SegmentEntry[]) {
  const names = new Set(old.map((reader) => reader.name));
  return (segments: readonly SegmentEntry[]): readonly SegmentEntry[] => [
    ...entries,
    ...segments.filter(({ file }) => !names.has(file)),
  ];
}
