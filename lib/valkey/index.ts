/**
 * Answers in Valkey or Redis, for responders and clients of several machines. Needs the package `iovalkey`.
 *
 * @packageDocumentation
 */
export type { ValkeyServerOptions } from './servers.js';
export { ValkeyCache } from './valkey-cache.js';
export { ValkeyStore, type ValkeyStoreOptions } from './valkey-store.js';
