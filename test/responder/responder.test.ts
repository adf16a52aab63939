import test from 'ava';
import {
  type Extension,
  loadDerOcspResponse,
  OCSPCertStatus,
  OCSPExtensionOID,
  OCSPNonce,
  OCSPRequestBuilder,
  OCSPResponseStatus,
  type OCSPSingleResponse,
  UnrecognizedExtension,
} from 'openssl-ocsp';
import type { StatusEntry } from 'openssl-ocsp/bulk';
import { listAuthority, Responder, type ResponderSigner, type StatusAuthority } from 'openssl-ocsp/responder';
import { createTestCa } from 'openssl-ocsp/testing';
import { buildCertificate } from '#dist/testing/certificate.js';
import { ask, ca, delegate, GOOD, issuerOptions, makeResponder, REVOKED, statusOf, TestAuthority } from './fixtures.js';

test('good, revoked, never issued, another issuer', async (t) => {
  const responder = makeResponder(t);
  t.is(await statusOf(responder, ask(['1001'])), 'good');
  t.is(await statusOf(responder, ask(['1002'])), 'revoked');
  t.is(await statusOf(responder, ask(['1003'])), 'UNAUTHORIZED');
  const other = createTestCa({ subject: 'CN=Other' });
  t.is(await statusOf(responder, ask(['1001'], { issuer: other })), 'UNAUTHORIZED');
});

test('in the hash that is asked by', async (t) => {
  const responder = makeResponder(t);
  for (const hash of ['sha1', 'sha224', 'sha256', 'sha384', 'sha512'] as const) {
    const answer = await responder.answer(ask(['1001'], { hash }));
    t.is<string, string>(loadDerOcspResponse(answer.der).hashAlgorithm, hash);
    t.is(await statusOf(responder, ask(['1001'], { hash })), 'good');
  }
});

test('what is at hand comes at once, and is what it was', async (t) => {
  const responder = makeResponder(t);
  const first = await responder.answer(ask(['1001']));
  t.is(first.source, 'live');
  const second = responder.answer(ask(['1001']));
  t.false(second instanceof Promise);
  if (second instanceof Promise) return;
  t.is(second.source, 'cache');
  t.deepEqual(second.der, first.der);
  // The caller may do with the bytes what he likes.
  second.der.fill(0);
  t.deepEqual((await responder.answer(ask(['1001']))).der, first.der);
});

test('a revocation shows at the next request, wherever the answer would come from', async (t) => {
  const authority = new TestAuthority();
  const responder = makeResponder(t, { authority });
  t.is(await statusOf(responder, ask(['1001'])), 'good');
  authority.set({ ...REVOKED, serialNumber: '1001' });
  t.is(await statusOf(responder, ask(['1001'])), 'revoked');
  authority.set({ ...REVOKED, serialNumber: '1001', reason: 'cACompromise' });
  const answer = loadDerOcspResponse((await responder.answer(ask(['1001']))).der);
  t.is<unknown, string>(answer.revocationReason, 'cACompromise');
});

test('update: what was told counts at once, and a revocation for ever against any list', async (t) => {
  const authority = new TestAuthority();
  const responder = makeResponder(t, { authority });
  t.is(await statusOf(responder, ask(['1001'])), 'good');
  await responder.update([{ ...REVOKED, serialNumber: '1001' }]);
  t.is(await statusOf(responder, ask(['1001'])), 'revoked');
  authority.set({ ...GOOD, statusVersion: 2 ** 40 });
  t.is(await statusOf(responder, ask(['1001'])), 'revoked');
  // A hold can end.
  await responder.update([{ ...REVOKED, serialNumber: '1003', reason: 'certificateHold' }]);
  t.is(await statusOf(responder, ask(['1003'])), 'revoked');
  await responder.update([{ serialNumber: '1003', status: OCSPCertStatus.GOOD }]);
  t.is(await statusOf(responder, ask(['1003'])), 'good');
  await responder.reload({ issuers: [issuerOptions({ authority })] });
  t.is(await statusOf(responder, ask(['1001'])), 'revoked');
  t.is(await statusOf(responder, ask(['1003'])), 'good');
});

