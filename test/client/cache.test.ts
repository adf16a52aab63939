import { spawn, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import test from 'ava';
import { CertId, Verifier } from 'openssl-ocsp';
import {
  type ClientClock,
  FolderCache,
  OCSPClient,
  type OCSPClientOptions,
  type ResponseCacheStore,
} from 'openssl-ocsp/client';
import { TestResponder, TestResponseKit, testErrorResponse } from 'openssl-ocsp/testing';
import { Deadline } from '#dist/client/deadline.js';
import type { InquiryOptions } from '#dist/client/inquiry.js';
import { ResponderMemories } from '#dist/client/responder.js';
import { search } from '#dist/client/search.js';
import { toSubject } from '#dist/client/subject.js';
import { Scratch } from '../helpers/openssl-cli.js';
import { Shifted } from '../helpers/shifted-clock.js';

const kit = new TestResponseKit();
const issuer = kit.ca.certificate;
const question = { certificate: kit.leaf.certificate, issuer };
const PATIENT = { timeout: 100_000, hedgeAfter: 50_000 };
const HOUR = 3600 * 1000;
const start = () => TestResponder.start(kit.ca);
const clientOf = (responder: TestResponder, options: OCSPClientOptions = {}) =>
  new OCSPClient({ responders: [responder.url], ...PATIENT, ...options });

async function keysOf(store: ResponseCacheStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.keys()) keys.push(key);
  return keys;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(5);
}

test('500 at a time, one request; none from the cache', async (t) => {
  await using responder = await start();
  responder.behaviour = 'late';
  await using client = clientOf(responder);
  const results = await Promise.all(Array.from({ length: 500 }, () => client.check(question)));
  t.true(results.every(({ outcome, source }) => outcome === 'good' && source === 'network'));
  t.is(responder.requests.length, 1);
  const again = await client.check(question);
  t.is(again.source, 'cache');
  t.deepEqual(again.attempts, []);
  t.regex(again.explain(), /from the cache/);
  t.is(responder.requests.length, 1);
  t.is((await client.check(question, { fresh: true })).source, 'network');
  t.is(responder.requests.length, 2);
});

test('the signal of one caller ends its waiting, and nothing else', async (t) => {
  await using responder = await start();
  let answer: (() => void) | undefined;
  responder.behaviour = () =>
    new Promise((resolve) => {
      answer = () => resolve('good');
    });
  await using client = clientOf(responder);
  const first = new AbortController();
  const impatient = client.check(question, { signal: first.signal });
  const patient = client.check(question);
  await until(() => answer !== undefined);
  first.abort(new Error('gone'));
  await t.throwsAsync(impatient, { message: 'gone' });
  answer!();
  t.is((await patient).outcome, 'good');
  t.is(responder.requests.length, 1);
  await t.throwsAsync(client.check(question, { signal: AbortSignal.abort(new Error('before')) }), {
    message: 'before',
  });
});

test('failures are kept for a moment that grows; the responder rests', async (t) => {
  await using responder = await start();
  responder.behaviour = 'gone';
  const clock = new Shifted();
  await using client = clientOf(responder, { clock, method: 'post' });
  const other = { certificate: kit.ca.issue({}).certificate, issuer };
  const asked = () => responder.requests.length;
  t.is((await client.check(question)).failure, 'unreachable');
  const before = asked();
  const second = await client.check(question);
  t.is(second.failure, 'unreachable');
  t.is((await client.check(other)).failure, 'unreachable');
  t.regex((await client.check(other)).explain(), /asked again in \d+ second/);
  t.is(asked(), before, 'neither about the certificate, nor about another one');
  for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
    clock.ahead += seconds * 1000 + 500;
    const last = asked();
    await client.check(question);
    t.true(asked() > last, `after ${seconds} seconds`);
    clock.ahead += 500;
    const now = asked();
    await client.check(question);
    t.is(asked(), now);
  }
  responder.behaviour = 'good';
  clock.ahead += 61_000;
  t.is((await client.check(question)).outcome, 'good');
});

