/**
 * OCSP for Node.js on the OpenSSL that Node itself carries.
 *
 * @packageDocumentation
 */
export type { OpensslInfo } from '../typings/binding.js';
export { opensslInfo } from './binding.js';
export { OCSPError, type OCSPErrorCode, type OCSPErrorDetails } from './errors.js';
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
export type { ExternalSigner, SignOptions } from './ocsp/signing.js';
export { OCSPSingleResponse } from './ocsp/single-response.js';
export type { StatusInput } from './ocsp/single-response-input.js';
export type { Validity, ValidityFault, ValidityOptions } from './ocsp/validity.js';
export { checkNonce, type NonceState } from './ocsp/verification/nonce.js';
export type { NoncePolicy, SignerRevocationPolicy, VerifierOptions } from './ocsp/verification/policy.js';
export type { CertIdInput, CertIdParts, OCSPQuestion } from './ocsp/verification/question.js';
export type { Refusal, RefusalCode } from './ocsp/verification/refusals.js';
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
  Verifier,
  type VerifierMemory,
  type VerifyItem,
  type VerifyOcspResponseOptions,
  verifyOcspResponse,
  verifyOcspResponseAsync,
} from './ocsp/verification/verifier.js';
export { type AlgorithmIdentifier, HashAlgorithm, type HashAlgorithmName } from './x509/algorithms.js';
export { ASN1StringType } from './x509/asn1-string.js';
export { type CertificateInput, ocspUrls } from './x509/certificate.js';
export { CertificateExtensionOID, caIssuersUrls } from './x509/certificate-extensions.js';
export {
  Extension,
  type ExtensionClass,
  Extensions,
  type ExtensionType,
  UnrecognizedExtension,
} from './x509/extension.js';
export { CertificateIssuer, CRLReason, InvalidityDate } from './x509/extensions/crl-entry.js';
export {
  type AlgorithmIdentifierInit,
  OCSPAcceptableResponses,
  OCSPNonce,
  type PreferredSignatureAlgorithm,
  type PreferredSignatureAlgorithmInit,
  PreferredSignatureAlgorithms,
} from './x509/extensions/request.js';
export { ArchiveCutoff, CrlID, type CrlIDInit, ExtendedRevoke, OCSPNoCheck } from './x509/extensions/response.js';
export { type AccessDescription, ServiceLocator, type ServiceLocatorInit } from './x509/extensions/service-locator.js';
export {
  DirectoryName,
  DNSName,
  EDIPartyName,
  type GeneralName,
  type GeneralNameType,
  IPAddress,
  OtherName,
  RegisteredID,
  RFC822Name,
  UniformResourceIdentifier,
  X400Address,
} from './x509/general-name.js';
export type { PrivateKeyInput } from './x509/key.js';
export {
  Name,
  NameAttribute,
  type NameAttributeInit,
  RelativeDistinguishedName,
} from './x509/name.js';
export {
  AuthorityInformationAccessOID,
  CRLEntryExtensionOID,
  HashAlgorithmOID,
  NameOID,
  OCSPExtensionOID,
  OCSPResponseTypeOID,
  SignatureAlgorithmOID,
} from './x509/oids.js';
export type { PassphraseInput } from './x509/passphrase.js';
export { loadCertificates } from './x509/pem.js';
export { loadPkcs12, type Pkcs12Contents } from './x509/pkcs12.js';
export { ReasonFlags, type ReasonName } from './x509/reason.js';
export {
  CtSignatureAlgorithm,
  CtVersion,
  LogEntryType,
  SignedCertificateTimestamp,
  SignedCertificateTimestamps,
} from './x509/sct.js';
export type { SerialNumberInput } from './x509/serial-number.js';
export { loadStoredPrivateKey, type StoredKeyOptions, StoredPrivateKey } from './x509/stored-key.js';
export {
  type CrlInput,
  type SystemTrust,
  type TrustInput,
  TrustStore,
  type TrustStoreOptions,
} from './x509/trust-store.js';
