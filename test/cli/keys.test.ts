import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { loadDerOcspRequest } from 'openssl-ocsp';
import { SegmentStore } from 'openssl-ocsp/bulk';
import { createTestCa, generateTestKeyPair } from 'openssl-ocsp/testing';
import { command, forEachOf } from '../helpers/command.js';
import { testIf, withCli } from '../helpers/conditional.js';
import { openssl, opensslCliVersion, Scratch } from '../helpers/openssl-cli.js';
import { mergedPkcs12 } from '../helpers/pkcs12.js';

const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const ca = createTestCa({ subject: 'CN=Keys CA' });
const responder = ca.issueResponder({ keyType: 'rsa' });
const scratch = new Scratch();
test.after.always(() => scratch[Symbol.dispose]());

const issuer = scratch.write('ca.pem', ca.certificatePem);
const cert = scratch.write('cert.pem', responder.certificatePem);
const key = scratch.write('key.pem', responder.privateKeyPem);
const pass = scratch.write('pass', 'sesame\r\nnot this line\n');
const wrongPass = scratch.write('wrong', 'open\n');
const about = ['request', '--serial', '1234', '--issuer', issuer];

/** A file that openssl makes of the key, or of the key and the certificate. */
function made(name: string, ...args: string[]): string {
  const path = scratch.path(name);
  const run = openssl([...args, '-out', path]);
  if (run.status !== 0) throw new Error(run.stderr);
  return path;
}

const encrypt = ['-passout', 'pass:sesame'];
const exporting = ['pkcs12', '-export', '-inkey', key, '-in', cert, '-certfile', issuer];

function signedBy(t: { true(value: boolean, message?: string): void }, bytes: Buffer, what: string): void {
  t.true(loadDerOcspRequest(bytes).verifySignature({ trust: [ca.certificate] }).verified, what);
}

withCli('keys in every form', async (t) => {
  const withCert = ['--sign-cert', cert];
  const unlock = ['--passphrase-file', pass];
  const cases: [key: string, ...args: string[]][] = [
    [made('pkcs1.pem', 'rsa', '-traditional', '-in', key), ...withCert],
    [made('pkcs1.der', 'rsa', '-traditional', '-in', key, '-outform', 'DER'), ...withCert],
    [made('pkcs8.der', 'pkey', '-in', key, '-outform', 'DER'), ...withCert],
    [made('pkcs8-aes.pem', 'pkcs8', '-topk8', '-in', key, ...encrypt), ...withCert, ...unlock],
    [made('pkcs8-aes.der', 'pkcs8', '-topk8', '-in', key, '-outform', 'DER', ...encrypt), ...withCert, ...unlock],
    [made('pkcs1-aes.pem', 'rsa', '-traditional', '-aes256', '-in', key, ...encrypt), ...withCert, ...unlock],
    [made('file.p12', ...exporting, ...encrypt), ...unlock],
    [made('file.p12', ...exporting, ...encrypt), ...withCert, '--passphrase-env', 'SESAME'],
    [made('open.p12', ...exporting, '-passout', 'pass:')],
    [`file:${key}`, ...withCert],
    [`file:${scratch.path('pkcs8-aes.pem')}`, ...withCert, ...unlock],
  ];
  await forEachOf(cases, async (args) => {
    const { status, bytes, stderr } = await command([...about, '--sign-key', ...args], { env: { SESAME: 'sesame' } });
    t.is(status, 0, stderr);
    signedBy(t, bytes, args.join(' '));
  });
});

withCli('a key or a passphrase on standard input, which is one thing only', async (t) => {
  const signing = [...about, '--sign-cert', cert];
  const locked = made('stdin.pem', 'pkcs8', '-topk8', '-in', key, ...encrypt);
  const good: [input: Buffer, ...args: string[]][] = [
    [scratch.read('key.pem'), '--sign-key', '-'],
    [scratch.read('stdin.pem'), '--sign-key', '-', '--passphrase-file', pass],
    [scratch.read('pass'), '--sign-key', locked, '--passphrase-file', '-'],
  ];
  await forEachOf(good, async ([input, ...args]) => {
    const { status, bytes, stderr } = await command([...signing, ...args], { input });
    t.is(status, 0, stderr);
    signedBy(t, bytes, args.join(' '));
  });
  const bad: [input: Buffer, ...args: string[]][] = [
    [scratch.read('key.pem'), ...signing, '--sign-key', '-', '--passphrase-file', '-'],
    [scratch.read('ca.pem'), 'request', '--serial', '1234', '--issuer', '-', '--sign-cert', cert, '--sign-key', '-'],
    [scratch.read('ca.pem'), 'verify', '--serial', '1234', '--issuer', '-'],
    [scratch.read('ca.pem'), 'verify', '-', '--cert', '-', '--issuer', issuer],
  ];
  await forEachOf(bad, async ([input, ...args]) => {
    const { status, stderr } = await command(args, { input });
    t.is(status, 2, stderr);
    t.regex(stderr, /standard input can be one thing only/, args.join(' '));
  });
});