test('of long answers that do not count, only so much is remembered', async (t) => {
  const began = Date.now();
  let asked = 0;
  const body = Buffer.alloc(1024 * 1024);
  const headers = { 'Content-Type': 'application/ocsp-response' };
  await using client = new OCSPClient({
    ...PATIENT,
    responders: ['http://ocsp.example/'],
    clock: { now: () => began, after: new Shifted().after },
    fetch: async () => {
      asked += 1;
      return new Response(body, { headers });
    },
  });
  const ask = async (serialNumber: bigint) => {
    const certId = CertId.of(issuer, { serialNumber });
    t.is((await client.check({ certId, issuer })).failure, 'refused');
    return asked;
  };
  for (let serial = 1n; serial <= 40n; serial++) await ask(serial);
  const before = asked;
  t.is(await ask(40n), before, 'the last one is remembered');
  t.true((await ask(1n)) > before, 'the first one is not');
});

test('searches leave nothing with the signal of a client that goes on', async (t) => {
  const closed = new AbortController().signal;
  const memories = new ResponderMemories();
  const url = new URL('http://ocsp.example/');
  memories.of(url).failed(0, 0);
  const options = { clock: { now: () => 1, after: () => () => undefined }, hash: 'auto' } as unknown as InquiryOptions;
  const searchOnce = () => {
    using deadline = new Deadline(options.clock, 1, closed);
    return search([url], memories, toSubject(question), options, 1, deadline);
  };
  // What Node.js keeps with a signal are sets and maps, under symbols.
  const kept = () =>
    Object.getOwnPropertySymbols(closed)
      .map((symbol) => (closed as unknown as Record<symbol, { size?: number } | undefined>)[symbol]?.size ?? 0)
      .reduce((sum, size) => sum + size, 0);
  t.regex((await searchOnce()).best.reason!, /asked again in/);
  const before = kept();
  for (const _ of [1, 2, 3]) await searchOnce();
  t.is(kept(), before);
});

test('Retry-After: as long as a responder asks for, by HTTP or with tryLater, a minute at most', async (t) => {
  const tryLater = new Uint8Array(testErrorResponse(3));
  const type = { 'Content-Type': 'application/ocsp-response' };
  const date = 'Mon, 30 Nov 2026 12:00:00 GMT';
  const later = (value: string, more: object = {}) => ({ headers: { ...type, 'Retry-After': value, ...more } });
  for (const [seconds, answer] of [
    [20, () => new Response(null, { status: 503, ...later('20') })],
    [20, () => new Response(tryLater, later('20'))],
    [60, () => new Response(tryLater, later('86400'))],
    [30, () => new Response(tryLater, later('Mon, 30 Nov 2026 12:00:30 GMT', { Date: date }))],
    [1, () => new Response(tryLater, later('soon', { Date: date }))],
    [1, () => new Response(tryLater, { headers: type })],
  ] as const) {
    const began = Date.now();
    let now = began;
    let asked = 0;
    await using client = new OCSPClient({
      ...PATIENT,
      responders: ['http://ocsp.example/'],
      clock: { now: () => now, after: new Shifted().after },
      hash: 'sha1',
      fetch: async () => {
        asked += 1;
        return answer();
      },
    });
    await client.check(question);
    const before = asked;
    now = began + seconds * 1000 - 1;
    await client.check(question, { fresh: true });
    t.is(asked, before, `${seconds} seconds are not over`);
    now += 1;
    await client.check(question, { fresh: true });
    t.true(asked > before, `${seconds} seconds are over`);
  }
});

test('a responder that answers uselessly about one certificate is asked about others', async (t) => {
  await using responder = await start();
  responder.behaviour = 'unauthorized';
  await using client = clientOf(responder, { hash: 'sha1' });
  t.is((await client.check(question)).failure, 'refused');
  const other = { certificate: kit.ca.issue({}).certificate, issuer };
  responder.behaviour = 'good';
  t.is((await client.check(other)).outcome, 'good', 'whoever answers uselessly about one is asked about others');
});

