import type { X509Certificate } from 'node:crypto';
import { createServer } from 'node:net';
import test from 'ava';
import { OCSPRequestBuilder, ocspUrls, Verifier } from 'openssl-ocsp';
import {
  type CheckOptions,
  type ClientQuestion,
  FolderCache,
  OCSPClient,
  type OCSPClientOptions,
} from 'openssl-ocsp/client';
import { createTestCa, TestResponder, type TestResponderOptions, TestResponseKit } from 'openssl-ocsp/testing';
import { encodeOid, encodeSequence, encodeTlv } from '#dist/x509/der.js';

const kit = new TestResponseKit();
const question = { certificate: kit.leaf.certificate, issuer: kit.ca.certificate };
const start = (options?: TestResponderOptions) => TestResponder.start(kit.ca, options);
/** Long, since machines that run tests are slow. */
const PATIENT = { timeout: 100_000, hedgeAfter: 50_000 };
const clientOf = (responders: readonly { url: string }[], options: OCSPClientOptions = {}) =>
  new OCSPClient({ responders: responders.map(({ url }) => url), ...PATIENT, ...options });

test('what responders say', async (t) => {
  await using responder = await start();
  for (const [behaviour, outcome, allowed] of [
    ['good', 'good', true],
    ['revoked', 'revoked', false],
    ['unknown', 'unknown', false],
    ['late', 'good', true],
  ] as const) {
    responder.behaviour = behaviour;
    for (const failPolicy of ['hard', 'soft'] as const) {
      await using client = clientOf([responder], { failPolicy });
      const result = await client.check(question);
      t.is(result.outcome, outcome);
      t.is(result.allowed, allowed);
      t.is(result.failure, null);
      t.is(result.source, 'network');
      t.is(result.verdict!.status, outcome);
      t.is(result.attempts.at(-1)!.verdict, result.verdict);
      t.regex(result.explain(), new RegExp(`=> ${outcome}, ${allowed ? '' : 'not '}allowed$`));
    }
  }
});

test('unreachable and refused are two things: soft lets the first pass', async (t) => {
  await using responder = await start();
  const cases = [
    ...(['half', 'gone', 'endless-header', 'not-http', 'redirect-loop', 'switching-protocols', 'no-colon'] as const),
    ...([404, 500, 503, 'tryLater', 'internalError'] as const),
  ].map((behaviour) => [behaviour, 'unreachable'] as const);
  const refused = [
    ...(['expired', 'not-yet-valid', 'other-certificate', 'broken-signature', 'stranger', 'cut', 'text'] as const),
    ...(['empty', 'wrong-type', 'endless', 'malformedRequest', 'sigRequired', 'unauthorized'] as const),
  ].map((behaviour) => [behaviour, 'refused'] as const);
  for (const [behaviour, failure] of [...cases, ...refused]) {
    responder.behaviour = behaviour;
    for (const failPolicy of ['hard', 'soft'] as const) {
      await using client = clientOf([responder], { failPolicy });
      const result = await client.check(question);
      t.is(result.outcome, 'undetermined', String(behaviour));
      t.is(result.failure, failure, `${behaviour}: ${result.explain()}`);
      t.is(result.allowed, failPolicy === 'soft' && failure === 'unreachable', String(behaviour));
      t.is(result.source, null);
      t.is(result.verdict?.status ?? null, null);
      t.true(result.attempts.length >= 1);
      t.true(result.attempts.every(({ reason }) => reason !== null));
    }
  }
});

test('every bad answer of the kit is refused, and no policy lets it pass but a function', async (t) => {
  let der: Buffer = Buffer.alloc(0);
  await using responder = await start({ behaviour: () => der });
  for (const bad of kit.bad()) {
    der = bad.der;
    await using client = clientOf([responder], { failPolicy: 'soft' });
    const { outcome, allowed, failure } = await client.check(question);
    const isBusy = bad.name === 'status tryLater' || bad.name === 'status internalError';
    t.deepEqual([outcome, failure, allowed], ['undetermined', isBusy ? 'unreachable' : 'refused', isBusy], bad.name);
  }
});

