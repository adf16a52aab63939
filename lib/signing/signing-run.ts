import type { NativeSigningPool, OnBatch } from '../../typings/binding.js';
import { OCSPError } from '../errors.js';
import { copyEntry, type StatusEntry } from '../statuses/status-entry.js';
import type { StoredLabel } from '../store/answer-kinds.js';
import { serialToBytes, serialToText } from '../x509/serial-number.js';
import { type DefaultTimes, EntryPacker } from './entry-packer.js';
import { type Lifetime, timesAt } from './lifetime.js';
import type { SignAllOptions, SignedEntry } from './sign-all.js';

/** {@link SignAllOptions} with the defaults filled in. */
export type RunOptions = SignAllOptions & Required<Pick<SignAllOptions, 'threads' | 'concurrency' | 'verifySample'>>;

/** Makes what signs batches of packed entries. */
export type MakePool = (options: RunOptions, onBatch: OnBatch) => NativeSigningPool;

/** Entries that are being collected, signed, or taken. */
interface Batch {
  readonly entries: StatusEntry[];
  /** nextUpdate of each. */
  readonly nextUpdates: (number | null)[];
  /** How many they shall be. */
  readonly size: number;
  readonly producedAt: number;
  readonly times: DefaultTimes;
  /** What came back: the responses, those of one entry side by side, where each ends, and why the one after them is missing. */
  responses: Buffer | undefined;
  ends: Uint32Array | undefined;
  error: Error | undefined;
}

/** A call of `next` that has to wait. */
interface Waiting {
  readonly resolve: (result: IteratorResult<SignedEntry>) => void;
  readonly reject: (error: unknown) => void;
}

/** Batches under way for each thread: one that is signed, and others, so that a thread that falls behind stops no other. */
const BATCHES_PER_THREAD = 4;
/**
 * Entries of a batch, unless the caller chooses. A batch is no more than a certain part of what has been read before it, so
 * that a short list is shared by all threads, and so is the end of a longer one.
 */
const SMALLEST_BATCH = 16;
const LARGEST_BATCH = 256;
const BATCHES_BEFORE_GROWTH = 8;
/** Milliseconds after which a batch is signed that a slow source has not filled. */
const LINGER = 10;

/** One run of `signAll`: reads ahead as far as the batches go, and gives the results in the order of the source. */
export class SigningRun implements AsyncIterableIterator<SignedEntry> {
  readonly #source: Iterator<StatusEntry> | AsyncIterator<StatusEntry>;
  /** What tells the responses of one entry from each other, in their order. */
  readonly #labels: readonly StoredLabel[];
  readonly #validity: Lifetime;
  readonly #options: RunOptions;
  readonly #pool: NativeSigningPool;
  readonly #packer = new EntryPacker();
  /** Batches in the order of the source; `#base` is the id of the first. */
  readonly #batches: Batch[] = [];
  #base = 0;
  /** Responses of the first batch that have been taken. */
  #taken = 0;
  /** Entries of the batches that have been taken whole. */
  #signed = 0;
  /** Entries read from the source. */
  #read = 0;
  /** The batch that is being filled. */
  #open: Batch | undefined;
  #linger: NodeJS.Timeout | undefined;
  #reading = false;
  /** The source has nothing more. */
  #exhausted = false;
  /** Why nothing more is read, to be thrown once what was read before has been taken. */
  #stopped: { readonly error: unknown } | undefined;
  #ended = false;
  readonly #waiting: Waiting[] = [];
  readonly #onAbort = (): void => this.#advance();

