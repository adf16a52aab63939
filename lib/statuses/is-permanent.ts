import { OCSPCertStatus } from '../ocsp/enums.js';
import { ReasonFlags } from '../x509/reason.js';
import type { StatusEntry } from './status-entry.js';

/** A revocation that is for ever: all but certificateHold (RFC 5280 section 5.3.1). */
export function isPermanent({ status, reason }: Pick<StatusEntry, 'status' | 'reason'>): boolean {
  return (
    status === OCSPCertStatus.REVOKED && reason !== ReasonFlags.certificateHold && reason !== ReasonFlags.removeFromCRL
  );
}
