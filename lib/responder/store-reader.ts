/** Answers that were signed before: what they state, and whether they may be given. */
import type { CertIdHashIndex } from '../../typings/binding.js';
import { OCSPCertStatus, OCSPResponseStatus } from '../ocsp/enums.js';
import {
  FIRST_SINGLE,
  HASH_INDEX,
  ISSUER_KEY_HASH,
  ISSUER_NAME_HASH,
  NEXT_UPDATE,
  PRODUCED_AT,
  RESPONSE_COUNT,
  RESPONSE_STATUS,
  THIS_UPDATE,
} from '../ocsp/layout.js';
import { copyInput, INTERNAL, type MessageBytes, MessageView, STRICT } from '../ocsp/message.js';
import { OCSPResponse } from '../ocsp/response.js';
import { isByKey, readResponse, viewCertificates } from '../ocsp/response-parts.js';
import { OCSPSingleResponse } from '../ocsp/single-response.js';
import { isPermanent } from '../statuses/is-permanent.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import type { AnswerChoice, ResponseStore, StoredResponse } from '../store/response-store.js';
import { SegmentStore } from '../store/segment-store.js';
import { CERT_ID_HASHES, HashAlgorithm } from '../x509/algorithms.js';
import { x509Of } from '../x509/pem.js';
import { parsePrintedTime } from '../x509/time.js';
import { after } from './after.js';
import { Prepared } from './answer.js';
import type { ResponderIssuer } from './issuer.js';
import type { LiveSigner } from './live-signer.js';
import { moreTrue } from './statement.js';

/** What a store says of a certificate. */
export interface Stored {
  /** Its status, by whatever hash the answer is that states it. */
  readonly entry: StatusEntry;
  /** The answer for the hash that is asked by; undefined when there is none. */
  readonly answer: Prepared | undefined;
  /** The edition of the store that says so; -1 where it has none. */
  readonly edition: number;
}

/** A store that also tells the version of what it has; {@link SegmentStore} shows it where it lies. */
interface RecordStore {
  getRecord(serial: string): StoredResponse | undefined;
}

/** An answer of a store, and its version: 0 where the store does not tell. */
interface Found {
  readonly der: MessageBytes;
  readonly statusVersion: number;
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
  if (store instanceof SegmentStore) return readSegments(issuer, store, serial, asked);
  const withFirst = (found: Found | undefined): Stored | undefined | Promise<Stored | undefined> => {
    const one = found && readAnswer(issuer, found);
    if (one === undefined) return undefined;
    const isFound = asked === undefined || one.isBy(asked);
    const first = { entry: one.entry, answer: isFound ? one.prepared : undefined, edition: -1 };
    const choices = isFound ? [] : [choiceOf(asked)];
    // As in `readSegments`.
    if (one.entry.status === OCSPCertStatus.REVOKED && !isPermanent(one.entry))
      for (const hashAlgorithm of USUAL_HASHES)
        if (hashAlgorithm !== one.hashAlgorithm) choices.push({ hashAlgorithm });
    return choices.reduce<Stored | Promise<Stored>>(
      (before, choice) =>
        after(before, (known) =>
          after(store.get(serial, choice), (der) => {
            const other = der && readAnswer(issuer, copyOf(der, known.entry.statusVersion ?? 0));
            if (!other) return known;
            const answer = known.answer ?? (asked !== undefined && other.isBy(asked) ? other.prepared : undefined);
            return { entry: moreTrue(known.entry, other.entry), answer, edition: -1 };
          }),
        ),
      first,
    );
  };
  return after(findFirst(store, serial), withFirst);
}

/** By which most are asked about. */
const USUAL_HASHES: readonly HashAlgorithm[] = [HashAlgorithm.SHA1, HashAlgorithm.SHA256];

function choiceOf({ hash, issuerNameHash, signer }: AskedBy): AnswerChoice {
  return {
    hashAlgorithm: CERT_ID_HASHES[hash]?.hash as HashAlgorithm,
    issuerNameHash,
    ...(signer?.signatureAlgorithm != null && { signatureAlgorithm: signer.signatureAlgorithm }),
  };
}

/** All that is served for a certificate says one status, but a revocation for ever may lie beside a hold, for another hash. */
function readSegments(
  issuer: ResponderIssuer,
  store: SegmentStore,
  serial: string,
  asked: AskedBy | undefined,
): Stored | undefined {
  const peeked = store.peek(serial);
  if (peeked === undefined) return undefined;
  const { ders, statusVersion, edition } = peeked;
  let entry: StatusEntry | undefined;
  let answer: Prepared | undefined;
  let isFound = asked === undefined;
  for (const der of ders) {
    if (entry !== undefined && entry.status !== OCSPCertStatus.REVOKED && isFound) break;
    const one = readAnswer(issuer, { der, statusVersion });
    if (one === undefined) continue;
    entry = entry === undefined ? one.entry : moreTrue(entry, one.entry);
    if (isFound || (asked !== undefined && !one.isBy(asked))) continue;
    answer = one.prepared;
    isFound = true;
  }
  return entry && { entry, answer, edition };
}

