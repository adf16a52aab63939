// npm packages: installed when missing or of another version than package.json pins.
import { existsSync, readFileSync } from 'node:fs';
import { inRoot } from './paths.mjs';
import { npm, step } from './run.mjs';

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

export function installMissing() {
  const { dependencies = {}, devDependencies = {} } = readJson(inRoot('package.json'));
  const wrong = Object.entries({ ...dependencies, ...devDependencies }).filter(([name, version]) => {
    const manifest = inRoot('node_modules', name, 'package.json');
    return !existsSync(manifest) || readJson(manifest).version !== version.replace(/^npm:.*@/, '');
  });
  if (wrong.length === 0) return;
  step(`installing npm packages (${wrong.map(([name]) => name).join(', ')})`);
  npm(['install', '--no-audit', '--no-fund', '--ignore-scripts', '--include=dev']);
}
