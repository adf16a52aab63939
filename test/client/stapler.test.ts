// TLS servers that staple, and their clients: openssl s_client, Node.js.
import { AsyncResource } from 'node:async_hooks';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  createServer,
  type Server,
  type TlsOptions,
} from 'node:tls';
import test from 'ava';
import { loadDerOcspResponse, OCSPCertStatus } from 'openssl-ocsp';
import { FolderCache, OCSPClient, Stapler, type StapleState } from 'openssl-ocsp/client';
import { buildTestResponse, createTestCa, type TestIdentity, TestResponder } from 'openssl-ocsp/testing';
import { CertificateChange } from '#dist/client/tls/certificate-change.js';
import { Shifted } from '../helpers/shifted-clock.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const ca = createTestCa();
const PATIENT = { timeout: 100_000, hedgeAfter: 50_000 };
const pemOf = (...identities: { certificate: { toString(): string } }[]) =>
  identities.map(({ certificate }) => certificate.toString()).join('');
const tlsOf = (identity: TestIdentity): TlsOptions => ({
  cert: pemOf(identity, ca),
  key: identity.privateKey.export({ type: 'pkcs8', format: 'pem' }),
});
const leafOf = (name = 'localhost', more: object = {}) => ca.issue({ dnsNames: [name], ...more });
const clientOf = (responder: { url: string }, more: object = {}) =>
  new OCSPClient({ responders: [responder.url], ...PATIENT, ...more });

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** What a handshake brings: the staple, or null. */
async function stapleAt(port: number, servername = 'localhost', more: object = {}): Promise<Buffer | null> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername,
    ca: pemOf(ca),
    requestOCSP: true,
    ...more,
  } as ConnectionOptions);
  const [staple] = (await once(socket, 'OCSPResponse')) as [Buffer | null];
  await once(socket, 'secureConnect');
  socket.destroy();
  return staple !== null && staple.length > 0 ? staple : null;
}

test('a server staples from its first handshake on, for openssl s_client as for Node.js', async (t) => {
  await using responder = await TestResponder.start(ca);
  await using client = clientOf(responder);
  await using stapler = new Stapler({ client });
  const server = createServer(tlsOf(leafOf()), (socket) => socket.on('error', () => undefined).end('hello\n'));
  stapler.attach(server);
  await stapler.ready();
  const port = await listening(server);
  const staple = await stapleAt(port);
  t.is(loadDerOcspResponse(staple!).certificateStatus, 0);
  t.is(responder.requests.length, 1);
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', '-status', '-no_ign_eof'];
  const openssl = spawn('openssl', args, { stdio: ['pipe', 'pipe', 'ignore'] });
  let printed = '';
  openssl.stdout.on('data', (data: Buffer) => {
    printed += data.toString();
  });
  openssl.stdin.end();
  await once(openssl, 'close');
  t.regex(printed, /OCSP Response Status: successful \(0x0\)/);
  t.regex(printed, /Cert Status: good/);
  server.close();
});

test('several names, a certificate that is replaced, one that comes later: each its own staple', async (t) => {
  await using responder = await TestResponder.start(ca);
  await using client = clientOf(responder);
  await using stapler = new Stapler({ client });
  const [one, two, three] = [leafOf('one.example'), leafOf('two.example'), leafOf('one.example')];
  const server = createServer(tlsOf(one));
  server.addContext('two.example', tlsOf(two));
  stapler.attach(server);
  await stapler.add(pemOf(two, ca));
  await stapler.ready();
  const port = await listening(server);
  const serialAt = async (name: string) => {
    const staple = await stapleAt(port, name);
    return staple === null ? null : loadDerOcspResponse(staple).serialNumber;
  };
  const serialOf = ({ certificate }: TestIdentity) => BigInt(`0x${certificate.serialNumber}`);
  t.is(await serialAt('one.example'), serialOf(one));
  t.is(await serialAt('two.example'), serialOf(two));
  // What the server is given later is asked about at once.
  server.setSecureContext(tlsOf(three));
  const four = leafOf('four.example');
  server.addContext('four.example', tlsOf(four));
  await stapler.ready();
  t.is(await serialAt('one.example'), serialOf(three));
  t.is(await serialAt('four.example'), serialOf(four));
  // Not told of it: the first handshake has no staple, and makes it ask.
  const five = leafOf('five.example');
  server.addContext('five.example', createSecureContext(tlsOf(five)));
  t.is(await serialAt('five.example'), null);
  await stapler.ready();
  t.is(await serialAt('five.example'), serialOf(five));
  t.deepEqual(
    stapler.states().map(({ decision }) => decision),
    Array(5).fill('stapled'),
  );
  server.close();
});

