/** Rows that say two things, or come from hostile hands, and the marks and forms that other programs write. */
import test from 'ava';
import fc from 'fast-check';
import { OCSPCertStatus } from 'openssl-ocsp';
import {
  type BadRowError,
  csvSource,
  indexTxtSource,
  iterableSource,
  ndjsonSource,
  type StatusSource,
} from 'openssl-ocsp/bulk';
import { entriesOf } from '../records.js';

async function read(source: StatusSource): Promise<string[]> {
  return (await entriesOf(source)).map(({ serialNumber, status }) => `${serialNumber} ${OCSPCertStatus[status]}`);
}

test('NDJSON: one thing said twice is a bad row', async (t) => {
  for (const row of [
    '{"serial":"A1","status":"revoked","status":"good"}',
    '{"status":"good","serial":"A1","status":"good"}',
    '{"serial":"A1","st\\u0061tus":"revoked","status":"good"}',
    '{"serial":"A1","Status":"revoked","status":"good"}',
    '{"serial":"A1","serialNumber":"B2","status":"good"}',
    '{"serial":"A1","SERIALNUMBER":"A1","status":"good"}',
    '{"serial":"A1","serial":null,"status":"good"}',
    '{"serial":"A1","status":"revoked","revocationTime":"20200101000000Z","revocationTime":null,"reason":"superseded"}',
    '{"serial":"A1","status":"good","statusVersion":9,"statusversion":1}',
    '{"x":{"serial":"B"},"serial":"A1","y":["serial"],"serial":"A2","status":"good"}',
    '{"serial":9007199254740990.9,"status":"good"}',
    '{"serial":1e3,"status":"good"}',
    '{"serial":10.0,"status":"good"}',
    '{"serial":"A1","status":1e-400}',
    '{"serial":"A1","status":0.9999999999999999999999}',
    '{"serial":"A1","status":"good","statusVersion":5.0000000000000000000001}',
  ]) {
    await t.throwsAsync(
      read(ndjsonSource(Buffer.from(row))),
      { code: 'ERR_OCSP_MALFORMED', message: /^line 1: / },
      row,
    );
    const bad: number[] = [];
    const text = Buffer.from(`{"serial":"01","status":"good"}\n${row}\n{"serial":2,"status":"good"}\n`);
    const found = await read(ndjsonSource(text, { onBadRow: (_: BadRowError, line) => bad.push(line) }));
    t.deepEqual(found, ['01 GOOD', '2 GOOD']);
    t.deepEqual(bad, [2]);
  }
  for (const row of [
    '{"serial":"A1","status":"good","note":1.5,"note":2.5}',
    '{"x":{"serial":"B","serial":"C"},"status":"good","serial":"A1"}',
    '{"note":"\\"serial\\":\\"B\\",{[","serial":"A1","status":"good"}',
    '{"note":"a\\\\","serial":"A1","status":"good"}',
    ' { "SerialNumber" : "A1" , "status" : "good" } ',
    '{"__proto__":{"status":"revoked"},"constructor":1,"serial":"A1","status":"good"}',
  ]) {
    t.deepEqual(await read(ndjsonSource(Buffer.from(row))), ['A1 GOOD'], row);
  }
  for (const row of [
    '{"__proto__":{"serial":"A1","status":"good"}}',
    '{"__proto__":{"status":"good"},"serial":"A1"}',
  ]) {
    await t.throwsAsync(read(ndjsonSource(Buffer.from(row))), { code: 'ERR_OCSP_MALFORMED' }, row);
  }
});

