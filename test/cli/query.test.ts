import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { HashAlgorithm, loadDerOcspRequest, OCSPNonce } from 'openssl-ocsp';
import { TestResponseKit, testErrorResponse } from 'openssl-ocsp/testing';
import { type CommandResult, command, commandInside, forEachOf } from '../helpers/command.js';
import { withCli } from '../helpers/conditional.js';
import { Scratch } from '../helpers/openssl-cli.js';
import { httpAnswer, type RawAnswer, type RawServer, rawServer } from '../helpers/raw-server.js';

const kit = new TestResponseKit();
const good = kit.respond();

interface Place {
  scratch: Scratch;
  /** Options that say which certificate is meant. */
  about: string[];
}

function files(t: ExecutionContext): Place {
  const scratch = new Scratch();
  t.teardown(() => scratch[Symbol.dispose]());
  const leaf = scratch.write('leaf.pem', kit.leaf.certificatePem);
  const ca = scratch.write('ca.pem', kit.ca.certificatePem);
  return { scratch, about: ['--cert', leaf, '--issuer', ca] };
}

async function serve(t: ExecutionContext, answer: RawAnswer): Promise<RawServer> {
  const server = await rawServer(answer);
  t.teardown(() => server.close());
  return server;
}

/** The usual `--timeout` is short for a machine that is busy with tests, the more with instrumented code. */
const query = (...args: readonly string[]): Promise<CommandResult> =>
  commandInside(['query', ...(args.includes('--timeout') ? [] : ['--timeout', '120']), ...args]);

test('asks by POST, verifies, explains, keeps the response', async (t) => {
  const { scratch, about } = files(t);
  const server = await serve(t, httpAnswer(good));
  const out = scratch.path('response.der');
  const { status, stdout, stderr } = await query(...about, '--url', `${server.url}/ocsp`, '--out', out);
  t.is(status, 0, stderr);
  t.is(stderr, `asked ${server.url}/ocsp by POST\n`);
  t.regex(stdout, /^CN=leaf, issued by CN=Test CA\n[\s\S]*\n=> good, until /);
  t.deepEqual(readFileSync(out), good);
  const [{ head, body }] = server.requests as [RawServer['requests'][0]];
  t.regex(head, /^POST \/ocsp HTTP\/1\.1\r\n/);
  t.regex(head, /^content-type: application\/ocsp-request\r?$/im);
  t.regex(head, /^accept: application\/ocsp-response\r?$/im);
  const asked = loadDerOcspRequest(body);
  t.is(asked.serialNumber, 0x1234567890n);
  t.is(asked.hashAlgorithm as string, 'sha256');
  t.is(asked.extensions.length, 0);
});

test('a response that cannot be kept does not hide what it says', async (t) => {
  const { scratch, about } = files(t);
  const out = scratch.path('no-folder/response.der');
  for (const [response, code, word] of [
    [revoked, 3, 'revoked'],
    [good, 1, 'good'],
  ] as const) {
    const server = await serve(t, httpAnswer(response));
    for (const json of [[], ['--json']]) {
      const { status, stdout, stderr } = await query(...about, '--url', server.url, '--out', out, ...json);
      t.is(status, code, stderr);
      t.true(stdout.includes(word), stdout);
      t.true(stderr.endsWith(`openssl-ocsp query: cannot write ${out}: no such folder\n`), stderr);
    }
  }
});

test('asks by GET where the URL stays within 255 bytes', async (t) => {
  const { about } = files(t);
  const server = await serve(t, httpAnswer(good));
  const request = async (path: string, ...args: string[]): Promise<[string, string]> => {
    const { status, stdout, stderr } = await query(...about, '--url', server.url + path, '--get', '--json', ...args);
    t.is(status, 0, stderr);
    const { method, url } = JSON.parse(stdout) as { method: string; url: string };
    const { head } = server.requests.at(-1)!;
    t.true(head.startsWith(`${method} ${url.slice(server.url.length)} HTTP/1.1`), head);
    return [method, url.slice(server.url.length)];
  };
  for (const [path, prefix] of [
    ['', '/'],
    ['/', '/'],
    ['/a', '/a/'],
    ['/a/', '/a/'],
  ] as const) {
    const [method, target] = await request(path);
    t.is(method, 'GET');
    t.true(target.startsWith(prefix));
    const encoded = target.slice(prefix.length);
    t.notRegex(encoded, /[+/=\s]/);
    const der = Buffer.from(decodeURIComponent(encoded), 'base64');
    t.is(loadDerOcspRequest(der).serialNumber, 0x1234567890n);
  }
  // The longest URL that is asked by GET, and the first that is not.
  const [, target] = await request('/');
  const room = 255 - server.url.length - target.length;
  t.deepEqual((await request(`/${'x'.repeat(room - 1)}`))[0], 'GET');
  t.deepEqual(await request(`/${'x'.repeat(room)}`), ['POST', `/${'x'.repeat(room)}`]);
  t.is((await request('/', '--nonce=128'))[0], 'POST');
});

