// Brings a clone to where things run: npm packages, the addon, the compiled library and tests. Does only what is missing or stale.
import { buildAddon } from './lib/addon.mjs';
import { installMissing } from './lib/dependencies.mjs';
import { main, ScriptError } from './lib/run.mjs';
import { compile } from './lib/typescript.mjs';

const options = {
  'no-tests': { type: 'boolean', help: 'leave the tests uncompiled' },
};

await main(
  { usage: 'npm run setup [-- options]', about: 'Installs, builds and compiles what is missing or stale.', options },
  async (values) => {
    checkNode();
    installMissing();
    buildAddon();
    await compile('lib');
    if (!values['no-tests']) await compile('test');
  },
);

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new ScriptError(`Node.js 20.19 or newer is needed, this is ${process.version}.`);
  }
}
