// What the table of cases cannot say: deliberate differences, what goes over the wire, and that nothing is a stack trace.

import { spawnSync } from 'node:child_process';
import type { KeyExportOptions } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  HashAlgorithm,
  loadDerOcspRequest,
  loadDerOcspResponse,
  OCSPCertStatus,
  OCSPExtensionOID,
  OCSPNonce,
  OCSPRequestBuilder,
  OCSPResponderEncoding,
  OCSPResponseBuilder,
  ReasonFlags,
  UnrecognizedExtension,
} from 'openssl-ocsp';
import { createTestCa } from 'openssl-ocsp/testing';
import { type Place, parity, type Servers } from '../../helpers/command-cases.js';
import { testIf, withCli } from '../../helpers/conditional.js';
import { comparable, ocspProcess, runInside } from '../../helpers/ocsp-command.js';
import { openssl, opensslCliVersion } from '../../helpers/openssl-cli.js';
import { mergedPkcs12 } from '../../helpers/pkcs12.js';

const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-command-'));
const at = (name: string): string => join(folder, name);

const ca = createTestCa({ subject: 'CN=Command CA' });
const responder = ca.issueResponder();
const leaf = ca.issue({ serialNumber: 0x1001n });

test.before(() => {
  writeFileSync(at('ca.pem'), ca.certificatePem);
  writeFileSync(at('resp.pem'), responder.certificatePem);
  writeFileSync(at('resp.key'), responder.privateKeyPem);
  writeFileSync(at('leaf.pem'), leaf.certificatePem);
  writeFileSync(at('index.txt'), 'V\t351231235959Z\t\t1001\tunknown\t/CN=leaf\n');
  mkdirSync(at('folder'));
});

test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const ASK = ['-issuer', at('ca.pem'), '-cert', at('leaf.pem')];
const ANSWER = ['-CA', at('ca.pem'), '-rsigner', at('resp.pem'), '-rkey', at('resp.key')];

/** A response in a file. */
async function answer(name: string, ...args: string[]): Promise<string> {
  const path = at(name);
  const run = await runInside([...ASK, '-no_nonce', '-index', at('index.txt'), ...ANSWER, '-respout', path, ...args]);
  if (run.status !== 0) throw new Error(run.stderr);
  return path;
}

// Where the openssl command is of another version than the OpenSSL in Node, there is nothing to compare with.
const compared = testIf(comparable);

test('a process of its own: help, exit code, standard output', (t) => {
  const run = (...args: string[]): ReturnType<typeof spawnSync> =>
    spawnSync(ocspProcess[0] as string, [...ocspProcess.slice(1), ...args], { encoding: 'utf8' });
  for (const word of ['-help', '--help', '-h']) {
    const { status, stdout, stderr } = run(word);
    t.is(status, 0);
    t.is(stdout, '');
    t.regex(String(stderr), /^Usage: ocsp \[options\]\n[\s\S]*\n -issuer infile +Issuer certificate\n/);
    // check_ssl_cert looks for it: grep -F header | grep -F 'key=value'.
    t.regex(String(stderr), /^ -header val .*key=value/m);
  }
  t.is(run('-nonsense').status, 1);
  const { status, stdout } = run(...ASK, '-no_nonce', '-req_text');
  t.is(status, 0);
  t.regex(String(stdout), /^OCSP Request Data:\n/);
});

compared('the table has every option that openssl names', async (t) => {
  const { stderr } = await runInside(['-help']);
  const ours = new Set([...stderr.matchAll(/^ -(\S+)/gm)].map(([, name]) => name));
  const theirs = [...openssl(['ocsp', '-help']).stderr.matchAll(/^ -(\S+)/gm)].map(([, name]) => name);
  t.true(theirs.length > 90);
  t.deepEqual(
    theirs.filter((name) => !ours.has(name)),
    [],
  );
  return undefined;
});

test('-port without -index says that there is nothing to answer with', async (t) => {
  const { status, stderr } = await runInside(['-port', '8888', '-respin', at('leaf.pem')]);
  t.is(status, 1);
  t.regex(stderr, /^ocsp: -port without -index/);
});

test('a responder to ask, but nothing to ask', async (t) => {
  // openssl would take the port of the URL for one to listen at.
  const { status, stderr } = await runInside([
    '-respin',
    await answer('r.der'),
    '-url',
    'http://127.0.0.1:1/',
    '-no_nonce',
  ]);
  t.is(status, 1);
  t.is(stderr, 'Need an OCSP request for this operation!\n');
});

