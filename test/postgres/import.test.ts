/** Lists into the database and out of it again. */
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { Extension, InvalidityDate, OCSPCertStatus } from 'openssl-ocsp';
import {
  bulkSign,
  crlSource,
  csvSource,
  indexTxtSource,
  iterableSource,
  ResponseSigner,
  SegmentStore,
  type StatusEntry,
  type StatusSource,
} from 'openssl-ocsp/bulk';
import { importStatuses, migratePostgres, postgresSource, postgresStatus, signJob } from 'openssl-ocsp/postgres';
import { checkStatusSource, createTestCa } from 'openssl-ocsp/testing';
import pg from 'pg';
import { hexOf } from '#dist/responder/authority.js';
import { buildCertificate } from '#dist/testing/certificate.js';
import { entriesOf } from '../bulk/records.js';
import { scratch } from '../bulk/scratch.js';
import { crlEntry, makeCrl, reasonCode } from '../helpers/crl.js';
import { postgresForFile, startPgbouncer, withPgbouncer, withPostgres } from '../helpers/postgres.js';
import { runSql } from '../helpers/postgres-server.js';
import { authorityOf, changedAt, thisUpdateOf } from './fixtures.js';

const file = postgresForFile();
const { GOOD, REVOKED, UNKNOWN } = OCSPCertStatus;
const issuer = createTestCa().certificate;
const LIST = `serial,status,revocationTime,reason,invalidityDate
0a,good,,,
-0b,revoked,2024-02-29T23:59:59+14:00,keyCompromise,2024-01-01T00:00:00Z
ff00112233445566778899aabbccddeeff0011223344,revoked,1999-12-31T23:59:59-12:00,,
0d,unknown,,,
0e,revoked,2025-01-01T00:00:00Z,certificateHold,
`;
const bytes = (text: string): Buffer => Buffer.from(text);

withPostgres('a list goes in, again without effect, and comes out as it was', async (t) => {
  const url = await file.server.database();
  const source = csvSource(bytes(LIST));
  t.deepEqual(await importStatuses(url, { issuer, source }), { inserted: 5, updated: 0, kept: 0, entries: 5 });
  t.is((await postgresStatus(url)).certificates, 5, 'PostgreSQL has looked, as pages are read by what it has seen');
  const before = await runSql(url, 'SELECT * FROM ocsp_status ORDER BY serial');
  t.deepEqual(await importStatuses(url, { issuer, source }), { inserted: 0, updated: 0, kept: 0, entries: 5 });
  t.deepEqual(await runSql(url, 'SELECT * FROM ocsp_status ORDER BY serial'), before);
  const simple = (entries: StatusEntry[]) =>
    entries
      .map(({ serialNumber, status, revocationTime, reason, singleExtensions }) => {
        const list = [...(singleExtensions ?? [])].map(({ oid, value }) => [oid, value.publicBytes().toString('hex')]);
        return [hexOf(serialNumber), status, revocationTime?.getTime() ?? null, reason ?? null, list];
      })
      .sort();
  t.deepEqual(simple(await entriesOf(postgresSource(url, { issuer }))), simple(await entriesOf(source)));
  const entry = await authorityOf(t, url, issuer).lookup({ serialNumber: '-0B' });
  t.deepEqual(
    [...(entry?.singleExtensions ?? [])],
    [new Extension(InvalidityDate.oid, false, new InvalidityDate(new Date('2024-01-01T00:00:00Z')))],
  );
});

withPostgres('a list goes in while somebody is at a VACUUM', async (t) => {
  t.timeout(60_000);
  const url = await file.server.database();
  const holder = new pg.Client(url);
  await holder.connect();
  t.teardown(() => holder.end());
  await holder.query('BEGIN');
  // (As a VACUUM does.)
  await holder.query('LOCK TABLE ocsp_status IN SHARE UPDATE EXCLUSIVE MODE');
  t.is((await importStatuses(url, { issuer, source: csvSource(bytes(LIST)) })).inserted, 5);
  t.is((await runSql(url, 'SELECT FROM ocsp_status')).length, 5);
});

