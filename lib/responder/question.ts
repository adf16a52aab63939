import type { ResponderIssuer } from './issuer.js';
import type { LiveSigner } from './live-signer.js';
import type { Asked } from './request.js';

/** A question about a certificate of an issuer that is answered for. */
export interface Question extends Asked {
  readonly issuer: ResponderIssuer;
  readonly serialNumber: string;
}

/** Key of its answer in the cache. */
export function keyOf({ issuer, hash, name, serialNumber, signer }: Question): string {
  const by = signer === undefined ? '' : ` ${issuer.signers.indexOf(signer)}`;
  return `${issuer.index} ${hash + 8 * name} ${serialNumber}${by}`;
}

/** Who signs the answer: whom the client would rather have, or the newest. */
export function signerOf({ issuer, signer }: Question, now: number): LiveSigner | undefined {
  return signer ?? issuer.signerAt(now);
}
