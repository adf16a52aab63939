// Running other programs, and ending with a readable message when one fails.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './paths.mjs';

/** A failure that the message explains: printed without a stack. */
export class ScriptError extends Error {}

/** Prints what is about to happen. */
export function step(text) {
  console.log(`\n==> ${text}${process.env.CI ? ` (after ${Math.round(process.uptime())} s)` : ''}`);
}

/**
 * Runs a program and waits. Its output goes to ours, or is returned with `capture`; `allowFailure` returns instead of throwing.
 * @returns {{ status: number, stdout: string, stderr: string }}
 */
export function run(command, args = [], options = {}) {
  const { capture = false, allowFailure = false, env = {}, cwd = root, input, hint } = options;
  const result = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    input,
    maxBuffer: 1 << 28,
    stdio: [input === undefined ? 'ignore' : 'pipe', ...(capture ? ['pipe', 'pipe'] : ['inherit', 'inherit'])],
    shell: process.platform === 'win32' && command.endsWith('.cmd'),
  });
  if (result.error) {
    const missing = result.error.code === 'ENOENT';
    throw new ScriptError(
      missing
        ? `'${command}' is not installed.${hint ? ` ${hint}` : ''}`
        : `'${command}' did not start: ${result.error.message}`,
    );
  }
  const status = result.status ?? 128;
  if (status !== 0 && !allowFailure) {
    const output = capture ? `\n${result.stdout}${result.stderr}` : '';
    throw new ScriptError(
      `'${basename(command)} ${args.join(' ')}' failed (${result.signal ?? `exit code ${status}`})${output}`,
    );
  }
  return { status, stdout: result.stdout ?? '', stderr: result.stderr ?? '' };
}

/** Runs a JavaScript file with the Node that runs us. */
export const node = (file, args = [], options = {}) => run(process.execPath, [file, ...args], options);

/** The file behind a command of an installed package, so that it runs without a shell and on Windows. */
export function bin(packageName, command = basename(packageName)) {
  // Not through `exports`, which rarely names package.json.
  const manifest = join(root, 'node_modules', packageName, 'package.json');
  const { bin: entry } = createRequire(import.meta.url)(manifest);
  return join(dirname(manifest), typeof entry === 'string' ? entry : entry[command]);
}

/** npm: the one that runs us, else the one on the path. */
export function npm(args, options = {}) {
  const hint = 'Install npm, which normally comes with Node.js.';
  if (process.env.npm_execpath?.includes('npm')) return node(process.env.npm_execpath, args, { hint, ...options });
  return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, { hint, ...options });
}

/** Whether a command can be started. */
export const has = (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined;

/**
 * The frame of every script: parses options, answers --help, turns failures into one line and exit code 1.
 * `options` is that of util.parseArgs, with a `help` text for each.
 */
export async function main({ usage, about, options = {} }, body) {
  try {
    const { values, positionals } = parseArgs({
      options: {
        ...Object.fromEntries(Object.entries(options).map(([name, { help, ...rest }]) => [name, rest])),
        help: { type: 'boolean' },
      },
      allowPositionals: true,
    });
    if (values.help) {
      const lines = Object.entries(options).map(
        ([name, option]) => `  --${name}${option.type === 'string' ? ' <value>' : ''}`.padEnd(28) + option.help,
      );
      console.log([`Usage: ${usage}`, '', about, ...(lines.length > 0 ? ['', 'Options:', ...lines] : [])].join('\n'));
      return;
    }
    await body(values, positionals);
  } catch (error) {
    const explained = error instanceof ScriptError || error?.code?.startsWith?.('ERR_PARSE_ARGS');
    console.error(explained ? `\nerror: ${error.message}` : error);
    process.exitCode = 1;
  }
}
