/** So many signatures at a time: what hangs is told from what waits. */
import { writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import test from 'ava';
import { loadStoredPrivateKey } from 'openssl-ocsp';
import { onDeviceThread } from '#dist/responder/device-threads.js';
import { Gate, Overload } from '#dist/responder/gate.js';
import { Scratch } from '../helpers/openssl-cli.js';
import { ask, delegate, makeResponder, statusOf } from './fixtures.js';

const isOverload = (error: unknown): boolean => error instanceof Overload;
const never = new Promise<never>(() => undefined);

test('a task that begins late and is given up has not hung; its place is kept until it ends', async (t) => {
  const gate = new Gate({ maxInflight: 1, maxWaiting: 10, timeout: 2000 });
  const ends: (() => void)[] = [];
  const task = () => new Promise<void>((resolve) => ends.push(resolve));
  const first = gate.run(task);
  const second = gate.run(task).catch(isOverload);
  await wait(1500);
  ends[0]?.();
  await first;
  t.is(ends.length, 2);
  t.true(await second, 'begun at 1500 ms, given up at 2000');
  t.false(gate.isStuck);
  t.is(gate.inflight, 1);
  const third = gate.run(task);
  t.is(ends.length, 2, 'its place is not free');
  ends[1]?.();
  await wait(0);
  t.is(ends.length, 3);
  ends[2]?.();
  await third;
  t.is(gate.inflight, 0);
});

test('a task that hangs makes room after its time, for one at a time, until one has succeeded', async (t) => {
  const gate = new Gate({ maxInflight: 2, maxWaiting: 10, timeout: 100 });
  const hung = [gate.run(() => never), gate.run(() => never)].map((one) => one.catch(isOverload));
  t.deepEqual(await Promise.all(hung), [true, true]);
  t.true(gate.isStuck);
  t.is(gate.inflight, 0);
  const tried = gate.run(() => never).catch(isOverload);
  t.true(await gate.run(() => never).catch(isOverload), 'refused at once');
  t.is(gate.inflight, 1);
  t.true(await tried);
  await gate.run(async () => undefined);
  t.false(gate.isStuck);
});

test('where a task keeps its place, what hangs is tried no more until it ends', async (t) => {
  const gate = new Gate({ maxInflight: 2, maxWaiting: 10, timeout: 100, keepsPlace: true });
  const ends: (() => void)[] = [];
  const task = () => new Promise<void>((resolve) => ends.push(resolve));
  const hung = [gate.run(task), gate.run(task), gate.run(task)].map((one) => one.catch(isOverload));
  t.deepEqual(await Promise.all(hung), [true, true, true]);
  t.is(gate.inflight, 2);
  t.true(gate.isStuck);
  t.true(await gate.run(task).catch(isOverload));
  t.is(ends.length, 2);
  for (const end of ends.splice(0)) end();
  await wait(0);
  t.false(gate.isStuck);
  t.is(gate.inflight, 0);
});

test('devices never have all threads', async (t) => {
  const ends: (() => void)[] = [];
  const device = () => onDeviceThread(() => new Promise<void>((resolve) => ends.push(resolve)));
  const signed = Array.from({ length: 6 }, device);
  await wait(0);
  t.is(ends.length, 3, 'of four');
  for (let left = 6; left > 0; left -= 1) {
    ends.shift()?.();
    await wait(0);
    t.true(ends.length <= 3);
  }
  await Promise.all(signed);
});

test('the key of a device signs for two at a time, and says so', async (t) => {
  using scratch = new Scratch();
  const file = scratch.path('key.pem');
  writeFileSync(file, delegate.privateKeyPem);
  for (const privateKey of [loadStoredPrivateKey(`file:${file}`), () => loadStoredPrivateKey(`file:${file}`)]) {
    const responder = makeResponder(t, { signers: [{ responder: delegate.certificate, privateKey }] });
    if (typeof privateKey === 'function') t.is(await statusOf(responder, ask(['1002'])), 'revoked');
    const statuses = Array.from({ length: 8 }, (_, i) =>
      statusOf(responder, ask(['1001'], { nonce: Buffer.alloc(32, i) })),
    );
    t.like(responder.health().live, { inflight: 2, waiting: 6 });
    t.deepEqual([...new Set(await Promise.all(statuses))], ['good']);
  }
});
