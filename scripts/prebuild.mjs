// Puts the release build, stripped, where `npm pack` takes it from. Run on each platform before a release; `npm pack` runs
// it for the platform at hand.
import { copyFileSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { buildAddon } from './lib/addon.mjs';
import { addonPath, prebuildPath } from './lib/paths.mjs';
import { has, main, run } from './lib/run.mjs';

const about =
  'Writes build/prebuilds/<platform>-<arch>.node (musl: <platform>musl-<arch>) for the platform at hand. Files of other\n' +
  'platforms are left alone.';

await main({ usage: 'npm run build:prebuilt', about }, () => {
  const target = prebuildPath();
  buildAddon();
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(addonPath(), target);
  if (process.platform === 'linux' && has('strip')) run('strip', ['--strip-unneeded', target]);
  if (process.platform === 'darwin') run('strip', ['-x', target]);
  console.log(`${target}: ${Math.round(statSync(target).size / 1024)} KiB${floor(target)}`);
});

/** The oldest C and C++ runtime the binary loads with; a build on an older distribution reaches further. */
function floor(file) {
  if (process.platform !== 'linux' || !has('objdump')) return '';
  const symbols = run('objdump', ['-T', file], { capture: true }).stdout;
  const newest = (prefix) =>
    [...symbols.matchAll(new RegExp(`\\b${prefix}_([\\d.]+)`, 'g'))]
      .map((match) => match[1])
      .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
      .at(-1);
  return `, needs glibc ${newest('GLIBC') ?? '(none)'} and GLIBCXX ${newest('GLIBCXX') ?? '(none)'}`;
}