withPgbouncer(
  'through PgBouncer in transaction mode: tables, a list in and out again, and what is there',
  async (t) => {
    const url = await file.server.database();
    const bouncer = await startPgbouncer(file.server);
    t.teardown(() => bouncer.stop());
    const through = `${url}&port=6432`;
    t.deepEqual((await migratePostgres(through)).applied, []);
    for (const inserted of [5, 0])
      t.is((await importStatuses(through, { issuer, source: csvSource(bytes(LIST)) })).inserted, inserted);
    t.is((await entriesOf(postgresSource(through, { issuer }))).length, 5);
    t.is((await postgresStatus(through)).issuers[0]?.revoked, 3);
    // More at once than PgBouncer has connections to the server: each asks for another one than that of its transaction.
    const lists = Array.from({ length: 6 }, () => importStatuses(through, { issuer, source: csvSource(bytes(LIST)) }));
    for (const { entries } of await Promise.all(lists)) t.is(entries, 5);
  },
);

withPostgres('a certificate that somebody else brings in meanwhile is like one that was there', async (t) => {
  for (const [other, row, ended, result] of [
    [0, 'revoked,2025-01-01T00:00:00Z', 'COMMIT', { inserted: 1, updated: 1, kept: 0, entries: 2 }],
    [1, 'good,', 'COMMIT', { inserted: 1, updated: 0, kept: 1, entries: 2 }],
    [0, 'revoked,2025-01-01T00:00:00Z', 'ROLLBACK', { inserted: 2, updated: 0, kept: 0, entries: 2 }],
  ] as const) {
    const url = await file.server.database();
    await importStatuses(url, { issuer, source: iterableSource([]) });
    const client = new pg.Client(url);
    await client.connect();
    t.teardown(() => client.end());
    await client.query('BEGIN');
    await client.query(
      `INSERT INTO ocsp_status (issuer, serial, status, revoked_at) SELECT id, ocsp_serial('02'), $1, $2 FROM ocsp_issuer`,
      [other, other === 0 ? null : new Date('2020-01-01T00:00:00Z')],
    );
    const list = csvSource(bytes(`serial,status,revocationTime\n01,good,\n02,${row}\n`));
    const done = importStatuses(url, { issuer, source: list });
    const waits = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    while ((await runSql(url, waits)).length === 0) await sleep(20);
    await client.query(ended);
    t.deepEqual(await done, result);
    t.is((await authorityOf(t, url, issuer).lookup({ serialNumber: '02' }))?.status, REVOKED);
  }
});

withPostgres('a list that changes nothing holds up no one who revokes one of its certificates', async (t) => {
  const url = await file.server.database();
  const list = (): StatusSource => csvSource(bytes('serial,status\n01,good\n02,good\n'));
  await importStatuses(url, { issuer, source: list() });
  const other = new pg.Client(url);
  await other.connect();
  t.teardown(() => other.end());
  await other.query('BEGIN');
  const revoke = `UPDATE ocsp_status SET status = 1, revoked_at = now() WHERE serial = ocsp_serial($1)`;
  await other.query(revoke, ['02']);
  // Neither does it wait for that transaction.
  t.deepEqual(await importStatuses(url, { issuer, source: list() }), { inserted: 0, updated: 0, kept: 0, entries: 2 });
  await other.query('COMMIT');
  // Rows that it does change are the only ones that are locked.
  const importing = new pg.Client(url);
  await importing.connect();
  t.teardown(() => importing.end());
  await importing.query('BEGIN');
  await importing.query(revoke, ['01']);
  const changed = csvSource(bytes('serial,status,revocationTime\n01,revoked,2020-01-01T00:00:00Z\n03,good,\n'));
  const done = importStatuses(url, { issuer, source: changed });
  const waits = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
  while ((await runSql(url, waits)).length === 0) await sleep(20);
  await runSql(url, `SET lock_timeout = '10s'; UPDATE ocsp_status SET reason = 1 WHERE serial = ocsp_serial('02')`);
  await importing.query('ROLLBACK');
  t.deepEqual(await done, { inserted: 1, updated: 1, kept: 0, entries: 2 });
});