test('refreshed in the background when half of the time is over; the old answer counts on until a later one is there', async (t) => {
  await using responder = await start();
  const clock = new Shifted();
  await using client = clientOf(responder, { clock });
  await client.check(question);
  clock.ahead = 10 * HOUR;
  t.is((await client.check(question)).source, 'cache');
  t.is(responder.requests.length, 1);
  clock.ahead = 14 * HOUR;
  responder.behaviour = 'text';
  t.is((await client.check(question)).outcome, 'good');
  await until(() => responder.requests.length === 2);
  await wait(100);
  t.is((await client.check(question)).outcome, 'good', 'a bad answer does not take a good one away');
  t.is(responder.requests.length, 2, 'and it is not asked for at every check');
  responder.behaviour = 'revoked';
  while ((await client.check(question)).outcome === 'good') {
    clock.ahead += HOUR / 10;
    t.true(clock.ahead < 30 * HOUR);
    await wait(20);
  }
  t.is((await client.check(question)).outcome, 'revoked');
});

test('past its time an answer is none; "good" may be stale by choice, "revoked" is, and never does a bad answer count', async (t) => {
  await using responder = await start();
  const clock = new Shifted();
  await using strict = clientOf(responder, { clock });
  await using lenient = clientOf(responder, { clock, staleIfError: 7200 });
  const revoked = { certificate: kit.ca.issue({}).certificate, issuer };
  responder.setStatus(revoked.certificate.serialNumber, 'revoked');
  for (const client of [strict, lenient]) {
    t.is((await client.check(question)).outcome, 'good');
    t.is((await client.check(revoked)).outcome, 'revoked');
  }
  clock.ahead = 25 * HOUR;
  responder.behaviour = 'gone';
  t.like(await strict.check(question), { outcome: 'undetermined', failure: 'unreachable', allowed: false });
  t.like(await lenient.check(question), { outcome: 'good', source: 'stale', allowed: true });
  clock.ahead += 70_000;
  t.like(await strict.check(revoked), { outcome: 'revoked', source: 'stale', allowed: false });
  responder.behaviour = 'text';
  clock.ahead += 130_000;
  t.like(await lenient.check(question), { outcome: 'undetermined', failure: 'refused', allowed: false });
  clock.ahead = 27 * HOUR;
  responder.behaviour = 'gone';
  t.is((await lenient.check(question)).outcome, 'undetermined');
});

test('"revoked" remains where there is no one to ask', async (t) => {
  const clock = new Shifted();
  const { certificate } = kit.ca.issue();
  const named = { certificate, issuer };
  const certId = CertId.of(issuer, { certificate });
  const staple = kit.respond(kit.entry({ certificate, status: 'revoked' }));
  const revoked = { outcome: 'revoked', allowed: false };
  for (const [about, options] of [
    [named, {}],
    [named, { responders: () => [] }],
    [named, { minLifetime: 3650 * 24 * 3600 }],
    [{ certId, issuer }, { failPolicy: 'soft' }],
  ] as const) {
    clock.ahead = 0;
    await using client = new OCSPClient({ clock, ...options });
    t.true((await client.check(about)).allowed, 'nothing is known');
    t.like(await client.check(about, { staple }), { ...revoked, source: 'staple' });
    t.like(await client.check(about, { fresh: true }), { ...revoked, source: 'cache' });
    clock.ahead = 100 * HOUR;
    t.like(await client.check(about), { ...revoked, source: 'stale' });
  }
});

