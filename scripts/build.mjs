// Builds the addon anew with node-gyp.
import { buildAddon } from './lib/addon.mjs';
import { addonPath } from './lib/paths.mjs';
import { main } from './lib/run.mjs';

const options = {
  debug: { type: 'boolean', help: 'without optimisation, with checked casts' },
  sanitize: { type: 'boolean', help: 'with AddressSanitizer and UndefinedBehaviorSanitizer' },
  coverage: { type: 'boolean', help: 'with counters for gcov' },
  werror: { type: 'boolean', help: 'warnings are errors' },
};

const about =
  'Builds the addon against the headers of the running Node.js. To use another build than Release, name its file by OPENSSL_OCSP_BINDING.';

await main({ usage: 'npm run build [-- options]', about, options }, (values) => {
  const configuration = values.sanitize
    ? 'Sanitize'
    : values.coverage
      ? 'Coverage'
      : values.debug
        ? 'Debug'
        : 'Release';
  buildAddon({ configuration, werror: values.werror, force: true });
  console.log(`built ${addonPath(configuration)}`);
});
