// npm run pack:check: is what `npm pack` makes complete, small, clean and usable as installed?
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installMissing } from '../../scripts/lib/dependencies.mjs';
import { installNode } from '../../scripts/lib/node-versions.mjs';
import { inRoot, prebuildTarget, root } from '../../scripts/lib/paths.mjs';
import { bin, main, node, npm, run, ScriptError, step } from '../../scripts/lib/run.mjs';
import { files } from '../../scripts/lib/stamps.mjs';
import { record } from '../../scripts/lib/suite.mjs';
import { checkBinary, loadOnMusl, runOnArm64 } from './binaries.mjs';
import { bundle } from './bundlers.mjs';
import { installWithEveryClient } from './clients.mjs';
import { runJest } from './jest.mjs';
import { buildInstalled } from './source-build.mjs';

const KIB = 1024;
const LIMITS = { prebuilt: 1024 * KIB, everythingElse: 6912 * KIB, tarball: 3072 * KIB };

/** Later lines of Node.js that the installed package is used under, where their binaries can be had. */
const LINES = prebuildTarget() === 'linux-x64' ? ['22', '24', '26'] : [];

const REQUIRED = [
  'package.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'dist/index.js',
  'dist/index.cjs',
  'dist/cli/bin.cjs',
  'dist/cli/inspect.cjs',
  'dist/openssl-ocsp.1',
  'dist/index.d.ts',
  'dist/bulk/index.js',
  'dist/bulk/index.d.ts',
  'dist/client/index.js',
  'dist/client/index.d.ts',
  'dist/postgres/index.js',
  'dist/postgres/index.d.ts',
  'dist/valkey/index.js',
  'dist/valkey/index.d.ts',
  'lib/postgres/migrations/0001-statuses.sql',
  'dist/responder/index.js',
  'dist/responder/index.d.ts',
  'dist/testing/index.js',
  'dist/testing/index.d.ts',
  'dist/x509/index.js',
  'dist/x509/index.d.ts',
  'lib/index.ts',
  'source/binding.gyp',
  'source/CMakeLists.txt',
  'source/native/core/core.cc',
  'source/native/binding/binding.cc',
  'source/parts/core/openssl_info.cc',
  'source/parts/binding/addon.cc',
  'source/node-addon-api/napi.h',
  'typings/binding.d.ts',
  'typings/store-binding.d.ts',
  `prebuilds/${prebuildTarget()}.node`,
];
/** What may be in it at all: a new folder is packed on purpose or not at all. */
const ALLOWED = [
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/,
  /^dist\/.*\.(js|js\.map|d\.ts|d\.ts\.map)$/,
  /^dist\/([a-z0-9]+\/)?index\.cjs$/,
  /^dist\/cli\/(inspect\.cjs|bin\.(cjs|cjs\.map|d\.cts|d\.cts\.map))$/,
  /^dist\/openssl-ocsp\.1$/,
  /^lib\/.*\.ts$/,
  /^lib\/cli\/bin\.cts$/,
  /^lib\/postgres\/migrations\/\d{4}-[a-z-]+\.sql$/,
  /^source\/(binding\.gyp|CMakeLists\.txt|package\.json|native\/(core\/core\.cc|binding\/binding\.cc|exports\.map)|parts\/(core|binding)\/[^/]+\.(cc|h)|node-addon-api\/(napi(-inl)?\.h|LICENSE\.md|package\.json))$/,
  /^typings\/.*\.d\.ts$/,
  /^prebuilds\/[a-z0-9]+-[a-z0-9]+\.node$/,
  /^examples\/[^/]+\.(md|mjs)$/,
  /^docs\/.*\.(md|svg|png|json)$/,
];