test('silence ends with the time', async (t) => {
  await using responder = await start({ behaviour: 'silent' });
  for (const method of ['auto', 'post'] as const) {
    await using client = clientOf([responder], { timeout: 300, method, failPolicy: 'soft' });
    const result = await client.check(question);
    t.is(result.failure, 'unreachable');
    t.true(result.allowed);
    t.regex(result.attempts.at(-1)!.reason!, /no answer within 0\.\d+ seconds/);
  }
  responder.behaviour = 'slow';
  await using client = clientOf([responder], { timeout: 300 });
  t.is((await client.check(question)).failure, 'unreachable');
});

test('a function decides where nothing is known, and nowhere else', async (t) => {
  await using responder = await start();
  const asked: string[] = [];
  await using client = clientOf([responder], {
    failPolicy: (result) => {
      asked.push(result.outcome);
      t.false(result.allowed);
      return result.failure !== 'refused';
    },
  });
  t.true((await client.check(question)).allowed);
  responder.behaviour = 'revoked';
  const revoked = { ...question, certificate: kit.ca.issue({ subject: 'CN=revoked' }).certificate };
  t.false((await client.check(revoked)).allowed);
  responder.behaviour = 'unknown';
  t.true((await client.check({ ...question, certificate: kit.ca.issue({}).certificate })).allowed);
  responder.behaviour = 'text';
  t.false((await client.check({ ...question, certificate: kit.ca.issue({}).certificate })).allowed);
  t.deepEqual(asked, ['unknown', 'undetermined']);
  const promising = (async () => true) as unknown as () => boolean;
  await using wrong = clientOf([responder], { failPolicy: promising });
  await t.throwsAsync(wrong.check(question), { instanceOf: TypeError, message: /failPolicy/ });
});

test('the next responder is asked when one fails, answers uselessly, or takes long', async (t) => {
  await using good = await start();
  await using bad = await start();
  for (const behaviour of [
    'gone',
    500,
    'text',
    'empty',
    'expired',
    'tryLater',
    'internalError',
    'unauthorized',
    'unknown',
    'broken-signature',
    'switching-protocols',
  ] as const) {
    bad.behaviour = behaviour;
    await using client = clientOf([bad, good]);
    const result = await client.check(question);
    t.is(result.outcome, 'good', `${behaviour}: ${result.explain()}`);
  }
  bad.behaviour = 'revoked';
  const asked = good.requests.length;
  await using client = clientOf([bad, good]);
  t.is((await client.check(question)).outcome, 'revoked');
  t.is(good.requests.length, asked, 'a status is a status');
  bad.behaviour = 'silent';
  await using hedging = clientOf([bad, good], { hedgeAfter: 50 });
  t.is((await hedging.check(question)).outcome, 'good');
  bad.behaviour = 'unknown';
  good.behaviour = 'text';
  await using last = clientOf([bad, good]);
  t.is((await last.check(question)).outcome, 'unknown');
});

test('GET up to 255 bytes, else POST; POST where GET is not taken, remembered', async (t) => {
  await using responder = await start();
  const methods = () => responder.requests.map(({ method }) => method);
  const other = () => ({ ...question, certificate: kit.ca.issue({}).certificate });
  await using client = clientOf([responder]);
  await client.check(question);
  t.deepEqual(methods(), ['GET']);
  t.deepEqual(responder.requests[0]!.headers.accept, 'application/ocsp-response');
  await using posting = clientOf([responder], { method: 'post' });
  await posting.check(question);
  await using long = new OCSPClient({ responders: [`${responder.url}${'x'.repeat(200)}`], ...PATIENT });
  await long.check(question);
  t.deepEqual(methods(), ['GET', 'POST', 'POST']);
  for (const status of [400, 404, 405, 414, 501]) {
    responder.behaviour = ({ method }) => (method === 'GET' ? status : 'good');
    const before = responder.requests.length;
    await using careful = clientOf([responder]);
    t.is((await careful.check(question)).outcome, 'good');
    await careful.check(other());
    t.deepEqual(methods().slice(before), ['GET', 'POST', 'POST'], String(status));
  }
  responder.behaviour = ({ method }) => (method === 'GET' ? 'silent' : 'good');
  await using patient = clientOf([responder], { hedgeAfter: 100 });
  t.is((await patient.check(question)).outcome, 'good');
});

