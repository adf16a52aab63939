/** What an authority has said last of the certificates about which answers are under way. */
import { isPermanent } from '../statuses/is-permanent.js';
import { saysTheSame } from '../statuses/says-the-same.js';
import type { Known } from './knowledge.js';
import { moreTrue } from './statement.js';

interface Word {
  readonly entry: Known;
  /** When the question came that it answers, by a clock that no one sets. */
  readonly at: number;
}

interface UnderWay {
  answers: number;
  last: Word | undefined;
}

/**
 * An answer that takes time, as what it is made of is looked up, read or signed, may be overtaken by one that was begun later: what it says is
 * an older state then, and must neither be given after the newer one nor kept in its place.
 */
export class Words {
  readonly #underWay = new Map<string, UnderWay>();

  /** Keeps what is heard of a certificate until an answer is there. */
  async during<T>(serial: string, answer: Promise<T>): Promise<T> {
    let one = this.#underWay.get(serial);
    if (one === undefined) {
      one = { answers: 0, last: undefined };
      this.#underWay.set(serial, one);
    }
    one.answers += 1;
    try {
      return await answer;
    } finally {
      one.answers -= 1;
      if (one.answers === 0) this.#underWay.delete(serial);
    }
  }

  /** @param at - when the question came */
  heard(serial: string, entry: Known, at: number): void {
    if (this.#underWay.size === 0) return;
    const one = this.#underWay.get(serial);
    if (one !== undefined && !isOlder({ entry, at }, one.last)) one.last = { entry, at };
  }

  /** Whether something else has been heard since. */
  isOutdone(serial: string, entry: Known, at: number): boolean {
    const last = this.#underWay.get(serial)?.last;
    return !isSame(entry, last?.entry) && isOlder({ entry, at }, last);
  }
}

function isOlder(word: Word, last: Word | undefined): boolean {
  if (last === undefined) return false;
  // As in `moreTrue`: whoever has been asked later may know less, as one copy of a database that lags behind another.
  const permanent = Number(isForEver(word)) - Number(isForEver(last));
  if (permanent !== 0) return permanent < 0;
  if (word.at !== last.at) return word.at < last.at;
  const [a, b] = [word.entry, last.entry];
  return a === undefined || (b !== undefined && moreTrue(a, b) === b && a !== b);
}

function isForEver({ entry }: Word): boolean {
  return entry !== undefined && isPermanent(entry);
}

function isSame(a: Known, b: Known): boolean {
  return a === undefined || b === undefined ? a === b : saysTheSame(a, b);
}
