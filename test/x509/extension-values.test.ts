import { inspect } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import { type ExtensionType, UnrecognizedExtension } from '#dist/x509/extension.js';
import { CertificateIssuer, CRLReason, InvalidityDate } from '#dist/x509/extensions/crl-entry.js';
import { OCSPAcceptableResponses, OCSPNonce, PreferredSignatureAlgorithms } from '#dist/x509/extensions/request.js';
import { ArchiveCutoff, CrlID, ExtendedRevoke, OCSPNoCheck } from '#dist/x509/extensions/response.js';
import { ServiceLocator } from '#dist/x509/extensions/service-locator.js';
import { DNSName, RFC822Name, UniformResourceIdentifier } from '#dist/x509/general-name.js';
import { Name } from '#dist/x509/name.js';
import { ReasonFlags } from '#dist/x509/reason.js';
import { hex } from '../helpers/der.js';
import { invalid, malformed, wrong, wrongType } from '../helpers/refusals.js';

interface Readable {
  fromDer(value: Uint8Array): ExtensionType;
  readonly oid: string;
  readonly name: string;
}
const DATE = new Date('2015-01-01T01:01:00Z');
const DATE_DER = '180f32303135303130313031303130305a';
const R = Name.fromAttributes([{ oid: '2.5.4.3', value: 'R' }]);
const R_DER = '300c310a300806035504030c0152';
const OCSP_URL = { accessMethod: '1.3.6.1.5.5.7.48.1', accessLocation: new UniformResourceIdentifier('a') };

/** Type, OID, value, its DER and its JSON. */
const CASES: [Readable, string, ExtensionType, string, unknown][] = [
  [OCSPNonce, '1.3.6.1.5.5.7.48.1.2', new OCSPNonce(Buffer.from('00000')), '04053030303030', { nonce: '3030303030' }],
  [OCSPNonce, '1.3.6.1.5.5.7.48.1.2', new OCSPNonce(hex('')), '0400', { nonce: '' }],
  [OCSPAcceptableResponses, '1.3.6.1.5.5.7.48.1.4', new OCSPAcceptableResponses([]), '3000', { responses: [] }],
  [
    OCSPAcceptableResponses,
    '1.3.6.1.5.5.7.48.1.4',
    new OCSPAcceptableResponses(['1.3.6.1.5.5.7.48.1.1']),
    '300b06092b0601050507300101',
    { responses: ['1.3.6.1.5.5.7.48.1.1'] },
  ],
  [OCSPNoCheck, '1.3.6.1.5.5.7.48.1.5', new OCSPNoCheck(), '0500', {}],
  [ExtendedRevoke, '1.3.6.1.5.5.7.48.1.9', new ExtendedRevoke(), '0500', {}],
  [CRLReason, '2.5.29.21', new CRLReason(ReasonFlags.cACompromise), '0a0102', { reason: 'cACompromise' }],
  [CRLReason, '2.5.29.21', new CRLReason('aACompromise'), '0a010a', { reason: 'aACompromise' }],
  [InvalidityDate, '2.5.29.24', new InvalidityDate(DATE), DATE_DER, { invalidityDate: '2015-01-01T01:01:00.000Z' }],
  [
    CertificateIssuer,
    '2.5.29.29',
    new CertificateIssuer([new DNSName('a')]),
    '3003820161',
    { generalNames: [{ type: 'dNSName', value: 'a' }] },
  ],
  [
    ArchiveCutoff,
    '1.3.6.1.5.5.7.48.1.6',
    new ArchiveCutoff(DATE),
    DATE_DER,
    { archiveCutoff: '2015-01-01T01:01:00.000Z' },
  ],
  [CrlID, '1.3.6.1.5.5.7.48.1.3', new CrlID({}), '3000', { crlUrl: null, crlNum: null, crlTime: null }],
  [
    CrlID,
    '1.3.6.1.5.5.7.48.1.3',
    new CrlID({ crlUrl: 'http://a', crlNum: -129n, crlTime: DATE }),
    `3025a00a1608687474703a2f2f61a1040202ff7fa211${DATE_DER}`,
    { crlUrl: 'http://a', crlNum: '-129', crlTime: '2015-01-01T01:01:00.000Z' },
  ],
  [
    ServiceLocator,
    '1.3.6.1.5.5.7.48.1.7',
    new ServiceLocator({ issuer: R }),
    `300e${R_DER}`,
    { issuer: 'CN=R', locator: null },
  ],
  [
    ServiceLocator,
    '1.3.6.1.5.5.7.48.1.7',
    new ServiceLocator({ issuer: R, locator: [OCSP_URL] }),
    `301f${R_DER}300f300d06082b06010505073001860161`,
    {
      issuer: 'CN=R',
      locator: [
        { accessMethod: '1.3.6.1.5.5.7.48.1', accessLocation: { type: 'uniformResourceIdentifier', value: 'a' } },
      ],
    },
  ],
  [
    PreferredSignatureAlgorithms,
    '1.3.6.1.5.5.7.48.1.8',
    new PreferredSignatureAlgorithms({
      algorithms: [
        { sigIdentifier: { oid: '1.2.840.10045.4.3.2' }, certIdentifier: { oid: '1.2', parameters: hex('0500') } },
        { sigIdentifier: { oid: '1.2.3', parameters: null }, certIdentifier: null },
      ],
    }),
    '301d' + '3013300a06082a8648ce3d0403023005' + '06012a0500' + '30063004' + '06022a03',
    {
      algorithms: [
        {
          sigIdentifier: { oid: '1.2.840.10045.4.3.2', parameters: null },
          certIdentifier: { oid: '1.2', parameters: '0500' },
        },
        { sigIdentifier: { oid: '1.2.3', parameters: null }, certIdentifier: null },
      ],
    },
  ],
];

