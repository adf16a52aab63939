/** Which responses are signed for a certificate, and which of them a client finds. */
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, sign, type X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  HashAlgorithm,
  loadDerOcspRequest,
  loadDerOcspResponse,
  OCSPCertStatus,
  OCSPRequestBuilder,
  ReasonFlags,
  SignatureAlgorithmOID,
} from 'openssl-ocsp';
import {
  bulkSign,
  iterableSource,
  putStatus,
  ResponseSigner,
  type ResponseSignerOptions,
  SegmentStore,
  type StatusEntry,
} from 'openssl-ocsp/bulk';
import { createTestCa } from 'openssl-ocsp/testing';
import { buildCertificate } from '#dist/testing/certificate.js';
import { encodeOid, encodePrintableString, encodeSequence, encodeSetOf } from '#dist/x509/der.js';
import { scratch } from './scratch.js';

const { GOOD, REVOKED, UNKNOWN } = OCSPCertStatus;
const ca = createTestCa({ subject: 'CN=Answers' });
const leaf = ca.issue({ serialNumber: 0x1234n });
const own = { issuer: ca.certificate, responder: ca.certificate, privateKey: ca.privateKey };

async function storeOf(
  t: ExecutionContext,
  signer: ResponseSigner,
  entries: readonly StatusEntry[],
): Promise<SegmentStore> {
  const store = await SegmentStore.open(scratch(t));
  await bulkSign({ source: iterableSource(entries), signer, store, id: 'all' });
  return store;
}

function request(certificate: X509Certificate, hash: HashAlgorithm): ReturnType<typeof loadDerOcspRequest> {
  return loadDerOcspRequest(
    new OCSPRequestBuilder().addCertificate(certificate, ca.certificate, hash).build().publicBytes(),
  );
}

test('by default there is an answer for SHA-1 and one for SHA-256, each with one entry and the certificate of the signer', async (t) => {
  const signer = new ResponseSigner(own);
  const store = await storeOf(t, signer, [{ serialNumber: 0x1234n, status: GOOD }]);
  for (const hash of [HashAlgorithm.SHA1, HashAlgorithm.SHA256]) {
    const response = loadDerOcspResponse(store.lookup(request(leaf.certificate, hash)) as Buffer);
    t.is(response.responses.length, 1);
    t.is(response.hashAlgorithm, hash);
    t.is(response.certificates[0]?.fingerprint256, ca.certificate.fingerprint256);
    t.deepEqual(store.get('1234', { hashAlgorithm: hash }), response.publicBytes());
    const record = store.getRecord('1234', { hashAlgorithm: hash });
    t.is(record?.signatureAlgorithm, SignatureAlgorithmOID.ECDSA_WITH_SHA256);
    t.is(record?.signatureAlgorithm, response.signatureAlgorithmOid);
    t.deepEqual(record?.issuerNameHash, response.issuerNameHash);
  }
  t.is(loadDerOcspResponse(store.get('1234') as Buffer).hashAlgorithm, HashAlgorithm.SHA1);
  t.is(store.lookup(request(leaf.certificate, HashAlgorithm.SHA512)), undefined);
  t.is(store.lookup(request(ca.issue({ serialNumber: 5n }).certificate, HashAlgorithm.SHA1)), undefined);
  for (const hash of [HashAlgorithm.SHA1, HashAlgorithm.SHA384])
    t.is(
      loadDerOcspResponse(signer.sign({ serialNumber: 1n, status: GOOD }, { hashAlgorithm: hash })).hashAlgorithm,
      hash,
    );
  const other = createTestCa({ subject: 'CN=Answers' });
  const theirs = new OCSPRequestBuilder()
    .addCertificate(other.issue({ serialNumber: 0x1234n }).certificate, other.certificate, HashAlgorithm.SHA1)
    .build();
  t.throws(() => store.lookup(loadDerOcspRequest(theirs.publicBytes())), { code: 'ERR_OCSP_ISSUER_MISMATCH' });
  store.close();
});

