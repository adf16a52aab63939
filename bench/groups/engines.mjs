// Many machines: PostgreSQL and Valkey beside their own programs and clients. Servers are started here, in temporary folders.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { csvSource, iterableSource } from 'openssl-ocsp/bulk';
import { importStatuses, postgresSource } from 'openssl-ocsp/postgres';
import { ca, hasPostgres, psql, runSql, serialOf, startServer, stopServer, writeList } from '../engines/database.mjs';
import { newsFigures } from '../engines/news.mjs';
import { explainQueries } from '../engines/queries.mjs';
import { valkeyFigures } from '../engines/valkey.mjs';

export const heading = 'Many machines';
export const missing = hasPostgres ? undefined : 'there is no PostgreSQL server';
/** A turn is a whole list. */
export const effort = { rounds: 3, milliseconds: 1 };

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const SIGN_ALONE = fileURLToPath(new URL('../engines/sign-alone.mjs', import.meta.url));
const WORKERS = 4;
const issuer = ca.certificate;

export async function* tables({ quick, rows = quick ? 2000 : 1_000_000 }) {
  const server = await startServer();
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-bench-'));
  try {
    const url = await server.database();
    yield await importing(url, folder, rows);
    yield reading(url, rows);
    yield await signing(url, folder, rows);
  } catch (error) {
    await stopServer();
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function importing(url, folder, rows) {
  const [copied, listed] = [join(folder, 'copy.csv'), join(folder, 'list.csv')];
  // (Brings the CA in, too.)
  await importStatuses(url, { issuer, source: iterableSource([]) });
  const [{ id }] = await runSql(url, 'SELECT id FROM ocsp_issuer');
  await writeList(copied, rows, { copyFor: id });
  await writeList(listed, rows);
  const empty = () => runSql(url, 'TRUNCATE ocsp_status');
  const columns = 'issuer, serial, status, revoked_at';
  return {
    title: `import of ${rows} rows`,
    contenders: [
      {
        name: 'psql, \\copy into the table',
        kind: 'limit',
        batch: rows,
        run: async (n) => {
          for (let i = 0; i < n; i += 1) {
            await empty();
            await psql(url, `\\copy ocsp_status (${columns}) FROM '${copied}' WITH (FORMAT csv)`);
          }
        },
      },
      {
        name: 'importStatuses',
        kind: 'own',
        batch: rows,
        run: async (n) => {
          for (let i = 0; i < n; i += 1) {
            await empty();
            const { inserted } = await importStatuses(url, { issuer, source: csvSource(createReadStream(listed)) });
            if (inserted !== rows) throw new Error(`${inserted} rows are there`);
          }
        },
      },
    ],
  };
}

function reading(url, rows) {
  return {
    title: `all ${rows} certificates read`,
    contenders: [
      {
        name: 'psql, COPY TO STDOUT',
        kind: 'limit',
        batch: rows,
        run: async (n) => {
          const columns = 'serial, status, version, revoked_at, reason, extensions';
          for (let i = 0; i < n; i += 1) await psql(url, `COPY ocsp_status (${columns}) TO STDOUT`);
        },
      },
      {
        name: 'postgresSource',
        kind: 'own',
        batch: rows,
        run: async (n) => {
          for (let i = 0; i < n; i += 1) {
            let count = 0;
            for await (const batch of postgresSource(url, { issuer }).batches()) count += batch.length;
            if (count !== rows) throw new Error(`${count} rows were read`);
          }
        },
      },
    ],
  };
}

async function signing(url, folder, rows) {
  await runSql(url, 'VACUUM ANALYZE ocsp_status');
  writeFileSync(join(folder, 'ca.pem'), ca.certificatePem);
  writeFileSync(join(folder, 'ca.key'), ca.privateKeyPem);
  let job = 0;
  const signer = ['--issuer', 'ca.pem', '--signer', 'ca.pem', '--key', 'ca.key', '--cert-id-hash', 'sha1'];
  return {
    title: `all ${rows} certificates signed, P-256`,
    contenders: [
      {
        name: `bulkSign, one process, ${WORKERS} threads, no ledger`,
        kind: 'limit',
        batch: rows,
        run: async (n) => {
          for (let i = 0; i < n; i += 1) {
            await node(folder, [SIGN_ALONE, url, folder, String(WORKERS)]);
            rmSync(join(folder, 'alone'), { recursive: true });
          }
        },
      },
      ...[WORKERS, WORKERS / 2].map((workers) => ({
        name: `bulk-sign --ledger --workers ${workers} --threads ${WORKERS / workers}`,
        kind: 'own',
        batch: rows,
        run: async (n) => {
          for (let i = 0; i < n; i += 1) {
            job += 1;
            // (What is put at once is more than a store puts together with others, from a million rows on.)
            const range = String(Math.ceil(rows / WORKERS / 3));
            const work = ['--ledger', url, '--job', `night ${job}`, '--range-size', range];
            const processes = ['--workers', String(workers), '--threads', String(WORKERS / workers)];
            await node(folder, [MAIN, 'bulk-sign', ...signer, ...work, ...processes, '--out', 'shared']);
            rmSync(join(folder, 'shared'), { recursive: true });
          }
        },
      })),
    ],
  };
}

async function node(cwd, args) {
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}`);
}

export async function* figures({ quick, rows = quick ? 2000 : 1_000_000 }) {
  const server = await startServer();
  try {
    const url = server.url('test1');
    yield* sizes(url, rows);
    for (const { name, plan, milliseconds } of await explainQueries(url, issuer, serialOf(0)))
      yield { name: `${name}: ${plan}`, value: milliseconds, unit: 'ms', goal: '' };
    yield* newsFigures(url, { revocations: quick ? 3 : 200, rows, remembered: quick ? 10_000 : 10_000_000 });
    yield* valkeyFigures(quick ? 100 : 20_000);
  } finally {
    await stopServer();
  }
}

async function* sizes(url, rows) {
  await runSql(url, 'VACUUM FULL ANALYZE ocsp_status');
  const [found] = await runSql(
    url,
    `SELECT pg_table_size('ocsp_status')::float8 AS table, pg_relation_size('ocsp_status_pkey')::float8 AS key,
      pg_relation_size('ocsp_status_news')::float8 AS news FROM pg_class LIMIT 1`,
  );
  yield { name: `table, per row (serial numbers of 16 bytes)`, value: found.table / rows, unit: 'bytes', goal: '' };
  yield { name: 'index of serial numbers, per row', value: found.key / rows, unit: 'bytes', goal: '' };
  const changed = Math.ceil(rows / 100);
  yield { name: 'index of news, per row that ever changed', value: found.news / changed, unit: 'bytes', goal: '' };
}
