import assert from 'node:assert/strict';
import type { StatusEntry } from '../statuses/status-entry.js';
import type { StatusSource } from '../statuses/status-source.js';
import { carryOut } from './checks.js';

/**
 * Checks that a {@link StatusSource} gives the same entries in the same order, whole, in batches and when some are skipped:
 * what a run that is continued relies on. For any implementation, in any test framework.
 *
 * @param make - makes the source; called again and again
 * @param entries - what it has to give, at least three, in its order
 * @throws (rejects) AssertionError, saying what does not hold.
 */
export async function checkStatusSource(
  make: () => StatusSource | Promise<StatusSource>,
  entries: readonly StatusEntry[],
): Promise<void> {
  assert.ok(entries.length >= 3, 'three entries or more are wanted');
  const whole = [...entries];
  await carryOut([
    [
      'an iteration gives all entries, and so does the next',
      async () => {
        const source = await make();
        assert.deepEqual(await take(source), whole);
        assert.deepEqual(await take(source), whole);
      },
    ],
    [
      'batches have the size that was asked for, the last one what is left',
      async () => {
        const source = await make();
        for (const batchSize of [1, 2, whole.length, 10_000]) {
          const batches = await take(source.batches({ batchSize }));
          assert.deepEqual(batches.flat(), whole);
          for (const [i, { length }] of batches.entries()) {
            const last = i === batches.length - 1;
            assert.ok(last ? length > 0 && length <= batchSize : length === batchSize, `${length} for ${batchSize}`);
          }
        }
        assert.deepEqual((await take(source.batches())).flat(), whole);
      },
    ],
    [
      'as many entries are skipped as was asked for',
      async () => {
        const source = await make();
        for (const skip of [0, 1, whole.length - 1, whole.length, whole.length + 1]) {
          assert.deepEqual((await take(source.batches({ skip, batchSize: 2 }))).flat(), whole.slice(skip));
        }
      },
    ],
    [
      'an iteration may be left, and another may go on beside it',
      async () => {
        const source = await make();
        const first = source.batches({ batchSize: 1 })[Symbol.asyncIterator]();
        assert.deepEqual((await first.next()).value, whole.slice(0, 1));
        for await (const entry of source) {
          assert.deepEqual(entry, whole[0]);
          break;
        }
        assert.deepEqual(await take(source), whole);
        assert.deepEqual((await first.next()).value, whole.slice(1, 2));
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
