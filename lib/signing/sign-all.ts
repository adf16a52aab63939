import { availableParallelism } from 'node:os';
import { invalidArgType, invalidValue } from '../errors.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import type { StoredLabel } from '../store/answer-kinds.js';
import type { HashAlgorithm } from '../x509/algorithms.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import type { Lifetime } from './lifetime.js';
import { type MakePool, SigningRun } from './signing-run.js';

/** How `signAll` runs. */
export interface SignAllOptions {
  /** Signing threads; one per core by default. They are the run's own, not libuv's. */
  readonly threads?: number;
  /**
   * Entries that one thread signs in one go; by default 16 to 256, growing with the run. Bounds, with `threads`, what is in
   * memory at a time.
   */
  readonly batchSize?: number;
  /** Signatures that an external signer is asked for at a time, which then has no threads; 16 by default. */
  readonly concurrency?: number;
  /**
   * Share of the responses whose signature is verified before they are handed out, 0 to 1; 0.001 by default. The first
   * response of every thread always is, and so is all that an external signer returns.
   */
  readonly verifySample?: number;
  /** Ends the run; the iterator rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after every batch with the number of entries dealt with so far. */
  readonly onProgress?: (signed: number) => void;
}

/** The names of {@link SignAllOptions}. */
export const SIGN_ALL_NAMES: OptionNames<SignAllOptions> = {
  threads: true,
  batchSize: true,
  concurrency: true,
  verifySample: true,
  signal: true,
  onProgress: true,
};

/** One result of `signAll`: one for each kind of answer that the signer makes, those of an entry side by side. */
export interface SignedEntry {
  /** The entry that was signed: a copy of what the source yielded, whose members have been read once. */
  readonly entry: StatusEntry;
  /** Hash of the CertID. */
  readonly hashAlgorithm: HashAlgorithm;
  /** Hash of the issuer's name in the CertID. Shared by all results: not to be changed. */
  readonly issuerNameHash: Buffer | null;
  /** OID of the signature algorithm. */
  readonly signatureAlgorithm: string | null;
  /**
   * The DER of its response. It shares memory with the responses of its batch and nothing else; whoever keeps a few out of
   * many keeps copies (`Buffer.from(der)`).
   */
  readonly der: Buffer;
  /** producedAt of the response, in seconds since 1970-01-01 UTC. */
  readonly producedAt: number;
  /** nextUpdate of the response, in seconds since 1970-01-01 UTC; null when it has none. */
  readonly nextUpdate: number | null;
}

export const MAX_THREADS = 1024;
const MAX_BATCH = 65_536;

/**
 * @param makePool - what signs the batches
 * @param labels - the responses that it makes of one entry
 */
export function signAll(
  makePool: MakePool,
  labels: readonly StoredLabel[],
  validity: Lifetime,
  source: Iterable<StatusEntry> | AsyncIterable<StatusEntry>,
  input: SignAllOptions,
): AsyncIterableIterator<SignedEntry> {
  const options = readOptions(input, SIGN_ALL_NAMES);
  const threads = checkWhole(options.threads ?? availableParallelism(), 'options.threads', MAX_THREADS);
  const concurrency = checkWhole(options.concurrency ?? 16, 'options.concurrency', MAX_THREADS);
  if (options.batchSize !== undefined) checkWhole(options.batchSize, 'options.batchSize', MAX_BATCH);
  const verifySample = options.verifySample ?? 0.001;
  if (typeof verifySample !== 'number') throw invalidArgType('options.verifySample', 'a number', verifySample);
  if (!(verifySample >= 0 && verifySample <= 1)) throw invalidValue('options.verifySample must be 0 to 1');
  const iterator = iteratorOf(source);
  return new SigningRun(makePool, labels, validity, iterator, { ...options, threads, concurrency, verifySample });
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

/** A whole number from 1 to `max`. */
export function checkWhole(value: unknown, name: string, max: number): number {
  if (typeof value !== 'number') throw invalidArgType(name, 'a number', value);
  if (!Number.isInteger(value) || value < 1 || value > max)
    throw invalidValue(`${name} must be a whole number, 1 to ${max}`);
  return value;
}
