/** `openssl-ocsp serve` as a process, asked by other programs. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import test from 'ava';
import { OCSPRequestBuilder } from 'openssl-ocsp';
import { SCHEMA } from '#dist/cli/serve/schema.js';
import { buildCertificate } from '#dist/testing/certificate.js';
import { command } from '../helpers/command.js';
import { testIf, withCli } from '../helpers/conditional.js';
import { crlEntry, makeCrl } from '../helpers/crl.js';
import { freePort } from '../helpers/free-port.js';
import { runProgram } from '../helpers/programs.js';
import { ask, statusIn } from '../responder/fixtures.js';
import {
  basic,
  ca,
  delegate,
  folder,
  GOOD_ROW,
  get,
  launch,
  leaf,
  NOW_REVOKED,
  OTHER_ROW,
  pasted,
  post,
  question,
  start,
  statusAt,
  until,
} from './serve-process.js';

const has = async (program: string, ...args: string[]): Promise<boolean> =>
  (await runProgram(program, args)).status === 0;
const withOcsptool = testIf(await has('ocsptool', '--version'));
const withCurl = testIf(await has('curl', '--version'));

test('listens, says how to ask, answers, tells operators, and ends on SIGTERM', async (t) => {
  const at = folder(t);
  const [port, admin] = [await freePort(), await freePort()];
  const served = await start(t, [...basic(at), '--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${admin}`]);
  t.is(await statusAt({ port }), 'good');
  const other = ask(['1002'], { issuer: ca });
  t.is(statusIn(await post({ port }, other), other, ca), 'revoked');
  t.deepEqual(await get(admin, '/healthz'), { status: 200, body: 'ok\n' });
  t.deepEqual(await get(admin, '/readyz'), { status: 200, body: 'ready\n' });
  t.regex((await get(admin, '/metrics')).body, /^ocsp_responses_total\{type="good"\} 1$/m);
  t.true(JSON.parse((await get(admin, '/health')).body).ready);
  t.is((await get(admin, '/nothing')).status, 404);
  const [pasted = ''] = served.stdout.split('\n');
  const words = pasted.split(' ');
  t.deepEqual(words.slice(0, 2), ['openssl-ocsp', 'query']);
  const query = await command(words.slice(1));
  t.is(query.status, 0, query.stderr);
  t.is((await served.event('signed'))['issuer'], 'CN=Serve CA');
  t.is(await served.end(), 0);
  t.truthy(await served.event('stopped'));
});

test('a CRL with the list of what was issued; the command that asks names one of it', async (t) => {
  const at = folder(t);
  const port = await freePort();
  writeFileSync(at('ca.crl'), makeCrl(ca, [crlEntry(0x1002n)]));
  writeFileSync(at('issued'), '1001\n1002\n');
  const list = ['--crl', at('ca.crl'), '--serials', at('issued')];
  const served = await start(t, [...basic(at).slice(0, 6), ...list, '--listen', `127.0.0.1:${port}`]);
  const answers = ['1001', '1002', '1003'].map(async (serial) => {
    const request = ask([serial], { issuer: ca });
    return statusIn(await post({ port }, request), request, ca);
  });
  t.deepEqual(await Promise.all(answers), ['good', 'revoked', 'UNAUTHORIZED']);
  const query = await command(served.stdout.trim().split(' ').slice(1));
  t.is(query.status, 0, query.stderr);
});

test('a list that is replaced counts within a second; one that is damaged or half written does not', async (t) => {
  const at = folder(t);
  const port = await freePort();
  const served = await start(t, [...basic(at), '--listen', `127.0.0.1:${port}`]);
  t.is(await statusAt({ port }), 'good');
  // In place, and cut within a row.
  writeFileSync(at('index.txt'), `${OTHER_ROW}V\t3012`);
  t.is((await served.event('list'))['level'], 'error');
  t.is(await statusAt({ port }), 'good');
  // Fewer rows than before are those of a writer that has not finished.
  writeFileSync(at('index.txt'), OTHER_ROW);
  await new Promise((resolve) => setTimeout(resolve, 700));
  t.is(await statusAt({ port }), 'good');
  writeFileSync(at('new'), NOW_REVOKED + OTHER_ROW);
  renameSync(at('new'), at('index.txt'));
  await until('revoked', { port });
  // An older list takes nothing back.
  writeFileSync(at('index.txt'), GOOD_ROW + OTHER_ROW);
  appendFileSync(at('index.txt'), 'V\t301231235959Z\t\t1003\tunknown\t/CN=c\n');
  const third = ask(['1003'], { issuer: ca });
  while (statusIn(await post({ port }, third), third, ca) !== 'good')
    await new Promise((resolve) => setTimeout(resolve, 50));
  t.is(await statusAt({ port }), 'revoked');
});

test('what openssl ocsp leaves out of an index.txt is read', async (t) => {
  const at = folder(t);
  const port = await freePort();
  // Digits in lower case, two valid rows of one subject, an expired row, and no newline behind the last one.
  const rows = (first: string): string =>
    `${first}\t1a2b\tunknown\t/CN=a\nV\t301231235959Z\t\t1A2C\tunknown\t/CN=a\n` +
    'E\t260101235959Z\t\t1A2D\tunknown\t/CN=c\nR\t301231235959Z\t260203040506Z\t1A2E\tunknown\t/CN=b';
  writeFileSync(at('index.txt'), rows('V\t301231235959Z\t'));
  await start(t, [...basic(at), '--listen', `127.0.0.1:${port}`]);
  const statusOf = async (serial: string): Promise<string> => {
    const request = ask([serial], { issuer: ca });
    return statusIn(await post({ port }, request), request, ca);
  };
  const all = () => Promise.all(['1A2B', '1A2C', '1A2D', '1A2E'].map(statusOf));
  t.deepEqual(await all(), ['good', 'good', 'UNAUTHORIZED', 'revoked']);
  writeFileSync(at('index.txt'), rows('R\t301231235959Z\t260203040506Z'));
  while ((await statusOf('1A2B')) === 'good') await new Promise((resolve) => setTimeout(resolve, 50));
  t.deepEqual(await all(), ['revoked', 'good', 'UNAUTHORIZED', 'revoked']);
});

test('unix socket, one that a killed process left, and a descriptor that listens already', async (t) => {
  const at = folder(t);
  const socketPath = at('socket');
  const first = await start(t, [...basic(at), '--listen', `unix:${socketPath}`]);
  t.is(await statusAt({ socketPath }), 'good');
  await first.end('SIGKILL');
  const second = await start(t, [...basic(at), '--listen', `unix:${socketPath}`]);
  t.is(await statusAt({ socketPath }), 'good');
  const taken = await command(['serve', ...basic(at), '--listen', `unix:${socketPath}`]);
  t.is(taken.status, 1);
  t.regex(taken.stderr, /EADDRINUSE/);
  t.is(await second.end('SIGINT'), 0);
});

test('SIGHUP: reads everything again, and keeps the old where the new is wrong', async (t) => {
  const at = folder(t);
  const port = await freePort();
  const config = {
    listen: `127.0.0.1:${port}`,
    issuers: [
      {
        certificate: 'ca.pem',
        signers: [{ certificate: 'ocsp.pem', key: 'ocsp.key' }],
        index: 'index.txt',
      },
    ],
  };
  writeFileSync(at('serve.json'), JSON.stringify(config));
  const served = await start(t, ['--config', at('serve.json')]);
  const nonced = ask(['1001'], { issuer: ca, nonce: Buffer.alloc(32, 1) });
  t.is(statusIn(await post({ port }, nonced), nonced, ca), 'good');
  writeFileSync(at('serve.json'), JSON.stringify({ ...config, nonce: 'forbidden' }));
  served.child.kill('SIGHUP');
  await served.event('reloaded');
  t.is(statusIn(await post({ port }, nonced), nonced, ca), 'MALFORMED_REQUEST');
  writeFileSync(at('serve.json'), '{');
  served.child.kill('SIGHUP');
  t.regex(String((await served.event('reload'))['message']), /is not JSON/);
  t.is(await statusAt({ port }), 'good');
  t.is(statusIn(await post({ port }, nonced), nonced, ca), 'MALFORMED_REQUEST');
  // A database that there is not: what waits for it gives way to what mends that.
  const [{ index: _index, ...issuer }] = config.issuers as [(typeof config.issuers)[0]];
  const postgres = `postgres://nobody@127.0.0.1:${await freePort()}/none`;
  writeFileSync(at('serve.json'), JSON.stringify({ ...config, issuers: [{ ...issuer, postgres }] }));
  served.child.kill('SIGHUP');
  await served.event('feed');
  t.is(statusIn(await post({ port }, nonced), nonced, ca), 'MALFORMED_REQUEST');
  writeFileSync(at('serve.json'), JSON.stringify(config));
  served.child.kill('SIGHUP');
  await served.event('reloaded', 2);
  t.is(statusIn(await post({ port }, nonced), nonced, ca), 'good');
});

test('SIGHUP with a wrong configuration: the lists that there are go on', async (t) => {
  const at = folder(t);
  const port = await freePort();
  const issuer = {
    certificate: 'ca.pem',
    signers: [{ certificate: 'ocsp.pem', key: 'ocsp.key' }],
    index: 'index.txt',
  };
  const config = { listen: `127.0.0.1:${port}`, issuers: [issuer] };
  writeFileSync(at('serve.json'), JSON.stringify(config));
  const served = await start(t, ['--config', at('serve.json')]);
  const revoked = new Set<string>();
  const wrong = [
    () => writeFileSync(at('serve.json'), '{ "issuers": ['),
    () => writeFileSync(at('serve.json'), JSON.stringify({ ...config, issuer })),
    () => writeFileSync(at('serve.json'), JSON.stringify({ ...config, issuers: [{ ...issuer, certificate: 'none' }] })),
    () => rmSync(at('serve.json')),
  ];
  for (const [i, change] of wrong.entries()) {
    change();
    served.child.kill('SIGHUP');
    await served.event('reload', i + 1);
    const serial = `${i + 1}0`;
    revoked.add(serial);
    const rows = [...revoked].map((one) => `R\t301231235959Z\t260203040506Z\t${one}\tunknown\t/CN=${one}\n`);
    writeFileSync(at('new'), GOOD_ROW + OTHER_ROW + rows.join(''));
    renameSync(at('new'), at('index.txt'));
    const request = ask([serial], { issuer: ca });
    while (statusIn(await post({ port }, request), request, ca) !== 'revoked')
      await new Promise((resolve) => setTimeout(resolve, 50));
    // What has been mended is read; then comes the next mistake.
    writeFileSync(at('serve.json'), JSON.stringify(config));
    served.child.kill('SIGHUP');
    await served.event('reloaded', i + 1);
  }
  t.is(await statusAt({ port }), 'good');
});

test('SIGHUP: what --check refuses is not taken, unless it was so before', async (t) => {
  const at = folder(t);
  const port = await freePort();
  const expired = ca.issueResponder({ notBefore: new Date(0), notAfter: new Date(1000) });
  writeFileSync(at('expired.pem'), expired.certificatePem);
  writeFileSync(at('expired.key'), expired.privateKeyPem);
  const own = { certificate: 'ca.pem', signers: [{ certificate: 'ocsp.pem', key: 'ocsp.key' }], index: 'index.txt' };
  const nonced = ask(['1001'], { issuer: ca, nonce: Buffer.alloc(32, 1) });
  const reload = (issuer: object, more: object = {}): void => {
    writeFileSync(at('serve.json'), JSON.stringify({ listen: `127.0.0.1:${port}`, issuers: [issuer], ...more }));
  };
  reload(own);
  const served = await start(t, ['--config', at('serve.json')]);
  for (const [i, [wrong, message]] of (
    [
      [{ index: 'mistyped.txt' }, 'CN=Serve CA: the authority is not up to date'],
      [
        { signers: [{ certificate: 'expired.pem', key: 'expired.key' }] },
        'CN=Serve CA: no signer has a valid certificate',
      ],
    ] as const
  ).entries()) {
    reload({ ...own, ...wrong }, { nonce: 'forbidden' });
    t.is((await command(['serve', '--config', at('serve.json'), '--check'])).status, 1);
    served.child.kill('SIGHUP');
    t.is((await served.event('reload', i + 1))['message'], message);
    t.is(statusIn(await post({ port }, nonced), nonced, ca), 'good');
  }
  // The list that was not there is there now.
  writeFileSync(at('mistyped.txt'), NOW_REVOKED);
  reload({ ...own, index: 'mistyped.txt' });
  served.child.kill('SIGHUP');
  await served.event('reloaded');
  t.is(statusIn(await post({ port }, nonced), nonced, ca), 'revoked');
  t.is(await served.end(), 0);
  // Nothing answers: what mends something else is taken.
  reload({ ...own, index: 'none.txt' });
  const ill = await start(t, ['--config', at('serve.json')]);
  reload({ ...own, index: 'neither.txt' }, { nonce: 'forbidden' });
  ill.child.kill('SIGHUP');
  await ill.event('reloaded');
  t.is(statusIn(await post({ port }, nonced), nonced, ca), 'MALFORMED_REQUEST');
  t.is(await ill.end(), 0);
});

test('SIGHUP where the key came from standard input: it is not waited for again, and what there is goes on', async (t) => {
  const at = folder(t);
  const port = await freePort();
  const args = basic(at).map((value) => (value === at('ocsp.key') ? '-' : value));
  args.push('--listen', `127.0.0.1:${port}`);
  const served = await start(t, args, { input: delegate.privateKeyPem });
  served.child.kill('SIGHUP');
  t.regex(String((await served.event('reload'))['message']), /standard input .* is read once/);
  t.is(await statusAt({ port }), 'good');
  served.child.kill('SIGHUP');
  // Lists are looked at all the time, and need no signal.
  writeFileSync(at('index.txt'), NOW_REVOKED);
  await until('revoked', { port });
  t.is(await served.end(), 0);
});

test('what it prints asks it below its base path, however that is written', async (t) => {
  const at = folder(t);
  for (const path of ['ocsp', '/ocsp/', "/it's"]) {
    const served = await start(t, [...basic(at), '--listen', '127.0.0.1:0', '--base-path', path]);
    t.regex(await pasted(at, served), /=> good/, path);
    t.is(await served.end(), 0);
  }
});

withCurl('what it prints over a unix socket asks it', async (t) => {
  const at = folder(t);
  const served = await start(t, [...basic(at), '--listen', `unix:${at("a socket's")}`, '--base-path', '/ocsp']);
  t.regex(await pasted(at, served), /=> good/);
  t.is(await served.end(), 0);
});

withCli('what it prints over TLS asks it, also where no one vouches for the certificate', async (t) => {
  const at = folder(t);
  const names = ['-subj', '/CN=x', '-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-keyout', at('tls.key'), '-out', at('tls.pem')];
  const made = await runProgram('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...names, ...files]);
  t.is(made.status, 0);
  const config = {
    listen: `127.0.0.1:${await freePort()}`,
    tls: { certificate: 'tls.pem', key: 'tls.key' },
    issuers: [{ certificate: 'ca.pem', signers: [{ certificate: 'ocsp.pem', key: 'ocsp.key' }], index: 'index.txt' }],
  };
  writeFileSync(at('serve.json'), JSON.stringify(config));
  const own = await start(t, ['--config', at('serve.json')]);
  t.regex(await pasted(at, own), /=> good/);
  t.is(await own.end(), 0);
  const issued = ca.issue({ subject: 'CN=localhost', dnsNames: ['localhost'] });
  writeFileSync(at('tls.pem'), issued.certificatePem);
  writeFileSync(at('tls.key'), issued.privateKeyPem);
  const other = await start(t, ['--config', at('serve.json')]);
  t.regex(await pasted(at, other, { NODE_EXTRA_CA_CERTS: at('ca.pem') }), /=> good/);
  t.is(await other.end(), 0);
});

withCurl('what it prints over TLS on a unix socket asks it', async (t) => {
  const at = folder(t);
  const config = {
    listen: `unix:${at('socket')}`,
    tls: { certificate: 'tls.pem', key: 'tls.key' },
    issuers: [{ certificate: 'ca.pem', signers: [{ certificate: 'ocsp.pem', key: 'ocsp.key' }], index: 'index.txt' }],
  };
  const issued = ca.issue({ subject: 'CN=localhost', dnsNames: ['localhost'] });
  writeFileSync(at('tls.pem'), issued.certificatePem);
  writeFileSync(at('tls.key'), issued.privateKeyPem);
  writeFileSync(at('serve.json'), JSON.stringify(config));
  const served = await start(t, ['--config', at('serve.json')]);
  t.regex(await pasted(at, served, { CURL_CA_BUNDLE: at('ca.pem') }), /=> good/);
  t.is(await served.end(), 0);
});

test('SIGHUP after the certificate of the CA was renewed: what its list said is for ever stays', async (t) => {
  const at = folder(t);
  const port = await freePort();
  writeFileSync(at('index.txt'), NOW_REVOKED + OTHER_ROW);
  const served = await start(t, [...basic(at), '--listen', `127.0.0.1:${port}`]);
  t.is(await statusAt({ port }), 'revoked');
  writeFileSync(at('index.txt'), GOOD_ROW + OTHER_ROW);
  writeFileSync(at('ca.pem'), buildCertificate(null, ca.privateKey, { ca: true, subject: 'CN=Serve CA' }).toString());
  served.child.kill('SIGHUP');
  await served.event('reloaded');
  t.is(await statusAt({ port }), 'revoked');
  t.is(await served.end(), 0);
});

test('SIGHUP before it listens: reloads when it does', async (t) => {
  const at = folder(t);
  const port = await freePort();
  const config = (key: string, others: object): string =>
    JSON.stringify({
      listen: `127.0.0.1:${port}`,
      issuers: [{ certificate: 'ca.pem', signers: [{ certificate: 'ocsp.pem', key }], index: 'index.txt' }],
      ...others,
    });
  execFileSync('mkfifo', [at('pipe')]);
  writeFileSync(at('serve.json'), config('pipe', {}));
  const served = launch(t, ['--config', at('serve.json')]);
  // Opens when the other end is read from.
  const pipe = await open(at('pipe'), 'w');
  writeFileSync(at('serve.json'), config('ocsp.key', { nonce: 'forbidden' }));
  for (let i = 0; i < 2; i += 1) served.child.kill('SIGHUP');
  await pipe.writeFile(readFileSync(at('ocsp.key')));
  await pipe.close();
  await served.event('reloaded');
  const nonced = ask(['1001'], { issuer: ca, nonce: Buffer.alloc(32, 1) });
  t.is(statusIn(await post({ port }, nonced), nonced, ca), 'MALFORMED_REQUEST');
  t.is(await served.end(), 0);
});

test('a reload that gave way to one of a wrong configuration does not count later', async (t) => {
  const at = folder(t);
  const port = await freePort();
  const config = (index: string, others: object): string =>
    JSON.stringify({
      listen: `127.0.0.1:${port}`,
      issuers: [{ certificate: 'ca.pem', signers: [{ certificate: 'ocsp.pem', key: 'ocsp.key' }], index }],
      ...others,
    });
  writeFileSync(at('serve.json'), config('index.txt', {}));
  const served = await start(t, ['--config', at('serve.json')]);
  execFileSync('mkfifo', [at('pipe')]);
  writeFileSync(at('serve.json'), config('pipe', { nonce: 'forbidden' }));
  served.child.kill('SIGHUP');
  const pipe = await open(at('pipe'), 'w');
  writeFileSync(at('serve.json'), '{');
  served.child.kill('SIGHUP');
  await served.event('reload', 2);
  await pipe.writeFile(readFileSync(at('index.txt')));
  // It would be opened again, and waited for.
  rmSync(at('pipe'));
  await pipe.close();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const nonced = ask(['1001'], { issuer: ca, nonce: Buffer.alloc(32, 1) });
  t.is(statusIn(await post({ port }, nonced), nonced, ca), 'good');
  t.is(await served.end(), 0);
});

test('requests that have to be signed, by the configuration', async (t) => {
  const at = folder(t);
  const port = await freePort();
  const issuer = { certificate: 'ca.pem', signers: [{ certificate: 'ocsp.pem', key: 'ocsp.key' }], index: 'index.txt' };
  const config = { listen: `127.0.0.1:${port}`, issuers: [issuer], requestSignatures: 'required' };
  writeFileSync(at('serve.json'), JSON.stringify(config));
  const bare = await command(['serve', '--config', at('serve.json'), '--check']);
  t.is(bare.status, 1);
  t.regex(bare.stderr, /requestSignatures needs requestTrust/);
  writeFileSync(at('serve.json'), JSON.stringify({ ...config, requestTrust: 'ca.pem' }));
  await start(t, ['--config', at('serve.json')]);
  t.is(await statusAt({ port }), 'SIG_REQUIRED');
  const signed = new OCSPRequestBuilder()
    .addCertificate(leaf.certificate, ca.certificate, 'sha1')
    .sign(leaf.certificate, leaf.privateKey, 'sha256', { certificates: [leaf.certificate] })
    .publicBytes();
  t.is(statusIn(await post({ port }, signed), signed, ca), 'good');
});

test('SIGHUP with an older list takes no revocation back', async (t) => {
  const at = folder(t);
  const port = await freePort();
  writeFileSync(at('index.txt'), NOW_REVOKED + OTHER_ROW);
  const served = await start(t, [...basic(at), '--listen', `127.0.0.1:${port}`]);
  t.is(await statusAt({ port }), 'revoked');
  writeFileSync(at('new'), GOOD_ROW + OTHER_ROW);
  renameSync(at('new'), at('index.txt'));
  served.child.kill('SIGHUP');
  await served.event('reloaded');
  t.is(await statusAt({ port }), 'revoked');
  await new Promise((resolve) => setTimeout(resolve, 700));
  t.is(await statusAt({ port }), 'revoked');
});

test('every signature is in the log, in batches', async (t) => {
  const at = folder(t);
  const port = await freePort();
  const served = await start(t, [...basic(at), '--listen', `127.0.0.1:${port}`]);
  for (let i = 0; i < 250; i += 1)
    await post({ port }, ask(i % 2 === 0 ? ['1001'] : ['1001', '1002'], { issuer: ca, nonce: Buffer.alloc(8, i + 1) }));
  t.is(await served.end(), 0);
  const batches = served.lines.filter(({ event }) => event === 'signed');
  const entries = batches.flatMap((line) => line['entries'] as string[]);
  t.is(entries.filter((entry) => entry === '1001:good').length, 250);
  t.is(entries.filter((entry) => entry === '1002:revoked').length, 125);
  t.true(batches.length < 50, `${batches.length} lines`);
  const serialNumber = delegate.certificate.serialNumber;
  t.deepEqual(
    new Set(batches.map(({ issuer, signer }) => `${issuer} ${signer}`)),
    new Set([`CN=Serve CA ${serialNumber}`]),
  );
});

test('SIGTERM: an idle connection does not hold it up', async (t) => {
  const at = folder(t);
  const port = await freePort();
  const served = await start(t, [...basic(at), '--listen', `127.0.0.1:${port}`]);
  const idle = connect(port, '127.0.0.1');
  idle.on('error', () => undefined);
  await new Promise((resolve) => idle.on('connect', resolve));
  t.is(await served.end(), 0);
});

test('several processes: one port, one health, and one that is killed is replaced', async (t) => {
  const at = folder(t);
  const [port, admin] = [await freePort(), await freePort()];
  const issuer = { certificate: 'ca.pem', signers: [{ certificate: 'ocsp.pem', key: 'ocsp.key' }], index: 'index.txt' };
  const config = { listen: `127.0.0.1:${port}`, admin: `127.0.0.1:${admin}`, issuers: [issuer], processes: 2 };
  writeFileSync(at('serve.json'), JSON.stringify(config));
  const served = await start(t, ['--config', at('serve.json')]);
  await served.event('listening', 2);
  for (let i = 0; i < 6; i += 1) t.is(await statusAt({ port }), 'good');
  t.deepEqual(await get(admin, '/readyz'), { status: 200, body: 'ready\n' });
  t.regex((await get(admin, '/metrics')).body, /^ocsp_responses_total\{type="good"\} 6$/m);
  t.is(served.stdout.trim().split('\n').length, 1);
  const [first] = served.lines.filter(({ event }) => event === 'listening').map(({ pid }) => Number(pid));
  process.kill(first as number, 'SIGKILL');
  t.is((await served.event('process ended'))['worker'], first as number);
  await served.event('listening', 3);
  for (let i = 0; i < 4; i += 1) t.is(await statusAt({ port }), 'good');
  writeFileSync(at('serve.json'), JSON.stringify({ ...config, nonce: 'forbidden' }));
  served.child.kill('SIGHUP');
  await served.event('reloaded', 2);
  t.is(await served.end(), 0);
});

test('--check says who signs, and what is wrong', async (t) => {
  const at = folder(t);
  const well = await command(['serve', ...basic(at), '--check']);
  t.is(well.status, 0, well.stderr);
  t.regex(well.stdout, /^CN=Serve CA: .*, until .*, signs\n$/);
  writeFileSync(at('index.txt'), 'nonsense\n');
  const ill = await command(['serve', ...basic(at), '--check']);
  t.is(ill.status, 1);
  t.regex(ill.stdout, /the authority is not up to date/);
  rmSync(at('index.txt'));
  const none = await command(['serve', ...basic(at), '--check']);
  t.is(none.status, 1);
  t.regex(none.stderr, /"event":"list".*cannot read [^:]*index\.txt: no such file"/);
});

/** A configuration as file; its issuers have this many signers, of which the last one is as given. */
function configWith(at: (name: string) => string, count: number, last: object, more: object = {}): string[] {
  const signer = { certificate: 'ocsp.pem', key: 'ocsp.key' };
  const signers = [...Array<object>(count - 1).fill(signer), { ...signer, ...last }];
  const issuers = [{ certificate: 'ca.pem', signers, index: 'index.txt' }];
  writeFileSync(at('serve.json'), JSON.stringify({ $schema: './serve.schema.json', issuers, ...more }));
  return ['--config', at('serve.json')];
}