test('a list of another CA, by name or by key, is refused and hides nothing', async (t) => {
  const store = await storeOf(t, new ResponseSigner(own), [
    { serialNumber: 0x1234n, status: REVOKED, revocationTime: new Date() },
  ]);
  const before = store.get('1234');
  const sameName = createTestCa({ subject: 'CN=Answers' });
  const sameKey = buildCertificate(null, ca.privateKey, { ca: true, subject: 'CN=Other' });
  for (const [issuer, privateKey] of [
    [sameName.certificate, sameName.privateKey],
    [sameKey, ca.privateKey],
  ] as const) {
    const signer = new ResponseSigner({ issuer, responder: issuer, privateKey });
    const entries = [{ serialNumber: 0x1234n, status: GOOD, statusVersion: 1e10 }];
    const code = 'ERR_OCSP_ISSUER_MISMATCH';
    await t.throwsAsync(bulkSign({ source: iterableSource(entries), signer, store, id: 'two' }), { code });
    await t.throwsAsync(putStatus({ entries, signer, store }), { code });
    t.is(store.stats().unfinishedRun, null);
  }
  t.deepEqual(store.get('1234'), before);
  // A renewed certificate of the same name and key is the same issuer.
  const renewed = buildCertificate(null, ca.privateKey, { ca: true, subject: 'CN=Answers' });
  const signer = new ResponseSigner({ ...own, issuer: renewed, responder: renewed });
  t.is((await putStatus({ entries: [{ serialNumber: 7n, status: GOOD }], signer, store })).written, 2);
  store.close();
});

test('where certificates spell the name of their issuer otherwise than its own, both find an answer', async (t) => {
  const printable = encodeSequence(
    encodeSetOf([encodeSequence(encodeOid('2.5.4.3'), encodePrintableString('Answers'))]),
  );
  const issuer = { name: printable, publicKey: ca.certificate.publicKey, privateKey: ca.privateKey };
  const subject = buildCertificate(issuer, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, {
    subject: 'CN=leaf',
    serialNumber: 0x1234n,
  });
  const entries = [{ serialNumber: 0x1234n, status: GOOD }];
  const without = await storeOf(t, new ResponseSigner(own), entries);
  t.throws(() => without.lookup(request(subject, HashAlgorithm.SHA1)), { code: 'ERR_OCSP_ISSUER_MISMATCH' });
  const both = new ResponseSigner({ ...own, subjects: [subject, leaf.certificate, subject] });
  t.is(both.answers.length, 4);
  await bulkSign({ source: iterableSource(entries), signer: both, store: without, id: 'both' });
  for (const certificate of [subject, leaf.certificate]) {
    for (const hash of [HashAlgorithm.SHA1, HashAlgorithm.SHA256]) {
      const asked = request(certificate, hash);
      const response = loadDerOcspResponse(without.lookup(asked) as Buffer);
      t.true(response.responses[0]?.hasSameCertId(asked.requests[0] as NonNullable<(typeof asked.requests)[0]>));
    }
  }
  const stranger = createTestCa({ subject: 'CN=Answers' }).issue().certificate;
  t.throws(() => new ResponseSigner({ ...own, subjects: [stranger] }), { code: 'ERR_OCSP_INVALID_VALUE' });
  without.close();
});

test('nextUpdate never passes the end of the signer, and nothing is signed when nothing would be left', async (t) => {
  const end = new Date(Math.floor(Date.now() / 1000) * 1000 + 3_600_000);
  const delegate = ca.issueResponder({ notAfter: end });
  const options: ResponseSignerOptions = { ...own, responder: delegate.certificate, privateKey: delegate.privateKey };
  const signer = new ResponseSigner(options);
  const later = new Date(end.getTime() + 1000);
  const entries: StatusEntry[] = [
    { serialNumber: 1n, status: GOOD },
    { serialNumber: 2n, status: UNKNOWN, nextUpdate: later },
    { serialNumber: 3n, status: GOOD, nextUpdate: new Date(end.getTime() - 1000) },
    { serialNumber: 4n, status: GOOD, nextUpdate: null },
  ];
  const expected = [end, end, new Date(end.getTime() - 1000), null];
  const store = await storeOf(t, signer, entries);
  for (const [i, nextUpdate] of expected.entries()) {
    const seconds = nextUpdate === null ? null : nextUpdate.getTime() / 1000;
    t.deepEqual(loadDerOcspResponse(store.get(BigInt(i + 1)) as Buffer).nextUpdate, nextUpdate);
    t.is(store.getRecord(BigInt(i + 1))?.nextUpdate, seconds);
    t.deepEqual(loadDerOcspResponse(signer.sign(entries[i] as StatusEntry)).nextUpdate, nextUpdate);
  }
  const code = 'ERR_OCSP_INVALID_VALUE';
  const nothing: StatusEntry = { serialNumber: 5n, status: GOOD, thisUpdate: end };
  t.throws(() => signer.sign(nothing), { code });
  await t.throwsAsync(bulkSign({ source: iterableSource([nothing]), signer, store, id: 'none' }), { code });
  const unchecked = new ResponseSigner({ ...options, allowUnauthorized: true });
  t.deepEqual(loadDerOcspResponse(unchecked.sign(entries[1] as StatusEntry)).nextUpdate, later);
  store.close();
});

