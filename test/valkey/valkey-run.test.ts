/** Bulk runs that wait at servers: hosts that begin the same one, servers that drop what waits, calls that fail. */
import fc from 'fast-check';
import type { Redis } from 'iovalkey';
import { loadDerOcspResponse, OCSPCertStatus } from 'openssl-ocsp';
import {
  type BulkResult,
  bulkSign,
  iterableSource,
  type ResponseRecord,
  ResponseSigner,
  type ResponseStore,
  type RunWriter,
} from 'openssl-ocsp/bulk';
import type { ValkeyStore } from 'openssl-ocsp/valkey';
import { testIf } from '../helpers/conditional.js';
import { hasRedisServer, RedisServer } from '../helpers/redis-server.js';
import { ca, delegate } from '../responder/fixtures.js';
import { answer, client, open } from './fixtures.js';

const withServer = testIf(hasRedisServer);
const LOCKED = { code: 'ERR_OCSP_STORE_LOCKED' };
const DROPPED = { code: 'ERR_OCSP_STORE_DAMAGED' };

/** Answers for so many certificates. */
function answers(count: number, from = 0x7000): (ResponseRecord & { serial: string })[] {
  return Array.from({ length: count }, (_, i) => answer({ serial: (from + i).toString(16).toUpperCase() }));
}

async function missing(store: ValkeyStore, records: readonly { serial: string }[]): Promise<string[]> {
  const gone: string[] = [];
  for (const { serial } of records) if ((await store.get(serial)) === undefined) gone.push(serial);
  return gone;
}

/** The keys that a run has: that of its state, that of its list. */
async function runKeys(redis: Redis): Promise<string[]> {
  return (await redis.keys('*:run*')).sort();
}

/** A key that is no list, until it is put back. */
async function spoil(redis: Redis, key: string): Promise<() => Promise<unknown>> {
  await redis.rename(key, 'aside');
  await redis.set(key, 'no list');
  return () => redis.rename('aside', key);
}

/** A store in whose runs something comes before each append, checkpoint and commit. */
function withTurns(store: ResponseStore, before: (call: number) => Promise<void>): ResponseStore {
  let calls = 0;
  const turn = (): Promise<void> => {
    calls += 1;
    return before(calls);
  };
  const beginRun: ResponseStore['beginRun'] = async (options) => {
    const run = await store.beginRun(options);
    const append: RunWriter['append'] = (batch) => turn().then(() => run.append(batch));
    const checkpoint: RunWriter['checkpoint'] = (token) => turn().then(() => run.checkpoint(token));
    const commit: RunWriter['commit'] = (edition) => turn().then(() => run.commit(edition));
    return { ...run, append, checkpoint, commit };
  };
  return { beginRun } as ResponseStore;
}

