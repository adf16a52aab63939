/** Chains of certificates as they come in. */
import type { X509Certificate } from 'node:crypto';
import { types } from 'node:util';
import { invalidValue } from '../errors.js';
import { type CertificateInput, toCertificate } from './certificate.js';
import { checkList } from './checks.js';
import { loadCertificates } from './pem.js';

/** PEM, or a list: a certificate, that of the CA that issued it, and so on. */
export type ChainInput = string | Iterable<CertificateInput>;

/** @throws TypeError; `ERR_OCSP_MALFORMED`; `ERR_OCSP_INVALID_VALUE` for less than two certificates. */
export function toChain(input: ChainInput): readonly X509Certificate[] {
  const certificates =
    typeof input === 'string'
      ? loadCertificates(input)
      : checkList(types.isUint8Array(input) ? undefined : input, 'chain', (item) => toCertificate(item, 'chain').x509);
  if (certificates.length < 2) throw invalidValue('a chain has a certificate and its issuer, at least');
  return certificates;
}
