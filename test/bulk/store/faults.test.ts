/** Every system call of every operation of a store fails once: what is served is as before or as after, and all goes on afterwards. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import test, { type ExecutionContext } from 'ava';
import { SegmentStore } from '#dist/store/segment-store.js';
import { record } from '../records.js';
import { scratch } from '../scratch.js';

type Call = (...args: unknown[]) => unknown;

const CODES = ['ENOSPC', 'EIO', 'EMFILE', 'EBUSY', 'ESTALE'];
const SYNC = ['openSync', 'readSync', 'closeSync', 'fstatSync', 'statSync', 'readFileSync', 'readdirSync', 'rmSync'];
const WRITING = ['ftruncateSync', 'writeSync', 'mkdirSync'];
const PROMISED = ['open', 'rename', 'rm', 'stat', 'readdir', 'mkdir'];
const HANDLE = ['stat', 'read', 'write', 'writeFile', 'truncate', 'close', 'sync'];

/** Calls until one fails; 0 for none. */
let countdown = 0;
let code = '';
let failed: string | undefined;

/** Lets a call fail when its turn has come. What closes does so all the same, as with the system. */
function due(name: string): Error | undefined {
  if (countdown === 0) return undefined;
  countdown -= 1;
  if (countdown > 0) return undefined;
  failed = `${name}: ${code}`;
  return Object.assign(new Error(failed), { code });
}

function wrap(target: Record<string, unknown>, name: string, isPromised: boolean): void {
  const real = (target[name] as Call).bind(target);
  target[name] = (...args: unknown[]) => {
    const error = due(name);
    if (error === undefined && name === 'sync') return Promise.resolve();
    if (error !== undefined && !name.startsWith('close')) {
      if (isPromised) return Promise.reject(error);
      throw error;
    }
    const result = real(...args);
    if (error !== undefined && !isPromised) throw error;
    if (!isPromised) return result;
    return (result as Promise<unknown>).then((value) => {
      if (error !== undefined) throw error;
      if (name === 'open') for (const method of HANDLE) wrap(value as Record<string, unknown>, method, true);
      return value;
    });
  };
}

test.before(() => {
  for (const name of [...SYNC, ...WRITING]) wrap(fs as unknown as Record<string, unknown>, name, false);
  for (const name of PROMISED) wrap(fs.promises as unknown as Record<string, unknown>, name, true);
  syncBuiltinESMExports();
});

const old = (serial: bigint) => record(serial, { nextUpdate: 1000 });
const revoked = (serial: bigint) => record(serial, { statusVersion: 2, certStatus: 1 });

interface Operation {
  readonly name: string;
  act(store: SegmentStore): Promise<unknown>;
  /** Serial numbers that are revoked afterwards, and not before. */
  readonly revokes: readonly bigint[];
  /** Serial numbers that are gone afterwards. */
  readonly removes: readonly bigint[];
}

const OPERATIONS: readonly Operation[] = [
  { name: 'putBatch', act: (store) => store.putBatch([revoked(1n), revoked(2n)]), revokes: [1n, 2n], removes: [] },
  {
    name: 'run',
    act: async (store) => {
      const run = await store.beginRun({ id: 'r' });
      try {
        await run.append([revoked(1n)]);
        await run.checkpoint('1');
        await run.append([revoked(2n)]);
        await run.checkpoint('2');
        await run.commit();
      } finally {
        await run.close();
      }
    },
    revokes: [1n, 2n],
    removes: [],
  },
  {
    name: 'discard',
    act: async (store) => {
      const run = await store.beginRun({ id: 'r' });
      try {
        await run.append([revoked(1n)]);
        await run.checkpoint('1');
        await run.commit();
      } catch (error) {
        await run.discard();
        throw error;
      }
    },
    revokes: [1n],
    removes: [],
  },
  { name: 'compact', act: (store) => store.compact(), revokes: [], removes: [] },
  { name: 'sweep', act: (store) => store.sweep(new Date(2_000_000)), revokes: [], removes: [9n] },
];

function stateOf(store: SegmentStore): string {
  return [...store.records()].map(({ serial, certStatus }) => `${serial}:${certStatus}`).join(' ');
}

async function prepared(folder: string): Promise<SegmentStore> {
  const store = await SegmentStore.open(folder, { refreshInterval: 0, segmentRecords: 1 });
  await store.putBatch([record(1n), record(2n), record(3n)]);
  await store.putBatch([old(9n)]);
  return store;
}

for (const operation of OPERATIONS) {
  test.serial(`${operation.name}: any of its system calls fails`, async (t) => {
    t.timeout(600_000);
    for (let at = 1; ; at += 1) if (!(await check(t, operation, at))) return;
  });
}

/** False when there is no such call. */
async function check(t: ExecutionContext, { name, act, revokes, removes }: Operation, at: number): Promise<boolean> {
  const folder = scratch(t);
  const store = await prepared(folder);
  const reader = await SegmentStore.open(folder, { refreshInterval: 0 });
  const before = stateOf(reader);
  const serials = [1n, 2n, 3n, 9n].filter((serial) => !removes.includes(serial));
  const after = serials.map((serial) => `0${serial}:${revokes.includes(serial) ? 1 : 0}`).join(' ');
  code = CODES[at % CODES.length] as string;
  failed = undefined;
  countdown = at;
  const error = await act(store).then(
    () => undefined,
    (reason: unknown) => reason as Error,
  );
  const done = countdown > 0;
  countdown = 0;
  const where = `${name}, call ${at}: ${failed} (${error})`;
  const states = error === undefined ? [after] : [before, after];
  for (const one of [reader, store]) t.true(states.includes(stateOf(one)), `${where}: ${stateOf(one)}`);
  t.deepEqual((await store.verify()).problems, [], where);
  // Whoever failed stands in no one's way, himself and others.
  for (const [i, one] of [reader, store].entries()) {
    await one.putBatch([revoked(20n + BigInt(i))]);
    const run = await one.beginRun({ id: 'other', otherRun: 'discard' });
    await run.append([revoked(30n + BigInt(i))]);
    await run.commit();
  }
  await store.compact();
  const final = stateOf(store);
  t.true(
    states.some((state) => final.startsWith(state)),
    `${where}: ${final}`,
  );
  for (const serial of [20n, 21n, 30n, 31n]) t.is(store.getRecord(serial)?.certStatus, 1, where);
  t.deepEqual((await reader.verify()).problems, [], where);
  store.close();
  reader.close();
  fs.rmSync(folder, { recursive: true });
  return !done;
}