test('an answer that has ended may be that of a cache on the way, which is asked to let the question through', async (t) => {
  await using responder = await start();
  const asked = () => responder.requests.map(({ method, headers }) => `${method} ${headers['cache-control'] ?? ''}`);
  responder.behaviour = ({ headers }) => (headers['cache-control'] === 'no-cache' ? 'good' : 'expired');
  await using client = clientOf([responder]);
  t.is((await client.check(question)).outcome, 'good');
  t.deepEqual(asked(), ['GET ', 'GET no-cache']);
  responder.behaviour = 'expired';
  await using other = clientOf([responder]);
  t.is((await other.check(question)).failure, 'refused');
  t.deepEqual(asked().slice(2), ['GET ', 'GET no-cache']);
  responder.behaviour = 'good';
  await client.check(question, { fresh: true });
  t.is(asked().at(-1), 'GET ', 'and no other time');
});

test('SHA-256, and SHA-1 for those who know no other, remembered', async (t) => {
  await using responder = await start();
  const hashes = () => responder.requests.map(({ hashAlgorithm }) => hashAlgorithm as string);
  for (const answer of [
    'malformedRequest',
    'internalError',
    'unauthorized',
    'unknown',
    'other-certificate',
    400,
    404,
    500,
    503,
  ] as const) {
    responder.behaviour = ({ hashAlgorithm }) => (hashAlgorithm === 'sha256' ? answer : 'good');
    const before = responder.requests.length;
    await using client = clientOf([responder], { method: 'post' });
    const result = await client.check(question);
    t.is(result.outcome, 'good', `${answer}: ${result.explain()}`);
    await client.check({ ...question, certificate: kit.ca.issue({}).certificate });
    t.deepEqual(hashes().slice(before), ['sha256', 'sha1', 'sha1'], String(answer));
  }
  for (const answer of ['good', 'revoked', 'tryLater', 'expired', 'text', 429] as const) {
    responder.behaviour = answer;
    const before = responder.requests.length;
    await using client = clientOf([responder], { method: 'post' });
    await client.check(question);
    t.deepEqual(hashes().slice(before), ['sha256'], String(answer));
  }
  responder.behaviour = ({ hashAlgorithm }) => (hashAlgorithm === 'sha256' ? 'unknown' : 404);
  await using kept = clientOf([responder], { method: 'post' });
  t.is((await kept.check(question)).outcome, 'unknown');
  for (const hash of ['sha1', 'sha256', 'sha384'] as const) {
    const before = responder.requests.length;
    await using client = clientOf([responder], { method: 'post', hash });
    await client.check(question);
    t.deepEqual(hashes().slice(before), [hash]);
  }
});