test('--check reads every key, also where there are so many that the first signature loads them', async (t) => {
  const at = folder(t);
  writeFileSync(at('damaged.key'), 'nonsense');
  const ill = await command(['serve', ...configWith(at, 100, { key: 'damaged.key' }), '--check']);
  t.is(ill.status, 1);
  t.regex(ill.stderr, /damaged\.key holds no private key/);
  const well = await command(['serve', ...configWith(at, 100, {}), '--check']);
  t.is(well.status, 0, well.stderr);
  // The server begins without them.
  const port = await freePort();
  await start(t, [...configWith(at, 100, { key: 'damaged.key' }), '--listen', `127.0.0.1:${port}`]);
  t.is(await statusAt({ port }), 'good');
});

test('--check reads the certificate and the key of TLS', async (t) => {
  const at = folder(t);
  const check = (key: string) =>
    command(['serve', ...configWith(at, 1, {}, { tls: { certificate: 'ocsp.pem', key } }), '--check']);
  t.is((await check('ocsp.key')).status, 0);
  const missing = await check('none.key');
  t.is(missing.status, 1);
  t.regex(missing.stderr, /none\.key.*no such file/);
  writeFileSync(at('other.key'), leaf.privateKeyPem);
  const other = await check('other.key');
  t.is(other.status, 1);
  t.regex(other.stderr, /other\.key are no certificate and key for TLS/);
});