withCli('bulk-sign: with the certificate of a PKCS#12 file, and with a key of a store', async (t) => {
  const list = scratch.write('list.csv', 'serial,status\n0A,good\n0B,unknown\n');
  const file = made('bulk.p12', ...exporting, ...encrypt);
  const signers = [
    ['--key', file, '--passphrase-file', pass],
    ['--key', `file:${file}`, '--signer', cert, '--passphrase-file', pass],
  ];
  await forEachOf(signers, async (signer, index) => {
    const folder = scratch.path(`store${index}`);
    const args = ['--issuer', issuer, '--csv', list, '--out', folder, '--json', '--verify-sample', '1'];
    const { status, stderr, stdout } = await command(['bulk-sign', ...signer, ...args]);
    t.is(status, 0, stderr);
    t.is((JSON.parse(stdout) as { signed: number }).signed, 2);
    const store = await SegmentStore.open(folder);
    t.teardown(() => store.close());
  });
});

withCli('several keys in a PKCS#12 file: the certificate chooses, wherever one is taken', async (t) => {
  const list = scratch.write('several.csv', 'serial,status\n0A,good\n');
  const one = ca.issueResponder({ keyType: 'ec' });
  const oneKey = scratch.write('one.key', one.privateKeyPem);
  const oneCert = scratch.write('one.pem', one.certificatePem);
  made('one.p12', 'pkcs12', '-export', '-inkey', oneKey, '-in', oneCert, '-passout', 'pass:sesame');
  made('two.p12', ...exporting, ...encrypt);
  const parts = ['one.p12', 'two.p12'].map((name) => scratch.read(name));
  const unlock = ['--passphrase-file', pass];
  const bulk = ['bulk-sign', '--issuer', issuer, '--csv', list, '--verify-sample', '1', ...unlock];
  const other = scratch.write('neither.pem', ca.issueResponder().certificatePem);
  await forEachOf([parts, parts.toReversed()], async (order, index) => {
    const file = scratch.write(`several${index}.p12`, mergedPkcs12(order));
    const ways: [string, (cert: string[]) => string[]][] = [
      ['sign', (by) => [...about, '--sign-key', file, ...unlock, ...by.flatMap((path) => ['--sign-cert', path])]],
      [
        'bulk',
        (by) => [
          ...bulk,
          '--key',
          file,
          '--out',
          scratch.path(`several${index}`),
          ...by.flatMap((path) => ['--signer', path]),
        ],
      ],
    ];
    for (const [name, way] of ways) {
      const none = await command(way([]));
      t.is(none.status, 1, name);
      t.regex(none.stderr, /several private keys/, name);
      const neither = await command(way([other]));
      t.is(neither.status, 1, name);
      t.regex(neither.stderr, /ERR_OCSP_KEY_MISMATCH/, name);
      for (const path of [oneCert, cert]) {
        const { status, bytes, stderr } = await command(way([path]));
        t.is(status, 0, `${name}: ${stderr}`);
        if (name === 'sign') signedBy(t, bytes, path);
      }
    }
  });
});

withCli('several keys in a PEM file: the certificate chooses', async (t) => {
  const [one, two, neither] = [ca.issueResponder({ keyType: 'ec' }), ca.issueResponder(), ca.issueResponder()];
  const paths = [one, two].map(({ certificatePem }, index) => scratch.write(`pem${index}.pem`, certificatePem));
  made('locked.pem', 'pkcs8', '-topk8', '-in', key, ...encrypt);
  const locked = String(scratch.read('locked.pem'));
  const [keyOne, keyTwo] = [one.privateKeyPem, two.privateKeyPem];
  const other = scratch.write('no-one.pem', neither.certificatePem);
  const orders = [
    [keyOne, keyTwo],
    [keyTwo, keyOne],
    [locked, keyOne, one.certificatePem, keyTwo],
  ];
  await forEachOf(orders, async (order, index) => {
    const file = scratch.write(`keys${index}.pem`, order.join(''));
    for (const path of paths) {
      const { status, bytes, stderr } = await command([...about, '--sign-key', file, '--sign-cert', path]);
      t.is(status, 0, stderr);
      signedBy(t, bytes, path);
    }
    const { status, stderr } = await command([
      ...about,
      '--sign-key',
      file,
      '--sign-cert',
      other,
      '--passphrase-file',
      pass,
    ]);
    t.is(status, 1);
    t.regex(stderr, /none of the private keys in .*ERR_OCSP_KEY_MISMATCH/);
  });
});

