import { createPublicKey, getCurves, sign, X509Certificate } from 'node:crypto';
import test from 'ava';
import { OCSPError } from 'openssl-ocsp';
import {
  createTestCa,
  generateTestKeyPair,
  type IssueOptions,
  type TestIdentity,
  type TestKeyType,
} from 'openssl-ocsp/testing';
import { withCli } from '../helpers/conditional.js';
import { openssl, Scratch } from '../helpers/openssl-cli.js';
import { refuses } from '../helpers/refusals.js';

/** `openssl verify` of a leaf, with the root trusted. */
function cliVerify(root: TestIdentity, leaf: X509Certificate, intermediates: X509Certificate[] = []): string {
  using scratch = new Scratch();
  const args = ['verify', '-CAfile', scratch.write('root.pem', root.certificatePem)];
  if (intermediates.length > 0) args.push('-untrusted', scratch.write('middle.pem', intermediates.join('\n')));
  const { stdout, stderr } = openssl([...args, scratch.write('leaf.pem', leaf.toString())]);
  return stdout + stderr;
}

function cliText(certificate: X509Certificate): string {
  return openssl(['x509', '-noout', '-text', '-inform', 'DER'], certificate.raw).stdout;
}

const caKeys: [TestKeyType, IssueOptions | undefined, string][] = [
  ['ec', undefined, 'ecdsa-with-SHA256'],
  ['ec', { curve: 'secp384r1', signature: { hash: 'sha384' } }, 'ecdsa-with-SHA384'],
  ['ec', { curve: 'secp521r1', signature: { hash: 'sha512' } }, 'ecdsa-with-SHA512'],
  ['rsa', undefined, 'sha256WithRSAEncryption'],
  ['rsa', { signature: { hash: 'sha512' } }, 'sha512WithRSAEncryption'],
  ['rsa', { signature: { hash: 'sha384', rsaPadding: 'pss' } }, 'rsassaPss'],
  ['rsa-pss', undefined, 'rsassaPss'],
  ['rsa-pss', { pssHash: 'sha256' }, 'rsassaPss'],
  ['dsa', undefined, 'dsa_with_SHA256'],
  ['ed25519', undefined, 'ED25519'],
  ['ed448', undefined, 'ED448'],
];

for (const [keyType, options, name] of caKeys) {
  const title = `${keyType} ${options ? JSON.stringify(options) : ''}`.trim();
  const ca = () => createTestCa({ keyType, ...options });

  test(`a CA of type ${title} certifies, and node:crypto agrees`, (t) => {
    const authority = ca();
    const leaf = authority.issue({ subject: 'CN=leaf', serialNumber: 42n, ...options });
    t.true(authority.certificate.ca);
    t.true(authority.certificate.checkPrivateKey(authority.privateKey));
    t.true(authority.certificate.verify(createPublicKey(authority.privateKey)));
    t.true(leaf.certificate.checkIssued(authority.certificate));
    t.true(leaf.certificate.verify(authority.certificate.publicKey));
    t.true(leaf.certificate.checkPrivateKey(leaf.privateKey));
    t.is(leaf.certificate.serialNumber, '2A');
    t.is(leaf.certificate.subject, 'CN=leaf');
  });

  withCli(`a CA of type ${title} certifies, and the openssl command agrees`, (t) => {
    const authority = ca();
    const leaf = authority.issue(options);
    t.is(cliVerify(authority, leaf.certificate).match(/: OK$/m)?.[0], ': OK');
    t.is(/Signature Algorithm: (\S+)/.exec(cliText(leaf.certificate))?.[1], name);
  });
}

test('certifies keys on every curve, and keys that cannot sign', (t) => {
  const ca = createTestCa();
  let curves = 0;
  for (const curve of getCurves()) {
    if (curve === 'SM2') continue; // OpenSSL reads it back as a key type of its own
    let key: ReturnType<typeof generateTestKeyPair>;
    try {
      key = generateTestKeyPair({ keyType: 'ec', curve });
      key.publicKey.export({ format: 'der', type: 'spki' });
    } catch {
      continue; // not built into this OpenSSL, or a curve without an OID
    }
    curves += 1;
    t.true(ca.issue({ privateKey: key.privateKey }).certificate.checkPrivateKey(key.privateKey), curve);
  }
  t.true(curves >= 10);
  for (const keyType of ['x25519', 'x448'] as const) {
    const { certificate } = ca.issue({ keyType });
    t.is(certificate.publicKey.asymmetricKeyType, keyType);
  }
});

