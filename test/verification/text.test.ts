// toText against the openssl command, byte for byte: every message that was captured, and many that are made.
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { loadDerOcspRequest, loadDerOcspResponse, OCSPNonce, OCSPRequestBuilder } from 'openssl-ocsp';
import { TestResponseKit } from 'openssl-ocsp/testing';
import { withCli, withSameCli } from '../helpers/conditional.js';
import {
  extension,
  hex,
  octets,
  request,
  requestEntry,
  response,
  sequence,
  singleResponse,
  tlv,
} from '../helpers/der.js';
import { openssl, Scratch } from '../helpers/openssl-cli.js';
import { base64Vector, vector } from '../helpers/vectors.js';

/** What the command prints of a message; null when it does not read it. */
function printed(kind: 'request' | 'response', der: Uint8Array): string | null {
  using scratch = new Scratch();
  const file = scratch.write('message.der', der);
  const args =
    kind === 'request' ? ['-reqin', file, '-req_text'] : ['-respin', file, '-resp_text', '-noverify', '-ignore_err'];
  const { stdout } = openssl(['ocsp', ...args]);
  return stdout === '' ? null : stdout;
}

function compare(t: ExecutionContext, kind: 'request' | 'response', name: string, der: Buffer): boolean {
  let text: string;
  try {
    const load = kind === 'request' ? loadDerOcspRequest : loadDerOcspResponse;
    text = load(der, { strict: false }).toText();
  } catch (error) {
    t.is((error as { code?: string }).code, 'ERR_OCSP_MALFORMED', name);
    // What the library cannot read, the command does not print whole.
    return false;
  }
  const expected = printed(kind, der);
  t.not(expected, null, name);
  // Of an unsuccessful response the command says its status on its own account, too.
  const rest = expected?.replace(/^Responder Error: .*\n/, '');
  t.is(rest, text, name);
  return true;
}

const folder = fileURLToPath(new URL('../../../test/vectors/', import.meta.url));
const captured = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll('\\', '/'));

// What lies inside certificates, versions of OpenSSL print differently.
withSameCli('every response that was captured', (t) => {
  let count = 0;
  for (const path of captured) {
    if (/resp.*\.der$/.test(path)) count += Number(compare(t, 'response', path, vector(path)));
    if (path.endsWith('.ors')) count += Number(compare(t, 'response', path, base64Vector(path)));
  }
  t.true(count > 60, `${count}`);
});

withCli('every request that was captured', (t) => {
  let count = 0;
  for (const path of captured) {
    if (/req-.*\.der$/.test(path)) count += Number(compare(t, 'request', path, vector(path)));
  }
  t.true(count > 5, `${count}`);
});

withCli('responses of the test kit', (t) => {
  const kit = new TestResponseKit({ keyType: 'rsa' });
  let count = 0;
  for (const { name, der } of [...kit.good(), ...kit.bad()]) {
    try {
      loadDerOcspResponse(der);
    } catch {
      continue;
    }
    count += Number(compare(t, 'response', name, der));
  }
  t.true(count > 50, `${count}`);
});