test('a connection from before a change of the certificate has no staple of the new one', async (t) => {
  await using responder = await TestResponder.start(ca);
  await using client = clientOf(responder);
  const serialOf = ({ certificate }: TestIdentity) => BigInt(`0x${certificate.serialNumber}`);
  for (const create of [createServer, createHttpsServer, createSecureServer] as ((options: TlsOptions) => Server)[])
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      await using stapler = new Stapler({ client });
      const [old, next] = [leafOf(), leafOf()];
      const server = create({ ...tlsOf(old), maxVersion });
      stapler.attach(server);
      await stapler.add(pemOf(next, ca));
      await stapler.ready();
      const port = await listening(server);
      const accepted = once(server, 'connection');
      const early = connectTcp(port, '127.0.0.1');
      await accepted;
      server.setSecureContext({ ...tlsOf(next), maxVersion });
      const options = { socket: early, servername: 'localhost', ca: pemOf(ca), requestOCSP: true };
      const socket = connect(options as ConnectionOptions);
      const [[staple]] = await Promise.all([once(socket, 'OCSPResponse'), once(socket, 'secureConnect')]);
      t.is(BigInt(`0x${socket.getPeerCertificate().serialNumber}`), serialOf(old));
      t.is((staple as Buffer | null)?.length ?? 0, 0);
      socket.destroy();
      t.is(loadDerOcspResponse((await stapleAt(port))!).serialNumber, serialOf(next));
      server.close();
    }
});

test('after a change of the certificate, those that are chosen by name late are stapled as before', async (t) => {
  await using responder = await TestResponder.start(ca);
  await using client = clientOf(responder);
  await using stapler = new Stapler({ client });
  const [named, old, next] = [leafOf(), leafOf(), leafOf()];
  const context = createSecureContext(tlsOf(named));
  // What looks contexts up: a promise, and a connection that is older than the change.
  const echo = createTcpServer((socket) => socket.pipe(socket));
  const echoPort = await listening(echo as Server);
  let database: Socket | undefined;
  let looksUp: 'a promise' | 'a connection' = 'a promise';
  const SNICallback: TlsOptions['SNICallback'] = (_name, callback) => {
    if (looksUp === 'a promise') void wait(1).then(() => callback(null, context));
    else (database as Socket).once('data', () => callback(null, context)).write('?');
  };
  const server = createServer({ ...tlsOf(old), SNICallback });
  stapler.attach(server);
  database = connectTcp(echoPort, '127.0.0.1');
  await once(database, 'connect');
  for (const leaf of [named, old, next]) await stapler.add(pemOf(leaf, ca));
  const port = await listening(server);
  for (const change of [undefined, tlsOf(next)]) {
    if (change !== undefined) server.setSecureContext(change);
    for (const how of ['a promise', 'a connection'] as const) {
      looksUp = how;
      const staple = await stapleAt(port);
      t.is(staple && loadDerOcspResponse(staple).serialNumber, BigInt(`0x${named.certificate.serialNumber}`), how);
    }
  }
  database.destroy();
  for (const one of [server, echo]) one.close();
});

test('a handshake of a context without a certificate, from before a change, is no error', (t) => {
  const change = new CertificateChange();
  const connection = new AsyncResource('connection');
  change.to(Buffer.of(1));
  const told = [null, Buffer.of(1), Buffer.of(2)];
  t.deepEqual(
    connection.runInAsyncScope(() => told.map((one) => change.isOlderConnection(one))),
    [false, true, false],
  );
});

