/**
 * An OCSP responder: who knows the status of certificates, who signs, and how it is told over HTTP.
 *
 * @packageDocumentation
 */
export type { Answer, AnswerSource } from './answer.js';
export { type CertIdKey, listAuthority, type StatusAuthority, type StatusChanges } from './authority.js';
export type { ErrorMessage, SignatureMessage } from './channels.js';
export { type CrlAuthorityOptions, crlAuthority } from './crl-authority.js';
export type { AnswerCounts, CacheHealth, IssuerHealth, LiveHealth, ResponderHealth, SignerHealth } from './health.js';
export { type IndexTxtAuthorityOptions, indexTxtAuthority } from './index-txt-authority.js';
export type { NotIssuedPolicy, ResponderIssuer, ResponderIssuerOptions } from './issuer.js';
export type { KeyInput, ResponderSigner } from './live-signer.js';
export type { CacheOptions, LiveOptions, NoncePolicy, ResponderOptions } from './options.js';
export { Responder, type ResponderListener } from './responder.js';
export { type ListenAddress, type ResponderServer, type ServeOptions, serve } from './serve.js';
export { storeAuthority } from './store-authority.js';
export type { WatchOptions } from './watched-file.js';
