import { setTimeout as sleep } from 'node:timers/promises';
import type { LeasedRange } from '../bulk/ledger.js';
import { invalidArgType, invalidValue, OCSPError } from '../errors.js';
import { hexOf } from '../responder/authority.js';
import type { ResponseSigner } from '../signing/response-signer.js';
import { isPermanent } from '../statuses/is-permanent.js';
import { oneByOne } from '../statuses/one-by-one.js';
import type { StatusSource } from '../statuses/status-source.js';
import { issuerMismatch } from '../store/errors.js';
import type { ResponseStore } from '../store/response-store.js';
import type { CertificateInput } from '../x509/certificate.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { Database, type PostgresInput } from './database.js';
import { BY_ISSUER, isIssuer, issuerKey, unknownIssuer } from './issuer.js';
import { type NewRange, PostgresLedger } from './ledger.js';
import { serialOf } from './rows.js';
import { SignedPart } from './signed-part.js';
import { postgresSource } from './source.js';

/** What {@link signJob} takes beside the database. */
export interface SignJobOptions {
  /** Name of the job, the same for all who work on it. A job is one CA's, and done once; the next one has another name. */
  readonly job: string;
  /** The CA whose certificates they are. */
  readonly issuer: CertificateInput;
  /** Who signs. */
  readonly signer: ResponseSigner;
  /** Where the responses go. Each batch is served once it is there. */
  readonly store: Pick<ResponseStore, 'putBatch'>;
  /** Certificates in a range, for whoever is first. Default 250,000. */
  readonly rangeSize?: number;
  /** Signing threads. Default: one per core. */
  readonly threads?: number;
  /** Seconds after which the range of a worker that has fallen silent goes to another. Default 300. */
  readonly leaseSeconds?: number;
  /** Ends the work; rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after every checkpoint. */
  readonly onProgress?: (progress: SignJobProgress) => void;
}

/** Certificates in a range. */
const DEFAULT_RANGE = 250_000;

const OPTION_NAMES: OptionNames<SignJobOptions> = {
  job: true,
  issuer: true,
  signer: true,
  store: true,
  rangeSize: true,
  threads: true,
  leaseSeconds: true,
  signal: true,
  onProgress: true,
};

/** What this worker has done so far. */
export interface SignJobProgress {
  /** Certificates that it has signed. */
  readonly signed: number;
  /** Their responses. */
  readonly responses: number;
  /** Responses of which the store has newer ones. */
  readonly kept: number;
  /** Ranges that it has completed. */
  readonly ranges: number;
}

/** What a job came to, as this worker has seen it. */
export interface SignJobResult extends SignJobProgress {
  /** Ranges that were given up, by whomever. */
  readonly failed: readonly string[];
}

/**
 * Certificates, at most, and seconds between two checkpoints: what is put into a store at once. Of small parts a store makes larger ones, which
 * costs about as much as signing: so a range is put in equal ones.
 */
const MOST_AT_ONCE = 90_000;
/** Responses: of parts with no more a store makes larger ones (store/merge-policy.ts). */
const SMALL_PART = 65_536;
const CHECKPOINT_SECONDS = 10;
/** Milliseconds until what is out of reach is asked again, and for how long it is waited for. */
const PAUSE = 250;
const PATIENCE = 240_000;
/** Milliseconds until somebody else's range is looked for again: most end soon after one's own. */
const FIRST_LOOK = 25;
const LAST_LOOK = 500;

/**
 * Works on a job until nothing of it is left: cuts the certificates of a CA into ranges of serial numbers, unless somebody has, leases
 * one after the other, and signs it into a store. Any number of processes on any number of hosts do the same. What one that is killed
 * had begun goes to another when its lease has run out, from its last checkpoint on.
 *
 * @throws (rejects) TypeError; `ERR_OCSP_INVALID_VALUE`; `ERR_OCSP_ISSUER_MISMATCH` for a signer of another CA; as `ResponseSigner.signAll` and
 * the store, after the range was given back; what the database throws, when it is out of reach for longer than four minutes.
 */
