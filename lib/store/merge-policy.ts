import type { SegmentReader } from './segment-reader.js';
import type { SegmentLimits } from './segment-run.js';

/** Each batch and each small run leaves a segment. So many of at most so many records are put together, */
const MANY = 8;
const SMALL = [256, 4096, 65_536];
/** but not more records at a time than this: the call that does it has to wait. */
const MOST_RECORDS = 131_072;

/**
 * The segments to put together into one, undefined when it is not worth it. A record is written again once or twice for each of the
 * sizes, and a lookup asks a handful of segments for each, however many batches there were.
 */
export function mergeable(segments: readonly SegmentReader[], limits: SegmentLimits): SegmentReader[] | undefined {
  for (const most of SMALL) {
    const small = segments.filter(({ footer }) => footer.records <= most);
    if (small.length < MANY) continue;
    const chosen = smallest(small);
    const records = chosen.reduce((sum, { footer }) => sum + footer.records, 0);
    const bytes = chosen.reduce((sum, segment) => sum + segment.bytes, 0);
    // Where segments are kept small on purpose, there may be no fewer of them afterwards.
    const afterwards = 1 + records / limits.records + bytes / limits.bytes;
    if (afterwards <= chosen.length / 2) return chosen;
  }
  return undefined;
}

/** As many of the smallest as may be put together at a time, in their order. */
function smallest(segments: readonly SegmentReader[]): SegmentReader[] {
  const chosen = new Set<SegmentReader>();
  let records = 0;
  for (const segment of segments.toSorted((a, b) => a.footer.records - b.footer.records)) {
    records += segment.footer.records;
    if (records > MOST_RECORDS) break;
    chosen.add(segment);
  }
  return segments.filter((segment) => chosen.has(segment));
}
