import test from 'ava';
import { HashAlgorithm, loadDerOcspRequest, loadDerOcspResponse, OCSPRequestBuilder } from 'openssl-ocsp';
import * as der from '../helpers/der.js';
import { certId } from '../helpers/fixtures.js';
import { probe } from '../helpers/probe.js';
import { refuses } from '../helpers/refusals.js';
import { positions } from '../helpers/repeated.js';
import { referenceOcsp, vector, vectorJson } from '../helpers/vectors.js';

const { SHA1 } = HashAlgorithm;

const messages: [string, typeof loadDerOcspRequest | typeof loadDerOcspResponse, Buffer][] = [
  ['req-sha1', loadDerOcspRequest, referenceOcsp('req-sha1')],
  ['req-multi-sha1', loadDerOcspRequest, referenceOcsp('req-multi-sha1')],
  ['req-ext-nonce', loadDerOcspRequest, referenceOcsp('req-ext-nonce')],
  ['golang signed request', loadDerOcspRequest, vector('third-party/golang-crypto/testOCSPRequest_signed.der')],
  ['resp-sha256', loadDerOcspResponse, referenceOcsp('resp-sha256')],
  ['resp-sct-extension', loadDerOcspResponse, referenceOcsp('resp-sct-extension')],
  ['resp-revoked-reason', loadDerOcspResponse, referenceOcsp('resp-revoked-reason')],
  ['resp-delegate-unknown-cert', loadDerOcspResponse, referenceOcsp('resp-delegate-unknown-cert')],
  ['ocsp-army.deps.mil-resp', loadDerOcspResponse, referenceOcsp('ocsp-army.deps.mil-resp')],
];

for (const [name, load, bytes] of messages) {
  test(`${name}, cut off at every length`, (t) => {
    for (const length of positions(bytes.length)) {
      if (probe(t, load, bytes.subarray(0, length))) t.fail(`loads at ${length} of ${bytes.length}`);
    }
    t.true(probe(t, load, bytes));
  });

  test(`${name}, one byte more`, (t) => {
    const error = refuses(t, 'ERR_OCSP_MALFORMED', () => load(Buffer.concat([bytes, Buffer.alloc(1)])));
    t.regex(
      error?.message ?? '',
      new RegExp(`\\bbyte ${bytes.length}\\b`),
      'counted from the beginning of the message',
    );
  });

  test(`${name}, every byte changed`, (t) => {
    for (const at of positions(bytes.length)) {
      for (const value of [0, 0x80, 0xff, bytes[at]! ^ 1]) {
        const changed = Buffer.from(bytes);
        changed[at] = value;
        probe(t, load, changed);
      }
    }
    t.pass();
  });
}

test('errors of members name bytes of the message, wherever it is kept', (t) => {
  const year0 = '00000101000000Z';
  const badCrlReason = der.sequence(der.extension(der.hex('0603551d15'), der.hex('0400')));
  const badName = der.sequence(der.tlv(0x31, der.sequence(der.hex('0603550403'), der.tlv(0x0c, der.hex('ff')))));
  const cases: [what: string, bytes: Buffer, read: (bytes: Buffer) => unknown][] = [
    [
      'thisUpdate',
      der.response([der.singleResponse({ thisUpdate: year0 })]),
      (bytes) => loadDerOcspResponse(bytes).thisUpdate,
    ],
    ['producedAt', der.response([], { producedAt: year0 }), (bytes) => loadDerOcspResponse(bytes).producedAt],
    [
      'singleExtensions',
      der.response([der.singleResponse({ extensions: badCrlReason })]),
      (bytes) => loadDerOcspResponse(bytes).singleExtensions,
    ],
    [
      'responderName',
      der.response([], { responderId: der.tlv(0xa1, badName) }),
      (bytes) => loadDerOcspResponse(bytes).responderName,
    ],
    [
      'requestorName',
      der.sequence(der.sequence(der.tlv(0xa1, der.tlv(0xa4, badName)), der.sequence(der.requestEntry()))),
      (bytes) => loadDerOcspRequest(bytes).requestorName,
    ],
  ];
  for (const [what, bytes, read] of cases) {
    const whole = refuses(t, 'ERR_OCSP_MALFORMED', () => read(bytes), what)?.message;
    loadDerOcspResponse(referenceOcsp('resp-sha256'));
    const moved = refuses(t, 'ERR_OCSP_MALFORMED', () => read(bytes), what)?.message;
    t.is(moved, whole, what);
    const at = Number(/\bbyte (\d+)/.exec(moved ?? '')?.[1] ?? 0);
    t.true(at < bytes.length, `${what}: ${moved}`);
  }
});

