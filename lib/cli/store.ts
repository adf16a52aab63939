import { createWriteStream, readdirSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { exportTar, exportToFolder } from '../bulk/store/export.js';
import { SegmentStore } from '../bulk/store/segment-store.js';
import { verifyStore } from '../bulk/store/verify.js';
import { OCSPCertStatus } from '../ocsp/enums.js';
import { readArguments, refuseMore } from './arguments.js';
import { type Command, print, UsageError } from './command.js';
import { reading } from './system-error.js';

const HELP = `Usage: openssl-ocsp store <action> FOLDER [...]

  ls FOLDER                  one line for each response: serial number, status, nextUpdate
  get FOLDER SERIAL          the response for a certificate as DER, on standard output
  stats FOLDER               what the store holds
  verify FOLDER              checks every octet
  compact FOLDER             puts all segments into one
  export FOLDER TARGET       a file for each response in the folder TARGET, or an archive when TARGET ends in .tar

  --json                     ls, stats and verify: JSON instead of text

Exit codes: 0 done, 1 failed, or there is no such response, or something is damaged, 2 wrong usage.
`;

const OPTIONS = { json: { type: 'boolean' } } as const;

type Action = (store: SegmentStore, args: readonly string[], json: boolean) => Promise<number> | number;

/** The one action that a store need not be opened for, as a damaged one cannot be. */
async function verify(folder: string, json: boolean): Promise<number> {
  const report = await verifyStore(folder);
  if (json) print(JSON.stringify(report));
  else {
    for (const problem of report.problems) print(problem);
    print(`${report.responses} responses in ${report.segments} segments, ${report.problems.length} problems`);
  }
  return report.problems.length === 0 ? 0 : 1;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  ls(store, _args, json) {
    for (const { serial, certStatus, nextUpdate } of store.records()) {
      const status = OCSPCertStatus[certStatus] ?? String(certStatus);
      const until = nextUpdate === null ? null : new Date(nextUpdate * 1000).toISOString();
      print(json ? JSON.stringify({ serial, status, nextUpdate: until }) : `${serial} ${status} ${until ?? '-'}`);
    }
    return 0;
  },
  get(store, [serial]) {
    if (serial === undefined) throw new UsageError('a serial number is missing');
    const der = store.get(serial);
    if (der === undefined) {
      process.stderr.write(`no response for ${serial}\n`);
      return 1;
    }
    process.stdout.write(der);
    return 0;
  },
  stats(store, _args, json) {
    const stats = store.stats();
    if (json) print(JSON.stringify(stats));
    else for (const [name, value] of Object.entries(stats)) print(`${name}: ${value ?? '-'}`);
    return 0;
  },
  async compact(store) {
    await store.compact();
    return 0;
  },
  async export(store, [target]) {
    if (target === undefined) throw new UsageError('a target is missing');
    if (target.endsWith('.tar')) await pipeline(Readable.from(exportTar(store.records())), createWriteStream(target));
    else print(`${await exportToFolder(store.records(), target)} files`);
    return 0;
  },
};

/** `openssl-ocsp store` */
export const storeCommand: Command = {
  name: 'store',
  summary: 'look into a store: ls, get, stats, verify, compact, export',
  help: HELP,
  options: OPTIONS,
  async run(args) {
    const { values, positionals } = readArguments(args, OPTIONS, Number.POSITIVE_INFINITY);
    const [name = '', folder, ...rest] = positionals;
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (action === undefined && name !== 'verify')
      throw new UsageError(name === '' ? 'an action is missing' : `no such action: ${name}`);
    if (folder === undefined) throw new UsageError('a folder is missing');
    refuseMore(rest, name === 'get' || name === 'export' ? 1 : 0);
    checkIsStore(folder);
    if (action === undefined) return verify(folder, values.json === true);
    const store = await SegmentStore.open(folder);
    try {
      return await action(store, rest, values.json === true);
    } finally {
      store.close();
    }
  },
};

/** Opening would make a store; and of a folder that was mistyped, "no problems" would be no answer. */
function checkIsStore(folder: string): void {
  const names = reading(folder, () => readdirSync(folder));
  if (!names.some((name) => name === 'MANIFEST' || name.endsWith('.seg')))
    throw new Error(`there is no store in ${folder}`);
}
