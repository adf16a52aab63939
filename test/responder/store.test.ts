/** Answers that were signed before: sent where they say what is known, and nowhere else. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import {
  loadDerOcspResponse,
  OCSPCertStatus,
  OCSPRequestBuilder,
  type OCSPRequestEntry,
  ReasonFlags,
  verifyOcspResponse,
} from 'openssl-ocsp';
import {
  bulkSign,
  iterableSource,
  putStatus,
  ResponseSigner,
  type ResponseStore,
  SegmentStore,
  type StatusEntry,
} from 'openssl-ocsp/bulk';
import { storeAuthority } from 'openssl-ocsp/responder';
import { createTestCa, type TestIdentity } from 'openssl-ocsp/testing';
import { buildCertificate } from '#dist/testing/certificate.js';
import { encodeOid, encodePrintableString, encodeSequence, encodeSetOf } from '#dist/x509/der.js';
import { ask, ca, delegate, GOOD, makeResponder, REVOKED, statusOf, TestAuthority } from './fixtures.js';

function makeFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-responder-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function makeStore(t: ExecutionContext, folder: string = makeFolder(t)): Promise<SegmentStore> {
  const store = await SegmentStore.open(folder, { refreshInterval: 0 });
  t.teardown(() => store.close());
  return store;
}

/** Fills a store as a nightly run does. */
async function fill(
  store: SegmentStore,
  entries: readonly StatusEntry[],
  {
    issuer = ca,
    signer = delegate,
    version = 100,
    id = 'run',
  }: { issuer?: TestIdentity; signer?: TestIdentity; version?: number; id?: string } = {},
): Promise<void> {
  await bulkSign({
    source: iterableSource(entries),
    signer: new ResponseSigner({
      issuer: issuer.certificate,
      responder: signer.certificate,
      privateKey: signer.privateKey,
      certIdAlgorithm: 'sha1',
    }),
    store,
    id,
    statusVersion: version,
    threads: 1,
  });
}

const sha1 = { hash: 'sha1' } as const;

test('of a store that is larger than memory, what is asked for again is kept', async (t) => {
  const store = await makeStore(t);
  const serials = Array.from({ length: 40 }, (_, i) => `20${String(i).padStart(2, '0')}`);
  await fill(
    store,
    serials.map((serialNumber) => ({ ...GOOD, serialNumber })),
  );
  const responder = makeResponder(t, { authority: storeAuthority(store), store }, { cache: { maxBytes: 16_000 } });
  const sourcesOf = async (serial: string): Promise<string[]> => {
    const sources: string[] = [];
    for (let i = 0; i < 3; i += 1) sources.push((await responder.answer(ask([serial], sha1))).source);
    return sources;
  };
  const few = serials[0] as string;
  t.deepEqual(await sourcesOf(few), ['store', 'cache', 'cache']);
  for (const serial of serials) await responder.answer(ask([serial], sha1));
  // Those that were asked for once have not taken its place.
  t.deepEqual(await sourcesOf(few), ['cache', 'cache', 'cache']);
  const last = serials.at(-1) as string;
  t.deepEqual(await sourcesOf(last), ['store', 'cache', 'cache']);
});

test('what was signed before is sent as it is; what was not is signed', async (t) => {
  const store = await makeStore(t);
  await fill(store, [GOOD]);
  const authority = new TestAuthority();
  const responder = makeResponder(t, { authority, store });
  const answer = await responder.answer(ask(['1001'], sha1));
  t.is(answer.source, 'store');
  t.deepEqual(answer.der, store.get('1001'));
  t.is(await statusOf(responder, ask(['1001'], sha1)), 'good');
  t.is((await responder.answer(ask(['1002'], sha1))).source, 'live');
  t.is((await responder.answer(ask(['1001'], { hash: 'sha384' }))).source, 'live');
});