test('nonces: none, 32, then 16, then none; required ones', async (t) => {
  const lengthOf = (headers: { request: { extensions: Iterable<{ value: { nonce?: Uint8Array } }> } | null }) =>
    [...(headers.request?.extensions ?? [])].map(({ value }) => value.nonce?.length)[0] ?? 0;
  await using responder = await start();
  const lengths = () => responder.requests.map((request) => lengthOf(request as never));
  await using plain = clientOf([responder]);
  await plain.check(question);
  await using careful = clientOf([responder], { nonce: true });
  t.is((await careful.check(question)).verdict!.nonce, 'equal');
  t.deepEqual(lengths(), [0, 32]);
  responder.behaviour = (request) => (lengthOf(request as never) > 16 ? 'malformedRequest' : 'good');
  await using shorter = clientOf([responder], { nonce: true, method: 'post' });
  t.is((await shorter.check(question)).verdict!.nonce, 'equal');
  await shorter.check({ ...question, certificate: kit.ca.issue({}).certificate });
  t.deepEqual(lengths().slice(2), [32, 16, 16]);
  responder.behaviour = (request) => (lengthOf(request as never) > 0 ? 400 : 'good');
  await using none = clientOf([responder], { nonce: true, method: 'post' });
  t.is((await none.check(question)).outcome, 'good');
  await using required = clientOf([responder], { nonce: 'required', method: 'post', hash: 'sha256' });
  const before = responder.requests.length;
  t.is((await required.check(question)).outcome, 'undetermined');
  t.deepEqual(lengths().slice(before), [32, 16]);
  await using replay = await start({ response: { extensions: [] } });
  await using wary = clientOf([replay], { nonce: 'required', failPolicy: 'soft' });
  const replayed = await wary.check(question);
  t.is(replayed.failure, 'refused');
  t.false(replayed.allowed);
  t.regex(replayed.explain(), /the answer has no nonce/);
});

test('certificates by their CertID; an issuer that is not theirs', async (t) => {
  await using responder = await start();
  await using client = clientOf([responder]);
  const { certificate, issuer } = question;
  for (const hash of ['sha1', 'sha512'] as const) {
    const [certId] = new OCSPRequestBuilder().addCertificate(certificate, issuer, hash).build().requests;
    t.is((await client.check({ certId: certId!, issuer })).outcome, 'good');
  }
  t.is(responder.requests.length, 1, 'one certificate, whatever it is named by');
  const wrong = await client.check({ certificate, issuer: kit.root.certificate });
  t.deepEqual([wrong.outcome, wrong.failure, wrong.allowed], ['undetermined', 'refused', false]);
  t.regex(wrong.explain(), /the issuer given is not that of the certificate/);
  t.is(responder.requests.length, 1, 'no one is asked about that');
});

test('a forged certificate has nothing of the one whose serial number it bears, and leaves nothing behind', async (t) => {
  await using responder = await start();
  const { certificate, issuer } = question;
  const forger = createTestCa({ subject: issuer.subject.split('\n').join(',') });
  const forged = (more = {}) => ({
    certificate: forger.issue({ serialNumber: BigInt(`0x${certificate.serialNumber}`), ...more }).certificate,
    issuer,
  });
  const forgeries = [
    forged(),
    forged({ notAfter: new Date(Date.now() + 3600_000) }),
    forged({ extensions: [{ oid: '2.5.29.56', value: Buffer.from('0500', 'hex') }] }),
  ];
  const store = new Map<string, Uint8Array>();
  const cache = {
    store: {
      get: async (key: string) => store.get(key) ?? null,
      put: async (key: string, der: Uint8Array) => void store.set(key, der),
      delete: async () => {},
      async *keys() {},
    },
  };
  await using client = clientOf([responder], { cache, minLifetime: 24 * 3600 });
  const refused = async (wrong: ClientQuestion, options: CheckOptions = {}, by = client) => {
    const result = await by.check(wrong, options);
    t.deepEqual([result.outcome, result.failure, result.allowed], ['undetermined', 'refused', false]);
  };
  for (const wrong of forgeries) await refused(wrong);
  t.is(responder.requests.length, 0);
  const first = client.check(question);
  for (const wrong of forgeries) await refused(wrong);
  t.is((await first).outcome, 'good', 'although the forgery was refused before, and while it was asked about');
  for (const wrong of forgeries) {
    await refused(wrong);
    await refused(wrong, { fresh: true });
    await refused(wrong, { staple: kit.respond() });
  }
  await using another = clientOf([responder], { cache });
  for (const wrong of forgeries) await refused(wrong, {}, another);
  t.is((await client.check(question)).source, 'cache');
  t.is(responder.requests.length, 1);
});

