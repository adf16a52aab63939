import { createPrivateKey, X509Certificate } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import {
  HashAlgorithm,
  loadDerOcspRequest,
  loadPkcs12,
  OCSPCertStatus,
  OCSPError,
  OCSPRequestBuilder,
} from 'openssl-ocsp';
import { ResponseSigner } from 'openssl-ocsp/bulk';
import { createTestCa, type TestKeyOptions } from 'openssl-ocsp/testing';
import { withCli } from '../helpers/conditional.js';
import { openssl, Scratch } from '../helpers/openssl-cli.js';
import { bareFile, encryptedSafe, keyBag, mergedPkcs12, nestedBag, plainSafe } from '../helpers/pkcs12.js';
import { refuses, refusesType, wrong } from '../helpers/refusals.js';

const root = createTestCa({ subject: 'CN=PKCS12 root' });
const ca = root.issueIntermediate({ subject: 'CN=PKCS12 CA' });

/** A file as `openssl pkcs12 -export` makes it: key, certificate, then the intermediate and the root. */
function pkcs12(
  t: ExecutionContext,
  options: readonly string[] = [],
  { passphrase = 'sesame', ...key }: TestKeyOptions & { passphrase?: string } = {},
) {
  const scratch = new Scratch();
  t.teardown(() => scratch[Symbol.dispose]());
  const responder = ca.issueResponder(key);
  const keyFile = scratch.write('key.pem', responder.privateKeyPem);
  const certFile = scratch.write('cert.pem', responder.certificatePem);
  const chain = scratch.write('chain.pem', ca.certificatePem + root.certificatePem);
  const args = ['-inkey', keyFile, '-in', certFile, '-certfile', chain, '-passout', `pass:${passphrase}`];
  const made = openssl(['pkcs12', '-export', ...args, ...options, '-out', scratch.path('file.p12')]);
  t.is(made.status, 0, made.stderr);
  return { responder, scratch, path: scratch.path('file.p12'), data: scratch.read('file.p12') };
}

function missing(error: OCSPError | undefined): boolean {
  return (error?.cause as NodeJS.ErrnoException | undefined)?.code === 'ERR_MISSING_PASSPHRASE';
}

for (const key of [
  {},
  { keyType: 'rsa' },
  { keyType: 'rsa-pss' },
  { keyType: 'ed25519' },
  { keyType: 'ec', curve: 'secp384r1' },
] as const) {
  withCli(`key, certificate and chain: ${JSON.stringify(key)}`, (t) => {
    const { responder, data, path } = pkcs12(t, [], key);
    const { privateKey, certificate, certificates } = loadPkcs12(data, 'sesame');
    t.is(certificate?.fingerprint256, new X509Certificate(responder.certificatePem).fingerprint256);
    const shown = openssl(['pkcs12', '-in', path, '-passin', 'pass:sesame', '-nocerts', '-nodes']).stdout;
    const exported = (from: typeof privateKey) => from.export({ format: 'der', type: 'pkcs8' });
    t.deepEqual(exported(privateKey), exported(createPrivateKey(shown)));
    t.deepEqual(exported(privateKey), exported(responder.privateKey));
    t.deepEqual(
      certificates.map(({ subject }) => subject),
      ['CN=PKCS12 CA', 'CN=PKCS12 root'],
    );
    const algorithm = /^ed/.test(privateKey.asymmetricKeyType ?? '') ? null : HashAlgorithm.SHA256;
    const signer = new ResponseSigner({ issuer: ca.certificate, responder: wrong(certificate), privateKey, algorithm });
    t.true(signer.sign({ serialNumber: 1n, status: OCSPCertStatus.GOOD }).length > 0);
  });
}

withCli('a request signed with it carries the chain', (t) => {
  const { privateKey, certificate, certificates } = loadPkcs12(pkcs12(t).data, Buffer.from('sesame'));
  const request = new OCSPRequestBuilder()
    .addCertificate(ca.issue().certificate, ca.certificate, HashAlgorithm.SHA1)
    .sign(wrong(certificate), privateKey, HashAlgorithm.SHA256, { certificates });
  const read = loadDerOcspRequest(request.publicBytes());
  t.true(read.verifySignature({ trust: [root.certificate] }).verified, 'the intermediate is included');
});