withCli('every extension is where openssl looks for it', (t) => {
  const ca = createTestCa({ subject: 'C=US, O=Example, OU=Unit, ST=State, L=Town, CN=Röot' });
  const text = cliText(
    ca.issue({
      ca: { pathLength: 3 },
      keyUsage: ['digitalSignature', 'keyAgreement', 'decipherOnly'],
      extendedKeyUsage: ['OCSPSigning', 'serverAuth', '1.2.3.4'],
      ocspNoCheck: true,
      mustStaple: true,
      dnsNames: ['a.example', 'b.example'],
      aia: { ocsp: ['http://ocsp.example/1', 'http://ocsp.example/2'], caIssuers: 'http://ca.example/ca.crt' },
      extensions: [{ oid: '1.2.3.4.5', critical: true, value: Buffer.from('0500', 'hex') }],
    }).certificate,
  );
  t.regex(text, /X509v3 Basic Constraints: critical\s+CA:TRUE, pathlen:3/);
  t.regex(text, /X509v3 Key Usage: critical\s+Digital Signature, Key Agreement, Decipher Only/);
  t.regex(text, /X509v3 Extended Key Usage:\s+OCSP Signing, TLS Web Server Authentication, 1\.2\.3\.4/);
  t.regex(text, /OCSP No Check/);
  t.regex(text, /TLS Feature:\s+status_request/);
  t.regex(text, /DNS:a\.example, DNS:b\.example/);
  t.regex(text, /OCSP - URI:http:\/\/ocsp\.example\/1\s+OCSP - URI:http:\/\/ocsp\.example\/2/);
  t.regex(text, /CA Issuers - URI:http:\/\/ca\.example\/ca\.crt/);
  t.regex(text, /1\.2\.3\.4\.5: critical/);
  t.regex(text, /Subject Key Identifier/);
  t.regex(text, /Authority Key Identifier/);
  t.regex(text, /Issuer: C ?= ?US, O ?= ?Example, OU ?= ?Unit, ST ?= ?State, L ?= ?Town, CN ?= ?R\\C3\\B6ot/);
});

withCli('chains, and what breaks them', (t) => {
  const root = createTestCa({ subject: 'CN=Root' });
  const middle = root.issueIntermediate({ subject: 'CN=Middle' });
  const leaf = middle.issue().certificate;
  t.regex(cliVerify(root, leaf, [middle.certificate]), /: OK$/m);

  const expired = root.issue({ notBefore: new Date('2001-01-01'), notAfter: new Date('2002-01-01') }).certificate;
  t.regex(cliVerify(root, expired), /certificate has expired/);

  const early = root.issue({ notBefore: new Date('2060-01-01'), notAfter: new Date('2061-01-01') }).certificate;
  t.regex(cliVerify(root, early), /not yet valid/);

  const corrupt = root.issue({ corruptSignature: true }).certificate;
  t.regex(cliVerify(root, corrupt), /signature failure/);

  const impostor = createTestCa({ subject: 'CN=Root' }).issue({ keyIdentifiers: false }).certificate;
  t.regex(cliVerify(root, impostor), /signature failure/, 'same name, other key');

  const noCa = root.issueIntermediate({ ca: false });
  t.regex(cliVerify(root, noCa.issue().certificate, [noCa.certificate]), /invalid CA certificate/);
});

test('times: UTCTime through 2049, GeneralizedTime from 2050', (t) => {
  const { certificate } = createTestCa({
    notBefore: new Date('2049-12-31T23:59:59Z'),
    notAfter: new Date('2050-01-01T00:00:00Z'),
  });
  t.is(new Date(certificate.validFrom).toISOString(), '2049-12-31T23:59:59.000Z');
  t.is(new Date(certificate.validTo).toISOString(), '2050-01-01T00:00:00.000Z');
  t.true(certificate.raw.includes('491231235959Z'));
  t.true(certificate.raw.includes('20500101000000Z'));
});

test('serial numbers: as given, else random and positive', (t) => {
  const ca = createTestCa();
  t.is(ca.issue({ serialNumber: 0x80n }).certificate.serialNumber, '80');
  t.is(BigInt(`0x${ca.issue({ serialNumber: 0n }).certificate.serialNumber}`), 0n);
  const serials = new Set(Array.from({ length: 50 }, () => ca.issue().certificate.serialNumber));
  t.is(serials.size, 50);
  for (const serial of serials) t.regex(serial, /^[4-7][0-9A-F]{31}$/);
});

test('a responder certificate carries what RFC 6960 section 4.2.2.2 asks for', (t) => {
  const { certificate, privateKey } = createTestCa().issueResponder();
  t.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.9']);
  t.true(certificate.raw.includes(Buffer.from('06092b0601050507300105', 'hex')), 'nocheck');
  t.true(certificate.checkPrivateKey(privateKey));
  t.false(certificate.ca);
});

test('PEM out, same key twice', (t) => {
  const ca = createTestCa();
  const first = ca.issue({ subject: 'CN=a' });
  const second = ca.issue({ subject: 'CN=b', privateKey: first.privateKey });
  t.is(first.privateKeyPem, second.privateKeyPem);
  t.deepEqual(new X509Certificate(first.certificatePem).raw, first.certificate.raw);
  t.true(sign('sha256', Buffer.from('x'), first.privateKeyPem).length > 0);
});

test('what it cannot make is refused', (t) => {
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => createTestCa({ subject: 'XX=y' }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => createTestCa({ keyType: 'x25519' }));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => createTestCa({ signature: { hash: 'md4' } }));
  for (const name of ['constructor', '__proto__', 'toString']) {
    refuses(t, 'ERR_OCSP_INVALID_VALUE', () => createTestCa({ subject: `${name}=y` }));
    refuses(t, 'ERR_OCSP_INVALID_VALUE', () => createTestCa({ signature: { hash: name } as never }));
    refuses(t, 'ERR_OCSP_INVALID_VALUE', () => createTestCa({ extendedKeyUsage: [name] }));
  }
  t.throws(() => createTestCa({ curve: 'no-such-curve' }));
  t.true(new OCSPError('ERR_OCSP_INVALID_VALUE', 'x') instanceof Error);
});
