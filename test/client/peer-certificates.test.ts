// What the other end of a connection shows is what a stranger has chosen: the certificate of the issuer, and when which certificate is shown.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import {
  connect as connectHttp2,
  constants,
  createSecureServer,
  type Http2ServerRequest,
  type ServerHttp2Session,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type ConnectionOptions, connect, createSecureContext, createServer, type TLSSocket } from 'node:tls';
import test from 'ava';
import { OCSPClient } from 'openssl-ocsp/client';
import { createTestCa, type TestIdentity, TestResponder } from 'openssl-ocsp/testing';
import { mayBeFitted } from '#dist/x509/fitted-key.js';
import { command } from '../helpers/command.js';

const PATIENT = { timeout: 100_000, hedgeAfter: 50_000 };

const number = (text: string | undefined): bigint =>
  BigInt(`0x${Buffer.from(text as string, 'base64url').toString('hex')}`);
const text = (value: bigint): string => {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url');
};

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [modulus, value % modulus, 0n, 1n];
  while (b > 0n) {
    const q = a / b;
    [a, b] = [b, a - q * b];
    [x, y] = [y, x - q * y];
  }
  return ((x % modulus) + modulus) % modulus;
}

/** The same key with another exponent. */
function withExponent(e: bigint): KeyObject {
  for (;;) {
    const jwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
    const [p, q] = [number(jwk.p) - 1n, number(jwk.q) - 1n];
    if (p % e === 0n || q % e === 0n) continue;
    const d = inverse(e, p * q);
    if ((d * e) % (p * q) !== 1n) continue;
    const key = { ...jwk, e: text(e), d: text(d), dp: text(d % p), dq: text(d % q) };
    return createPrivateKey({ format: 'jwk', key });
  }
}

/** Keys of issuers: those that may be made to fit a signature, and others. */
const KEYS: readonly (readonly [name: string, key: KeyObject, isFitted: boolean])[] = [
  ['RSA, an exponent of 33 bits', withExponent(2n ** 32n + 15n), true],
  ['RSA, an exponent of 300 bits', withExponent(2n ** 300n + 157n), true],
  ['RSA, an exponent of 32 bits', withExponent(2n ** 32n - 5n), false],
  ['RSA, 65537', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, false],
  ['RSA, 3', generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).privateKey, false],
  ['RSASSA-PSS', generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey, false],
  [
    'EC, explicit parameters',
    generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }).privateKey,
    true,
  ],
  ['EC, a named curve', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey, false],
  ['DSA', generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 }).privateKey, true],
  ['Ed25519', generateKeyPairSync('ed25519').privateKey, false],
  ['Ed448', generateKeyPairSync('ed448').privateKey, false],
];

for (const [name, privateKey, isFitted] of KEYS) {
  test(`an issuer that the peer sends: ${name}`, async (t) => {
    t.is(mayBeFitted({ publicKey: createPublicKey(privateKey) }), isFitted);
    if (privateKey.asymmetricKeyType === 'dsa') return; // (No one signs certificates with it here.)
    const ca = createTestCa({ privateKey });
    t.is(mayBeFitted(ca.certificate), isFitted);
    if (isFitted && privateKey.asymmetricKeyType === 'ec') return; // (As an anchor of TLS OpenSSL refuses it, too.)
    await using responder = await TestResponder.start(ca);
    await using client = new OCSPClient({ responders: [responder.url], ...PATIENT });
    const leaf = ca.issue({ dnsNames: ['localhost'] });
    const server = createServer({ cert: leaf.certificatePem + ca.certificatePem, key: leaf.privateKeyPem });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => server.close());
    const { port } = server.address() as AddressInfo;
    const open = (): TLSSocket =>
      connect({ port, host: '127.0.0.1', servername: 'localhost', ca: ca.certificatePem } as ConnectionOptions);
    const socket = open();
    const guarded = client.guard(socket);
    if (isFitted) await t.throwsAsync(guarded, { code: 'ERR_OCSP_PEER_NOT_ALLOWED', message: /name it in issuers/ });
    else t.like(await guarded, { outcome: 'good', allowed: true });
    socket.destroy();
    // Whoever names it knows it.
    const named = open();
    t.like(await client.guard(named, { issuers: [ca.certificate] }), { outcome: 'good', allowed: true });
    named.destroy();
    const args = ['query', '--connect', `127.0.0.1:${port}`, '--url', responder.url];
    const { status, stdout, stderr } = await command(args);
    if (isFitted) t.regex(stderr, /--issuer can name it/);
    t.is(status === 0, !isFitted, stdout + stderr);
  });
}

