import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { invalidArgType, invalidValue, OCSPError } from '../errors.js';
import type { ListEdition } from '../statuses/list-edition.js';
import { checkCertIdHash } from '../x509/algorithms.js';
import { copyBytes } from '../x509/der.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { checkDate } from '../x509/time.js';
import { agreedIssuer } from './answer-kinds.js';
import { removeQuietly, syncFolder } from './durable-files.js';
import { storeClosed, storeLocked } from './errors.js';
import { type CheckedRecord, checkedRecordOf, checkRecord, derOf, kindOf, recordOf, versionOf } from './frames.js';
import {
  compactionEpoch,
  compactionPath,
  type Manifest,
  newMark,
  parseSegmentName,
  type RunIdentity,
  readManifest,
  runPath,
  type SegmentEntry,
  segmentNames,
  unfinishedRun,
  writeCompaction,
  writeManifest,
  writeRun,
} from './manifest.js';
import { countServed, servedBySerial } from './merge.js';
import { mergeable } from './merge-policy.js';
import {
  type AnswerChoice,
  type AnswerLabel,
  type BeginRunOptions,
  type CertIdLookup,
  compareKnowledge,
  compareVersions,
  type IssuerIdentity,
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
import { isGone, SegmentSet } from './segment-set.js';
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
  /**
   * Write although a process on another host holds the lock, as a network file system may go on to say after that host's end.
   * Only when it has ended.
   */
  readonly breakLock?: boolean;
}

const OPTION_NAMES: OptionNames<SegmentStoreOptions> = {
  refreshInterval: true,
  segmentRecords: true,
  segmentBytes: true,
  breakLock: true,
};
const CHOICE_NAMES: OptionNames<AnswerChoice> = { hashAlgorithm: true, issuerNameHash: true, signatureAlgorithm: true };
const PUT_NAMES: OptionNames<PutOptions> = { ifNewer: true, issuer: true };
const RUN_NAMES: OptionNames<BeginRunOptions> = { id: true, otherRun: true, issuer: true };

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

/** Folders of the locks of those who write for long. */
const RUN_LOCK = 'run';
const COMPACTION_LOCK = 'compaction';
/** Milliseconds for which the lock of the folder is waited for. */
const LOCK_PATIENCE = 5000;
const LOCK_ATTEMPTS = 1000;
/** Milliseconds between two looks whether it is free. */
const LOCK_PAUSE = 2;
const COMPACTION_ATTEMPTS = 10;
/** Responses after which the event loop has its turn when segments are rewritten. */
const REWRITE_TURN = 256;

/**
 * Responses in files of one folder. No service, no dependency; any number of processes read and write.
 *
 * - A bulk run appends to segments, each written once, in the order in which the responses come, with a sorted index at its
 *   end. `MANIFEST` says which segments count, and is replaced as a whole: a reader sees all of a run or nothing.
 * - Of several responses for one certificate the one that {@link compareVersions} prefers is served, whichever segment it is
 *   in. So the order of writing never matters, and nothing is looked up while a run is written.
 * - Every octet is under a checksum. Damage is an error (`ERR_OCSP_STORE_DAMAGED`), never a response.
 * - Methods that write take the lock of the folder for moments, and wait for it: `ERR_OCSP_STORE_LOCKED` when another process does
 *   not give it back. A bulk run and a compaction have locks of their own, so that others write while they go on; there is one
 *   run at a time, and one compaction.
 * - After `close` every call fails with `ERR_OCSP_STORE_CLOSED`, but for `stats`.
 */
