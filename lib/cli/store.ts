import { once } from 'node:events';
import { lstatSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { putStatus } from '../bulk/put-status.js';
import { OCSPCertStatus } from '../ocsp/enums.js';
import { reasonFromText } from '../statuses/fields.js';
import { convertStore } from '../store/convert.js';
import { exportTar, exportToFolder } from '../store/export.js';
import { mirrorStore } from '../store/mirror.js';
import type { StoredResponse } from '../store/response-store.js';
import { SegmentStore } from '../store/segment-store.js';
import { verifyStore } from '../store/verify.js';
import type { HashAlgorithm } from '../x509/algorithms.js';
import { ReasonFlags } from '../x509/reason.js';
import { closest } from '../x509/suggestion.js';
import { type OptionValues, readArguments, refuseMore } from './arguments.js';
import { type Command, choiceOption, print, required, UsageError } from './command.js';
import { readCertificates } from './input.js';
import { PASSPHRASE_OPTIONS } from './passphrase.js';
import { counted, plural } from './plural.js';
import { noteEarlyEnd, readResponseSigner, SIGNER_HELP, SIGNER_OPTIONS, SIGNING_HELP } from './signer-options.js';
import { checkIsStore } from './store-folder.js';
import { certIdHashOption, serialDigits } from './target.js';
import { momentOption } from './verdict.js';

const HELP = `Usage: openssl-ocsp store <action> FOLDER [...]

  ls FOLDER                  one line for each response: serial number, status, hash of the CertID, nextUpdate
  get FOLDER SERIAL          the response for a certificate as DER, on standard output
  stats FOLDER               what the store holds
  verify FOLDER              checks every byte
  compact FOLDER             puts all segments into as few as possible, without what later responses have replaced
  export FOLDER TARGET       a file for each certificate in the folder TARGET, or an archive when TARGET ends in .tar
  revoke FOLDER SERIAL...    signs that certificates are revoked, and serves it at once, also while a bulk run goes on
  put FOLDER SERIAL...       the same with the status of --status. A revocation for ever is not taken back by it; what
                             bulk-sign reads in the CA's list does that
  mirror FOLDER TARGET       makes the folder TARGET a copy that may be read all the while, or brings it up to date
  convert FOLDER NEW         copies a store that an earlier version has written into one of this version

  --json                     ls, stats and verify: JSON instead of text
  --layout get               export: a file for each response, named as the request of a GET, for file servers and CDNs
  --cert-id-hash NAME        ls, get and export: the responses for this hash. By default get and export take SHA-1,
                             and another one only where there is none

revoke, put, and of these --issuer and --subject convert:
${SIGNER_HELP}
  --status WHAT           put: good, revoked or unknown
  --reason REASON         why it is revoked, such as keyCompromise
  --revoked-at TIME       when it was, such as 2026-01-02T03:04:05Z (now)
${SIGNING_HELP}

Exit codes: 0 done, 1 failed, or no such response, or something is damaged, or a newer status is served than what was
put, 2 wrong usage.
`;

const OPTIONS = {
  json: { type: 'boolean' },
  layout: { type: 'string' },
  status: { type: 'string' },
  reason: { type: 'string' },
  'revoked-at': { type: 'string' },
  ...SIGNER_OPTIONS,
  ...PASSPHRASE_OPTIONS,
} as const;

type Values = OptionValues<typeof OPTIONS>;

const STATUSES = {
  good: OCSPCertStatus.GOOD,
  revoked: OCSPCertStatus.REVOKED,
  unknown: OCSPCertStatus.UNKNOWN,
} as const;
const STATUS_NAMES = Object.keys(STATUSES) as (keyof typeof STATUSES)[];

type Action = (store: SegmentStore, args: readonly string[], values: Values) => Promise<number> | number;

/** The one action that a store need not be opened for, as a damaged one cannot be. */
async function verify(folder: string, json: boolean): Promise<number> {
  const report = await verifyStore(folder);
  if (json) print(JSON.stringify(report));
  else {
    for (const problem of report.problems) print(problem);
    print(
      [
        `${counted(report.responses, 'response')} in ${counted(report.segments, 'segment')}`,
        counted(report.problems.length, 'problem'),
      ].join(', '),
    );
  }
  return report.problems.length === 0 ? 0 : 1;
}

/** Which response is asked for. */
function choiceOf({ 'cert-id-hash': hash }: Values): { hashAlgorithm?: HashAlgorithm } {
  const hashAlgorithm = certIdHashOption(hash, 'cert-id-hash');
  return hashAlgorithm === undefined ? {} : { hashAlgorithm };
}

function* chosen(store: SegmentStore, values: Values): Generator<StoredResponse> {
  const { hashAlgorithm } = choiceOf(values);
  for (const response of store.records())
    if (hashAlgorithm === undefined || response.hashAlgorithm === hashAlgorithm) yield response;
}

/** A reason in any case, as lists have it. */
function reasonOption(text: string | undefined): ReasonFlags | null {
  if (text === undefined) return null;
  try {
    return reasonFromText(text);
  } catch {
    throw new UsageError(`--reason is one of ${Object.values(ReasonFlags).join(', ')}: ${text}`);
  }
}

/** Clocks may differ by so many milliseconds. */
const CLOCKS = 60_000;

/** A revocation of the future would be one that some clients do not heed yet. */
function revokedAtOption(text: string | undefined): Date {
  const moment = momentOption(text, 'revoked-at') ?? new Date();
  if (moment.getTime() > Date.now() + CLOCKS)
    throw new UsageError(`--revoked-at is in the future: clients may not take it for revoked until then: ${text}`);
  return moment;
}

async function put(
  store: SegmentStore,
  serials: readonly string[],
  values: Values,
  status: keyof typeof STATUSES | undefined,
): Promise<number> {
  if (status === undefined) throw new UsageError('--status is missing');
  if (serials.length === 0) throw new UsageError('a serial number is missing');
  const isRevoked = status === 'revoked';
  if (!isRevoked && (values.reason ?? values['revoked-at']) !== undefined)
    throw new UsageError('--reason and --revoked-at go with a revoked certificate');
  const revocationTime = revokedAtOption(values['revoked-at']);
  const named = await readResponseSigner(values);
  const { signer } = named;
  noteEarlyEnd(named, values);
  const entries = serials.map((text) => ({
    serialNumber: serialDigits(text),
    status: STATUSES[status],
    ...(isRevoked && { revocationTime, reason: reasonOption(values.reason) }),
  }));
  const strangers = entries.filter(({ serialNumber }) => store.getRecord(serialNumber) === undefined);
  const { written, kept } = await putStatus({ entries, signer, store });
  // (One that was put in the same second, or by a clock that is ahead, says it as well.)
  const isSaid = entries.every(({ serialNumber, status }) => store.getRecord(serialNumber)?.certStatus === status);
  const others = isSaid ? 'others of this status' : 'newer ones, or a revocation for ever';
  const left = kept > 0 ? `; of ${counted(kept, 'response')} the store has ${others}` : '';
  print(`${written} ${plural(written, 'response', 'be')} served${left}`);
  const [stranger] = strangers;
  if (stranger !== undefined) {
    const others = strangers.length === 1 ? '' : ` and ${counted(strangers.length - 1, 'other')}`;
    const what = `the store had no response for ${stranger.serialNumber}${others}`;
    process.stderr.write(`note: ${what}: is it the right one, and the serial number, too?\n`);
  }
  return isSaid ? 0 : 1;
}

/** An archive that ends early passes for a shorter one, so a file appears when it is whole, and durable. */
async function writeArchive(content: Iterable<Buffer>, target: string): Promise<void> {
  const isFile = lstatSync(target, { throwIfNoEntry: false })?.isFile() ?? true;
  const path = isFile ? `${target}.${process.pid}.tmp` : target;
  try {
    // (A stream would open it by and by: also after it was removed, where the content fails at once.)
    const file = await open(path, 'w');
    await pipeline(Readable.from(content), file.createWriteStream({ flush: isFile }));
    if (isFile) await rename(path, target);
  } catch (error) {
    if (isFile) await rm(path, { force: true });
    const failed = error as NodeJS.ErrnoException;
    throw failed.path === path ? Object.assign(failed, { path: target }) : failed;
  }
}

const ACTIONS: Readonly<Record<string, Action>> = {
  async ls(store, _args, values) {
    for (const { serial, hashAlgorithm, certStatus, nextUpdate } of chosen(store, values)) {
      const name = OCSPCertStatus[certStatus] ?? String(certStatus);
      const until = nextUpdate === null ? null : new Date(nextUpdate * 1000).toISOString();
      const line = values.json
        ? JSON.stringify({ serialNumber: serial, status: name.toLowerCase(), nextUpdate: until, hashAlgorithm })
        : `${serial} ${name} ${hashAlgorithm} ${until ?? '-'}`;
      // (Millions of them wait for who reads.)
      if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
    }
    return 0;
  },
  get(store, [serial], values) {
    if (serial === undefined) throw new UsageError('a serial number is missing');
    const der = store.get(serialDigits(serial), choiceOf(values));
    if (der === undefined) {
      process.stderr.write(`no response for ${serial}\n`);
      return 1;
    }
    process.stdout.write(der);
    return 0;
  },
  stats(store, _args, values) {
    const stats = store.stats();
    if (values.json) print(JSON.stringify(stats));
    else for (const [name, value] of Object.entries(stats)) print(`${name}: ${value ?? '-'}`);
    return 0;
  },
  async compact(store) {
    await store.compact();
    return 0;
  },
  async export(store, [target], values) {
    if (target === undefined) throw new UsageError('a target is missing');
    if (/\.(tgz|tar\.\w+)$/.test(target))
      throw new UsageError(`an archive is not compressed, and ends in .tar: ${target}`);
    const records = chosen(store, values);
    const layout = choiceOption(values.layout, 'layout', ['serial', 'get'] as const) ?? 'serial';
    if (target.endsWith('.tar')) await writeArchive(exportTar(records, { layout }), target);
    else print(counted(await exportToFolder(records, target, { layout }), 'file'));
    return 0;
  },
  put: (store, serials, values) => put(store, serials, values, choiceOption(values.status, 'status', STATUS_NAMES)),
  revoke: (store, serials, values) => put(store, serials, values, 'revoked'),
};

async function convert(folder: string, target: string | undefined, values: Values): Promise<number> {
  if (target === undefined) throw new UsageError('a new folder is missing');
  const issuer = required(values.issuer, 'issuer');
  const [certificate] = await readCertificates(issuer);
  const subjects = values.subject === undefined ? [] : await readCertificates(values.subject);
  const store = await SegmentStore.open(target);
  try {
    print(`${counted(await convertStore(folder, certificate, store, subjects), 'response')} copied`);
    return 0;
  } finally {
    store.close();
  }
}

async function mirror(folder: string, target: string | undefined): Promise<number> {
  if (target === undefined) throw new UsageError('a target is missing');
  const { copied, bytes, removed } = await mirrorStore(folder, target);
  print(`${counted(copied, 'segment')} copied, ${bytes} bytes; ${removed} removed`);
  return 0;
}

/** `openssl-ocsp store` */
export const storeCommand: Command = {
  help: HELP,
  options: OPTIONS,
  async run(args) {
    const { values, positionals } = readArguments(args, OPTIONS, Number.POSITIVE_INFINITY);
    const [name = '', folder, ...rest] = positionals;
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (action === undefined && !['verify', 'convert', 'mirror'].includes(name)) throw noSuchAction(name);
    for (const option of Object.keys(values))
      if (!TAKEN[name]?.includes(option)) throw new UsageError(`--${option} does not go with ${name}`);
    if (folder === undefined) throw new UsageError('a folder is missing');
    refuseMore(rest, MOST_ARGUMENTS[name] ?? 0);
    // A store may begin with what is put into it; a revocation belongs into one that is served.
    if (name !== 'put') checkIsStore(folder);
    if (name === 'convert') return convert(folder, rest[0], values);
    if (name === 'mirror') return mirror(folder, rest[0]);
    if (action === undefined) return verify(folder, values.json === true);
    const store = await SegmentStore.open(folder);
    try {
      return await action(store, rest, values);
    } finally {
      store.close();
    }
  },
};

function noSuchAction(name: string): UsageError {
  if (name === '') return new UsageError('an action is missing');
  const near = closest(name, [...Object.keys(ACTIONS), 'verify', 'convert', 'mirror']);
  return new UsageError(`no such action: ${name}${near === undefined ? '' : `; did you mean ${near}?`}`);
}

const SIGNING = [...Object.keys(SIGNER_OPTIONS), ...Object.keys(PASSPHRASE_OPTIONS), 'reason', 'revoked-at'];

/** Options by the actions that take them. */
const TAKEN: Readonly<Record<string, readonly string[]>> = {
  ls: ['json', 'cert-id-hash'],
  get: ['cert-id-hash'],
  stats: ['json'],
  verify: ['json'],
  export: ['layout', 'cert-id-hash'],
  put: [...SIGNING, 'status'],
  revoke: SIGNING,
  convert: ['issuer', 'subject'],
};

/** Arguments behind the folder, of actions that take some. */
const MOST_ARGUMENTS: Readonly<Record<string, number>> = {
  get: 1,
  export: 1,
  convert: 1,
  mirror: 1,
  put: Number.POSITIVE_INFINITY,
  revoke: Number.POSITIVE_INFINITY,
};