test('every type: OID, literal DER both ways, JSON, inspection', (t) => {
  for (const [type, oid, value, der, json] of CASES) {
    t.is(type.oid, oid, type.name);
    t.is(value.oid, oid);
    t.is(value.publicBytes().toString('hex'), der, type.name);
    t.is(value.publicBytes().buffer.byteLength, der.length / 2, 'memory of its own');
    const again = type.fromDer(hex(der));
    t.is(again.publicBytes().toString('hex'), der);
    t.true(again.equals(value), type.name);
    t.deepEqual(JSON.parse(JSON.stringify(value)), json);
    t.true(inspect(value).startsWith(`${type.name} {`), inspect(value));
  }
});

test('every type: equal to its like only', (t) => {
  for (const [, , value] of CASES) {
    for (const [, , other] of CASES) t.is(value.equals(other), value === other);
    t.false(value.equals(new UnrecognizedExtension(value.oid, value.publicBytes())));
    for (const other of [undefined, null, {}, 'x']) t.false(value.equals(other));
  }
});

test('every type but the nonce: refuses truncated, trailing and other values', (t) => {
  for (const [type, , , der] of CASES) {
    t.throws(() => type.fromDer(wrong(der)), wrongType);
    if (type === OCSPNonce) continue;
    for (const bad of ['', der.slice(0, -2), `${der}00`, `${der}0500`, '0101ff', 'a000', '3080', '30023081']) {
      t.throws(() => type.fromDer(hex(bad)), malformed, `${type.name} ${bad}`);
    }
  }
});

test('refusals of each type’s own', (t) => {
  const bad: [Readable, string[]][] = [
    [OCSPAcceptableResponses, ['30020500', '30020600', '3003060180']],
    [OCSPNoCheck, ['050100', '3000']],
    [ExtendedRevoke, ['050100', '3000']],
    [CRLReason, ['020101', '0a00', '0a0107', '0a010b', '0a01ff', '0a020001', '0a020100', '0a050100000000']],
    [
      InvalidityDate,
      [
        '170d3135303130313031303130305a',
        '181132303135303130313031303130302e355a',
        '180f30303030303130313030303030305a',
      ],
    ],
    [ArchiveCutoff, ['180d3230313530313031303130315a', '180f32303135303233303031303130305a']],
    [CertificateIssuer, ['30020500', '30038201ff', '300382026161']],
    [
      CrlID,
      [
        '3002a000',
        '300416026161',
        '3005a003020105',
        '3007a1050203000001',
        '3006a10402020001',
        '3008a103020105a00100',
        '3005a0031601ff',
        '3006a10402010500',
        '3005a303020105',
      ],
    ],
    [
      ServiceLocator,
      [
        '3000',
        '30020500',
        '300430000500',
        '3006300030000500',
        '300430003001',
        '3006300030020500',
        '30083000300430020500',
      ],
    ],
    [
      PreferredSignatureAlgorithms,
      ['30020500', '30023000', '300430023000', '3009300730050500050000', '300f300d300306012a300306012a05000500'],
    ],
  ];
  for (const [type, values] of bad) {
    for (const value of values) t.throws(() => type.fromDer(hex(value)), malformed, `${type.name} ${value}`);
  }
});

test('a nonce is read whatever it is', (t) => {
  const cases: [string, string][] = [
    ['0403616263', '616263'],
    ['0400', ''],
    ['7261776279746573', '7261776279746573'],
    ['04036162637a', '04036162637a'],
    ['020103', '020103'],
    ['', ''],
    ['04', '04'],
    ['0480', '0480'],
    ['048101ff', '048101ff'],
    ['2403040161', '2403040161'],
  ];
  for (const [value, nonce] of cases) t.is(OCSPNonce.fromDer(hex(value)).nonce.toString('hex'), nonce, value);
  fc.assert(fc.property(fc.uint8Array(), (bytes) => OCSPNonce.fromDer(bytes) instanceof OCSPNonce));
});

