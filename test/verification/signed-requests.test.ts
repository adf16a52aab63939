// Requests with a signature: by every kind of key, read back, and verified by OpenSSL and by node:crypto.
import { constants, type KeyObject, verify } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import {
  loadDerOcspRequest,
  OCSPNonce,
  type OCSPRequest,
  OCSPRequestBuilder,
  type SignRequestOptions,
} from 'openssl-ocsp';
import { createTestCa, type IssueOptions } from 'openssl-ocsp/testing';
import { DNSName, type HashAlgorithmName } from 'openssl-ocsp/x509';
import { withCli } from '../helpers/conditional.js';
import { openssl, Scratch } from '../helpers/openssl-cli.js';
import { refuses, refusesType, wrong } from '../helpers/refusals.js';
import { positions } from '../helpers/repeated.js';

const ca = createTestCa({ subject: 'CN=Test CA' });
const leaf = ca.issue({ subject: 'CN=leaf', serialNumber: 77n });
const client = ca.issue({ subject: 'O=Example, CN=client', keyType: 'rsa' });
const builder = new OCSPRequestBuilder().addCertificate(leaf.certificate, ca.certificate, 'sha1');
// What OpenSSL asks of a signer is the purpose "OCSP helper", which any certificate serves.
const trust = [ca.certificate];

const kinds: [string, IssueOptions, HashAlgorithmName | null, SignRequestOptions][] = [
  ['P-256', { keyType: 'ec' }, 'sha256', {}],
  ['P-384', { keyType: 'ec', curve: 'secp384r1' }, 'sha384', {}],
  ['P-521', { keyType: 'ec', curve: 'secp521r1' }, 'sha512', {}],
  ['RSA', { keyType: 'rsa' }, 'sha256', {}],
  ['RSA with PSS', { keyType: 'rsa' }, 'sha384', { rsaPadding: 'pss' }],
  ['RSA with PSS and a salt of 20', { keyType: 'rsa' }, 'sha256', { rsaPadding: 'pss', saltLength: 20 }],
  ['RSA-PSS', { keyType: 'rsa-pss' }, 'sha256', {}],
  ['DSA', { keyType: 'dsa', modulusLength: 1024 }, 'sha256', {}],
  ['Ed25519', { keyType: 'ed25519' }, null, {}],
  ['Ed448', { keyType: 'ed448' }, null, {}],
];

/** By node:crypto, over the bytes that the request says are signed. */
function verifiesByNode(request: OCSPRequest, key: KeyObject, options: SignRequestOptions): boolean {
  const isPss = options.rsaPadding === 'pss' || key.asymmetricKeyType === 'rsa-pss';
  const padding = isPss ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO } : {};
  return verify(request.signatureHashAlgorithm, request.tbsRequestBytes, { key, ...padding }, request.signature!);
}

for (const [name, keyOptions, hash, options] of kinds) {
  const signer = ca.issue({ subject: `CN=${name}`, ...keyOptions });

  test(`signed with ${name}`, async (t) => {
    const request = builder.sign(signer.certificate, signer.privateKey, hash, options);
    const later = await builder.signAsync(signer.certificatePem, signer.privateKeyPem, hash, options);
    for (const signed of [request, later, loadDerOcspRequest(request.publicBytes())]) {
      t.true(signed.isSigned);
      t.true(verifiesByNode(signed, signer.certificate.publicKey, options));
      t.is(signed.signatureHashAlgorithm, hash as typeof signed.signatureHashAlgorithm);
      t.deepEqual(
        signed.certificates.map(({ fingerprint256 }) => fingerprint256),
        [signer.certificate.fingerprint256],
      );
      t.is(signed.serialNumber, 77n);
      const result = signed.verifySignature({ trust });
      t.true(result.verified, String(result.error));
      t.is(result.signer?.fingerprint256, signer.certificate.fingerprint256);
      const again = await signed.verifySignatureAsync({ trust });
      t.true(again.verified);
      t.is(again.signer?.fingerprint256, signer.certificate.fingerprint256);
      t.deepEqual(
        again.chain.map(({ subject }) => subject),
        result.chain.map(({ subject }) => subject),
      );
      t.false(signed.verifySignature().verified, 'nothing is trusted');
      t.false(signed.verifySignature({ trust: [createTestCa().certificate] }).verified);
    }
    // Other than the signature, the bytes are those of the unsigned request with the requestor's name.
    t.deepEqual(request.requestorName?.toJSON(), later.requestorName?.toJSON());
    t.deepEqual(request.tbsRequestBytes, later.tbsRequestBytes);
  });

  test(`signed with ${name}, and changed`, (t) => {
    const der = builder.sign(signer.certificate, signer.privateKey, hash, options).publicBytes();
    const { tbsRequestBytes } = loadDerOcspRequest(der);
    const tbsEnd = der.indexOf(tbsRequestBytes) + tbsRequestBytes.length;
    for (const i of positions(der.length)) {
      const changed = Buffer.from(der);
      changed[i]! ^= 1 << (i % 8);
      for (const strict of [true, false]) {
        try {
          const { verified, signer: by } = loadDerOcspRequest(changed, { strict }).verifySignature({ trust });
          // Outside of what is signed there are the signature, and the certificate, which is signed itself.
          t.false(verified && (i < tbsEnd || by?.fingerprint256 !== signer.certificate.fingerprint256), `byte ${i}`);
        } catch (error) {
          t.is((error as { code?: string }).code, 'ERR_OCSP_MALFORMED');
        }
      }
    }
  });

  withCli(`signed with ${name}: the openssl command reads it`, (t) => {
    using scratch = new Scratch();
    const request = builder.sign(signer.certificate, signer.privateKey, hash, options);
    const file = scratch.write('request.der', request.publicBytes());
    const { stdout, status } = openssl(['ocsp', '-reqin', file, '-req_text']);
    t.is(status, 0);
    t.is(request.toText(), stdout);
    t.regex(stdout, /Signature Algorithm: /);
    t.regex(stdout, new RegExp(`Requestor Name: DirName:CN = ${name}`));
  });
}

