/** A client against random networks, with a clock that jumps: what it must never do, whatever comes. */
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import fc from 'fast-check';
import { type CheckResult, type ClientClock, OCSPClient, type ResponseCacheStore } from 'openssl-ocsp/client';
import { TestResponseKit, testErrorResponse } from 'openssl-ocsp/testing';
import { repeated } from '../helpers/repeated.js';

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
  ),
  late: fc.constantFrom(0, 0, 3),
});
/** An answer that was told before: the last but so many. */
const replayed = fc.record({
  kind: fc.constant('replayed' as const),
  back: fc.nat({ max: 20 }),
  late: fc.constantFrom(0, 0, 3),
});
const reply = fc.oneof(answer, answer, answer, other, other, replayed);
type Reply = typeof reply extends fc.Arbitrary<infer T> ? T : never;
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('check' as const),
      fresh: fc.boolean(),
      /** So many at a time. */
      askers: fc.integer({ min: 1, max: 3 }),
      /** Of each responder. */
      replies: fc.tuple(reply, reply),
      /** What comes with the certificate. */
      staple: fc.option(fc.oneof(replayed, fc.constant({ kind: 'nonsense' as const })), { freq: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), minutes: fc.integer({ min: 0, max: 240 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('jump' as const), minutes: fc.integer({ min: -600, max: 600 }) }),
  },
);

/** One of the responders: what it does, and when it may be asked again. */
class Model {
  reply: Reply = { kind: 'lost', late: 0 };
  /** Requests that came before its back-off was over. */
  early = 0;
  #failures = 0;
  #restsUntil: number | null = null;
  #askedAt = 0;
  #answeredAt = Number.NEGATIVE_INFINITY;

  asked(now: number): void {
    this.#askedAt = now;
    if (this.#restsUntil !== null && now < this.#restsUntil) this.early += 1;
  }
  failed(now: number): void {
    this.#failures += 1;
    this.#restsUntil = now + Math.min(60, 2 ** (this.#failures - 1)) * 1000;
  }
  answered(now: number): void {
    this.#failures = 0;
    this.#restsUntil = null;
    this.#answeredAt = now;
  }
  /** Whether it has answered while another was asked. */
  isFasterThan(other: Model): boolean {
    return this.#answeredAt >= other.#askedAt;
  }
  /** Whoever set the clock back may ask at once, or after what is left of a rest. */
  forgotten(): void {
    this.#restsUntil = null;
  }
}

/** Keeps answers for the next process. */
class MapStore implements ResponseCacheStore {
  readonly #answers = new Map<string, Uint8Array>();

