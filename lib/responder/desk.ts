/** Where answers are signed: so many at a time, by whoever may. */
import type { CertIdHashIndex, SingleResponseTuple } from '../../typings/binding.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import { nameHash } from '../store/issuer-identity.js';
import type { ResponseRecord } from '../store/response-store.js';
import { CERT_ID_HASHES, type HashAlgorithm } from '../x509/algorithms.js';
import { serialToBytes } from '../x509/serial-number.js';
import { tryLater } from './answer.js';
import { hexOf } from './authority.js';
import { publishError, publishSignature } from './channels.js';
import { responseExtensions, singleFor } from './content.js';
import { isExtendedRevoke } from './finding.js';
import { Gate, Overload } from './gate.js';
import type { ResponderIssuer } from './issuer.js';
import type { LiveSigner } from './live-signer.js';
import type { Limits } from './options.js';
import type { Asked, AskedNonce } from './request.js';

/** A certificate that was asked about, and what to say of it. */
export interface Statement {
  readonly question: Asked;
  readonly entry: StatusEntry;
}

/** What was signed, and by whom. */
export interface Signed {
  readonly der: Buffer;
  readonly signer: LiveSigner;
  readonly singles: readonly SingleResponseTuple[];
}

export class SigningDesk {
  /** Of the keys in this process, which share its cores. */
  readonly gate: Gate;
  readonly #owner: object;

  /** @param owner - the responder, for its channels */
  constructor(owner: object, limits: Limits) {
    this.#owner = owner;
    this.gate = new Gate(limits.live);
  }

  /**
   * A promise where the signature takes time.
   *
   * @param signer - who signs; undefined when no one's certificate is valid
   * @throws (or rejects) `Overload`; `NoAnswer` for all else.
   */
  sign(
    issuer: ResponderIssuer,
    signer: LiveSigner | undefined,
    content: readonly Statement[],
    nonce: AskedNonce | null,
    now: number,
  ): Signed | Promise<Signed> {
    if (signer === undefined) {
      publishError(this.#owner, 'signer', issuer, new Error('no signer whose certificate is valid'));
      throw tryLater();
    }
    const times = { ...signer.timesAt(now), last: Math.floor(signer.notAfter / 1000) };
    let usesExtendedRevoke = issuer.extendedRevoke === 'always';
    const singles = content.map(({ question, entry }) => {
      const { hash, serialBytes, issuerNameHash: name, issuerKeyHash: key } = question;
      if (issuer.extendedRevoke !== undefined && isExtendedRevoke(entry)) usesExtendedRevoke = true;
      return singleFor(issuer, { hash, serialBytes, name, key }, entry, times, now);
    });
    for (const [, , , , , , , , thisUpdate, nextUpdate] of singles) {
      // An authority whose own list ends, or a certificate that ends this second.
      if (nextUpdate !== undefined && (nextUpdate <= thisUpdate || nextUpdate * 1000 <= now)) throw tryLater();
    }
    const extensions = responseExtensions(nonce, usesExtendedRevoke);
    const signed = (der: Buffer): Signed => {
      const entries = content.map(({ entry }) => entry);
      publishSignature(this.#owner, issuer, signer, entries);
      return { der, signer, singles };
    };
    const failed = (error: unknown): never => {
      if (error instanceof Overload) throw error;
      publishError(this.#owner, 'signer', issuer, error);
      throw tryLater();
    };
    const work = (): Buffer | Promise<Buffer> => signer.sign(singles, extensions, now);
    if (!signer.isQuick) {
      const gate = signer.isLocal ? this.gate : issuer.gate;
      return gate.run(async () => work()).then(signed, failed);
    }
    // Nothing to wait for, and so nothing to bound.
    let der: Buffer;
    try {
      der = work() as Buffer;
    } catch (error) {
      return failed(error);
    }
    return signed(der);
  }

  /** A signed answer as it goes into a store. */
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
    const { der, signer, singles } = await this.sign(issuer, issuer.signerAt(now), [{ question, entry }], null, now);
    return {
      serial: serialNumber,
      hashAlgorithm: CERT_ID_HASHES[hash]?.hash as HashAlgorithm,
      signatureAlgorithm: signer.signatureAlgorithm,
      statusVersion: entry.statusVersion ?? Math.floor(now / 1000),
      producedAt: Math.floor(now / 1000),
      certStatus: entry.status,
      nextUpdate: singles[0]?.[9] ?? null,
      der,
    };
  }
}
