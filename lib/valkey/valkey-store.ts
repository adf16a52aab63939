import { createHash } from 'node:crypto';
import { invalidArgType, invalidValue } from '../errors.js';
import { Verifier } from '../ocsp/verification/verifier.js';
import { agreeIssuer, askedOf, preferredAnswer, storedSerial, toStoredResponse } from '../store/answers.js';
import { guardRun } from '../store/guard-run.js';
import { issuerIdentity } from '../store/issuer-identity.js';
import {
  type AnswerChoice,
  type BeginRunOptions,
  type CertIdLookup,
  CHOICE_NAMES,
  type IssuerIdentity,
  type PutOptions,
  type PutResult,
  type ResponseRecord,
  type ResponseStore,
  type RunWriter,
  type StoredResponse,
} from '../store/response-store.js';
import type { SerialKey } from '../store/serial-key.js';
import { CERT_ID_HASHES } from '../x509/algorithms.js';
import { type CertificateInput, type ParsedCertificate, toCertificate } from '../x509/certificate.js';
import { type OptionNames, pickOptions, readOptions } from '../x509/options.js';
import { decodeFrames, encodeFrame, LONGEST_VALUE, lifeOf } from './frames.js';
import { type ValkeyServerOptions, ValkeyServers } from './servers.js';
import { ValkeyRun } from './valkey-run.js';

/** What {@link ValkeyStore.open} takes. */
export interface ValkeyStoreOptions extends ValkeyServerOptions {
  /** The CA whose answers they are. */
  readonly issuer: CertificateInput;
  /** Certificates that it has issued, where they spell its name in other string types than its own certificate does. */
  readonly subjects?: Iterable<CertificateInput>;
  /** What is accepted from a server. Default `new Verifier()`; one with `trustedResponders` or `certificates` for delegates whose
   * certificates are not in the answers. */
  readonly verifier?: Verifier;
  /** Milliseconds for which an answer is given from memory before the server is asked again. Default 1000; 0 asks always. */
  readonly memoryTime?: number;
  /** Bytes of answers in memory, about. Default 64 MiB. */
  readonly memoryBytes?: number;
}

/** The names of {@link ValkeyServerOptions}. */
export const SERVER_NAMES: OptionNames<ValkeyServerOptions> = {
  servers: true,
  prefix: true,
  timeout: true,
  connection: true,
  onError: true,
};
const OPTION_NAMES: OptionNames<ValkeyStoreOptions> = {
  ...SERVER_NAMES,
  issuer: true,
  subjects: true,
  verifier: true,
  memoryTime: true,
  memoryBytes: true,
};
const PUT_NAMES: OptionNames<PutOptions> = { ifNewer: true, issuer: true };
const RUN_NAMES: OptionNames<BeginRunOptions> = { id: true, otherRun: true, issuer: true };
/** Bytes of an entry in memory beside its value, about. */
const OVERHEAD = 1024;

/** What was read from a server, or put there. */
interface Remembered {
  readonly value: Buffer;
  readonly answers: readonly StoredResponse[];
  /** By a clock that no one sets. */
  readonly until: number;
}

/**
 * Answers in Valkey, or Redis, for the responders of several machines. A cache: what it holds may go at any time, and costs a signature.
 *
 * - An older answer never takes the place of a newer one, nor "good" that of "revoked": a script at the server compares them, so it does
 *   not matter who writes when. An answer goes five minutes before its nextUpdate.
 * - What a server gives is verified: whose signature, which certificate, which status. Whoever controls a server can take answers
 *   away, and bring back old ones, which a responder does not give, as its authority knows better; he can make none.
 * - A server that does not answer in time counts as empty and is left alone for a while: `get` then gives nothing, and what is put is
 *   rejected. `onError` is told.
 * - It makes no revocation known by itself: do not use it as a `storeAuthority`.
 */
export class ValkeyStore implements ResponseStore {
  readonly #servers: ValkeyServers;
  readonly #certificate: ParsedCertificate;
  readonly #verifier: Verifier;
  readonly #id: string;
  readonly #memoryTime: number;
  readonly #memoryBytes: number;
  #issuer: IssuerIdentity;
  /** The one that was read last is the last. */
  readonly #memory = new Map<string, Remembered>();
  #bytes = 0;

