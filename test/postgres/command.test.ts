/** The command over a database: lists in, a responder, and a job that processes share. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { OCSPCertStatus } from 'openssl-ocsp';
import { SegmentStore } from 'openssl-ocsp/bulk';
import { createTestCa } from 'openssl-ocsp/testing';
import pg from 'pg';
import { command } from '../helpers/command.js';
import { crlEntry, makeCrl, reasonCode } from '../helpers/crl.js';
import { freePort } from '../helpers/free-port.js';
import { opensslCliVersion } from '../helpers/openssl-cli.js';
import { postgresForFile, withPostgres } from '../helpers/postgres.js';
import { PostgresServer, runSql } from '../helpers/postgres-server.js';
import { runProgram } from '../helpers/programs.js';
import { changedAt, thisUpdateOf } from './fixtures.js';

const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const file = postgresForFile();
const ca = createTestCa({ subject: 'CN=Database CA' });
const leaf = ca.issue({ subject: 'CN=www.example' });

function folder(t: ExecutionContext): (name: string) => string {
  const path = mkdtempSync(join(tmpdir(), 'openssl-ocsp-db-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  const at = (name: string): string => join(path, name);
  writeFileSync(at('ca.pem'), ca.certificatePem);
  writeFileSync(at('ca.key'), ca.privateKeyPem);
  return at;
}

/** Runs a command that has to succeed. */
async function run(t: ExecutionContext, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await command(args);
  t.is(status, 0, stderr);
  return stdout;
}

withPostgres('db init, import and status; what is wrong is said in a line', async (t) => {
  const at = folder(t);
  await file.server.psql('CREATE DATABASE fresh', 'postgres');
  const url = file.server.url('fresh');
  const list = ['--issuer', at('ca.pem'), '--index', at('index.txt')];
  writeFileSync(
    at('index.txt'),
    'V\t301231235959Z\t\t01\tunknown\t/CN=a\nR\t301231235959Z\t240102030405Z\t02\tunknown\t/CN=b\n',
  );
  const early = await command(['db', 'import', url, ...list]);
  t.is(early.status, 1);
  t.regex(early.stderr, /openssl-ocsp db init/);
  t.is(await run(t, 'db', 'init', url), '0001-statuses\n0002-ledger\nthe tables are of version 2\n');
  t.is(await run(t, 'db', 'init', url), 'the tables are of version 2\n');
  t.is(
    await run(t, 'db', 'import', url, ...list),
    '2 entries of CN=Database CA: 2 certificates are new, 0 have another status\n',
  );
  t.deepEqual(JSON.parse(await run(t, 'db', 'import', url, ...list, '--json')), {
    inserted: 0,
    updated: 0,
    kept: 0,
    entries: 2,
  });
  t.regex(await run(t, 'db', 'status', url), /^issuer 1: CN=Database CA, 1 revoked\n/);
  // The list says "good" of what is revoked.
  writeFileSync(at('index.txt'), 'V\t301231235959Z\t\t02\tunknown\t/CN=b\n');
  const kept = await command(['db', 'import', url, ...list]);
  t.is(kept.status, 6);
  t.regex(kept.stderr, /of 1 certificates the database keeps another status/);
  // A CRL of before a hold, which it may end all the same where that is said.
  const crl = ['db', 'import', url, '--issuer', at('ca.pem'), '--crl', at('ca.crl'), '--serials', at('serials')];
  writeFileSync(at('serials'), '03\n');
  writeFileSync(at('ca.crl'), makeCrl(ca, [crlEntry(3n, reasonCode(6))]));
  t.regex(await run(t, ...crl), /1 certificates are new/);
  writeFileSync(at('ca.crl'), makeCrl(ca, []));
  t.is((await command(crl)).status, 6);
  t.regex(await run(t, ...crl, '--allow-older-crl'), /1 have another status/);
  // Lists of the second of a hold, and of the next one.
  writeFileSync(at('index.txt'), 'V\t301231235959Z\t\t03\tunknown\t/CN=c\n');
  const none = readFileSync(at('ca.crl'));
  const hold = "UPDATE ocsp_status SET status = 1, revoked_at = now(), reason = 6 WHERE serial = ocsp_serial('03')";
  const second = thisUpdateOf(none);
  for (const [milliseconds, line] of [
    [100, list],
    [999, list],
    [0, crl.slice(3)],
  ] as const) {
    utimesSync(at('index.txt'), second, second + milliseconds / 1000);
    await runSql(url, hold);
    await changedAt(url, second);
    t.is((await command(['db', 'import', url, ...line])).status, 6, `${line[2]} ${milliseconds}`);
    await changedAt(url, second - 1);
    t.regex(await run(t, 'db', 'import', url, ...line), /1 have another status/);
  }
  // Of what issues no certificates there are no statuses, also where its CA stands behind it.
  for (const chain of [leaf.certificatePem, leaf.certificatePem + ca.certificatePem]) {
    writeFileSync(at('leaf.pem'), chain);
    const { status, stderr } = await command(['db', 'import', url, '--issuer', at('leaf.pem'), ...list.slice(2)]);
    t.is(status, 1);
    t.is(stderr, 'openssl-ocsp db: the issuer is not a CA: CN=www.example [ERR_OCSP_INVALID_VALUE]\n');
  }
  t.regex(await run(t, 'db', 'status', url), /^issuer 1: [^\n]*\n(?!issuer)/);
  writeFileSync(at('index.txt'), 'V\t301231235959Z\t\t02\tunknown\t/CN=b\nV\tno\n');
  const bad = await command(['db', 'import', url, ...list]);
  t.is(bad.status, 1);
  t.regex(bad.stderr, /^openssl-ocsp db: \S+index\.txt: line 2: .*ERR_OCSP_MALFORMED/);
  for (const args of [
    [],
    ['sing'],
    ['init'],
    ['init', url, 'x'],
    ['init', url, '--json'],
    ['import', url],
    ['status', url, '--index', 'x'],
    ['import', url, '--index', 'x'],
  ])
    t.is((await command(['db', ...args])).status, 2, args.join(' '));
  t.is((await command(['db', 'status', file.server.url('nowhere')])).status, 1);
});