withCli('passphrases: right, wrong, missing, none', (t) => {
  const { data } = pkcs12(t);
  t.false(missing(refuses(t, 'ERR_OCSP_MALFORMED', () => loadPkcs12(data, 'Sesame'))));
  t.true(missing(refuses(t, 'ERR_OCSP_MALFORMED', () => loadPkcs12(data))));
  refuses(t, 'ERR_OCSP_MALFORMED', () => loadPkcs12(data, ''));
  const none = pkcs12(t, [], { passphrase: '' });
  t.is(loadPkcs12(none.data).certificates.length, 2);
  t.is(loadPkcs12(none.data, '').certificates.length, 2);
  t.false(missing(refuses(t, 'ERR_OCSP_MALFORMED', () => loadPkcs12(none.data, 'x'))));
  const accented = pkcs12(t, [], { passphrase: 'sésame €' });
  t.is(loadPkcs12(accented.data, 'sésame €').certificates.length, 2);
});

withCli('old files: RC2-40 is named, triple DES is read', (t) => {
  const { data } = pkcs12(t, ['-legacy']);
  const error = refuses(t, 'ERR_OCSP_UNSUPPORTED_ALGORITHM', () => loadPkcs12(data, 'sesame'));
  t.regex(error?.message ?? '', /RC2-40.*--openssl-legacy-provider.*pkcs12 -legacy/);
  t.is(error?.reason, 'unsupported');
  const options = ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'];
  t.is(loadPkcs12(pkcs12(t, options).data, 'sesame').privateKey.asymmetricKeyType, 'ec');
  const open = pkcs12(t, ['-keypbe', 'NONE', '-certpbe', 'NONE']).data;
  t.is(loadPkcs12(open, 'sesame').certificates.length, 2);
  t.true(missing(refuses(t, 'ERR_OCSP_MALFORMED', () => loadPkcs12(open))), 'its MAC has a key');
});

withCli('a file without a MAC: read or refused, as the OpenSSL in use does', (t) => {
  const { data } = pkcs12(t, ['-nomac']);
  try {
    t.is(loadPkcs12(data, 'sesame').certificates.length, 2);
  } catch (error) {
    t.is((error as OCSPError).reason, 'mac absent');
  }
  t.true(missing(refuses(t, 'ERR_OCSP_MALFORMED', () => loadPkcs12(data))));
});

withCli('without a key, and without the certificate of the key', (t) => {
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => loadPkcs12(pkcs12(t, ['-nokeys']).data, 'sesame'));
  const { certificate, certificates } = loadPkcs12(pkcs12(t, ['-nocerts']).data, 'sesame');
  t.is(certificate, undefined);
  t.is(certificates.length, 2, 'those that -certfile named');
});

withCli('more rounds of key derivation than anybody waits for', (t) => {
  const { data } = pkcs12(t, ['-iter', '65537']);
  const rounds = Buffer.from('0203010001', 'hex');
  const places: number[] = [];
  for (let at = data.indexOf(rounds); at >= 0; at = data.indexOf(rounds, at + 1)) places.push(at);
  t.is(places.length, 3, 'of the key, of the certificates, of the MAC');
  for (const at of places) {
    const hostile = Buffer.from(data);
    hostile.set([0x7f, 0xff, 0xff], at + 2);
    const error = refuses(t, 'ERR_OCSP_INVALID_VALUE', () => loadPkcs12(hostile, 'sesame'));
    t.regex(error?.message ?? '', /rounds/);
  }
});

test('more rounds than that, wherever they stand: in bags of bags, by scrypt, and in a safe that opens', (t) => {
  const few = 1000n;
  const many = 100_000_000n;
  const refusalOf = (...safes: Buffer[]) => {
    const error = t.throws(() => loadPkcs12(bareFile(...safes)), { instanceOf: OCSPError });
    return `${error?.code}${/rounds/.test(error?.message ?? '') ? ' rounds' : ''}`;
  };
  const places: ((rounds: Parameters<typeof keyBag>[0]) => Buffer)[] = [
    (rounds) => plainSafe(keyBag(rounds)),
    (rounds) => plainSafe(nestedBag(keyBag(few), nestedBag(keyBag(rounds)))),
    (rounds) => encryptedSafe(keyBag(rounds)),
    (rounds) => encryptedSafe(nestedBag(keyBag(rounds))),
  ];
  for (const [index, place] of places.entries()) {
    t.is(refusalOf(place(few)), 'ERR_OCSP_MALFORMED', `place ${index}`);
    t.is(refusalOf(place(many)), 'ERR_OCSP_INVALID_VALUE rounds', `place ${index}`);
    // scrypt takes N * r * p; OpenSSL bounds the memory alone.
    t.is(refusalOf(place([1024n, 8n, 1n])), 'ERR_OCSP_MALFORMED', `scrypt, place ${index}`);
    t.is(refusalOf(place([32_768n, 1n, 200_000n])), 'ERR_OCSP_INVALID_VALUE rounds', `scrypt, place ${index}`);
  }
  // Each safe costs its rounds.
  const safes = (count: number) => Array.from({ length: count }, () => encryptedSafe());
  t.is(refusalOf(...safes(32)), 'ERR_OCSP_INVALID_VALUE');
  t.is(refusalOf(...safes(33)), 'ERR_OCSP_INVALID_VALUE rounds');
});

