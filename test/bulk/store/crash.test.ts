/** Writers that are killed, disks that are full, files that are cut off: nothing acknowledged is lost, nothing damaged served. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { SegmentStore } from '#dist/store/segment-store.js';
import { serialHex, serialKey } from '#dist/store/serial-key.js';
import { repeated } from '../../helpers/repeated.js';
import { record } from '../records.js';
import { scratch } from '../scratch.js';
import { crashPut, crashRecord } from './crash-writer.js';

const WRITER = fileURLToPath(new URL('./crash-writer.js', import.meta.url));
const FULL_DISK = fileURLToPath(new URL('./full-disk.js', import.meta.url));
const KILLS = repeated(40);
const COUNT = 6000;

/** Everything that is served, by serial number. */
function contentOf(store: SegmentStore): Map<string, string> {
  return new Map([...store.records()].map(({ serial, der }) => [serial, der.toString()]));
}

const SERIALS = Array.from({ length: COUNT }, (_, i) => serialHex(serialKey(crashRecord('1', i).serial)));

/**
 * What is wrong with what is served for record `i` after a number of whole runs: of a batch that was acknowledged the revoked
 * status has to be there; of others it may be, when the writer was killed before it could say so.
 */
function wrong(served: string | undefined, i: number, runs: number, puts: ReadonlySet<number>): string | undefined {
  if (served === `revoked ${i}`) return undefined;
  const expected = runs === 0 ? undefined : Buffer.from(crashRecord(String(runs), i).der).toString();
  return !puts.has(i) && served === expected ? undefined : `record ${i}: ${served} instead of ${expected}`;
}

/** Lets a writer work, kills it when it has begun and some time has passed, or lets it end. Returns what it said. */
async function work(folder: string, run: number, step: number, lifetime: number | undefined): Promise<string[]> {
  const child = spawn(process.execPath, [WRITER, folder, String(run), String(COUNT), String(step)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  let timer: NodeJS.Timeout | undefined;
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
    if (lifetime !== undefined) timer ??= setTimeout(() => child.kill('SIGKILL'), lifetime);
  });
  // Some are killed before they have said anything: while they take the lock, or recover.
  const early = lifetime === 0 ? setTimeout(() => child.kill('SIGKILL'), 60 + Math.random() * 120) : undefined;
  await once(child, 'close');
  clearTimeout(timer);
  clearTimeout(early);
  return output.split('\n').slice(0, -1);
}

test.serial(`a writer that is killed ${KILLS} times loses nothing, and ends as one that never was`, async (t) => {
  t.timeout(180_000);
  const folder = scratch(t);
  const reader = await SegmentStore.open(folder, { refreshInterval: 0 });
  const puts = new Set<number>();
  let run = 1;
  let acknowledged = 0;
  let kills = 0;
  for (let finishing = false; !finishing || acknowledged !== 0; ) {
    finishing ||= kills >= KILLS;
    const lifetime = finishing ? undefined : kills % 5 === 0 ? 0 : Math.random() * 60;
    // Another process, this one, puts a revocation meanwhile: it waits for no run, and is served at once.
    const other = Math.floor(Math.random() * COUNT);
    const putting = reader.putBatch([crashPut(other)]).then(() => {
      t.is(reader.get(SERIALS[other] as string)?.toString(), `revoked ${other}`);
      puts.add(other);
    });
    const lines = await work(folder, run, finishing ? 1000 : 20, lifetime);
    await putting;
    let committed = false;
    for (const line of lines) {
      const [what, number] = line.split(' ');
      if (what === 'resume') {
        t.true(
          Number(number) >= acknowledged,
          `run ${run}: resumed at ${number}, though ${acknowledged} was acknowledged`,
        );
      }
      if (what === 'done') acknowledged = Number(number);
      if (what === 'put') puts.add(Number(number));
      committed ||= what === 'committed';
    }
    if (!committed) kills += 1;
    // Killed after the commit, but before it was said: the next one begins the run again, and no one is the worse for it.
    const served = reader.stats().lastRun;
    if (committed) t.is(served, String(run));
    if (served === String(run)) {
      const content = contentOf(reader);
      t.is(content.size, COUNT);
      t.deepEqual(
        SERIALS.flatMap((serial, i) => wrong(content.get(serial), i, run, puts) ?? []),
        [],
      );
      run += 1;
      acknowledged = 0;
      if (finishing) break;
    } else {
      const sample = Array.from({ length: 50 }, () => Math.floor(Math.random() * COUNT));
      for (const i of [...puts, ...sample]) {
        t.is(wrong(reader.get(SERIALS[i] as string)?.toString(), i, run - 1, puts), undefined);
      }
    }
  }
  t.true(kills >= KILLS);
  t.log(`${kills} kills, ${run - 1} runs, ${puts.size} batches`);
  const report = await reader.verify();
  t.deepEqual(report.problems, []);
  await compareWithUninterrupted(t, folder, run - 1, puts);
  reader.close();
});

