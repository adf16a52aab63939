// The C++ program that asks libcrypto (parity/oracle): building it, and asking.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { inRoot } from '../scripts/lib/paths.mjs';
import { run, ScriptError } from '../scripts/lib/run.mjs';
import { files, fingerprint, isFresh, stamp, unstamp } from '../scripts/lib/stamps.mjs';

const program = inRoot('build', 'parity', 'oracle');
const prefix = process.env.OPENSSL_ROOT_DIR;
const compiler = process.env.CXX ?? 'c++';
const includes = prefix ? [`-I${join(resolve(prefix), 'include')}`] : [];

/** Questions per run: an answer may be ten times as long as its question. */
const BATCH = 2000;

/**
 * Asks questions: a name and arguments each, where Uint8Arrays travel as hex and null, undefined and empty lists as '-'.
 * Lists are joined with commas. Answers are what the program's JSON says.
 */
export function ask(questions) {
  const answers = [];
  for (let at = 0; at < questions.length; at += BATCH) {
    const batch = questions.slice(at, at + BATCH).map((question) => question.map(argument).join(' '));
    const result = spawnSync(program, { input: `${batch.join('\n')}\n`, encoding: 'utf8', maxBuffer: 2 ** 30 });
    if (result.status !== 0)
      throw new ScriptError(`The oracle failed: ${result.stderr || result.error || result.signal}`);
    const lines = result.stdout.trimEnd().split('\n');
    if (lines.length !== batch.length) throw new ScriptError('The oracle left questions unanswered.');
    answers.push(...lines.map((line) => JSON.parse(line)));
  }
  return answers;
}

/** One argument, or one field of a compound argument. */
export function argument(value) {
  if (value === null || value === undefined) return '-';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(argument).join(',');
  if (value instanceof Uint8Array) return value.length === 0 ? '-' : Buffer.from(value).toString('hex');
  return String(value);
}

/** Builds the program, if stale, against the system's libcrypto or that of OPENSSL_ROOT_DIR. Tells its version. */
export function prepareOracle() {
  const sources = files(inRoot('parity', 'oracle'), (file) => /\.(cc|h)$/.test(file));
  const print = fingerprint(sources, { arch: process.arch, prefix, compiler });
  if (!isFresh('parity-oracle', print, program)) {
    console.error('Building the oracle.');
    unstamp('parity-oracle');
    mkdirSync(dirname(program), { recursive: true });
    const units = sources.filter((file) => file.endsWith('.cc'));
    const library = prefix ? [`-L${join(resolve(prefix), 'lib')}`, `-Wl,-rpath,${join(resolve(prefix), 'lib')}`] : [];
    const options = ['-O1', '-std=c++20', '-Wall', '-Wextra', ...includes, ...library];
    const hint = 'A C++20 compiler and the headers of OpenSSL are needed.';
    run(compiler, [...options, ...units, '-lcrypto', '-o', program], { hint });
    stamp('parity-oracle', print);
  }
  return ask([['version']])[0];
}

/** <openssl/ocsp.h> as the oracle's compiler finds it, after preprocessing; with `macros`, its macro definitions. */
export function header({ macros = false } = {}) {
  const options = macros ? ['-dM'] : ['-P'];
  const args = ['-E', ...options, '-x', 'c++', ...includes, '-'];
  return run(compiler, args, { capture: true, input: '#include <openssl/ocsp.h>\n' }).stdout;
}
