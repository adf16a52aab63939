/** The store of docs/conformance.md works as it is written there, and is as short as it says. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import test from 'ava';
import type { ResponseStore } from 'openssl-ocsp/bulk';
import { checkResponseStore } from 'openssl-ocsp/testing';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const document = readFileSync(join(root, 'docs', 'conformance.md'), 'utf8');

test('map-store.mjs', async (t) => {
  const code = /^```js\n(\/\/ map-store\.mjs.*?)^```$/ms.exec(document)?.[1] ?? '';
  t.true(code.split('\n').length <= 45);
  // Inside the project, where the package finds itself.
  const folder = mkdtempSync(join(root, 'build', 'docs-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'map-store.mjs');
  writeFileSync(file, code);
  const { MapStore } = (await import(pathToFileURL(file).href)) as { MapStore: new () => ResponseStore };
  await t.notThrowsAsync(checkResponseStore(() => new MapStore()));
});