test('an answer that is not what the authority knows is not sent', async (t) => {
  const store = await makeStore(t);
  await fill(store, [GOOD, { ...GOOD, serialNumber: '1005' }]);
  const authority = new TestAuthority([{ ...REVOKED, serialNumber: '1001', statusVersion: 101 }]);
  const responder = makeResponder(t, { authority, store });
  t.is(await statusOf(responder, ask(['1001'], sha1)), 'revoked');
  // Signed, but no longer known: there is no record.
  t.is(await statusOf(responder, ask(['1005'], sha1)), 'UNAUTHORIZED');
  const nonced = ask(['1001'], { ...sha1, nonce: Buffer.alloc(32) });
  t.is(await statusOf(responder, nonced), 'revoked');
});

test('a revocation that only the store knows counts, for every hash, at once and in answers with a nonce', async (t) => {
  const store = await makeStore(t);
  await fill(store, [{ ...REVOKED, serialNumber: '1001' }]);
  const authority = new TestAuthority([{ ...GOOD, statusVersion: 2 ** 40 }]);
  const responder = makeResponder(t, { authority, store });
  for (const hash of ['sha1', 'sha256', 'sha512'] as const) {
    t.is(await statusOf(responder, ask(['1001'], { hash })), 'revoked', hash);
    t.is(await statusOf(responder, ask(['1001'], { hash, nonce: Buffer.alloc(32) })), 'revoked', hash);
  }
  const { responses } = loadDerOcspResponse((await responder.answer(ask(['1001', '1001']))).der);
  t.deepEqual(
    responses.map(({ certificateStatus }) => certificateStatus),
    [OCSPCertStatus.REVOKED, OCSPCertStatus.REVOKED],
  );
});

test('what is told is in the store, whatever clock its versions are of', async (t) => {
  const store = await makeStore(t);
  const ahead = Math.floor(Date.now() / 1000) + 600;
  await fill(store, [GOOD], { version: ahead });
  const responder = makeResponder(t, { authority: new TestAuthority(), store });
  const hold = { ...REVOKED, serialNumber: '1001', reason: 'certificateHold' as const };
  const stored = () => store.getRecord('1001')?.certStatus;
  await responder.update([hold]);
  t.is(stored(), OCSPCertStatus.REVOKED);
  await responder.update([GOOD]);
  t.is(stored(), OCSPCertStatus.GOOD);
  t.is(await statusOf(responder, ask(['1001'])), 'good');
  await responder.update([{ ...REVOKED, serialNumber: '1001' }]);
  t.is(stored(), OCSPCertStatus.REVOKED);
  for (const entry of [hold, GOOD]) {
    const other = makeResponder(t, { authority: new TestAuthority(), store });
    await other.update([entry]);
    const { responses } = loadDerOcspResponse(store.get('1001') as Buffer);
    t.is(responses[0]?.revocationReason, ReasonFlags.keyCompromise, 'a revocation for ever stays');
  }
  // Somebody's later word comes while the answer is signed.
  await fill(store, [{ ...GOOD, serialNumber: '1003' }], { version: ahead, id: 'next' });
  let filling: Promise<void> | undefined;
  const far = {
    async sign(tbs: Buffer): Promise<Uint8Array> {
      const later = { ...GOOD, serialNumber: '1003' };
      filling ??= fill(store, [later], { version: ahead + 60, id: 'while it is signed' });
      await filling;
      return sign('sha256', tbs, delegate.privateKey);
    },
  };
  const slow = makeResponder(t, {
    authority: new TestAuthority(),
    store,
    signers: [{ responder: delegate.certificate, privateKey: far }],
  });
  await slow.update([{ ...REVOKED, serialNumber: '1003' }]);
  t.is(store.getRecord('1003')?.certStatus, OCSPCertStatus.REVOKED);
});

test('a hold in the store gives way to what the authority knows better, and to nothing else', async (t) => {
  const store = await makeStore(t);
  const authority = new TestAuthority([{ ...GOOD, statusVersion: 101 }]);
  await fill(store, [{ ...REVOKED, serialNumber: '1001', reason: 'certificateHold' }]);
  const responder = makeResponder(t, { authority, store });
  t.is(await statusOf(responder, ask(['1001'], sha1)), 'good');
  authority.set({ ...GOOD, statusVersion: 99 });
  const older = makeResponder(t, { authority, store });
  t.is(await statusOf(older, ask(['1001'], sha1)), 'revoked');
});

