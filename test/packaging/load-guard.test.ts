// The guard in lib/binding.ts: a host that lacks OpenSSL's functions, or has another OpenSSL, gets an error that says so,
// never a crash.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { testIf } from '../helpers/conditional.js';
import { findTool, load, noSourceBuild, plainEnv, releaseAddon, root } from './host.js';

const onElf = testIf(noSourceBuild() === undefined);

function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'openssl-ocsp-guard-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/**
 * The real addon, with one of the functions that it imports renamed to one that no host has: to the dynamic linker the
 * same as a host without it.
 */
function addonWithMissingSymbol(path: string): string {
  const bytes = readFileSync(releaseAddon);
  // The table of imported names is the first place in the file where such a name stands between two zero bytes.
  const match = /\0(OCSP_[a-z]\w+)\0/.exec(bytes.toString('latin1'));
  if (match === null) throw new Error('the addon imports no OCSP function');
  bytes.write('XCSP', match.index + 1, 'latin1');
  writeFileSync(path, bytes);
  return (match[1] as string).replace('OCSP', 'XCSP');
}

/** The real addon, relinked with the expectation of OpenSSL 9. */
function addonForOtherMajor(folder: string, compiler: string): string {
  const object = join(folder, 'openssl_info.o');
  const addon = join(folder, 'other-major.node');
  // node-gyp notes where the headers lie that it used.
  const config = readFileSync(join(root, 'build', 'config.gypi'), 'utf8').replace(/^#.*$/gm, '');
  const { nodedir } = (JSON.parse(config) as { variables: { nodedir: string } }).variables;
  const include = join(nodedir, 'include', 'node');
  const source = join(root, 'native', 'core', 'openssl_info.cc');
  const options = { env: plainEnv() };
  const flags = ['-std=c++20', '-fPIC', '-fno-exceptions', '-fno-rtti', '-fvisibility=hidden'];
  execFileSync(
    compiler,
    ['-c', ...flags, '-DOCSP_EXPECTED_OPENSSL_MAJOR=9', `-I${include}`, source, '-o', object],
    options,
  );
  const built = join(root, 'build', 'Release', 'obj.target', 'openssl_ocsp', 'native');
  const objects = ['core', 'binding'].flatMap((part) =>
    readdirSync(join(built, part))
      // Not what is left of sources that are no more.
      .filter(
        (name) => existsSync(join(root, 'native', part, name.replace(/\.o$/, '.cc'))) && name !== 'openssl_info.o',
      )
      .map((name) => join(built, part, name)),
  );
  execFileSync(compiler, ['-shared', '-pthread', '-Wl,-z,now', ...objects, object, '-o', addon], options);
  return addon;
}

test('without OPENSSL_OCSP_BINDING the package finds its addon', (t) => {
  t.true(load(undefined).loaded);
});

onElf('a host without one of the OCSP functions is told so at load', (t) => {
  const folder = temporaryFolder();
  t.teardown(folder.remove);
  const addon = join(folder.path, 'missing.node');
  const symbol = addonWithMissingSymbol(addon);
  const { loaded, error } = load(addon);
  t.false(loaded);
  t.like(error, { name: 'OCSPError', code: 'ERR_OCSP_OPENSSL_UNAVAILABLE', isOCSPError: true });
  t.true(error?.message.includes(process.version), 'the message names the host');
  t.true(error?.cause.includes(symbol), 'the cause names the function');
});

const compiler = noSourceBuild() === undefined ? findTool(process.env['CXX'], 'c++', 'g++', 'clang++') : undefined;
testIf(compiler !== undefined)('a host with another major version of OpenSSL is told so at load', (t) => {
  const folder = temporaryFolder();
  t.teardown(folder.remove);
  const { loaded, error } = load(addonForOtherMajor(folder.path, compiler as string));
  t.false(loaded);
  t.like(error, { name: 'OCSPError', code: 'ERR_OCSP_OPENSSL_MISMATCH', isOCSPError: true });
  t.true(error?.message.includes(process.versions.openssl), 'the message names the version of the host');
});

test('a file that is no addon is told apart from a host without OpenSSL', (t) => {
  const folder = temporaryFolder();
  t.teardown(folder.remove);
  const garbage = join(folder.path, 'garbage.node');
  writeFileSync(garbage, 'not a shared object');
  for (const addon of [garbage, join(folder.path, 'absent.node')]) {
    const { loaded, error } = load(addon);
    t.false(loaded);
    t.like(error, { name: 'OCSPError', code: 'ERR_OCSP_ADDON_UNAVAILABLE', isOCSPError: true });
  }
});

onElf('OPENSSL_OCSP_BINDING goes before prebuilds/, which goes before a build from source', (t) => {
  const folder = temporaryFolder();
  t.teardown(folder.remove);
  cpSync(join(root, 'dist'), join(folder.path, 'dist'), { recursive: true });
  copyFileSync(join(root, 'package.json'), join(folder.path, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(folder.path, 'node_modules'));

  t.is(load(undefined, folder.path).error?.code, 'ERR_OCSP_ADDON_UNAVAILABLE', 'neither');

  mkdirSync(join(folder.path, 'build', 'Release'), { recursive: true });
  copyFileSync(releaseAddon, join(folder.path, 'build', 'Release', 'openssl_ocsp.node'));
  t.true(load(undefined, folder.path).loaded, 'only a build from source');

  // A prebuilt binary that cannot load shows that it was taken.
  const report = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  const libc = report.header.glibcVersionRuntime === undefined ? 'musl' : '';
  mkdirSync(join(folder.path, 'prebuilds'));
  addonWithMissingSymbol(join(folder.path, 'prebuilds', `${process.platform}${libc}-${process.arch}.node`));
  t.is(load(undefined, folder.path).error?.code, 'ERR_OCSP_OPENSSL_UNAVAILABLE', 'prebuilt and built');
  t.true(load(releaseAddon, folder.path).loaded, 'named, prebuilt and built');
});
