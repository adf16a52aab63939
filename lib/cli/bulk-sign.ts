import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { bulkSign } from '../bulk/bulk-sign.js';
import { ResponseSigner } from '../bulk/response-signer.js';
import { csvSource } from '../bulk/sources/csv.js';
import { indexTxtSource } from '../bulk/sources/index-txt.js';
import { ndjsonSource } from '../bulk/sources/ndjson.js';
import type { BadRowError, StatusSource } from '../bulk/sources/status-source.js';
import { SegmentStore } from '../bulk/store/segment-store.js';
import type { HashAlgorithmName } from '../x509/algorithms.js';
import { type Command, numberOption, print, required, UsageError } from './command.js';
import { readSigner } from './key-options.js';
import { PASSPHRASE_HELP, PASSPHRASE_OPTIONS } from './passphrase.js';
import { Progress } from './progress.js';

const HELP = `Usage: openssl-ocsp bulk-sign --issuer CA.pem --signer OCSP.pem --key OCSP.key --index index.txt --out FOLDER

Signs the status of every certificate in a list, into a store. An interrupted run is continued by the same command.
Of two responses for a certificate the one whose list was modified later is served, and of one list the later response.

  --issuer FILE           certificate of the CA that is answered for
  --key FILE              private key of the signer: PEM, DER or PKCS#12; or a URI that OpenSSL knows, such as pkcs11:
  --signer FILE           certificate that signs: the CA's own or its delegate's; by default that of the PKCS#12 file
${PASSPHRASE_HELP}
  --index FILE            list of certificates: the index.txt of openssl ca; or
  --csv FILE              a table with columns such as serial, status, revocationTime, reason; or
  --ndjson FILE           the same as a JSON object per line
  --out FOLDER            the store
  --cert-id-hash NAME     hash of the CertIDs (sha256)
  --digest NAME           hash of the signature (sha256; none for Ed25519, Ed448, ML-DSA)
  --days N, --hours N     from thisUpdate to nextUpdate (7 days)
  --checkpoint-every N    responses that an interruption may cost at most (10000)
  --workers N             signing threads (one per core)
  --verify-sample N       share of the signatures that is verified, 0 to 1 (0.001)
  --skip-bad-rows         report rows that cannot be understood, and go on
  --discard-other-run     throw away an unfinished run over another list
  --dry-run               read everything, sign nothing
  --json                  the summary as JSON

Exit codes: 0 all signed, 1 failed or interrupted, 2 wrong usage.
`;

/** Shorter lists are done before there is anything to compare. */
const WORTH_MEASURING = 10_000;

