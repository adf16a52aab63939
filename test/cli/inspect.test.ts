import test from 'ava';
import {
  loadDerOcspRequest,
  loadDerOcspResponse,
  OCSPNonce,
  OCSPRequest,
  OCSPRequestBuilder,
  type OCSPResponse,
} from 'openssl-ocsp';
import { createTestCa, TestResponseKit, testErrorResponse } from 'openssl-ocsp/testing';
import { describeRequest, describeResponse, messageJson } from '#dist/cli/describe.js';
import { outlineLines } from '#dist/cli/outline.js';
import { command, commandInside, forEachOf } from '../helpers/command.js';
import { openssl, Scratch, sameOpensslVersion } from '../helpers/openssl-cli.js';

const kit = new TestResponseKit();
const builder = new OCSPRequestBuilder()
  .addCertificate(kit.leaf.certificate, kit.ca.certificate, 'sha256')
  .addExtension(new OCSPNonce(Buffer.alloc(32, 0xab)), false);
const request = builder.build().publicBytes();
const signedRequest = builder.sign(kit.responder.certificate, kit.responder.privateKey, 'sha256').publicBytes();
const response = kit.respond(kit.entry({ status: 'revoked', revocationReason: 1 }));

const pem = (label: string, der: Buffer): string =>
  `Some text before\n-----BEGIN ${label}-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;

test('finds out which message it is, and in which form', async (t) => {
  using scratch = new Scratch();
  const forms = (der: Buffer, label: string) =>
    [
      ['DER', der],
      ['PEM', pem(label, der)],
      ['base64', `\n${der.toString('base64').replace(/.{76}/g, '$&\r\n')}\n`],
    ] as const;
  const cases = [
    ...forms(request, 'OCSP REQUEST').map((item) => ['request', ...item] as const),
    ...forms(response, 'OCSP RESPONSE').map((item) => ['response', ...item] as const),
  ];
  await forEachOf(cases, async ([type, form, content], i) => {
    const octets = (type === 'request' ? request : response).length;
    const piped = await commandInside(['inspect', '--json'], content);
    t.is(piped.status, 0, piped.stderr);
    t.like(JSON.parse(piped.stdout), { type, form, bytes: octets, lenient: false });
    const path = scratch.write(`message-${i}`, content);
    t.is((await commandInside(['inspect', '--json', path])).stdout, piped.stdout);
    const text = await commandInside(['inspect', path]);
    t.true(text.stdout.startsWith(`OCSP ${type}, ${octets} bytes (${form})\n`), text.stdout);
  });
  t.is((await commandInside(['inspect', '--json', '-'], request)).status, 0);
  const behind = await command(['inspect', '--json'], {
    input: kit.ca.certificatePem + pem('OCSP RESPONSE', response),
  });
  t.like(JSON.parse(behind.stdout), { type: 'response', form: 'PEM', bytes: response.length });
});

test('how far a moment is from now is told as Intl tells it in English', (t) => {
  const answer = loadDerOcspResponse(response);
  const produced = answer.producedAt.getTime() / 1000;
  const relative = new Intl.RelativeTimeFormat('en');
  const cases = [
    [0, 0, 'second'],
    [1, 1, 'second'],
    [-1, -1, 'second'],
    [59, 59, 'second'],
    [-60, -1, 'minute'],
    [3599, 59, 'minute'],
    [7200, 2, 'hour'],
    [-86_399, -23, 'hour'],
    [86_400, 1, 'day'],
    [-86_400 * 1234 - 5, -1234, 'day'],
    [86_400 * 1_234_567, 1_234_567, 'day'],
  ] as const;
  for (const [distance, count, unit] of cases) {
    const { rows } = describeResponse(answer, produced - distance);
    const [, text] = rows.find(([label]) => label === 'produced at') ?? [];
    t.true(String(text).endsWith(` (${relative.format(count, unit)})`), `${distance}: ${text}`);
  }
});

test('the text holds every member', async (t) => {
  const { stdout } = await commandInside(['inspect'], response);
  const { certificate } = kit.responder;
  for (const part of [
    'SUCCESSFUL',
    'REVOKED',
    'keyCompromise',
    '1234567890 (hexadecimal)',
    'sha1',
    'ECDSA_WITH_SHA256 (1.2.840.10045.4.3.2)',
    'CN=Test OCSP responder',
    'OCSPSigning',
    certificate.serialNumber,
    certificate.fingerprint256,
    'this command verifies nothing',
  ]) {
    t.true(stdout.includes(part), part);
  }
  const signed = (await commandInside(['inspect'], signedRequest)).stdout;
  for (const part of [
    'requestor          CN=Test OCSP responder',
    'Extension OCSPNonce',
    'ab'.repeat(32),
    'Certificate 1 of 1',
  ]) {
    t.true(signed.includes(part), part);
  }
  const two = kit.respond([kit.entry({ nextUpdate: null }), kit.entry({ hash: 'sha256', status: 'unknown' })], {
    responderId: 'name',
  });
  const entries = (await commandInside(['inspect'], two)).stdout;
  t.regex(entries, /responder {10}CN=Test OCSP responder/);
  t.regex(entries, /Entry 1 of 2\n +status +GOOD[\s\S]*next update +none[\s\S]*Entry 2 of 2\n +status +UNKNOWN/);
});

test('the members of the JSON are these', async (t) => {
  const keysOf = async (input: Buffer): Promise<Record<string, unknown>> =>
    JSON.parse((await commandInside(['inspect', '--json'], input)).stdout) as Record<string, unknown>;
  const head = ['type', 'form', 'bytes', 'lenient'];
  const signature = ['signatureAlgorithmOid', 'signatureHashAlgorithm', 'signature', 'certificates'];
  const certId = ['hashAlgorithm', 'issuerNameHash', 'issuerKeyHash', 'serialNumber'];
  const unsigned = await keysOf(request);
  t.deepEqual(Object.keys(unsigned).sort(), [...head, 'requestorName', 'requests', 'extensions', ...signature].sort());
  t.like(unsigned, { signature: null, signatureAlgorithmOid: null, certificates: [], requestorName: null });
  t.deepEqual(Object.keys((unsigned['requests'] as object[])[0]!), [...certId, 'extensions']);
  const read = await keysOf(response);
  t.deepEqual(
    Object.keys(read).sort(),
    [
      ...head,
      'responseStatus',
      'responderName',
      'responderKeyHash',
      'producedAt',
      'responses',
      'extensions',
      ...signature,
    ].sort(),
  );
  t.deepEqual(Object.keys((read['responses'] as object[])[0]!).sort(), [
    ...['certificateStatus', 'extensions', 'hashAlgorithm', 'issuerKeyHash', 'issuerNameHash', 'nextUpdate'],
    ...['revocationReason', 'revocationTime', 'serialNumber', 'status', 'thisUpdate'],
  ]);
  t.deepEqual(read['certificates'], [
    {
      subject: 'CN=Test OCSP responder',
      issuer: 'CN=Test CA',
      serialNumber: kit.responder.certificate.serialNumber,
      notBefore: new Date(kit.responder.certificate.validFrom).toISOString().replace('.000', ''),
      notAfter: new Date(kit.responder.certificate.validTo).toISOString().replace('.000', ''),
      key: 'ec prime256v1',
      extendedKeyUsage: ['OCSPSigning'],
      sha256: kit.responder.certificate.fingerprint256,
      pem: kit.responder.certificatePem,
    },
  ]);
  const unsuccessful = await keysOf(testErrorResponse(6));
  t.deepEqual(unsuccessful, {
    type: 'response',
    form: 'DER',
    bytes: 5,
    lenient: false,
    responseStatus: 'UNAUTHORIZED',
  });
});

test('an error status is told with what it means', async (t) => {
  const { status, stdout } = await commandInside(['inspect'], testErrorResponse(3));
  t.is(status, 0);
  t.regex(stdout, /TRY_LATER: the responder is overloaded/);
});

test('--text is what openssl prints', async (t) => {
  using scratch = new Scratch();
  const cli = (kind: string, der: Buffer): string =>
    openssl(['ocsp', `-${kind}in`, scratch.write(kind, der), '-text', '-noverify']).stdout;
  for (const [kind, der, title] of [
    ['req', request, 'OCSP Request Data:'],
    ['resp', response, 'OCSP Response Data:'],
  ] as const) {
    const { stdout, status } = await commandInside(['inspect', '--text'], der);
    t.is(status, 0);
    t.true(stdout.startsWith(title));
    // Another version of OpenSSL breaks lines elsewhere.
    if (sameOpensslVersion) {
      t.is(stdout, cli(kind, der));
    }
  }
});

test('--lenient reads what openssl reads', async (t) => {
  const trailing = kit.respond(undefined, { trailing: Buffer.from('0500', 'hex') });
  const strict = await commandInside(['inspect'], trailing);
  t.is(strict.status, 1);
  t.regex(strict.stderr, /--lenient shows how \[ERR_OCSP_MALFORMED\]\n$/);
  const lenient = await commandInside(['inspect', '--lenient', '--json'], trailing);
  t.is(lenient.status, 0, lenient.stderr);
  t.like(JSON.parse(lenient.stdout), { lenient: true, responseStatus: 'SUCCESSFUL' });
  const oddTime = kit.respond(kit.entry({ thisUpdate: '20200101000000.5Z' }));
  t.is((await commandInside(['inspect'], oddTime)).status, 1);
  const shown = await commandInside(['inspect', '--lenient'], oddTime);
  t.is(shown.status, 0);
  t.regex(shown.stdout, /this update +cannot be read: /);
});

test('whatever loads can be shown', (t) => {
  let shown = 0;
  const show = (der: Buffer, name: string): void => {
    for (const strict of [true, false]) {
      for (const load of [loadDerOcspResponse, loadDerOcspRequest]) {
        let message: OCSPRequest | OCSPResponse;
        try {
          message = load(der, { strict });
        } catch {
          continue;
        }
        shown += 1;
        const outline = message instanceof OCSPRequest ? describeRequest(message) : describeResponse(message, 0);
        t.true(outlineLines(outline, (_colour, text) => text).length > 1, name);
        t.notThrows(() => JSON.parse(JSON.stringify(messageJson(message))), name);
      }
    }
  };
  const bad = kit.bad();
  for (const { name, der } of [...bad, ...kit.good()]) show(der, name);
  const extensions = [{ oid: OCSPNonce.oid, value: Buffer.from('0402abcd', 'hex') }];
  const rich = kit.respond(kit.entry({ status: 'revoked', revocationReason: 1 }), { extensions, responderId: 'name' });
  for (const whole of [rich, signedRequest, request]) {
    for (let at = 0; at < whole.length; at += 1) {
      const mutant = Buffer.from(whole);
      mutant[at] = (mutant[at] as number) ^ (1 << (at % 8));
      show(mutant, `byte ${at} changed: ${mutant.toString('hex')}`);
    }
  }
  t.true(shown > bad.length);
});

test('a part of very many lines is shown', (t) => {
  const rows = [['bytes', Buffer.alloc(8 << 20)]] as const;
  t.is(
    outlineLines({ title: 'all', rows: [], parts: [{ title: 'Signature', rows }] }, (_, text) => text).length,
    2 + (1 << 18),
  );
});

test('a bad response is shown or refused in one line', async (t) => {
  const every = kit.bad().filter((_, i) => i % 6 === 0);
  await forEachOf(every, async ({ name, der }) => {
    const { status, stdout, stderr } = await commandInside(['inspect'], der);
    if (status === 0) {
      t.true(stdout.startsWith('OCSP response, '), name);
      t.is(stderr, '', name);
    } else {
      t.is(status, 1, name);
      t.is(stdout, '', name);
      t.regex(stderr, /^openssl-ocsp inspect: .*\[ERR_OCSP_MALFORMED\]\n$/, name);
    }
  });
});

test('what is not a message is called by its name', async (t) => {
  for (const [input, expected] of [
    ['', /standard input holds nothing/],
    ['hello\n', /neither DER nor PEM nor base64/],
    [kit.ca.certificatePem, /holds a certificate, not an OCSP request or response/],
    [kit.ca.certificate.raw, /holds a certificate/],
    [kit.responder.privateKeyPem, /holds a PRIVATE KEY in PEM/],
    ['-----BEGIN OCSP RESPONSE-----\n', /neither DER nor PEM nor base64/],
    ['MAA=', /malformed OCSPRequest/],
  ] as const) {
    const { status, stderr } = await commandInside(['inspect'], input);
    t.is(status, 1);
    t.regex(stderr, expected);
    t.notRegex(stderr, /\n\s+at /);
  }
  t.is((await commandInside(['inspect', '/no/such/file'])).status, 1);
});

test('wrong usage', async (t) => {
  for (const args of [['--json', '--text'], ['a', 'b'], ['--nonsense'], ['--json=yes']]) {
    const { status, stderr } = await commandInside(['inspect', ...args], request);
    t.is(status, 2, args.join(' '));
    t.regex(stderr, /--help shows the usage/);
  }
});

test('colours only where they are asked for', async (t) => {
  const plain = await commandInside(['inspect'], response);
  t.false(plain.stdout.includes('\x1b'));
  const forced = await command(['inspect'], { input: response, env: { FORCE_COLOR: '1', NO_COLOR: '' } });
  t.true(forced.stdout.includes('\x1b[31mREVOKED\x1b[39m'));
  t.true(plain.stdout.includes('REVOKED\n'));
  const off = await command(['inspect'], { input: response, env: { FORCE_COLOR: '0' } });
  t.false(off.stdout.includes('\x1b'));
});

test('names cannot send escape sequences to a terminal', async (t) => {
  const hostile = createTestCa({ subject: 'CN=\x1b]0;title\x07\x9b1m\u202eevil' });
  const der = kit.respond(undefined, { signer: hostile, responderId: 'name' });
  for (const args of [['inspect'], ['inspect', '--json']]) {
    const { stdout, status } = await commandInside(args, der);
    t.is(status, 0);
    if (args.length > 1) {
      const { responderName } = JSON.parse(stdout) as { responderName: string };
      t.true(responderName.includes('\u202eevil'), responderName);
    }
    for (const character of ['\x1b', '\x07', '\x9b', '\u202e']) t.false(stdout.includes(character), args.join(' '));
  }
});
