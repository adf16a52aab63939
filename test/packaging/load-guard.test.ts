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
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
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
  const addon = addonForOtherMajor(folder.path, compiler as string);
  const { loaded, error } = load(addon);
  t.false(loaded);
  t.like(error, { name: 'OCSPError', code: 'ERR_OCSP_OPENSSL_MISMATCH', isOCSPError: true });
  t.true(error?.message.includes(process.versions.openssl), 'the message names the version of the host');

  const { path, place } = packageWithoutAddon(t);
  copyFileSync(addon, place(PREBUILT));
  const unusable = load(undefined, path).error;
  t.is(unusable?.code, 'ERR_OCSP_OPENSSL_MISMATCH');
  t.regex(unusable?.message ?? '', /node-gyp@12 rebuild --directory "/);
  copyFileSync(releaseAddon, place(`source/${BUILD}`));
  t.true(load(undefined, path).loaded, 'there is a build for this host');
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

/** The package without any addon, in a folder of its own. */
function packageWithoutAddon(t: ExecutionContext): { path: string; place: (name: string) => string } {
  const folder = temporaryFolder();
  t.teardown(folder.remove);
  for (const name of ['dist', 'typings']) cpSync(join(root, name), join(folder.path, name), { recursive: true });
  copyFileSync(join(root, 'package.json'), join(folder.path, 'package.json'));
  const place = (name: string): string => {
    const path = join(folder.path, name);
    mkdirSync(dirname(path), { recursive: true });
    return path;
  };
  return { path: folder.path, place };
}

const report = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
const glibc = report.header.glibcVersionRuntime;
const PREBUILT = `prebuilds/${process.platform}${glibc === undefined ? 'musl' : ''}-${process.arch}.node`;
const BUILD = 'build/Release/openssl_ocsp.node';

onElf('OPENSSL_OCSP_BINDING goes before prebuilds/, which goes before a build from source', (t) => {
  const { path, place } = packageWithoutAddon(t);
  t.is(load(undefined, path).error?.code, 'ERR_OCSP_ADDON_UNAVAILABLE', 'neither');
  // Which file was taken shows in what the process has mapped.
  for (const name of [BUILD, `source/${BUILD}`, PREBUILT]) {
    copyFileSync(releaseAddon, place(name));
    t.deepEqual(load(undefined, path).addons, [join(realpathSync(path), name)]);
  }
  t.deepEqual(load(releaseAddon, path).addons, [realpathSync(releaseAddon)], 'named, prebuilt and built');
});

onElf('a prebuilt binary that does not load is passed over for a build, one that is named is not', (t) => {
  const { path, place } = packageWithoutAddon(t);
  copyFileSync(releaseAddon, place(`source/${BUILD}`));
  const unusable: [string, (file: string) => void][] = [
    ['is not for this machine', (file) => writeFileSync(file, readFileSync(releaseAddon).fill(0xff, 18, 20))],
    ['lacks a symbol', addonWithMissingSymbol],
    ['is cut short', (file) => writeFileSync(file, readFileSync(releaseAddon).subarray(0, 100))],
  ];
  for (const [what, make] of unusable) {
    make(place(PREBUILT));
    t.true(load(undefined, path).loaded, what);
    t.false(load(join(path, PREBUILT), path).loaded, what);
  }
});

onElf('without an addon that loads: platform, C library, what was tried, what Node says, and a command', (t) => {
  const { path, place } = packageWithoutAddon(t);
  const symbol = addonWithMissingSymbol(place(PREBUILT));
  writeFileSync(place(`source/${BUILD}`), 'not a shared object');
  const { error } = load(undefined, path);
  t.is(error?.code, 'ERR_OCSP_OPENSSL_UNAVAILABLE', 'the file that got furthest');
  const message = error?.message ?? '';
  for (const part of [
    `${process.platform}-${process.arch} with ${glibc === undefined ? 'musl 1.' : `glibc ${glibc},`}`,
    process.version,
    `${join(path, PREBUILT)}: `,
    symbol,
    `${join(path, 'source', BUILD)}: `,
    `${join(path, BUILD)}: no such file`,
    `cmake-js@8 build --directory "${join(path, 'source')}"`,
  ])
    t.true(message.includes(part), `${part}\n${message}`);
  t.notRegex(message, /\n/);
  rmSync(join(path, PREBUILT));
  const missing = load(undefined, path).error;
  t.is(missing?.code, 'ERR_OCSP_ADDON_UNAVAILABLE');
  t.true(missing?.message.endsWith(`npx --yes node-gyp@12 rebuild --directory "${join(path, 'source')}"`));
});

test('a bundle without the addon is told to leave the package out', (t) => {
  const { path } = packageWithoutAddon(t);
  rmSync(join(path, 'typings'), { recursive: true });
  const { error } = load(undefined, path);
  t.is(error?.code, 'ERR_OCSP_ADDON_UNAVAILABLE');
  t.regex(error?.message ?? '', /bundled.*external/);
});
