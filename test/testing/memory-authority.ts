/** An authority in memory with a feed: the least that does as documented, and, with a fault, not quite that. */
import { OCSPCertStatus } from 'openssl-ocsp';
import { type StatusEntry, storedSerial } from 'openssl-ocsp/bulk';
import type { CertIdKey, StatusAuthority, StatusChanges } from 'openssl-ocsp/responder';

export const AUTHORITY_FAULTS = [
  'the reason is lost',
  'the time of revocation is lost',
  'what was never issued is good',
  'what was never issued is an error',
  'serial numbers are cut to 64 bits',
  'a lookup is behind',
  'the version does not grow',
  'a feed begins with what is new',
  'a cursor is a time of the reader',
  'a cursor is the highest number seen',
  'a feed tells of revocations only',
  'a feed is silent without news',
  'a feed does not end',
  'feeds take news from each other',
  'the lag is negative',
] as const;
export type AuthorityFault = (typeof AUTHORITY_FAULTS)[number];

interface Row {
  readonly entry: StatusEntry;
  readonly sequence: number;
}

export class MemoryAuthority implements StatusAuthority {
  readonly #fault: AuthorityFault | undefined;
  readonly #rows = new Map<string, Row>();
  #sequence = 0;
  #queue: Row[] = [];
  readonly #wakes = new Set<() => void>();

  constructor(fault?: AuthorityFault) {
    this.#fault = fault;
  }

  async write(entries: readonly StatusEntry[]): Promise<void> {
    const behind = this.#fault === 'a cursor is the highest number seen';
    this.#sequence += 1;
    const sequence = this.#sequence;
    // A transaction that takes its number, and commits later than others.
    if (behind && sequence % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    if (this.#fault === 'a lookup is behind') setTimeout(() => this.#commit(entries, sequence), 200);
    else this.#commit(entries, sequence);
  }

  async lookup({ serialNumber }: CertIdKey): Promise<StatusEntry | undefined> {
    const entry = this.#rows.get(this.#key(serialNumber))?.entry;
    if (entry !== undefined) return entry;
    if (this.#fault === 'what was never issued is an error') throw new Error('no row');
    return this.#fault === 'what was never issued is good' ? { serialNumber, status: OCSPCertStatus.GOOD } : undefined;
  }

  lag(): number {
    return this.#fault === 'the lag is negative' ? -1 : 0;
  }

  async *changes(cursor: string | null, signal: AbortSignal): AsyncGenerator<StatusChanges> {
    let at = cursor === null ? 0 : Number(cursor);
    let isFirst = cursor === null;
    if (this.#fault === 'a feed begins with what is new' && isFirst) at = this.#sequence;
    if (this.#fault === 'a cursor is a time of the reader') at = Math.max(at, this.#sequence * Number(!isFirst));
    while (!signal.aborted) {
      const rows = this.#news(at, isFirst);
      // (A database would remember in the cursor what it could not see.)
      at = Math.max(at, ...rows.map(({ sequence }) => sequence));
      if (rows.length > 0 || isFirst || this.#fault !== 'a feed is silent without news')
        yield { entries: rows.map(({ entry }) => entry), cursor: String(at) };
      isFirst = false;
      await this.#pause();
      if (signal.aborted && this.#fault === 'a feed does not end') await new Promise(() => undefined);
    }
  }

  #news(at: number, isFirst: boolean): Row[] {
    if (this.#fault === 'feeds take news from each other') {
      const rows = this.#queue;
      this.#queue = [];
      return isFirst ? [...this.#rows.values()] : rows;
    }
    return [...this.#rows.values()].filter(({ sequence, entry }) => {
      if (entry.status === OCSPCertStatus.GOOD && (isFirst || this.#fault === 'a feed tells of revocations only'))
        return false;
      return sequence > at;
    });
  }

  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wakes.delete(done);
        resolve();
      };
      const timer = setTimeout(done, 50);
      timer.unref();
      this.#wakes.add(done);
    });
  }

  #commit(entries: readonly StatusEntry[], sequence: number): void {
    for (const given of entries) {
      const { serialNumber, status, revocationTime, reason } = given;
      const isRevoked = status === OCSPCertStatus.REVOKED;
      const entry: StatusEntry = {
        serialNumber,
        status,
        ...(isRevoked && {
          revocationTime: this.#fault === 'the time of revocation is lost' ? new Date() : revocationTime!,
          reason: this.#fault === 'the reason is lost' ? null : (reason ?? null),
        }),
        statusVersion: this.#fault === 'the version does not grow' ? 1 : sequence,
      };
      const row = { entry, sequence };
      this.#rows.set(this.#key(serialNumber), row);
      this.#queue.push(row);
    }
    for (const wake of [...this.#wakes]) wake();
  }

  #key(serial: string | bigint): string {
    const text = storedSerial(serial);
    return this.#fault === 'serial numbers are cut to 64 bits' ? text.slice(-16) : text;
  }
}
