/** The checks for implementations of the interfaces: they let a right one pass, and find every fault, all in one run. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { OCSPCertStatus } from 'openssl-ocsp';
import { listAuthority } from 'openssl-ocsp/responder';
import {
  ConformanceError,
  checkLedger,
  checkResponseStore,
  checkStatusAuthority,
  checkStatusSource,
} from 'openssl-ocsp/testing';
import { AUTHORITY_CLAUSES, LEDGER_CLAUSES, SOURCE_CLAUSES, STORE_CLAUSES } from '#dist/testing/clauses.js';
import { AUTHORITY_FAULTS, MemoryAuthority } from './memory-authority.js';
import { LEDGER_FAULTS, MemoryLedger, MemoryStore, memorySource, SOURCE_FAULTS, STORE_FAULTS } from './memory-bulk.js';

const ENTRIES = Array.from({ length: 7 }, (_, i) => ({ serialNumber: BigInt(i), status: OCSPCertStatus.GOOD }));
const CLAUSES: Readonly<Record<string, string>> = {
  ...SOURCE_CLAUSES,
  ...STORE_CLAUSES,
  ...LEDGER_CLAUSES,
  ...AUTHORITY_CLAUSES,
};

function ledger(ids: string[], fault?: (typeof LEDGER_FAULTS)[number]) {
  const made = new MemoryLedger(ids, fault);
  return { ledger: made, expire: () => made.expire() };
}

function authority(fault?: (typeof AUTHORITY_FAULTS)[number]) {
  const made = new MemoryAuthority(fault);
  return { authority: made, write: made.write.bind(made) };
}

/** What a check finds, with everything that a fault has to have. */
async function faultsOf(t: ExecutionContext, check: Promise<void>): Promise<ConformanceError['faults']> {
  const error = await t.throwsAsync(check, { instanceOf: ConformanceError });
  const { faults, message } = error!;
  t.true(faults.length > 0);
  for (const { clause, text, what, expected, seen } of faults) {
    t.is(text, CLAUSES[clause] ?? '');
    t.regex(message, new RegExp(`^${clause}: `, 'm'));
    t.true(what.length > 0);
    t.notDeepEqual(seen, expected);
  }
  t.log([...new Set(faults.map(({ clause }) => clause))].join(' '));
  return faults;
}

test('implementations in memory pass', async (t) => {
  await t.notThrowsAsync(checkResponseStore(() => new MemoryStore()));
  await t.notThrowsAsync(checkStatusSource(() => memorySource(ENTRIES), ENTRIES));
  await t.notThrowsAsync(checkLedger((ids) => ledger(ids)));
  await t.notThrowsAsync(checkStatusAuthority(() => authority()));
});

test('an authority without a feed passes', async (t) => {
  const make = () => {
    let list = listAuthority([]);
    const entries = new Map<bigint | string, (typeof ENTRIES)[number]>();
    return {
      authority: { lookup: (id: Parameters<typeof list.lookup>[0]) => list.lookup(id) },
      write: (changed: Iterable<(typeof ENTRIES)[number]>) => {
        for (const entry of changed) entries.set(entry.serialNumber, entry);
        list = listAuthority(entries.values());
      },
    };
  };
  await t.notThrowsAsync(checkStatusAuthority(make as Parameters<typeof checkStatusAuthority>[0]));
});

test('every clause is in the document, with its number', (t) => {
  const document = readFileSync(fileURLToPath(new URL('../../../docs/conformance.md', import.meta.url)), 'utf8');
  for (const [clause, text] of Object.entries(CLAUSES)) t.true(document.includes(`| ${clause} | ${text} |`), clause);
});

for (const fault of STORE_FAULTS)
  test(`a store is found out: ${fault}`, async (t) => {
    await faultsOf(
      t,
      checkResponseStore(() => new MemoryStore(fault)),
    );
  });

for (const fault of SOURCE_FAULTS)
  test(`a source is found out: ${fault}`, async (t) => {
    await faultsOf(
      t,
      checkStatusSource(() => memorySource(ENTRIES, fault), ENTRIES),
    );
  });

for (const fault of LEDGER_FAULTS)
  test(`a ledger is found out: ${fault}`, async (t) => {
    await faultsOf(
      t,
      checkLedger((ids) => ledger(ids, fault)),
    );
  });

for (const fault of AUTHORITY_FAULTS)
  test(`an authority is found out: ${fault}`, async (t) => {
    await faultsOf(
      t,
      checkStatusAuthority(() => authority(fault)),
    );
  });

test('one run tells of every clause that is broken, with what was seen', async (t) => {
  const store = () => {
    const made = new MemoryStore('the last write wins');
    // Three faults of three clauses in one store.
    return Object.assign(made, { lookup: async () => Buffer.from('any'), sweep: async () => -1 });
  };
  const faults = await faultsOf(t, checkResponseStore(store));
  const clauses = new Set(faults.map(({ clause }) => clause));
  for (const clause of ['S4', 'S5', 'S8', 'S14', 'S17']) t.true(clauses.has(clause), clause);
  t.true(faults.filter(({ clause }) => clause === 'S4').length > 20);
  const lookup = faults.find(({ what }) => what === 'lookup by sha1')!;
  t.is(lookup.seen, '3 bytes that were never put');
  t.regex(String(lookup.expected), /^119: version 1, GOOD/);
});

test('what fails at every call is told at every clause', async (t) => {
  const broken = new Proxy({} as MemoryStore, {
    get: (_, name) => (name === 'then' ? undefined : () => Promise.reject(new Error('no connection'))),
  });
  const faults = await faultsOf(
    t,
    checkResponseStore(() => broken),
  );
  t.deepEqual(new Set(faults.map(({ clause }) => clause)), new Set(Object.keys(STORE_CLAUSES)));
});

test('a source needs entries to be told by', async (t) => {
  await t.throwsAsync(
    checkStatusSource(() => memorySource([]), []),
    { code: 'ERR_OCSP_INVALID_VALUE', message: /three/ },
  );
});
