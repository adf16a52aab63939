/** The answers of clients of several machines, in a real server. */
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { Redis } from 'iovalkey';
import { loadDerOcspResponse, OCSPCertStatus } from 'openssl-ocsp';
import { OCSPClient, type ResponseCacheStore } from 'openssl-ocsp/client';
import { buildTestResponse, createTestCa, TestResponder } from 'openssl-ocsp/testing';
import { ValkeyCache } from 'openssl-ocsp/valkey';
import { CachedAnswer } from '#dist/client/cached-answer.js';
import { testIf } from '../helpers/conditional.js';
import { certIdTuple, sha1Of, signedResponse } from '../helpers/crafted.js';
import { generalizedTime, integer, octets, sequence, tlv } from '../helpers/der.js';
import { hasRedisServer, RedisServer } from '../helpers/redis-server.js';

const withServer = testIf(hasRedisServer);
const ca = createTestCa();
const KEY = 'ab'.repeat(32);
const TOMORROW = new Date(Date.now() + 86_400_000);

function answer(status: 'good' | 'revoked' | 'unknown', ago: number): Buffer {
  const time = new Date(Math.floor(Date.now() / 1000) * 1000 - ago * 1000);
  const entry = { certificate: ca.certificate, issuer: ca.certificate, serialNumber: 5n, status, thisUpdate: time };
  return buildTestResponse({ signer: ca, entries: [entry], producedAt: time });
}

/** With a version v1, which DER leaves out. */
function inTheField(): Buffer {
  const now = generalizedTime(`${new Date().toISOString().slice(0, 19).replace(/[-T:]/g, '')}Z`);
  const entry = sequence(certIdTuple(ca, ca), tlv(0x80, Buffer.alloc(0)), now);
  const version = tlv(0xa0, integer(0n));
  return signedResponse(sequence(version, tlv(0xa2, octets(sha1Of(ca))), now, sequence(entry)), ca.privateKey, []);
}

withServer('two clients share answers, and a later one is never replaced by an earlier one', async (t) => {
  const server = await RedisServer.start(t);
  const open = () => ValkeyCache.open({ servers: [server.socket], timeout: 20_000 });
  const stores = [await open(), await open()];
  t.teardown(() => {
    for (const store of stores) store.close();
  });
  await using responder = await TestResponder.start(ca);
  const leaf = ca.issue({ aia: { ocsp: [responder.url] } });
  const question = { certificate: leaf.certificate, issuer: ca.certificate };
  const [one, two] = stores.map((store) => new OCSPClient({ allowPrivateAddresses: true, cache: { store } }));
  t.is((await one!.check(question)).source, 'network');
  await one!.close();
  const second = await two!.check(question);
  t.deepEqual([second.outcome, second.source], ['good', 'cache']);
  await server.kill();
  const third = new OCSPClient({ allowPrivateAddresses: true, cache: { store: stores[0]! } });
  t.is((await third.check(question)).source, 'network', 'without the server it asks');
  await two!.close();
  await third.close();
});

withServer('get, put, keys, delete', async (t) => {
  const server = await RedisServer.start(t);
  const other = await RedisServer.start(t);
  const cache = await ValkeyCache.open({ servers: [server.socket, other.socket], timeout: 20_000, prefix: 'a*[?]:' });
  t.teardown(() => cache.close());
  t.is(await cache.get(KEY), null);
  const [early, late, revoked] = [answer('good', 100), answer('good', 50), answer('revoked', 50)];
  await cache.put(KEY, early, TOMORROW);
  t.deepEqual(await cache.get(KEY), early);
  await Promise.all([cache.put(KEY, late, TOMORROW), cache.put(KEY, early, TOMORROW)]);
  t.deepEqual(await cache.get(KEY), late);
  await cache.put(KEY, revoked, TOMORROW);
  await cache.put(KEY, late, TOMORROW);
  t.deepEqual(await cache.get(KEY), revoked, 'of the same moment, "revoked" stays');
  const odd = inTheField();
  await cache.put(KEY, odd, TOMORROW);
  t.deepEqual(await cache.get(KEY), odd, 'what clients take though it is not DER');
  const all = Array.from({ length: 30 }, (_, i) => i.toString(16).padStart(64, '0'));
  for (const key of all) await cache.put(key, early, TOMORROW);
  const keys: string[] = [];
  for await (const key of cache.keys()) keys.push(key);
  t.deepEqual(keys.sort(), [...all, KEY].sort());
  await cache.delete(KEY);
  t.is(await cache.get(KEY), null);
  const redis = new Redis(server.socket);
  t.teardown(() => redis.disconnect());
  for (const key of await redis.keys('*')) t.true((await redis.pttl(key)) > 0);
});