withPostgres('serial numbers of all lengths have the keys that SQL gives them', async (t) => {
  const url = await file.server.database();
  const digits = [
    '0',
    '00',
    '1',
    '0001',
    '7f',
    '80',
    'FF',
    '-1',
    '-0a',
    `1${'0'.repeat(63)}`,
    `F${'e'.repeat(64)}`,
    'a'.repeat(63),
    '9'.repeat(255),
  ];
  const entries = digits.map((serialNumber) => ({ serialNumber, status: GOOD }));
  await importStatuses(url, { issuer, source: iterableSource(entries) });
  const rows = await runSql(
    url,
    'SELECT DISTINCT ocsp_serial(d) IN (SELECT serial FROM ocsp_status) AS there FROM unnest($1::text[]) d',
    [digits],
  );
  t.deepEqual(rows, [{ there: true }]);
  const read = (await entriesOf(postgresSource(url, { issuer }))).map(({ serialNumber }) => hexOf(serialNumber));
  t.deepEqual(read.sort(), [...new Set(digits.map((text) => hexOf(text)))].sort());
});

withPostgres('of two statuses the more severe counts, then the later; a revocation for ever stays', async (t) => {
  const url = await file.server.database();
  const authority = authorityOf(t, url, issuer);
  const status = async () => (await authority.lookup({ serialNumber: '01' }))?.status;
  const bring = async (entry: Omit<StatusEntry, 'serialNumber'>, modified: Date) => {
    const { inserted, updated, kept } = await importStatuses(url, {
      issuer,
      source: iterableSource([{ serialNumber: '01', ...entry }]),
      modified,
    });
    return [inserted, updated, kept];
  };
  const [past, future] = [new Date('2001-01-01T00:00:00Z'), new Date(Date.now() + 3600_000)];
  const good = { status: GOOD };
  const held = { status: REVOKED, revocationTime: past, reason: 'certificateHold' as const };
  const revoked = { status: REVOKED, revocationTime: past, reason: 'keyCompromise' as const };
  t.deepEqual(await bring(good, past), [1, 0, 0]);
  t.deepEqual(await bring(held, past), [0, 1, 0], 'more severe, though the list is older');
  t.deepEqual(await bring(good, past), [0, 0, 1], 'an old list ends no hold');
  t.is(await status(), REVOKED);
  t.deepEqual(await bring(good, future), [0, 1, 0], 'a later one does');
  t.is(await status(), GOOD);
  t.deepEqual(await bring(revoked, past), [0, 1, 0]);
  for (const entry of [good, held, { status: UNKNOWN }]) t.deepEqual(await bring(entry, future), [0, 0, 1]);
  t.like(await authority.lookup({ serialNumber: '01' }), { status: REVOKED, reason: 'keyCompromise' });
  // One list that says two things.
  const source = iterableSource([
    { serialNumber: '02', ...revoked },
    { serialNumber: '02', ...good },
    { serialNumber: '0002', ...held },
  ]);
  await importStatuses(url, { issuer, source });
  t.like(await authority.lookup({ serialNumber: '02' }), { reason: 'keyCompromise' });
});

