/** Much to sign, and clients that send faster than they are answered: what is at hand is answered in between. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { OCSPResponseStatus } from 'openssl-ocsp';
import type { Answer } from 'openssl-ocsp/responder';
import { testIf } from '../helpers/conditional.js';
import { hasProgram, runProgram } from '../helpers/programs.js';
import { ask, listen, makeResponder, REVOKED, statusIn } from './fixtures.js';

const nonced = (i: number): Buffer => {
  const nonce = Buffer.alloc(32);
  nonce.writeUInt32BE(i);
  return ask(['1001'], { nonce });
};

test('signatures take their share of a turn: others wait, so many of them, and know of what is revoked meanwhile', async (t) => {
  const responder = makeResponder(t, {}, { live: { maxWaiting: 50 } });
  t.is((await responder.answer(ask(['1002']))).source, 'live');
  // In a turn of their own: on a machine that is busy this one may be used up.
  await new Promise((resolve) => setImmediate(resolve));
  const begin = performance.now();
  const waiting: Promise<Answer>[] = [];
  const asked: Buffer[] = [];
  let refused: Answer | undefined;
  for (let i = 0; refused === undefined && performance.now() - begin < 60_000; i += 1) {
    const request = nonced(i);
    const answer = responder.answer(request);
    if (answer instanceof Promise) {
      waiting.push(answer);
      asked.push(request);
    } else if (answer.source === 'live') t.is(statusIn(answer.der, request), 'good');
    else refused = answer;
  }
  t.is(waiting.length, 50);
  t.is(responder.health().live.waiting, 50);
  t.is(refused?.responseStatus, OCSPResponseStatus.TRY_LATER);
  t.is(refused?.headers['Retry-After'], '5');
  const cached = responder.answer(ask(['1002'])) as Answer;
  t.is(cached.source, 'cache');
  await responder.update([{ ...REVOKED, serialNumber: '1001' }]);
  for (const [i, answer] of (await Promise.all(waiting)).entries())
    t.is(statusIn(answer.der, asked[i] as Buffer), 'revoked');
  t.is(responder.health().live.waiting, 0);
});

test('the first answer of a turn is signed at once, the others together at its end', async (t) => {
  const responder = makeResponder(t);
  await responder.answer(nonced(0));
  for (let turn = 1; turn < 4; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    const requests = Array.from({ length: 20 }, (_, i) => nonced(100 * turn + i));
    const answers = requests.map((request) => responder.answer(request));
    t.deepEqual(
      answers.map((answer) => answer instanceof Promise),
      requests.map((_, i) => i > 0),
    );
    for (const [i, answer] of (await Promise.all(answers)).entries())
      t.is(statusIn(answer.der, requests[i] as Buffer), 'good');
  }
});

test('where none may wait, as many as a turn has room for are signed at once', async (t) => {
  const responder = makeResponder(t, {}, { live: { maxWaiting: 0 } });
  await responder.answer(nonced(0));
  await new Promise((resolve) => setImmediate(resolve));
  const begin = performance.now();
  const kinds: string[] = [];
  while (kinds.at(-1) !== 'error' && performance.now() - begin < 60_000) {
    const answer = responder.answer(nonced(kinds.length + 1));
    kinds.push(answer instanceof Promise ? 'late' : answer.source);
  }
  t.false(kinds.includes('late'));
  t.is(kinds.at(-1), 'error');
  t.deepEqual(new Set(kinds.slice(0, -1)), new Set(['live']));
});

test('what waits too long is told to come again', async (t) => {
  const responder = makeResponder(t, {}, { live: { timeout: 1, maxWaiting: 10_000 } });
  const answers = Array.from({ length: 5000 }, (_, i) => responder.answer(nonced(i)));
  // That this process was held up itself is no one's fault.
  const until = performance.now() + 20;
  while (performance.now() < until);
  const statuses = (await Promise.all(answers)).map(({ responseStatus }) => responseStatus);
  t.is(statuses[1], OCSPResponseStatus.SUCCESSFUL);
  t.is(statuses.at(-1), OCSPResponseStatus.TRY_LATER);
});

test('a client that sends much at once is not answered all at once', async (t) => {
  const responder = makeResponder(t);
  const { port } = await listen(t, responder);
  const der = ask(['1001']);
  await responder.answer(der);
  const COUNT = 10_000;
  let answered = 0;
  let most = 0;
  const onAnswer = (message: unknown): void => {
    if ((message as { responder: object }).responder !== responder) return;
    if (answered === 0) setImmediate(next);
    answered += 1;
  };
  const next = (): void => {
    most = Math.max(most, answered);
    answered = 0;
  };
  subscribe('ocsp:responder:answer', onAnswer);
  t.teardown(() => unsubscribe('ocsp:responder:answer', onAnswer));
  const socket = connect(port);
  const get = `GET /${encodeURIComponent(der.toString('base64'))} HTTP/1.1\r\nHost: x\r\n\r\n`;
  socket.write(get.repeat(COUNT));
  let count = 0;
  let rest = '';
  for await (const chunk of socket) {
    const parts = (rest + (chunk as Buffer).toString('latin1')).split('HTTP/1.1 200 OK\r\n');
    count += parts.length - 1;
    rest = (parts.at(-1) as string).slice(-20);
    if (count === COUNT) break;
  }
  t.is(count, COUNT);
  // Two reads of 64 KiB. Without a bound it is a megabyte.
  t.true(most <= (2 * 65_536) / get.length + 100, `${most} in one turn`);
});

const withTaskset = testIf(process.platform === 'linux' && hasProgram('taskset'));

withTaskset('where there is one core, short RSA keys sign at once, too', async (t) => {
  const [, core = ''] = /^Cpus_allowed_list:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
  const worker = fileURLToPath(new URL('./cores-worker.js', import.meta.url));
  const { stdout, stderr } = await runProgram('taskset', ['-c', core, process.execPath, worker]);
  t.deepEqual(JSON.parse(stdout), { cores: 1, answers: ['2048 at once good', '4096 later good'] }, stderr);
  const own = JSON.parse((await runProgram(process.execPath, [worker])).stdout);
  if (own.cores > 1) t.deepEqual(own.answers, ['2048 later good', '4096 later good']);
});
