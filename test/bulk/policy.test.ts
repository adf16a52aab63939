import test from 'ava';
import fc from 'fast-check';
import { checkValidityInterval, nextRefresh, refreshBy } from '#dist/bulk/policy.js';

const BEGIN = new Date('2026-03-01T12:00:00Z');
const HOUR = 3600;
const DAY = 24 * HOUR;

function after(seconds: number): Date {
  return new Date(BEGIN.getTime() + seconds * 1000);
}

test('an interval is 8 hours to 10 days long, both ends counted', (t) => {
  const verdicts: [number, 'too-short' | 'too-long' | null][] = [
    [1, 'too-short'],
    [8 * HOUR - 2, 'too-short'],
    [8 * HOUR - 1, null],
    [8 * HOUR, null],
    [10 * DAY - 1, null],
    [10 * DAY, 'too-long'],
  ];
  for (const [length, problem] of verdicts) {
    t.deepEqual(checkValidityInterval(BEGIN, after(length)), { ok: problem === null, seconds: length + 1, problem });
  }
  for (const length of [0, -1]) {
    t.throws(() => checkValidityInterval(BEGIN, after(length)), { code: 'ERR_OCSP_INVALID_VALUE' });
  }
});

test('the latest refresh is half of a short interval, and 8 hours and 4 days for a long one', (t) => {
  const seconds = (length: number) => (refreshBy(BEGIN, after(length)).getTime() - BEGIN.getTime()) / 1000;
  t.is(seconds(8 * HOUR - 1), 4 * HOUR - 1);
  t.is(seconds(10 * HOUR - 1), 5 * HOUR - 1);
  t.is(seconds(16 * HOUR - 3), 8 * HOUR - 2);
  t.is(seconds(16 * HOUR - 1), 8 * HOUR - 1);
  t.is(seconds(16 * HOUR), 8 * HOUR);
  t.is(seconds(DAY), 16 * HOUR);
  t.is(seconds(4 * DAY + 8 * HOUR), 4 * DAY);
  t.is(seconds(7 * DAY), 4 * DAY);
  t.is(seconds(10 * DAY - 1), 4 * DAY);
});

test('the next refresh is after thisUpdate, in time, always the same, and comes once in a period', (t) => {
  const serials = fc.bigInt({ min: 0n, max: 2n ** 160n });
  fc.assert(
    fc.property(serials, fc.integer({ min: HOUR * 8, max: DAY * 10 }), fc.nat(10 * DAY), (serial, length, shift) => {
      const thisUpdate = after(shift);
      const nextUpdate = after(shift + length);
      const moment = nextRefresh(serial, { thisUpdate, nextUpdate });
      const latest = refreshBy(thisUpdate, nextUpdate).getTime() - 3_600_000;
      const period = latest - thisUpdate.getTime();
      t.true(moment > thisUpdate && moment.getTime() <= latest);
      t.deepEqual(nextRefresh(serial.toString(16), { thisUpdate, nextUpdate }), moment);
      const then = nextRefresh(serial, { thisUpdate: moment, nextUpdate: new Date(moment.getTime() + length * 1000) });
      t.is(then.getTime() - moment.getTime(), period);
    }),
  );
});

test('refreshes are spread evenly, even those of serial numbers in a row', (t) => {
  const slots = new Array<number>(20).fill(0);
  const nextUpdate = after(7 * DAY);
  const period = refreshBy(BEGIN, nextUpdate).getTime() - BEGIN.getTime();
  for (let serial = 0n; serial < 20_000n; serial += 1n) {
    const moment = nextRefresh(serial, { thisUpdate: BEGIN, nextUpdate, margin: 0 });
    const slot = Math.floor(((moment.getTime() - 1 - BEGIN.getTime()) / period) * slots.length);
    slots[slot] = (slots[slot] as number) + 1;
  }
  for (const count of slots) t.true(count > 850 && count < 1150, String(count));
});

test('a margin that leaves no time is refused', (t) => {
  const short = { thisUpdate: BEGIN, nextUpdate: after(8 * HOUR), margin: 4 * HOUR + 1 };
  t.throws(() => nextRefresh(1n, short), { code: 'ERR_OCSP_INVALID_VALUE' });
});
