/** What a CRL does not let be understood is never "not listed", and only the CA's own, current CRL counts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadDerOcspResponse, OCSPCertStatus, verifyOcspResponse } from 'openssl-ocsp';
import { type BadRowError, type CrlSourceOptions, crlSource, ResponseSigner } from 'openssl-ocsp/bulk';
import { createTestCa } from 'openssl-ocsp/testing';
import { ASN1StringType } from '#dist/x509/asn1-string.js';
import { certificateExtension } from '#dist/x509/certificate-extensions.js';
import { encodeInteger, encodeNull, encodeSequence, encodeTlv } from '#dist/x509/der.js';
import { Name, NameAttribute } from '#dist/x509/name.js';
import { NameOID } from '#dist/x509/oids.js';
import { entriesOf } from '../records.js';
import { scratch } from '../scratch.js';
import { type CrlParts, crlOf, entryOf, extensionOf, pemOf, reasonOf } from './crls.js';

const HOUR = 3_600_000;
const ca = createTestCa({ subject: 'C=AT, O=Some Company, CN=The CA' });

/** Statuses by serial number, and the messages of bad rows. */
async function read(crl: Buffer, options: CrlSourceOptions): Promise<{ found: Record<string, string>; bad: string[] }> {
  const bad: string[] = [];
  const onBadRow = ({ message }: BadRowError): void => void bad.push(message);
  const entries = await entriesOf(crlSource(crl, { ...options, onBadRow }));
  return {
    found: Object.fromEntries(entries.map(({ serialNumber, status }) => [serialNumber, OCSPCertStatus[status]])),
    bad,
  };
}

test('a certificate whose entry cannot be understood is left out, not good', async (t) => {
  const strange: [Buffer, RegExp][] = [
    [entryOf(0xa1n, encodeTlv(0x17, Buffer.from('2611281200Z00'))), /not a time/],
    [entryOf(0xa1n, encodeTlv(0x18, Buffer.from('20261128120000.5Z'))), /not a time/],
    [entryOf(0xa1n, encodeInteger(5)), /not a time/],
    [entryOf(0xa1n, undefined, reasonOf(7)), /reason code: 7/],
    [entryOf(0xa1n, undefined, reasonOf(8)), /removeFromCRL/],
    [entryOf(0xa1n, undefined, extensionOf('2.5.29.21', Buffer.of(10, 2, 0, 1))), /./],
    [entryOf(0xa1n, undefined, extensionOf('2.5.29.24', encodeNull())), /./],
    [entryOf(0xa1n, undefined, extensionOf('1.3.6.1.4.1.99999.1', encodeNull(), true)), /unknown critical extension/],
  ];
  for (const [entry, message] of strange) {
    const crl = crlOf(ca, { entries: [entryOf(0xb1n), entry] });
    await t.throwsAsync(entriesOf(crlSource(crl, { serials: ['A1'] })), { code: 'ERR_OCSP_MALFORMED', message });
    const { found, bad } = await read(crl, { serials: ['A1', '00a1', 'A2', 'B1'] });
    t.deepEqual(found, { A2: 'GOOD', B1: 'REVOKED' });
    t.is(bad.length, 1);
    t.regex(bad[0] ?? '', message);
    t.deepEqual((await read(crl, {})).found, { B1: 'REVOKED' });
  }
});

test('an entry about no one knows whom ends it all where others would come out good', async (t) => {
  const nameless = encodeSequence(encodeTlv(0x04, Buffer.of(1)));
  const crl = crlOf(ca, { entries: [nameless, entryOf(0xb1n)] });
  t.deepEqual((await read(crl, {})).found, { B1: 'REVOKED' });
  await t.throwsAsync(read(crl, { serials: ['A1'] }), { code: 'ERR_OCSP_MALFORMED', message: /^CRL entry 1: / });
  for (const critical of [true, false]) {
    const issuer = extensionOf('2.5.29.29', encodeSequence(), critical);
    const indirect = crlOf(ca, { entries: [entryOf(0xb1n, undefined, issuer), entryOf(0xb2n)] });
    await t.throwsAsync(read(indirect, {}), { message: /^CRL entry 1: a certificateIssuer/ });
  }
});

