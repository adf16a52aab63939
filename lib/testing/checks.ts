import { AssertionError } from 'node:assert/strict';

/** What has to hold, and how to find out: rejects when it does not. */
export type Check = readonly [claim: string, holds: () => Promise<void>];

/** Carries out checks one after the other. @throws (rejects) AssertionError, with the claim, for the first that fails. */
export async function carryOut(checks: readonly Check[]): Promise<void> {
  for (const [claim, holds] of checks) {
    try {
      await holds();
    } catch (cause) {
      const message = `${claim}: ${cause instanceof Error ? cause.message : String(cause)}`;
      throw Object.assign(new AssertionError({ message }), { cause });
    }
  }
}

/** The code by which a refusal is known. */
export function refusal(code: string): { code: string } {
  return { code };
}
