import { invalidArgType } from '../errors.js';
import { OCSPCertStatus } from '../ocsp/enums.js';
import { loadDerOcspResponse } from '../ocsp/response.js';
import type { ResponseSigner } from '../signing/response-signer.js';
import { copyEntry, type StatusEntry } from '../statuses/status-entry.js';
import type { AnswerLabel, PutResult, ResponseRecord, ResponseStore } from '../store/response-store.js';
import type { SegmentStore } from '../store/segment-store.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { putLasting } from './put-lasting.js';
import { versionToOutdo } from './version-to-outdo.js';

/** What {@link putStatus} takes. */
export interface PutStatusOptions {
  /** What is known now, of a few certificates. */
  readonly entries: Iterable<StatusEntry>;
  /** Who signs. */
  readonly signer: ResponseSigner;
  /** Where the responses go. */
  readonly store: Pick<ResponseStore, 'putBatch'> &
    Partial<Pick<ResponseStore, 'get'> & Pick<SegmentStore, 'getRecord'>>;
}

const OPTION_NAMES: OptionNames<PutStatusOptions> = { entries: true, signer: true, store: true };

/**
 * Signs the status of a few certificates and puts it into a store, as when one has just been revoked. Durable and served once
 * it resolves, also while a bulk run of another process goes on, whose publication does not hide it.
 *
 * The statusVersion of an entry that brings none is the second at which it is put. Of a revocation it is that of what the
 * store has, where it tells, if that is higher, and more than that of a revocation of another time or reason: what was known with a clock
 * that is ahead, or in the same second, does not hide it. A revocation for ever is not taken back: what says "good", "unknown" or
 * certificateHold is left out, unless it brings a statusVersion. (A store of another class is asked before, without a lock.)
 *
 * @returns how many responses are served, and how many were left out because the store has newer ones, or a revocation for ever
 * @throws (rejects) As `ResponseSigner.signAsync` and the store.
 */
export async function putStatus(options: PutStatusOptions): Promise<PutResult> {
  const { entries, signer, store } = readOptions(options, OPTION_NAMES);
  if (typeof entries?.[Symbol.iterator] !== 'function') throw invalidArgType('entries', 'a list', entries);
  const signed: SignedStatus[] = [];
  for (const given of entries) {
    const { statusVersion, ...entry } = copyEntry(given);
    const answers: SignedStatus['answers'][number][] = [];
    for (const label of signer.answers) {
      const { hashAlgorithm, issuerNameHash } = label;
      const der = await signer.signAsync(entry, {
        ...(hashAlgorithm && { hashAlgorithm }),
        ...(issuerNameHash && { issuerNameHash }),
      });
      const { producedAt, nextUpdate } = loadDerOcspResponse(der);
      answers.push({
        ...label,
        producedAt: producedAt.getTime() / 1000,
        nextUpdate: nextUpdate === null ? null : nextUpdate.getTime() / 1000,
        der,
      });
    }
    signed.push({ entry, statusVersion, answers });
  }
  const putOptions = { issuer: signer.issuer };
  const put = async (some: readonly SignedStatus[]): Promise<PutResult> => {
    const hasVersion = ({ statusVersion }: SignedStatus): boolean => statusVersion !== undefined;
    const versioned = some.filter(hasVersion).flatMap((one) => recordsOf(one, store));
    const others = some.filter((one) => !hasVersion(one)).flatMap((one) => recordsOf(one, store));
    const results: PutResult[] = [];
    if (versioned.length > 0) results.push(await store.putBatch(versioned, putOptions));
    if (others.length > 0 || versioned.length === 0) results.push(await putLasting(store, others, putOptions));
    return {
      written: results.reduce((sum, { written }) => sum + written, 0),
      kept: results.reduce((sum, { kept }) => sum + kept, 0),
    };
  };
  const first = await put(signed);
  // Somebody may have put what hides a revocation between the look and the lock.
  const hidden = first.kept === 0 ? [] : signed.filter((one) => isHidden(one, store));
  if (hidden.length === 0) return first;
  const second = await put(hidden);
  return { written: first.written + second.written, kept: first.kept - second.written };
}

/** The answers that state an entry. */
interface SignedStatus {
  readonly entry: StatusEntry;
  /** The caller's. */
  readonly statusVersion: number | undefined;
  readonly answers: readonly (AnswerLabel & Pick<ResponseRecord, 'producedAt' | 'nextUpdate' | 'der'>)[];
}

type Store = PutStatusOptions['store'];

/** Signing may have taken a while: the version is that of the moment at which they are put. */
function recordsOf({ entry, statusVersion, answers }: SignedStatus, store: Store): ResponseRecord[] {
  const { serialNumber: serial, status: certStatus } = entry;
  const known = certStatus === OCSPCertStatus.REVOKED ? versionToOutdo(store.getRecord?.(serial), entry) : 0;
  const version = statusVersion ?? Math.max(Math.floor(Date.now() / 1000), known);
  return answers.map((answer) => ({ ...answer, serial, certStatus, statusVersion: version }));
}

function isHidden({ entry, statusVersion }: SignedStatus, store: Store): boolean {
  if (entry.status !== OCSPCertStatus.REVOKED || statusVersion !== undefined) return false;
  const record = store.getRecord?.(entry.serialNumber);
  return record !== undefined && record.certStatus !== OCSPCertStatus.REVOKED;
}
