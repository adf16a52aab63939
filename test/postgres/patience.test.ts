/** A job on a database that goes away for a while, on a pool of one connection, and beside that of another CA. */

import { setTimeout as sleep } from 'node:timers/promises';
import { OCSPCertStatus } from 'openssl-ocsp';
import { putStatus, type ResponseRecord, ResponseSigner, SegmentStore } from 'openssl-ocsp/bulk';
import { signJob } from 'openssl-ocsp/postgres';
import { createTestCa } from 'openssl-ocsp/testing';
import pg from 'pg';
import { scratch } from '../bulk/scratch.js';
import { postgresForFile, withPostgres } from '../helpers/postgres.js';
import { runSql } from '../helpers/postgres-server.js';
import { ca, delegate } from '../responder/fixtures.js';
import { addIssuer } from './fixtures.js';

const file = postgresForFile();

const signer = new ResponseSigner({
  issuer: ca.certificate,
  responder: delegate.certificate,
  privateKey: delegate.privateKey,
  certIdAlgorithm: 'sha1',
});

async function issue(url: string, count: number): Promise<void> {
  await runSql(
    url,
    'INSERT INTO ocsp_status (issuer, serial, status) SELECT $1, ocsp_serial(to_hex(n)), 0 FROM generate_series(1, $2::int) n',
    [await addIssuer(url, ca.certificate), count],
  );
}

withPostgres('a pool of one connection is enough to cut a job, and to do it', async (t) => {
  const url = await file.server.database();
  await issue(url, 10);
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  t.teardown(() => pool.end());
  const store = { putBatch: async () => ({ written: 0, kept: 0 }) };
  const options = { job: 'night', issuer: ca.certificate, signer, store, rangeSize: 4 };
  t.like(await signJob(pool, options), { signed: 10, ranges: 3, failed: [] });
  const ranges = await runSql(url, 'SELECT id, certificates::int FROM ocsp_range ORDER BY position');
  t.deepEqual(
    ranges.map(({ id, certificates }) => `${id} ${certificates}`),
    ['1/..04 4', '1/04..08 4', '1/08.. 2'],
  );
});

withPostgres('a job is one of one CA: under its name no other one is told that it is done', async (t) => {
  const url = await file.server.database();
  await issue(url, 10);
  const store = { putBatch: async () => ({ written: 0, kept: 0 }) };
  await signJob(url, { job: 'night', issuer: ca.certificate, signer, store });
  const other = createTestCa();
  const options = {
    job: 'night',
    issuer: other.certificate,
    signer: new ResponseSigner({
      issuer: other.certificate,
      responder: other.certificate,
      privateKey: other.privateKey,
    }),
    store,
  };
  await t.throwsAsync(signJob(url, options), { message: /the database has no issuer with the name and key/ });
  await addIssuer(url, other.certificate);
  await t.throwsAsync(signJob(url, options), {
    code: 'ERR_OCSP_INVALID_VALUE',
    message: /'night' is that of another CA/,
  });
  t.like(await signJob(url, { ...options, job: 'night of the other' }), { signed: 0, ranges: 1, failed: [] });
});

withPostgres('ranges of a job, at the edges', async (t) => {
  for (const [count, rangeSize, expected] of [
    [0, 4, ['1/.. 0']],
    [3, 4, ['1/.. 3']],
    [4, 4, ['1/.. 4']],
    [8, 4, ['1/..04 4', '1/04.. 4']],
    [3, 1, ['1/..01 1', '1/01..02 1', '1/02.. 1']],
  ] as const) {
    const url = await file.server.database();
    await issue(url, count);
    // Those of another CA do not count.
    const other = await addIssuer(url, delegate.certificate);
    await runSql(url, `INSERT INTO ocsp_status (issuer, serial, status) VALUES ($1, '\\x02', 0), ($1, '\\x7f', 0)`, [
      other,
    ]);
    const store = { putBatch: async () => ({ written: 0, kept: 0 }) };
    t.like(await signJob(url, { job: 'night', issuer: ca.certificate, signer, store, rangeSize }), { signed: count });
    const ranges = await runSql(url, 'SELECT id, certificates::int FROM ocsp_range ORDER BY position');
    t.deepEqual(
      ranges.map(({ id, certificates }) => `${id} ${certificates}`),
      [...expected],
    );
  }
});

