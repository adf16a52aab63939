// npm run build:prebuilt: the binaries that `npm pack` takes. Where zig runs that is one for every Linux, elsewhere the release
// build for the platform at hand.
import { copyFileSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { buildAddon } from './lib/addon.mjs';
import { buildCross, CROSS_TARGETS } from './lib/cross.mjs';
import { addonPath, prebuildPath, prebuildTarget } from './lib/paths.mjs';
import { has, main, run, ScriptError } from './lib/run.mjs';

const about =
  `Writes build/prebuilds/<platform>-<arch>.node: on linux-x64 ${Object.keys(CROSS_TARGETS).join(', ')},\n` +
  'or those that are named; elsewhere the one for the platform at hand. Files of other platforms are left alone.';

await main({ usage: 'npm run build:prebuilt [-- target ...]', about }, (_, named) => {
  const own = prebuildTarget();
  if (own !== 'linux-x64') {
    buildOwn();
    report(own);
    return;
  }
  const all = Object.keys(CROSS_TARGETS);
  for (const target of named.length > 0 ? named : all) {
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
