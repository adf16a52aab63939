// npm run test:native: the native code under AddressSanitizer, UndefinedBehaviorSanitizer and LeakSanitizer, counting lines.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { build, configure, INSTRUMENTED, SANITIZER_OPTIONS } from './lib/cmake.mjs';
import { inRoot } from './lib/paths.mjs';
import { has, main, node, run, ScriptError, step } from './lib/run.mjs';
import { files } from './lib/stamps.mjs';
import { record, runSuite } from './lib/suite.mjs';
import { NATIVE } from './lib/suites.mjs';

/** Leaks with our code in their stack that are not ours to free. */
const EXPECTED_LEAKS = [
  // OpenSSL's state per thread: error queue and random generators. Threads of libuv's pool live until the process ends.
  /\bossl_err_get_state_int\b/,
  /\bRAND_get0_(public|private)\b/,
  // The same: texts in the error queue of such a thread.
  /#1 0x[0-9a-f]+ in ERR_set_error\b/,
  /#2 0x[0-9a-f]+ in ERR_set_debug\b/,
  // A worker was terminated while it loaded the addon: what V8 keeps of functions and classes.
  /\bnapi_(create_function|define_class)\b/,
  // What V8 allocates for its own heap, such as barriers between generations, when its isolate ends abruptly.
  /#1 0x[0-9a-f]+ in v8::internal::/,
  // What Node keeps of an external that lives when its worker ends (its own 40 bytes, not what the external leads to).
  /#1 0x[0-9a-f]+ in napi_create_external\b/,
  // A worker was terminated while its job ran: no one is left to settle the promise, and Node keeps its 8 bytes.
  /#1 0x[0-9a-f]+ in napi_create_promise\b/,
];

const options = {
  'core-only': { type: 'boolean', help: 'only the programs that need no Node' },
  'node-only': { type: 'boolean', help: 'only the suite under Node' },
  all: { type: 'boolean', help: 'ten times as many repetitions' },
  threshold: { type: 'string', default: '95', help: 'least per cent of C++ lines when nothing is left out (95)' },
};
const about =
  'Runs the test programs of native/core, then tests under Node with an instrumented addon, and prints which lines of C++\n' +
  'they reach. Linux with GCC. Files may be named: npm run test:native -- --node-only build/test/ocsp/request.test.js';

await main({ usage: 'npm run test:native [-- options] [file ...]', about, options }, async (values, named) => {
  if (process.platform !== 'linux') {
    console.log('Skipped: the sanitizer runs are written for Linux.');
    return;
  }
  step('building with sanitizers and counters');
  node(inRoot('scripts', 'setup.mjs'));
  const folder = configure('native', INSTRUMENTED);
  build(folder);
  for (const file of files(folder, (name) => name.endsWith('.gcda'))) rmSync(file);
  if (!values['node-only']) corePrograms(folder, values.all === true);
  if (!values['core-only']) await underNode(folder, named.length > 0 ? named : NATIVE, values.all === true);
  if (!values['node-only'] && !values['core-only'] && named.length === 0) coverage(folder, values.threshold);
});

function corePrograms(folder, whole) {
  step('programs of native/core');
  const { status, stdout } = run('ctest', ['--test-dir', folder, '--output-on-failure', '--timeout', '1800'], {
    // The fuzzers go on where the mutations end.
    env: { ...SANITIZER_OPTIONS, ...(!whole && { OCSP_TEST_REPEATED: '0.3' }) },
    allowFailure: true,
    capture: true,
  });
  console.log(stdout);
  const [, failed, all] = /(\d+) tests? failed out of (\d+)/.exec(stdout) ?? [];
  if (Number(all ?? 0) === 0) throw new ScriptError('ctest ran nothing.');
  record('native core, sanitizers', { passed: all - failed, failed: Number(failed) });
  if (status !== 0) throw new ScriptError('Programs of native/core failed.');
}

/**
 * Node itself is not instrumented, so the runtime of ASan is preloaded. The end of each process lists all leaks, Node's
 * own among them (it frees little at exit). Reports go to files, and only leaks whose stack shows our code count. That
 * finds ours: ava runs each test file in a worker, and when a worker ends, Node finalizes all of its objects.
 */
async function underNode(folder, testFiles, whole) {
  const reports = inRoot('build', 'sanitize-reports');
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });

  step('tests under Node with sanitizers');
  const common = `log_path=${reports}/report:abort_on_error=1:symbolize=1`;
  const env = {
    // The runtime must come before everything else; libstdc++ beside it, else it cannot intercept what the addon throws or frees.
    LD_PRELOAD: ['libasan.so', 'libstdc++.so'].map(runtimeLibrary).join(' '),
    // exitcode concerns leaks only, since errors abort.
    ASAN_OPTIONS: `${common}:detect_leaks=1:exitcode=0:alloc_dealloc_mismatch=0:fast_unwind_on_malloc=1:malloc_context_size=40`,
    LSAN_OPTIONS: 'print_suppressions=0:max_leaks=0',
    UBSAN_OPTIONS: `${common}:print_stacktrace=1:halt_on_error=1`,
    OPENSSL_OCSP_BINDING: `${folder}/openssl_ocsp.node`,
    OCSP_TEST_INSTRUMENTED: 'sanitize',
    ...(!whole && { OCSP_TEST_REPEATED: '0.1' }),
  };
  let failure;
  try {
    await runSuite({ label: `Node ${process.version}, sanitizers`, files: testFiles, env, minutes: 10 });
  } catch (error) {
    failure = error;
  }
  const findings = readReports(reports);
  for (const finding of findings) console.log(`\n${finding}`);
  if (findings.length > 0)
    throw new ScriptError(`${findings.length} findings of the sanitizers (all reports: ${reports}).`);
  if (failure) throw failure;
  console.log('No findings in native/.');
}

/** Path of one of the compiler's shared libraries. */
function runtimeLibrary(name) {
  const path = run(process.env.CXX ?? 'g++', [`-print-file-name=${name}`], {
    capture: true,
    hint: 'The sanitizer run needs GCC.',
  }).stdout.trim();
  if (!existsSync(path)) throw new ScriptError(`The compiler has no ${name}.`);
  return path;
}

function readReports(folder) {
  const findings = [];
  for (const name of readdirSync(folder)) {
    const text = readFileSync(`${folder}/${name}`, 'utf8');
    if (!text.includes('LeakSanitizer')) {
      findings.push(text);
      continue;
    }
    for (const leak of text.split(/\n(?=(?:Direct|Indirect) leak of )/).slice(1)) {
      const ours = /\/native\/(core|binding)\//.test(leak) && !EXPECTED_LEAKS.some((pattern) => pattern.test(leak));
      if (ours) findings.push(leak.split('\nSUMMARY')[0].trimEnd());
    }
  }
  return findings;
}

function coverage(folder, threshold) {
  step('lines of C++');
  if (!has('gcovr')) throw new ScriptError("'gcovr' is not installed.");
  const html = inRoot('coverage', 'native');
  rmSync(html, { recursive: true, force: true });
  mkdirSync(html, { recursive: true });
  const args = ['--root', '.', '--filter', 'native/', '--exclude-throw-branches', '--print-summary', '--txt', '-'];
  const limit = ['--fail-under-line', threshold, '--html-details', `${html}/index.html`];
  const { status } = run('gcovr', [...args, ...limit, folder], { allowFailure: true });
  if (status !== 0) throw new ScriptError(`Below ${threshold} % of the lines of C++.`);
}
