/** Puts into a store what takes back no revocation for ever. */
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
    return store.putWanted(
      records,
      options,
      ({ der }, revocations) => isForEver(der) || !revocations.some(mayBeForEver),
    );
  const wanted: ResponseRecord[] = [];
  for (const record of records) {
    const known = isForEver(record.der) ? undefined : await store.get?.(record.serial);
    if (known === undefined || !isForEver(known)) wanted.push(record);
  }
  const result = await store.putBatch(wanted, options);
  const left = records.length - wanted.length;
  return left === 0 ? result : { ...result, kept: result.kept + left };
}

function isForEver(der: Uint8Array): boolean {
  const stated = statedIn(der);
  return stated !== undefined && isPermanent(stated);
}

/** Of a response that is known to say "revoked". */
function mayBeForEver(der: Uint8Array): boolean {
  return statedIn(der) === undefined || isForEver(der);
}
