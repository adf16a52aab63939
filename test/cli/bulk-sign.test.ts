import { spawnSync } from 'node:child_process';
import fs, {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadDerOcspResponse, OCSPCertStatus, ReasonFlags } from 'openssl-ocsp';
import { putStatus, ResponseSigner, SegmentStore } from 'openssl-ocsp/bulk';
import { createTestCa } from 'openssl-ocsp/testing';
import { type CommandResult, commandInside } from '../helpers/command.js';
import { makeCrl } from '../helpers/crl.js';

const ca = createTestCa({ subject: 'CN=CLI CA' });
const responder = ca.issueResponder();
const leaf = ca.issue({ serialNumber: 0x1234n });

process.env['SECRET'] = 'sesame';

const run = (...args: readonly string[]): Promise<CommandResult> => commandInside(args);

/** A folder with certificates, key, and a list. */
function files(t: ExecutionContext, index?: string): { at: (name: string) => string; sign: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-cli-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('ca.pem'), ca.certificatePem);
  writeFileSync(at('ocsp.pem'), responder.certificatePem);
  writeFileSync(at('ocsp.key'), responder.privateKeyPem);
  writeFileSync(
    at('encrypted.key'),
    responder.privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'sesame' }),
  );
  writeFileSync(at('leaf.pem'), leaf.certificatePem);
  const rows = 'V\t301231235959Z\t\t1234\tunknown\t/CN=a\nR\t301231235959Z\t260102030405Z\tFF\tunknown\t/CN=b\n';
  writeFileSync(at('index.txt'), index ?? rows);
  const sign = ['bulk-sign', '--issuer', at('ca.pem'), '--signer', at('ocsp.pem'), '--key', at('ocsp.key')];
  return { at, sign: [...sign, '--out', at('store')] };
}

const IS_IT = 'is it the right one, and the serial number, too?\n';

test('store revoke: reasons and serial numbers as people write them', async (t) => {
  const { at, sign } = files(t, 'V\t301231235959Z\t\t0E\tunknown\t/CN=e\n');
  const put = (...args: string[]) => run('store', 'revoke', at('store'), ...sign.slice(1, 7), ...args);
  t.is((await run(...sign, '--index', at('index.txt'))).status, 0);
  for (const [serial, reason, stored] of [
    ['0x12:34', 'CACompromise', 'cACompromise'],
    ['ab-cd', 'keycompromise', 'keyCompromise'],
  ] as const) {
    const { status, stderr } = await put(serial, '--reason', reason, '--revoked-at', '2026-01-02T03:04:05.000Z');
    t.is(status, 0, stderr);
    t.is(stderr, `note: the store had no response for ${serial === 'ab-cd' ? 'ABCD' : '1234'}: ${IS_IT}`);
    const response = loadDerOcspResponse((await run('store', 'get', at('store'), serial)).bytes);
    t.is(String(response.revocationReason), stored);
    t.is(response.revocationTime?.toISOString(), '2026-01-02T03:04:05.000Z');
  }
  // Also within the same second, in which the store has the same.
  for (let second = 0; second < 2; second += 1) {
    const again = await put('0x12:34', '--reason', 'CACompromise', '--revoked-at', '2026-01-02T03:04:05.000Z');
    t.is(again.status, 0, again.stderr);
    t.is(again.stderr, '');
    t.regex(again.stdout, /^(2 responses are served|0 .* of 2 responses the store has others of this status)\n$/);
  }
  t.is((await put('1', '2', '3', '1234')).stderr, `note: the store had no response for 01 and 2 others: ${IS_IT}`);
  // What is known by a clock that is ahead is newer, whatever second this is.
  const store = await SegmentStore.open(at('store'));
  const signer = new ResponseSigner({
    issuer: ca.certificate,
    responder: responder.certificate,
    privateKey: responder.privateKey,
  });
  const statusVersion = Math.floor(Date.now() / 1000) + 600;
  const entry = { serialNumber: '1234', status: OCSPCertStatus.REVOKED, revocationTime: new Date(0), statusVersion };
  await putStatus({ entries: [entry], signer, store });
  store.close();
  const good = await run('store', 'put', at('store'), ...sign.slice(1, 7), '1234', '--status', 'good');
  t.is(good.status, 1);
  t.is(
    good.stdout,
    '0 responses are served; of 2 responses the store has newer ones, or a revocation for ever\n',
    good.stderr,
  );
  // A revocation for ever takes the place of a hold, though that is of a clock that is ahead.
  const held = { ...entry, serialNumber: '77', reason: ReasonFlags.certificateHold };
  const before = await SegmentStore.open(at('store'));
  await putStatus({ entries: [held], signer, store: before });
  // Neither do bytes keep it out that are no answer.
  const [record] = [...before.records()];
  await before.putBatch([{ ...record!, serial: '88', certStatus: OCSPCertStatus.REVOKED, der: Buffer.from('junk') }]);
  before.close();
  t.is((await put('88', '--reason', 'keyCompromise')).status, 0);
  t.is((await put('77', '--reason', 'keyCompromise')).status, 0);
  const raised = loadDerOcspResponse((await run('store', 'get', at('store'), '77')).bytes);
  t.is(raised.revocationReason, ReasonFlags.keyCompromise);
  // Which nothing takes back, in whatever second.
  for (const status of [['good'], ['unknown'], ['revoked', '--reason', 'certificateHold']]) {
    const back = await run('store', 'put', at('store'), ...sign.slice(1, 7), '77', '--status', ...status);
    t.regex(back.stdout, /^0 responses are served; of 2 responses the store has .*\n$/, back.stderr);
    const still = loadDerOcspResponse((await run('store', 'get', at('store'), '77')).bytes);
    t.is(still.revocationReason, ReasonFlags.keyCompromise);
  }
  // A clock that is a little ahead is no reason not to revoke.
  const [soon, late] = [30_000, 90_000].map((ahead) => new Date(Date.now() + ahead).toISOString()) as [string, string];
  t.is((await put('99', '--revoked-at', soon)).status, 0);
  const future = await put('98', '--revoked-at', late);
  t.is(future.status, 2);
  t.true(
    future.stderr.includes(`--revoked-at is in the future: clients may not take it for revoked until then: ${late}\n`),
  );
  t.is((await run('store', 'get', at('store'), '98')).status, 1);
  const foreign = await put('12', '--reason', 'constructor');
  t.is(foreign.status, 2);
  t.regex(foreign.stderr, /--reason is one of unspecified, .*: constructor/);
  for (const { status, stderr } of [await put('no-one'), await run('store', 'get', at('store'), 'no-one')]) {
    t.is(status, 2);
    t.regex(stderr, /serial number is not hexadecimal: no-one/);
  }
});