test('what the store has counts on, whatever memory has room for', async (t) => {
  using scratch = new Scratch();
  const clock = new Shifted();
  await using responder = await start();
  const options = {
    clock,
    failPolicy: 'soft',
    cache: { maxBytes: 0, store: new FolderCache(scratch.path('cache')) },
  } as const;
  await using client = clientOf(responder, options);
  t.is((await client.check(question)).source, 'network');
  responder.behaviour = 'gone';
  clock.ahead = 20 * HOUR;
  t.like(await client.check(question), { outcome: 'good', source: 'cache', allowed: true });
  responder.behaviour = 'revoked';
  clock.ahead += HOUR;
  t.is((await client.check(question)).source, 'network');
  responder.behaviour = 'gone';
  clock.ahead = 100 * HOUR;
  t.like(await client.check(question), { outcome: 'revoked', source: 'stale', allowed: false });
});

test('an answer that ends while it is verified or stored, as where the machine sleeps, is none', async (t) => {
  await using responder = await start();
  const clock = new Shifted();
  const store: ResponseCacheStore = {
    get: async () => null,
    put: async () => {
      clock.ahead = 48 * HOUR;
    },
    delete: async () => {},
    async *keys() {},
  };
  await using storing = clientOf(responder, { clock, cache: { store } });
  const none = { outcome: 'undetermined', failure: 'refused', allowed: false };
  t.like(await storing.check(question), none);
  // The verifier asks for the time when the answer has come, and works with it on a thread.
  clock.ahead = 0;
  let questions = 0;
  const sleepy: ClientClock = {
    now: () => {
      if (responder.requests.length === 2) questions += 1;
      return clock.now() + (questions > 1 ? 48 * HOUR : 0);
    },
    after: (milliseconds, callback) => clock.after(milliseconds, callback),
  };
  await using verifying = clientOf(responder, { clock: sleepy, failPolicy: 'soft' });
  t.like(await verifying.check(question), none);
  t.true(questions > 1);
});

test('never back in time: a replayed answer does not take the place of a later one, nor after its end', async (t) => {
  const clock = new Shifted();
  const at = (hours: number, end: number, status: 'good' | 'revoked') =>
    kit.respond(
      kit.entry({
        status,
        hash: 'sha256',
        thisUpdate: new Date(Date.now() + hours * HOUR),
        nextUpdate: new Date(Date.now() + end * HOUR),
      }),
    );
  const old = at(-10, 48, 'good');
  const later = at(-1, 2, 'revoked');
  let der = later;
  await using responder = await TestResponder.start(kit.ca, { behaviour: () => der });
  await using client = clientOf(responder, { clock, failPolicy: 'soft' });
  t.is((await client.check(question)).outcome, 'revoked');
  der = old;
  t.is((await client.check(question, { fresh: true })).outcome, 'revoked');
  clock.ahead = 3 * HOUR;
  const after = await client.check(question);
  t.is(after.outcome, 'revoked', after.explain());
  t.regex(after.explain(), /older than one that is known/);
  der = at(2, 20, 'good');
  clock.ahead = 4 * HOUR;
  t.is((await client.check(question)).outcome, 'good');
});

test('of two answers that come at a time the later one is kept, in memory and in the store', async (t) => {
  const at = (hours: number, status: 'good' | 'revoked') =>
    kit.respond(kit.entry({ status, hash: 'sha256', thisUpdate: new Date(Date.now() + hours * HOUR) }));
  const [old, later] = [at(-10, 'good'), at(-1, 'revoked')];
  await using responder = await start();
  responder.behaviour = 'gone';
  for (const order of [
    [old, later],
    [later, old],
  ] as const) {
    await using client = clientOf(responder);
    await Promise.all(order.map((staple) => client.check(question, { staple })));
    t.is((await client.check(question)).outcome, 'revoked');
  }
  // The older one takes its time on its way into the store.
  const kept = new Map<string, Uint8Array>();
  let go: (() => void) | undefined;
  const slow: ResponseCacheStore = {
    get: async (key) => kept.get(key) ?? null,
    async put(key, der) {
      if (old.equals(der)) {
        await new Promise<void>((resolve) => {
          go = resolve;
        });
      }
      kept.set(key, der);
    },
    delete: async () => undefined,
    async *keys() {},
  };
  await using client = clientOf(responder, { cache: { store: slow } });
  const first = client.check(question, { staple: old });
  await until(() => go !== undefined);
  t.is((await client.check(question, { staple: later })).outcome, 'revoked');
  go!();
  await first;
  t.true(later.equals([...kept.values()][0]!));
});

