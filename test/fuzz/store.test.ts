/** Some sequences of the fuzzer of stores, which `npm run fuzz -- store` has more of. */
import test from 'ava';
import { repeated } from '../helpers/repeated.js';
import { fuzzStore } from './store.js';

const SEQUENCES = repeated(100);

test(`${SEQUENCES} sequences of operations with faults: what is served is what the model says`, async (t) => {
  t.timeout(600_000);
  const seed = Math.floor(Math.random() * 2 ** 31);
  t.log(`seed ${seed}`);
  await t.notThrowsAsync(fuzzStore(SEQUENCES, seed));
});
