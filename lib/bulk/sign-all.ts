import { availableParallelism } from 'node:os';
import type { NativeResponseSigner, NativeSigningPool } from '../../typings/binding.js';
import { native } from '../binding.js';
import { invalidArgType, invalidValue, OCSPError } from '../errors.js';
import { type DefaultTimes, EntryPacker } from './entry-packer.js';
import type { StatusEntry } from './status-entry.js';
import { timesAt, type Validity } from './validity.js';

/** How `signAll` runs. */
export interface SignAllOptions {
  /** Signing threads; one per core by default. They are the run's own, not libuv's. */
  readonly threads?: number;
  /** Entries that one thread signs in one go; 128 by default. Bounds, with `threads`, what is in memory at a time. */
  readonly batchSize?: number;
  /**
   * Share of the responses whose signature is verified before they are handed out, 0 to 1; 0.001 by default. The first
   * response of every thread always is.
   */
  readonly verifySample?: number;
  /** Ends the run; the iterator rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after every batch with the number of responses signed so far. */
  readonly onProgress?: (signed: number) => void;
}

/** One result of `signAll`. */
export interface SignedEntry {
  /** The entry that was signed, as the source yielded it. */
  readonly entry: StatusEntry;
  /** The DER of its response. */
  readonly der: Buffer;
  /** producedAt of the response, in seconds since 1970-01-01 UTC. */
  readonly producedAt: number;
  /** nextUpdate of the response, in seconds since 1970-01-01 UTC; null when it has none. */
  readonly nextUpdate: number | null;
}

/** A batch that is being signed, or has been. */
interface Batch {
  readonly entries: StatusEntry[];
  readonly producedAt: number;
  readonly times: DefaultTimes;
  responses: Buffer | undefined;
  ends: Uint32Array | undefined;
  error: Error | undefined;
}

const MAX_THREADS = 1024;
const MAX_BATCH = 65_536;

export function signAll(
  signer: NativeResponseSigner,
  validity: Validity,
  source: Iterable<StatusEntry> | AsyncIterable<StatusEntry>,
  options: SignAllOptions,
): AsyncIterableIterator<SignedEntry> {
  if (typeof options !== 'object' || options === null) throw invalidArgType('options', 'an object', options);
  const threads = whole(options.threads ?? availableParallelism(), 'threads', MAX_THREADS);
  const batchSize = whole(options.batchSize ?? 128, 'batchSize', MAX_BATCH);
  const verifySample = options.verifySample ?? 0.001;
  if (typeof verifySample !== 'number') throw invalidArgType('options.verifySample', 'a number', verifySample);
  if (!(verifySample >= 0 && verifySample <= 1)) throw invalidValue('options.verifySample must be 0 to 1');
  const iterator = iteratorOf(source);
  return new Run(signer, validity, iterator, { ...options, threads, batchSize, verifySample });
}

type ResolvedOptions = SignAllOptions & Required<Pick<SignAllOptions, 'threads' | 'batchSize' | 'verifySample'>>;

class Run implements AsyncIterableIterator<SignedEntry> {
  readonly #source: Iterator<StatusEntry> | AsyncIterator<StatusEntry>;
  readonly #validity: Validity;
  readonly #options: ResolvedOptions;
  readonly #pool: NativeSigningPool;
  readonly #packer = new EntryPacker();
  /** Batches in the order of the source; `#base` is the id of the first. */
  readonly #batches: Batch[] = [];
  #base = 0;
  #taken = 0;
  #signed = 0;
  #exhausted = false;
  #ended = false;
  #wake: (() => void) | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #onAbort = (): void => this.#wake?.();

