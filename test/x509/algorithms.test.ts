import test from 'ava';
import {
  certIdHashForOid,
  checkCertIdHash,
  checkSigningHash,
  HashAlgorithm,
  plainHashName,
  readSignatureAlgorithm,
} from '#dist/x509/algorithms.js';
import { encodeOid, encodeSequence } from '#dist/x509/der.js';
import { HashAlgorithmOID, SignatureAlgorithmOID } from '#dist/x509/oids.js';
import { hex } from '../helpers/der.js';
import { malformed, unsupported, wrongType } from '../helpers/refusals.js';

const identifier = (oid: string, parameters = ''): Buffer => encodeSequence(encodeOid(oid), hex(parameters));

test('the hash of every algorithm whose OID tells it', (t) => {
  for (const [name, oid] of Object.entries(SignatureAlgorithmOID)) {
    if (name === 'RSASSA_PSS') continue;
    const { hash, parameters } = readSignatureAlgorithm(identifier(oid));
    const match = /_WITH_(MD5|SHA\d+(?:_(?:224|256|384|512))?)/.exec(name);
    t.is(hash, match?.[1] ? HashAlgorithm[match[1] as keyof typeof HashAlgorithm] : null, name);
    t.is(parameters, null);
  }
});

test('what is not signed has no hash', (t) => {
  t.is(readSignatureAlgorithm(identifier('1.3.6.1.5.5.7.6.36')).hash, null);
});

test('an unknown algorithm has an OID, but no hash', (t) => {
  const algorithm = readSignatureAlgorithm(identifier('1.2.840.113549.1.1.2', '0500'));
  t.is(algorithm.oid, '1.2.840.113549.1.1.2');
  t.is(algorithm.parameters?.toString('hex'), '0500');
  t.throws(() => algorithm.hash, unsupported);
});

test('parameters are a copy at each read', (t) => {
  const algorithm = readSignatureAlgorithm(identifier(SignatureAlgorithmOID.RSA_WITH_SHA256, '0500'));
  algorithm.parameters?.fill(0xff);
  t.is(algorithm.parameters?.toString('hex'), '0500');
});

test('RSASSA-PSS: the hash is in the parameters, SHA-1 by default', (t) => {
  const pss = (parameters: string): HashAlgorithm | null =>
    readSignatureAlgorithm(identifier(SignatureAlgorithmOID.RSASSA_PSS, parameters)).hash;
  t.is(pss('3000'), HashAlgorithm.SHA1);
  t.is(pss('3005a203020120'), HashAlgorithm.SHA1, 'only a salt length');
  t.is(
    pss('3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120'),
    HashAlgorithm.SHA256,
  );
  t.is(pss('300fa00d300b0609608648016503040208'), HashAlgorithm.SHA3_256, 'without NULL');
  t.throws(() => pss('300fa00d300b0609608648016503040263'), unsupported);
  for (const bad of ['', '0500', '3002a000', '3003a00130', '300406012a05', '30000500']) {
    t.throws(() => pss(bad), malformed, bad);
  }
});

test('refuses what is not one AlgorithmIdentifier', (t) => {
  for (const bad of ['', '0500', '3000', '300206', '30030601', '300706012a05000500', '300306012a00']) {
    t.throws(() => readSignatureAlgorithm(hex(bad)), malformed, bad);
  }
  t.is(readSignatureAlgorithm(hex('ff300306012aff'), 1, 6).oid, '1.2');
});

test('CertID hashes: by OID and by name', (t) => {
  const lengths = { SHA1: 20, SHA224: 28, SHA256: 32, SHA384: 48, SHA512: 64 };
  for (const [index, [key, digestLength]] of Object.entries(lengths).entries()) {
    const hash = HashAlgorithm[key as keyof typeof lengths];
    const row = { hash, oid: HashAlgorithmOID[key as keyof typeof lengths], digestLength, index };
    t.deepEqual(checkCertIdHash(hash, 'algorithm'), row);
    t.deepEqual(certIdHashForOid(row.oid), row);
  }
  for (const bad of ['md5', 'sha3-256', 'SHA1', 'sha-1', '', 'toString']) {
    t.throws(() => checkCertIdHash(bad, 'algorithm'), unsupported, bad);
  }
  for (const bad of [undefined, null, 1, {}]) t.throws(() => checkCertIdHash(bad, 'algorithm'), wrongType);
  t.throws(() => certIdHashForOid(HashAlgorithmOID.SHA3_256), unsupported);
  t.throws(() => certIdHashForOid('1.2.840.113549.2.5'), unsupported);
});

test('signing hashes: SHA-2, SHA-3 or none', (t) => {
  t.is(checkSigningHash(null), null);
  for (const hash of Object.values(HashAlgorithm)) {
    if (hash === HashAlgorithm.MD5 || hash === HashAlgorithm.SHA1) t.throws(() => checkSigningHash(hash), unsupported);
    else t.is(checkSigningHash(hash), hash);
  }
  t.throws(() => checkSigningHash('sm3'), unsupported);
  for (const bad of [undefined, 256, {}]) t.throws(() => checkSigningHash(bad), wrongType);
});

test('the command takes the spellings of hashes that Node takes', (t) => {
  for (const name of ['sha1', 'SHA1', 'SHA-1', 'sha-1']) t.is(plainHashName(name), 'sha1');
  for (const bits of ['224', '256', '384', '512']) {
    for (const name of [`sha${bits}`, `SHA${bits}`, `SHA-${bits}`, `sha-${bits}`, `SHA2-${bits}`])
      t.is(plainHashName(name), `sha${bits}`, name);
  }
  for (const other of ['sha', 'sha-25', 'sha-2560', 'sha-512/256']) t.is(plainHashName(other), other);
});
