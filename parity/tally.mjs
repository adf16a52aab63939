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
  #group;

  constructor(group) {
    this.#group = group;
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
    const exception = EXCEPTIONS.find(({ group, covers }) => group === this.#group && covers(difference));
    if (exception !== undefined) {
      this.exceptions.set(exception.id, (this.exceptions.get(exception.id) ?? 0) + 1);
      return;
    }
    this.differing += 1;
    if (this.differences.length < KEPT) this.differences.push(difference);
  }

  /** Exceptions that should have occurred with these versions, and did not. */
  absent(versions) {
    if (this.skipped !== undefined) return [];
    return EXCEPTIONS.filter(
      ({ group, id, occurs = () => true }) => group === this.#group && occurs(versions) && !this.exceptions.has(id),
    ).map(({ id }) => id);
  }
}

/** A value of any size on one line, for people. */
export function shown(value) {
  const text =
    typeof value === 'string'
      ? value
      : JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part));
  return text === undefined || text.length <= 4000
    ? String(text)
    : `${text.slice(0, 4000)}... (${text.length} characters)`;
}