test('the exit code tells the verdict', async (t) => {
  const { about } = files(t);
  const answers = [
    [good, 0],
    [kit.respond(kit.entry({ status: 'revoked' })), 3],
    [kit.respond(kit.entry({ status: 'unknown' })), 4],
    [testErrorResponse(3), 5],
    [testErrorResponse(6), 5],
    [kit.respond(undefined, { breakSignature: true }), 5],
    [kit.respond(undefined, { signer: kit.leaf }), 5],
    [Buffer.from('<html>'), 5],
    [Buffer.alloc(0), 5],
    [good.subarray(0, -1), 5],
  ] as const;
  await forEachOf(answers, async ([body, expected]) => {
    const server = await serve(t, httpAnswer(body));
    const { status, stdout, stderr } = await query(...about, '--url', server.url, '--json');
    t.is(status, expected, stderr);
    const verdict = { 0: 'good', 3: 'revoked', 4: 'unknown', 5: 'refused' }[expected];
    t.like(JSON.parse(stdout), { verdict, method: 'POST', url: `${server.url}/`, serialNumber: '1234567890' });
  });
});

/** One answer to CertIDs by SHA-1, another to all others. */
function byHash(sha1: RawAnswer, others: RawAnswer): RawAnswer {
  return (socket, request) => {
    const { hashAlgorithm } = loadDerOcspRequest(request.body);
    (hashAlgorithm === HashAlgorithm.SHA1 ? sha1 : others)(socket, request);
  };
}
const hashesAsked = ({ requests }: RawServer): string[] =>
  requests.map(({ body }) => loadDerOcspRequest(body).hashAlgorithm);

const unknown = kit.respond(kit.entry({ status: 'unknown' }));
const revoked = kit.respond(kit.entry({ status: 'revoked' }));
const stranger = kit.ca.issue({ subject: 'CN=another' }).certificate;
const broken = kit.respond(undefined, { breakSignature: true });
const unauthorized = testErrorResponse(6);

test('a responder that knows SHA-1 only is asked again', async (t) => {
  const { scratch, about } = files(t);
  const lost = [testErrorResponse(1), testErrorResponse(2), unauthorized, unknown];
  const cases = [
    ...lost.flatMap((other) => [[other, good, 'good'] as const, [other, revoked, 'revoked'] as const]),
    [kit.respond(kit.entry({ certificate: stranger })), good, 'good'],
    [unauthorized, unauthorized, 'refused'],
    [unauthorized, unknown, 'unknown'],
    [unauthorized, broken, 'refused'],
  ] as const;
  await forEachOf(cases, async ([other, sha1, verdict], index) => {
    const server = await serve(t, byHash(httpAnswer(sha1), httpAnswer(other)));
    const out = scratch.path(`answer${index}`);
    const { stdout, stderr } = await query(...about, '--url', server.url, '--out', out, '--json');
    t.like(JSON.parse(stdout), { verdict, hash: 'sha1' }, String(index));
    t.deepEqual(hashesAsked(server), ['sha256', 'sha1']);
    t.deepEqual(readFileSync(out), sha1, 'the answer that counts is kept');
    // malformedRequest and internalError say nothing of the certificate.
    const why =
      index < 4 ? /the responder gave no answer: .+/ : /the responder does not know the certificate by SHA-256/;
    t.regex(stderr, new RegExp(`^note: ${why.source}; asking it by SHA-1\n$`), String(index));
  });
});

