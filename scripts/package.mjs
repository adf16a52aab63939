// Run by `npm pack`, before and after: the folders that are in the package and not in the repository.
import { cpSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { copySource } from './lib/package-source.mjs';
import { inRoot, prebuildPath } from './lib/paths.mjs';
import { main } from './lib/run.mjs';

const options = { clean: { type: 'boolean', help: 'remove them again' } };
const about = 'Lays prebuilds/ (the prebuilt binaries at hand) and source/ (what builds the addon) for npm pack.';

await main({ usage: 'node scripts/package.mjs [options]', about, options }, ({ clean }) => {
  for (const name of ['prebuilds', 'source']) rmSync(inRoot(name), { recursive: true, force: true });
  if (clean) return;
  cpSync(dirname(prebuildPath()), inRoot('prebuilds'), { recursive: true });
  copySource(inRoot('source'));
});