test('nothing in the store is better than what the authority says, whatever the versions', async (t) => {
  const store = await makeStore(t);
  await fill(store, [GOOD]);
  for (const statusVersion of [undefined, 5, 1000])
    for (const [entry, expected] of [
      [{ ...REVOKED, serialNumber: '1001', reason: 'certificateHold' }, 'revoked'],
      [{ serialNumber: '1001', status: OCSPCertStatus.UNKNOWN }, 'unknown'],
    ] as const) {
      const authority = new TestAuthority([{ ...entry, ...(statusVersion && { statusVersion }) }]);
      const responder = makeResponder(t, { authority, store });
      for (const nonce of [undefined, Buffer.alloc(32)])
        t.is(await statusOf(responder, ask(['1001'], { ...sha1, ...(nonce && { nonce }) })), expected);
    }
});

test('an answer in the store whose time is yet to come is not sent', async (t) => {
  const store = await makeStore(t);
  const at = (time: number): Date => new Date(Date.now() + time * 1000);
  await fill(store, [{ ...GOOD, thisUpdate: at(3600), nextUpdate: at(7200) }]);
  const responder = makeResponder(t, { store });
  t.is(await statusOf(responder, ask(['1001'], sha1)), 'good');
  t.is((await responder.answer(ask(['1001'], sha1))).source, 'cache');
  const bare = makeResponder(t, { store, signers: [] });
  t.is(await statusOf(bare, ask(['1001'], sha1)), 'TRY_LATER');
});

test('a revocation that another process puts into the store shows within a second', async (t) => {
  const store = await makeStore(t);
  await fill(store, [GOOD]);
  const responder = makeResponder(t, { authority: new TestAuthority(), store });
  t.is(await statusOf(responder, ask(['1001'], sha1)), 'good');
  await fill(store, [{ ...REVOKED, serialNumber: '1001' }], { version: 200, id: 'revocation' });
  const begin = performance.now();
  while ((await statusOf(responder, ask(['1001'], sha1))) !== 'revoked')
    await new Promise((resolve) => setTimeout(resolve, 20));
  t.true(performance.now() - begin < 10_000);
});

test('update puts answers into the store: another responder over it knows', async (t) => {
  const store = await makeStore(t);
  await fill(store, [GOOD]);
  const responder = makeResponder(t, { authority: new TestAuthority(), store });
  await responder.update([{ ...REVOKED, serialNumber: '1001' }]);
  t.is(await statusOf(responder, ask(['1001'], sha1)), 'revoked');
  const other = makeResponder(t, { authority: new TestAuthority(), store });
  for (const hash of ['sha1', 'sha256'] as const) t.is(await statusOf(other, ask(['1001'], { hash })), 'revoked');
});

test('update of a negative serial number, and where no one can sign: a code, and the change counts all the same', async (t) => {
  const store = await makeStore(t);
  const responder = makeResponder(t, { authority: new TestAuthority(), store });
  await responder.update([{ ...REVOKED, serialNumber: '-1001' }]);
  t.is(store.getRecord('-1001')?.certStatus, OCSPCertStatus.REVOKED);
  const live = { timeout: 200 };
  for (const sign of [() => new Promise<never>(() => undefined), () => Promise.reject(new Error('no connection'))]) {
    const signers = [{ responder: delegate.certificate, privateKey: { sign } }];
    const one = makeResponder(t, { authority: new TestAuthority(), store: await makeStore(t), signers }, { live });
    const error = await t.throwsAsync(one.update([{ ...REVOKED, serialNumber: '1001' }]), {
      code: 'ERR_OCSP_NOT_SIGNED',
    });
    t.true(error?.cause instanceof Error);
    // (It would be signed if it could: never good.)
    t.is(await statusOf(one, ask(['1001'], sha1)), 'TRY_LATER');
  }
});

