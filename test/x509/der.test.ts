import test from 'ava';
import fc from 'fast-check';
import {
  asciiFromBytes,
  checkDerElement,
  contextTag,
  DerReader,
  encodeBitString,
  encodeBoolean,
  encodeEnumerated,
  encodeGeneralizedTime,
  encodeIa5String,
  encodeInteger,
  encodeNull,
  encodeOctetString,
  encodeOid,
  encodePrintableString,
  encodeSequence,
  encodeSequenceOf,
  encodeSetOf,
  encodeTlv,
  encodeUtcTime,
  encodeUtf8String,
  Tag,
} from '#dist/x509/der.js';
import { integerFromBytes, integerToBytes } from '#dist/x509/integer.js';
import { hex } from '../helpers/der.js';
import { invalid, malformed, wrongType } from '../helpers/refusals.js';

test('integers: literal encodings', (t) => {
  const cases: [bigint, string][] = [
    [0n, '020100'],
    [127n, '02017f'],
    [128n, '02020080'],
    [255n, '020200ff'],
    [256n, '02020100'],
    [-1n, '0201ff'],
    [-128n, '020180'],
    [-129n, '0202ff7f'],
    [-32768n, '02028000'],
  ];
  for (const [value, encoded] of cases) {
    t.is(encodeInteger(value).toString('hex'), encoded);
    t.is(new DerReader(hex(encoded)).readInteger(), value);
  }
  t.is(encodeInteger(5).toString('hex'), '020105');
});

test('integers: any value survives, in the fewest bytes', (t) => {
  fc.assert(
    fc.property(fc.bigInt(), (value) => {
      const bytes = integerToBytes(value);
      return integerFromBytes(bytes) === value && bytes.buffer.byteLength === bytes.length;
    }),
  );
  t.pass();
});

test('integers: refuses empty and padded', (t) => {
  for (const bad of ['', '0001', '0000', 'ff80', 'ffff']) t.throws(() => integerFromBytes(hex(bad)), malformed, bad);
});

test('a megabyte integer is read in no time', (t) => {
  const value = integerFromBytes(Buffer.alloc(1 << 20, 0x41));
  t.is(value >> BigInt(8 * ((1 << 20) - 1)), 0x41n);
});

test('writers: literal encodings', (t) => {
  const date = new Date(Date.UTC(2015, 0, 1, 1, 1, 0));
  t.is(encodeEnumerated(10).toString('hex'), '0a010a');
  t.is(encodeNull().toString('hex'), '0500');
  t.is(encodeBoolean(true).toString('hex'), '0101ff');
  t.is(encodeBoolean(false).toString('hex'), '010100');
  t.is(encodeBitString(hex('a0'), 5).toString('hex'), '030205a0');
  t.is(encodeOctetString(Buffer.from('00000')).toString('hex'), '04053030303030');
  t.is(encodeOid('1.3.6.1.5.5.7.48.1.1').toString('hex'), '06092b0601050507300101');
  t.is(encodeGeneralizedTime(date).toString('latin1'), '\x18\x0f20150101010100Z');
  t.is(encodeUtcTime(date).toString('latin1'), '\x17\x0d150101010100Z');
  t.is(encodeUtf8String('é').toString('hex'), '0c02c3a9');
  t.is(encodePrintableString('US').toString('hex'), '13025553');
  t.is(encodeIa5String('@').toString('hex'), '160140');
  t.is(encodeSequence().toString('hex'), '3000');
  t.is(encodeSequence(encodeNull(), encodeNull()).toString('hex'), '300405000500');
  t.is(contextTag(2), 0xa2);
  t.is(contextTag(6, false), 0x86);
});

test('a set is sorted', (t) => {
  t.is(encodeSetOf([hex('0c0162'), hex('0c0161'), hex('020101')]).toString('hex'), '31090201010c01610c0162');
});

test('writers refuse what the type cannot carry', (t) => {
  t.throws(() => encodeUtcTime(new Date(Date.UTC(1949, 11, 31))), invalid);
  t.throws(() => encodeUtcTime(new Date(Date.UTC(2050, 0, 1))), invalid);
  t.throws(() => encodeUtf8String('\ud800'), invalid);
  t.throws(() => encodePrintableString('a@b'), invalid);
  t.throws(() => encodeIa5String('é'), invalid);
});

