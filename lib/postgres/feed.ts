/**
 * News by snapshots. The cursor is a snapshot of the database: which transactions had ended when it was taken. News are the rows whose last
 * change is of a transaction that had not. So nothing that is committed late is missed, and no one waits for a long transaction, nor reads
 * again what has been committed beside it.
 */
import type { StatusChanges } from '../responder/authority.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import type { Database, Session } from './database.js';
import { BY_ISSUER, copyRefused, IS_COPY, type IssuerKey, unknownIssuer } from './issuer.js';
import { COLUMNS, entryOf, type StatusRow } from './rows.js';

/** Rows that are handed over at once. */
const PIECE = 5000;
/** Milliseconds after which what was read is not what is known now. */
const SLOW = 2500;
/** The cursor of whoever has not read to the end of the first news. */
const BEGUN = 'begun';

/** (A copy of a stopped server has its mark, and gives out the same numbers again: it is told apart by when it was started.) */
const STATE = `SELECT i.id, m.id || '@' || extract(epoch FROM pg_postmaster_start_time()) || ' ' ||
    (SELECT system_identifier FROM pg_control_system()), pg_current_snapshot()::text, ${IS_COPY}
  FROM ocsp_incarnation m LEFT JOIN ocsp_issuer i ON ${BY_ISSUER}`;
const OF_ISSUER = `SELECT ${COLUMNS} FROM ocsp_status s WHERE s.issuer = $1`;
/** All that ever changed. */
const CHANGED = `${OF_ISSUER} AND s.txid IS NOT NULL`;
/**
 * Of transactions that began after the snapshot, and of each that was under way. (OFFSET 0 lets PostgreSQL look each of them up in the index,
 * however few it believes that there are. A row of a restored dump may bear the number of a transaction that is yet to come.)
 */
const SINCE = `SELECT news.* FROM (
    SELECT pg_snapshot_xmax($2::pg_snapshot), pg_snapshot_xmax(pg_current_snapshot())
    UNION ALL SELECT x, x FROM pg_snapshot_xip($2::pg_snapshot) x) began (low, high)
  CROSS JOIN LATERAL (${OF_ISSUER} AND s.txid >= began.low AND s.txid <= began.high
    AND s.txid < pg_snapshot_xmax(pg_current_snapshot()) OFFSET 0) news`;

/** What a cursor says. */
interface Position {
  /** Which numbers of transactions it is about: see the table `ocsp_incarnation`; those of another start are others. */
  readonly incarnation: string;
  readonly snapshot: string;
}

function positionOf(cursor: string | null): Position | undefined {
  const [, incarnation, snapshot] = /^(\S+ \d+) (\d+:\d+:[\d,]*)$/.exec(cursor ?? '') ?? [];
  return incarnation === undefined || snapshot === undefined ? undefined : { incarnation, snapshot };
}

/** What is new since `cursor`, in pieces; at least one, if only to say that nothing is. */
export async function* readNews(
  database: Database,
  issuer: IssuerKey,
  cursor: string | null,
): AsyncGenerator<StatusChanges> {
  const begin = performance.now();
  const session = await database.acquire();
  let isLost = true;
  let next: string;
  let rows: StatusRow[];
  try {
    // (Not in the transaction below, which would not see what another reader has just written.)
    await session.query('SELECT ocsp_incarnation()');
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    next = await open(session, issuer, cursor);
    for (let fetched = fetch(session); ; ) {
      rows = await fetched;
      if (rows.length < PIECE) break;
      // The next piece comes while this one is dealt with.
      fetched = fetch(session);
      yield { entries: rows.map(newsOf), cursor: cursor ?? BEGUN, more: true };
    }
    await session.query('COMMIT');
    isLost = false;
  } finally {
    session.release(isLost);
  }
  const more = performance.now() - begin > SLOW;
  yield { entries: rows.map(newsOf), cursor: next, ...(more && { more }) };
}

function fetch(session: Session): Promise<StatusRow[]> {
  const rows = session.query<StatusRow>(`FETCH ${PIECE} FROM news`);
  // (What it throws is thrown where it is awaited, unless no one wants the rest.)
  rows.catch(() => undefined);
  return rows;
}

/** Declares the SQL cursor `news`. Returns where to go on after it. */
async function open(session: Session, issuer: IssuerKey, cursor: string | null): Promise<string> {
  type State = [issuer: number | null, incarnation: string, snapshot: string, isCopy: boolean];
  const [state] = await session.query<State>(STATE, issuer.hashes);
  if (state === undefined) throw new Error('the database has just been started again');
  const [id, incarnation, snapshot, isCopy] = state;
  if (isCopy) throw copyRefused();
  if (id === null) throw unknownIssuer(issuer);
  const since = positionOf(cursor);
  const isKnown = since?.incarnation === incarnation;
  // All that ever changed, for whoever comes from elsewhere: a hold may have ended.
  const news = isKnown ? SINCE : cursor === null ? `${CHANGED} AND s.status <> 0` : CHANGED;
  await session.query(`DECLARE news NO SCROLL CURSOR FOR ${news}`, isKnown ? [id, since.snapshot] : [id]);
  return `${incarnation} ${snapshot}`;
}

/** Extensions that do not parse are no reason to keep quiet about a revocation. */
function newsOf(row: StatusRow): StatusEntry {
  try {
    return entryOf(row);
  } catch {
    const [serial, status, version, revokedAt, reason] = row;
    return entryOf([serial, status, version, revokedAt, reason, null]);
  }
}