withCli(
  "keys in PKCS#12, and in one of OpenSSL's stores; --check tells of one that is another certificate's",
  async (t) => {
    const at = folder(t);
    writeFileSync(at('pin'), 'sesame\n');
    const made = await runProgram('openssl', [
      ...['pkcs12', '-export', '-inkey', at('ocsp.key'), '-in', at('ocsp.pem')],
      ...['-passout', `file:${at('pin')}`, '-out', at('ocsp.p12')],
    ]);
    t.is(made.status, 0, made.stderr);
    writeFileSync(at('other.key'), leaf.privateKeyPem);
    const list = ['--issuer', at('ca.pem'), '--index', at('index.txt')];
    const cases = [
      ['--key', at('ocsp.p12'), '--passphrase-file', at('pin')],
      ['--key', `file:${at('ocsp.key')}`, '--signer', at('ocsp.pem')],
      ['--key', `file:${at('ocsp.p12')}`, '--signer', at('ocsp.pem'), '--passphrase-file', at('pin')],
    ];
    for (const key of cases) {
      const port = await freePort();
      const served = await start(t, [...list, ...key, '--listen', `127.0.0.1:${port}`]);
      t.is(await statusAt({ port }), 'good');
      t.is(await served.end(), 0);
    }
    const other = await command([
      'serve',
      ...list,
      '--key',
      `file:${at('other.key')}`,
      '--signer',
      at('ocsp.pem'),
      '--check',
    ]);
    t.is(other.status, 1, other.stdout);
    t.regex(other.stderr, /does not belong to the responder certificate/);
  },
);

