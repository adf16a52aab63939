import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { OCSPNonce, OCSPRequestBuilder, OCSPResponseBuilder } from 'openssl-ocsp';
import { createTestCa, TestResponseKit } from 'openssl-ocsp/testing';
import { type CommandResult, commandInside, forEachOf } from '../helpers/command.js';
import { openssl, opensslCliVersion, Scratch } from '../helpers/openssl-cli.js';

const EXIT = { good: 0, revoked: 3, unknown: 4 } as const;
const kit = new TestResponseKit();

/** Files with the certificates of the kit. */
function files(t: ExecutionContext): { scratch: Scratch; leaf: string; ca: string; root: string; about: string[] } {
  const scratch = new Scratch();
  t.teardown(() => scratch[Symbol.dispose]());
  const leaf = scratch.write('leaf.pem', kit.leaf.certificatePem);
  const ca = scratch.write('ca.pem', kit.ca.certificatePem);
  const root = scratch.write('root.der', kit.root.certificate.raw);
  return { scratch, leaf, ca, root, about: ['--cert', leaf, '--issuer', ca] };
}

const verify = (args: readonly string[], input: Uint8Array | string = ''): Promise<CommandResult> =>
  commandInside(['verify', ...args], input);

test('the exit code of every answer that has to be accepted', async (t) => {
  const { about } = files(t);
  await forEachOf(kit.good(), async ({ name, der, status }) => {
    const text = await verify(about, der);
    t.is(text.status, EXIT[status], name);
    t.regex(text.stdout, new RegExp(`\n=> ${status}\\b`), name);
    t.is(text.stderr, '', name);
    const json = await verify([...about, '--json'], der);
    t.is(json.status, EXIT[status], name);
    t.like(JSON.parse(json.stdout), { verdict: status, status, usable: true, refusals: [] }, name);
  });
});

test('every answer that has to be refused ends in 5, with its reason', async (t) => {
  const { about } = files(t);
  await forEachOf(kit.bad(), async ({ name, der, refusal }, i) => {
    const json = await verify([...about, '--json'], der);
    t.is(json.status, 5, `${name}: ${json.stderr}`);
    const { verdict, status, usable, refusals } = JSON.parse(json.stdout) as Record<string, unknown>;
    t.deepEqual([verdict, status, usable], ['refused', null, false], name);
    t.true(
      (refusals as { code: string }[]).some(({ code }) => code === refusal),
      name,
    );
    if (i % 8 > 0) return;
    const text = await verify(about, der);
    t.is(text.status, 5, name);
    t.true(text.stdout.includes(`[${refusal}, RFC `), name);
    t.regex(text.stdout, /\n=> not usable: /);
  });
});

test('the members of the JSON are these', async (t) => {
  const { about } = files(t);
  const { stdout } = await verify(
    [...about, '--json'],
    kit.respond(kit.entry({ status: 'revoked', revocationReason: 4 })),
  );
  const verdict = JSON.parse(stdout) as Record<string, unknown>;
  t.deepEqual(Object.keys(verdict).sort(), [
    ...[
      'at',
      'authority',
      'freshUntil',
      'nextUpdate',
      'nonce',
      'producedAt',
      'refreshAt',
      'refusals',
      'responseStatus',
    ],
    ...['revocationReason', 'revocationTime', 'serialNumber', 'signer', 'status', 'thisUpdate', 'usable', 'verdict'],
  ]);
  t.like(verdict, {
    responseStatus: 'SUCCESSFUL',
    serialNumber: '1234567890',
    revocationReason: 'superseded',
    authority: 'delegate',
  });
});

test('the response as PEM, as base64, from a file', async (t) => {
  const { scratch, about } = files(t);
  const der = kit.respond();
  const base64 = der.toString('base64');
  const pem = `-----BEGIN OCSP RESPONSE-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END OCSP RESPONSE-----\n`;
  for (const [name, content] of Object.entries({ der, base64, pem })) {
    t.is((await verify([scratch.write(name, content), ...about])).status, 0, name);
    t.is((await verify(['-', ...about], content)).status, 0, name);
  }
});