test('store revoke: of a folder that is no store nothing is made, as store put does', async (t) => {
  const { at, sign } = files(t);
  mkdirSync(at('empty'));
  for (const [name, message] of [
    ['mistyped', /^openssl-ocsp store: cannot read .*mistyped: no such folder\n$/],
    ['empty', /^openssl-ocsp store: there is no store in .*empty\n$/],
  ] as const) {
    const { status, stdout, stderr } = await run('store', 'revoke', at(name), '1234', ...sign.slice(1, 7));
    t.is(status, 1, stdout);
    t.regex(stderr, message);
  }
  t.deepEqual([existsSync(at('mistyped')), readdirSync(at('empty'))], [false, []]);
  const put = await run('store', 'put', at('begun'), '1234', ...sign.slice(1, 7), '--status', 'good');
  t.is(put.status, 0, put.stderr);
  t.true(existsSync(at('begun')));
});

test('an interrupted run does not go on with a CRL that now may be an older one', async (t) => {
  const { at, sign } = files(t);
  const args = [...sign, '--crl', at('ca.crl'), '--serials', at('serials'), '--checkpoint-every', '500'];
  writeFileSync(at('ca.crl'), makeCrl(ca, []));
  writeFileSync(at('serials'), '1234\n');
  t.is((await run(...args)).status, 0);
  writeFileSync(at('ca.crl'), makeCrl(ca, [], { thisUpdate: -2 * 24 * 3600_000 }));
  // (Of which the first are signed before the last is read.)
  const many = Array.from({ length: 6000 }, (_, i) => `1${String(i).padStart(39, '0')}\n`);
  writeFileSync(at('serials'), `${many.join('')}no number\n`);
  t.is((await run(...args)).status, 1);
  const again = [...args, '--skip-bad-rows', '--allow-older-crl'];
  const { status, stderr } = await run(...again);
  t.regex(stderr, /interrupted run .* with other options, is thrown away/);
  t.is(status, 0, stderr);
});

