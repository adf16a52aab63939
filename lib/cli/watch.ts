/** When `query --watch` asks again. */
import type { Verdict } from '../ocsp/verification/verdict.js';

/** Milliseconds, where there was no answer. */
export const WATCH_AFTER_FAILURE = 60_000;
/** Of what is left of an answer past its half, after which a newer one may be there. */
const SHARE = 8;

/** When half of its time is over. Past that, the responder has nothing newer yet: the sooner the less time is left. */
export function askAgainAt({ refreshAt, freshUntil }: Verdict, now: number): number {
  if (refreshAt === null || freshUntil === null) return now + WATCH_AFTER_FAILURE;
  const half = refreshAt.getTime();
  return half > now ? half : now + (freshUntil.getTime() - now) / SHARE;
}
