import type { ExecutionContext } from 'ava';
import {
  type loadDerOcspRequest,
  type loadDerOcspResponse,
  OCSPError,
  type OCSPRequest,
  type OCSPResponse,
} from 'openssl-ocsp';

/** Loading gives an object or an OCSPError, whatever the bytes. Reads everything of what loads. */
export function probe(
  t: ExecutionContext,
  load: typeof loadDerOcspRequest | typeof loadDerOcspResponse,
  bytes: Uint8Array,
): boolean {
  for (const strict of [true, false]) {
    let message: OCSPRequest | OCSPResponse | undefined;
    try {
      message = load(bytes, { strict });
    } catch (error) {
      if (!(error instanceof OCSPError) || error.code !== 'ERR_OCSP_MALFORMED') {
        t.fail(`${String(error)} for ${Buffer.from(bytes.subarray(0, 64)).toString('hex')}`);
      }
      continue;
    }
    JSON.stringify(message);
    if (strict) return true;
  }
  return false;
}
