// npm run fuzz: the fuzzers of test/fuzz; those of native/core under AddressSanitizer and UndefinedBehaviorSanitizer.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { build, configure, INSTRUMENTED, SANITIZER_OPTIONS } from './lib/cmake.mjs';
import { inRoot } from './lib/paths.mjs';
import { has, main, node, run, ScriptError, step } from './lib/run.mjs';

const NOT_TARGETS = ['seeds.cc', 'driver.cc', 'mutator.cc'];
const TARGETS = readdirSync(inRoot('test', 'fuzz'))
  .filter((name) => name.endsWith('.cc') && !NOT_TARGETS.includes(name))
  .map((name) => name.slice(0, -3));
/** Inputs from which on a build of their own is worth it. */
const MANY = 100_000;
/** Those that run on Node, and what they count. */
const ON_NODE = { store: 'sequences', responder: 'inputs' };

const options = {
  runs: { type: 'string', default: '1000000', help: 'inputs per target (default 1000000)' },
  seed: { type: 'string', default: '1', help: 'of the random numbers (default 1)' },
  driver: { type: 'boolean', help: "the built-in driver even where clang's libFuzzer is installed" },
  plain: {
    type: 'boolean',
    help: 'the built-in driver, no sanitizers: finds differences from OpenSSL and crashes only, in a third of the time',
  },
};
const about =
  'Fuzzes native/core against the OpenSSL of the system, with libFuzzer (clang) or, without it, a driver built by CXX.\n' +
  `Targets: ${TARGETS.join(', ')}; all of them when none is named. A finding is left in build/fuzz.d.\n` +
  'Only when they are named: store, sequences of operations of a store with faults; responder, requests that are nearly\n' +
  'right. A finding tells its seed, or its input.';

await main({ usage: 'npm run fuzz [-- options] [target ...]', about, options }, (values, named) => {
  const { runs, seed, driver, plain } = values;
  const targets = named.length > 0 ? named.filter((target) => !Object.hasOwn(ON_NODE, target)) : TARGETS;
  for (const target of targets) if (!TARGETS.includes(target)) throw new ScriptError(`There is no target '${target}'.`);
  if (!/^\d+$/.test(runs)) throw new ScriptError('--runs takes a whole number.');
  for (const [target, what] of Object.entries(ON_NODE)) {
    if (!named.includes(target)) continue;
    node(inRoot('scripts', 'setup.mjs'));
    step(`${target}: ${runs} ${what}`);
    node(inRoot('build', 'test', 'fuzz', `${target}.js`), [runs, seed]);
  }
  if (targets.length === 0) return;
  const clang = driver || plain ? undefined : ['clang++', 'clang++-19', 'clang++-16', 'clang++-14'].find(linksFuzzer);
  step(`building with ${clang ? `${clang} and libFuzzer` : 'the built-in driver'}`);
  // Counters make it take more than twice as long; few inputs take less than to compile without them.
  const alone = { ...INSTRUMENTED, OCSP_CORE_TESTS: 'OFF', OCSP_COVERAGE: 'OFF' };
  let folder;
  if (clang) folder = configure('fuzz', { ...alone, CMAKE_CXX_COMPILER: clang });
  else if (plain) folder = configure('fuzz-plain', { ...alone, CMAKE_BUILD_TYPE: 'Release', OCSP_SANITIZE: 'OFF' });
  else folder = Number(runs) > MANY ? configure('fuzz-driver', alone) : configure('native', INSTRUMENTED);
  build(folder, ['fuzz_seeds', ...targets.map((target) => `fuzz_${target}`)]);

  const work = inRoot('build', 'fuzz.d');
  const seeds = `${work}/seeds`;
  rmSync(seeds, { recursive: true, force: true });
  mkdirSync(seeds, { recursive: true });
  run(`${folder}/fuzz_seeds`, [seeds]);
  for (const target of targets) {
    step(`${target}: ${runs} inputs`);
    const corpus = `${work}/${target}`;
    mkdirSync(corpus, { recursive: true });
    const libFuzzer = ['-print_final_stats=1', '-max_len=65536', '-timeout=10', '-verbosity=0'];
    const args = clang ? [...libFuzzer, `-runs=${runs}`, `-seed=${seed}`, corpus, seeds] : [seeds, runs, seed];
    const { status } = run(`${folder}/fuzz_${target}`, args, {
      cwd: work,
      env: SANITIZER_OPTIONS,
      allowFailure: true,
    });
    if (status !== 0) throw new ScriptError(`${target}: a finding (exit code ${status}), see build/fuzz.d.`);
  }
});

/** Whether the compiler is there, and the runtime of libFuzzer, which Debian packs apart from it. */
function linksFuzzer(clang) {
  const args = ['-fsanitize=fuzzer', '-x', 'c++', '-', '-o', '/dev/null'];
  const input = 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }';
  return has(clang) && run(clang, args, { input, capture: true, allowFailure: true }).status === 0;
}
