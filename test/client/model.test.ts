/** A client against random networks, with a clock that jumps: what it must never do, whatever comes. */
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import fc from 'fast-check';
import { type ClientClock, OCSPClient } from 'openssl-ocsp/client';
import { TestResponseKit, testErrorResponse } from 'openssl-ocsp/testing';

const kit = new TestResponseKit();
const question = { certificate: kit.leaf.certificate, issuer: kit.ca.certificate };
const MINUTE = 60 * 1000;
/** Seconds that clocks may differ, as the verifier has it. */
const TOLERANCE = 300 * 1000;

/** Time passes when the test says so. */
class VirtualClock implements ClientClock {
  #now = Math.floor(Date.now() / 1000) * 1000;
  #timers: { at: number; callback: () => void }[] = [];
  /** Passed since the start, whatever the clock shows: timers go by that. */
  #passed = 0;

  now(): number {
    return this.#now;
  }
  after(milliseconds: number, callback: () => void): () => void {
    const timer = { at: this.#passed + milliseconds, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
  pass(milliseconds: number): void {
    this.#now += milliseconds;
    this.#passed += milliseconds;
    const due = this.#timers.filter(({ at }) => at <= this.#passed);
    this.#timers = this.#timers.filter(({ at }) => at > this.#passed);
    for (const { callback } of due) callback();
  }
  step(milliseconds: number): void {
    this.#now += milliseconds;
  }
}

interface Told {
  readonly status: 'good' | 'revoked' | 'unknown';
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  readonly der: Buffer;
}

const answer = fc.record({
  kind: fc.constant('answer' as const),
  status: fc.constantFrom('good', 'good', 'revoked', 'unknown'),
  /** Minutes before now, and of life. */
  age: fc.integer({ min: -20, max: 300 }),
  life: fc.integer({ min: 1, max: 400 }),
  fault: fc.constantFrom('none', 'none', 'none', 'signature', 'signer', 'serial'),
  late: fc.constantFrom(0, 0, 3, 30),
});
const other = fc.record({
  kind: fc.constantFrom(
    'lost' as const,
    'http' as const,
    'text' as const,
    'tryLater' as const,
    'unauthorized' as const,
    'silent' as const,
    'replayed' as const,
  ),
  late: fc.constantFrom(0, 0, 3),
});
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('check' as const),
      fresh: fc.boolean(),
      reply: fc.oneof(answer, answer, other),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), minutes: fc.integer({ min: 0, max: 240 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('jump' as const), minutes: fc.integer({ min: -600, max: 600 }) }),
  },
);

