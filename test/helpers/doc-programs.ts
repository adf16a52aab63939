/** Programs of a document: blocks of JavaScript that begin with their file name. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import test from 'ava';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export interface DocPrograms {
  readonly names: readonly string[];
  /** Where they are, and what they write: inside the project, where the package finds itself. Removed after the tests. */
  readonly folder: string;
  load<T>(name: string): Promise<T>;
}

/** @param document - Such as `client.md`, in `docs/`. */
export function docPrograms(document: string): DocPrograms {
  const text = readFileSync(join(root, 'docs', document), 'utf8');
  const folder = mkdtempSync(join(root, 'build', 'docs-'));
  test.after.always(() => rmSync(folder, { recursive: true }));
  const programs = [...text.matchAll(/^```js\n\/\/ (\S+\.mjs)(.*?)^```$/gms)];
  for (const [, name, code] of programs) writeFileSync(join(folder, name as string), `//${code}`);
  return {
    names: programs.map(([, name]) => name as string),
    folder,
    load: async <T>(name: string): Promise<T> => (await import(pathToFileURL(join(folder, name)).href)) as T,
  };
}
