// npm run coverage: lines of TypeScript (c8) and of C++ (gcov) that the suite and the core's test programs reach.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { buildAddon } from './lib/addon.mjs';
import { runCoreTests } from './lib/core-tests.mjs';
import { addonPath, inRoot } from './lib/paths.mjs';
import { bin, has, main, node, run, ScriptError, step } from './lib/run.mjs';
import { files } from './lib/stamps.mjs';
import { runSuite } from './lib/suite.mjs';

const options = {
  threshold: { type: 'string', default: '95', help: 'least per cent of lines, for each language (default 95)' },
};
const about =
  'Runs everything once with counters; writes coverage/js and coverage/native (HTML) and prints both tables.';

await main({ usage: 'npm run coverage [-- options]', about, options }, async ({ threshold }) => {
  if (!has('gcovr')) throw new ScriptError("'gcovr' is not installed.");
  node(inRoot('scripts', 'setup.mjs'));
  buildAddon({ configuration: 'Coverage' });
  for (const file of files(inRoot('build'), (name) => name.endsWith('.gcda'))) rmSync(file);
  runCoreTests('core-coverage', { OCSP_COVERAGE: 'ON', CMAKE_BUILD_TYPE: 'Debug' }, { label: 'native core, coverage' });

  step('suite with counters');
  const counts = inRoot('coverage', 'tmp');
  rmSync(inRoot('coverage'), { recursive: true, force: true });
  mkdirSync(counts, { recursive: true });
  const env = {
    NODE_V8_COVERAGE: counts,
    OPENSSL_OCSP_BINDING: addonPath('Coverage'),
    OCSP_TEST_INSTRUMENTED: 'coverage',
    OCSP_TEST_REPEATED: '1',
  };
  await runSuite({ label: `Node ${process.version}, coverage`, env, args: ['--timeout=10m'] });

  step('TypeScript');
  const include = ['--include', 'lib/**', '--exclude-after-remap', '--src', 'lib', '--all'];
  const reporters = ['text', 'lcovonly', 'html'].flatMap((name) => ['--reporter', name]);
  const c8 = [
    'report',
    '--temp-directory',
    counts,
    '--reports-dir',
    inRoot('coverage', 'js'),
    ...include,
    ...reporters,
  ];
  const js = node(
    bin('c8'),
    [...c8, '--check-coverage', '--lines', threshold, '--functions', '0', '--branches', '0', '--statements', '0'],
    {
      allowFailure: true,
    },
  );

  step('C++');
  mkdirSync(inRoot('coverage', 'native'), { recursive: true });
  const objects = ['build/Coverage', 'build/core-coverage'].filter((folder) => existsSync(inRoot(folder)));
  const native = run(
    'gcovr',
    [
      '--root',
      '.',
      '--filter',
      'native/',
      '--exclude-throw-branches',
      '--print-summary',
      '--txt',
      '-',
      '--html-details',
      'coverage/native/index.html',
      '--fail-under-line',
      threshold,
      ...objects,
    ],
    { allowFailure: true },
  );

  const low = [js.status !== 0 && 'TypeScript', native.status !== 0 && 'C++'].filter(Boolean);
  if (low.length > 0) throw new ScriptError(`Below ${threshold} % of lines: ${low.join(' and ')}.`);
});
