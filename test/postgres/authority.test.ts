/** Statuses in PostgreSQL: what a row says, and what is never said. */
import { OCSPCertStatus, type ReasonFlags } from 'openssl-ocsp';
import { migratePostgres, PostgresAuthority } from 'openssl-ocsp/postgres';
import { checkStatusAuthority, createTestCa } from 'openssl-ocsp/testing';
import pg from 'pg';
import { reasonToCode } from '#dist/x509/reason.js';
import { postgresForFile, withPostgres } from '../helpers/postgres.js';
import { runSql } from '../helpers/postgres-server.js';
import { addIssuer, authorityOf } from './fixtures.js';

const file = postgresForFile();
const { GOOD, REVOKED, UNKNOWN } = OCSPCertStatus;

withPostgres('the tables are made once, by however many at once, and a later version is left alone', async (t) => {
  await file.server.psql('CREATE DATABASE empty', 'postgres');
  const url = file.server.url('empty');
  const results = await Promise.all([migratePostgres(url), migratePostgres(url), migratePostgres(url)]);
  t.deepEqual(results.map(({ applied }) => applied.length).sort(), [0, 0, 2]);
  t.deepEqual(await migratePostgres(url), { version: 2, applied: [] });
  await runSql(url, "INSERT INTO ocsp_migration (version, name) VALUES (99, 'of the future')");
  await t.throwsAsync(migratePostgres(url), { code: 'ERR_OCSP_INVALID_VALUE', message: /later version: 99/ });
});

withPostgres('a row is what it says, whatever the settings of the session; no row was never issued', async (t) => {
  const url = await file.server.database();
  const ca = createTestCa();
  const id = await addIssuer(url, ca.certificate);
  await runSql(
    url,
    `INSERT INTO ocsp_status (issuer, serial, status, revoked_at, reason) VALUES
      (${id}, ocsp_serial('0A'), 0, NULL, NULL),
      (${id}, ocsp_serial('0b'), 1, '2024-02-29 23:59:59.9+14', 1),
      (${id}, ocsp_serial('0c'), 1, '1999-12-31 23:59:59-12', NULL),
      (${id}, ocsp_serial('0d'), 2, NULL, NULL)`,
  );
  for (const settings of [
    '',
    "SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Asia/Kathmandu'",
    "SET bytea_output = 'escape'",
  ]) {
    const pool = new pg.Pool({ connectionString: url });
    pool.on('connect', (client) => void client.query(settings));
    const authority = new PostgresAuthority(pool, { issuer: ca.certificate });
    const lookup = async (serialNumber: string) => authority.lookup({ serialNumber });
    t.like(await lookup('0A'), { serialNumber: '0A', status: GOOD });
    t.like(await lookup('0B'), {
      status: REVOKED,
      revocationTime: new Date('2024-02-29T09:59:59Z'),
      reason: 'keyCompromise',
    });
    const bare = await lookup('0C');
    t.deepEqual(bare?.revocationTime, new Date('2000-01-01T11:59:59Z'));
    t.is(bare?.reason, undefined);
    t.like(await lookup('0D'), { status: UNKNOWN });
    t.is(await lookup('0E'), undefined);
    const version = (await lookup('0A'))?.statusVersion as number;
    t.true(Math.abs(version - Date.now() / 1000) < 600, 'seconds');
    // The caller's pool is the caller's.
    await authority.close();
    t.truthy(await lookup('0A'));
    await pool.end();
  }
});

withPostgres(
  'serial numbers of any length and sign are told apart, as SQL and as the authority has them',
  async (t) => {
    const url = await file.server.database();
    const ca = createTestCa();
    const id = await addIssuer(url, ca.certificate);
    const serials = ['0', '1', '7F', '80', 'FF', '100', '8000', `8${'0'.repeat(39)}`, 'F'.repeat(40), 'AB'.repeat(40)];
    const negative = ['-1', '-80', '-FF', `-${'F'.repeat(40)}`, `-${'A'.repeat(64)}`];
    const all = [...serials, ...negative, '01'.repeat(255)];
    for (const [i, serial] of all.entries())
      await runSql(
        url,
        `INSERT INTO ocsp_status (issuer, serial, status, revoked_at) VALUES (${id}, ocsp_serial($1), 1, to_timestamp($2))`,
        [serial, 1_000_000 + i],
      );
    const authority = authorityOf(t, url, ca.certificate);
    for (const [i, serialNumber] of all.entries()) {
      const entry = await authority.lookup({ serialNumber });
      t.is(entry?.revocationTime?.getTime(), (1_000_000 + i) * 1000, serialNumber);
      t.is(BigInt(`0x${String(entry?.serialNumber).replace('-', '')}`), BigInt(`0x${serialNumber.replace('-', '')}`));
      t.is(String(entry?.serialNumber).startsWith('-'), serialNumber.startsWith('-'));
    }
    // The same number in other words.
    for (const words of ['0x0080', '00:80', '80', '0080'])
      t.deepEqual(await runSql(url, 'SELECT ocsp_serial($1) = ocsp_serial($2) AS same', [words, '80']), [
        { same: true },
      ]);
    for (const bad of [
      '',
      '-',
      '0x',
      'xyz',
      '12 34',
      '1:2',
      ':12',
      '12:',
      "'; DROP TABLE ocsp_status; --",
      `-1${'0'.repeat(64)}`,
      // The key of -5.
      `1${'5'.padStart(64, '0')}`,
    ])
      await t.throwsAsync(runSql(url, 'SELECT ocsp_serial($1)', [bad]), { code: '22023' }, bad);
  },
);