test('-rcid answers for the certificate that was asked about', async (t) => {
  const path = await answer('rcid.der', '-rcid', 'sha256');
  const response = loadDerOcspResponse(readFileSync(path));
  t.is(response.hashAlgorithm, HashAlgorithm.SHA256);
  t.is(response.serialNumber, 0x1001n);
  t.is(response.certificateStatus, OCSPCertStatus.GOOD);
  const checked = await runInside(['-respin', path, '-sha256', ...ASK, '-CAfile', at('ca.pem')]);
  t.is(checked.status, 0);
  t.regex(checked.stdout.toString(), /leaf\.pem: good\n/);
});

test('a last row without its line end, and small letters, count', async (t) => {
  writeFileSync(at('last.txt'), 'R\t351231235959Z\t260102030405Z,superseded\t1001\tunknown\t/CN=leaf');
  const response = loadDerOcspResponse(readFileSync(await answer('last.der', '-index', at('last.txt'))));
  t.is(response.certificateStatus, OCSPCertStatus.REVOKED);
  t.is(response.revocationReason, ReasonFlags.superseded);
  const other = ca.issue({ serialNumber: 0xabcdn });
  writeFileSync(at('other.pem'), other.certificatePem);
  writeFileSync(at('small.txt'), 'R\t351231235959Z\t20260102030405Z\tabcd\tunknown\t/CN=leaf\n');
  const path = at('small.der');
  const ask = ['-issuer', at('ca.pem'), '-cert', at('other.pem'), '-no_nonce', '-index', at('small.txt'), ...ANSWER];
  t.is((await runInside([...ask, '-respout', path])).status, 0);
  const small = loadDerOcspResponse(readFileSync(path));
  t.is(small.certificateStatus, OCSPCertStatus.REVOKED);
  t.deepEqual(small.revocationTime, new Date('2026-01-02T03:04:05Z'));
});

test('what is answered verifies, and is read by the library', async (t) => {
  const path = await answer('good.der', '-ndays', '2', '-nmin', '3');
  const response = loadDerOcspResponse(readFileSync(path));
  t.true(response.basicVerify({ trust: [ca.certificate] }).verified);
  t.is((response.nextUpdate as Date).getTime() - response.thisUpdate.getTime(), (2 * 24 * 60 + 3) * 60_000);
  if (opensslCliVersion === null) return;
  const checked = openssl(['ocsp', '-respin', path, ...ASK, '-CAfile', at('ca.pem'), '-no_nonce']);
  t.is(checked.status, 0, checked.stderr);
  t.regex(checked.stderr, /Response verify OK/);
});

test('requests are those of the library', async (t) => {
  t.is((await runInside([...ASK, '-no_nonce', '-reqout', at('q.der')])).status, 0);
  const built = new OCSPRequestBuilder().addCertificate(leaf.certificate, ca.certificate, HashAlgorithm.SHA1).build();
  t.deepEqual(readFileSync(at('q.der')), built.publicBytes());
});

/** A response whose one time is written in another form, which OpenSSL's check of times lets pass. */
function withOddTime(time: string): Buffer {
  const response = new OCSPResponseBuilder()
    .addResponse({
      cert: leaf.certificate,
      issuer: ca.certificate,
      algorithm: HashAlgorithm.SHA1,
      certStatus: OCSPCertStatus.GOOD,
      thisUpdate: new Date('2020-01-01T00:00:00Z'),
      nextUpdate: new Date('2020-01-02T00:00:00Z'),
    })
    .responderId(OCSPResponderEncoding.HASH, responder.certificate)
    .sign(responder.privateKey, HashAlgorithm.SHA256)
    .publicBytes();
  const at = response.indexOf('20200102000000Z');
  const changed = Buffer.from(response);
  changed.write(time, at, 'latin1');
  return changed;
}

test('times that are no DER are never right', async (t) => {
  for (const time of ['202001020000.5Z', '20990102000000+', '2099010200000.Z']) {
    writeFileSync(at('odd.der'), withOddTime(time));
    const { stdout, status } = await runInside(['-respin', at('odd.der'), ...ASK, '-noverify']);
    // The exit code stays that of openssl: a warning is no failure.
    t.is(status, 0, time);
    t.regex(stdout.toString(), /WARNING: Status times invalid\.\n/);
    t.regex(stdout.toString(), /error in nextupdate field/);
  }
});

