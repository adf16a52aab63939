import { createPrivateKey, type KeyObject, verify, X509Certificate } from 'node:crypto';
import test from 'ava';
import { loadDerOcspResponse, OCSPCertStatus, SignatureAlgorithmOID } from 'openssl-ocsp';
import { createTestCa } from 'openssl-ocsp/testing';
import { responseBuilder } from '../helpers/fixtures.js';
import { refuses } from '../helpers/refusals.js';
import { vector, vectorText } from '../helpers/vectors.js';

const parameterSets = [
  { keyType: 'ml-dsa-44', arc: 17, signatureLength: 2420, named: SignatureAlgorithmOID.ML_DSA_44 },
  { keyType: 'ml-dsa-65', arc: 18, signatureLength: 3309, named: SignatureAlgorithmOID.ML_DSA_65 },
  { keyType: 'ml-dsa-87', arc: 19, signatureLength: 4627, named: SignatureAlgorithmOID.ML_DSA_87 },
] as const;

/** OpenSSL has ML-DSA from 3.5 on. */
const [major = 0, minor = 0] = process.versions.openssl.split('.').map(Number);
const available = major > 3 || (major === 3 && minor >= 5);

/** Does node:crypto itself know these keys? From Node 24.6 on. */
function nodeKnows(key: KeyObject): boolean {
  return key.asymmetricKeyType?.startsWith('ml-dsa') ?? false;
}

for (const { keyType, arc, signatureLength, named } of parameterSets) {
  const oid: string = `2.16.840.1.101.3.4.3.${arc}`;
  const response = loadDerOcspResponse(vector(`ml-dsa/${keyType}.response.der`));
  const certificate = new X509Certificate(vectorText(`ml-dsa/${keyType}.cert.pem`));
  const pem = vectorText(`ml-dsa/${keyType}.key.pem`);

  test(`${keyType}: a response reads, on any OpenSSL`, (t) => {
    t.is(response.signatureAlgorithmOid, oid);
    t.is(response.signatureHashAlgorithm, null);
    t.is(response.signature.length, signatureLength);
    t.is(response.certificateStatus, OCSPCertStatus.GOOD);
  });

  test(`${keyType}: has a named OID`, (t) => t.is(named as string, oid));

  if (available) {
    test(`${keyType}: signs`, async (t) => {
      const key = createPrivateKey(pem);
      const builder = responseBuilder({}, certificate);
      for (const signed of [builder.sign(key, null), await builder.signAsync(pem, null)]) {
        t.is(signed.signatureAlgorithmOid, oid);
        t.is(signed.signatureHashAlgorithm, null);
        t.is(signed.signature.length, signatureLength);
        t.true(signed.publicBytes().includes(Buffer.from(`300b06096086480165030403${arc.toString(16)}`, 'hex')));
        if (nodeKnows(key)) t.true(verify(null, signed.tbsResponseBytes, certificate.publicKey, signed.signature));
      }
      refuses(t, 'ERR_OCSP_INVALID_VALUE', () => builder.sign(key, 'sha256'));
    });

    test(`${keyType}: an external signature is checked`, async (t) => {
      const builder = responseBuilder({}, certificate).producedAt(new Date('2030-01-01'));
      const { tbsResponseBytes, signature } = builder.sign(pem, null);
      const given: unknown[] = [];
      const sign = (tbs: Buffer, algorithm: unknown) => {
        given.push(tbs, algorithm);
        return signature;
      };
      t.deepEqual((await builder.signAsync({ sign }, null)).signature, signature);
      t.deepEqual(given, [tbsResponseBytes, null]);
      const corrupt = Buffer.from(signature);
      corrupt[0]! ^= 1;
      await t.throwsAsync(builder.signAsync({ sign: () => corrupt }, null), { code: 'ERR_OCSP_KEY_MISMATCH' });
    });

    test(`${keyType}: a key of another responder`, (t) => {
      refuses(t, 'ERR_OCSP_KEY_MISMATCH', () => responseBuilder().sign(pem, null));
    });
  } else {
    test(`${keyType}: cannot sign on OpenSSL ${process.versions.openssl}, and says so`, (t) => {
      t.throws(() => responseBuilder({}, certificate).sign(pem, null), { name: 'OCSPError' });
    });
  }
}

test('keys made here, where Node can', (t) => {
  for (const { keyType } of parameterSets) {
    let identity: ReturnType<typeof createTestCa>;
    try {
      identity = createTestCa({ keyType });
    } catch {
      t.log(`Node ${process.versions.node} cannot generate ${keyType}`);
      continue;
    }
    const signed = responseBuilder({}, identity.certificate).sign(identity.privateKey, null);
    t.true(verify(null, signed.tbsResponseBytes, identity.certificate.publicKey, signed.signature));
  }
  t.pass();
});
