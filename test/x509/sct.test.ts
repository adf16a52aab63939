import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import { HashAlgorithm } from '#dist/x509/algorithms.js';
import { encodeOctetString } from '#dist/x509/der.js';
import {
  CtSignatureAlgorithm,
  CtVersion,
  LogEntryType,
  SignedCertificateTimestamp,
  SignedCertificateTimestamps,
} from '#dist/x509/sct.js';
import { hex } from '../helpers/der.js';
import { invalid, malformed, wrong, wrongType } from '../helpers/refusals.js';

const opaque = (content: Buffer): Buffer => {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(content.length);
  return Buffer.concat([length, content]);
};
const sct = (
  parts: { version?: string; timestamp?: string; extensions?: string; algorithm?: string; tail?: string } = {},
): Buffer =>
  hex(
    `${parts.version ?? '00'}${'4c'.repeat(32)}${parts.timestamp ?? '00000174876e807b'}${parts.extensions ?? '00024545'}${parts.algorithm ?? '0403'}0003534947${parts.tail ?? ''}`,
  );
const list = (...scts: Buffer[]): Buffer => encodeOctetString(opaque(Buffer.concat(scts.map(opaque))));
const read = (...scts: Buffer[]): SignedCertificateTimestamps => SignedCertificateTimestamps.fromDer(list(...scts));