test('nothing to ask about: no URL, noRevAvail, a short life; and URLs that are not HTTP', async (t) => {
  await using responder = await start();
  const { ca } = kit;
  const aia = { ocsp: [responder.url] };
  const check = async (certificate: typeof question.certificate, options: OCSPClientOptions = {}) => {
    await using client = new OCSPClient({ allowPrivateAddresses: true, ...PATIENT, ...options });
    return await client.check({ certificate, issuer: ca.certificate });
  };
  const none = await check(ca.issue({}).certificate);
  t.like(none, { outcome: 'not-applicable', allowed: true, verdict: null, failure: null, source: null });
  t.regex(none.explain(), /no responder is named/);
  const noRevAvail = ca.issue({
    aia,
    extensions: [{ oid: '2.5.29.56', value: Buffer.from('0500', 'hex') }],
  }).certificate;
  t.is((await check(noRevAvail)).outcome, 'not-applicable');
  const day = 24 * 3600 * 1000;
  const short = ca.issue({
    aia,
    notBefore: new Date(Date.now() - day),
    notAfter: new Date(Date.now() + day),
  }).certificate;
  t.is((await check(short)).outcome, 'good', 'it names a responder, so it is asked');
  t.is((await check(short, { minLifetime: 7 * 24 * 3600 })).outcome, 'not-applicable');
  const ldap = await check(ca.issue({ aia: { ocsp: ['ldap://example.com/x'] } }).certificate, { failPolicy: 'soft' });
  t.deepEqual([ldap.outcome, ldap.failure, ldap.allowed], ['undetermined', 'unreachable', true]);
  t.is((await check(ca.issue({ aia }).certificate)).outcome, 'good');
  t.is((await check(ca.issue({ aia }).certificate, { responders: () => [] })).outcome, 'not-applicable');
  t.is((await check(ca.issue({}).certificate, { responders: async () => [responder.url] })).outcome, 'good');
  const denied = await check(ca.issue({}).certificate, { failPolicy: ({ outcome }) => outcome !== 'not-applicable' });
  t.false(denied.allowed);
});

test('a certificate may name somebody in what cannot be read: that is no reason to let it pass', async (t) => {
  await using responder = await start({ behaviour: 'revoked' });
  const { ca } = kit;
  const location = (method: string, name: Buffer) => encodeSequence(encodeOid(`1.3.6.1.5.5.7.48.${method}`), name);
  const uri = (text: string) => encodeTlv(0x86, Buffer.from(text));
  const access = (...descriptions: Buffer[]) => ({
    oid: '1.3.6.1.5.5.7.1.1',
    value: encodeSequence(...descriptions),
  });
  const check = async (extensions: readonly { oid: string; value: Buffer }[], options: OCSPClientOptions = {}) => {
    await using client = new OCSPClient({ allowPrivateAddresses: true, ...PATIENT, ...options });
    const { certificate } = ca.issue({ extensions });
    const { outcome, failure, allowed } = await client.check({ certificate, issuer: ca.certificate });
    return [outcome, failure, allowed, ocspUrls(certificate).length];
  };
  const ocsp = access(location('1', uri(responder.url)));
  const caIssuers = access(location('2', uri('http://ca.example/ca.crt')));
  // The extension must not be there twice; where it is, all of it counts.
  for (const list of [[ocsp], [caIssuers, ocsp], [ocsp, caIssuers], [{ ...caIssuers, value: Buffer.from('05') }, ocsp]])
    t.deepEqual(await check(list), ['revoked', null, false, 1]);
  t.deepEqual(await check([ocsp, ocsp]), ['revoked', null, false, 2]);
  const bad = encodeTlv(0xa9, Buffer.alloc(0));
  for (const unreadable of [
    access(location('1', encodeTlv(0xa4, encodeSequence()))),
    access(location('1', uri(responder.url)), location('1', bad)),
    { ...ocsp, value: Buffer.from('3003020100', 'hex') },
    { ...ocsp, value: Buffer.alloc(0) },
    { ...ocsp, value: Buffer.concat([access().value, ocsp.value]) },
  ])
    for (const [failPolicy, allowed] of [
      ['hard', false],
      ['soft', true],
    ] as const)
      t.deepEqual(await check([unreadable], { failPolicy }), ['undetermined', 'unreachable', allowed, 0]);
  for (const list of [[], [caIssuers], [access()]]) t.deepEqual(await check(list), ['not-applicable', null, true, 0]);
});

