/** Options of a client, checked. */
import { invalidArgType, invalidValue } from '../errors.js';
import { wholeNumber } from '../ocsp/basic-verify.js';
import { checkSeconds } from '../ocsp/validity.js';
import { Verifier } from '../ocsp/verification/verifier.js';
import { checkCertIdHash, type HashAlgorithmName } from '../x509/algorithms.js';
import { checkList, checkObject, LONGEST_TIME } from '../x509/checks.js';
import { OCSPNonce } from '../x509/extensions/request.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { httpUrl } from './applicability.js';
import type { FailPolicy } from './check-result.js';
import { type ClientClock, SYSTEM_CLOCK } from './clock.js';
import type { InquiryOptions } from './inquiry.js';
import { toProxySetting } from './proxy.js';
import type { ResponseCacheStore } from './response-cache.js';
import type { ClientQuestion } from './subject.js';
import { type ClientAgents, FetchTransport, NodeTransport, type Transport } from './transport.js';

/** Chooses whom to ask about a certificate. */
export type RespondersHook = (question: ClientQuestion) => Iterable<string | URL> | Promise<Iterable<string | URL>>;

/** Where a client keeps answers. */
export interface ClientCacheOptions {
  /** Bytes of answers in memory, about; those that were used last stay. At most 2 GiB count. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Keeps them beyond the life of the client, such as a {@link FolderCache}. */
  readonly store?: ResponseCacheStore;
}

/** Options of {@link OCSPClient}. */
export interface OCSPClientOptions {
  /**
   * Whom to ask: URLs, for all certificates; or a function that chooses. By default those that the certificate names. A list is
   * the caller's own, so it may lead anywhere. What a function returns is guarded as what certificates name: see
   * `allowPrivateAddresses`.
   */
  readonly responders?: Iterable<string | URL> | RespondersHook;
  /** What becomes of certificates of which nothing is known. Default `'hard'`. */
  readonly failPolicy?: FailPolicy;
  /** Milliseconds that a question may take, with all responders, redirects and second tries. Default 10,000. */
  readonly timeout?: number;
  /** Milliseconds after which the next responder is asked, too. Default 2,000. */
  readonly hedgeAfter?: number;
  /**
   * Certificates come from strangers, and the URLs in them might lead a client into its own network. So private, loopback,
   * link-local and other special addresses are not asked, also not after a redirect or by a name. `true`: they are; or the host
   * names, as they stand in URLs, for which they are. Default `false`.
   */
  readonly allowPrivateAddresses?: boolean | Iterable<string>;
  /** What is accepted as an answer. Default: `new Verifier()`. */
  readonly verifier?: Verifier;
  /** Where answers are kept; `false`: nowhere. */
  readonly cache?: ClientCacheOptions | false;
  /** `'auto'` (the default): GET up to 255 bytes of URL, as RFC 9919 has it, else POST. */
  readonly method?: 'auto' | 'post';
  /** Hash of CertIDs. `'auto'` (the default): SHA-256, and SHA-1 for responders that know certificates by that only. */
  readonly hash?: HashAlgorithmName | 'auto';
  /**
   * `true`: a nonce of 32 bytes is sent; of 16, and then none, to responders that do not like it. A number: of that many bytes,
   * likewise. `'required'`: of 32, and an answer without it does not count. Bytes: this one, always. Default `false`: answers
   * may come from caches on the way.
   */
  readonly nonce?: boolean | number | 'required' | Uint8Array;
  /**
   * URL of an HTTP proxy; `'environment'`: `http_proxy`, `https_proxy` and `no_proxy`, in either case, say which; null for none.
   * By default the environment, where NODE_USE_ENV_PROXY=1 says so to Node itself.
   */
  readonly proxy?: string | URL | 'environment' | null;
  /** Agents for connections that do not go through `proxy`. */
  readonly agents?: ClientAgents;
  /** In place of node:http. It resolves names itself, so host names are not guarded. */
  readonly fetch?: typeof fetch;
  /**
   * Seconds for which "good" is still taken past its time when no one can be reached. Default 0. ("Revoked" always is, until a
   * later answer says "good".)
   */
  readonly staleIfError?: number;
  /**
   * Seconds. Certificates that live shorter are not asked about. Default 0: all of those are that name a responder.
   */
  readonly minLifetime?: number;
  /** For tests. */
  readonly clock?: ClientClock;
}

