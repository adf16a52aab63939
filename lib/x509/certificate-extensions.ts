/** Extensions of certificates that Node does not tell of. */
import type { X509Certificate } from 'node:crypto';
import { type CertificateInput, toCertificate } from './certificate.js';
import { contextTag, DerReader, Tag } from './der.js';
import { readAccessDescriptions } from './extensions/service-locator.js';
import { UniformResourceIdentifier } from './general-name.js';
import { AuthorityInformationAccessOID } from './oids.js';

/** OIDs of certificate extensions that are read here. */
export const CertificateExtensionOID = {
  AUTHORITY_INFORMATION_ACCESS: '1.3.6.1.5.5.7.1.1',
  /** No revocation information is made available (RFC 9608). */
  NO_REV_AVAIL: '2.5.29.56',
} as const;

/**
 * The value of an extension: the content of its extnValue; undefined when the certificate does not have it.
 *
 * @throws `ERR_OCSP_MALFORMED` for a certificate whose extensions are not DER. (OpenSSL has decoded it, so they hardly ever are.)
 */
export function certificateExtension({ raw }: X509Certificate, oid: string): Buffer | undefined {
  const tbs = new DerReader(raw).enter(Tag.SEQUENCE, 'Certificate').enter(Tag.SEQUENCE, 'TBSCertificate');
  while (!tbs.atEnd && tbs.peekTag() !== contextTag(3)) tbs.readTlv('TBSCertificate');
  if (tbs.atEnd) return undefined;
  const extensions = tbs.enter(contextTag(3), 'extensions').enter(Tag.SEQUENCE, 'extensions');
  while (!extensions.atEnd) {
    const extension = extensions.enter(Tag.SEQUENCE, 'Extension');
    const isWanted = extension.readOid('Extension.extnID') === oid;
    extension.optional(Tag.BOOLEAN, 'Extension.critical');
    const { contentStart, end } = extension.read(Tag.OCTET_STRING, 'Extension.extnValue');
    if (isWanted) return raw.subarray(contentStart, end);
  }
  return undefined;
}

/**
 * Where the certificate of the issuer can be had: the caIssuers URLs of the authorityInfoAccess extension (RFC 5280 section
 * 4.2.2.1), in their order; empty when there are none. They come from whoever made the certificate, and may hold anything.
 *
 * @throws TypeError; `ERR_OCSP_MALFORMED` when it is not a certificate, or the extension is not what it should be.
 */
export function caIssuersUrls(certificate: CertificateInput): string[] {
  const { x509 } = toCertificate(certificate, 'certificate');
  const value = certificateExtension(x509, CertificateExtensionOID.AUTHORITY_INFORMATION_ACCESS);
  if (value === undefined) return [];
  const reader = new DerReader(value);
  const descriptions = readAccessDescriptions(reader.enter(Tag.SEQUENCE, 'AuthorityInfoAccessSyntax'));
  reader.done('AuthorityInfoAccessSyntax');
  return descriptions
    .filter(({ accessMethod }) => accessMethod === AuthorityInformationAccessOID.CA_ISSUERS)
    .map(({ accessLocation }) => accessLocation)
    .filter((location) => location instanceof UniformResourceIdentifier)
    .map(({ value: url }) => url);
}
