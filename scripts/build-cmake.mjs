// Builds the addon with an OpenSSL of its own, by cmake-js.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { stampCmakeAddon } from './lib/addon.mjs';
import { JOINED } from './lib/cmake.mjs';
import { installMissing } from './lib/dependencies.mjs';
import { inRoot } from './lib/paths.mjs';
import { bin, has, main, node, ScriptError, step } from './lib/run.mjs';

const options = {
  'openssl-root': {
    type: 'string',
    help: 'prefix of the OpenSSL to link, with include/ and libcrypto.a (default: OPENSSL_ROOT_DIR, else the system)',
  },
  werror: { type: 'boolean', help: 'warnings are errors' },
};

const about =
  'Builds build/cmake/openssl_ocsp.node: the same sources, but libcrypto.a linked in and hidden, so that Node.js need not export OpenSSL.\n' +
  'Use it by OPENSSL_OCSP_BINDING=<that file>.';

await main({ usage: 'npm run build:cmake -- [options]', about, options }, (values) => {
  if (!has('cmake')) throw new ScriptError("'cmake' (3.20 or newer) is not installed.");
  const openssl = values['openssl-root'] ?? process.env.OPENSSL_ROOT_DIR;
  if (openssl && !existsSync(resolve(openssl, 'include', 'openssl', 'opensslv.h'))) {
    throw new ScriptError(`${resolve(openssl)} holds no include/openssl/opensslv.h.`);
  }
  installMissing();
  step(`building the addon with ${openssl ? `the OpenSSL in ${resolve(openssl)}` : "the system's OpenSSL"}`);
  // `binary.napi_versions` in package.json makes cmake-js use the headers of node-api-headers and download none.
  node(bin('cmake-js'), [
    'build',
    '--out',
    inRoot('build', 'cmake'),
    `--CDOCSP_WERROR=${values.werror || process.env.OCSP_WERROR ? 'ON' : 'OFF'}`,
    ...Object.entries(JOINED).map(([name, value]) => `--CD${name}=${value}`),
    ...(openssl ? [`--CDOPENSSL_ROOT_DIR=${resolve(openssl)}`] : []),
  ]);
  const addon = inRoot('build', 'cmake', 'openssl_ocsp.node');
  if (!existsSync(addon)) throw new ScriptError(`The build left no ${addon}.`);
  stampCmakeAddon();
  console.log(`built ${addon}`);
});