test('what is stapled, and what is told', async (t) => {
  for (const [behaviour, decision, event] of [
    ['good', 'stapled', 'refreshed'],
    ['revoked', 'revoked', 'revoked'],
    ['unknown', 'unknown', 'failed'],
    ['broken-signature', 'refused', 'failed'],
    ['expired', 'refused', 'failed'],
    [503, 'unreachable', 'failed'],
  ] as const) {
    await using responder = await TestResponder.start(ca, { behaviour });
    for (const staple of ['good', 'good-or-revoked'] as const) {
      await using client = clientOf(responder);
      await using stapler = new Stapler({ client, staple });
      const events: string[] = [];
      for (const name of ['refreshed', 'revoked', 'failed', 'expiring'] as const)
        stapler.on(name, () => events.push(name));
      const leaf = leafOf('localhost', { mustStaple: true });
      const state = await stapler.add([leaf.certificate, ca.certificate]);
      const expected = behaviour === 'revoked' && staple === 'good-or-revoked' ? 'stapled' : decision;
      t.is(state.decision, expected, `${behaviour} ${staple}`);
      t.true(state.mustStaple);
      t.deepEqual(events, [event]);
      t.is(stapler.staple(leaf.certificate.raw) !== null, expected === 'stapled');
      stapler.staple(leaf.certificate.raw)?.fill(0);
      t.not(stapler.staple(leaf.certificate.raw)?.[0], 0, 'who asks for it has bytes of his own');
    }
  }
  await using stapler = new Stapler();
  t.is((await stapler.add([leafOf().certificate])).decision, 'no-issuer');
  t.is((await stapler.add([leafOf().certificate, ca.certificate])).decision, 'not-applicable');
  await using knowing = new Stapler({ issuers: [ca.certificate] });
  t.is((await knowing.add([leafOf().certificate])).decision, 'not-applicable');
  await t.throwsAsync(stapler.add([]), { code: 'ERR_OCSP_INVALID_VALUE' });
  await t.throwsAsync(stapler.add('no PEM'));
  t.is((await stapler.add(Buffer.from(pemOf(leafOf(), ca)))).decision, 'not-applicable');
  t.throws(() => new Stapler(new OCSPClient() as never), {
    instanceOf: TypeError,
    message: /an instance of OCSPClient/,
  });
  t.throws(() => new Stapler({ issuers: ca.certificate.raw as never }), {
    instanceOf: TypeError,
    message: /must be a list/,
  });
});

test('a staple is renewed in time, outlives failures and two answers "unknown", and never its own end', async (t) => {
  const clock = new Shifted();
  const leaf = leafOf();
  const { raw } = leaf.certificate;
  /** An answer of now, for a day. */
  const answer = (status: 'good' | 'revoked' | 'unknown') => () => {
    const about = { certificate: leaf.certificate, issuer: ca.certificate, hash: 'sha256' as const };
    const at = (hours: number) => new Date(clock.now() + hours * HOUR);
    const entry = { ...about, status, thisUpdate: at(-0.1), nextUpdate: at(24) };
    return buildTestResponse({ entries: [entry], signer: ca, producedAt: at(-0.1) });
  };
  await using responder = await TestResponder.start(ca, { behaviour: answer('good') });
  await using client = clientOf(responder, { clock });
  let due: (() => void) | undefined;
  const stapler = new Stapler({
    client,
    clock: {
      now: () => clock.now(),
      after: (_milliseconds, callback) => {
        due = callback;
        return () => {
          due = undefined;
        };
      },
    },
  });
  /** Time passes, and it asks. */
  const later = async (event: 'refreshed' | 'failed' | 'revoked', ahead: number): Promise<StapleState> => {
    clock.ahead += ahead;
    const told = new Promise<StapleState>((resolve) => stapler.once(event, resolve));
    const ask = due!;
    due = undefined;
    ask();
    const state = await told;
    while (due === undefined) await wait(5);
    return state;
  };
  const first = await stapler.add([leaf.certificate, ca.certificate]);
  t.is(first.decision, 'stapled');
  t.true(first.expires!.getTime() <= clock.now() + 24 * HOUR - 5 * MINUTE);
  responder.behaviour = 503;
  t.is((await later('failed', 12 * HOUR)).decision, 'stapled');
  responder.behaviour = answer('unknown');
  for (const decision of ['stapled', 'stapled', 'unknown'] as const)
    t.is((await later('failed', 10 * MINUTE)).decision, decision);
  t.is(stapler.staple(raw), null);
  responder.behaviour = answer('good');
  const renewed = await later('refreshed', 10 * MINUTE);
  t.is(renewed.decision, 'stapled');
  t.true(renewed.expires!.getTime() > first.expires!.getTime());
  responder.behaviour = 503;
  const expiring = new Promise<StapleState>((resolve) => stapler.once('expiring', resolve));
  await later('failed', 20 * HOUR);
  t.is((await expiring).decision, 'stapled');
  clock.ahead += renewed.expires!.getTime() - clock.now() - MINUTE;
  t.not(stapler.staple(raw), null);
  clock.ahead += MINUTE;
  t.is(stapler.staple(raw), null);
  t.is(stapler.states()[0]!.decision, 'expired');
  responder.behaviour = answer('revoked');
  t.is((await later('revoked', 10 * MINUTE)).decision, 'revoked');
  await stapler.close();
  t.is(due, undefined);
  await t.throwsAsync(stapler.add([leaf.certificate]), { code: 'ERR_OCSP_INVALID_VALUE' });
});

