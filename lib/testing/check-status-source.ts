import { invalidValue } from '../errors.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import type { StatusSource } from '../statuses/status-source.js';
import { carryOut } from './checks.js';
import { SOURCE_CLAUSES } from './clauses.js';

/**
 * Checks that a {@link StatusSource} gives the same entries in the same order, whole, in batches and when some are skipped:
 * what a run that is continued relies on. For any implementation, in any test framework.
 *
 * @param make - makes the source; called again and again
 * @param entries - what it has to give, at least three, in its order
 * @throws (rejects) {@link ConformanceError} with all that does not hold; `ERR_OCSP_INVALID_VALUE` for too few entries.
 */
export async function checkStatusSource(
  make: () => StatusSource | Promise<StatusSource>,
  entries: readonly StatusEntry[],
): Promise<void> {
  const whole = [...entries];
  if (whole.length < 3) throw invalidValue('the check needs three entries or more');
  await carryOut(SOURCE_CLAUSES, [
    [
      'Q1',
      async (f) => {
        const source = await make();
        await f.equal('an iteration', () => take(source), whole);
        await f.equal('the next iteration', () => take(source), whole);
      },
    ],
    [
      'Q2',
      async (f) => {
        const source = await make();
        for (const batchSize of [1, 2, whole.length, 10_000]) {
          const batches = await take(source.batches({ batchSize }));
          await f.equal(`all batches of ${batchSize}`, batches.flat(), whole);
          const lengths = batches.map(({ length }) => length);
          const full = Array.from({ length: Math.floor(whole.length / batchSize) }, () => batchSize);
          const rest = whole.length % batchSize;
          await f.equal(`lengths of batches of ${batchSize}`, lengths, rest === 0 ? full : [...full, rest]);
        }
        await f.equal('batches without a size', async () => (await take(source.batches())).flat(), whole);
      },
    ],
    [
      'Q3',
      async (f) => {
        const source = await make();
        for (const skip of [0, 1, whole.length - 1, whole.length, whole.length + 1]) {
          const rest = async (): Promise<unknown> => (await take(source.batches({ skip, batchSize: 2 }))).flat();
          await f.equal(`skip: ${skip}`, rest, whole.slice(skip));
        }
      },
    ],
    [
      'Q4',
      async (f) => {
        const source = await make();
        const first = source.batches({ batchSize: 1 })[Symbol.asyncIterator]();
        const next = async (): Promise<unknown> => (await first.next()).value;
        await f.equal('the first batch', next, whole.slice(0, 1));
        for await (const entry of source) {
          await f.equal('the first entry of another iteration', entry, whole[0]);
          break;
        }
        await f.equal('a third iteration', () => take(source), whole);
        await f.equal('the second batch of the first iteration', next, whole.slice(1, 2));
        await first.return?.();
      },
    ],
  ]);
}

async function take<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of iterable) items.push(item);
  return items;
}
