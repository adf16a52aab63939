import { readFileSync } from 'node:fs';
import test from 'ava';
import { type Paint, paintFor } from '#dist/cli/colour.js';
import { COMMANDS } from '#dist/cli/commands.js';
import { command, forEachOf } from '../helpers/command.js';
import { loadCommands } from '../helpers/commands.js';

/** Those with options in the usual way. */
let commands: Awaited<ReturnType<typeof loadCommands>>;
test.before(async () => {
  commands = await loadCommands();
});

test('the overview names every command, and each has a help that names every option and exit code', async (t) => {
  const overview = await command(['--help']);
  t.is(overview.status, 0);
  t.is(commands.length, COMMANDS.length - 1);
  for (const { name, summary, help, options = {} } of commands) {
    t.true(overview.stdout.includes(`  ${name} `), name);
    t.true(overview.stdout.includes(summary), name);
    const { status, stdout, stderr } = await command([name, '--help']);
    t.is(status, 0);
    t.is(stderr, '');
    t.is(stdout, help);
    t.true(stdout.startsWith(`Usage: openssl-ocsp ${name} `), name);
    // (Of the usage too: what it names is taken.)
    const named = [...stdout.matchAll(/(?<=^|[\s`(])--([a-z][a-z0-9-]*)/g)].map(([, option]) => option);
    t.deepEqual([...new Set(named)].sort(), Object.keys(options).sort(), name);
    t.is(named.length > 0, name !== 'completion');
    t.regex(stdout, /Exit codes: 0 [\s\S]*\n$/);
    for (const line of stdout.split('\n')) t.true(line.length <= 120, line);
  }
});

test('the actions of a store: help, documentation and command know the same', async (t) => {
  const { help = '' } = commands.find(({ name }) => name === 'store') ?? {};
  const documentation = readFileSync(new URL('../../../docs/command.md', import.meta.url), 'utf8');
  const actions = [...help.matchAll(/^ {2}([a-z]+) FOLDER/gm)].map(([, action]) => action as string);
  t.deepEqual(
    [...documentation.matchAll(/^\| `([a-z]+) FOLDER/gm)].map(([, action]) => action as string),
    actions,
  );
  t.true(actions.length >= 6);
  await forEachOf(actions, async (action) => {
    const { status, stderr } = await command(['store', action]);
    t.is(status, 2);
    t.regex(stderr, /a folder is missing/, action);
  });
});

test('an action of a store that does not exist', async (t) => {
  for (const [words, message] of [
    [[], 'an action is missing'],
    [['exprot', '.'], 'no such action: exprot; did you mean export?'],
    [['verfy', '.'], 'no such action: verfy; did you mean verify?'],
    [['frobnicate', '.'], 'no such action: frobnicate'],
    [['toString', '.'], 'no such action: toString'],
  ] as const) {
    const { status, stderr } = await command(['store', ...words]);
    t.is(status, 2);
    t.true(stderr.startsWith(`openssl-ocsp store: ${message}\n`), stderr);
  }
});

test('the version, of the package and of what it runs on', async (t) => {
  const { status, stdout } = await command(['--version']);
  t.is(status, 0);
  for (const word of ['version', '-V']) t.is((await command([word])).stdout, stdout);
  t.regex(stdout, /^openssl-ocsp \d+\.\d+\.\d+\S* \(Node\.js v\d+\.\d+\.\d+\S*, OpenSSL \d+\.\d+\.\d+.*\)\n$/);
});

test('without its addon the command says so in one line', async (t) => {
  const { status, stdout, stderr } = await command(['inspect'], {
    env: { OPENSSL_OCSP_BINDING: '/no/such/addon.node' },
  });
  t.is(status, 1);
  t.is(stdout, '');
  t.regex(
    stderr,
    /^openssl-ocsp inspect: .*\/no\/such\/addon\.node: no such file.*OPENSSL_OCSP_BINDING\. \[ERR_OCSP_ADDON_UNAVAILABLE\]\n$/,
  );
});

test('docs/command.md knows every command and option', (t) => {
  const text = readFileSync(new URL('../../../docs/command.md', import.meta.url), 'utf8');
  for (const { name, options = {} } of commands) {
    t.true(text.includes(`\n## ${name}\n`), name);
    for (const option of Object.keys(options)) t.true(new RegExp(`--${option}\\b`).test(text), `${name} --${option}`);
  }
});

test('no command, and none such', async (t) => {
  const none = await command([]);
  t.is(none.status, 2);
  t.regex(none.stdout, /^Usage: openssl-ocsp <command>/);
  const hint = 'openssl-ocsp --help shows the usage.\n';
  for (const [word, text] of [
    ['frobnicate\x1b[31m', 'frobnicate\\u{1b}[31m'],
    ['__proto__', '__proto__'],
    ['verfy', 'verfy; did you mean verify?'],
    ['sotre', 'sotre; did you mean store?'],
    ['bulksign', 'bulksign; did you mean bulk-sign?'],
  ] as const) {
    const { status, stdout, stderr } = await command([word]);
    t.is(status, 2);
    t.is(stdout, '');
    t.is(stderr, `openssl-ocsp: no such command: ${text}\n${hint}`);
  }
});

test('help is a command, too', async (t) => {
  t.is((await command(['help'])).stdout, (await command(['--help'])).stdout);
  for (const word of ['help', 'version'])
    t.is((await command([word, '--help'])).stdout, (await command(['help'])).stdout);
  t.is((await command(['help', 'store'])).stdout, commands.find(({ name }) => name === 'store')?.help ?? '');
  for (const [args, message] of [
    [['help', 'verify', 'query'], 'unexpected argument: query'],
    [['version', 'query'], 'unexpected argument: query'],
    [['help', 'qurey'], 'no such command: qurey; did you mean query?'],
  ] as const) {
    const { status, stderr } = await command(args);
    t.is(status, 2);
    t.true(stderr.includes(`: ${message}\n`), stderr);
  }
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
