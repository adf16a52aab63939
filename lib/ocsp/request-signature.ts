/** The signature of a request, and how one is asked for. */
import type { X509Certificate } from 'node:crypto';
import { readSignatureAlgorithm, type SignatureAlgorithm } from '../x509/algorithms.js';
import { contextTag, DerReader, Tag } from '../x509/der.js';
import { decode } from './basic-verify.js';

/** `Signature` of RFC 6960 section 4.1.1. */
export interface RequestSignature {
  readonly algorithm: SignatureAlgorithm;
  /** Not a copy. */
  readonly signature: Uint8Array;
  /** Decodes when asked; later calls return the same list. */
  certificates(): readonly X509Certificate[];
}

/**
 * Reads the Signature element `[start, end)`. What a parser of requests only frames is looked at here.
 *
 * @throws `ERR_OCSP_MALFORMED` when it is something else.
 */
export function readRequestSignature(der: Uint8Array, start: number, end: number): RequestSignature {
  const outer = new DerReader(der, start, end);
  const sequence = outer.enter(Tag.SEQUENCE, 'optionalSignature');
  const identifier = sequence.read(Tag.SEQUENCE, 'signatureAlgorithm');
  const algorithm = readSignatureAlgorithm(der, identifier.start, identifier.end);
  const bits = sequence.read(Tag.BIT_STRING, 'signature');
  const wrapped = sequence.optional(contextTag(0), 'certs');
  sequence.done('optionalSignature');
  let certificates: readonly X509Certificate[] | undefined;
  return {
    algorithm,
    signature: der.subarray(Math.min(bits.contentStart + 1, bits.end), bits.end),
    certificates() {
      certificates ??= wrapped === undefined ? [] : readCertificates(der, wrapped.contentStart, wrapped.end);
      return certificates;
    },
  };
}

function readCertificates(der: Uint8Array, start: number, end: number): X509Certificate[] {
  const wrapper = new DerReader(der, start, end);
  const list = wrapper.enter(Tag.SEQUENCE, 'certs');
  wrapper.done('certs');
  const certificates: X509Certificate[] = [];
  while (!list.atEnd) certificates.push(decode(list.copyTlv(list.read(Tag.SEQUENCE, 'certs'))));
  return certificates;
}
