import test from 'ava';
import fc from 'fast-check';
import { readTarget } from '#dist/responder/request-target.js';

const DER = Buffer.from('304200ff3ffbeffebf', 'hex');
/** A "request" whose base64 has both `+` and `/`, two slashes side by side, and padding. */
const whole = ((): Buffer => {
  const content = Buffer.concat([DER.subarray(2), Buffer.from('ffffffffffffbefbef', 'hex'), Buffer.alloc(13, 0xfb)]);
  return Buffer.concat([Buffer.from([0x30, content.length]), content]);
})();
const base64 = whole.toString('base64');
const encoded = encodeURIComponent(base64);

const read = (target: string, basePaths: readonly string[] = []) => readTarget(target, basePaths, 10_000);

test('the sample has what makes trouble', (t) => {
  t.regex(base64, /\+/);
  t.regex(base64, /\/\//);
  t.regex(base64, /=$/);
});

const SAME: readonly [name: string, target: string, basePaths?: readonly string[]][] = [
  ['percent-encoded', `/${encoded}`],
  [
    'percent-encoded in lower case',
    `/${encoded.toLowerCase() === encoded ? encoded : encoded.replace(/%../g, (x) => x.toLowerCase())}`,
  ],
  ['as it is', `/${base64}`],
  ['only + encoded', `/${base64.replaceAll('+', '%2B')}`],
  ['only / encoded', `/${base64.replaceAll('/', '%2F')}`],
  ['without padding', `/${base64.replace(/=+$/, '')}`],
  ['encoded, without padding', `/${encoded.replace(/(%3D)+$/, '')}`],
  ['base64url', `/${whole.toString('base64url')}`],
  ['a slash before', `//${encoded}`],
  ['many slashes before', `/////${base64}`],
  ['an encoded slash before', `/%2F${encoded}`],
  ['a slash behind', `/${encoded}/`],
  ['a slash behind the unencoded', `/${base64}/`],
  ['a slash behind, without padding', `/${base64.replace(/=+$/, '')}/`],
  ['a query behind', `/${encoded}?x=1`],
  ['an empty query behind', `/${encoded}?`],
  ['a fragment behind', `/${encoded}#top`],
  ['absolute form', `http://ocsp.example/${encoded}`],
  ['absolute form with port', `http://ocsp.example:8080//${encoded}`],
  ['encoded twice', `/${encodeURIComponent(encoded)}`],
  ['spaces for +', `/${base64.replaceAll('+', '%20')}`],
  ['line ends inside', `/${base64.slice(0, 8)}%0D%0A${base64.slice(8)}`],
  ['a base path', `/ocsp/${encoded}`, ['/ocsp']],
  ['a base path and two slashes', `/ocsp//${base64}`, ['/ocsp']],
  ['the longer base path', `/ocsp/ca1/${encoded}`, ['/ocsp/ca1', '/ocsp']],
  ['a base path that is not there', `/${encoded}`, ['/ocsp']],
  ['every letter encoded', `/${[...base64].map((c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')}`],
];

for (const [name, target, basePaths] of SAME)
  test(`GET ${name}`, (t) => {
    const content = read(target, basePaths);
    t.is(content.kind, 'request');
    if (content.kind === 'request') t.deepEqual(content.der, whole);
  });

const OTHERS: readonly [
  name: string,
  target: string,
  kind: 'empty' | 'malformed' | 'merged' | 'too-long',
  basePaths?: readonly string[],
][] = [
  ['nothing', '/', 'empty'],
  ['no path at all', '', 'empty'],
  ['slashes', '///', 'empty'],
  ['nothing but a query', '/?x', 'empty'],
  ['the base path', '/ocsp', 'empty', ['/ocsp']],
  ['the base path and a slash', '/ocsp/', 'empty', ['/ocsp']],
  ['merged slashes', `/${base64.replaceAll('//', '/')}`, 'merged'],
  ['cut short', `/${Buffer.from(whole.subarray(0, 12)).toString('base64url').replace(/[-_]/g, 'A')}`, 'malformed'],
  ['more behind', `/${base64.replace(/=+$/, '')}AAAA`, 'malformed'],
  ['a star', '*', 'malformed'],
  ['dots', '/../../etc/passwd', 'malformed'],
  ['a lone %', `/${encoded}%`, 'malformed'],
  ['% before what is no digit', `/%zz${encoded}`, 'malformed'],
  ['letters that are no base64', `/${base64.slice(0, 20)}!${base64.slice(21)}`, 'malformed'],
  ['padding inside', `/${base64.slice(0, 20)}=${base64.slice(21)}`, 'malformed'],
  ['beyond Latin', '/Ж', 'malformed'],
  ['no SEQUENCE', `/${Buffer.from('0400', 'hex').toString('base64')}`, 'malformed'],
  ['indefinite length', `/${Buffer.from('30800000', 'hex').toString('base64')}`, 'malformed'],
  ['a length of five bytes', `/${Buffer.from('30850000000001aa', 'hex').toString('base64')}`, 'malformed'],
  ['gigabytes announced', `/${Buffer.from('30847fffffff00', 'hex').toString('base64')}`, 'too-long'],
  ['too long', `/${'M'.repeat(80_000)}`, 'too-long'],
];

for (const [name, target, kind, basePaths] of OTHERS)
  test(`GET ${name}: ${kind}`, (t) => {
    t.is(read(target, basePaths).kind, kind);
  });

test('any request, in any of the spellings', (t) => {
  const spelling = fc.constantFrom<(text: string) => string>(
    (text) => text,
    encodeURIComponent,
    (text) => text.replace(/=+$/, ''),
    (text) => `${text}/`,
    (text) => text.replaceAll('+', '-').replaceAll('/', '_'),
    (text) => encodeURIComponent(encodeURIComponent(text)),
  );
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      spelling,
      fc.integer({ min: 1, max: 3 }),
      (content, spell, slashes) => {
        const { length } = content;
        const header =
          length < 0x80
            ? [0x30, length]
            : length < 0x100
              ? [0x30, 0x81, length]
              : [0x30, 0x82, length >> 8, length & 0xff];
        const der = Buffer.from([...header, ...content]);
        const found = read(`${'/'.repeat(slashes)}${spell(der.toString('base64'))}`);
        return found.kind === 'request' && found.der.equals(der);
      },
    ),
    { numRuns: 500 },
  );
  t.pass();
});

test('whatever the target, nothing is thrown', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      read(text);
      read(`/${text}`, ['/ocsp']);
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('time grows with the length of a target, not with its square', (t) => {
  const slashes = '/'.repeat(2 ** 20);
  t.is(readTarget(`/M${slashes}!`, [], 2 ** 20).kind, 'malformed');
  // A header that announces more than there is.
  t.is(readTarget(`/MIMPAAA${slashes}A`, [], 2 ** 20).kind, 'merged');
  t.is(readTarget(`/MIMPAAA${'='.repeat(2 ** 20)}/`, [], 2 ** 20).kind, 'malformed');
});
