/** A store as files that servers answer GET requests with, and as a mirror. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join, posix } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { loadDerOcspRequest, loadDerOcspResponse, OCSPCertStatus } from 'openssl-ocsp';
import {
  exportTar,
  exportToFolder,
  mirrorStore,
  putStatus,
  type ResponseRecord,
  ResponseSigner,
  SegmentStore,
} from 'openssl-ocsp/bulk';
import { OCSPClient } from 'openssl-ocsp/client';
import { buildTestResponse } from 'openssl-ocsp/testing';
import { testIf } from '../../helpers/conditional.js';
import { freePort } from '../../helpers/free-port.js';
import { hasProgram, runProgram } from '../../helpers/programs.js';
import { ask, ca, delegate } from '../../responder/fixtures.js';
import { record } from '../records.js';
import { scratch } from '../scratch.js';

const NGINX = '/usr/sbin/nginx';
const withNginx = testIf(existsSync(NGINX) && hasProgram('curl'));
const signer = new ResponseSigner({
  issuer: ca.certificate,
  responder: delegate.certificate,
  privateKey: delegate.privateKey,
});

async function filled(
  t: ExecutionContext,
  count: number,
): Promise<{ folder: string; store: SegmentStore; serials: string[] }> {
  const folder = scratch(t);
  const store = await SegmentStore.open(folder);
  t.teardown(() => store.close());
  // Of many serial numbers some have each of the characters that paths do not like, at each place.
  const serials = Array.from({ length: count }, (_, i) =>
    (0x7fbf_ffff_0000_0000n + BigInt(i) * 0xfb_ef_beffn).toString(16).toUpperCase(),
  );
  const entries = serials.map((serialNumber, i) =>
    i % 2 === 0
      ? { serialNumber, status: OCSPCertStatus.GOOD }
      : { serialNumber, status: OCSPCertStatus.REVOKED, revocationTime: new Date(1_700_000_000_000) },
  );
  await putStatus({ entries, signer, store });
  return { folder, store, serials };
}

/** A file server that knows nothing of OCSP. */
async function serveFolder(t: ExecutionContext, root: string): Promise<number> {
  const folder = scratch(t);
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  writeFileSync(
    join(folder, 'nginx.conf'),
    `${user} daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events {}
http { access_log off; ${temporary.join(' ')}
  server { listen 127.0.0.1:${port}; location /ocsp/ { root ${root}; rewrite ^(.+)/$ $1 break; types {} default_type application/ocsp-response; } } }`,
  );
  const child: ChildProcess = spawn(NGINX, ['-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], {
    stdio: 'ignore',
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  t.teardown(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (isOpen) return port;
    if (child.exitCode !== null) throw new Error(readFileSync(join(folder, 'error.log'), 'utf8'));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

withNginx('nginx answers from the folder, however a client writes the request', async (t) => {
  const { store, serials } = await filled(t, 60);
  const site = scratch(t);
  const root = join(site, 'ocsp');
  t.is(await exportToFolder(store.records(), root, { layout: 'get' }), 120, 'one for SHA-1, one for SHA-256');
  t.deepEqual(
    readdirSync(root).filter((name) => name.endsWith('.tmp')),
    [],
  );
  const port = await serveFolder(t, site);
  const base = `http://127.0.0.1:${port}/ocsp`;
  const requests = serials.flatMap((serial) =>
    (['sha1', 'sha256'] as const).map((hash) => ({ serial, hash, text: ask([serial], { hash }).toString('base64') })),
  );
  const all = requests.map(({ text }) => text).join('');
  t.true(
    requests.some(({ text }) => text.endsWith('/')),
    'a request ends with /',
  );
  t.true(all.includes('//'));
  for (const character of ['/', '+', '=']) t.true(all.includes(character), `a request has ${character}`);
  const forms: Record<string, (text: string) => string> = {
    'as RFC 6960 has it': encodeURIComponent,
    'slashes as they are': (text) => encodeURIComponent(text).replaceAll('%2F', '/'),
    'as it is': (text) => text,
    'in lower case': (text) => encodeURIComponent(text).replace(/%../g, (octet) => octet.toLowerCase()),
  };
  const head = await runProgram('curl', [
    '-sSi',
    '-o',
    '-',
    `${base}/${forms['as RFC 6960 has it']!(requests[0]!.text)}`,
  ]);
  t.regex(head.stdout, /^HTTP\/1\.1 200.*content-type: application\/ocsp-response\r\n/is);
  for (const [how, form] of Object.entries(forms)) {
    for (const { serial, hash, text } of requests) {
      const response = await fetch(`${base}/${form(text)}`);
      t.is(response.status, 200, `${how}: ${text}`);
      const der = Buffer.from(await response.arrayBuffer());
      t.deepEqual(der, store.get(serial, { hashAlgorithm: hash }));
      const { serialNumber, hashAlgorithm } = loadDerOcspResponse(der);
      const asked = loadDerOcspRequest(Buffer.from(text, 'base64'));
      t.deepEqual([serialNumber, hashAlgorithm], [asked.serialNumber, asked.hashAlgorithm]);
    }
  }
  t.is((await fetch(`${base}/${encodeURIComponent(ask(['1234']).toString('base64'))}`)).status, 404);
  // A client of ours.
  const leaf = ca.issue();
  await putStatus({
    entries: [{ serialNumber: leaf.certificate.serialNumber, status: OCSPCertStatus.GOOD }],
    signer,
    store,
  });
  await exportToFolder(store.records(), root, { layout: 'get' });
  const client = new OCSPClient({ responders: [base] });
  t.teardown(() => client.close());
  const { outcome, attempts } = await client.check({ certificate: leaf.certificate, issuer: ca.certificate });
  t.is(outcome, 'good', JSON.stringify(attempts));
});

test('the longest names, a tar archive, and what is wrong', async (t) => {
  const folder = scratch(t);
  const store = await SegmentStore.open(folder);
  t.teardown(() => store.close());
  const long = new ResponseSigner({
    issuer: ca.certificate,
    responder: delegate.certificate,
    privateKey: delegate.privateKey,
    certIdAlgorithm: 'sha512',
  });
  const serialNumber = `7F${'FB'.repeat(19)}`;
  await putStatus({ entries: [{ serialNumber, status: OCSPCertStatus.GOOD }], signer: long, store });
  const root = scratch(t);
  t.is(await exportToFolder(store.records(), root, { layout: 'get' }), 1);
  // (Its hashes are others each time, and some have slashes that stand side by side or at the end.)
  const name = posix.normalize(ask([serialNumber], { hash: 'sha512' }).toString('base64')).replace(/\/$/, '');
  t.deepEqual(readFileSync(join(root, name)), store.get(serialNumber));
  const archive = join(scratch(t), 'all.tar');
  writeFileSync(archive, Buffer.concat([...exportTar(store.records(), { layout: 'get' })]));
  t.is(execFileSync('tar', ['-tf', archive], { encoding: 'utf8' }), `${name}\n`);
  const bad = { layout: 'path' as never };
  await t.throwsAsync(exportToFolder(store.records(), root, bad), { code: 'ERR_OCSP_INVALID_VALUE' });
  const both = { layout: 'get', levels: 1 } as const;
  await t.throwsAsync(exportToFolder(store.records(), root, both), { code: 'ERR_OCSP_INVALID_VALUE' });
});

test('two exports into one folder at a time: each file is whole, and about its certificate', async (t) => {
  const target = scratch(t);
  const { store } = await filled(t, 100);
  const { store: other } = await filled(t, 1);
  const entries = Array.from({ length: 100 }, (_, i) => ({ serialNumber: BigInt(i + 1), status: OCSPCertStatus.GOOD }));
  await putStatus({ entries, signer, store: other });
  t.deepEqual(await Promise.all([store, other].map((one) => exportToFolder(one.records(), target))), [100, 101]);
  for (const name of readdirSync(target)) {
    const { serialNumber } = loadDerOcspResponse(readFileSync(join(target, name)));
    t.is(`0x${name}`, `0x${serialNumber.toString(16).toUpperCase().padStart(2, '0')}.der`);
  }
  // What could not be put in its place leaves nothing behind.
  const blocked = scratch(t);
  mkdirSync(join(blocked, '01.der', 'in the way'), { recursive: true });
  await t.throwsAsync(exportToFolder(other.records(), blocked));
  t.deepEqual(
    readdirSync(blocked).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('a store is no mirror of itself: its unfinished run stays', async (t) => {
  const { folder, store } = await filled(t, 1);
  const [record] = [...store.records()];
  const run = await store.beginRun({ id: 'run' });
  await run.append([{ ...record!, serial: '02' }]);
  await run.checkpoint('here');
  await run.close();
  const alias = join(scratch(t), 'alias');
  symlinkSync(folder, alias);
  for (const target of [folder, alias])
    await t.throwsAsync(mirrorStore(folder, target), { code: 'ERR_OCSP_INVALID_VALUE', message: /itself/ });
  const again = await store.beginRun({ id: 'run' });
  t.is(again.records, 1);
  await again.discard();
});

test('a mirror is read while it is brought up to date, and never goes back', async (t) => {
  const { folder, store, serials } = await filled(t, 4);
  const target = scratch(t);
  const first = await mirrorStore(folder, target);
  t.true(first.copied > 0 && first.removed === 0);
  const mirror = await SegmentStore.open(target, { refreshInterval: 0 });
  t.teardown(() => mirror.close());
  const all = () => [...store.records()];
  t.deepEqual([...mirror.records()], all());
  t.deepEqual(await mirrorStore(folder, target), { copied: 0, bytes: 0, removed: 0 });
  const old = scratch(t);
  for (const name of readdirSync(folder))
    if (/MANIFEST|seg$/.test(name)) copyFileSync(join(folder, name), join(old, name));
  // Many small changes, which are put together now and then, while somebody reads.
  let reads = 0;
  let isDone = false;
  const reading = (async () => {
    while (!isDone) {
      t.is(loadDerOcspResponse(mirror.get(serials[1]!)!).certificateStatus, OCSPCertStatus.REVOKED);
      reads += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  for (let i = 0; i < 12; i += 1) {
    const entry = { serialNumber: BigInt(i + 1), status: OCSPCertStatus.GOOD };
    await putStatus({ entries: [entry], signer, store });
    await mirrorStore(folder, target);
    t.deepEqual([...mirror.records()], all());
  }
  isDone = true;
  await reading;
  t.true(reads > 0);
  t.deepEqual(await mirror.verify().then(({ problems }) => problems), []);
  const segments = (path: string) =>
    readdirSync(path)
      .filter((name) => name.endsWith('.seg'))
      .sort();
  t.deepEqual(segments(target), segments(folder));
  await t.throwsAsync(mirrorStore(old, target), { code: 'ERR_OCSP_INVALID_VALUE', message: /later state/ });
  const other = await filled(t, 1);
  await t.throwsAsync(mirrorStore(other.folder, target), { code: 'ERR_OCSP_INVALID_VALUE', message: /another store/ });
  t.deepEqual([...mirror.records()], all());
});

test('a mirror does not become that of a backup which went another way, nor of what is no store yet', async (t) => {
  const [folder, backup, target] = [scratch(t), scratch(t), scratch(t)];
  const wrong = { code: 'ERR_OCSP_INVALID_VALUE' };
  await t.throwsAsync(mirrorStore(folder, target), { ...wrong, message: /there is no store in/ });
  const put = async (...batch: ResponseRecord[]): Promise<void> => {
    const store = await SegmentStore.open(folder);
    await store.putBatch(batch);
    store.close();
  };
  await put(record(1n));
  cpSync(folder, backup, { recursive: true });
  await put(record(2n));
  await mirrorStore(folder, target);
  rmSync(folder, { recursive: true });
  cpSync(backup, folder, { recursive: true });
  for (const serial of [3n, 4n]) {
    await put(record(serial));
    await t.throwsAsync(mirrorStore(folder, target), { ...wrong, message: /never was in/ });
    const mirror = await SegmentStore.open(target);
    t.deepEqual(
      [...mirror.records()].map((one) => one.serial),
      ['01', '02'],
    );
    mirror.close();
  }
  t.is((await mirrorStore(folder, join(target, 'new'))).copied, 3);
});

test('a mirror that was interrupted serves the old state, and is finished later; damage is not copied', async (t) => {
  const { folder, store } = await filled(t, 4);
  const target = scratch(t);
  await mirrorStore(folder, target);
  const before = [...store.records()];
  await putStatus({ entries: [{ serialNumber: 5n, status: OCSPCertStatus.GOOD }], signer, store });
  // Segments without the MANIFEST, and half a segment: what a process leaves that is killed.
  const [newest] = readdirSync(folder)
    .filter((name) => name.endsWith('.seg'))
    .sort()
    .slice(-1) as [string];
  const bytes = readFileSync(join(folder, newest));
  writeFileSync(join(target, `${newest}.tmp`), bytes.subarray(0, 100));
  writeFileSync(join(target, newest), bytes.subarray(0, 200));
  const mirror = await SegmentStore.open(target, { refreshInterval: 0 });
  t.teardown(() => mirror.close());
  t.deepEqual([...mirror.records()], before);
  await mirrorStore(folder, target);
  t.deepEqual([...mirror.records()], [...store.records()]);
  const fresh = scratch(t);
  writeFileSync(join(folder, newest), bytes.subarray(0, -1));
  await t.throwsAsync(mirrorStore(folder, fresh), { code: 'ERR_OCSP_STORE_DAMAGED' });
  const empty = await SegmentStore.open(fresh);
  t.deepEqual([...empty.records()], []);
  empty.close();
  rmSync(join(folder, newest));
  await t.throwsAsync(mirrorStore(folder, fresh), { code: 'ENOENT' });
  writeFileSync(join(folder, newest), bytes);
  await mirrorStore(folder, fresh);
  t.deepEqual(
    readdirSync(fresh)
      .filter((name) => name.endsWith('.seg'))
      .sort(),
    readdirSync(target)
      .filter((name) => name.endsWith('.seg'))
      .sort(),
  );
});

test('of two exports at a time the one that began first takes nothing back', async (t) => {
  const { store, serials } = await filled(t, 2);
  const [first, second] = serials as [string, string];
  const target = scratch(t);
  const fileOf = (serial: string) => loadDerOcspResponse(readFileSync(join(target, `${serial}.der`))).certificateStatus;
  // What it has seen when it began, and writes at last.
  const earlier = [...store.records()];
  // (producedAt has whole seconds.)
  await sleep(1100);
  const revoked = { serialNumber: first, status: OCSPCertStatus.REVOKED, revocationTime: new Date() };
  await putStatus({ entries: [revoked], signer, store });
  await exportToFolder(store.records(), target);
  t.is(await exportToFolder(earlier, target), 2);
  t.is(fileOf(first), OCSPCertStatus.REVOKED);
  t.is(fileOf(second), OCSPCertStatus.REVOKED);
  // By whatever clock: here, that of what is there was ahead.
  const { certificate } = ca.issue({ serialNumber: BigInt(`0x${first}`) });
  const ahead = buildTestResponse({
    entries: [{ certificate, issuer: ca.certificate, status: 'good' }],
    signer: delegate,
    producedAt: new Date(Date.now() + 600_000),
  });
  writeFileSync(join(target, `${first}.der`), ahead);
  await exportToFolder(store.records(), target);
  t.is(fileOf(first), OCSPCertStatus.REVOKED);
  // What is no answer, or was there long before, gives way.
  writeFileSync(join(target, `${second}.der`), 'x');
  await exportToFolder(store.records(), target);
  t.is(fileOf(second), OCSPCertStatus.REVOKED);
  utimesSync(join(target, `${first}.der`), new Date(0), new Date(0));
  await exportToFolder(earlier, target);
  t.is(fileOf(first), OCSPCertStatus.GOOD);
});
