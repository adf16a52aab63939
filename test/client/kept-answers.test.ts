/** What was kept, after a restart, beside other processes, and with stores and agents that fail: "revoked" is not lost, no one waits for ever. */
import http from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import test from 'ava';
import { OCSPClient, type OCSPClientOptions, type ResponseCacheStore } from 'openssl-ocsp/client';
import { buildTestResponse, createTestCa, type TestIdentity, TestResponder } from 'openssl-ocsp/testing';
import { Shifted } from '../helpers/shifted-clock.js';

const HOUR = 3_600_000;
const PATIENT = { timeout: 100_000, hedgeAfter: 50_000 };
const ca = createTestCa();
const at = (hours: number) => new Date(Date.now() + hours * HOUR);
const questionOf = ({ certificate }: TestIdentity) => ({ certificate, issuer: ca.certificate });

function answer(
  { certificate }: TestIdentity,
  status: 'good' | 'revoked' | 'unknown',
  thisUpdate: number,
  nextUpdate: number,
  more: object = {},
): Buffer {
  const times = { thisUpdate: at(thisUpdate), nextUpdate: at(nextUpdate) };
  return buildTestResponse({
    entries: [{ certificate, issuer: ca.certificate, status, ...times }],
    signer: ca,
    ...more,
  });
}

class MapStore implements ResponseCacheStore {
  readonly map = new Map<string, Buffer>();
  cannotGet = false;
  cannotPut = false;
  async get(key: string): Promise<Buffer | null> {
    if (this.cannotGet) throw new Error('EMFILE');
    return this.map.get(key) ?? null;
  }
  async put(key: string, der: Uint8Array): Promise<void> {
    if (this.cannotPut) throw new Error('ENOSPC');
    this.map.set(key, Buffer.from(der));
  }
  async delete(key: string): Promise<void> {
    this.map.delete(key);
  }
  async *keys(): AsyncIterable<string> {
    yield* this.map.keys();
  }
}

/** A client of its own each time, as after a restart. */
function restarted(responder: TestResponder, store: ResponseCacheStore, options: OCSPClientOptions = {}): OCSPClient {
  return new OCSPClient({ responders: [responder.url], ...PATIENT, cache: { store }, ...options });
}

test('a revocation that has ended is not forgotten, also by a delegate whose certificate begins after thisUpdate', async (t) => {
  const leaf = ca.issue();
  const delegate = ca.issueResponder({ notBefore: at(-4), notAfter: at(20) });
  const signed = { signer: delegate, certificates: [delegate.certificate], producedAt: at(-3) };
  await using responder = await TestResponder.start(ca, { behaviour: answer(leaf, 'revoked', -5, 1, signed) });
  const store = new MapStore();
  const clock = new Shifted();
  await using first = restarted(responder, store, { clock });
  t.is((await first.check(questionOf(leaf))).outcome, 'revoked');
  clock.ahead = 2 * HOUR;
  responder.behaviour = 'gone';
  await using second = restarted(responder, store, { clock, failPolicy: 'soft' });
  const kept = await second.check(questionOf(leaf));
  t.deepEqual([kept.outcome, kept.source, kept.allowed], ['revoked', 'stale', false]);
  // An older good answer is no way round it.
  responder.behaviour = answer(leaf, 'good', -6, 30);
  await using third = restarted(responder, store, { clock, failPolicy: 'soft' });
  const older = await third.check(questionOf(leaf), { fresh: true });
  t.deepEqual([older.outcome, older.allowed], ['revoked', false]);
});

test('what cannot be read is not written over', async (t) => {
  const leaf = ca.issue();
  await using responder = await TestResponder.start(ca, { behaviour: answer(leaf, 'revoked', -1, 40) });
  const store = new MapStore();
  await using first = restarted(responder, store);
  t.is((await first.check(questionOf(leaf))).outcome, 'revoked');
  responder.behaviour = answer(leaf, 'good', -2, 40);
  store.cannotGet = true;
  await using second = restarted(responder, store);
  t.is((await second.check(questionOf(leaf))).outcome, 'good', 'no one knows better');
  store.cannotGet = false;
  responder.behaviour = 'gone';
  await using third = restarted(responder, store);
  t.is((await third.check(questionOf(leaf))).outcome, 'revoked');
});

test('what could not be put is put once it can be', async (t) => {
  const leaf = ca.issue();
  await using responder = await TestResponder.start(ca, { behaviour: answer(leaf, 'good', -2, 40) });
  for (const isEmpty of [false, true]) {
    const store = new MapStore();
    const clock = new Shifted();
    await using client = restarted(responder, store, { clock });
    responder.behaviour = answer(leaf, 'good', -2, 40);
    t.is((await client.check(questionOf(leaf))).outcome, 'good');
    responder.behaviour = answer(leaf, 'revoked', -1, 40);
    store.cannotPut = true;
    t.is((await client.check(questionOf(leaf), { fresh: true })).outcome, 'revoked');
    store.cannotPut = false;
    if (isEmpty) store.map.clear();
    responder.behaviour = 'gone';
    clock.ahead = HOUR;
    t.is((await client.check(questionOf(leaf), { fresh: true })).outcome, 'revoked');
    await using again = restarted(responder, store, { clock });
    t.is((await again.check(questionOf(leaf))).outcome, 'revoked');
  }
});