test('which certificate is meant: a chain, a serial number, a request', async (t) => {
  const { scratch, ca, root, leaf } = files(t);
  const der = kit.respond();
  const chain = scratch.write(
    'chain.pem',
    [kit.leaf, kit.root, kit.ca].map((item) => item.certificatePem).join('text\n'),
  );
  const ofChain = await verify(['--cert', chain], der);
  t.is(ofChain.status, 0);
  t.regex(ofChain.stderr, /^note: the issuer CN=Test CA comes from .* and is taken as it is; --ca-file/);
  t.is((await verify(['--cert', chain, '--trust', root], der)).stderr, '');
  for (const serial of ['1234567890', '0x1234567890', '12:34:56:78:90', '001234567890']) {
    t.is((await verify(['--serial', serial, '--issuer', ca], der)).status, 0, serial);
  }
  t.is((await verify(['--serial', '78187493520', '--issuer', ca], der)).status, 5);
  const request = new OCSPRequestBuilder().addCertificate(kit.leaf.certificate, kit.ca.certificate, 'sha1').build();
  const requestFile = scratch.write('request.der', request.publicBytes());
  t.is((await verify(['--request', requestFile, '--issuer', ca], der)).status, 0);
  t.is((await verify(['--request', requestFile, '--issuer', root], der)).status, 5);
  // An issuer that is none.
  const other = await verify(['--cert', leaf, '--issuer', root], der);
  t.is(other.status, 1);
  t.regex(other.stderr, /CN=leaf was not issued by what --issuer names/);
});

test('two of what there can be one of, in one file, are never one of them', async (t) => {
  const { scratch, about, ca } = files(t);
  const block = (label: string, der: Buffer) =>
    `-----BEGIN ${label}-----\n${der.toString('base64')}\n-----END ${label}-----\n`;
  const good = block('OCSP RESPONSE', kit.respond());
  const revoked = block('OCSP RESPONSE', kit.respond(kit.entry({ status: 'revoked' })));
  const request = new OCSPRequestBuilder().addCertificate(kit.leaf.certificate, kit.ca.certificate, 'sha1').build();
  const asked = block('OCSP REQUEST', request.publicBytes());
  for (const text of [good + revoked, revoked + good, good + kit.ca.certificatePem + good, asked + good]) {
    const { status, stderr } = await verify(about, text);
    t.is(status, 1);
    t.regex(stderr, /2 OCSP messages in the PEM text/);
  }
  t.is((await verify(about, kit.ca.certificatePem + good)).status, 0);

  const other = kit.ca.issue({ subject: 'CN=other' });
  const both = [kit.leaf, other, kit.ca].map(({ certificatePem }) => certificatePem).join('');
  for (const args of [
    ['--cert', scratch.write('both.pem', both)],
    ['--cert', scratch.path('both.pem'), '--issuer', ca],
  ]) {
    const { status, stderr } = await verify(args, good);
    t.is(status, 2, stderr);
    t.regex(stderr, /both\.pem holds another certificate than CN=leaf and its chain: CN=other/);
  }
  for (const [name, ...behind] of [
    ['twice', kit.leaf],
    ['delegate', kit.responder],
    ['root', kit.root],
  ] as const) {
    const chain = [kit.leaf, kit.ca, ...behind].map(({ certificatePem }) => certificatePem).join('');
    t.is((await verify(['--cert', scratch.write(`${name}.pem`, chain)], good)).status, 0, name);
  }
});

test('a namesake of the CA is not taken for it', async (t) => {
  const { scratch, leaf } = files(t);
  const namesake = createTestCa({ subject: 'CN=Test CA' });
  const forged = kit.respond(kit.entry({ issuer: namesake.certificate }), { signer: namesake });
  const path = scratch.write('namesake.pem', namesake.certificatePem);
  t.is((await verify(['--cert', leaf, '--issuer', path], forged)).status, 1);
  const chain = scratch.write('forged-chain.pem', kit.leaf.certificatePem + namesake.certificatePem);
  t.is((await verify(['--cert', chain], forged)).status, 2);
});

test('what is trusted', async (t) => {
  const { scratch, about, root } = files(t);
  const der = kit.respond();
  const rootPem = scratch.write('root.pem', kit.root.certificatePem);
  const stranger = createTestCa({ subject: 'CN=Stranger' });
  const other = scratch.write('stranger.pem', stranger.certificatePem);
  t.is((await verify([...about, '--trust', root], der)).status, 0);
  t.is((await verify([...about, '--trust', other, '--trust', root], der)).status, 0);
  t.is((await verify([...about, '--ca-file', rootPem], der)).status, 0);
  for (const args of [['--trust', other], ['--ca-file', other], ['--ca-path', scratch.path('.')], ['--system']]) {
    t.is((await verify([...about, ...args], der)).status, 5, args.join(' '));
  }
  const byStranger = kit.respond(undefined, { signer: stranger });
  t.is((await verify(about, byStranger)).status, 5);
  t.is((await verify([...about, '--responder-cert', other], byStranger)).status, 0);
  const without = kit.respond(undefined, { certificates: [] });
  const responder = scratch.write('responder.pem', kit.responder.certificatePem);
  t.is((await verify(about, without)).status, 5);
  t.is((await verify([...about, '--untrusted', responder], without)).status, 0);
});

