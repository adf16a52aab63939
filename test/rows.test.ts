// What comes in great numbers, statuses and records, is read as options are: once, own or inherited, and without misspelt names.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { loadDerOcspResponse, OCSPCertStatus } from 'openssl-ocsp';
import {
  bulkSign,
  csvSource,
  iterableSource,
  ndjsonSource,
  putStatus,
  type ResponseRecord,
  ResponseSigner,
  SegmentStore,
  type StatusEntry,
  toStoredResponse,
} from 'openssl-ocsp/bulk';
import { listAuthority, type StatusAuthority, serve } from 'openssl-ocsp/responder';
import { withGetters } from './helpers/option-table.js';
import { invalid, wrong } from './helpers/refusals.js';
import { ask, ca, delegate, makeResponder, statusOf } from './responder/fixtures.js';

const signer = new ResponseSigner({
  issuer: ca.certificate,
  responder: delegate.certificate,
  privateKey: delegate.privateKey,
  certIdAlgorithm: 'sha1',
});
const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-rows-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

/** What `use` finds out of a store of its own. */
async function withStore<T>(use: (store: SegmentStore) => Promise<T>): Promise<T> {
  const store = await SegmentStore.open(mkdtempSync(join(folder, 'store-')));
  try {
    return await use(store);
  } finally {
    store.close();
  }
}

const { REVOKED } = OCSPCertStatus;
const entry: Required<StatusEntry> = {
  serialNumber: '07',
  status: REVOKED,
  revocationTime: new Date(Date.UTC(2026, 0, 2)),
  reason: 'superseded',
  thisUpdate: new Date(Date.UTC(2026, 1, 1)),
  nextUpdate: new Date(Date.UTC(2099, 1, 1)),
  singleExtensions: [],
  statusVersion: 5,
};
const statusIn = (der: Uint8Array): string => OCSPCertStatus[loadDerOcspResponse(der).certificateStatus];

/** Everything that takes statuses; each says which status it was given. */
const TAKERS: Record<string, (entry: StatusEntry, t: Parameters<typeof makeResponder>[0]) => unknown> = {
  'ResponseSigner.sign': (one) => statusIn(signer.sign(one)),
  'ResponseSigner.signAsync': async (one) => statusIn(await signer.signAsync(one)),
  async 'ResponseSigner.signAll'(one) {
    for await (const { der } of signer.signAll([one], { threads: 1 })) return statusIn(der);
    return undefined;
  },
  async 'iterableSource, batches'(one) {
    for await (const [read] of iterableSource([one]).batches()) return OCSPCertStatus[read!.status];
    return undefined;
  },
  async iterableSource(one) {
    for await (const read of iterableSource([one])) return OCSPCertStatus[read.status];
    return undefined;
  },
  bulkSign: (one) =>
    withStore(async (store) => {
      await bulkSign({ source: iterableSource([one]), signer, store, id: 'a', threads: 1 });
      return statusIn(store.get('07')!);
    }),
  putStatus: (one) =>
    withStore(async (store) => {
      await putStatus({ entries: [one], signer, store });
      return statusIn(store.get('07')!);
    }),
  listAuthority: (one, t) => statusOf(makeResponder(t, { authority: listAuthority([one]) }), ask(['07'])),
  async 'Responder.update'(one, t) {
    const made = makeResponder(t, { authority: { lookup: () => undefined } });
    await made.update([one]);
    return statusOf(made, ask(['07']));
  },
};
/** Those of the authority's own are not thrown at anybody: what cannot be read is no answer. */
const AUTHORITIES: Record<string, (entry: StatusEntry) => StatusAuthority> = {
  lookup: (one) => ({ lookup: () => one }),
  'lookup that takes time': (one) => ({ lookup: async () => one }),
  changes: (one) => ({
    lookup: () => undefined,
    async *changes(_, signal) {
      yield { entries: [one], cursor: '1' };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    },
  }),
};

const MISSPELT: [string, keyof StatusEntry][] = [
  ['Status', 'status'],
  ['stauts', 'status'],
  ['certStatus', 'status'],
  ['serial', 'serialNumber'],
  ['serial_number', 'serialNumber'],
  ['revocationtime', 'revocationTime'],
  ['revocation_time', 'revocationTime'],
  ['revocationTimes', 'revocationTime'],
  ['reasons', 'reason'],
  ['revocationReason', 'reason'],
  ['this_update', 'thisUpdate'],
  ['nextUpate', 'nextUpdate'],
  ['nextupdate', 'nextUpdate'],
  ['singleExtension', 'singleExtensions'],
  ['invalidityDate', 'singleExtensions'],
  ['status_version', 'statusVersion'],
  ['statusversion', 'statusVersion'],
];
/** Columns that tables have. */
const OTHERS = { id: 1, name: 'a', version: 3, next: null, subject: 'CN=a', createdAt: new Date(), state: 'x' };

