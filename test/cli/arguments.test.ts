// Everything that is given on a command line counts, or is an error: of every option of every command.
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { buildTestResponse, createTestCa } from 'openssl-ocsp/testing';
import { type OptionSpecs, readArguments } from '#dist/cli/arguments.js';
import { type Command, UsageError } from '#dist/cli/command.js';
import { closest } from '#dist/x509/suggestion.js';
import { command, forEachOf } from '../helpers/command.js';
import { loadCommands } from '../helpers/commands.js';

const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-arguments-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

const ca = createTestCa();
const revoked = ca.issue();
const good = ca.issue();
writeFileSync(at('ca.pem'), ca.certificatePem);
writeFileSync(at('revoked.pem'), revoked.certificatePem);
writeFileSync(at('good.pem'), good.certificatePem);
writeFileSync(
  at('r.der'),
  buildTestResponse({
    entries: [
      {
        certificate: revoked.certificate,
        issuer: ca.certificate,
        status: 'revoked',
      },
      { certificate: good.certificate, issuer: ca.certificate },
    ],
    signer: ca,
  }),
);

let commands: Awaited<ReturnType<typeof loadCommands>>;
test.before(async () => {
  commands = await loadCommands();
});
/** Runs a command in this process: it has to end before it does anything. */
async function refused(t: ExecutionContext, [name, ...args]: readonly string[], message: RegExp): Promise<void> {
  const one = commands.find((candidate) => candidate.name === name);
  await t.throwsAsync(
    () => (one as Command).run(args),
    { instanceOf: UsageError, message },
    `${name} ${args.join(' ')}`,
  );
}

const specs = (options: OptionSpecs | undefined): [string, OptionSpecs[string]][] => Object.entries(options ?? {});

test('an option with one value is given once, one with several keeps them all, of every command', async (t) => {
  const twice: string[][] = [];
  for (const { name, options = {} } of commands) {
    for (const [option, { type, multiple }] of specs(options)) {
      if (type === 'boolean') {
        t.deepEqual(readArguments([`--${option}`, `--${option}`], options).values, { [option]: true });
        continue;
      }
      for (const args of [
        [`--${option}`, 'one', `--${option}=two`],
        [`--${option}=one`, `--${option}`, 'two'],
      ]) {
        if (multiple) t.deepEqual(readArguments(args, options).values, { [option]: ['one', 'two'] });
        else {
          const message = `--${option} is given twice: one and two`;
          t.throws(() => readArguments(args, options), { instanceOf: UsageError, message }, name);
        }
      }
      if (!multiple) twice.push([name, `--${option}=1`, `--${option}=1`]);
    }
  }
  t.true(twice.length > 40);
  for (const args of twice) await refused(t, args, / is given twice: 1 and 1$/);
});

test('two certificates, one of them revoked, are never one that is good', async (t) => {
  const serial = (pem: string): string => new X509Certificate(pem).serialNumber;
  const two = [
    ['--cert', at('revoked.pem'), '--cert', at('good.pem')],
    ['--serial', serial(revoked.certificatePem), '--serial', serial(good.certificatePem)],
    ['--cert', at('revoked.pem'), '--serial', serial(good.certificatePem)],
  ];
  await forEachOf(two, async (args) => {
    const asked = await command(['verify', at('r.der'), ...args, '--issuer', at('ca.pem')]);
    t.is(asked.status, 2, asked.stdout);
    const queried = await command(['query', ...args, '--issuer', at('ca.pem'), '--url', 'http://127.0.0.1:1/']);
    // It takes several, and asks about each.
    t.true(queried.status === 1 || queried.status === 2, queried.stdout);
  });
  const one = await command(['verify', at('r.der'), '--cert', at('good.pem'), '--issuer', at('ca.pem')]);
  t.is(one.status, 0, one.stdout);
});

test('arguments that no one takes are errors', async (t) => {
  for (const args of [
    ['inspect', at('r.der'), 'second'],
    ['verify', at('r.der'), 'second', '--cert', at('good.pem'), '--issuer', at('ca.pem')],
    ['query', 'second'],
    ['request', 'second'],
    ['bulk-sign', 'second'],
    ['store', 'ls', folder, 'second'],
    ['store', 'get', folder, '1', 'second'],
    ['store', 'verify', folder, 'second'],
    ['store', 'stats', folder, 'second'],
    ['store', 'compact', folder, 'second'],
    ['store', 'export', folder, 'target', 'second'],
  ]) {
    await refused(t, args, /^unexpected argument: second$/);
  }
});

test('what is wrong with an option, in words of our own', (t) => {
  const options = { cert: { type: 'string' }, 'ca-file': { type: 'string' }, json: { type: 'boolean' } } as const;
  for (const [args, message] of [
    [['--cret', 'x'], 'no such option: --cret; did you mean --cert?'],
    [['--cafile=x'], 'no such option: --cafile; did you mean --ca-file?'],
    [['-cert', 'x'], 'no such option: -cert; did you mean --cert?'],
    [['--js'], 'no such option: --js; did you mean --json?'],
    [['-c'], 'no such option: -c'],
    [['--frobnicate'], 'no such option: --frobnicate'],
    [['--constructor', 'x'], 'no such option: --constructor'],
    [['--__proto__=x'], 'no such option: --__proto__'],
    [['--no-json'], 'no such option: --no-json; did you mean --json?'],
    [['--cert'], '--cert needs a value'],
    [['--cert', '--json'], '--cert needs a value; one that begins with two dashes is written --cert=--json'],
    [['--json=yes'], '--json takes no value'],
    [['x'], 'unexpected argument: x'],
    [['--', '--json'], 'unexpected argument: --json'],
  ] as const) {
    t.throws(() => readArguments(args, options), { instanceOf: UsageError, message }, args.join(' '));
  }
  t.deepEqual(readArguments(['--cert=--json', '--ca-file', '-', '--', '-x', '-'], options, 2), {
    values: { cert: '--json', 'ca-file': '-' },
    positionals: ['-x', '-'],
  });
  t.deepEqual(readArguments(['--cert', '-5'], options).values, { cert: '-5' });
  t.deepEqual(readArguments(['--cert='], options).values, { cert: '' });
});

test('a suggestion is near, or there is none', (t) => {
  const names = ['verify', 'query', 'store', 'inspect', 'bulk-sign'];
  t.is(closest('veriyf', names), 'verify');
  t.is(closest('ver', names), 'verify');
  t.is(closest('qurey', names), 'query');
  for (const word of ['', 'x', 'zzzzzz', 'store'.repeat(1000)]) t.is(closest(word, names), undefined, word.slice(0, 9));
});
