import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { invalidArgType, invalidValue, OCSPError } from '../errors.js';
import { checkedJson, readCheckedJson, replaceFile } from '../store/durable-files.js';
import { WriterLock } from '../store/writer-lock.js';
import { checkPositive } from '../x509/checks.js';
import { type OptionNames, readOptions } from '../x509/options.js';

/** A part of a big job, as {@link Ledger.lease} hands it out. */
export interface LeasedRange {
  /** Name of the range; whoever filled the ledger knows what it stands for. */
  readonly id: string;
  /** How often it has been handed out, this time included. Tells this lease from earlier ones that ran out. */
  readonly attempt: number;
  /** Last serial number that an earlier attempt noted with {@link Ledger.checkpoint}; null when none did. */
  readonly lastSerial: string | null;
  /** When others may have the range, in milliseconds since 1970-01-01 UTC, unless a checkpoint puts it off. */
  readonly expiresAt: number;
}

/**
 * Who signs what. A job is cut into ranges of serial numbers (some 100,000 to a million each), workers lease them, and a range
 * whose worker has fallen silent goes to another.
 *
 * A range may be worked on twice, by a worker that was only slow and the one after it: signing twice does no harm, as the store
 * keeps one. But only the holder of the last lease may change the range, the other gets `ERR_OCSP_INVALID_VALUE`.
 */
export interface Ledger {
  /** Takes up to `n` ranges that are open, or whose lease has run out. None when there is nothing to do at the moment. */
  lease(n: number): Promise<LeasedRange[]>;
  /** Notes how far a range has been done, and extends the lease. */
  checkpoint(range: LeasedRange, lastSerial: string): Promise<void>;
  /** The range is done. */
  complete(range: LeasedRange): Promise<void>;
  /** Gives a range back. It is handed out again until it has failed too often. */
  fail(range: LeasedRange, error: unknown): Promise<void>;
}

/** Where a range stands. */
export interface RangeState {
  readonly id: string;
  readonly state: 'open' | 'leased' | 'done' | 'failed';
  readonly attempt: number;
  readonly lastSerial: string | null;
  readonly expiresAt: number;
  /** Message of the last failure. */
  readonly error: string | null;
}

/** What {@link FileLedger.open} takes beside the folder. */
export interface FileLedgerOptions {
  /** Seconds after which a lease runs out that was not extended. Default 300. */
  readonly leaseSeconds?: number;
  /** How often a range is handed out before it counts as failed. Default 5. */
  readonly maxAttempts?: number;
  /** The clock, in milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

const OPTION_NAMES: OptionNames<FileLedgerOptions> = { leaseSeconds: true, maxAttempts: true, now: true };

const FILE = 'LEDGER';
const PATIENCE = 10_000;

/** A ledger in a file, for the processes of one machine. Every change is durable once its call resolves. */
export class FileLedger implements Ledger {
  readonly #folder: string;
  readonly #leaseTime: number;
  readonly #maxAttempts: number;
  readonly #now: () => number;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, { leaseSeconds = 300, maxAttempts = 5, now = Date.now }: FileLedgerOptions) {
    this.#folder = folder;
    this.#leaseTime = checkPositive(leaseSeconds, 'leaseSeconds') * 1000;
    this.#maxAttempts = checkPositive(maxAttempts, 'maxAttempts');
    this.#now = now;
  }

  /**
   * Opens the ledger in a folder; makes an empty one if there is none.
   *
   * @throws (rejects) TypeError; `ERR_OCSP_INVALID_VALUE`; what making the folder throws.
   */
  static async open(folder: string, options: FileLedgerOptions = {}): Promise<FileLedger> {
    if (typeof folder !== 'string') throw invalidArgType('folder', 'a path', folder);
    const given = readOptions(options, OPTION_NAMES);
    const ledger = new FileLedger(folder, given);
    mkdirSync(folder, { recursive: true });
    return ledger;
  }

