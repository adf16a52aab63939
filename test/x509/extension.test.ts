import { inspect } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import { encodeEnumerated, encodeOid } from '#dist/x509/der.js';
import {
  checkExtension,
  Extension,
  type ExtensionClass,
  Extensions,
  type ExtensionType,
  UnrecognizedExtension,
} from '#dist/x509/extension.js';
import { type ExtensionSlot, encodeExtensions, parseExtensions } from '#dist/x509/extension-codec.js';
import { CertificateIssuer, CRLReason, InvalidityDate } from '#dist/x509/extensions/crl-entry.js';
import { OCSPAcceptableResponses, OCSPNonce, PreferredSignatureAlgorithms } from '#dist/x509/extensions/request.js';
import { ArchiveCutoff, CrlID, ExtendedRevoke, OCSPNoCheck } from '#dist/x509/extensions/response.js';
import { ServiceLocator } from '#dist/x509/extensions/service-locator.js';
import { DNSName } from '#dist/x509/general-name.js';
import { Name } from '#dist/x509/name.js';
import { SignedCertificateTimestamps } from '#dist/x509/sct.js';
import { hex } from '../helpers/der.js';
import { duplicate, invalid, malformed, notFound, wrong, wrongType } from '../helpers/refusals.js';

const SLOTS: readonly ExtensionSlot[] = ['request', 'singleRequest', 'response', 'singleResponse'];
const VALUES: [ExtensionType, readonly ExtensionSlot[]][] = [
  [new OCSPNonce(hex('0102')), ['request', 'response']],
  [new OCSPAcceptableResponses(['1.3.6.1.5.5.7.48.1.1']), ['request']],
  [new PreferredSignatureAlgorithms({ algorithms: [{ sigIdentifier: { oid: '1.2.3' } }] }), ['request']],
  [new ServiceLocator({ issuer: new Name([]) }), ['singleRequest']],
  [new ExtendedRevoke(), ['response']],
  [new CrlID({ crlNum: 5n }), ['singleResponse']],
  [new ArchiveCutoff(new Date(0)), ['singleResponse']],
  [new CRLReason('superseded'), ['singleResponse']],
  [new InvalidityDate(new Date(0)), ['singleResponse']],
  [new CertificateIssuer([new DNSName('a')]), ['singleResponse']],
  [new SignedCertificateTimestamps([]), ['singleResponse']],
  [new OCSPNoCheck(), []],
  [new UnrecognizedExtension('1.2.3', hex('ff')), []],
];
const entries = VALUES.map(([value], index) => new Extension(value.oid, index % 2 === 0, value));

/** Content of the SEQUENCE in `list`, parsed. */
function parse(list: Buffer, slot: ExtensionSlot): Extensions {
  const header = (list[1] ?? 0) < 0x80 ? 2 : 2 + ((list[1] ?? 0) & 0x7f);
  return parseExtensions(list, header, list.length, slot);
}
const item = (oid: string, value: string, flag = ''): string => {
  const body = `${encodeOid(oid).toString('hex')}${flag}04${(value.length / 2).toString(16).padStart(2, '0')}${value}`;
  return `30${(body.length / 2).toString(16).padStart(2, '0')}${body}`;
};
const parseItems = (slot: ExtensionSlot, ...items: string[]): Extensions => {
  const bytes = hex(items.join(''));
  return parseExtensions(bytes, 0, bytes.length, slot);
};

test('every type is recognised where it belongs, and only there', (t) => {
  const list = encodeExtensions(entries);
  for (const slot of SLOTS) {
    const parsed = parse(list, slot);
    t.is(parsed.length, entries.length);
    for (const [index, [value, slots]] of VALUES.entries()) {
      const entry = parsed.at(index);
      t.is(entry?.oid, value.oid);
      t.is(entry?.critical, index % 2 === 0);
      if (slots.includes(slot)) {
        t.is(entry?.value.constructor, value.constructor);
        t.true(entry?.value.equals(value));
      } else {
        t.true(
          entry?.equals(
            new Extension(value.oid, index % 2 === 0, new UnrecognizedExtension(value.oid, value.publicBytes())),
          ),
        );
      }
    }
    t.deepEqual(encodeExtensions([...parsed]), list);
  }
});

