// Building the addon with node-gyp.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { addonPath, inRoot } from './paths.mjs';
import { bin, node, run, ScriptError, step } from './run.mjs';
import { files, fingerprint, isFresh, stamp, unstamp } from './stamps.mjs';

const gyp = () => bin('node-gyp');
/** Set by .ci/run. */
const strict = Boolean(process.env.OCSP_WERROR);

/**
 * The folder whose include/node holds the headers of the running Node, if they lie beside it: then nothing is downloaded.
 * Headers of another Node are not taken, since they may hold another OpenSSL.
 */
export function localHeaders() {
  const prefix = dirname(dirname(process.execPath));
  const include = join(prefix, 'include', 'node');
  const version = join(include, 'node_version.h');
  if (!existsSync(join(include, 'node_api.h')) || !existsSync(version)) return undefined;
  const major = /#define NODE_MAJOR_VERSION (\d+)/.exec(readFileSync(version, 'utf8'))?.[1];
  return major === process.versions.node.split('.')[0] ? prefix : undefined;
}

/** What tells node-gyp of them. */
export function headersOption() {
  const headers = localHeaders();
  return headers ? [`--nodedir=${headers}`] : [];
}

function inputs() {
  const headers = localHeaders();
  const opensslVersion = headers && join(headers, 'include', 'node', 'openssl', 'opensslv.h');
  return [
    ...files(inRoot('native'), (file) => /\.(cc|h)$/.test(file)),
    inRoot('binding.gyp'),
    inRoot('native', 'exports.map'),
    inRoot('node_modules', 'node-addon-api', 'package.json'),
    ...(opensslVersion && existsSync(opensslVersion) ? [opensslVersion] : []),
  ];
}

/**
 * Builds one configuration (Release, Debug), if stale.
 * @param {{ configuration?: string, werror?: boolean, force?: boolean }} options
 */
export function buildAddon({ configuration = 'Release', werror = strict, force = false } = {}) {
  const name = `addon-${configuration}`;
  const sources = inputs();
  if (!sources.some((file) => file.endsWith('.cc'))) throw new ScriptError('native/ holds no sources.');
  const facts = {
    node: process.version,
    abi: process.versions.modules,
    openssl: process.versions.openssl,
    arch: process.arch,
  };
  const print = fingerprint(sources, facts);
  if (!force && isFresh(name, print, addonPath(configuration))) return;

  step(`building the addon (${configuration})`);
  unstamp(name);
  if (force) rmSync(inRoot('build', configuration), { recursive: true, force: true });
  // What an interrupted `npm pack` left would hide what is built now.
  rmSync(inRoot('prebuilds'), { recursive: true, force: true });
  const common = headersOption();
  const quiet = process.env.CI ? [] : ['--loglevel=warn'];
  node(gyp(), ['configure', ...common, ...quiet, '--', `-Dwerror=${werror ? 1 : 0}`], { hint: 'Python 3 is needed.' });
  if (process.platform === 'win32') {
    node(gyp(), ['build', ...common, ...quiet, `--${configuration.toLowerCase()}`]);
  } else {
    const jobs = Math.min(availableParallelism(), 8);
    const hint = 'Install make and a C++20 compiler (GCC 11, Clang 14 or newer).';
    run(process.env.MAKE ?? 'make', ['-s', '-C', 'build', `BUILDTYPE=${configuration}`, `-j${jobs}`], { hint });
  }
  if (!existsSync(addonPath(configuration))) throw new ScriptError(`The build left no ${addonPath(configuration)}.`);
  stamp(name, print);
}

const cmakePrint = () =>
  fingerprint([...files(inRoot('native'), (file) => /\.(cc|h)$/.test(file)), inRoot('CMakeLists.txt')]);

/** The addon that carries its own OpenSSL; undefined where there is none of these sources. */
export function cmakeAddon() {
  const path = inRoot('build', 'cmake', 'openssl_ocsp.node');
  return isFresh('addon-cmake', cmakePrint(), path) ? path : undefined;
}

/** Says that the sources have been built. */
export const stampCmakeAddon = () => stamp('addon-cmake', cmakePrint());
