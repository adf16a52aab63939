/**
 * A database, a cache and two responders, and whatever happens to them in whatever order: no one gets good after the promised lag, no one
 * gets an older state after a newer one from one responder, nothing that was committed is lost.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { Redis } from 'iovalkey';
import { loadDerOcspResponse, OCSPCertStatus, OCSPResponseStatus } from 'openssl-ocsp';
import { PostgresAuthority } from 'openssl-ocsp/postgres';
import { Responder } from 'openssl-ocsp/responder';
import { ValkeyStore } from 'openssl-ocsp/valkey';
import { testIf } from '../helpers/conditional.js';
import { Line } from '../helpers/line.js';
import { hasPostgres, PostgresServer, runSql } from '../helpers/postgres-server.js';
import { randomFrom } from '../helpers/random.js';
import { hasRedisServer, RedisServer } from '../helpers/redis-server.js';
import { repeated } from '../helpers/repeated.js';
import { ask, ca, delegate } from '../responder/fixtures.js';
import { addIssuer } from './fixtures.js';

const SERIALS = Array.from({ length: 7 }, (_, i) => (0x2000 + i).toString(16).toUpperCase());
/** Nothing happens to this one before the end. */
const LAST = SERIALS.at(-1) as string;
const STEPS = 45;
/** Seconds. */
const MAX_LAG = 2;
/** Milliseconds: with an answer that was under way, on a slow machine. */
const PROMISED = MAX_LAG * 1000 + 5000;
const MINUTES = 60_000;
const HOLD = 6;

interface Certificate {
  status: 'good' | 'hold' | 'revoked';
  /** performance.now() when a revocation for ever had been committed. */
  committedAt: number;
}

interface Node {
  readonly responder: Responder;
  readonly store: ValkeyStore;
  /** Certificates that it has called revoked for ever. */
  readonly seen: Set<string>;
}

