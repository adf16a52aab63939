/** Lists of `bulk-sign`: pipes, forms, CRLs of the wrong time, and what the command says is served. */
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { createTestCa } from 'openssl-ocsp/testing';
import { openListFile } from '#dist/cli/list-file.js';
import { scratch } from '../bulk/scratch.js';
import { crlOf, entryOf, pemOf, reasonOf } from '../bulk/sources/crls.js';
import { type CommandResult, command } from '../helpers/command.js';

const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const HOUR = 3_600_000;
const ca = createTestCa();

interface Setup {
  readonly at: (name: string) => string;
  readonly write: (name: string, content: string | Buffer) => string;
  /** Runs bulk-sign with these options, into the store. */
  readonly sign: (options: readonly string[], input?: string | Buffer) => Promise<CommandResult>;
  /** Serial numbers and statuses in the store. */
  readonly served: () => Promise<string[]>;
}

function setUp(t: ExecutionContext): Setup {
  const folder = scratch(t);
  const at = (name: string): string => join(folder, name);
  const write = (name: string, content: string | Buffer): string => {
    writeFileSync(at(name), content);
    return at(name);
  };
  const keys = ['--issuer', write('ca.pem', ca.certificatePem), '--signer', at('ca.pem'), '--key'];
  const args = ['bulk-sign', ...keys, write('ca.key', ca.privateKeyPem), '--out', at('store'), '--threads', '1'];
  return {
    at,
    write,
    sign: (options, input = '') => command([...args, ...options], { input }),
    served: async () => {
      const { stdout } = await command(['store', 'ls', at('store'), '--cert-id-hash', 'sha1']);
      return stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ').slice(0, 2).join(' '));
    },
  };
}

const INDEX = 'V\t301231235959Z\t\t0A\tunknown\t/CN=a\nR\t301231235959Z\t260102030405Z\t0B\tunknown\t/CN=b\n';

test('a list of no certificates is one, and is told of', async (t) => {
  const { sign } = setUp(t);
  for (const [options, input] of [
    [['--index', '-'], ''],
    [['--index', '-'], '# nothing yet\n'],
    [['--ndjson', '-'], ''],
    [['--csv', '-'], 'serial,status\n'],
  ] as const) {
    for (const dry of [[], ['--dry-run']]) {
      const { status, stderr } = await sign([...options, ...dry], input);
      t.is(status, 0, stderr);
      t.regex(stderr, /^note: the list is empty: it has no certificate to sign for$/m);
    }
  }
  const empty = await sign(['--csv', '-'], '');
  t.is(empty.status, 1);
  t.regex(empty.stderr, /the file is empty/);
  t.notRegex((await sign(['--index', '-'], INDEX)).stderr, /empty/);
});

test('a store does not go to standard output', async (t) => {
  const { at, write } = setUp(t);
  const keys = ['--issuer', at('ca.pem'), '--signer', at('ca.pem'), '--key', at('ca.key')];
  for (const list of [
    ['--index', write('index.txt', INDEX)],
    ['--ledger', 'postgres://localhost/none', '--job', 'a'],
  ]) {
    const { status, stderr } = await command(['bulk-sign', ...keys, ...list, '--out', '-']);
    t.is(status, 2);
    t.regex(stderr, /--out names a folder/);
  }
});

test('every list may be standard input', async (t) => {
  const inputs: [string[], string | Buffer][] = [
    [['--index', '-'], INDEX],
    [['--csv', '-'], 'serial,status,revocationTime\n0A,good,\n0B,revoked,20260102030405Z\n'],
    [
      ['--ndjson', '-'],
      '{"serial":"0A","status":"good"}\n{"serial":"0B","status":1,"revocationTime":"20260102030405Z"}\n',
    ],
  ];
  for (const [options, input] of inputs) {
    const { sign, served } = setUp(t);
    const { status, stderr } = await sign(options, input);
    t.is(status, 0, stderr);
    t.deepEqual(await served(), ['0A GOOD', '0B REVOKED'], options[0]);
  }
  const { write, sign, served } = setUp(t);
  const crl = crlOf(ca, { entries: [entryOf(0x0bn)] });
  t.is((await sign(['--crl', '-', '--serials', write('serials', '0A\n')], crl)).status, 0);
  t.is((await sign(['--crl', write('crl', pemOf(crl)), '--serials', '-'], '0A\n0B\n0C\n')).status, 0);
  t.deepEqual(await served(), ['0A GOOD', '0B REVOKED', '0C GOOD']);
  const both = await sign(['--crl', '-', '--serials', '-'], '0A\n');
  t.is(both.status, 2);
  t.regex(both.stderr, /standard input can be one thing only/);
});

