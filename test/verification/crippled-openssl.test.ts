// OpenSSL fails from within: no hash and no signature algorithm is to be had. Nothing may come of that but refusals.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { testIf } from '../helpers/conditional.js';

interface Outcome {
  readonly how: string;
  readonly name: string;
  readonly said: string;
}

const script = fileURLToPath(new URL('../helpers/crippled-openssl.js', import.meta.url));
const REFUSED = ['refused', 'ERR_OCSP_UNSUPPORTED_ALGORITHM', 'ERR_OCSP_MALFORMED', 'ERR_OCSP_UNSUCCESSFUL'];

// An addon with an OpenSSL of its own keeps its algorithms when Node's loses them.
const shared = testIf(!process.env['OCSP_TEST_CMAKE']);

shared('without algorithms nothing is accepted', (t) => {
  const run = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  t.is(run.status, 0, run.stderr);
  const outcomes = JSON.parse(run.stdout) as Outcome[];
  t.true(outcomes.length > 300);
  for (const { how, name, said } of outcomes) t.true(REFUSED.includes(said), `${how}, ${name}: ${said}`);
});
