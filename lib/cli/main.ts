#!/usr/bin/env node
/** The `openssl-ocsp` command: finds the subcommand, and turns errors into a line and an exit code. */
import { readFileSync } from 'node:fs';
import { OCSPError } from '../errors.js';
import { printableLines } from './colour.js';
import { type Command, ExitCode, UsageError } from './command.js';

function help(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: openssl-ocsp <command> [options]

${lines.join('\n')}

openssl-ocsp <command> --help tells more, openssl-ocsp --version which one this is.
`;
}

/** This package, and what it runs on. */
function version(openssl: string): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version: own } = JSON.parse(text) as { version: string };
  return `openssl-ocsp ${own} (Node.js ${process.version}, ${openssl})\n`;
}

async function run([name, ...args]: readonly string[]): Promise<number> {
  // Loaded here, since the addon may be missing: that is an error like any other.
  const { COMMANDS } = await import('./commands.js');
  if (name === undefined || name === '--help' || name === '-h') {
    process.stdout.write(help(COMMANDS));
    return name === undefined ? ExitCode.USAGE : ExitCode.OK;
  }
  if (name === '--version') {
    const { opensslInfo } = await import('../binding.js');
    process.stdout.write(version(opensslInfo.version));
    return ExitCode.OK;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) {
    process.stderr.write(`openssl-ocsp: no such command: ${printableLines(name)}\n\n${help(COMMANDS)}`);
    return ExitCode.USAGE;
  }
  // A value of an option may look like this; commands with a grammar of their own find out themselves.
  if (!command.ownGrammar && (args.includes('--help') || args.includes('-h'))) {
    process.stdout.write(command.help);
    return ExitCode.OK;
  }
  return await command.run(args);
}

async function main(args: readonly string[]): Promise<number> {
  try {
    return await run(args);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const usage = error instanceof UsageError || code?.startsWith('ERR_PARSE_ARGS');
    const suffix = error instanceof OCSPError ? ` [${error.code}]` : '';
    const program = printableLines(`openssl-ocsp ${args[0] ?? ''}`.trimEnd());
    process.stderr.write(`${program}: ${printableLines(message)}${suffix}\n`);
    if (usage) process.stderr.write(`${program} --help tells the usage.\n`);
    return usage ? ExitCode.USAGE : ExitCode.FAILED;
  }
}

// Whoever reads may stop reading: `... | head`. What was not read to its end is no success.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? ExitCode.BROKEN_PIPE : ExitCode.FAILED);
});

// Should the process end before the command has, it has not succeeded.
process.exitCode = ExitCode.FAILED;
main(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