test('literal DER of a list', (t) => {
  const nonce = new OCSPNonce(Buffer.from('abc'));
  t.is(
    encodeExtensions([new Extension(nonce.oid, false, nonce)]).toString('hex'),
    '3014301206092b060105050730010204050403616263',
  );
  t.is(
    encodeExtensions([new Extension(nonce.oid, true, nonce)]).toString('hex'),
    '3017301506092b06010505073001020101ff04050403616263',
  );
  t.is(encodeExtensions([]).toString('hex'), '3000');
  t.is(parse(hex('3000'), 'request').length, 0);
});

test('the list is read at its place within a message', (t) => {
  const bytes = hex(`ffff${item('1.2.3', '0102', '0101ff')}ff`);
  const [entry] = parseExtensions(bytes, 2, bytes.length - 1, 'response');
  t.true(entry?.critical);
  t.deepEqual(entry?.value.publicBytes(), hex('0102'));
});

test('an explicit FALSE is a matter of strict loading, not of reading', (t) => {
  t.false(parseItems('request', item('1.2.3', '', '010100')).at(0)?.critical);
  t.true(parseItems('request', item('1.2.3', '', '010101')).at(0)?.critical);
});

test('refuses lists that do not parse', (t) => {
  for (const bad of [
    '05',
    '0500',
    '3000',
    '3003060155',
    '300306012a',
    '300506012a0500',
    '300706012a01000400',
    '300806012a0102000004',
    '300706012a04000500',
    '30050601800400',
    '300506012a0401',
  ]) {
    t.throws(() => parseItems('request', bad), malformed, bad);
  }
  const error = t.throws(() => parseItems('singleResponse', item('2.5.29.21', '0a0107')), {
    ...malformed,
    message: /CRLReason.*unsupported reason code: 7/,
  });
  t.is((error as unknown as { oid?: string }).oid, '2.5.29.21');
});

test('an OID twice is refused before any value is read', (t) => {
  for (const value of ['0a0101', '0500']) {
    const error = t.throws(
      () => parseItems('singleResponse', item('2.5.29.21', value), item('2.5.29.21', value)),
      duplicate,
    );
    t.is((error as unknown as { oid?: string }).oid, '2.5.29.21');
  }
  const nonce = new Extension(OCSPNonce.oid, false, new OCSPNonce(hex('01')));
  t.throws(() => new Extensions([nonce, nonce]), duplicate);
});

test('10,000 extensions take linear time', (t) => {
  const many = Array.from({ length: 10_000 }, (_, index) => {
    const oid = `1.2.3.${index}`;
    return new Extension(oid, false, new UnrecognizedExtension(oid, hex('0500')));
  });
  const list = encodeExtensions(many);
  const before = performance.now();
  t.is(parse(list, 'request').length, 10_000);
  t.true(performance.now() - before < 5000);
});

