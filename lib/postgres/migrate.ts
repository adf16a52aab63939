import { readdirSync, readFileSync } from 'node:fs';
import { invalidValue } from '../errors.js';
import { Database, type PostgresInput, type Session } from './database.js';

/** One step of the schema: a file of plain SQL, whose name begins with its number. */
interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/** What {@link migratePostgres} has done. */
export interface MigrationResult {
  /** Number of the last migration: the version of the schema. */
  readonly version: number;
  /** Names of those that were carried out now. */
  readonly applied: readonly string[];
}

/** The files, beside the sources of this one. */
const FOLDER = new URL('../../lib/postgres/migrations/', import.meta.url);

function migrations(): Migration[] {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.sql'));
  return names.sort().map((name) => ({
    version: Number.parseInt(name, 10),
    name: name.replace(/\.sql$/, ''),
    sql: readFileSync(new URL(name, FOLDER), 'utf8'),
  }));
}

/** Of the lock that one of several which migrate at once holds: any number that is the same for all. */
const LOCK = 0x6f637370;

/**
 * Makes the tables, or brings those of an earlier version up to date; all of it, or nothing. They are made in the schema that is the
 * first of the search path. Needs PostgreSQL 14 or later.
 *
 * @throws (rejects) `ERR_OCSP_INVALID_VALUE` for a database of a later version; what the database throws.
 */
export async function migratePostgres(input: PostgresInput): Promise<MigrationResult> {
  const database = new Database(input);
  try {
    return await database.transaction(async (session) => {
      await session.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
      await session.query(`CREATE TABLE IF NOT EXISTS ocsp_migration (
        version int4 PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())`);
      const before = await versionOf(session);
      const list = migrations();
      const version = list.at(-1)?.version ?? 0;
      if (before > version)
        throw invalidValue(`the database has the tables of a later version: ${before}, where ${version} is known here`);
      const due = list.filter((migration) => migration.version > before);
      for (const { version: number, name, sql } of due) {
        await session.query(sql);
        await session.query('INSERT INTO ocsp_migration (version, name) VALUES ($1, $2)', [number, name]);
      }
      return { version, applied: due.map(({ name }) => name) };
    });
  } finally {
    await database.close();
  }
}

async function versionOf(session: Session): Promise<number> {
  const [row] = await session.query<[number]>('SELECT coalesce(max(version), 0) FROM ocsp_migration');
  return row?.[0] ?? 0;
}