withPostgres(
  'a responder over a database: revoked by SQL is revoked soon, and without the database nothing is good',
  async (t) => {
    if (opensslCliVersion === null) {
      t.pass('needs the openssl command');
      return;
    }
    t.timeout(180_000);
    const server = await PostgresServer.start();
    t.teardown(() => server.remove());
    const url = await server.database();
    const at = folder(t);
    const first = ca.issue({ serialNumber: 0x1001n });
    const other = ca.issue({ serialNumber: 0x1002n });
    writeFileSync(at('leaf.pem'), first.certificatePem);
    writeFileSync(at('other.pem'), other.certificatePem);
    writeFileSync(at('list.csv'), 'serial,status\n1001,good\n1002,good\n');
    await run(t, 'db', 'import', url, '--issuer', at('ca.pem'), '--csv', at('list.csv'));
    const port = await freePort();
    const issuer = { certificate: 'ca.pem', signers: [{ certificate: 'ca.pem', key: 'ca.key' }], postgres: url };
    writeFileSync(at('serve.json'), JSON.stringify({ listen: `127.0.0.1:${port}`, maxLag: 2, issuers: [issuer] }));
    const child = spawn(process.execPath, [main, 'serve', '--config', at('serve.json')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    child.stderr.resume();
    /** What openssl says of a certificate. */
    const ask = async (name: string): Promise<string> => {
      const certificate = ['-issuer', at('ca.pem'), '-cert', at(name)];
      const { stdout, stderr } = await runProgram('openssl', [
        'ocsp',
        ...certificate,
        '-CAfile',
        at('ca.pem'),
        '-url',
        `http://127.0.0.1:${port}/`,
      ]);
      return (
        /: (good|revoked|unknown)$/m.exec(stdout)?.[1] ??
        /trylater/i.exec(stdout + stderr)?.[0].toLowerCase() ??
        'nothing'
      );
    };
    const until = async (name: string, answer: string, never?: string): Promise<void> => {
      for (let said = await ask(name); said !== answer; said = await ask(name)) {
        t.not(said, never);
        await sleep(100);
      }
      t.pass(`${name} is ${answer}`);
    };
    await until('leaf.pem', 'good', 'revoked');
    await until('other.pem', 'good');
    await runSql(
      url,
      "UPDATE ocsp_status SET status = 1, revoked_at = now(), reason = 1 WHERE serial = ocsp_serial('1001')",
    );
    await until('leaf.pem', 'revoked');
    await server.down();
    await until('other.pem', 'trylater', 'revoked');
    for (let i = 0; i < 3; i += 1) t.is(await ask('other.pem'), 'trylater');
    t.is(await ask('leaf.pem'), 'revoked', 'a revocation for ever stays true');
    await server.up();
    await until('other.pem', 'good', 'revoked');
    t.is(await ask('leaf.pem'), 'revoked');
    await runSql(url, "UPDATE ocsp_status SET status = 1, revoked_at = now() WHERE serial = ocsp_serial('1002')");
    await until('other.pem', 'revoked');
  },
);

const CERTIFICATES = 12_000;

withPostgres(
  'processes share a job; of one that is killed another does the rest, and all is signed once it is done',
  async (t) => {
    t.timeout(300_000);
    const url = await file.server.database();
    const at = folder(t);
    const rows = Array.from({ length: CERTIFICATES }, (_, i) => `${(i * 7919 + 1).toString(16)},good\n`);
    writeFileSync(at('list.csv'), `serial,status\n${rows.join('')}`);
    await run(t, 'db', 'import', url, '--issuer', at('ca.pem'), '--csv', at('list.csv'));
    await runSql(url, "UPDATE ocsp_status SET status = 1, revoked_at = '2024-01-01Z' WHERE serial = ocsp_serial('1')");
    const args = (job: string, ...more: string[]): string[] => [
      ...[
        'bulk-sign',
        '--issuer',
        at('ca.pem'),
        '--signer',
        at('ca.pem'),
        '--key',
        at('ca.key'),
        '--cert-id-hash',
        'sha1',
      ],
      ...['--ledger', url, '--job', job, '--range-size', '1000', '--out', at('store'), ...more],
    ];
    // Interrupted where no one can get on: each says what it has done.
    const holder = new pg.Client(url);
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE ocsp_status');
    const stopped = spawn(process.execPath, [main, ...args('stopped', '--workers', '2')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    t.teardown(() => stopped.kill('SIGKILL'));
    const said = text(stopped.stderr);
    const waiting = async (): Promise<number> =>
      (
        await runSql(
          url,
          "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
      ).length;
    while (stopped.exitCode === null && (await waiting()) < 2) await sleep(20);
    stopped.kill('SIGTERM');
    t.is((await once(stopped, 'exit'))[0], 1);
    await holder.end();
    t.is([...(await said).matchAll(/: interrupted; 0 certificates of this process signed and served/g)].length, 2);
    const start = (): ChildProcess => {
      const child = spawn(process.execPath, [main, ...args('night')], { stdio: 'ignore' });
      t.teardown(() => child.kill('SIGKILL'));
      return child;
    };
    const victim = start();
    const others = [start(), start()];
    const holds = async (): Promise<boolean> =>
      (await runSql(url, 'SELECT 1 FROM ocsp_range WHERE state = 1 AND owner LIKE $1', [`% ${victim.pid}`])).length > 0;
    while (victim.exitCode === null && !(await holds())) await sleep(5);
    victim.kill('SIGKILL');
    await once(victim, 'exit');
    // The others wait for its lease to run out.
    const expiring = setInterval(() => {
      const sql = 'UPDATE ocsp_range SET expires_at = clock_timestamp() WHERE state = 1 AND owner LIKE $1';
      runSql(url, sql, [`% ${victim.pid}`]).catch(() => undefined);
    }, 500);
    t.teardown(() => clearInterval(expiring));
    const codes = await Promise.all(
      others.map(async (child) => child.exitCode ?? ((await once(child, 'exit'))[0] as number)),
    );
    t.true(
      codes.every((code) => code === 0 || code === 6),
      String(codes),
    );
    const [ledger] = await runSql(
      url,
      'SELECT count(*)::int AS n, min(state) AS state, max(attempt) AS attempt FROM ocsp_range',
    );
    t.like(ledger, { n: CERTIFICATES / 1000, state: 2 });
    t.true((ledger?.['attempt'] as number) > 1, 'the range of the one that was killed was handed out again');
    t.regex(
      await run(t, 'db', 'status', url, '--watch'),
      /job night: 12 of 12 ranges done, \d+ of 12000 certificates signed, workers: 0/,
    );
    const store = await SegmentStore.open(at('store'));
    const records = [...store.records()];
    store.close();
    t.is(records.length, CERTIFICATES);
    t.deepEqual(
      records.filter(({ certStatus }) => certStatus === OCSPCertStatus.REVOKED).map(({ serial }) => serial),
      ['01'],
    );
    // A job is done once; another one is another night.
    const again = await command(args('night', '--json'));
    t.is(again.status, 0);
    t.is(again.stderr, 'note: the job night has been done already: another one needs another name\n');
    const { seconds, ...figures } = JSON.parse(again.stdout) as Record<string, unknown>;
    t.is(typeof seconds, 'number');
    t.deepEqual(figures, { signed: 0, responses: 0, kept: 0, ranges: 0, failed: [], store: at('store') });
    const next = await run(t, ...args('next night', '--workers', '2'));
    t.is(
      [...next.matchAll(/^(\d+) certificates signed/gm)].reduce((sum, [, n]) => sum + Number(n), 0),
      CERTIFICATES,
    );
    for (const bad of [['--index', 'x'], ['--dry-run']])
      t.is((await command(args('night', ...bad))).status, 2, bad.join(' '));
    t.is((await command(['bulk-sign', '--job', 'x', '--issuer', at('ca.pem')])).status, 2);
  },
);
