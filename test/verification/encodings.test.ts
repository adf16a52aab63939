// Encodings that are not DER: a closed list is taken by verdicts, named, and refused by `strict: true`; loading stays strict.
import test, { type ExecutionContext } from 'ava';
import {
  type EncodingNote,
  loadDerOcspRequest,
  loadDerOcspResponse,
  Verifier,
  type VerifierOptions,
  verifyOcspResponse,
  verifyOcspResponseAsync,
} from 'openssl-ocsp';
import { createTestCa, type TestCa, TestResponseKit } from 'openssl-ocsp/testing';
import { certIdTuple, sha1Of, signedResponse } from '../helpers/crafted.js';
import { extension, generalizedTime, hex, integer, octets, requestEntry, sequence, tlv } from '../helpers/der.js';
import { refuses, refusesType, wrong } from '../helpers/refusals.js';

const kit = new TestResponseKit({ keyType: 'ec' });
const { ca, leaf } = kit;
const question = { certificate: leaf.certificate, issuer: ca.certificate };
const VERSION = tlv(0xa0, integer(0n));
const stamp = (offset: number, tail = 'Z') =>
  new Date(Date.now() + offset * 1000).toISOString().slice(0, 19).replace(/[-T:]/g, '') + tail;

interface Parts {
  readonly by?: TestCa;
  readonly version?: Buffer;
  readonly producedAt?: string;
  readonly thisUpdate?: string;
  readonly nextUpdate?: string;
  readonly status?: Buffer;
  readonly responderId?: Buffer;
  readonly extensions?: readonly Buffer[];
  readonly single?: readonly Buffer[];
  readonly certs?: readonly Buffer[];
  readonly algorithm?: Buffer;
}

/** A response that the CA signs, byte by byte. */
function craft(parts: Parts = {}): Buffer {
  const { by = ca, status = hex('8000'), thisUpdate = stamp(-60), nextUpdate = stamp(3600) } = parts;
  const entry = sequence(
    certIdTuple(leaf, ca),
    status,
    generalizedTime(thisUpdate),
    tlv(0xa0, generalizedTime(nextUpdate)),
    ...(parts.single === undefined ? [] : [tlv(0xa1, sequence(...parts.single))]),
  );
  const data = sequence(
    ...(parts.version === undefined ? [] : [parts.version]),
    parts.responderId ?? tlv(0xa2, octets(sha1Of(by))),
    generalizedTime(parts.producedAt ?? stamp(-60)),
    sequence(entry),
    ...(parts.extensions === undefined ? [] : [tlv(0xa1, sequence(...parts.extensions))]),
  );
  return signedResponse(data, by.privateKey, parts.certs ?? [], parts.algorithm);
}

const NOTHING = hex('0500');
const unknownExtension = (critical?: boolean) => extension(hex('06032a0304'), NOTHING, critical);
const ECDSA_NULL = sequence(hex('06082a8648ce3d040302'), NOTHING);

function takes(
  t: ExecutionContext,
  der: Buffer,
  notes: EncodingNote[],
  status: 'good' | 'revoked' | null = 'good',
): void {
  const verdict = verifyOcspResponse(der, question);
  t.is(verdict.status, status, verdict.explain());
  t.deepEqual(verdict.encodingNotes, notes);
  for (const note of notes) t.true(verdict.explain().includes(note));
  t.truthy(verdict.response?.toJSON());
  const strict = verifyOcspResponse(der, { ...question, strict: true });
  if (notes.length > 0) {
    t.deepEqual(
      strict.refusals.map(({ code }) => code),
      ['MALFORMED'],
    );
    t.deepEqual(strict.encodingNotes, []);
    refuses(t, 'ERR_OCSP_MALFORMED', () => loadDerOcspResponse(der));
  } else {
    t.is(strict.status, status);
  }
}

/** MALFORMED by every way of asking. */
function refusesAll(t: ExecutionContext, der: Buffer): void {
  for (const options of [{}, { strict: false }, { strict: true }] satisfies VerifierOptions[]) {
    const verdict = verifyOcspResponse(der, { ...question, ...options });
    t.deepEqual(
      verdict.refusals.map(({ code }) => code),
      ['MALFORMED'],
      verdict.explain(),
    );
    t.deepEqual(verdict.encodingNotes, []);
  }
  refuses(t, 'ERR_OCSP_MALFORMED', () => loadDerOcspResponse(der, { strict: 'field' }));
}

test('DER has no notes', (t) => takes(t, craft(), []));

test('explicit-version', (t) => {
  takes(t, craft({ version: VERSION }), ['explicit-version']);
  takes(
    t,
    craft({ version: VERSION, status: tlv(0xa1, generalizedTime(stamp(-90))) }),
    ['explicit-version'],
    'revoked',
  );
  for (const version of [
    'a003020101',
    'a00402020000',
    'a0020200',
    'a00302010005',
    'a0050201000500',
    'a080020100' + '0000',
  ]) {
    refusesAll(t, craft({ version: hex(version) }));
  }
});

