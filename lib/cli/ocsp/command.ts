import type { Command } from '../command.js';
import { runOcsp } from './run.js';
import { optionLines } from './table.js';

const HELP = `Usage: openssl-ocsp ocsp [options]

A stand-in for "openssl ocsp". The order of options counts.
${optionLines()}`;

/** `openssl-ocsp ocsp`. Its grammar is OpenSSL's: one dash, and the order of options counts. */
export const ocspCommand: Command = {
  help: HELP,
  ownGrammar: true,
  run: (args) => runOcsp(args),
};
