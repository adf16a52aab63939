/** `openssl-ocsp bulk-sign --ledger`: many processes, on any number of hosts, share a job. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { SegmentStore } from '../store/segment-store.js';
import type { OptionValues } from './arguments.js';
import { LIST_OPTIONS } from './certificate-list.js';
import { printable } from './colour.js';
import { countOption, ExitCode, print, required, UsageError } from './command.js';
import { onInterruption } from './interruption.js';
import type { PASSPHRASE_OPTIONS } from './passphrase.js';
import { counted } from './plural.js';
import { Progress } from './progress.js';
import { noteEarlyEnd, readResponseSigner, type SIGNER_OPTIONS } from './signer-options.js';

type Values = OptionValues<typeof SIGNER_OPTIONS & typeof PASSPHRASE_OPTIONS & typeof LIST_OPTIONS> & {
  readonly ledger?: string;
  readonly job?: string;
  readonly 'range-size'?: string;
  readonly out?: string;
  readonly threads?: string;
  readonly workers?: string;
  readonly json?: boolean;
};

/** What has no meaning beside a ledger. */
const OTHERS = [...Object.keys(LIST_OPTIONS), 'checkpoint-every', 'verify-sample', 'skip-bad-rows', 'dry-run'];
/** What each process reads for itself. */
const FILES = ['issuer', 'signer', 'key', 'subject', 'passphrase-file'] as const;
/** Says to a process how many of its kind there are on this host. */
const SHARE = 'OPENSSL_OCSP_WORKERS';

export async function signByLedger(args: readonly string[], values: Values): Promise<number> {
  const other = OTHERS.find((name) => Object.hasOwn(values, name));
  if (other !== undefined) throw new UsageError(`--${other} does not go with --ledger`);
  const job = required(values.job, 'job');
  const folder = required(values.out, 'out');
  const rangeSize = countOption(values['range-size'], 'range-size');
  const workers = countOption(values.workers, 'workers') ?? 1;
  const threads = countOption(values.threads, 'threads');
  const share = Number(process.env[SHARE] ?? 0);
  if (workers > 1 && share === 0) {
    const input = FILES.find((name) => values[name] === '-');
    if (input !== undefined)
      throw new UsageError(`--${input} - does not go with --workers: standard input is read once`);
    return startWorkers(args, workers);
  }
  const named = await readResponseSigner(values);
  const { signer, issuer } = named;
  noteEarlyEnd(named, values);
  const { signJob } = await import('../postgres/sign-job.js');
  const url = required(values.ledger, 'ledger');
  const isDone = await isDoneAlready(url, job);
  const store = await SegmentStore.open(folder);
  const progress = new Progress({});
  let served = 0;
  using _interruption = onInterruption(() => {
    progress.end();
    process.stderr.write(
      `openssl-ocsp bulk-sign: interrupted; ${counted(served, 'certificate')} of this process signed and served: the same command goes on, with what was begun when its lease has run out\n`,
    );
    return ExitCode.FAILED;
  });
  const begin = performance.now();
  try {
    const result = await signJob(url, {
      job,
      issuer,
      signer,
      store,
      threads: threads ?? Math.max(1, Math.floor(availableParallelism() / Math.max(share, 1))),
      ...(rangeSize !== undefined && { rangeSize }),
      onProgress: ({ signed }) => {
        served = signed;
        progress.update(signed);
      },
    });
    progress.end();
    const { signed, responses, ranges, kept, failed } = result;
    const seconds = (performance.now() - begin) / 1000;
    if (values.json) print(JSON.stringify({ ...result, seconds, store: folder }));
    else
      print(
        `${counted(signed, 'certificate')} signed, ${counted(responses, 'response')} in ${counted(ranges, 'range')}, ${seconds.toFixed(1)} s; store: ${folder}`,
      );
    if (isDone)
      process.stderr.write(`note: the job ${printable(job)} has been done already: another one needs another name\n`);
    if (failed.length > 0) {
      process.stderr.write(
        `${counted(failed.length, 'range')} of the job given up: openssl-ocsp db status tells of them\n`,
      );
      return ExitCode.FAILED;
    }
    if (kept === 0) return ExitCode.OK;
    process.stderr.write(`note: of ${kept} responses the store has newer ones, or the same\n`);
    return ExitCode.NOT_SERVED;
  } finally {
    store.close();
  }
}

/** Whether nothing of the job is left: as for a process that comes late, and where the name is that of the night before. */
async function isDoneAlready(url: string, job: string): Promise<boolean> {
  const { PostgresLedger } = await import('../postgres/ledger.js');
  const ledger = await PostgresLedger.open(url, { job });
  try {
    const ranges = await ledger.ranges();
    return ranges.length > 0 && ranges.every(({ state }) => state === 'done');
  } finally {
    await ledger.close();
  }
}

/** The same command so many times, each with its share of the cores. */
async function startWorkers(args: readonly string[], count: number): Promise<number> {
  const main = fileURLToPath(new URL('./main.js', import.meta.url));
  const env = { ...process.env, [SHARE]: String(count) };
  // (No terminal: all of them would ask for the passphrase there at a time.)
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const;
  const children = Array.from({ length: count }, () => fork(main, ['bulk-sign', ...args], { env, stdio: [...stdio] }));
  const stop = (signal: NodeJS.Signals): void => {
    for (const child of children) child.kill(signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  const codes = await Promise.all(
    children.map(async (child) => {
      const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
      // What it had begun goes to another one when its lease has run out.
      if (signal !== null) process.stderr.write(`worker ${child.pid} was ended by ${signal}\n`);
      return code ?? ExitCode.FAILED;
    }),
  );
  return codes.find((code) => code === ExitCode.FAILED) ?? Math.max(...codes);
}
