// signerRevocation: 'crl': which lists tell whether a delegate is revoked, whose word they are, and in which order they count.
import { mkdirSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { loadDerOcspResponse, TrustStore, Verifier } from 'openssl-ocsp';
import { createTestCa, type TestCa, TestResponseKit } from 'openssl-ocsp/testing';
import type { TrustInput } from 'openssl-ocsp/x509';
import { revocationListFaults } from '#dist/x509/revocation-list.js';
import { withCli } from '../helpers/conditional.js';
import { type CrlParts, crlEntry, makeCrl, nameOf, reasonCode } from '../helpers/crl.js';
import { extension, hex, integer, sequence, tlv } from '../helpers/der.js';
import { openssl, Scratch } from '../helpers/openssl-cli.js';
import { refuses, wrong } from '../helpers/refusals.js';

const HOUR = 3600 * 1000;
const kit = new TestResponseKit();
const { root, ca, leaf } = kit;
const SERIAL = 77n;
const responder = ca.issueResponder({ ocspNoCheck: false, serialNumber: SERIAL });
const response = kit.respond(undefined, { signer: responder });
const question = { certificate: leaf.certificate, issuer: ca.certificate };
const revoked = crlEntry(SERIAL);
const pem = (der: Buffer) =>
  `-----BEGIN X509 CRL-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END X509 CRL-----\n`;

function judge(crls: readonly (Uint8Array | string)[], more: Exclude<TrustInput, readonly unknown[]> = {}): string {
  const verifier = new Verifier({
    trust: { certificates: [root.certificate], crls, ...more },
    signerRevocation: 'crl',
  });
  const said = (): string => {
    const verdict = verifier.verify(response, question);
    return verdict.status ?? verdict.refusals.map(({ code }) => code).join();
  };
  const first = said();
  return said() === first ? first : 'two answers';
}

const idp = (...elements: Buffer[]): Buffer => extension(hex('0603551d1c'), sequence(...elements), true);
const uri = tlv(0xa0, tlv(0xa0, tlv(0x86, Buffer.from('http://crl.example/1'))));
const otherName = tlv(0xa4, nameOf(createTestCa({ subject: 'CN=Another' })));

/** Lists whose silence says nothing, by what makes them so. */
const PARTIAL: readonly (readonly [name: string, why: RegExp, parts: CrlParts, entries?: readonly Buffer[]])[] = [
  ['a delta list', /delta/, { extensions: [extension(hex('0603551d1b'), integer(1n), true)] }],
  ['a delta list that is not critical', /delta/, { extensions: [extension(hex('0603551d1b'), integer(1n))] }],
  ['one distribution point', /distribution point/, { extensions: [idp(uri)] }],
  ['one distribution point, not critical', /point/, { extensions: [extension(hex('0603551d1c'), sequence(uri))] }],
  ['onlyContainsUserCerts', /users/, { extensions: [idp(hex('8101ff'))] }],
  ['onlyContainsUserCerts FALSE', /users/, { extensions: [idp(hex('810100'))] }],
  ['onlyContainsCACerts', /CAs/, { extensions: [idp(hex('8201ff'))] }],
  ['onlyContainsAttributeCerts', /attribute/, { extensions: [idp(hex('8501ff'))] }],
  ['onlySomeReasons', /reasons/, { extensions: [idp(hex('83020640'))] }],
  ['an indirect list', /other issuers/, { extensions: [idp(hex('8401ff'))] }],
  ['a distribution point of another kind', /cannot be read/, { extensions: [idp(hex('8601ff'))] }],
  [
    'a distribution point that is none',
    /cannot be read/,
    { extensions: [extension(hex('0603551d1c'), hex('0500'), true)] },
  ],
  ['a critical extension', /critical/, { extensions: [extension(hex('06032a0304'), hex('0500'), true)] }],
  ['an extension twice', /twice/, { extensions: [1n, 1n].map((n) => extension(hex('0603551d14'), integer(n))) }],
  ['a key identifier that is none', /key identifier/, { extensions: [extension(hex('0603551d23'), hex('0500'))] }],
  ['removeFromCRL', /removeFromCRL/, {}, [crlEntry(SERIAL, reasonCode(8))]],
  ['removeFromCRL of another', /removeFromCRL/, {}, [crlEntry(5n, reasonCode(8))]],
  ['a critical entry extension', /critical/, {}, [crlEntry(5n, extension(hex('06032a0304'), hex('0500'), true))]],
  ['a reason that is none', /reason/, {}, [crlEntry(5n, extension(hex('0603551d15'), hex('0500')))]],
  ['two reasons', /reason/, {}, [crlEntry(5n, reasonCode(1), reasonCode(4))]],
  [
    'an entry of another issuer',
    /other issuers/,
    {},
    [crlEntry(5n, extension(hex('0603551d1d'), sequence(otherName), true))],
  ],
];

for (const [name, why, parts, entries = []] of PARTIAL) {
  test(`not listed in a list that is not whole: ${name}`, (t) => {
    const list = makeCrl(ca, entries, parts);
    t.is(judge([list]), 'SIGNER_REVOCATION_UNKNOWN');
    const faults = revocationListFaults(list, ca.certificate);
    t.is(faults.mismatch, '');
    t.regex(faults.list + faults.part + faults.entry, why);
    // Neither does it take anything from a whole list that came before or after it.
    const whole = makeCrl(ca, [], { thisUpdate: -2 * HOUR });
    t.is(judge([list, whole]), 'good');
    t.is(judge([makeCrl(ca, entries, { ...parts, thisUpdate: -HOUR }), whole]), 'good');
    // What it lists is revoked, unless it stands behind an entry of another CA.
    const listing = makeCrl(ca, [...entries.filter((entry) => !entry.includes(0x4d)), revoked], {
      ...parts,
      thisUpdate: -HOUR,
    });
    t.is(judge([listing, whole]), name === 'an entry of another issuer' ? 'good' : 'SIGNER_REVOKED');
  });
}

test('an entry names its issuer for itself and those behind it (RFC 5280 section 5.3.3)', (t) => {
  const whole = makeCrl(ca, [], { thisUpdate: -2 * HOUR });
  const naming = (...names: Buffer[]) => extension(hex('0603551d1d'), sequence(...names), true);
  const ownName = tlv(0xa4, nameOf(ca));
  const foreign = crlEntry(5n, naming(otherName));
  const own = crlEntry(6n, naming(ownName));
  const both = crlEntry(7n, naming(tlv(0x82, Buffer.from('ca.example')), otherName, ownName));
  const expected: [entries: Buffer[], says: string][] = [
    [[revoked], 'SIGNER_REVOKED'],
    [[revoked, foreign], 'SIGNER_REVOKED'],
    [[foreign, revoked], 'good'],
    [[foreign, own, revoked], 'SIGNER_REVOKED'],
    [[foreign, both, revoked], 'SIGNER_REVOKED'],
    [[foreign, foreign, own, own, revoked, foreign], 'SIGNER_REVOKED'],
    [[own, foreign, revoked], 'good'],
    [[own, foreign, own, foreign, revoked, own], 'good'],
    [[foreign, crlEntry(SERIAL, naming(ownName))], 'SIGNER_REVOKED'],
    [[foreign, crlEntry(SERIAL, naming(otherName))], 'good'],
    [[crlEntry(5n, naming(hex('a4020500'))), revoked], 'good'],
    [[crlEntry(5n, extension(hex('0603551d1d'), hex('0500'), true)), revoked], 'good'],
  ];
  for (const parts of [{}, { extensions: [idp(hex('8401ff'))] }, { extensions: [idp(hex('840100'))] }])
    for (const [i, [entries, says]] of expected.entries())
      t.is(judge([makeCrl(ca, entries, { ...parts, thisUpdate: -HOUR }), whole]), says, `entries ${i}`);
});

test('extensions that take nothing away', (t) => {
  const harmless = [
    extension(hex('0603551d14'), integer(7n)),
    extension(hex('0603551d2e'), sequence()),
    extension(hex('06032a0304'), hex('0500'), false),
    idp(),
  ];
  const list = makeCrl(ca, [crlEntry(5n, reasonCode(1))], { extensions: harmless });
  t.deepEqual(revocationListFaults(list, ca.certificate), { mismatch: '', list: '', part: '', entry: '' });
  t.is(judge([list]), 'good');
});

test('reasons: all but removeFromCRL revoke, in a delta list, too', (t) => {
  for (const reason of [0, 1, 2, 3, 4, 5, 6, 9, 10]) {
    t.is(judge([makeCrl(ca, [crlEntry(SERIAL, reasonCode(reason))])]), 'SIGNER_REVOKED', `reason ${reason}`);
  }
  // A hold that is taken back elsewhere in the same list is a hold.
  t.is(judge([makeCrl(ca, [crlEntry(SERIAL, reasonCode(8)), crlEntry(SERIAL, reasonCode(6))])]), 'SIGNER_REVOKED');
  const delta = { extensions: [extension(hex('0603551d1b'), integer(1n), true)] };
  const held = makeCrl(ca, [crlEntry(SERIAL, reasonCode(6))], { thisUpdate: -2 * HOUR });
  const released = makeCrl(ca, [crlEntry(SERIAL, reasonCode(8))], { ...delta, thisUpdate: -HOUR });
  t.is(judge([held, released]), 'SIGNER_REVOKED');
});

// Whose word it is.

const names = { subject: `CN=Same name` };
const keyless = createTestCa(names);

test('a list speaks for the CA that it names, whose key signed it, and that may sign lists', (t) => {
  const judgeBy = (authority: TestCa, list: Buffer): string => {
    const signer = authority.issueResponder({ ocspNoCheck: false, serialNumber: SERIAL });
    const der = kit.respond(kit.entry({ issuer: authority.certificate }), { signer });
    const verifier = new Verifier({
      trust: { certificates: [authority.certificate], crls: [list] },
      signerRevocation: 'crl',
    });
    const verdict = verifier.verify(der, {
      certId: loadDerOcspResponse(der).responses[0]!,
      issuer: authority.certificate,
    });
    return verdict.status ?? verdict.refusals.map(({ code }) => code).join();
  };
  const production = createTestCa({ subject: 'CN=Production' });
  const sameKey = createTestCa({ subject: 'CN=Test', privateKey: production.privateKey });
  t.is(judgeBy(production, makeCrl(production, [])), 'good');
  t.is(judgeBy(production, makeCrl(sameKey, [])), 'SIGNER_REVOCATION_UNKNOWN');
  t.is(judgeBy(production, makeCrl(production, [], { corrupt: true })), 'SIGNER_UNTRUSTED');
  t.is(judgeBy(production, makeCrl(production, [], { privateKey: keyless.privateKey })), 'SIGNER_UNTRUSTED');
  const mayNot = createTestCa({
    subject: 'CN=Production',
    privateKey: production.privateKey,
    keyUsage: ['keyCertSign'],
  });
  t.is(judgeBy(mayNot, makeCrl(mayNot, [])), 'SIGNER_UNTRUSTED');
  // The same question of whoever else has a list and a CA.
  const mismatch = (list: Buffer, issuer: TestCa) => revocationListFaults(list, issuer.certificate).mismatch;
  t.is(mismatch(makeCrl(production, []), production), '');
  t.regex(mismatch(makeCrl(sameKey, []), production), /another CA/);
  t.regex(mismatch(makeCrl(production, [], { corrupt: true }), production), /sign/);
  t.regex(mismatch(makeCrl(mayNot, []), mayNot), /key usage/);
  const end = ca.issue({ subject: 'CN=End' });
  t.regex(
    revocationListFaults(
      makeCrl(ca, [], { name: hex('300e310c300a06035504030c03456e64'), privateKey: end.privateKey }),
      end.certificate,
    ).mismatch,
    /not a CA/,
  );
  t.is(revocationListFaults(makeCrl(sameKey, [])).mismatch, '');
  refuses(t, 'ERR_OCSP_MALFORMED', () => revocationListFaults(Buffer.from('junk'), ca.certificate));
  t.throws(() => revocationListFaults(makeCrl(ca, []), wrong(5)), { instanceOf: TypeError });
});

test('the key identifier of a list: that of the CA, or another certificate of the same key', (t) => {
  const keyId = (value: Buffer) => ({ extensions: [extension(hex('0603551d23'), sequence(value))] });
  const own = Buffer.from(
    ca.certificate.raw.subarray(ca.certificate.raw.indexOf(hex('0603551d0e')) + 9).subarray(0, 20),
  );
  t.is(judge([makeCrl(ca, [], keyId(tlv(0x80, own)))]), 'good');
  t.is(judge([makeCrl(ca, [], keyId(tlv(0x80, Buffer.alloc(20))))]), 'SIGNER_REVOCATION_UNKNOWN');
  t.is(
    judge([makeCrl(ca, [], keyId(Buffer.concat([tlv(0xa1, tlv(0xa4, nameOf(root))), tlv(0x82, hex('05'))])))]),
    'good',
  );
});

// In which order.

test('the latest whole list counts, wherever it stands', (t) => {
  const at = (hours: number, entries: Buffer[], more: CrlParts = {}) =>
    makeCrl(ca, entries, { thisUpdate: -hours * HOUR, ...more });
  const lists: [Buffer[], string][] = [
    [[at(2, [revoked]), at(1, [])], 'good'],
    [[at(2, []), at(1, [revoked])], 'SIGNER_REVOKED'],
    [[at(1, []), at(1, [revoked])], 'SIGNER_REVOKED'],
    [[at(3, [revoked]), at(2, []), at(1, [], { nextUpdate: -HOUR / 2 })], 'good'],
    // Its word that a certificate is revoked does not expire, unless a later list knows better.
    [[at(2, []), at(1, [revoked], { nextUpdate: -HOUR / 2 })], 'SIGNER_REVOKED'],
    [[at(2, [revoked], { nextUpdate: -HOUR / 2 }), at(1, [])], 'good'],
    [[at(2, []), at(1, [revoked], { nextUpdate: -HOUR / 2, corrupt: true })], 'good'],
    [[at(2, []), at(1, [revoked], { nextUpdate: -HOUR / 2, privateKey: keyless.privateKey })], 'good'],
    [[at(1, [], { nextUpdate: -HOUR / 2 })], 'SIGNER_REVOCATION_UNKNOWN'],
    [[at(2, []), at(-1, [revoked])], 'good'],
    [[at(2, []), at(1, [], { corrupt: true })], 'SIGNER_UNTRUSTED'],
    [[at(2, [], { corrupt: true }), at(1, [])], 'good'],
    [[at(2, [], { nextUpdate: null })], 'good'],
    [[], 'SIGNER_REVOCATION_UNKNOWN'],
  ];
  for (const [index, [crls, expected]] of lists.entries()) {
    t.is(judge(crls), expected, `lists ${index}`);
    t.is(judge(crls.toReversed?.() ?? [...crls].reverse()), expected, `lists ${index}, the other way round`);
  }
});

test('the last second of a list', (t) => {
  const moment = Math.floor(Date.now() / 1000) * 1000;
  const list = makeCrl(ca, [], { thisUpdate: moment - Date.now() - HOUR, nextUpdate: moment - Date.now() + 500 });
  const verifier = new Verifier({ trust: { certificates: [root.certificate], crls: [list] }, signerRevocation: 'crl' });
  const say = (at: number) => verifier.verify(response, { ...question, at: new Date(at) }).refusals[0]?.code ?? 'good';
  const ends = [-1000, 0, 1000, 2000].map((offset) => say(moment + offset));
  t.deepEqual([...new Set(ends)], ['good', 'SIGNER_REVOCATION_UNKNOWN']);
});

// Where lists come from.

test('every list of a PEM text or file is taken', (t) => {
  using scratch = new Scratch();
  const older = makeCrl(ca, [], { thisUpdate: -2 * HOUR });
  const newer = makeCrl(ca, [revoked], { thisUpdate: -HOUR });
  const both = pem(older) + root.certificatePem + pem(newer);
  const file = scratch.write('both.pem', both);
  t.is(judge([both]), 'SIGNER_REVOKED');
  t.is(judge([Buffer.from(both)]), 'SIGNER_REVOKED');
  t.is(judge([], { caFile: file }), 'SIGNER_REVOKED');
  t.is(judge([newer], { caFile: scratch.write('older.pem', pem(older)) }), 'SIGNER_REVOKED');
  const damaged = both.replace(/-----END X509 CRL-----\n$/, '');
  refuses(t, 'ERR_OCSP_MALFORMED', () => judge([damaged]));
  // What OpenSSL would pass over.
  for (const text of [
    pem(newer).slice(3) + pem(older),
    pem(newer).slice(60) + pem(older),
    pem(older) + pem(newer).replaceAll('X509 CRL', 'CRL'),
    pem(older) + pem(newer).replaceAll('BEGIN X509', 'Begin X509'),
  ]) {
    for (const list of [text, Buffer.from(text)]) refuses(t, 'ERR_OCSP_MALFORMED', () => judge([list]));
  }
  refuses(t, 'ERR_OCSP_MALFORMED', () => judge([pem(older) + pem(newer.subarray(0, 50))]));
  refuses(t, 'ERR_OCSP_MALFORMED', () => judge([root.certificatePem]));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => judge([], { caFile: scratch.write('damaged.pem', damaged) }));
});

