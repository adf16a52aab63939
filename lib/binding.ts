/**
 * Finds and loads the native addon. The only file that touches it.
 *
 * Order: the file that `OPENSSL_OCSP_BINDING` names, the prebuilt binary for this platform, a build from source.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { NativeBinding, OpensslInfo, Output } from '../typings/binding.js';
import { OCSPError } from './errors.js';

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('..', import.meta.url));

/** `linux-x64`, `linuxmusl-x64`, `darwin-arm64`, ...: the name of a prebuilt binary without its extension. */
function target(): string {
  return `${process.platform}${isMusl() ? 'musl' : ''}-${process.arch}`;
}

function isMusl(): boolean {
  if (process.platform !== 'linux') return false;
  // Without this the report looks up every open socket's peer, which can take seconds.
  const report = process.report as typeof process.report & { excludeNetwork: boolean };
  report.excludeNetwork = true;
  const { header } = report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined;
}

function loadAddon(): NativeBinding {
  const override = process.env['OPENSSL_OCSP_BINDING'];
  if (override) return require(override) as NativeBinding;
  const prebuilt = `${root}prebuilds/${target()}.node`;
  if (existsSync(prebuilt)) return require(prebuilt) as NativeBinding;
  const bindings = require('bindings') as (options: object) => NativeBinding;
  return bindings({ bindings: 'openssl_ocsp', module_root: root });
}

/** The dynamic linkers' ways to say that the host does not export what the addon needs. */
const MISSING_SYMBOL = /undefined symbol|symbol not found|procedure could not be found/i;

function load(): NativeBinding {
  const host = `${process.platform}-${process.arch}, Node.js ${process.version}, OpenSSL ${process.versions.openssl}`;
  let addon: NativeBinding;
  try {
    addon = loadAddon();
  } catch (cause) {
    if (MISSING_SYMBOL.test(String(cause))) {
      throw new OCSPError(
        'ERR_OCSP_OPENSSL_UNAVAILABLE',
        `This host (${host}) does not offer OpenSSL's OCSP functions. Electron and Bun carry BoringSSL, which has none: ` +
          'use Node.js, or an addon built with its own OpenSSL (npm run build:cmake) named by OPENSSL_OCSP_BINDING.',
        { cause },
      );
    }
    throw new OCSPError(
      'ERR_OCSP_ADDON_UNAVAILABLE',
      `The native addon of openssl-ocsp cannot be loaded (${host}). If there is no prebuilt binary for this platform, ` +
        'build it in the package folder (npm run build); or name one by OPENSSL_OCSP_BINDING.',
      { cause },
    );
  }
  const info = addon.opensslInfo();
  if (!info.compatible) {
    throw new OCSPError(
      'ERR_OCSP_OPENSSL_MISMATCH',
      `The addon was built against ${info.builtAgainst}, but this host (${host}) runs ${info.version}: ` +
        'another major version has another ABI. Build the addon for this host (npm run build).',
    );
  }
  return addon;
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

/** Which OpenSSL the addon calls: that of the running Node unless the addon was built with its own. */
export const opensslInfo: Readonly<OpensslInfo> = Object.freeze(native.opensslInfo());
