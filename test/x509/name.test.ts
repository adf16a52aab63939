import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import { ASN1StringType } from '#dist/x509/asn1-string.js';
import { encodeOid, encodeSequence, encodeTlv } from '#dist/x509/der.js';
import { Name, NameAttribute, RelativeDistinguishedName } from '#dist/x509/name.js';
import { NameOID } from '#dist/x509/oids.js';
import { hex } from '../helpers/der.js';
import { invalid, malformed, wrong, wrongType } from '../helpers/refusals.js';

const LETS_ENCRYPT =
  '304a310b300906035504061302555331163014060355040a130d4c6574277320456e6372797074312330210603550403131a4c6574277320456e637279707420417574686f72697479205833';

/** A name of one commonName whose value is this element. */
const commonName = (tag: number, content: string): Buffer =>
  encodeSequence(encodeTlv(0x31, encodeSequence(encodeOid(NameOID.COMMON_NAME), encodeTlv(tag, hex(content)))));

test('reads a real name, and gives its bytes back', (t) => {
  const name = Name.fromDer(hex(LETS_ENCRYPT));
  t.is(name.rfc4514String(), "CN=Let's Encrypt Authority X3,O=Let's Encrypt,C=US");
  t.is(name.publicBytes().toString('hex'), LETS_ENCRYPT);
  t.is(name.rdns.length, 3);
  t.is(name.length, 3);
  t.deepEqual(
    [...name].map(({ oid, value, type }) => [oid, value, type]),
    [
      ['2.5.4.6', 'US', ASN1StringType.PrintableString],
      ['2.5.4.10', "Let's Encrypt", ASN1StringType.PrintableString],
      ['2.5.4.3', "Let's Encrypt Authority X3", ASN1StringType.PrintableString],
    ],
  );
  t.is(name.getAttributesForOid(NameOID.COUNTRY_NAME)[0]?.value, 'US');
  t.is(JSON.stringify(name), JSON.stringify(name.rfc4514String()));
  t.is(inspect(name), `Name "${name.rfc4514String()}"`);
});

test('the empty name', (t) => {
  const name = Name.fromDer(hex('3000'));
  t.is(name.rfc4514String(), '');
  t.is(name.publicBytes().toString('hex'), '3000');
  t.true(name.equals(new Name([])));
});

test('writes a name with the string types that RFC 5280 demands', (t) => {
  const name = Name.fromAttributes([
    { oid: NameOID.COUNTRY_NAME, value: 'US' },
    { oid: NameOID.DOMAIN_COMPONENT, value: 'a' },
    { oid: NameOID.COMMON_NAME, value: 'é' },
  ]);
  t.is(
    name.publicBytes().toString('hex'),
    '302d310b30090603550406130255533111300f060a0992268993f22c640119160161310b300906035504030c02c3a9',
  );
  t.is(name.rfc4514String(), 'CN=é,DC=a,C=US');
});

test('multi-valued RDNs are sorted when written, and compared as sets', (t) => {
  const a = new NameAttribute(NameOID.COMMON_NAME, 'a');
  const b = new NameAttribute(NameOID.USER_ID, 'b');
  const one = new RelativeDistinguishedName([a, b]);
  const two = new RelativeDistinguishedName([b, a]);
  t.true(one.equals(two));
  t.deepEqual(one.publicBytes(), two.publicBytes());
  t.is(one.rfc4514String(), 'CN=a+UID=b');
  t.is(one.length, 2);
  t.is(new Name([one, a]).rfc4514String(), 'CN=a,CN=a+UID=b');
  t.false(one.equals(new RelativeDistinguishedName([a])));
  t.deepEqual(one.getAttributesForOid(NameOID.USER_ID), [b]);
  t.true(new Name([one]).equals(Name.fromDer(new Name([two]).publicBytes())));
});

test('RFC 4514 text: escaping', (t) => {
  const text = (value: string): string => new NameAttribute(NameOID.COMMON_NAME, value).rfc4514String();
  t.is(text('James "Jim" Smith, III'), 'CN=James \\"Jim\\" Smith\\, III');
  t.is(text('a+b;c<d>e\\f=g'), 'CN=a\\+b\\;c\\<d\\>e\\\\f=g');
  t.is(text('#1 #2'), 'CN=\\#1 #2');
  t.is(text(' x y '), 'CN=\\ x y\\ ');
  t.is(text(' '), 'CN=\\ ');
  t.is(text('a\0b'), 'CN=a\\00b');
  t.is(text(''), 'CN=');
});