test('lists and certificates from named pipes', (t) => {
  const { at, write } = setUp(t);
  write('index.txt', INDEX);
  write('list.crl', crlOf(ca, { entries: [entryOf(0x0bn)] }));
  for (const pipe of ['1', '2', '3', '4']) execFileSync('mkfifo', [at(pipe)]);
  const bulk = `'${process.execPath}' '${main}' bulk-sign --signer ca.pem --key ca.key --threads 1`;
  const script = `cat ca.pem > 1 & cat index.txt > 2 & ${bulk} --issuer 1 --index 2 --out first || exit 1
    cat list.crl > 3 & echo 0C > 4 & exec ${bulk} --issuer ca.pem --crl 3 --serials 4 --out second`;
  const { status, stderr } = spawnSync('sh', ['-c', script], { cwd: at('.'), encoding: 'utf8' });
  t.is(status, 0, stderr);
  const listed = (store: string): string =>
    spawnSync(process.execPath, [main, 'store', 'ls', at(store), '--cert-id-hash', 'sha1'], { encoding: 'utf8' })
      .stdout;
  t.regex(listed('first'), /^0A GOOD .*\n0B REVOKED .*\n$/);
  t.regex(listed('second'), /^0B REVOKED .*\n0C GOOD .*\n$/);
});

test('a list that changes while it is read is not signed', async (t) => {
  const path = join(scratch(t), 'list');
  writeFileSync(path, INDEX);
  const list = await openListFile(path);
  t.is(list.lines, 2);
  const same = await openListFile(path);
  t.is(same.content, list.content);
  const { atime, mtime } = { atime: new Date(), mtime: list.modified };
  writeFileSync(path, INDEX.replace('0A', '0C'));
  utimesSync(path, atime, mtime);
  t.not((await openListFile(path)).content, list.content, 'of the same size and time');
  const read = async (): Promise<void> => {
    for await (const _ of list.bytes) {
      // nothing to do with it
    }
  };
  await t.throwsAsync(read(), { message: /has changed while it was read/ });
  appendFileSync(path, 'more');
  await t.throwsAsync(read(), { message: /has changed/ });
  await t.throwsAsync(openListFile(join(path, 'none')), { message: /cannot read .*none/ });
});

test('decimal serial numbers, delimiters, byte order marks', async (t) => {
  const { write, sign, served } = setUp(t);
  const table = write('t.csv', '\ufeffserial;status\r\n161;good\r\n');
  t.is((await sign(['--csv', table, '--delimiter', ';', '--decimal'])).status, 0);
  t.is((await sign(['--csv', write('t.tsv', 'serial\tstatus\nA2\tgood\n'), '--delimiter', 'tab'])).status, 0);
  t.is((await sign(['--ndjson', write('t.json', '\ufeff{"serial":"163","status":"good"}\n'), '--decimal'])).status, 0);
  const crl = write('list.crl', crlOf(ca));
  t.is((await sign(['--crl', crl, '--serials', write('s', '\ufeff164\n'), '--decimal'])).status, 0);
  t.deepEqual(await served(), ['A1 GOOD', 'A2 GOOD', 'A3 GOOD', 'A4 GOOD']);
  for (const options of [
    ['--index', table, '--decimal'],
    ['--index', table, '--delimiter', ';'],
    ['--csv', table, '--delimiter', '|'],
    ['--crl', crl, '--decimal'],
    ['--csv', table, '--allow-older-crl'],
    ['--csv', table, '--csv', table],
    ['--crl', crl, '--crl', crl],
    ['--crl', crl, '--serials', table, '--serials', table],
    ['--csv', table, '--ndjson', table],
  ]) {
    t.is((await sign(options)).status, 2, options.join(' '));
  }
});

test('nothing but bad rows fails, also when they are skipped', async (t) => {
  const { write, sign } = setUp(t);
  const list = write('index.txt', 'serial,status\n0A,good\n');
  for (const options of [['--skip-bad-rows'], ['--skip-bad-rows', '--dry-run'], []]) {
    const { status, stderr } = await sign(['--index', list, ...options]);
    t.is(status, 1, stderr);
    t.regex(stderr, /ERR_OCSP_MALFORMED/);
  }
  t.is((await sign(['--index', write('fine.txt', INDEX)])).status, 0, 'and is in the way of nothing');
});

test('what is wrong with a list begins with the name of its file', async (t) => {
  const { at, write, sign } = setUp(t);
  const bad = write('bad', 'V\tno\n');
  const crl = write('list.crl', crlOf(ca, { entries: [entryOf(0x0bn, undefined, reasonOf(8)), entryOf(0x0cn)] }));
  const fine = write('fine.crl', crlOf(ca));
  const serials = write('serials', 'A1\nno\n');
  const expired = write('expired.crl', crlOf(ca, { thisUpdate: new Date(0), nextUpdate: new Date(1000) }));
  for (const [options, message] of [
    [['--index', bad], `${bad}: line 1: `],
    [['--index', '-'], 'standard input: line 1: '],
    [['--csv', bad], `${bad}: line 1: `],
    [['--ndjson', bad], `${bad}: line 1: `],
    [['--crl', crl], `${crl}: CRL entry 1: removeFromCRL`],
    [['--crl', crl, '--serials', serials], `${crl}: CRL entry 1: removeFromCRL`],
    [['--crl', fine, '--serials', serials], `${serials}: line 2: `],
    [['--crl', expired], `${expired}: the CRL has expired`],
  ] as const) {
    const { status, stderr } = await sign(options, 'V\tno\n');
    t.is(status, 1, stderr);
    t.true(stderr.startsWith(`openssl-ocsp bulk-sign: ${message}`), stderr);
  }
  const skipped = await sign(['--crl', crl, '--serials', serials, '--skip-bad-rows']);
  t.is(skipped.status, 0);
  t.deepEqual(
    skipped.stderr.split('\n', 2).map((line) => line.slice(0, line.indexOf(':', at('.').length))),
    [crl, serials],
  );
});

