/** Asks responders until one of them has said something that counts. */
import { better, type OCSPAttempt, settles } from './attempt.js';
import type { Deadline } from './deadline.js';
import { type InquiryOptions, inquire } from './inquiry.js';
import type { ResponderMemories } from './responder.js';
import type { Subject } from './subject.js';

/** What came of a search. */
export interface SearchResult {
  /** The one that tells most. */
  readonly best: OCSPAttempt;
  /** All, in the order in which they ended. */
  readonly attempts: readonly OCSPAttempt[];
}

/**
 * Asks the first responder; the next when it fails, or when it takes long. Never rejects.
 *
 * @param responders - One or more.
 * @param hedgeAfter - Milliseconds after which the next responder is asked, too.
 * @param deadline - Ends the search, and ends with it.
 */
export async function search(
  responders: readonly URL[],
  memories: ResponderMemories,
  subject: Subject,
  options: InquiryOptions,
  hedgeAfter: number,
  deadline: Deadline,
): Promise<SearchResult> {
  const { clock } = options;
  const attempts: OCSPAttempt[] = [];
  const { signal } = deadline;
  const queue = responders.values();
  let best: OCSPAttempt | undefined;

  try {
    await new Promise<void>((resolve, reject) => {
      let running = 0;
      let callOffHedge = (): void => {};
      const askNext = (): void => {
        callOffHedge();
        const next = queue.next();
        if (next.done || signal.aborted) {
          if (running === 0) resolve();
          return;
        }
        running += 1;
        callOffHedge = clock.after(hedgeAfter, askNext);
        inquire(next.value, memories.of(next.value), subject, options, signal, (attempt) => {
          attempts.push(attempt);
        }).then((attempt) => {
          running -= 1;
          best = better(best, attempt);
          if (!settles(attempt)) return askNext();
          callOffHedge();
          resolve();
        }, reject);
      };
      askNext();
    });
  } finally {
    deadline.abort(new Error('another responder has answered'));
  }
  return { best: best as OCSPAttempt, attempts };
}
