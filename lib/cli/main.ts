#!/usr/bin/env node
/** The `openssl-ocsp` command: finds the subcommand, and turns errors into a line and an exit code. */
import { bulkSignCommand } from './bulk-sign.js';
import { type Command, UsageError } from './command.js';
import { ocspCommand } from './ocsp/command.js';
import { storeCommand } from './store.js';

const COMMANDS: readonly Command[] = [bulkSignCommand, storeCommand, ocspCommand];

function help(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  const lines = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: openssl-ocsp <command> [options]\n\n${lines.join('\n')}\n\nopenssl-ocsp <command> --help tells more.\n`;
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h') {
    process.stdout.write(help());
    return name === undefined ? 2 : 0;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) {
    process.stderr.write(`openssl-ocsp: no such command: ${name}\n\n${help()}`);
    return 2;
  }
  // A value of an option may look like this; commands with a grammar of their own find out themselves.
  if (!command.ownGrammar && (args.includes('--help') || args.includes('-h'))) {
    process.stdout.write(command.help);
    return 0;
  }
  try {
    return await command.run(args);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const usage = error instanceof UsageError || code?.startsWith('ERR_PARSE_ARGS');
    process.stderr.write(`openssl-ocsp ${name}: ${message}\n`);
    if (usage) process.stderr.write(`openssl-ocsp ${name} --help tells the usage.\n`);
    return usage ? 2 : 1;
  }
}

// Whoever reads may stop reading: `... | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

main(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
