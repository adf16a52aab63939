// The npm packages that do (some of) the same work. Installed when the benchmark is run, into the build folder: nothing
// depends on them.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inRoot } from '../../scripts/lib/paths.mjs';
import { npm } from '../../scripts/lib/run.mjs';

const VERSIONS = {
  '@peculiar/asn1-ocsp': '2.6.1',
  'easy-ocsp': '1.3.0',
  jsrsasign: '11.1.5',
  lmdb: '3.5.6',
  ocsp: '1.2.0',
  pkijs: '4.0.0',
};
const MODULES = ['pkijs', 'peculiar', 'jsrsasign', 'npm-ocsp', 'easy-ocsp', 'lmdb'];
const folder = inRoot('build', 'bench', 'peers');

/**
 * Loads what can be had, and says what cannot. A peer has a name and those of these functions that it can serve; each
 * returns an operation (which may return a promise), or undefined where the peer does not know the algorithm.
 * - `sign(responder, hash, embed)`: an operation that returns DER
 * - `parse(der)`: loads a response and reads status, serial number, times and responder id
 * - `verify(der, publicKey, hash)`: loads a response and says whether its signature is right
 * - `buildRequest(certificate, issuer)`: an operation that returns DER
 * - `loadRequest(der)`: loads a request and reads its CertID
 * - `responseStore(path, records)`: holds the DER of these serial numbers; may return a promise of `get(serial)` and `close()`
 * - `ask(certificate, issuer, url)`: an operation that asks a responder, verifies, and returns the status
 */
export async function loadPeers() {
  install();
  const peers = [];
  for (const module of MODULES) {
    try {
      const { createPeer } = await import(`./${module}.mjs`);
      peers.push(await createPeer(load));
    } catch (error) {
      console.error(`The peer ${module} is left out: ${error.message.split('\n')[0]}`);
    }
  }
  return peers;
}

const require = createRequire(join(folder, 'package.json'));
/** Imports a package from the folder of the peers. */
const load = (name) => import(pathToFileURL(require.resolve(name)).href);

function install() {
  const manifest = JSON.stringify({ private: true, dependencies: VERSIONS }, null, 2);
  const file = join(folder, 'package.json');
  if (existsSync(file) && readFileSync(file, 'utf8') === manifest) return;
  mkdirSync(folder, { recursive: true });
  const flags = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock', '--silent'];
  const packages = Object.entries(VERSIONS).map(([name, version]) => `${name}@${version}`);
  const { status } = npm(['install', ...flags, '--prefix', folder, ...packages], { allowFailure: true });
  // Written last, so that what was interrupted is done again.
  if (status === 0) writeFileSync(file, manifest);
}
