import test from 'ava';
import fc from 'fast-check';
import { loadDerOcspResponse, OCSPRequestBuilder, OCSPResponseBuilder, verifyOcspResponse } from 'openssl-ocsp';
import { csvSource, indexTxtSource, ndjsonSource, ResponseSigner, SegmentStore } from 'openssl-ocsp/bulk';
import { buildTestResponse, createTestCa } from 'openssl-ocsp/testing';
import type { SerialNumberInput } from 'openssl-ocsp/x509';
import { integerFromBytes, integerToBytes } from '#dist/x509/integer.js';
import { serialToBytes, serialToText } from '#dist/x509/serial-number.js';
import { scratch } from '../bulk/scratch.js';
import { invalid, wrong, wrongType } from '../helpers/refusals.js';

/** Every way of writing a number. */
function formsOf(value: bigint): SerialNumberInput[] {
  const sign = value < 0n ? '-' : '';
  const digits = (value < 0n ? -value : value).toString(16);
  const even = `${digits.length % 2 === 1 ? '0' : ''}${digits}`;
  const octets = even.match(/../g) as string[];
  const texts = [digits, even, `000${digits}`, ...[':', '-', ' '].map((separator) => octets.join(separator))];
  const all = texts.flatMap((text) => [`${sign}${text}`, `${sign}0x${text}`, ` ${sign}${text}\t`]);
  return [value, ...all.flatMap((text) => [text, text.toUpperCase()])];
}

const serials = fc.oneof(
  fc.bigInt({ min: -(2n ** 20n), max: 2n ** 20n }),
  fc.bigInt({ min: -(2n ** 168n), max: 2n ** 168n }),
  fc.integer({ min: 0, max: 200 }).map((bits) => -(2n ** BigInt(bits))),
  fc.integer({ min: 0, max: 200 }).map((bits) => 2n ** BigInt(bits)),
);

test('every form of a number is the same bytes, and these are printed as one text that is read again', (t) => {
  fc.assert(
    fc.property(serials, (value) => {
      const expected = integerToBytes(value);
      t.is(integerFromBytes(expected), value);
      for (const form of formsOf(value)) t.deepEqual(serialToBytes(form), expected, String(form));
      const text = serialToText(expected);
      t.deepEqual(serialToBytes(text), expected);
      t.regex(text, /^-?(?:[0-9A-F]{2})+$/);
    }),
  );
});

test('the text is that of X509Certificate', (t) => {
  const ca = createTestCa();
  for (const serialNumber of [1n, 127n, 128n, 0xabcn, -1n, -128n, -129n, -0x66n, -(2n ** 159n)]) {
    const { certificate } = ca.issue({ serialNumber });
    t.is(serialToText(integerToBytes(serialNumber)), certificate.serialNumber);
  }
});

test('what is no serial number', (t) => {
  for (const text of [
    '',
    ' ',
    '-',
    '0x',
    '--1',
    '1--2',
    '0A:0',
    '0A:0B-0C',
    ':0A',
    '0A:',
    'x',
    '0x0x1',
    '- 1',
    '1g',
    '٣',
    '0A\n0B',
  ]) {
    t.throws(() => serialToBytes(text), invalid, JSON.stringify(text));
  }
  for (const value of [1, null, undefined, {}, true, Buffer.of(1)])
    t.throws(() => serialToBytes(wrong(value)), wrongType);
});

test('a certificate is found by every form of its number, wherever one is taken', async (t) => {
  const ca = createTestCa();
  const signer = new ResponseSigner({ issuer: ca.certificate, responder: ca.certificate, privateKey: ca.privateKey });
  for (const value of [0x0a0bn, -0x66n, -1n, 0x80n, -(2n ** 158n)]) {
    const leaf = ca.issue({ serialNumber: value });
    const der = buildTestResponse({ signer: ca, entries: [{ certificate: leaf.certificate, issuer: ca.certificate }] });
    const request = new OCSPRequestBuilder().addCertificate(leaf.certificate, ca.certificate, 'sha1').build();
    const { issuerNameHash, issuerKeyHash } = request;
    t.is(verifyOcspResponse(der, { request, issuer: ca.certificate }).status, 'good');
    t.is(verifyOcspResponse(der, { certId: request.requests[0]!, issuer: ca.certificate }).status, 'good');
    const store = await SegmentStore.open(scratch(t));
    const record = { statusVersion: 1, producedAt: 1, certStatus: 0, nextUpdate: null, der };
    await store.putBatch([{ ...record, serial: value }]);
    await store.putBatch([{ ...record, serial: value < 0n ? -value : value + 1n, certStatus: 2 }]);
    for (const form of formsOf(value)) {
      const certId = { hashAlgorithm: 'sha1' as const, issuerNameHash, issuerKeyHash, serialNumber: form };
      t.is(verifyOcspResponse(der, { certId, issuer: ca.certificate }).status, 'good', String(form));
      const asked = new OCSPRequestBuilder().addCertificateByHash(issuerNameHash, issuerKeyHash, form, 'sha1').build();
      t.true(asked.equals(request), String(form));
      t.is(loadDerOcspResponse(signer.sign({ serialNumber: form, status: 0 })).serialNumber, value);
      const built = new OCSPResponseBuilder().addResponseByHash({
        issuerNameHash,
        issuerKeyHash,
        serialNumber: form,
        algorithm: 'sha1',
        certStatus: 0,
        thisUpdate: new Date(),
      });
      t.is(built.responderId('By Hash', ca.certificate).sign(ca.privateKey, 'sha256').serialNumber, value);
      t.is(store.getRecord(form)?.certStatus, 0, String(form));
      t.is(store.getRecord(form)?.serial, leaf.certificate.serialNumber);
      if (typeof form !== 'string') continue;
      const rows = [
        csvSource(Buffer.from(`serial,status\n${form},good\n`)),
        ndjsonSource(Buffer.from(`${JSON.stringify({ serial: form, status: 'good' })}\n`)),
        indexTxtSource(Buffer.from(`V\t391231235959Z\t\t${form.trim()}\tunknown\t/CN=a\n`)),
      ];
      for (const source of rows) {
        for await (const { serialNumber } of source) t.deepEqual(serialToBytes(serialNumber), integerToBytes(value));
      }
    }
    t.is(JSON.parse(JSON.stringify(request)).requests[0].serialNumber, leaf.certificate.serialNumber);
    store.close();
  }
});

test('negative and positive numbers never have one key in a store', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  const record = { statusVersion: 1, producedAt: 1, certStatus: 0, nextUpdate: null, der: Buffer.of(1) };
  const values = [-1n, 1n, -256n, 256n, -(2n ** 256n - 1n), 2n ** 256n - 1n, 2n ** 257n];
  await store.putBatch(values.map((serial, i) => ({ ...record, serial, der: Buffer.of(i) })));
  for (const [i, serial] of values.entries()) t.deepEqual(store.get(serial), Buffer.of(i));
  t.deepEqual(
    [...store.records()].map(({ serial }) => integerFromBytes(serialToBytes(serial))).sort((a, b) => (a < b ? -1 : 1)),
    [...values].sort((a, b) => (a < b ? -1 : 1)),
  );
  for (const serial of [2n ** 256n, 2n ** 256n + 5n, -(2n ** 256n)]) t.throws(() => store.get(serial), invalid);
  store.close();
});
