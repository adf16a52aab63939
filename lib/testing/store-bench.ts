/** What the checks of stores put in, and how they look what is served: real responses of a throw-away CA. */
import { createHash, type X509Certificate } from 'node:crypto';
import { OCSPCertStatus } from '../ocsp/enums.js';
import { issuerIdentity } from '../store/issuer-identity.js';
import type {
  AnswerChoice,
  CertIdLookup,
  IssuerIdentity,
  PutResult,
  ResponseRecord,
  ResponseStore,
  RunWriter,
} from '../store/response-store.js';
import type { SerialKey } from '../store/serial-key.js';
import { toCertificate } from '../x509/certificate.js';
import type { Findings } from './checks.js';
import { buildTestResponse, type TestEntry } from './response.js';
import { createTestCa, type TestCa } from './test-ca.js';

/** The serial number as a number: what a response is made of. */
export type CheckedSerial = ResponseRecord & { readonly serial: bigint };

const { GOOD, REVOKED, UNKNOWN } = OCSPCertStatus;

const WORDS = {
  [OCSPCertStatus.GOOD]: 'good',
  [OCSPCertStatus.REVOKED]: 'revoked',
  [OCSPCertStatus.UNKNOWN]: 'unknown',
} as const;

/** What a record differs in. */
export interface RecordChange
  extends Partial<Pick<ResponseRecord, 'statusVersion' | 'producedAt' | 'certStatus' | 'nextUpdate'>> {
  readonly hashAlgorithm?: NonNullable<TestEntry['hash']>;
}

/** Makes records of one CA. Equal arguments give the same record, with the same bytes. */
export class RecordMaker {
  readonly certificate: X509Certificate;
  readonly identity: IssuerIdentity;
  /** An hour ago, in seconds: producedAt counts from it. */
  readonly begin: number = Math.floor(Date.now() / 1000) - 3600;
  readonly #ca: TestCa;
  readonly #made = new Map<string, CheckedSerial>();
  readonly #byBytes = new Map<string, CheckedSerial>();

  constructor() {
    this.#ca = createTestCa();
    this.certificate = this.#ca.certificate;
    this.identity = issuerIdentity(toCertificate(this.certificate, 'issuer'));
  }

  record(serial: bigint, change: RecordChange = {}): CheckedSerial {
    const {
      statusVersion = 1,
      producedAt = this.begin,
      certStatus = OCSPCertStatus.GOOD,
      hashAlgorithm = 'sha1',
    } = change;
    const nextUpdate = change.nextUpdate === undefined ? this.begin + 600_000 : change.nextUpdate;
    const key = [serial, statusVersion, producedAt, certStatus, nextUpdate, hashAlgorithm].join();
    let made = this.#made.get(key);
    if (made === undefined) {
      const der = buildTestResponse({
        signer: this.#ca,
        producedAt: new Date(producedAt * 1000),
        entries: [
          {
            certificate: this.certificate,
            issuer: this.certificate,
            serialNumber: serial,
            hash: hashAlgorithm,
            status: WORDS[certStatus],
            thisUpdate: new Date(producedAt * 1000),
            nextUpdate: nextUpdate === null ? null : new Date(nextUpdate * 1000),
          },
        ],
      });
      made = { serial, statusVersion, producedAt, certStatus, nextUpdate, hashAlgorithm, der };
      this.#made.set(key, made);
      this.#byBytes.set(Buffer.from(der).toString('latin1'), made);
    }
    return made;
  }

  /** The record of these bytes. */
  find(der: Uint8Array): CheckedSerial | undefined {
    return this.#byBytes.get(Buffer.from(der).toString('latin1'));
  }
}

/** The store, as the checks use it. */
export class Bench {
  readonly store: ResponseStore;
  readonly maker: RecordMaker;
  readonly #findings: Findings;

  constructor(findings: Findings, store: ResponseStore, maker: RecordMaker) {
    this.#findings = findings;
    this.store = store;
    this.maker = maker;
  }

  record(serial: bigint, change?: RecordChange): CheckedSerial {
    return this.maker.record(serial, change);
  }

  /** Each takes the place of those before it. */
  ascending(serial: bigint): CheckedSerial[] {
    const { begin } = this.maker;
    const versions = [
      [1, GOOD, 100],
      [1, GOOD, 200],
      [1, UNKNOWN, 60],
      [1, REVOKED, 50],
      [2, GOOD, 10],
      [2, REVOKED, 5],
      [3, GOOD, 1],
    ] as const;
    return versions.map(([statusVersion, certStatus, after]) =>
      this.record(serial, { statusVersion, certStatus, producedAt: begin + after }),
    );
  }

  put(...records: readonly ResponseRecord[]): Promise<PutResult> {
    return this.store.putBatch(records, { ifNewer: true, issuer: this.maker.identity });
  }

  begin(id: string, otherRun?: 'discard'): Promise<RunWriter> {
    return this.store.beginRun({ id, issuer: this.maker.identity, ...(otherRun && { otherRun }) });
  }

  async gives(
    what: string,
    serial: SerialKey,
    expected: CheckedSerial | undefined,
    choice?: AnswerChoice,
  ): Promise<void> {
    const get = async (): Promise<unknown> => nameOf(await this.store.get(serial, choice), this.maker);
    await this.#findings.equal(what, get, expected && nameOf(expected.der, this.maker));
  }

  async serves(when: string, ...records: readonly CheckedSerial[]): Promise<void> {
    for (const record of records) await this.gives(`get(${record.serial}) ${when}`, record.serial, record);
  }

  async servesNothing(when: string, ...serials: readonly bigint[]): Promise<void> {
    for (const serial of serials) await this.gives(`get(${serial}) ${when}`, serial, undefined);
  }
}

/** An answer in words, by which a reader knows which one it is. */
export function nameOf(der: Uint8Array | undefined, maker: RecordMaker): string | undefined {
  if (der === undefined) return undefined;
  const record = maker.find(der);
  if (record === undefined) return `${der.length} bytes that were never put`;
  const { serial, statusVersion, certStatus, producedAt, hashAlgorithm } = record;
  return `${serial}: version ${statusVersion}, ${OCSPCertStatus[certStatus]}, produced ${producedAt - maker.begin} s after, ${hashAlgorithm}`;
}

/** The CertID of a record. */
export function certIdOf(
  { certificate, identity }: RecordMaker,
  serialNumber: bigint,
  hashAlgorithm: 'sha1' | 'sha256',
): CertIdLookup {
  const index = hashAlgorithm === 'sha1' ? 0 : 2;
  const issuerNameHash = createHash(hashAlgorithm)
    .update(identity.names[0] ?? certificate.raw)
    .digest();
  return { hashAlgorithm, issuerNameHash, issuerKeyHash: identity.keyHashes[index] as Uint8Array, serialNumber };
}
