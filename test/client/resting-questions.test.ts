/** What a client keeps of questions that had no answer: whatever strangers answer, not much, and not for ever. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { type CheckResult, OCSPClient, type OCSPClientOptions } from 'openssl-ocsp/client';
import { createTestCa, type TestExtension, TestResponder, TestResponseKit } from 'openssl-ocsp/testing';
import { RestingQuestions } from '#dist/client/resting-questions.js';
import type { Subject } from '#dist/client/subject.js';
import { Shifted } from '../helpers/shifted-clock.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const kit = new TestResponseKit();
const question = { certificate: kit.leaf.certificate, issuer: kit.ca.certificate };
const stranger = createTestCa({ subject: 'CN=Stranger' });
const critical = (count: number): TestExtension[] =>
  Array.from({ length: count }, (_, i) => ({ oid: `1.3.${1000 + i}`, critical: true, value: Buffer.alloc(0) }));
const flood = (count: number = 50_000): Buffer =>
  kit.respond(undefined, { extensions: critical(count), signer: stranger });
/** Long, since machines that run tests are slow. */
const clientOf = (url: string, options: OCSPClientOptions = {}) =>
  new OCSPClient({ responders: [url], timeout: 100_000, hedgeAfter: 50_000, ...options });

/** Lengths of all that is said. */
function lengths({ reason, attempts }: CheckResult): number[] {
  return [reason, ...attempts.map((attempt) => attempt.reason)].map((text) => text!.length);
}

test('an answer full of critical extensions is refused in a few words', async (t) => {
  await using responder = await TestResponder.start(kit.ca, { behaviour: flood() });
  await using client = clientOf(responder.url, { failPolicy: 'soft' });
  const result = await client.check(question);
  t.is(result.outcome, 'undetermined');
  t.is(result.failure, 'refused');
  t.false(result.allowed);
  t.regex(result.reason!, /not understood: 1\.3\.1000; .*not understood: and 49992 more$/);
  t.true(result.attempts.length > 0);
  for (const length of lengths(result)) t.true(length <= 1001, String(length));
  for (const { verdict } of result.attempts) t.true(verdict!.refusals.length <= 11);
  t.true(result.explain().length < 10_000);
});

test('long reasons are cut', async (t) => {
  const server = createServer((_, response) => {
    response.writeHead(500, 'no '.repeat(4000)).end();
  }).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  await using client = clientOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const result = await client.check(question);
  t.is(result.failure, 'unreachable');
  t.regex(result.reason!, /^no responder gave an answer: HTTP status 500 no no .*…$/);
  for (const length of lengths(result)) t.is(length, 1001);
  // The end of a text may lie within a character, which then is none.
  const fetch = () => Promise.reject(new Error(`${'x'.repeat(999)}${'\u{1f4a9}'.repeat(9)}`));
  await using other = clientOf('http://127.0.0.1/', { fetch });
  t.is((await other.check(question)).attempts[0]!.reason, `${'x'.repeat(999)}\ufffd…`);
});

const subjectOf = (i: number, certificate: Buffer | null = null): Subject =>
  ({ questionKey: String(i), certificate: certificate && { der: certificate } }) as unknown as Subject;
const resultOf = (parts: object = {}): CheckResult =>
  ({
    outcome: 'undetermined',
    source: null,
    reason: null,
    verdict: null,
    attempts: [],
    ...parts,
  }) as unknown as CheckResult;
const verdictOf = (parts: object = {}): object => ({ der: Buffer.alloc(0), refusals: [], ...parts });
const MIB = 1024 * 1024;

test('what is kept stays within 32 MiB, of whatever it is made', (t) => {
  const refusal = { message: 'x'.repeat(100), error: null };
  const ofVerdict = (parts: object): CheckResult => {
    const verdict = verdictOf(parts);
    return resultOf({ verdict, attempts: [{ url: '', reason: null, verdict }] });
  };
  const withCertificate = (i: number): Subject => subjectOf(i, Buffer.alloc(MIB / 4));
  for (const [what, make, subject] of [
    ['reasons', () => resultOf({ reason: 'x'.repeat(MIB / 2) }), subjectOf],
    [
      'reasons of attempts',
      () => resultOf({ attempts: [{ url: '', reason: 'x'.repeat(MIB / 2), verdict: null }] }),
      subjectOf,
    ],
    ['URLs', () => resultOf({ attempts: [{ url: 'x'.repeat(MIB / 2), reason: null, verdict: null }] }), subjectOf],
    ['answers', () => ofVerdict({ der: Buffer.alloc(MIB / 3) }), subjectOf],
    ['refusals', () => ofVerdict({ refusals: Array(2300).fill(refusal) }), subjectOf],
    ['errors', () => ofVerdict({ refusals: Array(450).fill({ ...refusal, error: new Error() }) }), subjectOf],
    [
      'answers that are not among the attempts',
      () => resultOf({ verdict: verdictOf({ der: Buffer.alloc(MIB / 3) }) }),
      subjectOf,
    ],
    ['certificates', () => ofVerdict({}), withCertificate],
  ] as const) {
    const resting = new RestingQuestions();
    for (let i = 0; i < 40; i += 1) resting.put(subject(i), make(), 0, Number.POSITIVE_INFINITY);
    const kept = Array.from({ length: 40 }, (_, i) => resting.get(subject(i), 0) !== null);
    const count = kept.filter(Boolean).length;
    t.true(count >= 25 && count <= 32, `${what}: ${count}`);
    // The latest ones.
    t.deepEqual(kept, [...Array<boolean>(40 - count).fill(false), ...Array<boolean>(count).fill(true)], what);
  }
  // Of a question without an answer there is room for ten thousand.
  const resting = new RestingQuestions();
  const attempt = { url: `http://${'x'.repeat(50)}`, reason: 'x'.repeat(100), verdict: null };
  const put = (i: number): void =>
    resting.put(subjectOf(i, Buffer.alloc(2000)), resultOf({ attempts: [attempt, attempt] }), 0, 1e9);
  for (let i = 0; i < 10_000; i += 1) put(i);
  t.truthy(resting.get(subjectOf(0), 0));
  put(10_000);
  t.is(resting.get(subjectOf(0), 0), null);
  t.truthy(resting.get(subjectOf(1), 0));
});

