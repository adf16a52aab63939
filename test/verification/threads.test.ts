// Verdicts off the main thread, in bulk, and in workers that end while they verify.
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { loadDerOcspResponse, Verifier, type VerifyItem, verifyOcspResponse } from 'openssl-ocsp';
import { TestResponseKit } from 'openssl-ocsp/testing';

const kit = new TestResponseKit();
const { ca, leaf, root } = kit;
const question = { certificate: leaf.certificate, issuer: ca.certificate };
const all = [...kit.good(), ...kit.bad()];

test('verifyMany, verifyAsync and verify agree on everything, with every kind of verifier', async (t) => {
  const at = new Date();
  const items: VerifyItem[] = Array.from({ length: 4500 }, (_, i) => ({
    ...question,
    response: all[i % all.length]!.der,
    at,
  }));
  for (const options of [
    {},
    { trust: [root.certificate] },
    { signerCache: { maxSigners: 0 } },
    { signerCache: { maxSigners: 1 } },
    { trustedResponders: [kit.responder.certificate], securityLevel: 1, nonce: 'ignored' as const },
  ]) {
    const expected = all.map(({ der }) => new Verifier(options).verify(der, { ...question, at }).toJSON());
    const verifier = new Verifier(options);
    const many = await verifier.verifyMany(items);
    t.is(many.length, items.length);
    for (const [i, verdict] of many.entries()) {
      const wanted = expected[i % all.length];
      if (JSON.stringify(verdict) !== JSON.stringify(wanted)) t.deepEqual(verdict.toJSON(), wanted);
    }
    const single = await Promise.all(all.map(({ der }) => verifier.verifyAsync(der, { ...question, at })));
    for (const [i, verdict] of single.entries()) t.deepEqual(verdict.toJSON(), expected[i]);
  }
});

test('verifyMany takes any iterable, and what is changed afterwards does not matter', async (t) => {
  const verifier = new Verifier();
  const bytes = kit.respond();
  function* items(): Generator<VerifyItem> {
    for (let i = 0; i < 3; i += 1) yield { ...question, response: bytes };
  }
  const pending = verifier.verifyMany(items());
  bytes.fill(0);
  t.deepEqual(
    (await pending).map(({ status }) => status),
    ['good', 'good', 'good'],
  );
  const shared = new Uint8Array(new SharedArrayBuffer(2000));
  const der = kit.respond();
  shared.set(der);
  const later = verifier.verifyAsync(shared.subarray(0, der.length), question);
  shared.fill(0);
  t.is((await later).status, 'good');
});

test('verifyMany rejects for the first item with a wrong argument', async (t) => {
  const verifier = new Verifier();
  const response = kit.respond();
  const bad = { response, certificate: leaf.certificate, issuer: 'no certificate' };
  await t.throwsAsync(() => verifier.verifyMany([{ ...question, response }, bad]), { code: 'ERR_OCSP_MALFORMED' });
  const many = Array.from({ length: 5000 }, () => ({ ...question, response }));
  await t.throwsAsync(() => verifier.verifyMany([...many, bad]), { code: 'ERR_OCSP_MALFORMED' });
  // What gives the items is told that no more are wanted.
  let closed = false;
  function* items(): Generator<VerifyItem> {
    try {
      yield* many;
      yield bad;
      yield { ...question, response: 'no bytes' as never };
    } finally {
      closed = true;
    }
  }
  await t.throwsAsync(() => verifier.verifyMany(items()), { code: 'ERR_OCSP_MALFORMED' });
  t.true(closed);
  t.deepEqual(await verifier.verifyMany([]), []);
  t.is((await verifier.verifyMany([{ ...question, response }]))[0]?.status, 'good');
});

test('verifyMany tells of the first wrong item, whoever finds it', async (t) => {
  const verifier = new Verifier();
  const good = { ...question, response: kit.respond() };
  const issuer = Buffer.from(ca.certificate.raw);
  // No time at all: notBefore, which only the addon reads.
  issuer.fill('x', issuer.indexOf('170d', 'hex') + 2, issuer.indexOf('170d', 'hex') + 4);
  const unreadable = { ...good, issuer };
  const wrong = { ...good, response: 'no bytes' as never };
  const { code } = t.throws(() => verifier.verify(good.response, { ...question, issuer })) as { code?: string };
  t.regex(String(code), /^ERR_OCSP_/);
  const fill = Array.from({ length: 2047 }, () => good);
  // What is wrong with a batch that is not waited for yet must not end the process. (The test runner would not tell.)
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', note);
  t.teardown(() => process.off('unhandledRejection', note));
  for (const items of [
    [unreadable, wrong],
    [...fill, unreadable, wrong],
    [...fill, good, unreadable, wrong],
    [...fill, unreadable, ...fill, wrong],
  ]) {
    await t.throwsAsync(() => verifier.verifyMany(items), { code: code! });
  }
  for (const items of [
    [wrong, unreadable],
    [...fill, wrong, unreadable],
    [...fill, good, wrong, unreadable],
  ]) {
    await t.throwsAsync(() => verifier.verifyMany(items), { instanceOf: TypeError });
  }
  t.deepEqual(unhandled, []);
});

test('many verifications at a time, of one verifier and one store', async (t) => {
  const verifier = new Verifier({ trust: [root.certificate] });
  const response = loadDerOcspResponse(kit.respond());
  const broken = kit.respond(undefined, { breakSignature: true });
  const rounds = Array.from({ length: 40 }, async (_, i) => {
    const [one, other, many, basic] = await Promise.all([
      verifier.verifyAsync(response.publicBytes(), question),
      verifier.verifyAsync(broken, question),
      verifier.verifyMany(Array.from({ length: 5 }, () => ({ ...question, response: broken }))),
      response.basicVerifyAsync({ trust: [root.certificate], ...(i % 2 ? { certificates: [ca.certificate] } : {}) }),
    ]);
    t.is(one.status, 'good');
    t.is(other.refusals[0]?.code, 'BAD_SIGNATURE');
    t.true(many.every(({ usable }) => !usable));
    t.is(basic.verified, i % 2 === 1);
  });
  await Promise.all(rounds);
});

test('workers that are terminated while they verify', async (t) => {
  const script = new URL('../helpers/verifying-worker.js', import.meta.url);
  for (let i = 0; i < 6; i += 1) {
    const worker = new Worker(script);
    const statuses: (string | null)[] = [];
    await new Promise((resolve, reject) => {
      worker.on('message', ({ status }: { status: string | null }) => resolve(statuses.push(status)));
      worker.once('error', reject);
    });
    await delay(i * 5);
    t.is(await worker.terminate(), 1);
    t.true(statuses.every((status) => status === 'good'));
  }
  t.is(verifyOcspResponse(kit.respond(), question).status, 'good');
});
