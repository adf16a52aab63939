import { OCSPCertStatus } from '../ocsp/enums.js';
import type { SegmentReader } from './segment-reader.js';

/**
 * The segments that may go because all of their responses have expired, at `now` in seconds.
 *
 * An expired response still hides what it has outdone: a segment with a revoked status stays as long as another one might
 * have an older status for one of its certificates, or the sweep would bring that back.
 */
export function droppable(segments: readonly SegmentReader[], now: number): SegmentReader[] {
  let expired = segments.filter(({ footer }) => footer.maxNextUpdate < now);
  let staying = segments.filter((segment) => !expired.includes(segment));
  // One that stays for what it hides may be hidden in part by another.
  for (;;) {
    const hiding = expired.filter((old) => !staying.every((other) => hidesNothing(old, other)));
    if (hiding.length === 0) return expired;
    expired = expired.filter((old) => !hiding.includes(old));
    staying = [...staying, ...hiding];
  }
}

function hidesNothing(old: SegmentReader, other: SegmentReader): boolean {
  if (!overlaps(old, other)) return true;
  if (old.footer.maxStatusVersion < other.footer.minStatusVersion) return true;
  // What a good status hides is good too, but older; and it has not expired.
  const allGood = old.footer.statuses[OCSPCertStatus.GOOD] === old.footer.entries;
  return allGood && old.footer.maxStatusVersion === other.footer.minStatusVersion;
}

function overlaps(a: SegmentReader, b: SegmentReader): boolean {
  return compareKeys(a.firstKey, b.lastKey) <= 0 && compareKeys(b.firstKey, a.lastKey) <= 0;
}

/**
 * Compares the serial numbers of keys that may be padded to different widths. The kind of answer, their last byte, does not
 * matter: a status hides older ones of every kind.
 */
function compareKeys(one: Buffer, other: Buffer): number {
  const a = one.subarray(0, -1);
  const b = other.subarray(0, -1);
  const width = Math.max(a.length, b.length);
  return Buffer.concat([Buffer.alloc(width - a.length), a]).compare(Buffer.concat([Buffer.alloc(width - b.length), b]));
}
