import type { X509Certificate } from 'node:crypto';
import { invalidValue } from '../errors.js';
import { parsePrintedTime } from '../x509/time.js';

/** The extended key usage of delegated responders (RFC 6960 section 4.2.2.2). */
export const ID_KP_OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';

/**
 * Refuses a responder certificate whose answers clients would refuse (RFC 6960 section 4.2.2.2): it has to be valid now,
 * and either the issuer's own or one that the issuer issued with id-kp-OCSPSigning.
 *
 * This is a check of one's own configuration. It is no substitute for verifying a response.
 *
 * @throws `ERR_OCSP_INVALID_VALUE`.
 */
export function checkResponder(responder: X509Certificate, issuer: X509Certificate, now: Date): void {
  // (Comparisons with a time that cannot be read are false.)
  if (!(now.getTime() >= parsePrintedTime(responder.validFrom)))
    throw invalidValue('the responder certificate is not valid yet');
  if (!(now.getTime() <= parsePrintedTime(responder.validTo)))
    throw invalidValue('the responder certificate has expired');
  checkAuthorization(responder, issuer);
}

/** {@link checkResponder} without the times. */
export function checkAuthorization(responder: X509Certificate, issuer: X509Certificate): void {
  if (responder.raw.equals(issuer.raw)) return;
  if (!responder.checkIssued(issuer) || !responder.verify(issuer.publicKey)) {
    throw invalidValue('the responder certificate was not issued by the issuer, which is what authorises it to answer');
  }
  // Node calls the extended key usages keyUsage.
  if (!responder.keyUsage?.includes(ID_KP_OCSP_SIGNING)) {
    throw invalidValue('the responder certificate lacks the extended key usage OCSPSigning');
  }
}
