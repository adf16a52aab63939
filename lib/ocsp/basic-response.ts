/** Answers without the envelope that says "successful" (RFC 6960 section 4.2.1). */
import {
  checkBytes,
  contextTag,
  encodeEnumerated,
  encodeOctetString,
  encodeOid,
  encodeSequence,
  encodeTlv,
} from '../x509/der.js';
import { OCSPResponseTypeOID } from '../x509/oids.js';
import type { LoadOptions } from './message.js';
import { loadDerOcspResponse, type OCSPResponse } from './response.js';

/** An OCSPResponse with the status SUCCESSFUL around a BasicOCSPResponse. */
function wrapBasicResponse(basic: Uint8Array): Buffer {
  const responseBytes = encodeSequence(encodeOid(OCSPResponseTypeOID.BASIC), encodeOctetString(basic));
  return encodeSequence(encodeEnumerated(0), encodeTlv(contextTag(0), responseBytes));
}

/**
 * Loads a BasicOCSPResponse, as CAdES signatures hold it, as the response with the status SUCCESSFUL that it was the content of.
 * Errors count bytes of that. Loading verifies nothing.
 *
 * @throws TypeError when `data` is not a Uint8Array; `ERR_OCSP_MALFORMED` when it is not a BasicOCSPResponse, such as a whole
 * OCSPResponse, which `loadDerOcspResponse` loads.
 */
export function loadDerBasicOcspResponse(data: Uint8Array, options: LoadOptions = {}): OCSPResponse {
  return loadDerOcspResponse(wrapBasicResponse(Buffer.from(checkBytes(data, 'data'))), options);
}
