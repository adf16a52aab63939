// npm test: sets up what is missing, then runs ava. Arguments go to ava: npm test -- --match='*nonce*'
import { inRoot } from './lib/paths.mjs';
import { bin, node } from './lib/run.mjs';
import { runSuite } from './lib/suite.mjs';

try {
  node(inRoot('scripts', 'setup.mjs'));
  const args = process.argv.slice(2);
  if (process.env.OCSP_TEST_TALLY) await runSuite({ label: `Node ${process.version}`, args });
  else node(bin('ava'), args);
} catch (error) {
  // Whoever failed has said why.
  if (process.env.OCSP_TEST_TALLY) console.error(error.message);
  process.exitCode = 1;
}
