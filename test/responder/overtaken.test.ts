// What is known best is what is answered: by whichever way it came, and whatever came later or was late.

import { sign } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import {
  loadDerOcspResponse,
  type OCSPCertStatus,
  OCSPNonce,
  OCSPRequestBuilder,
  PreferredSignatureAlgorithms,
  ReasonFlags,
} from 'openssl-ocsp';
import { putStatus, ResponseSigner, SegmentStore, type StatusEntry } from 'openssl-ocsp/bulk';
import type { ResponderSigner, StatusAuthority } from 'openssl-ocsp/responder';
import { scratch } from '../bulk/scratch.js';
import { ask, ca, delegate, GOOD, issuerOptions, makeResponder, REVOKED as OTHER, statusOf } from './fixtures.js';

const REVOKED: StatusEntry = { ...OTHER, serialNumber: '1001' };
const HOLD: StatusEntry = { ...REVOKED, reason: 'certificateHold' };
const signer = { responder: delegate.certificate, privateKey: delegate.privateKey };
const nonce = Buffer.alloc(32, 7);

/** Says "good" to the first question and "revoked" to the others; then nothing. */
class Changing implements StatusAuthority {
  isGone = false;
  #calls = 0;
  readonly #first: Promise<void>;

  /** @param first - when the first question is answered */
  constructor(first: Promise<void> = Promise.resolve()) {
    this.#first = first;
  }

  async lookup(): Promise<StatusEntry> {
    if (this.isGone) throw new Error('no connection');
    this.#calls += 1;
    if (this.#calls > 1) return { ...REVOKED, statusVersion: 2 };
    await this.#first;
    return { ...GOOD, statusVersion: 1 };
  }
}

function latch(): { readonly open: () => void; readonly passed: Promise<void> } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, passed };
}

/** Whose first signature is there when it is opened. */
function slowSigner(): { readonly open: () => void; readonly signers: ResponderSigner[] } {
  const { open, passed } = latch();
  let signatures = 0;
  const far = {
    sign: async (tbs: Buffer) => {
      signatures += 1;
      if (signatures === 1) await passed;
      return sign('sha256', tbs, delegate.privateKey);
    },
  };
  return { open, signers: [{ responder: delegate.certificate, privateKey: far }] };
}

/** The first question is asked before the second, and ends after it. */
async function isOvertaken(
  t: ExecutionContext,
  { authority, open, ...issuer }: { authority: Changing; open: () => void } & Parameters<typeof makeResponder>[1],
  more: object = {},
): Promise<void> {
  const responder = makeResponder(t, { authority, ...issuer });
  const first = statusOf(responder, ask(['1001'], more));
  await wait(20);
  const second = statusOf(responder, ask(['1001']));
  await wait(20);
  open();
  t.is(await second, 'revoked');
  t.is(await first, 'revoked');
  authority.isGone = true;
  t.is(await statusOf(responder, ask(['1001'])), 'revoked');
}

for (const more of [{}, { nonce }]) {
  const how = 'nonce' in more ? ', with a nonce' : '';
  test(`a lookup that is over after a later one, whose answer is being signed${how}`, async (t) => {
    const { open, passed } = latch();
    const release = latch();
    // Signing is over when both have been looked up.
    const far = {
      sign: async (tbs: Buffer) => {
        await release.passed;
        return sign('sha256', tbs, delegate.privateKey);
      },
    };
    const signers: ResponderSigner[] = [{ responder: delegate.certificate, privateKey: far }];
    const opening = (): void => {
      open();
      setTimeout(release.open, 50);
    };
    await isOvertaken(t, { authority: new Changing(passed), signers, open: opening }, more);
  });

  test(`a store that gives what it has after a later question was answered${how}`, async (t) => {
    const { open, passed } = latch();
    let gets = 0;
    const store = {
      get: async () => {
        gets += 1;
        if (gets === 1) await passed;
        return undefined;
      },
      putBatch: async () => ({ written: 0, kept: 0 }),
    };
    await isOvertaken(t, { authority: new Changing(), store: store as never, open }, more);
  });

  test(`a signature that is made when a later question was answered${how}`, async (t) => {
    const { open, signers } = slowSigner();
    await isOvertaken(t, { authority: new Changing(), signers, open }, more);
  });

  test(`a signature that is made when a question after a reload was answered${how}`, async (t) => {
    const { open, signers } = slowSigner();
    const authority = new Changing();
    const responder = makeResponder(t, { authority, signers });
    const first = statusOf(responder, ask(['1001'], more));
    await wait(20);
    await responder.reload({ issuers: [issuerOptions({ authority, signers })] });
    t.is(await statusOf(responder, ask(['1001'])), 'revoked');
    open();
    t.is(await first, 'revoked');
  });
}