test('bulk-sign, and what the store then says', async (t) => {
  const { at, sign } = files(t);
  const signed = await run(
    ...sign,
    '--index',
    at('index.txt'),
    '--json',
    '--cert-id-hash',
    'sha1',
    '--days',
    '2',
    '--threads',
    '1',
  );
  t.is(signed.status, 0, signed.stderr);
  const { signed: count, rate } = JSON.parse(signed.stdout) as { signed: number; rate: number };
  t.is(count, 2);
  t.true(rate > 0);

  const list = (await run('store', 'ls', at('store'))).stdout.trimEnd().split('\n');
  t.deepEqual(
    list.map((line) => line.split(' ').slice(0, 2)),
    [
      ['FF', 'REVOKED'],
      ['1234', 'GOOD'],
    ],
  );
  t.is((await run('store', 'verify', at('store'))).stdout, '2 responses in 1 segment, 0 problems\n');
  t.regex((await run('store', 'stats', at('store'))).stdout, /segments: 1/);
  t.is((await run('store', 'ls', at('store'), '--cert-id-hash', 'SHA-1')).stdout.trimEnd().split('\n').length, 2);
  t.is((await run('store', 'ls', at('store'), '--cert-id-hash', 'md5')).status, 2);
  t.is((await run('store', 'compact', at('store'))).status, 0);
  t.is((await run('store', 'get', at('store'), '77')).status, 1);
  t.is((await run('store', 'export', at('store'), at('files'))).stdout, '2 files\n');
  t.deepEqual(readdirSync(at('files')).sort(), ['1234.der', 'FF.der']);
  const response = loadDerOcspResponse(readFileSync(at('files/1234.der')));
  t.is(response.certificateStatus, OCSPCertStatus.GOOD);
  t.is((response.nextUpdate as Date).getTime() - response.thisUpdate.getTime(), 2 * 86_400_000);
  t.is((await run('store', 'export', at('store'), at('all.tar'))).status, 0);
  t.is(readFileSync(at('all.tar')).length % 512, 0);

  const args = ['ocsp', '-respin', at('files/1234.der'), '-issuer', at('ca.pem'), '-cert', at('leaf.pem'), '-no_nonce'];
  const checked = spawnSync('openssl', [...args, '-CAfile', at('ca.pem')], { encoding: 'utf8' });
  if (checked.error) t.log('no openssl command here to check with');
  else t.regex(checked.stdout + checked.stderr, /Response verify OK[\s\S]*: good|: good[\s\S]*Response verify OK/);
});

test('encrypted keys, other lists, dry runs', async (t) => {
  const { at, sign } = files(t);
  writeFileSync(at('list.csv'), 'serial,status\n0A,good\n0B,unknown\n');
  writeFileSync(at('list.ndjson'), '{"serial":"0C","status":"good"}\n');
  const encrypted = [...sign.slice(0, 6), at('encrypted.key'), ...sign.slice(7)];
  writeFileSync(at('pass'), 'sesame\n');
  for (const passphrase of [
    ['--passphrase-env', 'SECRET'],
    ['--passphrase-file', at('pass')],
  ]) {
    const result = await run(...encrypted, ...passphrase, '--csv', at('list.csv'));
    t.is(result.status, 0, result.stderr);
    t.regex(result.stdout, /^2 certificates signed, 4 responses \(\d+ bytes\) in/);
  }
  t.is((await run(...encrypted, '--passphrase-file', at('list.csv'), '--csv', at('list.csv'))).status, 1);
  t.is((await run(...encrypted, '--csv', at('list.csv'))).status, 1);
  t.is((await run(...sign, '--ndjson', at('list.ndjson'))).status, 0);
  t.is((await run('store', 'get', at('store'), '0c')).status, 0);
  const dry = await run(...sign.slice(0, -1), at('untouched'), '--ndjson', at('list.ndjson'), '--dry-run');
  t.is(dry.stdout, '1 certificate, 0 bad rows; nothing signed\n');
  t.false(existsSync(at('untouched')));
});

