/**
 * PostgreSQL as the authority for statuses, and as the ledger of a job that many workers share. Needs the package `pg`, which is an
 * optional peer dependency.
 *
 * @packageDocumentation
 */

export { PostgresAuthority, type PostgresAuthorityOptions } from './authority.js';
export type { PostgresInput, PostgresPool } from './database.js';
export { type ImportOptions, type ImportResult, importStatuses } from './import.js';
export { type NewRange, PostgresLedger, type PostgresLedgerOptions } from './ledger.js';
export { type MigrationResult, migratePostgres } from './migrate.js';
export { type SignJobOptions, type SignJobProgress, type SignJobResult, signJob } from './sign-job.js';
export { type PostgresSourceOptions, postgresSource } from './source.js';
export { type PostgresIssuerStatus, type PostgresJobStatus, type PostgresStatus, postgresStatus } from './status.js';