test('who asks about a serial number that no store takes does not make the responder unready', async (t) => {
  const store = await makeStore(t);
  const responder = makeResponder(t, { authority: new TestAuthority(), store, notIssued: 'good' });
  // (From 2^256 on lie the keys of negative serial numbers, in stores and databases.)
  for (const serial of [2n ** 256n, 2n ** 257n - 1n, 2n ** 2039n])
    for (const hash of ['sha1', 'sha256'] as const) {
      t.is(await statusOf(responder, ask([serial], { hash })), 'UNAUTHORIZED', String(serial));
      t.deepEqual(responder.health().issuers[0]?.problems, []);
    }
  for (const hash of ['sha1', 'sha224', 'sha256', 'sha384', 'sha512'] as const)
    for (const serial of [2n ** 256n - 1n, 2n ** 257n, 2n ** 2039n - 1n, 0n]) {
      t.is(await statusOf(responder, ask([serial], { hash })), 'good', String(serial));
      t.deepEqual(responder.health().issuers[0]?.problems, []);
    }
});

test('update of a hold, its end and the next one, all at once: the store has the last word', async (t) => {
  const store = await makeStore(t);
  const hold = { ...REVOKED, serialNumber: '1001', reason: 'certificateHold' } as const;
  const authority = new TestAuthority();
  const responder = makeResponder(t, { authority, store });
  for (let i = 0; i < 3; i += 1) {
    await responder.update([hold]);
    t.is(store.getRecord('1001')?.certStatus, OCSPCertStatus.REVOKED);
    t.is(await statusOf(responder, ask(['1001'], sha1)), 'revoked');
    await responder.update([GOOD]);
    t.is(store.getRecord('1001')?.certStatus, OCSPCertStatus.GOOD);
    t.is(await statusOf(responder, ask(['1001'], sha1)), 'good');
  }
  await responder.update([hold, GOOD, hold]);
  t.is(store.getRecord('1001')?.certStatus, OCSPCertStatus.REVOKED);
});

test('update takes no revocation for ever back, in no store', async (t) => {
  for (const isAlone of [true, false]) {
    const store = await makeStore(t);
    await fill(store, [
      { ...REVOKED, serialNumber: '1001' },
      { ...GOOD, serialNumber: '1004' },
    ]);
    const authority = isAlone ? storeAuthority(store) : new TestAuthority([{ ...GOOD, serialNumber: '1001' }]);
    const responder = makeResponder(t, { authority, store });
    const hold = { ...REVOKED, reason: ReasonFlags.certificateHold };
    for (const change of [GOOD, hold, { ...GOOD, statusVersion: 5000 }]) {
      await responder.update(['1001', '1004'].map((serialNumber) => ({ ...change, serialNumber })));
      for (const hash of ['sha1', 'sha256'] as const)
        t.is(await statusOf(responder, ask(['1001'], { hash })), 'revoked');
      const stored = loadDerOcspResponse(store.get('1001') as Buffer);
      t.deepEqual(
        [stored.certificateStatus, stored.revocationReason],
        [OCSPCertStatus.REVOKED, ReasonFlags.keyCompromise],
      );
    }
  }
});

test('a revocation for ever lies beside a hold for another hash: it counts for both, whatever the authority says', async (t) => {
  const store = await makeStore(t);
  const hold = { ...REVOKED, serialNumber: '1001', reason: ReasonFlags.certificateHold };
  const signerOf = (certIdAlgorithm: 'sha1' | 'sha256') =>
    new ResponseSigner({
      issuer: ca.certificate,
      responder: delegate.certificate,
      privateKey: delegate.privateKey,
      certIdAlgorithm,
    });
  const put = (entry: StatusEntry, hash: 'sha1' | 'sha256') =>
    putStatus({ entries: [entry], signer: signerOf(hash), store });
  for (const [holdVersion, version] of [
    [100, 200],
    [300, 200],
  ] as const) {
    await put({ ...hold, statusVersion: holdVersion }, 'sha1');
    await put({ ...REVOKED, serialNumber: '1001', statusVersion: version }, 'sha256');
    const authorities = [
      storeAuthority(store),
      new TestAuthority([{ ...GOOD, serialNumber: '1001', statusVersion: 2 ** 40 }]),
    ];
    for (const authority of authorities) {
      const responder = makeResponder(t, { authority, store });
      for (const hash of ['sha1', 'sha256', 'sha1'] as const) {
        const { der } = await responder.answer(ask(['1001'], { hash }));
        const response = loadDerOcspResponse(der);
        t.is(response.certificateStatus, OCSPCertStatus.REVOKED);
        t.is(response.revocationReason, ReasonFlags.keyCompromise);
      }
    }
  }
});

