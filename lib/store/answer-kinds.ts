import { createHash } from 'node:crypto';
import { invalidArgType, invalidValue } from '../errors.js';
import { CERT_ID_HASHES, checkCertIdHash, type HashAlgorithm, type HashAlgorithmName } from '../x509/algorithms.js';
import { checkBytes } from '../x509/checks.js';
import { issuerMismatch } from './errors.js';
import { kindOf, versionOf } from './frames.js';
import {
  type AnswerChoice,
  type AnswerLabel,
  compareVersions,
  type IssuerIdentity,
  type StoredResponse,
} from './response-store.js';

/** An {@link IssuerIdentity} as the manifest has it. */
export interface StoredIssuer {
  /** DER in base64. */
  readonly names: readonly string[];
  /** Hexadecimal digits. */
  readonly keyHashes: readonly string[];
}

/** A kind of answer, as the manifest has it. Responses bear its place in the list. */
export interface AnswerKind {
  readonly hashAlgorithm: HashAlgorithm;
  /** Place of the issuer's name in `names`. */
  readonly issuerName: number;
  readonly signatureAlgorithm: string | null;
}

/** What a store tells of the kind of a response. */
export type StoredLabel = Pick<StoredResponse, 'hashAlgorithm' | 'issuerNameHash' | 'signatureAlgorithm'>;

/** A response has one byte for its kind. */
const MOST_KINDS = 255;

/** What a store without an issuer takes. */
const NO_ISSUER: StoredIssuer = { names: [], keyHashes: [] };

/**
 * The issuer that `given` leaves a store with: that of the store with further spellings of its name, or the first one.
 *
 * @throws `ERR_OCSP_ISSUER_MISMATCH` for another key, and for names none of which the store knows.
 */
export function agreedIssuer(known: StoredIssuer | null, given: IssuerIdentity | undefined): StoredIssuer | null {
  if (given === undefined) return known;
  const names = given.names.map((name) => Buffer.from(checkBytes(name, 'issuer.names')).toString('base64'));
  const keyHashes = given.keyHashes.map((hash) => Buffer.from(checkBytes(hash, 'issuer.keyHashes')).toString('hex'));
  if (names.length === 0) throw invalidValue('issuer.names is empty');
  if (keyHashes.length !== CERT_ID_HASHES.length) throw invalidValue('issuer.keyHashes is not one for each hash');
  if (known === null) return { names: [...new Set(names)], keyHashes };
  if (keyHashes.some((hash, i) => hash !== known.keyHashes[i]))
    throw issuerMismatch(
      `the store is that of the issuer with the key hash ${known.keyHashes[0]}, not ${keyHashes[0]}`,
    );
  if (!names.some((name) => known.names.includes(name)))
    throw issuerMismatch(
      'the store is that of an issuer of another name with the same key; if the names differ in spelling only, give both',
    );
  const all = [...new Set([...known.names, ...names])];
  return all.length === known.names.length ? known : { ...known, names: all };
}

/** The kinds of answer that a manifest names, and which of them is asked for. */
export class AnswerKinds {
  readonly #issuer: StoredIssuer;
  readonly #kinds: readonly AnswerKind[];
  readonly #labels: readonly StoredLabel[];
  /** Place in the order of preference, by kind. */
  readonly #ranks: readonly number[];
  readonly #nameHashes: readonly Buffer[][];
  readonly #keyHashes: readonly Buffer[];