  private constructor(
    servers: ValkeyServers,
    certificate: ParsedCertificate,
    issuer: IssuerIdentity,
    options: Settings,
  ) {
    this.#servers = servers;
    this.#certificate = certificate;
    this.#issuer = issuer;
    this.#verifier = options.verifier;
    this.#memoryTime = options.memoryTime;
    this.#memoryBytes = options.memoryBytes;
    const id = createHash('sha256').update(certificate.subject).update(certificate.publicKeyHash(2)).digest();
    this.#id = `${servers.prefix}${id.toString('base64url', 0, 16)}:`;
  }

  /**
   * Connects to the servers. One that is not there is used when it is.
   *
   * @throws (rejects) TypeError; `ERR_OCSP_INVALID_VALUE`; an Error where the package `iovalkey` is not installed.
   */
  static async open(given: ValkeyStoreOptions): Promise<ValkeyStore> {
    const options = readOptions(given, OPTION_NAMES);
    const { verifier = new Verifier(), memoryTime = 1000, memoryBytes = 64 * 1024 * 1024 } = options;
    if (!(verifier instanceof Verifier)) throw invalidArgType('verifier', 'an instance of Verifier', verifier);
    for (const [name, value] of Object.entries({ memoryTime, memoryBytes })) {
      if (typeof value !== 'number') throw invalidArgType(name, 'a number', value);
      if (!(value >= 0)) throw invalidValue(`${name} is negative`);
    }
    const certificate = toCertificate(options.issuer, 'issuer');
    const issuer = issuerIdentity(certificate, options.subjects);
    const servers = await ValkeyServers.open(
      pickOptions<ValkeyServerOptions>(options, SERVER_NAMES) as ValkeyServerOptions,
    );
    return new ValkeyStore(servers, certificate, issuer, { verifier, memoryTime, memoryBytes });
  }

