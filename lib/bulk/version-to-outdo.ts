import { OCSPCertStatus } from '../ocsp/enums.js';
import { loadDerOcspResponse } from '../ocsp/response.js';
import { isPermanent } from '../statuses/is-permanent.js';
import { saysTheSame } from '../statuses/says-the-same.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import type { StoredResponse } from '../store/response-store.js';

type Stated = Pick<StatusEntry, 'status' | 'revocationTime' | 'reason'>;

/** The least version with which an entry is not hidden by what a store has; 0 for what would take back a revocation for ever. */
export function versionToOutdo(known: StoredResponse | undefined, entry: Stated): number {
  if (known === undefined) return 0;
  const { statusVersion, certStatus, der } = known;
  if (certStatus !== OCSPCertStatus.REVOKED)
    return entry.status === OCSPCertStatus.REVOKED || entry.status === certStatus ? statusVersion : statusVersion + 1;
  const stated = statedIn(der);
  if (stated === undefined) return statusVersion + 1;
  if (isPermanent(stated) && !isPermanent(entry)) return 0;
  return saysTheSame(stated, entry) ? statusVersion : statusVersion + 1;
}

/** What a response says of its only certificate; undefined where it cannot be read. */
export function statedIn(der: Uint8Array): Stated | undefined {
  try {
    const { certificateStatus, revocationTime, revocationReason: reason } = loadDerOcspResponse(der);
    return certificateStatus === null ? undefined : { status: certificateStatus, revocationTime, reason };
  } catch {
    return undefined; // a store takes any bytes
  }
}
