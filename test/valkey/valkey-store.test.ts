/** ValkeyStore over real servers: what every store has to do, and what happens when servers are gone, slow, full, emptied or hostile. */
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { loadDerOcspResponse, OCSPCertStatus, OCSPResponseStatus } from 'openssl-ocsp';
import {
  bulkSign,
  compareVersions,
  iterableSource,
  putStatus,
  ResponseSigner,
  type StatusEntry,
} from 'openssl-ocsp/bulk';
import { buildTestResponse, checkResponseStore, createTestCa } from 'openssl-ocsp/testing';
import { ValkeyStore, type ValkeyStoreOptions } from 'openssl-ocsp/valkey';
import { decodeFrames, encodeFrame, lifeOf } from '#dist/valkey/frames.js';
import { testIf } from '../helpers/conditional.js';
import { hasRedisServer, RedisServer } from '../helpers/redis-server.js';
import { ask, ca, delegate, GOOD, makeResponder, REVOKED, TestAuthority } from '../responder/fixtures.js';
import { answer, client, NOW, open, PATIENT } from './fixtures.js';

const withServer = testIf(hasRedisServer);

withServer('it does what every store has to do', async (t) => {
  const servers = await Promise.all([RedisServer.start(t), RedisServer.start(t), RedisServer.start(t)]);
  const admin = servers.map((server) => client(t, server));
  for (const memoryTime of [0, 60_000]) {
    const make = async (issuer: ValkeyStoreOptions['issuer']) => {
      await Promise.all(admin.map((redis) => redis.flushall()));
      return ValkeyStore.open({ servers: servers.map(({ socket }) => socket), issuer, timeout: PATIENT, memoryTime });
    };
    await t.notThrowsAsync(checkResponseStore(make));
  }
  // (The last check that left something has left it on several of them.)
  const sizes = await Promise.all(admin.map((redis) => redis.dbsize()));
  t.log(sizes);
});

withServer(
  'certificates are shared out among servers, evenly and always alike; one more server moves its own only',
  async (t) => {
    const servers = await Promise.all([RedisServer.start(t), RedisServer.start(t), RedisServer.start(t)]);
    const serials = Array.from({ length: 120 }, (_, i) => (0x5000 + i).toString(16).toUpperCase());
    const two = await open(t, servers.slice(0, 2));
    await two.putBatch(serials.map((serial) => answer({ serial })));
    const sizes = await Promise.all(servers.map((server) => client(t, server).dbsize()));
    t.is(sizes[0]! + sizes[1]!, 120);
    t.true(Math.min(sizes[0]!, sizes[1]!) >= 30, String(sizes));
    const three = await open(t, [servers[2]!, servers[1]!, servers[0]!]);
    const found = await Promise.all(serials.map((serial) => three.get(serial)));
    const missing = found.filter((der) => der === undefined).length;
    t.true(missing >= 15 && missing <= 75, `${missing} have moved`);
  },
);

withServer('whatever order writers come in, at once, the answer stays that compareVersions prefers', async (t) => {
  const server = await RedisServer.start(t);
  const stores = await Promise.all([open(t, [server]), open(t, [server]), open(t, [server])]);
  let serial = 0x6000;
  const version = fc.record({
    statusVersion: fc.constantFrom(0, 1, 2, 2 ** 33, 2 ** 47),
    producedAt: fc.integer({ min: NOW - 50, max: NOW }),
    certStatus: fc.constantFrom(OCSPCertStatus.GOOD, OCSPCertStatus.REVOKED, OCSPCertStatus.UNKNOWN),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(version, { minLength: 1, maxLength: 8 }), async (versions) => {
      serial += 1;
      const records = versions.map((one) => answer({ serial: serial.toString(16).toUpperCase(), ...one }));
      await Promise.all(records.map((record, i) => stores[i % 3]!.putBatch([record])));
      const best = records.reduce((a, b) => (compareVersions(b, a) > 0 ? b : a));
      const der = await stores[0]!.get(best.serial);
      const seen = records.find((record) => der?.equals(record.der));
      t.is(seen && compareVersions(seen, best), 0);
    }),
    { numRuns: 60 },
  );
});

