// npm run build: the addon, built again by node-gyp, and the compiled library: all that the package needs to be used.
import { buildAddon } from './lib/addon.mjs';
import { installMissing } from './lib/dependencies.mjs';
import { addonPath } from './lib/paths.mjs';
import { main } from './lib/run.mjs';
import { compile } from './lib/typescript.mjs';

const options = {
  debug: { type: 'boolean', help: 'without optimisation, with checked casts' },
  werror: { type: 'boolean', help: 'warnings are errors' },
};

const about =
  'Builds the addon against the headers of the running Node.js, and dist/. To use another build than Release, name its\n' +
  'file by OPENSSL_OCSP_BINDING.';

await main({ usage: 'npm run build [-- options]', about, options }, async (values) => {
  const configuration = values.debug ? 'Debug' : 'Release';
  installMissing();
  buildAddon({ configuration, werror: values.werror, force: true });
  await compile('lib');
  console.log(`built ${addonPath(configuration)} and dist/`);
});
