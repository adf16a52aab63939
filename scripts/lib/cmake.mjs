// Builds by CMake: the core's test programs, fuzzers, and the addon with sanitizers and counters. Against the system's OpenSSL.
import { availableParallelism } from 'node:os';
import { inRoot } from './paths.mjs';
import { has, run, ScriptError } from './run.mjs';

/** Where Node-API's headers are, and nothing else of Node. */
const NODE_API = ['node-api-headers/include', 'node-addon-api'].map((path) => inRoot('node_modules', path)).join(';');

/** A dozen sources at a time: a third of the time, which goes into headers. */
export const JOINED = { CMAKE_UNITY_BUILD: 'ON', CMAKE_UNITY_BUILD_BATCH_SIZE: '12' };

/** Everything that runs with sanitizers, in one tree, so that each source is compiled once. */
export const INSTRUMENTED = {
  CMAKE_BUILD_TYPE: 'Debug',
  OCSP_SANITIZE: 'ON',
  OCSP_COVERAGE: 'ON',
  OCSP_CORE_TESTS: 'ON',
  OCSP_FUZZERS: 'ON',
  ...JOINED,
};

/** What the sanitizers in a program of our own are told. */
export const SANITIZER_OPTIONS = {
  ASAN_OPTIONS: 'abort_on_error=1:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1',
  UBSAN_OPTIONS: 'abort_on_error=1:print_stacktrace=1:halt_on_error=1',
};

/** The build folder of that name, configured. */
export function configure(name, definitions, env = {}) {
  if (!has('cmake')) throw new ScriptError("'cmake' (3.20 or newer) is not installed.");
  const folder = inRoot('build', name);
  const given = Object.entries({
    OCSP_STATIC_OPENSSL: 'OFF',
    OCSP_HOST_OPENSSL: 'ON',
    OCSP_WERROR: process.env.OCSP_WERROR ? 'ON' : 'OFF',
    CMAKE_JS_INC: NODE_API,
    ...definitions,
  }).map(([key, value]) => `-D${key}=${value}`);
  run('cmake', ['-S', '.', '-B', folder, ...given], { capture: true, env });
  return folder;
}

/** Builds targets of a configured folder; all of them when none is named. */
export function build(folder, targets = []) {
  const jobs = String(Math.min(availableParallelism(), 8));
  const named = targets.length > 0 ? ['--target', ...targets] : [];
  run('cmake', ['--build', folder, '--parallel', jobs, ...named]);
}