withCli('lists of a folder count as others do', (t) => {
  using scratch = new Scratch();
  const folder = scratch.path('lists');
  mkdirSync(folder);
  const older = makeCrl(ca, [], { thisUpdate: -2 * HOUR });
  const hash = openssl(['crl', '-in', scratch.write('list.pem', pem(older)), '-noout', '-hash']).stdout.trim();
  const put = (number: number, list: Buffer) => scratch.write(`lists/${hash}.r${number}`, pem(list));
  put(0, older);
  t.is(judge([], { caPath: folder }), 'good');
  put(1, makeCrl(ca, [revoked], { thisUpdate: -HOUR }));
  t.is(judge([], { caPath: folder }), 'SIGNER_REVOKED');
  put(1, makeCrl(ca, [crlEntry(SERIAL, reasonCode(8))], { thisUpdate: -HOUR / 2 }));
  t.is(judge([], { caPath: folder }), 'good');
});

withCli("OpenSSL's own check does not get to see removeFromCRL in lists of a folder or store either", (t) => {
  using scratch = new Scratch();
  const folder = scratch.path('lists');
  mkdirSync(folder);
  const removed = pem(makeCrl(ca, [crlEntry(SERIAL, reasonCode(8))], { thisUpdate: -HOUR }));
  const whole = pem(makeCrl(ca, [], { thisUpdate: -2 * HOUR }));
  const hash = openssl(['crl', '-in', scratch.write('list.pem', removed), '-noout', '-hash']).stdout.trim();
  const say = (more: object): string => {
    const trust = { certificates: [root.certificate], ...more };
    const verifier = new Verifier({ trust, pathFlags: ['crlCheck'] });
    const answers = [0, 1].map(() => {
      const { status, refusals } = verifier.verify(response, question);
      return status ?? refusals.map(({ code }) => code).join();
    });
    return [...new Set(answers)].join(' and ');
  };
  const sources = (list: string) => [
    { caStore: scratch.write('list.pem', list) },
    { caFile: scratch.write('file.pem', list) },
  ];
  scratch.write(`lists/${hash}.r0`, removed);
  for (const source of [{ caPath: folder }, ...sources(removed)])
    t.is(say(source), 'SIGNER_REVOCATION_UNKNOWN', Object.keys(source)[0]);
  scratch.write(`lists/${hash}.r1`, whole);
  for (const source of [{ caPath: folder }, ...sources(removed + whole)])
    t.is(say(source), 'good', Object.keys(source)[0]);
});

