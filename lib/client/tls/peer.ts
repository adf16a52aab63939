/** Who is at the other end of a TLS connection, and by whom its certificate was issued. */
import type { X509Certificate } from 'node:crypto';
import { certificateExtension } from '../../x509/certificate-extensions.js';
import { DerReader, Tag } from '../../x509/der.js';
import { integerFromBytes } from '../../x509/integer.js';
import { toSubject } from '../subject.js';

/** TLS features of a certificate (RFC 7633). */
const TLS_FEATURE = '1.3.6.1.5.5.7.1.24';
/** The feature of a server that always staples: status_request (RFC 6066 section 8). */
const STATUS_REQUEST = 5n;

/**
 * The certificate of the CA that issued it: of those given, or of those that came with it. Its key has signed the certificate,
 * so it does not matter who sent it.
 */
export function issuerOf(
  certificate: X509Certificate,
  issuers: readonly X509Certificate[],
): X509Certificate | undefined {
  const sent = certificate.issuerCertificate;
  const candidates = sent === undefined ? issuers : [...issuers, sent];
  return candidates.find((issuer) => toSubject({ certificate, issuer }).target.mismatch === '');
}

/** Whether a certificate says that its server always staples (RFC 7633 section 4.2.3.1). */
export function isMustStaple(certificate: X509Certificate): boolean {
  const value = certificateExtension(certificate, TLS_FEATURE);
  if (value === undefined) return false;
  try {
    const features = new DerReader(value).enter(Tag.SEQUENCE, 'Features');
    while (!features.atEnd) {
      const { contentStart, end } = features.read(Tag.INTEGER, 'TLSFeature');
      if (integerFromBytes(value, contentStart, end) === STATUS_REQUEST) return true;
    }
    return false;
  } catch {
    return true; // What cannot be read is not absence.
  }
}