test('what is put again is not put over what has come since', async (t) => {
  const leaf = ca.issue();
  const [older, good, revoked] = [
    answer(leaf, 'good', -3, 40),
    answer(leaf, 'good', -2, 40),
    answer(leaf, 'revoked', -1, 40),
  ];
  await using responder = await TestResponder.start(ca, { behaviour: good });
  const store = new MapStore();
  await using client = restarted(responder, store);
  t.is((await client.check(questionOf(leaf))).outcome, 'good');
  // Somebody slow has put an older one; what is put again for it is slower still.
  const [key] = store.map.keys();
  store.map.set(key!, older);
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let wasHeld = 0;
  let isLast = false;
  const { put } = store;
  store.put = async (name, der) => {
    if (good.equals(der)) {
      wasHeld += 1;
      await held;
    }
    await put.call(store, name, der);
    isLast = revoked.equals(der) && wasHeld > 0;
  };
  responder.behaviour = revoked;
  t.is((await client.check(questionOf(leaf), { fresh: true })).outcome, 'revoked');
  t.true(wasHeld > 0);
  isLast = false;
  release();
  for (let i = 0; i < 500 && !isLast; i += 1) await wait(10);
  t.deepEqual(store.map.get(key!), revoked);
});

test('a put that was given up and comes last is not the last word', async (t) => {
  const leaf = ca.issue();
  const [good, revoked] = [answer(leaf, 'good', -2, 40), answer(leaf, 'revoked', -1, 40)];
  await using responder = await TestResponder.start(ca, { behaviour: good });
  const store = new MapStore();
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { put } = store;
  let puts = 0;
  store.put = async (name, der) => {
    puts += 1;
    if (puts === 1) await held;
    await put.call(store, name, der);
  };
  await using client = restarted(responder, store, { timeout: 2000 });
  t.is((await client.check(questionOf(leaf))).outcome, 'good');
  responder.behaviour = revoked;
  t.is((await client.check(questionOf(leaf), { fresh: true })).outcome, 'revoked');
  release();
  while (puts < 3) await wait(10);
  t.deepEqual([...store.map.values()], [revoked]);
});

test('a timeout that is no whole number of milliseconds is one for the store, too', async (t) => {
  const leaf = ca.issue();
  await using responder = await TestResponder.start(ca, { behaviour: answer(leaf, 'good', -2, 40) });
  for (const cannotGet of [false, true]) {
    const store = new MapStore();
    store.cannotGet = cannotGet;
    await using client = restarted(responder, store, { timeout: 20_000.5 });
    t.is((await client.check(questionOf(leaf))).outcome, 'good');
    t.is(store.map.size, cannotGet ? 0 : 1);
  }
});

test('a function of responders that fails while the client is closed is no rejection that no one handles', async (t) => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  t.teardown(() => process.off('unhandledRejection', note));
  let isAsked = false;
  const client = new OCSPClient({
    responders: async () => {
      isAsked = true;
      throw new Error('the pool is closed');
    },
  });
  const waiting = client.check(questionOf(ca.issue()));
  await client.close();
  t.is((await waiting).outcome, 'undetermined');
  await wait(20);
  t.true(isAsked);
  t.deepEqual(unhandled, []);
});

test('whoever gives a staple to be judged waits no longer than his signal says', async (t) => {
  const leaf = ca.issue();
  await using responder = await TestResponder.start(ca);
  const never = new Promise<never>(() => {});
  const store = { get: () => never, put: () => never, delete: () => never, async *keys() {} };
  await using client = restarted(responder, store);
  const signal = AbortSignal.timeout(50);
  const checking = client.check(questionOf(leaf), { staple: answer(leaf, 'good', -2, 40), signal });
  t.is(await checking.catch((error: unknown) => error), signal.reason);
});

test('an answer past half of its life that comes signed anew with the same times is not asked for at each check', async (t) => {
  const leaf = ca.issue();
  let producedAt = Date.now() - HOUR;
  await using responder = await TestResponder.start(ca, {
    behaviour: () => {
      producedAt += 1000;
      return answer(leaf, 'good', -20, 4, { producedAt: new Date(producedAt) });
    },
  });
  await using client = new OCSPClient({ responders: [responder.url], ...PATIENT });
  for (let i = 0; i < 30; i += 1) {
    t.is((await client.check(questionOf(leaf))).outcome, 'good');
    await wait(20);
  }
  t.true(responder.requests.length <= 2, String(responder.requests.length));
});