withPostgres('a CRL says what was known at its thisUpdate: it ends no hold of later', async (t) => {
  const url = await file.server.database();
  const ca = createTestCa();
  const authority = authorityOf(t, url, ca.certificate);
  const bring = (crl: Buffer, modified?: Date) =>
    importStatuses(url, {
      issuer: ca.certificate,
      source: crlSource(crl, { issuer: ca.certificate, serials: ['01'] }),
      ...(modified && { modified }),
    });
  const status = async () => (await authority.lookup({ serialNumber: '01' }))?.status;
  await bring(makeCrl(ca, [crlEntry(1n, reasonCode(6))]));
  t.is(await status(), REVOKED);
  // Of yesterday, as the one before; what the database has is of now.
  t.like(await bring(makeCrl(ca, [])), { updated: 0, kept: 1 });
  t.is(await status(), REVOKED);
  await changedAt(url, Math.floor(Date.now() / 1000) - 1);
  t.like(await bring(makeCrl(ca, [], { thisUpdate: 2000 })), { updated: 1, kept: 0 });
  t.is(await status(), GOOD);
  await bring(makeCrl(ca, [crlEntry(1n, reasonCode(6))]));
  t.like(await bring(makeCrl(ca, []), new Date(Date.now() + 2000)), { updated: 1, kept: 0 }, 'somebody knows better');
});

withPostgres(
  'a list of the second of a hold does not end it; one that says a hold in that second counts',
  async (t) => {
    const url = await file.server.database();
    const ca = createTestCa();
    const authority = authorityOf(t, url, ca.certificate);
    const reason = async () => (await authority.lookup({ serialNumber: '01' }))?.reason ?? null;
    const second = 1_700_000_047;
    const at = (milliseconds: number): Date => new Date(second * 1000 + milliseconds);
    const index = (row: string, modified: Date) =>
      importStatuses(url, { issuer: ca.certificate, source: indexTxtSource(bytes(row)), modified });
    const good = 'V\t301231235959Z\t\t01\tunknown\t/CN=a\n';
    const held = 'R\t301231235959Z\t231114221407Z,holdInstruction,1.2.840.10040.2.2\t01\tunknown\t/CN=a\n';
    await index(good, at(0));
    await changedAt(url, second);
    t.like(await index(held, at(100)), { updated: 1, kept: 0 });
    await changedAt(url, second);
    for (const milliseconds of [-1, 0, 100, 999]) t.like(await index(good, at(milliseconds)), { updated: 0, kept: 1 });
    t.is(await reason(), 'certificateHold');
    // It changes nothing, so it waits for no one who changes the certificate.
    const other = new pg.Client(url);
    await other.connect();
    t.teardown(() => other.end());
    await other.query('BEGIN');
    await other.query('UPDATE ocsp_status SET revoked_at = now()');
    for (const [row, kept] of [
      [good, 1],
      [held, 0],
    ] as const)
      t.like(await index(row, at(400)), { updated: 0, kept });
    await other.query('ROLLBACK');
    t.like(await index(held.replace('231114221407Z', '231114221406Z'), at(100)), { updated: 1 }, 'another hold');
    await changedAt(url, second);
    t.like(await index(good, at(1000)), { updated: 1, kept: 0 });
    t.is(await reason(), null);
    // A CRL has whole seconds.
    const none = makeCrl(ca, []);
    const thisUpdate = thisUpdateOf(none);
    const crl = () =>
      importStatuses(url, {
        issuer: ca.certificate,
        source: crlSource(none, { issuer: ca.certificate, serials: ['01'] }),
      });
    await index(held, at(0));
    await changedAt(url, thisUpdate);
    t.like(await crl(), { updated: 0, kept: 1 });
    t.is(await reason(), 'certificateHold');
    await changedAt(url, thisUpdate - 1);
    t.like(await crl(), { updated: 1, kept: 0 });
    t.is(await reason(), null);
  },
);

withPostgres('only a CA has statuses; a root need not say that it is one, as those of version 1 cannot', async (t) => {
  const url = await file.server.database();
  const root = createTestCa();
  const source = csvSource(bytes(LIST));
  const refused = { code: 'ERR_OCSP_INVALID_VALUE', message: 'the issuer is not a CA: CN=a' };
  const { certificate } = root.issue({ subject: 'CN=a' });
  await t.throwsAsync(importStatuses(url, { issuer: certificate, source }), refused);
  const nameless = root.issue({ subject: '' }).certificate;
  await t.throwsAsync(importStatuses(url, { issuer: nameless, source }), {
    ...refused,
    message: /^the issuer is not a CA/,
  });
  t.deepEqual((await postgresStatus(url)).issuers, []);
  const silent = buildCertificate(null, root.privateKey, { subject: 'CN=Root' });
  t.is((await importStatuses(url, { issuer: silent, source })).inserted, 5);
});

