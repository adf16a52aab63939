/** Which revocation lists may say what about whom: for verdicts and for sources of statuses. */
import { native } from '../binding.js';
import { type CertificateInput, toCertificate } from './certificate.js';

/** What is wrong with a revocation list; a text is empty where nothing is. */
export interface RevocationListFaults {
  /** Why it is not a list of the issuer: another name or key identifier, a key usage without cRLSign, the signature. */
  readonly mismatch: string;
  /**
   * Why "not listed" does not mean "not revoked": a delta list, one for some reasons only, an indirect one, an extension that is
   * critical and not understood, or there twice.
   */
  readonly list: string;
  /** What makes it one part of what the CA has revoked: of a distribution point, or for some kinds of certificates. */
  readonly part: string;
  /** What is wrong with an entry: removeFromCRL, one of another issuer, or one that cannot be read. */
  readonly entry: string;
}

/**
 * Judges a revocation list (RFC 5280 sections 5.2 and 6.3.3) as `signerRevocation: 'crl'` does. Times are not looked at.
 *
 * @param der - One list in DER.
 * @param issuer - The CA whose list it has to be; its name and key are not looked at without.
 * @throws TypeError; `ERR_OCSP_MALFORMED` for what is not such a list; `ERR_OCSP_UNSUPPORTED_ALGORITHM` where OpenSSL cannot
 * check the signature.
 */
export function revocationListFaults(der: Uint8Array, issuer?: CertificateInput): RevocationListFaults {
  const ca = issuer === undefined ? undefined : toCertificate(issuer, 'issuer').native;
  const [mismatch, list, part, entry] = native.checkRevocationList(der, ca);
  return { mismatch, list, part, entry };
}