test('a hold that the store alone has counts as soon as the authority knows less, though nothing changes in the store', async (t) => {
  const store = await makeStore(t);
  const hold = { ...REVOKED, serialNumber: '1001', reason: ReasonFlags.certificateHold };
  await fill(store, [hold], { version: 100 });
  const good = { ...GOOD, serialNumber: '1001' };
  for (const [before, policy] of [
    [{ ...good, statusVersion: 200 }, 'unauthorized'],
    [undefined, 'good'],
  ] as const) {
    const authority = new TestAuthority(before === undefined ? [] : [before]);
    const responder = makeResponder(t, { authority, store, notIssued: policy });
    for (let i = 0; i < 2; i += 1) t.is(await statusOf(responder, ask(['1001'], sha1)), 'good');
    // (An answer in memory is held against the store twice a second.)
    await wait(600);
    t.is(await statusOf(responder, ask(['1001'], sha1)), 'good');
    authority.set({ ...good, statusVersion: 50 });
    await wait(600);
    t.is(await statusOf(responder, ask(['1001'], sha1)), 'revoked');
  }
});

test('update of more than may wait for a signature', async (t) => {
  const rsa = ca.issueResponder({ subject: 'CN=RSA', keyType: 'rsa' });
  for (const [signer, count] of [
    [delegate, 1000],
    [rsa, 5],
  ] as const) {
    const store = await makeStore(t);
    const signers = [{ responder: signer.certificate, privateKey: signer.privateKey }];
    const live = { maxInflight: 1, maxWaiting: 0 };
    const responder = makeResponder(t, { authority: new TestAuthority(), store, signers }, { live });
    const serials = Array.from({ length: count }, (_, i) => (0x1001 + i).toString(16));
    await responder.update(serials.map((serialNumber) => ({ ...REVOKED, serialNumber })));
    const latest = Math.floor(Date.now() / 1000);
    for (const serial of serials) {
      const { certStatus, statusVersion = 0 } = store.getRecord(serial) ?? {};
      t.is(certStatus, OCSPCertStatus.REVOKED);
      // What becomes known a moment later is newer.
      t.true(statusVersion <= latest);
    }
  }
});

test("another CA's store says nothing, whatever its serial numbers", async (t) => {
  const other = createTestCa({ subject: 'CN=Other' });
  const store = await makeStore(t);
  await fill(store, [GOOD, { ...REVOKED, serialNumber: '1003' }], { issuer: other, signer: other.issueResponder() });
  const authority = new TestAuthority([{ ...GOOD, serialNumber: '1003' }]);
  const responder = makeResponder(t, { authority, store });
  t.is(await statusOf(responder, ask(['1003'], sha1)), 'good');
  const alone = makeResponder(t, { authority: storeAuthority(store), store });
  t.is(await statusOf(alone, ask(['1001'], sha1)), 'UNAUTHORIZED');
});

test('answers of a signer that was taken away are not sent', async (t) => {
  const store = await makeStore(t);
  await fill(store, [GOOD], { signer: ca.issueResponder({ subject: 'CN=Gone' }) });
  const responder = makeResponder(t, { authority: new TestAuthority(), store });
  t.is((await responder.answer(ask(['1001'], sha1))).source, 'live');
});

test('a store alone, with and without somebody who signs', async (t) => {
  const store = await makeStore(t);
  await fill(store, [GOOD, REVOKED]);
  const authority = storeAuthority(store);
  const responder = makeResponder(t, { authority, store });
  const silent = makeResponder(t, { authority, store, signers: [] });
  for (const one of [responder, silent]) {
    t.is(await statusOf(one, ask(['1001'], sha1)), 'good');
    t.is(await statusOf(one, ask(['1002'], sha1)), 'revoked');
    t.is(await statusOf(one, ask(['1003'], sha1)), 'UNAUTHORIZED');
  }
  t.is(await statusOf(responder, ask(['1002'], { hash: 'sha256' })), 'revoked');
  t.is(await statusOf(silent, ask(['1002'], { hash: 'sha256' })), 'TRY_LATER');
  // There is none with the nonce; without it, it says what is known (RFC 9919).
  const nonced = ask(['1001'], { ...sha1, nonce: Buffer.alloc(32) });
  t.is(await statusOf(silent, nonced), 'good');
  t.is((await silent.answer(nonced)).source, 'cache');
  t.is((await responder.answer(nonced)).source, 'live');
});