// What is measured is the time since the database was last heard of: this test alone moves the clock.
withPostgres(
  'a database that goes away is waited for, however long the range has taken, and again after that',
  async (t) => {
    const url = await file.server.database();
    const count = 41_000;
    await issue(url, count);
    const pool = new pg.Pool({ connectionString: url });
    t.teardown(() => pool.end());
    const realNow = performance.now.bind(performance);
    let later = 0;
    performance.now = () => realNow() + later;
    t.teardown(() => {
      performance.now = realNow;
    });
    let [pages, checkpoints, losses] = [0, 0, 0];
    const goAway = (): never => {
      losses += 1;
      later += 300_000;
      // The network is gone, and its names are; then the server has no connection left.
      throw Object.assign(new Error('gone'), { code: losses === 1 ? 'EAI_AGAIN' : '53300' });
    };
    pool.on('connect', (client) => {
      const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
      client.query = (async (...args: unknown[]) => {
        const { text = '' } = args[0] as { text?: string };
        // The list is begun, again: what had been signed before does not count.
        if (/^SELECT i\.id, \(pg_is_in_recovery/.test(text)) checkpoints = 0;
        if (/string_agg/.test(text)) {
          pages += 1;
          if (losses === 0 && pages === 3) goAway();
          if (losses === 1 && checkpoints > 0) goAway();
          // A checkpoint is due.
          if (losses === 1) later += 6000;
        }
        const result = await query(...args);
        if (/last_serial = \$5/.test(text)) checkpoints += 1;
        return result;
      }) as typeof client.query;
    });
    const serials = new Set<unknown>();
    const store = {
      async putBatch(batch: Iterable<ResponseRecord>) {
        for (const { serial } of batch) serials.add(serial);
        return { written: 0, kept: 0 };
      },
    };
    const { failed } = await signJob(pool, { job: 'night', issuer: ca.certificate, signer, store, threads: 1 });
    t.deepEqual([failed, losses, serials.size], [[], 2, count]);
    t.deepEqual(await runSql(url, 'SELECT state, attempt FROM ocsp_range'), [{ state: 2, attempt: 1 }]);
  },
);

withPostgres('what is put while the next is signed: in order, one at a time, and whole', async (t) => {
  const url = await file.server.database();
  const count = 100_000;
  await issue(url, count);
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  t.teardown(() => pool.end());
  const seen: string[] = [];
  let active = 0;
  let calls = 0;
  const store = {
    async putBatch(batch: Iterable<ResponseRecord>) {
      active += 1;
      calls += 1;
      t.is(active, 1);
      const serials = Array.from(batch, ({ serial }) => String(serial));
      await new Promise((resolve) => setTimeout(resolve, 500));
      // (What was given stays what it was while others are signed.)
      t.deepEqual(
        Array.from(batch, ({ serial }) => String(serial)),
        serials,
      );
      active -= 1;
      if (calls === 1) throw Object.assign(new Error('another has it'), { code: 'ERR_OCSP_STORE_LOCKED' });
      seen.push(...serials);
      return { written: serials.length, kept: 0 };
    },
  };
  const steps: number[] = [];
  const options = { job: 'night', issuer: ca.certificate, signer, store, rangeSize: count, threads: 2 };
  const onProgress = ({ signed }: { signed: number }): void => void steps.push(signed);
  t.like(await signJob(pool, { ...options, onProgress }), { signed: count, ranges: 1, failed: [] });
  t.true(calls > 2, 'more than one part');
  t.is(new Set(seen).size, count);
  t.is(seen.length, count);
  // By their bytes.
  t.deepEqual(seen, seen.toSorted());
  t.deepEqual(
    steps,
    steps.toSorted((a, b) => a - b),
  );
  const [range] = await runSql(url, 'SELECT state::int, signed::int FROM ocsp_range');
  t.deepEqual(range, { state: 2, signed: count });
});

withPostgres('a part that cannot be put ends the job, and the next one begins with it', async (t) => {
  const url = await file.server.database();
  const count = 100_000;
  await issue(url, count);
  const seen = new Set<string>();
  let calls = 0;
  const store = {
    async putBatch(batch: Iterable<ResponseRecord>) {
      calls += 1;
      const serials = Array.from(batch, ({ serial }) => String(serial));
      if (calls === 2) throw new Error('the disk is full');
      for (const serial of serials) seen.add(serial);
      return { written: serials.length, kept: 0 };
    },
  };
  const options = { job: 'night', issuer: ca.certificate, signer, store, rangeSize: count, threads: 2 };
  await t.throwsAsync(signJob(url, options), { message: 'the disk is full' });
  const half = seen.size;
  t.true(half > 0 && half < count);
  const { signed } = await signJob(url, options);
  t.is(signed, count - half);
  t.is(seen.size, count);
});

withPostgres('a range that fails again and again holds up no other', async (t) => {
  const url = await file.server.database();
  await issue(url, 12);
  await runSql(url, `UPDATE ocsp_status SET extensions = '\\x3000ff' WHERE serial = ocsp_serial('01')`);
  const store = { putBatch: async () => ({ written: 0, kept: 0 }) };
  const options = { job: 'night', issuer: ca.certificate, signer, store, rangeSize: 2, threads: 1 };
  await t.throwsAsync(signJob(url, options), { code: 'ERR_OCSP_MALFORMED' });
  await t.throwsAsync(signJob(url, options), { code: 'ERR_OCSP_MALFORMED' });
  const states = await runSql(url, 'SELECT state, attempt FROM ocsp_range ORDER BY position');
  const done = { state: 2, attempt: 1 };
  t.deepEqual(states, [{ state: 0, attempt: 2 }, done, done, done, done, done]);
});

withPostgres('a job whose ranges are gone from the database is not done', async (t) => {
  const url = await file.server.database();
  await issue(url, 10);
  const store = {
    // As a fail-over does that has lost the last commits.
    putBatch: async () => {
      await runSql(url, 'DELETE FROM ocsp_range');
      return { written: 0, kept: 0 };
    },
  };
  const options = { job: 'night', issuer: ca.certificate, signer, store, threads: 1 };
  await t.throwsAsync(signJob(url, options), { message: /the job 'night' is gone from the database/ });
});

withPostgres(
  'while connections still lead to the old primary, a worker waits; no page is read of a standby',
  async (t) => {
    const url = await file.server.database();
    await issue(url, 10);
    const pool = new pg.Pool({ connectionString: url });
    t.teardown(() => pool.end());
    let refusals = 0;
    let copies = 0;
    pool.on('connect', (client) => {
      const query = client.query.bind(client) as (...args: unknown[]) => Promise<{ rows: unknown[][] }>;
      client.query = (async (...args: unknown[]) => {
        const { text = '' } = args[0] as { text?: string };
        if (/UPDATE ocsp_range/.test(text) && refusals++ < 2)
          throw Object.assign(new Error('cannot execute UPDATE in a read-only transaction'), { code: '25006' });
        const result = await query(...args);
        // What is said of a standby, where a page came from one.
        if (/string_agg/.test(text) && copies++ < 1) result.rows[0]?.splice(3, 1, true);
        return result;
      }) as typeof client.query;
    });
    const store = { putBatch: async () => ({ written: 0, kept: 0 }) };
    const options = { job: 'night', issuer: ca.certificate, signer, store, threads: 1 };
    t.like(await signJob(pool, options), { signed: 10, failed: [] });
    t.true(refusals > 2 && copies > 1);
  },
);

withPostgres('a revocation that the store has with a later version is signed for longer all the same', async (t) => {
  const url = await file.server.database();
  await issue(url, 3);
  const time = new Date('2026-01-01T00:00:00Z');
  await runSql(
    url,
    `UPDATE ocsp_status SET status = 1, revoked_at = '2026-01-01T00:00:00Z' WHERE serial = ocsp_serial('02')`,
  );
  const store = await SegmentStore.open(scratch(t));
  t.teardown(() => store.close());
  const brief = new ResponseSigner({
    issuer: ca.certificate,
    responder: delegate.certificate,
    privateKey: delegate.privateKey,
    certIdAlgorithm: 'sha1',
    validity: { period: 3600 },
  });
  const entry = { serialNumber: '02', status: OCSPCertStatus.REVOKED, revocationTime: time };
  await putStatus({ entries: [entry], signer: brief, store });
  const before = store.getRecord('02')?.nextUpdate as number;
  // (Versions are seconds.)
  await sleep(1100);
  await signJob(url, { job: 'night', issuer: ca.certificate, signer, store, threads: 1 });
  const after = store.getRecord('02');
  t.is(after?.certStatus, OCSPCertStatus.REVOKED);
  t.true((after?.nextUpdate as number) > before + 24 * 3600);
});
