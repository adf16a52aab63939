// Compiling lib/ and test/ with the native compiler; TypeScript in JavaScript is there for TypeDoc and the tests of the package.
import { existsSync, rmSync } from 'node:fs';
import { relative } from 'node:path';
import { inRoot } from './paths.mjs';
import { bin, node, step } from './run.mjs';
import { files, fingerprint, isFresh, stamp, unstamp } from './stamps.mjs';

const isTypeScript = (file) => /\.[cm]?ts$/.test(file) && !file.includes('node_modules');
const libSources = () => [...files(inRoot('lib'), isTypeScript), ...files(inRoot('typings'), isTypeScript)];

const projects = {
  lib: { config: 'tsconfig.json', source: 'lib', output: 'dist', inputs: libSources },
  // Tests see lib through its declarations, so they follow its sources.
  test: {
    config: 'test/tsconfig.json',
    source: 'test',
    output: 'build/test',
    inputs: () => [...libSources(), ...files(inRoot('test'), isTypeScript), inRoot('test', 'tsconfig.json')],
  },
};

/** Compiles one project if its output is stale. */
export function compile(name) {
  const { config, source, output, inputs } = projects[name];
  const sources = inputs();
  const typescript = inRoot('node_modules', 'typescript-native', 'package.json');
  const print = fingerprint([...sources, inRoot('tsconfig.json'), typescript]);
  const sentinel = files(inRoot(source), isTypeScript).find((file) => !file.endsWith('.d.ts'));
  if (sentinel === undefined) return;
  if (isFresh(`tsc-${name}`, print, outputOf(sentinel, source, output))) return;
  step(`compiling ${source}/`);
  unstamp(`tsc-${name}`);
  // What did not change is not checked again.
  const memory = inRoot('build', `${name}.tsbuildinfo`);
  node(bin('typescript-native', 'tsc'), ['-p', config, '--incremental', '--tsBuildInfoFile', memory]);
  removeOrphans(source, output);
  stamp(`tsc-${name}`, print);
}

function outputOf(file, source, output) {
  return inRoot(output, relative(inRoot(source), file).replace(/ts$/, 'js'));
}

/** Removes what was compiled from sources that are gone: old tests would still run, old modules still be packed. */
function removeOrphans(source, output) {
  for (const file of files(inRoot(output), (name) => /\.(js|js\.map|d\.ts|d\.ts\.map)$/.test(name))) {
    const stem = relative(inRoot(output), file).replace(/(\.d\.ts|\.js)(\.map)?$/, '');
    if (!existsSync(inRoot(source, `${stem}.ts`))) rmSync(file);
  }
}
