/** Two hosts, which are network namespaces: a responder on each, the database on the first, and a network between them that fails. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { ca, folder, post, start } from '../cli/serve-process.js';
import { testIf } from '../helpers/conditional.js';
import { hasPostgres, PostgresServer, runSql } from '../helpers/postgres-server.js';
import { ask, statusIn } from '../responder/fixtures.js';
import { addIssuer } from './fixtures.js';

const ip = (...args: string[]): boolean => spawnSync('ip', args, { stdio: 'ignore' }).status === 0;
const [first, second] = [`ocsp-a-${process.pid}`, `ocsp-b-${process.pid}`];
const ADDRESS = '10.213.77.1';
const PORT = 5432;
/** Seconds. */
const MAX_LAG = 2;
/** Milliseconds beyond which nothing is good any more: with what reading the news may take. */
const PROMISED = MAX_LAG * 1000 + 2500;

/** Makes the two, with a cable between them. */
function connectHosts(): boolean {
  if (!ip('netns', 'add', first)) return false;
  const commands = [
    ['netns', 'add', second],
    ['-n', first, 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'cable', 'netns', second],
    ['-n', first, 'addr', 'add', `${ADDRESS}/24`, 'dev', 'cable'],
    ['-n', second, 'addr', 'add', '10.213.77.2/24', 'dev', 'cable'],
    ['-n', first, 'link', 'set', 'cable', 'up'],
    ['-n', second, 'link', 'set', 'cable', 'up'],
  ];
  if (commands.every((command) => ip(...command))) return true;
  removeHosts();
  return false;
}

function removeHosts(): void {
  ip('netns', 'del', first);
  ip('netns', 'del', second);
}

const isPermitted = hasPostgres && process.platform === 'linux' && connectHosts();
if (isPermitted) removeHosts();
else console.log('Skipped: two hosts, which need PostgreSQL and permission to make network namespaces (ip netns).');

/** On the first host: the database's port. */
const FORWARD = `
  require('node:net').createServer((socket) => {
    const server = require('node:net').connect(process.argv[1]);
    socket.pipe(server).pipe(socket);
    for (const one of [socket, server]) one.on('error', () => { socket.destroy(); server.destroy(); });
  }).listen(${PORT}, '${ADDRESS}', () => console.log('ready'));`;

testIf(isPermitted)('revoked at one host, asked at the other, also with a broken network between them', async (t) => {
  t.timeout(300_000);
  const server = await PostgresServer.start();
  t.teardown(() => server.remove());
  t.true(connectHosts());
  t.teardown(removeHosts);
  const url = await server.database();
  const issuer = await addIssuer(url, ca.certificate);
  await runSql(
    url,
    'INSERT INTO ocsp_status (issuer, serial, status) SELECT $1, ocsp_serial(to_hex(n)), 0 FROM generate_series(4097, 4112) n',
    [issuer],
  );
  const forward = spawn(
    'ip',
    ['netns', 'exec', first, process.execPath, '-e', FORWARD, `${server.folder}/.s.PGSQL.${PORT}`],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  t.teardown(() => forward.kill('SIGKILL'));
  await once(forward.stdout, 'data');
  const a = await serveOn(t, first, url);
  const b = await serveOn(
    t,
    second,
    `postgres://postgres@${ADDRESS}:${PORT}/${new URL(url.replace('@/', '@x/')).pathname.slice(1)}`,
  );

  const revoke = (serial: string): Promise<unknown> =>
    runSql(url, 'UPDATE ocsp_status SET status = 1, revoked_at = now() WHERE serial = ocsp_serial($1)', [serial]);
  await until(b, '1001', 'good');
  for (let n = 0x1001; n < 0x1005; n += 1) {
    const serial = n.toString(16).toUpperCase();
    for (const one of [a, b]) await until(one, serial, 'good');
    await revoke(serial);
    const committed = performance.now();
    await Promise.all([a, b].map((one) => until(one, serial, 'revoked', committed)));
  }
  // (What is at hand there is good still.)
  await until(b, '1005', 'good');
  t.true(ip('-n', second, 'link', 'set', 'cable', 'down'));
  await revoke('1005');
  const committed = performance.now();
  await until(a, '1005', 'revoked', committed);
  await until(b, '1005', 'TRY_LATER', committed);
  for (let i = 0; i < 20; i += 1) {
    t.is(await b('1005'), 'TRY_LATER');
    t.is(await b('1001'), 'revoked', 'for ever');
    t.is(await a('1006'), 'good');
    await sleep(50);
  }
  t.true(ip('-n', second, 'link', 'set', 'cable', 'up'));
  await until(b, '1005', 'revoked', committed);
  await until(b, '1006', 'good');

  async function until(
    host: typeof a,
    serial: string,
    expected: string,
    since = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    for (;;) {
      const begin = performance.now();
      const status = await host(serial);
      if (status === expected) return;
      t.false(status === 'good' && begin > since + PROMISED, `${serial} is good beyond the lag`);
      await sleep(20);
    }
  }
});

/** A responder on a host: what it says of a certificate. */
async function serveOn(
  t: ExecutionContext,
  host: string,
  postgres: string,
): Promise<(serial: string) => Promise<string>> {
  const at = folder(t);
  const issuers = [{ certificate: 'ca.pem', signers: [{ certificate: 'ocsp.pem', key: 'ocsp.key' }], postgres }];
  writeFileSync(at('serve.json'), JSON.stringify({ listen: `unix:${at('socket')}`, maxLag: MAX_LAG, issuers }));
  await start(t, ['--config', at('serve.json')], { prefix: ['ip', 'netns', 'exec', host] });
  return async (serial) => {
    const request = ask([serial], { issuer: ca });
    return statusIn(await post({ socketPath: at('socket') }, request), request, ca);
  };
}
