/**
 * A store on a disk that is full, again and again. Argument: an empty folder on a small file system. Ends with exit code 0 when
 * nothing that was acknowledged was ever lost, and everything works once there is room.
 */
import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ResponseRecord } from '#dist/store/response-store.js';
import { SegmentStore } from '#dist/store/segment-store.js';

const [disk] = process.argv.slice(2) as [string];
const folder = join(disk, 'store');
const filler = join(disk, 'filler');

/** Fills the disk, except for so many bytes. */
function fillAllBut(free: number): void {
  rmSync(filler, { force: true });
  const file = openSync(filler, 'w');
  let size = 0;
  for (const length of [65_536, 4096, 1]) {
    const block = Buffer.alloc(length);
    try {
      for (;;) size += writeSync(file, block);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
  }
  ftruncateSync(file, Math.max(0, size - free));
  closeSync(file);
}

const acknowledged = new Map<bigint, ResponseRecord>();
let version = 0;

function next(serial: bigint, length: number): ResponseRecord {
  version += 1;
  const der = Buffer.alloc(length, version);
  return { serial, statusVersion: version, producedAt: version, certStatus: 0, nextUpdate: null, der };
}

async function check(): Promise<void> {
  const reader = await SegmentStore.open(folder);
  for (const [serial, { der }] of acknowledged) assert.deepEqual(reader.get(serial), der);
  assert.equal([...reader.records()].length, acknowledged.size);
  assert.deepEqual((await reader.verify()).problems, []);
  reader.close();
}

/** What an action does on a full disk: fail with ENOSPC and change nothing, or succeed. True when it failed. */
async function fails(action: () => Promise<readonly ResponseRecord[]>): Promise<boolean> {
  try {
    for (const record of await action()) acknowledged.set(record.serial as bigint, record);
    return false;
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC', String(error));
    return true;
  } finally {
    await check();
  }
}

let failures = 0;
const store = await SegmentStore.open(folder);
const put = async (serial: bigint, length: number): Promise<readonly ResponseRecord[]> => {
  const records = [next(serial, length)];
  await store.putBatch(records);
  return records;
};
const bulk = async (count: number): Promise<readonly ResponseRecord[]> => {
  const run = await store.beginRun({ id: 'run' });
  try {
    const records = Array.from({ length: count }, (_, i) => next(BigInt(i), 300));
    for (const record of records) {
      await run.append([record]);
      await run.checkpoint(String(record.serial));
    }
    await run.commit();
    return records;
  } catch (error) {
    await run.discard();
    throw error;
  }
};
const compact = async (): Promise<readonly ResponseRecord[]> => {
  await store.compact();
  return [];
};

await put(1n, 100).then(([record]) => acknowledged.set(1n, record as ResponseRecord));
for (let round = 0; round < 12; round += 1) {
  for (const free of [0, 4096, 16_384 + round * 8192]) {
    fillAllBut(free);
    for (const action of [() => put(BigInt(round), 20_000), () => bulk(100), compact]) {
      if (await fails(action)) failures += 1;
    }
  }
  // Many small batches, which are put together now and then: that may fail, but not the batch that it follows.
  fillAllBut(80_000 + round * 4096);
  for (let i = 0; i < 20; i += 1) if (await fails(() => put(BigInt(2000 + i), 3000))) failures += 1;
  rmSync(filler);
  assert.equal(await fails(compact), false);
  assert.equal(await fails(() => put(BigInt(1000 + round), 500)), false, 'there is room again');
}
assert.ok(failures > 12, `only ${failures} failures`);
store.close();
console.log(`${failures} failures`);
