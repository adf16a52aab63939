/** Options that say where a private key is, and its passphrase. */
import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { LoadedKey } from '../x509/key.js';
import { required, UsageError } from './command.js';
import { readSecret } from './secret.js';

/** For `parseArgs`. */
export const KEY_OPTIONS = {
  key: { type: 'string' },
  passin: { type: 'string' },
} as const;

/** For the help of a command. */
export const KEY_HELP = `  --key FILE              private key of the signer: PEM, DER or PKCS#12; or its URI in a store of OpenSSL (pkcs11:...)
  --passin SOURCE         its passphrase or PIN: env:NAME, file:PATH (first line), pass:TEXT (others may see it), or
                          prompt; asked for on a terminal when it is wanted and not given`;

/** A key to sign with. */
export interface SigningKey {
  readonly privateKey: KeyObject | LoadedKey;
  /** The certificates that lay beside it, its own first. */
  readonly certificates: readonly X509Certificate[];
}

/** @throws UsageError; whatever reading and decoding the key throws. */
export async function readSigningKey(values: { key?: string; passin?: string }): Promise<SigningKey> {
  const location = required(values.key, 'key');
  const passphrase = values.passin === undefined ? undefined : await passphraseFrom(values.passin, location);
  // A letter and a colon begin a path on Windows.
  if (/^[a-z][a-z0-9+.-]+:/i.test(location)) {
    return beside(await asking(location, passphrase, (text) => LoadedKey.fromStore(location, text)));
  }
  const bytes = readFileSync(location);
  if (isPkcs12(bytes)) return beside(await asking(location, passphrase, (text) => LoadedKey.fromPkcs12(bytes, text)));
  const privateKey = await asking(location, passphrase, (text) => decode(bytes, text));
  return { privateKey, certificates: [] };
}

function beside(privateKey: LoadedKey): SigningKey {
  return { privateKey, certificates: privateKey.certificates };
}

/** Asks for the passphrase when it does not work without one and somebody is there. */
async function asking<T>(what: string, given: string | undefined, load: (passphrase?: string) => T): Promise<T> {
  try {
    return load(given);
  } catch (error) {
    if (given !== undefined || !process.stdin.isTTY) throw error;
    return load(await readSecret(`Passphrase of ${what}: `));
  }
}

function decode(bytes: Buffer, passphrase: string | undefined): KeyObject {
  const secret = passphrase === undefined ? {} : { passphrase };
  if (bytes.includes('-----BEGIN')) return createPrivateKey({ key: bytes, ...secret });
  const failures: unknown[] = [];
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    try {
      return createPrivateKey({ key: bytes, format: 'der', type, ...secret });
    } catch (error) {
      failures.push(error);
    }
  }
  throw failures[0];
}

/** Whether it is a PFX: a SEQUENCE whose first element is the version 3. Keys begin with another version or element. */
function isPkcs12(bytes: Buffer): boolean {
  const lengthOctets = ((bytes[1] ?? 0) & 0x80) === 0 ? 0 : (bytes[1] as number) & 0x7f;
  const version = 2 + lengthOctets;
  return bytes[0] === 0x30 && bytes.subarray(version, version + 3).equals(Buffer.of(2, 1, 3));
}

/** The forms of openssl's `-passin`, and `prompt`. */
async function passphraseFrom(source: string, what: string): Promise<string> {
  if (source === 'prompt') {
    if (!process.stdin.isTTY) throw new UsageError('--passin: there is no terminal to ask for the passphrase');
    return readSecret(`Passphrase of ${what}: `);
  }
  const [, kind, value = ''] = /^(pass|env|file):(.*)$/s.exec(source) ?? [];
  if (kind === 'pass') return value;
  if (kind === 'file') return readFileSync(value, 'utf8').split(/\r?\n/, 1)[0] ?? '';
  if (kind === 'env') {
    const text = process.env[value];
    if (text === undefined) throw new UsageError(`--passin: there is no environment variable ${value}`);
    return text;
  }
  throw new UsageError('--passin wants env:NAME, file:PATH, pass:TEXT or prompt');
}
