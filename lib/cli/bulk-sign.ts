import { createHash, X509Certificate } from 'node:crypto';
import { bulkSign } from '../bulk/bulk-sign.js';
import { editionName } from '../bulk/run-version.js';
import { crlSource } from '../statuses/crl.js';
import { csvSource } from '../statuses/csv.js';
import type { SerialFormat } from '../statuses/entry-fields.js';
import { indexTxtSource } from '../statuses/index-txt.js';
import { ndjsonSource } from '../statuses/ndjson.js';
import type { BadRowError, RowOptions, StatusSource } from '../statuses/status-source.js';
import { SegmentStore } from '../store/segment-store.js';
import { readArguments } from './arguments.js';
import {
  type Command,
  choiceOption,
  countOption,
  ExitCode,
  numberOption,
  print,
  required,
  UsageError,
} from './command.js';
import { onInterruption } from './interruption.js';
import { type ListFile, openListFile } from './list-file.js';
import { PASSPHRASE_OPTIONS } from './passphrase.js';
import { counted, plural } from './plural.js';
import { Progress } from './progress.js';
import { readResponseSigner, SIGNER_HELP, SIGNER_OPTIONS, SIGNING_HELP } from './signer-options.js';

const HELP = `Usage: openssl-ocsp bulk-sign --issuer CA.pem --signer OCSP.pem --key OCSP.key --index index.txt --out FOLDER

Signs the status of every certificate in a list, into a store. The same command continues an interrupted run, as long
as the list and the options are the same; otherwise its work is thrown away.
Of two responses for a certificate the one whose list was modified later is served, and of one list the later response.
Lists may be pipes, and one of them standard input (-); a run over a pipe is not continued.

${SIGNER_HELP}
  --index FILE            list of certificates: the index.txt of openssl ca; or
  --csv FILE              a table with columns such as serial, status, revocationTime, reason; or
  --ndjson FILE           the same as a JSON object per line; or
  --crl FILE              a CRL of the CA. Responses hold from and until when it does
  --serials FILE          with --crl, all that was issued, a serial number in each line: what the CRL does not list is
                          good
  --serials-of-part       of a CRL that is one part of the CA's list, --serials are those of that part
  --allow-future-crl      a CRL whose thisUpdate is yet to come is refused otherwise
  --allow-expired-crl     a CRL whose nextUpdate has passed is refused otherwise
  --allow-older-crl       a CRL of a lower number or an earlier thisUpdate than one that the store was signed from
                          replaces none of that one's statuses otherwise
  --decimal               serial numbers of --csv, --ndjson and --serials are decimal, not hexadecimal
  --delimiter CHARACTER   between the columns of --csv: a comma (the default), a semicolon, or tab
  --include-expired       E rows of an index.txt, which are left out otherwise, are good
  --out FOLDER            the store
${SIGNING_HELP}
  --checkpoint-every N    certificates that an interruption may cost at most (10000)
  --workers N             signing threads (one per core)
  --verify-sample N       share of the signatures that is verified, 0 to 1 (0.001)
  --skip-bad-rows         report rows that cannot be understood, and go on
  --dry-run               read everything, sign nothing
  --json                  the summary as JSON

Exit codes: 0 all signed and served, 1 failed or interrupted, 2 wrong usage, 6 all signed, but of some certificates the
store serves newer or more severe responses.
`;

/** Shorter lists are done before there is anything to compare. */
const WORTH_MEASURING = 10_000;

