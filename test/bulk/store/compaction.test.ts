/** A compaction, while others take away all that it has copied. */
import fs, { cpSync, existsSync, readdirSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ResponseSigner } from 'openssl-ocsp/bulk';
import { createTestCa } from 'openssl-ocsp/testing';
import { readManifest } from '#dist/store/manifest.js';
import type { IssuerIdentity } from '#dist/store/response-store.js';
import { SegmentStore } from '#dist/store/segment-store.js';
import { record } from '../records.js';
import { scratch } from '../scratch.js';

const SWEPT = new Date(2_000_000);

function identity(): IssuerIdentity {
  const { certificate, privateKey } = createTestCa();
  return new ResponseSigner({ issuer: certificate, responder: certificate, privateKey }).issuer;
}

const own = identity();
const old = (serial: bigint) => record(serial, { nextUpdate: 1000 });

async function opened(t: ExecutionContext, folder: string): Promise<SegmentStore> {
  const store = await SegmentStore.open(folder, { refreshInterval: 0 });
  t.teardown(() => store.close());
  return store;
}

/** What is done before a file is opened or removed, until the test ends or what is returned is called. */
function before(
  t: ExecutionContext,
  name: 'open' | 'rm',
  action: (path: string, flags: unknown) => Promise<void>,
): () => void {
  const promises = fs.promises as Record<typeof name, (...given: unknown[]) => Promise<unknown>>;
  const real = promises[name];
  const restore = (): void => {
    promises[name] = real;
    syncBuiltinESMExports();
  };
  promises[name] = async (...given) => {
    await action(String(given[0]), given[1]);
    return real(...given);
  };
  syncBuiltinESMExports();
  t.teardown(restore);
  return restore;
}

/** Does something whenever a compaction has taken its snapshot, before the first of its copy is in a file. */
function besideCopying(t: ExecutionContext, others: () => Promise<unknown>): void {
  let isBusy = false;
  before(t, 'open', async (path, flags) => {
    if (isBusy || !path.endsWith('.seg') || flags !== 'wx') return;
    isBusy = true;
    await others();
    isBusy = false;
  });
}

/** Keeps the folder as a process leaves it that is killed when it gives a copy up: when it is to remove the note about it. */
function keepAsKilled(t: ExecutionContext, folder: string, killed: string): void {
  const restore = before(t, 'rm', async (path) => {
    if (path !== join(folder, 'COMPACTION')) return;
    restore();
    cpSync(folder, killed, { recursive: true });
  });
}

/** Nothing is damaged, and no file is left that does not count. */
async function checkSound(t: ExecutionContext, folder: string): Promise<void> {
  const store = await opened(t, folder);
  t.deepEqual((await store.verify()).problems, []);
  t.false(existsSync(join(folder, 'COMPACTION')));
  const segments = readManifest(folder).segments.map(({ file }) => file);
  t.deepEqual(segmentsIn(folder), segments.sort());
}

function segmentsIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.seg'));
}

for (const [who, issuer] of [
  ['the same issuer', own],
  ['another issuer', identity()],
] as const) {
  for (const validAt of [undefined, SWEPT]) {
    const how = validAt === undefined ? 'without a time' : 'with a time';
    test.serial(
      `${how}: what was swept is not back in a store that begins again with other answers of ${who}`,
      async (t) => {
        const folder = scratch(t);
        const store = await opened(t, folder);
        const other = await opened(t, folder);
        // (With a time, only the last one is copied.)
        const last = record(4n, { nextUpdate: 1999 + (validAt ? 1000 : 0) });
        await store.putBatch([old(1n), { ...old(2n), signatureAlgorithm: '1.3.101.112' }], { issuer: own });
        await store.putBatch([last], { issuer: own });
        const next = { ...record(9n), hashAlgorithm: 'sha256' } as const;
        const killed = join(scratch(t), 'killed');
        let rounds = 0;
        besideCopying(t, async () => {
          rounds += 1;
          if (rounds > 1) return;
          t.is(await other.sweep(new Date(4_000_000)), 3);
          await other.putBatch([next], { issuer });
          keepAsKilled(t, folder, killed);
        });
        await store.compact(validAt);
        t.is(segmentsIn(killed).length, 2, 'one of them is a copy that counts for nothing');
        for (const path of [folder, killed]) {
          const reader = await opened(t, path);
          const records = [...reader.records()];
          t.deepEqual(
            records.map(({ serial, hashAlgorithm, signatureAlgorithm }) => [serial, hashAlgorithm, signatureAlgorithm]),
            [['09', 'sha256', null]],
          );
          // It goes on as that of who came last.
          const again = { ...record(10n), hashAlgorithm: 'sha256' } as const;
          await reader.putBatch([again], { issuer });
          const stranger = reader.putBatch([again], { issuer: identity() });
          await t.throwsAsync(stranger, { code: 'ERR_OCSP_ISSUER_MISMATCH' });
          await reader.compact();
          t.deepEqual(reader.get(10n, { hashAlgorithm: 'sha256' }), again.der as Buffer);
          t.is(reader.stats().entries, 2);
          await checkSound(t, path);
        }
      },
    );
  }
}

test.serial('segments all of which others put together meanwhile are not there twice', async (t) => {
  const folder = scratch(t);
  const store = await opened(t, folder);
  const other = await opened(t, folder);
  for (let serial = 1n; serial <= 7n; serial += 1n) await store.putBatch([record(serial)], { issuer: own });
  t.is(store.stats().segments, 7);
  besideCopying(t, () => other.putBatch([record(8n)], { issuer: own }));
  await store.compact();
  t.is(store.stats().segments, 1);
  t.is(store.stats().entries, 8);
  for (let serial = 1n; serial <= 8n; serial += 1n) t.deepEqual(store.get(serial), record(serial).der as Buffer);
  await checkSound(t, folder);
});

test.serial('of a store that others empty each time the compaction ends quietly', async (t) => {
  const folder = scratch(t);
  const store = await opened(t, folder);
  const other = await opened(t, folder);
  await store.putBatch([old(1n)], { issuer: own });
  let rounds = 0;
  besideCopying(t, async () => {
    rounds += 1;
    t.is(await other.sweep(SWEPT), 1);
    await other.putBatch([old(BigInt(rounds + 1))], { issuer: identity() });
  });
  await store.compact();
  t.true(rounds > 1);
  t.deepEqual(
    [...store.records()].map(({ der }) => der),
    [old(BigInt(rounds + 1)).der as Buffer],
  );
});
