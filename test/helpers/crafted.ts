/** Responses that are put together byte by byte, and signed. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { loadDerOcspRequest, OCSPRequestBuilder } from 'openssl-ocsp';
import type { TestIdentity } from 'openssl-ocsp/testing';
import { signatureAlgorithm, signBytes } from '#dist/testing/signature.js';
import { hex, octets, sequence, tlv } from './der.js';

/** The CertID of a certificate, by SHA-1. */
export function certIdTuple(of: TestIdentity, issuer: TestIdentity): Buffer {
  const built = new OCSPRequestBuilder().addCertificate(of.certificate, issuer.certificate, 'sha1').build();
  const { issuerNameHash, issuerKeyHash, serialNumber } = loadDerOcspRequest(built.publicBytes());
  let digits = serialNumber.toString(16);
  if (digits.length % 2 === 1) digits = `0${digits}`;
  const serial = hex(digits);
  const padded = serial[0]! >= 0x80 ? Buffer.concat([hex('00'), serial]) : serial;
  const sha1 = sequence(hex('06052b0e03021a'), hex('0500'));
  return sequence(sha1, octets(issuerNameHash), octets(issuerKeyHash), tlv(0x02, padded));
}

/** The key hash of a ResponderID. */
export function sha1Of({ privateKey }: TestIdentity): Buffer {
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  // The key bits of EC P-256: the last 65 bytes.
  return createHash('sha1').update(spki.subarray(-65)).digest();
}

/** A successful response around ResponseData. */
export function signedResponse(
  data: Buffer,
  privateKey: KeyObject,
  certificates: readonly Buffer[],
  algorithm: Buffer = signatureAlgorithm(privateKey),
): Buffer {
  const basic = sequence(
    data,
    algorithm,
    tlv(0x03, hex('00'), signBytes(data, privateKey)),
    ...(certificates.length === 0 ? [] : [tlv(0xa0, sequence(...certificates))]),
  );
  return sequence(hex('0a0100'), tlv(0xa0, sequence(hex('06092b0601050507300101'), octets(basic))));
}