test('a status that is put is served for every hash at once, also when the clock of what is there was ahead', async (t) => {
  const signer = new ResponseSigner(own);
  const store = await SegmentStore.open(scratch(t));
  const other = await SegmentStore.open(scratch(t));
  const ahead = Math.floor(Date.now() / 1000) + 5000;
  await bulkSign({
    source: iterableSource([{ serialNumber: 1n, status: GOOD }]),
    signer,
    store,
    id: 'a',
    statusVersion: ahead,
  });
  const revoked: StatusEntry = {
    serialNumber: 1n,
    status: REVOKED,
    revocationTime: new Date(),
    reason: 'keyCompromise',
  };
  t.deepEqual(await putStatus({ entries: [revoked], signer, store }), { written: 2, kept: 0 });
  for (const hashAlgorithm of ['sha1', 'sha256'] as const) {
    const response = loadDerOcspResponse(store.get(1n, { hashAlgorithm }) as Buffer);
    t.is(response.certificateStatus, REVOKED);
    t.is(response.revocationReason, ReasonFlags.keyCompromise);
  }
  t.deepEqual(await putStatus({ entries: [{ serialNumber: 1n, status: GOOD }], signer, store }), {
    written: 0,
    kept: 2,
  });
  t.is(store.getRecord(1n)?.certStatus, REVOKED);
  store.close();
  other.close();
});

test('a revocation for ever is not taken back but by who says a version', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  const signer = new ResponseSigner(own);
  const earlier = Math.floor(Date.now() / 1000) - 100;
  const revoked = { status: REVOKED, revocationTime: new Date(0), statusVersion: earlier };
  const hold = { ...revoked, reason: ReasonFlags.certificateHold };
  const holds = [2n, 3n, 4n].map((serialNumber) => ({ ...hold, serialNumber }));
  await putStatus({ entries: [{ ...revoked, serialNumber: 1n }, ...holds], signer, store });
  const { statusVersion: _, ...held } = { ...hold, revocationTime: new Date(1000) };
  for (const [i, change] of [{ status: GOOD }, { status: UNKNOWN }, held].entries()) {
    const ends = BigInt(i + 2);
    const entries = [1n, ends].map((serialNumber) => ({ ...change, serialNumber }));
    t.deepEqual(await putStatus({ entries, signer, store }), { written: 2, kept: 2 });
    t.is(loadDerOcspResponse(store.get(1n) as Buffer).revocationReason, null);
    t.is(store.getRecord(1n)?.certStatus, REVOKED);
    t.is(store.getRecord(ends)?.certStatus, change.status);
  }
  const statusVersion = Math.floor(Date.now() / 1000) + 20_000;
  const entries = [{ serialNumber: 1n, status: GOOD, statusVersion }];
  t.deepEqual(await putStatus({ entries, signer, store }), { written: 2, kept: 0 });
  t.is(store.getRecord(1n)?.certStatus, GOOD);
  store.close();
});

test('a revocation for ever that another process has just put, or that has another hash, is not taken back either', async (t) => {
  const folder = scratch(t);
  const earlier = Math.floor(Date.now() / 1000) - 100;
  const revoked = { serialNumber: 1n, status: REVOKED, revocationTime: new Date(0), statusVersion: earlier };
  const hold = { ...revoked, reason: ReasonFlags.certificateHold, statusVersion: earlier - 100 };
  const good = { entries: [{ serialNumber: 1n, status: GOOD }], signer: new ResponseSigner(own) };
  // One that looks at the folder once a minute, but for when it writes.
  const late = await SegmentStore.open(folder, { refreshInterval: 60_000 });
  const other = await SegmentStore.open(folder);
  await putStatus({ entries: [hold], signer: new ResponseSigner(own), store: late });
  t.is(loadDerOcspResponse(late.get(1n) as Buffer).revocationReason, ReasonFlags.certificateHold);
  await putStatus({
    entries: [revoked],
    signer: new ResponseSigner({ ...own, certIdAlgorithm: 'sha256' }),
    store: other,
  });
  t.deepEqual(await putStatus({ ...good, store: late }), { written: 0, kept: 2 });
  const says = (hashAlgorithm: 'sha1' | 'sha256') =>
    loadDerOcspResponse(late.get(1n, { hashAlgorithm }) as Buffer).revocationReason;
  t.deepEqual([says('sha1'), says('sha256')], [ReasonFlags.certificateHold, null]);
  // A store that tells no versions is asked for what it has.
  const plain = {
    get: (serial: bigint | string | Uint8Array) => other.get(serial, { hashAlgorithm: 'sha256' }),
    putBatch: other.putBatch.bind(other),
  };
  t.deepEqual(await putStatus({ ...good, store: plain }), { written: 0, kept: 2 });
  late.close();
  other.close();
});

