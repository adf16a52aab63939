import type { OCSPCertStatus } from '../ocsp/enums.js';
import type { ListEdition } from '../statuses/list-edition.js';
import type { HashAlgorithm, HashAlgorithmName } from '../x509/algorithms.js';
import type { OptionNames } from '../x509/options.js';
import type { SerialKey } from './serial-key.js';

/** Whose answers a store holds. */
export interface IssuerIdentity {
  /**
   * Its distinguished name, DER. More than one when certificates spell it in different string types: equal names whose
   * bytes, and so the hashes that clients ask by, are not.
   */
  readonly names: readonly Uint8Array[];
  /** Hashes of its public key as CertIDs have them, one for each hash of CERT_ID_HASHES in their order. */
  readonly keyHashes: readonly Uint8Array[];
}

/** Which of several answers for one certificate is meant. What is not given does not matter. */
export interface AnswerChoice {
  /** Hash of the CertID. When it is not given SHA-1 goes before the others, as nearly every client asks by it. */
  readonly hashAlgorithm?: HashAlgorithmName;
  /** Hash of the issuer's name in the CertID; where the store knows more than one spelling. */
  readonly issuerNameHash?: Uint8Array;
  /** OID of the signature algorithm. */
  readonly signatureAlgorithm?: string;
}

/** The names of {@link AnswerChoice}. */
export const CHOICE_NAMES: OptionNames<AnswerChoice> = {
  hashAlgorithm: true,
  issuerNameHash: true,
  signatureAlgorithm: true,
};

/** What a client asks by (RFC 6960 section 4.1.1). `OCSPRequest` and `OCSPRequestEntry` have these members. */
export interface CertIdLookup {
  readonly hashAlgorithm: HashAlgorithmName;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  readonly serialNumber: SerialKey;
}

/** What decides between two responses for one certificate. */
export interface ResponseVersion {
  /**
   * Which knowledge of the certificate the response states: a whole number that grows when the status may have changed. A
   * row version of the authority's database will do, and so will the second at which the list of statuses was read.
   */
  readonly statusVersion: number;
  /** The response's producedAt, in seconds since 1970-01-01 UTC. */
  readonly producedAt: number;
  /** The status it states. */
  readonly certStatus: OCSPCertStatus;
}

/** What tells a response from others for the same certificate. */
export interface AnswerLabel {
  /** Hash of the response's CertID. Default SHA-1. */
  readonly hashAlgorithm?: HashAlgorithmName | undefined;
  /** Hash of the issuer's name in the CertID. Default, and null: that of the first name of the store's issuer. */
  readonly issuerNameHash?: Uint8Array | null | undefined;
  /** OID of the signature algorithm, dotted. Default, and null: not known. */
  readonly signatureAlgorithm?: string | null | undefined;
}

/** A response as it goes into a store. A member of another name is an error: `ERR_OCSP_INVALID_VALUE`. */
export interface ResponseRecord extends ResponseVersion, AnswerLabel {
  /** Serial number of the certificate. */
  readonly serial: SerialKey;
  /** The response's nextUpdate, in seconds since 1970-01-01 UTC; null when it has none. */
  readonly nextUpdate: number | null;
  /** The OCSPResponse. */
  readonly der: Uint8Array;
}

/** A response as it comes out of a store. */
export interface StoredResponse extends ResponseRecord {
  /** Upper-case hexadecimal digits, two for each byte. */
  readonly serial: string;
  readonly hashAlgorithm: HashAlgorithm;
  readonly issuerNameHash: Buffer | null;
  readonly signatureAlgorithm: string | null;
  /** The OCSPResponse, on memory of its own. */
  readonly der: Buffer;
}

/** GOOD, then UNKNOWN, then REVOKED; by value of OCSPCertStatus. */
const SEVERITY = [0, 2, 1] as const;

/** How much a wrong GOOD instead of this status would hurt. */
export function severityOf(status: OCSPCertStatus): number {
  return SEVERITY[status];
}

/**
 * Positive when `a` takes the place of `b`, negative when `b` takes that of `a`, 0 when they are alike.
 *
 * The higher statusVersion wins; then the more severe status, because two statuses of one version contradict each other and
 * the safe one has to be served; then the later producedAt. So a response that was signed late, but from a status read
 * early, never hides a revocation.
 */
export function compareVersions(a: ResponseVersion, b: ResponseVersion): number {
  return compareKnowledge(a, b) || a.producedAt - b.producedAt;
}

