import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { bulkSign } from '../bulk/bulk-sign.js';
import { ResponseSigner } from '../bulk/response-signer.js';
import { crlSource } from '../bulk/sources/crl.js';
import { csvSource } from '../bulk/sources/csv.js';
import { indexTxtSource } from '../bulk/sources/index-txt.js';
import { ndjsonSource } from '../bulk/sources/ndjson.js';
import type { BadRowError, RowOptions, StatusSource } from '../bulk/sources/status-source.js';
import { SegmentStore } from '../bulk/store/segment-store.js';
import { OCSPResponderEncoding } from '../ocsp/enums.js';
import type { HashAlgorithmName } from '../x509/algorithms.js';
import { readArguments } from './arguments.js';
import { type Command, choiceOption, countOption, numberOption, print, required, UsageError } from './command.js';
import { readSigner } from './key-options.js';
import { PASSPHRASE_HELP, PASSPHRASE_OPTIONS } from './passphrase.js';
import { Progress } from './progress.js';
import { reading } from './system-error.js';

const HELP = `Usage: openssl-ocsp bulk-sign --issuer CA.pem --signer OCSP.pem --key OCSP.key --index index.txt --out FOLDER

Signs the status of every certificate in a list, into a store. An interrupted run is continued by the same command.
Of two responses for a certificate the one whose list was modified later is served, and of one list the later response.

  --issuer FILE           certificate of the CA that is answered for
  --key FILE              private key of the signer: PEM, DER or PKCS#12; or a URI that OpenSSL knows, such as pkcs11:
  --signer FILE           certificate that signs: the CA's own or its delegate's; by default that of the PKCS#12 file
${PASSPHRASE_HELP}
  --index FILE            list of certificates: the index.txt of openssl ca; or
  --csv FILE              a table with columns such as serial, status, revocationTime, reason; or
  --ndjson FILE           the same as a JSON object per line; or
  --crl FILE              a CRL of the CA. Responses hold from and until when it does
  --serials FILE          with --crl, all that was issued, a hexadecimal serial number in each line: what the CRL does
                          not list is good
  --serials-of-part       of a CRL that is one part of the CA's list, --serials are those of that part
  --include-expired       E rows of an index.txt, which are left out otherwise, are good
  --out FOLDER            the store
  --cert-id-hash NAME     hash of the CertIDs (sha256)
  --digest NAME           hash of the signature (sha256; none for Ed25519, Ed448, ML-DSA)
  --responder-id FORM     how the responder is named: hash (of its key, the default) or name
  --no-certs              embed no certificate, not even a delegate's
  --allow-unauthorized    sign though clients will refuse the signer's certificate: expired, or not made for OCSP
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

const RESPONDER_ENCODINGS = { hash: OCSPResponderEncoding.HASH, name: OCSPResponderEncoding.NAME } as const;
const RESPONDER_IDS = Object.keys(RESPONDER_ENCODINGS) as (keyof typeof RESPONDER_ENCODINGS)[];

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
  crl: { type: 'string' },
  serials: { type: 'string' },
  'serials-of-part': { type: 'boolean' },
  'include-expired': { type: 'boolean' },
  out: { type: 'string' },
  'cert-id-hash': { type: 'string' },
  digest: { type: 'string' },
  'responder-id': { type: 'string' },
  'no-certs': { type: 'boolean' },
  'allow-unauthorized': { type: 'boolean' },
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
    const { values } = readArguments(args, OPTIONS);
    const issuerFile = required(values.issuer, 'issuer');
    const issuer = reading(issuerFile, () => readFileSync(issuerFile));
    const { privateKey, certificates } = await readSigner(
      { option: 'key', value: values.key },
      { option: 'signer', value: values.signer },
      values,
    );
    const [responder] = certificates;
    const period = validityPeriod(values.days, values.hours);
    const workers = countOption(values.workers, 'workers');
    const checkpointEvery = countOption(values['checkpoint-every'], 'checkpoint-every');
    const verifySample = numberOption(values['verify-sample'], 'verify-sample');
    if (verifySample !== undefined && !(verifySample >= 0 && verifySample <= 1))
      throw new UsageError(`--verify-sample is not from 0 to 1: ${values['verify-sample']}`);
    const responderId = choiceOption(values['responder-id'], 'responder-id', RESPONDER_IDS);
    let badRows = 0;
    const onBadRow = (error: BadRowError): void => {
      badRows += 1;
      process.stderr.write(`${error.message}\n`);
    };
    const list = openList(values, issuer, values['skip-bad-rows'] ? { onBadRow } : {});
    const signer = new ResponseSigner({
      issuer,
      responder,
      privateKey,
      ...(values['cert-id-hash'] !== undefined && { certIdAlgorithm: values['cert-id-hash'] as HashAlgorithmName }),
      ...(values.digest !== undefined && { algorithm: values.digest as HashAlgorithmName }),
      ...(responderId !== undefined && { responderId: RESPONDER_ENCODINGS[responderId] }),
      ...(values['no-certs'] && { certificates: [] }),
      ...(period !== undefined && { validity: { period } }),
      allowUnauthorized: values['allow-unauthorized'] === true,
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
    const total = list.rows && (await estimatedRows(list.rows));
    const bareRate = total === undefined || total >= WORTH_MEASURING ? await signer.bareRate(workers) : undefined;
    const progress = new Progress({ total, bareRate });
    const begin = Date.now();
    try {
      const { signed, resumedFrom, bytes } = await bulkSign({
        source: list.source,
        signer,
        store,
        id: runName(list, issuer, responder, [
          values['cert-id-hash'],
          values.digest,
          period,
          responderId,
          values['no-certs'],
          values['include-expired'],
        ]),
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

/** A file, and which state of it. */
interface ListFile {
  readonly path: string;
  readonly size: number;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly modified: number;
}

/** The certificates to sign for. */
interface List {
  readonly source: StatusSource;
  /** What the list is made of; first the file that says what is revoked. */
  readonly files: readonly [ListFile, ...ListFile[]];
  /** The second of its last change: what became known later, such as a revocation put into the store, is newer. */
  readonly statusVersion: number;
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
  readonly 'include-expired'?: boolean;
  readonly days?: string;
  readonly hours?: string;
}

function openList(values: ListValues, issuer: Buffer, options: RowOptions): List {
  const { index, csv, ndjson, crl, serials, 'include-expired': includeExpired } = values;
  const given = [index, csv, ndjson, crl].filter((path) => path !== undefined);
  const [path] = given;
  if (path === undefined || given.length > 1)
    throw new UsageError('one of --index, --csv, --ndjson and --crl is wanted');
  if (serials !== undefined && crl === undefined) throw new UsageError('--serials goes with --crl');
  if (values['serials-of-part'] && serials === undefined) throw new UsageError('--serials-of-part goes with --serials');
  if (crl !== undefined && (values.days ?? values.hours) !== undefined)
    throw new UsageError('a CRL says itself until when it holds: no --days, no --hours');
  if (includeExpired && index === undefined) throw new UsageError('--include-expired goes with --index');
  const file = listFile(path);
  const statusVersion = Math.max(0, Math.floor(Math.min(file.modified, Date.now()) / 1000));
  const simple = { files: [file] as const, statusVersion, rows: file };
  if (index !== undefined)
    return { ...simple, source: indexTxtSource(path, { ...options, ...(includeExpired && { expired: 'include' }) }) };
  if (csv !== undefined) return { ...simple, source: csvSource(path, options) };
  if (ndjson !== undefined) return { ...simple, source: ndjsonSource(path, options) };
  // What was known when the CRL was made must not pass for known now.
  const serialsOfPart = values['serials-of-part'] ?? false;
  const crlOptions = { ...options, issuer, useCrlTimes: true, serialsOfPart };
  if (serials === undefined) return { ...simple, rows: undefined, source: crlSource(path, crlOptions) };
  const issued = listFile(serials);
  return { files: [file, issued], statusVersion, rows: issued, source: crlSource(path, { ...crlOptions, serials }) };
}

function listFile(path: string): ListFile {
  const { size, mtimeMs: modified } = reading(path, () => statSync(path));
  return { path, size, modified };
}

/** About how many rows a file has, by the length of those at its beginning. */
async function estimatedRows({ path, size }: ListFile): Promise<number> {
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
function runName({ files }: List, issuer: Buffer, responder: X509Certificate, options: readonly unknown[]): string {
  const certificates = [new X509Certificate(issuer), responder].map(({ fingerprint256 }) => fingerprint256);
  return createHash('sha256')
    .update(JSON.stringify([files.map(({ size, modified }) => [size, modified]), ...certificates, ...options]))
    .digest('hex');
}

function validityPeriod(days: string | undefined, hours: string | undefined): number | undefined {
  if (days === undefined && hours === undefined) return undefined;
  const seconds = Math.round((numberOption(days, 'days') ?? 0) * 86_400 + (numberOption(hours, 'hours') ?? 0) * 3600);
  if (seconds < 1) throw new UsageError('--days and --hours leave no time from thisUpdate to nextUpdate');
  return seconds;
}
