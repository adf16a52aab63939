// Builds and loads the C++ baseline (bench/native).
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { localHeaders } from '../scripts/lib/addon.mjs';
import { inRoot } from '../scripts/lib/paths.mjs';
import { run, ScriptError } from '../scripts/lib/run.mjs';
import { files } from '../scripts/lib/stamps.mjs';

const require = createRequire(import.meta.url);
const output = inRoot('build', 'bench', 'baseline.node');
let loaded;

/** The functions of bench/native, each of which runs a given number of rounds. */
export function loadBaseline() {
  if (loaded === undefined) {
    if (isStale()) build();
    loaded = require(output);
  }
  return loaded;
}

const sources = () => files(inRoot('bench', 'native'), (file) => /\.(cc|h)$/.test(file));

function isStale() {
  if (!existsSync(output)) return true;
  const built = statSync(output).mtimeMs;
  return sources().some((file) => statSync(file).mtimeMs > built);
}

function build() {
  const headers = localHeaders();
  if (headers === undefined) {
    throw new ScriptError('The baseline needs the headers of the running Node beside it (<prefix>/include/node).');
  }
  mkdirSync(dirname(output), { recursive: true });
  // As the library's addon: OpenSSL's functions are looked up in the running Node.
  const mac = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : [];
  const options = ['-shared', '-fPIC', '-O2', '-std=c++20', '-fvisibility=hidden', '-Wall', '-Wextra', ...mac];
  const defines = ['-DNAPI_VERSION=9', '-DNAPI_DISABLE_CPP_EXCEPTIONS'];
  const includes = [`-I${join(headers, 'include', 'node')}`, `-isystem${inRoot('node_modules', 'node-addon-api')}`];
  const units = sources().filter((file) => file.endsWith('.cc'));
  const hint = 'Install a C++20 compiler, or name one by CXX.';
  run(process.env.CXX ?? 'c++', [...options, ...defines, ...includes, ...units, '-o', output], { hint });
}
