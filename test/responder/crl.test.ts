/** CRL files, made by `openssl ca`, as what knows the status. */
import { renameSync } from 'node:fs';
import { Readable } from 'node:stream';
import test from 'ava';
import { loadDerOcspResponse, OCSPCertStatus } from 'openssl-ocsp';
import { SegmentStore } from 'openssl-ocsp/bulk';
import { crlAuthority } from 'openssl-ocsp/responder';
import { createTestCa, type TestIdentity } from 'openssl-ocsp/testing';
import { encodeSequence, encodeTlv } from '#dist/x509/der.js';
import { crlOf, entryOf, extensionOf } from '../bulk/sources/crls.js';
import { withCli } from '../helpers/conditional.js';
import { openssl, Scratch } from '../helpers/openssl-cli.js';
import { ask, ca, makeResponder, statusOf } from './fixtures.js';

const DAY = 24 * 3600_000;
const time = (offset: number): string =>
  `${new Date(Date.now() + offset).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`;

/** Writes a CRL in which these serial numbers are revoked; it takes the place of the file at once. */
function write(scratch: Scratch, issuer: TestIdentity, revoked: readonly string[], from: number, until: number): void {
  scratch.write('ca.pem', issuer.certificatePem);
  scratch.write('ca.key', issuer.privateKeyPem);
  scratch.write('crlnumber', '01');
  scratch.write(
    'index.txt',
    revoked
      .map((serial) => `R\t301231235959Z\t260102030405Z,keyCompromise\t${serial}\tunknown\t/CN=${serial}\n`)
      .join(''),
  );
  const at = (name: string): string => scratch.path(name);
  scratch.write(
    'ca.cnf',
    `[ca]\ndefault_ca=own\n[own]\ndatabase=${at('index.txt')}\ncrlnumber=${at('crlnumber')}\ncertificate=${at('ca.pem')}\nprivate_key=${at('ca.key')}\ndefault_md=sha256\ndefault_crl_days=7\n`,
  );
  const times = ['-crl_lastupdate', time(from), '-crl_nextupdate', time(until)];
  const { status, stderr } = openssl(['ca', '-config', at('ca.cnf'), '-gencrl', ...times, '-out', at('new.crl')]);
  if (status !== 0) throw new Error(stderr);
  renameSync(at('new.crl'), at('ca.crl'));
}

withCli('a CRL: what is revoked in it; an older one, and that of another CA, are not taken', async (t) => {
  const scratch = new Scratch();
  t.teardown(() => scratch[Symbol.dispose]());
  write(scratch, ca, ['1002'], -DAY, DAY);
  const errors: string[] = [];
  const authority = crlAuthority(scratch.path('ca.crl'), {
    issuer: ca.certificate,
    serials: ['1001', '1002', '1003'],
    interval: 20,
    onError: (error) => errors.push(String(error)),
  });
  const responder = makeResponder(t, { authority }, { maxLag: 3000 });
  await responder.ready();
  t.is(await statusOf(responder, ask(['1001'])), 'good');
  t.is(await statusOf(responder, ask(['1002'])), 'revoked');
  t.is(await statusOf(responder, ask(['1004'])), 'UNAUTHORIZED');
  // Answers hold from and until when the list does.
  const { thisUpdate, nextUpdate } = loadDerOcspResponse((await responder.answer(ask(['1001']))).der);
  t.true(Math.abs(thisUpdate.getTime() - (Date.now() - DAY)) < DAY / 2);
  t.true(Math.abs((nextUpdate?.getTime() ?? 0) - (Date.now() + DAY)) < DAY / 2);
  write(scratch, ca, ['1002', '1003'], -DAY / 2, DAY);
  while ((await statusOf(responder, ask(['1003']))) !== 'revoked')
    await new Promise((resolve) => setTimeout(resolve, 20));
  for (const [issuer, from, message] of [
    [ca, -DAY, /older/],
    [createTestCa({ subject: 'CN=Other' }), 0, /another CA|not sign/],
  ] as const) {
    write(scratch, issuer, [], from, DAY);
    while (!errors.some((error) => message.test(error))) await new Promise((resolve) => setTimeout(resolve, 20));
    t.is(await statusOf(responder, ask(['1003'])), 'revoked');
  }
});