async function compareWithUninterrupted(
  t: ExecutionContext,
  folder: string,
  runs: number,
  puts: ReadonlySet<number>,
): Promise<void> {
  const killed = await SegmentStore.open(folder);
  const fresh = await SegmentStore.open(scratch(t));
  const run = await fresh.beginRun({ id: 'all at once' });
  await run.append(Array.from({ length: COUNT }, (_, i) => crashRecord(String(runs), i)));
  await run.append([...puts].map(crashPut));
  await run.commit();
  // A batch that was written, but whose writer was killed before it could say so, is there as well.
  const content = contentOf(killed);
  for (const [serial, der] of contentOf(fresh)) {
    if (!content.get(serial)?.startsWith('revoked')) t.is(content.get(serial), der);
  }
  await killed.compact();
  t.deepEqual(contentOf(killed), content);
  // No duplicates: each serial number is in one segment, once.
  t.is(killed.stats().entries, COUNT);
  killed.close();
  fresh.close();
}

/** A store whose run has two checkpoints and records after them. */
async function interrupted(folder: string): Promise<{ segment: string; sizes: number[] }> {
  const store = await SegmentStore.open(folder);
  await store.putBatch([record(100n)]);
  const run = await store.beginRun({ id: 'r' });
  const sizes: number[] = [];
  const size = (): number => readFileSync(join(folder, segment())).length;
  const segment = (): string =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.seg'))
      .sort()[1] as string;
  for (const serial of [1n, 2n]) {
    await run.append([record(serial)]);
    await run.checkpoint(String(serial));
    sizes.push(size());
  }
  await run.append([record(3n)]);
  await run.close();
  store.close();
  return { segment: segment(), sizes };
}

test('a file cut off at any byte, or with any byte of its end changed, goes on from the last checkpoint before it', async (t) => {
  const folder = scratch(t);
  const origin = join(folder, 'origin');
  const { segment, sizes } = await interrupted(origin);
  const [first, second] = sizes as [number, number];
  const content = readFileSync(join(origin, segment));
  t.is(content.length, second);
  const tail = Buffer.from('a torn write');
  const states: [Buffer, string][] = [];
  for (let at = first; at < second; at += 1) {
    states.push([content.subarray(0, at), '1']);
    states.push([Buffer.concat([content.subarray(0, at), tail]), '1']);
    const changed = Buffer.from(content);
    changed[at] = (changed[at] as number) ^ 0x40;
    states.push([changed, '1']);
  }
  states.push([Buffer.concat([content, tail]), '2']);
  states.push([Buffer.concat([content, Buffer.alloc(5000)]), '2']);
  states.push([Buffer.concat([content, content.subarray(32, 50)]), '2']);
  for (const [bytes, token] of states) {
    const copy = mkdtempSync(join(folder, 'copy-'));
    cpSync(origin, copy, { recursive: true });
    writeFileSync(join(copy, segment), bytes);
    const store = await SegmentStore.open(copy);
    const run = await store.beginRun({ id: 'r' });
    t.is(run.resumeToken, token);
    t.is(run.records, Number(token));
    await run.append([2n, 3n].filter((serial) => serial > BigInt(token)).map((serial) => record(serial)));
    await run.commit();
    for (const serial of [1n, 2n, 3n, 100n]) t.deepEqual(store.get(serial), record(serial).der as Buffer);
    t.is(store.stats().entries, 4);
    store.close();
    rmSync(copy, { recursive: true });
  }
});

test('a finished segment of an unfinished run is opened again when its last checkpoint is the last of the run', async (t) => {
  const folder = scratch(t);
  const store = await SegmentStore.open(folder, { segmentRecords: 3 });
  const run = await store.beginRun({ id: 'r' });
  await run.append([record(1n)]);
  await run.checkpoint('1');
  // Fills and seals two segments after the checkpoint.
  await run.append([2n, 3n, 4n, 5n, 6n, 7n].map((serial) => record(serial, { der: Buffer.from('lost') })));
  await run.close();
  const again = await store.beginRun({ id: 'r' });
  t.is(again.resumeToken, '1');
  t.is(again.records, 1);
  await again.append([2n, 3n, 4n, 5n].map((serial) => record(serial)));
  await again.checkpoint('5');
  await again.close();
  const last = await store.beginRun({ id: 'r' });
  t.is(last.resumeToken, '5');
  t.is(last.records, 5);
  await last.commit();
  for (const serial of [1n, 2n, 3n, 4n, 5n]) t.deepEqual(store.get(serial), record(serial).der as Buffer);
  t.is(store.stats().entries, 5);
  store.close();
});

