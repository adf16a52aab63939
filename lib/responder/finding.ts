/** What is found out about a certificate. */

import { OCSPCertStatus } from '../ocsp/enums.js';
import { isPermanent } from '../statuses/is-permanent.js';
import { saysTheSame } from '../statuses/says-the-same.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import { Overload } from './gate.js';
import type { Known } from './knowledge.js';
import { moreTrue } from './statement.js';
import type { Stored } from './store-reader.js';

/** A status that is to be stated; undefined for a certificate that no one here knows. */
export type Finding = StatusEntry | undefined;

/**
 * What the authority and the store know together. Of what only a store knows a revocation for ever counts, and a hold that is the later
 * word; nothing that is better than what the authority says, whose versions may be none, or of another clock.
 *
 * @param since - when the authority's own list was made, where what that does not have is good
 */
export function combine(known: Known, stored: Stored | undefined, since?: Date): Finding {
  if (stored === undefined) return known;
  const { entry } = stored;
  if (known === undefined) return isPermanent(entry) || isLaterHold(entry, since) ? entry : undefined;
  if (entry.status !== OCSPCertStatus.REVOKED || saysTheSame(known, entry)) return known;
  return moreTrue(known, entry);
}

function isLaterHold({ status, statusVersion = 0 }: StatusEntry, since: Date | undefined): boolean {
  return status === OCSPCertStatus.REVOKED && since !== undefined && statusVersion * 1000 >= since.getTime();
}

export function isExtendedRevoke({ status, revocationTime }: StatusEntry): boolean {
  return status === OCSPCertStatus.REVOKED && revocationTime?.getTime() === 0;
}

/** The promise, or {@link Overload} when it takes too long. */
export function inTime<T>(promise: Promise<T>, timeout: number): Promise<T> {
  return new Promise((resolve, reject) => {
    // (What has come while this process was held up counts as come in time.)
    const timer = setTimeout(() => setImmediate(() => reject(new Overload('no one answers'))), timeout);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
