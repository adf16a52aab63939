import { invalidArgType, invalidValue } from '../errors.js';
import type { ResponseSigner } from '../signing/response-signer.js';
import { SIGN_ALL_NAMES, type SignAllOptions } from '../signing/sign-all.js';
import type { ListEdition } from '../statuses/list-edition.js';
import { oneByOne } from '../statuses/one-by-one.js';
import type { StatusSource } from '../statuses/status-source.js';
import type { ResponseRecord, ResponseStore } from '../store/response-store.js';
import { type SerialKey, serialHex, serialKey } from '../store/serial-key.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { RunVersion, readToken, VERSION_NAMES, type VersionOptions } from './run-version.js';

/** What {@link bulkSign} takes. */
export interface BulkSignOptions extends VersionOptions, Omit<SignAllOptions, 'onProgress'> {
  /** Whom to answer for. */
  readonly source: StatusSource;
  /** Who signs. */
  readonly signer: ResponseSigner;
  /** Where the responses go. */
  readonly store: ResponseStore;
  /** Name of the run: an unfinished run of this name is continued. */
  readonly id: string;
  /** What to do with an unfinished run of another name. Default `refuse`. */
  readonly otherRun?: 'refuse' | 'discard';
  /** Certificates between two checkpoints: what an interruption may cost at most. Default: 10,000, or those of 5 seconds. */
  readonly checkpointEvery?: number;
  /** Called after every checkpoint. */
  readonly onProgress?: (progress: BulkProgress) => void;
}

/** How far a run is. */
export interface BulkProgress {
  /** Certificates whose responses this call has signed and made durable. */
  readonly signed: number;
  /** Those responses: one for each hash of CertIDs and spelling of the issuer's name that the signer signs for. */
  readonly responses: number;
  /** Entries of the source that an interrupted run had dealt with before. */
  readonly resumedFrom: number;
  /** Bytes of the responses that this call has signed. */
  readonly bytes: number;
}

/** What a run came to. */
export interface BulkResult extends BulkProgress {
  /** Certificates of the list for which the store serves a response of this run. */
  readonly served: number;
  /**
   * Certificates of the list for which it serves another one: of a higher version, such as a revocation that became known later,
   * or of the same and more severe.
   */
  readonly kept: number;
  /**
   * The edition of the list that the store has been signed from before, where this one goes back behind it, by its CRL number or
   * thisUpdate; see `allowOlderList`. null otherwise.
   */
  readonly supersededBy: ListEdition | null;
}

const BULK_SIGN_NAMES: OptionNames<BulkSignOptions> = {
  ...SIGN_ALL_NAMES,
  ...VERSION_NAMES,
  source: true,
  signer: true,
  store: true,
  id: true,
  otherRun: true,
  checkpointEvery: true,
};

const CHECKPOINT_EVERY = 10_000;
const CHECKPOINT_SECONDS = 5;
/** Few at a time, as with all that follows: what lives shortly costs the garbage collector nothing. */
const APPEND_EVERY = 256;

/**
 * Signs everything that a source has, into a store. Nothing is served before all is signed; after an interruption, call it
 * again with the same arguments and it goes on from the last checkpoint.
 *
 * @throws (rejects) TypeError; as `ResponseSigner.signAll` and the store; `ERR_OCSP_INVALID_VALUE` for a bad `checkpointEvery`, and for a
 * list that goes back beside a `statusVersion`. The run can then be continued; but one during which the clock was set back behind its
 * beginning is thrown away (`ERR_OCSP_INVALID_VALUE`).
 */
export async function bulkSign(options: BulkSignOptions): Promise<BulkResult> {
  const { source, signer, store, id, otherRun, checkpointEvery, onProgress, ...signing } = readOptions(
    options,
    BULK_SIGN_NAMES,
  );
  const { statusVersion, modified, allowOlderList, ...signAllOptions } = signing;
  if (typeof source?.batches !== 'function')
    throw invalidArgType('source', 'a StatusSource, which iterableSource makes of entries', source);
  if (!Array.isArray(signer?.answers)) throw invalidArgType('signer', 'a ResponseSigner', signer);
  if (typeof store?.beginRun !== 'function') throw invalidArgType('store', 'a ResponseStore', store);
  if (checkpointEvery !== undefined && (!Number.isInteger(checkpointEvery) || checkpointEvery < 1))
    throw invalidValue('checkpointEvery must be a whole number');
  const run = await store.beginRun({ id, issuer: signer.issuer, ...(otherRun && { otherRun }) });
  let worthContinuing = run.resumeToken !== null;
  try {
    const begun = readToken(run.resumeToken);
    const resumedFrom = begun?.done ?? 0;
    const version = new RunVersion(
      {
        ...(statusVersion !== undefined && { statusVersion }),
        ...(modified !== undefined && { modified }),
        ...(allowOlderList !== undefined && { allowOlderList }),
      },
      run.editions,
      begun,
    );
    const onEdition = (edition: ListEdition): void => version.take(edition);
    let signed = 0;
    let responses = 0;
    let bytes = 0;
    let batch: ResponseRecord[] = [];
    let pending = 0;
    let begin: number | undefined;
    let last: SerialKey | undefined = begun?.lastSerial;
    const append = async (): Promise<void> => {
      await run.append(batch);
      batch = [];
    };
    const flush = async (): Promise<void> => {
      if (version.isOfFuture) {
        // It would be so again, whoever continues it.
        worthContinuing = false;
        throw invalidValue('the clock was set back while the run went on: it is thrown away, begin it again');
      }
      await append();
      pending = 0;
      begin = undefined;
      await run.checkpoint(
        version.token(resumedFrom + signed, last === undefined ? undefined : serialHex(serialKey(last))),
      );
      worthContinuing = true;
      onProgress?.({ signed, responses, resumedFrom, bytes });
    };
    const each = signer.answers.length;
    const entries = oneByOne(source, {
      skip: resumedFrom,
      ...(begun?.lastSerial !== undefined && { lastSerial: begun.lastSerial }),
      onEdition,
    });
    const results = signer.signAll(entries, signAllOptions);
    for await (const { entry, der, producedAt, nextUpdate, ...label } of results) {
      const { serialNumber: serial, status: certStatus } = entry;
      batch.push({ serial, statusVersion: version.of(entry), producedAt, certStatus, nextUpdate, der, ...label });
      responses += 1;
      bytes += der.length;
      // What interrupts a run comes between two certificates.
      if (responses % each !== 0) continue;
      signed += 1;
      begin ??= producedAt;
      pending += 1;
      last = serial;
      const late = checkpointEvery === undefined && producedAt - begin >= CHECKPOINT_SECONDS;
      if (late || pending >= (checkpointEvery ?? CHECKPOINT_EVERY)) await flush();
      else if (batch.length >= APPEND_EVERY) await append();
    }
    await flush();
    const { written: served, kept } = await run.commit(version.edition);
    return { signed, responses, resumedFrom, bytes, served, kept, supersededBy: version.supersededBy };
  } catch (error) {
    // A run without a checkpoint, as of a bad option, would only be in the way of the next one.
    await (worthContinuing ? run.close() : run.discard()).catch(() => undefined);
    throw error;
  }
}
