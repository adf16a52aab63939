/** Who signs: a private key in whatever people keep keys in, and its certificate. */
import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { malformed, OCSPError, unsupportedAlgorithm } from '../errors.js';
import { readPrivateKey } from '../ocsp/encoded-signing.js';
import { loadPkcs12 } from '../x509/pkcs12.js';
import { isStoreUri, loadStoredPrivateKey, type StoredPrivateKey } from '../x509/stored-key.js';
import { UsageError } from './command.js';
import { readCertificates } from './input.js';
import { askPassphrase, givenPassphrase, type PassphraseValues } from './passphrase.js';
import { readSecret } from './read-file.js';
import { reading } from './system-error.js';

/** An option and what was said with it. */
export interface NamedValue {
  readonly option: string;
  readonly value: string | undefined;
}

/** A key and its certificate; the certificates behind it may be included. */
export interface Signer {
  readonly privateKey: KeyObject | StoredPrivateKey;
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]];
}

const BEGIN = '-----BEGIN ';
/** Bytes up to the end of a label. */
const MAX_LABEL = 80;
/** Node's code, which the library's own errors have in their cause. */
const MISSING = 'ERR_MISSING_PASSPHRASE';

interface LoadedKey {
  readonly privateKey: KeyObject | StoredPrivateKey;
  /** That of the key first; empty unless the key came with it. */
  readonly certificates: readonly X509Certificate[];
}

/**
 * Reads the key of the signer, a file (PEM, DER, PKCS#12) or the URI of one of OpenSSL's stores, and its certificate, which a
 * PKCS#12 file may bring along. Asks for a passphrase that is wanted and was not given.
 *
 * @throws UsageError; an Error when a file cannot be read; `ERR_OCSP_MALFORMED` and what the library throws.
 */
export async function readSigner(key: NamedValue, certificate: NamedValue, secret: PassphraseValues): Promise<Signer> {
  if (key.value === undefined) throw new UsageError(`--${key.option} is missing`);
  const named = certificate.value === undefined ? undefined : await readCertificates(certificate.value);
  const { privateKey, certificates } = await readKey(key.value, givenPassphrase(secret), named?.[0]);
  if (named !== undefined) return { privateKey, certificates: named };
  const [first, ...others] = certificates;
  if (first === undefined)
    throw new UsageError(`--${certificate.option} is missing: ${key.value} brings no certificate`);
  return { privateKey, certificates: [first, ...others] };
}

async function readKey(
  source: string,
  given: string | undefined,
  named: X509Certificate | undefined,
): Promise<LoadedKey> {
  if (isStoreUri(source)) {
    return unlock(source, given, (passphrase) => {
      const options = passphrase === undefined ? {} : { passphrase };
      return { privateKey: loadStoredPrivateKey(source, options), certificates: [] };
    });
  }
  // Once: a pipe has nothing for a second reader.
  const bytes = reading(source, () => readSecret(source));
  try {
    return await unlock(source, given, (passphrase) => load(source, bytes, passphrase, named));
  } finally {
    bytes.fill(0);
  }
}

async function unlock(
  source: string,
  given: string | undefined,
  open: (passphrase: string | undefined) => LoadedKey,
): Promise<LoadedKey> {
  try {
    return open(given);
  } catch (error) {
    if (given !== undefined || !wantsPassphrase(error)) throw error;
  }
  return open(await askPassphrase(source));
}

function wantsPassphrase(error: unknown): boolean {
  const { code, cause } = error as NodeJS.ErrnoException;
  return [code, (cause as NodeJS.ErrnoException | undefined)?.code].includes(MISSING);
}

function load(
  path: string,
  bytes: Buffer,
  passphrase: string | undefined,
  named: X509Certificate | undefined,
): LoadedKey {
  if (!isPkcs12(bytes)) return { privateKey: decode(path, bytes, passphrase, named), certificates: [] };
  const { privateKey, certificate, certificates } = loadPkcs12(bytes, passphrase, named);
  return { privateKey, certificates: certificate === undefined ? [] : [certificate, ...certificates] };
}

