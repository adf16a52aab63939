/** The certificates of a chain, one by one. */
import type { CheckOutcome, CheckResult } from './check-result.js';

/** What `OCSPClient.checkChain` found out. */
export class ChainResult {
  /** The worst of all: revoked, undetermined, unknown, good; `'not-applicable'` when it is that of all. */
  readonly outcome: CheckOutcome;
  /** Whether all are allowed. */
  readonly allowed: boolean;
  /** One for each certificate but the last, in their order. */
  readonly results: readonly CheckResult[];

  /** @internal */
  constructor(results: readonly CheckResult[]) {
    this.results = results;
    this.allowed = results.every(({ allowed }) => allowed);
    this.outcome =
      WORST_FIRST.find((outcome) => results.some((result) => result.outcome === outcome)) ?? 'undetermined';
  }

  /** All of them, one after the other. For people; the wording may change. */
  explain(): string {
    return this.results.map((result, i) => `certificate ${i}:\n${result.explain()}`).join('\n');
  }
}

const WORST_FIRST: readonly CheckOutcome[] = ['revoked', 'undetermined', 'unknown', 'good', 'not-applicable'];