for (const [taker, call] of Object.entries(TAKERS)) {
  test(`${taker}: a name that is nearly that of a member is refused, and other members may be there`, async (t) => {
    t.is(String(await call({ ...entry, ...OTHERS }, t)).toUpperCase(), 'REVOKED');
    for (const [name, member] of MISSPELT) {
      const { [member]: value, ...others } = entry;
      const hint = { ...invalid, message: new RegExp(`'${name}': did you mean '${member}'`) };
      await t.throwsAsync(async () => call({ ...entry, [name]: value }, t), hint);
      await t.throwsAsync(async () => call(wrong({ ...others, [name]: value }), t), hint);
      await t.throwsAsync(async () => call(wrong(Object.assign(withGetters({ [name]: value }), entry)), t), hint);
    }
  });

  test(`${taker}: members count own or inherited, and are read once`, async (t) => {
    const reads = new Map<string | symbol, number>();
    const counting = new Proxy(entry, {
      get(target, key) {
        reads.set(key, (reads.get(key) ?? 0) + 1);
        return Reflect.get(target, key);
      },
    });
    for (const form of [withGetters(entry), Object.create(entry), Object.assign(Object.create(null), entry), counting])
      t.is(String(await call(form, t)).toUpperCase(), 'REVOKED');
    for (const [name, count] of reads) t.is(count, 1, String(name));
    t.true(reads.has('status') && reads.has('serialNumber'));
  });
}

for (const [name, authorityOf] of Object.entries(AUTHORITIES)) {
  test(`${name} of an authority: what is misspelt is no answer`, async (t) => {
    const said = async (one: object): Promise<string> => {
      const made = makeResponder(t, { authority: authorityOf(wrong(one)), notIssued: 'good' });
      if (name === 'changes') await Promise.race([made.ready(), new Promise((resolve) => setTimeout(resolve, 200))]);
      else await made.ready();
      return statusOf(made, ask(['07']));
    };
    t.is(await said(entry), 'revoked');
    for (const form of [withGetters(entry), Object.create(entry)]) t.is(await said(form), 'revoked');
    for (const [misspelt, member] of MISSPELT.slice(0, 5)) {
      const { [member]: value, ...others } = entry;
      t.is(await said({ ...others, [misspelt]: value }), 'TRY_LATER', misspelt);
    }
  });
}

test('an authority may use one object for every answer', async (t) => {
  const row = { ...entry, serialNumber: '07' };
  const authority: StatusAuthority = {
    lookup: () => undefined,
    async *changes(_, signal) {
      const entries = function* () {
        for (const serialNumber of ['07', '08']) yield Object.assign(row, { serialNumber });
        Object.assign(row, { status: OCSPCertStatus.GOOD, revocationTime: null, reason: null });
      };
      yield { entries: entries(), cursor: '1' };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    },
  };
  const made = makeResponder(t, { authority });
  await made.ready();
  for (const serial of ['07', '08']) t.is(await statusOf(made, ask([serial])), 'revoked');
});

test('rows of files: a column or member that is nearly one of those that count', async (t) => {
  const statuses = async (source: AsyncIterable<StatusEntry>): Promise<unknown[]> => {
    const found = [];
    for await (const { serialNumber } of source) found.push(serialNumber);
    return found;
  };
  const header = 'serial,status,revocationTime,reason';
  const row = '10,revoked,2026-01-02T03:04:05Z,superseded';
  const onBadRow = (): void => undefined;
  for (const [name, meant] of [
    ['next_update', 'nextUpdate'],
    ['Next Update', 'nextUpdate'],
    ['thisUpdat', 'thisUpdate'],
    ['serials', 'serial'],
    ['serial_number', 'serial'],
    ['statuss', 'status'],
    ['certStatus', 'status'],
    ['revocation_time', 'revocationTime'],
    ['revocationReason', 'reason'],
    ['invalidity-date', 'invalidityDate'],
    ['status_version', 'statusVersion'],
  ]) {
    const refusal = { code: 'ERR_OCSP_MALFORMED', message: new RegExp(`'${name}': did you mean '${meant}'`) };
    const csv = Buffer.from(`${header},${name}\n${row},x\n`);
    await t.throwsAsync(statuses(csvSource(csv)), refusal);
    await t.throwsAsync(statuses(csvSource(csv, { onBadRow })), refusal, 'the first row is never left out');
    const object = { serial: '10', status: 'good', [name!]: 'x' };
    const ndjson = Buffer.from(`${JSON.stringify(object)}\n{"serial":"11","status":"good"}\n`);
    await t.throwsAsync(statuses(ndjsonSource(ndjson)), refusal);
    t.deepEqual(await statuses(ndjsonSource(ndjson, { onBadRow })), ['11']);
  }
  const others = Object.keys(OTHERS);
  const csv = Buffer.from(`${header},${others.join()}\n${row}${',x'.repeat(others.length)}\n`);
  t.deepEqual(await statuses(csvSource(csv)), ['10']);
  const ndjson = Buffer.from(`${JSON.stringify({ ...OTHERS, serial: '10', status: 'good' })}\n`.repeat(2));
  t.deepEqual(await statuses(ndjsonSource(ndjson)), ['10', '10']);
});

