/**
 * Asks responders over HTTP: with a cache, several responders, a policy for when no one answers, and a guard against URLs
 * that lead into the own network.
 *
 * @packageDocumentation
 */
export type { OCSPAttempt } from './attempt.js';
export { ChainResult } from './chain.js';
export { type CheckFacts, type CheckOutcome, CheckResult, type CheckSource, type FailPolicy } from './check-result.js';
export { type CheckOptions, OCSPClient } from './client.js';
export type { ClientClock } from './clock.js';
export type { OCSPFailure } from './failures.js';
export { FolderCache } from './folder-cache.js';
export { GatheredChain, type GatheredResult, type GatherOptions, type MissingProof } from './gather.js';
export type { ClientCacheOptions, OCSPClientOptions, RespondersHook } from './options.js';
export type { ResponseCacheStore } from './response-cache.js';
export type { ClientQuestion } from './subject.js';
export { type ConnectorTarget, PeerNotAllowedError, type PeerOptions } from './tls/guard.js';
export type { StapleDecision, StapleState } from './tls/staple.js';
export { Stapler, type StaplerEvents, type StaplerOptions } from './tls/stapler.js';
export type { ClientAgents } from './transport.js';