test('fuzz seeds: no crash, nothing but a value or a refusal', (t) => {
  const { seeds } = vectorJson<{ seeds: Record<string, string> }>('third-party/openssl-fuzz-corpora/seeds.json');
  for (const seed of Object.values(seeds)) {
    const bytes = Buffer.from(seed, 'base64');
    probe(t, loadDerOcspRequest, bytes);
    probe(t, loadDerOcspResponse, bytes);
  }
  t.pass();
});

test('lengths that promise more than there is', (t) => {
  for (const head of [
    '3084ffffffff',
    '30847fffffff',
    '3088ffffffffffffffff',
    '308400000000',
    '30ff',
    '3080',
    '308500000000ff',
    'bf',
    '1fffffffffff',
    '',
  ]) {
    for (const tail of ['', '00', '0000', '0a0100'.repeat(3)]) {
      const bytes = der.hex(head + tail);
      refuses(t, 'ERR_OCSP_MALFORMED', () => loadDerOcspRequest(bytes), head);
      refuses(t, 'ERR_OCSP_MALFORMED', () => loadDerOcspResponse(bytes), head);
    }
  }
});

test('a message of 16 MiB', (t) => {
  const junk = Buffer.alloc(16 << 20);
  refuses(t, 'ERR_OCSP_MALFORMED', () => loadDerOcspRequest(junk));
  const value = der.extension(der.hex('06022a03'), junk);
  const bytes = der.sequence(der.sequence(der.sequence(der.requestEntry()), der.tlv(0xa2, der.sequence(value))));
  const request = loadDerOcspRequest(bytes);
  t.is([...request.extensions][0]?.value.publicBytes().length, junk.length);
  t.is(request.publicBytes().length, bytes.length);
});

for (const [name, tag] of [
  ['SEQUENCE', 0x30],
  ['constructed OCTET STRING', 0x24],
  ['context tag', 0xa0],
] as const) {
  test(`10,000 levels of ${name}`, (t) => {
    let nested: Buffer = Buffer.alloc(0);
    for (let level = 0; level < 10_000; level += 1) nested = der.tlv(tag, nested);
    for (const strict of [true, false]) {
      refuses(t, 'ERR_OCSP_MALFORMED', () => loadDerOcspRequest(nested, { strict }));
      refuses(t, 'ERR_OCSP_MALFORMED', () => loadDerOcspResponse(nested, { strict }));
    }
    // Deep inside a valid message: an extension value, hash parameters, a certificate, the requestor name.
    const ext = der.sequence(der.extension(der.hex('06022a03'), nested));
    const inExtension = der.response([der.singleResponse({ extensions: ext })], { extensions: ext });
    t.true(probe(t, loadDerOcspResponse, inExtension), 'an extension value is opaque');
    probe(t, loadDerOcspResponse, der.response([], { responderId: der.tlv(0xa1, nested) }));
    probe(t, loadDerOcspResponse, der.response([], { certs: der.sequence(nested) }));
    probe(t, loadDerOcspRequest, der.request(der.sequence(der.certId(1n, der.sequence(der.hex('06022a03'), nested)))));
    const named = der.sequence(der.sequence(der.tlv(0xa1, der.tlv(0xa4, nested)), der.sequence(der.requestEntry())));
    probe(t, loadDerOcspRequest, named);
  });
}

