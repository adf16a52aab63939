/** What somebody says of a certificate, and whom to believe. */

import { OCSPCertStatus } from '../ocsp/enums.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import { severityOf } from '../store/response-store.js';
import { ReasonFlags } from '../x509/reason.js';

/** A revocation that is for ever: all but certificateHold (RFC 5280 section 5.3.1). */
export function isPermanent({ status, reason }: StatusEntry): boolean {
  return (
    status === OCSPCertStatus.REVOKED && reason !== ReasonFlags.certificateHold && reason !== ReasonFlags.removeFromCRL
  );
}

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