const OIDS = {
  nonce: hex('06092b0601050507300102'),
  crlId: hex('06092b0601050507300103'),
  acceptable: hex('06092b0601050507300104'),
  noCheck: hex('06092b0601050507300105'),
  archiveCutoff: hex('06092b0601050507300106'),
  serviceLocator: hex('06092b0601050507300107'),
  reason: hex('0603551d15'),
  invalidityDate: hex('0603551d18'),
  unknown: hex('06032a0304'),
};
const time = tlv(0x18, Buffer.from('20200101000000Z'));
const url = tlv(0x16, Buffer.from('http://crl.example/\u007f\n%00.crl', 'latin1'));
const name = sequence(tlv(0x31, sequence(hex('0603550403'), tlv(0x0c, Buffer.from('Größe 大 \u0001')))));
const values: [string, Buffer][] = [
  ['nonce', octets('\u0000\u00ff text')],
  ['crlId', sequence(tlv(0xa0, url), tlv(0xa1, hex('020405060708')), tlv(0xa2, time))],
  ['crlId', sequence()],
  ['acceptable', sequence(hex('06092b0601050507300101'), hex('06032a0305'))],
  ['noCheck', hex('0500')],
  ['archiveCutoff', time],
  [
    'serviceLocator',
    sequence(name, sequence(sequence(hex('06082b06010505073001'), tlv(0x86, Buffer.from('http://x/'))))),
  ],
  ['reason', hex('0a0105')],
  ['invalidityDate', time],
  ['unknown', Buffer.from('some text, \u0000 and more', 'latin1')],
  ['unknown', hex('ffff')],
  ['crlId', hex('ffff')],
];

withCli('extensions of every kind, critical and not, and values that are something else', (t) => {
  for (const [type, value] of values) {
    for (const critical of [true, false]) {
      const list = sequence(extension(OIDS[type as keyof typeof OIDS], value, critical));
      t.true(compare(t, 'response', type, response([singleResponse({ extensions: list })], { extensions: list })));
      const entries = [requestEntry(5n, list), requestEntry(-255n)];
      const whole = sequence(sequence(sequence(...entries), tlv(0xa2, list)));
      t.true(compare(t, 'request', type, whole));
    }
  }
});

withCli('statuses, reasons, times, names, serial numbers', (t) => {
  for (const status of [
    '8000',
    '8200',
    'a111180f32303230303130313030303030305a',
    'a116180f32303230303130313030303030305aa0030a0101',
  ]) {
    t.true(compare(t, 'response', status, response([singleResponse({ status: hex(status) })])));
  }
  for (const nextUpdate of ['20201231235959Z', '20201231235959.25Z']) {
    t.true(compare(t, 'response', nextUpdate, response([singleResponse({ nextUpdate })])));
  }
  // The command stops in the middle of its text.
  t.false(compare(t, 'response', '30 February', response([singleResponse({ nextUpdate: '20200230000000Z' })])));
  t.true(compare(t, 'response', 'by name', response([singleResponse()], { responderId: tlv(0xa1, name) })));
  t.true(compare(t, 'response', 'no entry', response([])));
  for (const code of [1, 2, 3, 5, 6]) {
    t.true(compare(t, 'response', `status ${code}`, sequence(tlv(0x0a, Buffer.from([code])))));
  }
  for (const serial of [0n, -1n, 1n << 159n, (1n << 200n) - 1n]) {
    t.true(compare(t, 'request', String(serial), request(requestEntry(serial))));
  }
});

withCli('requests that are built', (t) => {
  const { leaf, ca } = new TestResponseKit();
  for (let length = 1; length <= 128; length += 9) {
    const built = new OCSPRequestBuilder()
      .addCertificate(leaf.certificate, ca.certificate, 'sha1')
      .addCertificate(leaf.certificate, ca.certificate, 'sha512')
      .addExtension(new OCSPNonce(Buffer.alloc(length, length)), length % 2 === 0)
      .build();
    t.true(compare(t, 'request', `nonce of ${length}`, built.publicBytes()));
  }
});

test('bytes that are no UTF-8 do not stop the text', (t) => {
  const { leaf, ca } = new TestResponseKit();
  const bytes = tlv(0x30, tlv(0x82, Buffer.from([0x61, 0xff, 0xfe])));
  const kit = new TestResponseKit();
  const { certificate } = ca.issue({ extensions: [{ oid: '2.5.29.17', value: bytes }] });
  const text = loadDerOcspResponse(kit.respond(undefined, { certificates: [certificate, leaf.certificate] })).toText();
  t.true(text.includes('DNS:a'));
  t.true(text.trimEnd().endsWith('-----END CERTIFICATE-----'));
});
