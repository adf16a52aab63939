/** The packed answers of a client against a plain map of them. */
import { createHash } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { AnswerMemory } from '#dist/client/answer-memory.js';
import { CachedAnswer } from '#dist/client/cached-answer.js';
import { repeated } from '../helpers/repeated.js';

/** Few keys, of which many have their beginning in common, as the table sees it. */
const KEYS = Array.from({ length: 40 }, (_, i) => `${'0123'.charAt(i % 4).repeat(8)}${digest(i).slice(8)}`);

function digest(of: number): string {
  return createHash('sha256').update(String(of)).digest('hex');
}

function answerOf(seed: number, length: number): CachedAnswer {
  const time = (factor: number) => ((seed * factor) % 3e11) * 1000 - 1e12;
  const status = (['good', 'revoked', 'unknown'] as const)[seed % 3]!;
  const der = Buffer.alloc(length, `${seed} `);
  return new CachedAnswer(status, time(7), time(1e3), time(1e6), time(1e9), time(13), (seed * 7919) % 2 ** 48, der);
}

const plain = ({ der, ...others }: CachedAnswer) => ({ ...others, der: der.toString('latin1') });

const key = fc.constantFrom(...KEYS);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('set' as const),
      key,
      seed: fc.nat({ max: 1e6 }),
      length: fc.oneof(
        { weight: 8, arbitrary: fc.nat({ max: 2000 }) },
        { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 70_000 }) },
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('get' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('update' as const), key, at: fc.nat({ max: 1e9 }) }) },
);

test('what is there is what was put there last; no more bytes than allowed; what was handed out stays as it was', (t) => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 200 }),
      fc.constantFrom(0, 100, 3000, 20_000, 200_000, 1e9),
      (steps, maxBytes) => {
        const memory = new AnswerMemory(maxBytes);
        const model = new Map<string, ReturnType<typeof plain>>();
        const handedOut: [Buffer, string][] = [];
        const look = (at: string): CachedAnswer | undefined => {
          const found = memory.get(at);
          if (found === undefined) {
            t.true(maxBytes < 1e9 || !model.has(at), 'nothing is lost where there is room');
            return undefined;
          }
          t.deepEqual(plain(found), model.get(at));
          handedOut.push([found.der, found.der.toString('latin1')]);
          return found;
        };
        for (const item of steps) {
          if (item.do === 'set') {
            const answer = answerOf(item.seed, item.length);
            memory.set(item.key, answer);
            model.set(item.key, plain(answer));
            if (item.length + 400 < maxBytes) t.truthy(memory.get(item.key), 'the newest one is there');
          }
          if (item.do === 'get') look(item.key);
          if (item.do === 'update') {
            const found = look(item.key);
            if (found !== undefined) {
              const more = { refreshAt: item.at * 1000, verifiedAt: item.at * 2000, issuerMark: item.at };
              memory.update(item.key, Object.assign(found, more));
              model.set(item.key, plain(found));
              // Another one is no longer, or not yet, there.
              memory.update(item.key, answerOf(5, found.der.length + 1));
            }
          }
          t.true(memory.bytes <= Math.max(maxBytes, 64));
        }
        for (const at of KEYS) look(at);
        for (const [der, was] of handedOut) t.is(der.toString('latin1'), was);
      },
    ),
    { numRuns: repeated(100) },
  );
});

test('what is used stays, whatever else comes; what is replaced again and again takes no more room', (t) => {
  const memory = new AnswerMemory(300_000);
  const used = digest(-1);
  memory.set(used, answerOf(1, 900));
  for (let i = 0; i < 5000; i++) {
    t.truthy(memory.get(used));
    memory.set(digest(i), answerOf(i, 900));
  }
  t.truthy(memory.get(digest(4900)), 'the latest are there');
  t.is(memory.get(digest(1000)), undefined);
  const roomy = new AnswerMemory(1e9);
  for (let i = 0; i < 50_000; i++) roomy.set(digest(i % 500), answerOf(i, 900));
  t.true(roomy.bytes < 500 * 1000 * 1.3, String(roomy.bytes));
});

test('an answer takes little more than its bytes', (t) => {
  const memory = new AnswerMemory(1e9);
  const count = 20_000;
  for (let i = 0; i < count; i++) memory.set(digest(i), answerOf(i, 280));
  t.true(memory.bytes < count * 280 * 1.3, `${memory.bytes / count} bytes for 280`);
});