test('a nonce twice is a wrong nonce', async (t) => {
  const nonce = Buffer.alloc(16, 7);
  const request = new OCSPRequestBuilder()
    .addCertificate(leaf.certificate, ca.certificate, HashAlgorithm.SHA1)
    .addExtension(new OCSPNonce(nonce), false)
    .build();
  const value = new OCSPNonce(nonce);
  const now = new Date();
  const response = new OCSPResponseBuilder()
    .addResponse(leaf.certificate, ca.certificate, HashAlgorithm.SHA1, OCSPCertStatus.GOOD, now, null, null, null)
    .responderId(OCSPResponderEncoding.NAME, responder.certificate)
    .certificates([responder.certificate])
    .addExtension(value, false)
    .addExtension(new UnrecognizedExtension(OCSPExtensionOID.CRL_REFERENCES, value.publicBytes()), false)
    .sign(responder.privateKey, HashAlgorithm.SHA256)
    .publicBytes();
  writeFileSync(at('twice.req'), request.publicBytes());
  const args = ['-reqin', at('twice.req'), '-respin', at('twice.der'), '-CAfile', at('ca.pem')];
  writeFileSync(at('twice.der'), response);
  t.is((await runInside(args)).stderr, 'Response verify OK\n');
  // id-pkix-ocsp-crl becomes id-pkix-ocsp-nonce. The signature no longer fits, but is not looked at any more.
  const oid = Buffer.from('2b0601050507300103', 'hex');
  response[response.indexOf(oid) + oid.length - 1] = 2;
  writeFileSync(at('twice.der'), response);
  const twice = await runInside(args);
  t.is(twice.status, 1);
  t.is(twice.stderr, 'Nonce Verify error\n');
});

testIf(existsSync('/bin/bash'))('a pipe in the place of any file', async (t) => {
  const request = at('piped.req');
  await runInside([...ASK, '-no_nonce', '-reqout', request]);
  const good = await answer('piped.der', '-ndays', '3');
  const answered = at('piped.out');
  const toAnswer = [
    '-reqin',
    request,
    '-index',
    at('index.txt'),
    ...ANSWER,
    '-rother',
    at('ca.pem'),
    '-respout',
    answered,
  ];
  const toVerify = [...ASK, '-respin', good, '-CAfile', at('ca.pem'), '-verify_other', at('resp.pem'), '-no_nonce'];
  const trusting = [...ASK, '-respin', good, '-VAfile', at('resp.pem'), '-no-CAfile', '-no_nonce'];
  const asking = [
    ...ASK,
    '-signer',
    at('resp.pem'),
    '-signkey',
    at('resp.key'),
    '-sign_other',
    at('ca.pem'),
    '-reqout',
    answered,
  ];
  for (const args of [toAnswer, toVerify, trusting, asking]) {
    const piped = ['-reqin', '-index', '-CA', '-rsigner', '-rkey', '-rother', '-issuer', '-cert', '-respin', '-CAfile'];
    piped.push('-verify_other', '-VAfile', '-signer', '-signkey', '-sign_other');
    const words = args.map((word, i) =>
      i > 0 && piped.includes(args[i - 1] as string) ? `<(cat '${word}')` : `'${word}'`,
    );
    t.true(words.some((word) => word.startsWith('<(')));
    rmSync(answered, { force: true });
    const script = [...ocspProcess.map((word) => `'${word}'`), ...words].join(' ');
    const run = spawnSync('bash', ['-c', script], { encoding: 'utf8', timeout: 300_000 });
    t.is(run.status, 0, `${script}: ${run.stderr}`);
    if (args.includes('-respin')) {
      t.is(run.stderr, 'Response verify OK\n');
      t.regex(run.stdout, /: good\n/);
    } else t.true(readFileSync(answered).length > 0);
    if (args === toAnswer) t.is(loadDerOcspResponse(readFileSync(answered)).certificateStatus, OCSPCertStatus.GOOD);
    if (args === asking)
      t.true(loadDerOcspRequest(readFileSync(answered)).verifySignature({ trust: [ca.certificate] }).verified);
  }
});

