import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import type { ResponseRecord } from '#dist/store/response-store.js';
import { SegmentStore } from '#dist/store/segment-store.js';
import { WriterLock } from '#dist/store/writer-lock.js';
import { record } from '../records.js';
import { scratch } from '../scratch.js';

const LOCKED = { code: 'ERR_OCSP_STORE_LOCKED' };

test('it is taken by one, and by the next when it was given back', (t) => {
  const folder = scratch(t);
  for (let round = 0; round < 3; round += 1) {
    const lock = WriterLock.acquire(folder);
    t.throws(() => WriterLock.acquire(folder), { ...LOCKED, message: new RegExp(`by process ${process.pid}$`) });
    t.throws(() => WriterLock.acquire(folder, true), LOCKED, 'a live process of this host is never robbed');
    lock.check();
    lock.release();
  }
  t.deepEqual(readdirSync(folder), ['LOCK'], 'no rubbish');
});

test('that the file is there means nothing, and neither does what is in it', (t) => {
  const folder = scratch(t);
  for (const content of [
    '',
    '{',
    JSON.stringify({ pid: process.pid, host: hostname() }),
    JSON.stringify({ pid: 1, host: 'x' }),
  ]) {
    writeFileSync(join(folder, 'LOCK'), content);
    const lock = WriterLock.acquire(folder);
    writeFileSync(join(folder, 'LOCK'), '');
    t.throws(() => WriterLock.acquire(folder, true), { ...LOCKED, message: /by another process$/ });
    lock.release();
  }
});

test('the end of a process gives it back, also to those who wait for nothing', async (t) => {
  const folder = scratch(t);
  const holder = `const { WriterLock } = await import(${JSON.stringify(import.meta.resolve('#dist/store/writer-lock.js'))});
    WriterLock.acquire(${JSON.stringify(folder)}); console.log('taken'); setInterval(() => {}, 1000);`;
  // A shell that becomes another program, which never asks for the child that it has: a zombie holds nothing.
  const script = '"$0" --input-type=module -e "$1" & echo $!; exec sleep 60';
  const parent = spawn('sh', ['-c', script, process.execPath, holder], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => parent.kill('SIGKILL'));
  let output = '';
  for await (const chunk of parent.stdout) {
    output += String(chunk);
    if (output.includes('taken')) break;
  }
  const pid = Number.parseInt(output, 10);
  t.throws(() => WriterLock.acquire(folder), { ...LOCKED, message: new RegExp(`by process ${pid}$`) });
  process.kill(pid, 'SIGKILL');
  await t.notThrowsAsync(eventually(() => WriterLock.acquire(folder)));
});

for (const end of ['terminate', 'process.exit()', 'throw new Error()', 'close']) {
  test(`the end of a thread gives it back: ${end}`, async (t) => {
    const folder = scratch(t);
    const code = `
      const { parentPort } = require('node:worker_threads');
      import(${JSON.stringify(import.meta.resolve('#dist/store/segment-store.js'))}).then(async ({ SegmentStore }) => {
        const store = await SegmentStore.open(${JSON.stringify(folder)});
        const run = await store.beginRun({ id: 'r' });
        await run.checkpoint('1');
        parentPort.postMessage('writing');
        parentPort.on('message', () => { ${end === 'close' ? 'parentPort.close()' : end}; });
      });`;
    const worker = new Worker(code, { eval: true });
    worker.on('error', () => undefined);
    await once(worker, 'message');
    const store = await SegmentStore.open(folder);
    await t.throwsAsync(store.beginRun({ id: 'r' }), LOCKED);
    await t.throwsAsync(store.beginRun({ id: 'r' }), LOCKED, 'asking gives nothing back');
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    if (end === 'terminate') await worker.terminate();
    else worker.postMessage('end');
    await ended;
    const run = await store.beginRun({ id: 'r' });
    t.is(run.resumeToken, '1');
    await run.discard();
    store.close();
  });
}

test('an owner on another host keeps it until it is broken', (t) => {
  const folder = scratch(t);
  const lock = WriterLock.acquire(folder);
  writeFileSync(join(folder, 'LOCK'), JSON.stringify({ pid: 7, host: 'elsewhere' }));
  t.throws(() => WriterLock.acquire(folder), { ...LOCKED, message: /by process 7 on elsewhere$/ });
  const other = WriterLock.acquire(folder, true);
  t.throws(() => lock.check(), { ...LOCKED, message: /taken away/ });
  t.throws(() => WriterLock.acquire(folder, true), LOCKED, 'once');
  lock.release();
  other.check();
  t.throws(() => WriterLock.acquire(folder), LOCKED, 'who has lost it gives nothing back');
  other.release();
});

test('a run whose lock was taken away is not published, and does not harm who has it', async (t) => {
  const folder = scratch(t);
  const store = await SegmentStore.open(folder, { refreshInterval: 0 });
  const run = await store.beginRun({ id: 'r' });
  await run.append([record(1n)]);
  await run.checkpoint('1');
  rmSync(join(folder, 'run', 'LOCK'));
  const other = await SegmentStore.open(folder);
  const taken = await other.beginRun({ id: 'r' });
  t.is(taken.resumeToken, '1');
  await taken.append([record(2n)]);
  await taken.checkpoint('2');
  await t.throwsAsync(run.append([record(3n), record(4n)]), LOCKED);
  await t.throwsAsync(run.checkpoint('2'), LOCKED);
  await t.throwsAsync(run.commit(), LOCKED);
  await t.throwsAsync(run.discard(), LOCKED);
  await t.throwsAsync(store.beginRun({ id: 'r' }), LOCKED);
  await taken.commit();
  t.deepEqual(store.get(2n), record(2n).der as Buffer);
  t.deepEqual(store.get(1n), record(1n).der as Buffer);
  t.deepEqual((await store.verify()).problems, []);
  store.close();
  other.close();
});

