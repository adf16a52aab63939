/**
 * Signing many responses: sources of statuses, a signer with threads of its own, and a store for what was signed.
 *
 * @packageDocumentation
 */
export { type BulkProgress, type BulkResult, type BulkSignOptions, bulkSign } from './bulk-sign.js';
export { FileLedger, type FileLedgerOptions, type LeasedRange, type Ledger, type RangeState } from './ledger.js';
export {
  checkValidityInterval,
  nextRefresh,
  type RefreshOptions,
  refreshBy,
  type ValidityIntervalVerdict,
} from './policy.js';
export { type PutStatusOptions, putStatus } from './put-status.js';
export { type CertIdChoice, ResponseSigner } from './response-signer.js';
export type { VersionOptions } from './run-version.js';
export type { SignAllOptions, SignedEntry } from './sign-all.js';
export type { ResponseSignerOptions } from './signer-profile.js';
export { type CrlSourceOptions, crlSource, type SerialList } from './sources/crl.js';
export { type CsvOptions, csvSource } from './sources/csv.js';
export type { SerialFormat } from './sources/entry-fields.js';
export { type IndexTxtOptions, indexTxtSource } from './sources/index-txt.js';
export { type NdjsonOptions, ndjsonSource } from './sources/ndjson.js';
export type { ByteInput } from './sources/rows.js';
export {
  BadRowError,
  type BatchOptions,
  iterableSource,
  type RowOptions,
  type StatusSource,
} from './sources/status-source.js';
export type { StatusEntry } from './status-entry.js';
export { convertStore } from './store/convert.js';
export { type ExportOptions, exportTar, exportToFolder } from './store/export.js';
export {
  type AnswerChoice,
  type AnswerLabel,
  type BeginRunOptions,
  type CertIdLookup,
  compareVersions,
  type IssuerIdentity,
  type ListEdition,
  type PutOptions,
  type PutResult,
  type ResponseRecord,
  type ResponseStore,
  type ResponseVersion,
  type RunWriter,
  type StoredResponse,
} from './store/response-store.js';
export { SegmentStore, type SegmentStoreOptions, type StoreStats } from './store/segment-store.js';
export type { SerialKey } from './store/serial-key.js';
export { type VerifyReport, verifyStore } from './store/verify.js';
export type { ValidityOptions } from './validity.js';
