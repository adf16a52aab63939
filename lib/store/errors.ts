import { OCSPError } from '../errors.js';

/** Another process writes to the store. */
export function storeLocked(message: string): OCSPError {
  return new OCSPError('ERR_OCSP_STORE_LOCKED', message);
}

/** The store has been closed. */
export function storeClosed(): OCSPError {
  return new OCSPError('ERR_OCSP_STORE_CLOSED', 'the store has been closed');
}

/** Bytes of the store are not what was written. */
export function storeDamaged(message: string, cause?: unknown): OCSPError {
  return new OCSPError('ERR_OCSP_STORE_DAMAGED', message, { cause });
}

/** Responses of another issuer than the store's. */
export function issuerMismatch(message: string): OCSPError {
  return new OCSPError('ERR_OCSP_ISSUER_MISMATCH', message);
}

/** A store that an earlier version has written. */
export function storeFormat(folder: string): OCSPError {
  return new OCSPError(
    'ERR_OCSP_STORE_FORMAT',
    `${folder} is a store of an earlier version; openssl-ocsp store convert ${folder} NEW --issuer CA makes one of this version of it`,
  );
}