test('what is wrong is said', async (t) => {
  const cache = await ValkeyCache.open({ servers: ['/nowhere/s'] });
  t.teardown(() => cache.close());
  await t.throwsAsync(cache.get('x'), { code: 'ERR_OCSP_INVALID_VALUE' });
  await t.throwsAsync(cache.get(7 as never), { code: 'ERR_INVALID_ARG_TYPE' });
  await t.throwsAsync(cache.put(KEY, Buffer.from('what?'), TOMORROW), { code: 'ERR_OCSP_MALFORMED' });
  await t.throwsAsync(cache.put(KEY, answer('good', 1), 'soon' as never), { code: 'ERR_INVALID_ARG_TYPE' });
  await t.throwsAsync(cache.get(KEY));
});

withServer('a revocation outlives its end by a week, and "unknown" takes it not away', async (t) => {
  const server = await RedisServer.start(t);
  const cache = await ValkeyCache.open({ servers: [server.socket], timeout: 20_000, prefix: 'x:' });
  const redis = new Redis({ path: server.socket });
  t.teardown(() => {
    cache.close();
    redis.disconnect();
  });
  const revoked = answer('revoked', 50);
  await cache.put(KEY, revoked, new Date(Date.now() - 1000));
  t.deepEqual(await cache.get(KEY), revoked);
  const [key] = await redis.keys('*');
  const left = await redis.pttl(key!);
  t.true(left > 6.9 * 86_400_000 && left < 7 * 86_400_000, String(left));
  await cache.put(KEY, answer('unknown', 10), TOMORROW);
  t.deepEqual(await cache.get(KEY), revoked);
  await cache.put(KEY, answer('good', 10), TOMORROW);
  t.notDeepEqual(await cache.get(KEY), revoked, 'a hold has ended');
  await cache.put(KEY, answer('unknown', 5), TOMORROW);
  await cache.put(KEY, answer('good', 7), TOMORROW);
  t.is(loadDerOcspResponse((await cache.get(KEY)) as Buffer).certificateStatus, OCSPCertStatus.UNKNOWN);
  await cache.put(KEY, revoked, TOMORROW);
  t.deepEqual(await cache.get(KEY), revoked, 'nor does it keep one away');
});

const NOW = Math.floor(Date.now() / 1000) * 1000;
/** Every status at two times of each kind, as a client has them. */
const KNOWN = (['good', 'revoked', 'unknown'] as const).flatMap((status) =>
  [1, 2].flatMap((update) =>
    [3, 4].map((produced) => {
      const [thisUpdate, producedAt] = [NOW - 100_000 + update * 1000, NOW - 100_000 + produced * 1000];
      const entry = {
        certificate: ca.certificate,
        issuer: ca.certificate,
        serialNumber: 5n,
        status,
        thisUpdate: new Date(thisUpdate),
      };
      const der = buildTestResponse({ signer: ca, entries: [entry], producedAt: new Date(producedAt) });
      return new CachedAnswer(status, thisUpdate, producedAt, 0, 0, 0, 0, der);
    }),
  ),
);

/** What is kept of answers that come one after the other. */
function keptOf(answers: readonly CachedAnswer[]): CachedAnswer {
  return answers.reduce((kept, one) => (one.mayReplace(kept) ? one : kept));
}

/** The other orders in which answers may come. */
function ordersOf<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, i) => ordersOf(items.filter((_, j) => j !== i)).map((rest) => [item, ...rest]));
}

async function twoCaches(t: ExecutionContext): Promise<[ValkeyCache, ValkeyCache]> {
  const server = await RedisServer.start(t);
  const open = () => ValkeyCache.open({ servers: [server.socket], timeout: 20_000 });
  const caches: [ValkeyCache, ValkeyCache] = [await open(), await open()];
  t.teardown(() => {
    for (const cache of caches) cache.close();
  });
  return caches;
}

