/**
 * Signing many responses: sources of statuses, a signer with threads of its own, and a store for what was signed.
 *
 * @packageDocumentation
 */

export type { LifetimeOptions } from '../signing/lifetime.js';
export { type CertIdChoice, ResponseSigner } from '../signing/response-signer.js';
export type { SignAllOptions, SignedEntry } from '../signing/sign-all.js';
export type { ResponseSignerOptions } from '../signing/signer-profile.js';
export { type CrlSourceOptions, crlSource, type SerialList } from '../statuses/crl.js';
export { type CsvOptions, csvSource } from '../statuses/csv.js';
export type { SerialFormat } from '../statuses/entry-fields.js';
export { type IndexTxtOptions, indexTxtSource } from '../statuses/index-txt.js';
export type { ListEdition } from '../statuses/list-edition.js';
export { type NdjsonOptions, ndjsonSource } from '../statuses/ndjson.js';
export type { ByteInput } from '../statuses/rows.js';
export type { StatusEntry } from '../statuses/status-entry.js';
export {
  BadRowError,
  type BatchOptions,
  iterableSource,
  type RowOptions,
  type StatusSource,
} from '../statuses/status-source.js';
export {
  agreeIssuer,
  askedOf,
  mergeAnswer,
  preferredAnswer,
  storedSerial,
  toStoredResponse,
} from '../store/answers.js';
export { convertStore } from '../store/convert.js';
export { type ExportOptions, exportTar, exportToFolder } from '../store/export.js';
export { guardRun } from '../store/guard-run.js';
export { type MirrorResult, mirrorStore } from '../store/mirror.js';
export {
  type AnswerChoice,
  type AnswerLabel,
  type BeginRunOptions,
  type CertIdLookup,
  compareVersions,
  type IssuerIdentity,
  type PutOptions,
  type PutResult,
  type ResponseRecord,
  type ResponseStore,
  type ResponseVersion,
  type RunWriter,
  type StoredResponse,
} from '../store/response-store.js';
export { SegmentStore, type SegmentStoreOptions, type StoreStats } from '../store/segment-store.js';
export type { SerialKey } from '../store/serial-key.js';
export { type VerifyReport, verifyStore } from '../store/verify.js';
export { type BulkProgress, type BulkResult, type BulkSignOptions, bulkSign } from './bulk-sign.js';
export { FileLedger, type FileLedgerOptions, type LeasedRange, type Ledger, type RangeState } from './ledger.js';
export {
  checkValidityInterval,
  nextRefresh,
  type RefreshOptions,
  refreshBy,
  type ValidityIntervalCheck,
} from './policy.js';
export { type PutStatusOptions, putStatus } from './put-status.js';
export type { VersionOptions } from './run-version.js';