test('what is accepted: times', async (t) => {
  const { about } = files(t);
  const hour = 3600 * 1000;
  const now = Date.now();
  const der = kit.respond(kit.entry({ thisUpdate: new Date(now - 5 * hour), nextUpdate: new Date(now + hour) }));
  const code = async (...args: string[]): Promise<number | null> => (await verify([...about, ...args], der)).status;
  const at = (offset: number): string => new Date(now + offset).toISOString().replace(/\.\d+/, '');
  t.is(await code(), 0);
  t.is(await code('--max-age', '3600'), 5);
  t.is(await code('--max-age', '36000'), 0);
  t.is(await code('--at', at(2 * hour)), 5);
  t.is(await code('--at', at(2 * hour), '--clock-tolerance', '7200'), 0);
  t.is(await code('--at', at(-6 * hour)), 5);
  t.is(await code('--at', at(-hour).replace('Z', '+00:00')), 0);
  t.is(await code('--at', at(-hour).replace('Z', '.731Z')), 0);
  t.is(await code('--at', new Date(Date.now() - 60_000).toISOString()), 0);
  const { stdout } = await verify([...about, '--json', '--at', '2026-02-03'], der);
  t.is((JSON.parse(stdout) as { at: string }).at, '2026-02-03T00:00:00.000Z');
});

test('what is accepted: nonces', async (t) => {
  const { scratch, about } = files(t);
  const builder = new OCSPRequestBuilder().addCertificate(kit.leaf.certificate, kit.ca.certificate, 'sha1');
  const nonce = new OCSPNonce(Buffer.alloc(32, 7));
  const request = scratch.write('request.der', builder.addExtension(nonce, false).build().publicBytes());
  const answer = (octet: number | null): Buffer => {
    const { certificate, privateKey } = kit.responder;
    const response = new OCSPResponseBuilder()
      .addResponse({
        cert: kit.leaf.certificate,
        issuer: kit.ca.certificate,
        algorithm: 'sha1',
        certStatus: 0,
        thisUpdate: new Date(),
        nextUpdate: new Date(Date.now() + 3_600_000),
        revocationTime: null,
        revocationReason: null,
      })
      .responderId('By Hash', certificate)
      .certificates([certificate]);
    const whole = octet === null ? response : response.addExtension(new OCSPNonce(Buffer.alloc(32, octet)), false);
    return whole.sign(privateKey, 'sha256').publicBytes();
  };
  for (const [octet, policy, expected] of [
    [7, 'required', 0],
    [7, 'optional', 0],
    [8, 'optional', 5],
    [8, 'ignored', 0],
    [null, 'optional', 0],
    [null, 'required', 5],
  ] as const) {
    const { status } = await verify([...about, '--request', request, '--nonce-policy', policy], answer(octet));
    t.is(status, expected, `${octet} ${policy}`);
  }
});

