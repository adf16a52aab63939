import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { Extension, InvalidityDate, loadDerOcspResponse, OCSPCertStatus, ReasonFlags } from 'openssl-ocsp';
import { checkStatusSource, createTestCa } from 'openssl-ocsp/testing';
import { ResponseSigner } from '#dist/signing/response-signer.js';
import { crlSource } from '#dist/statuses/crl.js';
import { csvSource } from '#dist/statuses/csv.js';
import { indexTxtSource } from '#dist/statuses/index-txt.js';
import { ndjsonSource } from '#dist/statuses/ndjson.js';
import type { StatusEntry } from '#dist/statuses/status-entry.js';
import { type BadRowError, iterableSource, type StatusSource } from '#dist/statuses/status-source.js';
import {
  encodeInteger,
  encodeOctetString,
  encodeOid,
  encodeSequence,
  encodeTlv,
  encodeUtcTime,
} from '#dist/x509/der.js';
import { entriesOf } from '../records.js';
import { scratch } from '../scratch.js';

const REVOKED_AT = new Date('2026-02-03T04:05:06Z');
const ENTRIES: StatusEntry[] = [
  { serialNumber: '01', status: OCSPCertStatus.GOOD, revocationTime: null, reason: null },
  { serialNumber: 'ABCD', status: OCSPCertStatus.REVOKED, revocationTime: REVOKED_AT, reason: ReasonFlags.superseded },
  { serialNumber: 'FF', status: OCSPCertStatus.REVOKED, revocationTime: REVOKED_AT, reason: null },
];
const INDEX =
  'V\t301231235959Z\t\t01\tunknown\t/CN=a\n' +
  'R\t301231235959Z\t260203040506Z,superseded\tABCD\tunknown\t/CN=b\n' +
  'R\t301231235959Z\t20260203040506Z\tFF\tunknown\t/CN=c\n';
const CSV = `serial,status,revocationTime,reason
01,good,,
ABCD,revoked,2026-02-03T04:05:06Z,superseded
FF,revoked,20260203040506Z,
`;
const NDJSON = `{"serial":"01","status":"good"}
{"serialNumber":"0xABCD","status":"revoked","revocationTime":"2026-02-03T04:05:06Z","reason":"superseded"}
{"serial":"FF","status":1,"revocationTime":"2026-02-03T05:05:06+01:00","reason":null}
`;

test('every source does what all have to do', async (t) => {
  await t.notThrowsAsync(checkStatusSource(() => indexTxtSource(Buffer.from(INDEX)), ENTRIES));
  await t.notThrowsAsync(checkStatusSource(() => csvSource(Buffer.from(CSV)), ENTRIES));
  await t.notThrowsAsync(checkStatusSource(() => ndjsonSource(Buffer.from(NDJSON)), ENTRIES));
  await t.notThrowsAsync(checkStatusSource(() => iterableSource(ENTRIES), ENTRIES));
});