test('a revocation that the client learns of elsewhere ends a good staple, though no one answers', async (t) => {
  const clock = new Shifted();
  await using responder = await TestResponder.start(ca);
  await using client = clientOf(responder, { clock });
  let due: (() => void) | undefined;
  const after = (_milliseconds: number, callback: () => void) => {
    due = callback;
    return () => undefined;
  };
  await using stapler = new Stapler({ client, staple: 'good-or-revoked', clock: { now: () => clock.now(), after } });
  const leaf = leafOf();
  t.is((await stapler.add([leaf.certificate, ca.certificate])).decision, 'stapled');
  responder.behaviour = 'revoked';
  const elsewhere = await client.check({ certificate: leaf.certificate, issuer: ca.certificate }, { fresh: true });
  t.is(elsewhere.outcome, 'revoked');
  responder.behaviour = 503;
  clock.ahead = 2 * MINUTE;
  const told = once(stapler, 'revoked');
  due!();
  await told;
  t.is(loadDerOcspResponse(stapler.staple(leaf.certificate.raw)!).certificateStatus, OCSPCertStatus.REVOKED);
  // Nor does a further failure take it away.
  clock.ahead = 10 * MINUTE;
  const again = once(stapler, 'revoked');
  due!();
  await again;
  t.is(loadDerOcspResponse(stapler.staple(leaf.certificate.raw)!).certificateStatus, OCSPCertStatus.REVOKED);
});

test('what another process has kept is stapled while this one reaches no one', async (t) => {
  const clock = new Shifted();
  const leaf = leafOf();
  const at = (hours: number) => new Date(Date.now() + hours * HOUR);
  const answer = (from: number, until: number, status: 'good' | 'revoked' = 'good') =>
    buildTestResponse({
      entries: [
        { certificate: leaf.certificate, issuer: ca.certificate, status, thisUpdate: at(from), nextUpdate: at(until) },
      ],
      signer: ca,
    });
  let kept: Buffer | null = answer(-1, 10);
  let isBroken = true;
  const store = {
    get: async () => {
      if (isBroken) throw new Error('busy');
      return kept;
    },
    put: async () => {},
    delete: async () => {},
    async *keys() {},
  };
  await using responder = await TestResponder.start(ca, { behaviour: 'gone' });
  await using client = clientOf(responder, { clock, cache: { store } });
  let due: (() => void) | undefined;
  const after = (_milliseconds: number, callback: () => void) => {
    due = callback;
    return () => undefined;
  };
  await using stapler = new Stapler({ client, clock: { now: () => clock.now(), after } });
  const state = async (ahead: number): Promise<string> => {
    clock.ahead = ahead * HOUR;
    const told = Promise.race([once(stapler, 'failed'), once(stapler, 'revoked')]);
    due!();
    await told;
    return stapler.states()[0]!.decision;
  };
  // The store fails once, and the responder ever.
  t.is((await stapler.add([leaf.certificate, ca.certificate])).decision, 'unreachable');
  isBroken = false;
  t.is(await state(1), 'stapled');
  t.deepEqual(stapler.staple(leaf.certificate.raw), kept);
  kept = answer(4, 100);
  t.is(await state(8), 'stapled');
  t.deepEqual(stapler.staple(leaf.certificate.raw), kept);
  t.is(await state(20), 'stapled');
  // What is revoked stays so, though the store has an older good answer again.
  kept = answer(5, 100, 'revoked');
  t.is(await state(21), 'revoked');
  t.is(stapler.staple(leaf.certificate.raw), null);
  kept = answer(4, 100);
  t.is(await state(22), 'revoked');
  t.is(stapler.staple(leaf.certificate.raw), null);
});