const record = { serial: '07', ...signer.answers[0], statusVersion: 5, producedAt: 6, certStatus: REVOKED };
const RECORD: ResponseRecord = { ...record, nextUpdate: null, der: signer.sign(entry) };
const WRITERS: Record<string, (record: ResponseRecord) => unknown> = {
  putBatch: (one) =>
    withStore(async (store) => {
      await store.putBatch([one], { issuer: signer.issuer });
      return store.getRecord('07')?.certStatus;
    }),
  append: (one) =>
    withStore(async (store) => {
      const run = await store.beginRun({ id: 'a', issuer: signer.issuer });
      try {
        await run.append([one]);
        await run.commit();
      } finally {
        await run.close();
      }
      return store.getRecord('07')?.certStatus;
    }),
  toStoredResponse: (one) => toStoredResponse(one, signer.issuer).certStatus,
};

for (const [writer, call] of Object.entries(WRITERS)) {
  test(`${writer}: members of records count own or inherited, are read once, and there are no others`, async (t) => {
    const reads = new Map<string | symbol, number>();
    const counting = new Proxy(RECORD, {
      get(target, key) {
        reads.set(key, (reads.get(key) ?? 0) + 1);
        return Reflect.get(target, key);
      },
    });
    for (const form of [RECORD, withGetters(RECORD), Object.create(RECORD), counting])
      t.is(await call(wrong(form)), REVOKED);
    for (const [name, count] of reads) t.is(count, 1, String(name));
    t.deepEqual([...reads.keys()].map(String).sort(), Object.keys(RECORD).sort());
    for (const name of [...Object.keys(RECORD).map((member) => `${member}_`), 'hash', 'issuer', 'id', '0']) {
      const refusal = { ...invalid, message: new RegExp(`takes no '${name}'`) };
      await t.throwsAsync(async () => call(wrong({ ...RECORD, [name]: undefined })), refusal);
      await t.throwsAsync(async () => call(wrong(Object.assign(withGetters({ [name]: 1 }), RECORD))), refusal);
    }
  });
}

test('choices, addresses and news: names that mean nothing are refused', async (t) => {
  const near = (name: string) => ({ ...invalid, message: new RegExp(`'${name}'`) });
  t.throws(() => signer.sign(entry, wrong({ hashAlgoritm: 'sha256' })), near('hashAlgoritm'));
  t.throws(() => signer.sign(entry, wrong({ signatureAlgorithm: '1.2' })), near('signatureAlgorithm'));
  await t.throwsAsync(signer.signAsync(entry, wrong({ nameHash: Buffer.alloc(20) })), near('nameHash'));
  const made = makeResponder(t, { authority: listAuthority([entry]) });
  await t.throwsAsync(serve(made, wrong({ port: 0, hots: '127.0.0.1' })), near('hots'));
  await t.throwsAsync(serve(made, { port: 0, host: '127.0.0.1' }, { admin: wrong({ prot: 0 }) }), near('prot'));
  const served = await serve(made, wrong(withGetters({ port: 0, host: '127.0.0.1' })));
  t.regex(served.url, /^http:\/\/127\.0\.0\.1:/);
  await served.close();
  const errors: unknown[] = [];
  const authority: StatusAuthority = {
    lookup: () => undefined,
    async *changes() {
      try {
        yield wrong({ entries: [], cursor: '1', mroe: true });
      } catch (error) {
        errors.push(error);
      }
    },
  };
  const behind = makeResponder(t, { authority, notIssued: 'good' });
  await Promise.race([behind.ready(), new Promise((resolve) => setTimeout(resolve, 200))]);
  t.is(await statusOf(behind, ask(['07'])), 'TRY_LATER', 'news with a name that means nothing are none');
});
