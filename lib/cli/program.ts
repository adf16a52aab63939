/** What `openssl-ocsp` does with its arguments: finds the subcommand, and turns errors into a line and an exit code. */
import { readFileSync } from 'node:fs';
import { OCSPError } from '../errors.js';
import { closest } from '../x509/suggestion.js';
import { refuseMore } from './arguments.js';
import { printableLines } from './colour.js';
import { type CommandEntry, ExitCode, UsageError } from './command.js';
import { COMMANDS } from './commands.js';
import { giveStandardInput } from './read-file.js';
import { messageOf } from './system-error.js';

function overview(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  const lines = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: openssl-ocsp <command> [options]

${lines.join('\n')}

openssl-ocsp help <command> shows more, openssl-ocsp version which one this is.
`;
}

/** This package, and what it runs on. */
function version(openssl: string): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version: own } = JSON.parse(text) as { version: string };
  return `openssl-ocsp ${own} (Node.js ${process.version}, ${openssl})\n`;
}

class NoSuchCommand extends UsageError {}

/** @throws NoSuchCommand */
function find(name: string): CommandEntry {
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  const near = closest(name, [...COMMANDS.map((known) => known.name), 'help', 'version']);
  throw new NoSuchCommand(`no such command: ${name}${near === undefined ? '' : `; did you mean ${near}?`}`);
}

/** Other words for `help` and `version`. */
const HELP_WORDS = ['help', '--help', '-h'];
const VERSION_WORDS = ['version', '--version', '-V'];

async function run([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined) {
    process.stdout.write(overview());
    return ExitCode.USAGE;
  }
  const asksForHelp = args.includes('--help') || args.includes('-h');
  if (asksForHelp && [...HELP_WORDS, ...VERSION_WORDS].includes(name)) {
    process.stdout.write(overview());
    return ExitCode.OK;
  }
  if (HELP_WORDS.includes(name)) {
    refuseMore(args, 1);
    const [about] = args;
    process.stdout.write(about === undefined ? overview() : (await find(about).load()).help);
    return ExitCode.OK;
  }
  if (VERSION_WORDS.includes(name)) {
    refuseMore(args, 0);
    // Loaded here, since the addon may be missing: that is an error like any other.
    const { opensslInfo } = await import('../binding.js');
    process.stdout.write(version(opensslInfo.version));
    return ExitCode.OK;
  }
  const command = await find(name).load();
  // A value of an option may look like this; commands with a grammar of their own find out themselves.
  if (!command.ownGrammar && asksForHelp) {
    process.stdout.write(command.help);
    return ExitCode.OK;
  }
  return await command.run(args);
}

/** Does what the arguments say, over this process's standard streams. Resolves to the exit code. */
export async function runProgram(args: readonly string[]): Promise<number> {
  giveStandardInput();
  try {
    return await run(args);
  } catch (error) {
    const usage = error instanceof UsageError;
    const suffix = error instanceof OCSPError ? ` [${error.code}]` : '';
    const [name] = error instanceof NoSuchCommand ? [] : args;
    const program = name === undefined ? 'openssl-ocsp' : `openssl-ocsp ${name}`;
    process.stderr.write(`${program}: ${printableLines(messageOf(error))}${suffix}\n`);
    if (usage) process.stderr.write(`${program} --help shows the usage.\n`);
    return usage ? ExitCode.USAGE : ExitCode.FAILED;
  }
}
