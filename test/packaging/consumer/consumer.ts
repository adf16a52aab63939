// Compiled by test/packed/main.mjs under every module resolution, then run, in a folder that holds nothing but the
// installed package.
import {
  HashAlgorithm,
  loadDerOcspRequest,
  type OCSPCertStatus,
  OCSPError,
  type OCSPRequest,
  OCSPRequestBuilder,
  type OCSPResponse,
} from 'openssl-ocsp';
import type { StatusSource } from 'openssl-ocsp/bulk';

export const sources: StatusSource[] = [];
const hash: Uint8Array = new Uint8Array(32);
const request: OCSPRequest = new OCSPRequestBuilder().addCertificateByHash(hash, hash, 'AB12', 'sha256').build();
const serial: bigint = request.serialNumber;
if (serial !== 0xab12n || request.hashAlgorithm !== HashAlgorithm.SHA256)
  throw new Error('the request reads differently');

export function status(response: OCSPResponse): OCSPCertStatus {
  return response.certificateStatus;
}

try {
  loadDerOcspRequest(hash);
} catch (error) {
  if (!(error instanceof OCSPError) || error.code !== 'ERR_OCSP_MALFORMED') throw error;
}
// @ts-expect-error: numbers cannot hold serial numbers
export const wrong = () => new OCSPRequestBuilder().addCertificateByHash(hash, hash, 1, 'sha256');
