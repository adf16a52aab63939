import test from 'ava';
import fc from 'fast-check';
import { checkDate, formatGeneralizedTime, parseGeneralizedTime } from '#dist/x509/time.js';
import { invalid, malformed, wrongType } from '../helpers/refusals.js';

const parse = (text: string): Date => parseGeneralizedTime(Buffer.from(text, 'latin1'));

test('reads the one form', (t) => {
  t.is(parse('20150101010100Z').toISOString(), '2015-01-01T01:01:00.000Z');
  t.is(parse('00010101000000Z').toISOString(), '0001-01-01T00:00:00.000Z');
  t.is(parse('00990101000000Z').getUTCFullYear(), 99);
  t.is(parse('19000228235959Z').toISOString(), '1900-02-28T23:59:59.000Z');
  t.is(parse('20000229000000Z').toISOString(), '2000-02-29T00:00:00.000Z');
  t.is(parse('99991231235959Z').toISOString(), '9999-12-31T23:59:59.000Z');
});

test('refuses every other form and moments that do not exist', (t) => {
  const bad = [
    '',
    '20150101010100',
    '20150101010100z',
    '201501010101Z',
    '20150101010100.5Z',
    '20150101010100+0000',
    '2015010101010 Z',
    '２0150101010100Z',
    '-0150101010100Z',
    '00000101000000Z',
    '20150001000000Z',
    '20151301000000Z',
    '20150100000000Z',
    '20150132000000Z',
    '20150230000000Z',
    '19000229000000Z',
    '20150101240000Z',
    '20150101006000Z',
    '20150101000060Z',
  ];
  for (const text of bad) t.throws(() => parse(text), malformed, text);
  t.throws(() => parseGeneralizedTime(Buffer.alloc(1 << 20, 0x30)), malformed);
  t.throws(() => parse('00000101000000Z'), { message: /year 0/ });
});

test('whole seconds of all years survive', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), (seconds) => {
      const date = new Date(seconds * 1000);
      return parse(formatGeneralizedTime(date)).getTime() === date.getTime();
    }),
  );
  t.pass();
});

test('fractions are cut off towards the past, before 1970 too', (t) => {
  t.is(formatGeneralizedTime(new Date(1999)), '19700101000001Z');
  t.is(formatGeneralizedTime(new Date(-1)), '19691231235959Z');
  t.is(checkDate(new Date(-1), 'date').getTime(), -1000);
  t.is(checkDate(new Date('9999-12-31T23:59:59.999Z'), 'date').toISOString(), '9999-12-31T23:59:59.000Z');
});

test('checkDate copies, and refuses what is no date or out of range', (t) => {
  const given = new Date(0);
  t.not(checkDate(given, 'date'), given);
  for (const bad of [undefined, null, 0, '2020-01-01', {}, Object.create(Date.prototype)]) {
    t.throws(() => checkDate(bad, 'date'), wrongType);
  }
  t.throws(() => checkDate(new Date(Number.NaN), 'date'), invalid);
  t.throws(() => checkDate(new Date('0000-12-31T23:59:59.999Z'), 'date'), invalid);
  t.throws(() => checkDate(new Date('+010000-01-01T00:00:00Z'), 'date'), invalid);
});