test('random bytes give a list or a refusal', (t) => {
  const oids = VALUES.map(([value]) => value.oid);
  const extension = fc.tuple(fc.constantFrom(...oids), fc.uint8Array({ maxLength: 30 }), fc.constantFrom(...SLOTS));
  fc.assert(
    fc.property(extension, ([oid, value, slot]) => {
      try {
        const [entry] = parseItems(slot, item(oid, Buffer.from(value).toString('hex')));
        // All is written as it was read, but for a nonce that came without its OCTET STRING.
        return entry?.value instanceof OCSPNonce || entry?.value.publicBytes().equals(value) === true;
      } catch (error) {
        return (error as { code?: string }).code === 'ERR_OCSP_MALFORMED';
      }
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('Extension checks its arguments', (t) => {
  const value = new OCSPNonce(hex('01'));
  const entry = new Extension(OCSPNonce.oid, true, value);
  t.is(entry.oid, OCSPNonce.oid);
  t.true(entry.critical);
  t.is(entry.value, value);
  t.throws(() => new Extension('nonsense', true, value), invalid);
  t.throws(() => new Extension('1.2.3', true, value), { ...invalid, message: /1\.2\.3.*48\.1\.2/ });
  t.throws(() => new Extension(wrong(undefined), true, value), wrongType);
  for (const bad of [undefined, null, 0, 'true'])
    t.throws(() => new Extension(OCSPNonce.oid, wrong(bad), value), wrongType);
  for (const bad of [
    undefined,
    null,
    {},
    'x',
    hex('01'),
    { oid: OCSPNonce.oid, publicBytes: () => hex('01') },
    OCSPNonce,
  ]) {
    t.throws(() => new Extension(OCSPNonce.oid, true, wrong<OCSPNonce>(bad)), wrongType);
    t.throws(() => checkExtension(bad), wrongType);
  }
  t.throws(() => Object.assign(entry, { critical: false }), { instanceOf: TypeError });
});

test('a class of one’s own on the common base is no extension class', (t) => {
  const Base = Object.getPrototypeOf(OCSPNonce) as new () => object;
  class Dummy extends Base {
    readonly oid = '1.2.3.4';
  }
  t.throws(() => checkExtension(new Dummy()), wrongType);
});

test('Extension and Extensions: equality, JSON, inspection', (t) => {
  const one = new Extension(CRLReason.oid, false, new CRLReason('superseded'));
  t.true(one.equals(new Extension(CRLReason.oid, false, new CRLReason('superseded'))));
  t.false(one.equals(new Extension(CRLReason.oid, true, new CRLReason('superseded'))));
  t.false(one.equals(new Extension(CRLReason.oid, false, new CRLReason('unspecified'))));
  t.false(
    one.equals(new Extension(CRLReason.oid, false, new UnrecognizedExtension(CRLReason.oid, encodeEnumerated(4)))),
  );
  t.false(one.equals({}));
  const json = { oid: '2.5.29.21', critical: false, value: { reason: 'superseded' } };
  t.deepEqual(JSON.parse(JSON.stringify(new Extensions([one]))), [json]);
  t.is(inspect(one), "Extension { oid: '2.5.29.21', critical: false, value: { reason: 'superseded' } }");
  t.true(new Extensions([one]).equals(new Extensions([one])));
  t.false(new Extensions([one]).equals(new Extensions([])));
  t.false(new Extensions([one]).equals([one]));
});

test('Extensions: access', (t) => {
  const list = new Extensions(entries);
  t.is(list.length, entries.length);
  t.deepEqual([...list], entries);
  t.is(list.at(0), entries[0]);
  t.is(list.at(-1), entries.at(-1));
  t.is(list.at(99), undefined);
  t.is(list.getExtensionForOid(OCSPNonce.oid), entries[0]!);
  t.is(list.getExtensionForClass(OCSPNonce).value.nonce.toString('hex'), '0102');
  for (const [value] of VALUES) {
    if (value instanceof UnrecognizedExtension) continue;
    t.is(list.getExtensionForClass(value.constructor as ExtensionClass).value, value);
  }
});

test('Extensions: what is not there', (t) => {
  const list = new Extensions([new Extension(OCSPNonce.oid, false, new UnrecognizedExtension(OCSPNonce.oid, hex('')))]);
  const byOid = t.throws(() => list.getExtensionForOid('1.2.3'), notFound);
  t.is((byOid as unknown as { oid?: string }).oid, '1.2.3');
  const byClass = t.throws(() => list.getExtensionForClass(OCSPNonce), {
    ...notFound,
    message: 'no OCSPNonce extension',
  });
  t.is((byClass as unknown as { oid?: string }).oid, OCSPNonce.oid);
  t.throws(() => list.getExtensionForClass(wrong<typeof OCSPNonce>(UnrecognizedExtension)), wrongType);
  for (const bad of [undefined, null, {}, Object, 'OCSPNonce'])
    t.throws(() => list.getExtensionForClass(wrong<typeof OCSPNonce>(bad)), wrongType);
  t.throws(() => list.getExtensionForOid(wrong(undefined)), wrongType);
  t.throws(() => list.getExtensionForOid('nonce'), invalid);
  for (const bad of [undefined, null, 1, [{}]]) t.throws(() => new Extensions(wrong(bad)), wrongType);
});