withCli('a PKCS#12 file, with one key or two, in the place of a certificate or a key is an error', async (t) => {
  const made = [0, 1].map((i) => {
    const { certificatePem, privateKeyPem } = ca.issueResponder();
    writeFileSync(at('p12.pem'), certificatePem + privateKeyPem);
    const run = openssl(['pkcs12', '-export', '-in', at('p12.pem'), '-passout', 'pass:sesame', '-out', at(`${i}.p12`)]);
    t.is(run.status, 0, run.stderr);
    return readFileSync(at(`${i}.p12`));
  });
  writeFileSync(at('both.p12'), mergedPkcs12(made));
  const request = at('p12.req');
  await runInside([...ASK, '-no_nonce', '-reqout', request]);
  const toAnswer = ['-reqin', request, '-index', at('index.txt'), ...ANSWER, '-respout', at('p12.out')];
  for (const file of [at('0.p12'), at('both.p12')]) {
    for (const option of ['-rkey', '-rsigner', '-rother', '-CA', '-issuer', '-cert', '-signer', '-signkey']) {
      const asks = ['-issuer', '-cert', '-signer', '-signkey'].includes(option);
      const signed = ['-signer', at('resp.pem'), '-signkey', at('resp.key')];
      const args = asks ? [...ASK, ...signed, '-reqout', at('p12.out')] : [...toAnswer, '-rother', at('ca.pem')];
      const place = args.lastIndexOf(option);
      const run = await runInside([...args.with(place + 1, file), '-passin', 'pass:sesame']);
      t.is(run.status, 1, `${option}: ${run.stderr}`);
      t.notRegex(run.stderr, /^\s+at /m);
      t.false(existsSync(at('p12.out')), option);
    }
  }
});

test('a file of any kind in any place gives an error, never a stack trace', async (t) => {
  const noise = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * 7919 + (i >> 5)) & 0xff));
  const deep = Buffer.alloc(20_000, Buffer.from('3080', 'hex'));
  const files = {
    noise,
    deep,
    zeros: Buffer.alloc(5000),
    empty: Buffer.alloc(0),
    pem: Buffer.from(`-----BEGIN CERTIFICATE-----\n${noise.toString('base64')}\n-----END CERTIFICATE-----\n`),
    half: Buffer.from('-----BEGIN CERTIFICATE-----\n'),
    manyBegins: Buffer.from('-----BEGIN CERTIFICATE-----\n'.repeat(20_000)),
    lines: Buffer.from('\t\t\t\t\t\n'.repeat(1000)),
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(at(name), content);
  const good = await answer('hostile.der');
  const request = at('hostile.req');
  await runInside([...ASK, '-no_nonce', '-reqout', request]);
  const places: ((file: string) => string[])[] = [
    (file) => ['-reqin', file, '-req_text'],
    (file) => ['-reqin', file, '-nonce', '-req_text'],
    (file) => ['-respin', file, '-resp_text', '-CAfile', at('ca.pem')],
    (file) => ['-issuer', file],
    (file) => ['-issuer', at('ca.pem'), '-cert', file],
    (file) => ['-respin', good, '-CAfile', file],
    (file) => ['-respin', good, '-no-CAfile', '-CApath', file],
    (file) => ['-respin', good, '-no-CAfile', '-CAstore', file],
    (file) => ['-respin', good, '-no-CAfile', '-verify_other', file],
    (file) => ['-respin', good, '-no-CAfile', '-VAfile', file],
    (file) => ['-reqin', request, '-signer', file],
    (file) => ['-reqin', request, '-signer', at('resp.pem'), '-signkey', file],
    (file) => ['-reqin', request, '-signer', at('resp.pem'), '-signkey', at('resp.key'), '-sign_other', file],
    (file) => ['-reqin', request, '-index', at('index.txt'), ...ANSWER, '-rother', file],
    (file) => ['-reqin', request, '-index', at('index.txt'), ...ANSWER, '-rsigner', file],
    (file) => ['-reqin', request, '-index', at('index.txt'), ...ANSWER, '-rkey', file],
    (file) => ['-reqin', request, '-index', at('index.txt'), ...ANSWER, '-CA', file],
    (file) => ['-reqin', request, '-index', at('index.txt'), ...ANSWER, '-passin', `file:${file}`, '-rkey', file],
    (file) => ['-reqin', file, '-index', at('index.txt'), ...ANSWER],
  ];
  for (const args of places) {
    for (const name of [...Object.keys(files), 'folder', 'no-such-file', 'ca.pem/below']) {
      const { status, stderr } = await runInside(args(at(name)));
      t.not(status, 0, `${args(name).join(' ')}`);
      t.notRegex(stderr, /^\s+at /m);
      t.true(stderr.length > 0, args(name).join(' '));
    }
  }
});

