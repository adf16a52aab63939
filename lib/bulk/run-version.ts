import { invalidValue } from '../errors.js';
import { OCSPCertStatus } from '../ocsp/enums.js';
import type { ListEdition } from '../statuses/list-edition.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import type { OptionNames } from '../x509/options.js';
import { checkDate } from '../x509/time.js';

/** What a caller says of the version of a run's statuses. */
export interface VersionOptions {
  /**
   * Which knowledge the statuses are, a number that increases monotonically: of two responses for one certificate the higher one is served.
   * For entries that do not say it themselves. Default: by `modified`, by thisUpdate of a CRL, or else the second at which the run
   * begins; a run that is continued keeps its own. Where that second is before that of an earlier run, as after a clock that was ahead, what
   * `modified` says of such times holds for it.
   */
  readonly statusVersion?: number;
  /**
   * When the list was last modified, in the place of `statusVersion`. Such a time may go back (a clock that was set, a copy that
   * keeps times) though the list is newer. So where it is earlier than that of the list before, what the list says worse than good
   * counts as that of the list before, and only "good" as what was known at this time.
   */
  readonly modified?: Date;
  /**
   * Let a CRL count as known now that has a lower number, or an earlier thisUpdate, than one that the store has been signed from.
   * By default it is what was known earlier: what was revoked in between stays revoked.
   */
  readonly allowOlderList?: boolean;
}

/** The names of {@link VersionOptions}. */
export const VERSION_NAMES: OptionNames<VersionOptions> = { statusVersion: true, modified: true, allowOlderList: true };

/** Lists of which nothing is known but when they were modified, or read, are one list. */
const FILES = 'files';

/** How far an interrupted run was; what a checkpoint says. */
export interface RunToken {
  /** Entries of the source that are done. */
  readonly done: number;
  /** The last of them; undefined in a run that an earlier version of this package began. */
  readonly lastSerial: string | undefined;
  /** That of the run. Were a continued run given the time of its continuation, it would hide a revocation from between. */
  readonly statusVersion: number;
}

/** Which version the statuses of a run have, and whether its list may be signed at all. */
export class RunVersion {
  readonly #known: readonly ListEdition[];
  readonly #begun: RunToken | undefined;
  readonly #isGiven: boolean;
  /** Whether the caller's versions are numbers of whatever kind. */
  readonly #isFree: boolean;
  readonly #allowOlderList: boolean;
  readonly #now: number = Math.floor(Date.now() / 1000);
  /** Of entries that are good. */
  #version: number;
  /** Of all others. */
  #worse: number;
  #edition: ListEdition | undefined;
  /** That of a list of which nothing but a time is known; it is one where an entry does not say its version itself, or there is none. */
  readonly #dated: ListEdition | undefined;
  #isEmpty = true;
  #supersededBy: ListEdition | null = null;

  /**
   * @param known - the editions of the lists that the store has been signed from
   * @param begun - the run that is continued
   */
  constructor(options: VersionOptions, known: readonly ListEdition[], begun: RunToken | undefined) {
    const { statusVersion, modified, allowOlderList = false } = options;
    if (statusVersion !== undefined && modified !== undefined)
      throw invalidValue('statusVersion and modified are two versions');
    this.#known = known;
    this.#begun = begun;
    this.#isGiven = statusVersion !== undefined || modified !== undefined;
    this.#isFree = statusVersion !== undefined;
    this.#allowOlderList = allowOlderList;
    this.#version = statusVersion ?? begun?.statusVersion ?? this.#secondOf(modified);
    this.#worse = this.#version;
    if (statusVersion !== undefined) return;
    // The clock may have gone back as well as the time of a file.
    this.#worse = Math.max(this.#version, this.#before(FILES)?.thisUpdate ?? 0);
    this.#dated = { list: FILES, number: null, thisUpdate: this.#worse };
    if (modified !== undefined) this.#edition = this.#dated;
  }

