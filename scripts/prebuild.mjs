// npm run build:prebuilt: the binaries that `npm pack` takes. Where zig runs that is one for every Linux, elsewhere the release
// build for the platform at hand.
import { copyFileSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { buildAddon } from './lib/addon.mjs';
import { buildCross, CROSS_TARGETS, removeStale } from './lib/cross.mjs';
import { addonPath, prebuildPath, prebuildTarget } from './lib/paths.mjs';
import { has, main, run, ScriptError } from './lib/run.mjs';

const about =
  `Writes build/prebuilds/<platform>-<arch>.node: on linux-x64 ${Object.keys(CROSS_TARGETS).join(', ')},\n` +
  'or those that are named; elsewhere the one for the platform at hand. Files of other platforms are left alone.\n' +
  'OCSP_PREBUILT names targets as well; it is for CI, which has no time for all of them in each run.';

await main({ usage: 'npm run build:prebuilt [-- target ...]', about }, (_, named) => {
  const own = prebuildTarget();
  if (own !== 'linux-x64') {
    buildOwn();
    report(own);
    return;
  }
  const all = Object.keys(CROSS_TARGETS);
  const chosen = named.length > 0 ? named : (process.env.OCSP_PREBUILT?.split(/\s+/) ?? all);
  for (const target of all) if (!chosen.includes(target)) removeStale(target);
  for (const target of chosen) {
    if (!all.includes(target)) throw new ScriptError(`There is no target '${target}': ${all.join(', ')}.`);
    buildCross(target);
    report(target);
  }
});

function buildOwn() {
  const target = prebuildPath();
  buildAddon();
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(addonPath(), target);
  if (process.platform === 'linux' && has('strip')) run('strip', ['--strip-unneeded', target]);
  if (process.platform === 'darwin') run('strip', ['-x', target]);
}

function report(target) {
  const file = prebuildPath(target);
  console.log(`${file}: ${Math.round(statSync(file).size / 1024)} KiB`);
}
