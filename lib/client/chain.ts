/** The certificates of a chain, one by one. */
import type { CheckOutcome, CheckResult } from './check-result.js';

/** What `OCSPClient.checkChain` found out. */
export class ChainResult {
  /**
   * Revoked, undetermined or unknown where that is the outcome of one of them, the worst first; else that of the first, which is the
   * end entity's: `'good'` or `'not-applicable'`.
   */
  readonly outcome: CheckOutcome;
  /** Whether all are allowed. */
  readonly allowed: boolean;
  /** One for each certificate but the last, in their order. */
  readonly results: readonly CheckResult[];

  /** @internal */
  constructor(results: readonly CheckResult[]) {
    this.results = results;
    this.allowed = results.every(({ allowed }) => allowed);
    const worst = WORST_FIRST.find((outcome) => results.some((result) => result.outcome === outcome));
    this.outcome = worst ?? results[0]?.outcome ?? 'undetermined';
  }

  /** All of them, one after the other. For people; the wording may change. */
  explain(): string {
    return this.results.map((result, i) => `certificate ${i}:\n${result.explain()}`).join('\n');
  }
}

const WORST_FIRST: readonly CheckOutcome[] = ['revoked', 'undetermined', 'unknown'];