test('"unknown" does not take back that a certificate is revoked', async (t) => {
  const clock = new Shifted();
  const at = (hours: number, status: 'revoked' | 'unknown' | 'good') =>
    kit.respond(kit.entry({ status, hash: 'sha256', thisUpdate: new Date(Date.now() + hours * HOUR) }));
  let der: Buffer | null = at(-2, 'revoked');
  await using responder = await TestResponder.start(kit.ca, { behaviour: () => der ?? 'gone' });
  await using client = clientOf(responder, { clock, failPolicy: 'soft' });
  t.is((await client.check(question)).outcome, 'revoked');
  der = at(-1, 'unknown');
  const asked = await client.check(question, { fresh: true });
  t.is(asked.outcome, 'revoked');
  t.regex(asked.explain(), /"unknown" takes nothing back/);
  der = null;
  clock.ahead = 0.1 * HOUR;
  t.is((await client.check(question)).outcome, 'revoked');
  der = at(0, 'good');
  t.is((await client.check(question, { fresh: true })).outcome, 'good', 'a certificate that was on hold');
});

test('"unknown" is kept for a minute by all who share a store, and is a floor then', async (t) => {
  using scratch = new Scratch();
  const began = Date.now();
  let now = began;
  const clock: ClientClock = { now: () => now, after: new Shifted().after };
  const at = (hours: number, status: 'unknown' | 'good') =>
    kit.respond(kit.entry({ status, hash: 'sha256', thisUpdate: new Date(began + hours * HOUR) }));
  let der = at(0, 'unknown');
  await using responder = await TestResponder.start(kit.ca, { behaviour: () => der });
  const next = async () => {
    await using client = clientOf(responder, { clock, cache: { store: new FolderCache(scratch.path('cache')) } });
    const { outcome, source } = await client.check(question);
    return [outcome, source];
  };
  t.deepEqual(await next(), ['unknown', 'network']);
  now = began + 30_000;
  t.deepEqual(await next(), ['unknown', 'cache']);
  now = began + 90_000;
  t.deepEqual(await next(), ['unknown', 'network']);
  der = at(-1, 'good');
  t.deepEqual(await next(), ['undetermined', null], 'the answer is older');
  der = at(0.01, 'good');
  t.deepEqual(await next(), ['good', 'network']);
});

test('memory is bounded; the answers that were used last stay', async (t) => {
  await using responder = await start();
  await using client = clientOf(responder, { cache: { maxBytes: 4000 } });
  const certificates = Array.from({ length: 6 }, () => kit.ca.issue({ privateKey: kit.leaf.privateKey }).certificate);
  for (const certificate of certificates) {
    await client.check({ certificate, issuer });
    t.is((await client.check({ certificate: certificates[0]!, issuer })).source, 'cache');
  }
  t.is((await client.check({ certificate: certificates[1]!, issuer })).source, 'network');
  await using none = clientOf(responder, { cache: false });
  await none.check(question);
  t.is((await none.check(question)).source, 'network');
});

test('the verdict on a cached answer is that of the moment of the check, whenever it is read', async (t) => {
  await using responder = await start();
  const clock = new Shifted();
  await using client = clientOf(responder, { clock });
  const [asked] = (await client.check(question)).attempts;
  clock.ahead = 5 * HOUR;
  const result = await client.check(question);
  const moment = clock.now();
  clock.ahead = 1000 * HOUR;
  t.is((await client.check(question, { fresh: true })).outcome, 'undetermined', 'the answer has gone');
  t.is(result.source, 'cache');
  t.true(Math.abs(result.verdict!.at.getTime() - moment) <= 10_000, 'judged when it was checked');
  t.true(result.verdict!.usable);
  t.true(result.verdict!.der.equals(asked!.verdict!.der));
  t.is(result.verdict, result.verdict);
  t.regex(result.explain(), /from the cache[\s\S]*=> good, allowed/);
  const json = JSON.parse(JSON.stringify(result));
  t.like(json, { outcome: 'good', allowed: true, source: 'cache', verdict: { usable: true, status: 'good' } });
});

