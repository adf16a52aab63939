/** Why a response is not usable, now or for an earlier moment: stable codes, sentences for people, and the clause that demands it. */
import type { OCSPError } from '../../errors.js';

/** Every refusal: a sentence, and the clause behind it. */
const REFUSALS = {
  MALFORMED: ['the bytes are not an OCSP response', 'RFC 6960 section 4.2.1'],
  UNSUCCESSFUL: ['the responder gave no answer', 'RFC 6960 section 2.3'],
  ISSUER_MISMATCH: ['the issuer given is not that of the certificate', 'RFC 6960 section 4.1.1'],
  REQUEST_MISMATCH: ['the request does not ask about the certificate', 'RFC 6960 section 3.2, item 1'],
  CERTIFICATE_NOT_FOUND: ['the response is about other certificates', 'RFC 6960 section 3.2, item 1'],
  CONTRADICTORY: ['the response holds contradicting entries about the certificate', 'RFC 6960 section 2.2'],
  SIGNER_NOT_FOUND: ['no certificate of the responder was found', 'RFC 6960 section 4.2.2.3'],
  BAD_SIGNATURE: ['the signature is wrong', 'RFC 6960 section 3.2, item 2'],
  UNSUPPORTED_SIGNATURE: ['OpenSSL cannot check the signature', 'RFC 6960 section 4.3'],
  WEAK_SIGNATURE: ['the signature or its key is too weak', 'RFC 6960 section 5'],
  SIGNER_NOT_AUTHORIZED: ['the signer may not answer for this CA', 'RFC 6960 section 4.2.2.2'],
  SIGNER_NOT_YET_VALID: ["the responder's certificate is not valid yet", 'RFC 6960 section 3.2, item 4'],
  SIGNER_EXPIRED: ["the responder's certificate has expired", 'RFC 6960 section 3.2, item 4'],
  SIGNER_REVOKED: ["the responder's certificate is revoked", 'RFC 6960 section 4.2.2.2.1'],
  SIGNER_UNTRUSTED: ["the path of the responder's certificate is not valid", 'RFC 5280 section 6.1'],
  SIGNER_REVOCATION_UNKNOWN: [
    "whether the responder's certificate is revoked cannot be told",
    'RFC 6960 section 4.2.2.2.1',
  ],
  BAD_TIME: ['a time is not a GeneralizedTime in the form YYYYMMDDHHMMSSZ', 'RFC 5280 section 4.1.2.5.2'],
  NOT_YET_VALID: ['thisUpdate is in the future', 'RFC 6960 section 4.2.2.1'],
  EXPIRED: ['nextUpdate is past', 'RFC 6960 section 3.2, item 6'],
  TOO_OLD: ['thisUpdate is too long ago', 'RFC 6960 section 3.2, item 5'],
  INVERTED_TIMES: ['nextUpdate is before thisUpdate', 'RFC 6960 section 4.2.2.1'],
  BAD_EXTENSIONS: ['the extensions cannot be read', 'RFC 5280 section 4.2'],
  UNKNOWN_CRITICAL_EXTENSION: ['an extension is critical and not understood', 'RFC 6960 section 4.4'],
  NONCE_MISMATCH: ['the nonce is not that of the request', 'RFC 9654 section 2.1'],
  NONCE_MISSING: ['a nonce is required and there is none', 'RFC 9919 section 8.1'],
  PRODUCED_LATER: ['the answer was signed later than it is said to have existed', 'RFC 6960 section 2.4'],
  CERTIFICATE_NOT_VALID: ['the certificate was not valid at the moment', 'RFC 5280 section 4.1.2.5'],
  ISSUER_NOT_VALID: ['the certificate of the issuer was not valid at the moment', 'RFC 5280 section 4.1.2.5'],
  ISSUER_STATUS: ['the issuer is not known to have been good when the answer was signed', 'RFC 5280 section 6.1.3'],
  ARCHIVE_CUTOFF: ['the certificate had expired, and the answer does not reach back to it', 'RFC 6960 section 4.4.4'],
  REVOCATION_UNCLEAR: [
    'the certificate was revoked later, and since when it was not to be relied on is not said',
    'RFC 5280 section 5.3.2',
  ],
  INTERNAL_FAILURE: ['OpenSSL failed, so there is no telling', 'RFC 6960 section 3.2'],
} as const;

/** Stable name of a refusal. */
export type RefusalCode = keyof typeof REFUSALS;

/** One reason why a response is not usable. */
export interface Refusal {
  readonly code: RefusalCode;
  /** A sentence for people. Its wording may change. */
  readonly message: string;
  /** The clause that demands the refusal. */
  readonly clause: string;
  /** What was behind it, where an error was. */
  readonly error: OCSPError | null;
}

/** A refusal, with a detail behind the sentence. */
export function refusal(code: RefusalCode, detail?: string, error: OCSPError | null = null): Refusal {
  const [sentence, clause] = REFUSALS[code];
  return Object.freeze({ code, message: detail === undefined ? sentence : `${sentence}: ${detail}`, clause, error });
}