  /** The answer for a certificate; undefined where there is none, or the server does not answer. */
  async get(serialNumber: SerialKey, choice: AnswerChoice = {}): Promise<Buffer | undefined> {
    const serial = storedSerial(serialNumber);
    const given = readOptions(choice, CHOICE_NAMES, 'choice');
    return preferredAnswer(await this.#read(serial), given);
  }

  async lookup(certId: CertIdLookup): Promise<Buffer | undefined> {
    return this.get(...askedOf(this.#issuer, certId));
  }

  /** Puts responses. Rejects with the error of the client when a server does not take them; those of others may be there then. */
  async putBatch(batch: Iterable<ResponseRecord>, options: PutOptions = {}): Promise<PutResult> {
    const { issuer } = readOptions(options, PUT_NAMES);
    this.#agree(issuer);
    const records = this.check(batch);
    const flags = await this.put(records);
    const written = flags.filter(Boolean).length;
    return { written, kept: records.length - written };
  }

  /**
   * Begins or continues a bulk run, whose responses wait at the servers for its commit. The commit puts them one after the other; when it
   * fails, begin the run again and commit it. A checkpoint is as durable as the servers are; where they have dropped what waited, the run fails
   * at its next call (`ERR_OCSP_STORE_DAMAGED`), and begins anew.
   *
   * No one can tell a host that has died from a slow one: whoever begins an open run again goes on from its last checkpoint, and every call of the
   * earlier one is refused (`ERR_OCSP_STORE_LOCKED`), also once the later one has ended.
   */
  async beginRun(options: BeginRunOptions): Promise<RunWriter> {
    const { id, otherRun = 'refuse', issuer } = readOptions(options, RUN_NAMES);
    if (typeof id !== 'string') throw invalidArgType('id', 'a string', id);
    this.#agree(issuer);
    return guardRun(await ValkeyRun.begin(this, this.#servers, this.#id, id, otherRun === 'discard'));
  }

  /** Nothing: servers drop answers by themselves. */
  async sweep(): Promise<number> {
    return 0;
  }

  close(): void {
    this.#memory.clear();
    this.#servers.close();
  }

  /** @internal */
  check(batch: Iterable<ResponseRecord>): StoredResponse[] {
    return Array.from(batch, (record) => toStoredResponse(record, this.#issuer));
  }

  /** @internal Which of the records are served now. */
  async put(records: readonly StoredResponse[]): Promise<boolean[]> {
    const flags: boolean[] = new Array(records.length).fill(false);
    await Promise.all(
      [...groupBySerial(records)].map(async ([serial, places]) => {
        const now = Date.now();
        const args = places.flatMap((i) => {
          const record = records[i] as StoredResponse;
          return [encodeFrame(record), lifeOf(record, now)];
        });
        const key = this.#id + serial;
        this.#forget(serial);
        const written = await this.#servers.use(key, (connection) => connection.ocspMerge(key, ...args));
        // Again: what was read meanwhile may be what was there before.
        this.#forget(serial);
        for (const [i, place] of places.entries()) flags[place] = written[i] === 1;
      }),
    );
    return flags;
  }

  #agree(issuer: IssuerIdentity | undefined): void {
    this.#issuer = agreeIssuer(this.#issuer, issuer) as IssuerIdentity;
  }

  async #read(serial: string): Promise<readonly StoredResponse[]> {
    const known = this.#memory.get(serial);
    const now = performance.now();
    if (known !== undefined && now < known.until) return known.answers;
    const key = this.#id + serial;
    let value: Buffer;
    try {
      value = await this.#servers.use(key, (connection) => connection.getrangeBuffer(key, 0, LONGEST_VALUE));
    } catch {
      return [];
    }
    const answers = known?.value.equals(value) ? known.answers : this.#verified(value, serial);
    // (Somebody of this process may have put another one meanwhile.)
    if (this.#memory.get(serial) === known) this.#remember(serial, { value, answers, until: now + this.#memoryTime });
    return answers;
  }

  /** Those that are what they are said to be. */
  #verified(value: Buffer, serial: string): StoredResponse[] {
    if (value.length > LONGEST_VALUE) return [];
    return decodeFrames(value, serial).filter(({ hashAlgorithm, issuerNameHash, producedAt, certStatus, der }) => {
      const index = CERT_ID_HASHES.findIndex(({ hash }) => hash === hashAlgorithm);
      const certId = {
        hashAlgorithm,
        issuerNameHash: issuerNameHash as Buffer,
        issuerKeyHash: this.#issuer.keyHashes[index] as Uint8Array,
        serialNumber: serial,
      };
      try {
        askedOf(this.#issuer, certId);
        const at = new Date(producedAt * 1000);
        const verdict = this.#verifier.verify(der, { certId, issuer: this.#certificate.x509, at });
        return (
          verdict.usable && verdict.status === STATUS_WORDS[certStatus] && verdict.producedAt.getTime() === at.getTime()
        );
      } catch {
        return false;
      }
    });
  }

  #remember(serial: string, remembered: Remembered): void {
    this.#forget(serial);
    if (this.#memoryTime === 0) return;
    this.#memory.set(serial, remembered);
    this.#bytes += remembered.value.length + OVERHEAD;
    if (this.#bytes <= this.#memoryBytes) return;
    for (const oldest of this.#memory.keys()) {
      this.#forget(oldest);
      if (this.#bytes <= this.#memoryBytes) break;
    }
  }

  #forget(serial: string): void {
    const known = this.#memory.get(serial);
    if (known === undefined) return;
    this.#memory.delete(serial);
    this.#bytes -= known.value.length + OVERHEAD;
  }
}

interface Settings {
  readonly verifier: Verifier;
  readonly memoryTime: number;
  readonly memoryBytes: number;
}

const STATUS_WORDS = ['good', 'revoked', 'unknown'] as const;

function groupBySerial(records: readonly StoredResponse[]): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const [i, { serial }] of records.entries()) {
    const group = groups.get(serial);
    if (group === undefined) groups.set(serial, [i]);
    else group.push(i);
  }
  return groups;
}
