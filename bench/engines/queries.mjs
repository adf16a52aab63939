// The statements that this package sends, as PostgreSQL carries them out.
import { PostgresAuthority, PostgresLedger, postgresSource } from 'openssl-ocsp/postgres';
import pg from 'pg';

/** What a statement is for, by a word of it. */
const NAMES = [
  [/^SELECT \(pg_is_in_recovery/, 'lookup of a certificate'],
  [/pg_snapshot_xip/, 'news since a cursor'],
  [/^DECLARE news/, 'first news: all that is not good'],
  [/ORDER BY serial LIMIT/, 'page of postgresSource'],
  [/^WITH picked/, 'lease of a range'],
  [/^UPDATE ocsp_range r SET expires_at/, 'checkpoint'],
  [/^UPDATE ocsp_range r SET state/, 'end of a range'],
];

/** Uses all of them, and explains each: `{ name, plan, milliseconds }`. */
export async function explainQueries(url, issuer, serialNumber) {
  const pool = new pg.Pool({ connectionString: url });
  const seen = new Map();
  pool.on('connect', (client) => {
    const query = client.query.bind(client);
    client.query = (given, ...rest) => {
      const name = NAMES.find(([pattern]) => pattern.test(given?.text ?? ''))?.[1];
      if (name !== undefined && !seen.has(name)) seen.set(name, given);
      return query(given, ...rest);
    };
  });
  try {
    await useAll(pool, issuer, serialNumber);
    const missing = NAMES.find(([, name]) => !seen.has(name));
    if (missing !== undefined) throw new Error(`no one sent the statement for: ${missing[1]}`);
    const explained = [];
    for (const [name, { text, values }] of seen) explained.push({ name, ...(await explain(pool, text, values)) });
    return explained;
  } finally {
    await pool.end();
  }
}

async function useAll(pool, issuer, serialNumber) {
  const authority = new PostgresAuthority(pool, { issuer });
  await authority.lookup({ serialNumber });
  const { signal } = new AbortController();
  const feed = authority.changes(null, signal);
  for (let looks = 0; looks < 2; ) {
    const { value } = await feed.next();
    if (!value.more) looks += 1;
  }
  await feed.return();
  for await (const _ of postgresSource(pool, { issuer }).batches()) break;
  const ledger = await PostgresLedger.open(pool, { job: 'explained' });
  await ledger.add(Array.from({ length: 4000 }, (_, i) => String(i)));
  const [range] = await ledger.lease(1);
  await ledger.checkpoint(range, serialNumber);
  await ledger.complete(range);
}

/** Carries a statement out, and takes back what it did. */
async function explain(pool, text, values = []) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const { rows } = await client.query(
      `EXPLAIN (ANALYZE, FORMAT JSON) ${text.replace(/^DECLARE news NO SCROLL CURSOR FOR/, '')}`,
      values,
    );
    const [{ Plan: plan, 'Execution Time': milliseconds }] = rows[0]['QUERY PLAN'];
    return { plan: [...scans(plan)].join(', '), milliseconds };
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

/** How tables are read. */
function* scans(node) {
  const { 'Node Type': type, 'Relation Name': table, 'Index Name': index, Plans: below = [] } = node;
  if (type.includes('Scan') && (table ?? index) !== undefined)
    yield `${type} ${[table, index].filter(Boolean).join(' by ')}`;
  for (const one of below) yield* scans(one);
}
