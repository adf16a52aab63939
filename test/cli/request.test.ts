import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { loadDerOcspRequest, OCSPNonce } from 'openssl-ocsp';
import { createTestCa } from 'openssl-ocsp/testing';
import { type CommandResult, command, commandInside } from '../helpers/command.js';
import { withCli } from '../helpers/conditional.js';
import { openssl, opensslCliVersion, Scratch } from '../helpers/openssl-cli.js';

const oneCa = createTestCa({ subject: 'CN=One' });
const otherCa = createTestCa({ subject: 'CN=Other', keyType: 'ed25519' });
const one = oneCa.issue({
  subject: 'CN=leaf',
  serialNumber: 0x00ffee01n,
  aia: { ocsp: ['http://one.test/', 'http://two.test/a\x1b[31mb'], caIssuers: 'http://issuers.test/' },
});
const two = otherCa.issue({ subject: 'CN=silent' });
const signer = oneCa.issue({ subject: 'CN=signer' });

function files(t: ExecutionContext) {
  const scratch = new Scratch();
  t.teardown(() => scratch[Symbol.dispose]());
  const encrypt = { format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'sesame' } as const;
  return {
    scratch,
    leaf: scratch.write('leaf.pem', one.certificatePem),
    silent: scratch.write('silent.der', two.certificate.raw),
    ca: scratch.write('ca.pem', oneCa.certificatePem),
    other: scratch.write('other.pem', otherCa.certificatePem),
    cert: scratch.write('signer.pem', signer.certificatePem),
    key: scratch.write('signer.key', signer.privateKeyPem),
    encrypted: scratch.write('encrypted.key', signer.privateKey.export(encrypt)),
  };
}

const request = (...args: readonly string[]): Promise<CommandResult> => commandInside(['request', ...args]);

withCli('the request is that of openssl, byte by byte', async (t) => {
  const { scratch, leaf, ca } = files(t);
  const out = scratch.path('openssl.der');
  const cli = (...args: string[]): Buffer => {
    const made = openssl(['ocsp', '-no_nonce', ...args, '-reqout', out]);
    t.is(made.status, 0, made.stderr);
    return readFileSync(out);
  };
  for (const hash of ['sha1', 'sha256', 'sha384', 'sha512']) {
    const made = await request('--cert', leaf, '--issuer', ca, '--hash', hash);
    t.is(made.status, 0, made.stderr);
    t.deepEqual(made.bytes, cli(`-${hash}`, '-issuer', ca, '-cert', leaf), hash);
  }
  const bySerial = await request('--serial', 'FFEE01', '--serial', '0a:0b', '--issuer', ca);
  t.deepEqual(bySerial.bytes, cli('-sha256', '-issuer', ca, '-serial', '0xFFEE01', '-sha256', '-serial', '0x0a0b'));
});

test('several certificates, each with the issuer that it has', async (t) => {
  const { scratch, leaf, silent, ca, other } = files(t);
  const { bytes, stderr } = await request('--cert', leaf, '--cert', silent, '--issuer', other, '--issuer', ca);
  const { requests } = loadDerOcspRequest(bytes);
  t.is(requests.length, 2);
  t.is(requests[0]?.serialNumber, 0xffee01n);
  t.false(requests[0]?.hasSameIssuer(requests[1]!));
  t.is(stderr, 'CN=leaf asks at http://one.test/, http://two.test/a\\u{1b}[31mb\nCN=silent names no responder\n');
  // In a file with its chain.
  const chain = scratch.write('chain.pem', two.certificatePem + otherCa.certificatePem);
  t.deepEqual(
    loadDerOcspRequest((await request('--cert', chain)).bytes).requests[0]?.serialNumber,
    requests[1]?.serialNumber,
  );
});

test('nonces', async (t) => {
  const { leaf, ca } = files(t);
  const nonceOf = async (...args: string[]): Promise<Buffer> => {
    const made = await request('--cert', leaf, '--issuer', ca, ...args);
    t.is(made.status, 0, made.stderr);
    return loadDerOcspRequest(made.bytes).extensions.getExtensionForClass(OCSPNonce).value.nonce;
  };
  t.is((await nonceOf('--nonce')).length, 32);
  t.is((await nonceOf('--nonce=16')).length, 16);
  t.is((await nonceOf('--nonce=128')).length, 128);
  t.deepEqual(await nonceOf('--nonce=00FFab12'), Buffer.from('00ffab12', 'hex'));
  t.notDeepEqual(await nonceOf('--nonce'), await nonceOf('--nonce'));
  for (const value of ['0', '129', '999', 'abc', 'xyz1', '', 'ab'.repeat(129)]) {
    t.is((await request('--cert', leaf, '--issuer', ca, `--nonce=${value}`)).status, 2, value);
  }
});