test('that a hold has ended is told until the authority says so: its next hold counts, also without a version', async (t) => {
  const authority = new TestAuthority();
  const responder = makeResponder(t, { authority });
  const hold: StatusEntry = { ...REVOKED, serialNumber: '1001', reason: 'certificateHold' };
  await responder.update([hold]);
  authority.set(hold);
  t.is(await statusOf(responder, ask(['1001'])), 'revoked');
  await responder.update([GOOD]);
  t.is(await statusOf(responder, ask(['1001'])), 'good', 'the authority is late');
  authority.set(GOOD);
  t.is(await statusOf(responder, ask(['1001'])), 'good');
  authority.set(hold);
  for (const nonce of [undefined, Buffer.alloc(32)])
    t.is(await statusOf(responder, ask(['1001'], nonce && { nonce })), 'revoked');
});

test('a hold counts that has begun after another one ended, also where no one asked in between', async (t) => {
  const authority = new TestAuthority();
  const responder = makeResponder(t, { authority });
  const hold: StatusEntry = { ...REVOKED, serialNumber: '1001', reason: 'certificateHold' };
  await responder.update([hold]);
  authority.set(hold);
  await responder.update([GOOD]);
  t.is(await statusOf(responder, ask(['1001'])), 'good', 'the authority is late');
  authority.set({ ...hold, revocationTime: new Date(Date.now() + 1000) });
  t.is(await statusOf(responder, ask(['1001'])), 'revoked');
  authority.set(GOOD);
  t.is(await statusOf(responder, ask(['1001'])), 'good');
});

test('what is told counts, whatever clock the versions of the authority are of; a later word of it counts again', async (t) => {
  const ahead = Date.now();
  for (const isLate of [false, true]) {
    const list = new TestAuthority([{ ...GOOD, statusVersion: ahead }]);
    const authority: StatusAuthority = isLate ? { lookup: async (id) => list.lookup(id) } : list;
    const responder = makeResponder(t, { authority });
    const hold: StatusEntry = { ...REVOKED, serialNumber: '1001', reason: 'certificateHold' };
    await responder.update([hold]);
    t.is(await statusOf(responder, ask(['1001'])), 'revoked');
    list.set({ ...hold, statusVersion: ahead + 2 });
    await responder.update([GOOD]);
    t.is(await statusOf(responder, ask(['1001'])), 'good');
    list.set({ ...GOOD, statusVersion: ahead + 3 });
    t.is(await statusOf(responder, ask(['1001'])), 'good');
    list.set({ ...hold, statusVersion: ahead + 4 });
    t.is(await statusOf(responder, ask(['1001'])), 'revoked');
    // Of two that are told at a time the later one counts.
    await Promise.all([responder.update([GOOD]), responder.update([hold])]);
    t.is(await statusOf(responder, ask(['1001'])), 'revoked');
    // Whoever brings a version knows what it is worth.
    await responder.update([{ ...GOOD, statusVersion: 7 }]);
    t.is(await statusOf(responder, ask(['1001'])), 'revoked');
  }
});

test('what was told counts when the certificate of the CA was renewed', async (t) => {
  const authority = new TestAuthority();
  const responder = makeResponder(t, { authority });
  await responder.update([{ ...REVOKED, serialNumber: '1001' }]);
  // The same name and key: the same issuer.
  const renewed = buildCertificate(null, ca.privateKey, { ca: true, subject: 'CN=Responder CA' });
  await responder.reload({ issuers: [issuerOptions({ authority, certificate: renewed })] });
  t.is(await statusOf(responder, ask(['1001'])), 'revoked');
  await responder.update([{ ...REVOKED, serialNumber: '1003' }], ca.certificate);
  t.is(await statusOf(responder, ask(['1003'])), 'revoked');
  const otherName = buildCertificate(null, ca.privateKey, { ca: true, subject: 'CN=Another' });
  await t.throwsAsync(responder.update([REVOKED], otherName), { code: 'ERR_OCSP_INVALID_VALUE' });
});

