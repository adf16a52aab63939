// Builds and loads the C++ baseline.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'bench', 'baseline.cc');
const output = join(root, 'build', 'bench', 'baseline.node');

export function loadBaseline() {
  if (!existsSync(output) || statSync(output).mtimeMs < statSync(source).mtimeMs) build();
  return require(output);
}

function build() {
  const headers = join(dirname(dirname(process.execPath)), 'include', 'node');
  mkdirSync(dirname(output), { recursive: true });
  const mac = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : [];
  const args = [
    ...['-shared', '-fPIC', '-O2', '-std=c++20', '-DNAPI_VERSION=9', '-DNAPI_DISABLE_CPP_EXCEPTIONS', ...mac],
    ...[`-I${headers}`, `-I${join(root, 'node_modules', 'node-addon-api')}`, source, '-o', output],
  ];
  const { status, error } = spawnSync(process.env.CXX ?? 'c++', args, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`the baseline does not compile${error ? `: ${error.message}` : ''}`);
}
