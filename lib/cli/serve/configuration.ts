/** From the configuration of `openssl-ocsp serve` to the options of a responder. */
import type { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { OCSPError } from '../../errors.js';
import type { StatusAuthority } from '../../responder/authority.js';
import { crlAuthority } from '../../responder/crl-authority.js';
import { indexTxtAuthority } from '../../responder/index-txt-authority.js';
import type { NotIssuedPolicy, ResponderIssuerOptions } from '../../responder/issuer.js';
import type { ResponderSigner } from '../../responder/live-signer.js';
import type { LiveOptions, NoncePolicy, ResponderOptions } from '../../responder/options.js';
import type { ListenAddress } from '../../responder/serve.js';
import { storeAuthority } from '../../responder/store-authority.js';
import { SegmentStore } from '../../store/segment-store.js';
import { type HashAlgorithmName, plainHashName } from '../../x509/algorithms.js';
import { toCertificate } from '../../x509/certificate.js';
import { isStoreUri } from '../../x509/stored-key.js';
import { UsageError } from '../command.js';
import { readCertificates, subjectOf } from '../input.js';
import { readSigner } from '../key-options.js';
import { checkIsStore } from '../store-folder.js';
import { reading } from '../system-error.js';
import { checkSchema, SCHEMA } from './schema.js';

/** A signer in the configuration. */
export interface SignerConfig {
  readonly certificate?: string;
  readonly key: string;
  readonly passphraseFile?: string;
  readonly passphraseEnv?: string;
  readonly digest?: string;
}

/** An issuer in the configuration. */
export interface IssuerConfig {
  readonly name?: string;
  readonly certificate: string;
  readonly subject?: string;
  readonly signers?: readonly SignerConfig[];
  readonly index?: string;
  readonly crl?: string;
  readonly serials?: string;
  readonly serialsOfPart?: boolean;
  readonly postgres?: string;
  readonly store?: string;
  readonly notIssued?: NotIssuedPolicy;
  readonly includeExpired?: boolean;
  readonly hours?: number;
  readonly extendedRevoke?: 'when-used' | 'always';
  readonly archiveCutoff?: number;
  readonly allowUnauthorized?: boolean;
}

/** The configuration: what {@link SCHEMA} describes. */
export interface ServeConfig {
  readonly listen?: string;
  readonly admin?: string;
  readonly basePath?: string;
  readonly issuers: readonly IssuerConfig[];
  readonly nonce?: NoncePolicy;
  readonly requestSignatures?: 'ignored' | 'verified' | 'required';
  readonly requestTrust?: string;
  readonly maxAge?: number;
  readonly maxLag?: number;
  readonly maxRequestBytes?: number;
  readonly maxCertIds?: number;
  readonly cachePost?: boolean;
  readonly strictContentType?: boolean;
  readonly errorStatus?: 'ok' | 'mapped';
  readonly cacheBytes?: number;
  readonly live?: LiveOptions;
  readonly tls?: { readonly certificate: string; readonly key: string };
  readonly processes?: number;
  readonly shutdownTimeout?: number;
}

/**
 * Reads a configuration file. Paths in it are relative to its folder.
 *
 * @throws UsageError for what the schema does not have, and what is no JSON; an Error when it cannot be read.
 */
export function readConfig(path: string): ServeConfig {
  const content = reading(path, () => readFileSync(path, 'utf8'));
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${(error as Error).message}`);
  }
  checkSchema(value, SCHEMA, path);
  const config = value as ServeConfig;
  const folder = dirname(resolve(path));
  const at = (name: string): string => (isStoreUri(name) ? name : resolve(folder, name));
  const files = <T extends object>(item: T, names: readonly (keyof T)[]): T => {
    const changed = names.filter((name) => item[name] !== undefined).map((name) => [name, at(String(item[name]))]);
    return { ...item, ...Object.fromEntries(changed) };
  };
  return {
    ...files(config, ['requestTrust']),
    issuers: config.issuers.map((issuer) => ({
      ...files(issuer, ['certificate', 'subject', 'index', 'crl', 'serials', 'store']),
      ...(issuer.signers && {
        signers: issuer.signers.map((signer) => files(signer, ['certificate', 'key', 'passphraseFile'])),
      }),
    })),
    ...(config.tls && { tls: files(config.tls, ['certificate', 'key']) }),
  };
}

/** What goes on over a reload: lists, which forget no revocation, and stores, whose files are open. */
export class Resources {
  #authorities = new Map<string, StatusAuthority>();
  #stores = new Map<string, SegmentStore>();
  readonly #used = new Set<string>();
  readonly #made = new Set<string>();

  /** The authority of before, or a new one. */
  authority(key: string, make: () => StatusAuthority): StatusAuthority {
    this.#used.add(key);
    const before = this.#authorities.get(key);
    if (before !== undefined) return before;
    const made = make();
    this.#made.add(key);
    this.#authorities.set(key, made);
    return made;
  }

  async store(folder: string): Promise<SegmentStore> {
    this.#used.add(folder);
    const before = this.#stores.get(folder);
    if (before !== undefined) return before;
    const made = await openStore(folder);
    this.#made.add(folder);
    this.#stores.set(folder, made);
    return made;
  }

  /** From here on is counted what is asked for, and what is new. */
  begin(): void {
    this.#used.clear();
    this.#made.clear();
  }

  /** Closes what has not been asked for since {@link begin}. What is new is in use from here on. */
  settle(): void {
    this.#close((key) => !this.#used.has(key));
    this.#made.clear();
  }

  /** Closes what is new since {@link begin}: the next reload looks at the files again, as they are then. */
  abandon(): void {
    this.#close((key) => this.#made.has(key));
    this.#made.clear();
  }

  #close(isClosed: (key: string) => boolean): void {
    for (const [key, authority] of this.#authorities)
      if (isClosed(key)) {
        this.#authorities.delete(key);
        void authority.close?.();
      }
    for (const [folder, store] of this.#stores)
      if (isClosed(folder)) {
        this.#stores.delete(folder);
        store.close();
      }
  }
}

async function openStore(folder: string): Promise<SegmentStore> {
  checkIsStore(folder);
  return SegmentStore.open(folder);
}

/** Who is told what there is to say. */
export interface Teller {
  readonly resources: Resources;
  /** What went wrong while a file is watched. */
  readonly onError: (file: string, error: unknown) => void;
  readonly warn: (message: string) => void;
  /** Load every key now, however many there are. */
  readonly everyKey: boolean;
}

/** Their places in CERT_ID_HASHES. */
const SHA1 = 0;
const SHA256 = 2;

/** More than so many keys are loaded when they are needed. */
const KEYS_AT_START = 64;

/**
 * The options of a responder.
 *
 * @throws UsageError; what reading certificates and keys throws.
 */
export async function responderOptions(config: ServeConfig, tell: Teller): Promise<ResponderOptions> {
  const { issuers, nonce, maxAge, maxLag, maxRequestBytes, maxCertIds, basePath, live } = config;
  const { cachePost, strictContentType, errorStatus, cacheBytes, requestSignatures, requestTrust } = config;
  if (nonce === 'required' && issuers.some(({ signers = [] }) => signers.length === 0))
    throw new UsageError('nonce required goes with signers: a nonce is in no answer that was signed before');
  const keys = issuers.reduce((sum, { signers = [] }) => sum + signers.length, 0);
  const isLazy = keys > KEYS_AT_START && !tell.everyKey;
  const list: ResponderIssuerOptions[] = [];
  for (const issuer of issuers) list.push(await issuerOptions(issuer, isLazy, tell));
  return {
    issuers: list,
    ...(nonce !== undefined && { nonce }),
    ...(requestSignatures !== undefined && { requestSignatures }),
    ...(requestTrust !== undefined && { requestTrust: await readCertificates(requestTrust) }),
    ...(maxAge !== undefined && { maxAge }),
    ...(maxLag !== undefined && { maxLag }),
    ...(maxRequestBytes !== undefined && { maxRequestBytes }),
    ...(maxCertIds !== undefined && { maxCertIds }),
    ...(basePath !== undefined && { basePath }),
    ...(live !== undefined && { live }),
    ...(cachePost !== undefined && { cachePost }),
    ...(strictContentType !== undefined && { strictContentType }),
    ...(errorStatus !== undefined && { errorStatus }),
    ...(cacheBytes !== undefined && { cache: { maxBytes: cacheBytes } }),
  };
}

async function issuerOptions(config: IssuerConfig, isLazy: boolean, tell: Teller): Promise<ResponderIssuerOptions> {
  const { name, signers = [], store: folder, notIssued, hours, allowUnauthorized } = config;
  const { extendedRevoke, archiveCutoff } = config;
  const ofSigners = (['hours', 'archiveCutoff', 'allowUnauthorized'] as const).find((member) => config[member]);
  if (signers.length === 0 && ofSigners !== undefined)
    throw new UsageError(`the issuer ${config.certificate}: ${ofSigners} goes with signers`);
  if (signers.length === 0 && notIssued !== undefined && notIssued !== 'unauthorized')
    throw new UsageError(
      `the issuer ${config.certificate}: notIssued ${notIssued} goes with signers: no one has signed it before`,
    );
  if (config.crl !== undefined && hours !== undefined)
    throw new UsageError(
      `the issuer ${config.certificate}: a CRL says itself until when it holds: hours do not go with it`,
    );
  const [certificate] = await readCertificates(config.certificate);
  const subjects = config.subject === undefined ? [] : await readCertificates(config.subject);
  const store = folder === undefined ? undefined : await tell.resources.store(folder);
  if (store !== undefined) checkIsOf(certificate, store, `the store ${folder}`);
  const validity = hours === undefined ? {} : { validity: { period: hours * 3600 } };
  const list: ResponderSigner[] = [];
  for (const signer of signers)
    list.push({ ...(await signerOptions(signer, certificate, isLazy, (message) => tell.warn(message))), ...validity });
  return {
    certificate,
    subjects,
    authority: await authorityOf(config, certificate, store, tell),
    signers: list,
    ...(name !== undefined && { name }),
    ...(store !== undefined && { store }),
    ...(notIssued !== undefined && { notIssued }),
    ...(extendedRevoke !== undefined && { extendedRevoke }),
    ...(archiveCutoff !== undefined && { archiveCutoff }),
    ...(allowUnauthorized !== undefined && { allowUnauthorized }),
  };
}

/**
 * Of a store of another CA every answer would be left out, without a word.
 *
 * @throws An Error for such a store.
 */
function checkIsOf(certificate: X509Certificate, store: SegmentStore, name: string): void {
  const issuer = toCertificate(certificate, 'issuer');
  const [issuerNameHash, issuerKeyHash] = [issuer.subjectHash(SHA1), issuer.publicKeyHash(SHA1)];
  try {
    const [first] = store.records();
    if (first !== undefined) store.lookup({ hashAlgorithm: 'sha1', issuerNameHash, issuerKeyHash, serialNumber: '00' });
  } catch (cause) {
    // (That it cannot be read is told of as long as it cannot.)
    if ((cause as Partial<OCSPError>).code === 'ERR_OCSP_ISSUER_MISMATCH')
      throw new Error(`${name} has answers of another CA than ${subjectOf(certificate)}`, { cause });
  }
}

async function authorityOf(
  { certificate, index, crl, serials, serialsOfPart, includeExpired, postgres }: IssuerConfig,
  issuer: X509Certificate,
  store: SegmentStore | undefined,
  { onError, resources }: Teller,
): Promise<StatusAuthority> {
  if ([index, crl, postgres].filter((one) => one !== undefined).length > 1)
    throw new UsageError(`the issuer ${certificate} has one of index, crl and postgres`);
  if ((serials !== undefined || serialsOfPart) && crl === undefined)
    throw new UsageError(`the issuer ${certificate}: serials go with a CRL`);
  if (includeExpired && index === undefined)
    throw new UsageError(`the issuer ${certificate}: includeExpired goes with an index`);
  if (index !== undefined) {
    const expired = includeExpired ? ({ expired: 'include' } as const) : {};
    const make = (): StatusAuthority =>
      indexTxtAuthority(index, { ...expired, onError: (error) => onError(index, error) });
    // A certificate of the CA that was renewed is no reason to forget what the list said before.
    const ca = toCertificate(issuer, 'issuer');
    const key = [ca.subject, ca.publicKeyHash(SHA256)].map((bytes) => bytes.toString('base64'));
    return resources.authority(JSON.stringify([...key, index, expired]), make);
  }
  if (crl !== undefined) {
    const given = { ...(serials !== undefined && { serials }), ...(serialsOfPart && { serialsOfPart }) };
    const make = (): StatusAuthority =>
      crlAuthority(crl, { issuer, ...given, onError: (error) => onError(crl, error) });
    return resources.authority(JSON.stringify([issuer.raw.toString('base64'), crl, given]), make);
  }
  if (postgres !== undefined) {
    // (Loaded here: no one else needs it.)
    const { PostgresAuthority } = await import('../../postgres/authority.js');
    const make = (): StatusAuthority => new PostgresAuthority(postgres, { issuer });
    return resources.authority(JSON.stringify([issuer.raw.toString('base64'), postgres]), make);
  }
  if (store === undefined)
    throw new UsageError(`the issuer ${certificate} needs an index, a CRL, a database or a store`);
  return storeAuthority(store);
}

/** DER of the OID id-pkix-ocsp-nocheck (RFC 6960 section 4.2.2.2.1). */
const NO_CHECK = Buffer.from('06092b0601050507300105', 'hex');

async function signerOptions(
  config: SignerConfig,
  issuer: X509Certificate,
  isLazy: boolean,
  warn: (message: string) => void,
): Promise<ResponderSigner> {
  const { certificate, key, passphraseFile, passphraseEnv, digest } = config;
  const secret = {
    ...(passphraseFile !== undefined && { 'passphrase-file': passphraseFile }),
    ...(passphraseEnv !== undefined && { 'passphrase-env': passphraseEnv }),
  };
  const load = () => readSigner({ option: 'key', value: key }, { option: 'signer', value: certificate }, secret);
  const algorithm = digest === undefined ? {} : { algorithm: plainHashName(digest) as HashAlgorithmName };
  if (isLazy && certificate !== undefined) {
    const [responder] = await readCertificates(certificate);
    return { responder, privateKey: async () => (await load()).privateKey, ...algorithm };
  }
  const { privateKey, certificates } = await load();
  if (!certificates[0].raw.equals(issuer.raw) && !certificates[0].raw.includes(NO_CHECK))
    warn(`${subjectOf(certificates[0])} has no ocsp-nocheck extension: some clients will ask for its status, too`);
  return { responder: certificates[0], privateKey, ...algorithm };
}

/** Bytes of the longest path of a socket: a longer one would be cut off, and no one would look for it there. */
const LONGEST_SOCKET = process.platform === 'linux' ? 107 : 103;

/**
 * An address: `HOST:PORT`, `:PORT`, `unix:PATH` or `fd:NUMBER`.
 *
 * @throws UsageError
 */
export function parseAddress(address: string, option: string): ListenAddress {
  if (address.startsWith('unix:') && address.length > 5) {
    const path = address.slice(5);
    if (Buffer.byteLength(path) > LONGEST_SOCKET)
      throw new UsageError(`--${option}: the path of a socket has at most ${LONGEST_SOCKET} bytes: ${path}`);
    return { path };
  }
  const fd = /^fd:(\d{1,6})$/.exec(address)?.[1];
  if (fd !== undefined) return { fd: Number(fd) };
  const [, host = '', port] = /^(.*):(\d{1,5})$/.exec(address) ?? [];
  if (port === undefined || Number(port) > 65_535)
    throw new UsageError(`--${option} is HOST:PORT, :PORT, unix:PATH or fd:NUMBER, not ${address}`);
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  return { port: Number(port), ...(bare !== '' && { host: bare }) };
}

/**
 * Listening itself would say that permission is denied.
 *
 * @throws An Error where the folder of a socket is missing.
 */
export function checkSocketFolder(address: ListenAddress): void {
  if ('path' in address && !existsSync(dirname(address.path)))
    throw new Error(`cannot listen at ${address.path}: no such folder`);
}