withServer('of two answers that two machines put, the same stays as in the memory of a client', async (t) => {
  const [one, two] = await twoCaches(t);
  const say = ({ status, thisUpdate, producedAt }: CachedAnswer): string =>
    `${status} ${(thisUpdate - NOW) / 1000} ${(producedAt - NOW) / 1000}`;
  for (const [i, a] of KNOWN.entries())
    for (const b of KNOWN.slice(0, i)) {
      const what = `${say(a)}, ${say(b)}`;
      // (Of "good" and "unknown" that are alike in their times the last one stays.)
      const inOrder = [keptOf([b, a]), keptOf([a, b])];
      for (const [first, second] of [
        [a, b],
        [b, a],
      ] as const) {
        await one.delete(KEY);
        await one.put(KEY, first.der, TOMORROW);
        await two.put(KEY, second.der, TOMORROW);
        t.deepEqual(await one.get(KEY), keptOf([first, second]).der, `one after the other: ${what}`);
        await one.delete(KEY);
        // Both are under way before the server has said anything.
        await Promise.all([one.put(KEY, first.der, TOMORROW), two.put(KEY, second.der, TOMORROW)]);
        const kept = await one.get(KEY);
        t.true(
          inOrder.some(({ der }) => kept?.equals(der)),
          `at once: ${what}`,
        );
      }
    }
});

withServer('whatever comes, in whatever order, is kept as in the memory of a client', async (t) => {
  const caches = await twoCaches(t);
  const index = fc.nat(KNOWN.length - 1);
  await fc.assert(
    fc.asyncProperty(fc.array(index, { minLength: 1, maxLength: 10 }), async (places) => {
      await caches[0].delete(KEY);
      const answers = places.map((place) => KNOWN[place] as CachedAnswer);
      for (const [i, { der }] of answers.entries()) {
        await caches[i % 2]!.put(KEY, der, TOMORROW);
        t.deepEqual(await caches[0].get(KEY), keptOf(answers.slice(0, i + 1)).der);
      }
    }),
    { numRuns: 150 },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(index, { minLength: 2, maxLength: 4 }), async (places) => {
      await caches[0].delete(KEY);
      const answers = places.map((place) => KNOWN[place] as CachedAnswer);
      await Promise.all(answers.map(({ der }, i) => caches[i % 2]!.put(KEY, der, TOMORROW)));
      const kept = await caches[1].get(KEY);
      t.true(ordersOf(answers).some((order) => kept?.equals(keptOf(order).der)));
    }),
    { numRuns: 150 },
  );
});

withServer(
  'one machine hears "revoked", another one "unknown" at the same moment: a third one lets no one in',
  async (t) => {
    const caches = await twoCaches(t);
    const ago = (seconds: number) => ({ entry: { thisUpdate: new Date(Date.now() - seconds * 1000) } });
    await using early = await TestResponder.start(ca, { behaviour: 'revoked', ...ago(180) });
    await using late = await TestResponder.start(ca, { behaviour: 'unknown', ...ago(120) });
    const question = { certificate: ca.issue().certificate, issuer: ca.certificate };
    // Both have looked before either puts.
    let waiting = 0;
    let goOn = (): void => undefined;
    const both = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const stores = caches.map(
      (cache): ResponseCacheStore => ({
        get: (key) => cache.get(key),
        put: async (key, der, expires) => {
          waiting += 1;
          if (waiting === 2) goOn();
          await both;
          await cache.put(key, der, expires);
        },
        delete: (key) => cache.delete(key),
        keys: () => cache.keys(),
      }),
    );
    const check = async (store: ResponseCacheStore, url: string): Promise<[string, boolean]> => {
      await using client = new OCSPClient({
        allowPrivateAddresses: true,
        cache: { store },
        responders: [url],
        failPolicy: 'soft',
      });
      const { outcome, allowed } = await client.check(question);
      return [outcome, allowed];
    };
    const said = await Promise.all([check(stores[0]!, early.url), check(stores[1]!, late.url)]);
    t.deepEqual(
      said.map(([outcome]) => outcome),
      ['revoked', 'unknown'],
    );
    t.deepEqual(await check(caches[0], 'http://127.0.0.1:1/'), ['revoked', false]);
  },
);
