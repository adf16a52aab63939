import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadDerOcspResponse, OCSPCertStatus, ReasonFlags } from 'openssl-ocsp';
import {
  bulkSign,
  indexTxtSource,
  iterableSource,
  putStatus,
  ResponseSigner,
  SegmentStore,
  type SignedEntry,
  type StatusEntry,
} from 'openssl-ocsp/bulk';
import { createTestCa } from 'openssl-ocsp/testing';
import { verifies } from '../helpers/fixtures.js';

const ca = createTestCa();
const signer = new ResponseSigner({ issuer: ca.certificate, responder: ca.certificate, privateKey: ca.privateKey });

function scratch(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-bulk-sign-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

const revoked = new Date('2026-01-02T03:04:05Z');

function entry(i: number): StatusEntry {
  return i % 10 === 0
    ? { serialNumber: BigInt(i), status: OCSPCertStatus.REVOKED, revocationTime: revoked }
    : { serialNumber: BigInt(i), status: OCSPCertStatus.GOOD };
}

test('what is no source, signer, store or list', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  t.teardown(() => store.close());
  const fine = { source: iterableSource([entry(1)]), signer, store, id: 'run' };
  for (const [change, name] of [
    [{ source: [entry(1)] }, 'source'],
    [{ signer: undefined }, 'signer'],
    [{ store: {} }, 'store'],
  ] as const) {
    const message = new RegExp(`"${name}" argument must be`);
    await t.throwsAsync(bulkSign({ ...fine, ...change } as never), { code: 'ERR_INVALID_ARG_TYPE', message });
  }
  const entries = entry(1) as never;
  await t.throwsAsync(putStatus({ entries, signer, store }), {
    code: 'ERR_INVALID_ARG_TYPE',
    message: /must be a list/,
  });
  t.is([...store.records()].length, 0);
});

test('an index.txt becomes a store, and every response in it is good', async (t) => {
  const rows = [
    'V\t301231235959Z\t\t0A\tunknown\t/CN=a',
    'R\t301231235959Z\t260102030405Z,superseded\tFF01\tunknown\t/CN=b',
  ];
  const store = await SegmentStore.open(scratch(t));
  const result = await bulkSign({
    source: indexTxtSource(Buffer.from(`${rows.join('\n')}\n`)),
    signer,
    store,
    id: 'index',
  });
  t.is(result.signed, 2);
  const good = loadDerOcspResponse(store.get(0x0an) as Buffer);
  t.is(good.certificateStatus, OCSPCertStatus.GOOD);
  t.true(verifies(good, ca.certificate.publicKey));
  const bad = loadDerOcspResponse(store.get('ff01') as Buffer);
  t.is(bad.certificateStatus, OCSPCertStatus.REVOKED);
  t.deepEqual(bad.revocationTime, revoked);
  t.is(bad.revocationReason, ReasonFlags.superseded);
  t.is(store.get(3n), undefined);
  t.is(store.getRecord(0x0an)?.nextUpdate, (good.nextUpdate as Date).getTime() / 1000);
  t.is(store.getRecord(0x0an)?.producedAt, good.producedAt.getTime() / 1000);
  store.close();
});

test('an interrupted run is continued, and serves nothing before its end', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  const all = Array.from({ length: 10_000 }, (_, i) => entry(i));
  // Sources are read in batches of 4096: the third fails.
  function* broken(): Generator<StatusEntry> {
    yield* all.slice(0, 9500);
    throw new Error('the source is gone');
  }
  const options = { signer, store, id: 'run', checkpointEvery: 1000 };
  const progress: number[] = [];
  await t.throwsAsync(
    bulkSign({ ...options, source: iterableSource(broken()), onProgress: ({ signed }) => progress.push(signed) }),
    { message: 'the source is gone' },
  );
  t.true(progress.length >= 1 && progress.every((signed) => signed % 1000 === 0));
  t.is(store.get(1n), undefined);
  await t.throwsAsync(bulkSign({ ...options, id: 'other', source: iterableSource(all) }));

  const { signed, resumedFrom } = await bulkSign({ ...options, source: iterableSource(all) });
  t.is(resumedFrom, progress.at(-1) ?? 0);
  t.is(signed + resumedFrom, 10_000);
  for (const { serialNumber, status } of all) {
    const response = loadDerOcspResponse(store.get(serialNumber as bigint) as Buffer);
    t.is(response.serialNumber, serialNumber as bigint);
    t.is(response.certificateStatus, status);
  }
  const hashes = [...store.records()].map(({ hashAlgorithm }) => hashAlgorithm);
  for (const hash of ['sha1', 'sha256']) t.is(hashes.filter((one) => one === hash).length, 10_000, hash);
  store.close();
});

