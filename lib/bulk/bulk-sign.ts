import { invalidValue } from '../errors.js';
import type { ResponseSigner } from './response-signer.js';
import type { SignAllOptions } from './sign-all.js';
import type { StatusSource } from './sources/status-source.js';
import type { StatusEntry } from './status-entry.js';
import type { ResponseRecord, ResponseStore } from './store/response-store.js';

/** What {@link bulkSign} takes. */
export interface BulkSignOptions extends Omit<SignAllOptions, 'onProgress'> {
  /** Whom to answer for. */
  readonly source: StatusSource;
  /** Who signs. */
  readonly signer: ResponseSigner;
  /** Where the responses go. */
  readonly store: ResponseStore;
  /** Name of the run: an unfinished run of this name is continued. */
  readonly id: string;
  /** What to do with an unfinished run of another name. Default `refuse`. */
  readonly otherRun?: 'refuse' | 'discard';
  /**
   * Which knowledge the statuses are, a number that grows: of two responses for one certificate the higher one is served.
   * For entries that do not say it themselves. Default: the second at which the run begins; a run that is continued keeps its
   * own.
   */
  readonly statusVersion?: number;
  /** Responses between two checkpoints: what an interruption may cost at most. Default: 10,000, or those of 5 seconds. */
  readonly checkpointEvery?: number;
  /** Called after every checkpoint. */
  readonly onProgress?: (progress: BulkProgress) => void;
}

/** How far a run is. */
export interface BulkProgress {
  /** Responses that this call has signed and made durable. */
  readonly signed: number;
  /** Entries of the source that an interrupted run had dealt with before. */
  readonly resumedFrom: number;
  /** Octets of the responses that this call has signed. */
  readonly bytes: number;
}

const CHECKPOINT_EVERY = 10_000;
const CHECKPOINT_SECONDS = 5;
/** Few at a time, as with all that follows: what lives shortly costs the garbage collector nothing. */
const APPEND_EVERY = 256;
const READ_AT_ONCE = 512;

/**
 * Signs everything that a source has, into a store. Nothing is served before all is signed; after an interruption, call it
 * again with the same arguments and it goes on from the last checkpoint.
 *
 * @throws (rejects) As `ResponseSigner.signAll` and the store; `ERR_OCSP_INVALID_VALUE` for a bad `checkpointEvery`. The run
 * can then be continued.
 */
export async function bulkSign(options: BulkSignOptions): Promise<BulkProgress> {
  const { source, signer, store, id, otherRun, checkpointEvery, onProgress, ...signing } = options;
  const { statusVersion: given, ...signAllOptions } = signing;
  if (checkpointEvery !== undefined && (!Number.isInteger(checkpointEvery) || checkpointEvery < 1))
    throw invalidValue('checkpointEvery must be a whole number');
  const run = await store.beginRun({ id, ...(otherRun && { otherRun }) });
  let worthContinuing = run.resumeToken !== null;
  try {
    const { done: resumedFrom, statusVersion: begun } = readToken(run.resumeToken);
    const statusVersion = given ?? begun ?? Math.floor(Date.now() / 1000);
    let signed = 0;
    let bytes = 0;
    let batch: ResponseRecord[] = [];
    let pending = 0;
    let begin: number | undefined;
    const append = async (): Promise<void> => {
      await run.append(batch);
      batch = [];
    };
    const flush = async (): Promise<void> => {
      await append();
      pending = 0;
      begin = undefined;
      await run.checkpoint(`${resumedFrom + signed} ${statusVersion}`);
      worthContinuing = true;
      onProgress?.({ signed, resumedFrom, bytes });
    };
    for await (const { entry, der, producedAt, nextUpdate } of signer.signAll(
      flatten(source, resumedFrom),
      signAllOptions,
    )) {
      const { serialNumber: serial, status: certStatus } = entry;
      const version = entry.statusVersion ?? statusVersion;
      batch.push({ serial, statusVersion: version, producedAt, certStatus, nextUpdate, der });
      signed += 1;
      bytes += der.length;
      begin ??= producedAt;
      pending += 1;
      const late = checkpointEvery === undefined && producedAt - begin >= CHECKPOINT_SECONDS;
      if (late || pending >= (checkpointEvery ?? CHECKPOINT_EVERY)) await flush();
      else if (batch.length >= APPEND_EVERY) await append();
    }
    await flush();
    await run.commit();
    return { signed, resumedFrom, bytes };
  } catch (error) {
    // A run without a checkpoint, as of a bad option, would only be in the way of the next one.
    await (worthContinuing ? run.close() : run.discard()).catch(() => undefined);
    throw error;
  }
}

/**
 * What a checkpoint says: entries that are done, and the statusVersion of the run. Were a continued run given the time of its
 * continuation, its older statuses would replace a revocation from between.
 */
function readToken(token: string | null): { done: number; statusVersion: number | undefined } {
  if (token === null) return { done: 0, statusVersion: undefined };
  const [, done, statusVersion] = /^(\d+) (\d+)$/.exec(token) ?? [];
  if (done === undefined)
    throw invalidValue(`the store has a run of this name that bulkSign did not begin: '${token}'`);
  return { done: Number(done), statusVersion: Number(statusVersion) };
}

/** The entries one by one, with a promise per batch only. */
function flatten(source: StatusSource, skip: number): AsyncIterable<StatusEntry> {
  const batches = source.batches({ skip, batchSize: READ_AT_ONCE })[Symbol.asyncIterator]();
  let batch: StatusEntry[] = [];
  let at = 0;
  const refill = async (): Promise<IteratorResult<StatusEntry>> => {
    const { done, value } = await batches.next();
    if (done) return { done: true, value: undefined };
    batch = value;
    at = 1;
    return batch.length > 0 ? { done: false, value: batch[0] as StatusEntry } : refill();
  };
  return {
    [Symbol.asyncIterator]: () => ({
      // Not always a promise: signAll awaits only what is one, and so reads a batch without a turn per entry.
      next: () => {
        const entry = batch[at++];
        const next = entry === undefined ? refill() : { done: false as const, value: entry };
        return next as Promise<IteratorResult<StatusEntry>>;
      },
      return: async () => {
        await batches.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}