test('a chain that brings the issuer of a certificate whose turn has not come is answered, too', async (t) => {
  const held: (() => void)[] = [];
  let isHeld = true;
  const behaviour = async () => {
    if (isHeld) await new Promise<void>((resolve) => held.push(resolve));
    return 'good' as const;
  };
  await using responder = await TestResponder.start(ca, { behaviour });
  await using client = clientOf(responder);
  await using stapler = new Stapler({ client });
  const others = Array.from({ length: 8 }, () => stapler.add([leafOf().certificate, ca.certificate]));
  const leaf = leafOf();
  const alone = stapler.add([leaf.certificate]);
  t.is(stapler.states().at(-1)?.decision, 'no-issuer');
  const whole = stapler.add([leaf.certificate, ca.certificate]);
  while (held.length < 8) await wait(5);
  isHeld = false;
  for (const release of held) release();
  for (const state of await Promise.all([...others, alone, whole])) t.is(state.decision, 'stapled');
  await stapler.ready();
});

test('after a sleep, for which timers do not count, the next handshake asks; not faster than the back-off', async (t) => {
  const clock = new Shifted();
  await using responder = await TestResponder.start(ca);
  await using client = clientOf(responder, { clock, method: 'post' });
  const timers = new Set<number>();
  const after = (milliseconds: number) => {
    const timer = clock.now() + milliseconds;
    timers.add(timer);
    return () => void timers.delete(timer);
  };
  await using stapler = new Stapler({ client, clock: { now: () => clock.now(), after } });
  const server = createServer(tlsOf(leafOf()));
  stapler.attach(server);
  await stapler.ready();
  const port = await listening(server);
  t.not(await stapleAt(port), null);
  t.is(responder.requests.length, 1);
  clock.ahead = 30 * HOUR;
  responder.behaviour = 'broken-signature';
  const failed = once(stapler, 'failed');
  t.is(await stapleAt(port), null, 'it has ended');
  await failed;
  const asked = responder.requests.length;
  t.true(asked > 1);
  for (const _ of [1, 2, 3]) t.is(await stapleAt(port), null);
  t.is(responder.requests.length, asked);
  t.is(timers.size, 1);
  const later = new Date(clock.now());
  const entry = { thisUpdate: later, nextUpdate: new Date(later.getTime() + 24 * HOUR) };
  await using recovered = await TestResponder.start(ca, { entry });
  responder.behaviour = ({ request }) => recovered.answer(request!);
  clock.ahead += 2 * MINUTE;
  const refreshed = once(stapler, 'refreshed');
  t.is(await stapleAt(port), null);
  await refreshed;
  t.not(await stapleAt(port), null);
  t.is(timers.size, 1);
  server.close();
});

test('an issuer that stands in `ca` of the server alone: from the first handshake on', async (t) => {
  await using responder = await TestResponder.start(ca);
  await using client = clientOf(responder);
  await using stapler = new Stapler({ client });
  const leaf = leafOf();
  const server = createServer({ ...tlsOf(leaf), cert: pemOf(leaf), ca: pemOf(ca) });
  t.teardown(() => server.close());
  stapler.attach(server);
  await stapler.ready();
  t.is(stapler.states()[0]!.decision, 'no-issuer');
  const port = await listening(server);
  await stapleAt(port);
  await stapler.ready();
  t.is(stapler.states()[0]!.decision, 'stapled');
  t.is(loadDerOcspResponse((await stapleAt(port))!).certificateStatus, 0);
  t.is(responder.requests.length, 1);
});

test('a function of the caller that throws, and a client that is closed, are told as failures', async (t) => {
  const responders = () => {
    throw new Error('no list of responders');
  };
  const client = new OCSPClient({ responders });
  await using stapler = new Stapler({ client });
  const failed = once(stapler, 'failed') as Promise<[StapleState]>;
  t.is((await stapler.add(pemOf(leafOf(), ca))).decision, 'unreachable');
  t.regex((await failed)[0].result!.explain(), /no list of responders/);
  await client.close();
  const { result } = await stapler.add(pemOf(leafOf(), ca));
  t.regex(result!.explain(), /the client is closed/);
});

test('a certificate that has ended is asked about no more', async (t) => {
  const clock = new Shifted();
  await using responder = await TestResponder.start(ca);
  await using client = clientOf(responder, { clock });
  let due: (() => void) | undefined;
  const after = (_milliseconds: number, callback: () => void) => {
    due = callback;
    return () => undefined;
  };
  await using stapler = new Stapler({ client, clock: { now: () => clock.now(), after } });
  const leaf = leafOf('localhost', { notAfter: new Date(Date.now() + HOUR) });
  const state = await stapler.add([leaf.certificate, ca.certificate]);
  t.is(state.decision, 'stapled');
  t.true(state.expires!.getTime() < Date.now() + HOUR);
  clock.ahead = 2 * HOUR;
  const [ask] = [due!];
  due = undefined;
  ask();
  while (stapler.states().length > 0) await wait(5);
  t.is(due, undefined);
  t.is(stapler.staple(leaf.certificate.raw), null);
});