withPostgres('a bad row is an error with its line, and nothing has been brought in', async (t) => {
  const url = await file.server.database();
  const rows = Array.from(
    { length: 20_000 },
    (_, i) => `V\t300101000000Z\t\t${(i + 1).toString(16).padStart(6, '0')}\tunknown\t/CN=${i}\n`,
  );
  rows[12_344] = 'V\tnonsense\n';
  const source = indexTxtSource(bytes(rows.join('')));
  await t.throwsAsync(importStatuses(url, { issuer, source }), {
    code: 'ERR_OCSP_MALFORMED',
    message: /^line 12345: /,
  });
  for (const bad of [
    { serialNumber: 'F'.repeat(600), status: GOOD },
    { serialNumber: '01', status: REVOKED },
    { serialNumber: '01', status: 7 as never },
    { serialNumber: '01', status: GOOD, revocationTime: new Date(0) },
    { serialNumber: '01', status: GOOD, reason: 'superseded' as const },
    { serialNumber: '01', status: REVOKED, revocationTime: new Date(Number.NaN) },
  ])
    await t.throwsAsync(importStatuses(url, { issuer, source: iterableSource([bad]) }));
  t.deepEqual(await runSql(url, 'SELECT count(*)::int AS n FROM ocsp_status'), [{ n: 0 }]);
  t.deepEqual(await runSql(url, 'SELECT count(*)::int AS n FROM ocsp_issuer'), [{ n: 0 }]);
});

withPostgres('a server that ends while a list is brought in is an error, not a wait', async (t) => {
  const url = await file.server.database();
  const endless = async function* (): AsyncGenerator<StatusEntry> {
    for (let n = 1n; ; n += 1n) yield { serialNumber: n, status: GOOD };
  };
  const importing = importStatuses(url, {
    issuer,
    source: iterableSource(endless()),
    onProgress: (entries) => {
      if (entries === 40_960)
        void runSql(
          url,
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND datname = current_database()",
        );
    },
  });
  await t.throwsAsync(importing, { message: /terminat|EPIPE|ECONNRESET/i });
});

withPostgres('a source by ranges is all of it, each once, and may be gone on with', async (t) => {
  const url = await file.server.database();
  await importStatuses(url, { issuer, source: csvSource(bytes(LIST)) });
  const [row] = await runSql(url, 'SELECT id FROM ocsp_issuer');
  await runSql(
    url,
    `INSERT INTO ocsp_status (issuer, serial, status) SELECT $1, decode(md5(n::text), 'hex'), 0 FROM generate_series(1, 9000) n
      WHERE get_byte(decode(md5(n::text), 'hex'), 0) > 0`,
    [row?.['id']],
  );
  const entries = await entriesOf(postgresSource(url, { issuer }));
  const all = entries.map(({ serialNumber }) => String(serialNumber));
  t.is(new Set(all).size, all.length);
  t.deepEqual(await runSql(url, 'SELECT count(*)::int AS n FROM ocsp_status'), [{ n: all.length }]);
  const [first, second] = [all[100] as string, all[5000] as string];
  const parts = [{ until: first }, { after: first, until: second }, { after: second }, { after: 'FF', until: 'FE' }];
  const lists = await Promise.all(parts.map((part) => entriesOf(postgresSource(url, { issuer, ...part }))));
  t.deepEqual(
    lists.map((list) => list.length),
    [101, 4900, all.length - 5001, 0],
  );
  t.deepEqual(
    lists.flat().map(({ serialNumber }) => serialNumber),
    all,
  );
  await checkStatusSource(() => postgresSource(url, { issuer }), entries);
  await t.throwsAsync(entriesOf(postgresSource(url, { issuer: createTestCa().certificate })), { message: /no issuer/ });
});