test('a delegate that clients would have to ask about, too, is warned of', async (t) => {
  const at = folder(t);
  const checked = ca.issueResponder({ ocspNoCheck: false });
  writeFileSync(at('ocsp.pem'), checked.certificatePem);
  writeFileSync(at('ocsp.key'), checked.privateKeyPem);
  const result = await command(['serve', ...basic(at), '--check']);
  t.is(result.status, 0);
  t.regex(result.stderr, /"level":"warn","event":"signer".*ocsp-nocheck/);
});

const WRONG: readonly [
  name: string,
  args: (at: (name: string) => string) => string[],
  message: RegExp,
  status?: number,
][] = [
  ['no issuer', (at) => basic(at).slice(2), /--issuer is missing/],
  ['no key', (at) => ['--issuer', at('ca.pem'), '--index', at('index.txt')], /--key is missing/],
  ['no list', (at) => basic(at).slice(0, 6), /an index, a CRL, a database or a store/],
  ['two lists', (at) => [...basic(at), '--crl', at('crl')], /one of index, crl and postgres/],
  ['hours of a CRL', (at) => [...basic(at).slice(0, 6), '--crl', at('crl'), '--hours', '1'], /until when it holds/],
  ['a bad address', (at) => [...basic(at), '--listen', 'nowhere'], /--listen is HOST:PORT/],
  ['a bad port', (at) => [...basic(at), '--admin', ':99999'], /--admin is HOST:PORT/],
  ['a bad policy', (at) => [...basic(at), '--nonce', 'maybe'], /--nonce is one of/],
  ['config and more', (at) => [...basic(at), '--config', at('serve.json')], /--issuer does not go with --config/],
  [
    'config and an option without a value',
    (at) => ['--config', at('serve.json'), '--include-expired'],
    /--include-expired does not go with --config/,
  ],
  [
    'config and a passphrase',
    (at) => ['--config', at('serve.json'), '--passphrase-env', 'PIN'],
    /--passphrase-env does not go with --config/,
  ],
  [
    'a passphrase without a key',
    (at) => ['--issuer', at('ca.pem'), '--store', at('store'), '--passphrase-env', 'PIN'],
    /a passphrase goes with --key/,
  ],
  ['no such config', (at) => ['--config', at('none.json')], /none\.json/, 1],
  [
    'a signer that may not',
    (at) => [...basic(at).slice(0, 2), '--signer', at('leaf.pem'), '--key', at('ocsp.key'), '--index', at('index.txt')],
    /OCSPSigning|KEY_MISMATCH/,
    1,
  ],
];
for (const [name, args, message, status = 2] of WRONG)
  test(`wrong usage: ${name}`, async (t) => {
    const result = await command(['serve', ...args(folder(t))]);
    t.is(result.status, status, result.stderr);
    t.regex(result.stderr, message);
  });