withServer('an answer goes before its nextUpdate; one that was replaced does not come back', async (t) => {
  const server = await RedisServer.start(t);
  const store = await open(t, [server]);
  const redis = client(t, server);
  await store.putBatch([answer({ nextUpdate: NOW + 10_000 })]);
  const [key] = await redis.keys('*');
  const life = await redis.pttl(key!);
  t.true(life > 9_500_000 && life <= 9_700_000, String(life));
  const revoked = answer({ statusVersion: 2, certStatus: OCSPCertStatus.REVOKED, nextUpdate: NOW + 1000 });
  await store.putBatch([revoked]);
  t.true((await redis.pttl(key!)) > 9_400_000, 'the newer answer keeps the older one out for as long as that lives');
  await store.putBatch([answer({ serial: '77', nextUpdate: null })]);
  t.is(await redis.pttl((await redis.keys('*:77'))[0]!), -1);
  t.is(lifeOf({ ...answer({ producedAt: NOW, nextUpdate: NOW + 100 }) } as never, NOW * 1000), 90_000);
});

withServer('what a server makes up is not given', async (t) => {
  const server = await RedisServer.start(t);
  const store = await open(t, [server]);
  const redis = client(t, server);
  const right = answer();
  await store.putBatch([right, answer({ serial: '1002' })]);
  const [key] = (await redis.keys('*:1001')) as [string];
  const value = (await redis.getBuffer(key))!;
  const [stored] = decodeFrames(value, '1001') as [ReturnType<typeof decodeFrames>[0]];
  t.deepEqual(stored.der, right.der);
  const stranger = createTestCa({ subject: 'CN=Responder CA' });
  const entry = { certificate: ca.certificate, issuer: ca.certificate, serialNumber: 0x1001n };
  const other = (await redis.getBuffer((await redis.keys('*:1002'))[0]!))!;
  const frame = (change: object) => encodeFrame({ ...stored, ...change });
  const broken = Buffer.from(right.der);
  broken[100]! ^= 1;
  const hostile: Record<string, Buffer> = {
    empty: Buffer.alloc(0),
    text: Buffer.from('what is this?'),
    'a part': value.subarray(0, -1),
    'a wrong length': Buffer.concat([Buffer.from([0x7f, 0xff, 0xff, 0xff]), value.subarray(4)]),
    'a length of nothing': Buffer.concat([Buffer.alloc(4), value.subarray(4)]),
    'another certificate': other,
    'another status': frame({ certStatus: OCSPCertStatus.REVOKED }),
    'another time': frame({ producedAt: NOW - 100 }),
    'another hash': frame({ hashAlgorithm: 'sha256', issuerNameHash: Buffer.alloc(32) }),
    'another name': frame({ issuerNameHash: Buffer.alloc(20) }),
    'a changed response': frame({ der: broken }),
    'no response': frame({ der: Buffer.from('3003020101', 'hex') }),
    'an error': frame({ der: Buffer.from('30030a0103', 'hex') }),
    'a stranger of the same name': frame({
      der: buildTestResponse({ signer: stranger, entries: [entry], producedAt: new Date(NOW * 1000) }),
    }),
    'a certificate that may not': frame({
      der: buildTestResponse({ signer: ca.issue(), entries: [entry], producedAt: new Date(NOW * 1000) }),
    }),
    'a megabyte': Buffer.concat([value, Buffer.alloc(1 << 20)]),
  };
  for (const [what, bytes] of Object.entries(hostile)) {
    await redis.set(key, bytes);
    t.is(await store.get('1001'), undefined, what);
  }
  await fc.assert(
    fc.asyncProperty(fc.nat(value.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const changed = Buffer.from(value);
      changed[at]! ^= change;
      await redis.set(key, changed);
      const der = await store.get('1001');
      // The version, nextUpdate and the name of the signature algorithm beside the response decide nothing.
      t.true(der === undefined || der.equals(right.der), `byte ${at}`);
    }),
    { numRuns: 150 },
  );
  await redis.del(key);
  await redis.lpush(key, 'a list');
  t.is(await store.get('1001'), undefined);
  await t.throwsAsync(store.putBatch([right]), { message: /WRONGTYPE/ });
  for (const rubbish of ['what is this?', Buffer.alloc(24), value.subarray(0, -1)]) {
    await redis.set(key, rubbish);
    t.deepEqual(await store.putBatch([right]), { written: 1, kept: 0 }, 'a value that is none is replaced');
    t.deepEqual(await store.get('1001'), right.der);
  }
});

