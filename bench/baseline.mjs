// Builds and loads the C++ baseline (bench/native).
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { localHeaders } from '../scripts/lib/addon.mjs';
import { inRoot } from '../scripts/lib/paths.mjs';
import { run, ScriptError } from '../scripts/lib/run.mjs';
import { files, fingerprint, isFresh, stamp, unstamp } from '../scripts/lib/stamps.mjs';

const require = createRequire(import.meta.url);
const output = inRoot('build', 'bench', 'baseline.node');
let loaded;

/** The functions of bench/native, each of which runs a given number of rounds. */
export function loadBaseline() {
  loaded ??= require(upToDate());
  return loaded;
}

function upToDate() {
  const sources = files(inRoot('bench', 'native'), (file) => /\.(cc|h)$/.test(file));
  const print = fingerprint(sources, { arch: process.arch });
  if (!isFresh('bench-baseline', print, output)) {
    unstamp('bench-baseline');
    build(sources.filter((file) => file.endsWith('.cc')));
    stamp('bench-baseline', print);
  }
  return output;
}

function build(units) {
  const headers = localHeaders();
  if (headers === undefined) {
    throw new ScriptError('The baseline needs the headers of the running Node beside it (<prefix>/include/node).');
  }
  mkdirSync(dirname(output), { recursive: true });
  // As in the library's addon, OpenSSL's functions are looked up in the running Node.
  const mac = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : [];
  const options = ['-shared', '-fPIC', '-O2', '-std=c++20', '-fvisibility=hidden', '-Wall', '-Wextra', ...mac];
  const defines = ['-DNAPI_VERSION=9', '-DNAPI_DISABLE_CPP_EXCEPTIONS'];
  const includes = [`-I${join(headers, 'include', 'node')}`, '-isystem', inRoot('node_modules', 'node-addon-api')];
  const hint = 'Install a C++20 compiler, or name one by CXX.';
  run(process.env.CXX ?? 'c++', [...options, ...defines, ...includes, ...units, '-o', output], { hint });
}