test('update refuses what makes no sense, and then nothing has changed', async (t) => {
  const responder = makeResponder(t);
  const bad = { serialNumber: '1001', status: OCSPCertStatus.REVOKED };
  await t.throwsAsync(responder.update([{ ...REVOKED, serialNumber: '1001' }, bad]), { code: 'ERR_INVALID_ARG_TYPE' });
  t.is(await statusOf(responder, ask(['1001'])), 'good');
  const other = createTestCa({ subject: 'CN=Other' });
  await t.throwsAsync(responder.update([GOOD], other.certificate), { code: 'ERR_OCSP_INVALID_VALUE' });
});

test('several certificates in one request, also of issuers that the signer may not answer for', async (t) => {
  const other = createTestCa({ subject: 'CN=Other' });
  const responder = new Responder({
    issuers: [
      issuerOptions(),
      {
        certificate: other.certificate,
        authority: listAuthority([GOOD]),
        signers: [{ responder: other.certificate, privateKey: other.privateKey }],
      },
    ],
  });
  t.teardown(() => responder.close());
  const response = loadDerOcspResponse((await responder.answer(ask(['1001', '1002', '9999', '1001']))).der);
  t.deepEqual(
    response.responses.map(({ certificateStatus }) => certificateStatus),
    [OCSPCertStatus.GOOD, OCSPCertStatus.REVOKED, OCSPCertStatus.UNKNOWN, OCSPCertStatus.GOOD],
  );
  t.is(await statusOf(responder, ask(['1001'], { issuer: other }), other), 'good');
  const ids = await Promise.all(
    [ask(['1001']), ask(['1001'], { issuer: other })].map(async (der) =>
      loadDerOcspResponse((await responder.answer(der)).der),
    ),
  );
  let builder = new OCSPRequestBuilder();
  for (const { issuerNameHash, issuerKeyHash, serialNumber } of ids)
    builder = builder.addCertificateByHash(issuerNameHash, issuerKeyHash, serialNumber, 'sha256');
  const mixed = loadDerOcspResponse((await responder.answer(builder.build().publicBytes())).der);
  t.deepEqual(
    mixed.responses.map(({ certificateStatus }) => certificateStatus),
    [OCSPCertStatus.GOOD, OCSPCertStatus.UNKNOWN],
  );
  t.is(await statusOf(responder, ask(['7', '8'])), 'UNAUTHORIZED');
  const { byType } = responder.health().answers;
  t.like(byType, { good: 3, several: 2, unauthorized: 1 });
});

test('answers with a nonce are counted by what they say', async (t) => {
  const responder = makeResponder(t);
  const nonce = Buffer.alloc(16, 1);
  for (const serial of ['1001', '1002', '1002']) await responder.answer(ask([serial], { nonce }));
  t.like(responder.health().answers.byType, { good: 1, revoked: 2, several: 0 });
});

test('of many issuers and signers, the error says which is wrong', (t) => {
  const other = createTestCa({ subject: 'CN=Other' });
  const { certificate: responder, privateKey } = other;
  const make = (signers: readonly ResponderSigner[], name?: string): Responder =>
    new Responder({
      issuers: [
        issuerOptions(),
        { certificate: other.certificate, authority: listAuthority([]), signers, ...(name !== undefined && { name }) },
      ],
    });
  const wrongKey = { responder, privateKey: ca.privateKey };
  t.throws(() => make([{ responder, privateKey }, wrongKey]), {
    code: 'ERR_OCSP_KEY_MISMATCH',
    message: /^CN=Other, signers\[1\]: the private key does not belong/,
  });
  const stranger = { responder: ca.certificate, privateKey: ca.privateKey };
  t.throws(() => make([stranger], 'second'), {
    code: 'ERR_OCSP_INVALID_VALUE',
    message: /^second, signers\[0\]: the responder certificate was not issued by the issuer/,
  });
  t.throws(() => make([]), { code: 'ERR_OCSP_INVALID_VALUE', message: 'CN=Other has neither a signer nor a store' });
});