/** Options, checked. */
export interface ClientSettings {
  readonly responders: readonly URL[] | RespondersHook | null;
  readonly failPolicy: FailPolicy;
  /** Milliseconds, as in the options. */
  readonly times: { readonly timeout: number; readonly hedgeAfter: number };
  readonly inquiry: InquiryOptions;
  readonly staleIfError: number;
  readonly minLifetime: number;
  readonly cache: { readonly maxBytes: number; readonly store: ResponseCacheStore | null };
}

const DEFAULT_TIMEOUT = 10_000;
const DEFAULT_HEDGE = 2000;
const DEFAULT_CACHE_BYTES = 64 * 1024 * 1024;
const NONCE_LENGTH = 32;
/** RFC 9654 section 2.1. */
const LONGEST_NONCE = 128;
const AGENTS: OptionNames<ClientAgents> = { http: true, https: true };
const CACHE_OPTIONS: OptionNames<ClientCacheOptions> = { maxBytes: true, store: true };
const OPTIONS: OptionNames<OCSPClientOptions> = {
  responders: true,
  failPolicy: true,
  timeout: true,
  hedgeAfter: true,
  allowPrivateAddresses: true,
  verifier: true,
  cache: true,
  method: true,
  hash: true,
  nonce: true,
  proxy: true,
  agents: true,
  fetch: true,
  staleIfError: true,
  minLifetime: true,
  clock: true,
};

/** @throws TypeError; `ERR_OCSP_INVALID_VALUE`; `ERR_OCSP_UNSUPPORTED_ALGORITHM`. */
export function toSettings(given: OCSPClientOptions): ClientSettings {
  const options = readOptions(given, OPTIONS);
  const { verifier = new Verifier(), method = 'auto', hash = 'auto', clock = SYSTEM_CLOCK } = options;
  if (!(verifier instanceof Verifier)) throw invalidArgType('verifier', 'an instance of Verifier', verifier);
  if (method !== 'auto' && method !== 'post') throw invalidValue("method must be 'auto' or 'post'");
  const responders = toResponders(options.responders);
  const timeout = milliseconds(options.timeout, 'timeout') ?? DEFAULT_TIMEOUT;
  const hedgeAfter = milliseconds(options.hedgeAfter, 'hedgeAfter') ?? DEFAULT_HEDGE;
  const { nonce = false } = options;
  return {
    responders,
    failPolicy: toFailPolicy(options.failPolicy),
    times: { timeout, hedgeAfter },
    inquiry: {
      transport: toTransport(options),
      verifier,
      clock: checkObject(clock, 'clock'),
      method,
      hash: hash === 'auto' ? hash : checkCertIdHash(hash, 'hash').hash,
      nonce: toNonce(nonce),
      nonceRequired: nonce === 'required',
      patience: Math.min(hedgeAfter, Math.ceil(timeout / 2)),
      isGuarded: guardFor(options.allowPrivateAddresses, responders),
    },
    staleIfError: (checkSeconds(options.staleIfError, 'staleIfError') ?? 0) * 1000,
    minLifetime: checkSeconds(options.minLifetime, 'minLifetime') ?? 0,
    cache: toCacheSettings(options.cache),
  };
}

function toResponders(value: OCSPClientOptions['responders']): ClientSettings['responders'] {
  if (value === undefined) return null;
  if (typeof value === 'function') return value;
  if (typeof value === 'string') throw invalidArgType('responders', 'a list of URLs or a function', value);
  const urls = checkList(value, 'responders', (item) => toResponderUrl(item as string | URL));
  // No one would ever be asked, and every certificate be let pass.
  if (urls.length === 0) throw invalidValue('responders is empty: leave it out to ask those that certificates name');
  return urls;
}

/** A URL that the caller gives. (What is wrong may hold a password, so it is not repeated.) */
export function toResponderUrl(item: string | URL): URL {
  if (typeof item !== 'string' && !(item instanceof URL)) throw invalidArgType('responders', 'URLs', item);
  const url = httpUrl(String(item));
  if (url === undefined)
    throw invalidValue('a URL of responders is not an http or https URL, such as http://ocsp.example/');
  return url;
}

