// What signs, stores, reads lists and makes test certificates takes its options as what verifies does.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  CrlID,
  loadDerOcspResponse,
  loadStoredPrivateKey,
  Name,
  OCSPRequestBuilder,
  OCSPResponseBuilder,
  PreferredSignatureAlgorithms,
  type ResponseByHashInput,
  type ResponseInput,
  ServiceLocator,
  type SignOptions,
  type SignRequestOptions,
} from 'openssl-ocsp';
import {
  type BatchOptions,
  type BeginRunOptions,
  type BulkSignOptions,
  bulkSign,
  type CsvOptions,
  crlSource,
  csvSource,
  type ExportOptions,
  exportTar,
  exportToFolder,
  FileLedger,
  type FileLedgerOptions,
  type IndexTxtOptions,
  indexTxtSource,
  iterableSource,
  type LifetimeOptions,
  type NdjsonOptions,
  ndjsonSource,
  nextRefresh,
  type RefreshOptions,
  type ResponseRecord,
  ResponseSigner,
  type ResponseSignerOptions,
  type ResponseStore,
  SegmentStore,
  type SignAllOptions,
  type StatusSource,
  type StoredResponse,
} from 'openssl-ocsp/bulk';
import { crlAuthority, indexTxtAuthority, Responder, serve } from 'openssl-ocsp/responder';
import {
  buildTestResponse,
  createTestCa,
  generateTestKeyPair,
  TestResponder,
  TestResponseKit,
} from 'openssl-ocsp/testing';
import {
  type AccessDescription,
  type CrlIDInit,
  DNSName,
  type NameAttributeInit,
  type PreferredSignatureAlgorithmInit,
  type ServiceLocatorInit,
  type StoredKeyOptions,
} from 'openssl-ocsp/x509';
import { testOptions, withGetters } from './helpers/option-table.js';
import { invalid, wrong } from './helpers/refusals.js';

const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-options-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const kit = new TestResponseKit();
const { ca, leaf, responder } = kit;
const rsa = ca.issueResponder({ keyType: 'rsa' });
const plain = ca.issue({ keyType: 'rsa' });
const edwards = ca.issueResponder({ keyType: 'ed25519' });
const times = { thisUpdate: new Date(), nextUpdate: new Date(Date.now() + 3_600_000) };

const signChanges: { [name in keyof Required<SignOptions>]: unknown } = { rsaPadding: 'pss', saltLength: 5 };
const requestBuilder = new OCSPRequestBuilder().addCertificate(leaf.certificate, ca.certificate, 'sha1');
testOptions<SignRequestOptions>('OCSPRequestBuilder.sign', {
  call: (options) => requestBuilder.sign(rsa.certificate, rsa.privateKey, 'sha256', options).publicBytes().length,
  base: {},
  changes: { ...signChanges, certificates: [ca.certificate], noCertificates: true },
});
testOptions<SignRequestOptions>('OCSPRequestBuilder.signAsync', {
  call: async (options) =>
    (await requestBuilder.signAsync(rsa.certificate, rsa.privateKey, 'sha256', options)).publicBytes().length,
  base: {},
  changes: { ...signChanges, certificates: [ca.certificate], noCertificates: true },
});

const status = { certStatus: 0, ...times };
const statusChanges = {
  certStatus: 2,
  thisUpdate: new Date(0),
  nextUpdate: null,
  revocationTime: new Date(),
  revocationReason: 'superseded',
  singleExtensions: [1],
};
const build = (builder: OCSPResponseBuilder) =>
  builder.responderId('By Hash', responder.certificate).sign(responder.privateKey, 'sha256').responses[0]?.toJSON();
