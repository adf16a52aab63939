import type { StatusEntry } from '../statuses/status-entry.js';

/** What most entries have to say, without objects of their own. */
class Row {
  constructor(
    readonly status: StatusEntry['status'],
    /** Milliseconds since 1970-01-01 UTC. */
    readonly revokedAt: number | undefined,
    readonly reason: StatusEntry['reason'],
    readonly statusVersion: number | undefined,
  ) {}
}

/** Entries by serial number, in a third of the memory that objects take: a responder may know of millions. */
export class EntryTable {
  readonly #entries = new Map<string, Row | StatusEntry>();

  get(serialNumber: string): StatusEntry | undefined {
    const found = this.#entries.get(serialNumber);
    return found instanceof Row ? entryOf(serialNumber, found) : found;
  }

  /** @param entry - as `copyEntry` gives it */
  set(serialNumber: string, entry: StatusEntry): void {
    const { status, revocationTime, reason, statusVersion, thisUpdate, nextUpdate, singleExtensions } = entry;
    const isUsual =
      thisUpdate === undefined &&
      nextUpdate === undefined &&
      singleExtensions == null &&
      (revocationTime == null || revocationTime instanceof Date);
    const row = isUsual ? new Row(status, revocationTime?.getTime(), reason, statusVersion) : entry;
    this.#entries.set(serialNumber, row);
  }

  *[Symbol.iterator](): Generator<StatusEntry> {
    for (const [serialNumber, found] of this.#entries)
      yield found instanceof Row ? entryOf(serialNumber, found) : found;
  }
}

function entryOf(serialNumber: string, { status, revokedAt, reason, statusVersion }: Row): StatusEntry {
  return {
    serialNumber,
    status,
    ...(revokedAt !== undefined && { revocationTime: new Date(revokedAt) }),
    ...(reason != null && { reason }),
    ...(statusVersion !== undefined && { statusVersion }),
  };
}
