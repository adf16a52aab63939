// npm run typecheck: all TypeScript, emitting nothing but what tests see of the library.
import { installMissing } from './lib/dependencies.mjs';
import { bin, main, node, step } from './lib/run.mjs';
import { compile } from './lib/typescript.mjs';

await main({ usage: 'npm run typecheck', about: 'Checks the types of lib/, typings/ and test/.' }, () => {
  installMissing();
  step('types of lib/');
  node(bin('typescript-native', 'tsc'), ['-p', 'tsconfig.json', '--noEmit']);
  // Tests import the package by its name, that is, its declarations in dist/.
  compile('lib');
  step('types of test/');
  node(bin('typescript-native', 'tsc'), ['-p', 'test/tsconfig.json', '--noEmit']);
});
