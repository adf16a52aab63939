/** Requests that come again in the same words: what is remembered is the question, never the answer. */
import { setTimeout as wait } from 'node:timers/promises';
import test from 'ava';
import { loadDerOcspResponse, OCSPCertStatus, type OCSPResponse, OCSPResponseStatus, TrustStore } from 'openssl-ocsp';
import type { ResponseStore, StatusEntry } from 'openssl-ocsp/bulk';
import type { Responder } from 'openssl-ocsp/responder';
import { ask, ca, issuerOptions, makeResponder, REVOKED, statusOf, TestAuthority } from './fixtures.js';

const { GOOD, REVOKED: REVOKED_STATUS } = OCSPCertStatus;
const targetOf = (request: Buffer): string => `/${encodeURIComponent(request.toString('base64'))}`;

async function load(response: Promise<Response> | Response): Promise<OCSPResponse> {
  return loadDerOcspResponse(Buffer.from(await (await response).arrayBuffer()));
}

/** The statuses that a responder answers to the same request, by POST, GET, and the call. */
async function statuses(responder: Responder, request: Buffer): Promise<(OCSPCertStatus | OCSPResponseStatus)[]> {
  const url = `http://ocsp.test${targetOf(request)}`;
  const answers = [
    loadDerOcspResponse((await responder.answer(request)).der),
    await load(responder.fetch(new Request(url))),
    await load(responder.fetch(new Request('http://ocsp.test/', { method: 'POST', body: Uint8Array.from(request) }))),
  ];
  return answers.map((answer) =>
    answer.responseStatus === OCSPResponseStatus.SUCCESSFUL ? answer.certificateStatus : answer.responseStatus,
  );
}

/** A store that has an answer when it is given one. */
function slowStore(): { store: ResponseStore; give(answer: Buffer): void } {
  let give: (answer: Buffer) => void = () => undefined;
  const found = new Promise<Buffer>((resolve) => {
    give = resolve;
  });
  const store = { get: () => found, putBatch: async () => undefined } as unknown as ResponseStore;
  return { store, give };
}

const times = <T>(value: T): T[] => [value, value, value];

test('the same words are answered by what is known now', async (t) => {
  const authority = new TestAuthority();
  const responder = makeResponder(t, { authority });
  const request = ask(['1001']);
  for (let i = 0; i < 3; i += 1) t.deepEqual(await statuses(responder, request), times(GOOD));
  authority.set({ ...REVOKED, serialNumber: '1001' });
  t.deepEqual(await statuses(responder, request), times(REVOKED_STATUS));
  authority.entries.delete('1001');
  authority.lagging = Number.POSITIVE_INFINITY;
  t.deepEqual(await statuses(responder, request), times(OCSPResponseStatus.TRY_LATER));
  const told = makeResponder(t);
  t.deepEqual(await statuses(told, request), times(GOOD));
  await told.update([{ ...REVOKED, serialNumber: '1001' }]);
  t.deepEqual(await statuses(told, request), times(REVOKED_STATUS));
});

test('the same words under other options are another question', async (t) => {
  const responder = makeResponder(t);
  const request = ask(['1001']);
  t.deepEqual(await statuses(responder, request), times(GOOD));
  await responder.reload({
    issuers: [issuerOptions()],
    requestSignatures: 'required',
    requestTrust: new TrustStore({ certificates: [ca.certificate] }),
  });
  t.deepEqual(await statuses(responder, request), times(OCSPResponseStatus.SIG_REQUIRED));
  t.deepEqual(await statuses(responder, request), times(OCSPResponseStatus.SIG_REQUIRED));
  await responder.reload({ issuers: [issuerOptions()], nonce: 'required' });
  t.deepEqual(await statuses(responder, request), times(OCSPResponseStatus.MALFORMED_REQUEST));
  await responder.reload({ issuers: [issuerOptions()] });
  t.deepEqual(await statuses(responder, request), times(GOOD));
});

test('a nonce is answered each time that it comes', async (t) => {
  const responder = makeResponder(t);
  const request = ask(['1001'], { nonce: Buffer.alloc(32, 7) });
  for (let i = 0; i < 3; i += 1) {
    const answer = await responder.answer(request);
    t.is(answer.source, 'live');
    t.true(loadDerOcspResponse(answer.der).extensions.length > 0);
  }
});

