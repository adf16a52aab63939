// Is an output older than what it is made of? Decided by content, since checkouts and copies change file times.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { inRoot, root } from './paths.mjs';

const stampFile = (name) => inRoot('build', '.stamps', name);

/** All files under a folder that `filter` lets pass, in a fixed order. */
export function files(folder, filter = () => true) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => filter(file))
    .sort();
}

/** A digest of some files' names and contents and of some further facts. Names are those inside the project: a copied tree is fresh. */
export function fingerprint(paths, facts = {}) {
  const hash = createHash('sha256').update(JSON.stringify(facts));
  for (const path of paths) hash.update(`\0${relative(root, path)}\0`).update(readFileSync(path));
  return hash.digest('hex');
}

/** Whether `output` exists and was made from what `print` is the fingerprint of. */
export function isFresh(name, print, output) {
  return existsSync(output) && existsSync(stampFile(name)) && readFileSync(stampFile(name), 'utf8') === print;
}

export function stamp(name, print) {
  mkdirSync(dirname(stampFile(name)), { recursive: true });
  writeFileSync(stampFile(name), print);
}

/** Forgets a stamp before its output is touched, so that an interrupted build is not taken for a finished one. */
export const unstamp = (name) => rmSync(stampFile(name), { force: true });
