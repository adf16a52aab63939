/** Signers, authorities and feeds that hang, fail, lie, or are late. */
import { sign } from 'node:crypto';
import test from 'ava';
import { loadDerOcspResponse, OCSPCertStatus, ReasonFlags } from 'openssl-ocsp';
import { ResponseSigner, type ResponseStore } from 'openssl-ocsp/bulk';
import { Responder, type StatusAuthority, type StatusChanges, serve } from 'openssl-ocsp/responder';
import { createTestCa } from 'openssl-ocsp/testing';
import {
  ask,
  ca,
  delegate,
  GOOD,
  issuerOptions,
  makeResponder,
  REVOKED,
  statusIn,
  statusOf,
  TestAuthority,
} from './fixtures.js';

const right = (tbs: Buffer): Buffer => sign('sha256', tbs, delegate.privateKey);

/** A signer elsewhere that does what it is told. */
class FarSigner {
  mode: 'right' | 'hang' | 'throw' | 'lie' | 'nonsense' = 'right';
  calls = 0;

  async sign(tbs: Buffer): Promise<Uint8Array> {
    this.calls += 1;
    switch (this.mode) {
      case 'hang':
        return new Promise(() => undefined);
      case 'throw':
        throw new Error('no connection');
      case 'lie':
        return right(Buffer.concat([tbs, Buffer.from('x')]));
      case 'nonsense':
        return 'signature' as never;
      default:
        return right(tbs);
    }
  }
}

for (const mode of ['hang', 'throw', 'lie', 'nonsense'] as const)
  test(`a signer that does this: ${mode}; its issuer says tryLater, the others answer on, and it recovers`, async (t) => {
    const far = new FarSigner();
    const other = createTestCa({ subject: 'CN=Other' });
    const responder = new Responder({
      issuers: [
        issuerOptions({ signers: [{ responder: delegate.certificate, privateKey: far }] }),
        {
          certificate: other.certificate,
          authority: new TestAuthority(),
          signers: [{ responder: other.certificate, privateKey: other.privateKey }],
        },
      ],
      live: { timeout: 5000, maxInflight: 2, maxWaiting: 2 },
    });
    t.teardown(() => responder.close());
    t.is(await statusOf(responder, ask(['1002'])), 'revoked');
    far.mode = mode;
    const statuses = await Promise.all(
      Array.from({ length: 20 }, () => statusOf(responder, ask(['1001'], { nonce: Buffer.alloc(32) }))),
    );
    t.deepEqual([...new Set(statuses)], ['TRY_LATER']);
    // What is at hand is sent, and the other issuer knows nothing of it.
    t.is(await statusOf(responder, ask(['1002'])), 'revoked');
    t.is(await statusOf(responder, ask(['1001'], { issuer: other }), other), 'good');
    far.mode = 'right';
    while ((await statusOf(responder, ask(['1001']))) !== 'good')
      await new Promise((resolve) => setTimeout(resolve, 50));
    t.is(await statusOf(responder, ask(['1001'], { nonce: Buffer.alloc(32) })), 'good');
    t.true(responder.health().ready);
  });

test('one signature for all who ask the same at a time', async (t) => {
  const far = new FarSigner();
  const responder = makeResponder(t, { signers: [{ responder: delegate.certificate, privateKey: far }] });
  const statuses = await Promise.all(Array.from({ length: 50 }, () => statusOf(responder, ask(['1001']))));
  t.deepEqual([...new Set(statuses)], ['good']);
  t.is(far.calls, 1);
});

test('a revocation while the answer is being signed: no one gets good after it', async (t) => {
  for (const nonce of [undefined, Buffer.alloc(32, 3)]) {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let first = true;
    const signer = {
      async sign(tbs: Buffer): Promise<Uint8Array> {
        if (first) {
          first = false;
          await held;
        }
        return right(tbs);
      },
    };
    const responder = makeResponder(t, { signers: [{ responder: delegate.certificate, privateKey: signer }] });
    const der = ask(['1001'], nonce && { nonce });
    const answer = statusOf(responder, der);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await responder.update([{ ...REVOKED, serialNumber: '1001' }]);
    release();
    t.is(await answer, 'revoked');
  }
});