withServer('two hosts sign the same night: whoever says that he is done has lost nothing', async (t) => {
  t.timeout(120_000);
  const servers = await Promise.all([RedisServer.start(t), RedisServer.start(t)]);
  const redis = servers.map((server) => client(t, server));
  const stores = [await open(t, servers), await open(t, servers)] as const;
  const signer = new ResponseSigner({
    issuer: ca.certificate,
    responder: delegate.certificate,
    privateKey: delegate.privateKey,
  });
  const yesterday = answers(12);
  const list = yesterday.map(({ serial }) => ({
    serialNumber: serial,
    status: OCSPCertStatus.REVOKED,
    revocationTime: new Date('2026-01-01T00:00:00Z'),
  }));
  const sign = async (store: ResponseStore): Promise<BulkResult | string> => {
    const options = { signer, store, id: 'night', statusVersion: 2, checkpointEvery: 4, threads: 1 };
    try {
      return await bulkSign({ ...options, source: iterableSource(list) });
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  const good = async (): Promise<number> => {
    let count = 0;
    for (const { serialNumber } of list) {
      const der = await stores[0].get(serialNumber);
      if (der === undefined || loadDerOcspResponse(der).certificateStatus !== OCSPCertStatus.REVOKED) count += 1;
    }
    return count;
  };
  // How often one calls its run; then at which of them the other one begins, and how far it gets before the first one goes on.
  let calls = 0;
  const alone = withTurns(stores[0], async (call) => {
    calls = call;
  });
  t.is(typeof (await sign(alone)), 'object');
  t.true(calls >= 8, String(calls));
  let refused = 0;
  for (let at = 1; at <= calls; at += 1)
    for (const far of [0, 1, 3, calls, 'to the end', 'at once'] as const) {
      const what = `the other one begins at ${at}, and gets to ${far}`;
      await Promise.all(redis.map((one) => one.flushall()));
      await stores[0].putBatch(yesterday);
      let goOn = (): void => undefined;
      const released = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      let arrive = (): void => undefined;
      const arrived = new Promise<void>((resolve) => {
        arrive = resolve;
      });
      const other = withTurns(stores[1], async (call) => {
        if (typeof far !== 'number' || call !== far + 1) return;
        arrive();
        await released;
      });
      let second: ReturnType<typeof sign> | undefined;
      const begun: ResponseStore['beginRun'] = async (options) => {
        const run = await other.beginRun(options);
        if (far === 0) arrive();
        return run;
      };
      const first = await sign(
        withTurns(stores[0], async (call) => {
          if (call !== at) return;
          second = sign({ ...other, beginRun: begun });
          // It may have less to do, as it goes on from a checkpoint.
          void second.then(arrive);
          if (far === 'to the end') await second;
          else if (far !== 'at once') await arrived;
        }),
      );
      if (typeof first === 'object') t.is(await good(), 0, `${what}; the first one`);
      else t.is(first, LOCKED.code, what);
      if (first === LOCKED.code) refused += 1;
      goOn();
      const last = await second;
      if (typeof last === 'object') t.is(await good(), 0, `${what}; the second one`);
      else t.is(last, LOCKED.code, what);
      t.true(
        [first, last].some((result) => typeof result === 'object'),
        what,
      );
      t.is(await good(), 0, what);
      t.deepEqual((await Promise.all(redis.map(runKeys))).flat(), [], what);
    }
  t.true(refused > calls, String(refused));
});

withServer('a run that another has begun again goes on there, from the last checkpoint', async (t) => {
  const server = await RedisServer.start(t);
  const redis = client(t, server);
  const [one, two] = [await open(t, [server]), await open(t, [server])];
  const [a, b, c, d] = answers(4) as [ResponseRecord, ResponseRecord, ResponseRecord, ResponseRecord];
  const late = /begun again elsewhere/;
  for (const [what, call] of [
    ['append', (run: RunWriter) => run.append([c])],
    ['checkpoint', (run: RunWriter) => run.checkpoint('late')],
    ['commit', (run: RunWriter) => run.commit()],
  ] as const) {
    const first = await one.beginRun({ id: 'night' });
    await first.append([a]);
    await first.checkpoint('one');
    await first.append([b]);
    const second = await two.beginRun({ id: 'night' });
    t.deepEqual([second.resumeToken, second.records], ['one', 1], what);
    await t.throwsAsync(call(first), { ...LOCKED, message: late }, what);
    await t.throwsAsync(first.append([c]), LOCKED, what);
    await second.append([d]);
    await first.discard();
    t.deepEqual(await second.commit(), { written: 2, kept: 0 }, what);
    t.deepEqual(await missing(two, answers(4)), ['7001', '7002'], what);
    await redis.flushall();
  }
  // Ended by the other one, whether by a commit or not; or of another name.
  for (const end of [(run: RunWriter) => run.commit(), (run: RunWriter) => run.discard()]) {
    const first = await one.beginRun({ id: 'night' });
    await first.append([a]);
    await end(await two.beginRun({ id: 'night' }));
    await t.throwsAsync(first.commit(), { ...LOCKED, message: /not there any more/ });
    await first.close();
  }
  const first = await one.beginRun({ id: 'night' });
  await first.append([a]);
  await t.throwsAsync(two.beginRun({ id: 'day' }), {
    code: 'ERR_OCSP_INVALID_VALUE',
    message: /'night' is unfinished/,
  });
  await first.append([b]);
  const day = await two.beginRun({ id: 'day', otherRun: 'discard' });
  await t.throwsAsync(first.append([c]), { ...LOCKED, message: late });
  await first.discard();
  await day.append([d]);
  t.deepEqual(await day.commit(), { written: 1, kept: 0 });
  t.deepEqual(await missing(two, answers(4)), ['7000', '7001', '7002']);
  t.deepEqual(await runKeys(redis), []);
});

withServer('a commit that is overtaken, or whose responses are dropped, fails; nothing is lost by that', async (t) => {
  const server = await RedisServer.start(t);
  const redis = client(t, server);
  const [one, two] = [await open(t, [server]), await open(t, [server])];
  // More than are put at a time.
  const records = answers(600);
  const put = one.put.bind(one);
  const meanwhile = async (action: () => Promise<unknown>): Promise<RunWriter> => {
    await redis.flushall();
    let puts = 0;
    one.put = async (some) => {
      puts += 1;
      if (puts === 2) await action();
      return put(some);
    };
    const run = await one.beginRun({ id: 'night' });
    await run.append(records);
    await run.checkpoint('all');
    return run;
  };
  const keys = async (): Promise<[state: string, waiting: string]> => (await runKeys(redis)) as [string, string];
  const undisturbed = await meanwhile(async () => undefined);
  t.deepEqual(await undisturbed.commit(), { written: 600, kept: 0 });
  t.deepEqual(await missing(two, records), []);

  let second: RunWriter | undefined;
  const overtaken = await meanwhile(async () => {
    second = await two.beginRun({ id: 'night' });
  });
  await t.throwsAsync(overtaken.commit(), LOCKED);
  await overtaken.discard();
  t.deepEqual([second?.resumeToken, second?.records], ['all', 600]);
  t.deepEqual(await second?.commit(), { written: 88, kept: 512 });
  t.deepEqual(await missing(two, records), []);

  for (const [dropped, failure] of [
    [1, DROPPED],
    [0, LOCKED],
  ] as const) {
    const run = await meanwhile(async () => redis.del((await keys())[dropped]));
    await t.throwsAsync(run.commit(), failure);
    await run.close();
    const again = await two.beginRun({ id: 'night' });
    t.deepEqual([again.resumeToken, again.records], [null, 0]);
    await again.append(records);
    await again.commit();
    t.deepEqual(await missing(two, records), []);
    t.deepEqual(await runKeys(redis), []);
  }
});

withServer('a run whose responses a server has dropped fails at once, and is begun anew', async (t) => {
  const server = await RedisServer.start(t);
  const redis = client(t, server);
  const [one, two] = [await open(t, [server]), await open(t, [server])];
  const [first, second] = [answers(10), answers(12, 0x8000)];
  for (const [what, call] of [
    ['append', (run: RunWriter) => run.append(second)],
    ['checkpoint', (run: RunWriter) => run.checkpoint('22 done')],
    ['commit', (run: RunWriter) => run.commit()],
  ] as const)
    for (const hasCheckpoint of [true, false])
      for (const dropped of [0, 1] as const) {
        await redis.flushall();
        const run = await one.beginRun({ id: 'night' });
        await run.append(first);
        if (hasCheckpoint) await run.checkpoint('10 done');
        await redis.del((await runKeys(redis))[dropped] as string);
        await t.throwsAsync(call(run), dropped === 1 ? DROPPED : LOCKED, what);
        // Killed here.
        const again = await two.beginRun({ id: 'night' });
        t.deepEqual([again.resumeToken, again.records], [null, 0], what);
        await again.append([...first, ...second]);
        t.deepEqual(await again.commit(), { written: 22, kept: 0 }, what);
        t.deepEqual(await missing(two, [...first, ...second]), [], what);
        t.deepEqual(await runKeys(redis), [], what);
      }
});

const host = fc.nat(1);
const COMMAND = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({ what: fc.constant('append' as const), host, count: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('begin' as const),
      host,
      id: fc.constantFrom('night', 'night', 'night', 'day'),
      discards: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      what: fc.constantFrom('checkpoint' as const, 'checkpoint' as const, 'commit' as const),
      host,
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constantFrom('close' as const, 'discard' as const), host }) },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant('drop' as const), which: fc.constantFrom(0, 1) }),
  },
);

