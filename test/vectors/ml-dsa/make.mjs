// Run with Node >= 24.6 after a build: node test/vectors/ml-dsa/make.mjs
import { createPublicKey, sign, verify } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createTestCa } from 'openssl-ocsp/testing';
import * as der from '../../../build/test/helpers/der.js';

const oid = { 'ml-dsa-44': 17, 'ml-dsa-65': 18, 'ml-dsa-87': 19 };

for (const [keyType, arc] of Object.entries(oid)) {
  const file = (suffix) => new URL(`${keyType}.${suffix}`, import.meta.url);
  const { certificatePem, privateKey, privateKeyPem } = createTestCa({
    keyType,
    subject: `CN=Test ${keyType}`,
    notBefore: new Date('2025-01-01T00:00:00Z'),
    notAfter: new Date('2125-01-01T00:00:00Z'),
  });
  writeFileSync(file('key.pem'), privateKeyPem);
  writeFileSync(file('cert.pem'), certificatePem);
  const tbs = der.sequence(
    der.tlv(0xa2, der.octets('r'.repeat(20))),
    der.generalizedTime('20250601000000Z'),
    der.sequence(der.singleResponse({ thisUpdate: '20250601000000Z' })),
  );
  const signature = sign(null, tbs, privateKey);
  if (!verify(null, tbs, createPublicKey(privateKey), signature)) throw new Error('does not verify');
  const algorithm = der.sequence(der.hex(`06096086480165030403${arc.toString(16)}`));
  const basic = der.sequence(tbs, algorithm, der.tlv(0x03, Buffer.from([0]), signature));
  writeFileSync(file('response.der'), der.wrapBasic(basic));
}