withCli('clear errors', async (t) => {
  const encrypted = made('encrypted.pem', 'pkcs8', '-topk8', '-in', key, ...encrypt);
  const encryptedDer = made('encrypted.der', 'pkcs8', '-topk8', '-in', key, '-outform', 'DER', ...encrypt);
  const old = made('old.pem', 'rsa', '-traditional', '-aes256', '-in', key, ...encrypt);
  const file = made('clear.p12', ...exporting, ...encrypt);
  const bare = made('bare.p12', 'pkcs12', '-export', '-nocerts', '-inkey', key, ...encrypt);
  const publicKey = made('public.pem', 'pkey', '-in', key, '-pubout');
  const publicDer = made('public.der', 'pkey', '-in', key, '-pubout', '-outform', 'DER');
  const legacy = made('legacy.p12', ...exporting, '-legacy', ...encrypt);
  const providers = ['-provider', 'legacy', '-provider', 'default'];
  const weak = ['pkcs8', '-topk8', '-in', key, ...providers, ...encrypt];
  const legacyKeys = [
    made('des.pem', ...weak, '-v1', 'PBE-MD5-DES'),
    made('rc2.der', ...weak, '-v1', 'PBE-SHA1-RC2-40', '-outform', 'DER'),
    made('old-des.pem', 'rsa', '-traditional', '-des', '-in', key, ...providers, ...encrypt),
  ];
  const other = scratch.write('other.pem', ca.issueResponder().privateKeyPem);
  const exchange = generateTestKeyPair({ keyType: 'x25519' }).privateKey.export({ format: 'pem', type: 'pkcs8' });
  const noSigner = scratch.write('x25519.pem', exchange);
  const withCert = ['--sign-cert', cert];
  const unlock = ['--passphrase-file', pass];
  const cut = scratch.write('cut.p12', scratch.read('clear.p12').subarray(0, 500));
  const bundle = scratch.write('bundle.pem', responder.certificatePem + String(scratch.read('encrypted.pem')));
  const damaged = scratch.write('damaged.pem', String(scratch.read('encrypted.pem')).slice(0, 900));
  const wanted = /needs a passphrase: name it by --passphrase-file or --passphrase-env \[ERR_OCSP_MALFORMED\]/;
  const wrong = /passphrase.* is wrong, or .* damaged.*\[ERR_OCSP_MALFORMED\]/;
  const cases: [status: number, message: RegExp, key: string, ...args: string[]][] = [
    [1, wanted, encrypted, ...withCert],
    [1, wanted, encryptedDer, ...withCert],
    [1, wanted, old, ...withCert],
    [1, wanted, bundle, ...withCert],
    [1, wanted, file],
    [1, wanted, `file:${encrypted}`, ...withCert],
    ...[encrypted, encryptedDer, old, bundle, file, `file:${encrypted}`].map(
      (path): [number, RegExp, string, ...string[]] => [1, wrong, path, ...withCert, '--passphrase-file', wrongPass],
    ),
    [1, /public\.pem holds a public key, no private key/, publicKey, ...withCert],
    [1, /public\.der holds a public key, no private key/, publicDer, ...withCert],
    [1, /cert\.pem holds a certificate, no private key/, cert, ...withCert],
    [1, /damaged\.pem holds no private key that can be read/, damaged, ...withCert],
    [1, /pass holds no private key/, pass, ...withCert],
    [1, /holds no private key/, `file:${publicKey}`, ...withCert],
    [1, /ERR_OCSP_MALFORMED/, cut, ...unlock],
    [1, /RC2-40.*ERR_OCSP_UNSUPPORTED_ALGORITHM/, legacy, ...unlock],
    ...legacyKeys.flatMap((path): typeof cases => [
      [1, /--openssl-legacy-provider.*ERR_OCSP_UNSUPPORTED_ALGORITHM/, path, ...withCert, ...unlock],
    ]),
    [1, /ERR_OCSP_KEY_MISMATCH/, other, ...withCert],
    [1, /ERR_OCSP_INVALID_VALUE/, noSigner, ...withCert],
    [1, /no such file/i, '/no/such/file', ...withCert],
    [1, /No such file.*ERR_OCSP_INVALID_VALUE/, 'file:/no/such/file', ...withCert],
    [1, /cannot open 'pkcs11:token=x'.*ERR_OCSP_INVALID_VALUE/, 'pkcs11:token=x?pin-value=98765', ...withCert],
    [2, /--sign-cert is missing/, key],
    [2, /--sign-cert is missing/, bare, ...unlock],
    [2, /two passphrases/, encrypted, ...withCert, ...unlock, '--passphrase-env', 'SESAME'],
    [2, /no environment variable NO_SUCH/, encrypted, ...withCert, '--passphrase-env', 'NO_SUCH'],
    [1, /no such file/i, encrypted, ...withCert, '--passphrase-file', '/no/such/file'],
  ];
  await forEachOf(cases, async ([expected, message, ...args]) => {
    const { status, bytes, stderr } = await command([...about, '--sign-key', ...args]);
    t.is(status, expected, `${args.join(' ')}: ${stderr}`);
    t.regex(stderr, message);
    t.is(bytes.length, 0);
    t.notRegex(stderr, /sesame|98765|PRIVATE KEY-/, 'no secret is told');
  });
});