class Fleet {
  readonly history: string[] = [];
  readonly #certificates = new Map<string, Certificate>(
    SERIALS.map((serial) => [serial, { status: 'good', committedAt: Number.POSITIVE_INFINITY }]),
  );
  readonly #nodes: Node[] = [];
  readonly #random: () => number;
  readonly #database: PostgresServer;
  readonly #cache: RedisServer;
  readonly #url: string;
  /** From nodes to the database and to the cache. */
  readonly #lines: Line[];
  /** Values that were in the cache at some time. */
  readonly #old = new Map<string, Buffer>();
  isDown = false;
  isUncached = false;

  constructor(random: () => number, database: PostgresServer, url: string, cache: RedisServer, lines: Line[]) {
    this.#random = random;
    this.#lines = lines;
    this.#database = database;
    this.#url = url;
    this.#cache = cache;
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #anyone(): string {
    return SERIALS[this.below(SERIALS.length - 1)] as string;
  }

  async addNode(): Promise<void> {
    const [toDatabase, toCache] = this.#lines as [Line, Line];
    const url = this.#url.replace(/host=.*/, `host=${encodeURIComponent(toDatabase.folder)}`);
    const authority = new PostgresAuthority(url, { issuer: ca.certificate, interval: 100 });
    const store = await ValkeyStore.open({ servers: [toCache.socket], issuer: ca.certificate, memoryTime: 50 });
    const signers = [{ responder: delegate.certificate, privateKey: delegate.privateKey }];
    const issuers = [{ certificate: ca.certificate, authority, signers, store }];
    const responder = new Responder({ issuers, maxLag: MAX_LAG });
    void responder.ready();
    this.#nodes.push({ responder, store, seen: new Set() });
  }

  async removeNode(at: number): Promise<void> {
    const [node] = this.#nodes.splice(at, 1);
    await node?.responder.close();
    node?.store.close();
  }

  /** The same number of nodes, one of them new. */
  async restartNode(): Promise<void> {
    await this.removeNode(this.below(this.#nodes.length));
    await this.addNode();
  }

  async change(serial = this.#anyone(), way = this.below(2)): Promise<void> {
    const certificate = this.#certificates.get(serial) as Certificate;
    if (certificate.status === 'revoked' || this.isDown) return;
    const to = way === 0 ? 'revoked' : certificate.status === 'hold' ? 'good' : 'hold';
    this.history.push(`${serial} becomes ${to}`);
    const [status, reason] = { good: [0, null], hold: [1, HOLD], revoked: [1, 1] }[to] as [number, number | null];
    // (Before: a node may know as soon as it is committed.)
    certificate.status = to;
    await runSql(
      this.#url,
      `UPDATE ocsp_status SET status = $2::int2, revoked_at = CASE WHEN $2::int2 = 1 THEN now() END, reason = $3 WHERE serial = ocsp_serial($1)`,
      [serial, status, reason],
    );
    if (to === 'revoked') certificate.committedAt = performance.now();
  }

  async question(at = this.below(this.#nodes.length), serial = this.#anyone()): Promise<void> {
    const node = this.#nodes[at] as Node;
    const certificate = this.#certificates.get(serial) as Certificate;
    const isLate = performance.now() - certificate.committedAt > PROMISED;
    const hasSaid = node.seen.has(serial);
    const hash = (['sha1', 'sha256'] as const)[this.below(2)] ?? 'sha1';
    const nonce = this.below(4) === 0 ? { nonce: Buffer.alloc(32, 1) } : {};
    const response = loadDerOcspResponse((await node.responder.answer(ask([serial], { hash, ...nonce }))).der);
    if (response.responseStatus !== OCSPResponseStatus.SUCCESSFUL) {
      this.history.push(`${at}: ${serial} ${OCSPResponseStatus[response.responseStatus]}`);
      if (response.responseStatus !== OCSPResponseStatus.TRY_LATER) throw new Error('neither an answer nor tryLater');
      return;
    }
    const isForEver =
      response.certificateStatus === OCSPCertStatus.REVOKED && response.revocationReason !== 'certificateHold';
    this.history.push(`${at}: ${serial} ${OCSPCertStatus[response.certificateStatus]}${isForEver ? ' for ever' : ''}`);
    if (isForEver) node.seen.add(serial);
    else if (hasSaid) throw new Error('an older state after a newer one');
    else if (isLate) throw new Error('not revoked after the promised lag');
    if (isForEver && certificate.status !== 'revoked') throw new Error('revoked out of nothing');
  }

  /** All nodes know all that was committed. */
  async settle(): Promise<void> {
    await this.databaseUp();
    await this.cacheUp();
    for (const { responder } of this.#nodes)
      for (const [serial, { status }] of this.#certificates)
        for (;;) {
          const response = loadDerOcspResponse((await responder.answer(ask([serial]))).der);
          const isAnswer = response.responseStatus === OCSPResponseStatus.SUCCESSFUL;
          const expected = status === 'good' ? OCSPCertStatus.GOOD : OCSPCertStatus.REVOKED;
          if (isAnswer && response.certificateStatus === expected) break;
          await sleep(20);
        }
  }

  async databaseDown(): Promise<void> {
    if (this.isDown) return;
    this.isDown = true;
    this.history.push('the database is killed');
    await this.#database.down(this.below(2) === 0 ? 'SIGKILL' : 'SIGQUIT');
  }

  async databaseUp(): Promise<void> {
    if (!this.isDown) return;
    this.history.push('the database is back');
    await this.#database.up();
    this.isDown = false;
  }

  async cacheDown(): Promise<void> {
    if (this.isUncached) return;
    this.isUncached = true;
    this.history.push('the cache is killed');
    await this.#cache.kill();
  }

  async cacheUp(): Promise<void> {
    if (!this.isUncached) return;
    this.history.push('the cache is back, and empty');
    rmSync(this.#cache.socket, { force: true });
    await this.#cache.start();
    this.isUncached = false;
  }

  async cacheSlow(): Promise<void> {
    this.history.push('the cache hangs for a while');
    this.#cache.suspend();
    for (let i = 0; i < 3; i += 1) await this.question();
    this.#cache.resume();
  }

  /** The nodes are cut off from the database, where revocations go on, or from the cache. */
  async cut(at: 0 | 1): Promise<void> {
    this.history.push(`no line to the ${at === 0 ? 'database' : 'cache'}`);
    this.#lines[at]?.cut();
    for (let i = 0; i < 2; i += 1) await this.change();
    for (let i = 0; i < 6; i += 1) await this.question();
    this.#lines[at]?.mend();
    this.history.push('the line is mended');
  }

  /** A certificate whose answer is at hand everywhere is revoked where no one hears of it, for longer than is promised. */
  async cutForLong(): Promise<void> {
    this.#lines[0]?.cut();
    await this.change(LAST, 0);
    await sleep(PROMISED + 100);
    const asked = this.#nodes.flatMap((_, at) => Array.from({ length: 8 }, () => this.question(at, LAST)));
    await Promise.all(asked);
    this.#lines[0]?.mend();
  }

  /** Whoever controls the cache empties it, or brings back what it had before, whatever came since. */
  async attack(): Promise<void> {
    if (this.isUncached) return;
    const redis = new Redis({ path: this.#cache.socket });
    try {
      for (const key of await redis.keys('*')) {
        const value = await redis.getBuffer(key).catch(() => null);
        if (value !== null && !this.#old.has(key)) this.#old.set(key, value);
      }
      const kind = this.below(3);
      this.history.push(`the cache is ${['emptied', 'set back', 'mixed up'][kind]}`);
      if (kind === 0) await redis.flushall();
      const values = [...this.#old.values()];
      for (const [key, value] of this.#old) {
        if (kind === 1) await redis.set(key, value);
        if (kind === 2) await redis.set(key, values[this.below(values.length)] as Buffer);
      }
    } finally {
      redis.disconnect();
    }
  }

  async close(): Promise<void> {
    while (this.#nodes.length > 0) await this.removeNode(0);
  }
}

async function run(t: ExecutionContext, seed: number, database: PostgresServer): Promise<void> {
  const random = randomFrom(seed);
  const url = await database.database();
  const issuer = await addIssuer(url, ca.certificate);
  await runSql(
    url,
    'INSERT INTO ocsp_status (issuer, serial, status) SELECT $1, ocsp_serial(n), 0 FROM unnest($2::text[]) n',
    [issuer, SERIALS],
  );
  const cache = await RedisServer.start(t);
  const lines = [await Line.open(join(database.folder, '.s.PGSQL.5432')), await Line.open(cache.socket)];
  const fleet = new Fleet(random, database, url, cache, lines);
  const realNow = Date.now;
  let offset = 0;
  Date.now = () => realNow() + offset;
  try {
    await fleet.addNode();
    await fleet.addNode();
    for (let step = 0; step < STEPS; step += 1) {
      const kind = fleet.below(24);
      if (kind < 5) await fleet.change();
      else if (kind === 5) await fleet.databaseDown();
      else if (kind < 8) await fleet.databaseUp();
      else if (kind === 8) await fleet.cacheDown();
      else if (kind === 9) await fleet.cacheUp();
      else if (kind === 10) await fleet.cacheSlow();
      else if (kind < 14) await fleet.attack();
      else if (kind === 14) await fleet.restartNode();
      else if (kind === 15) offset = [-10 * MINUTES, 0, 10 * MINUTES][fleet.below(3)] as number;
      else if (kind === 16) await fleet.cut(0);
      else if (kind === 17) await fleet.cut(1);
      else if (kind === 18) await sleep(PROMISED / 4);
      for (let i = 0; i < 4; i += 1) await fleet.question();
    }
    await fleet.settle();
    await fleet.cutForLong();
    await fleet.settle();
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}: ${fleet.history.join('; ')}`, { cause: error });
  } finally {
    Date.now = realNow;
    await fleet.close();
    for (const line of lines) line.close();
    await fleet.databaseUp();
  }
}

testIf(hasPostgres && hasRedisServer)('any order of changes, kills, attacks on the cache and clocks', async (t) => {
  t.timeout(900_000);
  const server = await PostgresServer.start();
  t.teardown(() => server.remove());
  for (let seed = 1; seed <= repeated(1); seed += 1) await run(t, seed, server);
  t.pass();
});
