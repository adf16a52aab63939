// Compiling lib/ and test/ with the native compiler; TypeScript in JavaScript is there for TypeDoc and the tests of the package.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { inRoot } from './paths.mjs';
import { bin, node } from './run.mjs';

/** Tests see lib/ through its declarations, so they are compiled after it. */
const PROJECTS = {
  lib: { config: 'tsconfig.json', output: 'dist' },
  test: { config: 'test/tsconfig.json', output: 'build/test' },
};

/** Compiles one project. What did not change since the last time is not checked again. */
export async function compile(source) {
  const { config, output } = PROJECTS[source];
  const memory = inRoot('build', `${source}.tsbuildinfo`);
  // It remembers what was written, not whether that is still there.
  if (!existsSync(inRoot(output))) rmSync(memory, { force: true });
  node(bin('typescript-native', 'tsc'), ['-p', config, '--incremental', '--tsBuildInfoFile', memory]);
  removeOrphans(source, output);
  if (source !== 'lib') return;
  writeEntries();
  await bundleInspect();
}

/** `openssl-ocsp inspect` in one file that Node.js reads at once, for lib/cli/bin.cts; the other commands are not in it. */
async function bundleInspect() {
  // (Not there before the packages are installed.)
  const { build } = await import('esbuild');
  const others = {
    name: 'others',
    setup: ({ onResolve }) =>
      onResolve({ filter: /./ }, ({ kind, path }) =>
        kind === 'dynamic-import' && path !== './inspect.js' ? { path, external: true } : undefined,
      ),
  };
  await build({
    entryPoints: [inRoot('dist', 'cli', 'main.js')],
    outfile: inRoot('dist', 'cli', 'inspect.cjs'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    minifyWhitespace: true,
    keepNames: true,
    logLevel: 'warning',
    plugins: [others],
    // The addon is looked for from where binding.js is.
    define: { 'import.meta.url': 'bindingUrl' },
    banner: { js: "const bindingUrl = require('node:url').pathToFileURL(require.resolve('../binding.js')).href;" },
  });
}

/**
 * Entries for require(). Node.js would take the modules themselves; Jest's own require() takes CommonJS alone, and has to be
 * passed by for the addon, too. For both there is one copy of the library, loaded by Node.js.
 */
function writeEntries() {
  const { exports } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  for (const { 'node-addons': entry } of Object.values(exports)) {
    if (entry === undefined) continue;
    writeFileSync(inRoot(entry), "module.exports = require('node:module')._load(require.resolve('./index.js'));\n");
  }
}

/** Removes what was compiled from sources that are gone: old tests would still run, old modules still be packed. */
function removeOrphans(source, output) {
  for (const name of readdirSync(inRoot(output), { recursive: true })) {
    const [, stem] = /^(.*?)(?:\.d\.ts|\.js)(?:\.map)?$/.exec(name) ?? [];
    if (stem !== undefined && !existsSync(inRoot(source, `${stem}.ts`))) rmSync(inRoot(output, name));
  }
}