withCli('a CRL without a list: what it does not list is what the policy says', async (t) => {
  const scratch = new Scratch();
  t.teardown(() => scratch[Symbol.dispose]());
  write(scratch, ca, ['1002'], -DAY, DAY / 8);
  for (const [notIssued, expected] of [
    ['unauthorized', 'UNAUTHORIZED'],
    ['good', 'good'],
  ] as const) {
    const authority = crlAuthority(scratch.path('ca.crl'), { issuer: ca.certificate });
    const responder = makeResponder(t, { authority, notIssued });
    await responder.ready();
    t.is(await statusOf(responder, ask(['1001'])), expected);
    t.is(await statusOf(responder, ask(['1002'])), 'revoked');
    if (expected !== 'good') continue;
    // It is known by this CRL alone, and not to be good since.
    const { thisUpdate, nextUpdate } = loadDerOcspResponse((await responder.answer(ask(['1001']))).der);
    t.true(thisUpdate.getTime() < Date.now() - DAY / 2);
    t.true((nextUpdate?.getTime() ?? 0) < Date.now() + DAY / 4);
  }
});

test('a CRL that does not say until when it holds: answers do not either', async (t) => {
  const scratch = new Scratch();
  t.teardown(() => scratch[Symbol.dispose]());
  const path = scratch.write('endless.crl', crlOf(ca, { entries: [entryOf(0x1002n)], nextUpdate: null }));
  const authority = crlAuthority(path, { issuer: ca.certificate });
  const responder = makeResponder(t, { authority, notIssued: 'good' });
  await responder.ready();
  for (const serial of ['1001', '1002'])
    t.is(loadDerOcspResponse((await responder.answer(ask([serial]))).der).nextUpdate, null);
});

test('serial numbers that can be read once only are refused: the next CRL would find none', (t) => {
  const own = function* (): Generator<string> {
    yield '1001';
  };
  for (const serials of [own(), Readable.from(['1001']), Readable.toWeb(Readable.from(['1001']))])
    t.throws(() => crlAuthority('ca.crl', { issuer: ca.certificate, serials: serials as never }), {
      code: 'ERR_OCSP_INVALID_VALUE',
      message: /serials are read again/,
    });
});

test('a CRL that is one part of a list, or goes back by its number, is not taken', async (t) => {
  const scratch = new Scratch();
  t.teardown(() => scratch[Symbol.dispose]());
  const users = extensionOf('2.5.29.28', encodeSequence(encodeTlv(0x81, Buffer.of(0xff))), true);
  const path = scratch.write('part.crl', crlOf(ca, { entries: [entryOf(0x1002n)], extensions: [users] }));
  for (const [serialsOfPart, expected] of [
    [undefined, 'TRY_LATER'],
    [false, 'TRY_LATER'],
    [true, 'good'],
  ] as const) {
    const errors: string[] = [];
    const given = serialsOfPart === undefined ? {} : { serialsOfPart };
    const onError = (error: unknown): void => void errors.push(String(error));
    const authority = crlAuthority(path, { issuer: ca.certificate, ...given, onError });
    const responder = makeResponder(t, { authority, notIssued: 'good' });
    await responder.ready().catch(onError);
    t.is(await statusOf(responder, ask(['1001'])), expected);
    t.is(errors.length > 0, expected !== 'good');
    for (const error of errors) t.regex(error, /one part of a list \(it is for certificates of users only\)/);
  }
  const errors: string[] = [];
  const whole = scratch.write('whole.crl', crlOf(ca, { number: 7, entries: [entryOf(0x1002n)] }));
  const onError = (error: unknown): void => void errors.push(String(error));
  const authority = crlAuthority(whole, { issuer: ca.certificate, onError });
  const responder = makeResponder(t, { authority, notIssued: 'good' });
  await responder.ready();
  t.is(await statusOf(responder, ask(['1002'])), 'revoked');
  scratch.write('whole.crl', crlOf(ca, { number: 6, thisUpdate: new Date() }));
  await authority.refresh?.();
  t.regex(errors.join(), /older than the CRL before/);
  t.is(await statusOf(responder, ask(['1002'])), 'revoked');
});