test('what was never read is too old, however old it may be', async (t) => {
  const lag = { isRead: false };
  const authority = {
    lookup: () => undefined,
    lag: () => (lag.isRead ? 1e12 : Number.POSITIVE_INFINITY),
  };
  for (const notIssued of ['good', 'unknown', 'revoked', 'unauthorized'] as const) {
    lag.isRead = false;
    const responder = makeResponder(t, { authority, notIssued }, { maxLag: Number.POSITIVE_INFINITY });
    t.is(await statusOf(responder, ask(['1001'])), 'TRY_LATER', notIssued);
    t.false(responder.health().ready);
    lag.isRead = true;
    t.is(await statusOf(responder, ask(['1001'])), notIssued === 'unauthorized' ? 'UNAUTHORIZED' : notIssued);
    t.true(responder.health().ready);
  }
});

test('a hold that was told while the authority was away is not undone by what it had before', async (t) => {
  for (const when of ['it is there', 'it is away', 'it is away, before a reload']) {
    const isAway = when !== 'it is there';
    let fails = isAway;
    let version = Date.now();
    const authority = {
      lookup: async (): Promise<StatusEntry> => {
        if (fails) throw new Error('no connection');
        return { ...GOOD, statusVersion: version };
      },
    };
    const responder = makeResponder(t, { authority });
    await responder.update([HOLD]);
    if (when.endsWith('reload')) await responder.reload({ issuers: [issuerOptions({ authority })] });
    fails = false;
    t.is(await statusOf(responder, ask(['1001'])), 'revoked', when);
    t.is(await statusOf(responder, ask(['1001'], { nonce })), 'revoked', when);
    // What it says later counts.
    version += 1000;
    t.is(await statusOf(responder, ask(['1001'], { nonce })), 'good', when);
  }
});

test('a hold that has begun after another one ended counts, also where the authority was away all the while', async (t) => {
  for (const hasVersions of [false, true]) {
    let fails = false;
    let begin = Date.now() - 3600_000;
    const authority = {
      async lookup(): Promise<StatusEntry> {
        if (fails) throw new Error('no connection');
        const version = hasVersions && { statusVersion: Math.floor(begin / 1000) };
        return { ...HOLD, revocationTime: new Date(begin), ...version };
      },
    };
    const responder = makeResponder(t, { authority });
    t.is(await statusOf(responder, ask(['1001'])), 'revoked');
    fails = true;
    await responder.update([GOOD]);
    // (In another second, as versions are seconds.)
    await wait(1100);
    begin = Date.now();
    await wait(100);
    fails = false;
    for (let i = 0; i < 2; i += 1) t.is(await statusOf(responder, ask(['1001'])), 'revoked', String(hasVersions));
  }
});

test('a revocation for ever is not outdone by what a later question was told, as by a copy that lags behind', async (t) => {
  for (const reason of [undefined, 'keyCompromise', 'certificateHold'] as const) {
    const { open, passed } = latch();
    let calls = 0;
    const authority = {
      async lookup(): Promise<StatusEntry> {
        calls += 1;
        if (calls > 1) return { ...GOOD, statusVersion: 1 };
        await passed;
        return { ...REVOKED, ...(reason && { reason }), statusVersion: 2 };
      },
    };
    const responder = makeResponder(t, { authority });
    const first = statusOf(responder, ask(['1001']));
    await wait(20);
    t.is(await statusOf(responder, ask(['1001'])), 'good');
    open();
    // A hold may have ended.
    t.is(await first, reason === 'certificateHold' ? 'good' : 'revoked', reason);
  }
});

test('a hold that was told while an authority with a feed was away is not undone by what the feed had said', async (t) => {
  let fails = false;
  const version = Date.now();
  const good = { ...GOOD, statusVersion: version };
  const authority: StatusAuthority = {
    lookup: async () => {
      if (fails) throw new Error('no connection');
      return good;
    },
    async *changes() {
      yield { entries: [good], cursor: '1' };
      await new Promise(() => undefined);
    },
  };
  const responder = makeResponder(t, { authority }, { maxLag: 1000 });
  await responder.ready();
  t.is(await statusOf(responder, ask(['1001'])), 'good');
  fails = true;
  await responder.update([HOLD]);
  t.is(await statusOf(responder, ask(['1001'])), 'TRY_LATER');
  fails = false;
  t.is(await statusOf(responder, ask(['1001'])), 'revoked');
});

test('a signer whose certificate has no subject: health and reload tell of it', async (t) => {
  const own = ca.issueResponder({ subject: '' });
  const issuer = { ...issuerOptions(), signers: [{ responder: own.certificate, privateKey: own.privateKey }] };
  const responder = makeResponder(t, issuer);
  t.is(responder.health().issuers[0]?.signers[0]?.subject, '');
  await responder.reload({ issuers: [issuer] });
  t.true(responder.health().ready);
  t.is(await statusOf(responder, ask(['1001'])), 'good');
});

