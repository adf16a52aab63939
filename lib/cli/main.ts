#!/usr/bin/env node
/** The `openssl-ocsp` command as a process: its streams, and how it ends. */
import { ExitCode } from './command.js';
import { runProgram } from './program.js';
import { fileError } from './system-error.js';

// Whoever reads may stop reading: `... | head`. What was not read to its end is no success.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(ExitCode.BROKEN_PIPE);
  process.stderr.write(`openssl-ocsp: ${fileError('write', 'standard output', error).message}\n`);
  process.exit(ExitCode.FAILED);
});

// Where no one can be told, the exit code still tells.
process.stderr.on('error', () => {});

// Should the process end before the command has, it has not succeeded.
process.exitCode = ExitCode.FAILED;
runProgram(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
