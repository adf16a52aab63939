/** Who knows what the status of a certificate is. */
import { EntryPacker } from '../signing/entry-packer.js';
import { naming } from '../signing/signing-run.js';
import { copyEntry, type StatusEntry } from '../statuses/status-entry.js';
import { type SerialKey, serialHex, serialKey } from '../store/serial-key.js';
import type { ResponderIssuer } from './issuer.js';

/** Which certificate is asked about. */
export interface CertIdKey {
  /** The CA that issued it. */
  readonly issuer: ResponderIssuer;
  /** Upper-case hexadecimal digits, two for each byte: the form of `X509Certificate.serialNumber`. */
  readonly serialNumber: string;
}

/** News of certificates. */
export interface StatusChanges {
  /** Statuses that have changed, or may have. None: nothing is new, which is news, too. */
  readonly entries: Iterable<StatusEntry>;
  /** Where to go on after a break. */
  readonly cursor: string;
  /**
   * More of the same news follows: until one comes without it, the feed is not up to date. Where that takes longer than the
   * responder's `maxLag`, it asks `lookup` about each certificate meanwhile, as long as parts come every five seconds.
   */
  readonly more?: boolean;
}

/**
 * What the CA knows now about the certificates of one issuer. The interface is small on purpose: a database fulfils it with two
 * queries.
 */
export interface StatusAuthority {
  /**
   * The status of a certificate; undefined when it was never issued. What takes time is a promise. `statusVersion` of the
   * entry, a number that increases monotonically, tells a late answer from a new one; it is 0 by default.
   */
  lookup(id: CertIdKey): StatusEntry | undefined | Promise<StatusEntry | undefined>;
  /**
   * Milliseconds by which `lookup` may be behind the CA. More than the responder's `maxLag`, and it answers tryLater where it
   * would have answered good. Without it, `lookup` is always up to date.
   */
  lag?(): number;
  /** @internal From and until when what `lookup` has no entry of is known, where that is not now. */
  holds?(): Pick<StatusEntry, 'thisUpdate' | 'nextUpdate'>;
  /**
   * What has changed since `cursor`; null means: everything that is not good. Statuses come at least once, in any order, and
   * newer ones have a higher `statusVersion`. Yields at least every few seconds, if only to say that nothing has changed: the
   * time since the last yield, of those without `more`, is the lag of the feed. With it, answers at hand are sent without a `lookup`.
   */
  changes?(cursor: string | null, signal: AbortSignal): AsyncIterable<StatusChanges>;
  /** Resolves when what `lookup` answers from has been read for the first time, or could not be. */
  ready?(): Promise<void>;
  /** Looks for news now. */
  refresh?(): Promise<void>;
  /** Lets go of files and connections. */
  close?(): void | Promise<void>;
}

/**
 * An authority that is a list: what is not in it was never issued. The iterable is read once.
 *
 * @throws TypeError and `ERR_OCSP_INVALID_VALUE` for an entry that no one could sign; the message names it.
 */
export function listAuthority(entries: Iterable<StatusEntry>): StatusAuthority {
  const list = new Map<string, StatusEntry>();
  const packer = new EntryPacker();
  let index = 0;
  for (const given of entries) {
    const entry = copyEntry(given);
    try {
      packer.add(entry, { thisUpdate: 0, nextUpdate: undefined });
    } catch (cause) {
      throw naming(index, entry, cause as Error);
    }
    packer.clear();
    list.set(hexOf(entry.serialNumber), entry);
    index += 1;
  }
  return { lookup: ({ serialNumber }) => list.get(serialNumber) };
}

/** A serial number in the form of {@link CertIdKey.serialNumber}. */
export function hexOf(serial: SerialKey): string {
  return serialHex(serialKey(serial));
}
