import { constants, createPublicKey, getCurves, type KeyObject, sign, verify } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import {
  type ExternalSigner,
  HashAlgorithm,
  loadDerOcspResponse,
  OCSPCertStatus,
  type OCSPResponse,
  SignatureAlgorithmOID,
  type SignOptions,
} from 'openssl-ocsp';
import { createTestCa, type TestIdentity } from 'openssl-ocsp/testing';
import { casOnEveryCurve, responseBuilder, verifies } from '../helpers/fixtures.js';
import { refuses } from '../helpers/refusals.js';

const sha2 = ['sha224', 'sha256', 'sha384', 'sha512'] as const;
const sha3 = ['sha3-224', 'sha3-256', 'sha3-384', 'sha3-512'] as const;
type Hash = (typeof sha2)[number] | (typeof sha3)[number];

/** Registered OIDs: RFC 8017, RFC 5758, NIST CSOR. */
const oids: Record<string, Record<string, string>> = {
  rsa: {
    sha224: '1.2.840.113549.1.1.14',
    sha256: '1.2.840.113549.1.1.11',
    sha384: '1.2.840.113549.1.1.12',
    sha512: '1.2.840.113549.1.1.13',
    'sha3-224': '2.16.840.1.101.3.4.3.13',
    'sha3-256': '2.16.840.1.101.3.4.3.14',
    'sha3-384': '2.16.840.1.101.3.4.3.15',
    'sha3-512': '2.16.840.1.101.3.4.3.16',
  },
  ec: {
    sha224: '1.2.840.10045.4.3.1',
    sha256: '1.2.840.10045.4.3.2',
    sha384: '1.2.840.10045.4.3.3',
    sha512: '1.2.840.10045.4.3.4',
    'sha3-224': '2.16.840.1.101.3.4.3.9',
    'sha3-256': '2.16.840.1.101.3.4.3.10',
    'sha3-384': '2.16.840.1.101.3.4.3.11',
    'sha3-512': '2.16.840.1.101.3.4.3.12',
  },
  dsa: {
    sha224: '2.16.840.1.101.3.4.3.1',
    sha256: '2.16.840.1.101.3.4.3.2',
    sha384: '2.16.840.1.101.3.4.3.3',
    sha512: '2.16.840.1.101.3.4.3.4',
  },
};

const identities = {
  rsa: createTestCa({ keyType: 'rsa' }),
  rsaPss: createTestCa({ keyType: 'rsa-pss' }),
  ec: createTestCa(),
  dsa: createTestCa({ keyType: 'dsa' }),
  ed25519: createTestCa({ keyType: 'ed25519' }),
  ed448: createTestCa({ keyType: 'ed448' }),
};

/** Signed sync, async, and by an external signer; each checked by node:crypto. */
async function signAllWays(
  t: ExecutionContext,
  { certificate, privateKey }: TestIdentity,
  algorithm: Hash | null,
  oid: string,
  options?: SignOptions,
  pss?: { saltLength: number },
): Promise<void> {
  const builder = responseBuilder({}, certificate).producedAt(new Date('2030-01-01T00:00:00Z'));
  const padding = pss ? { padding: constants.RSA_PKCS1_PSS_PADDING, ...pss } : {};
  const seen: unknown[] = [];
  const external: ExternalSigner = {
    sign: (tbs, hash) => {
      seen.push(tbs, hash);
      return sign(hash, tbs, { key: privateKey, ...padding });
    },
  };
  const responses = [
    builder.sign(privateKey, algorithm, options),
    await builder.signAsync(privateKey, algorithm, options),
    await builder.signAsync(external, algorithm, options),
  ];
  for (const built of responses) {
    const response = loadDerOcspResponse(built.publicBytes());
    t.true(response.equals(built));
    t.is(response.signatureAlgorithmOid, oid);
    t.is(response.signatureHashAlgorithm, algorithm as HashAlgorithm | null);
    t.is(response.certificateStatus, OCSPCertStatus.GOOD);
    t.deepEqual(response.tbsResponseBytes, responses[0]?.tbsResponseBytes);
    const key = { key: createPublicKey(privateKey), ...padding };
    t.true(verify(algorithm, response.tbsResponseBytes, key, response.signature), `${oid} verifies`);
  }
  t.deepEqual(seen, [responses[0]?.tbsResponseBytes, algorithm], 'what the external signer was given');
}

for (const hash of [...sha2, ...sha3]) {
  test(`RSA PKCS#1 with ${hash}`, (t) => signAllWays(t, identities.rsa, hash, oids.rsa![hash]!));
  test(`ECDSA with ${hash}`, (t) => signAllWays(t, identities.ec, hash, oids.ec![hash]!));
  const saltLength = Number(hash.slice(-3)) / 8;
  test(`RSA key, PSS with ${hash}`, (t) =>
    signAllWays(t, identities.rsa, hash, SignatureAlgorithmOID.RSASSA_PSS, { rsaPadding: 'pss' }, { saltLength }));
  test(`RSA-PSS key with ${hash}`, (t) =>
    signAllWays(t, identities.rsaPss, hash, SignatureAlgorithmOID.RSASSA_PSS, undefined, { saltLength }));
}
for (const hash of sha2) {
  test(`DSA with ${hash}`, (t) => signAllWays(t, identities.dsa, hash, oids.dsa![hash]!));
}
test('DSA does not go with SHA-3', (t) => {
  const { certificate, privateKey } = identities.dsa;
  for (const hash of sha3) {
    refuses(t, 'ERR_OCSP_UNSUPPORTED_ALGORITHM', () => responseBuilder({}, certificate).sign(privateKey, hash));
  }
});
test('Ed25519', (t) => signAllWays(t, identities.ed25519, null, '1.3.101.112'));
test('Ed448', (t) => signAllWays(t, identities.ed448, null, '1.3.101.113'));

