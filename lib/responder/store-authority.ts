import type { ResponseStore } from '../store/response-store.js';
import type { StatusAuthority } from './authority.js';
import { readStore, type Stored } from './store-reader.js';

/**
 * A store as what knows the statuses: of what has been signed before, the newest answer counts, expired or not. For stores that a bulk
 * run fills, without a list beside them.
 */
export function storeAuthority(store: ResponseStore): StatusAuthority {
  const authority: StatusAuthority = {
    lookup({ issuer, serialNumber }) {
      const stored = readStore(issuer, store, serialNumber, undefined);
      return stored instanceof Promise ? stored.then(entryOf) : entryOf(stored);
    },
  };
  stores.set(authority, store);
  return authority;
}

const stores = new WeakMap<StatusAuthority, ResponseStore>();

/** Whether what the authority knows is what this store has, and nothing else. */
export function knowsOnly(authority: StatusAuthority, store: ResponseStore): boolean {
  return stores.get(authority) === store;
}

function entryOf(stored: Stored | undefined): Stored['entry'] | undefined {
  return stored?.entry;
}