/** A run as its host knows it; its tokens say what it has. */
interface Open {
  readonly run: RunWriter;
  readonly serials: string[];
  hasCommit: boolean;
}

withServer('whatever hosts and servers do: what a commit has acknowledged is served, all of it', async (t) => {
  t.timeout(120_000);
  const servers = await Promise.all([RedisServer.start(t), RedisServer.start(t)]);
  const redis = servers.map((server) => client(t, server));
  const stores = [await open(t, servers), await open(t, servers)];
  const pool = answers(120);
  const seen = { committed: 0, taken: 0, dropped: 0 };
  const scenario = fc.tuple(fc.array(COMMAND, { minLength: 5, maxLength: 40 }), fc.boolean());
  await fc.assert(
    fc.asyncProperty(scenario, async ([commands, isAtOnce]) => {
      await Promise.all(redis.map((one) => one.flushall()));
      const begun: (Promise<Open | undefined> | undefined)[] = [];
      const all: Open[] = [];
      let next = 0;
      const failed = (error: unknown): undefined => {
        const { code } = error as { code?: string };
        if (code === LOCKED.code) seen.taken += 1;
        else if (code === DROPPED.code) seen.dropped += 1;
        else if (code !== 'ERR_OCSP_INVALID_VALUE') throw error;
      };
      const pending: Promise<unknown>[] = [];
      for (const command of [{ what: 'begin' as const, host: 0, id: 'night', discards: false }, ...commands]) {
        const act = async (): Promise<void> => {
          if (command.what === 'drop') {
            const keys = await Promise.all(redis.map(runKeys));
            await Promise.all(redis.map((one, i) => one.del(keys[i]?.[command.which] ?? 'none')));
            return;
          }
          if (command.what === 'begin') {
            const { id, discards } = command;
            const store = stores[command.host] as ValkeyStore;
            const beginning = store.beginRun({ id, ...(discards && { otherRun: 'discard' }) }).then((run) => {
              const serials = JSON.parse(run.resumeToken ?? '[]') as string[];
              // (A commit that has failed has noted more than its last checkpoint.)
              t.true(run.records >= serials.length);
              all.push({ run, serials, hasCommit: false });
              return all.at(-1);
            }, failed);
            begun[command.host] = beginning;
            await beginning;
            return;
          }
          const one = await begun[command.host];
          if (one === undefined) return;
          const { run, serials } = one;
          if (command.what === 'append') {
            const some = pool.slice(next, next + command.count);
            next += command.count;
            serials.push(...some.map(({ serial }) => serial));
            await run.append(some).catch(failed);
          } else if (command.what === 'commit') {
            const due = serials.map((serial) => ({ serial }));
            one.hasCommit = true;
            const result = await run.commit().catch(failed);
            if (result === undefined) return;
            seen.committed += 1;
            t.deepEqual(await missing(stores[0] as ValkeyStore, due), []);
          } else if (command.what === 'checkpoint') await run.checkpoint(JSON.stringify(serials)).catch(failed);
          else await run[command.what]();
        };
        const acting = act();
        pending.push(acting);
        if (!isAtOnce) await acting;
      }
      await Promise.all(pending);
      const served = new Set(all.filter(({ hasCommit }) => hasCommit).flatMap(({ serials }) => serials));
      for (const { serial } of pool.slice(0, next))
        if (!served.has(serial)) t.is(await stores[0]!.get(serial), undefined, 'nothing is served without a commit');
      const last = await stores[1]!.beginRun({ id: 'end', otherRun: 'discard' });
      t.deepEqual([last.resumeToken, last.records], [null, 0]);
      await last.append(pool);
      await last.commit();
      t.deepEqual(await missing(stores[0]!, pool), []);
      t.deepEqual((await Promise.all(redis.map(runKeys))).flat(), []);
    }),
    { numRuns: 250 },
  );
  t.log(seen);
  t.true(seen.committed >= 10 && seen.taken >= 10 && seen.dropped >= 1, JSON.stringify(seen));
});