  /**
   * Whether the clock says an earlier time than when the run began: it was wrong then, or is now. What is revoked meanwhile would be hidden
   * by "good" of this run.
   */
  get isOfFuture(): boolean {
    return !this.#isFree && this.#version > Math.floor(Date.now() / 1000);
  }

  /** The edition of the list, where it has one. */
  get edition(): ListEdition | undefined {
    return this.#edition ?? (this.#isEmpty ? this.#dated : undefined);
  }

  /** What a checkpoint says. */
  token(done: number, lastSerial: string | undefined): string {
    return `${done} ${this.#version}${lastSerial === undefined ? '' : ` ${lastSerial}`}`;
  }

  /** The edition that the store has been signed from, where this one goes back behind it. */
  get supersededBy(): ListEdition | null {
    return this.#supersededBy;
  }

  /**
   * Takes the edition that the source tells.
   *
   * @throws `ERR_OCSP_INVALID_VALUE` when it goes back and the caller gave a version, which may be anything.
   */
  take(edition: ListEdition): void {
    const before = this.#before(edition.list);
    let version = Math.min(edition.thisUpdate, this.#now);
    let worse = version;
    this.#edition = edition;
    if (before !== undefined && goesBack(edition, before)) {
      if (this.#allowOlderList) {
        version = this.#now;
        worse = version;
      } else if (this.#isGiven) {
        throw invalidValue(`the list goes back: ${editionName(edition)} after ${editionName(before)}`);
      } else {
        this.#edition = before;
        this.#supersededBy = before;
        version = Math.max(0, Math.min(version, before.thisUpdate - 1));
        // Number and time contradict each other: no one knows which is the later, so what is worse than good counts.
        if (isLater(edition, before)) worse = Math.max(worse, before.thisUpdate);
      }
    }
    if (this.#isGiven) return;
    this.#version = this.#begun?.statusVersion ?? version;
    this.#worse = Math.max(this.#version, worse);
  }

  /** The version of an entry's status. */
  of({ status, statusVersion }: StatusEntry): number {
    this.#isEmpty = false;
    if (statusVersion !== undefined) return statusVersion;
    this.#edition ??= this.#dated;
    return status === OCSPCertStatus.GOOD ? this.#version : this.#worse;
  }

  #before(list: string): ListEdition | undefined {
    return this.#known.find((edition) => edition.list === list);
  }

  /** Not later than now: a clock that was wrong must not hide all that follows. */
  #secondOf(modified: Date | undefined): number {
    if (modified === undefined) return this.#now;
    return Math.max(0, Math.min(checkDate(modified, 'modified').getTime() / 1000, this.#now));
  }
}

/** What {@link RunVersion.token} wrote. */
export function readToken(token: string | null): RunToken | undefined {
  if (token === null) return undefined;
  const [, done, statusVersion, lastSerial] = /^(\d+) (\d+)(?: (-?[0-9A-F]+))?$/.exec(token) ?? [];
  if (done === undefined)
    throw invalidValue(`the store has a run of this name that bulkSign did not begin: '${token}'`);
  return { done: Number(done), statusVersion: Number(statusVersion), lastSerial };
}

/** An edition in a few words. */
export function editionName({ number, thisUpdate }: ListEdition): string {
  const when = new Date(thisUpdate * 1000).toISOString();
  return number === null ? `that of ${when}` : `number ${number} of ${when}`;
}

function goesBack(edition: ListEdition, before: ListEdition): boolean {
  return edition.thisUpdate < before.thisUpdate || compareNumbers(edition, before) < 0;
}

function isLater(edition: ListEdition, before: ListEdition): boolean {
  return edition.thisUpdate > before.thisUpdate || compareNumbers(edition, before) > 0;
}

/** 0 where one of them has none. */
function compareNumbers({ number: a }: ListEdition, { number: b }: ListEdition): number {
  return a === null || b === null ? 0 : Number(BigInt(`0x${a}`) - BigInt(`0x${b}`));
}
