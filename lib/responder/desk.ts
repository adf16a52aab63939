/** Where answers are signed: so many at a time, by whoever may. */
import type { CertIdHashIndex } from '../../typings/binding.js';
import { EntryPacker } from '../signing/entry-packer.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import { nameHash } from '../store/issuer-identity.js';
import type { ResponseRecord } from '../store/response-store.js';
import { CERT_ID_HASHES, type HashAlgorithm } from '../x509/algorithms.js';
import { serialToBytes } from '../x509/serial-number.js';
import { tryLater } from './answer.js';
import { hexOf } from './authority.js';
import { publishError, publishSignature } from './channels.js';
import { entryFor, responseExtensions } from './content.js';
import { isExtendedRevoke } from './finding.js';
import { Gate, Overload } from './gate.js';
import type { ResponderIssuer } from './issuer.js';
import type { LiveSigner } from './live-signer.js';
import type { Limits } from './options.js';
import type { Asked, AskedNonce } from './request.js';
import { Turns } from './turns.js';

/** A certificate that was asked about, and what to say of it. */
export interface Statement {
  readonly question: Asked;
  readonly entry: StatusEntry;
}

/** What was signed, and by whom. */
export interface Signed {
  /** The DER, a character for each byte. */
  readonly latin1: string;
  readonly signer: LiveSigner;
  /** Of the first certificate, in seconds. */
  readonly thisUpdate: number;
  readonly nextUpdate: number | null;
}

export class SigningDesk {
  /** Of the keys in this process, which share its cores. */
  readonly gate: Gate;
  /** Of those that sign in less time than another thread would take to be asked. */
  readonly turns: Turns;
  readonly #packer = new EntryPacker();
  readonly #owner: object;

  /** @param owner - the responder, for its channels */
  constructor(owner: object, limits: Limits) {
    this.#owner = owner;
    this.gate = new Gate(limits.live);
    this.turns = new Turns(limits.live);
  }

  /**
   * A promise where the signature takes time.
   *
   * @param signer - who signs; undefined when no one's certificate is valid
   * @param isNow - a signature that is quick is made at once, whatever has been signed in this turn
   * @throws (or rejects) `Overload`; `NoAnswer` for all else.
   */
  sign(
    issuer: ResponderIssuer,
    signer: LiveSigner | undefined,
    content: readonly Statement[],
    nonce: AskedNonce | null,
    now: number,
    isNow: boolean = this.turns.isFree,
  ): Signed | Promise<Signed> {
    if (signer === undefined) {
      publishError(this.#owner, 'signer', issuer, new Error('no signer whose certificate is valid'));
      throw tryLater();
    }
    const { thisUpdate, nextUpdate } = this.#pack(issuer, signer, content, now);
    const usesExtendedRevoke =
      issuer.extendedRevoke !== undefined &&
      (issuer.extendedRevoke === 'always' || content.some(({ entry }) => isExtendedRevoke(entry)));
    const certIds =
      content.length === 1 ? [(content[0] as Statement).question] : content.map(({ question }) => question);
    const extensions = responseExtensions(nonce, usesExtendedRevoke);
    const signed = (latin1: string): Signed => {
      publishSignature(this.#owner, issuer, signer, content);
      return { latin1, signer, thisUpdate, nextUpdate };
    };
    const failed = (error: unknown): never => {
      if (error instanceof Overload) throw error;
      publishError(this.#owner, 'signer', issuer, error);
      throw tryLater();
    };
    if (signer.isQuick && isNow) {
      const packed = this.#packer.bytes;
      let latin1: string;
      try {
        latin1 = this.turns.runNow(() => signer.sign({ certIds, packed, extensions }, now) as string);
      } catch (error) {
        return failed(error);
      }
      return signed(latin1);
    }
    const later = { certIds, packed: Buffer.from(this.#packer.bytes), extensions };
    if (signer.isQuick) return this.turns.runLater(() => signer.sign(later, now) as string).then(signed, failed);
    // (Also one that comes too late was made.)
    const sign = async (): Promise<Signed> => signed(await signer.sign(later, now));
    const signing = (): Promise<Signed> => {
      const gate = signer.isLocal ? this.gate : signer.isDevice ? issuer.deviceGate : issuer.gate;
      return gate.run(sign);
    };
    // Where a key is, is known when it has been loaded.
    return (signer.isLoaded ? signing() : issuer.gate.run(async () => signer.load()).then(signing)).catch(failed);
  }

  /**
   * Packs the entries of an answer. Returns the times of the first, in seconds.
   *
   * @throws `NoAnswer` for one that would hold for no time.
   */
  #pack(
    issuer: ResponderIssuer,
    signer: LiveSigner,
    content: readonly Statement[],
    now: number,
  ): { readonly thisUpdate: number; readonly nextUpdate: number | null } {
    const times = signer.timesAt(now);
    let first: { thisUpdate: number; nextUpdate: number | null } | undefined;
    this.#packer.clear();
    for (const { question, entry } of content) {
      const thisUpdate = entry.thisUpdate == null ? times.thisUpdate : Math.floor(entry.thisUpdate.getTime() / 1000);
      // An authority whose own list ends, or a certificate that ends this second.
      const ends = entry.nextUpdate === undefined ? times.nextUpdate !== undefined : entry.nextUpdate !== null;
      if (ends && thisUpdate >= times.latest) throw tryLater();
      const nextUpdate = this.#packer.add(entryFor(issuer, entry, now), times, question.serialBytes);
      if (nextUpdate !== null && (nextUpdate <= thisUpdate || nextUpdate * 1000 <= now)) throw tryLater();
      first ??= { thisUpdate, nextUpdate };
    }
    return first ?? { thisUpdate: times.thisUpdate, nextUpdate: null };
  }

  /** A signed answer as it goes into a store. (What many clients ask must not keep a revocation out of it.) */
  async record(
    issuer: ResponderIssuer,
    entry: StatusEntry,
    hash: CertIdHashIndex,
    now: number,
  ): Promise<ResponseRecord> {
    const issuerNameHash = nameHash(issuer.identity.names[0] as Uint8Array, hash);
    const issuerKeyHash = issuer.parsed.publicKeyHash(hash);
    const serialNumber = hexOf(entry.serialNumber);
    const serialBytes = serialToBytes(serialNumber);
    const question = { issuer, hash, name: 0, serialNumber, serialBytes, issuerNameHash, issuerKeyHash };
    const signing = this.sign(issuer, issuer.signerAt(now), [{ question, entry }], null, now, true);
    const { latin1, signer, nextUpdate } = await signing;
    return {
      serial: serialNumber,
      hashAlgorithm: CERT_ID_HASHES[hash]?.hash as HashAlgorithm,
      signatureAlgorithm: signer.signatureAlgorithm,
      statusVersion: entry.statusVersion ?? Math.floor(now / 1000),
      producedAt: Math.floor(now / 1000),
      certStatus: entry.status,
      nextUpdate,
      der: Buffer.from(latin1, 'latin1'),
    };
  }
}