test('a revocation that the authority tells while the answer before is being signed: no one who asks then gets good', async (t) => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let calls = 0;
  const signer = {
    async sign(tbs: Buffer): Promise<Uint8Array> {
      calls += 1;
      if (calls === 1) await held;
      return right(tbs);
    },
  };
  let mode: 'good' | 'revoked' | 'gone' = 'good';
  const authority: StatusAuthority = {
    async lookup() {
      if (mode === 'gone') throw new Error('no connection');
      return mode === 'good' ? GOOD : { ...REVOKED, serialNumber: '1001', reason: ReasonFlags.certificateHold };
    },
  };
  const responder = makeResponder(t, {
    authority,
    signers: [{ responder: delegate.certificate, privateKey: signer }],
  });
  const before = statusOf(responder, ask(['1001']));
  while (calls < 1) await new Promise((resolve) => setTimeout(resolve, 5));
  mode = 'revoked';
  const after = statusOf(responder, ask(['1001']));
  // It does not wait for the other; one that did would be seen below.
  await Promise.race([after, new Promise((resolve) => setTimeout(resolve, 1000))]);
  release();
  t.is(await after, 'revoked');
  await before;
  // What was signed later, but known earlier, is not what is remembered.
  mode = 'gone';
  t.is(await statusOf(responder, ask(['1001'])), 'revoked');
});

test('what an authority has said is as old as the question, however long the signature took', async (t) => {
  const signer = {
    async sign(tbs: Buffer): Promise<Uint8Array> {
      await new Promise((resolve) => setTimeout(resolve, 1500));
      return right(tbs);
    },
  };
  let isGone = false;
  const authority: StatusAuthority = {
    async lookup() {
      if (isGone) throw new Error('no connection');
      return GOOD;
    },
  };
  const responder = makeResponder(
    t,
    { authority, signers: [{ responder: delegate.certificate, privateKey: signer }] },
    { maxLag: 1, live: { timeout: 60_000 } },
  );
  t.is(await statusOf(responder, ask(['1001'])), 'good');
  isGone = true;
  t.is(await statusOf(responder, ask(['1001'])), 'TRY_LATER');
});

test('what an authority that is gone has said does not get younger where it is signed again, or read from a store', async (t) => {
  const signer = { responder: delegate.certificate, privateKey: delegate.privateKey };
  // Answers of both are soon to be replaced.
  const bulk = new ResponseSigner({ issuer: ca.certificate, ...signer, validity: { granularity: 1, period: 6 } });
  const store = { get: () => bulk.sign(GOOD, { hashAlgorithm: 'sha256' }) } as unknown as ResponseStore;
  for (const [from, options] of [
    ['live', { signers: [{ ...signer, validity: { period: null } }] }],
    ['store', { signers: [signer], store }],
  ] as const) {
    let isGone = false;
    const authority: StatusAuthority = {
      async lookup() {
        if (isGone) throw new Error('no connection');
        return GOOD;
      },
    };
    const responder = makeResponder(t, { authority, ...options }, { maxLag: 3 });
    t.is((await responder.answer(ask(['1001']))).source, from);
    isGone = true;
    const begin = performance.now();
    let last = '';
    while (performance.now() - begin < 5000) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      last = await statusOf(responder, ask(['1001']));
    }
    t.is(last, 'TRY_LATER', from);
  }
});

test('an answer that ends while something hangs is not given', async (t) => {
  const keys = { responder: delegate.certificate, privateKey: delegate.privateKey };
  const hang = (): Promise<never> => new Promise(() => undefined);
  // (What is waited for ends 1.6 s after the question: 0.6 s behind the end of the answer, or more.)
  const live = { timeout: 1600 };
  for (const what of ['signature', 'store', 'authority'] as const) {
    const bulk = new ResponseSigner({ issuer: ca.certificate, ...keys, validity: { granularity: 1, period: 3 } });
    const der = bulk.sign(GOOD, { hashAlgorithm: 'sha256' });
    const ends = loadDerOcspResponse(der).nextUpdate?.getTime() as number;
    const late = (): Promise<Buffer> =>
      new Promise((resolve) => setTimeout(() => resolve(der), ends + 300 - Date.now()));
    const store = { get: () => (what === 'store' ? late() : der) } as unknown as ResponseStore;
    let isGone = false;
    const authority: StatusAuthority = {
      async lookup() {
        if (isGone) await hang();
        return GOOD;
      },
    };
    const signers = [{ responder: delegate.certificate, privateKey: { sign: hang } }];
    const responder = makeResponder(t, { authority, signers, store }, { live, maxLag: 60 });
    if (what !== 'store') t.is(await statusOf(responder, ask(['1001'])), 'good', what);
    isGone = what === 'authority';
    await new Promise((resolve) => setTimeout(resolve, ends - 1000 - Date.now()));
    t.is(await statusOf(responder, ask(['1001'])), 'TRY_LATER', what);
    t.true(Date.now() >= ends, what);
  }
});

