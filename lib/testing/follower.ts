import { isDeepStrictEqual } from 'node:util';
import { OCSPCertStatus } from '../ocsp/enums.js';
import { hexOf, type StatusAuthority } from '../responder/authority.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import type { Findings } from './checks.js';

/** Milliseconds in which a feed has to say something; and once one has not, so that a run finds all faults in a minute. */
export const SOON = 20_000;
const SOONER = 3000;
/** It has been given the chance to, when it has said so much, and so much time has passed. */
const WORDS = 3;
const LEAST = 250;

/** What an entry says, less what authorities may add to it. */
export interface Said {
  readonly status: string | undefined;
  readonly revocationTime: number | null;
  readonly reason: string | null;
}

export function said(entry: StatusEntry | undefined): Said | undefined {
  if (entry === undefined) return undefined;
  const { status, revocationTime, reason } = entry;
  return {
    status: OCSPCertStatus[status],
    revocationTime: revocationTime == null ? null : Math.floor(revocationTime.getTime() / 1000),
    reason: reason ?? null,
  };
}

/** How long the feeds of a run are waited for. */
export class Patience {
  #milliseconds = SOON;

  get milliseconds(): number {
    return this.#milliseconds;
  }

  /** One of them was waited for in vain. */
  lose(): void {
    this.#milliseconds = SOONER;
  }
}

/** One who listens to the feed of an authority. */
export class Follower {
  /** In the order in which it came. */
  readonly entries: StatusEntry[] = [];
  cursor: string | null;
  words = 0;
  readonly ended: Promise<void>;
  #error: unknown;
  readonly #stop = new AbortController();
  readonly #authority: StatusAuthority;
  readonly #patience: Patience;
  #wake: () => void = () => undefined;

  constructor(authority: StatusAuthority, cursor: string | null, patience: Patience) {
    this.cursor = cursor;
    this.#authority = authority;
    this.#patience = patience;
    this.ended = this.#listen().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#error = error;
      this.#wake();
    });
  }

  async #listen(): Promise<void> {
    const feed = this.#authority.changes?.(this.cursor, this.#stop.signal) ?? [];
    for await (const { entries, cursor } of feed) {
      this.entries.push(...entries);
      this.cursor = cursor;
      this.words += 1;
      this.#wake();
      if (this.#stop.signal.aborted) return;
    }
  }

  /** What counts: of each certificate the highest version, by serial number. */
  get latest(): Map<string, StatusEntry> {
    const latest = new Map<string, StatusEntry>();
    for (const entry of this.entries) {
      const serial = hexOf(entry.serialNumber);
      const before = latest.get(serial);
      if (before === undefined || (entry.statusVersion ?? 0) >= (before.statusVersion ?? 0)) latest.set(serial, entry);
    }
    return latest;
  }

  /** Waits until something is so, or the feed had time enough: it says so in its next words, or `lag` later. */
  async until(isSo: () => boolean): Promise<boolean> {
    const begin = performance.now();
    const words = this.words + WORDS;
    const { milliseconds } = this.#patience;
    while (!isSo()) {
      if (this.#error !== undefined) throw this.#error;
      const since = performance.now() - begin;
      if (this.words >= words && since >= (this.#authority.lag?.() ?? 0) + LEAST) return false;
      const left = milliseconds - since;
      if (left <= 0) {
        this.#patience.lose();
        return false;
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return true;
  }

  /** Waits for one more word. */
  async word(): Promise<boolean> {
    const before = this.words;
    return this.until(() => this.words > before);
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Whether the feed ends in time. */
  async end(): Promise<boolean> {
    this.stop();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), this.#patience.milliseconds);
    });
    const inTime = await Promise.race([this.ended.then(() => true), late]);
    clearTimeout(timer);
    if (!inTime) this.#patience.lose();
    return inTime;
  }

  async tells(f: Findings, what: string, entries: readonly StatusEntry[]): Promise<void> {
    const expected = new Map(entries.map((entry) => [hexOf(entry.serialNumber), said(entry)]));
    const seen = (): Map<string, Said | undefined> =>
      new Map([...expected.keys()].map((serial) => [serial, said(this.latest.get(serial))]));
    await this.until(() => isDeepStrictEqual(seen(), expected));
    await f.equal(what, seen(), expected);
  }
}
