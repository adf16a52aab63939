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
    const records = small.reduce((sum, { footer }) => sum + footer.records, 0);
    const bytes = small.reduce((sum, segment) => sum + segment.bytes, 0);
    // Where segments are kept small on purpose, there may be no fewer of them afterwards.
    const afterwards = 1 + records / limits.records + bytes / limits.bytes;
    if (small.length >= MANY && records <= MOST_RECORDS && afterwards <= small.length / 2) return small;
  }
  return undefined;
}