test('a question to the authority that takes long tells nothing that is older than what was told meanwhile', async (t) => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let calls = 0;
  let isGone = false;
  const hold = { ...REVOKED, serialNumber: '1001', reason: ReasonFlags.certificateHold };
  const authority: StatusAuthority = {
    async lookup() {
      calls += 1;
      if (isGone) throw new Error('no connection');
      if (calls > 1) return hold;
      await held;
      return GOOD;
    },
  };
  const responder = makeResponder(t, { authority }, { live: { timeout: 60_000 }, maxLag: 3600 });
  const first = statusOf(responder, ask(['1001']));
  while (calls < 1) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.is(await statusOf(responder, ask(['1001'])), 'revoked');
  release();
  t.is(await first, 'revoked');
  isGone = true;
  t.is(await statusOf(responder, ask(['1001'])), 'revoked');
});

test('times that no timer takes are long ones, or refused, but never none', async (t) => {
  t.throws(() => makeResponder(t, {}, { live: { timeout: 2 ** 31 } }), { code: 'ERR_OCSP_INVALID_VALUE' });
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let isAsked = false;
  const signer = {
    async sign(tbs: Buffer): Promise<Uint8Array> {
      isAsked = true;
      await held;
      return right(tbs);
    },
  };
  const responder = makeResponder(
    t,
    { signers: [{ responder: delegate.certificate, privateKey: signer }] },
    { live: { timeout: 2 ** 31 - 1 } },
  );
  const server = await serve(responder, { port: 0, host: '127.0.0.1' }, { shutdownTimeout: Number.POSITIVE_INFINITY });
  const answer = fetch(server.url, { method: 'POST', body: new Uint8Array(ask(['1001'])) });
  while (!isAsked) await new Promise((resolve) => setTimeout(resolve, 5));
  const closed = server.close();
  await new Promise((resolve) => setTimeout(resolve, 50));
  release();
  t.is((await answer).status, 200);
  await closed;
});

test('too many at a time: tryLater at once, with Retry-After; what is at hand is sent', async (t) => {
  const far = new FarSigner();
  const responder = makeResponder(
    t,
    { signers: [{ responder: delegate.certificate, privateKey: far }] },
    { live: { maxInflight: 1, maxWaiting: 3, timeout: 10_000 } },
  );
  t.is(await statusOf(responder, ask(['1002'])), 'revoked');
  far.mode = 'hang';
  const asked = Array.from({ length: 10 }, (_, i) => responder.answer(ask(['1001'], { nonce: Buffer.alloc(32, i) })));
  const begin = performance.now();
  const late = await Promise.all(asked.slice(4));
  t.true(performance.now() - begin < 9900);
  for (const answer of late) {
    t.is(answer.headers['Retry-After'], '5');
    t.is(answer.headers['Cache-Control'], 'max-age=0, no-cache');
  }
  t.is((await responder.answer(ask(['1002']))).source, 'cache');
  t.is(responder.health().live.waiting, 3);
  await Promise.all(asked);
});

test('a budget for what no cache can help with: then without the nonce', async (t) => {
  const responder = makeResponder(t, {}, { live: { perSecond: 3 } });
  const nonce = Buffer.alloc(32, 9);
  const answers = await Promise.all(Array.from({ length: 30 }, () => responder.answer(ask(['1001'], { nonce }))));
  const echoed = answers.map(({ der }) => der.includes(nonce));
  for (const { der } of answers) t.is(statusIn(der, ask(['1001'])), 'good');
  t.deepEqual(echoed.slice(0, 3), [true, true, true]);
  t.true(echoed.includes(false));
  const strict = makeResponder(t, {}, { live: { perSecond: 1 }, nonce: 'required' });
  const statuses = await Promise.all([1, 2, 3].map(() => statusOf(strict, ask(['1001'], { nonce }))));
  t.deepEqual(statuses, ['good', 'TRY_LATER', 'TRY_LATER']);
});