test('what the first answer said stands where the second says nothing', async (t) => {
  const { scratch, about } = files(t);
  const none: RawAnswer = (socket) => socket.destroy();
  const cases = [
    [unknown, httpAnswer(unauthorized), 'unknown'],
    [unknown, httpAnswer(broken), 'unknown'],
    [unknown, httpAnswer('', { status: '500 \x9b31mred' }), 'unknown'],
    [unknown, none, 'unknown'],
    [unauthorized, none, 'refused'],
  ] as const;
  await forEachOf(cases, async ([first, second, verdict], index) => {
    const server = await serve(t, byHash(second, httpAnswer(first)));
    const out = scratch.path(`first${index}`);
    const { stdout, stderr } = await query(...about, '--url', server.url, '--out', out, '--json');
    t.like(JSON.parse(stdout), { verdict, hash: 'sha256' }, String(index));
    t.false(stderr.includes('\x9b'), 'nothing of an answer is sent to the terminal as it is');
    t.deepEqual(hashesAsked(server), ['sha256', 'sha1']);
    t.deepEqual(readFileSync(out), first);
  });
});

test('no one is asked again who gave a status, or for another reason none, or with a hash that was named', async (t) => {
  const { about } = files(t);
  const cases: readonly (readonly [Buffer, ...string[]])[] = [
    [good],
    [revoked],
    [broken],
    [testErrorResponse(3)],
    [Buffer.from('<html>')],
    [unauthorized, '--hash', 'sha1'],
    [unauthorized, '--hash', 'sha256'],
    [unknown, '--hash', 'sha384'],
  ];
  await forEachOf(cases, async ([first, ...args], index) => {
    const server = await serve(t, httpAnswer(first));
    const { stderr } = await query(...about, '--url', server.url, ...args);
    t.is(server.requests.length, 1, String(index));
    t.is(/note: .*--hash sha1 asks so/.test(stderr), index >= 6, stderr);
  });
});

test('servers that misbehave: a line, and exit code 1', async (t) => {
  const { about } = files(t);
  const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\n';
  const cases: readonly (readonly [string, RawAnswer, RegExp])[] = [
    ['wrong type', httpAnswer(good, { type: 'text/html' }), /content type text\/html, not application\/ocsp-response/],
    ['no type', httpAnswer(good, { type: '' }), /content type missing/],
    ['similar type', httpAnswer(good, { type: 'application/ocsp-responses' }), /content type/],
    ['500', httpAnswer(good, { status: '500 Internal Server Error' }), /HTTP status 500 Internal Server Error/],
    ['404', httpAnswer('', { status: '404 Not Found' }), /HTTP status 404/],
    ['204', httpAnswer('', { status: '204 No Content' }), /HTTP status 204/],
    ['large, announced', httpAnswer(Buffer.alloc(1024 * 1024 + 1)), /an answer of more than 1048576 bytes/],
    [
      'large, without end',
      (socket) => {
        socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
        const more = (): void => {
          while (socket.writable && socket.write(`10000\r\n${'x'.repeat(0x10000)}\r\n`));
        };
        socket.on('drain', more);
        more();
      },
      /an answer of more than 1048576 bytes/,
    ],
    [
      'cut short',
      (socket) =>
        socket.end(Buffer.concat([Buffer.from(`${head}Content-Length: ${good.length}\r\n\r\n`), good.subarray(1)])),
      /aborted|ECONNRESET|hang up/,
    ],
    ['closed at once', (socket) => socket.destroy(), /socket hang up|ECONNRESET/],
    ['no HTTP', (socket) => socket.end('SSH-2.0-x\r\n'), /Parse Error|Expected HTTP/],
    ['endless header', (socket) => socket.end(`${head}X: ${'x'.repeat(1 << 20)}`), /Header overflow/],
    ['silent', () => {}, /no answer within 2 seconds/],
    [
      'silent after the header',
      (socket) => socket.write(`${head}Content-Length: 100\r\n\r\n`),
      /no answer within 2 seconds/,
    ],
    [
      'a byte now and then',
      (socket) => {
        socket.write(`${head}Content-Length: 100000\r\n\r\n`);
        const timer = setInterval(() => socket.write('x'), 100);
        socket.on('close', () => clearInterval(timer));
      },
      /no answer within 2 seconds/,
    ],
    ['escape sequence', httpAnswer('', { status: '500 \x9b31mred' }), /HTTP status 500 .?\\u\{9b\}31mred/],
  ];
  await forEachOf(cases, async ([name, answer, expected]) => {
    const server = await serve(t, answer);
    // Only those that are to run out of time have little of it.
    const timeout = expected.source.includes('within 2 seconds') ? '2' : '60';
    const { status, stdout, stderr } = await query(...about, '--url', server.url, '--timeout', timeout);
    t.is(status, 1, name);
    t.is(stdout, '', name);
    t.regex(stderr, expected, name);
    t.true(stderr.startsWith(`openssl-ocsp query: ${server.url}/: `), stderr);
    t.is(stderr.split('\n').length, 2, stderr);
  });
  const { status, stderr } = await query(...about, '--url', 'http://127.0.0.1:9/');
  t.is(status, 1);
  t.regex(stderr, /ECONNREFUSED|bad port/);
});