  constructor(
    makePool: MakePool,
    labels: readonly StoredLabel[],
    validity: Lifetime,
    source: Iterator<StatusEntry> | AsyncIterator<StatusEntry>,
    options: RunOptions,
  ) {
    this.#source = source;
    this.#labels = labels;
    this.#validity = validity;
    this.#options = options;
    this.#pool = makePool(options, (id, responses, ends, error) => {
      const batch = this.#batches[id - this.#base];
      if (batch === undefined) return;
      batch.responses = responses;
      batch.ends = ends;
      batch.error = error;
      this.#advance();
    });
    options.signal?.addEventListener('abort', this.#onAbort);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<SignedEntry> {
    return this;
  }

  next(): Promise<IteratorResult<SignedEntry>> {
    if (this.#waiting.length === 0) {
      try {
        const value = this.#take();
        if (value !== undefined) return Promise.resolve({ done: false, value });
      } catch (error) {
        // That of onProgress: who does not get a result asks for no end either.
        const reject = (): Promise<never> => Promise.reject(error);
        return this.#end().then(reject, reject);
      }
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#advance();
    });
  }

  async return(): Promise<IteratorResult<SignedEntry>> {
    await this.#end();
    this.#advance();
    return { done: true, value: undefined };
  }

  /** The next response of the first batch, when that has been signed. */
  #take(): SignedEntry | undefined {
    const batch = this.#batches[0];
    if (batch?.ends === undefined || batch.responses === undefined || this.#options.signal?.aborted) return undefined;
    const { ends, responses } = batch;
    const i = this.#taken;
    if (i >= ends.length) return undefined;
    const start = i === 0 ? 0 : (ends[i - 1] as number);
    const end = ends[i] as number;
    this.#taken = i + 1;
    if (this.#taken === ends.length && batch.error === undefined) this.#dropFirst();
    const at = Math.floor(i / this.#labels.length);
    const { hashAlgorithm, issuerNameHash, signatureAlgorithm } = this.#labels[i % this.#labels.length] as StoredLabel;
    return {
      entry: batch.entries[at] as StatusEntry,
      hashAlgorithm,
      issuerNameHash,
      signatureAlgorithm,
      der: responses.subarray(start, end),
      producedAt: batch.producedAt,
      nextUpdate: batch.nextUpdates[at] as number | null,
    };
  }

  #dropFirst(): void {
    this.#signed += this.#batches[0]?.entries.length ?? 0;
    this.#batches.shift();
    this.#base++;
    this.#taken = 0;
    this.#readAhead();
    this.#options.onProgress?.(this.#signed);
  }

  /** Settles the calls that wait, as far as that can be done. */
  #advance(): void {
    while (this.#waiting.length > 0) {
      if (this.#ended) {
        this.#waiting.shift()?.resolve({ done: true, value: undefined });
        continue;
      }
      try {
        this.#options.signal?.throwIfAborted();
        const value = this.#take();
        if (value !== undefined) {
          this.#waiting.shift()?.resolve({ done: false, value });
          continue;
        }
        const [batch] = this.#batches;
        if (batch?.error !== undefined) throw this.#failure(batch, batch.error);
        if (batch === undefined && this.#stopped !== undefined) throw this.#stopped.error;
        if (batch !== undefined || !this.#exhausted) break;
        void this.#end();
      } catch (error) {
        const first = this.#waiting.shift();
        const reject = (): void => first?.reject(error);
        this.#end().then(reject, reject);
      }
    }
    this.#readAhead();
  }

  get #mayRead(): boolean {
    const { threads, signal } = this.#options;
    return (
      !this.#exhausted &&
      this.#stopped === undefined &&
      !this.#ended &&
      !signal?.aborted &&
      this.#batches.length < threads * BATCHES_PER_THREAD
    );
  }

  #readAhead(): void {
    if (this.#reading || !this.#mayRead) return;
    this.#reading = true;
    void this.#readBatches();
  }

  /** Reads until every thread has its batches. Settles nothing by itself while the source is quick: no turn for an entry. */
  async #readBatches(): Promise<void> {
    let asking = false;
    try {
      while (this.#mayRead) {
        asking = true;
        const pulled = this.#source.next();
        const { done, value } =
          pulled instanceof Promise ? await this.#lingering(pulled) : (pulled as IteratorResult<StatusEntry>);
        asking = false;
        if (done) this.#exhausted = true;
        else if (!this.#ended) this.#add(value);
      }
    } catch (error) {
      // A source that has thrown is over; after a bad entry it has to be told.
      if (asking) this.#exhausted = true;
      this.#stopped = { error };
    }
    this.#reading = false;
    if (!this.#exhausted && this.#stopped === undefined) return;
    this.#submit();
    this.#advance();
  }

  /**
   * The promise of a source; what has been collected is signed meanwhile if it takes its time. The timer keeps the process
   * alive for as long: there is something to sign, though the source may hold nothing open.
   */
  #lingering(pulled: Promise<IteratorResult<StatusEntry>>): Promise<IteratorResult<StatusEntry>> {
    if (this.#open !== undefined) this.#linger ??= setTimeout(() => this.#submit(), LINGER);
    return pulled;
  }

  #add(given: StatusEntry): void {
    const entry = copyEntry(given);
    if (this.#open === undefined) {
      const now = Date.now();
      this.#packer.clear();
      this.#open = {
        entries: [],
        nextUpdates: [],
        size: this.#options.batchSize ?? this.#usualSize(),
        producedAt: Math.floor(now / 1000),
        times: timesAt(this.#validity, now),
        responses: undefined,
        ends: undefined,
        error: undefined,
      };
    }
    try {
      this.#open.nextUpdates.push(this.#packer.add(entry, this.#open.times));
    } catch (cause) {
      throw naming(this.#read, entry, cause as Error);
    }
    this.#read += 1;
    this.#open.entries.push(entry);
    if (this.#open.entries.length >= this.#open.size) this.#submit();
  }

  #usualSize(): number {
    const part = Math.floor(this.#read / (this.#options.threads * BATCHES_BEFORE_GROWTH));
    return Math.min(LARGEST_BATCH, Math.max(SMALLEST_BATCH, part));
  }

  #submit(): void {
    clearTimeout(this.#linger);
    this.#linger = undefined;
    const batch = this.#open;
    this.#open = undefined;
    if (this.#ended || batch === undefined || batch.entries.length === 0) return;
    const id = this.#base + this.#batches.length;
    this.#batches.push(batch);
    this.#pool.submit(id, this.#packer.bytes, batch.producedAt);
  }

  #failure(batch: Batch, cause: Error): Error {
    const index = Math.floor((batch.ends?.length ?? 0) / this.#labels.length);
    return naming(this.#signed + index, batch.entries[index], cause);
  }

  async #end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    clearTimeout(this.#linger);
    this.#pool.close();
    this.#batches.length = 0;
    if (this.#exhausted) return;
    const closing = this.#source.return?.();
    // A generator that is waiting for something ends only after it: that may never come.
    if (this.#reading) Promise.resolve(closing).catch(() => undefined);
    else await closing;
  }
}

/** The error of an entry, saying which one it is. */
export function naming(index: number, entry: StatusEntry | undefined, cause: Error): Error {
  const serial = entry?.serialNumber;
  const name = (typeof serial === 'bigint' ? serialToText(serialToBytes(serial)) : String(serial)).slice(0, 64);
  const message = `entry ${index} (serial number ${name}): ${cause.message}`;
  if (cause instanceof OCSPError) return new OCSPError(cause.code, message, { cause });
  const { code } = cause as NodeJS.ErrnoException;
  return Object.assign(new (cause instanceof TypeError ? TypeError : Error)(message, { cause }), code && { code });
}