const OPTIONS = {
  ...SIGNER_OPTIONS,
  ...PASSPHRASE_OPTIONS,
  index: { type: 'string' },
  csv: { type: 'string' },
  ndjson: { type: 'string' },
  crl: { type: 'string' },
  serials: { type: 'string' },
  'serials-of-part': { type: 'boolean' },
  'allow-future-crl': { type: 'boolean' },
  'allow-expired-crl': { type: 'boolean' },
  'allow-older-crl': { type: 'boolean' },
  decimal: { type: 'boolean' },
  delimiter: { type: 'string' },
  'include-expired': { type: 'boolean' },
  out: { type: 'string' },
  'checkpoint-every': { type: 'string' },
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
    if (Object.values(values).filter((value) => value === '-').length > 1)
      throw new UsageError('standard input can be one thing only');
    checkListOptions(values);
    const workers = countOption(values.workers, 'workers');
    const checkpointEvery = countOption(values['checkpoint-every'], 'checkpoint-every');
    const verifySample = numberOption(values['verify-sample'], 'verify-sample');
    if (verifySample !== undefined && !(verifySample >= 0 && verifySample <= 1))
      throw new UsageError(`--verify-sample is not from 0 to 1: ${values['verify-sample']}`);
    const { signer, issuer, responder, settings } = await readResponseSigner(values);
    let badRows = 0;
    const onBadRow = (error: BadRowError): void => {
      badRows += 1;
      process.stderr.write(`${error.message}\n`);
    };
    const list = await openList(values, issuer, values['skip-bad-rows'] ? { onBadRow } : {});
    if (values['dry-run']) {
      let count = 0;
      for await (const batch of list.source.batches()) count += batch.length;
      report(
        values.json,
        { certificates: count, badRows },
        `${counted(count, 'certificate')}, ${counted(badRows, 'bad row')}; nothing signed`,
      );
      return 0;
    }
    const folder = required(values.out, 'out');
    const store = await SegmentStore.open(folder);
    const id = runName(list, issuer, responder, [
      settings,
      values['include-expired'],
      values.decimal,
      values.delimiter,
    ]);
    try {
      const { unfinishedRun } = store.stats();
      if (unfinishedRun !== null && unfinishedRun !== id)
        process.stderr.write(
          'an interrupted run over another state of the list, or with other options, is thrown away\n',
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
      const bareRate = isLong ? await signer.bareRate(workers).catch(() => undefined) : undefined;
      progress = new Progress({ total, bareRate });
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
        ...(workers !== undefined && { threads: workers }),
        ...(verifySample !== undefined && { verifySample }),
        onProgress: ({ signed: now, resumedFrom: before }) => {
          durable = now + before;
          progress?.update(durable, before);
        },
      });
      progress.end();
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
          bareRate: bareRate && Math.round(bareRate),
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

/** The certificates to sign for. */
interface List {
  readonly source: StatusSource;
  /** What the list is made of. */
  readonly files: readonly ListFile[];
  /** What became known after it, such as a revocation put into the store, is newer. undefined for a CRL, which says it itself. */
  readonly modified?: Date;
  /** The file that has a row for each certificate. */
  readonly rows: ListFile | undefined;
}

interface ListValues {
  readonly index?: string;
  readonly csv?: string;
  readonly ndjson?: string;
  readonly crl?: string;
  readonly serials?: string;
  readonly 'serials-of-part'?: boolean;
  readonly 'allow-future-crl'?: boolean;
  readonly 'allow-expired-crl'?: boolean;
  readonly 'allow-older-crl'?: boolean;
  readonly decimal?: boolean;
  readonly delimiter?: string;
  readonly 'include-expired'?: boolean;
  readonly days?: string;
  readonly hours?: string;
}

const DELIMITERS = [',', ';', 'tab'] as const;

/** Options by what they go with. */
const COMPANIONS: readonly (readonly [option: keyof ListValues, ...others: (keyof ListValues)[]])[] = [
  ['serials', 'crl'],
  ['serials-of-part', 'serials'],
  ['allow-future-crl', 'crl'],
  ['allow-expired-crl', 'crl'],
  ['allow-older-crl', 'crl'],
  ['decimal', 'csv', 'ndjson', 'serials'],
  ['delimiter', 'csv'],
  ['include-expired', 'index'],
];

function checkListOptions(values: ListValues): void {
  const { index, csv, ndjson, crl } = values;
  if ([index, csv, ndjson, crl].filter((path) => path !== undefined).length !== 1)
    throw new UsageError('one of --index, --csv, --ndjson and --crl is needed');
  for (const [option, ...others] of COMPANIONS) {
    if (values[option] !== undefined && others.every((other) => values[other] === undefined))
      throw new UsageError(`--${option} goes with ${others.map((other) => `--${other}`).join(', ')}`);
  }
  if (crl !== undefined && (values.days ?? values.hours) !== undefined)
    throw new UsageError('a CRL says itself until when it holds: no --days, no --hours');
}

async function openList(values: ListValues, issuer: Buffer, options: RowOptions): Promise<List> {
  const { index, csv, ndjson, crl } = values;
  const serialFormat: SerialFormat = values.decimal ? 'decimal' : 'hex';
  const delimiter = choiceOption(values.delimiter, 'delimiter', DELIMITERS) ?? ',';
  const file = await openListFile(required(index ?? csv ?? ndjson ?? crl, 'index'));
  const { bytes, modified } = file;
  const simple = { files: [file], modified, rows: file };
  if (index !== undefined) {
    const expired = values['include-expired'] ? 'include' : 'skip';
    return { ...simple, source: indexTxtSource(bytes, { ...options, expired }) };
  }
  if (csv !== undefined) {
    const columns = { delimiter: delimiter === 'tab' ? '\t' : delimiter, serials: serialFormat } as const;
    return { ...simple, source: csvSource(bytes, { ...options, ...columns }) };
  }
  if (ndjson !== undefined) return { ...simple, source: ndjsonSource(bytes, { ...options, serials: serialFormat }) };
  const issued = values.serials === undefined ? undefined : await openListFile(values.serials);
  const source = crlSource(bytes, {
    ...options,
    issuer,
    // What was known when the CRL was made must not pass for known now.
    useCrlTimes: true,
    ...(issued && { serials: issued.bytes }),
    serialFormat,
    serialsOfPart: values['serials-of-part'] ?? false,
    allowFuture: values['allow-future-crl'] ?? false,
    allowExpired: values['allow-expired-crl'] ?? false,
  });
  return { files: issued ? [file, issued] : [file], rows: issued, source };
}

/** Says whether two runs are the same: same list, of equal content, for the same CA by the same signer, with the same options. */
function runName({ files }: List, issuer: Buffer, responder: X509Certificate, options: readonly unknown[]): string {
  const certificates = [new X509Certificate(issuer), responder].map(({ fingerprint256 }) => fingerprint256);
  return createHash('sha256')
    .update(JSON.stringify([files.map(({ content }) => content), ...certificates, ...options]))
    .digest('hex');
}
