/**
 * The stable codes of {@link OCSPError}.
 *
 * | code | meaning |
 * |---|---|
 * | `ERR_OCSP_MALFORMED` | bytes that do not parse: a message, an extension value, a certificate, a key |
 * | `ERR_OCSP_UNSUCCESSFUL` | the response status is not SUCCESSFUL, so the member has no value |
 * | `ERR_OCSP_NOT_SINGLE` | a per-certificate member of a message that does not hold exactly one entry |
 * | `ERR_OCSP_UNSUPPORTED_ALGORITHM` | an unknown or refused hash or signature algorithm |
 * | `ERR_OCSP_DUPLICATE_EXTENSION` | the same extension twice; `oid` names it |
 * | `ERR_OCSP_EXTENSION_NOT_FOUND` | no such extension; `oid` names it |
 * | `ERR_OCSP_INVALID_VALUE` | right type, wrong value, or a builder call that contradicts an earlier one |
 * | `ERR_OCSP_KEY_MISMATCH` | the key or signature does not belong to the responder certificate |
 * | `ERR_OCSP_OPENSSL_UNAVAILABLE` | the host does not offer OpenSSL's OCSP functions |
 * | `ERR_OCSP_OPENSSL_MISMATCH` | the host's OpenSSL is of another major version than the addon was built for |
 * | `ERR_OCSP_ADDON_UNAVAILABLE` | the native addon is missing or cannot be loaded |
 * | `ERR_OCSP_DRIVER_UNAVAILABLE` | a package that a database needs is not installed |
 * | `ERR_OCSP_ISSUER_MISMATCH` | responses of another issuer than the response store's |
 * | `ERR_OCSP_PEER_NOT_ALLOWED` | the certificate at the other end of a TLS connection may not be relied on |
 * | `ERR_OCSP_NOT_SIGNED` | no signer could sign now what a call has to sign |
 * | `ERR_OCSP_STORE_LOCKED` | another writer holds the response store, or has taken over the run |
 * | `ERR_OCSP_STORE_CLOSED` | a call of a response store that has been closed |
 * | `ERR_OCSP_STORE_DAMAGED` | a file of the response store, or what waits for a run, is not what was written |
 * | `ERR_OCSP_STORE_FORMAT` | the response store was written by an earlier version, and has to be converted |
 * | `ERR_OCSP_OPENSSL` | anything else that OpenSSL refused |
 */
export type OCSPErrorCode =
  | 'ERR_OCSP_MALFORMED'
  | 'ERR_OCSP_UNSUCCESSFUL'
  | 'ERR_OCSP_NOT_SINGLE'
  | 'ERR_OCSP_UNSUPPORTED_ALGORITHM'
  | 'ERR_OCSP_DUPLICATE_EXTENSION'
  | 'ERR_OCSP_EXTENSION_NOT_FOUND'
  | 'ERR_OCSP_INVALID_VALUE'
  | 'ERR_OCSP_KEY_MISMATCH'
  | 'ERR_OCSP_OPENSSL_UNAVAILABLE'
  | 'ERR_OCSP_OPENSSL_MISMATCH'
  | 'ERR_OCSP_ADDON_UNAVAILABLE'
  | 'ERR_OCSP_DRIVER_UNAVAILABLE'
  | 'ERR_OCSP_ISSUER_MISMATCH'
  | 'ERR_OCSP_PEER_NOT_ALLOWED'
  | 'ERR_OCSP_NOT_SIGNED'
  | 'ERR_OCSP_STORE_LOCKED'
  | 'ERR_OCSP_STORE_CLOSED'
  | 'ERR_OCSP_STORE_DAMAGED'
  | 'ERR_OCSP_STORE_FORMAT'
  | 'ERR_OCSP_OPENSSL';

/** What an {@link OCSPError} may carry beside its code and message. */
export interface OCSPErrorDetails {
  /** The error that led to this one. */
  cause?: unknown;
  /** Dotted OID of the extension in question. */
  oid?: string;
  /** OpenSSL's library name, as in Node's own errors. */
  library?: string;
  /** OpenSSL's reason string, as in Node's own errors. */
  reason?: string;
  /** The entry of OpenSSL's error queue that `library` and `reason` are of, in the form of those in `opensslErrorStack`. */
  opensslEntry?: string;
  /** The rest of OpenSSL's error queue, newest first, as in Node's own errors. */
  opensslErrorStack?: string[];
}

/** Every refusal of this package that is not a wrong argument type. Tell them apart by {@link OCSPError.code}. */
export class OCSPError extends Error {
  override readonly name: string = 'OCSPError';
  /** Stable, machine-readable reason. */
  readonly code: OCSPErrorCode;
  /** Dotted OID of the extension in question (`ERR_OCSP_DUPLICATE_EXTENSION`, `ERR_OCSP_EXTENSION_NOT_FOUND`). */
  declare readonly oid?: string;
  /** OpenSSL's library name, where OpenSSL spoke. */
  declare readonly library?: string;
  /** OpenSSL's reason string, where OpenSSL spoke. */
  declare readonly reason?: string;
  /** The entry of OpenSSL's error queue that `library` and `reason` are of: `error:code:library::reason:data`. */
  declare readonly opensslEntry?: string;
  /** The rest of OpenSSL's error queue, newest first. */
  declare readonly opensslErrorStack?: string[];

  constructor(code: OCSPErrorCode, message: string, details: OCSPErrorDetails = {}) {
    const { cause, ...fields } = details;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    Object.assign(this, fields);
  }
}

/** A `TypeError` in the shape of Node's own: code `ERR_INVALID_ARG_TYPE`, naming what was expected and what came. */
export function invalidArgType(name: string, expected: string, actual: unknown): TypeError {
  const error = new TypeError(`The "${name}" argument must be ${expected}. Received ${describe(actual)}`);
  return Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' });
}

/** Right type, wrong value. */
export function invalidValue(message: string, details?: OCSPErrorDetails): OCSPError {
  return new OCSPError('ERR_OCSP_INVALID_VALUE', message, details);
}

/** Bytes that do not parse. */
export function malformed(message: string, details?: OCSPErrorDetails): OCSPError {
  return new OCSPError('ERR_OCSP_MALFORMED', message, details);
}

/** An unknown or refused algorithm. */
export function unsupportedAlgorithm(message: string, details?: OCSPErrorDetails): OCSPError {
  return new OCSPError('ERR_OCSP_UNSUPPORTED_ALGORITHM', message, details);
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value !== 'object') return `type ${typeof value} (${String(value).slice(0, 28)})`;
  const type: unknown = value.constructor;
  return typeof type === 'function' && type.name ? `an instance of ${type.name}` : 'an object';
}