test('a full disk: what was acknowledged stays, and the run goes on when there is room again', async (t) => {
  if (process.platform === 'win32') {
    t.pass();
    return;
  }
  const folder = scratch(t);
  let acknowledged = 0;
  // Files may not grow beyond so many blocks of 512 or 1024 bytes: the write that would exceed it is cut short, the next fails.
  for (const blocks of [1, 8, 33, 57]) {
    const script = `trap '' XFSZ; ulimit -f ${blocks}; exec "$0" "$@"`;
    const args = ['-c', script, process.execPath, WRITER, folder, '1', '900', '30'];
    const { status, signal, stdout } = spawnSync('sh', args, { encoding: 'utf8' });
    t.is(signal, null);
    t.not(status, 0);
    for (const line of stdout.split('\n')) {
      const [what, number] = line.split(' ');
      if (what === 'resume') t.true(Number(number) >= acknowledged);
      if (what === 'done') acknowledged = Number(number);
    }
    const reader = await SegmentStore.open(folder);
    t.deepEqual((await reader.verify()).problems, []);
    reader.close();
  }
  t.true(acknowledged > 0 && acknowledged < 900);
  const { status, stdout } = spawnSync(process.execPath, [WRITER, folder, '1', '900', '30'], { encoding: 'utf8' });
  t.is(status, 0);
  t.true(stdout.endsWith('committed\n'));
  const store = await SegmentStore.open(folder);
  t.is(contentOf(store).size, 900);
  store.close();
});

test('a file system without room: what fails changes nothing, whatever it is', (t) => {
  const script = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$0" "$2" "$1"';
  // A file system of its own for one process: nothing to unmount, and no need for the rights of root.
  const namespace = ['-rm', 'sh', '-c'];
  const folder = scratch(t);
  if (spawnSync('unshare', [...namespace, 'mount -t tmpfs tmpfs "$0"', folder]).status !== 0) {
    t.log('no file system can be mounted here');
    t.pass();
    return;
  }
  const { status, stdout, stderr } = spawnSync('unshare', [...namespace, script, process.execPath, folder, FULL_DISK], {
    encoding: 'utf8',
  });
  t.is(status, 0, stderr);
  t.log(stdout.trim());
});

test('a run that another process had begun gives its number to no one else', async (t) => {
  const folder = scratch(t);
  const reader = await SegmentStore.open(folder, { refreshInterval: 0 });
  const first = await SegmentStore.open(folder);
  const begun = await first.beginRun({ id: '1' });
  await begun.append([record(1n)]);
  await begun.checkpoint('1');
  await begun.close();
  first.close();
  const second = await SegmentStore.open(folder);
  await (await second.beginRun({ id: '1' })).commit();
  second.close();
  const third = await SegmentStore.open(folder);
  const run = await third.beginRun({ id: '2' });
  t.is(run.resumeToken, null);
  await run.append([record(2n)]);
  await run.commit();
  await third.compact();
  for (const serial of [1n, 2n]) t.deepEqual(reader.get(serial), record(serial).der as Buffer);
  third.close();
  reader.close();
});

test('an error ends the run; it can be begun again in the same process', async (t) => {
  const folder = scratch(t);
  const store = await SegmentStore.open(folder);
  const run = await store.beginRun({ id: 'r' });
  await run.append([record(1n)]);
  await run.checkpoint('1');
  await t.throwsAsync(run.append([record(2n), { ...record(3n), statusVersion: -1 }]), {
    code: 'ERR_OCSP_INVALID_VALUE',
  });
  for (const call of [run.append([]), run.checkpoint('x'), run.commit()]) {
    await t.throwsAsync(call, { code: 'ERR_OCSP_INVALID_VALUE' });
  }
  await run.close();
  const again = await store.beginRun({ id: 'r' });
  t.is(again.resumeToken, '1');
  await again.commit();
  t.is(store.stats().entries, 1);
  store.close();
});

test('a damaged finished segment of an unfinished run is an error, and the run can be thrown away', async (t) => {
  const folder = scratch(t);
  const store = await SegmentStore.open(folder, { segmentRecords: 1 });
  const run = await store.beginRun({ id: 'r' });
  for (const serial of [1n, 2n, 3n]) {
    await run.append([record(serial)]);
    await run.checkpoint(String(serial));
  }
  await run.close();
  const segment = readdirSync(folder)
    .filter((name) => name.endsWith('.seg'))
    .sort()[0] as string;
  truncateSync(join(folder, segment), 100);
  await t.throwsAsync(store.beginRun({ id: 'r' }), { code: 'ERR_OCSP_STORE_DAMAGED' });
  const other = await store.beginRun({ id: 'other', otherRun: 'discard' });
  await other.append([record(4n)]);
  await other.commit();
  t.deepEqual([...contentOf(store).keys()], ['04']);
  store.close();
});
