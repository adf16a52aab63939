import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { types } from 'node:util';
import { invalidArgType, invalidValue } from '../errors.js';
import { MessageBytes, STRICT } from '../ocsp/message.js';
import { checkCertIdHash } from '../x509/algorithms.js';
import { copyBytes, type OwnBuffer } from '../x509/der.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { checkSeconds } from '../x509/time.js';
import { Compaction } from './compaction.js';
import { storeClosed } from './errors.js';
import {
  checkRecord,
  derStart,
  frameEnd,
  kindOf,
  ownRecord,
  type Peeked,
  recordOf,
  statusVersionOf,
  versionOf,
} from './frames.js';
import { unfinishedRun } from './manifest.js';
import { type IsWanted, isNewer, revocationsOf } from './merge.js';
import {
  type AnswerChoice,
  type BeginRunOptions,
  type CertIdLookup,
  CHOICE_NAMES,
  type PutOptions,
  type PutResult,
  type ResponseRecord,
  type ResponseStore,
  type RunWriter,
  type StoredResponse,
} from './response-store.js';
import { droppable } from './retention.js';
import { RunRecovery } from './run-recovery.js';
import type { SegmentReader } from './segment-reader.js';
import { SegmentSet } from './segment-set.js';
import { type SerialKey, serialKey } from './serial-key.js';
import { StoreWriter } from './store-writer.js';
import { type VerifyReport, verifyStore } from './verify.js';
import { WriterLock } from './writer-lock.js';

/** What {@link SegmentStore.open} takes beside the folder. */
export interface SegmentStoreOptions {
  /** Milliseconds after which a change by another process is seen at the latest. 0 looks at every `get`. Default 250. */
  readonly refreshInterval?: number;
  /** Records after which a bulk run begins the next segment; a writer needs 60 bytes of memory for each. Default 2^20. */
  readonly segmentRecords?: number;
  /** Bytes after which a bulk run begins the next segment. Default 1 GiB. */
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
const PUT_NAMES: OptionNames<PutOptions> = { ifNewer: true, issuer: true };
const RUN_NAMES: OptionNames<BeginRunOptions> = { id: true, otherRun: true, issuer: true };

/** What a store holds. */
export interface StoreStats {
  /** Segments that are served. */
  readonly segments: number;
  /** Their bytes. */
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

/** Folder of the lock of a run. */
const RUN_LOCK = 'run';
/**
 * Responses in files of one folder. No service, no dependency; any number of processes read and write.
 *
 * - A bulk run appends to segments, each written once, in the order in which the responses come, with a sorted index at its
 *   end. `MANIFEST` says which segments count, and is replaced as a whole: a reader sees all of a run or nothing.
 * - Of several responses for one certificate the one that `compareVersions` prefers is served, whichever segment it is
 *   in. So the order of writing never matters, and nothing is looked up while a run is written.
 * - Every byte is under a checksum. Damage is an error (`ERR_OCSP_STORE_DAMAGED`), never a response.
 * - Methods that write take the lock of the folder for moments, and wait for it: `ERR_OCSP_STORE_LOCKED` when another process does
 *   not give it back. A bulk run and a compaction have locks of their own, so that others write while they go on; there is one
 *   run at a time, and one compaction.
 * - After `close` every call fails with `ERR_OCSP_STORE_CLOSED`, but for `stats`.
 */
export class SegmentStore implements ResponseStore {
  readonly #folder: string;
  readonly #set: SegmentSet;
  readonly #writer: StoreWriter;
  readonly #recovery: RunRecovery;
  /** Calls and runs that are under way. */
  #users = 0;
  #closed = false;
  #running = false;
  #run: RunWriter | undefined;
  #compaction: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, options: SegmentStoreOptions) {
    const { refreshInterval = 250, segmentRecords = 2 ** 20, segmentBytes = 2 ** 30, breakLock = false } = options;
    this.#folder = folder;
    this.#set = new SegmentSet(folder, atLeast(0, refreshInterval, 'refreshInterval'));
    const limits = {
      records: atLeast(1, segmentRecords, 'segmentRecords'),
      bytes: atLeast(1, segmentBytes, 'segmentBytes'),
    };
    this.#writer = new StoreWriter(folder, limits, breakLock, this.#set);
    this.#recovery = new RunRecovery(this.#writer);
  }