test('a nonce of any bytes survives', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const nonce = new OCSPNonce(bytes);
      return OCSPNonce.fromDer(nonce.publicBytes()).equals(nonce) && nonce.nonce.equals(bytes);
    }),
  );
  t.is(new OCSPNonce(new Uint8Array(4096)).nonce.length, 4096);
});

test('dates survive, less their fractions', (t) => {
  const dates = fc.date({
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59Z'),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(dates, (date) => {
      const value = new InvalidityDate(date);
      const whole = Math.floor(date.getTime() / 1000) * 1000;
      return InvalidityDate.fromDer(value.publicBytes()).invalidityDate.getTime() === whole;
    }),
  );
  t.pass();
});

test('reasons survive', (t) => {
  for (const reason of Object.values(ReasonFlags)) {
    t.is(CRLReason.fromDer(new CRLReason(reason).publicBytes()).reason, reason);
  }
});

test('CrlID of any number survives', (t) => {
  fc.assert(
    fc.property(fc.option(fc.bigInt()), fc.option(fc.string({ unit: 'grapheme-ascii' })), (crlNum, crlUrl) => {
      const id = CrlID.fromDer(new CrlID({ crlNum, crlUrl }).publicBytes());
      return id.crlNum === crlNum && id.crlUrl === crlUrl && id.crlTime === null;
    }),
  );
  t.pass();
});

test('constructors refuse wrong types', (t) => {
  for (const bad of [undefined, null, 1, 'x', {}, [1]]) {
    t.throws(() => new OCSPNonce(wrong(bad)), wrongType);
    t.throws(() => new InvalidityDate(wrong(bad)), wrongType);
    t.throws(() => new ArchiveCutoff(wrong(bad)), wrongType);
    t.throws(() => new CertificateIssuer(wrong(bad)), wrongType);
    t.throws(() => new ServiceLocator(wrong(bad)), wrongType);
    t.throws(() => new PreferredSignatureAlgorithms(wrong(bad)), wrongType);
    t.throws(() => new UnrecognizedExtension('1.2.3', wrong(bad)), wrongType);
  }
  for (const bad of [undefined, null, 38, [38], {}]) {
    t.throws(() => new OCSPAcceptableResponses(wrong(bad)), wrongType);
    t.throws(() => new UnrecognizedExtension(wrong(bad), hex('')), wrongType);
    t.throws(() => new CRLReason(wrong(bad)), wrongType);
  }
  for (const bad of [undefined, null, 1, 'x']) t.throws(() => new CrlID(wrong(bad)), wrongType);
  t.throws(() => new CrlID({ crlNum: wrong(5) }), wrongType);
  t.throws(() => new CrlID({ crlUrl: wrong(5) }), wrongType);
  t.throws(() => new CrlID({ crlTime: wrong(5) }), wrongType);
  t.throws(() => new ServiceLocator({ issuer: R, locator: wrong([1]) }), wrongType);
  t.throws(() => new ServiceLocator({ issuer: R, locator: [{ ...OCSP_URL, accessLocation: wrong('a') }] }), wrongType);
  t.throws(() => new PreferredSignatureAlgorithms({ algorithms: wrong([{}]) }), wrongType);
  t.throws(
    () =>
      new PreferredSignatureAlgorithms({ algorithms: [{ sigIdentifier: { oid: '1.2', parameters: wrong('0500') } }] }),
    wrongType,
  );
});

test('constructors refuse wrong values', (t) => {
  t.throws(() => new OCSPAcceptableResponses(['1.2', 'x']), invalid);
  t.throws(() => new OCSPAcceptableResponses('1.2'), wrongType);
  t.throws(() => new UnrecognizedExtension('1', hex('')), invalid);
  t.throws(() => new CRLReason(wrong('key_compromise')), invalid);
  t.throws(() => new InvalidityDate(new Date(Number.NaN)), invalid);
  t.throws(() => new ArchiveCutoff(new Date('+010000-01-01')), invalid);
  t.throws(() => new CrlID({ crlUrl: 'http://é' }), invalid);
  t.throws(() => new CrlID({ crlTime: new Date(Number.NaN) }), invalid);
  t.throws(() => new ServiceLocator({ issuer: R, locator: [{ ...OCSP_URL, accessMethod: 'ocsp' }] }), invalid);
  t.throws(() => new PreferredSignatureAlgorithms({ algorithms: [{ sigIdentifier: { oid: 'x' } }] }), invalid);
  t.throws(
    () => new PreferredSignatureAlgorithms({ algorithms: [{ sigIdentifier: { oid: '1.2', parameters: hex('05') } }] }),
    invalid,
  );
});