testOptions<ResponseInput>('OCSPResponseBuilder.addResponse', {
  call: (input) => build(new OCSPResponseBuilder().addResponse(input)),
  base: { cert: leaf.certificate, issuer: ca.certificate, algorithm: 'sha1', ...status },
  changes: { cert: rsa.certificate, issuer: leaf.certificate, algorithm: 'sha256', ...statusChanges },
});
testOptions<ResponseByHashInput>('OCSPResponseBuilder.addResponseByHash', {
  call: (input) => build(new OCSPResponseBuilder().addResponseByHash(input)),
  base: {
    issuerNameHash: Buffer.alloc(20),
    issuerKeyHash: Buffer.alloc(20),
    serialNumber: 1n,
    algorithm: 'sha1',
    ...status,
  },
  changes: {
    issuerNameHash: Buffer.alloc(20, 1),
    issuerKeyHash: Buffer.alloc(20, 1),
    serialNumber: 2n,
    algorithm: 'sha256',
    ...statusChanges,
  },
});
const responseBuilder = new OCSPResponseBuilder()
  .addResponse({ cert: leaf.certificate, issuer: ca.certificate, algorithm: 'sha1', ...status })
  .responderId('By Hash', rsa.certificate);
testOptions<SignOptions>('OCSPResponseBuilder.sign', {
  call: (options) => responseBuilder.sign(rsa.privateKey, 'sha256', options).signatureAlgorithmOid,
  base: {},
  changes: signChanges,
});
testOptions<SignOptions>('OCSPResponseBuilder.signAsync', {
  call: async (options) => (await responseBuilder.signAsync(rsa.privateKey, 'sha256', options)).signatureAlgorithmOid,
  base: {},
  changes: signChanges,
});

testOptions<StoredKeyOptions>('loadStoredPrivateKey', {
  call(options) {
    try {
      return loadStoredPrivateKey(`file:${join(folder, 'none')}`, options).keyType;
    } catch (error) {
      if (String(error).includes('takes no') || error instanceof TypeError) throw error;
      return 'no such key';
    }
  },
  base: {},
  changes: { passphrase: 1 },
});

testOptions<CrlIDInit>('CrlID', {
  call: (init) => new CrlID(init).toJSON(),
  base: {},
  changes: { crlUrl: 'http://a', crlNum: 1n, crlTime: new Date(0) },
});
testOptions<ServiceLocatorInit>('ServiceLocator', {
  call: (init) => new ServiceLocator(init).toJSON(),
  base: { issuer: new Name([]) },
  changes: { issuer: Name.fromAttributes([{ oid: '2.5.4.3', value: 'a' }]), locator: [] },
});
testOptions<AccessDescription>('ServiceLocator, locator', {
  call: (item) => new ServiceLocator({ issuer: new Name([]), locator: [item] }).toJSON(),
  base: { accessMethod: '1.2.3', accessLocation: new DNSName('a') },
  changes: { accessMethod: '1.2.4', accessLocation: new DNSName('b') },
});
testOptions<PreferredSignatureAlgorithmInit>('PreferredSignatureAlgorithms', {
  call: (item) => new PreferredSignatureAlgorithms({ algorithms: [item] }).toJSON(),
  base: { sigIdentifier: { oid: '1.2.3' } },
  changes: { sigIdentifier: { oid: '1.2.4' }, certIdentifier: { oid: '1.2.3' } },
});
testOptions<NameAttributeInit>('Name.fromAttributes', {
  call: (item) => Name.fromAttributes([item]).publicBytes(),
  base: { oid: '2.5.4.3', value: 'a' },
  changes: { oid: '2.5.4.4', value: 'b', type: 22 },
});

const signerOptions = { issuer: ca.certificate, responder: rsa.certificate, privateKey: rsa.privateKey };
const entry = { serialNumber: 1n, status: 0 };
testOptions<ResponseSignerOptions>('ResponseSigner', {
  call(options) {
    const { hashAlgorithm, certificates, signatureAlgorithmOid, responderName, responses } = loadDerOcspResponse(
      new ResponseSigner(options).sign(entry),
    );
    return [
      hashAlgorithm,
      certificates.length,
      signatureAlgorithmOid,
      responderName,
      responses[0]?.nextUpdate === null,
    ];
  },
  base: { ...signerOptions, responder: plain.certificate, privateKey: plain.privateKey, allowUnauthorized: true },
  changes: {
    issuer: 1,
    responder: ca.certificate,
    privateKey: responder.privateKey,
    algorithm: 'sha512',
    signOptions: { rsaPadding: 'pss' },
    certIdAlgorithm: 'sha512',
    subjects: 1,
    responderId: 'By Name',
    certificates: [ca.certificate, rsa.certificate],
    validity: { period: null },
    allowUnauthorized: false,
  },
});
testOptions<SignOptions>('ResponseSigner, signOptions', {
  call: (signOptions) =>
    loadDerOcspResponse(new ResponseSigner({ ...signerOptions, signOptions }).sign(entry)).signatureAlgorithmOid,
  base: {},
  changes: signChanges,
});
testOptions<LifetimeOptions>('ResponseSigner, validity', {
  call(validity) {
    const [response] = loadDerOcspResponse(new ResponseSigner({ ...signerOptions, validity }).sign(entry)).responses;
    return [response?.thisUpdate, response?.nextUpdate];
  },
  base: { thisUpdate: new Date(Date.UTC(2020, 0, 1, 1, 1, 1)) },
  changes: { thisUpdate: new Date(0), granularity: 3600, period: null },
});

