/** Whose CRLs count for a CA. */
import { invalidValue } from '../errors.js';
import type { ParsedCertificate } from './certificate.js';
import { certificateExtension } from './certificate-extensions.js';
import { contextTag, DerReader, Tag } from './der.js';
import { Name } from './name.js';

const KEY_USAGE = '2.5.29.15';
const BASIC_CONSTRAINTS = '2.5.29.19';
/** cRLSign, in the first byte of a KeyUsage. */
const CRL_SIGN = 0x02;

/**
 * Refuses a CRL that is not one of `issuer`'s by its name, and an issuer whose certificate does not let it sign CRLs (RFC 5280
 * section 6.3.3 (b) and (f)).
 *
 * @param name - DER of the name that the CRL bears
 * @throws `ERR_OCSP_INVALID_VALUE`; `ERR_OCSP_MALFORMED` for a name that is none.
 */
export function checkCrlIssuer(issuer: ParsedCertificate, name: Uint8Array): void {
  if (!issuer.subject.equals(name) && canonical(issuer.subject) !== canonical(name))
    throw invalidValue('the CRL is of another issuer, by its name');
  if (!isCa(issuer)) throw invalidValue('the issuer is no CA, so it may not sign CRLs');
  const usage = certificateExtension(issuer.x509, KEY_USAGE);
  if (usage !== undefined && !mayDo(usage, CRL_SIGN))
    throw invalidValue('the issuer may not sign CRLs: its key usage lacks cRLSign');
}

/** By basicConstraints; a certificate of version 1 has none. OpenSSL says no also where keyCertSign is missing. */
function isCa({ x509 }: ParsedCertificate): boolean {
  const constraints = certificateExtension(x509, BASIC_CONSTRAINTS);
  if (constraints !== undefined)
    return new DerReader(constraints).enter(Tag.SEQUENCE, 'BasicConstraints').peekTag() === Tag.BOOLEAN;
  const tbs = new DerReader(x509.raw).enter(Tag.SEQUENCE, 'Certificate').enter(Tag.SEQUENCE, 'TBSCertificate');
  return tbs.peekTag() !== contextTag(0);
}

function mayDo(usage: Uint8Array, bit: number): boolean {
  const { contentStart, end } = new DerReader(usage).read(Tag.BIT_STRING, 'KeyUsage');
  return end - contentStart > 1 && ((usage[contentStart + 1] as number) & bit) !== 0;
}

/** Equal for names that differ in string types, in case, and in white space (RFC 5280 section 7.1) only. */
function canonical(name: Uint8Array): string {
  const attributes = Array.from(Name.fromDer(name), ({ oid, value }) => [
    oid,
    typeof value === 'string' ? fold(value) : value,
  ]);
  return JSON.stringify(attributes);
}

function fold(text: string): string {
  return text.trim().replace(/\s+/g, ' ').toLowerCase();
}