test('what an answer is worth depends on the certificate of the CA, of which there may be several', async (t) => {
  await using responder = await start();
  const { privateKey } = kit.ca;
  const same = { subject: 'CN=Test CA', privateKey };
  const day = 24 * 3600 * 1000;
  const ended = createTestCa({
    ...same,
    notBefore: new Date(Date.now() - 9 * day),
    notAfter: new Date(Date.now() - day),
  });
  const noCa = createTestCa({ ...same, ca: false, keyUsage: ['keyCertSign', 'digitalSignature'] });
  const { certificate, issuer } = question;
  const staple = responder.answer(new OCSPRequestBuilder().addCertificate(certificate, issuer, 'sha256').build());
  for (const other of [ended, noCa]) {
    t.is(other.certificate.subject, issuer.subject);
    await using client = clientOf([responder]);
    const wrong = { certificate, issuer: other.certificate };
    const refused = async (options: CheckOptions = {}) => {
      const { outcome, allowed, verdict } = await client.check(wrong, options);
      t.deepEqual([outcome, allowed, verdict?.usable ?? false], ['undetermined', false, false]);
    };
    await refused({ staple });
    for (let i = 0; i < 2; i += 1) {
      const [good] = await Promise.all([client.check(question, { fresh: i === 0, staple }), refused()]);
      t.true(good.allowed);
      t.like(await client.check(question), { outcome: 'good', allowed: true, source: 'cache' });
      await refused();
      await refused({ staple });
      await refused({ fresh: true });
    }
    t.true((await client.check(question)).verdict?.usable);
  }
});

test('a CertID names no responder: where the client has none, nothing is known', async (t) => {
  const { certificate, issuer } = question;
  const [certId] = new OCSPRequestBuilder().addCertificate(certificate, issuer, 'sha1').build().requests;
  for (const [options, allowed] of [
    [{}, false],
    [{ failPolicy: 'soft' }, true],
    [{ responders: () => [] }, false],
  ] as const) {
    await using client = new OCSPClient(options);
    const result = await client.check({ certId: certId!, issuer });
    t.like(result, { outcome: 'undetermined', failure: 'unreachable', allowed });
    t.regex(result.explain(), /a CertID names no responder/);
  }
  t.throws(() => new OCSPClient({ responders: [] }), {
    code: 'ERR_OCSP_INVALID_VALUE',
    message: /responders is empty/,
  });
});

test('that there is no one to ask is told of the certificate that says so, and of no other with its serial number', async (t) => {
  await using responder = await start({ behaviour: 'revoked' });
  const { ca } = kit;
  const serialNumber = 0x77n;
  const about = (certificate: X509Certificate) => ({ certificate, issuer: ca.certificate });
  const named = about(ca.issue({ serialNumber, aia: { ocsp: [responder.url] } }).certificate);
  const noRevAvail = { oid: '2.5.29.56', value: Buffer.from('0500', 'hex') };
  const [certId] = new OCSPRequestBuilder().addCertificate(named.certificate, named.issuer, 'sha256').build().requests;
  for (const [other, outcome] of [
    [about(ca.issue({ serialNumber }).certificate), 'not-applicable'],
    [about(ca.issue({ serialNumber, aia: { ocsp: ['ldap://x/'] } }).certificate), 'undetermined'],
    [about(ca.issue({ serialNumber, extensions: [noRevAvail] }).certificate), 'not-applicable'],
    [{ certId: certId!, issuer: ca.certificate }, 'undetermined'],
  ] as const) {
    await using client = new OCSPClient({ allowPrivateAddresses: true, failPolicy: 'soft', ...PATIENT });
    const results = await Promise.all([other, other, named, other, named].map((item) => client.check(item)));
    t.deepEqual(
      results.map((result) => result.outcome),
      [outcome, outcome, 'revoked', outcome, 'revoked'],
    );
    const after = await client.check(other);
    t.is(after.outcome, 'revoked', 'what is known of the serial number is known of both');
  }
});