const signer = new ResponseSigner({
  issuer: ca.certificate,
  responder: edwards.certificate,
  privateKey: edwards.privateKey,
});
const signAllChanges: { [name in keyof Required<SignAllOptions>]: unknown } = {
  threads: 0,
  batchSize: 0,
  concurrency: 0,
  verifySample: 2,
  signal: AbortSignal.abort(new Error('stopped')),
  onProgress: () => {
    throw new Error('progress');
  },
};
testOptions<SignAllOptions>('ResponseSigner.signAll', {
  async call(options) {
    let count = 0;
    for await (const _ of signer.signAll([entry], options)) count += 1;
    return count;
  },
  base: {},
  changes: signAllChanges,
});

/** Remembers what it was asked and given. */
function rememberingStore(seen: unknown[]): ResponseStore {
  const nothing = async (): Promise<void> => undefined;
  const run = { resumeToken: null, editions: [], records: 0, checkpoint: nothing, close: nothing, discard: nothing };
  return {
    get: () => undefined,
    beginRun: async (options: BeginRunOptions) => {
      seen.push(options);
      return {
        ...run,
        append: async (records: Iterable<ResponseRecord>) => {
          for (const { statusVersion } of records) seen.push(statusVersion < 10 ? statusVersion : 'now');
        },
        commit: async () => ({ written: 1, kept: 0 }),
      };
    },
  } as unknown as ResponseStore;
}
const seen: unknown[] = [];
testOptions<BulkSignOptions>('bulkSign', {
  unseen: ['allowOlderList'],
  async call(options) {
    seen.length = 0;
    const { signed } = await bulkSign(options);
    return [signed, ...seen];
  },
  base: { source: iterableSource([entry]), signer, store: rememberingStore(seen), id: 'one' },
  changes: {
    ...signAllChanges,
    source: iterableSource([entry, entry]),
    signer: 1,
    store: 1,
    id: 'two',
    otherRun: 'discard',
    statusVersion: 5,
    modified: new Date(7000),
    allowOlderList: true,
    checkpointEvery: 0,
  },
});

async function read(source: StatusSource): Promise<unknown> {
  const entries = [];
  for await (const { singleExtensions: _, ...row } of source) entries.push(row);
  return entries;
}
const badRows = { onBadRow: () => undefined };
const refusing = {
  onBadRow: () => {
    throw new Error('bad row');
  },
};
const csv = Buffer.from('serial,status\n10,good\n10;good\n');
testOptions<CsvOptions>('csvSource', {
  call: (options) => read(csvSource(csv, options)),
  base: badRows,
  changes: { ...refusing, delimiter: ';', serials: 'decimal' },
});
testOptions<NdjsonOptions>('ndjsonSource', {
  call: (options) => read(ndjsonSource(Buffer.from('{"serial":"10","status":"good"}\n{}\n'), options)),
  base: badRows,
  changes: { ...refusing, serials: 'decimal' },
});
const index = ['V\t391231235959Z\t\t0A\tunknown\t/CN=a', 'E\t191231235959Z\t\t0B\tunknown\t/CN=b'];
testOptions<IndexTxtOptions>('indexTxtSource', {
  call: (options) => read(indexTxtSource(Buffer.from([...index, 'X', ''].join('\n')), options)),
  base: badRows,
  changes: {
    onBadRow: () => {
      throw new Error('bad row');
    },
    expired: 'include',
    expiredBefore: new Date(Date.UTC(2050, 0)),
  },
});
testOptions<BatchOptions>('StatusSource.batches', {
  unseen: ['lastSerial', 'onEdition'],
  async call(options) {
    const sizes = [];
    for await (const batch of iterableSource([entry, entry, entry]).batches(options)) sizes.push(batch.length);
    return sizes;
  },
  base: {},
  changes: { skip: 1, lastSerial: '01', batchSize: 1, onEdition: () => undefined },
});