test('an authority that hangs or fails: never good, for longer than maxLag', async (t) => {
  let mode: 'right' | 'hang' | 'throw' | 'throw at once' = 'right';
  const list = new TestAuthority();
  const authority: StatusAuthority = {
    lookup(id) {
      if (mode === 'throw at once') throw new Error('no connection');
      if (mode === 'hang') return new Promise(() => undefined);
      if (mode === 'throw') return Promise.reject(new Error('no connection'));
      return Promise.resolve(list.lookup(id));
    },
  };
  const responder = makeResponder(t, { authority }, { live: { timeout: 500 }, maxLag: 0.4 });
  for (const failure of ['hang', 'throw', 'throw at once'] as const) {
    mode = 'right';
    t.is(await statusOf(responder, ask(['1001'])), 'good');
    t.is(await statusOf(responder, ask(['1002'])), 'revoked');
    mode = failure;
    await new Promise((resolve) => setTimeout(resolve, 450));
    t.is(await statusOf(responder, ask(['1001'])), 'TRY_LATER', failure);
    t.is(await statusOf(responder, ask(['1001'], { nonce: Buffer.alloc(32) })), 'TRY_LATER', failure);
    t.is(await statusOf(responder, ask(['1003'])), 'TRY_LATER', failure);
    t.is(await statusOf(responder, ask(['1002'])), 'revoked', failure);
  }
});

test('an authority that fails after a revocation was told: no one gets what was true before', async (t) => {
  for (const failure of ['throw', 'throw at once', 'hang'] as const) {
    let fails = false;
    const list = new TestAuthority();
    const lookup: StatusAuthority['lookup'] = (id) => {
      if (!fails) return Promise.resolve(list.lookup(id));
      if (failure === 'throw at once') throw new Error('no connection');
      return failure === 'hang' ? new Promise(() => undefined) : Promise.reject(new Error('no connection'));
    };
    const responder = makeResponder(t, { authority: { lookup } }, { live: { timeout: 500 }, maxLag: 3600 });
    for (const serialNumber of ['1003', '1004']) list.set({ ...GOOD, serialNumber });
    for (const serial of ['1001', '1003', '1004']) t.is(await statusOf(responder, ask([serial])), 'good');
    fails = true;
    t.is(await statusOf(responder, ask(['1003'])), 'good', failure);
    // Told while somebody waits, and before.
    const waiting = statusOf(responder, ask(['1004']));
    await responder.update([
      { ...REVOKED, serialNumber: '1001' },
      { ...REVOKED, serialNumber: '1004' },
      { ...REVOKED, serialNumber: '1003', reason: 'certificateHold' },
    ]);
    t.not(await waiting, 'good', failure);
    for (const serial of ['1001', '1004'])
      for (const nonce of [{}, { nonce: Buffer.alloc(32) }])
        t.is(await statusOf(responder, ask([serial], nonce)), 'revoked', failure);
    // A hold may have ended meanwhile.
    t.is(await statusOf(responder, ask(['1003'])), 'TRY_LATER', failure);
  }
});

/** A database with a feed. */
class FeedAuthority implements StatusAuthority {
  readonly list = new TestAuthority();
  readonly cursors: (string | null)[] = [];
  lookups = 0;
  #waiting: ((changes: StatusChanges | Error) => void)[] = [];

  lookup(id: { serialNumber: string }): Promise<ReturnType<TestAuthority['lookup']>> {
    this.lookups += 1;
    return Promise.resolve(this.list.lookup(id));
  }

  async *changes(cursor: string | null, signal: AbortSignal): AsyncGenerator<StatusChanges> {
    this.cursors.push(cursor);
    while (!signal.aborted) {
      const next = await new Promise<StatusChanges | Error>((resolve) => {
        this.#waiting.push(resolve);
        signal.addEventListener('abort', () => resolve(new Error('over')));
      });
      if (next instanceof Error) throw next;
      yield next;
    }
  }

