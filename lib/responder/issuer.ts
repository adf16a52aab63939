/** One CA that is answered for. */
import type { X509Certificate } from 'node:crypto';
import type { CertIdHashIndex } from '../../typings/binding.js';
import { invalidArgType, invalidValue, OCSPError } from '../errors.js';
import { issuerIdentity, nameHash } from '../store/issuer-identity.js';
import type { IssuerIdentity, ResponseStore } from '../store/response-store.js';
import { CERT_ID_HASHES } from '../x509/algorithms.js';
import { type CertificateInput, type ParsedCertificate, toCertificate } from '../x509/certificate.js';
import { checkList } from '../x509/checks.js';
import type { PreferredSignatureAlgorithm } from '../x509/extensions/request.js';
import { nameLine } from '../x509/name-line.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import type { StatusAuthority } from './authority.js';
import { DEVICE_SIGNATURES } from './device-threads.js';
import { Gate, type GateLimits } from './gate.js';
import { Knowledge } from './knowledge.js';
import { LiveSigner, type ResponderSigner } from './live-signer.js';
import { oneOf, wholeNumber } from './options.js';
import { Words } from './words.js';

/** How to answer for serial numbers that the CA never issued. */
export type NotIssuedPolicy = 'unauthorized' | 'unknown' | 'good' | 'revoked';
const NOT_ISSUED = ['unauthorized', 'unknown', 'good', 'revoked'] as const;

/** A CA that a {@link Responder} answers for. */
export interface ResponderIssuerOptions {
  /** The CA's certificate. A CA that has a new key, or a new name, is another issuer. */
  readonly certificate: CertificateInput;
  /**
   * Certificates that the CA has issued. Where they spell its name in other string types than its own certificate does, it is answered
   * for by both: clients hash the name in the certificate that they ask about. One of each kind will do.
   */
  readonly subjects?: Iterable<CertificateInput>;
  /** Name in logs and metrics. Default: the subject of the certificate. */
  readonly name?: string;
  /** Who knows the statuses. It belongs to this issuer alone. */
  readonly authority: StatusAuthority;
  /**
   * Who signs: of those that are valid at the time, the one whose validity began last, or the first of them. So a new delegate takes
   * over while the old one is still valid. A client that prefers another signature algorithm (RFC 6960 section 4.4.7) gets the answer of
   * a valid one that signs so, where there is one; a certificate may stand there twice, with two values of `algorithm`. Without any signer,
   * only the answers of the store are given.
   */
  readonly signers: Iterable<ResponderSigner>;
  /**
   * Answers that have been signed before. One that does not say what the authority knows now is not sent, but signed again. A revocation
   * that only the store knows counts, too, unless it was a hold and the authority knows better.
   */
  readonly store?: ResponseStore;
  /**
   * What to answer for a serial number that the authority does not know. `unauthorized`, the default, is what RFC 9919 section
   * 3.2.3 requires where there is no record; it is not signed, so guessing costs nothing. `unknown` is signed; `revoked` is that
   * of RFC 6960 section 2.2; `good` is for authorities that know only what is revoked, such as a CRL without a list.
   */
  readonly notIssued?: NotIssuedPolicy;
  /**
   * Seconds for which statuses are kept after a certificate has expired: answers carry an archive cutoff (RFC 6960 section 4.4.4)
   * that lies so far before producedAt. Default: none.
   */
  readonly archiveCutoff?: number;
  /**
   * When to say that never issued certificates are answered `revoked` (RFC 6960 section 4.4.8): in those answers, or in all.
   * Default `when-used`. Goes with `notIssued: 'revoked'`.
   */
  readonly extendedRevoke?: 'when-used' | 'always';
  /** Sign even with certificates that clients will refuse. Default false. */
  readonly allowUnauthorized?: boolean;
}

const ISSUER_NAMES: OptionNames<ResponderIssuerOptions> = {
  certificate: true,
  subjects: true,
  name: true,
  authority: true,
  signers: true,
  store: true,
  notIssued: true,
  archiveCutoff: true,
  extendedRevoke: true,
  allowUnauthorized: true,
};

/** Place of SHA-256 in CERT_ID_HASHES. */
const SHA256 = 2;

/** A CA that a {@link Responder} answers for, as its authority sees it. */
export class ResponderIssuer {
  /** Name in logs and metrics. */
  readonly name: string;
  /** @internal */
  readonly parsed: ParsedCertificate;
  /** @internal Number in its responder: the first part of the keys of caches. */
  readonly index: number;
  /** @internal */
  readonly signers: readonly LiveSigner[];
  /** @internal */
  readonly knowledge: Knowledge;
  /** @internal Shared with those it was inherited from: they answer still. */
  words: Words = new Words();
  /** @internal */
  readonly store: ResponseStore | undefined;
  /** @internal When it could not be read last, by a clock that no one sets. */
  storeFailedAt: number = Number.NEGATIVE_INFINITY;
  /** @internal */
  readonly notIssued: NotIssuedPolicy;
  /** @internal */
  readonly archiveCutoff: number | undefined;
  /** @internal */
  readonly extendedRevoke: 'when-used' | 'always' | undefined;
  /** @internal Of what signs elsewhere, and of loading keys: whether it hangs is no one else's business. */
  readonly gate: Gate;
  /** @internal Of devices. */
  readonly deviceGate: Gate;
  /** @internal As stores know it. */
  readonly identity: IssuerIdentity;

