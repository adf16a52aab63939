import { Database, type PostgresInput } from './database.js';

/** What {@link postgresStatus} tells. */
export interface PostgresStatus {
  /** Certificates of all CAs, as PostgreSQL estimates them; -1 until it has looked. */
  readonly certificates: number;
  readonly issuers: readonly PostgresIssuerStatus[];
  /** The last twenty jobs, the newest last. */
  readonly jobs: readonly PostgresJobStatus[];
}

/** A CA in a database. */
export interface PostgresIssuerStatus {
  /** Its number, in the column `issuer` of its certificates. */
  readonly id: number;
  readonly name: string;
  /** Certificates that are revoked. */
  readonly revoked: number;
}

/** A job in a database, as all of its workers have told. */
export interface PostgresJobStatus {
  readonly job: string;
  readonly open: number;
  readonly leased: number;
  readonly done: number;
  readonly failed: number;
  /** Certificates when it was cut; null where that is not known. */
  readonly certificates: number | null;
  /** Certificates signed so far. */
  readonly signed: number;
  /** Processes that hold a range. */
  readonly workers: number;
}

const ESTIMATE = "SELECT reltuples::float8 FROM pg_class WHERE oid = 'ocsp_status'::regclass";
const ISSUERS = `SELECT i.id, i.name,
    (SELECT count(*) FROM ocsp_status s WHERE s.issuer = i.id AND s.txid IS NOT NULL AND s.status = 1)::float8
  FROM ocsp_issuer i ORDER BY i.id`;
const JOBS = `SELECT * FROM (
    SELECT job, count(*) FILTER (WHERE state = 0)::float8, count(*) FILTER (WHERE state = 1)::float8,
      count(*) FILTER (WHERE state = 2)::float8, count(*) FILTER (WHERE state = 3)::float8,
      sum(certificates)::float8, sum(signed)::float8, count(DISTINCT owner) FILTER (WHERE state = 1)::float8,
      max(position) AS place
    FROM ocsp_range GROUP BY job ORDER BY place DESC LIMIT 20) j ORDER BY place`;

type Job = [string, number, number, number, number, number | null, number, number];

/** What a database holds, and how far its jobs are. @throws (rejects) What the database throws. */
export async function postgresStatus(input: PostgresInput): Promise<PostgresStatus> {
  const database = new Database(input);
  try {
    const { estimate, issuers, jobs } = await database.transaction(async (session) => ({
      estimate: await session.query<[number]>(ESTIMATE),
      issuers: await session.query<[number, string, number]>(ISSUERS),
      jobs: await session.query<Job>(JOBS),
    }));
    return {
      certificates: estimate[0]?.[0] ?? -1,
      issuers: issuers.map(([id, name, revoked]) => ({ id, name, revoked })),
      jobs: jobs.map(([job, open, leased, done, failed, certificates, signed, workers]) => {
        return { job, open, leased, done, failed, certificates, signed, workers };
      }),
    };
  } finally {
    await database.close();
  }
}