test('messages that were damaged anywhere give an outcome', async (t) => {
  const good = readFileSync(await answer('damage.der', '-ndays', '3'));
  const request = new OCSPRequestBuilder().addCertificate(leaf.certificate, ca.certificate, HashAlgorithm.SHA1).build();
  const path = at('damaged');
  for (let i = 0; i < good.length; i += 23) {
    const copy = Buffer.from(good);
    copy[i] = (copy[i] as number) ^ 0x41;
    writeFileSync(path, copy);
    const { status, stderr } = await runInside(['-respin', path, '-resp_text', ...ASK, '-CAfile', at('ca.pem')]);
    t.is(status, 1, `byte ${i}`);
    t.notRegex(stderr, /verify OK/);
  }
  const bytes = request.publicBytes();
  for (let i = 0; i < bytes.length; i += 3) {
    const copy = Buffer.from(bytes);
    copy[i] = (copy[i] as number) ^ 0x41;
    writeFileSync(path, copy);
    const answered = ['-index', at('index.txt'), ...ANSWER, '-respout', at('damaged.resp')];
    const { status } = await runInside(['-reqin', path, '-req_text', ...answered]);
    t.true(status === 0 || status === 1);
    if (status !== 0) continue;
    // A good answer is for the certificate of the index alone.
    const response = loadDerOcspResponse(readFileSync(at('damaged.resp')), { strict: false });
    for (const entry of response.responses) {
      if (entry.certificateStatus === OCSPCertStatus.GOOD) t.is(entry.serialNumber, 0x1001n);
    }
  }
});

compared('what goes over the wire is what openssl sends', async (t) => {
  const fixtures = at('fixtures');
  mkdirSync(fixtures);
  parity.makeFixtures(fixtures);
  const servers: Servers = await parity.startServers(fixtures);
  t.teardown(() => servers.close());
  const place: Place = { folder: fixtures, work: at('work'), port: servers.port, tlsPort: servers.tlsPort };
  const ways = [
    ['-url', 'http://127.0.0.1:{port}/good?a=b#c'],
    ['-url', 'http://user:secret@127.0.0.1:{port}/good'],
    ['-url', 'http://127.0.0.1:{port}', '-path', 'good'],
    ['-host', '127.0.0.1:{port}'],
    ['-host', '127.0.0.1:{port}', '-path', 'x'],
    ['-host', '127.0.0.1:{port}', '-timeout', '2147483647'],
    ['-host', '127.0.0.1:{port}', '-path', 'http://127.0.0.1/good'],
    ['-host', '127.0.0.1', '-port', '{port}', '-path', '/x'],
    ['-host', '127.0.0.1:1', '-port', '{port}', '-path', '/x'],
    ['-url', 'http://a.invalid:8/x', '-proxy', '127.0.0.1:{port}'],
    ['-url', 'http://[::1]/x', '-proxy', 'http://127.0.0.1:{port}/'],
    ['-host', 'a.invalid', '-proxy', '127.0.0.1:{port}'],
    ['-host', '[::1]:9', '-path', 'x', '-proxy', '127.0.0.1:{port}'],
    ['-url', 'http://127.0.0.1:{port}/good', '-header', 'X=1', '-header', 'HOST=a', '-header', 'Content-Type=x'],
  ];
  for (const way of ways) {
    const args = ['-issuer', '@ca.pem', '-cert', '@good.pem', '-no_nonce', '-noverify', ...way];
    const entry = { name: 'wire', args };
    t.is((await parity.runProcess(['openssl', 'ocsp'], entry, place)).status, 0, way.join(' '));
    t.is((await runInside(parity.resolveArgs(entry, place))).status, 0, way.join(' '));
    const [theirs, ours] = servers.requests.splice(0);
    t.deepEqual(ours, theirs);
    t.is(loadDerOcspRequest(ours?.body as Buffer).requests.length, 1);
  }
  return undefined;
});

