import { createPrivateKey, createPublicKey, getCurves, type KeyObject, verify, X509Certificate } from 'node:crypto';
import {
  HashAlgorithm,
  OCSPCertStatus,
  OCSPResponderEncoding,
  type OCSPResponse,
  OCSPResponseBuilder,
  type ResponseInput,
} from 'openssl-ocsp';
import { createTestCa, type TestCa } from 'openssl-ocsp/testing';
import { vectorText } from './vectors.js';

/** A real certificate and its issuer. */
export const cert = new X509Certificate(vectorText('reference/x509/cryptography.io.pem'));
export const issuer = new X509Certificate(vectorText('reference/x509/rapidssl_sha256_ca_g3.pem'));

/** The CertID of {@link cert} by SHA-1, as pyca/cryptography's documentation has it. */
export const certId = {
  issuerNameHash: Buffer.from('400b467af1e6b2d30983ba0d607e7e59374824c4', 'hex'),
  issuerKeyHash: Buffer.from('w5zz/NNGCDS7zkZ/oHxb8+IIy1k=', 'base64'),
  serialNumber: 0x3f20n,
};

/** The request for {@link cert} by SHA-1, from the same documentation. */
export const goldenRequest = Buffer.from(
  'MEMwQTA/MD0wOzAJBgUrDgMCGgUABBRAC0Z68eay0wmDug1gfn5ZN0gkxAQUw5zz/NNGCDS7zkZ/oHxb8+IIy1kCAj8g',
  'base64',
);

/** The same by SHA-256. */
export const goldenRequestSha256 = Buffer.from(
  'MF8wXTBbMFkwVzANBglghkgBZQMEAgEFAAQgn3BowBaoh77h17ULfkX6781dUDPD82Taj8wO1jZWhZoEINxPgjoQth3w7q4AouKKerMxIMIuUG4EuWU2pZfwih52AgI/IA==',
  'base64',
);

/** A fixed P-256 key, and the SHA-1 hash of its public point. */
export const rootKey = createPrivateKey(vectorText('reference/fixtures/ec_key_secp256r1.pem'));
export const rootKeyHash = Buffer.from('8c6194e09438ed89d8d44e897009d6f95e5fec7d', 'hex');

/** A self-signed certificate of {@link rootKey}. */
export const root: TestCa = createTestCa({
  privateKey: rootKey,
  subject: 'C=US, CN=Cryptography CA',
  serialNumber: 123456789n,
  notBefore: new Date(),
  notAfter: new Date(Date.now() + 3650 * 24 * 3600 * 1000),
});

const DAY = 24 * 3600 * 1000;

/** Times of a status: a day ago, for a week; revoked 300 days before. Whole seconds. */
export const times = (() => {
  const thisUpdate = new Date(Math.floor(Date.now() / 1000) * 1000 - DAY);
  return {
    thisUpdate,
    nextUpdate: new Date(thisUpdate.getTime() + 7 * DAY),
    revocationTime: new Date(thisUpdate.getTime() - 300 * DAY),
  };
})();

/** Arguments of `addResponse` for {@link cert}, GOOD unless told otherwise. */
export function answer(changes: Partial<ResponseInput> = {}): ResponseInput {
  return {
    cert,
    issuer,
    algorithm: HashAlgorithm.SHA1,
    certStatus: OCSPCertStatus.GOOD,
    thisUpdate: times.thisUpdate,
    nextUpdate: times.nextUpdate,
    revocationTime: null,
    revocationReason: null,
    ...changes,
  };
}

/** A builder that only lacks `sign`. */
export function responseBuilder(
  changes: Partial<ResponseInput> = {},
  responder: X509Certificate = root.certificate,
  encoding: OCSPResponderEncoding = OCSPResponderEncoding.NAME,
): OCSPResponseBuilder {
  return new OCSPResponseBuilder().addResponse(answer(changes)).responderId(encoding, responder);
}

/** A CA on every curve that node:crypto itself can make a key on and use it. */
export function casOnEveryCurve(): [curve: string, ca: TestCa][] {
  const found: [string, TestCa][] = [];
  for (const curve of getCurves()) {
    if (curve === 'SM2') continue; // OpenSSL makes it a key type with a signature scheme of its own
    try {
      const ca = createTestCa({ curve });
      if (ca.certificate.verify(ca.certificate.publicKey)) found.push([curve, ca]);
    } catch {
      // Not built into this OpenSSL.
    }
  }
  return found;
}

/** Does the signature verify, by node:crypto and not by this package? */
export function verifies(response: OCSPResponse, key: KeyObject = createPublicKey(rootKey)): boolean {
  return verify(response.signatureHashAlgorithm, response.tbsResponseBytes, key, response.signature);
}
