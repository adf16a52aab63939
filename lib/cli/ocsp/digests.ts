/** Hashes by the names that OpenSSL knows them under. */
import { createHash } from 'node:crypto';

/** A hash that can make CertIDs. */
export interface Digest {
  /** OpenSSL's name. */
  readonly name: string;
  readonly oid: string;
}

/** OpenSSL's name, OID, and its further names. */
const ROWS: readonly (readonly [name: string, oid: string, ...aliases: string[]])[] = [
  ['SHA1', '1.3.14.3.2.26', 'SHA-1', 'SSL3-SHA1'],
  ['SHA224', '2.16.840.1.101.3.4.2.4', 'SHA2-224', 'SHA-224'],
  ['SHA256', '2.16.840.1.101.3.4.2.1', 'SHA2-256', 'SHA-256'],
  ['SHA384', '2.16.840.1.101.3.4.2.2', 'SHA2-384', 'SHA-384'],
  ['SHA512', '2.16.840.1.101.3.4.2.3', 'SHA2-512', 'SHA-512'],
  ['SHA512-224', '2.16.840.1.101.3.4.2.5', 'SHA2-512/224', 'SHA-512/224'],
  ['SHA512-256', '2.16.840.1.101.3.4.2.6', 'SHA2-512/256', 'SHA-512/256'],
  ['SHA3-224', '2.16.840.1.101.3.4.2.7'],
  ['SHA3-256', '2.16.840.1.101.3.4.2.8'],
  ['SHA3-384', '2.16.840.1.101.3.4.2.9'],
  ['SHA3-512', '2.16.840.1.101.3.4.2.10'],
  ['SHAKE128', '2.16.840.1.101.3.4.2.11', 'SHAKE-128'],
  ['SHAKE256', '2.16.840.1.101.3.4.2.12', 'SHAKE-256'],
  ['MD5', '1.2.840.113549.2.5', 'SSL3-MD5'],
  ['RIPEMD160', '1.3.36.3.2.1', 'RIPEMD', 'RIPEMD-160', 'RMD160'],
  ['SM3', '1.2.156.10197.1.401'],
  ['BLAKE2b512', '1.3.6.1.4.1.1722.12.2.1.16', 'BLAKE2B-512'],
  ['BLAKE2s256', '1.3.6.1.4.1.1722.12.2.2.8', 'BLAKE2S-256'],
];

const BY_NAME: ReadonlyMap<string, Digest> = new Map(
  ROWS.flatMap(([name, oid, ...aliases]) =>
    [name, oid, ...aliases].map((known): [string, Digest] => [known.toLowerCase(), { name, oid }]),
  ),
);

/** The hash of this name or OID in any case, if this OpenSSL has it. */
export function findDigest(name: string): Digest | undefined {
  const digest = BY_NAME.get(name.toLowerCase());
  return digest !== undefined && works(digest) ? digest : undefined;
}

/** Some are switched off in some builds. */
function works({ name }: Digest): boolean {
  try {
    createHash(name);
    return true;
  } catch {
    return false;
  }
}

export function hash({ name }: Digest, bytes: Uint8Array): Buffer {
  return createHash(name).update(bytes).digest();
}