const OPTIONS = {
  issuer: { type: 'string' },
  signer: { type: 'string' },
  key: { type: 'string' },
  ...PASSPHRASE_OPTIONS,
  index: { type: 'string' },
  csv: { type: 'string' },
  ndjson: { type: 'string' },
  out: { type: 'string' },
  'cert-id-hash': { type: 'string' },
  digest: { type: 'string' },
  days: { type: 'string' },
  hours: { type: 'string' },
  'checkpoint-every': { type: 'string' },
  workers: { type: 'string' },
  'verify-sample': { type: 'string' },
  'skip-bad-rows': { type: 'boolean' },
  'discard-other-run': { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

/** `openssl-ocsp bulk-sign` */
export const bulkSignCommand: Command = {
  name: 'bulk-sign',
  summary: 'sign the status of every certificate in a list, into a store',
  help: HELP,
  options: OPTIONS,
  async run(args) {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    const issuer = readFileSync(required(values.issuer, 'issuer'));
    const { privateKey, certificates } = await readSigner(
      { option: 'key', value: values.key },
      { option: 'signer', value: values.signer },
      values,
    );
    const [responder] = certificates;
    const period = validityPeriod(values.days, values.hours);
    const workers = numberOption(values.workers, 'workers');
    const checkpointEvery = numberOption(values['checkpoint-every'], 'checkpoint-every');
    const verifySample = numberOption(values['verify-sample'], 'verify-sample');
    let badRows = 0;
    const onBadRow = (error: BadRowError): void => {
      badRows += 1;
      process.stderr.write(`${error.message}\n`);
    };
    const list = openList(values, values['skip-bad-rows'] ? { onBadRow } : {});
    const signer = new ResponseSigner({
      issuer,
      responder,
      privateKey,
      ...(values['cert-id-hash'] !== undefined && { certIdAlgorithm: values['cert-id-hash'] as HashAlgorithmName }),
      ...(values.digest !== undefined && { algorithm: values.digest as HashAlgorithmName }),
      ...(period !== undefined && { validity: { period } }),
    });
    if (values['dry-run']) {
      let count = 0;
      for await (const batch of list.source.batches()) count += batch.length;
      report(
        values.json,
        { certificates: count, badRows },
        `${count} certificates, ${badRows} bad rows; nothing signed`,
      );
      return 0;
    }
    const folder = required(values.out, 'out');
    const store = await SegmentStore.open(folder);
    const total = await estimatedRows(list);
    const bareRate = total >= WORTH_MEASURING ? await signer.bareRate(workers) : undefined;
    const progress = new Progress({ total, bareRate });
    const begin = Date.now();
    try {
      const { signed, resumedFrom, bytes } = await bulkSign({
        source: list.source,
        signer,
        store,
        id: runName(list, issuer, responder, [values['cert-id-hash'], values.digest, period]),
        statusVersion: list.statusVersion,
        ...(checkpointEvery !== undefined && { checkpointEvery }),
        ...(values['discard-other-run'] && { otherRun: 'discard' }),
        ...(workers !== undefined && { threads: workers }),
        ...(verifySample !== undefined && { verifySample }),
        onProgress: ({ signed: now, resumedFrom: before }) => progress.update(now + before, before),
      });
      progress.end();
      const seconds = (Date.now() - begin) / 1000;
      const rate = Math.round(signed / Math.max(seconds, 0.001));
      const resumed = resumedFrom > 0 ? `, after ${resumedFrom} of an interrupted run` : '';
      report(
        values.json,
        {
          signed,
          resumedFrom,
          bytes,
          seconds,
          rate,
          bareRate: bareRate && Math.round(bareRate),
          badRows,
          store: folder,
        },
        `${signed} responses (${bytes} octets) signed in ${seconds.toFixed(1)} s, ${rate}/s${resumed}; store: ${folder}`,
      );
      return 0;
    } finally {
      store.close();
    }
  },
};

function report(json: boolean | undefined, value: object, text: string): void {
  print(json ? JSON.stringify(value) : text);
}

/** The certificates to sign for, and which state of the file they are from. */
interface List {
  readonly source: StatusSource;
  readonly path: string;
  readonly size: number;
  readonly modified: number;
  /** The second of the last change: what became known later, such as a revocation put into the store, is newer. */
  readonly statusVersion: number;
}

function openList(
  { index, csv, ndjson }: { index?: string; csv?: string; ndjson?: string },
  options: { onBadRow?: (error: BadRowError) => void },
): List {
  const given = [index, csv, ndjson].filter((path) => path !== undefined);
  const [path] = given;
  if (path === undefined || given.length > 1) throw new UsageError('one of --index, --csv and --ndjson is wanted');
  const { size, mtimeMs: modified } = statSync(path);
  const statusVersion = Math.max(0, Math.floor(Math.min(modified, Date.now()) / 1000));
  const about = { path, size, modified, statusVersion };
  if (index !== undefined) return { ...about, source: indexTxtSource(path, options) };
  return { ...about, source: csv !== undefined ? csvSource(path, options) : ndjsonSource(path, options) };
}

/** About how many rows a file has, by the length of those at its beginning. */
async function estimatedRows({ path, size }: List): Promise<number> {
  const file = await open(path, 'r');
  try {
    const sample = Buffer.alloc(1 << 18);
    const { bytesRead } = await file.read(sample, 0, sample.length, 0);
    let lines = 0;
    for (let at = sample.indexOf('\n'); at >= 0 && at < bytesRead; at = sample.indexOf('\n', at + 1)) lines += 1;
    return Math.round((lines * size) / Math.max(1, bytesRead));
  } finally {
    await file.close();
  }
}

/** Says whether two runs are the same: same list, unchanged, for the same CA by the same signer, with the same options. */
function runName(
  { size, modified }: List,
  issuer: Buffer,
  responder: X509Certificate,
  options: readonly unknown[],
): string {
  const certificates = [new X509Certificate(issuer), responder].map(({ fingerprint256 }) => fingerprint256);
  return createHash('sha256')
    .update(JSON.stringify([size, modified, ...certificates, ...options]))
    .digest('hex');
}

function validityPeriod(days: string | undefined, hours: string | undefined): number | undefined {
  if (days === undefined && hours === undefined) return undefined;
  return Math.round((numberOption(days, 'days') ?? 0) * 86_400 + (numberOption(hours, 'hours') ?? 0) * 3600);
}