test('wrong arguments of a source are refused', (t) => {
  t.throws(() => postgresSource(5 as never, { issuer }), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => postgresSource('', { issuer, after: 'no' }), { code: 'ERR_OCSP_INVALID_VALUE' });
});

test('what is no source, signer or store, and a signer of another CA', async (t) => {
  const url = 'postgres:///none';
  const wrong = (name: string) => ({ code: 'ERR_INVALID_ARG_TYPE', message: new RegExp(`"${name}" argument must be`) });
  await t.throwsAsync(importStatuses(url, { issuer, source: [] as never }), wrong('source'));
  const ca = createTestCa();
  const fine = {
    job: 'night',
    issuer: ca.certificate,
    signer: new ResponseSigner({ issuer: ca.certificate, responder: ca.certificate, privateKey: ca.privateKey }),
    store: { putBatch: async () => ({ written: 0, kept: 0 }) },
  };
  await t.throwsAsync(signJob(url, { ...fine, signer: undefined as never }), wrong('signer'));
  await t.throwsAsync(signJob(url, { ...fine, store: {} as never }), wrong('store'));
  await t.throwsAsync(signJob(url, { ...fine, issuer: createTestCa().certificate }), {
    code: 'ERR_OCSP_ISSUER_MISMATCH',
  });
});

withPostgres(
  'a run that was interrupted goes on behind its last certificate, whatever came and went before it',
  async (t) => {
    t.timeout(120_000);
    const url = await file.server.database();
    const ca = createTestCa();
    await importStatuses(url, { issuer: ca.certificate, source: iterableSource([]) });
    await runSql(
      url,
      `INSERT INTO ocsp_status (issuer, serial, status)
      SELECT i.id, ocsp_serial(to_hex(n)), 0 FROM ocsp_issuer i, generate_series(4097, 16096) n`,
    );
    const signer = new ResponseSigner({
      issuer: ca.certificate,
      responder: ca.certificate,
      privateKey: ca.privateKey,
      certIdAlgorithm: 'sha1',
    });
    const store = await SegmentStore.open(scratch(t));
    t.teardown(() => store.close());
    const source = postgresSource(url, { issuer: ca.certificate });
    const options = { signer, store, id: 'night', checkpointEvery: 1000 };
    const failing: StatusSource = {
      ...source,
      async *batches(given) {
        for await (const batch of source.batches(given)) {
          yield batch;
          if (batch.some(({ serialNumber }) => serialNumber === '2710')) throw new Error('gone');
        }
      },
    };
    await t.throwsAsync(bulkSign({ ...options, source: failing }), { message: 'gone' });
    // What is before the checkpoint is not in the list any more, so that counting would leave out as many behind it.
    await runSql(url, "DELETE FROM ocsp_status WHERE serial < '\\x1f00' AND serial >= '\\x1001'");
    const { resumedFrom, signed } = await bulkSign({ ...options, source });
    t.true(resumedFrom >= 4000, String(resumedFrom));
    t.is(resumedFrom + signed, 12_000);
    t.is([...store.records()].length, 12_000);
    // And none is read again.
    const rest = await entriesOf({
      ...source,
      [Symbol.asyncIterator]: () => flat(source.batches({ skip: 5, lastSerial: '3EDE' })),
    });
    t.deepEqual(
      rest.map(({ serialNumber }) => serialNumber),
      ['3EDF', '3EE0'],
    );
    for (const lastSerial of ['', 'xyz'])
      await t.throwsAsync(source.batches({ lastSerial })[Symbol.asyncIterator]().next());
  },
);

async function* flat(batches: AsyncIterable<StatusEntry[]>): AsyncGenerator<StatusEntry> {
  for await (const batch of batches) yield* batch;
}
