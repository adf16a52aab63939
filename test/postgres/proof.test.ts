/** Responders over a database that has very much to tell, tells nothing, or tells less than before. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { OCSPError } from 'openssl-ocsp';
import { type ResponseRecord, ResponseSigner } from 'openssl-ocsp/bulk';
import { signJob } from 'openssl-ocsp/postgres';
import type { Responder } from 'openssl-ocsp/responder';
import pg from 'pg';
import { postgresForFile, withPostgres } from '../helpers/postgres.js';
import { PostgresServer, runSql } from '../helpers/postgres-server.js';
import { repeated } from '../helpers/repeated.js';
import { ask, ca, delegate, makeResponder, statusOf } from '../responder/fixtures.js';
import { addIssuer, authorityOf } from './fixtures.js';

const file = postgresForFile();
/** Milliseconds that reading the news may take before they are no news. */
const SLOW = 2500;

const hex = (n: number): string => n.toString(16).padStart(4, '0').toUpperCase();

const signer = new ResponseSigner({
  issuer: ca.certificate,
  responder: delegate.certificate,
  privateKey: delegate.privateKey,
  certIdAlgorithm: 'sha1',
});

/** Certificates 0x1000 and so on, all good: the number of their CA. */
async function issue(url: string, count: number): Promise<number> {
  const issuer = await addIssuer(url, ca.certificate);
  await runSql(
    url,
    'INSERT INTO ocsp_status (issuer, serial, status) SELECT $1, ocsp_serial(to_hex(n)), 0 FROM generate_series(4096, 4095 + $2::int) n',
    [issuer, count],
  );
  return issuer;
}

async function node(t: ExecutionContext, url: string, maxLag: number): Promise<Responder> {
  const responder = makeResponder(t, { authority: authorityOf(t, url, ca.certificate) }, { maxLag });
  await responder.ready();
  return responder;
}

/** Asks until the answer is this one. */
async function until(responder: Responder, serial: string, expected: string): Promise<void> {
  while ((await statusOf(responder, ask([serial]))) !== expected) await sleep(20);
}

const revoke = (url: string, condition: string): Promise<unknown> =>
  runSql(url, `UPDATE ocsp_status SET status = 1, revoked_at = now(), reason = 1 WHERE ${condition}`);

withPostgres(
  'very many are revoked in one transaction: good at no node after the promised lag, and never again',
  async (t) => {
    t.timeout(900_000);
    const count = repeated(100_000);
    const maxLag = 10;
    const url = await file.server.database();
    await issue(url, count);
    const nodes = [await node(t, url, maxLag), await node(t, url, maxLag)];
    const sample = Array.from({ length: 40 }, (_, i) => hex(0x1000 + Math.floor((i * count) / 40)));
    for (const one of nodes) for (const serial of sample) t.is(await statusOf(one, ask([serial])), 'good');
    let committed = Number.POSITIVE_INFINITY;
    const done = revoke(url, 'true').then(() => {
      committed = performance.now();
    });
    const missing = new Set(nodes.flatMap((_, i) => sample.map((serial) => `${i} ${serial}`)));
    const seen = new Set<string>();
    while (missing.size > 0) {
      for (const [i, one] of nodes.entries())
        for (const serial of sample) {
          const begin = performance.now();
          const status = await statusOf(one, ask([serial]));
          const key = `${i} ${serial}`;
          if (status === 'revoked') {
            missing.delete(key);
            seen.add(key);
          } else {
            t.true(status === 'good' || status === 'TRY_LATER', status);
            t.false(seen.has(key), 'revoked before');
            t.false(status === 'good' && begin > committed + maxLag * 1000 + SLOW, `${serial} is good beyond the lag`);
          }
        }
      await sleep(5);
    }
    await done;
    t.log(`${count} revocations, known to both nodes ${Math.round(performance.now() - committed)} ms after the commit`);
  },
);

withPostgres(
  'a database that hangs: good for maxLag, then tryLater; revoked for ever; and up to date once it goes on',
  async (t) => {
    t.timeout(300_000);
    const server = await PostgresServer.start();
    t.teardown(() => server.remove());
    const url = await server.database();
    await issue(url, 3);
    const responder = await node(t, url, 1);
    await revoke(url, "serial = ocsp_serial('1001')");
    await until(responder, '1001', 'revoked');
    await until(responder, '1000', 'good');
    server.signal('SIGSTOP');
    t.teardown(() => server.signal('SIGCONT'));
    const stopped = performance.now();
    for (let answered = 0; answered < 20; ) {
      const begin = performance.now();
      const status = await statusOf(responder, ask(['1000']));
      t.true(status === 'TRY_LATER' || (status === 'good' && begin < stopped + 1000 + SLOW), status);
      if (status === 'TRY_LATER') answered += 1;
      t.is(await statusOf(responder, ask(['1001'])), 'revoked');
      t.false(responder.health().ready && begin > stopped + 1000 + SLOW);
    }
    server.signal('SIGCONT');
    await until(responder, '1000', 'good');
    await revoke(url, "serial = ocsp_serial('1002')");
    await until(responder, '1002', 'revoked');
  },
);

