import test from 'ava';
import fc from 'fast-check';
import { loadDerOcspRequest, loadDerOcspResponse, OCSPError } from 'openssl-ocsp';
import { withSameCli } from '../helpers/conditional.js';
import * as der from '../helpers/der.js';
import { openssl } from '../helpers/openssl-cli.js';
import type { RecordedCase } from '../helpers/recorded.js';
import { referenceOcsp, vectorJson } from '../helpers/vectors.js';

// `strict: false` accepts what OpenSSL's own parser accepts. The openssl command is the oracle, if it is of the same version
// as Node's OpenSSL: later ones refuse, for example, times that are too short. Skipped otherwise.

type Kind = 'request' | 'response';

function cliAccepts(kind: Kind, bytes: Uint8Array): boolean {
  const args = kind === 'request' ? ['-reqin', '-', '-req_text'] : ['-respin', '-', '-noverify'];
  const { stderr } = openssl(['ocsp', ...args], bytes);
  return !/Error reading OCSP re|Error parsing response/.test(stderr);
}

function weAccept(kind: Kind, bytes: Uint8Array): boolean {
  try {
    (kind === 'request' ? loadDerOcspRequest : loadDerOcspResponse)(bytes, { strict: false });
    return true;
  } catch (error) {
    if (error instanceof OCSPError && error.code === 'ERR_OCSP_MALFORMED') return false;
    throw error;
  }
}

withSameCli('the hand-made cases', (t) => {
  for (const { kind, name, der_hex } of vectorJson<{ cases: RecordedCase[] }>('reference/cases.json').cases) {
    const bytes = Buffer.from(der_hex, 'hex');
    t.is(weAccept(kind, bytes), cliAccepts(kind, bytes), `${kind}/${name}`);
  }
});

const originals: [Kind, Buffer][] = [
  ['request', referenceOcsp('req-sha1')],
  ['request', referenceOcsp('req-ext-nonce')],
  ['request', referenceOcsp('req-multi-sha1')],
  ['response', referenceOcsp('resp-sha256')],
  ['response', referenceOcsp('resp-revoked-reason')],
  ['response', referenceOcsp('resp-sct-extension')],
  ['response', referenceOcsp('resp-unauthorized')],
];

/** Where the tags and lengths are: a change there is a change of structure. */
function headers(bytes: Buffer): number[] {
  const found: number[] = [];
  const walk = (from: number, to: number): void => {
    for (let at = from; at + 2 <= to; ) {
      const tag = bytes[at]!;
      const first = bytes[at + 1]!;
      const octets = first & 0x80 ? first & 0x7f : 0;
      const length = octets ? bytes.readUIntBE(at + 2, octets) : first;
      const content = at + 2 + octets;
      for (let i = at; i < content; i += 1) found.push(i);
      if (tag & 0x20) walk(content, content + length);
      at = content + length;
    }
  };
  walk(0, bytes.length);
  return found;
}

const mutated = fc.constantFrom(...originals).chain(([kind, bytes]) => {
  const header = headers(bytes);
  const position = fc.oneof(fc.constantFrom(...header), fc.nat(bytes.length - 1));
  const value = fc.oneof(fc.nat(255), fc.constantFrom(0, 0x80, 0x30, 0x02, 0x05, 0xff));
  const change = fc.oneof(
    fc.tuple(fc.constant('set'), position, value),
    fc.tuple(fc.constant('insert'), position, value),
    fc.tuple(fc.constant('remove'), position, value),
    fc.tuple(fc.constant('append'), fc.constant(0), value),
  );
  return fc.array(change, { minLength: 1, maxLength: 2 }).map((changes) => {
    let copy = Buffer.from(bytes);
    for (const [what, at, octet] of changes) {
      if (what === 'set') copy[Math.min(at, copy.length - 1)] = octet;
      else if (what === 'append') copy = Buffer.concat([copy, Buffer.from([octet])]);
      else {
        const insert = what === 'insert' ? Buffer.from([octet]) : Buffer.alloc(0);
        copy = Buffer.concat([copy.subarray(0, at), insert, copy.subarray(what === 'insert' ? at : at + 1)]);
      }
    }
    return { kind, bytes: copy };
  });
});

withSameCli('mutated real messages', (t) => {
  t.timeout(120_000);
  let accepted = 0;
  fc.assert(
    fc.property(mutated, ({ kind, bytes }) => {
      const verdict = cliAccepts(kind, bytes);
      if (verdict) accepted += 1;
      if (weAccept(kind, bytes) !== verdict) {
        throw new Error(`OpenSSL ${verdict ? 'accepts' : 'refuses'} ${kind} ${bytes.toString('hex')}`);
      }
    }),
    { numRuns: 600 },
  );
  t.true(accepted > 60, `accepted: ${accepted}`);
});

withSameCli('BER: indefinite and long lengths, explicit defaults, trailing bytes', (t) => {
  const entry = der.requestEntry();
  const list = der.sequence(entry);
  const forms: [Kind, Buffer][] = [
    ['request', Buffer.concat([der.hex('3080'), der.sequence(list), der.hex('0000')])],
    ['request', Buffer.concat([der.hex('308200'), Buffer.from([der.sequence(list).length]), der.sequence(list)])],
    ['request', der.sequence(der.sequence(der.hex('a003020100'), list))],
    ['request', der.sequence(der.sequence(der.hex('a003020107'), list))],
    ['request', Buffer.concat([der.request(entry), der.hex('deadbeef')])],
    ['request', der.request()],
    [
      'request',
      der.sequence(
        der.sequence(list, der.tlv(0xa2, der.sequence(der.extension(der.hex('06022a03'), der.hex('0500'), false)))),
      ),
    ],
    ['response', der.hex('30030a0104')],
    ['response', der.hex('30030a01ff')],
    ['response', der.hex('30030a0100')],
    ['response', der.response([der.singleResponse({ thisUpdate: '20200101000000.5Z' })])],
    ['response', der.response([der.singleResponse({ thisUpdate: '202001010000+0100' })])],
    ['response', der.response([der.singleResponse({ thisUpdate: 'not a time' })])],
    ['response', der.response([])],
    ['response', der.wrapBasic(Buffer.from('junk'))],
    ['response', der.wrapBasic(Buffer.from('junk'), 6)],
  ];
  for (const [kind, bytes] of forms) t.is(weAccept(kind, bytes), cliAccepts(kind, bytes), bytes.toString('hex'));
});

test('lenient: a malformed time throws when it is read', (t) => {
  const bytes = der.response([der.singleResponse({ thisUpdate: '20200101000000.5Z', nextUpdate: '20200101000000Z' })]);
  const response = loadDerOcspResponse(bytes, { strict: false });
  t.throws(() => response.thisUpdate, { instanceOf: OCSPError, code: 'ERR_OCSP_MALFORMED' });
  t.is(response.nextUpdate?.toISOString(), '2020-01-01T00:00:00.000Z');
  t.throws(() => loadDerOcspResponse(bytes), { instanceOf: OCSPError, code: 'ERR_OCSP_MALFORMED' });
});