test('an issuer whose key cannot be read', (t) => {
  const certificate = {
    get publicKey(): KeyObject {
      throw new Error('no key');
    },
  };
  t.true(mayBeFitted(certificate));
});

test('a peer that is being checked does not show another certificate meanwhile', async (t) => {
  const ca = createTestCa();
  await using responder = await TestResponder.start(ca);
  await using client = new OCSPClient({ responders: [responder.url], cache: false, ...PATIENT });
  const leaf = ca.issue({ dnsNames: ['localhost'] });
  const [guest, admin] = [ca.issue(), ca.issue()];
  const maxVersion = 'TLSv1.2';
  const cert = leaf.certificatePem + ca.certificatePem;
  const server = createServer({ cert, key: leaf.privateKeyPem, ca: ca.certificatePem, requestCert: true, maxVersion });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const connected = async (): Promise<[client: TLSSocket, accepted: TLSSocket]> => {
    const secured = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    const options = { ca: ca.certificatePem, cert: guest.certificatePem, key: guest.privateKeyPem };
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ...options });
    const secure = once(socket, 'secureConnect');
    const [accepted] = await secured;
    await secure;
    // (What is not read is not seen.)
    for (const one of [socket, accepted]) one.resume().on('error', () => undefined);
    return [socket, accepted];
  };
  const issuers = [ca.certificate];
  // A new handshake, while the responder is asked.
  {
    const [socket, accepted] = await connected();
    const ended = Promise.all([accepted, socket].map((one) => new Promise((resolve) => one.once('close', resolve))));
    let isAgain = false;
    responder.behaviour = async () => {
      socket.renegotiate({}, (error) => {
        isAgain = error === null;
      });
      await ended;
      return 'good' as const;
    };
    await client.checkPeer(accepted, { issuers });
    t.true(accepted.destroyed);
    t.false(isAgain);
  }
  // One that had begun before.
  {
    const [socket, accepted] = await connected();
    let isOver = false;
    const own = accepted.getPeerX509Certificate.bind(accepted);
    accepted.getPeerX509Certificate = () => (isOver ? admin.certificate : own());
    responder.behaviour = async () => {
      isOver = true;
      return 'good' as const;
    };
    const result = await client.checkPeer(accepted, { issuers });
    t.like(result, { outcome: 'undetermined', failure: 'refused', allowed: false });
    t.regex(result.explain(), /another certificate meanwhile/);
    socket.destroy();
  }
});

test('a server that has been checked does not show another certificate afterwards', async (t) => {
  const ca = createTestCa();
  await using responder = await TestResponder.start(ca);
  await using client = new OCSPClient({ responders: [responder.url], ...PATIENT });
  const [one, other] = [ca.issue({ dnsNames: ['localhost'] }), ca.issue({ dnsNames: ['localhost'] })];
  const optionsOf = ({ certificatePem, privateKeyPem }: TestIdentity) => ({
    cert: certificatePem + ca.certificatePem,
    key: privateKeyPem,
  });
  const server = createServer({ ...optionsOf(one), maxVersion: 'TLSv1.2' });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const target = { port, host: '127.0.0.1', servername: 'localhost', ca: ca.certificatePem };
  for (const wants of ['to write', 'to read']) {
    const secured = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    const socket = connect({ ...target, requestOCSP: true } as ConnectionOptions);
    const guarded = client.guard(socket);
    const [accepted] = await secured;
    t.is((await guarded).outcome, 'good');
    let [sent, read] = ['', ''];
    socket.on('error', () => undefined).on('secureConnect', () => socket.write('secret'));
    if (wants === 'to read') socket.on('data', (data) => (read += data));
    else socket.resume();
    accepted.on('error', () => undefined).on('data', (data) => (sent += data));
    const closed = [socket, accepted].map((end) => new Promise((resolve) => end.once('close', resolve)));
    accepted.setKeyCert(createSecureContext(optionsOf(other)));
    const again = new Promise<Error | null>((resolve) => accepted.renegotiate({}, resolve));
    void again.then(() => accepted.write('news'));
    // (The other end, too: what was sent has come by then.)
    await Promise.all(closed);
    t.deepEqual([sent, read], ['', ''], wants);
  }
});

