import assert from 'node:assert/strict';
import type { LeasedRange, Ledger } from '../bulk/ledger.js';
import { carryOut, refusal } from './checks.js';

/** A ledger under test. */
export interface LedgerUnderTest {
  readonly ledger: Ledger;
  /** Lets the leases of all ranges run out, by a clock that is moved or by waiting. */
  expire(): void | Promise<void>;
}

const ENDED = refusal('ERR_OCSP_INVALID_VALUE');
/** No ledger hands out a failing range as often. */
const ENDLESS = 1000;

/**
 * Checks that a {@link Ledger} lets every range be done by somebody, and nobody's work be lost: one holder at a time, ranges of
 * silent workers to others, with what is known of their progress. For any implementation, in any test framework.
 *
 * @param make - makes a ledger with these ranges; called again and again
 * @throws (rejects) AssertionError, saying what does not hold.
 */
export async function checkLedger(make: (ids: string[]) => LedgerUnderTest | Promise<LedgerUnderTest>): Promise<void> {
  await carryOut([
    [
      'each range is leased once, and not again when it is done',
      async () => {
        const { ledger, expire } = await make(['a', 'b', 'c']);
        assert.deepEqual(await ledger.lease(0), []);
        const two = await ledger.lease(2);
        assert.equal(two.length, 2);
        const all = [...two, ...(await ledger.lease(10))];
        assert.deepEqual(all.map(({ id }) => id).sort(), ['a', 'b', 'c']);
        for (const { attempt, lastSerial, expiresAt } of all) {
          assert.deepEqual([attempt, lastSerial], [1, null]);
          assert.ok(Number.isFinite(expiresAt));
        }
        assert.deepEqual(await ledger.lease(1), []);
        for (const range of all) await ledger.complete(range);
        await expire();
        assert.deepEqual(await ledger.lease(10), []);
      },
    ],
    [
      'workers that ask at once never get the same range',
      async () => {
        const ids = Array.from({ length: 20 }, (_, i) => `range ${i}`);
        const { ledger } = await make(ids);
        const leases = await Promise.all(Array.from({ length: 10 }, () => ledger.lease(3)));
        assert.deepEqual(
          leases
            .flat()
            .map(({ id }) => id)
            .sort(),
          [...ids].sort(),
        );
      },
    ],
    [
      'a range whose lease ran out goes to another, who knows how far it was done',
      async () => {
        const { ledger, expire } = await make(['a']);
        const slow = await leaseOne(ledger);
        await ledger.checkpoint(slow, '1F');
        await expire();
        const next = await leaseOne(ledger);
        assert.deepEqual([next.id, next.lastSerial, next.attempt], ['a', '1F', 2]);
      },
    ],
    [
      'whoever had a range before changes nothing any more',
      async () => {
        const { ledger, expire } = await make(['a']);
        const slow = await leaseOne(ledger);
        await expire();
        const next = await leaseOne(ledger);
        await assert.rejects(ledger.checkpoint(slow, '2F'), ENDED);
        await assert.rejects(ledger.complete(slow), ENDED);
        await assert.rejects(ledger.fail(slow, new Error('late')), ENDED);
        await ledger.checkpoint(next, '01');
        await ledger.complete(next);
        await assert.rejects(ledger.complete(next), ENDED);
        await assert.rejects(ledger.checkpoint(next, '02'), ENDED);
        await assert.rejects(ledger.fail(next, new Error('too late')), ENDED);
      },
    ],
    [
      'a checkpoint keeps the range',
      async () => {
        const { ledger } = await make(['a']);
        await ledger.checkpoint(await leaseOne(ledger), 'AA');
        assert.deepEqual(await ledger.lease(1), []);
      },
    ],
    [
      'a range that failed is handed out again, with its last checkpoint',
      async () => {
        const { ledger } = await make(['a']);
        const first = await leaseOne(ledger);
        await ledger.checkpoint(first, 'AA');
        await ledger.fail(first, new Error('no room'));
        const second = await leaseOne(ledger);
        assert.deepEqual([second.lastSerial, second.attempt], ['AA', 2]);
      },
    ],
    [
      'a range that always fails, or whose worker always falls silent, is given up, and holds up no other',
      async () => {
        for (const silent of [false, true]) {
          const { ledger, expire } = await make(['a', 'b']);
          let attempts = 0;
          let done = 0;
          for (let leases = await ledger.lease(2); leases.length > 0; leases = await ledger.lease(2)) {
            for (const lease of leases) {
              if (lease.id === 'b') {
                await ledger.complete(lease);
                done += 1;
                continue;
              }
              attempts += 1;
              assert.ok(attempts < ENDLESS, 'it is handed out without end');
              if (!silent) await ledger.fail(lease, 'no');
            }
            if (silent) await expire();
          }
          assert.ok(attempts >= 2, `given up after ${attempts} attempts`);
          assert.equal(done, 1);
        }
      },
    ],
  ]);
}

async function leaseOne(ledger: Ledger): Promise<LeasedRange> {
  const [range, ...others] = await ledger.lease(1);
  assert.ok(range !== undefined && others.length === 0, 'one range is handed out');
  return range;
}