withPostgres('what makes no sense is refused by the table', async (t) => {
  const url = await file.server.database();
  const id = await addIssuer(url, createTestCa().certificate);
  const insert = (columns: string, values: string): Promise<unknown> =>
    runSql(url, `INSERT INTO ocsp_status (issuer, ${columns}) VALUES (${id}, ${values})`);
  for (const [columns, values] of [
    ['serial, status', "'\\x0012', 0"],
    ['serial, status', "'\\x', 0"],
    ['serial, status', `decode(repeat('11', 256), 'hex'), 0`],
    ['serial, status', "'\\x12', 3"],
    ['serial, status', "'\\x12', 1"],
    ['serial, status, revoked_at', "'\\x12', 0, now()"],
    ['serial, status, revoked_at', "'\\x12', 1, 'infinity'"],
    ['serial, status, revoked_at, reason', "'\\x12', 1, now(), 7"],
    ['serial, status, reason', "'\\x12', 0, 1"],
    ['serial, status, reason', "'\\x12', 2, 1"],
  ] as const) {
    const error = await t.throwsAsync<NodeJS.ErrnoException>(
      insert(columns, values),
      undefined,
      `${columns}: ${values}`,
    );
    t.regex(error?.code ?? '', /^(23514|22\d\d\d)$/, `${columns}: ${values}`);
  }
  await t.throwsAsync(runSql(url, "INSERT INTO ocsp_status (issuer, serial, status) VALUES (77, '\\x12', 0)"), {
    code: '23503',
  });
});

withPostgres(
  'a revocation cannot be taken back, a hold can; versions and transactions are not for users to set',
  async (t) => {
    const url = await file.server.database();
    const id = await addIssuer(url, createTestCa().certificate);
    const row = async () => (await runSql(url, 'SELECT version, txid, status, reason FROM ocsp_status'))[0];
    await runSql(
      url,
      `INSERT INTO ocsp_status (issuer, serial, status, version, txid) VALUES (${id}, '\\x12', 0, 9, '5')`,
    );
    const issued = Number((await row())?.['version']);
    t.true(issued > 1_600_000_000);
    t.is((await row())?.['txid'], null);
    await runSql(url, 'UPDATE ocsp_status SET status = 1, revoked_at = now(), reason = 6, version = 5');
    const held = await row();
    t.true(Number(held?.['version']) > issued);
    await runSql(url, 'UPDATE ocsp_status SET version = 0, txid = NULL');
    t.deepEqual(await row(), held, 'nothing of the status has changed');
    await runSql(url, 'UPDATE ocsp_status SET status = 0, revoked_at = NULL, reason = NULL');
    await runSql(url, 'UPDATE ocsp_status SET status = 1, revoked_at = now(), reason = 6');
    await runSql(url, 'UPDATE ocsp_status SET reason = 1');
    t.true(Number((await row())?.['version']) >= Number(held?.['version']) + 3);
    for (const change of [
      'status = 0, revoked_at = NULL, reason = NULL',
      'status = 2, revoked_at = NULL, reason = NULL',
      'reason = 6',
      'reason = 8',
    ])
      await t.throwsAsync(runSql(url, `UPDATE ocsp_status SET ${change}`), { message: /cannot be taken back/ }, change);
    await runSql(url, 'UPDATE ocsp_status SET reason = NULL');
    await t.throwsAsync(runSql(url, 'UPDATE ocsp_status SET reason = 6'), { message: /cannot be taken back/ });
    await t.throwsAsync(runSql(url, "UPDATE ocsp_status SET serial = '\\x13'"), {
      message: /belongs to its certificate/,
    });
  },
);