test('the verifier of the caller judges', async (t) => {
  await using responder = await start();
  await using client = clientOf([responder], { verifier: new Verifier({ trust: [kit.root.certificate] }) });
  t.is((await client.check(question)).outcome, 'good');
  await using other = clientOf([responder], { verifier: new Verifier({ trust: [kit.leaf.certificate] }) });
  t.is((await other.check(question)).failure, 'refused');
});

test('credentials in URLs are sent, and nowhere shown', async (t) => {
  await using responder = await start();
  const url = responder.url.replace('http://', 'http://user:s3cret@');
  for (const behaviour of ['good', 503, 'redirect-loop', 'text'] as const) {
    responder.behaviour = behaviour;
    await using client = new OCSPClient({ responders: [url], ...PATIENT });
    const result = await client.check(question);
    t.notRegex(JSON.stringify(result) + result.explain(), /s3cret/);
    t.regex(responder.requests.at(-1)!.headers.authorization ?? '', /^Basic /);
  }
});

test('arguments', async (t) => {
  for (const [options, expected] of [
    [{ responders: ['ldap://x/'] }, /responders/],
    [{ responders: 'http://x/' }, /responders/],
    [{ responders: [5] }, /responders/],
    [{ failPolicy: 'Hard' }, /failPolicy/],
    [{ failpolicy: 'soft' }, /options takes no 'failpolicy': did you mean 'failPolicy'/],
    [{ cache: { maxBites: 1 } }, /cache takes no 'maxBites'/],
    [{ agents: { https2: 1 } }, /agents takes no 'https2'/],
    [{ agents: { http: {} } }, /agents.http.* must be an Agent of node:http/],
    [{ agents: { https: null } }, /agents.https.* must be an Agent of node:https/],
    [{ timeout: '5' }, /timeout/],
    [{ timeout: 0 }, /timeout/],
    [{ timeout: Number.NaN }, /timeout/],
    [{ hash: 'md5' }, /hash/],
    [{ method: 'put' }, /method/],
    [{ nonce: 500 }, /nonce/],
    [{ nonce: 'always' }, /nonce/],
    [{ verifier: {} }, /verifier/],
    [{ allowPrivateAddresses: 'localhost' }, /allowPrivateAddresses/],
    [{ allowPrivateAddresses: [1] }, /allowPrivateAddresses/],
    // None of these is the host of any URL: they would allow nothing.
    ...['', '10.0.0.0/8', '127.0.0.1:80', 'http://ocsp.internal/', '*.internal', '::1', '[::1]:80', 'a b', '[x'].map(
      (name) => [{ allowPrivateAddresses: [name] }, /host names as they stand in URLs/] as const,
    ),
    [{ cache: new FolderCache('.') }, /"cache" argument must be { store }. Received an instance of FolderCache/],
    ...['./cache', {}, new Map()].map(
      (store) => [{ cache: { store } }, /cache.store.* must be a ResponseCacheStore/] as const,
    ),
    [{ cache: { maxBytes: -1 } }, /maxBytes/],
    [{ proxy: 'ftp://user:s3cret@x/' }, /proxy is not the URL of an HTTP proxy$/],
    [{ fetch, proxy: 'http://x/' }, /fetch is given/],
    [{ minLifetime: -1 }, /minLifetime/],
    [null, /options/],
  ] as const) {
    t.throws(() => new OCSPClient(options as never), { message: expected }, JSON.stringify(options));
  }
  const client = new OCSPClient();
  for (const wrong of [undefined, null, {}, { certificate: question.certificate }, { issuer: question.issuer }]) {
    await t.throwsAsync(client.check(wrong as never), { instanceOf: TypeError });
  }
  await t.throwsAsync(client.check({ ...question, certificate: 'leaf.pem' }), { code: 'ERR_OCSP_MALFORMED' });
  await client.close();
  await t.throwsAsync(client.check(question), { code: 'ERR_OCSP_INVALID_VALUE', message: /closed/ });
});

