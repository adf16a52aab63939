import type { StatusEntry } from './status-entry.js';
import type { BatchOptions, StatusSource } from './status-source.js';

const READ_AT_ONCE = 512;

/** The entries of a source one by one, with a promise per batch only. */
export function oneByOne(source: Pick<StatusSource, 'batches'>, from: BatchOptions = {}): AsyncIterable<StatusEntry> {
  const batches = source.batches({ batchSize: READ_AT_ONCE, ...from })[Symbol.asyncIterator]();
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
