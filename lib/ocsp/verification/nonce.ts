/** How the nonces of a request and a response relate: OpenSSL's `OCSP_check_nonce`. */
import { invalidArgType } from '../../errors.js';
import { OCSPRequest } from '../request.js';
import { OCSPResponse } from '../response.js';

/**
 * How the nonces of a request and a response relate; OpenSSL's number in brackets.
 *
 * - `equal` (1): both there, the same bytes
 * - `both-absent` (2)
 * - `response-only` (3): to be ignored (RFC 9919)
 * - `different` (0): an answer to another request
 * - `request-only` (-1): a cached answer, or a replayed one
 */
export type NonceState = 'equal' | 'both-absent' | 'response-only' | 'different' | 'request-only';

/** Compares the bytes of two nonce extensions, whatever is in them. */
export function nonceState(asked: Uint8Array | null, answered: Uint8Array | null): NonceState {
  if (asked === null) return answered === null ? 'both-absent' : 'response-only';
  if (answered === null) return 'request-only';
  return Buffer.compare(asked, answered) === 0 ? 'equal' : 'different';
}

/**
 * Compares the nonces of a request and of the response to it, byte by byte. This says nothing about who signed.
 *
 * @throws TypeError; `ERR_OCSP_UNSUCCESSFUL` for a response that carries no answer; `ERR_OCSP_MALFORMED` or
 * `ERR_OCSP_DUPLICATE_EXTENSION` for extension lists that cannot be read.
 */
export function checkNonce(request: OCSPRequest, response: OCSPResponse): NonceState {
  if (!(request instanceof OCSPRequest)) throw invalidArgType('request', 'an OCSPRequest', request);
  if (!(response instanceof OCSPResponse)) throw invalidArgType('response', 'an OCSPResponse', response);
  return nonceState(request.rawNonce(), response.rawNonce());
}