test('never good from a refused or expired answer, never back in time, never past its policy or its back-off', async (t) => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 25 }),
      fc.constantFrom('hard', 'soft'),
      async (steps, failPolicy) => {
        const clock = new VirtualClock();
        const told: Told[] = [];
        let reply: (typeof steps)[number] & { do: 'check' } = {
          do: 'check',
          fresh: false,
          reply: { kind: 'lost', late: 0 },
        };
        let rests: { until: number } | null = null;
        let failures = 0;
        let early = 0;
        /** Questions that only time brings on. While the client itself works, none passes: the work is real, the clock is not. */
        let waiting = 0;
        const forTime = async <T>(promise: Promise<T>): Promise<T> => {
          waiting += 1;
          try {
            return await promise;
          } finally {
            waiting -= 1;
          }
        };
        const fail = () => {
          failures += 1;
          rests = { until: clock.now() + Math.min(60, 2 ** (failures - 1)) * 1000 };
        };
        const server = async (_url: unknown, { signal }: RequestInit = {}): Promise<Response> => {
          // (What is thrown here would be a failure of the network.)
          if (rests !== null && clock.now() < rests.until) early += 1;
          const { reply: what } = reply;
          let isOver = false;
          // The client says when it gives up; what comes later is lost on it.
          const gone = new Promise<never>((_resolve, reject) => {
            signal?.addEventListener('abort', () => {
              if (!isOver) fail();
              reject(new Error('given up'));
            });
          });
          gone.catch(() => {});
          if (what.kind === 'silent') return await forTime(gone);
          if (what.late > 0)
            await forTime(
              Promise.race([gone, new Promise<void>((resolve) => void clock.after(what.late * 1000, resolve))]),
            );
          const ocsp = (der: Uint8Array) =>
            new Response(new Uint8Array(der), { headers: { 'content-type': 'application/ocsp-response' } });
          isOver = true;
          if (what.kind === 'lost' || what.kind === 'http' || what.kind === 'tryLater') fail();
          else {
            failures = 0;
            rests = null;
          }
          if (what.kind === 'lost') throw new Error('connection reset');
          if (what.kind === 'http') return new Response('busy', { status: 503 });
          if (what.kind === 'tryLater') return ocsp(testErrorResponse(3));
          if (what.kind === 'unauthorized') return ocsp(testErrorResponse(6));
          if (what.kind === 'text') return ocsp(Buffer.from('<html>'));
          if (what.kind !== 'answer') return ocsp(told[0]?.der ?? Buffer.alloc(0));
          const thisUpdate = Math.floor((clock.now() - what.age * MINUTE) / 1000) * 1000;
          const nextUpdate = thisUpdate + what.life * MINUTE;
          const entry = {
            status: what.status,
            thisUpdate: new Date(thisUpdate),
            nextUpdate: new Date(nextUpdate),
            hash: 'sha256' as const,
            ...(what.fault === 'serial' && { serialNumber: 5n }),
          };
          const der = kit.respond(kit.entry(entry), {
            producedAt: new Date(thisUpdate),
            breakSignature: what.fault === 'signature',
            ...(what.fault === 'signer' && { signer: kit.leaf }),
          });
          if (what.fault === 'none') told.push({ status: what.status as Told['status'], thisUpdate, nextUpdate, der });
          return ocsp(der);
        };
        await using client = new OCSPClient({
          responders: ['http://responder.example/'],
          fetch: server as typeof fetch,
          clock,
          failPolicy,
          hash: 'sha256',
          method: 'post',
        });
        let floor = 0;
        for (const item of steps) {
          if (item.do === 'pass') clock.pass(item.minutes * MINUTE);
          if (item.do === 'jump') {
            clock.step(item.minutes * MINUTE);
            // Whoever set the clock back may be asked at once, or after what is left of a rest.
            if (item.minutes < 0) rests = null;
          }
          if (item.do !== 'check') continue;
          reply = item;
          let result: Awaited<ReturnType<OCSPClient['check']>> | undefined;
          const check = client.check(question, { fresh: item.fresh }).then((value) => {
            result = value;
          });
          for (let turns = 0; result === undefined; turns++) {
            await turn();
            if (waiting > 0 && turns % 20 === 0) clock.pass(1000);
          }
          await check;
          const { outcome, allowed, failure, source, verdict, attempts } = result as NonNullable<typeof result>;
          assert.equal(early, 0, 'asked again before its back-off is over');
          seen.add(`${outcome} ${source} ${failure} ${allowed}`);
          const now = clock.now();
          if (outcome === 'good') {
            const rests = told.filter(({ status, der }) => status === 'good' && verdict!.der.equals(der));
            assert.ok(
              // (Seconds may have passed while it was under way.)
              rests.some((one) => one.thisUpdate <= now + TOLERANCE && now < one.nextUpdate + TOLERANCE),
              'good rests on nothing that was told and holds now',
            );
            if (source === 'cache') assert.ok(rests.every(({ nextUpdate }) => now < nextUpdate));
          }
          if (outcome !== 'undetermined') {
            assert.equal(verdict!.status as string, outcome);
            assert.ok(verdict!.thisUpdate!.getTime() >= floor, 'back in time');
            floor = verdict!.thisUpdate!.getTime();
          } else {
            assert.equal(verdict?.status ?? null, null);
            assert.equal(source, null);
            assert.ok(!(allowed && failPolicy === 'hard'), 'hard lets what is undetermined pass');
            if (allowed)
              assert.ok(!attempts.some((attempt) => attempt.failure === 'refused'), 'soft lets what was refused pass');
            assert.equal(allowed, failPolicy === 'soft' && failure === 'unreachable');
          }
          if (outcome === 'revoked' || outcome === 'unknown') assert.equal(allowed, false);
        }
      },
    ),
    { numRuns: 150 },
  );
  // The walk has been everywhere.
  for (const state of [
    'good network null true',
    'good cache null true',
    'revoked network null false',
    'revoked stale null false',
    'unknown network null false',
    'undetermined null unreachable true',
    'undetermined null unreachable false',
    'undetermined null refused false',
  ]) {
    t.true(seen.has(state), `${state} among ${[...seen].join(', ')}`);
  }
});
