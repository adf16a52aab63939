import test from 'ava';
import fc from 'fast-check';
import { checkOid, isOid, oidFromBytes, oidToBytes } from '#dist/x509/oids.js';
import { hex } from '../helpers/der.js';
import { invalid, malformed, wrongType } from '../helpers/refusals.js';

test('literal encodings, both ways', (t) => {
  const cases: [string, string][] = [
    ['1.2.840.113549.1.1.11', '2a864886f70d01010b'],
    ['1.3.6.1.5.5.7.48.1.2', '2b0601050507300102'],
    ['2.5.29.21', '551d15'],
    ['0.0', '00'],
    ['0.39', '27'],
    ['1.39', '4f'],
    ['2.0', '50'],
    ['2.40', '78'],
    ['2.999.3', '883703'],
  ];
  for (const [dotted, encoded] of cases) {
    t.is(oidToBytes(dotted).toString('hex'), encoded);
    t.is(oidFromBytes(hex(encoded)), dotted);
  }
});

test('arcs of any size survive', (t) => {
  const arc = fc.bigInt({ min: 0n, max: 1n << 128n });
  const oid = fc.tuple(fc.constantFrom(0n, 1n, 2n), arc, fc.array(arc, { maxLength: 4 }));
  fc.assert(
    fc.property(oid, ([first, second, rest]) => {
      const dotted = [first, first < 2n ? second % 40n : second, ...rest].join('.');
      return oidFromBytes(oidToBytes(dotted)) === dotted;
    }),
  );
  t.pass();
});

test('isOid and checkOid refuse what DER cannot carry', (t) => {
  for (const bad of [
    '',
    '1',
    '1.',
    '.1',
    '1..2',
    '3.1',
    '1.40',
    '0.40',
    '01.2',
    '1.02',
    '1.2.x',
    '1.2 ',
    '-1.2',
    '1.2\n',
  ]) {
    t.false(isOid(bad), bad);
    t.throws(() => checkOid(bad, 'oid'), invalid, bad);
    t.throws(() => oidToBytes(bad), invalid, bad);
  }
  for (const bad of [undefined, null, 12, 1n, ['1.2'], {}]) t.throws(() => checkOid(bad, 'oid'), wrongType);
  t.is(checkOid('1.2', 'oid'), '1.2');
});

test('OIDs are bounded at 128 bytes, in text and in DER', (t) => {
  const most = `1.2${'.127'.repeat(127)}`;
  t.is(oidToBytes(most).length, 128);
  t.is(oidFromBytes(oidToBytes(most)), most);
  t.false(isOid(`${most}.1`));
  t.false(isOid(`1.2.${'9'.repeat(1 << 20)}`));
  t.throws(() => oidFromBytes(Buffer.alloc(129, 1)), malformed);
  t.throws(() => oidFromBytes(Buffer.alloc(1 << 20, 0xff)), malformed);
});

test('oidFromBytes refuses empty, cut off and padded', (t) => {
  for (const bad of ['', '80', '2a80', '2a8001', '8001', '2aff'])
    t.throws(() => oidFromBytes(hex(bad)), malformed, bad);
});