withCli('requests that the openssl command has signed', (t) => {
  using scratch = new Scratch();
  const file = (name: string, content: string) => scratch.write(name, content);
  const base = ['ocsp', '-issuer', file('ca.pem', ca.certificatePem), '-cert', file('leaf.pem', leaf.certificatePem)];
  const key = ['-signer', file('client.pem', client.certificatePem), '-signkey', file('key.pem', client.privateKeyPem)];
  const out = scratch.path('request.der');
  for (const more of [[], ['-sign_other', file('other.pem', ca.certificatePem)], ['-no_nonce']]) {
    t.is(openssl([...base, ...key, ...more, '-reqout', out]).status, 0);
    const request = loadDerOcspRequest(scratch.read('request.der'));
    t.true(request.isSigned);
    t.is(request.certificates.length, more[0] === '-sign_other' ? 2 : 1);
    t.true(verifiesByNode(request, client.certificate.publicKey, {}));
    const result = request.verifySignature({ trust });
    t.true(result.verified, String(result.error));
    t.deepEqual(
      result.chain.map(({ subject }) => subject),
      [client.certificate.subject, ca.certificate.subject],
    );
  }
  // Ours, with the same key and padding, is the same byte by byte.
  t.is(openssl([...base, ...key, '-no_nonce', '-reqout', out]).status, 0);
  const theirs = loadDerOcspRequest(scratch.read('request.der'));
  const ours = builder.sign(client.certificate, client.privateKey, 'sha256');
  t.deepEqual(ours.tbsRequestBytes, theirs.tbsRequestBytes);
  t.deepEqual(ours.signature, theirs.signature);
  t.deepEqual(ours.publicBytes(), theirs.publicBytes());
});

function isRefused(t: ExecutionContext, request: OCSPRequest, reason: string, options: object = {}): void {
  const result = request.verifySignature({ trust, ...options });
  t.false(result.verified);
  t.is(result.reason, reason);
}

test('certificates that are included, and none', (t) => {
  const intermediate = ca.issueIntermediate({ subject: 'CN=Intermediate' });
  const deep = intermediate.issue({ subject: 'CN=deep' });
  const sign = (options: SignRequestOptions) => builder.sign(deep.certificate, deep.privateKey, 'sha256', options);
  const complete = sign({ certificates: [intermediate.certificate] });
  t.is(complete.certificates.length, 2);
  t.true(complete.verifySignature({ trust }).verified);
  t.is(complete.verifySignature({ trust }).chain.length, 3);
  isRefused(t, sign({}), 'certificate verify error');
  // Of the certificates given OpenSSL takes the signer, and builds the path with those that are included.
  isRefused(t, sign({}), 'certificate verify error', { certificates: [intermediate.certificate] });
  t.true(sign({}).verifySignature({ trust: [ca.certificate, intermediate.certificate] }).verified);

  const bare = sign({ noCertificates: true, certificates: [intermediate.certificate] });
  t.deepEqual(bare.certificates, []);
  isRefused(t, bare, 'signer certificate not found');
  const certificates = [deep.certificate, intermediate.certificate];
  isRefused(t, bare, 'certificate verify error', { certificates });
  t.true(bare.verifySignature({ trust: [ca.certificate, intermediate.certificate], certificates }).verified);
  t.true(bare.verifySignature({ certificates, trustOther: true }).verified, 'trusted outright');
  isRefused(t, complete, 'signer certificate not found', { noIntern: true });
  isRefused(t, complete, 'certificate verify error', { noChain: true });
  t.true(complete.verifySignature({ noVerify: true }).verified, 'nothing but the signature');
  isRefused(t, complete, 'certificate verify error', { at: new Date(Date.now() + 1e12) });
});

