import { X509Certificate } from 'node:crypto';
import test from 'ava';
import {
  HashAlgorithm,
  loadDerOcspRequest,
  loadDerOcspResponse,
  loadStoredPrivateKey,
  OCSPCertStatus,
  OCSPRequestBuilder,
  StoredPrivateKey,
} from 'openssl-ocsp';
import { ResponseSigner } from 'openssl-ocsp/bulk';
import { createTestCa } from 'openssl-ocsp/testing';
import { withCli } from '../helpers/conditional.js';
import { responseBuilder, root } from '../helpers/fixtures.js';
import { openssl, opensslCliVersion, Scratch } from '../helpers/openssl-cli.js';
import { refuses, refusesType, wrong } from '../helpers/refusals.js';

const ca = createTestCa({ subject: 'CN=Store CA' });
const responder = ca.issueResponder();
const scratch = new Scratch();
test.after.always(() => scratch[Symbol.dispose]());
const uri = (path: string): string => `file:${path}`;
const keyUri = uri(scratch.write('responder.key', responder.privateKeyPem));

function encrypt(name: string, ...args: string[]): string {
  const path = scratch.path(name);
  const made = openssl([...args, '-in', scratch.path('responder.key'), '-passout', 'pass:sesame', '-out', path]);
  if (made.status !== 0) throw new Error(made.stderr);
  return uri(path);
}

test('it signs responses and requests like any key', async (t) => {
  const privateKey = loadStoredPrivateKey(keyUri);
  t.true(privateKey instanceof StoredPrivateKey);
  t.is(privateKey.keyType, 'EC');
  t.false(JSON.stringify(privateKey).includes('PRIVATE'));
  const signer = new ResponseSigner({ issuer: ca.certificate, responder: responder.certificate, privateKey });
  const response = loadDerOcspResponse(signer.sign({ serialNumber: 7n, status: OCSPCertStatus.GOOD }));
  const question = { issuer: ca.certificate, serialNumber: 7n };
  t.is(response.serialNumber, 7n);
  t.true(responderKeyVerifies(response.tbsResponseBytes, response.signature));
  for await (const { der } of signer.signAll([{ serialNumber: 8n, status: OCSPCertStatus.GOOD }], { threads: 2 })) {
    t.is(loadDerOcspResponse(der).serialNumber, 8n);
  }
  const builder = new OCSPRequestBuilder().addCertificate(
    ca.issue().certificate,
    question.issuer,
    HashAlgorithm.SHA256,
  );
  const request = builder.sign(responder.certificate, privateKey, HashAlgorithm.SHA256);
  t.true(loadDerOcspRequest(request.publicBytes()).verifySignature({ trust: [ca.certificate] }).verified);

  function responderKeyVerifies(tbs: Buffer, signature: Buffer): boolean {
    const input = scratch.write('tbs', tbs);
    const mark = scratch.write('signature', signature);
    const pub = scratch.write(
      'public.pem',
      new X509Certificate(responder.certificatePem).publicKey.export({ format: 'pem', type: 'spki' }),
    );
    if (opensslCliVersion === null) return true;
    return openssl(['dgst', '-sha256', '-verify', pub, '-signature', mark, input]).status === 0;
  }
});

test('another certificate, a key that cannot sign', async (t) => {
  const privateKey = loadStoredPrivateKey(keyUri);
  const other = ca.issueResponder().certificate;
  refuses(
    t,
    'ERR_OCSP_KEY_MISMATCH',
    () => new ResponseSigner({ issuer: ca.certificate, responder: other, privateKey }),
  );
  refuses(t, 'ERR_OCSP_KEY_MISMATCH', () => responseBuilder().sign(privateKey, HashAlgorithm.SHA256));
  await t.throwsAsync(responseBuilder().signAsync(privateKey, HashAlgorithm.SHA256), { code: 'ERR_OCSP_KEY_MISMATCH' });
  const exchange = root.issue({ keyType: 'x25519' });
  const agreeing = loadStoredPrivateKey(uri(scratch.write('x25519.key', exchange.privateKeyPem)));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => responseBuilder().sign(agreeing, null));
});

withCli('encrypted keys: right, wrong and missing passphrases', (t) => {
  const files = [
    encrypt('pkcs8.pem', 'pkey', '-aes256'),
    encrypt('pkcs8.der', 'pkcs8', '-topk8', '-outform', 'DER'),
    encrypt('sec1.pem', 'ec', '-aes128'),
    encrypt('file.p12', 'pkcs12', '-export', '-nocerts', '-inkey', scratch.path('responder.key')),
  ];
  for (const file of files) {
    t.is(loadStoredPrivateKey(file, { passphrase: 'sesame' }).keyType, 'EC', file);
    t.is(loadStoredPrivateKey(file, { passphrase: Buffer.from('sesame') }).keyType, 'EC', file);
    const unknown = refuses(t, 'ERR_OCSP_MALFORMED', () => loadStoredPrivateKey(file), file);
    t.is((unknown?.cause as NodeJS.ErrnoException | undefined)?.code, 'ERR_MISSING_PASSPHRASE', file);
    const bad = refuses(t, 'ERR_OCSP_MALFORMED', () => loadStoredPrivateKey(file, { passphrase: 'open' }), file);
    t.is(bad?.cause, undefined);
    t.regex(bad?.message ?? '', /wrong/, file);
  }
});

test('no key, no file, no loader', (t) => {
  const spki = responder.certificate.publicKey.export({ format: 'pem', type: 'spki' });
  for (const content of [spki, responder.certificatePem, '', 'text', Buffer.alloc(1000, 0x30)]) {
    refuses(t, 'ERR_OCSP_MALFORMED', () => loadStoredPrivateKey(uri(scratch.write('none', content))));
  }
  const absent = refuses(t, 'ERR_OCSP_INVALID_VALUE', () => loadStoredPrivateKey(uri(scratch.path('absent'))));
  t.regex(absent?.message ?? '', /No such file/);
  const strange = refuses(t, 'ERR_OCSP_INVALID_VALUE', () =>
    loadStoredPrivateKey('pkcs11:token=a;object=b?pin-value=98765', { passphrase: '43210' }),
  );
  t.regex(strange?.message ?? '', /cannot open 'pkcs11:token=a;object=b'.*pkcs11/);
  t.notRegex(JSON.stringify([strange, strange?.message]), /98765|43210/, 'secrets are not told');
});

test('wrong arguments', (t) => {
  for (const value of ['', 'responder.key', '/tmp/a:b', 'C:\\key.pem', ':x', 'file\0:x', 'file:/a\0b']) {
    refuses(t, 'ERR_OCSP_INVALID_VALUE', () => loadStoredPrivateKey(value), value);
  }
  for (const value of [undefined, null, 5, Buffer.alloc(1)]) refusesType(t, () => loadStoredPrivateKey(wrong(value)));
  for (const options of [null, 'sesame']) refusesType(t, () => loadStoredPrivateKey(keyUri, wrong(options)));
  for (const passphrase of [null, 5]) refusesType(t, () => loadStoredPrivateKey(keyUri, wrong({ passphrase })));
  const fake = Object.create(StoredPrivateKey.prototype) as StoredPrivateKey;
  refusesType(t, () => responseBuilder().sign(fake, HashAlgorithm.SHA256));
});
