/**
 * A certificate authority in a box, for tests: keys of every kind, certificates right and wrong, over node:crypto; a responder
 * over HTTP that can be wrong, late, half and gone; and checks for one's own implementations of the interfaces of
 * `openssl-ocsp/bulk` and `openssl-ocsp/responder`. Nothing here is for production use.
 *
 * @packageDocumentation
 */
export type { TestCertificateOptions, TestExtension, TestKeyUsage } from './certificate.js';
export { checkLedger, type LedgerUnderTest } from './check-ledger.js';
export { checkResponseStore, type MakeStore } from './check-response-store.js';
export { type AuthorityUnderTest, checkStatusAuthority, type MakeAuthority } from './check-status-authority.js';
export { checkStatusSource } from './check-status-source.js';
export { ConformanceError, type ConformanceFault } from './checks.js';
export { generateTestKeyPair, type TestKeyOptions, type TestKeyPair, type TestKeyType } from './keys.js';
export type { HttpBehaviour } from './responder-faults.js';
export {
  buildTestResponse,
  type TestEntry,
  type TestResponseOptions,
  type TestTime,
  testErrorResponse,
  wrapTestResponse,
} from './response.js';
export { type BadTestResponse, type GoodTestResponse, TestResponseKit } from './response-kit.js';
export type { TestSignatureOptions } from './signature.js';
export { createTestCa, type IssueOptions, TestCa, TestIdentity } from './test-ca.js';
export {
  type TestAnswer,
  type TestBehaviour,
  type TestBehaviourFunction,
  type TestErrorStatus,
  TestResponder,
  type TestResponderOptions,
  type TestResponderRequest,
} from './test-responder.js';