test('input may be a path, bytes, a stream, or pieces of any size', async (t) => {
  const path = join(scratch(t), 'index.txt');
  writeFileSync(path, INDEX);
  const bytes = Buffer.from(INDEX);
  const pieces = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
  const inputs = [
    path,
    new URL(`file://${path}`),
    bytes,
    new Uint8Array(bytes),
    Readable.from(pieces),
    pieces,
    [bytes],
  ];
  for (const input of inputs) t.deepEqual(await entriesOf(indexTxtSource(input)), ENTRIES);
  t.deepEqual(await entriesOf(indexTxtSource(bytes.subarray(0, -1))), ENTRIES, 'without the last line feed');
  t.deepEqual(await entriesOf(indexTxtSource(new Uint8Array(0))), []);
  for (const wrong of [5, null, { length: 1 }, ['text']]) {
    await t.throwsAsync(entriesOf(indexTxtSource(wrong as never)), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  await t.throwsAsync(entriesOf(indexTxtSource(join(path, 'none'))), { code: 'ENOTDIR' });
});

/** Runs a source over good rows with one bad row among them, both ways. */
async function bad(
  t: ExecutionContext,
  open: typeof indexTxtSource,
  text: string,
  line: number,
  message: RegExp,
): Promise<void> {
  await t.throwsAsync(entriesOf(open(Buffer.from(text))), { code: 'ERR_OCSP_MALFORMED', message }, text);
  const found: [BadRowError, number][] = [];
  const rest = await entriesOf(open(Buffer.from(text), { onBadRow: (error, number) => found.push([error, number]) }));
  t.is(found.length, 1, text);
  t.is(found[0]?.[1], line);
  t.is(found[0]?.[0].lineNumber, line);
  t.regex(found[0]?.[0].message ?? '', new RegExp(`^line ${line}: `));
  t.is(rest.length, 2, text);
}

test('index.txt: bad rows', async (t) => {
  const [first, second] = INDEX.split('\n') as [string, string];
  const rows: [string, RegExp][] = [
    ['', /1 columns instead of 6/],
    ['V\t301231235959Z\t\t02\tunknown', /5 columns/],
    ['V\t301231235959Z\t\t02\tunknown\t/CN=a\tb', /7 columns/],
    ['X\t301231235959Z\t\t02\tunknown\t/CN=a', /row type/],
    ['VV\t301231235959Z\t\t02\tunknown\t/CN=a', /row type/],
    ['\t301231235959Z\t\t02\tunknown\t/CN=a', /row type/],
    ['V\t301231235959Z\t260203040506Z\t02\tunknown\t/CN=a', /row type is not R/],
    ['E\t301231235959Z\t260203040506Z\t02\tunknown\t/CN=a', /row type is not R/],
    ['R\t301231235959Z\t\t02\tunknown\t/CN=a', /without a revocation time/],
    ['R\t301231235959Z\t261303040506Z\t02\tunknown\t/CN=a', /not a time/],
    ['R\t301231235959Z\t260203040506+0100\t02\tunknown\t/CN=a', /not a time/],
    ['R\t301231235959Z\t260203040506Z,\t02\tunknown\t/CN=a', /not a revocation reason/],
    ['R\t301231235959Z\t260203040506Z,nonsense\t02\tunknown\t/CN=a', /not a revocation reason/],
    ['R\t301231235959Z\t260203040506Z,holdInstruction\t02\tunknown\t/CN=a', /without the instruction/],
    ['R\t301231235959Z\t260203040506Z,holdInstruction,1.x\t02\tunknown\t/CN=a', /OID/i],
    ['R\t301231235959Z\t260203040506Z,keyTime\t02\tunknown\t/CN=a', /without the time/],
    ['R\t301231235959Z\t260203040506Z,CAkeyTime,yesterday\t02\tunknown\t/CN=a', /not a time/],
    ['V\t301231235959Z\t\t\tunknown\t/CN=a', /no serial number/],
    ['V\t301231235959Z\t\t0x\tunknown\t/CN=a', /no hexadecimal digit/],
    ['V\t301231235959Z\t\t02:3\tunknown\t/CN=a', /no hexadecimal digit/],
    ['V\t301231235959Z\t\t02:03-04\tunknown\t/CN=a', /no hexadecimal digit/],
    ['V\t301231235959Z\t\t--02\tunknown\t/CN=a', /no hexadecimal digit/],
    [`V\t301231235959Z\t\t${'1'.repeat(600)}\tunknown\t/CN=a`, /600 digits/],
  ];
  for (const [row, message] of rows) await bad(t, indexTxtSource, [first, row, second, ''].join('\n'), 2, message);
  const expiry = { expiredBefore: new Date() };
  const text = 'V\tnever\t\t02\tunknown\t/CN=a\n';
  await t.throwsAsync(entriesOf(indexTxtSource(Buffer.from(text), expiry)), { message: /not a time/ });
});

test('index.txt: comments, escaped tabs, line ends of Windows, both forms of years', async (t) => {
  const text =
    '# comment\twith\ttabs\r\n' +
    'V\t301231235959Z\t\t0A\tfile\\\tname\t/CN=a\\\tb\r\n' +
    'R\t301231235959Z\t491231235959Z,KEYCOMPROMISE\t0b\tunknown\t/CN=a\r\n' +
    'R\t20501231235959Z\t500101000000Z\tC\tunknown\t/CN=a\r\n' +
    'R\t301231235959Z\t2602030405Z,removeFromCRL\t0D\tunknown\t/CN=a\r\n' +
    'E\t200101000000Z\t\t0E\tunknown\t/CN=a';
  const entries = await entriesOf(indexTxtSource(Buffer.from(text)));
  t.deepEqual(
    entries.map(({ serialNumber, revocationTime, reason }) => [serialNumber, revocationTime?.toISOString(), reason]),
    [
      ['0A', undefined, null],
      ['0b', '2049-12-31T23:59:59.000Z', ReasonFlags.keyCompromise],
      ['C', '1950-01-01T00:00:00.000Z', null],
      ['0D', '2026-02-03T04:05:00.000Z', ReasonFlags.removeFromCRL],
    ],
  );
});

test('index.txt: what options are not', (t) => {
  const code = 'ERR_OCSP_INVALID_VALUE';
  t.throws(() => indexTxtSource(Buffer.from(INDEX), { expired: 'included' as never }), { code, message: /'include'/ });
  t.throws(() => indexTxtSource(Buffer.from(INDEX), { expiredBefore: new Date(Number.NaN) }), { code });
});

test('a line without an end is not taken into memory', async (t) => {
  async function* endless(): AsyncGenerator<Buffer> {
    for (;;) yield Buffer.alloc(10_000, 'x');
  }
  await t.throwsAsync(entriesOf(indexTxtSource(endless())), { code: 'ERR_OCSP_MALFORMED', message: /longer than/ });
});

const serialText = fc.bigInt({ min: 0n, max: 2n ** 160n }).map((serial) => serial.toString(16));
const time = fc
  .integer({ min: Date.UTC(1950, 0, 1) / 1000, max: Date.UTC(2049, 11, 31) / 1000 })
  .map((seconds) => new Date(seconds * 1000));
const entry: fc.Arbitrary<StatusEntry> = fc.oneof(
  serialText.map((serialNumber) => ({ serialNumber, status: OCSPCertStatus.GOOD, revocationTime: null, reason: null })),
  fc.record({
    serialNumber: serialText,
    status: fc.constant(OCSPCertStatus.REVOKED),
    revocationTime: time,
    reason: fc.option(fc.constantFrom(...Object.values(ReasonFlags))),
  }),
);

/** Cuts bytes into pieces at these places. */
function cut(bytes: Buffer, cuts: number[]): Buffer[] {
  const places = [0, ...cuts.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
}

async function roundTrip(
  t: ExecutionContext,
  open: (input: Buffer[]) => StatusSource,
  write: (entries: StatusEntry[], noise: string[]) => string,
): Promise<void> {
  const noise = fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { minLength: 1, maxLength: 5 });
  const cuts = fc.array(fc.nat(), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 20 }), noise, cuts, async (entries, texts, places) => {
      t.deepEqual(await entriesOf(open(cut(Buffer.from(write(entries, texts)), places))), entries);
    }),
  );
}

