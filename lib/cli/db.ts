import { setTimeout as sleep } from 'node:timers/promises';
import type { PostgresJobStatus, PostgresStatus } from '../postgres/status.js';
import { type OptionValues, readArguments, refuseMore } from './arguments.js';
import { checkListOptions, LIST_HELP, LIST_OPTIONS, openList } from './certificate-list.js';
import { printable } from './colour.js';
import { type Command, ExitCode, print, required, UsageError } from './command.js';
import { readCertificates, subjectOf } from './input.js';

const HELP = `Usage: openssl-ocsp db <action> URL [options]

  init URL                makes the tables in a PostgreSQL database, or brings them up to date
  import URL              brings a list of certificates in: all of it, or nothing
  status URL              which CAs the database knows, and how far its jobs are

URL is a connection string: postgres://USER@HOST/DATABASE. What it does not say is taken from the environment (PGHOST,
PGPASSWORD and so on). It needs the package pg: npm install pg

import:
  --issuer FILE           certificate of the CA that has issued the certificates
${LIST_HELP}

status:
  --watch                 again every second, with rates, until no job is under way

  --json                  import, status: JSON instead of text

Exit codes: 0 done, 1 failed, or ranges of a job were given up, 2 wrong usage, 6 import: of some certificates the
database keeps another status, which is newer or a revocation.
`;

const OPTIONS = {
  issuer: { type: 'string' },
  ...LIST_OPTIONS,
  watch: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

type Values = OptionValues<typeof OPTIONS>;

/** Options by the actions that take them. */
const TAKEN: Readonly<Record<string, readonly string[]>> = {
  init: [],
  import: ['issuer', ...Object.keys(LIST_OPTIONS), 'json'],
  status: ['watch', 'json'],
};

/** `openssl-ocsp db` */
export const dbCommand: Command = {
  help: HELP,
  options: OPTIONS,
  async run(args) {
    const { values, positionals } = readArguments(args, OPTIONS, Number.POSITIVE_INFINITY);
    const [action = '', url, ...rest] = positionals;
    const taken = Object.hasOwn(TAKEN, action) ? TAKEN[action] : undefined;
    if (taken === undefined) throw new UsageError(action === '' ? 'an action is missing' : `no such action: ${action}`);
    for (const name of Object.keys(values))
      if (!taken.includes(name)) throw new UsageError(`--${name} does not go with ${action}`);
    if (url === undefined) throw new UsageError('a connection string is missing');
    refuseMore(rest, 0);
    if (action === 'init') return init(url);
    return action === 'import' ? bringIn(url, values) : status(url, values);
  },
};

async function init(url: string): Promise<number> {
  const { migratePostgres } = await import('../postgres/migrate.js');
  const { version, applied } = await migratePostgres(url);
  for (const name of applied) print(name);
  print(`the tables are of version ${version}`);
  return ExitCode.OK;
}

async function bringIn(url: string, values: Values): Promise<number> {
  const { importStatuses } = await import('../postgres/import.js');
  checkListOptions(values);
  const [certificate] = await readCertificates(required(values.issuer, 'issuer'));
  const issuer = certificate.raw;
  const list = await openList(values, issuer, {});
  const { source } = list;
  // (Later than all that the database has by now, also of this second.)
  const modified = values['allow-older-crl'] ? new Date(Date.now() + 1000) : list.modified;
  const result = await importStatuses(url, { issuer, source, ...(modified && { modified }) });
  const { entries, inserted, updated, kept } = result;
  if (values.json) print(JSON.stringify(result));
  else
    print(
      `${entries} entries of ${subjectOf(certificate)}: ${inserted} certificates are new, ${updated} have another status`,
    );
  if (kept === 0) return ExitCode.OK;
  process.stderr.write(
    `note: of ${kept} certificates the database keeps another status, which is newer than the list or a revocation\n`,
  );
  return ExitCode.NOT_SERVED;
}

async function status(url: string, values: Values): Promise<number> {
  const { postgresStatus } = await import('../postgres/status.js');
  let before: PostgresStatus | undefined;
  for (let at = performance.now(); ; ) {
    const now = await postgresStatus(url);
    const seconds = (performance.now() - at) / 1000;
    at = performance.now();
    if (values.json) print(JSON.stringify(now));
    else {
      if (before === undefined) printIssuers(now);
      for (const job of now.jobs) {
        const earlier = before?.jobs.find((one) => one.job === job.job);
        print(textOf(job, earlier && (job.signed - earlier.signed) / seconds));
      }
    }
    const isOver = now.jobs.every(({ open, leased }) => open + leased === 0);
    if (!values.watch || isOver) return now.jobs.some(({ failed }) => failed > 0) ? ExitCode.FAILED : ExitCode.OK;
    before = now;
    await sleep(1000);
  }
}

function printIssuers({ certificates, issuers }: PostgresStatus): void {
  for (const { id, name, revoked } of issuers) print(`issuer ${id}: ${printable(name)}, ${revoked} revoked`);
  print(certificates < 0 ? 'certificates: not counted yet' : `certificates: about ${certificates}`);
}

function textOf(job: PostgresJobStatus, rate: number | undefined): string {
  const { open, leased, done, failed, certificates, signed, workers } = job;
  const parts = [
    `job ${printable(job.job)}: ${done} of ${open + leased + done + failed} ranges done`,
    `${signed}${certificates === null ? '' : ` of ${certificates}`} certificates signed`,
    `workers: ${workers}`,
  ];
  if (failed > 0) parts.push(`${failed} given up`);
  if (rate !== undefined) parts.push(`${Math.round(rate)}/s`);
  return parts.join(', ');
}
