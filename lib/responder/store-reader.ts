/** Answers that were signed before: what they state, and whether they may be given. */
import type { CertIdHashIndex } from '../../typings/binding.js';
import { OCSPResponseStatus } from '../ocsp/enums.js';
import { HASH_INDEX, ISSUER_KEY_HASH, ISSUER_NAME_HASH } from '../ocsp/layout.js';
import { loadDerOcspResponse } from '../ocsp/response.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import type { ResponseStore, StoredResponse } from '../store/response-store.js';
import { CERT_ID_HASHES, type HashAlgorithm } from '../x509/algorithms.js';
import { Prepared } from './answer.js';
import type { ResponderIssuer } from './issuer.js';
import type { LiveSigner } from './live-signer.js';

/** What a store says of a certificate. */
export interface Stored {
  /** Its status, by whatever hash the answer is that states it. */
  readonly entry: StatusEntry;
  /** The answer for the hash that is asked by; undefined when there is none. */
  readonly answer: Prepared | undefined;
}

/** A store that also tells the version of what it has. */
interface RecordStore {
  getRecord(serial: string): StoredResponse | undefined;
}

/**
 * Looks a certificate up.
 *
 * @throws What the store throws, and what reading its answers throws.
 */
export function readStore(
  issuer: ResponderIssuer,
  store: ResponseStore,
  serial: string,
  asked: AskedBy | undefined,
): Stored | undefined | Promise<Stored | undefined> {
  const first = 'getRecord' in store ? (store as RecordStore).getRecord(serial) : store.get(serial);
  const withFirst = (found: Buffer | StoredResponse | undefined): Stored | undefined | Promise<Stored | undefined> => {
    if (found === undefined) return undefined;
    const one = Buffer.isBuffer(found)
      ? readAnswer(issuer, found, 0)
      : readAnswer(issuer, found.der, found.statusVersion);
    if (one === undefined) return undefined;
    const { entry } = one;
    if (asked === undefined || one.isBy(asked)) return { entry, answer: one.prepared };
    const withSecond = (der: Buffer | undefined): Stored => {
      const other = der && readAnswer(issuer, der, entry.statusVersion ?? 0);
      return { entry, answer: other?.isBy(asked) ? other.prepared : undefined };
    };
    const { hash, issuerNameHash, signer } = asked;
    const second = store.get(serial, {
      hashAlgorithm: CERT_ID_HASHES[hash]?.hash as HashAlgorithm,
      issuerNameHash,
      ...(signer?.signatureAlgorithm != null && { signatureAlgorithm: signer.signatureAlgorithm }),
    });
    return second instanceof Promise ? second.then(withSecond) : withSecond(second);
  };
  return first instanceof Promise ? first.then(withFirst) : withFirst(first);
}

/** How a certificate is asked about. */
export interface AskedBy {
  readonly hash: CertIdHashIndex;
  readonly issuerNameHash: Buffer;
  /** Who has to have signed the answer; undefined when that does not matter. */
  readonly signer?: LiveSigner | undefined;
}

interface Read {
  readonly entry: StatusEntry;
  /** Whether its CertID is the one that is asked by, and its signer. */
  isBy(asked: AskedBy): boolean;
  /** undefined when it is that of a signer whom the issuer does not have, or no more. */
  readonly prepared: Prepared | undefined;
}

/** undefined for what is no answer for this issuer. */
function readAnswer(issuer: ResponderIssuer, der: Buffer, statusVersion: number): Read | undefined {
  const response = loadDerOcspResponse(der);
  if (response.responseStatus !== OCSPResponseStatus.SUCCESSFUL) return undefined;
  const { responses, producedAt } = response;
  const [single] = responses;
  if (single === undefined || responses.length !== 1) return undefined;
  const id = single.parsedCertId();
  const hash = id.number(HASH_INDEX);
  if (CERT_ID_HASHES[hash] === undefined) return undefined;
  // By the key alone: however the name is spelt, a revocation is one.
  if (!id.view(ISSUER_KEY_HASH).equals(issuer.parsed.publicKeyHash(hash as CertIdHashIndex))) return undefined;
  const isBy = (asked: AskedBy): boolean =>
    asked.hash === hash &&
    id.view(ISSUER_NAME_HASH).equals(asked.issuerNameHash) &&
    (asked.signer?.hasSigned(response) ?? true);
  const { certificateStatus: status, revocationTime, revocationReason: reason, thisUpdate, nextUpdate } = single;
  const entry: StatusEntry = { serialNumber: single.serialNumber, status, revocationTime, reason, statusVersion };
  const signer = issuer.signers.find((one) => one.isNamedBy(response));
  if (signer === undefined && issuer.signers.length > 0) return { entry, isBy, prepared: undefined };
  const times = {
    producedAt: secondsOf(producedAt),
    thisUpdate: secondsOf(thisUpdate),
    nextUpdate: nextUpdate && secondsOf(nextUpdate),
  };
  return {
    entry,
    isBy,
    prepared: new Prepared(der.toString('latin1'), entry, times, signer?.notAfter ?? Number.POSITIVE_INFINITY),
  };
}

function secondsOf(date: Date): number {
  return date.getTime() / 1000;
}