test('a staple that is known already is not kept again', async (t) => {
  let calls = 0;
  const count = async () => {
    calls += 1;
    return null;
  };
  const store = { get: count, put: async () => void (await count()), delete: async () => {}, async *keys() {} };
  await using client = new OCSPClient({ cache: { store }, clock: new Shifted() });
  const staple = kit.respond();
  const stapled = { outcome: 'good', source: 'staple', allowed: true };
  t.like(await client.check(question, { staple }), stapled);
  const before = calls;
  t.true(before > 0);
  const again = await client.check(question, { staple: new Uint8Array(staple) });
  t.like(again, stapled);
  t.true(again.verdict!.usable);
  t.is(calls, before);
});

test('a store that hangs takes no longer than a question may, and fails nothing', async (t) => {
  await using responder = await start();
  const never = new Promise<never>(() => {});
  const store = { get: () => never, put: () => never, delete: () => never, async *keys() {} };
  await using client = clientOf(responder, { cache: { store }, timeout: 3000 });
  t.is((await client.check(question)).outcome, 'good');
  t.is((await client.check(question)).source, 'cache');
});

test('an answer to the nonce of one question is none to others, where a nonce is required', async (t) => {
  await using responder = await start();
  const verifier = new Verifier({ nonce: 'required' });
  await using strict = clientOf(responder, { verifier, nonce: true });
  await using other = clientOf(responder, { nonce: true });
  for (const requests of [1, 2]) {
    const result = await strict.check(question);
    t.deepEqual([result.outcome, result.source], ['good', 'network']);
    t.is(responder.requests.length, requests);
  }
  t.deepEqual([(await other.check(question)).source, (await other.check(question)).source], ['network', 'cache']);
});

test('a folder outlives the client, and a damaged or foreign file counts as none', async (t) => {
  using scratch = new Scratch();
  const folder = scratch.path('cache');
  const store = new FolderCache(folder);
  await using responder = await start();
  {
    await using client = clientOf(responder, { cache: { store } });
    await client.check(question);
  }
  const check = async () => {
    await using client = clientOf(responder, { cache: { store: new FolderCache(folder) } });
    return await client.check(question);
  };
  t.is((await check()).source, 'cache');
  const [key] = await keysOf(store);
  const path = join(folder, key!.slice(0, 2), `${key}.ocsp`);
  const whole = readFileSync(path);
  for (const damage of [
    Buffer.alloc(0),
    whole.subarray(0, -1),
    whole.subarray(0, 20),
    Buffer.concat([whole, Buffer.alloc(1)]),
    Buffer.from(whole.map((byte, i) => (i === whole.length - 3 ? byte ^ 1 : byte))),
    Buffer.from(whole.map((byte, i) => (i === 10 ? byte ^ 1 : byte))),
  ]) {
    writeFileSync(path, damage);
    t.is(await store.get(key!), null);
    t.is((await check()).source, 'network');
  }
  // A file without end, a pipe that no one writes to, a folder: nothing waits for them, or reads them.
  for (const put of [
    () => writeFileSync(path, ''),
    () => symlinkSync('/dev/zero', path),
    () => spawnSync('mkfifo', [path]),
    () => mkdirSync(path),
  ]) {
    rmSync(path);
    put();
    if (statSync(path).isFile()) truncateSync(path, 1e12);
    t.is(await store.get(key!), null);
    t.is((await check()).source, 'network');
    if (!statSync(path).isDirectory()) writeFileSync(path, '');
  }
  rmSync(path, { recursive: true });
  // Right by its checksum, and not by its signature: whoever can write there still cannot make a certificate good.
  responder.behaviour = 'revoked';
  const forged = kit.respond(kit.entry({ hash: 'sha256', thisUpdate: new Date(Date.now() + 60_000) }), {
    breakSignature: true,
  });
  await store.put(key!, forged, new Date(Date.now() + HOUR));
  t.is((await check()).outcome, 'revoked');
  await t.throwsAsync(store.put('../../x', forged, new Date()), { code: 'ERR_OCSP_INVALID_VALUE' });
  t.is(await store.get('00'.repeat(32)), null);
  await store.delete(key!);
  await store.delete(key!);
  t.deepEqual(await keysOf(store), []);
});

