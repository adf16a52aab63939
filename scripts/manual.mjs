// Writes dist/openssl-ocsp.1, the page of the manual, out of the compiled command; `npm pack` runs it.
import { readFileSync, writeFileSync } from 'node:fs';
import { inRoot } from './lib/paths.mjs';
import { main } from './lib/run.mjs';

await main({ usage: 'node scripts/manual.mjs', about: 'Writes dist/openssl-ocsp.1.' }, async () => {
  const { loadHelp } = await import('../dist/cli/commands.js');
  const { manualPage } = await import('../dist/cli/manual.js');
  const { version } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  writeFileSync(inRoot('dist', 'openssl-ocsp.1'), manualPage(version, await loadHelp()));
});