  constructor(
    signer: NativeResponseSigner,
    validity: Validity,
    source: Iterator<StatusEntry> | AsyncIterator<StatusEntry>,
    options: ResolvedOptions,
  ) {
    this.#source = source;
    this.#validity = validity;
    this.#options = options;
    this.#pool = new native.SigningPool(signer, options.threads, options.verifySample, (id, responses, ends, error) => {
      const batch = this.#batches[id - this.#base];
      if (batch === undefined) return;
      batch.responses = responses;
      batch.ends = ends;
      batch.error = error;
      this.#wake?.();
    });
    options.signal?.addEventListener('abort', this.#onAbort);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<SignedEntry> {
    return this;
  }

  next(): Promise<IteratorResult<SignedEntry>> {
    const ready = this.#takeReady();
    if (ready !== undefined) return Promise.resolve({ done: false, value: ready });
    // Calls that have to wait take turns, so that overlapping ones get their results in order.
    const result = this.#turn.then(() => this.#wait());
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async return(): Promise<IteratorResult<SignedEntry>> {
    await this.#end();
    return { done: true, value: undefined };
  }

  /** The next response of the first batch, when that has been signed. */
  #takeReady(): SignedEntry | undefined {
    const batch = this.#batches[0];
    if (this.#ended || this.#options.signal?.aborted || batch?.ends === undefined || batch.responses === undefined) {
      return undefined;
    }
    const { ends, responses } = batch;
    const i = this.#taken;
    if (i >= ends.length) return undefined;
    const start = i === 0 ? 0 : (ends[i - 1] as number);
    const end = ends[i] as number;
    this.#taken = i + 1;
    if (this.#taken === ends.length && batch.error === undefined) this.#dropFirst();
    const entry = batch.entries[i] as StatusEntry;
    return {
      entry,
      der: copyOut(responses, start, end),
      producedAt: batch.producedAt,
      nextUpdate: nextUpdateOf(entry, batch.times),
    };
  }

  #dropFirst(): void {
    this.#signed += this.#taken;
    this.#batches.shift();
    this.#base++;
    this.#taken = 0;
    this.#options.onProgress?.(this.#signed);
  }

  async #wait(): Promise<IteratorResult<SignedEntry>> {
    try {
      for (;;) {
        if (this.#ended) return { done: true, value: undefined };
        this.#options.signal?.throwIfAborted();
        await this.#fill();
        const value = this.#takeReady();
        if (value !== undefined) return { done: false, value };
        const [batch] = this.#batches;
        if (batch?.error !== undefined) throw this.#failure(batch, batch.error);
        if (batch === undefined && this.#exhausted) {
          await this.#end();
          return { done: true, value: undefined };
        }
        if (batch?.ends === undefined) await this.#change();
      }
    } catch (error) {
      await this.#end();
      throw error;
    }
  }

  /** Resolves when a batch has come back or the signal has fired. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }

  /** Keeps every thread busy, with one batch waiting for each. */
  async #fill(): Promise<void> {
    const { threads, batchSize, signal } = this.#options;
    while (!this.#exhausted && !this.#ended && !signal?.aborted && this.#batches.length < threads * 2) {
      const now = Date.now();
      const times = timesAt(this.#validity, now);
      const entries: StatusEntry[] = [];
      this.#packer.clear();
      while (entries.length < batchSize) {
        const pulled = this.#source.next();
        const { done, value } = pulled instanceof Promise ? await pulled : (pulled as IteratorResult<StatusEntry>);
        if (done) {
          this.#exhausted = true;
          break;
        }
        this.#packer.add(value, times);
        entries.push(value);
      }
      if (entries.length === 0) return;
      const id = this.#base + this.#batches.length;
      const producedAt = Math.floor(now / 1000);
      this.#batches.push({ entries, producedAt, times, responses: undefined, ends: undefined, error: undefined });
      this.#pool.submit(id, this.#packer.bytes, producedAt);
    }
  }

  #failure(batch: Batch, cause: Error): Error {
    const index = batch.ends?.length ?? 0;
    const serial = batch.entries[index]?.serialNumber;
    const name = typeof serial === 'bigint' ? serial.toString(16) : serial;
    const code = cause instanceof OCSPError ? cause.code : 'ERR_OCSP_OPENSSL';
    return new OCSPError(code, `entry ${this.#signed + index} (serial number ${name}): ${cause.message}`, { cause });
  }

  async #end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#pool.close();
    this.#batches.length = 0;
    if (!this.#exhausted) await this.#source.return?.();
  }
}

function nextUpdateOf({ nextUpdate }: StatusEntry, times: DefaultTimes): number | null {
  if (nextUpdate === undefined) return times.nextUpdate ?? null;
  return nextUpdate === null ? null : Math.floor(nextUpdate.getTime() / 1000);
}

/** A response on memory of its own: a view would keep its whole batch alive. */
function copyOut(bytes: Buffer, start: number, end: number): Buffer {
  const out = Buffer.allocUnsafeSlow(end - start);
  bytes.copy(out, 0, start, end);
  return out;
}

function iteratorOf(
  source: Iterable<StatusEntry> | AsyncIterable<StatusEntry>,
): Iterator<StatusEntry> | AsyncIterator<StatusEntry> {
  if (typeof source === 'object' && source !== null) {
    if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
    if (Symbol.iterator in source) return source[Symbol.iterator]();
  }
  throw invalidArgType('source', 'an iterable or async iterable of entries', source);
}

function whole(value: unknown, name: string, max: number): number {
  if (typeof value !== 'number') throw invalidArgType(`options.${name}`, 'a number', value);
  if (!Number.isInteger(value) || value < 1 || value > max)
    throw invalidValue(`options.${name} must be a whole number, 1 to ${max}`);
  return value;
}
