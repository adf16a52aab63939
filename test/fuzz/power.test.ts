/**
 * A change of a store that fails at each of its calls, and the loss of power at each call of the change after it: what was
 * acknowledged before both is there, whichever of the names that were not synchronised have lasted.
 */
import { join } from 'node:path';
import test from 'ava';
import { HashAlgorithm, OCSPCertStatus } from 'openssl-ocsp';
import { type ResponseRecord, SegmentStore } from 'openssl-ocsp/bulk';
import { MEMORY, MemoryFiles } from './memory-files.js';
import { issuer } from './signers.js';

const folder = join(MEMORY, 'power');
const files = MemoryFiles.install();

function record(serial: bigint, producedAt: number, nextUpdate: number | null): ResponseRecord {
  return {
    serial,
    statusVersion: producedAt,
    certStatus: OCSPCertStatus.GOOD,
    producedAt,
    nextUpdate,
    hashAlgorithm: HashAlgorithm.SHA1,
    der: Buffer.from(`${serial} of ${producedAt}`),
  };
}

async function run(store: SegmentStore): Promise<void> {
  const writer = await store.beginRun({ id: 'run', otherRun: 'discard', issuer });
  try {
    await writer.append([record(3n, 4, null)]);
    await writer.commit();
  } finally {
    await writer.close();
  }
}

const CHANGES: Record<string, (store: SegmentStore) => Promise<unknown>> = {
  put: (store) => store.putBatch([record(3n, 3, null)], { issuer }),
  sweep: (store) => store.sweep(new Date(2_000_000)),
  compact: (store) => store.compact(),
  run,
};

/** Lets the call with number `at` of those that change something fail. Returns which that was; undefined when there are fewer. */
async function disturbed(at: number, power: boolean, change: () => Promise<unknown>): Promise<string | undefined> {
  files.arm(at, power, true);
  await change().catch((error: NodeJS.ErrnoException) => {
    if (!/^E[A-Z]+$/.test(error.code ?? '')) throw error;
  });
  return files.disarm();
}

for (const first of Object.keys(CHANGES)) {
  for (const second of Object.keys(CHANGES)) {
    test.serial(`${first} fails at each of its calls, then the power goes at each call of ${second}`, async (t) => {
      const seen = new Set<string>();
      for (let fault = 1; ; fault += 1) {
        let failed: string | undefined;
        for (let end = 1; ; end += 1) {
          let down: string | undefined;
          for (const lasting of ['nothing', 'what is gone', 'what is new', 'all'] as const) {
            const before = await SegmentStore.open(folder, { refreshInterval: 0 });
            await before.putBatch([record(1n, 1, 1000)], { issuer });
            await before.putBatch([record(2n, 2, null)], { issuer });
            failed = await disturbed(fault, false, () => (CHANGES[first] as (typeof CHANGES)[string])(before));
            down = await disturbed(end, true, () => (CHANGES[second] as (typeof CHANGES)[string])(before));
            before.close();
            files.restart((isThere) => lasting === 'all' || lasting === (isThere ? 'what is new' : 'what is gone'));
            const after = await SegmentStore.open(folder, { refreshInterval: 0 });
            t.is(String(after.get(2n)), '2 of 2', `${failed}, then ${down}; ${lasting} lasts`);
            t.deepEqual((await after.verify()).problems, []);
            after.close();
            files.clear();
          }
          seen.add(`${failed}, ${down}`);
          if (down === undefined) break;
        }
        if (failed === undefined) break;
      }
      t.true(seen.size > 10, `${[...seen]}`);
    });
  }
}