test('redirects: to the same scheme, a few of them, and no POST becomes a GET', async (t) => {
  const { about } = files(t);
  const redirect = (code: string, location: string): RawAnswer =>
    httpAnswer('', { status: `${code} Moved`, headers: `Location: ${location}\r\n` });
  const target = await serve(t, httpAnswer(good));
  for (const [code, args, expected, text] of [
    ['307', [], 0, null],
    ['308', [], 0, null],
    ['302', ['--get'], 0, null],
    ['302', [], 1, /redirect 302, which a POST cannot follow/],
    ['301', [], 1, /redirect 301/],
    ['303', [], 1, /redirect 303/],
  ] as const) {
    const server = await serve(t, redirect(code, `${target.url}/moved`));
    const { status, stderr } = await query(...about, '--url', server.url, ...args);
    t.is(status, expected, stderr);
    if (text !== null) t.regex(stderr, text);
    else t.true(stderr.includes(`asked ${target.url}/moved by ${args.length === 0 ? 'POST' : 'GET'}`), stderr);
  }
  t.true(loadDerOcspRequest(target.requests[0]!.body).requests.length === 1);
  for (const location of [
    'file:///etc/passwd',
    `${target.url.replace('http', 'https')}/`,
    'ftp://x/',
    'http://',
    'data:,x',
  ]) {
    const server = await serve(t, redirect('307', location));
    const { status, stderr } = await query(...about, '--url', server.url);
    t.is(status, 1, location);
    t.regex(stderr, /redirect to .*, which is not followed/, location);
  }
  const before = target.requests.length;
  const loop = await serve(t, redirect('307', '/again'));
  t.regex((await query(...about, '--url', loop.url)).stderr, /more than 3 redirects/);
  t.is(loop.requests.length, 4);
  t.is(target.requests.length, before);
});

test('the responders that the certificate names, one after the other', async (t) => {
  const { scratch } = files(t);
  const dead = await serve(t, (socket) => socket.destroy());
  const live = await serve(t, httpAnswer(''));
  const ca = scratch.write('ca.pem', kit.ca.certificatePem);
  const certificateWith = (...ocsp: string[]): string =>
    scratch.write(`${ocsp.length}.pem`, kit.ca.issue({ subject: 'CN=named', aia: { ocsp } }).certificatePem);
  const about = (cert: string): string[] => ['--cert', cert, '--issuer', ca];
  const both = await query(...about(certificateWith('ldap://x/', `${dead.url}/1`, 'not a URL', `${live.url}/2`)));
  t.is(both.status, 5);
  t.is(both.stderr, `asked ${live.url}/2 by POST\n`);
  t.is(dead.requests.length, 1);
  const many = await query(...about(certificateWith(...Array.from({ length: 9 }, (_, i) => `${dead.url}/${i}`))));
  t.is(many.status, 1);
  t.is(dead.requests.length, 5);
  const none = await query(...about(certificateWith()));
  t.is(none.status, 1);
  t.regex(none.stderr, /CN=named names no responder to ask over HTTP; --url can/);
  const foreign = await query(...about(certificateWith('ldap://x/', 'file:///etc/passwd')));
  t.is(foreign.status, 1);
  t.regex(foreign.stderr, /only ldap:\/\/x\/, file:\/\/\/etc\/passwd; --url can/);
});

test('nonces', async (t) => {
  const { about } = files(t);
  const server = await serve(t, httpAnswer(good));
  const url = ['--url', server.url];
  t.is((await query(...about, ...url, '--nonce')).status, 0);
  const sent = loadDerOcspRequest(server.requests.at(-1)!.body).extensions.getExtensionForClass(OCSPNonce);
  t.is(sent.value.nonce.length, 32);
  t.is((await query(...about, ...url, '--nonce=16', '--nonce-policy', 'required')).status, 5);
  t.is((await query(...about, ...url, '--nonce-policy', 'required')).status, 2);
  const other = Buffer.from('0410'.padEnd(36, '7'), 'hex');
  const replayed = await serve(
    t,
    httpAnswer(kit.respond(undefined, { extensions: [{ oid: OCSPNonce.oid, value: other }] })),
  );
  const { status, stdout } = await query(...about, '--url', replayed.url, '--nonce');
  t.is(status, 5);
  t.regex(stdout, /NONCE_MISMATCH/);
});

