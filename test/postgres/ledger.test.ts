/** The ledger: one holder of a range at a time, by the server's clock, also through PgBouncer. */

import { PostgresLedger, type PostgresLedgerOptions } from 'openssl-ocsp/postgres';
import { checkLedger } from 'openssl-ocsp/testing';
import { postgresForFile, startPgbouncer, withPgbouncer, withPostgres } from '../helpers/postgres.js';
import { runSql } from '../helpers/postgres-server.js';

const file = postgresForFile();

async function checkThrough(url: string): Promise<void> {
  let jobs = 0;
  const ledgers: PostgresLedger[] = [];
  try {
    await checkLedger(async (ids) => {
      jobs += 1;
      const job = `job '${jobs}'; --`;
      const ledger = await PostgresLedger.open(url, { job });
      ledgers.push(ledger);
      await ledger.add(ids);
      const expire = async (): Promise<void> => {
        await runSql(url, "UPDATE ocsp_range SET expires_at = clock_timestamp() - interval '1 second' WHERE job = $1", [
          job,
        ]);
      };
      return { ledger, expire };
    });
  } finally {
    await Promise.all(ledgers.map((ledger) => ledger.close()));
  }
}

withPostgres('it does what every ledger has to do', async (t) => {
  const url = await file.server.database();
  await t.notThrowsAsync(checkThrough(url));
});

withPgbouncer('it does so through PgBouncer in transaction mode', async (t) => {
  const url = await file.server.database();
  const bouncer = await startPgbouncer(file.server);
  t.teardown(() => bouncer.stop());
  await t.notThrowsAsync(checkThrough(`${url}&port=6432`));
});

withPostgres(
  'of many workers no two have a range; jobs of one database have nothing to do with each other',
  async (t) => {
    const url = await file.server.database();
    const open = (options: PostgresLedgerOptions) => PostgresLedger.open(url, options);
    const [a, b, other] = [await open({ job: 'j' }), await open({ job: 'j' }), await open({ job: 'k' })];
    t.teardown(() => Promise.all([a.close(), b.close(), other.close()]));
    const ids = Array.from({ length: 60 }, (_, i) => `range "${i}" \u{1F512}`);
    let cuts = 0;
    const cut = async (): Promise<string[]> => {
      cuts += 1;
      return ids;
    };
    await Promise.all([a.begin(cut), b.begin(cut), a.begin(cut)]);
    t.is(cuts, 1, 'cut once');
    await other.add(['its own']);
    const work = async (ledger: PostgresLedger): Promise<string[]> => {
      const done: string[] = [];
      for (let leases = await ledger.lease(2); leases.length > 0; leases = await ledger.lease(2)) {
        for (const lease of leases) {
          await ledger.checkpoint(lease, 'AB', 3);
          await ledger.complete(lease);
          done.push(lease.id);
        }
      }
      return done;
    };
    const done = (await Promise.all([work(a), work(b), work(a), work(b)])).flat();
    t.deepEqual(done.sort(), [...ids].sort());
    t.false(await a.isUnderWay());
    t.true(await other.isUnderWay());
    t.deepEqual(
      (await a.ranges()).map(({ id, state, attempt }) => [id, state, attempt]),
      ids.map((id) => [id, 'done', 1]),
    );
    t.deepEqual(await runSql(url, "SELECT sum(signed) AS n FROM ocsp_range WHERE job = 'j'"), [{ n: '180' }]);
  },
);

withPostgres('a lease ends by the clock of the server, whatever the time here', async (t) => {
  const url = await file.server.database();
  const ledger = await PostgresLedger.open(url, { job: 'j', leaseSeconds: 0.05, maxAttempts: 2 });
  t.teardown(() => ledger.close());
  await ledger.add(['a', { id: 'b', certificates: 7 }]);
  const [first] = await ledger.lease(1);
  await runSql(url, 'SELECT pg_sleep(0.1)');
  // No one else has it yet, so its holder may go on.
  await ledger.checkpoint(first!, '01');
  await runSql(url, 'SELECT pg_sleep(0.1)');
  const second = await PostgresLedger.open(url, { job: 'j', maxAttempts: 2 });
  t.teardown(() => second.close());
  const [again] = await second.lease(1);
  t.like(again, { id: 'a', attempt: 2, lastSerial: '01' });
  for (const late of [ledger.complete(first!), ledger.checkpoint(first!, '02'), ledger.fail(first!, 'late')])
    await t.throwsAsync(late, { code: 'ERR_OCSP_INVALID_VALUE', message: /lease of 'a' has ended/ });
  await second.fail(again!, new Error('a zero \0 in it'));
  t.like((await second.ranges())[0], { state: 'failed', error: 'a zero \uFFFD in it' });
});

withPostgres('wrong arguments are refused', async (t) => {
  const url = await file.server.database();
  for (const options of [{}, { job: 5 }, { job: 'j', leaseSeconds: '1' }])
    await t.throwsAsync(PostgresLedger.open(url, options as never), { code: 'ERR_INVALID_ARG_TYPE' });
  for (const options of [
    { job: '\0' },
    { job: '\uD800' },
    { job: 'j', leaseSeconds: 0 },
    { job: 'j', maxAttempts: Number.NaN },
  ])
    await t.throwsAsync(PostgresLedger.open(url, options), { code: 'ERR_OCSP_INVALID_VALUE' });
  const ledger = await PostgresLedger.open(url, { job: '' });
  t.teardown(() => ledger.close());
  await t.throwsAsync(ledger.add([5 as never]), { code: 'ERR_INVALID_ARG_TYPE' });
  await t.throwsAsync(ledger.add(['a\0']), { code: 'ERR_OCSP_INVALID_VALUE' });
  await ledger.add(['a']);
  const [range] = await ledger.lease(1);
  await t.throwsAsync(ledger.checkpoint(range!, 1 as never), { code: 'ERR_INVALID_ARG_TYPE' });
});