test('an error in the file of serial numbers names it', async (t) => {
  const folder = scratch(t);
  const serials = join(folder, 'issued.txt');
  writeFileSync(serials, 'A1\nno one\n');
  const crl = crlOf(ca, { entries: [entryOf(0xb1n)] });
  const error = await t.throwsAsync(entriesOf(crlSource(crl, { serials })), { code: 'ERR_OCSP_MALFORMED' });
  t.true(error?.message.startsWith(`${serials}: line 2: serial number`), error?.message);
  await t.throwsAsync(entriesOf(crlSource(crl, { serials: folder })), { code: 'EISDIR', message: /openssl-ocsp-/ });
  await t.throwsAsync(entriesOf(crlSource(crl, { serials: ['no one'] })), { message: /^serial number/ });
});

test('a serial number that is there twice is revoked, and what contradicts is a bad entry', async (t) => {
  const at = new Date(Date.now() - 5 * HOUR);
  const hold = entryOf(0xa1n, at, reasonOf(6));
  const same = crlOf(ca, { entries: [hold, hold] });
  t.is((await entriesOf(crlSource(same, { serials: ['A1'] }))).length, 1);
  for (const other of [
    entryOf(0xa1n, at, reasonOf(1)),
    entryOf(0xa1n, undefined, reasonOf(6)),
    entryOf(0xa1n, at, reasonOf(8)),
  ]) {
    for (const entries of [
      [hold, other],
      [other, hold],
    ]) {
      const crl = crlOf(ca, { entries });
      await t.throwsAsync(entriesOf(crlSource(crl)), { code: 'ERR_OCSP_MALFORMED' });
      const { found, bad } = await read(crl, { serials: ['A1'] });
      t.deepEqual(found, { A1: 'REVOKED' });
      t.is(bad.length, 1);
    }
  }
});

test('nothing but bad entries is an error', async (t) => {
  const crl = crlOf(ca, { entries: [entryOf(1n, undefined, reasonOf(7))] });
  await t.throwsAsync(read(crl, {}), { code: 'ERR_OCSP_MALFORMED', message: /not one entry can be understood/ });
});

const refused = async (t: ExecutionContext, crl: Buffer, options: CrlSourceOptions, message: RegExp): Promise<void> => {
  const source = crlSource(crl, { ...options, onBadRow: () => t.fail() });
  await t.throwsAsync(entriesOf(source), { code: 'ERR_OCSP_INVALID_VALUE', message });
};

test('only a CRL of the issuer, by its name and what its certificate allows', async (t) => {
  const issuer = ca.certificate;
  const { privateKey } = ca;
  const own = crlOf(ca, { entries: [entryOf(0xa1n)] });
  t.is((await entriesOf(crlSource(own, { issuer }))).length, 1);
  const subject = 'C=AT, O=Some Company, CN=The CA';
  const other = createTestCa({ subject: 'C=AT, O=Some Company, CN=The other CA', privateKey });
  await refused(t, crlOf(other), { issuer, serials: ['A1'] }, /another CA/);
  await refused(t, crlOf(ca, { name: encodeSequence() }), { issuer }, /another CA/);
  const without = createTestCa({ subject, privateKey, keyUsage: ['keyCertSign', 'digitalSignature'] });
  await refused(t, own, { issuer: without.certificate }, /key usage does not allow/);
  const only = createTestCa({ subject, privateKey, keyUsage: ['cRLSign'] });
  t.is((await entriesOf(crlSource(own, { issuer: only.certificate }))).length, 1, 'keyCertSign is for certificates');
  const silent = createTestCa({ subject, privateKey, keyUsage: [] });
  t.is((await entriesOf(crlSource(own, { issuer: silent.certificate }))).length, 1, 'no key usage at all');
  for (const certificate of [
    ca.issue({ subject, privateKey, ca: false, keyUsage: ['cRLSign'] }).certificate,
    ca.issue({ subject, privateKey, keyUsage: ['cRLSign'] }).certificate,
  ]) {
    await refused(t, own, { issuer: certificate }, /not a CA/);
  }
  const impostor = createTestCa({ subject });
  await refused(t, crlOf(impostor), { issuer }, /key did not sign the list/);
});

