import { createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import test from 'ava';
import { HashAlgorithm, loadDerOcspRequest, OCSPError, OCSPRequestBuilder, OCSPResponderEncoding } from 'openssl-ocsp';
import { createTestCa, generateTestKeyPair } from 'openssl-ocsp/testing';
import * as der from '../helpers/der.js';
import { cert, certId, issuer, responseBuilder, root, rootKey } from '../helpers/fixtures.js';
import { refuses, wrong } from '../helpers/refusals.js';

const { SHA1, SHA256 } = HashAlgorithm;

test('serials: negative and very long', (t) => {
  const { issuerNameHash, issuerKeyHash } = certId;
  const add = (serial: bigint | string) =>
    new OCSPRequestBuilder().addCertificateByHash(issuerNameHash, issuerKeyHash, serial, SHA1).build();
  for (const serial of [-1n, -128n, -129n, -(2n ** 160n), -(2n ** 800n)]) t.is(add(serial).serialNumber, serial);
  for (const serial of ['', '-', '0x', '1 1', '1-', 'g', '1.5', '1n', '\u0661']) {
    refuses(t, 'ERR_OCSP_INVALID_VALUE', () => add(serial), JSON.stringify(serial));
  }
  for (const serial of [0n, 1n, 127n, 128n, 255n, 256n, 2n ** 159n, 2n ** 160n - 1n, 2n ** 799n, 2n ** 800n - 1n]) {
    t.is(add(serial).serialNumber, serial);
    t.is(add(serial.toString(16)).serialNumber, serial);
    t.is(loadDerOcspRequest(add(serial).publicBytes()).serialNumber, serial);
  }
  for (const serial of [-1n, -128n, -129n, -(2n ** 160n)]) {
    t.is(loadDerOcspRequest(der.request(der.requestEntry(serial))).serialNumber, serial, 'read all the same');
  }
  const certificate = createTestCa().issue({ serialNumber: 2n ** 799n }).certificate;
  t.is(new OCSPRequestBuilder().addCertificate(certificate, issuer, SHA1).build().serialNumber, 2n ** 799n);
});

test('keys: encrypted, without and with the wrong passphrase', (t) => {
  const pem = rootKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'right' });
  const encrypted = rootKey.export({ format: 'der', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'right' });
  const traditional = rootKey.export({ format: 'pem', type: 'sec1', cipher: 'aes-256-cbc', passphrase: 'right' });
  const builder = responseBuilder();
  const missing: unknown[] = [
    pem,
    Buffer.from(pem),
    { key: pem },
    { key: pem, passphrase: undefined },
    traditional,
    { key: encrypted, format: 'der', type: 'pkcs8' },
  ];
  for (const attempt of missing) {
    const error = refuses(t, 'ERR_OCSP_MALFORMED', () => builder.sign(wrong(attempt), SHA256));
    t.is((error?.cause as NodeJS.ErrnoException | undefined)?.code, 'ERR_MISSING_PASSPHRASE');
    t.regex(error?.message ?? '', /passphrase required/i);
  }
  const attempts: unknown[] = [
    { key: pem, passphrase: 'wrong' },
    { key: pem, passphrase: '' },
    { key: pem, passphrase: 'wrong'.repeat(300) },
    { key: traditional, passphrase: 'wrong' },
    { key: traditional, passphrase: 'wrong'.repeat(300) },
    { key: encrypted, format: 'der', type: 'pkcs8', passphrase: 'wrong' },
    { key: Buffer.alloc(0), format: 'der', type: 'pkcs8' },
    { key: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', d: 'AA' }, format: 'jwk' },
    '',
    Buffer.alloc(10),
  ];
  for (const attempt of attempts) {
    const error = refuses(t, 'ERR_OCSP_MALFORMED', () => builder.sign(wrong(attempt), SHA256));
    t.true(error?.cause instanceof Error, "Node's own error is the cause");
    t.not((error?.cause as NodeJS.ErrnoException | undefined)?.code, 'ERR_MISSING_PASSPHRASE');
    t.false(JSON.stringify([error?.message, String(error?.cause)]).includes('wrong'), 'no passphrase in the message');
  }
  t.true(builder.sign({ key: pem, passphrase: 'right' }, SHA256).signature.length > 0);
  t.true(builder.sign({ key: traditional, passphrase: 'right' }, SHA256).signature.length > 0);
  t.true(
    builder.sign({ key: encrypted, format: 'der', type: 'pkcs8', passphrase: 'right' }, SHA256).signature.length > 0,
  );
  t.true(builder.sign({ key: rootKey.export({ format: 'jwk' }), format: 'jwk' }, SHA256).signature.length > 0);
});