test('NDJSON: whatever stands around it, a member is found once or refused', async (t) => {
  const key = fc.oneof(fc.string(), fc.constantFrom('serial', 'status', 'note', '{', '"', '\\', '__proto__'));
  const members = fc.array(fc.tuple(key, fc.jsonValue({ maxDepth: 2 })), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(members, members, async (before, after) => {
      const others = [...before, ...after].map(([name]) => name.trim().toLowerCase());
      const own: [string, unknown][] = [
        ['serial', 'A1'],
        ['status', 'good'],
      ];
      const text = [...before, ...own, ...after].map(
        ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`,
      );
      const isAmbiguous = others.some((name) => name === 'serial' || name === 'status');
      const result = await read(ndjsonSource(Buffer.from(`{${text.join(',')}}`))).catch((error: Error) => error);
      if (isAmbiguous) t.true(result instanceof Error);
      else t.deepEqual(result, ['A1 GOOD']);
    }),
  );
});

test('CSV: a column named twice, in whatever way, is refused', async (t) => {
  for (const header of ['serial,status,Status', 'serial,serialNumber,status', 'serial, SERIAL ,status']) {
    const source = csvSource(Buffer.from(`${header}\nA1,good,good\n`), { onBadRow: () => t.fail() });
    await t.throwsAsync(read(source), { code: 'ERR_OCSP_MALFORMED', message: /twice/ });
  }
  t.deepEqual(await read(csvSource(Buffer.from('note,note,serial,status\n1,2,A1,good\n'))), ['A1 GOOD']);
});

test('names of members that every object has are no names', async (t) => {
  const names = ['constructor', '__proto__', 'toString', 'valueOf', 'hasOwnProperty', '__defineGetter__'];
  for (const name of names) {
    const sources = [
      (onBadRow: (error: BadRowError) => void) =>
        indexTxtSource(
          Buffer.from(
            `R\t301231235959Z\t240101000000Z,holdInstruction,${name}\tA1\tunknown\t/CN=x\n` +
              `R\t301231235959Z\t240101000000Z,${name}\tA1\tunknown\t/CN=x\nV\t301231235959Z\t\tA2\tunknown\t/CN=y\n`,
          ),
          { onBadRow },
        ),
      (onBadRow: (error: BadRowError) => void) =>
        csvSource(
          Buffer.from(
            `serial,status,revocationTime,reason,${name}\nA1,${name},,,1\nA1,revoked,20260101000000Z,${name},1\nA2,good,,,1\n`,
          ),
          { onBadRow },
        ),
      (onBadRow: (error: BadRowError) => void) =>
        ndjsonSource(
          Buffer.from(
            `{"serial":"A1","status":"${name}","${name}":1}\n{"serial":"${name}","status":"good"}\n{"serial":"A2","status":"good","${name}":1}\n`,
          ),
          { onBadRow },
        ),
    ];
    for (const open of sources) {
      const bad: string[] = [];
      t.deepEqual(await read(open(({ message }) => bad.push(message))), ['A2 GOOD'], name);
      t.is(bad.length, 2);
      for (const message of bad) t.regex(message, /^line \d: /);
    }
  }
});

const INDEX = 'V\t301231235959Z\t\t0A:0B\tunknown\t/CN=a\n';
const CSV = 'serial,status\n0A:0B,good\n';
const NDJSON = '{"serial":"0A:0B","status":"good"}\n';

test('a byte order mark is no content, and UTF-16 is refused as such', async (t) => {
  for (const [open, text] of [
    [indexTxtSource, INDEX],
    [csvSource, CSV],
    [ndjsonSource, NDJSON],
  ] as const) {
    const marked = Buffer.from(`\ufeff${text}`);
    for (const input of [marked, Array.from(marked, (_, i) => marked.subarray(i, i + 1))]) {
      t.deepEqual(await read(open(input)), ['A0B GOOD']);
    }
    t.deepEqual(await read(open(Buffer.from(open === csvSource ? '\ufeffserial,status' : '\ufeff'))), []);
    for (const mark of ['\ufeff', '\ufffe']) {
      const source = open(Buffer.from(`${mark}${text}`, 'utf16le'), { onBadRow: () => t.fail() });
      await t.throwsAsync(read(source), { code: 'ERR_OCSP_MALFORMED', message: /UTF-16/ });
    }
  }
});

test('serial numbers as other programs write them', async (t) => {
  for (const [text, serial] of [
    ['0a-0b', 'A0B'],
    ['0x0A0B', 'A0B'],
    ['0X0a0b', 'A0B'],
    ['5F:8D:00:01', '5F8D0001'],
  ]) {
    t.deepEqual(await read(csvSource(Buffer.from(`serial,status\n${text},good\n`))), [`${serial} GOOD`]);
    t.deepEqual(await read(indexTxtSource(Buffer.from(INDEX.replace('0A:0B', text as string)))), [`${serial} GOOD`]);
  }
  for (const text of ['0A:', ':0A', '0A::0B', '0A:0B-0C', '0A:B', '0x', '0A:0G']) {
    await t.throwsAsync(read(ndjsonSource(Buffer.from(JSON.stringify({ serial: text, status: 'good' })))), {
      code: 'ERR_OCSP_MALFORMED',
    });
  }
  const rows = Buffer.from('{"serial":"161","status":"good"}\n{"serial":11,"status":"good"}\n');
  t.deepEqual(await read(ndjsonSource(rows, { serials: 'decimal' })), ['161 GOOD', '11 GOOD']);
  for (const wrong of [{ serials: 'octal' }, { delimiter: '|' }]) {
    t.throws(() => csvSource(Buffer.from(CSV), wrong as never), { code: 'ERR_OCSP_INVALID_VALUE' });
  }
  t.throws(() => ndjsonSource(rows, { serials: 'octal' as never }), { code: 'ERR_OCSP_INVALID_VALUE' });
});

test('nothing but bad rows is an error', async (t) => {
  for (const [open, text] of [
    [indexTxtSource, CSV],
    [csvSource, 'serial,status\nx,good\n0A,fine\n'],
    [ndjsonSource, INDEX],
  ] as const) {
    const bad: BadRowError[] = [];
    const source = open(Buffer.from(text), { onBadRow: (error) => bad.push(error) });
    await t.throwsAsync(read(source), { code: 'ERR_OCSP_MALFORMED', message: /not one entry can be understood/ });
    t.true(bad.length > 0);
  }
});

test('iterableSource keeps what it was given, though the same object comes again', async (t) => {
  const row = { serialNumber: '', status: OCSPCertStatus.GOOD };
  function* rows() {
    for (let i = 1; i <= 300; i += 1) {
      row.serialNumber = String(i);
      yield row;
    }
  }
  const expected = Array.from({ length: 300 }, (_, i) => String(i + 1));
  const batches: string[] = [];
  for await (const batch of iterableSource(rows()).batches()) {
    batches.push(...batch.map(({ serialNumber }) => String(serialNumber)));
  }
  t.deepEqual(batches, expected);
});
