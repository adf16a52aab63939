import test from 'ava';
import fc from 'fast-check';
import { DerReader } from '#dist/x509/der.js';
import {
  checkGeneralName,
  DirectoryName,
  DNSName,
  EDIPartyName,
  type GeneralName,
  IPAddress,
  OtherName,
  RegisteredID,
  RFC822Name,
  readGeneralName,
  UniformResourceIdentifier,
  X400Address,
} from '#dist/x509/general-name.js';
import { Name } from '#dist/x509/name.js';
import { hex } from '../helpers/der.js';
import { invalid, malformed, wrong, wrongType } from '../helpers/refusals.js';

const read = (text: string): GeneralName => readGeneralName(new DerReader(hex(text)));
const r = Name.fromAttributes([{ oid: '2.5.4.3', value: 'R' }]);

const CASES: [GeneralName, string, unknown][] = [
  [new OtherName('1.2', hex('0500')), 'a00706012aa0020500', '0500'],
  [new RFC822Name('a@b'), '8103614062', 'a@b'],
  [new DNSName('a'), '820161', 'a'],
  [new X400Address(hex('a303020105')), 'a303020105', 'a303020105'],
  [new DirectoryName(r), 'a40e300c310a300806035504030c0152', 'CN=R'],
  [new EDIPartyName(hex('a500')), 'a500', 'a500'],
  [new UniformResourceIdentifier('http://a'), '8608687474703a2f2f61', 'http://a'],
  [new IPAddress('192.0.2.1'), '8704c0000201', '192.0.2.1'],
  [new IPAddress('2001:db8::1'), '871020010db8000000000000000000000001', '2001:db8::1'],
  [new RegisteredID('1.2.3'), '88022a03', '1.2.3'],
];

test('every choice, both ways', (t) => {
  for (const [name, encoded, value] of CASES) {
    t.is(name.publicBytes().toString('hex'), encoded, name.type);
    const again = read(encoded);
    t.is(again.constructor, name.constructor);
    t.is(again.type, name.type);
    t.true(again.equals(name));
    t.is((JSON.parse(JSON.stringify(name)) as { value: unknown }).value, value);
    t.is(checkGeneralName(name, 'name'), name);
    for (const [other] of CASES) t.is(name.equals(other), name === other);
    t.false(name.equals(value));
  }
});

test('what the classes hold', (t) => {
  t.is(new DirectoryName(r).value, r);
  t.is(new RegisteredID('1.2.3').value, '1.2.3');
  t.is(new OtherName('1.2', hex('0500')).typeId, '1.2');
  t.deepEqual(new OtherName('1.2', hex('0500')).value, hex('0500'));
});

test('NUL within a name is kept', (t) => {
  t.is(read('820461006200').value, 'a\0b\0');
  t.is(new DNSName('a\0b').publicBytes().toString('hex'), '8203610062');
});

test('reading refuses', (t) => {
  const bad = [
    '',
    '82',
    '8202ff',
    '8201ff',
    '8101ff',
    '8601ff',
    '8700',
    '8703010203',
    '87050102030405',
    '8800',
    '880180',
    '8900',
    'a200',
    '8000',
    'a000',
    'a00306012a',
    'a00706012aa1020500',
    'a00906012aa00205000500',
    'a00906012aa00405000500',
    'a400',
    'a4020500',
    'a40430003000',
    'a40e300c310a300806035504030c01ff',
    '0500',
    'bf8101020500',
  ];
  for (const text of bad) t.throws(() => read(text), malformed, text);
});

test('constructors refuse', (t) => {
  for (const type of [DNSName, RFC822Name, UniformResourceIdentifier, IPAddress, RegisteredID]) {
    for (const bad of [undefined, null, 1, hex('61')]) t.throws(() => new type(wrong(bad)), wrongType);
  }
  for (const type of [DNSName, RFC822Name, UniformResourceIdentifier]) t.throws(() => new type('é'), invalid);
  for (const bad of ['', '1.2.3', '256.0.0.1', '1::2::3', 'fe80::1%eth0', '::g', '01.2.3.4']) {
    t.throws(() => new IPAddress(bad), invalid, bad);
  }
  t.throws(() => new RegisteredID('1'), invalid);
  t.throws(() => new OtherName('1', hex('0500')), invalid);
  t.throws(() => new OtherName('1.2', hex('05')), invalid);
  t.throws(() => new OtherName('1.2', wrong('0500')), wrongType);
  t.throws(() => new X400Address(hex('a500')), invalid);
  t.throws(() => new EDIPartyName(hex('a5')), invalid);
  t.throws(() => new DirectoryName(wrong('CN=R')), wrongType);
  for (const bad of [undefined, null, 'a', {}]) t.throws(() => checkGeneralName(bad, 'name'), wrongType);
});

test('IP addresses of both families survive; IPv6 comes out in its short form', (t) => {
  fc.assert(fc.property(fc.ipV4(), (text) => new IPAddress(text).value === text));
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const address = new IPAddress(text);
      const again = new IPAddress(address.value);
      return again.equals(address) && again.value === address.value && address.publicBytes().length === 18;
    }),
  );
  t.is(new IPAddress('0:0:0:0:0:0:0:0').value, '::');
  t.is(new IPAddress('2001:DB8:0:0:1:0:0:1').value, '2001:db8::1:0:0:1');
  t.is(new IPAddress('::ffff:192.0.2.1').publicBytes().toString('hex'), '871000000000000000000000ffffc0000201');
  t.is(new IPAddress('1:2:3:4:5:6:7::').publicBytes().toString('hex'), '871000010002000300040005000600070000');
});

test('bytes are copies', (t) => {
  const name = new OtherName('1.2', hex('0500'));
  name.value.fill(0xff);
  t.is(name.value.toString('hex'), '0500');
  const opaque = new EDIPartyName(hex('a500'));
  opaque.value.fill(0xff);
  t.is(opaque.value.toString('hex'), 'a500');
});

test('random bytes give a name that is written as it was read, or a refusal', (t) => {
  const tag = fc.constantFrom(0xa0, 0x81, 0x82, 0xa3, 0xa4, 0xa5, 0x86, 0x87, 0x88);
  fc.assert(
    fc.property(tag, fc.uint8Array({ maxLength: 20 }), (first, content) => {
      const bytes = Buffer.concat([Uint8Array.of(first, content.length), content]);
      try {
        return readGeneralName(new DerReader(bytes)).publicBytes().equals(bytes);
      } catch (error) {
        return (error as { code?: string }).code === 'ERR_OCSP_MALFORMED';
      }
    }),
  );
  t.pass();
});