const keyIdentifier = (...fields: Buffer[]): Buffer => extensionOf('2.5.29.35', encodeSequence(...fields));
const pointOf = (...elements: Buffer[]): Buffer => extensionOf('2.5.29.28', encodeSequence(...elements), true);
const flagOf = (tag: number): Buffer => encodeTlv(tag, Buffer.of(0xff));

test('the key identifier of a CRL is that of the CA, or of another certificate of its key', async (t) => {
  const issuer = ca.certificate;
  const own = certificateExtension(issuer, '2.5.29.14')!.subarray(2);
  const otherCertificate = [encodeTlv(0xa1, encodeTlv(0xa4, encodeSequence())), encodeTlv(0x82, Buffer.of(5))];
  const listWith = (...fields: Buffer[]) =>
    crlOf(ca, { entries: [entryOf(1n)], extensions: [keyIdentifier(...fields)] });
  for (const fields of [[], [encodeTlv(0x80, own)], otherCertificate, [encodeTlv(0x80, own), ...otherCertificate]]) {
    t.is((await entriesOf(crlSource(listWith(...fields), { issuer }))).length, 1);
  }
  for (const id of [Buffer.alloc(20), own.subarray(1), Buffer.alloc(0)]) {
    for (const more of [[], otherCertificate]) {
      const list = listWith(encodeTlv(0x80, id), ...more);
      await refused(t, list, { issuer, serials: ['A1'] }, /it is of another CA/);
      t.is((await entriesOf(crlSource(list))).length, 1, 'whose it is, is looked at for an issuer');
    }
  }
});

test('a certificate whose extensions cannot be read is no authority for lists', async (t) => {
  const { privateKey } = ca;
  const own = crlOf(ca);
  for (const broken of [
    { oid: '2.5.29.15', critical: true, value: encodeNull() },
    { oid: '2.5.29.30', critical: true, value: encodeNull() },
    { oid: '2.5.29.37', critical: false, value: encodeNull() },
  ]) {
    const subject = 'C=AT, O=Some Company, CN=The CA';
    const { certificate } = ca.issue({ subject, privateKey, ca: true, keyUsage: [], extensions: [broken] });
    await refused(t, own, { issuer: certificate, serials: ['A1'] }, /not a CA/);
  }
});

test('what keeps "not listed" from meaning "good" in the list itself', async (t) => {
  const twice = extensionOf('1.3.6.1.4.1.99999.1', encodeNull());
  const lists: [CrlParts, RegExp][] = [
    [{ extensions: [extensionOf('2.5.29.27', encodeInteger(1), true)] }, /delta/],
    [{ extensions: [extensionOf('2.5.29.27', encodeInteger(1))] }, /delta/],
    [{ extensions: [extensionOf('2.5.29.27', encodeNull())] }, /delta/],
    [{ extensions: [pointOf(encodeTlv(0x83, Buffer.of(6, 0x40)))] }, /some reasons/],
    [{ extensions: [pointOf(flagOf(0x84))] }, /other issuers/],
    [{ extensions: [pointOf(flagOf(0x81), flagOf(0x84))] }, /other issuers/],
    [{ extensions: [pointOf(flagOf(0x86))] }, /distribution point cannot be read/],
    [{ extensions: [pointOf(flagOf(0x81), flagOf(0x86))] }, /distribution point cannot be read/],
    [{ extensions: [extensionOf('2.5.29.28', encodeNull(), true)] }, /distribution point cannot be read/],
    [
      { extensions: [extensionOf('2.5.29.28', Buffer.concat([encodeSequence(), encodeNull()]))] },
      /distribution point cannot be read/,
    ],
    [{ extensions: [extensionOf('1.3.6.1.4.1.99999.1', encodeNull(), true)] }, /critical and not understood/],
    [{ extensions: [twice, twice] }, /twice/],
    [{ extensions: [pointOf(), pointOf()] }, /twice/],
    [{ extensions: [extensionOf('2.5.29.35', encodeNull())] }, /key identifier cannot be read/],
    [{ version: 2 }, /version/],
    [{ version: 0 }, /version/],
  ];
  for (const [parts, message] of lists) {
    const crl = crlOf(ca, { ...parts, entries: [entryOf(0xb1n)] });
    for (const options of [{}, { serials: ['A1'] }, { serials: ['A1'], serialsOfPart: true }]) {
      for (const issuer of [undefined, ca.certificate]) {
        const source = crlSource(crl, { ...options, ...(issuer && { issuer }), onBadRow: () => t.fail() });
        await t.throwsAsync(entriesOf(source), { code: 'ERR_OCSP_MALFORMED', message });
      }
    }
  }
});