test('PSS salt lengths', async (t) => {
  for (const saltLength of [0, 1, 20, 32, 100]) {
    for (const identity of [identities.rsa, identities.rsaPss]) {
      const options: SignOptions = { rsaPadding: 'pss', saltLength };
      await signAllWays(t, identity, 'sha256', SignatureAlgorithmOID.RSASSA_PSS, options, { saltLength });
    }
  }
});

test('paddings that do not go with the key', (t) => {
  const attempt = ({ certificate, privateKey }: TestIdentity, options: SignOptions, hash: Hash | null = 'sha256') =>
    refuses(t, 'ERR_OCSP_INVALID_VALUE', () => responseBuilder({}, certificate).sign(privateKey, hash, options));
  attempt(identities.rsaPss, { rsaPadding: 'pkcs1' });
  for (const identity of [identities.ec, identities.dsa]) attempt(identity, { rsaPadding: 'pss' });
  for (const identity of [identities.ed25519, identities.ed448]) attempt(identity, { rsaPadding: 'pss' }, null);
});

test('an RSA-PSS key that is bound to a hash', (t) => {
  const { certificate, privateKey } = createTestCa({
    keyType: 'rsa-pss',
    pssHash: 'sha384',
    signature: { hash: 'sha384' },
  });
  const builder = responseBuilder({}, certificate);
  const response = builder.sign(privateKey, 'sha384');
  t.is(response.signatureHashAlgorithm, HashAlgorithm.SHA384);
  const key = { key: createPublicKey(privateKey), padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 };
  t.true(verify('sha384', response.tbsResponseBytes, key, response.signature));
  t.throws(() => builder.sign(privateKey, 'sha256'), { name: 'OCSPError' });
});

test('AlgorithmIdentifiers: RSA with NULL, all others without parameters', (t) => {
  const identifier = ({ certificate, privateKey }: TestIdentity, algorithm: Hash | null) =>
    responseBuilder({}, certificate).sign(privateKey, algorithm).publicBytes();
  t.true(identifier(identities.rsa, 'sha256').includes(Buffer.from('300d06092a864886f70d01010b0500', 'hex')));
  t.true(identifier(identities.ec, 'sha256').includes(Buffer.from('300a06082a8648ce3d040302', 'hex')));
  t.true(identifier(identities.dsa, 'sha256').includes(Buffer.from('300b0609608648016503040302', 'hex')));
  t.true(identifier(identities.ed25519, null).includes(Buffer.from('300506032b6570', 'hex')));
  t.true(identifier(identities.ed448, null).includes(Buffer.from('300506032b6571', 'hex')));
});

test('ECDSA on every curve that can sign', (t) => {
  const signed: string[] = [];
  for (const [curve, { certificate, privateKey }] of casOnEveryCurve()) {
    const response = responseBuilder({}, certificate).sign(privateKey, 'sha256');
    t.true(verifies(response, createPublicKey(privateKey)), curve);
    signed.push(curve);
  }
  t.log(`${signed.length} curves of ${getCurves().length}`);
  for (const curve of ['prime256v1', 'secp384r1', 'secp521r1', 'secp256k1']) t.true(signed.includes(curve), curve);
});

test('a signature every time again, the same key', (t) => {
  const { certificate, privateKey } = identities.ec;
  const builder = responseBuilder({}, certificate);
  const signatures = new Set<string>();
  for (let i = 0; i < 100; i += 1) {
    const response: OCSPResponse = builder.sign(privateKey, 'sha256');
    t.true(verifies(response, createPublicKey(privateKey as KeyObject)));
    signatures.add(response.signature.toString('hex'));
  }
  t.is(signatures.size, 100);
});

test('many at once', async (t) => {
  const responses = await Promise.all(
    Array.from({ length: 200 }, (_, i) => {
      const { certificate, privateKey } = i % 2 ? identities.ec : identities.rsa;
      return responseBuilder({}, certificate).signAsync(privateKey, i % 3 ? 'sha256' : 'sha384');
    }),
  );
  for (const [i, response] of responses.entries()) {
    t.true(verifies(response, createPublicKey((i % 2 ? identities.ec : identities.rsa).privateKey)));
  }
});

test('keys in every form that createPrivateKey takes', async (t) => {
  const { certificate, privateKey } = identities.ec;
  const forms = [
    privateKey,
    privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
    Buffer.from(privateKey.export({ format: 'pem', type: 'sec1' })),
    { key: privateKey.export({ format: 'pem', type: 'pkcs8' }) },
    { key: privateKey.export({ format: 'der', type: 'pkcs8' }), format: 'der', type: 'pkcs8' } as const,
    { key: privateKey.export({ format: 'der', type: 'sec1' }), format: 'der', type: 'sec1' } as const,
    { key: privateKey.export({ format: 'jwk' }), format: 'jwk' } as const,
  ];
  for (const form of forms) {
    const builder = responseBuilder({}, certificate);
    for (const response of [builder.sign(form, 'sha256'), await builder.signAsync(form, 'sha256')]) {
      t.true(verifies(response, createPublicKey(privateKey)));
    }
  }
});