test('limits: certificates and bytes', async (t) => {
  const responder = makeResponder(t, {}, { maxCertIds: 3, maxRequestBytes: 400 });
  t.is((await responder.answer(ask(['1', '2', '1001']))).responseStatus, OCSPResponseStatus.SUCCESSFUL);
  t.is((await responder.answer(ask(['1', '2', '3', '1001']))).responseStatus, OCSPResponseStatus.MALFORMED_REQUEST);
  t.is((await responder.answer(Buffer.alloc(401, 0x30))).responseStatus, OCSPResponseStatus.MALFORMED_REQUEST);
  t.is((await responder.answer(Buffer.alloc(0))).responseStatus, OCSPResponseStatus.MALFORMED_REQUEST);
  t.throws(() => responder.answer('x' as never), { code: 'ERR_INVALID_ARG_TYPE' });
});

const nonces: readonly [
  policy: 'optional' | 'ignored' | 'required' | 'forbidden',
  length: number | null,
  result: string,
][] = [
  ['optional', null, 'good'],
  ['optional', 0, 'MALFORMED_REQUEST'],
  ['optional', 1, 'good with nonce'],
  ['optional', 16, 'good with nonce'],
  ['optional', 32, 'good with nonce'],
  ['optional', 110, 'good with nonce'],
  ['optional', 111, 'good with nonce'],
  ['optional', 128, 'good with nonce'],
  ['optional', 129, 'MALFORMED_REQUEST'],
  ['ignored', null, 'good'],
  ['ignored', 32, 'good'],
  ['ignored', 129, 'MALFORMED_REQUEST'],
  ['required', null, 'MALFORMED_REQUEST'],
  ['required', 32, 'good with nonce'],
  ['forbidden', null, 'good'],
  ['forbidden', 32, 'MALFORMED_REQUEST'],
];
for (const [policy, length, result] of nonces)
  test(`nonce ${policy}, ${length ?? 'no'} bytes: ${result}`, async (t) => {
    const responder = makeResponder(t, {}, { nonce: policy });
    const nonce = length === null ? undefined : Buffer.alloc(length, 7);
    const der = ask(['1001'], nonce && { nonce });
    const answer = await responder.answer(der);
    if (answer.responseStatus !== OCSPResponseStatus.SUCCESSFUL) {
      t.is(OCSPResponseStatus[answer.responseStatus], result);
      return;
    }
    const response = loadDerOcspResponse(answer.der);
    const echoed = [...response.extensions].find(({ value }) => value instanceof OCSPNonce)?.value;
    t.is(`good${echoed === undefined ? '' : ' with nonce'}`, result);
    if (echoed instanceof OCSPNonce) {
      t.deepEqual(echoed.nonce, nonce as Buffer);
      t.regex(answer.headers['Cache-Control'] ?? '', /^max-age=0/);
      t.notRegex(answer.headers['Cache-Control'] ?? '', /no-store/);
      t.is(answer.etag, null);
    }
    t.is(await statusOf(responder, der), 'good');
  });

test('extensions: unknown ones are ignored unless they are critical', async (t) => {
  const responder = makeResponder(t);
  const probe = loadDerOcspResponse((await responder.answer(ask(['1001']))).der);
  const build = (critical: boolean) =>
    new OCSPRequestBuilder()
      .addCertificateByHash(probe.issuerNameHash, probe.issuerKeyHash, probe.serialNumber, 'sha256')
      .addExtension(new UnrecognizedExtension('1.2.3.4', Buffer.from('0500', 'hex')), critical)
      .build()
      .publicBytes();
  t.is(await statusOf(responder, build(false)), 'good');
  t.is(await statusOf(responder, build(true)), 'MALFORMED_REQUEST');
});