test('lengths: short, long and very long content survives', (t) => {
  for (const length of [0, 1, 127, 128, 255, 256, 65535, 65536]) {
    const encoded = encodeOctetString(Buffer.alloc(length, 1));
    const reader = new DerReader(encoded);
    t.is(reader.readOctetString().length, length);
    reader.done();
    t.is(encoded.buffer.byteLength, encoded.length, 'memory of its own');
  }
});

test('a list longer than the stack is deep can be written', (t) => {
  const items = new Array<Buffer>(300_000).fill(encodeNull());
  t.is(encodeSequenceOf(items).length, 600_000 + 5);
  t.is(encodeSetOf(items).length, 600_000 + 5);
});

test('reader: refuses truncated, indefinite and padded lengths', (t) => {
  const bad = [
    '',
    '30',
    '3001',
    '3080',
    '30800000',
    '308105',
    '30820001',
    '30ff',
    '3088ffffffffffffffff',
    '3086ffffffffffff',
  ];
  for (const text of bad) t.throws(() => new DerReader(hex(text)).readTlv(), malformed, text);
  t.throws(() => new DerReader(hex('30820080')).readTlv(), { ...malformed, message: /byte/ });
});

test('reader: never looks past its end', (t) => {
  const bytes = hex('04020102ff');
  t.throws(() => new DerReader(bytes, 0, 3).readTlv(), malformed);
  t.throws(() => new DerReader(bytes, 0, 1).readTlv(), malformed);
  const reader = new DerReader(bytes, 0, 4);
  t.deepEqual(reader.readOctetString(), hex('0102'));
  t.true(reader.atEnd);
  t.is(reader.peekTag(), undefined);
});

test('reader: tags', (t) => {
  const reader = new DerReader(hex('05000201050101ff'));
  t.is(reader.optional(Tag.OID), undefined);
  reader.readNull();
  t.throws(() => reader.read(Tag.OID, 'thing'), {
    ...malformed,
    message: /thing at byte 2: tag 0x06 expected, found 0x02/,
  });
  t.is(reader.readInteger(), 5n);
  t.throws(() => reader.done(), { ...malformed, message: /3 unexpected bytes at byte 5/ });
  t.deepEqual(reader.optional(Tag.BOOLEAN), { tag: 1, start: 5, contentStart: 7, end: 8 });
  reader.done();
  t.throws(() => new DerReader(hex('050100')).readNull(), malformed);
});

test('reader: the long form of tags', (t) => {
  t.is(new DerReader(hex('bf8101020500')).readTlv().tag, 0xbf8101);
  t.is(new DerReader(hex('1f1f00')).readTlv().tag, 0x1f1f);
  for (const bad of ['1f', '1f1e00', '1f80', '1f808000', '1f8181', '1fffffff7f00']) {
    t.throws(() => new DerReader(hex(bad)).readTlv(), malformed, bad);
  }
});

test('reader: random bytes give an element or a refusal, nothing else', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        const { contentStart, end } = new DerReader(bytes).readTlv();
        return contentStart <= end && end <= bytes.length;
      } catch (error) {
        return (error as { code?: string }).code === 'ERR_OCSP_MALFORMED';
      }
    }),
  );
  t.pass();
});

test('asciiFromBytes keeps NUL and refuses more than seven bits', (t) => {
  t.is(asciiFromBytes(hex('61006200'), 0, 4, 'text'), 'a\0b\0');
  t.throws(() => asciiFromBytes(hex('6180'), 0, 2, 'text'), { ...malformed, message: /byte 1/ });
});

test('checkDerElement takes exactly one element and copies it', (t) => {
  const given = hex('0500');
  const taken = checkDerElement(given, 'x');
  given.fill(0);
  t.is(taken.toString('hex'), '0500');
  for (const bad of ['', '05', '050000']) t.throws(() => checkDerElement(hex(bad), 'x'), invalid, bad);
  t.throws(() => checkDerElement('0500', 'x'), wrongType);
});

test('encodeTlv puts contents one after another', (t) => {
  t.is(encodeTlv(0xa1, hex('01'), hex('0203')).toString('hex'), 'a103010203');
});