test('an encrypted key without its passphrase, and with a wrong one', async (t) => {
  const secret = { cipher: 'aes-256-cbc', passphrase: 'sesame' };
  const encrypted = at('encrypted.key');
  const answering = ['-index', at('index.txt'), '-CA', at('ca.pem'), '-rsigner', at('resp.pem'), '-rkey', encrypted];
  const signing = ['-reqout', at('signed.req'), '-signer', at('resp.pem'), '-signkey', encrypted];
  for (const form of [
    { format: 'pem', type: 'pkcs8' },
    { format: 'pem', type: 'sec1' },
    { format: 'der', type: 'pkcs8' },
  ] as const) {
    writeFileSync(encrypted, responder.privateKey.export({ ...form, ...secret } as KeyExportOptions<'pem'>));
    const run = (...args: string[]): ReturnType<typeof runInside> => runInside([...ASK, '-no_nonce', ...args]);
    const hint = `${encrypted} needs a passphrase, and no one is asked for one: -passin names that of -rkey\n`;
    for (const [args, what] of [
      [answering, 'responder'],
      [signing, 'signer'],
    ] as const) {
      const { status, stderr } = await run(...args);
      t.is(status, 1);
      t.is(stderr, `${hint}Could not read ${what} private key from ${encrypted}\n`);
    }
    for (const word of ['', 'open', 'open'.repeat(300)]) {
      const args = [...answering, '-passin', `pass:${word}`];
      const { status, stderr } = await run(...args);
      t.is(status, 1);
      t.is(stderr, `Could not read responder private key from ${encrypted}\n`);
      if (!comparable) continue;
      const theirs = openssl(['ocsp', ...ASK, '-no_nonce', ...args]);
      t.is(theirs.status, 1);
      t.true(theirs.stderr.startsWith(stderr), theirs.stderr);
    }
    t.is((await run(...answering, '-passin', 'pass:sesame', '-respout', at('unlocked.resp'))).status, 0);
  }
});

test('a file without end is an error', async (t) => {
  if (!existsSync('/dev/zero')) return t.log('no device without end here');
  t.is((await runInside(['-issuer', '/dev/zero'])).status, 1);
  // As a database it begins with a row that never ends.
  const { status, stderr } = await runInside([...ASK, '-no_nonce', '-index', '/dev/zero', ...ANSWER]);
  t.is(status, 1);
  t.regex(stderr, /File too large[\s\S]*Problem with index file: \/dev\/zero/);
  return undefined;
});

test('a full disk is an error', async (t) => {
  if (!existsSync('/dev/full')) return t.log('no device that is full here');
  for (const option of ['-reqout', '-out']) {
    const { status, stderr } = await runInside([...ASK, '-req_text', option, '/dev/full']);
    t.is(status, 1);
    t.regex(stderr, /^ocsp: ENOSPC/);
  }
  return undefined;
});

test('headers, paths and hosts that cannot be sent', async (t) => {
  const url = ['-url', 'http://127.0.0.1:1/'];
  for (const args of [
    [...url, '-header', 'a b=c'],
    [...url, '-header', 'X=a\r\nY: b'],
    [...url, '-path', '/a\r\nHost: b'],
    [...url, '-path', '/ä ö'],
    ['-host', ''],
    ['-url', 'http:///path'],
  ]) {
    const { status, stderr } = await runInside([...ASK, ...args]);
    t.is(status, 1);
    t.regex(stderr, /^Error querying OCSP responder\n[0-9A-F]+:error:[0-9A-F]{8}:/, args.join(' '));
  }
});

test('the user of a proxy, and the password, are not printed', async (t) => {
  const server = createServer((socket) => socket.once('data', () => socket.end('HTTP/1.0 503 Busy\r\n\r\n')));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  t.teardown(() => server.close());
  for (const proxy of [`http://user:s3cret@127.0.0.1:${port}/`, `user:s3cret@127.0.0.1:${port}`]) {
    const { status, stderr } = await runInside([...ASK, '-url', 'http://me:s3cret@a.invalid/', '-proxy', proxy]);
    t.is(status, 1);
    t.regex(stderr, new RegExp(`server=http://a\\.invalid:80 proxy=(http://)?127\\.0\\.0\\.1:${port}/?\\n`));
    t.notRegex(stderr, /s3cret/);
  }
});

test('a head without end is an error', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.0 200 OK\r\n');
    const more = (): void => {
      if (!socket.destroyed) socket.write('X: y\r\n'.repeat(10_000), more);
    };
    more();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  t.teardown(() => server.close());
  const { status, stderr } = await runInside([...ASK, '-url', `http://127.0.0.1:${port}/`]);
  t.is(status, 1);
  t.regex(stderr, /^Error querying OCSP responder\n.*response line too long/);
});

test('TLS through a proxy is refused', async (t) => {
  const { status, stderr } = await runInside([...ASK, '-url', 'https://127.0.0.1:1/', '-proxy', '127.0.0.1:1']);
  t.is(status, 1);
  t.regex(stderr, /^Error querying OCSP responder\n.*TLS through a proxy/);
});