test('an OID of a megabyte is read in one go: were it read again for each byte, no run would see the end', (t) => {
  const arcs = [
    ['many arcs', Buffer.alloc(1 << 20, 0x01)],
    ['one arc', Buffer.concat([der.hex('2a'), Buffer.alloc(1 << 20, 0xff), der.hex('7f')])],
  ] as const;
  for (const [, content] of arcs) {
    const oid = der.tlv(0x06, content);
    const ext = der.sequence(der.extension(oid, Buffer.alloc(1)));
    const id = der.certId(1n, der.sequence(oid, der.hex('0500')));
    probe(t, loadDerOcspRequest, der.request(der.sequence(id)));
    probe(t, loadDerOcspRequest, der.sequence(der.sequence(der.sequence(der.requestEntry()), der.tlv(0xa2, ext))));
    probe(t, loadDerOcspResponse, der.response([der.singleResponse({ id, extensions: ext })], { extensions: ext }));
  }
  t.pass();
});

test('10,000 levels in every known extension', (t) => {
  let nested: Buffer = Buffer.alloc(0);
  for (let level = 0; level < 10_000; level += 1) nested = der.sequence(nested);
  for (const oid of [
    '2b0601050507300102',
    '2b0601050507300103',
    '2b0601050507300104',
    '2b0601050507300106',
    '2b0601050507300107',
    '2b0601050507300108',
    '2b0601050507300109',
    '2b06010401d679020405',
    '551d15',
    '551d18',
    '551d1d',
  ]) {
    const ext = der.sequence(der.extension(der.tlv(0x06, der.hex(oid)), nested));
    const response = loadDerOcspResponse(der.response([der.singleResponse({ extensions: ext })], { extensions: ext }));
    JSON.stringify(response);
    t.is(response.responses.length, 1);
  }
});

test('10,000 entries', (t) => {
  const serials = Array.from({ length: 10_000 }, (_, i) => BigInt(i));
  const request = loadDerOcspRequest(der.request(...serials.map((serial) => der.requestEntry(serial))));
  t.deepEqual(
    request.requests.map(({ serialNumber }) => serialNumber),
    serials,
  );
  const singles = serials.map((serial) => der.singleResponse({ id: der.certId(serial) }));
  const response = loadDerOcspResponse(der.response(singles));
  t.deepEqual(
    response.responses.map(({ serialNumber }) => serialNumber),
    serials,
  );
  refuses(t, 'ERR_OCSP_NOT_SINGLE', () => response.serialNumber);

  let builder = new OCSPRequestBuilder();
  for (const serial of serials.slice(0, 2000)) {
    builder = builder.addCertificateByHash(certId.issuerNameHash, certId.issuerKeyHash, serial, SHA1);
  }
  t.is(builder.build().requests.length, 2000);
});

test('entries outlive the message', (t) => {
  const singles = Array.from({ length: 100 }, (_, i) => der.singleResponse({ id: der.certId(BigInt(i)) }));
  const children = loadDerOcspResponse(der.response(singles)).responses;
  globalThis.gc?.();
  t.deepEqual(
    children.map(({ serialNumber, issuerNameHash }) => [serialNumber, issuerNameHash.length]),
    children.map((_, i) => [BigInt(i), 20]),
  );
});

test('text is refused as what it is, but where OpenSSL says so itself', (t) => {
  for (const [load, message] of [
    [loadDerOcspRequest, referenceOcsp('req-sha1')],
    [loadDerOcspResponse, referenceOcsp('resp-sha256')],
    [loadDerOcspResponse, Buffer.from('30030a0106', 'hex')],
  ] as const) {
    const base64 = message.toString('base64');
    for (const [text, what] of [
      [`-----BEGIN OCSP RESPONSE-----\n${base64}\n-----END OCSP RESPONSE-----\n`, /^data is PEM, not DER/],
      [base64, /^data is base64, not DER/],
      [base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''), /^data is base64, not DER/],
      ['<!doctype html><html>', /^data is a page of HTML/],
      ['<html>', /^data is a page of HTML/],
      ['Moved', /unexpected tag/],
      ['', /missing/],
    ] as const)
      for (const strict of [true, false, 'field'] as const) {
        const error = refuses(t, 'ERR_OCSP_MALFORMED', () => load(Buffer.from(text), { strict }));
        if (strict !== false) t.regex(error?.message ?? '', what);
      }
  }
});
