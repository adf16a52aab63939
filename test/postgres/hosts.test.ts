/** Two hosts, which are network namespaces: a responder on each, the database on the first, and a network between them that fails. */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { ca, folder, post, start } from '../cli/serve-process.js';
import { testIf } from '../helpers/conditional.js';
import { Hosts, mayMakeHosts } from '../helpers/hosts.js';
import { hasPostgres, PostgresServer, runSql } from '../helpers/postgres-server.js';
import { ask, statusIn } from '../responder/fixtures.js';
import { addIssuer } from './fixtures.js';

const PORT = 5432;
/** Seconds. */
const MAX_LAG = 2;
/** Milliseconds beyond which nothing is good any more: with what reading the news may take. */
const PROMISED = MAX_LAG * 1000 + 2500;

const isPermitted = hasPostgres && mayMakeHosts();
if (!isPermitted)
  console.log('Skipped: two hosts, which need PostgreSQL and permission to make network namespaces (ip netns).');

testIf(isPermitted)('revoked at one host, asked at the other, also with a broken network between them', async (t) => {
  t.timeout(300_000);
  const server = await PostgresServer.start();
  t.teardown(() => server.remove());
  const hosts = Hosts.connect() as Hosts;
  t.teardown(() => hosts.remove());
  const url = await server.database();
  const issuer = await addIssuer(url, ca.certificate);
  await runSql(
    url,
    'INSERT INTO ocsp_status (issuer, serial, status) SELECT $1, ocsp_serial(to_hex(n)), 0 FROM generate_series(4097, 4112) n',
    [issuer],
  );
  await hosts.forward(t, `${server.folder}/.s.PGSQL.${PORT}`, PORT);
  const a = await serveOn(t, hosts.first, url);
  const b = await serveOn(
    t,
    hosts.second,
    `postgres://postgres@${hosts.address}:${PORT}/${new URL(url.replace('@/', '@x/')).pathname.slice(1)}`,
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
  t.true(hosts.cut());
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
  t.true(hosts.mend());
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
