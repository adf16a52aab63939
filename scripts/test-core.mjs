// npm run test:core: the test programs of native/core, without Node and without sanitizers.
import { runCoreTests } from './lib/core-tests.mjs';
import { main } from './lib/run.mjs';

await main(
  { usage: 'npm run test:core', about: 'Builds and runs test/native against the OpenSSL of the system.' },
  () => {
    runCoreTests('core', {});
  },
);
