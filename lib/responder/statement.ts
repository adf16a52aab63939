/** What somebody says of a certificate, and whom to believe. */

import { isPermanent } from '../statuses/is-permanent.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import { severityOf } from '../store/response-store.js';

/**
 * Of two entries for one certificate the one to believe. A permanent revocation stands, whatever a later list says: it cannot
 * be taken back, so that list is an older one. Else the higher statusVersion wins, and of one version the more severe status.
 */
export function moreTrue(a: StatusEntry, b: StatusEntry): StatusEntry {
  const permanent = Number(isPermanent(a)) - Number(isPermanent(b));
  const order =
    permanent || (a.statusVersion ?? 0) - (b.statusVersion ?? 0) || severityOf(a.status) - severityOf(b.status);
  return order >= 0 ? a : b;
}