test('a revocation whose signature takes long counts against what is put meanwhile', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  const entry: StatusEntry = { serialNumber: 1n, status: REVOKED, revocationTime: new Date() };
  const quick = new ResponseSigner(own);
  let rivals = 0;
  const rival = async (): Promise<void> => {
    rivals += 1;
    const statusVersion = Math.floor(Date.now() / 1000) + 5 * rivals;
    await putStatus({ entries: [{ serialNumber: 1n, status: GOOD, statusVersion }], signer: quick, store });
  };
  const privateKey = {
    async sign(tbs: Buffer): Promise<Uint8Array> {
      if (rivals === 0) await rival();
      return sign('sha256', tbs, ca.privateKey);
    },
  };
  const slow = new ResponseSigner({ ...own, privateKey });
  t.deepEqual(await putStatus({ entries: [entry], signer: slow, store }), { written: 2, kept: 0 });
  t.is(store.getRecord(1n)?.certStatus, REVOKED);
  // Also what comes when the version has been settled.
  await rival();
  const late = {
    getRecord: store.getRecord.bind(store),
    async putBatch(...args: Parameters<typeof store.putBatch>) {
      if (rivals === 2) await rival();
      return store.putBatch(...args);
    },
  };
  t.deepEqual(await putStatus({ entries: [entry], signer: quick, store: late }), { written: 2, kept: 0 });
  t.is(store.getRecord(1n)?.certStatus, REVOKED);
  // A hold is no less than a revocation for ever, but no more either.
  const hold = { ...entry, reason: 'certificateHold' as const };
  t.deepEqual(await putStatus({ entries: [hold], signer: quick, store }), { written: 0, kept: 2 });
  t.is(loadDerOcspResponse(store.get(1n) as Buffer).revocationReason, null);
  store.close();
});

test('a revocation is newer than what any answer to another hash says, not only than the one that is preferred', async (t) => {
  const store = await SegmentStore.open(scratch(t));
  const now = Math.floor(Date.now() / 1000);
  for (const [certIdAlgorithm, statusVersion] of [
    ['sha1', now - 100],
    ['sha256', now + 5000],
  ] as const) {
    const signer = new ResponseSigner({ ...own, certIdAlgorithm });
    const source = iterableSource([{ serialNumber: 1n, status: GOOD }]);
    await bulkSign({ source, signer, store, id: certIdAlgorithm, statusVersion });
  }
  t.is(store.getRecord(1n)?.hashAlgorithm, HashAlgorithm.SHA1);
  t.is(store.getRecord(1n)?.statusVersion, now + 5000);
  const entries = [{ serialNumber: 1n, status: REVOKED, revocationTime: new Date() }];
  t.deepEqual(await putStatus({ entries, signer: new ResponseSigner(own), store }), { written: 2, kept: 0 });
  t.is(loadDerOcspResponse(store.get(1n) as Buffer).certificateStatus, REVOKED);
  store.close();
});

test('the openssl command finds the answers by either hash, and by the CA alone', async (t) => {
  const store = await storeOf(t, new ResponseSigner(own), [{ serialNumber: 0x1234n, status: GOOD }]);
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-answers-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'ca.pem'), ca.certificatePem);
  writeFileSync(join(folder, 'leaf.pem'), leaf.certificatePem);
  for (const hashAlgorithm of ['sha1', 'sha256'] as const) {
    writeFileSync(join(folder, 'r.der'), store.get('1234', { hashAlgorithm }) as Buffer);
    const files = [
      '-respin',
      'r.der',
      '-issuer',
      'ca.pem',
      `-${hashAlgorithm}`,
      '-cert',
      'leaf.pem',
      '-CAfile',
      'ca.pem',
    ];
    const { error, stdout, stderr } = spawnSync('openssl', ['ocsp', '-no_nonce', ...files], {
      cwd: folder,
      encoding: 'utf8',
    });
    if (error) t.log('no openssl command here to check with');
    else t.regex(stdout + stderr, /Response verify OK[\s\S]*: good|: good[\s\S]*Response verify OK/);
  }
  store.close();
});
