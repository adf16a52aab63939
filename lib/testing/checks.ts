import { AssertionError } from 'node:assert/strict';
import { inspect, isDeepStrictEqual, types } from 'node:util';
import type { Clauses } from './clauses.js';

/** Something that an implementation does not do as documented. */
export interface ConformanceFault {
  /** Number of the clause of `docs/conformance.md` that it breaks, such as `S3`. */
  readonly clause: string;
  /** What the clause says. */
  readonly text: string;
  /** What was tried. */
  readonly what: string;
  /** What should have come of it. */
  readonly expected: unknown;
  /** What came of it: a value, or the error that was thrown. */
  readonly seen: unknown;
}

/** An implementation does not do as documented. */
export class ConformanceError extends AssertionError {
  /** All that was found, in the order of the clauses. */
  readonly faults: readonly ConformanceFault[];

  /** @internal */
  constructor(faults: readonly ConformanceFault[]) {
    super({ message: describe(faults) });
    this.name = 'ConformanceError';
    this.faults = faults;
  }
}

/** What goes on trying, and notes what does not hold. */
export class Findings {
  readonly note: (fault: Pick<ConformanceFault, 'what' | 'expected' | 'seen'>) => void;

  constructor(note: Findings['note']) {
    this.note = note;
  }

  /** @param seen - a value, or what it is had from */
  async equal(what: string, seen: unknown, expected: unknown): Promise<void> {
    let value: unknown;
    try {
      value = await (typeof seen === 'function' ? seen() : seen);
    } catch (error) {
      value = error;
    }
    if (!isDeepStrictEqual(plain(value), plain(expected))) this.note({ what, expected, seen: value });
  }

  holds(what: string, isSo: boolean, expected: string, seen: unknown): void {
    if (!isSo) this.note({ what, expected, seen });
  }

  /** @param act - a call that has to fail with this code, at once or by a rejection */
  async refused(what: string, act: () => unknown, code: string): Promise<void> {
    const expected = `a rejection with code ${code}`;
    try {
      const value = await act();
      this.note({ what, expected, seen: `it went through: ${show(value)}` });
    } catch (error) {
      if ((error as NodeJS.ErrnoException | null)?.code !== code) this.note({ what, expected, seen: error });
    }
  }
}

/** How to find out whether a clause holds. */
export type Check<Id extends string> = readonly [clause: Id, tries: (findings: Findings) => Promise<void>];

/** Bytes by content: a Buffer is as good as a Uint8Array. */
function plain(value: unknown): unknown {
  return types.isUint8Array(value) ? Buffer.from(value) : value;
}

/** Carries out all checks, one after the other. @throws (rejects) ConformanceError with everything that was found. */
export async function carryOut<C extends Clauses>(
  clauses: C,
  checks: readonly Check<keyof C & string>[],
): Promise<void> {
  const faults: ConformanceFault[] = [];
  for (const [clause, tries] of checks) {
    const text = clauses[clause] as string;
    const findings = new Findings((fault) => faults.push({ clause, text, ...fault }));
    try {
      await tries(findings);
    } catch (error) {
      findings.note({ what: 'the check itself', expected: 'no error', seen: error });
    }
  }
  if (faults.length > 0) throw new ConformanceError(faults);
}

/** Faults of one clause that are written out; they are seldom different ones. */
const SHOWN = 5;

function describe(faults: readonly ConformanceFault[]): string {
  const clauses = [...new Set(faults.map(({ clause }) => clause))];
  const lines = [`${faults.length} faults, of ${clauses.length} clauses of docs/conformance.md`];
  for (const clause of clauses) {
    const own = faults.filter((fault) => fault.clause === clause);
    lines.push('', `${clause}: ${own[0]?.text}`);
    for (const { what, expected, seen } of own.slice(0, SHOWN))
      lines.push(`  ${what}`, `    expected: ${show(expected)}`, `    seen:     ${show(seen)}`);
    if (own.length > SHOWN) lines.push(`  and ${own.length - SHOWN} more`);
  }
  return lines.join('\n');
}

function show(value: unknown): string {
  if (value instanceof Error) {
    const { code } = value as NodeJS.ErrnoException;
    return `${value.name}${code === undefined ? '' : ` [${code}]`}: ${value.message.split('\n', 1)[0]}`;
  }
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 8, maxStringLength: 200, depth: 4 });
}
