/** How a responder is doing. */
import { nameLine } from '../x509/name-line.js';
import { type AnswerSource, clock } from './answer.js';
import type { Answerer } from './answerer.js';
import type { Counters } from './counters.js';
import { isTooFar } from './finder.js';
import type { ResponderIssuer } from './issuer.js';

/** How a responder is doing. */
export interface ResponderHealth {
  /** Whether it can answer for all of its issuers: each has a signer or a store that can be read, and an authority that is up to date. */
  readonly ready: boolean;
  /** Whether it takes no new requests any more. */
  readonly draining: boolean;
  readonly issuers: readonly IssuerHealth[];
  readonly live: LiveHealth;
  readonly cache: CacheHealth;
  readonly answers: AnswerCounts;
  /** Seconds by which an authority may be behind before nothing is good any more. */
  readonly maxLag: number;
  /** Seconds since the responder was made. */
  readonly uptime: number;
}

/** What is in memory. */
export interface CacheHealth {
  readonly answers: number;
  readonly bytes: number;
  /** When the oldest of these answers was signed; null when there is none. */
  readonly oldest: Date | null;
}

/** One issuer of it. */
export interface IssuerHealth {
  readonly name: string;
  readonly ready: boolean;
  /** What keeps it from being ready; empty when it is. */
  readonly problems: readonly string[];
  /** Seconds by which its authority may be behind. */
  readonly lag: number;
  readonly signers: readonly SignerHealth[];
}

/** A signer of an issuer. */
export interface SignerHealth {
  readonly subject: string;
  readonly serialNumber: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Whether it is the one that signs now. */
  readonly active: boolean;
}

/** What is being signed. */
export interface LiveHealth {
  readonly inflight: number;
  readonly waiting: number;
}

/** Answers so far. */
export interface AnswerCounts {
  readonly total: number;
  /** By what they say: `good`, `revoked`, `unknown`, `several` (more than one certificate), or the error. */
  readonly byType: Readonly<Record<string, number>>;
  readonly bySource: Readonly<Record<AnswerSource, number>>;
  /** GET requests whose path a proxy had merged slashes in. */
  readonly pathMerged: number;
}

export function healthOf(
  { issuers, limits, desk, cache }: Answerer,
  counters: Counters,
  draining: boolean,
  begin: number,
): ResponderHealth {
  const now = Date.now();
  const list = issuers.map((issuer): IssuerHealth => {
    const active = issuer.signerAt(now);
    const { lag, isReading } = issuer.knowledge;
    const problems: string[] = [];
    // (While long news is read the authority is asked about each certificate.)
    if (isTooFar(lag, limits) && !isReading) problems.push('the authority is not up to date');
    if (active === undefined && issuer.store === undefined) problems.push('no signer has a valid certificate');
    if (isStoreFailing(issuer)) problems.push('the store cannot be read');
    if (issuer.gate.isStuck || issuer.deviceGate.isStuck) problems.push('the signer does not answer');
    const signers = issuer.signers.map((signer) => ({
      subject: nameLine(signer.responder.x509.subject),
      serialNumber: signer.responder.x509.serialNumber,
      notBefore: new Date(signer.notBefore),
      notAfter: new Date(signer.notAfter),
      active: signer === active,
    }));
    return { name: issuer.name, ready: problems.length === 0, problems, lag: lag / 1000, signers };
  });
  const gates = [desk.gate, ...issuers.flatMap(({ gate, deviceGate }) => [gate, deviceGate])];
  return {
    ready: !draining && list.every(({ ready }) => ready),
    draining,
    issuers: list,
    live: {
      inflight: gates.reduce((sum, { inflight }) => sum + inflight, 0),
      waiting: gates.reduce((sum, { waiting }) => sum + waiting, desk.turns.waiting),
    },
    cache: { answers: cache.size, bytes: cache.bytes, oldest: cache.oldest },
    answers: counters.snapshot(),
    maxLag: limits.maxLag / 1000,
    uptime: (performance.now() - begin) / 1000,
  };
}

/** Milliseconds for which a store that could not be read counts as such. */
const STORE_TROUBLE = 10_000;

/** Whether it could not be read a moment ago, or cannot be read now; of what takes time the next question learns that. */
function isStoreFailing(issuer: ResponderIssuer): boolean {
  const failed = (): void => {
    issuer.storeFailedAt = clock();
  };
  try {
    const found = issuer.store?.get('00');
    if (found instanceof Promise) found.catch(failed);
  } catch {
    failed();
  }
  return clock() - issuer.storeFailedAt < STORE_TROUBLE;
}

/** The health of several processes that share a port, as one. */
export function mergeHealth(list: readonly [ResponderHealth, ...ResponderHealth[]]): ResponderHealth {
  const [first] = list;
  const sum = (value: (one: ResponderHealth) => number): number => list.reduce((all, one) => all + value(one), 0);
  const sums = <T extends Readonly<Record<string, number>>>(value: (one: ResponderHealth) => T): T =>
    Object.fromEntries(Object.keys(value(first)).map((name) => [name, sum((one) => value(one)[name] ?? 0)])) as T;
  return {
    ready: list.every(({ ready }) => ready),
    draining: list.some(({ draining }) => draining),
    issuers: first.issuers.map((issuer, i) => ({
      ...issuer,
      ready: list.every(({ issuers }) => issuers[i]?.ready),
      problems: [...new Set(list.flatMap(({ issuers }) => issuers[i]?.problems ?? []))],
      lag: Math.max(...list.map(({ issuers }) => issuers[i]?.lag ?? 0)),
    })),
    live: { inflight: sum(({ live }) => live.inflight), waiting: sum(({ live }) => live.waiting) },
    cache: {
      answers: sum(({ cache }) => cache.answers),
      bytes: sum(({ cache }) => cache.bytes),
      oldest: list.reduce<Date | null>((oldest, { cache }) => earlier(oldest, cache.oldest), null),
    },
    answers: {
      total: sum(({ answers }) => answers.total),
      byType: sums(({ answers }) => answers.byType),
      bySource: sums(({ answers }) => answers.bySource),
      pathMerged: sum(({ answers }) => answers.pathMerged),
    },
    maxLag: first.maxLag,
    uptime: Math.min(...list.map(({ uptime }) => uptime)),
  };
}

function earlier(a: Date | null, b: Date | null): Date | null {
  return a === null || (b !== null && b < a) ? b : a;
}
