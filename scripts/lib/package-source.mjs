// source/: what it takes to build the addon from the installed package, complete by itself. It is in the package alone, and
// there not at the root: clients that find a binding.gyp at the root compile at installation, even where there is a binary.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot } from './paths.mjs';

const FILES = ['binding.gyp', 'CMakeLists.txt', 'native/exports.map'];
/** Each is compiled as one file: the headers are parsed once, which takes a fraction of the time. */
const PARTS = ['core', 'binding'];
const HEADERS = ['napi.h', 'napi-inl.h', 'LICENSE.md', 'package.json'];

/** Lays these files in `folder`. */
export function copySource(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'node-addon-api'), { recursive: true });
  for (const name of FILES) cpSync(inRoot(name), join(folder, name));
  for (const part of PARTS) {
    cpSync(inRoot('native', part), join(folder, 'parts', part), { recursive: true });
    const sources = readdirSync(inRoot('native', part)).filter((name) => name.endsWith('.cc'));
    mkdirSync(join(folder, 'native', part));
    writeFileSync(
      join(folder, 'native', part, `${part}.cc`),
      sources.map((name) => `#include "../../parts/${part}/${name}"\n`).join(''),
    );
  }
  // With it cmake-js takes the headers of Node-API alone, which it has.
  const { binary } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, binary }));
  for (const name of HEADERS)
    cpSync(inRoot('node_modules', 'node-addon-api', name), join(folder, 'node-addon-api', name));
}
