/** Names of the runs of `bulk-sign`: which one is the same as another, and may be continued. */
import { createHash, X509Certificate } from 'node:crypto';
import type { ListFile } from './list-file.js';

/** For so much of the time from thisUpdate to nextUpdate an interrupted run is continued: what it has signed is as old. */
const CONTINUED_FOR = 1 / 4;

/** Says whether two runs are the same: same list, of equal content, for the same CA by the same signer, with the same options. */
export function runName(
  files: readonly ListFile[],
  issuer: Buffer,
  responder: X509Certificate,
  options: readonly unknown[],
): string {
  const certificates = [new X509Certificate(issuer), responder].map(({ fingerprint256 }) => fingerprint256);
  return createHash('sha256')
    .update(JSON.stringify([files.map(({ content }) => content), ...certificates, ...options]))
    .digest('hex');
}

/**
 * The run that is interrupted, where it may be continued; else a new one: its name, and the second at which it began.
 *
 * @param period - seconds from thisUpdate to nextUpdate; null where the list says until when it holds
 * @param now - milliseconds
 */
export function continuedOrNew(name: string, unfinished: string | null, period: number | null, now: number): string {
  const seconds = Math.floor(now / 1000);
  const [known, began] = unfinished?.split(' ') ?? [];
  const isYoung = period === null || Math.abs(seconds - Number(began)) <= period * CONTINUED_FOR;
  return unfinished !== null && known === name && isYoung ? unfinished : `${name} ${seconds}`;
}