test('keys that cannot sign', (t) => {
  for (const keyType of ['x25519', 'x448'] as const) {
    const { certificate, privateKey } = root.issue({ keyType });
    for (const algorithm of [SHA256, null]) {
      refuses(t, 'ERR_OCSP_INVALID_VALUE', () => responseBuilder({}, certificate).sign(privateKey, algorithm));
    }
  }
  const sm2 = generateTestKeyPair({ curve: 'SM2' }).privateKey;
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => responseBuilder().sign(sm2, SHA256), 'SM2 is not ECDSA');
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => responseBuilder().sign(createPublicKey(rootKey), SHA256));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => responseBuilder().sign(createSecretKey(Buffer.alloc(16)), SHA256));
  const dh = (generateKeyPairSync as (type: string, options: object) => { privateKey: KeyObject })('dh', {
    group: 'modp14',
  });
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => responseBuilder().sign(dh.privateKey, SHA256));
});

test('keys of another responder, of every type', (t) => {
  const others: [KeyObject, HashAlgorithm | null][] = [
    [generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, SHA256],
    [generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey, SHA256],
    [generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey, SHA256],
    [generateKeyPairSync('ed25519').privateKey, null],
    [generateKeyPairSync('ed448').privateKey, null],
  ];
  const responders = [root, ...others.map(([privateKey]) => createTestCa({ privateKey }))];
  for (const [key, algorithm] of others) {
    for (const responder of responders) {
      const sign = () => responseBuilder({}, responder.certificate).sign(key, algorithm);
      if (responder.privateKey === key) t.true(sign().signature.length > 0);
      else refuses(t, 'ERR_OCSP_KEY_MISMATCH', sign);
    }
  }
});

test('a responder certificate whose key OpenSSL cannot use', async (t) => {
  const patched = (from: string, at: number, value: number) => {
    const bytes = Buffer.from(root.certificate.raw);
    bytes[bytes.indexOf(der.hex(from)) + at] = value;
    return bytes;
  };
  for (const [name, certificate] of [
    ['unknown algorithm', patched('06072a8648ce3d0201', 8, 9)],
    ['unknown curve', patched('06082a8648ce3d030107', 9, 0x55)],
    ['a point in no known form', patched('034200', 3, 9)],
  ] as const) {
    for (const encoding of Object.values(OCSPResponderEncoding)) {
      const builder = responseBuilder({}, new X509Certificate(certificate), encoding);
      t.throws(() => builder.sign(rootKey, SHA256), { instanceOf: OCSPError }, name);
      const external = builder.signAsync({ sign: () => Buffer.alloc(70) }, SHA256);
      await t.throwsAsync(external, { instanceOf: OCSPError }, name);
    }
    const request = new OCSPRequestBuilder().addCertificate(cert, certificate, SHA1).build();
    t.is(request.issuerKeyHash.length, 20, 'its bits can be hashed all the same');
  }
});

test('a hash that is too long for the key', (t) => {
  const rsa = createTestCa({ keyType: 'rsa', modulusLength: 512, signature: { hash: 'sha256' } });
  t.throws(() => responseBuilder({}, rsa.certificate).sign(rsa.privateKey, 'sha512', { rsaPadding: 'pss' }), {
    instanceOf: OCSPError,
  });
  t.throws(
    () => responseBuilder({}, rsa.certificate).sign(rsa.privateKey, SHA256, { rsaPadding: 'pss', saltLength: 2000 }),
    {
      instanceOf: OCSPError,
    },
  );
});

test('external signers that do not do their job', async (t) => {
  const builder = responseBuilder();
  const with_ = (result: unknown) => builder.signAsync({ sign: () => wrong<Uint8Array>(result) }, SHA256);
  for (const result of ['text', null, undefined, 5, {}, [1], Promise.resolve('text')]) {
    await t.throwsAsync(with_(result), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' });
  }
  for (const result of [Buffer.alloc(0), Buffer.alloc(72), Buffer.alloc(1 << 20)]) {
    await t.throwsAsync(with_(result), { instanceOf: OCSPError, code: 'ERR_OCSP_KEY_MISMATCH' });
  }
  const own = new Error('HSM on fire');
  t.is(await t.throwsAsync(builder.signAsync({ sign: () => Promise.reject(own) }, SHA256)), own);
  const thrown = { not: 'an error' };
  const throwing = {
    sign(): never {
      throw thrown;
    },
  };
  t.is(await t.throwsAsync(builder.signAsync(throwing, SHA256), { any: true }), wrong(thrown));
});