test('of two lists the one that was modified later is served, whichever is signed last', async (t) => {
  const { at, sign } = files(t);
  writeFileSync(at('revoked.csv'), 'serial,status,revocationTime\nFF,revoked,2026-01-02T03:04:05Z\n');
  writeFileSync(at('good.csv'), 'serial,status\nFF,good\n');
  const status = async (list: string, modified: number): Promise<string> => {
    utimesSync(at(list), modified, modified);
    const { status: code, stdout, stderr } = await run(...sign, '--csv', at(list), '--json');
    const { served, kept } = JSON.parse(stdout) as { served: number; kept: number };
    t.is(served + kept, 1, stderr);
    t.is(code, kept === 0 ? 0 : 6, stderr);
    t.is(/^note: of 1 certificate other responses are served/.test(stderr), kept === 1);
    return `${(await run('store', 'ls', at('store'))).stdout.split(' ')[1]} ${kept === 0 ? 'new' : 'kept'}`;
  };
  t.is(await status('revoked.csv', 1_700_000_200), 'REVOKED new');
  t.is(await status('good.csv', 1_700_000_100), 'REVOKED kept', 'an older list');
  t.is(await status('good.csv', 1_700_000_200), 'REVOKED kept', 'of the same second the safe one');
  t.is(await status('good.csv', 1_700_000_300), 'GOOD new', 'a newer list');
  t.is(await status('revoked.csv', 1_700_000_250), 'REVOKED new', 'what is worse counts, though the time went back');
  t.is(await status('good.csv', 1_700_000_280), 'REVOKED kept', 'and what is good then does not');
  // A clock that was wrong must not hide all that follows.
  t.is(await status('good.csv', 8_000_000_000), 'GOOD new');
  t.is(await status('revoked.csv', Date.now() / 1000 + 5), 'REVOKED new');
});

test('bad rows end the run, or are reported and left out', async (t) => {
  const { at, sign } = files(t, 'V\t301231235959Z\t\tXYZ\tunknown\t/CN=a\nV\t301231235959Z\t\t0A\tunknown\t/CN=b\n');
  const fatal = await run(...sign, '--index', at('index.txt'));
  t.is(fatal.status, 1);
  t.regex(fatal.stderr, /1/);
  const lenient = await run(...sign, '--index', at('index.txt'), '--skip-bad-rows', '--json');
  t.is(lenient.status, 0, lenient.stderr);
  t.like(JSON.parse(lenient.stdout), { signed: 1, badRows: 1 });
});

