/**
 * The X.509 values that OCSP messages are made of, and the types of what the package takes: names, general names, object
 * identifiers, certificates, keys, trust. What an OCSP message itself holds is at the package's root.
 *
 * @packageDocumentation
 */
export type { AlgorithmIdentifier, HashAlgorithmName } from './algorithms.js';
export { ASN1StringType } from './asn1-string.js';
export type { CertificateInput } from './certificate.js';
export { CertificateExtensionOID } from './certificate-extensions.js';
export type { ChainInput } from './chain.js';
export type { ExtensionClass, ExtensionType } from './extension.js';
export type {
  AlgorithmIdentifierInit,
  PreferredSignatureAlgorithm,
  PreferredSignatureAlgorithmInit,
} from './extensions/request.js';
export type { CrlIDInit } from './extensions/response.js';
export type { AccessDescription, ServiceLocatorInit } from './extensions/service-locator.js';
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
} from './general-name.js';
export type { PrivateKeyInput } from './key.js';
export { NameAttribute, type NameAttributeInit, RelativeDistinguishedName } from './name.js';
export { AuthorityInformationAccessOID, CRLEntryExtensionOID, HashAlgorithmOID, NameOID } from './oids.js';
export type { PassphraseInput } from './passphrase.js';
export type { Pkcs12Contents } from './pkcs12.js';
export type { ReasonName } from './reason.js';
export type { SerialNumberInput } from './serial-number.js';
export type { StoredKeyOptions } from './stored-key.js';
export type { CrlInput, SystemTrust, TrustInput, TrustStoreOptions } from './trust-store.js';