testOptions<RefreshOptions>('nextRefresh', {
  call: (options) => nextRefresh(5n, options),
  base: { thisUpdate: new Date(0), nextUpdate: new Date(7 * 86_400_000) },
  changes: { thisUpdate: new Date(86_400_000), nextUpdate: new Date(2 * 86_400_000), margin: 7200 },
});
testOptions<FileLedgerOptions>('FileLedger.open', {
  async call(options) {
    const ledger = await FileLedger.open(mkdtempSync(join(folder, 'ledger-')), options);
    await ledger.add(['a']);
    const [first] = await ledger.lease(1);
    if (first) await ledger.fail(first, 'no');
    return [first?.expiresAt, await ledger.ranges()];
  },
  base: { now: () => 1000 },
  changes: { leaseSeconds: 5, maxAttempts: 1, now: () => 2000 },
});
const stored = {
  serial: '0102',
  statusVersion: 1,
  producedAt: 1,
  certStatus: 0,
  nextUpdate: null,
  der: kit.respond(kit.entry()),
} as StoredResponse;
testOptions<ExportOptions>('exportTar', {
  call: (options) => Buffer.concat([...exportTar([stored], options)]).toString('latin1'),
  base: {},
  changes: { levels: 1, layout: 'get' },
});
testOptions<ExportOptions>('exportToFolder', {
  async call(options) {
    const to = mkdtempSync(join(folder, 'export-'));
    await exportToFolder([stored], to, options);
    return readdirSync(to);
  },
  base: {},
  changes: { levels: 1, layout: 'get' },
});

test('SegmentStore and crlSource: what is no option is refused', async (t) => {
  for (const name of ['refreshIntervall', 'segmentRecord', 'breaklock']) {
    await t.throwsAsync(SegmentStore.open(join(folder, 'none'), { [name]: 1 }), {
      ...invalid,
      message: new RegExp(`'${name}': did you mean`),
    });
  }
  for (const name of ['serial', 'useCRLTimes', 'onbadrow']) {
    t.throws(() => crlSource(Buffer.of(0), { [name]: 1 }), {
      ...invalid,
      message: new RegExp(`'${name}': did you mean`),
    });
  }
});

test('the testing kit: what is no option is refused, and what is inherited counts', async (t) => {
  const near = (name: string) => ({ ...invalid, message: new RegExp(`'${name}': did you mean`) });
  t.throws(() => createTestCa(wrong({ subjekt: 'CN=a' })), near('subjekt'));
  t.throws(() => ca.issue(wrong({ serial: 1n })), near('serial'));
  t.throws(() => ca.issueResponder(wrong({ noCheck: true })), invalid);
  t.throws(() => ca.issueIntermediate(wrong({ notafter: new Date() })), near('notafter'));
  t.throws(
    () => ca.issue({ extensions: [wrong({ oid: '1.2.3', critcal: true, value: Buffer.alloc(0) })] }),
    near('critcal'),
  );
  t.throws(() => ca.issue({ aia: wrong({ OCSP: 'http://a' }) }), near('OCSP'));
  t.throws(() => ca.issue({ signature: wrong({ hashes: 'sha1' }) }), near('hashes'));
  t.throws(() => new TestResponseKit(wrong({ privateKey: ca.privateKey })), invalid);
  t.throws(() => kit.respond(kit.entry(), wrong({ breakSignatur: true })), near('breakSignatur'));
  t.throws(() => buildTestResponse(wrong({ signer: ca, entries: [], trailling: Buffer.of(1) })), near('trailling'));
  await t.throwsAsync(TestResponder.start(ca, wrong({ behavior: 'good' })), near('behavior'));
  await t.throwsAsync(TestResponder.start(ca, { entry: wrong({ nextUpdated: null }) }), near('nextUpdated'));
  t.throws(() => generateTestKeyPair(wrong({ keytype: 'rsa' })), near('keytype'));
  t.is(generateTestKeyPair(withGetters({ keyType: 'ed25519' })).publicKey.asymmetricKeyType, 'ed25519');
  t.is(createTestCa(withGetters({ subject: 'CN=inherited' })).certificate.subject, 'CN=inherited');
  t.is(ca.issueResponder(withGetters({ subject: 'CN=inherited' })).certificate.subject, 'CN=inherited');
  t.is(ca.issueIntermediate(withGetters({ subject: 'CN=inherited' })).certificate.subject, 'CN=inherited');
  const revoked = kit.respond(
    wrong(withGetters(kit.entry({ status: 'revoked' }))),
    withGetters({ trailing: Buffer.of(7) }),
  );
  t.is(revoked.at(-1), 7);
  t.is(loadDerOcspResponse(revoked.subarray(0, -1)).certificateStatus, 1);
});

