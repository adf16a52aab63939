import { invalidArgType } from '../errors.js';
import { OCSPCertStatus } from '../ocsp/enums.js';
import { loadDerOcspResponse } from '../ocsp/response.js';
import type { ResponseSigner } from '../signing/response-signer.js';
import { saysTheSame } from '../statuses/says-the-same.js';
import { copyEntry, type StatusEntry } from '../statuses/status-entry.js';
import type { PutResult, ResponseRecord, ResponseStore, StoredResponse } from '../store/response-store.js';
import type { SegmentStore } from '../store/segment-store.js';
import { type OptionNames, readOptions } from '../x509/options.js';

/** What {@link putStatus} takes. */
export interface PutStatusOptions {
  /** What is known now, of a few certificates. */
  readonly entries: Iterable<StatusEntry>;
  /** Who signs. */
  readonly signer: ResponseSigner;
  /** Where the responses go. */
  readonly store: Pick<ResponseStore, 'putBatch'> & Partial<Pick<SegmentStore, 'getRecord'>>;
}

const OPTION_NAMES: OptionNames<PutStatusOptions> = { entries: true, signer: true, store: true };

/**
 * Signs the status of a few certificates and puts it into a store, as when one has just been revoked. Durable and served once
 * it resolves, also while a bulk run of another process goes on, whose publication does not hide it.
 *
 * The statusVersion of an entry that brings none is the second at which it is signed. Of a revocation it is that of what the
 * store has, where it tells, if that is higher, and more than that of a revocation of another time or reason: what was known with a clock
 * that is ahead, or in the same second, does not hide it.
 *
 * @returns how many responses are served, and how many were left out because the store has newer ones
 * @throws (rejects) As `ResponseSigner.signAsync` and the store.
 */
export async function putStatus(options: PutStatusOptions): Promise<PutResult> {
  const { entries, signer, store } = readOptions(options, OPTION_NAMES);
  const records: ResponseRecord[] = [];
  if (typeof entries?.[Symbol.iterator] !== 'function') throw invalidArgType('entries', 'a list', entries);
  for (const given of entries) {
    const { statusVersion, ...entry } = copyEntry(given);
    const { serialNumber: serial, status: certStatus } = entry;
    const now = Math.floor(Date.now() / 1000);
    const known = certStatus === OCSPCertStatus.REVOKED ? versionToOutdo(store.getRecord?.(serial), entry) : 0;
    for (const answer of signer.answers) {
      const { hashAlgorithm, issuerNameHash } = answer;
      const der = await signer.signAsync(entry, {
        ...(hashAlgorithm && { hashAlgorithm }),
        ...(issuerNameHash && { issuerNameHash }),
      });
      const { producedAt, nextUpdate } = loadDerOcspResponse(der);
      records.push({
        serial,
        ...answer,
        statusVersion: statusVersion ?? Math.max(now, known),
        producedAt: producedAt.getTime() / 1000,
        certStatus,
        nextUpdate: nextUpdate === null ? null : nextUpdate.getTime() / 1000,
        der,
      });
    }
  }
  return store.putBatch(records, { issuer: signer.issuer });
}

/** The least version with which a revocation is not hidden by what is known. */
function versionToOutdo(known: StoredResponse | undefined, entry: StatusEntry): number {
  if (known === undefined) return 0;
  const { statusVersion, certStatus, der } = known;
  if (certStatus !== OCSPCertStatus.REVOKED) return statusVersion;
  return states(der, entry) ? statusVersion : statusVersion + 1;
}

function states(der: Uint8Array, entry: StatusEntry): boolean {
  try {
    const { certificateStatus: status, revocationTime, revocationReason: reason } = loadDerOcspResponse(der);
    return saysTheSame({ status, revocationTime, reason }, entry);
  } catch {
    return false; // a store takes any bytes
  }
}