/** The preface, SETTINGS, and HEADERS of GET / (RFC 9113 sections 3.4, 6.5 and 6.2; RFC 7541 appendix A). */
const HTTP2_REQUEST = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from('000000040000000000', 'hex'),
  Buffer.from('00000e010500000001828487', 'hex'),
  Buffer.from('4109', 'hex'),
  Buffer.from('localhost'),
]);

test('what stands for a connection in HTTP/2 is checked as it is, ends, and is no error when it has ended', async (t) => {
  const ca = createTestCa();
  await using responder = await TestResponder.start(ca);
  await using client = new OCSPClient({ responders: [responder.url], cache: false, ...PATIENT });
  const [leaf, guest] = [ca.issue({ dnsNames: ['localhost'] }), ca.issue()];
  const server = createSecureServer({
    cert: leaf.certificatePem + ca.certificatePem,
    key: leaf.privateKeyPem,
    ca: ca.certificatePem,
    requestCert: true,
    maxVersion: 'TLSv1.2',
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const options = { ca: ca.certificatePem, cert: guest.certificatePem, key: guest.privateKeyPem };
  const issuers = [ca.certificate];
  const open = (): TLSSocket =>
    connect({ port, host: '127.0.0.1', servername: 'localhost', ALPNProtocols: ['h2'], ...options });
  // The client takes its request back while the responder is asked.
  {
    const asked = new Promise<void>((resolve) => {
      responder.behaviour = async () => {
        resolve();
        await ended;
        return 'good' as const;
      };
    });
    const requested = once(server, 'request') as Promise<[Http2ServerRequest]>;
    const session = connectHttp2('https://localhost', { createConnection: open });
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => undefined);
    const [request] = await requested;
    const ended = once(request.stream, 'close');
    const result = client.checkPeer(request.socket, { issuers });
    await asked;
    stream.close(constants.NGHTTP2_CANCEL);
    t.like(await result, { outcome: 'good', allowed: true });
    const late = await client.checkPeer(request.socket, { issuers });
    t.like(late, { outcome: 'undetermined', failure: 'refused', allowed: false });
    const { session: accepted } = request.stream;
    session.destroy();
    if (accepted !== undefined && !accepted.destroyed) await once(accepted, 'close');
  }
  // It begins a new handshake after the check, of a session or of a request.
  for (const checked of ['session', 'request'] as const) {
    responder.behaviour = () => 'good';
    const begun = once(server, 'session') as Promise<[ServerHttp2Session]>;
    const requested = once(server, 'request') as Promise<[Http2ServerRequest]>;
    // (Not by Node.js's own client, which such a handshake ends.)
    const connection = open().on('error', () => undefined);
    connection.resume().write(HTTP2_REQUEST);
    const [accepted] = await begun;
    accepted.on('error', () => undefined);
    const [request] = await requested;
    request.stream.on('error', () => undefined);
    const { socket } = checked === 'session' ? accepted : request;
    t.like(await client.checkPeer(socket, { issuers }), { outcome: 'good', allowed: true }, checked);
    const closed = new Promise((resolve) => accepted.once('close', resolve));
    let isAgain = false;
    connection.renegotiate({}, (error) => {
      isAgain = error === null;
    });
    await closed;
    t.false(isAgain, checked);
    const late = await client.checkPeer(socket, { issuers });
    t.like(late, { outcome: 'undetermined', failure: 'refused', allowed: false }, checked);
    connection.destroy();
  }
});