const compact = (date: Date): string => `${date.toISOString().slice(2, 19).replace(/[-T:]/g, '')}Z`;

test('index.txt: what is written is read', async (t) => {
  await roundTrip(t, indexTxtSource, (entries, noise) =>
    entries
      .map(({ serialNumber, revocationTime, reason }, i) => {
        const revocation = revocationTime ? compact(revocationTime) + (reason ? `,${reason}` : '') : '';
        const subject = noise[i % noise.length]?.replace(/[\t\n\\]/g, '');
        return `${revocationTime ? 'R' : 'V'}\t301231235959Z\t${revocation}\t${serialNumber}\tunknown\t/CN=${subject}\n`;
      })
      .join(''),
  );
});

test('CSV: what is written is read', async (t) => {
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  await roundTrip(t, csvSource, (entries, noise) => {
    const rows = entries.map(({ serialNumber, status, revocationTime, reason }, i) => {
      const row = [OCSPCertStatus[status], noise[i % noise.length] ?? '', serialNumber as string];
      return [...row, revocationTime?.toISOString() ?? '', reason ?? ''].map(quoted).join(',');
    });
    return `\ufeff${['"STATUS",note,Serial,"revocationTime",reason', ...rows].join('\r\n')}\r\n`;
  });
});

test('NDJSON: what is written is read', async (t) => {
  await roundTrip(t, ndjsonSource, (entries, noise) =>
    entries
      .map(({ serialNumber, status, ...rest }, i) =>
        JSON.stringify({ note: noise[i % noise.length], serialNumber, status: OCSPCertStatus[status], ...rest }),
      )
      .join('\n'),
  );
});