test('explicit-false', (t) => {
  takes(t, craft({ extensions: [unknownExtension(false)] }), ['explicit-false']);
  takes(t, craft({ single: [unknownExtension(false)] }), ['explicit-false']);
  // TRUE stays critical, and other BOOLEANs are none.
  const critical = verifyOcspResponse(craft({ single: [unknownExtension(true)] }), question);
  t.deepEqual(
    critical.refusals.map(({ code }) => code),
    ['UNKNOWN_CRITICAL_EXTENSION'],
  );
  for (const flag of ['010101', '0100', '01020000']) {
    refusesAll(t, craft({ extensions: [sequence(hex('06032a0304'), hex(flag), octets(NOTHING))] }));
  }
});

test('trailing-nul', (t) => {
  for (const status of [1, 2, 3, 5, 6]) {
    const error = sequence(tlv(0x0a, Buffer.from([status])));
    const verdict = verifyOcspResponse(Buffer.concat([error, hex('00')]), question);
    t.deepEqual(
      verdict.refusals.map(({ code }) => code),
      ['UNSUCCESSFUL'],
    );
    t.is(verdict.responseStatus, status);
    t.deepEqual(verdict.encodingNotes, ['trailing-nul']);
    for (const tail of ['0000', '01', '0500']) refusesAll(t, Buffer.concat([error, hex(tail)]));
  }
  // Behind an answer nothing may stand.
  refusesAll(t, Buffer.concat([craft(), hex('00')]));
});

test('fraction', (t) => {
  for (const tail of ['.5Z', '.000Z', '.123456789Z']) {
    takes(t, craft({ thisUpdate: stamp(-60, tail) }), ['fraction']);
    takes(t, craft({ nextUpdate: stamp(3600, tail) }), ['fraction']);
    takes(t, craft({ producedAt: stamp(-60, tail) }), ['fraction']);
  }
  const revoked = craft({ status: tlv(0xa1, generalizedTime('20260101000000.9Z')) });
  takes(t, revoked, ['fraction'], 'revoked');
  t.deepEqual(verifyOcspResponse(revoked, question).revocationTime, new Date('2026-01-01T00:00:00Z'));
  // They count as the second that they begin in.
  const expired = verifyOcspResponse(craft({ nextUpdate: stamp(-400, '.9Z'), thisUpdate: stamp(-500) }), question);
  t.deepEqual(
    expired.refusals.map(({ code }) => code),
    ['EXPIRED'],
  );
  const future = verifyOcspResponse(craft({ thisUpdate: stamp(400, '.0Z') }), question);
  t.deepEqual(
    future.refusals.map(({ code }) => code),
    ['NOT_YET_VALID'],
  );
  for (const tail of ['.Z', ',5Z', '.5', '.5+0100', '+0000', '', '.5z', '.1234567890Z', '.-1Z', '. 1Z']) {
    refusesAll(t, craft({ thisUpdate: stamp(-60, tail) }));
  }
  refusesAll(t, craft({ nextUpdate: '20991331000000.5Z' }));
  refusesAll(t, craft({ nextUpdate: '209912310000.5Z' }));
});

const nameWith = (...attributes: Buffer[]) => sequence(tlv(0x31, ...attributes));
const commonName = (value: Buffer) => sequence(hex('0603550403'), value);
const printable = (text: string) => tlv(0x13, Buffer.from(text, 'latin1'));

test('printable-string and set-order, in a name', (t) => {
  const named = (name: Buffer): Buffer => craft({ responderId: tlv(0xa1, name) });
  // The name is not that of the CA, so no one signed; but it can be read.
  const notesOf = (name: Buffer) => {
    const verdict = verifyOcspResponse(named(name), question);
    t.deepEqual(
      verdict.refusals.map(({ code }) => code),
      ['SIGNER_NOT_FOUND'],
    );
    return verdict.encodingNotes;
  };
  for (const text of ['a@b', 'Ash & Co', 'ocsp_1', '*.example', '!"#$%;<>[]^`{|}~\\']) {
    t.deepEqual(notesOf(nameWith(commonName(printable(text)))), ['printable-string'], text);
  }
  for (const text of ['a\0b', '\x1f', '\x7f', 'é', '\xff']) refusesAll(t, named(nameWith(commonName(printable(text)))));
  const [one, two] = [sequence(hex('0603550405'), printable('1')), commonName(printable('A'))] as const;
  t.deepEqual(notesOf(nameWith(one, two)), ['set-order']);
  t.deepEqual(notesOf(nameWith(two, one)), []);
});

