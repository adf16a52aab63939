import { readFileSync } from 'node:fs';
import test from 'ava';
import { bulkSignCommand } from '#dist/cli/bulk-sign.js';
import { type Paint, paintFor } from '#dist/cli/colour.js';
import type { Command } from '#dist/cli/command.js';
import { inspectCommand } from '#dist/cli/inspect.js';
import { queryCommand } from '#dist/cli/query.js';
import { requestCommand } from '#dist/cli/request.js';
import { verifyCommand } from '#dist/cli/verify.js';
import { command } from '../helpers/command.js';

const COMMANDS: readonly Command[] = [inspectCommand, requestCommand, verifyCommand, queryCommand, bulkSignCommand];

test('the overview names every command, and each has a help that names every option and exit code', async (t) => {
  const overview = await command(['--help']);
  t.is(overview.status, 0);
  for (const { name, summary, help, options = {} } of COMMANDS) {
    t.true(overview.stdout.includes(`  ${name} `), name);
    t.true(overview.stdout.includes(summary), name);
    const { status, stdout, stderr } = await command([name, '--help']);
    t.is(status, 0);
    t.is(stderr, '');
    t.is(stdout, help);
    t.true(stdout.startsWith(`Usage: openssl-ocsp ${name} `), name);
    t.true(Object.keys(options).length > 2);
    for (const option of Object.keys(options)) t.regex(stdout, new RegExp(`--${option}\\b`), `${name} --${option}`);
    t.regex(stdout, /Exit codes: 0 .*\n$/);
    for (const line of stdout.split('\n')) t.true(line.length <= 120, line);
  }
});

test('the version, of the package and of what it runs on', async (t) => {
  const { status, stdout } = await command(['--version']);
  t.is(status, 0);
  t.regex(stdout, /^openssl-ocsp \d+\.\d+\.\d+\S* \(Node\.js v\d+\.\d+\.\d+\S*, OpenSSL \d+\.\d+\.\d+.*\)\n$/);
});

test('without its addon the command says so in one line', async (t) => {
  const { status, stdout, stderr } = await command(['inspect'], {
    env: { OPENSSL_OCSP_BINDING: '/no/such/addon.node' },
  });
  t.is(status, 1);
  t.is(stdout, '');
  t.regex(stderr, /^openssl-ocsp inspect: .*OPENSSL_OCSP_BINDING\. \[ERR_OCSP_ADDON_UNAVAILABLE\]\n$/);
});

test('docs/command.md knows every command and option', (t) => {
  const text = readFileSync(new URL('../../../docs/command.md', import.meta.url), 'utf8');
  for (const { name, options = {} } of COMMANDS) {
    t.true(text.includes(`\n## ${name}\n`), name);
    for (const option of Object.keys(options)) t.regex(text, new RegExp(`--${option}\\b`), `${name} --${option}`);
  }
});

test('no command, and none such', async (t) => {
  const none = await command([]);
  t.is(none.status, 2);
  t.regex(none.stdout, /^Usage: openssl-ocsp <command>/);
  const unknown = await command(['frobnicate\x1b[31m']);
  t.is(unknown.status, 2);
  t.is(unknown.stdout, '');
  t.regex(unknown.stderr, /^openssl-ocsp: no such command: frobnicate\\u\{1b\}\[31m\n/);
});

test.serial('colours: on terminals, unless the environment says otherwise', (t) => {
  const saved = { ...process.env };
  const painted = (isTTY: boolean, env: Record<string, string>): boolean => {
    for (const name of ['NO_COLOR', 'FORCE_COLOR', 'TERM']) delete process.env[name];
    Object.assign(process.env, env);
    const paint: Paint = paintFor({ isTTY });
    return paint('red', 'x') !== 'x';
  };
  try {
    for (const [isTTY, env, expected] of [
      [true, {}, true],
      [false, {}, false],
      [true, { NO_COLOR: '1' }, false],
      [true, { NO_COLOR: '' }, true],
      [true, { TERM: 'dumb' }, false],
      [false, { FORCE_COLOR: '1' }, true],
      [false, { FORCE_COLOR: '' }, true],
      [true, { FORCE_COLOR: '0' }, false],
      [false, { FORCE_COLOR: '3', NO_COLOR: '1' }, true],
    ] as const) {
      t.is(painted(isTTY, env), expected, JSON.stringify([isTTY, env]));
    }
  } finally {
    process.env = saved;
  }
});