test('a store alone is read once for each answer; where it cannot be read, what was told counts all the same', async (t) => {
  const store = await makeStore(t);
  await fill(store, [GOOD, { ...GOOD, serialNumber: '1004' }]);
  const responder = makeResponder(t, { authority: storeAuthority(store), store });
  const reads = countReads(store);
  t.is((await responder.answer(ask(['1001'], sha1))).source, 'store');
  t.is(reads(), 1);
  await responder.update([{ ...REVOKED, serialNumber: '1001' }]);
  t.is(await statusOf(responder, ask(['1001'], sha1)), 'revoked');
  store.peek = () => {
    throw new Error('EIO');
  };
  t.is(await statusOf(responder, ask(['1001'], { hash: 'sha256' })), 'revoked');
  t.is(await statusOf(responder, ask(['1004'], sha1)), 'TRY_LATER');
});

test('a store in which nothing has changed is not read again for an answer in memory; any change is seen', async (t) => {
  const folder = makeFolder(t);
  const store = await makeStore(t, folder);
  await fill(store, [GOOD, { ...GOOD, serialNumber: '1004' }]);
  const alone = makeResponder(t, { authority: storeAuthority(store), store });
  const beside = makeResponder(t, { authority: new TestAuthority(), store });
  const other = await makeStore(t, folder);
  const reads = countReads(store);
  for (const responder of [alone, beside]) t.is((await responder.answer(ask(['1001'], sha1))).source, 'store');
  t.is(reads(), 2);
  for (let i = 0; i < 3; i += 1) {
    for (const responder of [alone, beside]) t.is((await responder.answer(ask(['1001'], sha1))).source, 'cache');
    await wait(600);
  }
  t.is(reads(), 2);
  // By another process, say: a revocation, compaction, which changes no status, and the end of a hold.
  const signer = { issuer: ca.certificate, responder: delegate.certificate, privateKey: delegate.privateKey };
  const put = (entry: StatusEntry) => putStatus({ entries: [entry], signer: new ResponseSigner(signer), store: other });
  await put({ ...REVOKED, serialNumber: '1001', reason: ReasonFlags.certificateHold });
  t.is(await statusOf(alone, ask(['1001'], sha1)), 'revoked');
  await other.compact();
  t.is(await statusOf(alone, ask(['1001'], sha1)), 'revoked');
  t.is(await statusOf(alone, ask(['1004'], sha1)), 'good');
  // (Versions are seconds, of one of which a revocation is the better known.)
  await wait(1100);
  await put({ ...GOOD, serialNumber: '1001' });
  t.is(await statusOf(alone, ask(['1001'], sha1)), 'good');
  await put({ ...REVOKED, serialNumber: '1004' });
  t.is(await statusOf(alone, ask(['1004'], sha1)), 'revoked');
  await wait(600);
  t.is(await statusOf(beside, ask(['1004'], sha1)), 'revoked');
  // It is gone: no one says anything of what it had, but what is for ever.
  rmSync(folder, { recursive: true });
  t.is(await statusOf(alone, ask(['1001'], sha1)), 'TRY_LATER');
});

/** Counts how often a responder looks for an answer. */
function countReads(store: SegmentStore): () => number {
  const peek = store.peek.bind(store);
  let reads = 0;
  store.peek = (...args) => {
    reads += 1;
    return peek(...args);
  };
  return () => reads;
}