test('an answer that is renewed while the folder is swept stays', async (t) => {
  using scratch = new Scratch();
  const store = new FolderCache(scratch.path('cache'));
  const keys = Array.from({ length: 200 }, (_, i) => i.toString(16).padStart(64, '0'));
  const der = Buffer.from('3003', 'hex');
  for (let round = 0; round < 5; round += 1) {
    await Promise.all(keys.map((key) => store.put(key, der, new Date(0))));
    const sweep = store.sweep();
    // One after the other, as the sweep goes.
    for (const key of keys) await store.put(key, der, new Date(Date.now() + HOUR));
    await sweep;
    t.is((await keysOf(store)).length, keys.length);
    t.is(await store.sweep(), 0);
  }
});

test('what another process has learnt is a floor: answers in the folder that are later win', async (t) => {
  using scratch = new Scratch();
  const store = new FolderCache(scratch.path('cache'));
  await using responder = await start();
  const clock = new Shifted();
  await using one = clientOf(responder, { cache: { store }, clock });
  await using two = clientOf(responder, { cache: { store } });
  await one.check(question);
  await wait(1100);
  responder.behaviour = 'revoked';
  t.is((await two.check(question, { fresh: true })).outcome, 'revoked');
  // Half of the time is over; the folder knows before anybody is asked.
  responder.behaviour = 'gone';
  clock.ahead = 14 * HOUR;
  await one.check(question);
  while ((await one.check(question)).outcome === 'good') await wait(5);
  t.is((await one.check(question)).outcome, 'revoked');
});

test.serial('a store that fails costs a question, and a warning', async (t) => {
  await using responder = await start();
  const fail = () => Promise.reject(new Error('ENOSPC'));
  const store: ResponseCacheStore = { get: fail, put: fail, delete: fail, async *keys() {} };
  const warnings: Error[] = [];
  const listener = (warning: Error) => warnings.push(warning);
  process.on('warning', listener);
  t.teardown(() => process.off('warning', listener));
  await using client = clientOf(responder, { cache: { store } });
  t.is((await client.check(question)).outcome, 'good');
  t.is((await client.check(question)).source, 'cache');
  await wait(20);
  t.is(warnings.filter(({ name }) => name === 'OCSPWarning').length, 1);
  // Whatever it returns, and whatever it throws.
  const unheard = { put: fail, delete: fail, async *keys() {} };
  for (const get of [async () => 'text', async () => ({}), () => Promise.reject(undefined), () => null]) {
    await using other = clientOf(responder, { cache: { store: { ...unheard, get } as unknown as ResponseCacheStore } });
    t.is((await other.check(question)).outcome, 'good');
  }
});