export async function signJob(database: PostgresInput, options: SignJobOptions): Promise<SignJobResult> {
  const given = readOptions(options, OPTION_NAMES);
  const { job, issuer, leaseSeconds, rangeSize = DEFAULT_RANGE, signal } = given;
  if (!Number.isSafeInteger(rangeSize) || rangeSize < 1)
    throw invalidValue('rangeSize must be a whole number from 1 on');
  if (!Array.isArray(given.signer?.answers)) throw invalidArgType('signer', 'a ResponseSigner', given.signer);
  if (typeof given.store?.putBatch !== 'function') throw invalidArgType('store', 'a ResponseStore', given.store);
  if (!isIssuer(issuer, given.signer.issuer))
    throw issuerMismatch('the signer answers for another CA than that whose certificates are to be signed for');
  const ledger = await PostgresLedger.open(database, { job, ...(leaseSeconds !== undefined && { leaseSeconds }) });
  const { answers } = given.signer;
  const parts = [new SignedPart(answers), new SignedPart(answers)] as const;
  const done = { signed: 0, responses: 0, kept: 0, ranges: 0 };
  let look = FIRST_LOOK;
  try {
    const id = await numberOf(database, issuer);
    await ledger.begin((query) => cut(query, id, rangeSize));
    if ((await ledger.ranges()).some((range) => !range.id.startsWith(`${id}/`)))
      throw invalidValue(`the job '${job}' is that of another CA: each has jobs of its own`);
    for (;;) {
      signal?.throwIfAborted();
      const [range] = await patiently(() => ledger.lease(1), signal);
      if (range === undefined) {
        if (!(await patiently(() => ledger.isUnderWay(), signal))) break;
        // Somebody else has the last ranges, and may yet fall silent.
        await pause(signal, look);
        look = Math.min(look * 1.25, LAST_LOOK);
        continue;
      }
      look = FIRST_LOOK;
      try {
        let after = range.lastSerial;
        await patiently(
          (gotOn) =>
            signRange(database, given, ledger, { ...range, lastSerial: after }, parts, done, (last) => {
              after = last;
              gotOn();
            }),
          signal,
        );
        await patiently(() => asHolder(() => ledger.complete(range)), signal);
        done.ranges += 1;
      } catch (error) {
        if (isLost(error)) continue;
        await ledger.fail(range, error).catch(() => undefined);
        throw error;
      }
    }
    const ranges = await patiently(() => ledger.ranges(), signal);
    // As after a fail-over that has lost the last commits: what was not signed is not known any more.
    if (ranges.length === 0) throw invalidValue(`the job '${job}' is gone from the database: begin it again`);
    return { ...done, failed: ranges.filter(({ state }) => state === 'failed').map(({ id }) => id) };
  } finally {
    await ledger.close();
  }
}

class LostLease extends Error {}

/** What the ledger refuses is not this worker's any more, or was done by a call whose answer did not come. */
async function asHolder(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    throw error instanceof OCSPError ? new LostLease(error.message, { cause: error }) : error;
  }
}

function isLost(error: unknown): boolean {
  return error instanceof LostLease;
}

async function signRange(
  database: PostgresInput,
  { issuer, signer, store, rangeSize = DEFAULT_RANGE, threads, signal, onProgress }: SignJobOptions,
  ledger: PostgresLedger,
  range: LeasedRange,
  parts: readonly [SignedPart, SignedPart],
  done: { signed: number; responses: number; kept: number; ranges: number },
  onLast: (serial: string) => void,
): Promise<void> {
  const [from = '', until = ''] = range.id.slice(range.id.indexOf('/') + 1).split('..');
  const after = range.lastSerial ?? from;
  const source = postgresSource(database, { issuer, ...(after && { after }), ...(until && { until }) });
  const each = signer.answers.length;
  const atOnce = partSize(rangeSize, each);
  const put = async (part: SignedPart): Promise<void> => {
    const { length: responses, lastSerial } = part;
    if (lastSerial === undefined) return;
    // (Others of this host may be writing into the same store.)
    const { kept } = await patiently(() => store.putBatch(part, { issuer: signer.issuer }), signal);
    const serial = hexOf(lastSerial);
    const signed = responses / each;
    await asHolder(() => ledger.checkpoint(range, serial, signed));
    onLast(serial);
    done.signed += signed;
    done.responses += responses;
    done.kept += kept;
    onProgress?.({ ...done });
    part.clear();
  };
  // What has been signed is put while the next part is signed.
  let [part, other] = parts;
  for (const one of parts) one.clear();
  let putting = Promise.resolve();
  let begin = performance.now();
  const options = { ...(threads !== undefined && { threads }), ...(signal && { signal }) };
  try {
    for await (const signed of signer.signAll(oneByOne(renewed(source)), options)) {
      part.add(signed);
      if (part.length % each !== 0) continue;
      const isDue = part.length >= atOnce * each || performance.now() - begin > CHECKPOINT_SECONDS * 1000;
      if (!isDue) continue;
      await putting;
      putting = put(part);
      // (What it rejects with is thrown where it is awaited.)
      putting.catch(() => undefined);
      [part, other] = [other, part];
      begin = performance.now();
    }
  } finally {
    await putting;
  }
  await put(part);
}