test('CSV: bad rows', async (t) => {
  const header = 'serial,status,revocationTime,reason,invalidityDate';
  const rows: [string, RegExp][] = [
    ['02,good', /2 fields, but 5 columns/],
    ['02,good,,,,', /6 fields/],
    [',good,,,', /no serial number/],
    ['0x,good,,,', /no hexadecimal digit/],
    ['0g,good,,,', /no hexadecimal digit/],
    ['02,,,,', /no status/],
    ['02,fine,,,', /not a status \(good, revoked, unknown\): 'fine'/],
    ['02,revoked,,,', /no revocationTime/],
    ['02,revoked,2026-02-30T00:00:00Z,,', /not a time/],
    ['02,revoked,2026-02-03T00:00:00,,', /not a time/],
    ['02,revoked,2026-02-03,,', /not a time such as 2026-01-02T03:04:05Z: '2026-02-03'/],
    ['02,revoked,0000-02-03T00:00:00Z,,', /not a time/],
    [
      '02,revoked,2026-02-03T00:00:00Z,none,',
      /not a revocation reason: 'none' is none of unspecified, keyCompromise, /,
    ],
    ['02,good,2026-02-03T00:00:00Z,,', /not revoked/],
    ['02,unknown,,superseded,', /not revoked/],
    ['02,good,,,2026-02-03T00:00:00Z', /not revoked/],
    ['"02"x,good,,,', /after a closing quote/],
    ['02,good,,,6" wide', /inside a field/],
  ];
  for (const [row, message] of rows) {
    await bad(t, csvSource, [header, '01,good,,,', '', row, '"03",unknown,,,', ''].join('\n'), 4, message);
  }
  await bad(t, csvSource, `${header},n\n01,good,,,,"a\nb"\n02,fine,,,,x\n03,good,,,,"\n"\n`, 4, /not a status/);
  // A quote that no other one ends hides what may be rows.
  for (const row of ['02,good,,,"6', '02,"good,,,', '0"2,good,,,"']) {
    const text = [header, '01,good,,,', row, '03,revoked,2026-02-03T00:00:00Z,"superseded",', ''].join('\n');
    const source = csvSource(Buffer.from(text), { onBadRow: () => t.fail() });
    await t.throwsAsync(entriesOf(source), { code: 'ERR_OCSP_MALFORMED', message: /^line 3: .*several lines/ });
  }
  for (const first of ['serial\n01\n', 'status,x\ngood,1\n', 'serial,serialNumber,status\n1,2,good\n']) {
    const source = csvSource(Buffer.from(first), { onBadRow: () => t.fail() });
    await t.throwsAsync(entriesOf(source), { code: 'ERR_OCSP_MALFORMED', message: /first row/ });
  }
  await t.throwsAsync(entriesOf(csvSource(Buffer.from('serial;status\n01;good\n'))), { message: /delimiter/ });
});

test('CSV: a file without its first row is no list of no certificates', async (t) => {
  for (const nothing of ['', '\n', '\r\n\r\n', '\ufeff', '\ufeff\n']) {
    const source = csvSource(Buffer.from(nothing), { onBadRow: () => t.fail() });
    await t.throwsAsync(entriesOf(source), { code: 'ERR_OCSP_MALFORMED', message: /line 1: the file is empty/ });
  }
  for (const none of ['serial,status', 'serial,status\n', '\ufeffserial,status\r\n'])
    t.deepEqual(await entriesOf(csvSource(Buffer.from(none))), []);
  for (const source of [ndjsonSource, indexTxtSource])
    t.deepEqual(await entriesOf(source(Buffer.alloc(0))), [], 'what a new CA has');
});

test('CSV: decimal serial numbers, other delimiters, times of its own, invalidity dates', async (t) => {
  const text =
    'status;serial;thisUpdate;nextUpdate;revocationTime;invalidityDate;StatusVersion\nr;1234;20260101000000Z;2026-01-02 00:00:00.5+00:00;20260101000000Z;20250101000000Z;0\n';
  const entries = await entriesOf(csvSource(Buffer.from(text), { delimiter: ';', serials: 'decimal' }));
  t.is(entries.length, 1);
  t.like(entries[0], { serialNumber: 1234n, status: OCSPCertStatus.REVOKED, statusVersion: 0 });
  t.is(entries[0]?.thisUpdate?.toISOString(), '2026-01-01T00:00:00.000Z');
  t.is(entries[0]?.nextUpdate?.toISOString(), '2026-01-02T00:00:00.500Z');
  const expected = new Extension(InvalidityDate.oid, false, new InvalidityDate(new Date('2025-01-01T00:00:00Z')));
  t.true([...(entries[0]?.singleExtensions ?? [])][0]?.equals(expected));
  const wrong = csvSource(Buffer.from('serial,status\nAB,good\n'), { serials: 'decimal' });
  await t.throwsAsync(entriesOf(wrong), { message: /not decimal/ });
});

