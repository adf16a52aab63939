/** The outcome of an OCSP exchange (RFC 6960 section 4.2.1, OCSPResponseStatus). 4 is not used. */
export enum OCSPResponseStatus {
  /** The response carries the status of certificates. */
  SUCCESSFUL = 0,
  /** The responder could not parse the request. */
  MALFORMED_REQUEST = 1,
  /** The responder has operational problems. */
  INTERNAL_ERROR = 2,
  /** The responder is overloaded. */
  TRY_LATER = 3,
  /** The responder requires signed requests. */
  SIG_REQUIRED = 5,
  /** The responder does not know the certificate, or does not answer for its issuer. */
  UNAUTHORIZED = 6,
}

/** The status of one certificate (RFC 6960 section 4.2.1, CertStatus). */
export enum OCSPCertStatus {
  /** Not revoked. Not a proof that the certificate was ever issued. */
  GOOD = 0,
  /** Revoked, for good or on hold. */
  REVOKED = 1,
  /** The responder does not know the certificate. */
  UNKNOWN = 2,
}

/** How a response names its responder (RFC 6960 section 4.2.1, ResponderID). */
export enum OCSPResponderEncoding {
  /** By the SHA-1 hash of its public key. */
  HASH = 'By Hash',
  /** By the subject of its certificate. */
  NAME = 'By Name',
}

/** Forms of a serialised message; OCSP has DER only. */
export enum Encoding {
  /** Distinguished Encoding Rules (X.690). */
  DER = 'DER',
  /** Known, and refused: OCSP messages have no PEM form. */
  PEM = 'PEM',
}