test('all fields', (t) => {
  const scts = read(sct(), sct({ extensions: '0000', algorithm: '0101' }));
  t.is(scts.length, 2);
  t.deepEqual([...scts], [...scts.scts]);
  const [first, second] = scts;
  t.is(first?.version, CtVersion.v1);
  t.deepEqual(first?.logId, Buffer.alloc(32, 0x4c));
  t.is(first?.timestamp.toISOString(), '2020-09-13T12:26:40.123Z');
  t.is(first?.entryType, LogEntryType.X509_CERTIFICATE);
  t.is(first?.signatureHashAlgorithm, HashAlgorithm.SHA256);
  t.is(first?.signatureAlgorithm, CtSignatureAlgorithm.ECDSA);
  t.is(first?.signature.toString(), 'SIG');
  t.is(first?.extensionBytes.toString(), 'EE');
  t.deepEqual(first?.publicBytes(), sct());
  t.is(second?.signatureHashAlgorithm, HashAlgorithm.MD5);
  t.is(second?.signatureAlgorithm, CtSignatureAlgorithm.RSA);
  t.is(second?.extensionBytes.length, 0);
  t.deepEqual(JSON.parse(JSON.stringify(first)), {
    version: 'v1',
    logId: '4c'.repeat(32),
    timestamp: '2020-09-13T12:26:40.123Z',
    entryType: 'X509_CERTIFICATE',
    signatureHashAlgorithm: 'sha256',
    signatureAlgorithm: 'ECDSA',
    signature: '534947',
    extensionBytes: '4545',
  });
  t.regex(
    inspect(scts, { depth: 4 }),
    /^SignedCertificateTimestamps \{\s+scts: \[\s+\{\s+version: 'v1',\s+logId: '4c4c/,
  );
  t.regex(inspect([[[scts]]]), /\[SignedCertificateTimestamps\]/);
});

test('hash and signature numbers', (t) => {
  const hashes = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'];
  for (const [index, hash] of hashes.entries()) {
    t.is(read(sct({ algorithm: `0${index + 1}02` })).scts[0]?.signatureHashAlgorithm as string, hash);
  }
  t.is(read(sct({ algorithm: '0402' })).scts[0]?.signatureAlgorithm, CtSignatureAlgorithm.DSA);
});

test('the list of a real response is written as it was read', (t) => {
  const der = readFileSync(
    new URL('../../../test/vectors/reference/x509/ocsp/resp-sct-extension.der', import.meta.url),
  );
  // The extnValue: OID, then OCTET STRING 81 len, then the value itself.
  const oid = hex('060a2b06010401d679020405');
  const at = der.indexOf(oid) + oid.length;
  t.is(der.readUInt16BE(at), 0x0482);
  const value = der.subarray(at + 4, at + 4 + der.readUInt16BE(at + 2));
  t.is(value.length, 490);
  const scts = SignedCertificateTimestamps.fromDer(value);
  t.is(scts.length, 4);
  t.deepEqual(scts.publicBytes(), Buffer.from(value));
  t.deepEqual(
    scts.scts.map(({ logId }) => logId.toString('base64').slice(0, 4)),
    ['RJRl', 'b1N2', 'u9nf', '7ku9'],
  );
  t.true(scts.equals(SignedCertificateTimestamps.fromDer(value)));
});

test('the empty list', (t) => {
  const empty = new SignedCertificateTimestamps([]);
  t.is(empty.publicBytes().toString('hex'), '04020000');
  t.true(SignedCertificateTimestamps.fromDer(hex('04020000')).equals(empty));
  t.is(empty.oid, '1.3.6.1.4.1.11129.2.4.5');
});

test('equality is over the bytes', (t) => {
  const one = read(sct());
  t.true(one.equals(read(sct())));
  t.true(one.scts[0]?.equals(read(sct(), sct()).scts[1]));
  t.false(one.equals(read(sct({ extensions: '0000' }))));
  t.false(one.equals(read(sct(), sct())));
  t.false(one.equals({}));
  t.false(one.scts[0]?.equals(sct()));
});

test('refuses lengths that do not add up', (t) => {
  const whole = list(sct());
  t.throws(() => SignedCertificateTimestamps.fromDer(whole.subarray(0, -1)), malformed);
  t.throws(() => SignedCertificateTimestamps.fromDer(Buffer.concat([whole, hex('00')])), malformed);
  for (const bad of [
    '',
    '0400',
    '040100',
    '0403000000',
    '04050005616263',
    '040400020001',
    '0403000100',
    '040400020000',
  ]) {
    t.throws(() => SignedCertificateTimestamps.fromDer(hex(bad)), malformed, bad);
  }
  const long = { ...malformed, message: /invalid SCT length/ };
  t.throws(() => read(sct({ tail: '00' })), long);
  t.throws(() => read(sct().subarray(0, -1)), long);
  t.throws(() => read(sct({ extensions: 'ffff' })), long);
  t.throws(() => SignedCertificateTimestamps.fromDer(hex('3000')), malformed);
  t.throws(() => SignedCertificateTimestamps.fromDer(wrong('04020000')), wrongType);
});

test('refuses unknown versions, algorithms and times', (t) => {
  t.throws(() => read(sct({ version: '01' })), { ...malformed, message: /invalid SCT version: 1/ });
  for (const algorithm of ['0003', '0703', 'ff03', '0400', '0404', '04ff']) {
    t.throws(() => read(sct({ algorithm })), { ...malformed, message: /unsupported (hash|signature) algorithm/ });
  }
  for (const timestamp of ['ffffffffffffffff', '0000e677d21fdc00']) {
    t.throws(() => read(sct({ timestamp })), malformed, timestamp);
  }
  t.is(read(sct({ timestamp: '0000e677d21fdbff' })).scts[0]?.timestamp.toISOString(), '9999-12-31T23:59:59.999Z');
});

test('a list over 65535 bytes cannot be written', (t) => {
  const [one] = read(sct());
  // Each takes 52 bytes and two for its length.
  t.is(new SignedCertificateTimestamps(new Array(1213).fill(one)).publicBytes().length, 65_502 + 6);
  const scts = new SignedCertificateTimestamps(new Array(1214).fill(one));
  t.is(scts.length, 1214);
  t.throws(() => scts.publicBytes(), invalid);
  t.true(scts.equals(new SignedCertificateTimestamps(scts)));
});

test('an SCT cannot be made, only read; the list takes nothing else', (t) => {
  const make = SignedCertificateTimestamp as unknown as new (...args: unknown[]) => unknown;
  t.throws(() => new make(), { instanceOf: TypeError, code: 'ERR_ILLEGAL_CONSTRUCTOR' });
  t.throws(() => new make(Symbol('SignedCertificateTimestamp'), sct(), 0), { instanceOf: TypeError });
  for (const bad of [undefined, null, 1, [{}], 'x'])
    t.throws(() => new SignedCertificateTimestamps(wrong(bad)), wrongType);
});

test('bytes and dates are copies', (t) => {
  const [one] = read(sct());
  one?.logId.fill(0);
  one?.signature.fill(0);
  one?.publicBytes().fill(0);
  one?.timestamp.setTime(0);
  t.deepEqual(one?.publicBytes(), sct());
  t.deepEqual(one?.logId, Buffer.alloc(32, 0x4c));
  t.is(one?.timestamp.getUTCFullYear(), 2020);
});

test('random bytes give a list that is written as it was read, or a refusal', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      try {
        return SignedCertificateTimestamps.fromDer(bytes).publicBytes().equals(bytes);
      } catch (error) {
        return (error as { code?: string }).code === 'ERR_OCSP_MALFORMED';
      }
    }),
  );
  t.pass();
});