test('what a bad row says is fit for a terminal', async (t) => {
  const { write, sign } = setUp(t);
  const list = write('list.csv', 'serial,status\n0A,good\n0B,\u001b[2J\n');
  const { status, stderr } = await sign(['--csv', list, '--skip-bad-rows']);
  t.is(status, 0, stderr);
  t.regex(stderr, /\\u\{1b\}\[2J/);
  t.false(stderr.includes('\u001b'));
});

test('CRLs of the wrong time, and what is said of those that go back', async (t) => {
  const { write, sign, served } = setUp(t);
  const serials = ['--serials', write('serials', 'A1\n')];
  const crl = (name: string, parts: Parameters<typeof crlOf>[1]): string[] => [
    '--crl',
    write(name, crlOf(ca, parts)),
    ...serials,
  ];
  const ago = (hours: number): Date => new Date(Date.now() - hours * HOUR);
  const entries = [entryOf(0xa1n)];
  const future = crl('future', { thisUpdate: ago(-2) });
  t.is((await sign(future)).status, 1);
  const expired = crl('expired', { thisUpdate: ago(9), nextUpdate: ago(1) });
  t.is((await sign(expired)).status, 1);
  t.is((await sign([...expired, '--allow-future-crl'])).status, 1);
  t.is((await sign([...expired, '--allow-expired-crl'])).status, 0);
  t.is((await sign(crl('newer', { thisUpdate: ago(2), number: 8, entries }))).status, 0);
  t.deepEqual(await served(), ['A1 REVOKED']);
  const older = crl('older', { thisUpdate: ago(4), number: 7 });
  const back = await sign([...older, '--json']);
  t.is(back.status, 6);
  t.regex(back.stderr, /the list goes back: the store has been signed from number 8 of /);
  t.like(JSON.parse(back.stdout), { signed: 1, served: 0, kept: 1, supersededBy: { number: '8' } });
  t.deepEqual(await served(), ['A1 REVOKED']);
  const asked = await sign([...older, '--allow-older-crl']);
  t.is(asked.status, 0, asked.stderr);
  t.deepEqual(await served(), ['A1 GOOD']);
});

test('removeFromCRL in a complete CRL is refused, or left out by name', async (t) => {
  const { write, sign, served } = setUp(t);
  const crl = write('list.crl', crlOf(ca, { entries: [entryOf(0xa1n, undefined, reasonOf(8)), entryOf(0xa2n)] }));
  const options = ['--crl', crl, '--serials', write('serials', 'A1\nA2\nA3\n')];
  const refused = await sign(options);
  t.is(refused.status, 1);
  t.regex(refused.stderr, /CRL entry 1: removeFromCRL/);
  const skipping = await sign([...options, '--skip-bad-rows']);
  t.is(skipping.status, 0);
  t.deepEqual(await served(), ['A2 REVOKED', 'A3 GOOD']);
});

test('a revocation in a list whose time went back is served', async (t) => {
  const { at, write, sign, served } = setUp(t);
  const index = (content: string, modified: number): string[] => {
    write('index.txt', content);
    utimesSync(at('index.txt'), modified, modified);
    return ['--index', at('index.txt'), '--json'];
  };
  const now = Math.floor(Date.now() / 1000);
  const good = 'V\t301231235959Z\t\tA1\tunknown\t/CN=x\nV\t301231235959Z\t\tA2\tunknown\t/CN=x\n';
  const revoked = `R\t301231235959Z\t261101000000Z,keyCompromise\tA1\tunknown\t/CN=x\n${good.split('\n')[1]}\n`;
  t.is((await sign(index(good, now - 10))).status, 0);
  const { status, stdout, stderr } = await sign(index(revoked, now - 70));
  t.is(status, 6, 'the good one was not put again');
  t.like(JSON.parse(stdout), { signed: 2, served: 1, kept: 1 });
  t.regex(stderr, /^note: of 1 certificate other responses are served/);
  t.deepEqual(await served(), ['A1 REVOKED', 'A2 GOOD']);
  const unrevoked = await sign(index(good, now - 70));
  t.like(JSON.parse(unrevoked.stdout), { served: 0, kept: 2 });
  t.deepEqual(await served(), ['A1 REVOKED', 'A2 GOOD']);
  t.is((await sign(index(good, now - 5))).status, 0);
  t.deepEqual(await served(), ['A1 GOOD', 'A2 GOOD']);
});
