import type { LeasedRange, Ledger } from '../bulk/ledger.js';
import { type Check, carryOut, type Findings } from './checks.js';
import { LEDGER_CLAUSES } from './clauses.js';

/** A ledger under test. */
export interface LedgerUnderTest {
  readonly ledger: Ledger;
  /** Lets the leases of all ranges run out, by a clock that is moved or by waiting. */
  expire(): void | Promise<void>;
}

type Make = (ids: string[]) => LedgerUnderTest | Promise<LedgerUnderTest>;

const ENDED = 'ERR_OCSP_INVALID_VALUE';
/** No ledger hands out a failing range as often. */
const ENDLESS = 1000;

/**
 * Checks that a {@link Ledger} lets every range be done by somebody, and no one's work be lost: one holder at a time, ranges of
 * silent workers to others, with what is known of their progress. For any implementation, in any test framework.
 *
 * @param make - makes a ledger with these ranges; called again and again
 * @throws (rejects) {@link ConformanceError} with all that does not hold.
 */
export async function checkLedger(make: Make): Promise<void> {
  await carryOut(
    LEDGER_CLAUSES,
    CHECKS.map(([clause, tries]) => [clause, (findings) => tries(findings, make)]),
  );
}

/** (The lists of ids in any order.) */
function idsOf(ranges: readonly LeasedRange[]): string[] {
  return ranges.map(({ id }) => id).sort();
}

async function leaseOne(f: Findings, ledger: Ledger): Promise<LeasedRange> {
  const ranges = await ledger.lease(1);
  await f.equal('ranges that lease(1) hands out', ranges.length, 1);
  const [range] = ranges;
  if (range === undefined) throw new Error('lease(1) handed out nothing');
  return range;
}

const CHECKS: readonly (readonly [
  clause: Check<keyof typeof LEDGER_CLAUSES>[0],
  tries: (f: Findings, make: Make) => Promise<void>,
])[] = [
  [
    'L1',
    async (f, make) => {
      const { ledger } = await make(['a', 'b', 'c']);
      await f.equal('lease(0)', () => ledger.lease(0), []);
      const two = await ledger.lease(2);
      await f.equal('how many lease(2) of three hands out', two.length, 2);
      const all = [...two, ...(await ledger.lease(10))];
      await f.equal('ids of all leases', idsOf(all), ['a', 'b', 'c']);
      for (const { id, attempt, lastSerial, expiresAt } of all) {
        await f.equal(`attempt and lastSerial of ${id}`, [attempt, lastSerial], [1, null]);
        f.holds(`expiresAt of ${id}`, Number.isFinite(expiresAt), 'a finite number', expiresAt);
      }
      await f.equal('a lease when all are leased', () => ledger.lease(1), []);
    },
  ],
  [
    'L2',
    async (f, make) => {
      const ids = Array.from({ length: 20 }, (_, i) => `range ${i}`);
      const { ledger } = await make(ids);
      const leases = await Promise.all(Array.from({ length: 10 }, () => ledger.lease(3)));
      await f.equal('ids of ten lease(3) at once, of 20 ranges', idsOf(leases.flat()), [...ids].sort());
    },
  ],
  [
    'L3',
    async (f, make) => {
      const { ledger, expire } = await make(['a']);
      const slow = await leaseOne(f, ledger);
      await ledger.checkpoint(slow, '1F');
      await expire();
      const { id, lastSerial, attempt } = await leaseOne(f, ledger);
      await f.equal('id, lastSerial, attempt of the second lease', [id, lastSerial, attempt], ['a', '1F', 2]);
    },
  ],
  [
    'L4',
    async (f, make) => {
      const { ledger, expire } = await make(['a']);
      const slow = await leaseOne(f, ledger);
      await expire();
      const next = await leaseOne(f, ledger);
      await f.refused('checkpoint by the holder before', () => ledger.checkpoint(slow, '2F'), ENDED);
      await f.refused('complete by the holder before', () => ledger.complete(slow), ENDED);
      await f.refused('fail by the holder before', () => ledger.fail(slow, new Error('late')), ENDED);
      await f.equal('checkpoint by the holder', () => ledger.checkpoint(next, '01'), undefined);
      await f.equal('complete by the holder', () => ledger.complete(next), undefined);
      await f.refused('complete when it is done', () => ledger.complete(next), ENDED);
      await f.refused('checkpoint when it is done', () => ledger.checkpoint(next, '02'), ENDED);
      await f.refused('fail when it is done', () => ledger.fail(next, new Error('too late')), ENDED);
    },
  ],
  [
    'L4',
    async (f, make) => {
      const { ledger, expire } = await make(['a']);
      const slow = await leaseOne(f, ledger);
      await expire();
      // No one else has taken it.
      await f.equal(
        'checkpoint after the lease ran out, before another',
        () => ledger.checkpoint(slow, '0A'),
        undefined,
      );
      await f.equal('complete thereafter', () => ledger.complete(slow), undefined);
    },
  ],
  [
    'L5',
    async (f, make) => {
      const { ledger } = await make(['a']);
      await ledger.checkpoint(await leaseOne(f, ledger), 'AA');
      await f.equal('a lease after the checkpoint', () => ledger.lease(1), []);
    },
  ],
  [
    'L6',
    async (f, make) => {
      const { ledger } = await make(['a']);
      const first = await leaseOne(f, ledger);
      await ledger.checkpoint(first, 'AA');
      await ledger.fail(first, new Error('no room'));
      const { lastSerial, attempt } = await leaseOne(f, ledger);
      await f.equal('lastSerial, attempt of the second lease', [lastSerial, attempt], ['AA', 2]);
    },
  ],
  [
    'L7',
    async (f, make) => {
      for (const silent of [false, true]) {
        const how = silent ? 'falls silent' : 'fails';
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
            if (!silent && attempts < ENDLESS) await ledger.fail(lease, 'no');
          }
          if (attempts >= ENDLESS) break;
          if (silent) await expire();
        }
        const isSo = attempts >= 2 && attempts < ENDLESS;
        f.holds(`attempts at a range that always ${how}`, isSo, 'a few, two or more', attempts);
        await f.equal(`how often the range beside one that ${how} was done`, done, 1);
      }
    },
  ],
  [
    'L8',
    async (f, make) => {
      const { ledger, expire } = await make(['a', 'b']);
      for (const range of await ledger.lease(2)) await ledger.complete(range);
      await expire();
      await f.equal('a lease when all is done', () => ledger.lease(10), []);
    },
  ],
];
