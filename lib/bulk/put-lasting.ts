/** Puts into a store what takes back no revocation for ever. */
import { OCSPCertStatus } from '../ocsp/enums.js';
import { isPermanent } from '../statuses/is-permanent.js';
import type { PutOptions, PutResult, ResponseRecord, ResponseStore } from '../store/response-store.js';
import { SegmentStore } from '../store/segment-store.js';
import { statedIn } from './version-to-outdo.js';

type LastingStore = Pick<ResponseStore, 'putBatch'> & Partial<Pick<ResponseStore, 'get'>>;

/**
 * `putBatch`, without what is no revocation for ever where one is served for the certificate. A {@link SegmentStore} looks once no one else
 * writes; another store is asked before, where it can be.
 */
export async function putLasting(
  store: LastingStore,
  records: readonly ResponseRecord[],
  options: PutOptions,
): Promise<PutResult> {
  if (store instanceof SegmentStore)
    return store.putWanted(records, options, ({ der }, revocations) => !takesBack(der, revocations));
  const wanted: ResponseRecord[] = [];
  for (const record of records) {
    const known = await store.get?.(record.serial);
    if (known === undefined || !isRevoked(known) || !takesBack(record.der, [known])) wanted.push(record);
  }
  const { written } = await store.putBatch(wanted, options);
  return { written, kept: records.length - written };
}

function takesBack(der: Uint8Array, revocations: readonly Uint8Array[]): boolean {
  const stated = statedIn(der);
  if (stated !== undefined && isPermanent(stated)) return false;
  return revocations.some((one) => isPermanent(statedIn(one) ?? FOR_EVER));
}

/** What a revocation may be that cannot be read. */
const FOR_EVER = { status: OCSPCertStatus.REVOKED, reason: null };

function isRevoked(der: Uint8Array): boolean {
  return statedIn(der)?.status === OCSPCertStatus.REVOKED;
}