test('NDJSON: bad rows', async (t) => {
  const rows: [string, RegExp][] = [
    ['{', /not JSON/],
    ['[]', /not a JSON object/],
    ['null', /not a JSON object/],
    ['{"status":"good"}', /no serial number/],
    ['{"serial":9007199254740993,"status":"good"}', /not exact/],
    ['{"serial":-9007199254740993,"status":"good"}', /not exact/],
    ['{"serial":true,"status":"good"}', /serial is not text/],
    ['{"serial":"01","status":5}', /not a status/],
    ['{"serial":"01","status":"revoked","revocationTime":5}', /revocationTime is not text/],
    ['{"serial":"01","status":"good","statusVersion":1.5}', /statusVersion is not a whole number/],
    ['{"serial":"01","status":"good","statusVersion":-1}', /statusVersion is not a whole number/],
    ['{"serial":"01","status":"good","statusVersion":1e300}', /statusVersion is not a whole number/],
    ['{"serial":"01","status":"good","statusVersion":true}', /statusVersion is not text/],
  ];
  for (const [row, message] of rows) {
    const good = '{"serial":"01","status":"good"}';
    await bad(t, ndjsonSource, [good, '', row, '{"serial":2,"status":"unknown"}', ' '].join('\n'), 3, message);
  }
});

test('NDJSON: versions of rows', async (t) => {
  const text =
    '{"serial":"01","status":"good","statusVersion":7}\n{"serial":"02","status":"good","statusVersion":"8"}\n';
  const entries = await entriesOf(ndjsonSource(Buffer.from(`${text}{"serial":"03","status":"good"}\n`)));
  t.deepEqual(
    entries.map(({ statusVersion }) => statusVersion),
    [7, 8, undefined],
  );
});

/** A CRL that no one has signed. */
function crl(entries: Buffer[], extensions: Buffer[] = []): Buffer {
  const algorithm = encodeSequence(encodeOid('1.2.840.10045.4.3.2'));
  const date = encodeUtcTime(REVOKED_AT);
  const list = encodeSequence(
    encodeInteger(1),
    algorithm,
    encodeSequence(),
    date,
    ...(entries.length > 0 ? [encodeSequence(...entries)] : []),
    ...(extensions.length > 0 ? [encodeTlv(0xa0, encodeSequence(...extensions))] : []),
  );
  return encodeSequence(list, algorithm, encodeTlv(0x03, Buffer.of(0)));
}
const extensionOf = (oid: string, value: Buffer, critical = false): Buffer =>
  encodeSequence(encodeOid(oid), ...(critical ? [encodeTlv(0x01, Buffer.of(0xff))] : []), encodeOctetString(value));
const revokedOf = (serial: bigint, ...extensions: Buffer[]): Buffer =>
  encodeSequence(
    encodeInteger(serial),
    encodeUtcTime(REVOKED_AT),
    ...(extensions.length > 0 ? [encodeSequence(...extensions)] : []),
  );

test('CRL: those from which "good" does not follow are refused', async (t) => {
  const point = (tag: number): Buffer =>
    extensionOf('2.5.29.28', encodeSequence(encodeTlv(tag, Buffer.of(0xff))), true);
  const refused: [Buffer, RegExp][] = [
    [crl([revokedOf(1n)], [extensionOf('2.5.29.27', encodeInteger(1), true)]), /delta/],
    [crl([revokedOf(1n)], [point(0x83)]), /some reasons only/],
    [crl([revokedOf(1n)], [point(0x84)]), /of other issuers/],
    [
      crl([revokedOf(1n)], [extensionOf('1.2.3.4', encodeSequence(), true)]),
      /an extension is critical and not understood/,
    ],
    [Buffer.from('nothing'), /neither a DER nor a PEM CRL/],
    [crl([revokedOf(1n)]).subarray(0, 40), /./],
    [Buffer.alloc(0), /./],
  ];
  for (const [der, message] of refused) {
    await t.throwsAsync(entriesOf(crlSource(der)), { code: 'ERR_OCSP_MALFORMED', message });
  }
  t.is((await entriesOf(crlSource(crl([revokedOf(1n)], [point(0x81)])))).length, 1);
  t.deepEqual(await entriesOf(crlSource(crl([]))), []);
});