export class SegmentStore implements ResponseStore {
  readonly #folder: string;
  readonly #limits: SegmentLimits;
  readonly #breakLock: boolean;
  readonly #set: SegmentSet;
  #lock: WriterLock | undefined;
  /** Calls and runs that are under way. */
  #users = 0;
  #closed = false;
  #running = false;
  #run: BulkRun | undefined;
  #lastEpoch = 0;
  #releasedAt = Number.NEGATIVE_INFINITY;
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
    const given = readOptions(options, OPTION_NAMES);
    await mkdir(folder, { recursive: true });
    return new SegmentStore(folder, given);
  }

  get(serialNumber: SerialKey, choice: AnswerChoice = {}): Buffer | undefined {
    const frame = this.#find(serialNumber, choice);
    return frame && copyBytes(derOf(frame));
  }

  lookup({ hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber }: CertIdLookup): Buffer | undefined {
    this.#checkOpen();
    this.#set.refresh();
    this.#set.kinds.checkIssuer(hashAlgorithm, issuerNameHash, issuerKeyHash);
    return this.get(serialNumber, { hashAlgorithm, issuerNameHash });
  }

  /** The response to serve for a certificate, with what the store knows of it. */
  getRecord(serialNumber: SerialKey, choice: AnswerChoice = {}): StoredResponse | undefined {
    const frame = this.#find(serialNumber, choice);
    return frame && recordOf(frame, this.#set.kinds.label(kindOf(frame)));
  }

  /**
   * All responses to serve, in ascending order of serial numbers, and for each in the order in which `get` prefers them; as the
   * store is when the iteration begins.
   *
   * @param validAt - leave out those whose nextUpdate is earlier
   */
  records(validAt?: Date): Generator<StoredResponse> {
    this.#checkOpen();
    const seconds = validAt === undefined ? undefined : checkDate(validAt, 'validAt').getTime() / 1000;
    return this.#set.records(seconds);
  }

  async putBatch(batch: Iterable<ResponseRecord>, options: PutOptions = {}): Promise<PutResult> {
    const { issuer } = readOptions(options, PUT_NAMES);
    this.#checkOpen();
    return this.#write(async () => {
      await this.#agree(issuer);
      const checked: [CheckedRecord, AnswerLabel][] = [];
      for (const item of batch) {
        const { serial, hashAlgorithm, issuerNameHash, signatureAlgorithm } = item;
        const record = checkRecord(item, serialKey(serial));
        checked.push([
          { ...record, serial: Buffer.from(record.serial), der: Buffer.from(record.der) },
          { hashAlgorithm, issuerNameHash, signatureAlgorithm },
        ]);
      }
      const newer: [CheckedRecord, number][] = [];
      for (const [record, label] of checked) {
        const kind = await this.#kindOf(label);
        if (isNewer(record, kind, this.#set.findAll(record.serial))) newer.push([record, kind]);
      }
      if (newer.length === 0) return { written: 0, kept: checked.length };
      const entries = await this.#writeSegments(await this.#nextEpoch(), async (run) => {
        for (const [record, kind] of newer) await run.add(record, kind);
      });
      await this.#publish((segments) => [...segments, ...entries]);
      await this.#mergeSmall();
      const written = entries.reduce((sum, segment) => sum + segment.entries, 0);
      return { written, kept: checked.length - written };
    });
  }

  async beginRun(options: BeginRunOptions): Promise<RunWriter> {
    const { id, otherRun = 'refuse', issuer } = readOptions(options, RUN_NAMES);
    if (typeof id !== 'string') throw invalidArgType('id', 'a string', id);
    this.#checkOpen();
    if (this.#running) throw invalidValue('a run of this store is open');
    this.#running = true;
    this.#users += 1;
    let lock: WriterLock | undefined;
    const end = (): void => {
      this.#running = false;
      this.#run = undefined;
      lock?.release();
      this.#end();
    };
    try {
      // A lock of its own: others write while a run goes on, which may take hours.
      lock = WriterLock.acquire(join(this.#folder, RUN_LOCK), this.#breakLock);
      const identity = await this.#write(async () => {
        await this.#agree(issuer);
        return this.#identify(id, otherRun);
      });
      const run = await this.#recoverRun(identity, lock, end);
      this.#run = run;
      // The store was closed meanwhile.
      if (this.#closed) await run.close();
      return run;
    } catch (error) {
      end();
      throw error;
    }
  }

  /**
   * Puts all segments together into as few as possible, without the responses that newer ones have outdone, and without
   * those whose nextUpdate is before `validAt`. Reads and writes the whole store; it is served all the while.
   */
  async compact(validAt?: Date): Promise<void> {
    const seconds = validAt === undefined ? undefined : checkDate(validAt, 'validAt').getTime() / 1000;
    this.#checkOpen();
    this.#users += 1;
    try {
      // Apart from the other calls: a revocation does not wait until the whole store has been copied.
      const compaction = this.#compaction.then(() => this.#compactAll(seconds));
      this.#compaction = compaction.catch(() => undefined);
      await compaction;
    } finally {
      this.#end();
    }
  }

  /** Removes the segments all of whose responses have expired. {@link compact} with a time removes every expired response. */
  async sweep(now: Date): Promise<number> {
    this.#checkOpen();
    const seconds = checkDate(now, 'now').getTime() / 1000;
    return this.#write(async () => {
      // Nobody knows yet what the run will bring that is older, and has to stay hidden.
      if (unfinishedRun(this.#folder, this.#set.manifest) !== undefined) return 0;
      const dropped = droppable(this.#set.readers, seconds);
      if (dropped.length === 0) return 0;
      const names = new Set(dropped.map((reader) => reader.name));
      const count = dropped.reduce((sum, reader) => sum + reader.footer.entries, 0);
      await this.#publish((segments) => segments.filter(({ file }) => !names.has(file)));
      return count;
    });
  }

  /** {@link verifyStore} of this store's folder. */
  async verify(): Promise<VerifyReport> {
    this.#checkOpen();
    return verifyStore(this.#folder);
  }

  /** Counts, from the ends of the segments; of a store that has been closed, as it was then. */
  stats(): StoreStats {
    if (!this.#closed) this.#set.refresh();
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

  /** Lets go of the files, once the calls that are under way have ended. A run that is open ends without commit. */
  close(): void {
    this.#closed = true;
    this.#run?.close().catch(() => undefined);
    if (this.#users === 0) this.#set.close();
  }

  #checkOpen(): void {
    if (this.#closed) throw storeClosed();
  }

  /** A call or a run has ended. */
  #end(): void {
    this.#users -= 1;
    if (this.#closed && this.#users === 0) this.#set.close();
  }

  #find(serialNumber: SerialKey, choice: AnswerChoice): Buffer | undefined {
    this.#checkOpen();
    const { hashAlgorithm, ...others } = readOptions(choice, CHOICE_NAMES, 'choice');
    const wanted =
      hashAlgorithm === undefined
        ? others
        : { ...others, hashAlgorithm: checkCertIdHash(hashAlgorithm, 'choice.hashAlgorithm').hash };
    const frames = this.#set.find(serialKey(serialNumber));
    const { kinds } = this.#set;
    return kinds.sorted(frames.filter((frame) => kinds.matches(kindOf(frame), wanted)))[0];
  }

  /** Holds the issuer of what is to be written against that of the store, which learns of it. With the lock. */
  async #agree(issuer: IssuerIdentity | undefined): Promise<void> {
    if (issuer === undefined) return;
    const { manifest } = this.#set;
    // What has nothing is nobody's: a first attempt may have been that of another.
    const isEmpty = manifest.segments.length === 0 && unfinishedRun(this.#folder, manifest) === undefined;
    const agreed = agreedIssuer(isEmpty ? null : manifest.issuer, issuer);
    if (agreed === manifest.issuer) return;
    await writeManifest(this.#folder, manifest, { issuer: agreed, ...(isEmpty && { kinds: [] }) });
    this.#set.reload();
  }

  /** The kind of answer that a record is; one that is new goes into the manifest first. With the lock. */
  async #kindOf(label: AnswerLabel): Promise<number> {
    const known = this.#set.kinds.find(label);
    if (known >= 0) return known;
    const { manifest } = this.#set;
    const kind = this.#set.kinds.kindOf(label);
    await writeManifest(this.#folder, manifest, { kinds: [...manifest.kinds, kind] });
    this.#set.reload();
    return manifest.kinds.length;
  }

  /** Which run to go on with, or to begin. With the lock. */
  async #identify(id: string, otherRun: 'refuse' | 'discard'): Promise<RunIdentity> {
    const { manifest } = this.#set;
    const unfinished = unfinishedRun(this.#folder, manifest);
    if (unfinished?.id === id) return unfinished;
    if (unfinished !== undefined) {
      if (otherRun !== 'discard')
        throw invalidValue(`the store has an unfinished run of another name: '${unfinished.id}'; finish or discard it`);
      await this.#forgetRun(unfinished.epoch);
    }
    const epoch = await this.#nextEpoch();
    const run = { id, epoch, store: this.#set.manifest.store, mark: newMark().toString('hex') };
    await writeRun(this.#folder, run);
    return run;
  }

  async #recoverRun(identity: RunIdentity, lock: WriterLock, end: () => void): Promise<BulkRun> {
    const { mark, epoch } = identity;
    const run = new SegmentRun(this.#folder, epoch, Buffer.from(mark, 'hex'), this.#limits);
    try {
      await run.recover();
    } catch (error) {
      await run.close().catch(() => undefined);
      throw error;
    }
    const isOurs = (): boolean => {
      lock.check();
      return unfinishedRun(this.#folder, this.#set.manifest)?.mark === mark;
    };
    return new BulkRun(run, {
      editions: this.#set.manifest.lists ?? [],
      kindOf: (record) => {
        const known = this.#set.kinds.find(record);
        return known >= 0 ? known : this.#write(() => this.#kindOf(record));
      },
      commit: async (entries, edition) => {
        const snapshot = await this.#write(async () => {
          if (!isOurs()) throw storeLocked('somebody else has taken over the run');
          const lists = withEdition(this.#set.manifest.lists, edition);
          await this.#publish((segments) => [...segments, ...entries], { lastRun: identity, ...(lists && { lists }) });
          await removeQuietly(runPath(this.#folder));
          return SegmentSet.snapshot(this.#folder);
        });
        try {
          const names = new Set(entries.map(({ file }) => file));
          const own = snapshot.readers.filter(({ name }) => names.has(name));
          const others = snapshot.readers.filter(({ name }) => !names.has(name));
          return await countServed(own, others);
        } finally {
          snapshot.close();
          await this.#write(() => this.#mergeSmall()).catch(() => undefined);
        }
      },
      discard: () =>
        this.#write(async () => {
          if (isOurs()) await this.#forgetRun(epoch);
        }),
      end,
    });
  }

  async #forgetRun(epoch: number): Promise<void> {
    // The note goes first: without it the files are rubbish, and it without them a run that lost its work.
    await rm(runPath(this.#folder), { force: true });
    await syncFolder(this.#folder);
    // A commit that failed may have published them all the same.
    const served = new Set(readManifest(this.#folder).segments.map(({ file }) => file));
    for (const name of segmentNames(this.#folder, epoch)) {
      if (!served.has(name)) await removeQuietly(join(this.#folder, name));
    }
  }

  /**
   * Puts the segments of many small batches together. Housekeeping: its failure, as on a full disk, must not pass for that of what has
   * just been published. The next call tries again.
   */
  async #mergeSmall(): Promise<void> {
    try {
      for (;;) {
        this.#set.refresh();
        const small = mergeable(this.#set.readers, this.#limits);
        if (small === undefined) return;
        const entries = await this.#rewrite(await this.#nextEpoch(), small);
        await this.#publish(replacing(small, entries));
      }
    } catch {
      // What was written counts for nothing.
    }
  }

  async #compactAll(validAt: number | undefined): Promise<void> {
    // As with a run, others write meanwhile.
    const lock = WriterLock.acquire(join(this.#folder, COMPACTION_LOCK), this.#breakLock);
    try {
      let dropBefore = validAt;
      let attempt = 0;
      for (;;) {
        const [epoch, runs] = await this.#write(async () => {
          const number = await this.#nextEpoch();
          await writeCompaction(this.#folder, number);
          return [number, this.#runs()] as const;
        });
        // What a run brings may be older than what has expired, which has to hide it.
        if (runs.unfinished !== undefined) dropBefore = undefined;
        // A set of its own: others may replace the manifest meanwhile.
        const snapshot = SegmentSet.snapshot(this.#folder);
        try {
          const entries = await this.#rewrite(epoch, snapshot.readers, dropBefore);
          const published = await this.#write(async () => {
            const now = this.#runs();
            const isSame = now.unfinished === runs.unfinished && now.last === runs.last;
            const isRight = dropBefore === undefined || isSame;
            if (isRight) await this.#publish(replacing(snapshot.readers, entries));
            await removeQuietly(compactionPath(this.#folder));
            return isRight;
          });
          if (published) return;
        } catch (error) {
          // Others have put some of the segments together, of more than are kept open.
          attempt += 1;
          if (!isGone(error) || attempt >= COMPACTION_ATTEMPTS) throw error;
        } finally {
          snapshot.close();
        }
        dropBefore = undefined;
      }
    } finally {
      lock.release();
    }
  }

  #runs(): { readonly last: number; readonly unfinished: number | undefined } {
    const { manifest } = this.#set;
    return { last: manifest.lastRun?.epoch ?? 0, unfinished: unfinishedRun(this.#folder, manifest)?.epoch };
  }

  #rewrite(epoch: number, readers: readonly SegmentReader[], validAt?: number): Promise<readonly SegmentEntry[]> {
    return this.#writeSegments(epoch, async (run) => {
      let count = 0;
      for (const frames of servedBySerial(readers, validAt)) {
        for (const frame of frames) {
          await run.add(checkedRecordOf(frame), kindOf(frame));
          count += 1;
          if (count % REWRITE_TURN === 0) await nextTurn();
        }
      }
    });
  }

  /** Writes segments of a new epoch; durable, but not served. */
  async #writeSegments(epoch: number, write: (run: SegmentRun) => Promise<void>): Promise<readonly SegmentEntry[]> {
    const run = new SegmentRun(this.#folder, epoch, newMark(), this.#limits);
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
    const compacting = compactionEpoch(this.#folder) ?? 0;
    // Also beyond what could not be removed.
    const present = segmentNames(this.#folder).map((name) => parseSegmentName(name).epoch);
    this.#lastEpoch = 1 + Math.max(manifest.nextEpoch - 1, this.#lastEpoch, running, compacting, ...present);
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
    this.#lock?.check();
    try {
      await writeManifest(this.#folder, manifest, { ...others, nextEpoch, segments });
    } finally {
      // Also after an error the new one may be there.
      this.#set.expire();
    }
    const served = new Set(segments.map(({ file }) => file));
    for (const { file } of manifest.segments) {
      if (!served.has(file)) await removeQuietly(join(this.#folder, file));
    }
  }

  /** Calls that write, one after the other, with the lock, which is held for moments only. */
  #write<T>(action: () => Promise<T>): Promise<T> {
    this.#users += 1;
    const result = this.#turn.then(async () => {
      const lock = await this.#acquire();
      this.#lock = lock;
      try {
        this.#set.reload();
        await removeRubbish(this.#folder, this.#set.manifest);
        return await action();
      } finally {
        lock.release();
        this.#releasedAt = performance.now();
      }
    });
    this.#turn = result.catch(() => undefined);
    return result.finally(() => this.#end());
  }

  /** The lock of the folder. Whoever has it will soon give it back; one who does not is asleep, or cannot be seen. */
  async #acquire(): Promise<WriterLock> {
    const patience = performance.now() + LOCK_PATIENCE;
    // Others may be waiting for it.
    if (performance.now() - this.#releasedAt < LOCK_PAUSE) await sleep(LOCK_PAUSE);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return WriterLock.acquire(this.#folder, this.#breakLock);
      } catch (error) {
        const isLocked = error instanceof OCSPError && error.code === 'ERR_OCSP_STORE_LOCKED';
        // A process that hardly gets to run has not looked often.
        if (!isLocked || (performance.now() > patience && attempt > LOCK_ATTEMPTS)) throw error;
        await sleep(Math.random() * LOCK_PAUSE);
      }
    }
  }
}

/** Whether a record is to be served, beside or instead of what there is for its certificate. */
function isNewer(record: CheckedRecord, kind: number, frames: readonly Buffer[]): boolean {
  return frames.every((frame) => {
    const version = versionOf(frame);
    if (kindOf(frame) === kind && compareVersions(record, version) <= 0) return false;
    return record.certStatus === version.certStatus || compareKnowledge(record, version) > 0;
  });
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