const policies: readonly [policy: 'unauthorized' | 'unknown' | 'good' | 'revoked', result: string][] = [
  ['unauthorized', 'UNAUTHORIZED'],
  ['unknown', 'unknown'],
  ['good', 'good'],
  ['revoked', 'revoked'],
];
for (const [notIssued, result] of policies)
  test(`never issued: ${notIssued}`, async (t) => {
    const authority = new TestAuthority();
    const responder = makeResponder(t, { authority, notIssued });
    t.is(await statusOf(responder, ask(['4711'])), result);
    t.is(await statusOf(responder, ask(['4711'])), result);
    for (const [period, atMost] of [
      [undefined, 300],
      [86_400, 300],
      [60, 60],
      [null, null],
    ] as const) {
      const { certificate, privateKey } = delegate;
      const validity = period === undefined ? {} : { validity: { period } };
      const made = makeResponder(t, {
        authority,
        notIssued,
        signers: [{ responder: certificate, privateKey, ...validity }],
      });
      // Also beside one that is known.
      for (const serials of [['4711'], ['1001', '4711']]) {
        const response = loadDerOcspResponse((await made.answer(ask(serials))).der);
        if (response.responseStatus !== OCSPResponseStatus.SUCCESSFUL) continue;
        const [known, guessed = known] = response.responses as [OCSPSingleResponse, OCSPSingleResponse?];
        const life = guessed.nextUpdate && (guessed.nextUpdate.getTime() - Date.now()) / 1000;
        if (atMost === null || life === null) t.is(life, atMost);
        else t.is(life <= (result === 'good' ? (period ?? 86_400) : atMost), true, `${String(period)}: ${life}`);
        if (known !== guessed && atMost !== null)
          t.true((known.nextUpdate?.getTime() ?? 0) > Date.now() + ((period ?? 86_400) - 30) * 1000);
      }
    }
    if (notIssued === 'revoked') {
      const response = loadDerOcspResponse((await responder.answer(ask(['4711']))).der);
      t.deepEqual(response.revocationTime, new Date(0));
      t.is<unknown, string>(response.revocationReason, 'certificateHold');
      t.true(
        [...response.extensions].some(({ oid, critical }) => oid === OCSPExtensionOID.EXTENDED_REVOKE && !critical),
      );
      const good = loadDerOcspResponse((await responder.answer(ask(['1001']))).der);
      t.is([...good.extensions].length, 0);
    }
    // Once it is issued, or revoked, that counts.
    authority.set({ ...REVOKED, serialNumber: '4711' });
    t.is(await statusOf(responder, ask(['4711'])), 'revoked');
  });

test('nothing is said of what was never issued while the authority is behind', async (t) => {
  for (const notIssued of ['unauthorized', 'unknown', 'good', 'revoked'] as const) {
    const authority = new TestAuthority();
    const responder = makeResponder(t, { authority, notIssued });
    authority.lagging = Number.POSITIVE_INFINITY;
    for (const serials of [['4711'], ['1002', '4711']])
      t.is(await statusOf(responder, ask(serials)), 'TRY_LATER', `${notIssued} ${serials}`);
    t.is(await statusOf(responder, ask(['1002'])), 'revoked');
  }
});

test('archive cutoff', async (t) => {
  const responder = makeResponder(t, { archiveCutoff: 86_400 });
  const response = loadDerOcspResponse((await responder.answer(ask(['1001']))).der);
  const [extension] = [...response.singleExtensions] as Extension[];
  t.is(extension?.oid, OCSPExtensionOID.ARCHIVE_CUTOFF);
  t.is(await statusOf(responder, ask(['1001'])), 'good');
});