test('CRL: of one part of a list, serials have to be said to be of that part', async (t) => {
  const serials = ['01', '02'];
  for (const tag of [0xa0, 0x81, 0x82, 0x85]) {
    const part = crl(
      [revokedOf(1n)],
      [extensionOf('2.5.29.28', encodeSequence(encodeTlv(tag, Buffer.of(0xff))), true)],
    );
    await t.throwsAsync(
      entriesOf(crlSource(part, { serials })),
      { code: 'ERR_OCSP_INVALID_VALUE', message: /one part of a list/ },
      `${tag}`,
    );
    const said = await entriesOf(crlSource(part, { serials, serialsOfPart: true }));
    t.deepEqual(
      said.map((entry) => entry.status),
      [OCSPCertStatus.REVOKED, OCSPCertStatus.GOOD],
    );
    t.is((await entriesOf(crlSource(part))).length, 1, 'revoked is revoked, whatever the CRL does not speak of');
  }
  const harmless = crl(
    [revokedOf(1n)],
    [extensionOf('2.5.29.20', encodeInteger(7)), extensionOf('1.2.3.4', encodeSequence())],
  );
  t.is((await entriesOf(crlSource(harmless, { serials }))).length, 2);
});

test('CRL: bad entries and bad serial numbers', async (t) => {
  const other = extensionOf('1.2.3.4', encodeSequence(), true);
  const der = crl([
    revokedOf(1n),
    revokedOf(2n, other),
    revokedOf(-3n),
    revokedOf(4n, extensionOf('2.5.29.21', Buffer.of(10, 1, 7))),
  ]);
  await t.throwsAsync(entriesOf(crlSource(der)), { message: /^CRL entry 2: unknown critical extension 1\.2\.3\.4/ });
  const found: number[] = [];
  const onBadRow = (_: BadRowError, position: number): void => void found.push(position);
  t.deepEqual(
    (await entriesOf(crlSource(der, { onBadRow }))).map(({ serialNumber }) => serialNumber),
    ['1', '-3'],
  );
  t.deepEqual(found, [2, 4]);
  const serials = ['0001', 5n, ' 6 ', 'x', -1n, '-0x0A:0b'];
  const entries = await entriesOf(crlSource(crl([revokedOf(1n)]), { serials, onBadRow }));
  t.deepEqual(
    entries.map(({ serialNumber, status }) => [serialNumber, status]),
    [
      ['1', OCSPCertStatus.REVOKED],
      ['5', OCSPCertStatus.GOOD],
      ['6', OCSPCertStatus.GOOD],
      ['-1', OCSPCertStatus.GOOD],
      ['-A0B', OCSPCertStatus.GOOD],
    ],
  );
  t.deepEqual(found.slice(2), [4]);
});

test('an open stream: what it has given comes out, signed, before it ends', async (t) => {
  const ca = createTestCa();
  const signer = new ResponseSigner({
    issuer: ca.certificate,
    responder: ca.certificate,
    privateKey: ca.privateKey,
    certIdAlgorithm: 'sha256',
  });
  const lines = NDJSON.split('\n').slice(0, 3);
  const rows = new PassThrough();
  const objects = new PassThrough({ objectMode: true });
  for (const [source, feed] of [
    [ndjsonSource(rows), (i: number) => rows.write(`${lines[i]}\n`)],
    [iterableSource(objects as AsyncIterable<StatusEntry>), (i: number) => objects.write(ENTRIES[i])],
  ] as const) {
    feed(0);
    const serials: bigint[] = [];
    for await (const { der } of signer.signAll(source)) {
      serials.push(loadDerOcspResponse(der).serialNumber);
      if (serials.length === 3) break;
      // Not before the one in front of it has come out.
      feed(serials.length);
    }
    t.deepEqual(serials, [0x01n, 0xabcdn, 0xffn]);
  }
});