test('the requestor', (t) => {
  const named = builder.requestorName(new DNSName('client.example'));
  const request = named.sign(client.certificate, client.privateKey, 'sha256');
  t.deepEqual(request.requestorName, new DNSName('client.example'));
  // OpenSSL finds a certificate by a directory name only.
  isRefused(t, request, 'unsupported requestorname type');
  t.true(verifiesByNode(request, client.certificate.publicKey, {}));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => named.requestorName(new DNSName('other.example')));
  isRefused(t, named.build(), 'request not signed');
});

test('signing needs the right key, hash and options', (t) => {
  const { certificate, privateKey } = client;
  const other = ca.issue({ keyType: 'rsa' });
  const sign = (...args: unknown[]) => builder.sign(...(args as Parameters<OCSPRequestBuilder['sign']>));
  refuses(t, 'ERR_OCSP_KEY_MISMATCH', () => sign(certificate, other.privateKey, 'sha256'));
  refuses(t, 'ERR_OCSP_KEY_MISMATCH', () => sign(certificate, leaf.privateKey, 'sha256'));
  refuses(t, 'ERR_OCSP_UNSUPPORTED_ALGORITHM', () => sign(certificate, privateKey, 'md5'));
  refuses(t, 'ERR_OCSP_UNSUPPORTED_ALGORITHM', () => sign(certificate, privateKey, 'sha1'));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => sign(certificate, privateKey, null));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => sign(leaf.certificate, leaf.privateKey, 'sha256', { rsaPadding: 'pss' }));
  refuses(t, 'ERR_OCSP_MALFORMED', () => sign('no certificate', privateKey, 'sha256'));
  refuses(t, 'ERR_OCSP_MALFORMED', () => sign(certificate, 'no key', 'sha256'));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => new OCSPRequestBuilder().sign(certificate, privateKey, 'sha256'));
  refusesType(t, () => sign(null, privateKey, 'sha256'));
  refusesType(t, () => sign(certificate, null, 'sha256'));
  refusesType(t, () => sign(certificate, privateKey, 5));
  refusesType(t, () => sign(certificate, privateKey, 'sha256', { noCertificates: 1 }));
  refusesType(t, () => sign(certificate, privateKey, 'sha256', { certificates: wrong('pem') }));
});

test('a signed request with everything', async (t) => {
  const nonce = new OCSPNonce(Buffer.alloc(32, 7));
  const many = builder
    .addCertificate(ca.certificate, ca.certificate, 'sha256')
    .addExtension(nonce, false)
    .requestorName(builder.sign(client.certificate, client.privateKey, 'sha256').requestorName!);
  const before = many.build().publicBytes();
  const request = await many.signAsync(client.certificate, client.privateKey, 'sha512', {
    certificates: [ca.certificate],
  });
  t.is(request.requests.length, 2);
  t.deepEqual(request.extensions.getExtensionForClass(OCSPNonce).value, nonce);
  t.true(request.verifySignature({ trust }).verified);
  t.deepEqual(many.build().publicBytes(), before, 'the builder has not changed');
  await t.throwsAsync(() => many.signAsync(client.certificate, leaf.privateKey, 'sha256'), {
    code: 'ERR_OCSP_KEY_MISMATCH',
  });
});

test('signatures that only frame', (t) => {
  // Loading frames the signature; what is inside is refused when it is read.
  const tbs = builder.build().tbsRequestBytes;
  const wrap = (signature: string): Buffer => {
    const inner = Buffer.from(signature, 'hex');
    const explicit = Buffer.concat([Buffer.from([0xa0, inner.length]), inner]);
    const content = Buffer.concat([tbs, explicit]);
    return Buffer.concat([Buffer.from([0x30, 0x81, content.length]), content]);
  };
  for (const signature of ['3000', '30053003060100', '300b300506032b657003020000']) {
    try {
      const request = loadDerOcspRequest(wrap(signature));
      t.true(request.isSigned);
      for (const read of [() => request.signature, () => request.signatureAlgorithmOid, () => request.certificates]) {
        try {
          read();
        } catch (error) {
          t.is((error as { code?: string }).code, 'ERR_OCSP_MALFORMED');
        }
      }
      t.false(request.verifySignature({ trust }).verified);
    } catch (error) {
      t.is((error as { code?: string }).code, 'ERR_OCSP_MALFORMED');
    }
  }
});