test('an authority that is behind: never good, revoked all the same', async (t) => {
  const authority = new TestAuthority();
  const responder = makeResponder(t, { authority, notIssued: 'good' }, { maxLag: 1 });
  t.is(await statusOf(responder, ask(['1001'])), 'good');
  t.true(responder.health().ready);
  authority.lagging = 1001;
  t.false(responder.health().ready);
  for (const serial of ['1001', '4711']) t.is(await statusOf(responder, ask([serial])), 'TRY_LATER');
  t.is(await statusOf(responder, ask(['1001'], { nonce: Buffer.alloc(32) })), 'TRY_LATER');
  t.is(await statusOf(responder, ask(['1001', '1002'])), 'TRY_LATER');
  t.is(await statusOf(responder, ask(['1002'])), 'revoked');
  authority.lagging = 0;
  t.is(await statusOf(responder, ask(['1001'])), 'good');
});

test('headers of an answer that caches may keep', async (t) => {
  const responder = makeResponder(t, {}, { maxAge: 600 });
  const { headers, etag, nextUpdate, der } = await responder.answer(ask(['1001']));
  t.is(headers['Content-Type'], 'application/ocsp-response');
  t.is(headers['Content-Length'], String(der.length));
  t.regex(headers['Cache-Control'] ?? '', /^max-age=(600|599), public, no-transform, must-revalidate$/);
  t.is(headers['ETag'], etag ?? '');
  t.regex(etag ?? '', /^"[0-9a-f]{64}"$/);
  t.is(headers['Expires'], nextUpdate?.toUTCString() ?? '');
  t.is(headers['Last-Modified'], loadDerOcspResponse(der).producedAt.toUTCString());
  const error = await responder.answer(ask(['4711']));
  t.is(error.headers['Cache-Control'], 'max-age=0, no-cache');
});

test('signers: the newest that is valid; no one before or after; nextUpdate never past the certificate', async (t) => {
  const HOUR = 3600_000;
  const at = (hours: number): Date => new Date(Date.now() + hours * HOUR);
  const old = ca.issueResponder({ subject: 'CN=Old', notBefore: at(-48), notAfter: at(2) });
  const current = ca.issueResponder({ subject: 'CN=Current', notBefore: at(-1), notAfter: at(5) });
  const next = ca.issueResponder({ subject: 'CN=Next', notBefore: at(1), notAfter: at(100) });
  const past = ca.issueResponder({ subject: 'CN=Past', notBefore: at(-100), notAfter: at(-1) });
  const signers = [old, current, next, past].map(({ certificate, privateKey }) => ({
    responder: certificate,
    privateKey,
  }));
  const responder = makeResponder(t, { signers });
  const response = loadDerOcspResponse((await responder.answer(ask(['1001']))).der);
  t.is(response.certificates[0]?.subject, 'CN=Current');
  t.true((response.nextUpdate?.getTime() ?? Infinity) <= Date.parse(current.certificate.validTo));
  t.deepEqual(
    responder.health().issuers[0]?.signers.map(({ active }) => active),
    [false, true, false, false],
  );
  const none = makeResponder(t, { signers: [signers[2] as never, signers[3] as never] });
  t.is(await statusOf(none, ask(['1001'])), 'TRY_LATER');
  t.false(none.health().ready);
});

test('a signer that clients would refuse is refused', (t) => {
  const noUsage = ca.issue({ subject: 'CN=No EKU' });
  const foreign = createTestCa({ subject: 'CN=Other' }).issueResponder();
  for (const { certificate, privateKey } of [noUsage, foreign])
    t.throws(() => new Responder({ issuers: [issuerOptions({ signers: [{ responder: certificate, privateKey }] })] }), {
      code: 'ERR_OCSP_INVALID_VALUE',
    });
  t.throws(() => new Responder({ issuers: [] }), { code: 'ERR_OCSP_INVALID_VALUE' });
  t.throws(() => new Responder({ issuers: [issuerOptions(), issuerOptions()] }), { code: 'ERR_OCSP_INVALID_VALUE' });
  t.throws(() => new Responder({ issuers: [issuerOptions()], nonce: 'maybe' as never }), {
    code: 'ERR_OCSP_INVALID_VALUE',
  });
  t.throws(() => new Responder({ issuers: [issuerOptions()], maxCertIds: 0 }), { code: 'ERR_OCSP_INVALID_VALUE' });
});