test('a compaction whose lock was taken away is not published, and does not harm who has it', async (t) => {
  const folder = scratch(t);
  const store = await SegmentStore.open(folder);
  for (const id of ['a', 'b']) {
    const run = await store.beginRun({ id });
    await run.append(Array.from({ length: 2000 }, (_, i) => record(BigInt(i), id === 'b' ? { statusVersion: 2 } : {})));
    await run.commit();
  }
  const compaction = t.throwsAsync(store.compact(), LOCKED);
  while (!existsSync(join(folder, 'COMPACTION'))) await nextTurn();
  rmSync(join(folder, 'compaction', 'LOCK'));
  const other = WriterLock.acquire(join(folder, 'compaction'));
  await compaction;
  other.check();
  other.release();
  t.deepEqual((await store.verify()).problems, []);
  t.deepEqual(store.get(7n), record(7n, { statusVersion: 2 }).der as Buffer);
  await store.compact();
  t.is(store.stats().segments, 1);
  store.close();
});

test('a batch whose lock was taken away changes nothing, not even what the store knows of itself', async (t) => {
  const folder = scratch(t);
  const store = await SegmentStore.open(folder);
  await store.putBatch([record(1n)]);
  const manifest = readFileSync(join(folder, 'MANIFEST'), 'utf8');
  let other: WriterLock | undefined;
  const batch = function* (): Generator<ResponseRecord> {
    yield record(2n);
    rmSync(join(folder, 'LOCK'));
    other = WriterLock.acquire(folder);
    // Of a kind that the store does not have yet.
    yield record(3n, { hashAlgorithm: 'sha512' });
  };
  await t.throwsAsync(store.putBatch(batch()), LOCKED);
  t.is(readFileSync(join(folder, 'MANIFEST'), 'utf8'), manifest);
  other?.release();
  await store.putBatch([record(2n)]);
  t.deepEqual((await store.verify()).problems, []);
  store.close();
});

test('the lock of a folder is waited for while others take it in turn, and not for one who keeps it', async (t) => {
  const [folder, kept] = [scratch(t), scratch(t)];
  const keeper = WriterLock.acquire(kept);
  const [store, other] = [await SegmentStore.open(folder), await SegmentStore.open(kept)];
  t.teardown(() => {
    store.close();
    other.close();
  });
  let lock = WriterLock.acquire(folder);
  const refused = t.throwsAsync(other.putBatch([record(1n)]), {
    ...LOCKED,
    message: new RegExp(`by process ${process.pid}$`),
  });
  let isPut = false;
  const put = store.putBatch([record(1n)]).then((result) => {
    isPut = true;
    return result;
  });
  let isRefused = false;
  refused.then(() => {
    isRefused = true;
  });
  // From hand to hand without a gap, until one who waits for a single holder has given up, and for as long again.
  const turn = async (): Promise<void> => {
    await sleep(100);
    lock.release();
    lock = WriterLock.acquire(folder);
  };
  let turns = 0;
  for (; !isRefused; turns += 1) await turn();
  for (; turns > 0; turns -= 1) await turn();
  t.false(isPut);
  lock.release();
  t.deepEqual(await put, { written: 1, kept: 0 });
  keeper.release();
  t.deepEqual(await other.putBatch([record(1n)]), { written: 1, kept: 0 });
});

test('of many processes that are killed now and then, each has the lock for itself', async (t) => {
  const folder = join(scratch(t), 'store');
  mkdirSync(folder);
  // Whoever has the lock makes a folder, which fails if another one is there, and removes it.
  const program = `
    import { mkdirSync, rmdirSync } from 'node:fs';
    import { WriterLock } from ${JSON.stringify(import.meta.resolve('#dist/store/writer-lock.js'))};
    const inside = ${JSON.stringify(join(folder, '..', 'inside'))};
    let had = 0;
    const until = Date.now() + 20000;
    while (had < 25 && Date.now() < until) {
      let lock;
      try { lock = WriterLock.acquire(${JSON.stringify(folder)}); }
      catch (error) {
        if (error.code !== 'ERR_OCSP_STORE_LOCKED') throw error;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
        continue;
      }
      mkdirSync(inside);
      await new Promise((resolve) => setImmediate(resolve));
      rmdirSync(inside);
      had += 1;
      if (Math.random() < 0.9) lock.release(); else process.kill(process.pid, 'SIGKILL');
    }`;
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'ignore', 'pipe'] }),
  );
  const ends = await Promise.all(children.map(endOf));
  for (const { code, signal, stderr } of ends) t.true(code === 0 || signal === 'SIGKILL', stderr);
  WriterLock.acquire(folder).release();
});

/** What an action gives once it no longer throws: the system takes an instant to end a process. */
async function eventually<T>(action: () => T): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return action();
    } catch (error) {
      if (attempt > 3000) throw error;
      await sleep(10);
    }
  }
}

async function endOf(child: ChildProcess): Promise<{ code: number | null; signal: string | null; stderr: string }> {
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const [code, signal] = await once(child, 'close');
  return { code, signal, stderr };
}