test("bad entries, for an issuer: the certificate is left out, and the CRL is the CA's", async (t) => {
  const issuer = ca.certificate;
  const strange: [Buffer, RegExp][] = [
    [entryOf(0xa1n, encodeInteger(5)), /not a time/],
    [encodeSequence(encodeInteger(0xa1)), /not a time/],
    [entryOf(0xa1n, undefined, reasonOf(8)), /removeFromCRL/],
    [entryOf(0xa1n, undefined, reasonOf(8), reasonOf(1)), /twice/],
    [entryOf(0xa1n, undefined, reasonOf(1), reasonOf(1)), /twice/],
    [entryOf(0xa1n, undefined, encodeNull()), /./],
    [entryOf(0xa1n, undefined, extensionOf('1.3.6.1.4.1.99999.1', encodeNull(), true)), /unknown critical extension/],
  ];
  for (const [entry, message] of strange) {
    for (const entries of [
      [entry, entryOf(0xb1n)],
      [entryOf(0xb1n), entry],
    ]) {
      const crl = crlOf(ca, { entries });
      const { found, bad } = await read(crl, { issuer, serials: ['A1', 'A2', 'B1'] });
      t.deepEqual(found, { A2: 'GOOD', B1: 'REVOKED' });
      t.regex(bad.join(), message);
      await t.throwsAsync(entriesOf(crlSource(crl, { issuer })), { code: 'ERR_OCSP_MALFORMED', message });
      const impostor = createTestCa({ subject: 'C=AT, O=Some Company, CN=The CA' });
      await refused(t, crlOf(impostor, { entries }), { issuer }, /another CA|did not sign/);
    }
  }
  const other = entryOf(0xa1n, undefined, extensionOf('2.5.29.29', encodeSequence(), true));
  for (const entries of [
    [other, entryOf(0xb1n)],
    [entryOf(0xb1n), other],
  ]) {
    const crl = crlOf(ca, { entries });
    for (const options of [{}, { serials: ['A1'] }])
      await t.throwsAsync(read(crl, { issuer, ...options }), { message: /a certificateIssuer/ });
  }
});

test('names are equal in other string types, cases and spaces', async (t) => {
  const issuer = ca.certificate;
  const named = (company: string, type: ASN1StringType): Buffer =>
    new Name([
      new NameAttribute(NameOID.COUNTRY_NAME, 'AT'),
      new NameAttribute(NameOID.ORGANIZATION_NAME, company, type),
      new NameAttribute(NameOID.COMMON_NAME, 'the ca', type),
    ]).publicBytes();
  for (const type of [ASN1StringType.UTF8String, ASN1StringType.PrintableString, ASN1StringType.BMPString]) {
    const same = crlOf(ca, { entries: [entryOf(1n)], name: named(' some  COMPANY ', type) });
    t.is((await entriesOf(crlSource(same, { issuer }))).length, 1);
    await refused(t, crlOf(ca, { name: named('SomeCompany', type) }), { issuer }, /another CA/);
  }
});