test('what came of a question is let go when its rest is over', async (t) => {
  const resting = new RestingQuestions();
  const [one, other, third] = [subjectOf(1), subjectOf(2), subjectOf(3)];
  const put = (subject: Subject, now: number, until: number = Number.POSITIVE_INFINITY): WeakRef<CheckResult> => {
    const result = resultOf();
    resting.put(subject, result, now, until);
    return new WeakRef(result);
  };
  const isThere = async (reference: WeakRef<CheckResult>): Promise<boolean> => {
    // (What was made in this turn is kept until the next.)
    await turn();
    collectGarbage();
    return reference.deref() !== undefined;
  };
  const first = put(one, 0);
  t.true(await isThere(first));
  t.truthy(resting.get(one, 999));
  // When something else is looked at, ...
  resting.get(other, 1000);
  t.false(await isThere(first));
  t.is(resting.get(one, 1000), null);
  // ... or put. That it failed before counts on: 2 seconds.
  const second = put(one, 10_000);
  t.truthy(resting.get(one, 11_999));
  put(other, 12_000);
  t.false(await isThere(second));
  // When the result ends before the rest does, or the clock is set back.
  const ended = put(one, 20_000, 20_500);
  t.truthy(resting.get(one, 20_499));
  t.is(resting.get(one, 20_500), null);
  t.false(await isThere(ended));
  const early = put(one, 30_000);
  t.is(resting.get(one, 29_999), null);
  t.false(await isThere(early));
  // Behind one that rests for longer it is there for no longer than that: 16 seconds, since that has failed five times.
  put(one, 40_000);
  const behind = put(third, 40_000);
  t.is(resting.get(third, 41_000), null);
  t.truthy(resting.get(one, 55_999));
  resting.get(other, 56_000);
  t.false(await isThere(behind));
});

test('a client that is flooded forgets the oldest questions, and asks them again', async (t) => {
  const der = flood();
  let asked = 0;
  const fetch = async (): Promise<Response> => {
    asked += 1;
    return new Response(new Uint8Array(der), { headers: { 'content-type': 'application/ocsp-response' } });
  };
  const clock = new Shifted();
  const now = clock.now();
  await using client = clientOf('http://127.0.0.1/', {
    fetch,
    hash: 'sha1',
    clock: { now: () => now, after: clock.after },
  });
  const leaves = Array.from({ length: 24 }, () => kit.ca.issue({ privateKey: kit.leaf.privateKey }).certificate);
  const check = async (certificate: (typeof leaves)[number]): Promise<number> => {
    const before = asked;
    t.is((await client.check({ certificate, issuer: kit.ca.certificate })).outcome, 'undetermined');
    return asked - before;
  };
  for (const leaf of leaves) t.true((await check(leaf)) > 0);
  // Each takes some 2 MB.
  t.is(await check(leaves.at(-1)!), 0);
  t.is(await check(leaves.at(-12)!), 0);
  t.true((await check(leaves[0]!)) > 0);
});

test('"revoked" that has come since, and has ended, is more than that there was no one to ask', async (t) => {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const clock = new Shifted();
  await using client = clientOf('http://127.0.0.1:9/', { failPolicy: 'soft', clock, timeout: 2000 });
  t.like(await client.check(question), { outcome: 'undetermined', failure: 'unreachable', allowed: true });
  const times = { thisUpdate: new Date(now - 3_600_000), nextUpdate: new Date(now + 20_000) };
  const staple = kit.respond(kit.entry({ status: 'revoked', ...times }));
  t.like(await client.check(question, { staple }), { outcome: 'revoked', source: 'staple', allowed: false });
  clock.ahead = 15_000;
  t.like(await client.check(question), { outcome: 'revoked', source: 'cache', allowed: false });
  // Long before the question is asked again.
  clock.ahead = 25_000;
  t.like(await client.check(question), { outcome: 'revoked', source: 'stale', allowed: false });
  t.like(await client.check(question), { outcome: 'revoked', allowed: false });
});