withCli('every truncation, and every byte changed: an error or a whole file', (t) => {
  const { data } = pkcs12(t);
  for (let length = 0; length < data.length; length += 1) {
    const error = t.throws(() => loadPkcs12(data.subarray(0, length), 'sesame'), { instanceOf: OCSPError });
    if (error?.code !== 'ERR_OCSP_MALFORMED') t.fail(`${length}: ${error?.code}`);
  }
  refuses(t, 'ERR_OCSP_MALFORMED', () => loadPkcs12(Buffer.concat([data, Buffer.alloc(1)]), 'sesame'));
  let accepted = 0;
  for (let at = 0; at < data.length; at += 1) {
    const changed = Buffer.from(data);
    changed[at] = (changed[at] as number) ^ (1 << (at % 8));
    try {
      t.is(loadPkcs12(changed, 'sesame').certificates.length, 2);
      accepted += 1;
    } catch (error) {
      if (!(error instanceof OCSPError)) t.fail(`${at}: ${String(error)}`);
    }
  }
  // What the MAC does not cover: the version, and NULL parameters.
  t.true(accepted < 10, `${accepted} accepted`);
});

test('what is no PKCS#12 file', (t) => {
  for (const data of [Buffer.alloc(0), Buffer.alloc(5), Buffer.from(ca.certificatePem), ca.certificate.raw]) {
    refuses(t, 'ERR_OCSP_MALFORMED', () => loadPkcs12(data, 'sesame'));
  }
  for (const data of [null, undefined, 'text', {}]) refusesType(t, () => loadPkcs12(wrong(data), 'sesame'));
  for (const passphrase of [null, 5, {}]) refusesType(t, () => loadPkcs12(Buffer.alloc(1), wrong(passphrase)));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => loadPkcs12(Buffer.alloc(1), 'a\0b'));
  refuses(t, 'ERR_OCSP_INVALID_VALUE', () => loadPkcs12(Buffer.alloc(1), 'a'.repeat(1025)));
});

withCli('several keys: the certificate chooses, nothing else does', (t) => {
  const one = pkcs12(t, ['-name', 'first key']);
  const two = pkcs12(t, [], { keyType: 'rsa' });
  const files = [one, two];
  for (const data of [mergedPkcs12([one.data, two.data]), mergedPkcs12([two.data, one.data])]) {
    const error = refuses(t, 'ERR_OCSP_INVALID_VALUE', () => loadPkcs12(data, 'sesame'));
    t.regex(error?.message ?? '', /several private keys/);
    t.regex(error?.message ?? '', /first key \(/);
    const subject = new X509Certificate(two.responder.certificatePem).subject.split('\n').reverse().join(',');
    t.true(error?.message.includes(subject), error?.message);
    for (const { responder } of files) {
      const wanted = new X509Certificate(responder.certificatePem);
      const loaded = loadPkcs12(data, 'sesame', wanted);
      t.is(loaded.certificate?.fingerprint256, wanted.fingerprint256);
      t.true(wanted.checkPrivateKey(loaded.privateKey));
      t.false(loaded.certificates.some((other) => other.fingerprint256 === wanted.fingerprint256));
    }
    refuses(t, 'ERR_OCSP_KEY_MISMATCH', () => loadPkcs12(data, 'sesame', ca.certificate));
    refuses(t, 'ERR_OCSP_MALFORMED', () => loadPkcs12(data, 'Sesame', ca.certificate));
  }
  refuses(t, 'ERR_OCSP_KEY_MISMATCH', () => loadPkcs12(one.data, 'sesame', ca.certificate));
  refusesType(t, () => loadPkcs12(one.data, 'sesame', wrong('text')));
  const twice = loadPkcs12(mergedPkcs12([one.data, one.data]), 'sesame');
  t.is(twice.certificate?.fingerprint256, new X509Certificate(one.responder.certificatePem).fingerprint256);
});
