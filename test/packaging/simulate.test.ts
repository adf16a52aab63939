/** A day of a fleet: what is counted second by second is what arithmetic says. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import fc from 'fast-check';

const root = fileURLToPath(new URL('../../..', import.meta.url));
type Fleet = Partial<Record<string, number>>;
interface Day {
  fleet: Record<string, number>;
  hours: Record<string, number>[];
  day: Record<string, number> & { massSigned: number | null; isExpired: boolean };
}
const { simulateDay } = (await import(new URL('../../../bench/fleet/fleet-day.mjs', import.meta.url).href)) as {
  simulateDay(fleet?: Fleet): Day;
};
const quiet = { revoked: 0, mass: 0, outage: 0 };
const about = (value: number, expected: number): boolean => Math.abs(value - expected) <= 1e-6 * Math.abs(expected) + 2;

test('a quiet day: what is due is signed in its second', (t) => {
  const { day, hours } = simulateDay({ ...quiet, hashes: 1 });
  // 10^9 certificates every 3.5 days.
  t.true(about((hours[5]?.['refreshed'] as number) / 3600, 3307));
  t.like(day, { late: 0, left: 0, isExpired: false });
  t.true(about(day['signed'] as number, 1e9 / 3.5));
});

test('an outage is made up for at the speed that is left over', (t) => {
  const { day } = simulateDay({ ...quiet, hashes: 1, cores: 1, rate: 10_000, outage: 2, outageHour: 10 });
  const due = 1e9 / (3.5 * 86_400);
  t.true(about(day['longestQueue'] as number, due * 7200));
  t.true(about(day['late'] as number, 7200));
  t.is(day['left'], 0);
  const tooFew = simulateDay({ ...quiet, hashes: 1, cores: 1, rate: due * 0.9 });
  t.true(about(tooFew.day['left'] as number, due * 0.1 * 86_400));
});

test('a mass revocation: signed at full speed, read as fast as news are, and until then the database is asked', (t) => {
  const { day } = simulateDay({ revoked: 0, outage: 0, hashes: 1, cores: 1, rate: 20_000, news: 100_000, soon: 1 });
  t.true(about(day.massSigned as number, 1e7 / 20_000));
  t.true(about(day['lag'] as number, 1e7 / 100_000));
  t.true(about(day['behind'] as number, 99));
  t.true(about(day['late'] as number, 1e7 / 20_000));
  // 45 hours at 62/s.
  t.is(Math.round(day['purgeHours'] as number), 45);
});

test('nothing is lost, whatever happens', (t) => {
  const part = (max: number): fc.Arbitrary<number> => fc.double({ min: 0, max, noNaN: true });
  const fleet = fc.record({
    certificates: fc.integer({ min: 1, max: 1e9 }),
    hashes: fc.integer({ min: 1, max: 3 }),
    cores: fc.integer({ min: 1, max: 8 }),
    rate: fc.integer({ min: 1, max: 50_000 }),
    revoked: part(0.1),
    mass: part(1),
    massHour: fc.integer({ min: 0, max: 23 }),
    outage: part(24),
    outageHour: fc.integer({ min: 0, max: 23 }),
  });
  fc.assert(
    fc.property(fleet, (given) => {
      const { day, hours } = simulateDay(given);
      const { due, signed, left } = day as unknown as Record<'due' | 'signed' | 'left', number>;
      t.true(Math.abs(due - signed - left) <= 1e-6 * due + 1e-3, JSON.stringify({ given, due, signed, left }));
      t.true(hours.every((hour) => (hour['busy'] as number) <= 1 + 1e-9));
    }),
    { numRuns: 10 },
  );
});

test('npm run simulate reports, and ends with 1 where it cannot be done', (t) => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['bench/fleet/main.mjs', ...args], { cwd: root, encoding: 'utf8' });
  const fine = run();
  t.is(fine.status, 0, fine.stderr);
  t.regex(fine.stdout, /^6,614 answers\/s are due on average: 0\.33 cores$/m);
  t.regex(fine.stdout, /^4,000 ranges of 250,000/m);
  t.is(run('--rate', '1000').status, 1);
  for (const bad of [['--cores', '0'], ['--mass', '-1'], ['--news', 'x'], ['--certificates', 'Infinity'], ['--what']])
    t.is(run(...bad).status, 1, bad.join(' '));
});