const CONFIGS: readonly [name: string, change: object, message: RegExp][] = [
  ['an unknown member', { nonsense: 1 }, /has no member nonsense/],
  ['a wrong type', { maxAge: '1' }, /maxAge is of type string, not integer/],
  ['a fraction', { maxAge: 1.5 }, /maxAge is 1.5, not integer/],
  ['too small', { maxCertIds: 0 }, /maxCertIds is less than 1/],
  ['not among the choices', { nonce: 'x' }, /nonce is one of/],
  ['no issuers', { issuers: [] }, /issuers is empty/],
  ['a bad issuer', { issuers: [{}] }, /issuers\[0\] needs certificate/],
  ['an object that is null', { live: null }, /live is of type null/],
];
for (const [name, change, message] of CONFIGS)
  test(`configuration: ${name}`, async (t) => {
    const at = folder(t);
    writeFileSync(at('serve.json'), JSON.stringify({ issuers: [{ certificate: 'ca.pem' }], ...change }));
    const result = await command(['serve', '--config', at('serve.json')]);
    t.is(result.status, 2);
    t.regex(result.stderr, message);
  });

test('configuration: of many issuers, the error says which is wrong', async (t) => {
  const at = folder(t);
  const signers = [{ certificate: 'ocsp.pem', key: 'ocsp.key' }];
  const first = { certificate: 'ca.pem', signers, index: 'index.txt' };
  for (const [second, message] of [
    [{}, /the issuer \S+\/leaf\.pem needs an index, a CRL, a database or a store/],
    [{ serials: 'serials' }, /the issuer \S+\/leaf\.pem: serials go with a CRL/],
    [{ index: 'index.txt', crl: 'crl' }, /the issuer \S+\/leaf\.pem has one of index, crl and postgres/],
    [{ crl: 'crl', includeExpired: true }, /the issuer \S+\/leaf\.pem: includeExpired goes with an index/],
    [{ store: 'store', hours: 2 }, /the issuer \S+\/leaf\.pem: hours goes with signers/],
    [{ store: 'store', archiveCutoff: 2 }, /the issuer \S+\/leaf\.pem: archiveCutoff goes with signers/],
    [{ store: 'store', allowUnauthorized: true }, /the issuer \S+\/leaf\.pem: allowUnauthorized goes with signers/],
    [{ store: 'store', notIssued: 'good' }, /the issuer \S+\/leaf\.pem: notIssued good goes with signers/],
  ] as const) {
    writeFileSync(at('serve.json'), JSON.stringify({ issuers: [first, { certificate: 'leaf.pem', ...second }] }));
    const result = await command(['serve', '--config', at('serve.json')]);
    t.is(result.status, 2);
    t.regex(result.stderr, message);
  }
  for (const [digest, status] of [
    ['SHA2-384', 0],
    ['md5', 1],
  ] as const) {
    const issuers = [{ ...first, signers: [{ ...signers[0], digest }] }];
    writeFileSync(at('serve.json'), JSON.stringify({ issuers }));
    const result = await command(['serve', '--check', '--config', at('serve.json')]);
    t.is(result.status, status, result.stderr);
  }
});