test('wrong usage says so, with exit code 2', async (t) => {
  const { at, sign } = files(t);
  t.is((await run(...sign, '--index', at('index.txt'))).status, 0);
  for (const args of [
    [],
    ['nonsense'],
    ['bulk-sign'],
    ['bulk-sign', '--nonsense'],
    [...sign],
    [...sign, '--index', at('index.txt'), '--csv', at('index.txt')],
    [...sign, '--index', at('index.txt'), '--threads', 'many'],
    [...sign, '--index', at('index.txt'), '--threads', '0'],
    [...sign, '--index', at('index.txt'), '--threads', '1.5'],
    [...sign, '--index', at('index.txt'), '--workers', '2'],
    [...sign.slice(0, 6), '-', '--out', at('store'), '--ledger', 'postgres:///none', '--job', 'x', '--workers', '2'],
    [...sign, '--index', at('index.txt'), '--checkpoint-every', '0'],
    [...sign, '--index', at('index.txt'), '--verify-sample', '2'],
    [...sign, '--index', at('index.txt'), '--verify-sample=-1'],
    [...sign, '--index', at('index.txt'), '--days', '0'],
    [...sign, '--index', at('index.txt'), '--days', '1', '--hours=-24'],
    [...sign, '--index', at('index.txt'), '--responder-id', 'key'],
    [...sign, '--crl', at('index.txt'), '--serials-of-part'],
    [...sign, '--index', at('index.txt'), '--serials', at('index.txt')],
    [...sign, '--index', at('index.txt'), '--crl', at('index.txt')],
    [...sign, '--csv', at('index.txt'), '--include-expired'],
    [...sign, '--crl', at('index.txt'), '--days', '1'],
    [...sign, '--index', at('index.txt'), '--checkpoint-every', 'many'],
    [...sign, '--index', at('index.txt'), '--passphrase-env', 'SECRET', '--passphrase-file', at('ca.pem')],
    [...sign, '--index', at('index.txt'), '--passphrase-env', 'NO_SUCH_VARIABLE'],
    ['store'],
    ['store', 'ls'],
    ['store', 'nonsense', at('store')],
    ['store', 'constructor', at('store')],
    ['store', '__proto__', at('store')],
    ['store', 'get', at('store')],
    ['store', 'export', at('store')],
    ['store', 'export', at('store'), at('all.tar.gz')],
    ['store', 'export', at('store'), at('all.tgz')],
    ['store', 'ls', at('store'), '--status', 'good'],
    ['store', 'get', at('store'), '1', '--json'],
    ['store', 'stats', at('store'), '--cert-id-hash', 'sha1'],
    ['store', 'compact', at('store'), '--json'],
    ['store', 'mirror', at('store'), at('copy'), '--layout', 'get'],
    ['store', 'convert', at('store'), at('new'), '--issuer', at('ca.pem'), '--hours', '1'],
    [...['store', 'revoke', at('store'), '1'], ...sign.slice(1), '--status', 'good'],
  ]) {
    const { status, stderr, stdout } = await run(...args);
    t.is(status, 2, args.join(' '));
    t.true((stderr + stdout).length > 20);
  }
  for (const args of [['--help'], ['bulk-sign', '--help'], ['store', '-h']]) {
    const { status, stdout } = await run(...args);
    t.is(status, 0);
    t.regex(stdout, /^Usage: openssl-ocsp/);
  }
  t.is((await run('store', 'ls', at('no-such-folder'))).status, 1);
  mkdirSync(at('empty'));
  for (const action of ['ls', 'verify', 'compact', 'stats']) {
    const { status, stderr } = await run('store', action, at('empty'));
    t.is(status, 1, action);
    t.regex(stderr, /there is no store in/);
  }
  t.deepEqual(readdirSync(at('empty')), []);
  t.is((await run(...sign, '--index', at('no-such-file'))).status, 1);
  for (const [option, value] of [
    ['--digest', 'md5'],
    ['--digest', 'sha1'],
    ['--cert-id-hash', 'sha1,md5'],
    ['--cert-id-hash', 'SHA1,sha1'],
  ] as const) {
    const { status, stderr } = await run(...sign, '--index', at('index.txt'), option, value);
    t.is(status, 2, stderr);
    t.regex(stderr, new RegExp(`^openssl-ocsp bulk-sign: ${option} `));
  }
  // As OpenSSL spells them, too.
  const spelt = ['--index', at('index.txt'), '--digest', 'SHA2-384', '--cert-id-hash', 'SHA-1,SHA256', '--dry-run'];
  t.is((await run(...sign, ...spelt)).status, 0);
});

test('store verify lists damage, also of a store that cannot be opened', async (t) => {
  const { at, sign } = files(t);
  t.is((await run(...sign, '--index', at('index.txt'))).status, 0);
  const segment = join(at('store'), readdirSync(at('store')).find((name) => name.endsWith('.seg')) as string);
  writeFileSync(segment, readFileSync(segment).subarray(0, 50));
  t.is((await run('store', 'ls', at('store'))).status, 1);
  const { status, stdout } = await run('store', 'verify', at('store'));
  t.is(status, 1);
  t.regex(stdout, /^\S+\.seg: too short for a segment\n0 responses in 1 segment, 1 problem\n$/);
  const report = await run('store', 'verify', at('store'), '--json');
  t.is(report.status, 1);
  t.is((JSON.parse(report.stdout) as { problems: unknown[] }).problems.length, 1);
});

test('store export leaves an archive as it was where it cannot write all of the new one', async (t) => {
  const { at, sign } = files(t);
  t.is((await run(...sign, '--index', at('index.txt'))).status, 0);
  t.is((await run('store', 'export', at('store'), at('all.tar'))).status, 0);
  const { stderr } = await run('store', 'export', at('store'), at('none/all.tar'));
  t.regex(stderr, /cannot open .*none\/all\.tar: no such file/);
  const before = readFileSync(at('all.tar'));
  // It is durable before it has its name.
  const { open } = fs.promises;
  fs.promises.open = async (...given) => {
    const handle = await open(...given);
    if (String(given[0]).startsWith(at('all.tar'))) handle.sync = () => Promise.reject(new Error('no fsync'));
    return handle;
  };
  syncBuiltinESMExports();
  const unsynced = await run('store', 'export', at('store'), at('all.tar'), '--layout', 'get');
  fs.promises.open = open;
  syncBuiltinESMExports();
  t.is(unsynced.status, 1);
  t.regex(unsynced.stderr, /no fsync/);
  const [segment] = readdirSync(at('store')).filter((name) => name.endsWith('.seg')) as [string];
  const content = readFileSync(join(at('store'), segment));
  content[200] = (content[200] as number) ^ 1;
  writeFileSync(join(at('store'), segment), content);
  for (const name of ['all.tar', 'new.tar'])
    t.regex((await run('store', 'export', at('store'), at(name))).stderr, /ERR_OCSP_STORE_DAMAGED/);
  t.deepEqual(readFileSync(at('all.tar')), before);
  t.deepEqual(
    readdirSync(at('.')).filter((name) => name.includes('.tar')),
    ['all.tar'],
  );
});

