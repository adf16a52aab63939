/** What is known of the certificates of one issuer: by its authority, by its feed, and by what was told since. */
import { OCSPCertStatus } from '../ocsp/enums.js';
import { isPermanent } from '../statuses/is-permanent.js';
import { saysTheSame } from '../statuses/says-the-same.js';
import { copyEntry, type StatusEntry } from '../statuses/status-entry.js';
import { checkNames, type OptionNames } from '../x509/options.js';
import { type CertIdKey, hexOf, type StatusAuthority, type StatusChanges } from './authority.js';
import { EntryTable } from './entry-table.js';
import { moreTrue } from './statement.js';

/** Milliseconds after which a feed that has ended or failed is asked again; doubled up to {@link LONGEST_PAUSE}. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 5000;
/** Milliseconds after a part of long news in which its next part has to come. */
const PART_PAUSE = 5000;
/** Questions that are remembered while long news is read. */
const MOST_ASKED = 10_000;

const CHANGES: OptionNames<StatusChanges> = { entries: true, cursor: true, more: true };

/** What was found out. */
export type Known = StatusEntry | undefined;

export class Knowledge {
  readonly authority: StatusAuthority;
  readonly #onError: (error: unknown) => void;
  /** Told by {@link tell}: until the authority says the same, or worse. Shared with those it was inherited from: they answer still. */
  #told = new Map<string, StatusEntry>();
  /** When it was told of certificates that are not revoked (any more), in milliseconds since 1970-01-01. Shared likewise. */
  #toldAt = new Map<string, number>();
  /** Of what was told: what the authority has not been asked about since, whose versions may be of another clock. Shared likewise. */
  #unranked = new WeakSet<StatusEntry>();
  /** From the feed. */
  readonly #changed = new EntryTable();
  readonly #stop = new AbortController();
  #cursor: string | null = null;
  /** performance.now() of the last word of the feed. */
  #heardAt = Number.NEGATIVE_INFINITY;
  /** performance.now() until which the feed counts as reading long news, part by part. */
  #readingUntil = Number.NEGATIVE_INFINITY;
  /** Meanwhile: when the authority was asked about a certificate, by performance.now(). */
  readonly #asked = new Map<string, number>();
  #lastVersion = 0;
  #feed: Promise<void> | undefined;
  #hasSpoken: () => void = () => undefined;
  readonly #first = new Promise<void>((resolve) => {
    this.#hasSpoken = resolve;
  });

  constructor(authority: StatusAuthority, onError: (error: unknown) => void) {
    this.authority = authority;
    this.#onError = onError;
  }

  /** Milliseconds by which it may be behind. */
  get lag(): number {
    const own = this.authority.lag?.() ?? 0;
    return this.hasFeed ? Math.max(own, performance.now() - this.#heardAt) : own;
  }

  /** Long news is being read: the authority is within reach, and knows what the feed does not know yet. */
  get isReading(): boolean {
    return this.#readingUntil > 0 && performance.now() < this.#readingUntil;
  }

  /** Milliseconds by which what is known of one certificate may be behind. */
  lagOf({ serialNumber }: CertIdKey): number {
    const { lag } = this;
    const asked = this.#asked.get(serialNumber);
    if (asked === undefined) return lag;
    return Math.min(lag, Math.max(this.authority.lag?.() ?? 0, performance.now() - asked));
  }

  get hasFeed(): boolean {
    return this.authority.changes !== undefined;
  }

  /** Begins to listen to the feed. */
  start(): void {
    if (this.hasFeed) this.#feed ??= this.#follow();
  }

  /** Takes over what another one was told, and of what its feed said all that is true whatever a feed says later. */
  inherit(other: Knowledge): void {
    this.#told = other.#told;
    this.#toldAt = other.#toldAt;
    this.#unranked = other.#unranked;
    for (const entry of other.#changed) if (isPermanent(entry)) this.#take(entry);
    this.#lastVersion = Math.max(this.#lastVersion, other.#lastVersion);
  }

  /**
   * What is known now. A promise only where the authority has to be asked.
   *
   * @param stated - what the answer at hand states: given back where it is what is known
   */
  now({ issuer, serialNumber }: CertIdKey, stated?: StatusEntry): Known | Promise<Known> {
    const id = { issuer, serialNumber };
    const news = this.news(id);
    if (news !== undefined) {
      // What can never become untrue needs no one's word, also while the authority is out of reach.
      const changed = this.#changed.get(serialNumber);
      if (changed !== undefined && isPermanent(changed)) return news;
    }
    const begin = this.hasFeed ? performance.now() : 0;
    const found = this.authority.lookup(id);
    if (found instanceof Promise) return found.then((entry) => this.merge(id, entry, begin));
    if (stated !== undefined && found && news === undefined && !this.hasFeed && saysTheSame(stated, found))
      return stated;
    return this.merge(id, found, begin);
  }

  /**
   * What the feed and {@link tell} know of a certificate: whether an answer at hand is still right can be said without the
   * authority. undefined: nothing has changed since the beginning.
   */
  news({ serialNumber }: CertIdKey): Known {
    const told = this.#told.get(serialNumber);
    const changed = this.#changed.get(serialNumber);
    return told === undefined || changed === undefined ? (told ?? changed) : moreTrue(told, changed);
  }

  /** What is known of a certificate, where the authority has said `entry`. */
  withNews(id: CertIdKey, entry: Known): Known {
    const news = this.news(id);
    return news === undefined || entry === undefined ? (news ?? entry) : moreTrue(entry, news);
  }

  /** Takes note of a status. Returns the entry as it counts from now on. */
  tell(entry: StatusEntry, now: number): StatusEntry {
    const serial = hexOf(entry.serialNumber);
    const before = this.#told.get(serial);
    // A clock that was set back must not make the later word the weaker one. (Nor must what is told of many run ahead of it.)
    this.#lastVersion = Math.max(this.#lastVersion, Math.floor(now / 1000));
    const version = Math.max(this.#lastVersion, (before?.statusVersion ?? 0) + 1);
    // What it is told of again in the same second is newer than that, also once it is not remembered.
    if (version === this.#lastVersion + 1) this.#lastVersion = version;
    const told = { ...entry, statusVersion: entry.statusVersion ?? version };
    const stays = before === undefined ? told : moreTrue(told, before);
    this.#told.set(serial, stays);
    if (stays.status === OCSPCertStatus.REVOKED) this.#toldAt.delete(serial);
    else this.#toldAt.set(serial, now);
    return stays;
  }

  /**
   * Gives what was told a moment ago at least a version, unless somebody has told something else since. Returns the entry as it counts from
   * now on.
   *
   * @param told - what {@link tell} has returned
   */
  tellAtLeast(told: StatusEntry, version: number, now: number): StatusEntry {
    if (version <= (told.statusVersion ?? 0) || this.#told.get(hexOf(told.serialNumber)) !== told) return told;
    return this.tell({ ...told, statusVersion: version }, now);
  }

  /**
   * {@link tellAtLeast} such a version that the authority, by whatever clock its versions are, does not hide it from the beginning. Where it
   * cannot be asked now, the next thing that it says counts as what it had before.
   */
  async tellOverAuthority({ issuer, serialNumber }: CertIdKey, told: StatusEntry): Promise<StatusEntry> {
    const changed = this.#changed.get(serialNumber);
    const own = changed === undefined ? told : this.#tellOver(told, changed);
    this.#unranked.add(own);
    await this.now({ issuer, serialNumber });
    return this.#told.get(serialNumber) ?? own;
  }

  #rank(serial: string, found: StatusEntry): void {
    const told = this.#told.get(serial);
    if (told !== undefined && this.#unranked.delete(told)) this.#tellOver(told, found);
  }

  #tellOver(told: StatusEntry, found: StatusEntry): StatusEntry {
    if (isPermanent(found) || saysTheSame(found, told)) return told;
    // (It was told when it was: what the authority says of a time after that is newer.)
    const toldAt = this.#toldAt.get(hexOf(told.serialNumber)) ?? Date.now();
    return this.tellAtLeast(told, (found.statusVersion ?? 0) + 1, toldAt);
  }

  /** Resolves when the authority has been read for the first time, or could not be, and the feed has spoken. */
  async ready(): Promise<void> {
    await this.authority.ready?.();
    if (this.hasFeed) await this.#first;
  }

  /** @param keep - the authority goes on elsewhere */
  async close(keep: boolean): Promise<void> {
    this.#stop.abort();
    if (!keep) await this.authority.close?.();
  }

  /**
   * What is known of a certificate, where the authority has just said `given`.
   *
   * @param begin - performance.now() when the authority was asked
   */
  merge(id: CertIdKey, given: Known, begin: number = 0): Known {
    const entry = given && copyEntry(given);
    if (this.isReading) {
      if (this.#asked.size >= MOST_ASKED) this.#asked.clear();
      this.#asked.set(id.serialNumber, begin);
    }
    if (entry !== undefined) {
      this.#rank(id.serialNumber, entry);
      this.#endTold(id.serialNumber, entry);
    }
    // The feed will say so, too; until then, and should it be lost, this is remembered.
    if (this.hasFeed && entry !== undefined && isPermanent(entry)) this.#take(entry);
    return this.withNews(id, entry);
  }

  /**
   * Once the authority says that a hold has ended, it counts alone again: what was told is newer than any word without a version. So it does
   * when it says that another one has begun since.
   */
  #endTold(serial: string, { status, revocationTime }: StatusEntry): void {
    const told = this.#told.get(serial);
    if (told === undefined || told.status === OCSPCertStatus.REVOKED) return;
    const since = revocationTime?.getTime() ?? Number.NEGATIVE_INFINITY;
    const toldAt = this.#toldAt.get(serial) ?? Number.POSITIVE_INFINITY;
    // (Of most revocations the second is known.)
    const isLater = since % 1000 === 0 ? since >= toldAt - (toldAt % 1000) : since > toldAt;
    if (told.status !== status && !isLater) return;
    this.#told.delete(serial);
    this.#toldAt.delete(serial);
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    let pause = FIRST_PAUSE;
    while (!signal.aborted) {
      try {
        const feed = this.authority.changes?.(this.#cursor, signal) ?? [];
        for await (const changes of feed) {
          const { entries, cursor, more } = checkNames(changes, CHANGES, 'changes');
          for (const entry of entries) this.#take(entry);
          this.#cursor = cursor;
          if (more) {
            this.#readingUntil = performance.now() + PART_PAUSE;
          } else {
            this.#heardAt = performance.now();
            this.#readingUntil = Number.NEGATIVE_INFINITY;
            this.#asked.clear();
            this.#hasSpoken();
          }
          pause = FIRST_PAUSE;
          if (signal.aborted) return;
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#onError(error);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, pause);
        function done(): void {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          resolve();
        }
        signal.addEventListener('abort', done);
        timer.unref();
      });
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }

  #take(given: StatusEntry): void {
    const entry = copyEntry(given);
    const serial = hexOf(entry.serialNumber);
    this.#endTold(serial, entry);
    const before = this.#changed.get(serial);
    this.#changed.set(serial, before === undefined ? entry : moreTrue(entry, before));
  }
}