  async get(key: string): Promise<Uint8Array | null> {
    return this.#answers.get(key) ?? null;
  }
  async put(key: string, der: Uint8Array): Promise<void> {
    this.#answers.set(key, Buffer.from(der));
  }
  async delete(key: string): Promise<void> {
    this.#answers.delete(key);
  }
  async *keys(): AsyncIterable<string> {
    yield* this.#answers.keys();
  }
}

test('never good from a refused or expired answer, never back in time, never past its policy or its back-off', async (t) => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 25 }),
      fc.constantFrom('hard', 'soft'),
      async (steps, failPolicy) => {
        const clock = new VirtualClock();
        const told: Told[] = [];
        const models = [new Model(), new Model()] as const;
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
        const earlier = (back: number): Buffer => told.at(-1 - back)?.der ?? told[0]?.der ?? Buffer.alloc(0);
        const server = async (url: unknown, { signal }: RequestInit = {}): Promise<Response> => {
          const model = models[new URL(String(url)).hostname === 'one.example' ? 0 : 1];
          // (What is thrown here would be a failure of the network.)
          model.asked(clock.now());
          const what = model.reply;
          let isOver = false;
          // The client says when it gives up; what comes later is lost on it. Whoever was slower than another has not failed.
          const gone = new Promise<never>((_resolve, reject) => {
            signal?.addEventListener('abort', () => {
              if (!isOver && /^no answer within/.test(String((signal.reason as Error).message)))
                model.failed(clock.now());
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
          if (what.kind === 'lost' || what.kind === 'http' || what.kind === 'tryLater') {
            model.failed(clock.now());
            // Whoever has heard from the other one does not wait for this.
            if (what.late > 0 && models.some((one) => one !== model && one.isFasterThan(model))) model.forgotten();
          } else model.answered(clock.now());
          if (what.kind === 'lost') throw new Error('connection reset');
          if (what.kind === 'http') return new Response('busy', { status: 503 });
          if (what.kind === 'tryLater') return ocsp(testErrorResponse(3));
          if (what.kind === 'unauthorized') return ocsp(testErrorResponse(6));
          if (what.kind === 'text') return ocsp(Buffer.from('<html>'));
          if (what.kind === 'replayed') return ocsp(earlier(what.back));
          if (what.kind !== 'answer') throw new Error(what.kind);
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
        const store = new MapStore();
        const start = () =>
          new OCSPClient({
            responders: ['http://one.example/', 'http://two.example/'],
            fetch: server as typeof fetch,
            cache: { store },
            clock,
            failPolicy,
            hash: 'sha256',
            method: 'post',
          });
        let client = start();
        let floor = 0;
        // (That a responder does not know the certificate keeps no revocation away.)
        let floorOfUnknown = 0;
        for (const item of steps) {
          if (item.do === 'pass') clock.pass(item.minutes * MINUTE);
          if (item.do === 'jump') {
            clock.step(item.minutes * MINUTE);
            if (item.minutes < 0) for (const model of models) model.forgotten();
          }
          if (item.do === 'restart') {
            await client.close();
            client = start();
            for (const model of models) model.answered(clock.now()); // as a new process knows it
          }
          if (item.do !== 'check') continue;
          for (const [i, model] of models.entries()) model.reply = item.replies[i as 0 | 1];
          const { staple } = item;
          const more =
            staple === null
              ? {}
              : { staple: staple.kind === 'replayed' ? earlier(staple.back) : Buffer.from('nonsense') };
          let results: CheckResult[] | undefined;
          const checks = Promise.all(
            Array.from({ length: item.askers }, () => client.check(question, { fresh: item.fresh, ...more })),
          ).then((values) => {
            results = values;
          });
          for (let turns = 0; results === undefined; turns++) {
            await turn();
            if (waiting > 0 && turns % 20 === 0) clock.pass(1000);
          }
          await checks;
          assert.equal(models[0].early + models[1].early, 0, 'asked again before its back-off is over');
          const now = clock.now();
          let latest = floor;
          let latestUnknown = floorOfUnknown;
          let isRevoked = false;
          for (const { outcome, allowed, failure, source, verdict, attempts } of results as CheckResult[]) {
            seen.add(`${outcome} ${source} ${failure} ${allowed}`);
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
              const thisUpdate = verdict!.thisUpdate!.getTime();
              const least = outcome === 'revoked' ? floor : Math.max(floor, floorOfUnknown);
              assert.ok(thisUpdate >= least, 'back in time');
              if (outcome === 'unknown') latestUnknown = Math.max(latestUnknown, thisUpdate);
              else latest = Math.max(latest, thisUpdate);
              isRevoked ||= outcome === 'revoked';
            } else {
              assert.equal(verdict?.status ?? null, null);
              assert.equal(source, null);
              assert.ok(!(allowed && failPolicy === 'hard'), 'hard lets what is undetermined pass');
              if (allowed)
                assert.ok(
                  !attempts.some((attempt) => attempt.failure === 'refused'),
                  'soft lets what was refused pass',
                );
              assert.equal(allowed, failPolicy === 'soft' && failure === 'unreachable');
            }
            if (outcome === 'revoked' || outcome === 'unknown') assert.equal(allowed, false);
          }
          floor = latest;
          floorOfUnknown = isRevoked ? 0 : latestUnknown;
        }
        await client.close();
      },
    ),
    { numRuns: repeated(150), includeErrorInReport: true },
  );
  // The walk has been everywhere. (A tenth of it need not have been.)
  t.pass();
  if (repeated(10) < 10) return;
  for (const state of [
    'good network null true',
    'good cache null true',
    'good staple null true',
    'revoked network null false',
    'revoked stale null false',
    'revoked staple null false',
    'unknown network null false',
    'undetermined null unreachable true',
    'undetermined null unreachable false',
    'undetermined null refused false',
  ]) {
    t.true(seen.has(state), `${state} among ${[...seen].join(', ')}`);
  }
});
