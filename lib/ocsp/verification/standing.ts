/** Whether a certificate was good at any moment: what is asked about a CA or a delegate for each answer that it has signed. */

import type { Findings } from './judge.js';
import { type Circumstances, type Phase, phasesOf } from './statement.js';

/** An answer that was authentic when it was made. */
export interface Authentic {
  readonly made: Findings;
  /** Nothing speaks against it, or against its signer: it may count. */
  readonly isBelieved: boolean;
}

/** A height from a moment on, until before another one. */
interface Span {
  readonly from: number;
  readonly until: number;
  readonly height: number;
}

/** No "good" ends a hold. */
const NOTHING_LIFTED = Number.NEGATIVE_INFINITY;
/** An objection that no "good" ends; an entry that does not say "good". */
const ALWAYS = Number.POSITIVE_INFINITY;

/**
 * What `LinkFacts` say about every moment, as far as it is needed, by the same statements. Each entry is looked at once, however
 * many moments are asked about: an archive has thousands of answers, and each of them was made at a moment of its own.
 */
export class Standing {
  /** Where one answer says "good": as of when, at the latest, where that ends a hold. */
  readonly #good: Steps;
  /** Where one entry objects: a hold as of when it was known, at the latest. */
  readonly #objections: Steps;

  constructor(answers: Iterable<Authentic>, circumstances: Circumstances) {
    const good: Span[] = [];
    const objections: Span[] = [];
    for (const { made, isBelieved } of answers) {
      const ofEntries: Span[] = [];
      for (const entry of made.matching) {
        const phases = phasesOf(made.message, entry, circumstances);
        addSpans(objections, phases, objectionHeight);
        if (isBelieved) addSpans(ofEntries, phases, goodHeight);
      }
      // (All entries have to say it.)
      for (const span of new Steps(ofEntries).spans()) if (span.height !== ALWAYS) good.push(span);
    }
    this.#good = new Steps(good);
    this.#objections = new Steps(objections);
  }

  /** Whether an answer that counts says so, and nothing speaks against it. */
  isGood(at: number): boolean {
    return this.#good.at(at) !== null && !this.isRevoked(at);
  }

  /** Whether an answer says so, or one that does not count speaks against "good". */
  isRevoked(at: number): boolean {
    const objection = this.#objections.at(at);
    return objection !== null && objection >= (this.#good.at(at) ?? NOTHING_LIFTED);
  }
}

function objectionHeight({ isObjection, isHold, knownAt }: Phase): number | null {
  if (!isObjection) return null;
  return isHold ? knownAt : ALWAYS;
}

function goodHeight({ status, basis, knownAt }: Phase): number {
  if (status !== 'good') return ALWAYS;
  return basis === 'current' ? knownAt : NOTHING_LIFTED;
}

/** Adds the spans of the phases that have a height; those that follow each other at the same one are one span. */
function addSpans(spans: Span[], phases: readonly Phase[], heightOf: (phase: Phase) => number | null): void {
  let from = Number.NEGATIVE_INFINITY;
  for (const [i, phase] of phases.entries()) {
    const next = phases[i + 1];
    const height = heightOf(phase);
    if (next !== undefined && heightOf(next) === height) continue;
    const until = next?.from ?? Number.POSITIVE_INFINITY;
    if (height !== null) spans.push({ from, until, height });
    from = until;
  }
}

/** The greatest height at every moment, of spans that overlap. */
class Steps {
  /** Where a step begins; it ends where the next one begins. */
  readonly #starts: readonly number[];
  readonly #heights: readonly (number | null)[];

  constructor(spans: readonly Span[]) {
    const starts = [...new Set(spans.flatMap(({ from, until }) => [from, until]))].sort(compare);
    const indexes = new Map(starts.map((start, i) => [start, i]));
    const heights: (number | null)[] = starts.map(() => null);
    // The highest comes first, and no step is laid twice: from one that is laid, `next` leads on to one that may not be.
    const next = starts.map((_, i) => i);
    const free = (from: number): number => {
      let i = from;
      while (next[i] !== i) {
        next[i] = next[next[i] as number] as number;
        i = next[i] as number;
      }
      return i;
    };
    for (const { from, until, height } of [...spans].sort((one, other) => compare(other.height, one.height))) {
      const end = indexes.get(until) as number;
      for (let i = free(indexes.get(from) as number); i < end; i = free(i)) {
        heights[i] = height;
        next[i] = i + 1;
      }
    }
    this.#starts = starts;
    this.#heights = heights;
  }

  /** Null where there is no span. */
  at(moment: number): number | null {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] as number) <= moment) low = middle + 1;
      else high = middle;
    }
    return this.#heights[low - 1] ?? null;
  }

  *spans(): Generator<Span> {
    for (const [i, height] of this.#heights.entries()) {
      const until = this.#starts[i + 1];
      if (height !== null && until !== undefined) yield { from: this.#starts[i] as number, until, height };
    }
  }
}

function compare(one: number, other: number): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
