/** What `openssl-ocsp serve` has open, from one reload to the next. */
import test from 'ava';
import { Resources } from '#dist/cli/serve/configuration.js';

test('what a reload that failed had opened is closed by the next one', (t) => {
  const resources = new Resources();
  const closed: string[] = [];
  const use = (key: string) => {
    const close = (): void => {
      closed.push(key);
    };
    return resources.authority(key, () => ({ lookup: () => undefined, close }));
  };
  resources.begin();
  const first = use('a');
  resources.settle();
  // This one fails behind that.
  resources.begin();
  use('b');
  resources.begin();
  t.is(use('a'), first);
  resources.settle();
  t.deepEqual(closed, ['b']);
  resources.begin();
  use('c');
  resources.settle();
  t.deepEqual(closed, ['b', 'a']);
});

test('what is new in a reload that is given up is closed at once, and made anew by the next one', (t) => {
  const resources = new Resources();
  const closed: string[] = [];
  const use = (key: string) =>
    resources.authority(key, () => ({ lookup: () => undefined, close: () => void closed.push(key) }));
  resources.begin();
  const first = use('a');
  resources.settle();
  resources.begin();
  use('a');
  const second = use('b');
  resources.abandon();
  t.deepEqual(closed, ['b']);
  resources.begin();
  t.is(use('a'), first);
  t.not(use('b'), second);
});

test('what is in use is not closed by a reload that fails before it has looked at anything, nor by a second failure', (t) => {
  const resources = new Resources();
  const closed: string[] = [];
  const use = (key: string) =>
    resources.authority(key, () => ({ lookup: () => undefined, close: () => void closed.push(key) }));
  // The start.
  use('a');
  resources.settle();
  resources.abandon();
  resources.begin();
  resources.abandon();
  resources.begin();
  const a = use('a');
  use('b');
  resources.abandon();
  resources.abandon();
  t.deepEqual(closed, ['b']);
  // One that succeeds.
  resources.begin();
  t.is(use('a'), a);
  use('c');
  resources.settle();
  resources.abandon();
  t.deepEqual(closed, ['b']);
});