function findFirst(store: ResponseStore, serial: string): Found | undefined | Promise<Found | undefined> {
  if ('getRecord' in store) {
    const record = (store as RecordStore).getRecord(serial);
    return record && copyOf(record.der, record.statusVersion);
  }
  const der = store.get(serial);
  return der instanceof Promise ? der.then((late) => late && copyOf(late, 0)) : der && copyOf(der, 0);
}

/** Also of a store that may change what it gives. */
function copyOf(der: Buffer, statusVersion: number): Found {
  return { der: copyInput(der, STRICT), statusVersion };
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
  /** Of its CertID. */
  readonly hashAlgorithm: HashAlgorithm;
  /** Whether its CertID is the one that is asked by, and its signer. */
  isBy(asked: AskedBy): boolean;
  /** undefined when it is that of a signer whom the issuer does not have, or no more. */
  readonly prepared: Prepared | undefined;
}

/** undefined for what is no answer for this issuer. */
function readAnswer(issuer: ResponderIssuer, { der, statusVersion }: Found): Read | undefined {
  const response = readResponse(der);
  if (response.number(RESPONSE_STATUS) !== OCSPResponseStatus.SUCCESSFUL) return undefined;
  if (response.number(RESPONSE_COUNT) !== 1) return undefined;
  const id = new MessageView(der, response.offsets, FIRST_SINGLE);
  const hash = id.number(HASH_INDEX);
  const hashAlgorithm = CERT_ID_HASHES[hash]?.hash;
  if (hashAlgorithm === undefined) return undefined;
  // By the key alone: however the name is spelt, a revocation is one.
  if (!id.is(ISSUER_KEY_HASH, issuer.parsed.publicKeyHash(hash as CertIdHashIndex))) return undefined;
  const isBy = (asked: AskedBy): boolean =>
    asked.hash === hash &&
    id.is(ISSUER_NAME_HASH, asked.issuerNameHash) &&
    (asked.signer === undefined ||
      (asked.signer.isNamedBy(response) && asked.signer.hasSigned(new OCSPResponse(INTERNAL, der))));
  const single = new OCSPSingleResponse(INTERNAL, id);
  const { serialNumber, certificateStatus: status, revocationTime, revocationReason: reason } = single;
  const entry: StatusEntry = { serialNumber, status, revocationTime, reason, statusVersion };
  const signer = issuer.signers.find((one) => one.isNamedBy(response));
  const signerEnds = signer === undefined ? Number.POSITIVE_INFINITY : endOfSigner(signer, response);
  if (signerEnds === undefined || (signer === undefined && issuer.signers.length > 0))
    return { entry, hashAlgorithm, isBy, prepared: undefined };
  const times = {
    producedAt: response.seconds(PRODUCED_AT),
    thisUpdate: id.seconds(THIS_UPDATE),
    nextUpdate: id.has(NEXT_UPDATE) ? id.seconds(NEXT_UPDATE) : null,
  };
  const latin1 = der.memory.toString('latin1', der.start, der.end);
  return { entry, hashAlgorithm, isBy, prepared: new Prepared(latin1, entry, times, signerEnds) };
}

/**
 * When the certificate ends by which a client verifies an answer that names this signer, in milliseconds; undefined where it is that of another
 * key, as of the delegate before this one, of the same name.
 */
function endOfSigner({ responder, notAfter }: LiveSigner, response: MessageView): number | undefined {
  const certificates = viewCertificates(response);
  const [first] = certificates;
  if (first === undefined || certificates.some((der) => der.equals(responder.der))) return notAfter;
  if (!isByKey(response)) return undefined;
  // Of one key, which has got a new certificate since.
  const end = endOf(first);
  return end && Math.min(notAfter, end);
}

/** By the DER of certificates: there are few. */
const ends = new Map<string, number | undefined>();
const MOST_ENDS = 64;

/** undefined for what is no certificate. */
function endOf(der: Buffer): number | undefined {
  const key = der.toString('latin1');
  if (!ends.has(key)) {
    if (ends.size >= MOST_ENDS) ends.clear();
    let end: number | undefined;
    try {
      end = parsePrintedTime(x509Of(der).validTo);
    } catch {
      end = undefined;
    }
    ends.set(key, end);
  }
  return ends.get(key);
}