withCli('a CRL that has expired: what it revokes for ever is answered on, also by who reads it then', async (t) => {
  const scratch = new Scratch();
  t.teardown(() => scratch[Symbol.dispose]());
  write(scratch, ca, ['1002'], -DAY, -3600_000);
  const errors: string[] = [];
  const authority = crlAuthority(scratch.path('ca.crl'), {
    issuer: ca.certificate,
    serials: ['1001', '1002'],
    onError: (error) => errors.push(String(error)),
  });
  const responder = makeResponder(t, { authority });
  await responder.ready();
  t.is(await statusOf(responder, ask(['1001'])), 'TRY_LATER');
  t.is(await statusOf(responder, ask(['1002'])), 'revoked');
  t.false(responder.health().ready);
  t.is(errors.length, 1);
  t.regex(errors.join(), /ca\.crl has expired/);
});

withCli('answers with the times of a CRL stay in memory, however late in its time they are signed', async (t) => {
  const scratch = new Scratch();
  t.teardown(() => scratch[Symbol.dispose]());
  for (const [from, until] of [
    [-5 * DAY, 25 * DAY],
    [-3.5 * DAY, 0.2 * DAY],
    [-7 * 3600_000, 5 * 3600_000],
  ] as const) {
    write(scratch, ca, ['1002'], from, until);
    const authority = crlAuthority(scratch.path('ca.crl'), { issuer: ca.certificate, serials: ['1001', '1002'] });
    const responder = makeResponder(t, { authority });
    await responder.ready();
    for (const serial of ['1001', '1002']) {
      const first = await responder.answer(ask([serial]));
      const second = await responder.answer(ask([serial]));
      t.deepEqual([first.source, second.source], ['live', 'cache']);
      t.is(first.etag, second.etag);
      t.regex(second.headers['Cache-Control']!, /max-age=[1-9]/);
    }
  }
});

withCli('a hold that the store knows, later than a CRL that has no list of its certificates', async (t) => {
  const scratch = new Scratch();
  t.teardown(() => scratch[Symbol.dispose]());
  const hold = {
    serialNumber: '1001',
    status: OCSPCertStatus.REVOKED,
    revocationTime: new Date(Date.now() - 1000),
    reason: 'certificateHold',
  } as const;
  const store = await SegmentStore.open(scratch.path('store'), { refreshInterval: 0 });
  t.teardown(() => store.close());
  const issuer = () => ({
    authority: crlAuthority(scratch.path('ca.crl'), { issuer: ca.certificate, interval: 20 }),
    store,
    notIssued: 'good' as const,
  });
  write(scratch, ca, ['1002'], -DAY, DAY);
  const told = makeResponder(t, issuer());
  await told.ready();
  await told.update([hold]);
  const other = makeResponder(t, issuer());
  await other.ready();
  t.is(await statusOf(other, ask(['1001'])), 'revoked');
  t.is(await statusOf(other, ask(['1001'], { nonce: Buffer.alloc(32) })), 'revoked');
  t.is(await statusOf(other, ask(['1003'])), 'good');
  // The CA makes a CRL that does not have it any more.
  write(scratch, ca, ['1002'], 2000, DAY);
  const later = makeResponder(t, issuer());
  await later.ready();
  t.is(await statusOf(later, ask(['1001'], { nonce: Buffer.alloc(32) })), 'good');
});