test('another store than SegmentStore: a revocation for ever beside a hold for another hash', async (t) => {
  const segments = await SegmentStore.open(scratch(t), { refreshInterval: 0 });
  t.teardown(() => segments.close());
  const put = (entry: StatusEntry, certIdAlgorithm: 'sha1' | 'sha256') =>
    putStatus({
      entries: [entry],
      signer: new ResponseSigner({ issuer: ca.certificate, ...signer, certIdAlgorithm }),
      store: segments,
    });
  await put({ ...HOLD, statusVersion: 100 }, 'sha1');
  await put({ ...REVOKED, statusVersion: 200 }, 'sha256');
  const store = {
    get: async (...args: Parameters<SegmentStore['get']>) => segments.get(...args),
    putBatch: segments.putBatch.bind(segments),
  };
  const authority = { lookup: () => ({ ...GOOD, statusVersion: 2 ** 40 }) };
  for (const one of [segments, store])
    for (const hash of ['sha1', 'sha256'] as const) {
      const responder = makeResponder(t, { authority, store: one as SegmentStore });
      const { der } = await responder.answer(ask(['1001'], { hash }));
      t.is(loadDerOcspResponse(der).revocationReason, ReasonFlags.keyCompromise, hash);
    }
});

test('answers of a delegate that was taken away are not sent for one of its name', async (t) => {
  const [old, next] = [ca.issueResponder({ subject: 'CN=OCSP' }), ca.issueResponder({ subject: 'CN=OCSP' })];
  // The certificate was renewed, for the same key.
  const ends = new Date(Math.floor(Date.now() / 1000) * 1000 + 3600_000);
  const { privateKey } = next;
  const ending = ca.issueResponder({ subject: 'CN=OCSP', privateKey, notAfter: ends });
  for (const responderId of ['By Hash', 'By Name'] as const) {
    const answerOf = async (by: typeof old, allowed: typeof old) => {
      const signing = { responder: by.certificate, privateKey: by.privateKey, responderId };
      const der = new ResponseSigner({ issuer: ca.certificate, ...signing }).sign(GOOD, { hashAlgorithm: 'sha256' });
      const store = { get: () => der, putBatch: async () => ({ written: 0, kept: 0 }) };
      const own = { ...signing, responder: allowed.certificate, privateKey: allowed.privateKey };
      const responder = makeResponder(t, { authority: { lookup: () => GOOD }, store: store as never, signers: [own] });
      return responder.answer(ask(['1001']));
    };
    t.is((await answerOf(next, next)).source, 'store', responderId);
    t.is((await answerOf(old, next)).source, 'live', responderId);
    const { source, der } = await answerOf(ending, next);
    if (responderId === 'By Name') t.is(source, 'live');
    else t.true(loadDerOcspResponse(der).nextUpdate!.getTime() <= ends.getTime());
  }
});

test('a request with hundreds of preferences costs little more than one without', async (t) => {
  const ecdsa = { oid: '1.2.840.10045.4.3.2', parameters: null };
  const preferred = new PreferredSignatureAlgorithms({
    algorithms: Array.from({ length: 300 }, () => ({
      sigIdentifier: ecdsa,
      certIdentifier: { oid: '1.2.3', parameters: null },
    })),
  });
  const second = ca.issueResponder({ subject: 'CN=Delegate 2' });
  // What it costs is reading the key of a signer.
  let reads = 0;
  const counted = (certificate: typeof second.certificate) => {
    const { publicKey } = certificate;
    Object.defineProperty(certificate, 'publicKey', {
      get: () => {
        reads += 1;
        return publicKey;
      },
    });
    return certificate;
  };
  const signers = [delegate, second].map(({ certificate, privateKey }) => ({
    responder: counted(certificate),
    privateKey,
  }));
  const responder = makeResponder(t, { authority: { lookup: () => GOOD }, signers });
  const plain = ask(Array.from({ length: 16 }, (_, i) => (0x1001 + i).toString(16)));
  await responder.answer(plain);
  const before = reads;
  let builder = new OCSPRequestBuilder();
  const probe = ca.issue({ serialNumber: 1n });
  for (let i = 0; i < 16; i += 1) builder = builder.addCertificate(probe.certificate, ca.certificate, 'sha256');
  const request = builder.addExtension(preferred, false).build().publicBytes();
  for (let i = 0; i < 3; i += 1) {
    const answer = await responder.answer(request);
    t.is(loadDerOcspResponse(answer.der).responses.length, 16);
  }
  t.true(reads - before <= 16, String(reads - before));
  // Of those that are looked at, the first that a signer has is taken.
  const known = new PreferredSignatureAlgorithms({ algorithms: [{ sigIdentifier: ecdsa, certIdentifier: null }] });
  const one = new OCSPRequestBuilder()
    .addCertificate(probe.certificate, ca.certificate, 'sha256')
    .addExtension(known, false)
    .addExtension(new OCSPNonce(nonce), false);
  const status: OCSPCertStatus = loadDerOcspResponse(
    (await responder.answer(one.build().publicBytes())).der,
  ).certificateStatus;
  t.is(status, GOOD.status);
});
