/** Some inputs of the fuzzer of the responder, which `npm run fuzz -- responder` has more of. */
import test from 'ava';
import { repeated } from '../helpers/repeated.js';
import { fuzzResponder } from './responder.js';

const INPUTS = repeated(10_000);

test(`${INPUTS} requests that are nearly right: answers that clients accept, and nothing thrown`, async (t) => {
  t.timeout(600_000);
  const seed = Math.floor(Math.random() * 2 ** 31);
  t.log(`seed ${seed}`);
  const tally = await fuzzResponder(INPUTS, seed);
  // (The rarest comes twenty times among a thousand inputs, more or less.)
  for (const kind of ['MALFORMED_REQUEST', 'UNAUTHORIZED', 'GOOD', 'REVOKED', 'UNKNOWN', 'HTTP 200', 'HTTP 400'])
    t.true((tally.get(kind) ?? 0) > 0, `${kind} of ${JSON.stringify([...tally])}`);
});
