/** Signing again and again with one key in one way, as callers do in loops. */
import type { NativePrivateKey, SchemeArguments, SignResponseData } from '../../typings/binding.js';
import { native } from '../binding.js';
import type { ParsedCertificate } from '../x509/certificate.js';

/** A way in which a key has signed. */
interface Way {
  readonly responder: ParsedCertificate;
  readonly scheme: SchemeArguments;
  readonly certificates: readonly ParsedCertificate[];
  /** Made when it comes again. */
  sign: SignResponseData | undefined;
}

/** How many of a key are remembered. */
const MOST_WAYS = 4;

/** By key, the last one first. */
const ways = new WeakMap<NativePrivateKey, Way[]>();

/**
 * The function that signs with a key for a responder in one way; undefined where that is new: what is used once is not worth preparing, and
 * takes memory until it is collected.
 *
 * @throws `ERR_OCSP_KEY_MISMATCH`
 */
export function prepareSigning(
  key: NativePrivateKey,
  responder: ParsedCertificate,
  scheme: SchemeArguments,
  certificates: readonly ParsedCertificate[],
): SignResponseData | undefined {
  let known = ways.get(key);
  if (known === undefined) {
    known = [];
    ways.set(key, known);
  }
  const at = known.findIndex(
    (way) =>
      way.responder === responder &&
      isSame(way.scheme, scheme) &&
      (way.certificates === certificates || isSame(way.certificates, certificates)),
  );
  if (at < 0) {
    known.unshift({ responder, scheme, certificates, sign: undefined });
    known.length = Math.min(known.length, MOST_WAYS);
    return undefined;
  }
  const way = known[at] as Way;
  if (at > 0) {
    known.splice(at, 1);
    known.unshift(way);
  }
  way.sign ??= native.prepareSigning(
    key,
    responder.native,
    ...scheme,
    certificates.map((certificate) => certificate.native),
  );
  return way.sign;
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}
