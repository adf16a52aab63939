// npm run lint: biome for JavaScript and TypeScript, clang-format and clang-tidy for C++.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { configure } from './lib/cmake.mjs';
import { installMissing } from './lib/dependencies.mjs';
import { inRoot } from './lib/paths.mjs';
import { bin, has, main, node, run, ScriptError, step } from './lib/run.mjs';
import { files } from './lib/stamps.mjs';

const options = {
  fix: { type: 'boolean', help: 'format and apply safe fixes instead of only reporting' },
  js: { type: 'boolean', help: 'only JavaScript and TypeScript' },
  native: { type: 'boolean', help: 'only C++' },
  all: {
    type: 'boolean',
    help: 'as many paths through each function as clang-tidy follows by itself (takes three times as long)',
  },
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
    const all = ['native', 'test/native', 'test/fuzz', 'parity/oracle'].flatMap(sources);
    step('clang-format');
    check(
      'clang-format',
      run('clang-format', [...(values.fix ? ['-i'] : ['--dry-run', '--Werror']), ...all], { allowFailure: true }),
    );
    step('clang-tidy');
    check('clang-tidy', clangTidy(['native/core', 'native/binding', 'test/native'], values.all));
  }
  if (failures.length > 0) throw new ScriptError(`Findings: ${failures.join(', ')}.`);
  console.log('\nNo findings.');
});

function sources(folder) {
  return files(inRoot(folder), (file) => /\.(cc|h)$/.test(file));
}

/**
 * By the commands that CMake writes. Without `whole` the analyzer follows no more steps through one function than in its own
 * `shallow` mode, a third of what is usual: most of its time goes into a few functions.
 */
function clangTidy(folders, whole) {
  installMissing();
  const folder = configure('tidy', { OCSP_CORE_TESTS: 'ON' });
  const commands = JSON.parse(readFileSync(join(folder, 'compile_commands.json'), 'utf8'));
  rmSync(join(folder, 'joined'), { recursive: true, force: true });
  const joined = folders.flatMap((name) => joinSources(folder, name, commands));
  writeFileSync(join(folder, 'joined', 'compile_commands.json'), JSON.stringify(joined.map(({ command }) => command)));
  // One process per core; xargs is where clang-tidy is.
  const jobs = String(Math.min(availableParallelism(), 8));
  const limit = whole ? [] : ['-Xclang', '-analyzer-config', '-Xclang', 'max-nodes=75000'];
  const args = ['-P', jobs, '-n', '1', 'clang-tidy', '--quiet', ...limit.map((arg) => `--extra-arg=${arg}`)];
  args.push('-p', join(folder, 'joined'));
  const input = joined.map(({ command }) => command.file).join('\n');
  const result = run('xargs', args, { allowFailure: true, input, capture: true });
  const origins = new Map(joined.map(({ command, origin }) => [command.file, origin]));
  const lines = `${result.stdout}${result.stderr}`
    .split('\n')
    // It counts the warnings in system headers, which it does not show.
    .filter((line) => !/^\d+ warnings? generated/.test(line))
    .map((line) => line.replace(/^(.+?):(\d+)(?=:)/, (all, file, number) => origins.get(file)?.[number - 1] ?? all));
  if (lines.some(Boolean)) console.log(lines.join('\n').trimEnd());
  return result;
}

/**
 * The sources of a folder in one file: most of the time of clang-tidy goes into headers, and its analyzer looks at
 * what is in the file itself, not at what that includes. `origin` says where each line is from. Programs stay alone.
 */
function joinSources(build, folder, commands) {
  const all = sources(folder).filter((file) => file.endsWith('.cc'));
  const isProgram = (source) => source.endsWith('_test.cc');
  const shared = all.filter((source) => !isProgram(source));
  return [shared, ...all.filter(isProgram).map((source) => [source])].map((part) => {
    const file = join(build, 'joined', basename(folder), basename(part[0]));
    const lines = part.flatMap((source) =>
      readFileSync(source, 'utf8')
        .split('\n')
        .map((text, index) => ({ text, from: `${source}:${index + 1}` })),
    );
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, lines.map(({ text }) => text).join('\n'));
    const like = commands.find((command) => command.file === part[0]);
    const command = `${like.command.replaceAll(part[0], file)} -I${inRoot(folder)}`;
    return { command: { ...like, file, command }, origin: lines.map(({ from }) => from) };
  });
}
