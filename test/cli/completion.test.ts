/** What shells complete, asked of the shells themselves; and the page of the manual. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { COMMANDS, loadHelp } from '#dist/cli/commands.js';
import { helpActions, helpOptions, parseHelp } from '#dist/cli/help-text.js';
import { manualPage } from '#dist/cli/manual.js';
import { OPTIONS as OCSP_OPTIONS } from '#dist/cli/ocsp/table.js';
import { command } from '../helpers/command.js';
import { hasProgram, runProgram } from '../helpers/programs.js';

const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-completion-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, 'site.pem'), '');
mkdirSync(join(folder, 'silo'));

/** What completes a command line whose last word is unfinished. */
type Complete = (words: readonly string[]) => Promise<string[]>;

const scripts = new Map<string, string>();
test.before(async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { status, stdout, stderr } = await command(['completion', shell]);
    if (status !== 0) throw new Error(stderr);
    writeFileSync(join(folder, `.script-${shell}`), stdout);
    scripts.set(shell, stdout);
  }
});

async function runShell(shell: string, args: readonly string[]): Promise<string[]> {
  const { status, stdout, stderr } = await runProgram(shell, args, { HOME: folder, XDG_CONFIG_HOME: folder });
  if (status !== 0 || stderr !== '') throw new Error(`${shell}: ${status}, ${stderr}`);
  return stdout.split('\n').filter((line) => line !== '');
}