test('a certificate about which no one can be asked is forgotten when it ends', async (t) => {
  const clock = new Shifted();
  const timers = new Map<() => void, number>();
  const after = (milliseconds: number, callback: () => void) => {
    timers.set(callback, milliseconds);
    return () => timers.delete(callback);
  };
  const fire = () => {
    for (const due of [...timers.keys()]) {
      timers.delete(due);
      due();
    }
  };
  await using client = new OCSPClient({ clock });
  await using stapler = new Stapler({ client, clock: { now: () => clock.now(), after } });
  const DAY = 24 * HOUR;
  const short = { notAfter: new Date(Date.now() + 60 * DAY) };
  const [silent, orphan] = [leafOf('localhost', short), leafOf('localhost', short)];
  t.is((await stapler.add(pemOf(silent, ca))).decision, 'not-applicable');
  t.is((await stapler.add(pemOf(orphan))).decision, 'no-issuer');
  t.is(timers.size, 2);
  t.true(Math.max(...timers.values()) < 2 ** 31, 'no timer takes more');
  // One that is told of its issuer waits no longer for what it waited for.
  t.is((await stapler.add(pemOf(orphan, ca))).decision, 'not-applicable');
  for (const days of [20, 40, 59]) {
    clock.ahead = days * DAY;
    fire();
    t.is(stapler.states().length, 2);
    t.is(timers.size, 2);
  }
  t.true(Math.max(...timers.values()) <= DAY);
  clock.ahead = 61 * DAY;
  fire();
  t.is(stapler.states().length, 0);
  t.is(timers.size, 0);
  // Nor is one kept that has ended before.
  await stapler.add(pemOf(orphan));
  await stapler.add(pemOf(silent, ca));
  t.is(stapler.states().length, 0);
  t.is(timers.size, 0);
});

test('of several certificates for one name Node.js tells one, whichever the client gets: refused', async (t) => {
  const [ec, rsa] = [leafOf(), leafOf('localhost', { keyType: 'rsa' })];
  const both = {
    cert: [ec, rsa].map((one) => pemOf(one, ca)),
    key: [ec, rsa].map((one) => one.privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
  const server = createServer(both);
  const told: string[] = [];
  server.on('OCSPRequest', (certificate: Buffer, _issuer, callback) => {
    told.push(new X509Certificate(certificate).serialNumber);
    callback(null, null);
  });
  const port = await listening(server);
  for (const sigalgs of ['ecdsa_secp256r1_sha256', 'rsa_pss_rsae_sha256'])
    await stapleAt(port, 'localhost', { sigalgs });
  t.is(new Set(told).size, 1, 'Node.js tells which: it need not be refused');
  server.close();
  const refusal = { code: 'ERR_OCSP_INVALID_VALUE', message: /several certificates/ };
  t.throws(() => new Stapler().attach(createServer(both)), refusal);
  const other = createServer({ ...both, cert: both.cert.slice(0, 1), key: both.key.slice(0, 1) });
  await using stapler = new Stapler().attach(other);
  t.is(stapler.states().length, 1);
  t.throws(() => other.addContext('two.example', both), refusal);
  t.throws(() => other.setSecureContext(both), refusal);
  t.throws(() => other.setSecureContext({ pfx: ['a', 'b'] }), refusal);
});

test('after a restart the folder has the staple before anybody is asked', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-staples-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  await using responder = await TestResponder.start(ca);
  const leaf = leafOf();
  for (const round of [1, 2]) {
    await using client = clientOf(responder, { cache: { store: new FolderCache(folder) } });
    await using stapler = new Stapler({ client });
    t.is((await stapler.add([leaf.certificate, ca.certificate])).decision, 'stapled', String(round));
    t.is(responder.requests.length, 1);
  }
});

test('after a restart the first handshake of each of many certificates has what was kept, before anybody is asked', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-staples-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const clock = new Shifted();
  const { privateKey } = leafOf();
  const leaves = Array.from({ length: 200 }, (_, i) => leafOf(`host-${i}.example`, { privateKey }));
  const cache = { store: new FolderCache(folder) };
  await using responder = await TestResponder.start(ca);
  {
    await using client = clientOf(responder, { cache });
    await using stapler = new Stapler({ client });
    await Promise.all(leaves.map(({ certificate }) => stapler.add([certificate, ca.certificate])));
  }
  // Most of their life is over, so that all would be asked about.
  clock.ahead = 20 * HOUR;
  const never = new Promise<never>(() => {});
  responder.behaviour = () => never;
  const asked = responder.requests.length;
  const damaged = [...readdirSync(folder, { recursive: true, encoding: 'utf8' })].filter((name) =>
    name.endsWith('.ocsp'),
  );
  t.is(damaged.length, leaves.length);
  const reads = new Map<string, number>();
  const store = {
    get: async (key: string) => {
      reads.set(key, (reads.get(key) ?? 0) + 1);
      return await cache.store.get(key);
    },
    put: async () => {},
    delete: async () => {},
    async *keys() {},
  };
  await using client = clientOf(responder, { cache: { store }, clock });
  await using stapler = new Stapler({ client, clock: { now: () => clock.now(), after: () => () => {} } });
  const server = createServer(tlsOf(leaves[0]!));
  stapler.attach(server);
  for (const leaf of leaves) server.addContext(leaf.certificate.subjectAltName!.slice(4), tlsOf(leaf));
  const port = await listening(server);
  const serialAt = async (i: number) =>
    loadDerOcspResponse((await stapleAt(port, `host-${i}.example`))!).serialNumber.toString(16);
  for (const i of [199, 150, 5])
    t.is(await serialAt(i), BigInt(`0x${leaves[i]!.certificate.serialNumber}`).toString(16));
  t.is(new Set(await Promise.all(Array.from({ length: 20 }, () => serialAt(180)))).size, 1);
  t.true(Math.max(...reads.values()) < 4, 'one look for all, and what is asked about');
  t.true(responder.requests.length - asked <= 8, 'no one has answered, and the others wait');
  for (const name of damaged) writeFileSync(join(folder, name), 'x');
  t.is(await stapleAt(port, 'host-120.example'), null, 'what is damaged is not stapled');
  server.close();
});