/**
 * Positive when `a` knows the status better than `b`: {@link compareVersions} without the time of signing. What is known of a
 * certificate is the same for all of its responses.
 */
export function compareKnowledge(a: ResponseVersion, b: ResponseVersion): number {
  return a.statusVersion - b.statusVersion || severityOf(a.certStatus) - severityOf(b.certStatus);
}

/** What became of a batch. */
export interface PutResult {
  /** Records that are now served. */
  readonly written: number;
  /** Records that were left out because the store has newer ones, or the same. */
  readonly kept: number;
}

/** What {@link ResponseStore.beginRun} takes. */
export interface BeginRunOptions {
  /**
   * What is being signed: the run goes on where it was interrupted if the store has an unfinished run of this name. Any
   * text; something like the path and size of the source and the signer's key.
   */
  readonly id: string;
  /** What to do with an unfinished run of another name: refuse to begin, or throw away its work. Default `refuse`. */
  readonly otherRun?: 'refuse' | 'discard';
  /** Who issued the certificates. Refused when the store is another issuer's; a store without one becomes his. */
  readonly issuer?: IssuerIdentity;
}

/** What {@link ResponseStore.putBatch} takes. */
export interface PutOptions {
  /** For those who want to say it: a record that is not newer is always left out. */
  readonly ifNewer?: true;
  /** As {@link BeginRunOptions.issuer}. */
  readonly issuer?: IssuerIdentity;
}

/**
 * Writes the responses of one bulk run. Nothing of it is served before {@link commit}; then all of it is, at once.
 * Calls are carried out in their order. After a failure every call fails; begin the run again to go on.
 */
export interface RunWriter {
  /** Token of the last checkpoint of the interrupted run that this one continues; null when it begins afresh. */
  readonly resumeToken: string | null;
  /** Records written so far, with those before the interruption. */
  readonly records: number;
  /** The lists that committed runs were made of, each in the edition that was committed last. */
  readonly editions: readonly ListEdition[];
  /** Adds records, in any order of serial numbers. Durable only after the next checkpoint. */
  append(batch: Iterable<ResponseRecord>): Promise<void>;
  /**
   * Makes everything appended so far durable, together with a token that says where the source stands. When it has
   * resolved, neither the end of the process nor that of the machine loses any of it.
   */
  checkpoint(token: string): Promise<void>;
  /**
   * Makes the run durable and lets it be served. Remembers `edition`, which takes the place of earlier ones of the same list.
   * Tells of how many certificates the run's response is now served (`written`), and of how many another one (`kept`).
   */
  commit(edition?: ListEdition): Promise<PutResult>;
  /** Ends without commit. The run can be continued from its last checkpoint. */
  close(): Promise<void>;
  /** Ends without commit and removes what was written. */
  discard(): Promise<void>;
}

/**
 * Signed responses of one issuer, by serial number, CertID hash and signature algorithm.
 *
 * The interface says nothing about machines: what may take time may be a promise, and two writers that sign the same
 * certificate do no harm, because of two responses the one that {@link compareVersions} prefers stays, whichever comes first.
 *
 * A status counts for a certificate, not for one of its responses: one that a newer response of the same certificate
 * contradicts, by whatever hash or algorithm, is not served.
 */
export interface ResponseStore {
  /** The response to serve for a certificate, expired or not; undefined when there is none. */
  get(serialNumber: SerialKey, choice?: AnswerChoice): Buffer | undefined | Promise<Buffer | undefined>;
  /**
   * The response to serve to a client that asks by this CertID; undefined when there is none.
   *
   * @throws `ERR_OCSP_ISSUER_MISMATCH` when it names another issuer than the store's.
   */
  lookup(certId: CertIdLookup): Buffer | undefined | Promise<Buffer | undefined>;
  /**
   * Puts a few responses, as after a revocation; durable and served once it resolves. Those that are not newer than what
   * the store has are left out.
   */
  putBatch(batch: Iterable<ResponseRecord>, options?: PutOptions): Promise<PutResult>;
  /** Begins or continues a bulk run. */
  beginRun(options: BeginRunOptions): Promise<RunWriter>;
  /** Frees the room of responses whose nextUpdate has passed, where that is cheap. Returns how many went. */
  sweep(now: Date): Promise<number>;
  /** Lets go of files and connections. */
  close(): void | Promise<void>;
}
