/** Signing again and again with one key in one way, as callers do in loops. */
import type { NativePrivateKey, SchemeArguments, SignResponseData } from '../../typings/binding.js';
import { native } from '../binding.js';
import type { ParsedCertificate } from '../x509/certificate.js';

interface Prepared {
  readonly responder: ParsedCertificate;
  readonly scheme: SchemeArguments;
  readonly certificates: readonly ParsedCertificate[] | undefined;
  readonly sign: SignResponseData;
}

/** By key: how it signed last. */
const last = new WeakMap<NativePrivateKey, Prepared>();

/**
 * The function that signs with a key for a responder in one way; that of the last time, if it was the same.
 *
 * @throws `ERR_OCSP_KEY_MISMATCH`
 */
export function prepareSigning(
  key: NativePrivateKey,
  responder: ParsedCertificate,
  scheme: SchemeArguments,
  certificates: readonly ParsedCertificate[] | undefined,
): SignResponseData {
  const known = last.get(key);
  const isSame =
    known !== undefined &&
    known.responder === responder &&
    known.certificates === certificates &&
    known.scheme.every((argument, i) => argument === scheme[i]);
  if (isSame) return known.sign;
  const list = (certificates ?? []).map((certificate) => certificate.native);
  const sign = native.prepareSigning(key, responder.native, ...scheme, list);
  last.set(key, { responder, scheme, certificates, sign });
  return sign;
}
