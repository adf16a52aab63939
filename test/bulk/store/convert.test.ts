/** Stores of earlier formats: refused with the command that converts them, and converted. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import test from 'ava';
import { loadDerOcspResponse, OCSPCertStatus } from 'openssl-ocsp';
import { convertStore, ResponseSigner, SegmentStore } from 'openssl-ocsp/bulk';
import { createTestCa } from 'openssl-ocsp/testing';
import { checkedJson } from '#dist/store/durable-files.js';
import { scratch } from '../scratch.js';

const ca = createTestCa({ subject: 'CN=Old store' });
const signer = new ResponseSigner({ issuer: ca.certificate, responder: ca.certificate, privateKey: ca.privateKey });

/** A frame of the first format, of kind 1 (a response) or 3 (the end). */
function frame(kind: number, fields: Buffer = Buffer.alloc(0)): Buffer {
  const out = Buffer.concat([Buffer.alloc(9), fields.length > 0 ? fields : Buffer.alloc(3)]);
  out.writeUInt32BE(out.length, 4);
  out[8] = kind;
  out.writeUInt32BE(crc32(out.subarray(4)), 0);
  return out;
}

function response(serial: number, certStatus: 0 | 1, statusVersion: number, der: Buffer): Buffer {
  const fields = Buffer.alloc(22);
  fields[0] = certStatus;
  fields[1] = 1;
  fields.writeUIntBE(statusVersion, 3, 6);
  fields.writeUIntBE(1_700_000_000, 9, 6);
  fields.writeUIntBE(2_000_000_000, 15, 6);
  fields[21] = serial;
  return frame(1, Buffer.concat([fields, der]));
}

function oldStore(folder: string, ...frames: readonly Buffer[]): void {
  mkdirSync(folder, { recursive: true });
  const file = '00000001-000001.seg';
  writeFileSync(join(folder, file), Buffer.concat([Buffer.alloc(32), ...frames]));
  const segments = [{ file, bytes: 1, entries: 1 }];
  writeFileSync(
    join(folder, 'MANIFEST'),
    checkedJson({ format: 1, generation: 1, nextEpoch: 2, lastRun: null, segments }),
  );
}

test('a store of the first format is refused, and converted', async (t) => {
  const folder = scratch(t);
  const old = join(folder, 'old');
  const good = signer.sign({ serialNumber: 5n, status: 0 }, { hashAlgorithm: 'sha256' });
  const revoked = signer.sign({ serialNumber: 6n, status: 1, revocationTime: new Date() });
  oldStore(old, response(5, 0, 1, good), response(6, 1, 2, revoked), response(6, 0, 1, good), frame(3));
  await t.throwsAsync(SegmentStore.open(old), { code: 'ERR_OCSP_STORE_FORMAT', message: /store convert/ });
  const store = await SegmentStore.open(join(folder, 'new'));
  t.is(await convertStore(old, ca.certificate, store), 3);
  t.deepEqual(store.get(5n), good);
  t.deepEqual(store.get(6n), revoked);
  t.is(String(store.getRecord(5n)?.hashAlgorithm), 'sha256');
  t.is(store.getRecord(5n)?.signatureAlgorithm, loadDerOcspResponse(good).signatureAlgorithmOid);
  t.is(store.getRecord(6n)?.statusVersion, 2);
  store.close();
});

test('what is damaged, of another issuer, or no such store is refused, and leaves the new one as it was', async (t) => {
  const folder = scratch(t);
  const old = join(folder, 'old');
  const good = signer.sign({ serialNumber: 5n, status: 0 });
  oldStore(old, response(5, 0, 1, good), frame(3));
  const store = await SegmentStore.open(join(folder, 'new'));
  const code = (value: string): object => ({ code: value });
  await t.throwsAsync(convertStore(old, createTestCa().certificate, store), code('ERR_OCSP_ISSUER_MISMATCH'));
  const path = join(old, '00000001-000001.seg');
  const content = readFileSync(path);
  writeFileSync(path, content.subarray(0, -1));
  await t.throwsAsync(convertStore(old, ca.certificate, store), code('ERR_OCSP_STORE_DAMAGED'));
  await t.throwsAsync(convertStore(join(folder, 'new'), ca.certificate, store), code('ERR_OCSP_INVALID_VALUE'));
  t.is(store.stats().entries, 0);
  t.is(store.stats().unfinishedRun, null);
  store.close();
});

test('a store of the second format is refused, and converted', async (t) => {
  const folder = scratch(t);
  const old = join(folder, 'old');
  cpSync('test/vectors/stores/format-2', old, { recursive: true });
  const issuer = readFileSync('test/vectors/stores/format-2.ca.pem');
  await t.throwsAsync(SegmentStore.open(old), { code: 'ERR_OCSP_STORE_FORMAT', message: /store convert/ });
  const store = await SegmentStore.open(join(folder, 'new'));
  t.is(await convertStore(old, issuer, store), 6);
  for (const hashAlgorithm of ['sha1', 'sha256'] as const) {
    const statuses = [5n, 6n].map((serial) => {
      const der = store.get(serial, { hashAlgorithm });
      return der === undefined ? null : OCSPCertStatus[loadDerOcspResponse(der).certificateStatus];
    });
    t.deepEqual(statuses, ['GOOD', 'REVOKED'], hashAlgorithm);
  }
  t.is(store.getRecord(6n)?.statusVersion, 2);
  store.close();
  const segment = join(old, '00000001-000001.seg');
  const content = readFileSync(segment);
  for (const at of [0, 20, 31, 40, content.length - 1]) {
    const damaged = Buffer.from(content);
    damaged[at] = (damaged[at] as number) ^ 1;
    writeFileSync(segment, damaged);
    const other = await SegmentStore.open(join(folder, `new ${at}`));
    // Only what is copied is read: the index behind the responses is made again.
    if (at === content.length - 1) t.is(await convertStore(old, issuer, other), 6);
    else await t.throwsAsync(convertStore(old, issuer, other), { code: 'ERR_OCSP_STORE_DAMAGED' }, String(at));
    other.close();
  }
});

test('a store that was converted knows the lists that it was signed from', async (t) => {
  const folder = scratch(t);
  const old = join(folder, 'old');
  cpSync('test/vectors/stores/format-2', old, { recursive: true });
  const issuer = readFileSync('test/vectors/stores/format-2.ca.pem');
  const [line = ''] = readFileSync(join(old, 'MANIFEST'), 'utf8').split('\n');
  const lists = [
    { list: 'files', number: null, thisUpdate: 1_700_000_000 },
    { list: 'CRL', number: '0A', thisUpdate: 1_700_000_100 },
  ];
  writeFileSync(join(old, 'MANIFEST'), checkedJson({ ...JSON.parse(line), lists }));
  const store = await SegmentStore.open(join(folder, 'new'));
  for (const thisUpdate of [lists[0]?.thisUpdate, 1_700_000_001] as number[]) {
    await convertStore(old, issuer, store);
    const run = await store.beginRun({ id: 'next' });
    t.deepEqual(
      run.editions.toSorted((a, b) => a.thisUpdate - b.thisUpdate),
      [{ ...lists[0], thisUpdate }, lists[1]],
    );
    // A later one stays, whatever is brought in again.
    await run.commit({ list: 'files', number: null, thisUpdate: 1_700_000_001 });
  }
  store.close();
});