withPostgres('CAs of one database have nothing to do with each other', async (t) => {
  const url = await file.server.database();
  const [a, b] = [createTestCa(), createTestCa()];
  const [idA, idB] = [await addIssuer(url, a.certificate), await addIssuer(url, b.certificate)];
  await runSql(
    url,
    `INSERT INTO ocsp_status (issuer, serial, status, revoked_at) VALUES
      (${idA}, '\\x12', 1, now()), (${idB}, '\\x12', 0, NULL), (${idB}, '\\x13', 1, now())`,
  );
  const [ofA, ofB] = [authorityOf(t, url, a.certificate), authorityOf(t, url, b.certificate)];
  t.is((await ofA.lookup({ serialNumber: '12' }))?.status, REVOKED);
  t.is((await ofB.lookup({ serialNumber: '12' }))?.status, GOOD);
  t.is(await ofA.lookup({ serialNumber: '13' }), undefined);
  const news = await ofA.changes(null, new AbortController().signal).next();
  t.deepEqual(
    [...news.value.entries].map(({ serialNumber }: { serialNumber: string }) => serialNumber),
    ['12'],
  );
});

withPostgres('no tables, no such CA, no such database, wrong arguments: an error each', async (t) => {
  const ca = createTestCa();
  const { signal } = new AbortController();
  for (const [url, problem] of [
    [file.server.url('postgres'), /openssl-ocsp db init/],
    [await file.server.database(), /no issuer with the name and key of CN=/],
    [file.server.url('nowhere'), /database "nowhere" does not exist/],
    [`${file.server.url('postgres')}.not.there`, /ENOENT/],
  ] as const) {
    const authority = authorityOf(t, url, ca.certificate);
    await t.throwsAsync(authority.lookup({ serialNumber: '12' }), { message: problem });
    await t.throwsAsync(authority.changes(null, signal).next(), { message: problem });
  }
  const options = { issuer: ca.certificate };
  for (const bad of [undefined, null, 5, {}])
    t.throws(() => new PostgresAuthority(bad as never, options), { code: 'ERR_INVALID_ARG_TYPE' });
  for (const text of ['db/ocsp', 'host=db dbname=ocsp', 'http://db/ocsp'])
    t.throws(() => new PostgresAuthority(text, options), {
      code: 'ERR_OCSP_INVALID_VALUE',
      message: /postgres:\/\/USER@/,
    });
  t.throws(() => new PostgresAuthority('', { issuer: 'no' }), { code: 'ERR_OCSP_MALFORMED' });
  // (Of these `setTimeout` makes a millisecond.)
  for (const interval of [0, -1, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY])
    t.throws(() => new PostgresAuthority('', { ...options, interval }), { code: 'ERR_OCSP_INVALID_VALUE' });
  t.throws(() => new PostgresAuthority('', { ...options, interval: '1' } as never), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => new PostgresAuthority('', { ...options, isuer: 1 } as never), { code: 'ERR_OCSP_INVALID_VALUE' });
});

withPostgres('it does what every authority has to do', async (t) => {
  t.timeout(300_000);
  await t.notThrowsAsync(
    checkStatusAuthority(async (certificate) => {
      const url = await file.server.database();
      const issuer = await addIssuer(url, certificate);
      const authority = new PostgresAuthority(url, { issuer: certificate, interval: 20 });
      return {
        authority,
        async write(entries) {
          const rows = entries.map(({ serialNumber, status, revocationTime, reason }) => ({
            serial: typeof serialNumber === 'bigint' ? serialNumber.toString(16) : serialNumber,
            status,
            revokedAt: revocationTime ?? null,
            reason: reason == null ? null : reasonToCode(reason as ReasonFlags),
          }));
          await runSql(
            url,
            `INSERT INTO ocsp_status (issuer, serial, status, revoked_at, reason)
              SELECT $1, ocsp_serial(r.serial), r.status, r."revokedAt", r.reason
              FROM json_to_recordset($2) r(serial text, status int2, "revokedAt" timestamptz, reason int2)
              ON CONFLICT (issuer, serial) DO UPDATE
              SET status = excluded.status, revoked_at = excluded.revoked_at, reason = excluded.reason`,
            [issuer, JSON.stringify(rows)],
          );
        },
      };
    }),
  );
});

withPostgres('a role that may read is enough for a responder, also after a crash', async (t) => {
  const url = await file.server.database();
  const ca = createTestCa();
  const id = await addIssuer(url, ca.certificate);
  await runSql(url, `INSERT INTO ocsp_status (issuer, serial, status) VALUES (${id}, '\\x12', 2)`);
  await runSql(url, 'CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader');
  // As if no one had looked since.
  await runSql(url, 'TRUNCATE ocsp_incarnation');
  const reader = url.replace('postgres@', 'reader@');
  const authority = authorityOf(t, reader, ca.certificate);
  t.is((await authority.lookup({ serialNumber: '12' }))?.status, UNKNOWN);
  const feed = authority.changes(null, new AbortController().signal);
  t.is([...(await feed.next()).value.entries].length, 1);
  await feed.return(undefined);
  await t.throwsAsync(runSql(reader, 'DELETE FROM ocsp_status'), { code: '42501' });
});
