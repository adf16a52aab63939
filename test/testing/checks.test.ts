/** The checks for implementations of the bulk interfaces: they let a right one pass, and find every fault. */
import { AssertionError } from 'node:assert/strict';
import test from 'ava';
import { OCSPCertStatus } from 'openssl-ocsp';
import { checkLedger, checkResponseStore, checkStatusSource } from 'openssl-ocsp/testing';
import { LEDGER_FAULTS, MemoryLedger, MemoryStore, memorySource, SOURCE_FAULTS, STORE_FAULTS } from './memory-bulk.js';

const ENTRIES = Array.from({ length: 7 }, (_, i) => ({ serialNumber: BigInt(i), status: OCSPCertStatus.GOOD }));

function ledger(ids: string[], fault?: (typeof LEDGER_FAULTS)[number]) {
  const made = new MemoryLedger(ids, fault);
  return { ledger: made, expire: () => made.expire() };
}

test('implementations in memory pass', async (t) => {
  await t.notThrowsAsync(checkResponseStore(() => new MemoryStore()));
  await t.notThrowsAsync(checkStatusSource(() => memorySource(ENTRIES), ENTRIES));
  await t.notThrowsAsync(checkLedger((ids) => ledger(ids)));
});

for (const fault of STORE_FAULTS) {
  test(`a store is found out: ${fault}`, async (t) => {
    const error = await t.throwsAsync(
      checkResponseStore(() => new MemoryStore(fault)),
      { instanceOf: AssertionError },
    );
    t.log(error.message.split('\n', 1)[0]);
  });
}

for (const fault of SOURCE_FAULTS) {
  test(`a source is found out: ${fault}`, async (t) => {
    const error = await t.throwsAsync(
      checkStatusSource(() => memorySource(ENTRIES, fault), ENTRIES),
      { instanceOf: AssertionError },
    );
    t.log(error.message.split('\n', 1)[0]);
  });
}

for (const fault of LEDGER_FAULTS) {
  test(`a ledger is found out: ${fault}`, async (t) => {
    const error = await t.throwsAsync(
      checkLedger((ids) => ledger(ids, fault)),
      { instanceOf: AssertionError },
    );
    t.log(error.message.split('\n', 1)[0]);
  });
}

test('a source needs entries to be told by', async (t) => {
  await t.throwsAsync(
    checkStatusSource(() => memorySource([]), []),
    { instanceOf: AssertionError, message: /three/ },
  );
});