test('the schema in the documentation is that of the command', (t) => {
  const documented = JSON.parse(readFileSync(new URL('../../../docs/serve.schema.json', import.meta.url), 'utf8'));
  const { $schema, title, ...schema } = documented;
  t.truthy($schema && title);
  t.deepEqual(schema, JSON.parse(JSON.stringify(SCHEMA)));
});

withCli('openssl ocsp -url asks by SHA-1 and SHA-256, with and without a nonce', async (t) => {
  const at = folder(t);
  const port = await freePort();
  await start(t, [...basic(at), '--listen', `127.0.0.1:${port}`]);
  const url = ['-url', `http://127.0.0.1:${port}`, '-CAfile', at('ca.pem'), '-issuer', at('ca.pem')];
  for (const options of [[], ['-no_nonce'], ['-sha256'], ['-sha256', '-no_nonce']]) {
    const result = await runProgram('openssl', [
      'ocsp',
      ...options.filter((one) => one === '-no_nonce'),
      ...url,
      ...options.filter((one) => one === '-sha256'),
      '-cert',
      at('leaf.pem'),
    ]);
    t.is(result.status, 0, result.stderr);
    t.regex(result.stdout, /leaf\.pem: good/);
    t.regex(result.stderr, /Response verify OK/);
    t.notRegex(result.stderr, /WARNING: no nonce/);
  }
  const both = await runProgram('openssl', ['ocsp', ...url, '-cert', at('leaf.pem'), '-serial', '0x1002']);
  t.regex(both.stdout, /leaf\.pem: good[\s\S]*0x1002: revoked[\s\S]*keyCompromise/);
});