/**
 * A revocation for ever may be in the store with a later version, as of `store revoke`, that says the same. What is signed now says it for
 * longer, and no one takes it back.
 */
function renewed(source: StatusSource): Pick<StatusSource, 'batches'> {
  return {
    async *batches(options) {
      for await (const batch of source.batches(options)) {
        const now = Math.floor(Date.now() / 1000);
        yield batch.map((entry) =>
          isPermanent(entry) ? { ...entry, statusVersion: Math.max(entry.statusVersion ?? 0, now) } : entry,
        );
      }
    },
  };
}

/** Certificates in a part of a range: equal ones, and rather larger ones than small ones. */
function partSize(rangeSize: number, each: number): number {
  const parts = Math.ceil(rangeSize / MOST_AT_ONCE);
  const isSmall = Math.ceil(rangeSize / parts) * each <= SMALL_PART;
  return Math.ceil(rangeSize / (isSmall && parts > 1 ? parts - 1 : parts));
}

type Query = (text: string, values: readonly unknown[]) => Promise<unknown[][]>;

/** (Each step goes on where the one before has ended, which the server does not see.) */
const BY_INDEX = `SELECT set_config(n, 'off', true) FROM unnest('{enable_seqscan,enable_bitmapscan,enable_sort}'::text[]) n`;
/** Where ranges of so many end. Numbering all rows would take three times as long, in which no one signs. */
const BOUNDS = `WITH RECURSIVE bound (serial) AS (SELECT ''::bytea UNION ALL
    SELECT (SELECT s.serial FROM ocsp_status s WHERE s.issuer = $1 AND s.serial > b.serial
      ORDER BY s.serial OFFSET $2::int8 - 1 LIMIT 1) FROM bound b WHERE b.serial IS NOT NULL)
  SELECT encode(serial, 'hex') FROM bound WHERE serial > ''`;
const REST = `SELECT count(*)::float8 FROM ocsp_status WHERE issuer = $1 AND serial > decode($2, 'hex')`;

/** The number of a CA. */
async function numberOf(input: PostgresInput, issuer: CertificateInput): Promise<number> {
  const ca = issuerKey(issuer);
  const database = new Database(input);
  try {
    const [row] = await database.query<[number]>(`SELECT i.id FROM ocsp_issuer i WHERE ${BY_ISSUER}`, ca.hashes);
    if (row === undefined) throw unknownIssuer(ca);
    return row[0];
  } finally {
    await database.close();
  }
}

/**
 * Ranges of so many certificates; what is issued later is in one of them, too. Their names say whose they are, because many CAs may be
 * in one database.
 */
async function cut(query: Query, id: number, size: number): Promise<NewRange[]> {
  await query(BY_INDEX, []);
  const bounds = (await query(BOUNDS, [id, size])).map(([hex]) => hex as string);
  const [rest] = await query(REST, [id, bounds.at(-1) ?? '']);
  let last = rest?.[0] as number;
  // What is issued behind the last one belongs to the last range.
  if (last === 0 && bounds.pop() !== undefined) last = size;
  const ends = ['', ...bounds.map(serialOf), ''];
  return ends.slice(1).map((until, i) => ({
    id: `${id}/${ends[i]}..${until}`,
    certificates: until === '' ? last : size,
  }));
}

/**
 * Codes of what passes: a database that is restarted, has no connection left, or is a standby (the old primary, until connections go to the
 * new one), a network that is gone for a while, and with it its names, a store that another worker has.
 */
const PASSING =
  /^(ERR_OCSP_STORE_LOCKED|ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|ETIMEDOUT|E(HOST|NET)(UNREACH|DOWN)|EAI_AGAIN|ENOTFOUND|25006|53300|57P0[123]|08...)$/;
const PASSING_WORDS = /connection (terminated|timeout)|timeout exceeded|read timeout|has not said|is a standby/i;

/**
 * Does it again for as long as what it needs is out of reach.
 *
 * @param action - told how to say that it has got on: what fails after that is out of reach since then
 */
async function patiently<T>(action: (gotOn: () => void) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  for (let until: number | undefined; ; ) {
    try {
      return await action(() => {
        until = undefined;
      });
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException;
      until ??= performance.now() + PATIENCE;
      if (!(PASSING.test(code) || PASSING_WORDS.test(message)) || performance.now() > until) throw error;
      await pause(signal);
    }
  }
}

/** Ends early, with the signal's own reason. */
async function pause(signal: AbortSignal | undefined, milliseconds: number = PAUSE): Promise<void> {
  await sleep(milliseconds, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  signal?.throwIfAborted();
}
