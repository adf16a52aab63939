/** What proves a chain, gathered: and that it proves it later, to who has nothing else. */
import test from 'ava';
import { loadDerBasicOcspResponse, Verifier } from 'openssl-ocsp';
import { OCSPClient, type OCSPClientOptions } from 'openssl-ocsp/client';
import { createTestCa, TestResponder, type TestResponderRequest } from 'openssl-ocsp/testing';
import { invalid, malformed, wrong, wrongType } from '../helpers/refusals.js';

const PATIENT = { timeout: 100_000, hedgeAfter: 50_000 };

/** A root and a CA with a responder each; the certificates name them. */
async function network(ofCa: Parameters<typeof TestResponder.start>[1] = {}, noCheck = true) {
  const root = createTestCa({ subject: 'CN=Root' });
  const rootResponder = await TestResponder.start(root, { signer: root, response: { certificates: [] } });
  const ca = root.issueIntermediate({ subject: 'CN=CA', aia: { ocsp: rootResponder.url } });
  // The URL of a responder is known when it runs, and its signer is needed before.
  const answers: { by?: TestResponder } = {};
  const front = await TestResponder.start(ca, {
    behaviour: ({ request }) => (answers.by === undefined ? 'good' : answers.by.answer(request!)),
    ...ofCa,
  });
  const signer = ca.issueResponder({
    subject: 'CN=D',
    ocspNoCheck: noCheck,
    ...(!noCheck && { aia: { ocsp: front.url } }),
  });
  answers.by = await TestResponder.start(ca, { signer });
  const leaf = ca.issue({ subject: 'CN=leaf', aia: { ocsp: front.url } });
  return {
    root,
    ca,
    leaf,
    signer,
    front,
    rootResponder,
    inner: answers.by,
    chain: [leaf.certificate, ca.certificate, root.certificate],
    async [Symbol.asyncDispose]() {
      for (const one of [rootResponder, front, answers.by!]) await one.close();
    },
  };
}

const clientOf = (options: OCSPClientOptions = {}) =>
  new OCSPClient({ ...PATIENT, allowPrivateAddresses: true, ...options });
const serial = (request: TestResponderRequest): string => (request.serialNumber ?? 0n).toString(16).toUpperCase();
const names = (certificates: readonly { subject: string }[]) => certificates.map(({ subject }) => subject);

test('a delegate with nocheck: two answers, and its certificate', async (t) => {
  await using net = await network();
  await using client = clientOf();
  const gathered = await client.gatherChain(net.chain);
  t.true(gathered.complete, gathered.explain());
  t.deepEqual(gathered.missing, []);
  t.is(gathered.responses.length, 2);
  t.deepEqual(names(gathered.certificates), ['CN=leaf', 'CN=CA', 'CN=Root', 'CN=D']);
  t.is(gathered.proved.status, 'good');
  t.regex(gathered.explain(), /=> complete$/);
  // Years later, out of a CAdES signature: with nothing but what was kept.
  const kept = gathered.responses.map((response) => response.basicResponseBytes);
  const later = new Verifier().statusAt(
    kept.map((der) => loadDerBasicOcspResponse(der)),
    {
      chain: net.chain,
      at: gathered.proved.at,
      existedAt: gathered.proved.at,
    },
  );
  t.is(later.status, 'good', later.explain());
  // From the cache, and in PEM.
  const pem = [net.leaf, net.ca, net.root].map(({ certificatePem }) => certificatePem).join('');
  t.true((await client.gatherChain(pem)).complete);
  t.true((await client.gatherChain(Buffer.from(pem))).complete);
  t.is(net.front.requests.length, 1);
  t.true((await client.gatherChain(net.chain, { fresh: true })).complete);
  t.is(net.front.requests.length, 2);
});

test('a delegate without nocheck: its own answer, by the CA', async (t) => {
  await using net = await network({}, false);
  const byCa = await TestResponder.start(net.ca, { signer: net.ca, response: { certificates: [] } });
  net.front.behaviour = (request) =>
    (serial(request) === net.signer.certificate.serialNumber ? byCa : net.inner).answer(request.request!);
  await using client = clientOf();
  const gathered = await client.gatherChain(net.chain);
  t.true(gathered.complete, gathered.explain());
  t.deepEqual(
    gathered.results.map(({ role }) => role),
    ['chain', 'chain', 'delegate'],
  );
  t.is(gathered.responses.length, 3);
  t.is(gathered.proved.links[0]!.answers[0]!.signerProof, 'answer');
  await byCa.close();
});

