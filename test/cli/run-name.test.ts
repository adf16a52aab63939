/** Which interrupted run of `bulk-sign` is continued. */
import test from 'ava';
import { continuedOrNew } from '#dist/cli/run-name.js';

const HOUR = 3600;
const now = Date.UTC(2026, 0, 2);

test('a run is continued while what it has signed is young', (t) => {
  const begun = continuedOrNew('name', null, 24 * HOUR, now);
  t.is(begun, `name ${now / 1000}`);
  for (const later of [0, 6 * HOUR, -6 * HOUR])
    t.is(continuedOrNew('name', begun, 24 * HOUR, now + later * 1000), begun);
  for (const later of [6 * HOUR + 1, 7 * 24 * HOUR, -6 * HOUR - 1]) {
    t.is(continuedOrNew('name', begun, 24 * HOUR, now + later * 1000), `name ${now / 1000 + later}`);
  }
  // A CRL says itself until when it holds.
  t.is(continuedOrNew('name', begun, null, now + 1e9), begun);
});

test('a run of another name, or of an earlier version, is not continued', (t) => {
  const begun = `other ${now / 1000}`;
  t.is(continuedOrNew('name', begun, 24 * HOUR, now), `name ${now / 1000}`);
  t.is(continuedOrNew('name', 'name', 24 * HOUR, now), `name ${now / 1000}`);
});