test('reload: other options count, bad ones leave the old', async (t) => {
  const responder = makeResponder(t);
  await responder.reload({ issuers: [issuerOptions()], nonce: 'forbidden' });
  t.is(await statusOf(responder, ask(['1001'], { nonce: Buffer.alloc(32) })), 'MALFORMED_REQUEST');
  await t.throwsAsync(responder.reload({ issuers: [], nonce: 'optional' }));
  t.is(await statusOf(responder, ask(['1001'], { nonce: Buffer.alloc(32) })), 'MALFORMED_REQUEST');
  t.is(await statusOf(responder, ask(['1001'])), 'good');
});

test('a reload that fails or is overtaken leaves no feed behind; the last one counts', async (t) => {
  const responder = makeResponder(t);
  const feeds = new Set<string>();
  const authorityOf = (name: string, ready: () => Promise<void>): StatusAuthority => ({
    lookup: ({ serialNumber }) => ({ serialNumber, status: OCSPCertStatus.GOOD }),
    ready,
    async *changes(_cursor, signal) {
      feeds.add(name);
      yield { entries: [], cursor: '' };
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      feeds.delete(name);
    },
  });
  const reload = (name: string, ready: () => Promise<void>, nonce: 'forbidden' | 'optional'): Promise<void> =>
    responder.reload({ issuers: [issuerOptions({ authority: authorityOf(name, ready) })], nonce });
  await t.throwsAsync(
    reload('bad', () => Promise.reject(new Error('no')), 'forbidden'),
    { message: 'no' },
  );
  const hanging = t.throwsAsync(
    reload('hangs', () => new Promise(() => undefined), 'forbidden'),
    { message: /another reload/ },
  );
  await reload('last', () => Promise.resolve(), 'optional');
  await hanging;
  t.is(await statusOf(responder, ask(['1001'], { nonce: Buffer.alloc(32) })), 'good');
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual([...feeds], ['last']);
  const closed = t.throwsAsync(
    reload('hangs', () => new Promise(() => undefined), 'forbidden'),
    { message: /was closed/ },
  );
  await responder.close();
  await closed;
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual([...feeds], []);
});

test('a list with an entry that no one could sign is an error that names it', (t) => {
  const revoked = { serialNumber: '1002', status: OCSPCertStatus.REVOKED };
  for (const [entry, code, what] of [
    [{ serialNumber: '1002', status: 'good' }, 'ERR_INVALID_ARG_TYPE', 'member of OCSPCertStatus'],
    [{ serialNumber: '1002', status: 3 }, 'ERR_OCSP_INVALID_VALUE', 'member of OCSPCertStatus'],
    [revoked, 'ERR_INVALID_ARG_TYPE', 'revocationTime'],
    [{ ...revoked, revocationTime: '2026-01-02' }, 'ERR_INVALID_ARG_TYPE', 'revocationTime'],
    [{ ...revoked, revocationTime: new Date(), reason: 'KeyCompromise' }, 'ERR_OCSP_INVALID_VALUE', 'keyCompromise'],
    [{ ...GOOD, revocationTime: new Date() }, 'ERR_OCSP_INVALID_VALUE', 'goes with a revoked certificate only'],
  ] as const) {
    const error = t.throws(() => listAuthority([GOOD, entry as never]), { code });
    t.true(error?.message.startsWith('entry 1 (serial number 100') && error.message.includes(what), error?.message);
  }
});

test('serial numbers of every kind', async (t) => {
  const serials = ['0', '1', '7F', '80', 'FF', '8000000000000000', 'F'.repeat(40)];
  const authority = listAuthority(serials.map((serialNumber) => ({ serialNumber, status: OCSPCertStatus.GOOD })));
  const responder = makeResponder(t, { authority });
  for (const serial of serials) t.is(await statusOf(responder, ask([serial])), 'good', serial);
  for (const serial of ['2', '7E', 'F'.repeat(39), `1${'0'.repeat(600)}`])
    t.is(await statusOf(responder, ask([serial])), 'UNAUTHORIZED');
});