withOcsptool('GnuTLS asks', async (t) => {
  const at = folder(t);
  const port = await freePort();
  await start(t, [...basic(at), '--listen', `127.0.0.1:${port}`]);
  const args = ['--load-issuer', at('ca.pem'), '--load-cert', at('leaf.pem'), '--load-trust', at('ca.pem')];
  const result = await runProgram('ocsptool', [`--ask=http://127.0.0.1:${port}`, ...args]);
  t.is(result.status, 0, result.stderr);
  t.regex(result.stdout, /Certificate Status: good/);
  t.regex(result.stdout, /Verifying OCSP Response: Success/);
});

withCurl('curl: GET in both spellings, HEAD, POST, 304', async (t) => {
  const at = folder(t);
  const port = await freePort();
  await start(t, [...basic(at), '--listen', `127.0.0.1:${port}`]);
  writeFileSync(at('request.der'), question);
  const base = `http://127.0.0.1:${port}`;
  const base64 = question.toString('base64');
  const curl = async (...args: string[]): Promise<string> => {
    const result = await runProgram('curl', [
      '-sS',
      '--path-as-is',
      '-o',
      at('answer.der'),
      '-w',
      '%{http_code} %header{etag}',
      ...args,
    ]);
    t.is(result.status, 0, result.stderr);
    return result.stdout;
  };
  const first = await curl(`${base}/${encodeURIComponent(base64)}`);
  t.is(statusIn(readFileSync(at('answer.der')), question, ca), 'good');
  t.is(await curl(`${base}//${base64}`), first);
  t.is(await curl('--data-binary', `@${at('request.der')}`, base), first);
  t.is(await curl('-I', `${base}/${base64}`), first);
  const etag = first.slice(4);
  t.true((await curl('-H', `If-None-Match: ${etag}`, `${base}/${base64}`)).startsWith('304'));
});