test('closing ends questions', async (t) => {
  await using responder = await start({ behaviour: 'silent' });
  const client = clientOf([responder]);
  const waiting = client.check(question);
  while (responder.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await client.close();
  t.is((await waiting).outcome, 'undetermined');
});

test('a fetch and a function of responders that never end: the time does, and closing', async (t) => {
  const never = () => new Promise<never>(() => {});
  const responders = ['http://ocsp.example/'];
  const silent = async () =>
    new Response(new ReadableStream({ pull: never }), { headers: { 'Content-Type': 'application/ocsp-response' } });
  for (const options of [{ responders: never }, { responders, fetch: never }, { responders, fetch: silent }]) {
    await using impatient = new OCSPClient({ ...options, timeout: 50 });
    t.like(await impatient.check(question), { outcome: 'undetermined', failure: 'unreachable' });
    const client = new OCSPClient({ ...options, ...PATIENT });
    const waiting = client.check(question);
    await client.close();
    const result = await waiting;
    t.is(result.failure, 'unreachable');
    t.regex(result.explain(), /the client is closed/);
  }
});

test('a port where no one listens', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  await using client = new OCSPClient({ responders: [`http://127.0.0.1:${port}/`], ...PATIENT });
  const result = await client.check(question);
  t.is(result.failure, 'unreachable');
  t.regex(result.explain(), /ECONNREFUSED/);
});

test('chains', async (t) => {
  await using root = await TestResponder.start(kit.root);
  await using responder = await start();
  const aia = { ocsp: [responder.url] };
  const leaf = kit.ca.issue({ aia }).certificate;
  const sub = kit.root.issueIntermediate({ subject: 'CN=Sub', aia: { ocsp: [root.url] } });
  const behind = sub.issue({ aia }).certificate;
  const check = async (...chain: (typeof leaf)[]) => {
    await using client = new OCSPClient({ allowPrivateAddresses: true, ...PATIENT });
    return await client.checkChain(chain);
  };
  const unnamed = await check(leaf, kit.ca.certificate, kit.root.certificate);
  t.deepEqual(
    unnamed.results.map(({ outcome }) => outcome),
    ['good', 'not-applicable'],
  );
  t.deepEqual([unnamed.outcome, unnamed.allowed], ['good', true]);
  const unasked = sub.issue({}).certificate;
  const above = await check(unasked, sub.certificate, kit.root.certificate);
  t.deepEqual(
    above.results.map(({ outcome }) => outcome),
    ['not-applicable', 'good'],
  );
  t.is(above.outcome, 'not-applicable', 'a good CA makes no certificate good');
  root.behaviour = 'revoked';
  const revoked = await check(behind, sub.certificate, kit.root.certificate);
  t.deepEqual(
    revoked.results.map(({ outcome }) => outcome),
    ['undetermined', 'revoked'],
  );
  t.deepEqual([revoked.outcome, revoked.allowed], ['revoked', false]);
  t.regex(revoked.explain(), /certificate 1:\n[\s\S]*=> revoked/);
  const swapped = await check(kit.ca.certificate, leaf);
  t.deepEqual([swapped.outcome, swapped.allowed], ['undetermined', false]);
  await using client = new OCSPClient({ allowPrivateAddresses: true, ...PATIENT });
  t.is((await client.checkChain(`${leaf}${kit.ca.certificatePem}`)).outcome, 'good');
  t.is((await client.checkChain(Buffer.from(`${leaf}${kit.ca.certificatePem}`))).outcome, 'good');
  for (const chain of [[], [leaf], leaf.toString()]) {
    await t.throwsAsync(client.checkChain(chain), { code: 'ERR_OCSP_INVALID_VALUE' });
  }
  await t.throwsAsync(client.checkChain(undefined as never), { instanceOf: TypeError });
});
