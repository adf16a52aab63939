import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { checkLedger } from 'openssl-ocsp/testing';
import { FileLedger } from '#dist/bulk/ledger.js';
import { scratch } from './scratch.js';

const folders: string[] = [];
test.after.always(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

test('it does what every ledger has to do', async (t) => {
  await t.notThrowsAsync(
    checkLedger(async (ids) => {
      const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-bulk-'));
      folders.push(folder);
      let now = 1_000_000;
      const ledger = await FileLedger.open(folder, { leaseSeconds: 60, now: () => now });
      await ledger.add(ids);
      const expire = (): void => {
        now += 61_000;
      };
      return { ledger, expire };
    }),
  );
});

test('times and numbers that are none are refused, and nothing is made', async (t) => {
  const folder = join(scratch(t), 'ledger');
  for (const options of [{ leaseSeconds: '300' }, { maxAttempts: null }])
    await t.throwsAsync(FileLedger.open(folder, options as never), { code: 'ERR_INVALID_ARG_TYPE' });
  // By such a lease every worker would have the same range at once.
  for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    for (const options of [{ leaseSeconds: bad }, { maxAttempts: bad }])
      await t.throwsAsync(FileLedger.open(folder, options), { code: 'ERR_OCSP_INVALID_VALUE' });
  t.false(existsSync(folder));
});

test('what was noted is there when the ledger is opened again', async (t) => {
  const folder = scratch(t);
  const first = await FileLedger.open(folder);
  await first.add(['a', 'b']);
  const [lease] = await first.lease(1);
  await first.checkpoint(lease!, '10');
  const second = await FileLedger.open(folder);
  await second.add(['b', 'c']);
  t.deepEqual(
    (await second.ranges()).map(({ id, state, lastSerial }) => [id, state, lastSerial]),
    [
      ['a', 'leased', '10'],
      ['b', 'open', null],
      ['c', 'open', null],
    ],
  );
  await second.fail(lease!, new Error('gone'));
  t.is((await second.ranges())[0]?.error, 'gone');
});

test('a range whose leases run out again and again is given up', async (t) => {
  let now = 0;
  const ledger = await FileLedger.open(scratch(t), { leaseSeconds: 1, maxAttempts: 2, now: () => now });
  await ledger.add(['a']);
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    t.is((await ledger.lease(1)).length, 1);
    now += 2000;
  }
  t.deepEqual(await ledger.lease(1), []);
  t.like((await ledger.ranges())[0], { state: 'failed', error: 'its leases ran out' });
});

test('damage is an error', async (t) => {
  const folder = scratch(t);
  const ledger = await FileLedger.open(folder);
  await ledger.add(['a']);
  const content = readFileSync(join(folder, 'LEDGER'));
  content[5] = (content[5] as number) ^ 1;
  writeFileSync(join(folder, 'LEDGER'), content);
  await t.throwsAsync(ledger.lease(1), { code: 'ERR_OCSP_STORE_DAMAGED' });
});

test('wrong arguments are refused', async (t) => {
  await t.throwsAsync(FileLedger.open(1 as never), { code: 'ERR_INVALID_ARG_TYPE' });
  const ledger = await FileLedger.open(scratch(t));
  await t.throwsAsync(ledger.add([1 as never]), { code: 'ERR_INVALID_ARG_TYPE' });
  await ledger.add(['a']);
  const [lease] = await ledger.lease(1);
  await t.throwsAsync(ledger.checkpoint(lease!, 1 as never), { code: 'ERR_INVALID_ARG_TYPE' });
});
