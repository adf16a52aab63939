import type { Command } from '../command.js';
import { runOcsp } from './run.js';
import { help } from './table.js';

/** `openssl-ocsp ocsp`. Its grammar is OpenSSL's: one dash, and the order of options counts. */
export const ocspCommand: Command = {
  name: 'ocsp',
  summary: 'a stand-in for "openssl ocsp" in scripts',
  help: help(),
  ownGrammar: true,
  run: (args) => runOcsp(args),
};
