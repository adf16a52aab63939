/** Whom responses are for: the names and key hashes that CertIDs are made of. */
import { createHash } from 'node:crypto';
import { invalidValue } from '../errors.js';
import { CERT_ID_HASHES } from '../x509/algorithms.js';
import { type CertificateInput, type ParsedCertificate, toOneCertificate } from '../x509/certificate.js';
import { copyBytes, DerReader, Tag } from '../x509/der.js';
import type { IssuerIdentity } from './response-store.js';

/**
 * The identity of an issuer.
 *
 * @param subjects - certificates that it has issued, for the spelling of its name in them; it goes before that of its own
 * certificate, because clients hash the name in the certificate that they ask about (RFC 6960 section 4.1.1)
 * @throws `ERR_OCSP_INVALID_VALUE` for a subject that it has not issued.
 */
export function issuerIdentity(issuer: ParsedCertificate, subjects: Iterable<CertificateInput> = []): IssuerIdentity {
  const names: Buffer[] = [];
  const add = (name: Buffer): void => {
    if (!names.some((known) => known.equals(name))) names.push(name);
  };
  for (const [i, subject] of [...subjects].entries()) {
    const certificate = toOneCertificate(subject, `subjects[${i}]`);
    const mismatch = certificate.issuerMismatch(issuer);
    if (mismatch !== '') throw invalidValue(`subjects[${i}] was not issued by the issuer: ${mismatch}`);
    add(issuerNameOf(certificate));
  }
  add(copyBytes(issuer.subject));
  return { names, keyHashes: CERT_ID_HASHES.map(({ index }) => issuer.publicKeyHash(index)) };
}

/** The hash of a name by the hash of this place in CERT_ID_HASHES. */
export function nameHash(name: Uint8Array, index: number): Buffer {
  const { hash } = CERT_ID_HASHES[index] as (typeof CERT_ID_HASHES)[number];
  return createHash(hash).update(name).digest();
}

/** The issuer's Name element of a certificate (RFC 5280 section 4.1). */
function issuerNameOf(certificate: ParsedCertificate): Buffer {
  const { raw } = certificate.x509;
  const tbs = new DerReader(raw).enter(Tag.SEQUENCE).enter(Tag.SEQUENCE);
  tbs.optional(VERSION);
  tbs.readTlv('serialNumber');
  tbs.readTlv('signature');
  const { start, end } = tbs.readTlv('issuer');
  return copyBytes(raw, start, end);
}

/** `[0]`, constructed. */
const VERSION = 0xa0;