test('bytes that change while they are answered, and words of the wrong kind', async (t) => {
  const responder = makeResponder(t);
  const [good, revoked] = [ask(['1001']), ask(['1002'])];
  t.is(good.length, revoked.length);
  const shared = new Uint8Array(new SharedArrayBuffer(good.length));
  for (let i = 0; i < 4; i += 1) {
    shared.set(i % 2 === 0 ? good : revoked);
    const pending = responder.answer(shared);
    shared.set(i % 2 === 0 ? revoked : good);
    t.is(loadDerOcspResponse((await pending).der).certificateStatus, i % 2 === 0 ? GOOD : REVOKED_STATUS);
  }
  // A target that is remembered is no body.
  const target = targetOf(good);
  await responder.fetch(new Request(`http://ocsp.test${target}`));
  for (const words of [target, `http://ocsp.test${target}`])
    t.is((await responder.answer(Buffer.from(words))).responseStatus, OCSPResponseStatus.MALFORMED_REQUEST);
});

test('more questions than are remembered, and long ones', async (t) => {
  const authority = new TestAuthority([]);
  const serials = Array.from({ length: 9000 }, (_, i) => (0x1000 + i).toString(16).toUpperCase());
  for (const serialNumber of serials) authority.set({ serialNumber, status: GOOD });
  const responder = makeResponder(t, { authority, signers: issuerOptions().signers });
  const asked = serials.map((serial) => ask([serial]));
  for (let round = 0; round < 2; round += 1) {
    for (const [i, request] of asked.entries()) {
      const answer = loadDerOcspResponse((await responder.answer(request)).der);
      if (answer.serialNumber !== BigInt(`0x${serials[i]}`) || answer.certificateStatus !== GOOD) t.fail(serials[i]);
    }
  }
  const long = ask(Array.from({ length: 5 }, (_, i) => serials[i] as string));
  t.true(long.length > 300);
  for (let i = 0; i < 2; i += 1) t.is(loadDerOcspResponse((await responder.answer(long)).der).responses.length, 5);
});

test('a store that has changed is heard, whatever is remembered', async (t) => {
  const request = ask(['1001']);
  const signedBefore = async (status: object): Promise<Buffer> => {
    const authority = new TestAuthority([{ serialNumber: '1001', status: GOOD, ...status }]);
    return (await makeResponder(t, { authority }).answer(request)).der;
  };
  let der = await signedBefore({});
  const store = { get: () => der } as unknown as ResponseStore;
  const responder = makeResponder(t, { store });
  for (let i = 0; i < 2; i += 1) t.deepEqual(await statuses(responder, request), times(GOOD));
  t.deepEqual((await responder.answer(request)).der, der);
  der = await signedBefore({ ...REVOKED, serialNumber: '1001' });
  await wait(600);
  t.deepEqual(await statuses(responder, request), times(REVOKED_STATUS));
});

test('what is remembered of a question is enough to sign its answer again', async (t) => {
  const serials = ['0', '7F', '80', 'FF01', 'A'.repeat(40)];
  const authority = new TestAuthority(serials.map((serialNumber) => ({ serialNumber, status: GOOD })));
  authority.set({ serialNumber: '00', status: GOOD });
  const responder = makeResponder(t, { authority }, { cache: { maxBytes: 0 } });
  for (const serial of serials)
    for (const hash of ['sha1', 'sha256', 'sha512'] as const) {
      const request = ask([serial], { hash });
      for (let i = 0; i < 3; i += 1) t.is(await statusOf(responder, request), 'good', `${serial} ${hash}`);
    }
});

test('what is told while a store is read counts', async (t) => {
  const request = ask(['1001']);
  const { der } = await makeResponder(t).answer(request);
  const { store, give } = slowStore();
  const responder = makeResponder(t, { store });
  const pending = responder.answer(request);
  await responder.update([{ ...REVOKED, serialNumber: '1001' }]);
  give(der);
  t.is(loadDerOcspResponse((await pending).der).certificateStatus, REVOKED_STATUS);
});

