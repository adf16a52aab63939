/** Where the passphrase of a key comes from. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { malformed } from '../errors.js';
import { printable } from './colour.js';
import { UsageError } from './command.js';
import { readSecret, withSecret } from './read-file.js';
import { reading } from './system-error.js';

export const PASSPHRASE_OPTIONS = {
  'passphrase-file': { type: 'string' },
  'passphrase-env': { type: 'string' },
} as const;

export const PASSPHRASE_HELP = `  --passphrase-file FILE  the key's passphrase or PIN: first line of a file
  --passphrase-env NAME   the same from an environment variable; without either it is asked for on a terminal`;

/** The values of {@link PASSPHRASE_OPTIONS}. */
export interface PassphraseValues {
  readonly 'passphrase-file'?: string;
  readonly 'passphrase-env'?: string;
}

/** The passphrase that the options name; undefined when they name none. */
export function givenPassphrase(values: PassphraseValues): string | undefined {
  const { 'passphrase-file': file, 'passphrase-env': variable } = values;
  if (file !== undefined && variable !== undefined) throw new UsageError('there are two passphrases');
  if (file !== undefined) {
    const bytes = reading(file, () => readSecret(file));
    return withSecret(bytes, () => bytes.toString('utf8').split(/\r?\n/, 1)[0] ?? '');
  }
  if (variable === undefined) return undefined;
  const text = process.env[variable];
  if (text === undefined) throw new UsageError(`there is no environment variable ${variable}`);
  return text;
}

/**
 * Asks on the terminal, where nothing of the answer is shown.
 *
 * @throws `ERR_OCSP_MALFORMED` where there is no terminal to ask on; an Error when no answer is given (Ctrl-C, Ctrl-D).
 */
export async function askPassphrase(what: string): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) {
    throw malformed(`${what} needs a passphrase: name it by --passphrase-file or --passphrase-env`);
  }
  // An interface that believes its output to be a terminal takes over the echo, and sends it here.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: stdin, output: nowhere, terminal: true, historySize: 0 });
  try {
    stderr.write(`Passphrase of ${printable(what)}: `);
    return await new Promise((resolve, reject) => {
      terminal.once('line', resolve);
      terminal.once('close', () => reject(new Error('no passphrase was given')));
    });
  } finally {
    terminal.close();
    stderr.write('\n');
  }
}
