/** What takes as long as it takes is waited for while the server is at it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, Session } from './database.js';

/** Milliseconds between two questions. */
const INTERVAL = 5000;
/** Milliseconds after which a server that has not said yes counts as lost. */
const SILENCE = 30_000;

/** (Where `track_activities` is off there is no more to be seen than that the process is there.) */
const IS_AT_IT = "SELECT FROM pg_stat_activity WHERE pid = $1 AND coalesce(state, '') NOT LIKE 'idle%'";

/**
 * Ends the connection of a session that waits for its server process while the server does not say, on a connection beside the pool's,
 * that the process is at something. Until `signal` is aborted.
 */
export async function attend(
  database: Database,
  session: Session,
  process: number,
  signal: AbortSignal,
): Promise<void> {
  let cause: unknown;
  for (let heardAt = performance.now(); ; ) {
    await sleep(INTERVAL, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      const isAtIt = !session.isWaiting || (await database.queryBeside(IS_AT_IT, [process], signal)).length > 0;
      if (isAtIt) heardAt = performance.now();
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (signal.aborted) return;
    if (!session.isWaiting || performance.now() - heardAt < SILENCE) continue;
    session.destroy(
      new Error(`the server has not said for ${SILENCE / 1000} seconds that it is at a statement`, { cause }),
    );
    return;
  }
}
