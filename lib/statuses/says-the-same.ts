import { OCSPCertStatus } from '../ocsp/enums.js';
import type { StatusEntry } from './status-entry.js';

type Status = Pick<StatusEntry, 'status' | 'revocationTime' | 'reason'>;

/** Whether an answer that states `a` states what `b` says. */
export function saysTheSame(a: Status, b: Status): boolean {
  if (a === b) return true;
  if (a.status !== b.status) return false;
  if (a.status !== OCSPCertStatus.REVOKED) return true;
  return secondsOf(a.revocationTime) === secondsOf(b.revocationTime) && (a.reason ?? null) === (b.reason ?? null);
}

function secondsOf(date: Date | null | undefined): number | undefined {
  return date == null ? undefined : Math.floor(date.getTime() / 1000);
}