test('RFC 4514 text: short names, dotted OIDs, values that are no strings', (t) => {
  const oids = [
    'COMMON_NAME',
    'LOCALITY_NAME',
    'STATE_OR_PROVINCE_NAME',
    'ORGANIZATION_NAME',
    'ORGANIZATIONAL_UNIT_NAME',
    'COUNTRY_NAME',
    'STREET_ADDRESS',
    'DOMAIN_COMPONENT',
    'USER_ID',
  ] as const;
  const name = new Name(oids.map((oid) => new NameAttribute(NameOID[oid], 'x')));
  t.is(name.rfc4514String(), 'UID=x,DC=x,STREET=x,C=x,OU=x,O=x,ST=x,L=x,CN=x');
  t.is(new NameAttribute(NameOID.EMAIL_ADDRESS, 'a@b').rfc4514String(), '1.2.840.113549.1.9.1=a@b');
  const bits = new NameAttribute('2.5.4.45', hex('030200a5'));
  t.is(bits.rfc4514String(), '2.5.4.45=#030200a5');
  t.is(bits.type, null);
  t.deepEqual(bits.value, hex('030200a5'));
  t.deepEqual(JSON.parse(JSON.stringify(bits)), { oid: '2.5.4.45', value: '030200a5' });
});

test('every string type, both ways', (t) => {
  const cases: [ASN1StringType, string, string][] = [
    [ASN1StringType.UTF8String, 'é€😀', 'c3a9e282acf09f9880'],
    [ASN1StringType.NumericString, '01 2', '30312032'],
    [ASN1StringType.PrintableString, "A'?", '41273f'],
    [ASN1StringType.T61String, 'é', 'e9'],
    [ASN1StringType.IA5String, 'a@b', '614062'],
    [ASN1StringType.VisibleString, '~*', '7e2a'],
    [ASN1StringType.UniversalString, 'é😀', '000000e90001f600'],
    [ASN1StringType.BMPString, 'é😀', '00e9d83dde00'],
  ];
  for (const [type, text, content] of cases) {
    const read = [...Name.fromDer(commonName(type, content))][0];
    t.is(read?.value, text, ASN1StringType[type]);
    t.is(read?.type, type);
    const written = new NameAttribute(NameOID.COMMON_NAME, text, type);
    t.deepEqual(new Name([written]).publicBytes(), commonName(type, content));
    t.is(written.type, type);
    t.true(read?.equals(written));
  }
});

test('text survives in every type that can carry it', (t) => {
  const text = fc.string({ unit: 'grapheme' });
  fc.assert(
    fc.property(
      text,
      fc.constantFrom(ASN1StringType.UTF8String, ASN1StringType.BMPString, ASN1StringType.UniversalString),
      (value, type) => {
        const name = Name.fromAttributes([{ oid: NameOID.COMMON_NAME, value, type }]);
        return Name.fromDer(name.publicBytes()).equals(name);
      },
    ),
  );
  t.pass();
});

test('a PrintableString with other ASCII characters is read, as OpenSSL does', (t) => {
  t.is(Name.fromDer(commonName(ASN1StringType.PrintableString, '2a')).rfc4514String(), 'CN=*');
});

test('strings that are not what their type allows are refused', (t) => {
  const bad: [ASN1StringType, string][] = [
    [ASN1StringType.UTF8String, 'ff'],
    [ASN1StringType.UTF8String, 'c080'],
    [ASN1StringType.UTF8String, 'eda080'],
    [ASN1StringType.PrintableString, '80'],
    [ASN1StringType.NumericString, 'ff'],
    [ASN1StringType.IA5String, 'e9'],
    [ASN1StringType.VisibleString, 'e9'],
    [ASN1StringType.BMPString, '00'],
    [ASN1StringType.BMPString, 'd800'],
    [ASN1StringType.UniversalString, '000000'],
    [ASN1StringType.UniversalString, '00110000'],
    [ASN1StringType.UniversalString, '0000d800'],
  ];
  for (const [type, content] of bad) t.throws(() => Name.fromDer(commonName(type, content)), malformed, content);
});

test('bytes that are not one name are refused', (t) => {
  for (const bad of [
    '',
    '30',
    '300000',
    '0500',
    '30023000',
    '30023100',
    '300431023000',
    '30073105300306012a',
    '300b3109300706012a05000500',
  ]) {
    t.throws(() => Name.fromDer(hex(bad)), malformed, bad);
  }
  t.throws(() => Name.fromDer(wrong('3000')), wrongType);
});

test('every byte of a name changed: what is accepted can be read, attribute by attribute', (t) => {
  for (const original of [LETS_ENCRYPT, `3081${'80'}${'310e300c06035504030c0561626364'.padEnd(32, '65').repeat(8)}`]) {
    const whole = hex(original);
    t.true(Name.fromDer(whole).length > 0);
    let accepted = 0;
    for (let at = 0; at < whole.length; at++) {
      for (const change of [0x01, 0x02, 0x20, 0x80, 0xff]) {
        const mutant = Buffer.from(whole);
        mutant[at] = (mutant[at] as number) ^ change;
        let name: Name;
        try {
          name = Name.fromDer(mutant);
        } catch (error) {
          t.like(error, malformed);
          continue;
        }
        accepted += 1;
        // Reading the attributes goes another way than checking the whole.
        t.deepEqual(encodeSequence(...name.rdns.map((rdn) => rdn.publicBytes())), mutant, mutant.toString('hex'));
      }
    }
    t.true(accepted > 0);
  }
});

