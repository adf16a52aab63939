/** What the fuzzer of stores puts, and how it looks at what comes out. */
import assert from 'node:assert/strict';
import { type HashAlgorithm, OCSPCertStatus } from 'openssl-ocsp';
import type { ResponseRecord, RunWriter, SegmentStore, StatusEntry, StoredResponse } from 'openssl-ocsp/bulk';
import { CERT_ID_HASHES } from '#dist/x509/algorithms.js';
import { issuer } from './signers.js';
import type { Given } from './store-model.js';

/** The run that is not finished, as far as is known. */
export interface Run {
  readonly id: string;
  /** All that was appended, in the order in which it was. */
  records: Given[];
  /** How many of them the last checkpoint that was acknowledged covers. */
  durable: number;
  known: number;
  writer: RunWriter | undefined;
  /** What has failed, and may have ended it all the same. */
  mayHaveEnded: 'committed' | 'discarded' | false;
}

export function entryOf(serialNumber: bigint, status: OCSPCertStatus): StatusEntry {
  return { serialNumber, status, ...(status === OCSPCertStatus.REVOKED && { revocationTime: new Date(1_000_000) }) };
}

/** What the model does not know of yet. */
export const UNKNOWN: Pick<Given, 'acknowledged' | 'seen' | 'known' | 'forgotten'> = {
  acknowledged: false,
  seen: false,
  known: Number.POSITIVE_INFINITY,
  forgotten: Number.POSITIVE_INFINITY,
};

/** A record of `bulkSign`, whose memory is used again; as the other ones without the algorithm of its signature. */
export function givenOf(record: ResponseRecord): Given {
  const { serial, der, hashAlgorithm } = record;
  return {
    ...recordOf(record),
    serial: BigInt(serial as bigint),
    der: Buffer.from(der),
    hashAlgorithm: hashAlgorithm as HashAlgorithm,
    ...UNKNOWN,
  };
}

/** What a store takes. */
export function recordOf(given: ResponseRecord): ResponseRecord {
  const { serial, statusVersion, certStatus, producedAt, nextUpdate, hashAlgorithm, der } = given;
  return { serial, statusVersion, certStatus, producedAt, nextUpdate, hashAlgorithm, der };
}

/** A run of which a call has failed does nothing more. */
export async function attempt<T>(writer: RunWriter, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    await assert.rejects(writer.checkpoint('more'));
    throw error;
  }
}

/** All that a store serves. `get` and `lookup` say what `records` says, or fail. */
export function readAll(store: SegmentStore, serials: number, hashes: readonly HashAlgorithm[]): StoredResponse[] {
  const rows = [...store.records()];
  for (let serial = 1n; serial <= serials; serial += 1n) {
    const own = rows.filter((row) => BigInt(`0x${row.serial}`) === serial);
    assert.deepEqual(store.get(serial), own[0]?.der);
    for (const hashAlgorithm of hashes) {
      const row = own.find((one) => one.hashAlgorithm === hashAlgorithm);
      assert.deepEqual(store.get(serial, { hashAlgorithm }), row?.der);
      const issuerKeyHash = issuer.keyHashes[
        CERT_ID_HASHES.findIndex(({ hash }) => hash === hashAlgorithm)
      ] as Uint8Array;
      if (row?.issuerNameHash == null) continue;
      const { issuerNameHash } = row;
      assert.deepEqual(store.lookup({ hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber: serial }), row.der);
    }
  }
  return rows;
}
