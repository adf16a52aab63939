/** Chains of certificates as they come in. */
import type { X509Certificate } from 'node:crypto';
import { types } from 'node:util';
import { invalidValue } from '../errors.js';
import { type CertificateInput, toOneCertificate } from './certificate.js';
import { checkList } from './checks.js';
import { loadCertificates } from './pem.js';

/** PEM, text or bytes, or a list: a certificate, that of the CA that issued it, and so on. */
export type ChainInput = string | Uint8Array | Iterable<CertificateInput>;

/** @throws TypeError; `ERR_OCSP_MALFORMED`; `ERR_OCSP_INVALID_VALUE` for less than two certificates. */
export function toChain(input: ChainInput): readonly X509Certificate[] {
  const certificates = toCertificates(input);
  if (certificates.length < 2) throw invalidValue('a chain has a certificate and its issuer, at least');
  return certificates;
}

/** The same, of any length. @throws TypeError; `ERR_OCSP_MALFORMED`. */
export function toCertificates(input: ChainInput): readonly X509Certificate[] {
  return typeof input === 'string' || types.isUint8Array(input)
    ? loadCertificates(input)
    : checkList(input, 'chain', (item) => toOneCertificate(item, 'chain').x509);
}