test('"good" past its end is not kept beyond staleIfError while its question rests', async (t) => {
  const leaf = ca.issue();
  const clock = new Shifted();
  await using responder = await TestResponder.start(ca, { behaviour: answer(leaf, 'good', -20, 4) });
  await using client = new OCSPClient({ responders: [responder.url], ...PATIENT, clock, staleIfError: 40 });
  const { verdict } = await client.check(questionOf(leaf));
  t.true(verdict?.usable);
  const begin = (verdict?.freshUntil?.getTime() ?? 0) - Date.now();
  responder.behaviour = 'gone';
  for (const seconds of [0.1, 1.2, 3.4, 7.6, 15.9, 32.1]) {
    clock.ahead = begin + seconds * 1000;
    t.is((await client.check(questionOf(leaf))).source, 'stale', `${seconds} s`);
  }
  clock.ahead = begin + 50_000;
  t.like(await client.check(questionOf(leaf)), { outcome: 'undetermined', allowed: false });
});

test('"unknown", however late, keeps no revocation away', async (t) => {
  const leaf = ca.issue();
  const clock = new Shifted();
  for (const store of [null, new MapStore()]) {
    clock.ahead = 0;
    await using responder = await TestResponder.start(ca, { behaviour: answer(leaf, 'unknown', 0, 40) });
    const options = { clock, failPolicy: 'soft' as const, ...(store !== null && { cache: { store } }) };
    await using client = new OCSPClient({ responders: [responder.url], ...PATIENT, ...options });
    t.is((await client.check(questionOf(leaf))).outcome, 'unknown');
    clock.ahead = 90_000;
    const revoked = answer(leaf, 'revoked', -1, 40);
    responder.behaviour = revoked;
    t.is((await client.check(questionOf(leaf))).outcome, 'revoked');
    if (store !== null) t.deepEqual([...store.map.values()], [revoked]);
    responder.behaviour = 'gone';
    clock.ahead = 600_000;
    t.like(await client.check(questionOf(leaf)), { outcome: 'revoked', allowed: false });
  }
});

test('without memory, too, the later of two answers counts', async (t) => {
  const leaf = ca.issue();
  for (const maxBytes of [0, 2 ** 20]) {
    let kept = answer(leaf, 'good', -9, 5);
    const revoked = answer(leaf, 'revoked', -1, 9);
    const store = { get: async () => kept, put: async () => {}, delete: async () => {}, async *keys() {} };
    await using responder = await TestResponder.start(ca, {
      behaviour: () => {
        // Another process knows better by now.
        kept = revoked;
        return answer(leaf, 'good', -8, 6);
      },
    });
    await using client = restarted(responder, store, { cache: { store, maxBytes } });
    const result = await client.check(questionOf(leaf));
    t.deepEqual([result.outcome, result.allowed], ['revoked', false], `${maxBytes} bytes`);
  }
});

test('"unknown" counts for a minute, also when it was kept while the clock was ahead', async (t) => {
  const leaf = ca.issue();
  const clock = new Shifted();
  await using responder = await TestResponder.start(ca, { behaviour: answer(leaf, 'unknown', -1, 48) });
  await using client = new OCSPClient({ responders: [responder.url], ...PATIENT, clock });
  clock.ahead = 10 * HOUR;
  t.is((await client.check(questionOf(leaf))).outcome, 'unknown');
  responder.behaviour = answer(leaf, 'good', 0, 48);
  clock.ahead = 0;
  t.is((await client.check(questionOf(leaf))).outcome, 'good');
});

test('many who ask at a time fail once: the responder rests no longer for it', async (t) => {
  const first = ca.issue();
  const leaves = Array.from({ length: 11 }, () => ca.issue({ privateKey: first.privateKey }));
  const clock = new Shifted();
  await using responder = await TestResponder.start(ca, { behaviour: 'gone' });
  await using client = new OCSPClient({ responders: [responder.url], ...PATIENT, clock });
  await Promise.all(leaves.slice(0, 10).map((leaf) => client.check(questionOf(leaf))));
  responder.behaviour = 'good';
  clock.ahead = 1500;
  t.is((await client.check(questionOf(leaves[10]!))).outcome, 'good');
});

test('an agent that gives no connection is waited for no longer than for anything else', async (t) => {
  const leaf = ca.issue();
  await using responder = await TestResponder.start(ca);
  class Never extends http.Agent {
    override createConnection(): never {
      return undefined as never;
    }
  }
  const client = new OCSPClient({ responders: [responder.url], agents: { http: new Never() }, timeout: 300 });
  for (const options of [{}, { fresh: true }]) {
    const result = await client.check(questionOf(leaf), options);
    t.is(result.failure, 'unreachable');
  }
  await client.close();
});

test('many questions at a time are no leak, and no warning', async (t) => {
  const warnings: string[] = [];
  const note = ({ name }: Error): void => void warnings.push(name);
  process.on('warning', note);
  t.teardown(() => process.off('warning', note));
  const first = ca.issue();
  const leaves = Array.from({ length: 30 }, () => ca.issue({ privateKey: first.privateKey }));
  await using responder = await TestResponder.start(ca, { behaviour: 'late' });
  await using client = new OCSPClient({ responders: [responder.url], ...PATIENT });
  await Promise.all(leaves.map((leaf) => client.check(questionOf(leaf))));
  await wait(10);
  t.false(warnings.includes('MaxListenersExceededWarning'));
});
