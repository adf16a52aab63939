/** CAs as the database knows them. */
import { createHash } from 'node:crypto';
import { invalidValue } from '../errors.js';
import { nameHash } from '../store/issuer-identity.js';
import type { IssuerIdentity } from '../store/response-store.js';
import { type CertificateInput, toCertificate } from '../x509/certificate.js';
import { nameLine } from '../x509/name-line.js';
import type { Session } from './database.js';

/** What tells a CA from others: its name and its key. */
export interface IssuerKey {
  /** For people. */
  readonly name: string;
  /** SHA-256 of the DER of its name, and of its public key; the parameters of {@link BY_ISSUER}. */
  readonly hashes: readonly [nameHash: Buffer, keyHash: Buffer];
}

/** The condition by which table `i` is one CA's row. */
export const BY_ISSUER = 'i.name_hash = $1 AND i.key_hash = $2';

/** Whether a database is one that follows another: no one knows how far behind it is, and in a logical replica no trigger tells of news. */
export const IS_COPY =
  "(pg_is_in_recovery() OR EXISTS (SELECT FROM pg_subscription_rel WHERE srrelid = to_regclass('ocsp_status')))";

/** What such a database is for. */
export function copyRefused(): Error {
  return new Error('the database is a standby or a logical replica: statuses are to be had of the primary only');
}

/** Place of SHA-256 in CERT_ID_HASHES. */
const SHA256 = 2;

/** @throws TypeError; `ERR_OCSP_MALFORMED` for what is no certificate. */
export function issuerKey(issuer: CertificateInput): IssuerKey {
  const ca = toCertificate(issuer, 'issuer');
  const nameHash = createHash('sha256').update(ca.subject).digest();
  return {
    name: nameLine(ca.x509.subject),
    hashes: [nameHash, Buffer.from(ca.publicKeyHash(SHA256))],
  };
}

/**
 * Statuses of a certificate that issues none are of a CA that no one asks about. (A root of version 1 cannot say that it is one: it has
 * signed itself.)
 *
 * @throws `ERR_OCSP_INVALID_VALUE`; TypeError; `ERR_OCSP_MALFORMED` for what is no certificate.
 */
export function checkIsCa(issuer: CertificateInput): void {
  const { x509 } = toCertificate(issuer, 'issuer');
  if (x509.ca || (x509.checkIssued(x509) && x509.verify(x509.publicKey))) return;
  throw invalidValue(`the issuer is not a CA: ${nameLine(x509.subject)}`);
}

/** Whether a certificate is that of an issuer. */
export function isIssuer(certificate: CertificateInput, { names, keyHashes }: IssuerIdentity): boolean {
  const [name, key] = issuerKey(certificate).hashes;
  return key.equals(keyHashes[SHA256] ?? Buffer.of()) && names.some((one) => nameHash(one, SHA256).equals(name));
}

/** The number of a CA, which is given one if it has none. */
export async function registerIssuer(session: Session, { name, hashes }: IssuerKey): Promise<number> {
  await session.query(
    'INSERT INTO ocsp_issuer (name, name_hash, key_hash) VALUES ($3, $1, $2) ON CONFLICT (name_hash, key_hash) DO NOTHING',
    [...hashes, name],
  );
  const [row] = await session.query<[number]>(`SELECT id FROM ocsp_issuer i WHERE ${BY_ISSUER}`, hashes);
  return (row as [number])[0];
}

/** The database has nothing of a CA: that none of its certificates was ever issued cannot be meant. */
export function unknownIssuer({ name }: IssuerKey): Error {
  return new Error(`the database has no issuer with the name and key of ${name}: openssl-ocsp db import brings it in`);
}