withPostgres('a fail-over that loses the last commits: who has said revoked goes on to say so', async (t) => {
  t.timeout(300_000);
  const server = await PostgresServer.start();
  t.teardown(() => server.remove());
  const url = await server.database();
  await issue(url, 60);
  const responder = await node(t, url, 5);
  await revoke(url, "serial = ocsp_serial('1001')");
  await until(responder, '1001', 'revoked');
  await server.down();
  const copy = join(server.folder, 'copy');
  server.copy(server.data, copy);
  await server.up();
  for (let n = 0x1002; n < 0x1020; n += 1) await revoke(url, `serial = ocsp_serial('${hex(n)}')`);
  for (let n = 0x1002; n < 0x1020; n += 1) await until(responder, hex(n), 'revoked');
  await server.down('SIGKILL');
  await server.up(copy);
  const lost = async (): Promise<void> => {
    for (let n = 0x1001; n < 0x1020; n += 1) t.is(await statusOf(responder, ask([hex(n)])), 'revoked', hex(n));
  };
  await lost();
  // Of the numbers of transactions that were lost.
  for (let n = 0x1020; n < 0x1030; n += 1) await revoke(url, `serial = ocsp_serial('${hex(n)}')`);
  for (let n = 0x1020; n < 0x1030; n += 1) await until(responder, hex(n), 'revoked');
  await until(responder, '1030', 'good');
  await lost();
});

withPostgres('a store that another worker is writing into is waited for, and nothing is signed twice', async (t) => {
  const url = await file.server.database();
  await issue(url, 100);
  const batches: ResponseRecord[][] = [];
  let calls = 0;
  const store = {
    async putBatch(given: Iterable<ResponseRecord>) {
      calls += 1;
      if (calls < 3) throw new OCSPError('ERR_OCSP_STORE_LOCKED', 'somebody else has it');
      batches.push([...given]);
      return { written: 100, kept: 0 };
    },
  };
  const { signed, failed } = await signJob(url, { job: 'night', issuer: ca.certificate, signer, store });
  t.deepEqual([signed >= 100, failed, calls >= 3], [true, [], true]);
  t.is(new Set(batches.flat().map(({ serial }) => serial)).size, 100);
  t.deepEqual(await runSql(url, 'SELECT state FROM ocsp_range'), [{ state: 2 }]);
});

withPostgres(
  'a signal ends a job that waits for a store, or for the range of another, with its own reason',
  async (t) => {
    const url = await file.server.database();
    await issue(url, 10);
    const reason = new Error('enough');
    const options = { job: 'night', issuer: ca.certificate, signer };
    const first = new AbortController();
    const locked = {
      async putBatch(): Promise<never> {
        first.abort(reason);
        throw new OCSPError('ERR_OCSP_STORE_LOCKED', 'somebody else has it');
      },
    };
    t.is(await t.throwsAsync(signJob(url, { ...options, store: locked, signal: first.signal })), reason);
    await runSql(url, "UPDATE ocsp_range SET state = 1, expires_at = clock_timestamp() + interval '1 hour'");
    const second = new AbortController();
    const store = { putBatch: async () => ({ written: 10, kept: 0 }) };
    const waiting = signJob(url, { ...options, store, signal: second.signal });
    setTimeout(() => second.abort(reason), 500);
    t.is(await t.throwsAsync(waiting), reason);
  },
);

withPostgres('a range that is completed by a call whose answer did not come is done', async (t) => {
  const url = await file.server.database();
  await issue(url, 10);
  const pool = new pg.Pool({ connectionString: url });
  t.teardown(() => pool.end());
  let lost = 0;
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
    client.query = (async (...args: unknown[]) => {
      const result = await query(...args);
      if (lost > 0 || !/^UPDATE ocsp_range r SET state/.test((args[0] as { text?: string }).text ?? '')) return result;
      lost += 1;
      throw new Error('Query read timeout');
    }) as typeof client.query;
  });
  const store = { putBatch: async () => ({ written: 10, kept: 0 }) };
  const { signed, failed } = await signJob(pool, { job: 'night', issuer: ca.certificate, signer, store });
  t.deepEqual([signed, failed, lost], [10, [], 1]);
  t.like((await runSql(url, 'SELECT state, error FROM ocsp_range'))[0], { state: 2, error: null });
});