// Serial numbers.

test('a serial number is found exactly when it is listed', (t) => {
  const serials = fc.uniqueArray(fc.bigInt({ min: -(1n << 159n), max: 1n << 159n }), { maxLength: 40 });
  const near = fc.constantFrom(
    SERIAL + (1n << 64n),
    SERIAL + (1n << 72n),
    SERIAL + 256n,
    SERIAL - 256n,
    -SERIAL,
    0n,
    SERIAL,
  );
  fc.assert(
    fc.property(serials, fc.array(near, { maxLength: 3 }), (random, others) => {
      const listed = [...random, ...others];
      const expected = listed.includes(SERIAL) ? 'SIGNER_REVOKED' : 'good';
      t.is(
        judge([
          makeCrl(
            ca,
            listed.map((serial) => crlEntry(serial)),
          ),
        ]),
        expected,
      );
    }),
    { numRuns: 60 },
  );
});

test('more extensions than any list has, all of them different, are an error', (t) => {
  const list = (count: number) =>
    makeCrl(ca, [], {
      extensions: Array.from({ length: count }, (_, i) => extension(tlv(0x06, Buffer.of(0x2a, i)), hex('0500'))),
    });
  t.is(judge([list(64)]), 'good');
  refuses(t, 'ERR_OCSP_MALFORMED', () => judge([list(65)]));
});