test('a delegate without nocheck that vouches for itself, is revoked, or of which no one knows', async (t) => {
  await using net = await network({}, false);
  for (const [behaviour, reason] of [
    [undefined, /signed by a delegate that needs one itself/],
    ['revoked', /it is revoked/],
    ['unknown', /does not know it/],
    ['tryLater', /no responder gave an answer/],
  ] as const) {
    await using client = clientOf();
    net.front.behaviour = (request) => {
      const isDelegate = serial(request) === net.signer.certificate.serialNumber;
      if (!isDelegate || behaviour === undefined) return net.inner.answer(request.request!);
      return behaviour === 'tryLater' ? behaviour : net.inner.answer(request.request!, behaviour);
    };
    const gathered = await client.gatherChain(net.chain);
    t.false(gathered.complete);
    const [missing, ...more] = gathered.missing;
    t.is(missing?.role, 'delegate', gathered.explain());
    t.regex(missing!.reason, reason);
    t.is(missing!.certificate.subject, 'CN=D');
    // The certificate whose answer it signed is not proved then, either.
    t.deepEqual(
      more.map(({ certificate }) => certificate.subject),
      ['CN=leaf'],
    );
    t.is(gathered.proved.status, null);
    t.regex(gathered.explain(), /missing: delegate [\s\S]*=> not complete$/);
  }
});

test('what is missing in the chain', async (t) => {
  await using net = await network();
  for (const [of, behaviour, subject, reason] of [
    [net.front, 'gone', 'CN=leaf', /no responder gave an answer: \S/],
    [net.front, 'broken-signature', 'CN=leaf', /no responder gave an answer that counts: the signature is wrong/],
    [net.front, 'revoked', 'CN=leaf', /it is revoked/],
    [net.front, 'unknown', 'CN=leaf', /does not know it/],
    [net.rootResponder, 'revoked', 'CN=CA', /it is revoked/],
  ] as const) {
    net.front.behaviour = ({ request }) => net.inner.answer(request!);
    net.rootResponder.behaviour = 'good';
    of.behaviour = behaviour;
    await using client = clientOf();
    const { complete, missing, explain: _ } = await client.gatherChain(net.chain);
    t.false(complete);
    t.is(missing[0]!.certificate.subject, subject);
    t.regex(missing[0]!.reason, reason);
  }
});

test('a certificate that names no responder', async (t) => {
  await using net = await network();
  const silent = net.ca.issue({ subject: 'CN=silent' });
  await using client = clientOf();
  const { missing, complete } = await client.gatherChain([
    silent.certificate,
    net.ca.certificate,
    net.root.certificate,
  ]);
  t.false(complete);
  t.deepEqual(
    missing.map(({ certificate, reason }) => [certificate.subject, reason]),
    [['CN=silent', 'no responder is named']],
  );
});

test('an answer whose time is over is no proof', async (t) => {
  await using net = await network();
  let now = Date.now();
  const clock = {
    now: () => now,
    after(milliseconds: number, callback: () => void) {
      const timer = setTimeout(callback, milliseconds);
      return () => clearTimeout(timer);
    },
  };
  await using client = clientOf({ clock, staleIfError: 10 * 24 * 3600 });
  t.true((await client.gatherChain(net.chain)).complete);
  now += 2 * 24 * 3600 * 1000;
  for (const one of [net.front, net.rootResponder]) one.behaviour = 'gone';
  const gathered = await client.gatherChain(net.chain);
  t.false(gathered.complete);
  t.deepEqual(gathered.responses, []);
  t.deepEqual(
    new Set(gathered.missing.map(({ reason }) => reason)),
    new Set(['there is no newer answer than one whose time is over']),
  );
});

test('arguments', async (t) => {
  await using client = clientOf();
  const { certificate } = createTestCa();
  await t.throwsAsync(client.gatherChain([certificate]), invalid);
  await t.throwsAsync(client.gatherChain('chain.pem'), malformed);
  await t.throwsAsync(client.gatherChain(wrong(5)), wrongType);
  await t.throwsAsync(client.gatherChain(certificate.raw), invalid);
  await t.throwsAsync(client.gatherChain([certificate, certificate], wrong({ staple: certificate.raw })), invalid);
  await t.throwsAsync(
    client.gatherChain([certificate, certificate], { signal: AbortSignal.abort(new Error('gone')) }),
    {
      message: 'gone',
    },
  );
});
