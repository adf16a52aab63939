import test from 'ava';
import { Recent } from '#dist/responder/recent.js';

interface Value {
  readonly name: string;
}

function put(recent: Recent<Value>, ...names: string[]): void {
  for (const name of names) recent.set(name, { name });
}

function kept(recent: Recent<Value>, names: readonly string[]): string[] {
  return names.filter((name) => recent.get(name)?.name === name);
}

test('at first everything is kept, then what comes again', (t) => {
  const recent = new Recent<Value>(8, 20);
  const names = ['first', 'second', 'once', 'twice'];
  put(recent, ...names);
  t.deepEqual(kept(recent, names), ['first', 'second']);
  put(recent, 'twice');
  t.deepEqual(kept(recent, names), ['first', 'second', 'twice']);
});

test('however many come once, what came twice stays', (t) => {
  const recent = new Recent<Value>(8, 20);
  put(recent, 'a', 'b', 'c', 'c', 'd', 'd');
  for (let i = 0; i < 10_000; i += 1) put(recent, `once ${i}`);
  t.deepEqual(kept(recent, ['a', 'b', 'c', 'd']), ['a', 'b', 'c', 'd']);
});

test('of more than it holds, the oldest goes first', (t) => {
  const recent = new Recent<Value>(4, 20);
  const names = Array.from({ length: 10 }, (_, i) => `name ${i}`);
  for (const name of names) put(recent, name, name);
  t.deepEqual(kept(recent, names), names.slice(-4));
});

test('what has a longer name is not kept', (t) => {
  const recent = new Recent<Value>(4, 3);
  put(recent, 'abc', 'abcd');
  t.deepEqual(kept(recent, ['abc', 'abcd']), ['abc']);
});