  /** What the feed says next; false when no one listens. */
  tell(changes: StatusChanges | Error): boolean {
    const waiting = this.#waiting.pop();
    waiting?.(changes);
    return waiting !== undefined;
  }
}

test('a feed: answers at hand without a question to the database, news at once, silence makes nothing good', async (t) => {
  const authority = new FeedAuthority();
  const responder = makeResponder(t, { authority }, { maxLag: 5 });
  const turn = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 10));
  t.is(await statusOf(responder, ask(['1001'])), 'TRY_LATER');
  t.is(await statusOf(responder, ask(['1002'])), 'revoked');
  authority.tell({ entries: [], cursor: 'a' });
  await turn();
  t.is(await statusOf(responder, ask(['1001'])), 'good');
  const { lookups } = authority;
  for (let i = 0; i < 5; i += 1) t.is(await statusOf(responder, ask(['1001'])), 'good');
  t.is(authority.lookups, lookups);
  authority.tell({ entries: [{ ...REVOKED, serialNumber: '1001', statusVersion: 7 }], cursor: 'b' });
  await turn();
  // The database may be behind its feed.
  t.is(await statusOf(responder, ask(['1001'])), 'revoked');
  // At least once, in any order: what is older changes nothing.
  authority.tell({ entries: [{ ...GOOD, statusVersion: 6 }], cursor: 'c' });
  await turn();
  t.is(await statusOf(responder, ask(['1001'])), 'revoked');
  authority.list.set({ serialNumber: '1003', status: OCSPCertStatus.GOOD });
  t.is(await statusOf(responder, ask(['1003'])), 'good');
  await new Promise((resolve) => setTimeout(resolve, 5100));
  t.is(await statusOf(responder, ask(['1003'])), 'TRY_LATER');
  t.is(await statusOf(responder, ask(['1001'])), 'revoked');
  t.false(responder.health().ready);
  // A feed that breaks is taken up where it was.
  authority.tell(new Error('connection lost'));
  while (!authority.tell({ entries: [], cursor: 'd' })) await turn();
  await turn();
  t.deepEqual(authority.cursors, [null, 'c']);
  t.is(await statusOf(responder, ask(['1003'])), 'good');
});

test('long news, in parts: the authority is asked about each certificate meanwhile, and what it does not know is not good', async (t) => {
  const authority = new FeedAuthority();
  const responder = makeResponder(t, { authority });
  const turn = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 10));
  const part = async (entries: StatusChanges['entries']): Promise<void> => {
    while (!authority.tell({ entries, cursor: 'begun', more: true })) await turn();
    await turn();
  };
  t.is(await statusOf(responder, ask(['1001'])), 'TRY_LATER');
  t.false(responder.health().ready);
  await part([]);
  // Alone, with a nonce, and with another one.
  const nonce = new Uint8Array(32);
  t.is(await statusOf(responder, ask(['1001'])), 'good');
  t.is(await statusOf(responder, ask(['1001'], { nonce })), 'good');
  t.true(responder.health().ready);
  // What the database says now counts for an answer that is at hand, too.
  authority.list.set({ serialNumber: '1003', status: OCSPCertStatus.GOOD });
  authority.list.set({ serialNumber: '1004', status: OCSPCertStatus.GOOD });
  await part([]);
  t.is(await statusOf(responder, ask(['1003'])), 'good');
  authority.list.set({ ...REVOKED, serialNumber: '1004' });
  await part([]);
  t.is(await statusOf(responder, ask(['1004'])), 'revoked');
  // What a part has said is known, whoever looks.
  await part([{ ...REVOKED, serialNumber: '1003', statusVersion: 9 }]);
  t.is(await statusOf(responder, ask(['1003'])), 'revoked');
  // A database that does not answer, and one that breaks off.
  authority.lookup = () => Promise.reject(new Error('connection lost'));
  authority.list.set({ serialNumber: '1005', status: OCSPCertStatus.GOOD });
  await part([]);
  t.is(await statusOf(responder, ask(['1005'])), 'TRY_LATER');
  t.is(await statusOf(responder, ask(['1003'])), 'revoked');
});

