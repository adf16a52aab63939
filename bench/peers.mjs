// The npm packages that do (some of) the same work. Installed when the benchmark is run, into the build folder: they are
// no dependencies of anything.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const VERSIONS = {
  '@peculiar/asn1-ocsp': '2.6.1',
  jsrsasign: '11.1.5',
  ocsp: '1.2.0',
  pkijs: '4.0.0',
};
const folder = fileURLToPath(new URL('../build/bench/peers', import.meta.url));

/** Loads what can be had of `names`; says what cannot. */
export async function loadPeers(names) {
  install();
  const require = createRequire(join(folder, 'package.json'));
  const peers = {};
  for (const name of names) {
    try {
      peers[name] = await import(pathToFileURL(require.resolve(name)).href);
    } catch (error) {
      console.error(`${name} is left out: ${error.message.split('\n')[0]}`);
    }
  }
  return peers;
}

function install() {
  if (existsSync(join(folder, 'node_modules', 'pkijs'))) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: VERSIONS }));
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock'];
  spawnSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' });
}