test('null-parameters', (t) => {
  takes(t, craft({ algorithm: ECDSA_NULL }), ['null-parameters']);
  const of = (oid: string, ...more: Buffer[]) => sequence(hex(oid), ...more);
  refusesAll(t, craft({ algorithm: of('06082a8648ce3d040302', hex('3000')) }));
  refusesAll(t, craft({ algorithm: of('06082a8648ce3d040302', hex('050100')) }));
  refusesAll(t, craft({ algorithm: of('06082a8648ce3d040302', NOTHING, NOTHING) }));
  refusesAll(t, craft({ algorithm: of('06032b6570', NOTHING) }));
  refusesAll(t, craft({ algorithm: of('0609608648016503040311', NOTHING) }));
});

test('a certificate inside that is not needed spoils nothing; one that is needed has to be one', (t) => {
  const other = createTestCa().certificate.raw;
  const damaged = [
    sequence(),
    sequence(integer(5n)),
    Buffer.concat([hex('3080'), other.subarray(4), hex('0000')]),
    Buffer.from(other).fill(0xff, 20, 60),
  ];
  for (const certificate of damaged) {
    takes(t, craft({ certs: [certificate] }), ['unusable-certificate']);
    takes(t, craft({ certs: [other, certificate, other] }), ['unusable-certificate']);
    const verdict = verifyOcspResponse(craft({ certs: [certificate] }), { ...question, trust: [kit.root.certificate] });
    t.is(verdict.status, 'good');
  }
  // What is no element, or no SEQUENCE, is no list of certificates.
  for (const junk of [hex('0500'), hex('30'), hex('3005'), hex('ff')]) refusesAll(t, craft({ certs: [junk] }));
  // A delegate that is not in these encodings is as good as none.
  const delegate = ca.issueResponder({ keyType: 'ec' });
  const flag = Buffer.from(delegate.certificate.raw);
  const at = flag.indexOf(hex('0603551d0f0101ff'));
  flag[at + 7] = 0x01;
  const signed = (certificate: Uint8Array) =>
    craft({
      by: { ...delegate, privateKey: delegate.privateKey, certificate: delegate.certificate } as unknown as TestCa,
      certs: [Buffer.from(certificate)],
    });
  t.is(verifyOcspResponse(signed(delegate.certificate.raw), question).status, 'good');
  const verdict = verifyOcspResponse(signed(flag), question);
  t.deepEqual(
    verdict.refusals.map(({ code }) => code),
    ['SIGNER_NOT_FOUND'],
  );
  t.deepEqual(verdict.encodingNotes, ['unusable-certificate']);
});

test('every way to a verdict says the same, before and after others', async (t) => {
  const odd = craft({ version: VERSION, extensions: [unknownExtension(false)], thisUpdate: stamp(-60, '.5Z') });
  const plain = craft();
  for (const [strict, status] of [
    [false, 'good'],
    [true, null],
  ] as const) {
    const verifier = new Verifier({ strict });
    for (const der of [plain, odd, plain, odd]) {
      const expected = der === plain ? 'good' : status;
      const [many] = await verifier.verifyMany([{ ...question, response: der }]);
      const verdicts = [
        verifier.verify(der, question),
        await verifier.verifyAsync(der, question),
        many!,
        await verifyOcspResponseAsync(der, { ...question, strict }),
      ];
      for (const verdict of verdicts) {
        t.is(verdict.status, expected);
        t.deepEqual(
          verdict.encodingNotes,
          der === odd && !strict ? ['explicit-version', 'explicit-false', 'fraction'] : [],
        );
      }
    }
  }
  refusesType(t, () => new Verifier({ strict: wrong('field') }));
});

test('messages that are loaded so', (t) => {
  const der = craft({ version: VERSION, thisUpdate: '20260101000000.5Z', certs: [sequence()] });
  const response = loadDerOcspResponse(der, { strict: 'field' });
  t.deepEqual(response.thisUpdate, new Date('2026-01-01T00:00:00Z'));
  t.deepEqual(response.publicBytes(), der);
  refuses(t, 'ERR_OCSP_MALFORMED', () => response.certificates);

  const entries = sequence(requestEntry(5n), requestEntry(6n, sequence(unknownExtension(false))));
  const versioned = sequence(sequence(VERSION, entries));
  refuses(t, 'ERR_OCSP_MALFORMED', () => loadDerOcspRequest(versioned));
  const loaded = loadDerOcspRequest(versioned, { strict: 'field' });
  t.deepEqual(
    loaded.requests.map(({ serialNumber }) => serialNumber),
    [5n, 6n],
  );
  t.deepEqual(loaded.publicBytes(), versioned);
  refuses(t, 'ERR_OCSP_MALFORMED', () =>
    loadDerOcspRequest(Buffer.concat([versioned, hex('00')]), { strict: 'field' }),
  );
  refusesType(t, () => loadDerOcspRequest(versioned, { strict: wrong('FIELD') }));
});