withServer('servers that are killed, held up, or never there cost an answer, not the call', async (t) => {
  const [server, other] = await Promise.all([RedisServer.start(t), RedisServer.start(t)]);
  const errors: Error[] = [];
  const store = await open(t, [server!], { timeout: 2000, onError: (error) => errors.push(error as Error) });
  const right = answer();
  await store.putBatch([right]);
  t.deepEqual(await store.get('1001'), right.der);
  server!.suspend();
  for (let i = 0; i < 50; i += 1) t.is(await store.get('1001'), undefined);
  t.is(errors.length, 1, 'one call waits; the others do not');
  await t.throwsAsync(store.putBatch([right]), { message: /left alone/ });
  server!.resume();
  await comesBack(t, store, right.der);
  await server!.kill();
  t.is(await store.get('1001'), undefined);
  await server!.start();
  await t.notThrowsAsync(until(() => store.putBatch([right]).then(() => true)));
  await comesBack(t, store, right.der);
  await client(t, server!).flushall();
  t.is(await store.get('1001'), undefined);
  // One of two: the certificates of the other one are had on.
  await other!.kill();
  const both = await open(t, [server!, other!], { timeout: 2000 });
  const serials = Array.from({ length: 20 }, (_, i) => (0x7000 + i).toString(16));
  const put = await Promise.allSettled(
    serials.map((serial) => both.putBatch([answer({ serial: serial.toUpperCase() })])),
  );
  const taken = put.filter(({ status }) => status === 'fulfilled').length;
  t.true(taken > 0 && taken < 20);
  const got = await Promise.all(serials.map((serial) => both.get(serial)));
  t.is(got.filter((der) => der !== undefined).length, taken);
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (;;) {
    if (await isSo().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function comesBack(t: ExecutionContext, store: ValkeyStore, der: Uint8Array): Promise<void> {
  await until(async () => (await store.get('1001'))?.equals(der) ?? false);
  t.pass();
}

withServer('a full server takes nothing, and gives what it has', async (t) => {
  const server = await RedisServer.start(t);
  const store = await open(t, [server]);
  const right = answer();
  await store.putBatch([right]);
  await client(t, server).config('SET', 'maxmemory', '1');
  await t.throwsAsync(store.putBatch([answer({ serial: '55' })]), { message: /OOM/ });
  t.deepEqual(await store.get('1001'), right.der);
});

withServer('memory answers for a second, and sees what its own process puts at once', async (t) => {
  const server = await RedisServer.start(t);
  const store = await open(t, [server], { memoryTime: 60_000 });
  const right = answer();
  await store.putBatch([right]);
  t.deepEqual(await store.get('1001'), right.der);
  await client(t, server).flushall();
  t.deepEqual(await store.get('1001'), right.der, 'from memory');
  const revoked = answer({ statusVersion: 2, certStatus: OCSPCertStatus.REVOKED });
  await store.putBatch([revoked]);
  t.deepEqual(await store.get('1001'), revoked.der);
  const small = await open(t, [server], { memoryTime: 60_000, memoryBytes: 5000 });
  for (const serial of ['1', '2', '3', '4', '5', '6']) {
    await small.putBatch([answer({ serial })]);
    await small.get(serial);
  }
  await client(t, server).flushall();
  t.is(await small.get('1'), undefined, 'the first one had to go');
  t.not(await small.get('6'), undefined);
});

withServer('a responder over it: never an older status, whatever becomes of the servers', async (t) => {
  const server = await RedisServer.start(t);
  const authority = new TestAuthority();
  const stores = [await open(t, [server], { timeout: 2000 }), await open(t, [server], { timeout: 2000 })];
  const [one, two] = stores.map((store) => makeResponder(t, { store, authority }));
  const status = async (responder: typeof one, serial = '1001'): Promise<string> => {
    const { der, source } = await responder!.answer(ask([serial]));
    const { responseStatus, certificateStatus } = loadDerOcspResponse(der);
    if (responseStatus !== OCSPResponseStatus.SUCCESSFUL) return OCSPResponseStatus[responseStatus]!;
    return `${OCSPCertStatus[certificateStatus!]} ${source}`;
  };
  // Signed ahead of time by another process.
  const signer = new ResponseSigner({
    issuer: ca.certificate,
    responder: delegate.certificate,
    privateKey: delegate.privateKey,
  });
  await bulkSign({ source: iterableSource([GOOD, REVOKED]), signer, store: stores[0]!, id: 'night', statusVersion: 1 });
  t.is(await status(one), 'GOOD store');
  t.is(await status(two), 'GOOD store');
  t.is(await status(two, '1002'), 'REVOKED store');
  // Revoked: told to one of them, known by the other.
  const revoked: StatusEntry = { ...REVOKED, serialNumber: '1001' };
  await one!.update([revoked]);
  t.regex(await status(one), /^REVOKED/);
  await until(async () => /^REVOKED/.test(await status(two)));
  // The CA's list, which is read a moment later.
  authority.set(revoked);
  const held: StatusEntry = { ...GOOD, serialNumber: '1003' };
  authority.set(held);
  t.is(await status(two, '1003'), 'GOOD live');
  server.suspend();
  t.regex(await status(one), /^REVOKED/);
  authority.set({ ...REVOKED, serialNumber: '1003' });
  t.is(await status(two, '1003'), 'REVOKED live');
  authority.set({ ...GOOD, serialNumber: '1004' });
  t.is(await status(one, '1004'), 'GOOD live', 'without a server, what is asked is signed');
  server.resume();
  await server.kill();
  t.regex(await status(two), /^REVOKED/);
  authority.set({ ...GOOD, serialNumber: '1005' });
  t.is(await status(two, '1005'), 'GOOD live');
});

withServer('putStatus over it', async (t) => {
  const server = await RedisServer.start(t);
  const store = await open(t, [server]);
  const signer = new ResponseSigner({
    issuer: ca.certificate,
    responder: delegate.certificate,
    privateKey: delegate.privateKey,
  });
  t.deepEqual(await putStatus({ entries: [REVOKED], signer, store }), { written: 2, kept: 0 });
  const der = await store.get('1002', { hashAlgorithm: 'sha256' });
  t.is(loadDerOcspResponse(der!).certificateStatus, OCSPCertStatus.REVOKED);
});

test('what is wrong with the options is said', async (t) => {
  const options = { servers: ['redis://127.0.0.1:1'], issuer: ca.certificate };
  for (const [change, code] of [
    [{ servers: 'redis://a' }, 'ERR_INVALID_ARG_TYPE'],
    [{ servers: [] }, 'ERR_OCSP_INVALID_VALUE'],
    [{ servers: [7] }, 'ERR_INVALID_ARG_TYPE'],
    [{ servers: ['http://a'] }, 'ERR_OCSP_INVALID_VALUE'],
    [{ servers: ['redis://:secret@a', 'redis://a:6379'] }, 'ERR_OCSP_INVALID_VALUE'],
    [{ timeout: 0 }, 'ERR_OCSP_INVALID_VALUE'],
    [{ timeout: '50' }, 'ERR_INVALID_ARG_TYPE'],
    [{ memoryTime: -1 }, 'ERR_OCSP_INVALID_VALUE'],
    [{ memoryBytes: null }, 'ERR_INVALID_ARG_TYPE'],
    [{ prefix: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{ verifier: {} }, 'ERR_INVALID_ARG_TYPE'],
    [{ server: [] }, 'ERR_OCSP_INVALID_VALUE'],
  ] as const)
    await t.throwsAsync(ValkeyStore.open({ ...options, ...(change as object) }), { code }, JSON.stringify(change));
  const nobody = await ValkeyStore.open(options);
  t.is(await nobody.get('1001'), undefined);
  const error = await t.throwsAsync(nobody.putBatch([answer()]));
  t.notRegex(error!.message, /secret/);
  nobody.close();
});
