/**
 * Finds and loads the native addon. The only file that touches it.
 *
 * The file that `OPENSSL_OCSP_BINDING` names, and no other; else the first of these that this host can use: the prebuilt
 * binary for this platform, a build from source in the installed package, one in a clone.
 */
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { NativeBinding, OpensslInfo, Output } from '../typings/binding.js';
import { OCSPError } from './errors.js';

// A bundler that writes CommonJS leaves no URL.
const here: string | undefined = import.meta.url;
// Not named `require`, which bundlers would take for theirs.
const requireAddon = createRequire(here ?? process.execPath);
const root = here?.startsWith('file:') ? fileURLToPath(new URL('..', here)) : '';

/** The loader that this process was started by, as the head of its executable names it: it is part of the C library. */
function dynamicLoader(): string | undefined {
  const head = Buffer.alloc(4096);
  const file = openSync(process.execPath, 'r');
  try {
    readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  return /\0(\/[^\0]*\/ld-(?:musl|linux)[^\0]*)\0/.exec(head.toString('latin1'))?.[1];
}

/** The version of glibc that runs, or undefined. Slow. */
function glibcVersion(): string | undefined {
  // Without this the report looks up every open socket's peer, which can take seconds.
  const report = process.report as typeof process.report & { excludeNetwork: boolean };
  report.excludeNetwork = true;
  const { header } = report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime;
}

function isMusl(): boolean {
  if (process.platform !== 'linux') return false;
  const loader = dynamicLoader();
  return loader === undefined ? glibcVersion() === undefined : loader.includes('/ld-musl');
}

/** `glibc 2.36`, `musl 1.2.5`; empty where there is but one C library. */
function libc(): string {
  if (process.platform !== 'linux') return '';
  if (!isMusl()) return ` with glibc ${glibcVersion() ?? '(unknown)'}`;
  const loader = dynamicLoader();
  const [, version = '(unknown)'] = /\0(1\.\d+\.\d+)[^\0]*\0/.exec(loader ? readFileSync(loader, 'latin1') : '') ?? [];
  return ` with musl ${version}`;
}

/** Files that may be the addon. The names of prebuilt ones: `linux-x64`, `linuxmusl-x64`, `darwin-arm64`, ... */
function candidates(): string[] {
  const override = process.env['OPENSSL_OCSP_BINDING'];
  if (override) return [override];
  const prebuilt = `prebuilds/${process.platform}${isMusl() ? 'musl' : ''}-${process.arch}.node`;
  const build = 'build/Release/openssl_ocsp.node';
  return [prebuilt, `source/${build}`, build].map((path) => root + path);
}

/** A file that is not the addon for this host. */
interface Failure {
  path: string;
  error: unknown;
  kind: 'ERR_OCSP_ADDON_UNAVAILABLE' | 'ERR_OCSP_OPENSSL_UNAVAILABLE' | 'ERR_OCSP_OPENSSL_MISMATCH';
}

/** The dynamic linkers' ways to say that the host does not export what the addon needs. */
const MISSING_SYMBOL = /undefined symbol|symbol not found|procedure could not be found/i;

function load(): NativeBinding {
  const failures: Failure[] = [];
  for (const path of candidates()) {
    try {
      if (!existsSync(path)) throw new Error('no such file');
      const addon = requireAddon(path) as NativeBinding;
      const info = addon.opensslInfo();
      if (info.compatible) return addon;
      // Another major version has another ABI.
      const error = new Error(`built against ${info.builtAgainst}, but ${info.version} runs here`);
      failures.push({ path, error, kind: 'ERR_OCSP_OPENSSL_MISMATCH' });
    } catch (error) {
      const kind = MISSING_SYMBOL.test(String(error)) ? 'ERR_OCSP_OPENSSL_UNAVAILABLE' : 'ERR_OCSP_ADDON_UNAVAILABLE';
      failures.push({ path, error, kind });
    }
  }
  throw explain(failures);
}

const words = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).trim().replaceAll(/\s*\n\s*/g, ' ');

/** What to do when no file can be used. The failure that got furthest says what is wrong. */
function explain(failures: readonly Failure[]): OCSPError {
  const { kind, error: cause } = [
    'ERR_OCSP_OPENSSL_MISMATCH',
    'ERR_OCSP_OPENSSL_UNAVAILABLE',
    'ERR_OCSP_ADDON_UNAVAILABLE',
  ]
    .map((code) => failures.find((failure) => failure.kind === code))
    .find((failure) => failure !== undefined) as Failure;
  const host = `${process.platform}-${process.arch}${libc()}, Node.js ${process.version}, OpenSSL ${process.versions.openssl}`;
  const tried = failures.map(({ path, error }) => `${path}: ${words(error)}`).join('; ');
  const problem =
    kind === 'ERR_OCSP_ADDON_UNAVAILABLE'
      ? 'The native addon of openssl-ocsp cannot be loaded.'
      : kind === 'ERR_OCSP_OPENSSL_MISMATCH'
        ? 'The native addon of openssl-ocsp was built against another major version of OpenSSL.'
        : "This host does not offer OpenSSL's OCSP functions; Electron and Bun carry BoringSSL, which has none.";
  return new OCSPError(kind, `${problem} Host: ${host}. Tried: ${tried}. ${cure(kind)}`, { cause });
}

function cure(kind: Failure['kind']): string {
  if (process.env['OPENSSL_OCSP_BINDING']) return 'The file is that of OPENSSL_OCSP_BINDING.';
  if (root === '' || !existsSync(`${root}typings/binding.d.ts`)) {
    return (
      'This module has been bundled, and its addon was not: keep openssl-ocsp external (esbuild --external:openssl-ocsp, ' +
      "webpack externals, Vite ssr.external, Next.js serverExternalPackages), or name the addon's file by OPENSSL_OCSP_BINDING."
    );
  }
  const folder = existsSync(`${root}source`) ? `${root}source` : root.slice(0, -1);
  if (kind === 'ERR_OCSP_OPENSSL_UNAVAILABLE') {
    return (
      'To build the addon with an OpenSSL of its own (CMake, a C++20 compiler, a static libcrypto): ' +
      `npx --yes cmake-js@8 build --directory "${folder}" --out "${folder}/build/Release"`
    );
  }
  // Version 12 is the newest that runs on all supported lines of Node.js.
  return `To build the addon (Python 3, make, a C++20 compiler): npx --yes node-gyp@12 rebuild --directory "${folder}"`;
}

/** The loaded addon. */
export const native: NativeBinding = load();

/** Where the native parsers leave the offsets of a message; overwritten by the next parse. */
export const layout: Int32Array = new Int32Array(64);

/** Where short results of native functions are left; overwritten by the next. */
const output = Buffer.allocUnsafeSlow(16 * 1024);

native.initialize(OCSPError, layout, output);

/** The bytes of a native result, on memory of their own. */
export function copyOutput(result: Output): Buffer {
  if (typeof result !== 'number') return result;
  const copy = Buffer.allocUnsafeSlow(result);
  output.copy(copy, 0, 0, result);
  return copy;
}

/** The bytes of a native result, for the package's own use: they may lie in Node's buffer pool. */
export function takeOutput(result: Output): Buffer {
  return typeof result === 'number' ? Buffer.from(output.subarray(0, result)) : result;
}

/** The bytes of a native result, until the next native call that leaves one. */
export function viewOutput(result: Output): Buffer {
  return typeof result === 'number' ? output.subarray(0, result) : result;
}

/** Which OpenSSL the addon calls: that of the running Node unless the addon was built with its own. */
export const opensslInfo: Readonly<OpensslInfo> = Object.freeze(native.opensslInfo());