test('what a response looks like is up to options', async (t) => {
  const { at, sign } = files(t, 'E\t201231235959Z\t\t0E\tunknown\t/CN=e\nV\t301231235959Z\t\t0A\tunknown\t/CN=a\n');
  const response = async (serial: string) => {
    const file = at(`exported/${serial}.der`);
    t.is((await run('store', 'export', at('store'), at('exported'))).status, 0);
    return existsSync(file) ? loadDerOcspResponse(readFileSync(file)) : undefined;
  };
  t.is((await run(...sign, '--index', at('index.txt'))).status, 0);
  t.is(await response('0E'), undefined);
  t.is((await response('0A'))?.responderName, null);
  t.is((await response('0A'))?.certificates.length, 1);
  const looks = ['--include-expired', '--responder-id', 'name', '--no-certs'];
  const again = await run(...sign, '--index', at('index.txt'), ...looks, '--json');
  t.is((JSON.parse(again.stdout) as { signed: number }).signed, 2, again.stderr);
  t.is((await response('0E'))?.certificateStatus, OCSPCertStatus.GOOD);
  t.not((await response('0E'))?.responderName, null);
  t.is((await response('0E'))?.certificates.length, 0);
});

test('a signer that clients would refuse signs only when told so', async (t) => {
  const { at, sign } = files(t);
  const other = ca.issue({ subject: 'CN=not for OCSP' });
  writeFileSync(at('ocsp.pem'), other.certificatePem);
  writeFileSync(at('ocsp.key'), other.privateKeyPem);
  const refused = await run(...sign, '--index', at('index.txt'));
  t.is(refused.status, 1);
  t.regex(refused.stderr, /OCSPSigning \[ERR_OCSP_INVALID_VALUE\]/);
  const allowed = await run(...sign, '--index', at('index.txt'), '--allow-unauthorized');
  t.is(allowed.status, 0, allowed.stderr);
});

test('that the certificate of the signer ends before nextUpdate is said once', async (t) => {
  const { at, sign } = files(t);
  const end = new Date(Math.floor(Date.now() / 1000) * 1000 + 3 * 3600_000);
  const { certificatePem, privateKeyPem } = ca.issueResponder({ notAfter: end });
  writeFileSync(at('ocsp.pem'), certificatePem);
  writeFileSync(at('ocsp.key'), privateKeyPem);
  const note = `note: the responses hold until ${end.toISOString()} only, when the certificate of the signer ends\n`;
  const noted = async (...args: string[]): Promise<boolean> => {
    const { status, stderr } = await run(...args);
    t.is(status, 0, stderr);
    return stderr.split(note).length === 2;
  };
  const list = [...sign, '--index', at('index.txt')];
  t.true(await noted(...list));
  const response = loadDerOcspResponse((await run('store', 'get', at('store'), '1234')).bytes);
  t.deepEqual(response.nextUpdate, end);
  t.false(await noted(...list, '--hours', '3'));
  t.false(await noted(...list, '--hours', '2'));
  t.false(await noted(...list, '--allow-unauthorized'));
  writeFileSync(at('ca.crl'), makeCrl(ca, []));
  t.false(await noted(...sign, '--crl', at('ca.crl')));
  t.true(await noted('store', 'revoke', at('store'), '1234', ...sign.slice(1, 7)));
});

test('a bad option leaves no unfinished run behind', async (t) => {
  const { at, sign } = files(t);
  const tooMany = await run(...sign, '--index', at('index.txt'), '--threads', '1025');
  t.is(tooMany.status, 1);
  t.regex(tooMany.stderr, /1 to 1024 \[ERR_OCSP_INVALID_VALUE\]/);
  t.is((await run(...sign, '--index', at('index.txt'), '--hours', '9')).status, 0);
});