test('a store that fails may hold a revocation that no one else knows: "revoked", or try later', async (t) => {
  const broken = {
    get: () => {
      throw Object.assign(new Error('damaged'), { code: 'ERR_OCSP_STORE_DAMAGED' });
    },
  } as unknown as ResponseStore;
  const late = { get: () => Promise.reject(new Error('gone')) } as unknown as ResponseStore;
  const hanging = { get: () => new Promise(() => undefined) } as unknown as ResponseStore;
  for (const store of [broken, late, hanging]) {
    const responder = makeResponder(t, { authority: new TestAuthority(), store }, { live: { timeout: 2000 } });
    t.is(await statusOf(responder, ask(['1001'])), 'TRY_LATER');
    t.is(await statusOf(responder, ask(['1001', '1002'])), 'TRY_LATER');
    t.is(await statusOf(responder, ask(['1003'])), 'TRY_LATER');
    t.is(await statusOf(responder, ask(['1002'])), 'revoked');
  }
});

test('a revocation that only the store knows is not forgotten when the store fails', async (t) => {
  const store = await makeStore(t);
  await fill(store, [{ ...REVOKED, serialNumber: '1001' }]);
  let fails = false;
  const failing = {
    get: (...args: Parameters<ResponseStore['get']>) => {
      if (fails) throw new Error('EIO');
      return store.get(...args);
    },
  } as unknown as ResponseStore;
  const responder = makeResponder(t, { authority: new TestAuthority(), store: failing });
  t.is(await statusOf(responder, ask(['1001'], sha1)), 'revoked');
  fails = true;
  t.not(await statusOf(responder, ask(['1001'], { hash: 'sha256' })), 'good');
  await wait(600);
  t.not(await statusOf(responder, ask(['1001'], sha1)), 'good');
});

test('stored answers that have expired, or are of the future, are signed again', async (t) => {
  const store = await makeStore(t);
  const signer = new ResponseSigner({
    issuer: ca.certificate,
    responder: delegate.certificate,
    privateKey: delegate.privateKey,
    certIdAlgorithm: 'sha1',
  });
  const past = new Date(Date.now() - 10 * 24 * 3600_000);
  await bulkSign({
    source: iterableSource([{ ...GOOD, thisUpdate: past, nextUpdate: new Date(past.getTime() + 24 * 3600_000) }]),
    signer,
    store,
    id: 'old',
    statusVersion: 1,
    threads: 1,
  });
  const responder = makeResponder(t, { authority: new TestAuthority(), store });
  const answer = await responder.answer(ask(['1001'], sha1));
  t.is(answer.source, 'live');
  t.is(loadDerOcspResponse(answer.der).certificateStatus, OCSPCertStatus.GOOD);
});

test("another spelling of the issuer's name: answered by it, and a revocation by one counts for all", async (t) => {
  const printable = encodeSequence(
    encodeSetOf([encodeSequence(encodeOid('2.5.4.3'), encodePrintableString('Responder CA'))]),
  );
  const issuer = { name: printable, publicKey: ca.certificate.publicKey, privateKey: ca.privateKey };
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = buildCertificate(issuer, privateKey, { subject: 'CN=leaf', serialNumber: 0x1001n });
  const request = new OCSPRequestBuilder().addCertificate(subject, ca.certificate, 'sha1').build();
  const der = request.publicBytes();
  t.is(await statusOf(makeResponder(t), der), 'UNAUTHORIZED');
  const store = await makeStore(t);
  const responder = makeResponder(t, { subjects: [subject], store });
  for (let i = 0; i < 2; i += 1) {
    const answer = await responder.answer(der);
    t.is(verifyOcspResponse(answer.der, { certificate: subject, issuer: ca.certificate }).status, 'good');
    t.true(loadDerOcspResponse(answer.der).responses[0]?.hasSameCertId(request.requests[0] as OCSPRequestEntry));
    t.is(await statusOf(responder, ask(['1001'], sha1)), 'good');
  }
  // Signed for the other spelling alone.
  const signer = new ResponseSigner({
    issuer: ca.certificate,
    responder: delegate.certificate,
    privateKey: delegate.privateKey,
    certIdAlgorithm: 'sha256',
    subjects: [subject],
  });
  await bulkSign({
    source: iterableSource([{ ...REVOKED, serialNumber: '1001' }]),
    signer,
    store,
    id: 'other',
    threads: 1,
  });
  for (const one of [makeResponder(t, { subjects: [subject], store }), makeResponder(t, { store })])
    t.is(await statusOf(one, ask(['1001'], sha1)), 'revoked');
});
