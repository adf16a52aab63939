/** Runs while the clock is set: what is revoked meanwhile is not hidden. */
import test from 'ava';
import { OCSPCertStatus } from 'openssl-ocsp';
import { bulkSign, iterableSource, putStatus, ResponseSigner, SegmentStore, type StatusEntry } from 'openssl-ocsp/bulk';
import { createTestCa } from 'openssl-ocsp/testing';
import { scratch } from './scratch.js';

const { GOOD, REVOKED } = OCSPCertStatus;
const { now } = Date;
const ca = createTestCa();
const signer = new ResponseSigner({ issuer: ca.certificate, responder: ca.certificate, privateKey: ca.privateKey });
const entry = (i: number): StatusEntry => ({ serialNumber: BigInt(i), status: GOOD });
/** Another revocation each time: of the same one, in the same second, the store would have the answers already. */
let revocations = 0;
const revoked = (): StatusEntry => {
  revocations += 1;
  return { serialNumber: 1n, status: REVOKED, revocationTime: new Date(now() - revocations * 1000) };
};

test.afterEach.always(() => {
  Date.now = now;
});

test.serial('a run that began while the clock was ahead hides no revocation: it is thrown away', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  t.teardown(() => store.close());
  for (const modified of [undefined, new Date(now() + 3_600_000)]) {
    Date.now = () => now() + 600_000;
    let onCheckpoint: () => void = () => undefined;
    const first = new Promise<void>((resolve) => {
      onCheckpoint = resolve;
    });
    let put: ReturnType<typeof putStatus> | undefined;
    async function* entries(): AsyncGenerator<StatusEntry> {
      for (let i = 1; i <= 3000; i += 1) yield entry(i);
      await first;
      Date.now = now;
      put = putStatus({ entries: [revoked()], signer, store });
      await put;
      yield entry(3001);
    }
    const run = bulkSign({
      source: iterableSource(entries()),
      signer,
      store,
      id: 'night',
      checkpointEvery: 1,
      onProgress: () => onCheckpoint(),
      ...(modified && { modified }),
    });
    await t.throwsAsync(run, { code: 'ERR_OCSP_INVALID_VALUE', message: /clock/ });
    // (What was signed before may have ended the run while it was being put.)
    t.is((await put)?.written, 2);
    t.is(store.getRecord(1n)?.certStatus, REVOKED);
    t.is(store.stats().unfinishedRun, null);
  }
  await bulkSign({ source: iterableSource([entry(2)]), signer, store, id: 'night' });
  t.is(store.getRecord(1n)?.certStatus, REVOKED);
  t.is(store.getRecord(2n)?.certStatus, GOOD);
});

test.serial('nor does one that was interrupted then, and is continued', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  t.teardown(() => store.close());
  Date.now = () => now() + 600_000;
  async function* broken(): AsyncGenerator<StatusEntry> {
    for (let i = 1; i <= 3000; i += 1) yield entry(i);
    throw new Error('power cut');
  }
  const options = { signer, store, id: 'night', checkpointEvery: 10 };
  await t.throwsAsync(bulkSign({ ...options, source: iterableSource(broken()) }), { message: /power cut/ });
  t.is(store.stats().unfinishedRun, 'night');
  Date.now = now;
  await putStatus({ entries: [revoked()], signer, store });
  const all = iterableSource(Array.from({ length: 3000 }, (_, i) => entry(i + 1)));
  await t.throwsAsync(bulkSign({ ...options, source: all }), { message: /clock/ });
  t.is(store.stats().unfinishedRun, null);
  t.is(store.getRecord(1n)?.certStatus, REVOKED);
  t.is((await bulkSign({ ...options, source: iterableSource([entry(2)]) })).served, 1);
});

test.serial('versions that a caller gives are numbers of whatever kind', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  t.teardown(() => store.close());
  const run = { source: iterableSource([entry(1)]), signer, store, id: 'night', statusVersion: Date.now() };
  t.is((await bulkSign(run)).served, 1);
});
