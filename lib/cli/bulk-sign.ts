import { bulkSign } from '../bulk/bulk-sign.js';
import { editionName } from '../bulk/run-version.js';
import type { BadRowError } from '../statuses/status-source.js';
import { SegmentStore } from '../store/segment-store.js';
import { readArguments } from './arguments.js';
import { checkListOptions, LIST_HELP, LIST_OPTIONS, type List, openList } from './certificate-list.js';
import { printableLines } from './colour.js';
import { type Command, countOption, ExitCode, numberOption, print, required, UsageError } from './command.js';
import { onInterruption } from './interruption.js';
import { PASSPHRASE_OPTIONS } from './passphrase.js';
import { counted, plural } from './plural.js';
import { Progress } from './progress.js';
import { continuedOrNew, runName } from './run-name.js';
import { noteEarlyEnd, readResponseSigner, SIGNER_HELP, SIGNER_OPTIONS, SIGNING_HELP } from './signer-options.js';

const HELP = `Usage: openssl-ocsp bulk-sign --issuer CA.pem --signer OCSP.pem --key OCSP.key --index index.txt --out FOLDER

Signs the status of every certificate in a list, into a store. The same command continues an interrupted run, as long
as the list and the options are the same, and it is not older than a quarter of the time to nextUpdate; otherwise its
work is thrown away.
Of two responses for a certificate the one whose list was modified later is served, and of one list the later response.
Lists may be pipes, and one of them standard input (-); a run over a pipe is not continued.

${SIGNER_HELP}
${LIST_HELP}
  --out FOLDER            the store
${SIGNING_HELP}
  --ledger URL            take the certificates from a PostgreSQL database instead of a list, in ranges that all
                          processes share which work on the same --job, on any number of hosts: see docs/fleet.md
  --job NAME              with --ledger: a job is one CA's and done once, so the next night has another name
  --range-size N          with --ledger: certificates in a range, for whoever begins the job (250000)
  --checkpoint-every N    certificates that an interruption may cost at most (10000)
  --threads N             signing threads (one per core; with --ledger, its share of them for each process)
  --workers N             with --ledger: processes on this host (1)
  --verify-sample N       share of the signatures that is verified, 0 to 1 (0.001)
  --skip-bad-rows         report rows that cannot be understood, and go on
  --dry-run               read everything, sign nothing
  --json                  the summary as JSON

Exit codes: 0 all signed and served, 1 failed or interrupted, 2 wrong usage, 6 all signed, but of some certificates the
store serves newer or more severe responses.
`;

/** An `index.txt` is empty until something is issued, but an empty list may also be a failed export. */
const EMPTY = 'note: the list is empty: it has no certificate to sign for\n';

/** Shorter lists are done before there is anything to compare. */
const WORTH_MEASURING = 10_000;

