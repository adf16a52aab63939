/** Entries that are kept in less memory come out as they went in. */
import test from 'ava';
import fc from 'fast-check';
import { Extension, InvalidityDate, OCSPCertStatus } from 'openssl-ocsp';
import { EntryTable } from '#dist/responder/entry-table.js';

const extension = new Extension(InvalidityDate.oid, false, new InvalidityDate(new Date('2024-01-01T00:00:00Z')));

test('any entry comes out as it went in, the last one of a certificate', (t) => {
  const date = fc.date({ noInvalidDate: true });
  const entry = fc.record(
    {
      serialNumber: fc.constantFrom('01', '02', '0A0B'),
      status: fc.constantFrom(OCSPCertStatus.GOOD, OCSPCertStatus.REVOKED, OCSPCertStatus.UNKNOWN),
      revocationTime: date,
      reason: fc.constantFrom('keyCompromise' as const, 'certificateHold' as const, 'unspecified' as const),
      statusVersion: fc.nat(),
      thisUpdate: date,
      nextUpdate: fc.option(date),
      singleExtensions: fc.constant([extension]),
    },
    { requiredKeys: ['serialNumber', 'status'] },
  );
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      const table = new EntryTable();
      const model = new Map<string, (typeof entries)[number]>();
      for (const one of entries) {
        table.set(one.serialNumber, one);
        model.set(one.serialNumber, one);
      }
      for (const serialNumber of ['01', '02', '0A0B']) t.deepEqual(table.get(serialNumber), model.get(serialNumber));
      t.deepEqual([...table], [...model.values()]);
    }),
  );
});