test('a revocation in between is not hidden by a run that read its statuses before', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  const run = (status: StatusEntry, statusVersion: number) =>
    bulkSign({ source: iterableSource([status]), signer, store, id: `version ${statusVersion}`, statusVersion });
  await run({ serialNumber: 5n, status: OCSPCertStatus.REVOKED, revocationTime: revoked }, 2);
  await run({ serialNumber: 5n, status: OCSPCertStatus.GOOD }, 1);
  t.is(loadDerOcspResponse(store.get(5n) as Buffer).certificateStatus, OCSPCertStatus.REVOKED);
  store.close();
});

test('a continued run does not pass for newer than a revocation from between', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  const all = Array.from({ length: 3000 }, (_, i) => entry(i + 1));
  const options = { source: iterableSource(all), signer, store, id: 'run', checkpointEvery: 100, threads: 1 };
  // As old as if it had been interrupted an hour ago.
  const begun = Math.floor(Date.now() / 1000) - 3600;
  await t.throwsAsync(
    bulkSign({
      ...options,
      statusVersion: begun,
      onProgress: () => {
        throw new Error('enough');
      },
    }),
    { message: 'enough' },
  );
  const last = { serialNumber: 2999n, status: OCSPCertStatus.REVOKED, revocationTime: revoked };
  const { value } = await signer.signAll([last]).next();
  const { der, producedAt, nextUpdate } = value as SignedEntry;
  await store.putBatch([
    { serial: 2999n, statusVersion: begun + 1800, producedAt, certStatus: OCSPCertStatus.REVOKED, nextUpdate, der },
  ]);
  t.true((await bulkSign(options)).resumedFrom >= 100);
  t.deepEqual(store.get(2999n), der);
  t.is(loadDerOcspResponse(store.get(2998n) as Buffer).certificateStatus, OCSPCertStatus.GOOD);
  store.close();
});

test('a run of the same name that somebody else wrote is refused', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  const run = await store.beginRun({ id: 'run' });
  await run.checkpoint('somewhere');
  await run.close();
  await t.throwsAsync(bulkSign({ source: iterableSource([entry(1)]), signer, store, id: 'run' }), {
    code: 'ERR_OCSP_INVALID_VALUE',
    message: /somewhere/,
  });
  store.close();
});

test('an abort leaves a run that can be continued; a bad argument begins none', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  const source = iterableSource(Array.from({ length: 5000 }, (_, i) => entry(i)));
  const controller = new AbortController();
  const options = { source, signer, store, id: 'run', checkpointEvery: 500 };
  await t.throwsAsync(
    bulkSign({ ...options, signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) }),
    { message: 'enough' },
  );
  await t.throwsAsync(bulkSign({ ...options, checkpointEvery: 0 }), { code: 'ERR_OCSP_INVALID_VALUE' });
  const { resumedFrom, signed } = await bulkSign(options);
  t.true(resumedFrom >= 500);
  t.is(resumedFrom + signed, 5000);
  store.close();
});

test('a run that fails before its first checkpoint is not in the way of another', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  const source = iterableSource([entry(1)]);
  const first = { source, signer, store, id: 'first' };
  await t.throwsAsync(bulkSign({ ...first, threads: 0 }), { code: 'ERR_OCSP_INVALID_VALUE' });
  await t.throwsAsync(bulkSign({ ...first, source: iterableSource([entry(1), { ...entry(2), serialNumber: 'x' }]) }), {
    code: 'ERR_OCSP_INVALID_VALUE',
  });
  t.is(store.stats().unfinishedRun, null);
  t.is((await bulkSign({ ...first, id: 'second' })).signed, 1);
  store.close();
});

test('each entry may have a version of its own', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  const good = (serialNumber: bigint, statusVersion?: number): StatusEntry => ({
    serialNumber,
    status: OCSPCertStatus.GOOD,
    ...(statusVersion !== undefined && { statusVersion }),
  });
  const run = (id: string, statusVersion: number, ...entries: StatusEntry[]) =>
    bulkSign({ source: iterableSource(entries), signer, store, id, statusVersion });
  const bad = (serialNumber: bigint, statusVersion: number): StatusEntry => ({
    serialNumber,
    status: OCSPCertStatus.REVOKED,
    revocationTime: revoked,
    statusVersion,
  });
  await run('first', 5, bad(1n, 7), bad(2n, 3), good(3n));
  t.deepEqual(
    [1n, 2n, 3n].map((serial) => store.getRecord(serial)?.statusVersion),
    [7, 3, 5],
  );
  await run('second', 6, good(1n), good(2n), good(3n, 4));
  t.deepEqual(
    [1n, 2n, 3n].map((serial) => store.getRecord(serial)?.statusVersion),
    [7, 6, 5],
  );
  t.is(loadDerOcspResponse(store.get(1n) as Buffer).certificateStatus, OCSPCertStatus.REVOKED);
  await t.throwsAsync(run('third', 6, good(1n, -1)), { code: 'ERR_OCSP_INVALID_VALUE' });
  store.close();
});