const OPTIONS = {
  ...SIGNER_OPTIONS,
  ...PASSPHRASE_OPTIONS,
  ...LIST_OPTIONS,
  out: { type: 'string' },
  ledger: { type: 'string' },
  job: { type: 'string' },
  'range-size': { type: 'string' },
  'checkpoint-every': { type: 'string' },
  threads: { type: 'string' },
  workers: { type: 'string' },
  'verify-sample': { type: 'string' },
  'skip-bad-rows': { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

/** `openssl-ocsp bulk-sign` */
export const bulkSignCommand: Command = {
  help: HELP,
  options: OPTIONS,
  async run(args) {
    const { values } = readArguments(args, OPTIONS);
    if (values.out === '-') throw new UsageError('--out names a folder: a store does not go to standard output');
    if (values.ledger !== undefined) return (await import('./bulk-sign-ledger.js')).signByLedger(args, values);
    if (values.job !== undefined || values['range-size'] !== undefined)
      throw new UsageError('--job and --range-size go with --ledger');
    if (values.workers !== undefined)
      throw new UsageError('--workers goes with --ledger; --threads is the number of signing threads');
    checkListOptions(values);
    const threads = countOption(values.threads, 'threads');
    const checkpointEvery = countOption(values['checkpoint-every'], 'checkpoint-every');
    const verifySample = numberOption(values['verify-sample'], 'verify-sample');
    if (verifySample !== undefined && !(verifySample >= 0 && verifySample <= 1))
      throw new UsageError(`--verify-sample is not from 0 to 1: ${values['verify-sample']}`);
    const named = await readResponseSigner(values);
    const { signer, issuer, responder, period, settings } = named;
    // (A CRL says itself until when all holds.)
    if (values.crl === undefined) noteEarlyEnd(named, values);
    let badRows = 0;
    const onBadRow = (error: BadRowError): void => {
      badRows += 1;
      process.stderr.write(`${printableLines(error.message)}\n`);
    };
    const list = await openList(values, issuer, values['skip-bad-rows'] ? { onBadRow } : {});
    if (values['dry-run']) {
      let count = 0;
      for await (const batch of list.source.batches()) count += batch.length;
      if (count + badRows === 0) process.stderr.write(EMPTY);
      report(
        values.json,
        { certificates: count, badRows },
        `${counted(count, 'certificate')}, ${counted(badRows, 'bad row')}; nothing signed`,
      );
      return 0;
    }
    const folder = required(values.out, 'out');
    const store = await SegmentStore.open(folder);
    const name = runName(list.files, issuer, responder, [
      settings,
      values['include-expired'],
      values.decimal,
      values.delimiter,
      // Which versions the statuses have is settled when a run begins.
      values['allow-older-crl'],
    ]);
    try {
      const { unfinishedRun } = store.stats();
      // (A CRL says itself until when all holds.)
      const id = continuedOrNew(name, unfinishedRun, list.modified === undefined ? null : period, Date.now());
      if (unfinishedRun !== null && unfinishedRun !== id)
        process.stderr.write(
          'an interrupted run that is too old, or over another state of the list, or with other options, is thrown away\n',
        );
      let durable = 0;
      let progress: Progress | undefined;
      using _interruption = onInterruption(() => {
        progress?.end();
        process.stderr.write(`openssl-ocsp bulk-sign: interrupted; ${keptText(list, durable, unfinishedRun === id)}\n`);
        return ExitCode.FAILED;
      });
      const total = list.rows?.lines;
      const isLong = total === undefined || total >= WORTH_MEASURING;
      // Only to compare with: what is wrong with the key shows in the run.
      const rawSigningRate = isLong ? await signer.rawSigningRate(threads).catch(() => undefined) : undefined;
      progress = new Progress({ total, rawSigningRate });
      const begin = Date.now();
      const { signed, responses, resumedFrom, bytes, served, kept, supersededBy } = await bulkSign({
        source: list.source,
        signer,
        store,
        id,
        // The list has changed: a night that was interrupted must not be in the way of those that follow.
        otherRun: 'discard',
        ...(list.modified && { modified: list.modified }),
        ...(values['allow-older-crl'] && { allowOlderList: true }),
        ...(checkpointEvery !== undefined && { checkpointEvery }),
        ...(threads !== undefined && { threads }),
        ...(verifySample !== undefined && { verifySample }),
        onProgress: ({ signed: now, resumedFrom: before }) => {
          durable = now + before;
          progress?.update(durable, before);
        },
      });
      progress.end();
      if (signed + resumedFrom + badRows === 0) process.stderr.write(EMPTY);
      const seconds = (Date.now() - begin) / 1000;
      const rate = Math.round(signed / Math.max(seconds, 0.001));
      const resumed = resumedFrom > 0 ? `, after ${resumedFrom} of an interrupted run` : '';
      report(
        values.json,
        {
          signed,
          responses,
          served,
          kept,
          supersededBy,
          resumedFrom,
          bytes,
          seconds,
          rate,
          rawSigningRate: rawSigningRate && Math.round(rawSigningRate),
          badRows,
          store: folder,
        },
        `${counted(signed, 'certificate')} signed, ${counted(responses, 'response')} (${bytes} bytes) in ${seconds.toFixed(1)} s, ${rate}/s${resumed}; ${served} ${plural(served, 'certificate', 'be')} served from them; store: ${folder}`,
      );
      if (supersededBy !== null)
        process.stderr.write(`note: the list goes back: the store has been signed from ${editionName(supersededBy)}\n`);
      if (kept === 0) return supersededBy === null ? ExitCode.OK : ExitCode.NOT_SERVED;
      process.stderr.write(
        `note: of ${counted(kept, 'certificate')} other responses are served, which the store has of a newer list or state, or which are more severe\n`,
      );
      return ExitCode.NOT_SERVED;
    } finally {
      store.close();
    }
  },
};

/** What an interruption has left, and how to go on. `durable` certificates are signed and in the store. */
function keptText({ files, rows }: List, durable: number, continues: boolean): string {
  if (files.some(({ lines }) => lines === undefined)) return 'a list in a pipe is not continued: nothing is kept';
  const next = 'the same command goes on from there';
  if (durable === 0) {
    if (continues) return `what the run before has signed is kept: ${next}`;
    return 'nothing is kept yet: the same command begins again';
  }
  const all = rows?.lines === undefined ? '' : ` of about ${rows.lines}`;
  return `${durable}${all} certificates are kept, and none is served yet: ${next}`;
}

function report(json: boolean | undefined, value: object, text: string): void {
  print(json ? JSON.stringify(value) : text);
}
