// source/: what it takes to build the addon from the installed package, complete by itself. It is in the package alone, and
// there not at the root: clients that find a binding.gyp at the root compile at installation, even where there is a binary.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot } from './paths.mjs';

const PARTS = ['binding.gyp', 'CMakeLists.txt', 'native'];
const HEADERS = ['napi.h', 'napi-inl.h', 'LICENSE.md', 'package.json'];

/** Lays these files in `folder`. */
export function copySource(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'node-addon-api'), { recursive: true });
  for (const part of PARTS) cpSync(inRoot(part), join(folder, part), { recursive: true });
  // With it cmake-js takes the headers of Node-API alone, which it has.
  const { binary } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, binary }));
  for (const name of HEADERS)
    cpSync(inRoot('node_modules', 'node-addon-api', name), join(folder, 'node-addon-api', name));
}
