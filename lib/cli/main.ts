#!/usr/bin/env node
/** The `openssl-ocsp` command: finds the subcommand, and turns errors into a line and an exit code. */
import { OCSPError } from '../errors.js';
import { bulkSignCommand } from './bulk-sign.js';
import { printableLines } from './colour.js';
import { type Command, ExitCode, UsageError } from './command.js';
import { inspectCommand } from './inspect.js';
import { ocspCommand } from './ocsp/command.js';
import { queryCommand } from './query.js';
import { requestCommand } from './request.js';
import { storeCommand } from './store.js';
import { verifyCommand } from './verify.js';

const COMMANDS: readonly Command[] = [
  ocspCommand,
  inspectCommand,
  requestCommand,
  verifyCommand,
  queryCommand,
  bulkSignCommand,
  storeCommand,
];

function help(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  const lines = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: openssl-ocsp <command> [options]\n\n${lines.join('\n')}\n\nopenssl-ocsp <command> --help tells more.\n`;
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h') {
    process.stdout.write(help());
    return name === undefined ? ExitCode.USAGE : ExitCode.OK;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) {
    process.stderr.write(`openssl-ocsp: no such command: ${printableLines(name)}\n\n${help()}`);
    return ExitCode.USAGE;
  }
  // A value of an option may look like this; commands with a grammar of their own find out themselves.
  if (!command.ownGrammar && (args.includes('--help') || args.includes('-h'))) {
    process.stdout.write(command.help);
    return ExitCode.OK;
  }
  try {
    return await command.run(args);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const usage = error instanceof UsageError || code?.startsWith('ERR_PARSE_ARGS');
    const suffix = error instanceof OCSPError ? ` [${error.code}]` : '';
    process.stderr.write(`openssl-ocsp ${name}: ${printableLines(message)}${suffix}\n`);
    if (usage) process.stderr.write(`openssl-ocsp ${name} --help tells the usage.\n`);
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
