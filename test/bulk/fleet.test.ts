/** Several processes share a job by a ledger; one of them is killed, and others do its part. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { loadDerOcspResponse } from 'openssl-ocsp';
import { FileLedger, SegmentStore } from 'openssl-ocsp/bulk';
import { createTestCa } from 'openssl-ocsp/testing';
import { verifies } from '../helpers/fixtures.js';
import { scratch } from './scratch.js';

const WORKER = fileURLToPath(new URL('./fleet-worker.js', import.meta.url));
const RANGES = 8;
const EACH = 400;

test('a job in ranges is done once, though a worker is killed', async (t) => {
  t.timeout(300_000);
  const folder = scratch(t);
  const at = (name: string): string => join(folder, name);
  const ca = createTestCa();
  writeFileSync(at('key.pem'), ca.privateKeyPem);
  writeFileSync(at('ca.pem'), ca.certificatePem);
  mkdirSync(at('lists'));
  const ids = Array.from({ length: RANGES }, (_, i) => `range-${i}`);
  for (const [i, id] of ids.entries()) {
    const rows = Array.from({ length: EACH }, (_, k) => `${(0x1000 + i * EACH + k).toString(16)},good\n`);
    writeFileSync(at(`lists/${id}.csv`), `serial,status\n${rows.join('')}`);
  }
  const ledger = await FileLedger.open(at('ledger'));
  await ledger.add(ids);

  const start = () =>
    spawn(process.execPath, [WORKER, folder, at('key.pem'), at('ca.pem')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const victim = start();
  // It has begun its first range.
  await once(victim.stdout, 'data');
  victim.kill('SIGKILL');
  const codes = await Promise.all(
    [start(), start()].map(async (child) => {
      child.stdout.resume();
      return (await once(child, 'close'))[0] as number;
    }),
  );
  t.deepEqual(codes, [0, 0]);

  const states = await ledger.ranges();
  t.deepEqual(
    states.map(({ state }) => state),
    ids.map(() => 'done'),
  );
  t.true(
    states.some(({ attempt }) => attempt > 1),
    'the range of the one that was killed was handed out again',
  );
  for (const [i, id] of ids.entries()) {
    const store = await SegmentStore.open(at(`stores/${id}`));
    const records = [...store.records()];
    t.is(records.length, EACH);
    for (const [k, { der }] of records.entries()) {
      if (k % 50 !== 0) continue;
      const response = loadDerOcspResponse(der);
      t.is(response.serialNumber, BigInt(0x1000 + i * EACH + k));
      t.true(verifies(response, ca.certificate.publicKey));
    }
    store.close();
  }
});
