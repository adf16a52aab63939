/** Certificates that there is nothing to ask about. */

import { CertificateExtensionOID, certificateExtension } from '../x509/certificate-extensions.js';
import { parsePrintedTime } from '../x509/time.js';
import type { Subject } from './subject.js';

/** Responders that are asked, at most: the list comes from a stranger. */
const MOST_RESPONDERS = 4;

/** Why no one needs to be asked; null when somebody does. */
export function notApplicable({ certificate }: Subject, minLifetime: number): string | null {
  if (certificate === null) return null;
  const { x509 } = certificate;
  // RFC 9608 section 3: not in certificates of CAs.
  if (!x509.ca && certificateExtension(x509, CertificateExtensionOID.NO_REV_AVAIL) !== undefined) {
    return 'the certificate says that no revocation information is made available about it (noRevAvail)';
  }
  const lifetime = (parsePrintedTime(x509.validTo) - parsePrintedTime(x509.validFrom)) / 1000;
  return lifetime < minLifetime ? `the certificate lives ${lifetime} seconds, which is less than minLifetime` : null;
}

/** Whom to ask, over HTTP. */
export interface Responders {
  readonly urls: readonly URL[];
  /** Whom the certificate names beside them. */
  readonly others: readonly string[];
}

/** Whom a certificate names. */
export function namedResponders({ certificate }: Subject): Responders {
  if (certificate === null) return { urls: [], others: [] };
  const { ocspUrls: named, hasOtherLocations } = certificate.native;
  const urls = named.map(httpUrl).filter((url) => url !== undefined);
  const others = named.filter((text) => httpUrl(text) === undefined);
  // What cannot be read is not absence.
  if (hasOtherLocations) others.push('what cannot be read');
  return { urls: urls.slice(0, MOST_RESPONDERS), others };
}

/** The URL as an OCSP client may ask it; undefined for what is not HTTP. */
export function httpUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined;
}