test('deep nesting and long names take linear time and no stack', (t) => {
  let nested: Buffer = Buffer.alloc(0);
  for (let i = 0; i < 2000; i += 1) nested = encodeTlv(0x30, nested);
  t.throws(() => Name.fromDer(nested), malformed);
  const rdn = hex('310a300806035504030c0161');
  const long = Name.fromDer(encodeTlv(0x30, Buffer.concat(new Array<Buffer>(50_000).fill(rdn))));
  t.is(long.length, 50_000);
  t.true(long.equals(long));
});

test('constructors refuse what is wrong', (t) => {
  t.throws(() => new NameAttribute('x', 'a'), invalid);
  t.throws(() => new NameAttribute(wrong(1), 'a'), wrongType);
  t.throws(() => new NameAttribute('2.5.4.3', wrong(1)), wrongType);
  t.throws(() => new NameAttribute('2.5.4.3', hex('05')), invalid);
  t.throws(() => new NameAttribute('2.5.4.3', 'a', wrong(99)), invalid);
  t.throws(() => new NameAttribute('2.5.4.3', 'a', wrong('UTF8String')), wrongType);
  t.throws(() => new NameAttribute(NameOID.COUNTRY_NAME, 'é'), invalid);
  const cannot: [ASN1StringType, string][] = [
    [ASN1StringType.UTF8String, '\udc00'],
    [ASN1StringType.BMPString, '\ud800'],
    [ASN1StringType.UniversalString, '\ud800'],
    [ASN1StringType.T61String, '€'],
    [ASN1StringType.IA5String, 'é'],
    [ASN1StringType.VisibleString, '\n'],
    [ASN1StringType.NumericString, 'a'],
    [ASN1StringType.PrintableString, '*'],
  ];
  for (const [type, text] of cannot)
    t.throws(() => new NameAttribute('2.5.4.3', text, type), invalid, ASN1StringType[type]);
  t.throws(() => new RelativeDistinguishedName([]), invalid);
  t.throws(() => new RelativeDistinguishedName(wrong(null)), wrongType);
  t.throws(() => new RelativeDistinguishedName(wrong(['x'])), wrongType);
  t.throws(() => new Name(wrong(undefined)), wrongType);
  t.throws(() => new Name(wrong([{}])), wrongType);
  t.throws(() => Name.fromAttributes(wrong([null])), wrongType);
});

test('names cannot be changed from outside', (t) => {
  const bytes = hex(LETS_ENCRYPT);
  const name = Name.fromDer(bytes);
  bytes.fill(0);
  name.publicBytes().fill(0);
  t.is(name.publicBytes().toString('hex'), LETS_ENCRYPT);
  t.true(Object.isFrozen(name.rdns));
  const value = new NameAttribute('2.5.4.45', hex('030200a5'));
  (value.value as Buffer).fill(0);
  t.deepEqual(value.value, hex('030200a5'));
});

test('equality is by content', (t) => {
  const utf8 = Name.fromAttributes([{ oid: NameOID.COMMON_NAME, value: 'a', type: ASN1StringType.UTF8String }]);
  const printable = Name.fromAttributes([
    { oid: NameOID.COMMON_NAME, value: 'a', type: ASN1StringType.PrintableString },
  ]);
  t.true(utf8.equals(printable));
  t.notDeepEqual(utf8.publicBytes(), printable.publicBytes());
  t.false(utf8.equals(Name.fromAttributes([{ oid: NameOID.COMMON_NAME, value: 'A' }])));
  t.false(utf8.equals('CN=a'));
  t.false(utf8.rdns[0]?.equals('CN=a'));
  t.false([...utf8][0]?.equals('CN=a'));
  t.false(
    new NameAttribute('2.5.4.3', '#0500').equals(new NameAttribute('2.5.4.3', hex('0500'))),
    'text that looks like hex',
  );
});

test('the names of all recorded responses', (t) => {
  const file = new URL('../../../test/vectors/reference/expected.json', import.meta.url);
  const names = readFileSync(file, 'utf8').matchAll(
    /"name_rfc4514": ("(?:[^"\\]|\\.)*"),\s*"name_der_hex": "([0-9a-f]*)"/g,
  );
  let count = 0;
  for (const [, text = '', der = ''] of names) {
    const name = Name.fromDer(hex(der));
    t.is(name.rfc4514String(), JSON.parse(text) as string);
    // All of these were written with the types and the order that this package writes too, when told the types.
    t.deepEqual(new Name(name.rdns).publicBytes(), hex(der));
    count += 1;
  }
  t.true(count >= 6, `${count} names`);
});
