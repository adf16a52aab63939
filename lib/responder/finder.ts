/** Asks those who know of a certificate: the authority and the store of its issuer. */
import { OCSPCertStatus } from '../ocsp/enums.js';
import { isPermanent } from '../statuses/is-permanent.js';
import { saysTheSame } from '../statuses/says-the-same.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import { SegmentStore } from '../store/segment-store.js';
import { clock, type Prepared, tryLater } from './answer.js';
import { publishError } from './channels.js';
import { combine, type Finding, inTime } from './finding.js';
import type { ResponderIssuer } from './issuer.js';
import type { Known } from './knowledge.js';
import type { Limits } from './options.js';
import { moreTrue } from './statement.js';
import { knowsOnly } from './store-authority.js';
import { type AskedBy, readStore, type Stored } from './store-reader.js';

/** Milliseconds in which what is revoked shows. */
const SOON = 1000;

/** What a store that fails has to say. */
const UNREADABLE: unique symbol = Symbol('unreadable');
/** What a store says, if it can be read. */
export type MaybeStored = Stored | typeof UNREADABLE | undefined;

/** A certificate, and how it is asked about. */
export interface Subject extends AskedBy {
  readonly issuer: ResponderIssuer;
  readonly serialNumber: string;
}

export class Finder {
  readonly #owner: object;
  readonly #limits: Limits;

  /** @param owner - the responder, for its channels */
  constructor(owner: object, limits: Limits) {
    this.#owner = owner;
    this.#limits = limits;
  }

  /**
   * What the authority knows, and what was told since. Where it cannot be asked, a revocation for ever that was told is true all the same.
   *
   * @param stated - what the answer at hand states: given back where it is what is known
   * @throws (rejects, never at once) `NoAnswer`
   */
  known(subject: Subject, stated?: StatusEntry): Known | Promise<Known> {
    const { knowledge } = subject.issuer;
    try {
      const known = knowledge.now(subject, stated);
      if (!(known instanceof Promise)) return known;
      return inTime(known, this.#limits.live.timeout).catch((error: unknown) => this.#withoutAuthority(subject, error));
    } catch (error) {
      return Promise.reject(error).catch(() => this.#withoutAuthority(subject, error));
    }
  }

  /**
   * Both of the following, where the authority is the store, and that is read once for both; undefined elsewhere, and where it cannot be
   * read.
   */
  knownAndStored(subject: Subject): { known: Known; stored: Stored | undefined } | undefined {
    const { knowledge, store } = subject.issuer;
    // (One that takes time would be asked in vain.)
    if (store === undefined || !('getRecord' in store) || !knowsOnly(knowledge.authority, store)) return undefined;
    const stored = this.stored(subject);
    if (stored === UNREADABLE || stored instanceof Promise) return undefined;
    return { known: knowledge.merge(subject, stored?.entry), stored };
  }

  /** Whether a {@link SegmentStore} is still as it was when an answer in memory was held against what it has. */
  isSameStore({ store }: ResponderIssuer, { edition }: Prepared): boolean {
    if (edition < 0 || !(store instanceof SegmentStore)) return false;
    try {
      return store.edition() === edition;
    } catch {
      return false; // reading it will say what is wrong
    }
  }

  /** Whether nothing can have changed since then, as that store is all that is known, and nothing was told. */
  isAsFound({ issuer, serialNumber }: Subject, answer: Prepared): boolean {
    const { knowledge, store } = issuer;
    if (answer.edition < 0 || store === undefined || !knowsOnly(knowledge.authority, store)) return false;
    return knowledge.news({ issuer, serialNumber }) === undefined && this.isSameStore(issuer, answer);
  }

  #withoutAuthority({ issuer, serialNumber }: Subject, error: unknown): StatusEntry {
    publishError(this.#owner, 'authority', issuer, error);
    const news = issuer.knowledge.news({ issuer, serialNumber });
    if (news === undefined || !isPermanent(news)) throw tryLater();
    return news;
  }

  /** What the store has. Neither throws nor rejects. */
  stored(subject: Subject): MaybeStored | Promise<MaybeStored> {
    const { issuer, serialNumber } = subject;
    if (issuer.store === undefined) return undefined;
    const failed = (error: unknown): typeof UNREADABLE => {
      issuer.storeFailedAt = clock();
      publishError(this.#owner, 'store', issuer, error);
      return UNREADABLE;
    };
    try {
      const stored = readStore(issuer, issuer.store, serialNumber, subject);
      return stored instanceof Promise ? inTime(stored, this.#limits.live.timeout).catch(failed) : stored;
    } catch (error) {
      return failed(error);
    }
  }

  /**
   * What authority and store know together.
   *
   * @throws `NoAnswer` when the store cannot be read, and may hold a revocation that no one else knows: only "revoked" is true whatever
   * it holds.
   */
  together(
    { notIssued, knowledge }: ResponderIssuer,
    known: Known,
    stored: MaybeStored,
  ): { finding: Finding; stored: Stored | undefined } {
    if (stored !== UNREADABLE) {
      const since = notIssued === 'good' ? knowledge.authority.holds?.().thisUpdate : undefined;
      return { finding: combine(known, stored, since), stored };
    }
    if (known?.status !== OCSPCertStatus.REVOKED) throw tryLater();
    return { finding: known, stored: undefined };
  }

  /** @throws `NoAnswer` where the authority may be too far behind for what is no revocation. */
  checkLag({ issuer, serialNumber }: Subject, finding: Finding): void {
    if (finding?.status === OCSPCertStatus.REVOKED) return;
    if (isTooFar(issuer.knowledge.lagOf({ issuer, serialNumber }), this.#limits)) throw tryLater();
  }

  /**
   * Whether the feed is behind because it has much to read, so that the authority is asked about each certificate meanwhile: once a second,
   * as what is revoked shows within a second otherwise.
   */
  mustAsk({ issuer, serialNumber }: Subject): boolean {
    const { knowledge } = issuer;
    return knowledge.isReading && knowledge.lagOf({ issuer, serialNumber }) > Math.min(SOON, this.#limits.maxLag);
  }

  /** Whether an entry is still what is known, as far as can be said at once. */
  isStill({ issuer, serialNumber }: Subject, entry: StatusEntry): boolean {
    const { knowledge } = issuer;
    const id = { issuer, serialNumber };
    let known: Known | Promise<Known>;
    try {
      known = knowledge.hasFeed ? knowledge.news(id) : knowledge.now(id);
    } catch {
      known = knowledge.news(id);
    }
    if (known instanceof Promise) {
      // What has been told since counts; the rest is as new as the question.
      known.catch(() => undefined);
      known = knowledge.news(id);
    }
    return known === undefined || saysTheSame(entry, moreTrue(known, entry));
  }
}

/** Whether an authority is too far behind. What has never been read is, however much is allowed. */
export function isTooFar(lag: number, { maxLag }: Pick<Limits, 'maxLag'>): boolean {
  return lag > maxLag || lag === Number.POSITIVE_INFINITY;
}
