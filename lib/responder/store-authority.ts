import type { ResponseStore } from '../store/response-store.js';
import type { StatusAuthority } from './authority.js';
import { readStore, type Stored } from './store-reader.js';

/**
 * A store as what knows the statuses: of what has been signed before, the newest answer counts, expired or not. For stores that a bulk
 * run fills, without a list beside them.
 */
export function storeAuthority(store: ResponseStore): StatusAuthority {
  return {
    lookup({ issuer, serialNumber }) {
      const stored = readStore(issuer, store, serialNumber, undefined);
      return stored instanceof Promise ? stored.then(entryOf) : entryOf(stored);
    },
  };
}

function entryOf(stored: Stored | undefined): Stored['entry'] | undefined {
  return stored?.entry;
}