test('hostile lists: an error or a refusal, and nothing else', (t) => {
  const list = makeCrl(ca, [revoked, crlEntry(5n, reasonCode(8))], { extensions: [idp(uri, hex('83020640'))] });
  const outcome = (bytes: Buffer): string => {
    try {
      return judge([bytes]);
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  const expected = ['ERR_OCSP_MALFORMED', 'SIGNER_UNTRUSTED', 'SIGNER_REVOCATION_UNKNOWN', 'SIGNER_REVOKED'];
  for (let i = 0; i < list.length; i += 1) {
    const bytes = Buffer.from(list);
    bytes[i]! ^= 1 << (i % 8);
    const said = outcome(bytes);
    t.true(expected.includes(said), `byte ${i}: ${said}`);
    t.is(outcome(list.subarray(0, i)), 'ERR_OCSP_MALFORMED');
  }
});

function same(t: ExecutionContext, crls: Buffer[], flags: readonly 'crlCheck'[]): void {
  const verdict = new Verifier({ trust: { certificates: [root.certificate], crls }, pathFlags: flags }).verify(
    response,
    question,
  );
  t.is(String(verdict.status ?? verdict.refusals[0]?.code), judge(crls));
}

test("OpenSSL's own check of lists agrees where lists are whole", (t) => {
  for (const crls of [
    [makeCrl(ca, [])],
    [makeCrl(ca, [revoked])],
    [makeCrl(ca, [], { corrupt: true })],
    [makeCrl(root, [])],
    [],
  ]) {
    same(t, crls, ['crlCheck']);
  }
  // It takes removeFromCRL for "not revoked", so it does not get to see such a list.
  same(t, [makeCrl(ca, [crlEntry(SERIAL, reasonCode(8))])], ['crlCheck']);
});

test('V8 is told what a store holds outside its heap', (t) => {
  const entries = Array.from({ length: 20_000 }, (_, i) => crlEntry(BigInt(i) + 1_000_000n));
  const list = makeCrl(ca, entries);
  const before = process.memoryUsage().external;
  const stores = Array.from({ length: 8 }, () => new TrustStore({ certificates: [root.certificate], crls: [list] }));
  const growth = process.memoryUsage().external - before;
  t.true(growth > stores.length * list.length, `${growth} octets for ${stores.length} lists of ${list.length}`);
});