/** Lets some answers be put on a disk that becomes full; prints what became of them. */
const FULL_DISK = `
import { readdirSync, statfsSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
const [folder, index, testing] = process.argv.slice(1);
const { FolderCache, OCSPClient } = await import(index);
const { TestResponder, TestResponseKit } = await import(testing);
let warnings = 0;
process.on('warning', ({ name, message }) => { if (name === 'OCSPWarning' && /ENOSPC/.test(message)) warnings += 1; });
const key = (i) => i.toString(16).padStart(64, '0');
const bytes = (i) => Buffer.alloc(5000, i);
const store = new FolderCache(folder);
let stored = 0;
let code;
for (; code === undefined; stored++) await store.put(key(stored), bytes(stored), new Date(4e12)).catch((e) => { code = e.code; });
stored -= 1;
let replaced = await store.put(key(0), Buffer.alloc(500_000), new Date(4e12)).catch((e) => e.code);
let whole = 0;
for (let i = 0; i < stored; i++) if ((await store.get(key(i)))?.equals(bytes(i))) whole += 1;
const drafts = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.tmp')).length;
const { bsize, bavail } = statfsSync(folder);
writeFileSync(folder + '/rest', Buffer.alloc(bsize * bavail));
const kit = new TestResponseKit();
const responder = await TestResponder.start(kit.ca);
const client = new OCSPClient({ responders: [responder.url], cache: { store }, timeout: 100_000, hedgeAfter: 50_000 });
const question = { certificate: kit.leaf.certificate, issuer: kit.ca.certificate };
const sources = [];
for (const fresh of [false, false, true]) sources.push((await client.check(question, { fresh })).source);
await wait(20);
for (let i = 1; i < stored; i++) await store.delete(key(i));
const again = await store.put(key(1), bytes(1), new Date(4e12)).catch((e) => e.code);
await client.close();
await responder.close();
console.log(JSON.stringify({ code, some: stored > 3, replaced, lost: stored - whole, drafts, sources, warnings, again }));
`;

test('a full disk: what is there stays whole, what fails leaves nothing, and checks go on', (t) => {
  using scratch = new Scratch();
  const folder = scratch.path('disk');
  mkdirSync(folder);
  // A file system of its own for one process: nothing to unmount, and no need for the rights of root.
  const namespace = ['-rm', 'sh', '-c'];
  if (spawnSync('unshare', [...namespace, 'mount -t tmpfs tmpfs "$0"', folder]).status !== 0) {
    t.log('no file system can be mounted here');
    t.pass();
    return;
  }
  const script = 'mount -t tmpfs -o size=400k tmpfs "$1" && exec "$0" --input-type=module -e "$2" "$1" "$3" "$4"';
  const [index, testing] = ['client', 'testing'].map((name) => import.meta.resolve(`openssl-ocsp/${name}`));
  const args = [...namespace, script, process.execPath, folder, FULL_DISK, index!, testing!];
  const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' });
  t.deepEqual(
    JSON.parse(stdout || `"${stderr}"`),
    {
      code: 'ENOSPC',
      some: true,
      replaced: 'ENOSPC',
      lost: 0,
      drafts: 0,
      sources: ['network', 'cache', 'network'],
      warnings: 1,
    },
    stderr,
  );
});

test('killed while it writes: the old answer or the new one, and rubbish is swept', async (t) => {
  using scratch = new Scratch();
  const folder = scratch.path('cache');
  const store = new FolderCache(folder);
  const key = 'ab'.repeat(32);
  const index = new URL('../../../dist/client/index.js', import.meta.url).href;
  const program = scratch.write(
    'writer.mjs',
    `import { FolderCache } from ${JSON.stringify(index)};
     const store = new FolderCache(${JSON.stringify(folder)});
     process.stdout.write('up');
     for (let i = 0; ; i++) await store.put('${key}', Buffer.alloc(200_000, i % 256), new Date(4e12));`,
  );
  // (It may be killed before it has made a folder.)
  mkdirSync(join(folder, 'ab'), { recursive: true });
  for (let round = 0; round < 8; round++) {
    const child = spawn(process.execPath, [program]);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    await wait(20 + 30 * round);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    const der = await store.get(key);
    const names = readdirSync(join(folder, 'ab'));
    t.true(names.includes(`${key}.ocsp`) ? der !== null : der === null, 'what is in its place is whole');
    if (der !== null) t.true(der.length === 200_000 && der.every((byte) => byte === der[0]));
  }
  await store.put(key, Buffer.from('new'), new Date(4e12));
  t.is(await store.sweep(), 0, "drafts may still be somebody's");
  await store.put('cd'.repeat(32), Buffer.from('old'), new Date(0));
  t.is(await store.sweep(), 1);
  t.deepEqual(await keysOf(store), [key]);
});