  /**
   * Opens the store in a folder; makes the folder if there is none.
   *
   * @throws (rejects) TypeError; `ERR_OCSP_INVALID_VALUE` for numbers that are none; `ERR_OCSP_STORE_DAMAGED`, `ERR_OCSP_STORE_FORMAT`; what
   * the file system throws.
   */
  static async open(folder: string, options: SegmentStoreOptions = {}): Promise<SegmentStore> {
    if (typeof folder !== 'string') throw invalidArgType('folder', 'a path', folder);
    const given = readOptions(options, OPTION_NAMES);
    await mkdir(folder, { recursive: true });
    return new SegmentStore(folder, given);
  }

  get(serialNumber: SerialKey, choice: AnswerChoice = ANY): OwnBuffer | undefined {
    this.#checkOpen();
    if (choice === ANY) {
      const frame = this.#set.findOnly(serialKey(serialNumber));
      if (frame !== null) return frame && copyBytes(frame, derStart(frame), frameEnd(frame, 0));
    }
    const frame = this.#choose(this.#findAll(serialNumber), choice);
    return frame && copyBytes(frame, derStart(frame));
  }

  lookup({ hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber }: CertIdLookup): OwnBuffer | undefined {
    this.#checkOpen();
    this.#set.refresh();
    this.#set.kinds.checkIssuer(hashAlgorithm, issuerNameHash, issuerKeyHash);
    return this.get(serialNumber, { hashAlgorithm, issuerNameHash });
  }

  /**
   * The response to serve for a certificate, with what the store knows of it: `statusVersion` is that of the response which says its
   * status last, by whatever hash or algorithm.
   */
  getRecord(serialNumber: SerialKey, choice: AnswerChoice = ANY): StoredResponse | undefined {
    const frames = this.#findAll(serialNumber);
    const frame = this.#choose(frames, choice);
    if (frame === undefined) return undefined;
    const statusVersion = Math.max(...frames.map((one) => versionOf(one).statusVersion));
    return { ...recordOf(frame, this.#set.kinds.label(kindOf(frame))), statusVersion };
  }

  /**
   * A number that stays as long as what the store has does; it is looked at as `get` does.
   *
   * @internal
   */
  edition(): number {
    this.#checkOpen();
    this.#set.refresh();
    return this.#set.edition;
  }

  /**
   * What is served for a certificate, in the order in which `get` prefers it: not copies, and valid until the next call.
   *
   * @internal
   */
  peek(serialNumber: SerialKey): Peeked | undefined {
    this.#checkOpen();
    const key = serialKey(serialNumber);
    const only = this.#set.findOnly(key);
    if (only === undefined) return undefined;
    const frames = only === null ? this.#set.kinds.sorted(this.#findAll(key)) : [only];
    if (frames.length === 0) return undefined;
    return {
      ders: frames.map((frame) => new MessageBytes(frame, derStart(frame), frameEnd(frame, 0), STRICT)),
      statusVersion: Math.max(...frames.map(statusVersionOf)),
      edition: this.#set.edition,
    };
  }

  /**
   * All responses to serve, in ascending order of serial numbers, and for each in the order in which `get` prefers them; as the
   * store is when the iteration begins.
   *
   * @param validAt - leave out those whose nextUpdate is earlier
   */
  records(validAt?: Date): Generator<StoredResponse> {
    this.#checkOpen();
    const seconds = validAt === undefined ? undefined : checkSeconds(validAt, 'validAt');
    return this.#set.records(seconds);
  }

  async putBatch(batch: Iterable<ResponseRecord>, options: PutOptions = {}): Promise<PutResult> {
    return this.putWanted(batch, options);
  }

  /**
   * `putBatch`, without what is not wanted.
   *
   * @param isWanted - asked, once no one else writes, of a record that is newer, and the "revoked" that are served for its certificate: views;
   * without it all is wanted
   * @internal
   */
  async putWanted(batch: Iterable<ResponseRecord>, options: PutOptions, isWanted?: IsWanted): Promise<PutResult> {
    const { issuer } = readOptions(options, PUT_NAMES);
    this.#checkOpen();
    return this.#write(async () => {
      await this.#writer.agree(issuer);
      let given = 0;
      const entries = await this.#writer.writeSegments(await this.#writer.nextEpoch(), async (run) => {
        // One by one: what lives shortly costs the garbage collector nothing.
        for (const item of batch) {
          const { serial, hashAlgorithm, issuerNameHash, signatureAlgorithm } = item;
          // (A caller's bytes are looked at twice, and may be others the second time.)
          const key = serialKey(types.isUint8Array(serial) ? Buffer.from(serial) : serial);
          let record = checkRecord(item, key);
          given += 1;
          const label = { hashAlgorithm, issuerNameHash, signatureAlgorithm };
          let kind = this.#set.kinds.find(label);
          if (kind < 0) {
            record = ownRecord(record);
            kind = await this.#writer.kindOf(label);
          }
          const frames = this.#set.findAll(record.serial);
          if (!isNewer(record, kind, frames)) continue;
          if (isWanted !== undefined && !isWanted(record, revocationsOf(frames))) continue;
          const written = run.add(record, kind);
          if (written !== undefined) await written;
        }
      });
      if (entries.length === 0) return { written: 0, kept: given };
      await this.#writer.publish((segments) => [...segments, ...entries]);
      await this.#writer.mergeSmall();
      const written = entries.reduce((sum, segment) => sum + segment.entries, 0);
      return { written, kept: given - written };
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
      lock = WriterLock.acquire(join(this.#folder, RUN_LOCK), this.#writer.breakLock);
      const identity = await this.#write(async () => {
        await this.#writer.agree(issuer);
        return this.#recovery.identify(id, otherRun);
      });
      const run = await this.#recovery.recover(identity, lock, end);
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
    const seconds = validAt === undefined ? undefined : checkSeconds(validAt, 'validAt');
    this.#checkOpen();
    this.#users += 1;
    try {
      // Apart from the other calls: a revocation does not wait until the whole store has been copied.
      const compaction = this.#compaction.then(() => new Compaction(this.#writer).run(seconds));
      this.#compaction = compaction.catch(() => undefined);
      await compaction;
    } finally {
      this.#end();
    }
  }

