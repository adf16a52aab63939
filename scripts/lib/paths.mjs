// Where things are. Everything is absolute, so that scripts work from any folder.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');
export const inRoot = (...parts) => join(root, ...parts);

/** The addon as `make BUILDTYPE=configuration` leaves it. */
export const addonPath = (configuration = 'Release') => inRoot('build', configuration, 'openssl_ocsp.node');

/** `linux-x64`, `linuxmusl-x64`, `darwin-arm64`: must be what lib/binding.ts looks for. */
export function prebuildTarget() {
  return `${process.platform}${isMusl() ? 'musl' : ''}-${process.arch}`;
}

/** Where prebuilt binaries are kept until `npm pack` takes them into the package's prebuilds/. */
export const prebuildPath = (target = prebuildTarget()) => inRoot('build', 'prebuilds', `${target}.node`);

function isMusl() {
  if (process.platform !== 'linux') return false;
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime === undefined;
}