const COMPLETE: Readonly<Record<string, Complete>> = {
  bash: async (words) => {
    const line = ['openssl-ocsp', ...words].flatMap((word) =>
      word.split(/(=)/).filter((part, i) => i === 0 || part !== ''),
    );
    const ended = words.at(-1)?.endsWith('=') ? [...line] : line;
    const quoted = ended.map((word) => `'${word}'`).join(' ');
    // (compopt works only where readline calls.)
    const code = `cd '${folder}'; compopt() { :; }; source ./.script-bash; COMP_WORDS=(${quoted}); COMP_CWORD=${ended.length - 1}
      _openssl_ocsp; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return await runShell('bash', ['--norc', '-c', code]);
  },
  fish: async (words) => {
    const line = ['openssl-ocsp', ...words].join(' ');
    const code = `cd '${folder}'; source ./.script-fish; complete -C '${line}'`;
    return (await runShell('fish', ['--no-config', '-c', code])).map((text) =>
      (text.split('\t')[0] as string).replace(/^--[\w-]+=/, ''),
    );
  },
  zsh: async (words) => {
    // (Before the line editor reads, the terminal itself would take ^U for its own and throw away what is typed ahead.)
    const code = `zmodload zsh/zpty; cd '${folder}'
      zpty z zsh -f -i
      zpty -w z "PROMPT=; cd '${folder}'; autoload -U compinit; compinit -u -D; source ./.script-zsh; bindkey '^I' complete-word
        zstyle ':completion:*' list-grouped false; LISTMAX=1000
        compadd() { if [[ \\\${@[(I)-O|-A|-D]} -gt 0 ]]; then builtin compadd \\"\\$@\\"; return; fi
          local -a found; builtin compadd -O found \\"\\$@\\"; for each in \\$found; do print -r -- \\"<\\$each>\\" >> .found; done; builtin compadd \\"\\$@\\"; }
        zle-line-init() { print -n rea''dy; }; zle -N zle-line-init"
      zpty -r z line '*ready*'
      zpty -n -w z "openssl-ocsp ${words.join(' ')}"$'\\t'
      zpty -n -w z $'\\x15'"echo do''ne"$'\\n'
      zpty -r z line '*done*'
      zpty -d z; cat .found 2>/dev/null; rm -f .found`;
    // (What is typed ahead can also end a completion before it has found anything.)
    let lines: string[] = [];
    for (let i = 0; i < 3 && lines.length === 0; i += 1) lines = await runShell('zsh', ['-f', '-c', code]);
    return [...new Set(lines.flatMap((line) => /^<(.*)>$/.exec(line)?.[1] ?? []))];
  },
};

const sorted = (words: readonly string[]): string[] => [...words].sort();
const names = [...COMMANDS.map(({ name }) => name), 'help', 'version'];

for (const [shell, complete] of Object.entries(COMPLETE)) {
  const testShell = hasProgram(shell) ? test.serial : test.serial.skip;
  testShell(`${shell}: commands, options, actions, files and folders`, async (t) => {
    t.timeout(300_000);
    t.deepEqual(sorted(await complete([''])), sorted(names));
    t.deepEqual(await complete(['ver']).then(sorted), ['verify', 'version']);
    t.deepEqual(
      sorted(await complete(['help', ''])),
      sorted(names.filter((name) => name !== 'help' && name !== 'version')),
    );
    const help = new Map((await loadHelp()).map((entry) => [entry.name, entry.help]));
    t.deepEqual(
      sorted(await complete(['store', ''])),
      sorted(helpActions(help.get('store') ?? '').map(({ term }) => term)),
    );
    t.deepEqual(sorted(await complete(['verify', '--ca-'])), ['--ca-file', '--ca-path']);
    t.deepEqual(await complete(['store', 'verify', '--max-a']), [], 'options of the command, not of the action');
    t.deepEqual(sorted(await complete(['ocsp', '-resp_'])), ['-resp_key_id', '-resp_no_certs', '-resp_text']);
    t.deepEqual(await complete(['verify', '--cert', 'sit']), ['site.pem']);
    if (shell !== 'zsh') t.deepEqual(await complete(['verify', '--cert=sit']), ['site.pem']);
    t.deepEqual(
      (await complete(['verify', '--ca-path', 'si'])).map((name) => name.replace(/\/$/, '')),
      ['silo'],
    );
    t.deepEqual(await complete(['verify', '--max-age', 'si']), []);
    t.true((await complete(['inspect', 'si'])).includes('site.pem'));
  });
}

test('all that the tables know is in the scripts and in the manual, and nothing else', async (t) => {
  const all = await loadHelp();
  const page = manualPage('1.2.3', all).replaceAll('\\-', '-');
  for (const { name, summary, help, options = {} } of all) {
    const words = helpOptions(help).map(({ word }) => word);
    const known =
      name === 'ocsp'
        ? [...OCSP_OPTIONS.keys()].map((option) => `-${option}`)
        : Object.keys(options).map((option) => `--${option}`);
    t.deepEqual(sorted(words), sorted(known), name);
    t.true(page.includes(summary.replaceAll("'", '\\(aq')), name);
    for (const part of parseHelp(help))
      if (part.kind === 'item') t.true(page.includes(`.B ${part.term.replaceAll("'", '\\(aq')}\n`), part.term);
    for (const word of words) {
      for (const shell of ['bash', 'zsh']) t.true(scripts.get(shell)?.includes(word), `${shell} ${word}`);
      t.true(scripts.get('fish')?.includes(word.replace(/^--/, '-l ').replace(/^-(?!l )/, '-o ')), `fish ${word}`);
    }
  }
});

test('a shell that no one knows', async (t) => {
  for (const [args, message] of [
    [[], 'a shell is missing: bash, zsh, fish'],
    [['csh'], 'no such shell: csh; there are bash, zsh, fish'],
    [['bash', 'zsh'], 'unexpected argument: zsh'],
  ] as const) {
    const { status, stdout, stderr } = await command(['completion', ...args]);
    t.deepEqual([status, stdout], [2, '']);
    t.true(stderr.startsWith(`openssl-ocsp completion: ${message}\n`), stderr);
  }
});

async function page(t: ExecutionContext): Promise<string> {
  const file = join(folder, `page-${t.title.length}.1`);
  writeFileSync(file, manualPage('1.2.3', await loadHelp()));
  return file;
}

(hasProgram('mandoc') ? test : test.skip)('mandoc has nothing to say of the page', async (t) => {
  const { stdout } = await runProgram('mandoc', ['-Tlint', '-Wwarning', await page(t)]);
  t.deepEqual(
    stdout.split('\n').filter((line) => line !== '' && !line.includes('missing date')),
    [],
  );
});

(hasProgram('man') ? test : test.skip)('man shows the page, with every exit code', async (t) => {
  const { status, stdout, stderr } = await runProgram('man', ['--warnings', '-l', await page(t)], {
    MANWIDTH: '100',
    LC_ALL: 'C',
  });
  t.deepEqual([status, stderr], [0, '']);
  const text = stdout.replace(/.[\b]/g, '').replace(/\s+/g, ' ');
  t.true(text.includes('--signer-revocation NAME what becomes of a delegate without id-pkix-ocsp-nocheck'));
  t.true(text.includes('Exit codes: 0 good, 3 revoked, 4 unknown, 5 the response was refused'));
});