test('TLS servers are verified', async (t) => {
  const { scratch, about } = files(t);
  const identity = kit.root.issue({ subject: 'CN=localhost', dnsNames: ['localhost'] });
  const options = { cert: identity.certificatePem, key: identity.privateKeyPem };
  const server = createServer(options, (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'Application/OCSP-Response; x=y' }).end(good);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const args = ['query', '--timeout', '120', ...about, '--url', `https://localhost:${port}/`];
  const unknown = await command(args);
  t.is(unknown.status, 1);
  t.regex(unknown.stderr, /unable to verify the first certificate|self-signed|unable to get/);
  const env = { NODE_EXTRA_CA_CERTS: scratch.write('root.pem', kit.root.certificatePem) };
  const known = await command(args, { env });
  t.is(known.status, 0, known.stderr);
});

test('wrong usage', async (t) => {
  const { about } = files(t);
  const url = ['--url', 'http://127.0.0.1:9/'];
  for (const args of [
    [],
    url,
    [...about, '--url', 'ftp://127.0.0.1/'],
    [...about, '--url', 'nonsense'],
    [...about, ...url, '--timeout', '0'],
    [...about, ...url, '--timeout', '-1'],
    [...about, ...url, '--timeout', '1e9'],
    [...about, ...url, '--hash', 'md5'],
    [...about, ...url, '--nonce=0'],
    [...about, ...url, '--get=yes'],
    [...about, ...url, 'argument'],
    [...about, ...url, '--out', '-'],
    ['--serial', '12', ...about.slice(2)],
  ]) {
    const { status, stdout, stderr } = await query(...args);
    t.is(status, 2, args.join(' '));
    t.is(stdout, '');
    t.regex(stderr, /--help shows the usage\.\n$/);
  }
});

withCli('a responder of openssl answers, by POST and by GET, with and without a nonce', async (t) => {
  const { scratch, about } = files(t);
  const serial = kit.leaf.certificate.serialNumber;
  const revoked = kit.ca.issue({ subject: 'CN=revoked', serialNumber: 0x55n });
  const absent = kit.ca.issue({ subject: 'CN=absent', serialNumber: 0x66n });
  const index =
    `V\t301231235959Z\t\t${serial}\tunknown\t/CN=leaf\n` +
    'R\t301231235959Z\t260102030405Z,superseded\t55\tunknown\t/CN=revoked\n';
  const child = spawn(
    'openssl',
    [
      ...[
        'ocsp',
        '-port',
        '0',
        '-index',
        scratch.write('index.txt', index),
        '-CA',
        scratch.path('ca.pem'),
        '-ndays',
        '1',
      ],
      ...['-rsigner', scratch.write('responder.pem', kit.responder.certificatePem)],
      ...['-rkey', scratch.write('responder.key', kit.responder.privateKeyPem), '-ignore_err'],
    ],
    { env: { ...process.env, OPENSSL_CONF: '/dev/null' } },
  );
  t.teardown(() => child.kill());
  const port = await new Promise<string>((resolve, reject) => {
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        const found = /ACCEPT .*:(\d+) PID/.exec(text)?.[1];
        if (found !== undefined) resolve(found);
      });
    }
    child.on('close', () => reject(new Error(text)));
  });
  const url = ['--url', `http://127.0.0.1:${port}/`];
  const issuer = about.slice(2);
  const ofCertificate = (name: string, pem: string): string[] => ['--cert', scratch.write(name, pem), ...issuer];
  for (const [target, expected] of [
    [about, 0],
    [ofCertificate('revoked.pem', revoked.certificatePem), 3],
    [ofCertificate('absent.pem', absent.certificatePem), 4],
    [['--serial', '55', ...issuer], 3],
  ] as const) {
    for (const args of [[], ['--get'], ['--nonce', '--nonce-policy', 'required'], ['--hash', 'sha1']]) {
      const { status, stdout, stderr } = await query(...target, ...url, ...args);
      t.is(status, expected, `${args.join(' ')}: ${stderr}${stdout}`);
      if (expected === 3) t.regex(stdout, /=> revoked at 2026-01-02T03:04:05Z \(superseded\)/);
    }
  }
});
