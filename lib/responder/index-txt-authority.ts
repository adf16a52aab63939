import { statSync } from 'node:fs';
import { OCSPCertStatus } from '../ocsp/enums.js';
import { type IndexTxtOptions, indexTxtSource } from '../statuses/index-txt.js';
import { isPermanent } from '../statuses/is-permanent.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { hexOf, type StatusAuthority } from './authority.js';
import { WatchedFile, type WatchOptions } from './watched-file.js';

/** What {@link indexTxtAuthority} takes beside the file. */
export interface IndexTxtAuthorityOptions extends WatchOptions, Pick<IndexTxtOptions, 'expired' | 'expiredBefore'> {}

const OPTION_NAMES: OptionNames<IndexTxtAuthorityOptions> = {
  expired: true,
  expiredBefore: true,
  interval: true,
  onError: true,
};

/** One state of the file. */
interface List {
  /** What is not good, by serial number. */
  readonly others: Map<string, StatusEntry>;
  readonly good: Set<string>;
  /** Certificates in the file; the others are revocations of before. */
  readonly rows: number;
  /** The second of the last change: what becomes known later is newer. */
  readonly version: number;
}

/**
 * The `index.txt` of `openssl ca`, which is read again when it has changed.
 *
 * `openssl ca` replaces the file as a whole. Of a file that is written in place only what is finished counts: a row that cannot be
 * understood, or fewer rows than before, and the list before stays until the file has not changed for three seconds. A revocation for
 * ever that a later list takes back, or does not have, stays: that list is an older one. Only a new start forgets it.
 */
export function indexTxtAuthority(path: string, options: IndexTxtAuthorityOptions = {}): StatusAuthority {
  const { expired, expiredBefore, ...watch } = readOptions(options, OPTION_NAMES);
  const source = indexTxtSource(path, { ...(expired && { expired }), ...(expiredBefore && { expiredBefore }) });
  let list: List | undefined;
  const file = new WatchedFile(path, watch, async (isSettled) => {
    const version = Math.floor(Math.min(statSync(path).mtimeMs, Date.now()) / 1000);
    const others = new Map<string, StatusEntry>();
    const good = new Set<string>();
    for await (const batch of source.batches()) {
      for (const entry of batch) {
        const serial = hexOf(entry.serialNumber);
        if (entry.status === OCSPCertStatus.GOOD) good.add(serial);
        else others.set(serial, { ...entry, statusVersion: version });
      }
    }
    const rows = others.size + good.size;
    if (list !== undefined && rows < list.rows && !isSettled) {
      // What is revoked in half a list is revoked.
      for (const [serial, entry] of others) if (isPermanent(entry)) list.others.set(serial, entry);
      return undefined;
    }
    return () => {
      for (const [serial, entry] of list?.others ?? []) {
        const other = others.get(serial);
        if (isPermanent(entry) && !(other !== undefined && isPermanent(other))) others.set(serial, entry);
      }
      list = { others, good, rows, version };
    };
  });
  return {
    lookup({ serialNumber }) {
      const other = list?.others.get(serialNumber);
      if (other !== undefined || list === undefined) return other;
      return list.good.has(serialNumber)
        ? { serialNumber, status: OCSPCertStatus.GOOD, statusVersion: list.version }
        : undefined;
    },
    lag: () => file.lag,
    ready: () => file.first,
    refresh: () => file.refresh(),
    close: () => file.close(),
  };
}