// Alone: a handshake waits for a store no longer than a second, which another test may take from it.
test.serial('what does not count is not stapled; a store that hangs, fails or is slow ends no handshake', async (t) => {
  await using responder = await TestResponder.start(ca, { behaviour: 'gone' });
  const leaf = leafOf();
  const about = { certificate: leaf.certificate, issuer: ca.certificate };
  const at = (hours: number) => new Date(Date.now() + hours * HOUR);
  const answer = (more: object, signer = ca) =>
    buildTestResponse({ entries: [{ ...about, thisUpdate: at(-9), nextUpdate: at(9), ...more }], signer });
  const never = new Promise<never>(() => {});
  for (const [name, get, isStapled] of [
    ['good', async () => answer({}), true],
    ['slow', () => wait(100).then(() => answer({})), true],
    ['revoked', async () => answer({ status: 'revoked' }), false],
    ['ended', async () => answer({ nextUpdate: at(-2) }), false],
    ['of another certificate', async () => answer({ serialNumber: 5n }), false],
    ['of another CA', async () => answer({}, createTestCa()), false],
    ['nothing', async () => null, false],
    ['failing', async () => Promise.reject(new Error('broken')), false],
    ['hanging', () => never, false],
  ] as const) {
    const store = { get, put: async () => {}, delete: async () => {}, async *keys() {} };
    const client = clientOf(responder, { cache: { store } });
    await using stapler = new Stapler({ client });
    const server = createServer(tlsOf(leaf));
    stapler.attach(server);
    t.teardown(() => server.close());
    const port = await listening(server);
    const begin = performance.now();
    // One that does not wait for the answer.
    connect({ port, host: '127.0.0.1', rejectUnauthorized: false, requestOCSP: true } as ConnectionOptions)
      .on('error', () => {})
      .destroySoon();
    // A handshake waits a second for a store, which on a machine that is busy may be over before the store was asked.
    const isThere = async (): Promise<boolean> => {
      for (let attempt = 1; ; attempt += 1) {
        const staple = await stapleAt(port);
        const isLate = staple === null && isStapled && performance.now() - begin > 1000;
        if (!isLate || attempt === 20) return staple !== null;
      }
    };
    t.is(await isThere(), isStapled, name);
    t.is(await isThere(), isStapled, `${name}, again`);
    server.close();
  }
});