withServer('a run in which a write has failed goes on with the next beginRun alone', async (t) => {
  const server = await RedisServer.start(t);
  const store = await open(t, [server]);
  const redis = client(t, server);
  const run = await store.beginRun({ id: 'a' });
  await run.append([answer({ serial: '7001' })]);
  await run.checkpoint('one');
  const [records] = (await redis.keys('*')).filter((key) => key.endsWith(':records'));
  const putBack = await spoil(redis, records!);
  const failure = { message: /WRONGTYPE/ };
  await t.throwsAsync(run.append([answer({ serial: '7002' })]), failure);
  await putBack();
  await t.throwsAsync(run.append([answer({ serial: '7003' })]), failure);
  await t.throwsAsync(run.checkpoint('two'), failure);
  await t.throwsAsync(run.commit(), failure);
  await run.close();
  const next = await store.beginRun({ id: 'a' });
  t.is(next.resumeToken, 'one');
  await next.append([answer({ serial: '7002' })]);
  t.like(await next.commit(), { written: 2, kept: 0 });
});

withServer('a run whose commit has failed has all of it when it is begun again', async (t) => {
  const server = await RedisServer.start(t);
  const store = await open(t, [server]);
  const redis = client(t, server);
  const run = await store.beginRun({ id: 'a' });
  await run.append([answer({ serial: '7001' })]);
  await run.checkpoint('one');
  // Not noted, but for the commit.
  await run.append([answer({ serial: '7002' })]);
  const [state] = (await runKeys(redis)) as [string];
  const taken = state.replace(/run$/, '7002');
  await redis.lpush(taken, 'a list');
  const failure = { message: /WRONGTYPE/ };
  await t.throwsAsync(run.commit(), failure);
  await t.throwsAsync(run.commit(), failure);
  await run.close();
  await redis.del(taken);
  const next = await store.beginRun({ id: 'a' });
  t.deepEqual([next.resumeToken, next.records], ['one', 2]);
  t.deepEqual(await next.commit(), { written: 1, kept: 1 });
  for (const serial of ['7001', '7002']) t.truthy(await store.get(serial));
});
