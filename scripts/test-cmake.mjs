// npm run test:cmake: the suite on the addon that carries its own OpenSSL.
import { inRoot } from './lib/paths.mjs';
import { main, node, step } from './lib/run.mjs';
import { runSuite } from './lib/suite.mjs';

const options = {
  'openssl-root': {
    type: 'string',
    help: 'prefix of the OpenSSL to link (default: OPENSSL_ROOT_DIR, else the system)',
  },
};
const about = 'Builds the addon with an OpenSSL of its own and runs the whole suite with it.';

await main({ usage: 'npm run test:cmake [-- options] [arguments of ava]', about, options }, async (values, args) => {
  node(inRoot('scripts', 'setup.mjs'));
  node(inRoot('scripts', 'build-cmake.mjs'), values['openssl-root'] ? ['--openssl-root', values['openssl-root']] : []);
  step('suite with the OpenSSL inside the addon');
  // The variable switches test/packaging/cmake.test.ts on: an old build/cmake must not fail a plain `npm test`.
  const env = {
    OPENSSL_OCSP_BINDING: inRoot('build', 'cmake', 'openssl_ocsp.node'),
    OCSP_TEST_CMAKE: '1',
    OCSP_TEST_REPEATED: '1',
  };
  await runSuite({ label: 'own OpenSSL (cmake-js)', env, args });
});