test('a CRL of the future and one past its end are refused, but for those who ask for them', async (t) => {
  const now = Date.now();
  const kinds: [CrlParts, CrlSourceOptions, RegExp][] = [
    [{ thisUpdate: new Date(now + 2 * HOUR) }, { allowFuture: true }, /of the future/],
    [{ thisUpdate: new Date(now + 120_000) }, { allowFuture: true }, /of the future/],
    [{ thisUpdate: new Date(now + 2 * HOUR), nextUpdate: null }, { allowFuture: true }, /of the future/],
    [
      { thisUpdate: new Date(now - 9 * HOUR), nextUpdate: new Date(now - 60_000) },
      { allowExpired: true },
      /has expired/,
    ],
  ];
  for (const [times, allowed, message] of kinds) {
    const crl = crlOf(ca, { ...times, entries: [entryOf(1n)] });
    for (const options of [{}, { serials: ['1'] }, { useCrlTimes: true }, { issuer: ca.certificate }]) {
      await refused(t, crl, options, message);
      t.is((await entriesOf(crlSource(crl, { ...options, ...allowed }))).length, 1);
    }
    const wrong = allowed.allowFuture ? { allowExpired: true } : { allowFuture: true };
    await refused(t, crl, wrong, message);
  }
  for (const times of [{ thisUpdate: new Date(now + 20_000) }, { nextUpdate: null, thisUpdate: new Date(0) }]) {
    t.is((await entriesOf(crlSource(crlOf(ca, { ...times, entries: [entryOf(1n)] })))).length, 1);
  }
});

test('a CRL without nextUpdate gives none, however late that of the signer is', async (t) => {
  const thisUpdate = new Date(Date.now() - 700 * 24 * HOUR);
  const crl = crlOf(ca, { thisUpdate, nextUpdate: null, entries: [entryOf(0xb1n)] });
  const signer = new ResponseSigner({ issuer: ca.certificate, responder: ca.certificate, privateKey: ca.privateKey });
  for (const entry of await entriesOf(crlSource(crl, { serials: ['A1'], useCrlTimes: true }))) {
    const response = loadDerOcspResponse(signer.sign(entry));
    t.true(Math.abs(response.thisUpdate.getTime() - thisUpdate.getTime()) < 1000);
    t.is(response.nextUpdate, null);
    const { refusals } = verifyOcspResponse(response.publicBytes(), {
      certId: response.responses[0]!,
      issuer: ca.certificate,
    });
    t.deepEqual(
      refusals.map(({ code }) => code),
      ['TOO_OLD'],
    );
  }
});

test('one CRL, and nothing behind it', async (t) => {
  const [first, second] = [crlOf(ca), crlOf(ca, { entries: [entryOf(0xa1n)] })];
  for (const several of [
    Buffer.from(pemOf(first) + pemOf(second)),
    Buffer.from(`text\n${pemOf(first)}text\n${pemOf(second)}`),
    Buffer.from((pemOf(first) + pemOf(second)).slice(0, -30)),
    Buffer.concat([first, second]),
    Buffer.concat([first, Buffer.of(0)]),
    crlOf(ca, { number: 5, extensions: [extensionOf('2.5.29.20', encodeInteger(6))] }),
    crlOf(ca, { extensions: [extensionOf('2.5.29.20', encodeInteger(-1))] }),
  ]) {
    await t.throwsAsync(entriesOf(crlSource(several, { serials: ['A1'] })), { code: 'ERR_OCSP_MALFORMED' });
  }
  t.is((await entriesOf(crlSource(Buffer.from(`text\n${pemOf(second)}text`)))).length, 1);
});

test('serial numbers in lines, in bytes of any size, and in other forms', async (t) => {
  const crl = crlOf(ca, { entries: [entryOf(0xa1n)] });
  const text = Buffer.from('\ufeff# all\r\nA1\n0b:0c\n0d-0e\n');
  const pieces = Array.from(text, (_, i) => text.subarray(i, i + 1));
  for (const serials of [
    text,
    pieces,
    [text],
    (async function* () {
      yield* pieces;
    })(),
  ]) {
    t.deepEqual((await read(crl, { serials })).found, { A1: 'REVOKED', B0C: 'GOOD', D0E: 'GOOD' });
  }
  const decimal = await read(crl, { serials: Buffer.from('161\n11\n0x5\n'), serialFormat: 'decimal' });
  t.deepEqual(decimal.found, { A1: 'REVOKED', B: 'GOOD' });
  t.deepEqual(decimal.bad.length, 1);
  t.deepEqual((await read(crl, { serials: ['161', 11n], serialFormat: 'decimal' })).found, {
    A1: 'REVOKED',
    B: 'GOOD',
  });
  t.deepEqual((await read(crl, { serials: [] })).found, { A1: 'REVOKED' });
  t.throws(() => crlSource(crl, { serialFormat: 'octal' as never }), { code: 'ERR_OCSP_INVALID_VALUE' });
});