test('what is accepted: delegates without nocheck, weak signatures', async (t) => {
  const { scratch, about, root } = files(t);
  const delegate = kit.ca.issueResponder({ ocspNoCheck: false });
  const der = kit.respond(undefined, { signer: delegate });
  t.is((await verify(about, der)).status, 0);
  t.is((await verify([...about, '--signer-revocation', 'nocheck'], der)).status, 5);
  const crl = ['--signer-revocation', 'crl', '--trust', root];
  t.is((await verify([...about, ...crl], der)).status, 5);
  t.is((await verify([...about, '--security-level', '5'], der)).status, 5);
  if (opensslCliVersion === null) return t.log('no openssl command here to make revocation lists with');
  // The CA's list names no one; the root's does not matter to the delegate.
  const crlOf = (serials: string[]): string => {
    const name = serials.length === 0 ? 'clean' : 'dirty';
    const rows = serials.map((serial) => `R\t301231235959Z\t260102030405Z\t${serial}\tunknown\t/CN=x\n`);
    const config = scratch.write(
      `${name}.cnf`,
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${scratch.write(`${name}.txt`, rows.join(''))}\ndefault_md=sha256\ndefault_crl_days=2\n`,
    );
    const out = scratch.path(`${name}.crl`);
    const key = scratch.write('ca.key', kit.ca.privateKeyPem);
    const args = ['-config', config, '-gencrl', '-cert', scratch.path('ca.pem'), '-keyfile', key, '-out', out];
    const made = openssl(['ca', ...args]);
    t.is(made.status, 0, made.stderr);
    return out;
  };
  t.is((await verify([...about, ...crl, '--crl', crlOf([])], der)).status, 0);
  const dirty = await verify([...about, ...crl, '--crl', crlOf([delegate.certificate.serialNumber])], der);
  t.is(dirty.status, 5);
  t.regex(dirty.stdout, /SIGNER_REVOKED/);
});

test('failures without a verdict end in 1 or 2, never in 0, and in one line', async (t) => {
  const { scratch, about, leaf, ca } = files(t);
  const der = kit.respond();
  const asked = new OCSPRequestBuilder().addCertificate(kit.leaf.certificate, kit.ca.certificate, 'sha1').build();
  const request = scratch.write('request.der', asked.publicBytes());
  const broken = scratch.write('broken.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  for (const args of [
    ['/no/such/file', ...about],
    ['--cert', '/no/such/file', '--issuer', ca],
    ['--cert', broken, '--issuer', ca],
    ['--cert', leaf, '--issuer', scratch.write('empty.pem', '')],
    [...about, '--trust', broken],
    [...about, '--ca-file', '/no/such/file'],
    [...about, '--request', scratch.write('not-a-request', der)],
    [...about, '--signer-revocation', 'crl', '--crl', broken, '--trust', ca],
  ]) {
    const { status, stderr, stdout } = await verify(args, der);
    t.is(status, 1, args.join(' '));
    t.is(stdout, '');
    t.regex(stderr, /^openssl-ocsp verify: .+\n$/, args.join(' '));
  }
  for (const args of [
    [],
    about.slice(0, 2),
    about.slice(2),
    [...about, '--serial', '12'],
    ['--serial', 'xyz', '--issuer', ca],
    ['--serial', '12'],
    [...about, 'one', 'two'],
    [...about, '--at', 'yesterday'],
    [...about, '--at', '2026-02-30'],
    [...about, '--at', '2026-13-01'],
    [...about, '--at', '2026-02-03T25:00:00Z'],
    [...about, '--at', '2026-02-03T12:00:00'],
    [...about, '--max-age', '-1'],
    [...about, '--max-age', 'long'],
    [...about, '--nonce-policy', 'perhaps'],
    [...about, '--signer-revocation', 'crl'],
    [...about, '--crl', ca],
    [...about, '--crl', ca, '--trust', ca],
    [...about, '--crl', ca, '--trust', ca, '--signer-revocation', 'nocheck'],
    [...about, '--crl', ca, '--signer-revocation', 'crl'],
    [...about, '--security-level', '6'],
    ['--request', request, '--issuer', scratch.write('two.pem', kit.ca.certificatePem.repeat(2))],
    [...about, '--nonsense'],
    [...about, '--at'],
  ]) {
    const { status, stderr, stdout } = await verify(args, der);
    t.is(status, 2, args.join(' '));
    t.is(stdout, '');
    t.regex(stderr, /--help shows the usage\.\n$/);
    t.notRegex(stderr, /\n\s+at /);
  }
});

test('an output that no one reads is no success', async (t) => {
  const { about, scratch } = files(t);
  const path = scratch.write('response.der', kit.respond());
  const { status } = await verify([path, ...about]);
  t.is(status, 0);
  const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, 'verify', path, ...about], { stdio: ['ignore', 'pipe', 'ignore'] });
  child.stdout.destroy();
  t.is(await new Promise((resolve) => child.on('close', resolve)), 141);
});

test('bytes that are something else are called that', async (t) => {
  const { about } = files(t);
  for (const [input, words] of [
    ['', 'there are none'],
    ['<html>', 'not DER, but text'],
    ['{"a":1}', 'not DER, but text'],
    [kit.leaf.certificatePem, 'such as a certificate'],
    [kit.leaf.certificate.raw, 'such as a certificate'],
  ] as const) {
    const { status, stdout } = await verify(about, input);
    t.is(status, 5);
    t.true(stdout.includes(`the bytes are not an OCSP response: `) && stdout.includes(words), stdout);
  }
});

test('a request about several certificates does not say which is meant', async (t) => {
  const { scratch, ca, about } = files(t);
  const request = new OCSPRequestBuilder()
    .addCertificate(kit.leaf.certificate, kit.ca.certificate, 'sha256')
    .addCertificate(kit.responder.certificate, kit.ca.certificate, 'sha256')
    .build();
  const path = scratch.write('two.der', request.publicBytes());
  const { status, stderr } = await verify(['--request', path, '--issuer', ca], kit.respond());
  t.is(status, 2);
  t.regex(stderr, /--request asks about 2 certificates: --cert or --serial has to say which is meant/);
  t.is((await verify(['--request', path, ...about], kit.respond())).status, 0);
});
