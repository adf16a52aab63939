// npm run lint: biome for JavaScript and TypeScript, clang-format and clang-tidy for C++.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { configure } from './lib/cmake.mjs';
import { installMissing } from './lib/dependencies.mjs';
import { inRoot } from './lib/paths.mjs';
import { bin, has, main, node, run, ScriptError, step } from './lib/run.mjs';
import { files } from './lib/stamps.mjs';

const options = {
  fix: { type: 'boolean', help: 'format and apply safe fixes instead of only reporting' },
  js: { type: 'boolean', help: 'only JavaScript and TypeScript' },
  native: { type: 'boolean', help: 'only C++' },
};

await main({ usage: 'npm run lint [-- options]', about: 'Checks style and common mistakes.', options }, (values) => {
  const failures = [];
  const check = (name, result) => result.status !== 0 && failures.push(name);

  step('layers of native/');
  for (const [folder, unknown] of [
    ['core', /#include\s*[<"](napi|node_api|js_native_api|node)/],
    ['binding', /#include\s*[<"]openssl\//],
  ]) {
    for (const file of files(inRoot('native', folder), () => true)) {
      if (!unknown.test(readFileSync(file, 'utf8'))) continue;
      console.log(`${file}: native/${folder} does not know ${unknown.source}`);
      failures.push('layers of native/');
    }
  }

  if (!values.native) {
    installMissing();
    step('biome');
    const command = values.fix ? ['check', '--write', '.'] : [process.env.CI ? 'ci' : 'check', '.'];
    check(
      'biome',
      node(bin('@biomejs/biome'), [...command, '--error-on-warnings', ...(process.env.CI ? ['--colors=off'] : [])], {
        allowFailure: true,
      }),
    );
  }
  if (!values.js) {
    for (const tool of ['clang-format', 'clang-tidy']) {
      if (!has(tool)) throw new ScriptError(`'${tool}' is not installed (npm run lint -- --js does without).`);
    }
    const sources = (...folders) =>
      folders.flatMap((folder) => files(inRoot(folder), (file) => /\.(cc|h)$/.test(file)));
    const all = sources('native', 'test/native', 'test/fuzz', 'parity/oracle');
    step('clang-format');
    check(
      'clang-format',
      run('clang-format', [...(values.fix ? ['-i'] : ['--dry-run', '--Werror']), ...all], { allowFailure: true }),
    );
    step('clang-tidy');
    check('clang-tidy', clangTidy(sources('native', 'test/native').filter((file) => file.endsWith('.cc'))));
  }
  if (failures.length > 0) throw new ScriptError(`Findings: ${failures.join(', ')}.`);
  console.log('\nNo findings.');
});

/** Reads the commands that CMake writes. */
function clangTidy(sources) {
  installMissing();
  const folder = configure('tidy', { OCSP_CORE_TESTS: 'ON' });
  // One process per core; xargs is where clang-tidy is.
  const jobs = String(Math.min(availableParallelism(), 8));
  const input = sources.join('\n');
  const result = run('xargs', ['-P', jobs, '-n', '2', 'clang-tidy', '--quiet', '-p', folder], {
    allowFailure: true,
    input,
    capture: true,
  });
  // It counts the warnings in system headers, which it does not show.
  const lines = `${result.stdout}${result.stderr}`.split('\n').filter((line) => !/^\d+ warnings? generated/.test(line));
  if (lines.some(Boolean)) console.log(lines.join('\n').trimEnd());
  return result;
}