function toFailPolicy(value: unknown): FailPolicy {
  if (value === undefined) return 'hard';
  if (typeof value === 'function') return value as FailPolicy;
  if (value !== 'hard' && value !== 'soft') throw invalidValue("failPolicy must be 'hard', 'soft' or a function");
  return value;
}

function toNonce(value: unknown): OCSPNonce | number | null {
  if (value === false) return null;
  if (value === true || value === 'required') return NONCE_LENGTH;
  if (typeof value === 'number') return wholeNumber(value === 0 ? -1 : value, 'nonce', LONGEST_NONCE);
  return new OCSPNonce(value as Uint8Array);
}

function toTransport({ fetch: given, agents, proxy }: OCSPClientOptions): Transport {
  if (given === undefined) return new NodeTransport(toProxySetting(proxy), toAgents(agents));
  if (typeof given !== 'function') throw invalidArgType('fetch', 'a function', given);
  if (agents !== undefined || proxy !== undefined)
    throw invalidValue('fetch is given, so agents and proxy have no use');
  return new FetchTransport(given);
}

function toAgents(agents: ClientAgents | undefined): ClientAgents {
  if (agents === undefined) return {};
  const given = readOptions(agents, AGENTS, 'agents');
  for (const [name, agent] of Object.entries(given)) {
    // Each question would fail, as if no one could be reached.
    if (agent !== undefined && typeof (agent as { addRequest?: unknown } | null)?.addRequest !== 'function')
      throw invalidArgType(`agents.${name}`, `an Agent of node:${name}`, agent);
  }
  return given;
}

/** Nothing but a host: no scheme, port or path, and none of the patterns that would match no host. */
const HOST_NAME = /^(?:[^\s/\\:?#@*%[\]]+|\[[\da-f:.]+\])$/i;

/** Whether a URL may lead to public addresses only: not where the caller has named it, or its host. */
function guardFor(allowed: unknown, responders: ClientSettings['responders']): (url: URL) => boolean {
  if (allowed === true) return () => false;
  const hosts = new Set<string>();
  if (typeof allowed === 'string')
    throw invalidArgType('allowPrivateAddresses', 'a boolean or a list of host names', allowed);
  if (allowed !== undefined && allowed !== false) {
    const names = checkList(allowed, 'allowPrivateAddresses', (item) => {
      if (typeof item !== 'string') throw invalidArgType('allowPrivateAddresses', 'a boolean or host names', item);
      if (!HOST_NAME.test(item) || !URL.canParse(`http://${item}`))
        throw invalidValue(
          `allowPrivateAddresses has host names as they stand in URLs, such as ocsp.internal, 10.0.0.5 or [::1], not '${item.slice(0, 64)}'`,
        );
      return new URL(`http://${item}`).hostname;
    });
    for (const name of names) hosts.add(name);
  }
  const own = new Set(Array.isArray(responders) ? responders.map(({ host }: URL) => host) : []);
  return ({ host, hostname }) => !hosts.has(hostname) && !own.has(host);
}

function toCacheSettings(cache: OCSPClientOptions['cache']): ClientSettings['cache'] {
  if (cache === false) return { maxBytes: 0, store: null };
  // (It has no fields: it would be taken for no options at all.)
  if (typeof (cache as Partial<ResponseCacheStore> | undefined)?.get === 'function')
    throw invalidArgType('cache', '{ store }', cache);
  const { maxBytes = DEFAULT_CACHE_BYTES, store = null } = readOptions(cache ?? {}, CACHE_OPTIONS, 'cache');
  if (typeof maxBytes !== 'number') throw invalidArgType('cache.maxBytes', 'a number of bytes', maxBytes);
  // (A Map has some of it.)
  if (store !== null && (['get', 'put', 'delete', 'keys'] as const).some((name) => typeof store?.[name] !== 'function'))
    throw invalidArgType('cache.store', 'a ResponseCacheStore, such as FolderCache', store);
  if (!(maxBytes >= 0)) throw invalidValue('cache.maxBytes is not a number of bytes');
  return { maxBytes, store };
}

function milliseconds(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number') throw invalidArgType(name, 'a number of milliseconds', value);
  if (!(value > 0 && value <= LONGEST_TIME))
    throw invalidValue(`${name} must be within 1 to ${LONGEST_TIME} milliseconds`);
  return value;
}