/** PFX begins with version 3 (RFC 7292 section 4), no form of a key does. The length may be of any form that BER has. */
function isPkcs12(bytes: Buffer): boolean {
  const length = bytes[1] ?? 0;
  const start = 2 + (length < 0x80 ? 0 : length & 0x7f);
  return bytes[0] === 0x30 && bytes.subarray(start, start + 3).equals(Buffer.from([0x02, 0x01, 0x03]));
}

function decode(
  path: string,
  bytes: Buffer,
  passphrase: string | undefined,
  named: X509Certificate | undefined,
): KeyObject {
  try {
    const [first = bytes, ...others] = privateKeyBlocks(bytes);
    if (named === undefined || others.length === 0) return readPrivateKey(bytes, passphrase);
    let failure: unknown = new OCSPError(
      'ERR_OCSP_KEY_MISMATCH',
      `none of the private keys in ${path} belongs to the certificate`,
    );
    for (const block of [first, ...others]) {
      try {
        const key = readPrivateKey(block, passphrase);
        if (named.checkPrivateKey(key)) return key;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  } catch (cause) {
    if (cause instanceof OCSPError) throw cause;
    if (wantsPassphrase(cause)) throw cause;
    // A certificate may stand beside the key.
    const other = bytes.includes('PRIVATE KEY-----') ? undefined : contentOf(bytes);
    if (other !== undefined) throw malformed(`${path} holds ${other}, no private key`, { cause });
    if ((cause as NodeJS.ErrnoException).code === 'ERR_OSSL_EVP_UNSUPPORTED' && isEncrypted(bytes)) {
      throw unsupportedAlgorithm(
        `${path} is encrypted with an algorithm that the OpenSSL in use does not offer, such as DES or RC2; ` +
          'node --openssl-legacy-provider may offer it, or openssl pkey -provider legacy -provider default can decrypt it',
        { cause },
      );
    }
    if (passphrase !== undefined && isEncrypted(bytes)) {
      throw malformed(`the passphrase of ${path} is wrong, or the file is damaged`, { cause });
    }
    throw malformed(`${path} holds no private key that can be read`, { cause });
  }
}

/** The private keys of a PEM file, where they lie: no copy of a secret is made. */
function privateKeyBlocks(bytes: Buffer): Buffer[] {
  const blocks: Buffer[] = [];
  const end = '-----';
  for (let begin = bytes.indexOf(BEGIN); begin >= 0; ) {
    const labelEnd = bytes.indexOf(end, begin + BEGIN.length);
    if (labelEnd < 0 || labelEnd - begin > MAX_LABEL) break;
    const label = bytes.toString('latin1', begin + BEGIN.length, labelEnd);
    const footer = `-----END ${label}${end}`;
    const last = bytes.indexOf(footer, labelEnd);
    if (last < 0) break;
    if (label.endsWith('PRIVATE KEY')) blocks.push(bytes.subarray(begin, last + footer.length));
    begin = bytes.indexOf(BEGIN, last + footer.length);
  }
  return blocks;
}

/** What else people take for a private key. */
function contentOf(bytes: Buffer): string | undefined {
  const isPem = bytes.includes('-----BEGIN');
  const attempts: [string, () => unknown][] = [
    ['a certificate', () => new X509Certificate(bytes)],
    ['a public key', () => createPublicKey(isPem ? { key: bytes } : { key: bytes, format: 'der', type: 'spki' })],
  ];
  for (const [name, attempt] of attempts) {
    try {
      attempt();
      return name;
    } catch {
      // Something else, then.
    }
  }
  return undefined;
}

/** EncryptedPrivateKeyInfo (RFC 5958) begins with an AlgorithmIdentifier, every other form of a key with a version. */
function isEncrypted(bytes: Buffer): boolean {
  if (bytes.includes('-----BEGIN')) return bytes.includes('ENCRYPTED');
  const length = bytes[1] ?? 0;
  return bytes[2 + (length < 0x80 ? 0 : length & 0x7f)] === 0x30;
}