test('long news: an answer at hand is asked about again, and parts that do not come any more are silence', async (t) => {
  const authority = new FeedAuthority();
  const responder = makeResponder(t, { authority }, { maxLag: 1 });
  const turn = (time = 10): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, time));
  const part = async (): Promise<void> => {
    while (!authority.tell({ entries: [], cursor: 'begun', more: true })) await turn();
    await turn();
  };
  while (!authority.tell({ entries: [], cursor: 'all' })) await turn();
  await turn();
  t.is(await statusOf(responder, ask(['1001'])), 'good');
  await turn(1100);
  t.is(await statusOf(responder, ask(['1001'])), 'TRY_LATER', 'silence');
  await part();
  t.is(await statusOf(responder, ask(['1001'])), 'good');
  authority.list.set({ ...REVOKED, serialNumber: '1001' });
  await turn(1100);
  await part();
  t.is(await statusOf(responder, ask(['1001'])), 'revoked');
  t.is(await statusOf(responder, ask(['1002'])), 'revoked');
  authority.list.set({ serialNumber: '1003', status: OCSPCertStatus.GOOD });
  await turn(5100);
  t.is(await statusOf(responder, ask(['1003'])), 'TRY_LATER');
  t.false(responder.health().ready);
});

test('long news: answers at hand are asked about again within a second, whatever maxLag is', async (t) => {
  const authority = new FeedAuthority();
  const responder = makeResponder(t, { authority }, { maxLag: 600 });
  const turn = (time = 10): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, time));
  while (!authority.tell({ entries: [], cursor: 'all' })) await turn();
  await turn();
  t.is(await statusOf(responder, ask(['1001'])), 'good');
  authority.list.set({ ...REVOKED, serialNumber: '1001' });
  t.is(await statusOf(responder, ask(['1001'])), 'good', 'at hand, and no news of it');
  await turn(1100);
  t.is(await statusOf(responder, ask(['1001'])), 'good', 'nothing says that there is much to read');
  while (!authority.tell({ entries: [], cursor: 'begun', more: true })) await turn();
  await turn();
  t.is(await statusOf(responder, ask(['1001'])), 'revoked');
});

test('a key that is loaded when it is needed, again after a failure', async (t) => {
  let tries = 0;
  const responder = makeResponder(t, {
    signers: [
      {
        responder: delegate.certificate,
        privateKey: async () => {
          tries += 1;
          if (tries === 1) throw new Error('the token is not there');
          return delegate.privateKey;
        },
      },
    ],
  });
  t.is(tries, 0);
  t.is(await statusOf(responder, ask(['1001'])), 'TRY_LATER');
  t.is(await statusOf(responder, ask(['1001'])), 'good');
  t.is(await statusOf(responder, ask(['1002'])), 'revoked');
  t.is(tries, 2);
});

test('a key whose loading hangs is loaded again', async (t) => {
  const loads: ((key: typeof delegate.privateKey) => void)[] = [];
  const privateKey = () =>
    new Promise<typeof delegate.privateKey>((resolve) => {
      loads.push(resolve);
    });
  const signers = [{ responder: delegate.certificate, privateKey }];
  const responder = makeResponder(t, { signers }, { live: { timeout: 100 } });
  while (loads.length < 3) t.is(await statusOf(responder, ask(['1001'])), 'TRY_LATER');
  // What comes late is a key, too.
  loads[0]?.(delegate.privateKey);
  await new Promise((resolve) => setImmediate(resolve));
  t.is(await statusOf(responder, ask(['1001'])), 'good');
  t.is(loads.length, 3);
});

test("a key that is not the certificate's signs nothing", async (t) => {
  const wrong = ca.privateKey;
  for (const privateKey of [wrong, wrong.export({ format: 'pem', type: 'pkcs8' })])
    t.throws(() => makeResponder(t, { signers: [{ responder: delegate.certificate, privateKey }] }), {
      code: 'ERR_OCSP_KEY_MISMATCH',
    });
  const late = makeResponder(t, { signers: [{ responder: delegate.certificate, privateKey: () => wrong }] });
  t.is(await statusOf(late, ask(['1001'])), 'TRY_LATER');
});