test('the responder and reads of a store: what is no option is refused, and what is inherited counts', async (t) => {
  const near = (name: string) => ({ ...invalid, message: new RegExp(`'${name}': did you mean`) });
  const authority = { lookup: () => undefined };
  const signer = { responder: responder.certificate, privateKey: responder.privateKey };
  const issuer = { certificate: ca.certificate, authority, signers: [signer] };
  const issuers = [issuer];
  t.throws(() => new Responder(wrong({ issuers, requestSignature: 'required' })), near('requestSignature'));
  t.throws(() => new Responder({ issuers, live: wrong({ timeOut: 5 }) }), near('timeOut'));
  t.throws(() => new Responder({ issuers, cache: wrong({ maxByte: 5 }) }), near('maxByte'));
  t.throws(() => new Responder({ issuers: [wrong({ ...issuer, notissued: 'good' })] }), near('notissued'));
  t.throws(
    () => new Responder({ issuers: [{ ...issuer, signers: [wrong({ ...signer, algoritm: null })] }] }),
    near('algoritm'),
  );
  t.throws(
    () => new Responder({ issuers: [{ ...issuer, signers: [{ ...signer, validity: wrong({ periods: 5 }) }] }] }),
    near('periods'),
  );
  t.throws(() => indexTxtAuthority('none', wrong({ intervall: 1 })), near('intervall'));
  t.throws(() => crlAuthority('none', wrong({ issuer: ca.certificate, serial: 'none' })), near('serial'));
  t.throws(() => new Responder(wrong(withGetters({ issuers, requestSignatures: 'required' }))), {
    ...invalid,
    message: /needs requestTrust/,
  });
  await using made = new Responder(
    wrong(withGetters({ issuers: [withGetters({ ...issuer, signers: [withGetters(signer)] })] })),
  );
  t.is(made.health().issuers.length, 1);
  await t.throwsAsync(serve(made, { port: 0 }, wrong({ reuseport: true })), near('reuseport'));

  const store = await SegmentStore.open(mkdtempSync(join(folder, 'choice-')));
  t.teardown(() => store.close());
  await store.putBatch([{ ...stored, hashAlgorithm: 'sha256' }], withGetters({ ifNewer: true }));
  await store.putBatch([{ ...stored, serial: '0103', hashAlgorithm: 'sha256' }]);
  for (const hashAlgorithm of ['sha256'] as const) {
    t.deepEqual(store.get('0102', { hashAlgorithm }), stored.der);
    t.is(store.getRecord('0103', wrong(withGetters({ hashAlgorithm })))?.hashAlgorithm as string, 'sha256');
  }
  t.is(store.get('0102', { hashAlgorithm: 'sha1' }), undefined);
  t.throws(() => store.get('0102', { hashAlgorithm: wrong('sha999') }), { code: 'ERR_OCSP_UNSUPPORTED_ALGORITHM' });
  t.throws(() => store.get('0102', wrong({ hash: 'sha1' })), invalid);
  t.throws(() => store.getRecord('0102', wrong({ hashAlgoritm: 'sha1' })), near('hashAlgoritm'));
  await t.throwsAsync(store.putBatch([], wrong({ ifnewer: true })), near('ifnewer'));
});
