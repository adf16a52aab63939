import type { KeyObject, X509Certificate } from 'node:crypto';
import { readAlgorithmIdentifier } from './algorithms.js';
import { DerReader, Tag } from './der.js';

/** Largest exponent of RSA keys that are made as such: 32 bits. */
const LARGEST_EXPONENT = 2n ** 32n - 1n;
/** Keys whose signatures hold for them alone. */
const OWN_SIGNATURES = /^(ed25519|ed448|(ml|slh)-dsa-.+)$/;

/**
 * Whether the key of a certificate may have been made to fit a signature that was there before. Of a signature of RSA or ECDSA anyone can make a
 * second key under which it verifies, and have its private half, where he may choose the exponent, or the generator of the curve (duplicate
 * signature key selection): that such a key verifies a certificate does not say that its holder has issued it. With a usual exponent, and on a
 * named curve, no one can. A key that cannot be read, or is of another kind, counts as fitted.
 */
export function mayBeFitted(certificate: Pick<X509Certificate, 'publicKey'>): boolean {
  try {
    return isFitted(certificate.publicKey);
  } catch {
    return true;
  }
}

function isFitted(publicKey: KeyObject): boolean {
  const { asymmetricKeyType = '', asymmetricKeyDetails = {} } = publicKey;
  switch (asymmetricKeyType) {
    case 'rsa':
    case 'rsa-pss':
      return (asymmetricKeyDetails.publicExponent ?? LARGEST_EXPONENT + 1n) > LARGEST_EXPONENT;
    case 'ec': {
      const spki = new DerReader(publicKey.export({ format: 'der', type: 'spki' })).enter(Tag.SEQUENCE, 'spki');
      return readAlgorithmIdentifier(spki).parameters?.[0] !== Tag.OID;
    }
    default:
      return !OWN_SIGNATURES.test(asymmetricKeyType);
  }
}
