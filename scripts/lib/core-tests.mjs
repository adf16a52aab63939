// The test programs of native/core: plain C++, no Node. Built by CMake against the system's OpenSSL.
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { inRoot } from './paths.mjs';
import { has, run, ScriptError, step } from './run.mjs';
import { record } from './suite.mjs';

/** CMake's build folder for one flavour, configured. */
export function configureCore(flavour, definitions) {
  if (!has('cmake')) throw new ScriptError("'cmake' (3.20 or newer) is not installed.");
  const folder = inRoot('build', flavour);
  const given = Object.entries({
    OCSP_STATIC_OPENSSL: 'OFF',
    OCSP_WERROR: process.env.OCSP_WERROR ? 'ON' : 'OFF',
    ...definitions,
  }).map(([name, value]) => `-D${name}=${value}`);
  run('cmake', ['-S', '.', '-B', folder, ...given], { capture: true });
  return folder;
}

/**
 * Builds and runs every test program. Each ends with exit code 0 if all is well, and may print `N passed, N failed` last.
 * @param {string} flavour name of the build folder
 */
export function runCoreTests(flavour, definitions, { env = {}, label = 'native core' } = {}) {
  if (!existsSync(inRoot('test', 'native'))) throw new ScriptError('test/native holds no test programs.');
  step(`${label}: building`);
  const folder = configureCore(flavour, { OCSP_CORE_TESTS: 'ON', ...definitions });
  run('cmake', ['--build', folder, '--parallel', String(Math.min(availableParallelism(), 8))]);
  const programs = readdirSync(`${folder}/tests`).filter((name) => /_test(\.exe)?$/.test(name));
  if (programs.length === 0) throw new ScriptError('test/native holds no *_test.cc.');
  const total = { passed: 0, failed: 0 };
  for (const program of programs) {
    const result = run(`${folder}/tests/${program}`, [], { capture: true, allowFailure: true, env });
    const [, passed, failed] = /(\d+) passed, (\d+) failed\s*$/.exec(result.stdout) ?? [];
    if (passed === undefined) total[result.status === 0 ? 'passed' : 'failed'] += 1;
    else {
      total.passed += Number(passed);
      // A sanitizer's verdict comes after the program's own count.
      total.failed += Number(failed) || (result.status === 0 ? 0 : 1);
    }
    if (result.status !== 0)
      console.log(`${program} failed (exit code ${result.status})\n${result.stdout}${result.stderr}`);
  }
  record(label, total);
  if (total.failed > 0) throw new ScriptError(`${label}: failed.`);
}