/** Starts the command under a terminal that answers `typed` to the question; returns all that the terminal showed. */
const IN_A_TERMINAL = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
shown, typed = b'', sys.argv[1].encode().decode('unicode_escape').encode()
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:
        break
    if not part:
        break
    shown += part
    if typed and b'Passphrase of' in shown:
        os.write(terminal, typed)
        typed = b''
os.write(1, shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;
const hasPython = spawnSync('python3', ['-c', 'import pty, os; os.waitstatus_to_exitcode']).status === 0;

async function inTerminal(typed: string, args: readonly string[]): Promise<{ status: number | null; shown: string }> {
  const child = spawn('python3', ['-c', IN_A_TERMINAL, typed, process.execPath, main, ...args]);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { status, shown: Buffer.concat(chunks).toString() };
}

testIf(hasPython && opensslCliVersion !== null)('a terminal is asked, and shows nothing of the answer', async (t) => {
  const encrypted = made('asked.pem', 'pkcs8', '-topk8', '-in', key, ...encrypt);
  const file = made('asked.p12', ...exporting, ...encrypt);
  const out = (index: number): string => scratch.path(`asked${index}.der`);
  const sources = [[encrypted, '--sign-cert', cert], [file], [`file:${encrypted}`, '--sign-cert', cert]];
  await forEachOf(sources, async (source, index) => {
    const args = [...about, '--out', out(index), '--sign-key', ...source];
    // (With a slip that is corrected.)
    const { status, shown } = await inTerminal('sesamex\\x7f\\r', args);
    t.is(status, 0, shown);
    t.is(shown.split('Passphrase of').length, 2, 'asked once');
    t.false(shown.includes('sesame'), shown);
    signedBy(t, scratch.read(`asked${index}.der`), shown);
    const refused = await inTerminal('opening\\r', args);
    t.is(refused.status, 1);
    t.regex(refused.shown, /is wrong, or/);
    t.false(refused.shown.includes('opening'), refused.shown);
  });
  for (const key of ['\\x03', '\\x04']) {
    const { status, shown } = await inTerminal(key, [...about, '--sign-key', file]);
    t.is(status, 1);
    t.regex(shown, /no passphrase was given/);
  }
  const unasked = await inTerminal('sesame\\r', [
    ...about,
    '--out',
    out(9),
    '--sign-key',
    file,
    '--passphrase-file',
    pass,
  ]);
  t.is(unasked.status, 0);
  t.notRegex(unasked.shown, /Passphrase/);
  // A pipe is read once, though the key is tried twice.
  const pipe = scratch.path('pipe');
  spawnSync('mkfifo', [pipe]);
  spawn('sh', ['-c', 'cat "$0" > "$1"', encrypted, pipe]);
  const piped = await inTerminal('sesame\\r', [...about, '--out', out(10), '--sign-key', pipe, '--sign-cert', cert]);
  t.is(piped.status, 0, piped.shown);
});