  /** @internal */
  constructor(
    given: ResponderIssuerOptions,
    index: number,
    limits: GateLimits,
    onError: (issuer: ResponderIssuer, error: unknown) => void,
  ) {
    const options = readOptions(given, ISSUER_NAMES, 'issuer');
    this.parsed = toCertificate(options.certificate, 'issuer.certificate');
    this.index = index;
    this.identity = issuerIdentity(this.parsed, options.subjects);
    this.name = options.name ?? (nameLine(this.parsed.x509.subject) || `issuer ${index}`);
    const { authority } = options;
    if (typeof authority?.lookup !== 'function')
      throw invalidArgType('issuer.authority', 'a StatusAuthority', authority);
    const allowUnauthorized = options.allowUnauthorized === true;
    const self = { given: options.certificate, parsed: this.parsed };
    let at = 0;
    this.signers = checkList(options.signers, 'issuer.signers', (signer) => {
      const place = `${this.name}, signers[${at++}]`;
      return withPlace(place, () => new LiveSigner(signer as ResponderSigner, self, allowUnauthorized, limits.timeout));
    });
    const { store } = options;
    if (store !== undefined && typeof store?.get !== 'function')
      throw invalidArgType('issuer.store', 'a ResponseStore', store);
    this.store = store;
    if (this.signers.length === 0 && store === undefined)
      throw invalidValue(`${this.name} has neither a signer nor a store`);
    this.notIssued = oneOf(options.notIssued ?? 'unauthorized', NOT_ISSUED, 'issuer.notIssued');
    this.archiveCutoff =
      options.archiveCutoff === undefined ? undefined : wholeNumber(options.archiveCutoff, 'issuer.archiveCutoff', 0);
    if (options.extendedRevoke !== undefined && this.notIssued !== 'revoked')
      throw invalidValue("issuer.extendedRevoke goes with notIssued: 'revoked'");
    this.extendedRevoke =
      this.notIssued === 'revoked'
        ? oneOf(options.extendedRevoke ?? 'when-used', ['when-used', 'always'] as const, 'issuer.extendedRevoke')
        : undefined;
    this.gate = new Gate(limits);
    const maxInflight = Math.min(limits.maxInflight, DEVICE_SIGNATURES);
    this.deviceGate = new Gate({ ...limits, maxInflight, keepsPlace: true });
    this.knowledge = new Knowledge(authority, (error) => onError(this, error));
  }

  /** The CA's certificate. */
  get certificate(): X509Certificate {
    return this.parsed.x509;
  }

  /** @internal Whether a certificate is that of this CA, as it is or renewed: the same name and key. */
  isOf(other: ParsedCertificate): boolean {
    return (
      this.parsed.subject.equals(other.subject) && this.parsed.publicKeyHash(SHA256).equals(other.publicKeyHash(SHA256))
    );
  }

  /** @internal Takes over what the one before it, as of a reload, was told and has heard. */
  inherit(before: ResponderIssuer): void {
    this.knowledge.inherit(before.knowledge);
    this.words = before.words;
  }

  /** @internal Who signs at a time; undefined when no one may. */
  signerAt(now: number): LiveSigner | undefined {
    return newest(this.signers, now, () => true);
  }

  /** @internal Of those who may sign at a time, whom a client would rather have; undefined when none of them is what it prefers. */
  preferredSigner(preferred: readonly PreferredSignatureAlgorithm[], now: number): LiveSigner | undefined {
    if (this.signers.length < 2) return undefined;
    for (const preference of preferred) {
      const signer = newest(this.signers, now, (one) => one.suits(preference));
      if (signer !== undefined) return signer;
    }
    return undefined;
  }
}

/** What `make` makes. Its error says of which of many signers it is. */
function withPlace<T>(place: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw cause instanceof OCSPError ? new OCSPError(cause.code, `${place}: ${cause.message}`, { cause }) : cause;
  }
}

/** Of those that are valid at a time and may be taken, the one whose validity began last. */
function newest(
  signers: readonly LiveSigner[],
  now: number,
  mayBeTaken: (signer: LiveSigner) => boolean,
): LiveSigner | undefined {
  let best: LiveSigner | undefined;
  for (const one of signers)
    if (one.isValid(now) && (best === undefined || one.notBefore > best.notBefore) && mayBeTaken(one)) best = one;
  return best;
}

/** An issuer as a CertID names it. */
export interface NamedIssuer {
  readonly issuer: ResponderIssuer;
  readonly hash: CertIdHashIndex;
  /** Which spelling of its name. */
  readonly name: number;
}

/** Issuers by what a CertID says of them. */
export class IssuerTable {
  readonly #table = new Map<string, NamedIssuer>();

  /** @throws `ERR_OCSP_INVALID_VALUE` for two issuers of one name and key. */
  constructor(issuers: readonly ResponderIssuer[]) {
    for (const issuer of issuers)
      for (const { index: hash } of CERT_ID_HASHES) {
        const key = issuer.parsed.publicKeyHash(hash);
        for (const [name, der] of issuer.identity.names.entries()) {
          const nameText = nameHash(der, hash).toString('latin1');
          const id = `${nameText}\x04${String.fromCharCode(key.length)}${key.toString('latin1')}`;
          if (this.#table.has(id)) throw invalidValue(`there are two issuers with the name and key of ${issuer.name}`);
          this.#table.set(id, { issuer, hash, name });
        }
      }
  }

  /**
   * @param id - the content of issuerNameHash and all of issuerKeyHash, as they stand side by side in the DER of a CertID
   */
  find(id: string, hash: number): NamedIssuer | undefined {
    const row = this.#table.get(id);
    return row?.hash === hash ? row : undefined;
  }
}