test('lists: iteration, length, access by type', (t) => {
  const locator = new ServiceLocator({ issuer: R, locator: new Set([OCSP_URL]) });
  t.is(locator.issuer, R);
  t.deepEqual(locator.locator, [OCSP_URL]);
  const oids = ['1.2.3', '1.2.4'];
  const responses = new OCSPAcceptableResponses(new Set(oids));
  t.deepEqual([...responses], oids);
  t.deepEqual([...responses.responses], oids);
  const issuer = new CertificateIssuer([new DNSName('a'), new RFC822Name('b'), new DNSName('c')]);
  t.is(issuer.length, 3);
  t.deepEqual([...issuer], [...issuer.generalNames]);
  const names: string[] = issuer.getValuesForType(DNSName);
  t.deepEqual(names, ['a', 'c']);
  t.deepEqual(issuer.getValuesForType(UniformResourceIdentifier), []);
  const preferred = new PreferredSignatureAlgorithms({ algorithms: [{ sigIdentifier: { oid: '1.2.3' } }] });
  t.deepEqual(
    [...preferred].map(({ sigIdentifier }) => sigIdentifier.oid),
    ['1.2.3'],
  );
});

test('a list longer than the stack is deep is read and written', (t) => {
  const items = Buffer.concat(new Array<Buffer>(200_000).fill(hex('06012a')));
  const header = Buffer.alloc(5);
  header.writeUInt8(0x30);
  header.writeUInt8(0x83, 1);
  header.writeUIntBE(items.length, 2, 3);
  const der = Buffer.concat([header, items]);
  const responses = OCSPAcceptableResponses.fromDer(der);
  t.is(responses.responses.length, 200_000);
  t.true(responses.publicBytes().equals(der));
});

test('deep nesting does not recurse', (t) => {
  let nested = hex('0500');
  for (let i = 0; i < 1000; i += 1) {
    const header = Buffer.alloc(4);
    header.writeUInt16BE(0x3082);
    header.writeUInt16BE(nested.length, 2);
    nested = Buffer.concat([
      nested.length > 255
        ? header
        : Buffer.from(nested.length > 127 ? [0x30, 0x81, nested.length] : [0x30, nested.length]),
      nested,
    ]);
  }
  for (const type of [CertificateIssuer, ServiceLocator, PreferredSignatureAlgorithms, CrlID]) {
    t.throws(() => type.fromDer(nested), malformed);
  }
});

test('values cannot be changed from outside', (t) => {
  const bytes = hex('0102');
  const nonce = new OCSPNonce(bytes);
  const unknown = new UnrecognizedExtension('1.2.3', bytes);
  const date = new Date(0);
  const cutoff = new ArchiveCutoff(date);
  const invalidity = new InvalidityDate(date);
  const crl = new CrlID({ crlTime: date });
  const preferred = new PreferredSignatureAlgorithms({
    algorithms: [{ sigIdentifier: { oid: '1.2', parameters: hex('0500') } }],
  });
  bytes.fill(0);
  date.setTime(5000);
  nonce.nonce.fill(0);
  unknown.value.fill(0);
  unknown.publicBytes().fill(0);
  cutoff.archiveCutoff.setTime(5000);
  invalidity.invalidityDate.setTime(5000);
  crl.crlTime?.setTime(5000);
  preferred.algorithms[0]?.sigIdentifier.parameters?.fill(0);
  t.deepEqual(nonce.nonce, hex('0102'));
  t.deepEqual(unknown.value, hex('0102'));
  t.is(cutoff.archiveCutoff.getTime(), 0);
  t.is(invalidity.invalidityDate.getTime(), 0);
  t.is(crl.crlTime?.getTime(), 0);
  t.is(preferred.algorithms[0]?.sigIdentifier.parameters?.toString('hex'), '0500');
  t.true(Object.isFrozen(new OCSPAcceptableResponses([]).responses));
  t.true(Object.isFrozen(new ServiceLocator({ issuer: R, locator: [OCSP_URL] }).locator?.[0]));
});

test('an unrecognised extension goes out as it came in', (t) => {
  const value = new UnrecognizedExtension(CRLReason.oid, hex('ff00'));
  t.is(value.oid, CRLReason.oid);
  t.is(value.publicBytes().toString('hex'), 'ff00');
  t.true(value.equals(new UnrecognizedExtension(CRLReason.oid, hex('ff00'))));
  t.false(value.equals(new UnrecognizedExtension('1.2.3', hex('ff00'))));
  t.deepEqual(JSON.parse(JSON.stringify(value)), { oid: '2.5.29.21', value: 'ff00' });
});
