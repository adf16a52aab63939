/**
 * OCSP for Node.js on the OpenSSL that Node itself carries.
 *
 * @packageDocumentation
 */
export type { OpensslInfo } from '../typings/binding.js';
export { opensslInfo } from './binding.js';
export { OCSPError, type OCSPErrorCode, type OCSPErrorDetails } from './errors.js';
export { loadDerBasicOcspResponse } from './ocsp/basic-response.js';
export type {
  CertificateVerifyError,
  MessageVerifyOptions,
  MessageVerifyResult,
  ResponseVerifyResult,
  SignerAuthority,
} from './ocsp/basic-verify.js';
export { CertId, type CertIdOptions, type IssuerHashes } from './ocsp/cert-id-value.js';
export type { EncodingNote } from './ocsp/encodings.js';
export { Encoding, OCSPCertStatus, OCSPResponderEncoding, OCSPResponseStatus } from './ocsp/enums.js';
export type { LoadOptions } from './ocsp/message.js';
export type { OCSPVerifyFlags, PathFlag } from './ocsp/openssl-flags.js';
export { loadDerOcspRequest, OCSPRequest, OCSPRequestEntry } from './ocsp/request.js';
export { OCSPRequestBuilder, type SignRequestOptions } from './ocsp/request-builder.js';
export { loadDerOcspResponse, OCSPResponse } from './ocsp/response.js';
export { OCSPResponseBuilder, type ResponseByHashInput, type ResponseInput } from './ocsp/response-builder.js';
export type { OCSPResponseReference } from './ocsp/response-parts.js';
export type { ExternalSigner, SignOptions } from './ocsp/signing.js';
export { OCSPSingleResponse } from './ocsp/single-response.js';
export type { StatusInput } from './ocsp/single-response-input.js';
export type { Validity, ValidityFault, ValidityOptions } from './ocsp/validity.js';
export type { StatusAtQuestion } from './ocsp/verification/archive.js';
export { checkNonce, type NonceState } from './ocsp/verification/nonce.js';
export type { NoncePolicy, SignerRevocationPolicy, VerifierOptions } from './ocsp/verification/policy.js';
export type { CertIdInput, CertIdParts, OCSPQuestion } from './ocsp/verification/question.js';
export type { Refusal, RefusalCode } from './ocsp/verification/refusals.js';
export type { StatusBasis } from './ocsp/verification/statement.js';
export { OCSPAnswerAt, type OCSPLinkAt, OCSPStatusAt, type SignerProof } from './ocsp/verification/status-at.js';
export {
  type GoodVerdict,
  OCSPVerdict,
  type RefusedVerdict,
  type RevokedVerdict,
  type UnknownVerdict,
  type UsableVerdict,
  type Verdict,
} from './ocsp/verification/verdict.js';
export {
  type SignerCacheOptions,
  Verifier,
  type VerifyItem,
  type VerifyOcspResponseOptions,
  verifyOcspResponse,
  verifyOcspResponseAsync,
} from './ocsp/verification/verifier.js';
export { HashAlgorithm } from './x509/algorithms.js';
export { ocspUrls } from './x509/certificate.js';
export { caIssuersUrls } from './x509/certificate-extensions.js';
export { Extension, Extensions, UnrecognizedExtension } from './x509/extension.js';
export { CertificateIssuer, CRLReason, InvalidityDate } from './x509/extensions/crl-entry.js';
export { OCSPAcceptableResponses, OCSPNonce, PreferredSignatureAlgorithms } from './x509/extensions/request.js';
export { ArchiveCutoff, CrlID, ExtendedRevoke, OCSPNoCheck } from './x509/extensions/response.js';
export { ServiceLocator } from './x509/extensions/service-locator.js';
export { Name } from './x509/name.js';
export { OCSPExtensionOID, OCSPResponseTypeOID, SignatureAlgorithmOID } from './x509/oids.js';
export { loadCertificates } from './x509/pem.js';
export { loadPkcs12 } from './x509/pkcs12.js';
export { ReasonFlags } from './x509/reason.js';
export {
  CtSignatureAlgorithm,
  CtVersion,
  LogEntryType,
  SignedCertificateTimestamp,
  SignedCertificateTimestamps,
} from './x509/sct.js';
export { loadStoredPrivateKey, StoredPrivateKey } from './x509/stored-key.js';
export { TrustStore } from './x509/trust-store.js';
