// The second build carries an OpenSSL of its own. Node exports the same symbols, and on Linux those win unless the copy is
// hidden, so that the addon's own words are needed to tell.
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { testIf } from '../helpers/conditional.js';
import { load, root } from './host.js';

// `npm run test:matrix -- own` builds it and sets the variable. A build left from earlier says nothing about today's sources.
const withBuild = testIf(Boolean(process.env['OCSP_TEST_CMAKE']));

withBuild('the addon with its own OpenSSL calls that copy, not the one in Node', (t) => {
  const addon = join(root, 'build', 'cmake', 'openssl_ocsp.node');
  const { loaded, info } = load(addon);
  t.true(loaded);
  t.is(realpathSync(info?.source ?? ''), realpathSync(addon), 'OCSP_basic_sign comes from the addon');
  t.is(info?.version, info?.builtAgainst, 'the version is that of the headers of the copy');
});
