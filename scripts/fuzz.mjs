// npm run fuzz: the fuzz targets of test/fuzz, under AddressSanitizer and UndefinedBehaviorSanitizer.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { inRoot } from './lib/paths.mjs';
import { has, main, run, ScriptError, step } from './lib/run.mjs';

const TARGETS = ['request', 'response', 'certificate'];

const options = {
  seconds: { type: 'string', default: '60', help: 'per target (default 60)' },
  seed: { type: 'string', default: '1', help: 'of the random numbers (default 1)' },
  driver: { type: 'boolean', help: "the built-in driver even where clang's libFuzzer is installed" },
};
const about =
  'Fuzzes native/core against the OpenSSL of the system, with libFuzzer (clang) or, without it, a driver built by CXX.\n' +
  `Targets: ${TARGETS.join(', ')}; all of them when none is named. A finding is left in build/fuzz/<target>.`;

await main({ usage: 'npm run fuzz [-- options] [target ...]', about, options }, async (values, named) => {
  const targets = named.length > 0 ? named : TARGETS;
  for (const target of targets) if (!TARGETS.includes(target)) throw new ScriptError(`There is no target '${target}'.`);
  const clang = ['clang++', 'clang++-19', 'clang++-16', 'clang++-14'].find(has);
  const fuzzer = !values.driver && clang !== undefined && linksFuzzer(clang);
  const compiler = fuzzer ? clang : (process.env.CXX ?? 'g++');
  const folder = inRoot('build', 'fuzz');
  mkdirSync(folder, { recursive: true });

  step(`building with ${compiler}${fuzzer ? ' and libFuzzer' : ''}`);
  const objects = compileAll(compiler, fuzzer, folder);
  const link = (name, parts, flags) =>
    run(compiler, [
      ...flags,
      ...parts.map((part) => objects.get(part)),
      '-lcrypto',
      '-lpthread',
      '-ldl',
      '-o',
      `${folder}/${name}`,
    ]);
  const core = [...objects.keys()].filter((name) => name.startsWith('native/core/'));
  const support = ['test/native/fixtures.cc', 'test/native/mutate.cc', 'test/native/oracle.cc', ...core];
  const sanitize = '-fsanitize=address,undefined';
  link('seeds', ['test/fuzz/seeds.cc', ...support], [sanitize]);
  const seeds = `${folder}/seeds.d`;
  rmSync(seeds, { recursive: true, force: true });
  mkdirSync(seeds);
  run(`${folder}/seeds`, [seeds]);

  const environment = {
    ASAN_OPTIONS: 'detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1',
    UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
  };
  for (const target of targets) {
    const front = fuzzer ? 'test/fuzz/mutator.cc' : 'test/fuzz/driver.cc';
    link(target, [`test/fuzz/${target}.cc`, front, ...support], [fuzzer ? `${sanitize},fuzzer` : sanitize]);
    step(`${target}: ${values.seconds} seconds`);
    const work = `${folder}/${target}.d`;
    mkdirSync(work, { recursive: true });
    const args = fuzzer
      ? [
          '-print_final_stats=1',
          `-max_total_time=${values.seconds}`,
          `-seed=${values.seed}`,
          '-max_len=65536',
          '-timeout=10',
          '-verbosity=0',
          work,
          seeds,
        ]
      : [seeds, values.seconds, values.seed];
    const result = run(`${folder}/${target}`, args, { cwd: folder, env: environment, allowFailure: true });
    if (result.status !== 0)
      throw new ScriptError(`${target}: a finding (exit code ${result.status}), see build/fuzz.`);
  }
});

/** Whether the runtime of libFuzzer is there: Debian packs it apart from the compiler. */
function linksFuzzer(clang) {
  const args = ['-fsanitize=fuzzer', '-x', 'c++', '-', '-o', '/dev/null'];
  const input = 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }';
  return run(clang, args, { input, capture: true, allowFailure: true }).status === 0;
}

/** Compiles every source once; the key is its path. */
function compileAll(compiler, fuzzer, folder) {
  const sources = ['native/core', 'test/native', 'test/fuzz'].flatMap((part) =>
    readdirSync(inRoot(part))
      .filter((name) => name.endsWith('.cc') && !name.endsWith('_test.cc'))
      .filter((name) => name !== (fuzzer ? 'driver.cc' : 'mutator.cc'))
      .map((name) => `${part}/${name}`),
  );
  const flags = [
    ...['-std=c++20', '-O1', '-g', '-fno-exceptions', '-fno-rtti', '-fno-omit-frame-pointer', '-D_GLIBCXX_ASSERTIONS'],
    ...['-DOPENSSL_API_COMPAT=30000', '-DOPENSSL_NO_DEPRECATED', '-Inative', '-Itest', '-Itest/native'],
    `-fsanitize=address,undefined${fuzzer ? ',fuzzer-no-link' : ''}`,
    ...['-fno-sanitize=vptr', '-fno-sanitize-recover=all'],
  ];
  const objects = new Map();
  for (const source of sources) {
    const object = `${folder}/${source.replaceAll('/', '_')}.o`;
    run(compiler, [...flags, '-c', source, '-o', object]);
    objects.set(source, object);
  }
  return objects;
}