await main(
  { usage: 'npm run pack:check', about: 'Packs, inspects, installs and uses the package in an empty folder.' },
  async () => {
    installMissing();
    const work = mkdtempSync(join(tmpdir(), 'openssl-ocsp-pack-'));
    let passed = 0;
    let failure;
    try {
      const tarball = pack(work);
      const checks = [
        ['content', () => checkContent(work, tarball)],
        ['installation', () => install(work, tarball)],
        ['package clients, no compiler', () => installWithEveryClient(work, tarball)],
        ['ES module', () => node(join(work, 'consumer.mjs'), [], { cwd: work })],
        ['require()', () => node(join(work, 'consumer.cjs'), [], { cwd: work })],
        ['Jest', () => runJest(work)],
        ['bundlers', () => bundle(work)],
        ['build from source', () => buildInstalled(work)],
        ...LINES.map((line) => [
          `Node.js ${line}`,
          () => run(installNode(line), [join(work, 'consumer.mjs')], { cwd: work, env: { NODE_OPTIONS: '' } }),
        ]),
        ['every binary', () => checkBinaries(work)],
        ['linux-arm64', () => runOnArm64(join(work, 'consumer.mjs'), work)],
        ['linuxmusl-x64', () => loadOnMusl(packedBinary(work, 'linuxmusl-x64'), work)],
        ['TypeScript, nodenext', () => compileConsumer(work, { module: 'nodenext', moduleResolution: 'nodenext' })],
        ['TypeScript, bundler', () => compileConsumer(work, { module: 'esnext', moduleResolution: 'bundler' })],
        [
          'TypeScript, node10',
          () => compileConsumer(work, { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' }),
        ],
        ['publint', () => node(bin('publint'), ['run', '--strict', tarball])],
        [
          'attw',
          () => node(bin('@arethetypeswrong/cli', 'attw'), [tarball, '--profile', 'esm-only', '--format', 'ascii']),
        ],
      ];
      for (const [name, check] of checks) {
        step(name);
        const several = await check();
        passed += Number.isInteger(several) ? several : 1;
      }
    } catch (error) {
      failure = error;
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
    record('package', { passed, failed: failure ? 1 : 0 });
    if (failure) throw failure;
  },
);

/** The tarball as npm makes it, with `prepack` building the library and this platform's binary. */
function pack(work) {
  step('npm pack');
  npm(['pack', '--pack-destination', work]);
  const [name, ...more] = readdirSync(work).filter((file) => file.endsWith('.tgz'));
  if (name === undefined || more.length > 0) throw new ScriptError('npm pack left no tarball, or several.');
  return join(work, name);
}

function checkContent(work, tarball) {
  const unpacked = join(work, 'unpacked');
  mkdirSync(unpacked);
  run('tar', ['-xzf', tarball, '-C', unpacked]);
  const folder = join(unpacked, 'package');
  const names = files(folder).map((file) => file.slice(folder.length + 1).replaceAll('\\', '/'));
  const problems = [];

  for (const name of REQUIRED) if (!names.includes(name)) problems.push(`${name} is missing`);
  for (const name of names)
    if (!ALLOWED.some((pattern) => pattern.test(name))) problems.push(`${name} does not belong in the package`);

  const size = (name) => statSync(join(folder, name)).size;
  const isPrebuilt = (name) => name.startsWith('prebuilds/');
  const rest = names.filter((name) => !isPrebuilt(name)).reduce((sum, name) => sum + size(name), 0);
  const packed = statSync(tarball).size;
  const prebuilt = names.filter(isPrebuilt);
  for (const name of prebuilt) if (size(name) > LIMITS.prebuilt) problems.push(`${name} has ${size(name)} bytes`);
  if (rest > LIMITS.everythingElse) problems.push(`${rest} bytes beside the binaries`);
  if (packed > LIMITS.tarball) problems.push(`the tarball has ${packed} bytes`);

  for (const name of names) {
    const content = readFileSync(join(folder, name), 'latin1');
    if (/-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=\r\n]{60}/.test(content))
      problems.push(`${name} holds a private key`);
    if (root.length > 3 && content.includes(`${root}/`)) problems.push(`${name} names this folder, ${root}`);
  }

  const kib = (bytes) => `${Math.round(bytes / KIB)} KiB`;
  console.log(
    `${names.length} files, ${kib(packed)} packed; binaries ${prebuilt.map((name) => kib(size(name))).join(', ')}; the rest ${kib(rest)}`,
  );
  if (problems.length > 0) throw new ScriptError(`The package is not right:\n  ${problems.join('\n  ')}`);
}

function packedBinary(work, target) {
  return join(work, 'unpacked', 'package', 'prebuilds', `${target}.node`);
}

/** What the binaries ask of their hosts. Returns how many there are. */
function checkBinaries(work) {
  const problems = [];
  const names = readdirSync(join(work, 'unpacked', 'package', 'prebuilds'));
  for (const name of names) {
    if (name.startsWith('linux'))
      problems.push(...checkBinary(name.replace('.node', ''), join(work, 'unpacked', 'package', 'prebuilds', name)));
  }
  if (problems.length > 0) throw new ScriptError(`The binaries are not right:\n  ${problems.join('\n  ')}`);
  return names.length;
}

function install(work, tarball) {
  cpSync(inRoot('test', 'packaging', 'consumer'), work, { recursive: true });
  writeFileSync(join(work, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  npm(['install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', tarball], { cwd: work });
  const installed = readdirSync(join(work, 'node_modules'))
    .filter((name) => !name.startsWith('.'))
    .sort();
  if (String(installed) !== 'openssl-ocsp') throw new ScriptError(`The installation brought: ${installed.join(', ')}.`);
}

function compileConsumer(work, compilerOptions) {
  const config = join(work, `tsconfig.${compilerOptions.moduleResolution}.json`);
  const outDir = join(work, `compiled-${compilerOptions.moduleResolution}`);
  const strict = { strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false };
  const types = { types: ['node'], typeRoots: [inRoot('node_modules', '@types')] };
  writeFileSync(
    config,
    JSON.stringify({
      compilerOptions: { ...compilerOptions, ...strict, ...types, target: 'es2022', lib: ['es2023'], outDir },
      files: ['consumer.ts'],
    }),
  );
  node(bin('typescript', 'tsc'), ['-p', config], { cwd: work });
  const type = compilerOptions.module === 'commonjs' ? 'commonjs' : 'module';
  writeFileSync(join(outDir, 'package.json'), JSON.stringify({ type }));
  node(join(outDir, 'consumer.js'), [], { cwd: work });
}