  constructor(issuer: StoredIssuer | null, kinds: readonly AnswerKind[]) {
    this.#issuer = issuer ?? NO_ISSUER;
    this.#kinds = kinds;
    this.#nameHashes = CERT_ID_HASHES.map(({ hash }) =>
      this.#issuer.names.map((name) => createHash(hash).update(name, 'base64').digest()),
    );
    this.#keyHashes = this.#issuer.keyHashes.map((hash) => Buffer.from(hash, 'hex'));
    this.#labels = kinds.map(({ hashAlgorithm, issuerName, signatureAlgorithm }) => ({
      hashAlgorithm,
      issuerNameHash: this.#nameHashes[indexOf(hashAlgorithm)]?.[issuerName] ?? null,
      signatureAlgorithm,
    }));
    this.#ranks = kinds.map(({ hashAlgorithm, issuerName }) => indexOf(hashAlgorithm) * MOST_KINDS + issuerName);
  }

  /** What is told of a response of this kind. */
  label(kind: number): StoredLabel {
    return this.#labels[kind] as StoredLabel;
  }

  /** Frames of one certificate in the order in which they are preferred: by hash, by name, newest first; then by kind, wherever they lie. */
  sorted(frames: readonly Buffer[]): readonly Buffer[] {
    if (frames.length < 2) return frames;
    const rank = (frame: Buffer): number => this.#ranks[kindOf(frame)] ?? 0;
    return frames.toSorted(
      (a, b) => rank(a) - rank(b) || compareVersions(versionOf(b), versionOf(a)) || kindOf(a) - kindOf(b),
    );
  }

  /**
   * Place of a record's kind; -1 when the manifest does not have it yet.
   *
   * @throws TypeError, `ERR_OCSP_UNSUPPORTED_ALGORITHM`; `ERR_OCSP_ISSUER_MISMATCH` for a hash of a name that is not the issuer's.
   */
  find(record: AnswerLabel): number {
    const { hashAlgorithm = 'sha1', issuerNameHash = null, signatureAlgorithm = null } = record;
    // Nearly always the objects that were given before.
    for (const [kind, label] of this.#labels.entries()) {
      if (
        label.hashAlgorithm === hashAlgorithm &&
        label.signatureAlgorithm === signatureAlgorithm &&
        (issuerNameHash === null
          ? this.#kinds[kind]?.issuerName === 0
          : sameBytes(label.issuerNameHash, issuerNameHash))
      )
        return kind;
    }
    // One that another spelling of the hash hides, or none yet.
    const kind = this.kindOf(record);
    return kind.hashAlgorithm === hashAlgorithm ? -1 : this.find({ ...record, hashAlgorithm: kind.hashAlgorithm });
  }

  /** The kind of a record, for the manifest. Throws as {@link find}. */
  kindOf({ hashAlgorithm = 'sha1', issuerNameHash = null, signatureAlgorithm = null }: AnswerLabel): AnswerKind {
    const { hash, index } = checkCertIdHash(hashAlgorithm, 'hashAlgorithm');
    if (signatureAlgorithm !== null && typeof signatureAlgorithm !== 'string')
      throw invalidArgType('signatureAlgorithm', 'a string', signatureAlgorithm);
    if (this.#kinds.length >= MOST_KINDS) throw invalidValue(`the store has ${MOST_KINDS} kinds of answers already`);
    let issuerName = 0;
    if (issuerNameHash !== null) {
      const bytes = checkBytes(issuerNameHash, 'issuerNameHash');
      issuerName = this.#nameHashes[index]?.findIndex((known) => known.equals(bytes)) ?? -1;
      if (issuerName < 0) throw issuerMismatch("issuerNameHash is not the hash of a name of the store's issuer");
    }
    return { hashAlgorithm: hash, issuerName, signatureAlgorithm };
  }

  /** Whether a kind is among those of a choice. */
  matches(kind: number, { hashAlgorithm, issuerNameHash, signatureAlgorithm }: AnswerChoice): boolean {
    const label = this.label(kind);
    return (
      (hashAlgorithm === undefined || hashAlgorithm === label.hashAlgorithm) &&
      (signatureAlgorithm === undefined || signatureAlgorithm === label.signatureAlgorithm) &&
      (issuerNameHash === undefined || sameBytes(label.issuerNameHash, issuerNameHash))
    );
  }

  /** @throws `ERR_OCSP_ISSUER_MISMATCH` when they are not hashes of the issuer, or the store has none. */
  checkIssuer(hashAlgorithm: HashAlgorithmName, issuerNameHash: Uint8Array, issuerKeyHash: Uint8Array): void {
    const { index } = checkCertIdHash(hashAlgorithm, 'hashAlgorithm');
    const names = this.#nameHashes[index] ?? [];
    if (!sameBytes(this.#keyHashes[index] ?? null, issuerKeyHash) || !names.some((name) => name.equals(issuerNameHash)))
      throw issuerMismatch("the CertID does not name the store's issuer");
  }
}

function indexOf(hash: HashAlgorithm): number {
  return CERT_ID_HASHES.findIndex((row) => row.hash === hash);
}

function sameBytes(one: Buffer | null, other: Uint8Array): boolean {
  return one === other || one?.equals(other) === true;
}
