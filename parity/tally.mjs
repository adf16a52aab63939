// Counting: what agrees, what is a listed exception, what is neither.
import { isDeepStrictEqual } from 'node:util';
import { EXCEPTIONS } from './exceptions.mjs';

/** Differences of a group that are kept to be printed. */
const KEPT = 5;

export class Tally {
  cases = 0;
  agreements = 0;
  exceptions = new Map();
  differences = [];
  differing = 0;
  skipped;
  #listed;

  constructor(group, versions) {
    this.#listed = EXCEPTIONS.filter((item) => item.group === group && (item.occurs?.(versions) ?? true));
  }

  /**
   * One comparison. `facts` say what it was about; they are printed with a difference, and exceptions may ask for them.
   *
   * @param {string} what
   * @param {unknown} ours
   * @param {unknown} theirs OpenSSL's
   */
  compare(what, ours, theirs, facts = {}) {
    this.cases += 1;
    if (isDeepStrictEqual(ours, theirs)) {
      this.agreements += 1;
      return;
    }
    const difference = { what, ours, theirs, ...facts };
    const exception = this.#listed.find(({ covers }) => covers(difference));
    if (exception !== undefined) {
      this.exceptions.set(exception.id, (this.exceptions.get(exception.id) ?? 0) + 1);
      return;
    }
    this.#differ(difference);
  }

  /** A case that its list says is different. */
  differs(what, still) {
    this.cases += 1;
    if (still) this.exceptions.set('listed', (this.exceptions.get('listed') ?? 0) + 1);
    else this.#differ({ what, ours: 'as OpenSSL', theirs: 'listed as different' });
  }

  #differ(difference) {
    this.differing += 1;
    if (this.differences.length < KEPT) this.differences.push(difference);
  }

  /** Listed exceptions that did not occur. */
  get absent() {
    if (this.skipped !== undefined) return [];
    return this.#listed.filter(({ id }) => !this.exceptions.has(id)).map(({ id }) => id);
  }
}

/** A value for people: one of any size is cut. */
export function shown(value) {
  const text =
    typeof value === 'string'
      ? value
      : JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part));
  return text === undefined || text.length <= 1000
    ? String(text)
    : `${text.slice(0, 1000)}... (${text.length} characters)`;
}

/** Two values that differ: of long texts, the first lines that do. */
export function shownPair(ours, theirs) {
  if (typeof ours !== 'string' || typeof theirs !== 'string') return [shown(ours), shown(theirs)];
  const [own, other] = [ours.split('\n'), theirs.split('\n')];
  const line = own.findIndex((text, i) => text !== other[i]);
  return [own, other].map((lines) => (lines.length < 2 ? shown(lines[0]) : `line ${line + 1}: ${shown(lines[line])}`));
}