  /** Removes the segments all of whose responses have expired. {@link compact} with a time removes every expired response. */
  async sweep(now: Date): Promise<number> {
    this.#checkOpen();
    const seconds = checkSeconds(now, 'now');
    return this.#write(async () => {
      // No one knows yet what the run will bring that is older, and has to stay hidden.
      if (unfinishedRun(this.#folder, this.#set.manifest) !== undefined) return 0;
      const dropped = droppable(this.#set.readers, seconds);
      if (dropped.length === 0) return 0;
      const names = new Set(dropped.map((reader) => reader.name));
      const count = dropped.reduce((sum, reader) => sum + reader.footer.entries, 0);
      await this.#writer.publish((segments) => segments.filter(({ file }) => !names.has(file)));
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

  /** One of the calls that write. */
  #write<T>(action: () => Promise<T>): Promise<T> {
    this.#users += 1;
    return this.#writer.write(action).finally(() => this.#end());
  }

  /** The frames that are served for a certificate: all say the same status. */
  #findAll(serialNumber: SerialKey): readonly Buffer[] {
    this.#checkOpen();
    return this.#set.find(serialKey(serialNumber));
  }

  #choose(frames: readonly Buffer[], choice: AnswerChoice): Buffer | undefined {
    const wanted = choice === ANY ? ANY : wantedOf(choice);
    if (frames.length === 0) return undefined;
    const { kinds } = this.#set;
    return kinds.sorted(frames.filter((frame) => kinds.matches(kindOf(frame), wanted)))[0];
  }
}

function atLeast(least: number, value: unknown, name: string): number {
  if (typeof value !== 'number') throw invalidArgType(name, 'a number', value);
  if (!(value >= least)) throw invalidValue(`${name} must be ${least} or more: ${value}`);
  return value;
}

/** Any answer. */
const ANY: AnswerChoice = {};

function wantedOf(choice: AnswerChoice): AnswerChoice {
  const { hashAlgorithm, ...others } = readOptions(choice, CHOICE_NAMES, 'choice');
  if (hashAlgorithm === undefined) return others;
  return { ...others, hashAlgorithm: checkCertIdHash(hashAlgorithm, 'choice.hashAlgorithm').hash };
}