test('what is told after a reload counts for what was asked before it', async (t) => {
  const request = ask(['1001']);
  const { der } = await makeResponder(t).answer(request);
  const { store, give } = slowStore();
  const responder = makeResponder(t, { store });
  const pending = responder.answer(request);
  for (let i = 0; i < 2; i += 1) await responder.reload({ issuers: [issuerOptions({ store })] });
  await responder.update([{ ...REVOKED, serialNumber: '1001' }]);
  give(der);
  t.is(loadDerOcspResponse((await pending).der).certificateStatus, REVOKED_STATUS);
});

test('of several certificates one fails at once and another later: one answer, and no rejection that no one holds', async (t) => {
  const lookup = ({ serialNumber }: { serialNumber: string }): StatusEntry | Promise<StatusEntry> =>
    serialNumber === '1001'
      ? wait(20).then(() => Promise.reject(new Error('the database is gone')))
      : { serialNumber, status: GOOD };
  const store = {
    get: (): Buffer => {
      throw new Error('EIO');
    },
  } as unknown as ResponseStore;
  const rejections: unknown[] = [];
  const note = (error: unknown): void => void rejections.push(error);
  process.on('unhandledRejection', note);
  t.teardown(() => process.off('unhandledRejection', note));
  for (const options of [{ store }, {}]) {
    const authority = { lookup, lag: () => Number.POSITIVE_INFINITY };
    const responder = makeResponder(t, { authority, ...options });
    const { responseStatus } = await responder.answer(ask(['1001', '1002']));
    t.is(responseStatus, OCSPResponseStatus.TRY_LATER);
  }
  await wait(40);
  t.deepEqual(rejections, []);
});

test('an answer that memory has no room for is signed again', async (t) => {
  const none = makeResponder(t, {}, { cache: { maxBytes: 0 } });
  for (let i = 0; i < 3; i += 1) t.is((await none.answer(ask(['1001']))).source, 'live');
  const one = makeResponder(t, {}, { cache: { maxBytes: 2000 } });
  const sources: string[] = [];
  for (const serial of ['1001', '1001', '1001', '1002', '1001']) sources.push((await one.answer(ask([serial]))).source);
  t.deepEqual(sources, ['live', 'cache', 'cache', 'live', 'live']);
});

test.serial('the same words at other times: refreshed, expired, and by who signs then', async (t) => {
  const HOUR = 3600_000;
  const realNow = Date.now;
  let offset = 0;
  const at = (hours: number): Date => new Date(realNow() + hours * HOUR);
  const old = ca.issueResponder({ subject: 'CN=Old', notBefore: at(-48), notAfter: at(30) });
  const next = ca.issueResponder({ subject: 'CN=Next', notBefore: at(20), notAfter: at(300) });
  const signers = [old, next].map(({ certificate, privateKey }) => ({ responder: certificate, privateKey }));
  const responder = makeResponder(t, { signers });
  const request = ask(['1001']);
  const url = `http://ocsp.test${targetOf(request)}`;
  const answers = async (): Promise<OCSPResponse[]> => [
    await load(responder.fetch(new Request(url))),
    loadDerOcspResponse((await responder.answer(request)).der),
  ];
  Date.now = () => realNow() + offset;
  try {
    const [first] = (await answers()) as [OCSPResponse];
    for (const [hours, signer] of [
      [1, 'CN=Old'],
      [17, 'CN=Old'], // past the time by which it is to be signed again, before nextUpdate
      [29, 'CN=Next'],
      [60, 'CN=Next'], // past nextUpdate, and the end of the old one
    ] as const) {
      offset = hours * HOUR;
      for (const answer of [...(await answers()), ...(await answers())]) {
        t.is(answer.certificates[0]?.subject, signer);
        t.true(Number(answer.nextUpdate) > Date.now());
        t.is(answer.publicBytes().equals(first.publicBytes()), hours === 1);
      }
    }
    const { headers } = await responder.fetch(new Request(url));
    t.true(Date.parse(headers.get('expires') ?? '') > Date.now());
    t.regex(headers.get('cache-control') ?? '', /^max-age=[1-9]/);
  } finally {
    Date.now = realNow;
  }
});