test('what was kept is stapled after a restart while no one answers, also when it would be asked about again', async (t) => {
  await using responder = await TestResponder.start(ca, { behaviour: 'gone' });
  for (const [thisUpdate, nextUpdate, status, decision] of [
    [-9, 9, 'good', 'stapled'],
    [-20, 4, 'good', 'stapled'],
    [-20, 4, 'revoked', 'revoked'],
    [-20, -1, 'good', 'unreachable'],
  ] as const) {
    const leaf = leafOf();
    const at = (hours: number) => new Date(Date.now() + hours * HOUR);
    const entry = { certificate: leaf.certificate, issuer: ca.certificate, status };
    const der = buildTestResponse({
      entries: [{ ...entry, thisUpdate: at(thisUpdate), nextUpdate: at(nextUpdate) }],
      signer: ca,
    });
    const store = { get: async () => der, put: async () => {}, delete: async () => {}, async *keys() {} };
    await using client = clientOf(responder, { cache: { store } });
    await using stapler = new Stapler({ client });
    const state = await stapler.add([leaf.certificate, ca.certificate]);
    t.is(state.decision, decision, `${thisUpdate} to ${nextUpdate}, ${status}`);
    const server = createServer(tlsOf(leaf));
    t.teardown(() => server.close());
    stapler.attach(server);
    t.deepEqual(await stapleAt(await listening(server)), decision === 'stapled' ? der : null);
  }
});

test('many certificates: all are stapled, and a few asked about at a time', async (t) => {
  const { privateKey } = leafOf();
  const leaves = Array.from({ length: 300 }, () => leafOf('localhost', { privateKey }));
  let running = 0;
  let most = 0;
  await using responder = await TestResponder.start(ca, {
    behaviour: async () => {
      running += 1;
      most = Math.max(most, running);
      await wait(1);
      running -= 1;
      return 'good' as const;
    },
  });
  await using client = clientOf(responder);
  await using stapler = new Stapler({ client });
  const states = await Promise.all(leaves.map(({ certificate }) => stapler.add([certificate, ca.certificate])));
  t.true(states.every(({ decision }) => decision === 'stapled'));
  t.is(stapler.states().length, leaves.length);
  t.is(responder.requests.length, leaves.length);
  t.true(most > 1 && most <= 8, String(most));
  const serials = leaves.map(({ certificate }) => loadDerOcspResponse(stapler.staple(certificate.raw)!).serialNumber);
  t.is(new Set(serials).size, leaves.length);
});

test('servers with which a staple would be lost are refused', async (t) => {
  await using stapler = new Stapler();
  const refusal = { code: 'ERR_OCSP_INVALID_VALUE' };
  const server = createServer(tlsOf(leafOf()));
  const listener = (): void => undefined;
  server.on('OCSPRequest', listener);
  t.throws(() => stapler.attach(server), { ...refusal, message: /has a listener/ });
  server.off('OCSPRequest', listener);
  stapler.attach(server);
  t.throws(() => server.on('OCSPRequest', listener), { ...refusal, message: /second listener/ });
  t.throws(() => new Stapler().attach(server), refusal);
  await stapler.close();
  t.is(server.listenerCount('OCSPRequest'), 0);
  t.notThrows(() => server.on('OCSPRequest', listener));
  t.throws(() => stapler.attach(createServer()), refusal);
  t.throws(() => new Stapler().attach({} as never), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => new Stapler({ client: {} as never }), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => new Stapler({ staple: 'all' as never }), refusal);
  t.throws(() => new Stapler({ cliient: 1 } as never), refusal);
  const compressing = { certificateCompression: ['zlib'] };
  const lossy = { ...refusal, message: /certificateCompression/ };
  t.throws(() => new Stapler().attach(Object.assign(createServer(), compressing)), lossy);
  // (Node.js 20 and 22 do not know the option.)
  const later = createServer(tlsOf(leafOf()));
  const other = new Stapler().attach(later);
  t.throws(() => later.setSecureContext({ ...tlsOf(leafOf()), ...compressing }), lossy);
  t.throws(() => later.addContext('two.example', { ...tlsOf(leafOf()), ...compressing }), lossy);
  t.notThrows(() => later.setSecureContext(tlsOf(leafOf())));
  t.is(other.states().length, 2);
  t.throws(() => later.setSecureContext(undefined as never), { instanceOf: TypeError });
  await other.close();
  t.notThrows(() => later.setSecureContext({ ...tlsOf(leafOf()), certificateCompression: [] } as TlsOptions));
});
