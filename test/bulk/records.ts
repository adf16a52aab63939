/** What the tests of stores and sources share. */

import type { StatusEntry } from '#dist/statuses/status-entry.js';
import type { ResponseRecord } from '#dist/store/response-store.js';

const GOOD = 0;

/** A record whose bytes tell it from all others. */
export function record(serial: bigint | string, change: Partial<ResponseRecord> = {}): ResponseRecord {
  const base = { serial, statusVersion: 1, producedAt: 1_700_000_000, certStatus: GOOD, nextUpdate: 1_700_600_000 };
  const { der, ...others } = { ...base, ...change };
  const text = `${serial}/${others.statusVersion}/${others.producedAt}/${others.certStatus}/${others.nextUpdate}`;
  return { ...others, der: der ?? Buffer.from(text) };
}

/** All entries of a source. */
export async function entriesOf(source: AsyncIterable<StatusEntry>): Promise<StatusEntry[]> {
  const entries: StatusEntry[] = [];
  for await (const entry of source) entries.push(entry);
  return entries;
}