test('forms and places of output', async (t) => {
  const { scratch, leaf, ca } = files(t);
  const about = ['--cert', leaf, '--issuer', ca];
  const der = (await request(...about)).bytes;
  const pem = (await request(...about, '--pem')).stdout;
  t.regex(pem, /^-----BEGIN OCSP REQUEST-----\n([A-Za-z0-9+/=]{1,64}\n)+-----END OCSP REQUEST-----\n$/);
  t.is((await request(...about, '--base64')).stdout, `${der.toString('base64')}\n`);
  const out = scratch.path('out');
  const written = await request(...about, '--out', out);
  t.is(written.stdout, '');
  t.deepEqual(readFileSync(out), der);
  await request(...about, '--pem', '--out', out);
  t.is(readFileSync(out, 'utf8'), pem);
  for (const form of [pem, der.toString('base64'), der]) {
    t.is((await command(['inspect'], { input: form })).status, 0);
  }
  const { stdout, stderr } = await request(...about, '--json', '--nonce=0102abcd');
  t.is(stderr, '');
  const summary = JSON.parse(stdout) as { request: string; bytes: number };
  const made = Buffer.from(summary.request, 'base64');
  t.deepEqual<object, object>(summary, {
    bytes: made.length,
    hash: 'sha256',
    nonce: '0102abcd',
    signed: false,
    entries: [{ serialNumber: one.certificate.serialNumber, urls: ['http://one.test/', 'http://two.test/a\x1b[31mb'] }],
    request: summary.request,
  });
  t.is(loadDerOcspRequest(made).requests.length, 1);
  const toFile = JSON.parse((await request(...about, '--json', '--out', out)).stdout) as object;
  t.like(toFile, { out, nonce: null });
  t.false('request' in toFile);
  const standardOutput = [...about, '--nonce=0102abcd', '--out', '-'];
  t.deepEqual((await request(...standardOutput)).bytes, made);
  t.deepEqual<object, object>(JSON.parse((await request(...standardOutput, '--json')).stdout) as object, summary);
});

test('signed requests verify, by this library and by openssl', async (t) => {
  const { scratch, leaf, ca, cert, key, encrypted } = files(t);
  const about = ['--cert', leaf, '--issuer', ca, '--sign-cert', cert];
  const pass = scratch.write('pass', 'sesame\nmore\n');
  const env = { SESAME: 'sesame' };
  for (const args of [
    ['--sign-key', key],
    ['--sign-key', key, '--digest', 'sha384'],
    ['--sign-key', encrypted, '--passphrase-file', pass],
    ['--sign-key', encrypted, '--passphrase-env', 'SESAME'],
  ]) {
    const { bytes, status, stderr } = await command(['request', ...about, ...args], { env });
    t.is(status, 0, stderr);
    const made = loadDerOcspRequest(bytes);
    t.true(made.verifySignature({ trust: [oneCa.certificate] }).verified);
    t.is(made.signatureHashAlgorithm as string, args.includes('sha384') ? 'sha384' : 'sha256');
    const text = openssl(['ocsp', '-reqin', scratch.write('signed', bytes), '-req_text', '-noverify']).stdout;
    if (opensslCliVersion !== null)
      t.regex(text, /Requestor Name: DirName:\/?CN ?= ?signer[\s\S]*Signature Algorithm: ecdsa-with-SHA/);
  }
  const ed = otherCa.issue({ keyType: 'ed25519' });
  const [edCert, edKey] = [scratch.write('ed.pem', ed.certificatePem), scratch.write('ed.key', ed.privateKeyPem)];
  const byEd = await request('--cert', leaf, '--issuer', ca, '--sign-cert', edCert, '--sign-key', edKey);
  t.true(loadDerOcspRequest(byEd.bytes).verifySignature({ trust: [otherCa.certificate] }).verified);

  for (const [args, expected] of [
    [['--sign-key', encrypted], 1],
    [['--sign-key', encrypted, '--passphrase-file', cert], 1],
    [['--sign-key', edKey], 1],
    [['--sign-key', cert], 1],
    [['--sign-key', '/no/such/file'], 1],
    [[], 2],
    [['--sign-key', encrypted, '--passphrase-env', 'NO_SUCH_VARIABLE'], 2],
    [['--sign-key', encrypted, '--passphrase-env', 'SESAME', '--passphrase-file', pass], 2],
    [['--sign-key', key, '--digest', 'md5'], 2],
  ] as const) {
    const { status, stdout, stderr } = await command(['request', ...about, ...args], { env });
    t.is(status, expected, args.join(' '));
    t.is(stdout, '');
    t.notRegex(stderr, /\n\s+at |sesame/);
  }
});

test('failures and wrong usage', async (t) => {
  const { leaf, silent, ca } = files(t);
  for (const [args, expected] of [
    [['--cert', silent, '--issuer', ca], 1],
    [['--cert', '/no/such/file', '--issuer', ca], 1],
    [['--cert', leaf, '--issuer', ca, '--out', '/no/such/folder/file'], 1],
    [[], 2],
    [['--issuer', ca], 2],
    [['--cert', leaf], 2],
    [['--serial', '12'], 2],
    [['--serial', '12x', '--issuer', ca], 2],
    [['--serial', '12', '--issuer', ca, '--issuer', ca], 2],
    [['--cert', leaf, '--issuer', ca, '--hash', 'md5'], 2],
    [['--cert', leaf, '--issuer', ca, '--pem', '--base64'], 2],
    [['--cert', leaf, '--issuer', ca, '--pem', '--json'], 2],
    [['--cert', leaf, '--issuer', ca, '--digest', 'sha256'], 2],
    [['--cert', leaf, '--issuer', ca, '--passphrase-file', leaf], 2],
    [['--cert', leaf, '--issuer', ca, '--passphrase-env', 'PATH'], 2],
    [['--cert', leaf, '--issuer', ca, 'argument'], 2],
  ] as const) {
    const { status, stdout, stderr } = await request(...args);
    t.is(status, expected, args.join(' '));
    t.is(stdout, '');
    t.regex(stderr, /^openssl-ocsp request: .+\n/);
    t.notRegex(stderr, /\n\s+at /);
  }
});