  /** Adds ranges. Those that are there already stay as they are, so that it may be done again after a failure. */
  async add(ids: Iterable<string>): Promise<void> {
    await this.#change((ranges) => {
      for (const id of ids) {
        if (typeof id !== 'string') throw invalidArgType('ids', 'an iterable of strings', id);
        if (ranges.has(id)) continue;
        ranges.set(id, { id, state: 'open', attempt: 0, lastSerial: null, expiresAt: 0, error: null });
      }
    });
  }

  /** All ranges, in the order in which they were added. */
  async ranges(): Promise<RangeState[]> {
    return [...this.#read().values()];
  }

  async lease(n: number): Promise<LeasedRange[]> {
    return this.#change((ranges) => {
      const leased: LeasedRange[] = [];
      // One that was given back with an error comes behind those that no one has tried, however often it fails.
      const failures = ({ state, attempt }: RangeState): number => (state === 'open' ? attempt : 0);
      for (const range of [...ranges.values()].sort((one, other) => failures(one) - failures(other))) {
        if (leased.length >= n) break;
        const lapsed = range.state === 'leased' && range.expiresAt <= this.#now();
        if (range.state !== 'open' && !lapsed) continue;
        if (range.attempt >= this.#maxAttempts) {
          ranges.set(range.id, { ...range, state: 'failed', error: range.error ?? 'its leases ran out' });
          continue;
        }
        const { id, lastSerial } = range;
        const lease = { id, lastSerial, attempt: range.attempt + 1, expiresAt: this.#now() + this.#leaseTime };
        ranges.set(id, { ...range, ...lease, state: 'leased' });
        leased.push(lease);
      }
      return leased;
    });
  }

  async checkpoint(range: LeasedRange, lastSerial: string): Promise<void> {
    if (typeof lastSerial !== 'string') throw invalidArgType('lastSerial', 'a string', lastSerial);
    await this.#update(range, { lastSerial, expiresAt: this.#now() + this.#leaseTime });
  }

  async complete(range: LeasedRange): Promise<void> {
    await this.#update(range, { state: 'done', error: null });
  }

  async fail(range: LeasedRange, error: unknown): Promise<void> {
    const state = range.attempt >= this.#maxAttempts ? 'failed' : 'open';
    await this.#update(range, { state, error: error instanceof Error ? error.message : String(error) });
  }

  async #update({ id, attempt }: LeasedRange, change: Partial<RangeState>): Promise<void> {
    await this.#change((ranges) => {
      const range = ranges.get(id);
      // Even when the lease has run out: no one else has taken the range, so its holder may go on.
      if (range?.state !== 'leased' || range.attempt !== attempt) {
        throw invalidValue(`the lease of '${id}' has ended: another worker has the range, or it is done`);
      }
      ranges.set(id, { ...range, ...change });
    });
  }

  /** Reads, changes and writes the file, with no one in between. */
  #change<T>(action: (ranges: Map<string, RangeState>) => T): Promise<T> {
    const result = this.#turn.then(async () => {
      const lock = await this.#acquire();
      try {
        const ranges = this.#read();
        const value = action(ranges);
        await replaceFile(join(this.#folder, FILE), checkedJson([...ranges.values()]));
        return value;
      } finally {
        lock.release();
      }
    });
    this.#turn = result.catch(() => undefined);
    return result;
  }

  #read(): Map<string, RangeState> {
    const ranges = (readCheckedJson(join(this.#folder, FILE)) ?? []) as RangeState[];
    return new Map(ranges.map((range) => [range.id, range]));
  }

  /** Others hold the lock for a few milliseconds. */
  async #acquire(): Promise<WriterLock> {
    const until = performance.now() + PATIENCE;
    for (;;) {
      try {
        return WriterLock.acquire(this.#folder);
      } catch (error) {
        const held = error instanceof OCSPError && String(error.code) === 'ERR_OCSP_STORE_LOCKED';
        if (!held || performance.now() > until) throw error;
        await sleep(5 + Math.random() * 20);
      }
    }
  }
}
