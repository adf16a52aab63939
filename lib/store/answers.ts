/** What a store does with a record, and which answer it gives: for stores that hold the answers of a certificate together. */

import { invalidArgType } from '../errors.js';
import { checkCertIdHash } from '../x509/algorithms.js';
import { checkBytes } from '../x509/checks.js';
import { agreedIssuer } from './answer-kinds.js';
import { issuerMismatch } from './errors.js';
import { checkRecord } from './frames.js';
import { nameHash } from './issuer-identity.js';
import {
  type AnswerChoice,
  type CertIdLookup,
  compareKnowledge,
  compareVersions,
  type IssuerIdentity,
  type ResponseRecord,
  type StoredResponse,
} from './response-store.js';
import { type SerialKey, serialHex, serialKey } from './serial-key.js';

/**
 * A serial number as {@link StoredResponse} has it, whatever form it is given in: equal text for equal numbers.
 *
 * @throws TypeError; `ERR_OCSP_INVALID_VALUE`.
 */
export function storedSerial(serial: SerialKey): string {
  return serialHex(serialKey(serial));
}

/**
 * Checks a record and makes of it what a store keeps: everything that {@link StoredResponse} says, on memory of its own.
 *
 * @param issuer - the store's, where it is known: then a record without `issuerNameHash` is one of its first name
 * @throws TypeError; `ERR_OCSP_INVALID_VALUE`; `ERR_OCSP_UNSUPPORTED_ALGORITHM`; `ERR_OCSP_ISSUER_MISMATCH` for the hash of a name
 * that is not the issuer's.
 */
export function toStoredResponse(given: ResponseRecord, issuer?: IssuerIdentity): StoredResponse {
  const { serial, hashAlgorithm = 'sha1', issuerNameHash = null, signatureAlgorithm = null } = given;
  const key = serialKey(serial);
  const { der, ...checked } = checkRecord(given, key);
  const { hash, index } = checkCertIdHash(hashAlgorithm, 'hashAlgorithm');
  if (signatureAlgorithm !== null && typeof signatureAlgorithm !== 'string')
    throw invalidArgType('signatureAlgorithm', 'a string', signatureAlgorithm);
  let name: Buffer | null = issuerNameHash === null ? null : Buffer.from(checkBytes(issuerNameHash, 'issuerNameHash'));
  if (issuer !== undefined) {
    const names = issuer.names.map((one) => nameHash(one, index));
    if (name !== null && !names.some((one) => one.equals(name as Buffer)))
      throw issuerMismatch("issuerNameHash is not the hash of a name of the store's issuer");
    name ??= names[0] ?? null;
  }
  const serialText = serialHex(key);
  return {
    ...checked,
    serial: serialText,
    hashAlgorithm: hash,
    issuerNameHash: name,
    signatureAlgorithm,
    der: Buffer.from(der),
  };
}

/**
 * The answers of one certificate with a further one; undefined when that is left out, because it is not newer than what is there. Those
 * that it outdoes or contradicts are gone: what is left may all be served.
 */
export function mergeAnswer(
  answers: readonly StoredResponse[],
  record: StoredResponse,
): readonly StoredResponse[] | undefined {
  for (const other of answers) {
    if (isSameKind(other, record) && compareVersions(record, other) <= 0) return undefined;
    if (other.certStatus !== record.certStatus && compareKnowledge(record, other) <= 0) return undefined;
  }
  return [...answers.filter((other) => other.certStatus === record.certStatus && !isSameKind(other, record)), record];
}

/** Of the answers of one certificate the one to give, on memory of its own: by hash, that for SHA-1 first, then the newest. */
export function preferredAnswer(
  answers: Iterable<StoredResponse>,
  { hashAlgorithm, issuerNameHash, signatureAlgorithm }: AnswerChoice = {},
): Buffer | undefined {
  const wanted = hashAlgorithm === undefined ? undefined : checkCertIdHash(hashAlgorithm, 'hashAlgorithm').hash;
  const rank = (answer: StoredResponse): number => checkCertIdHash(answer.hashAlgorithm, 'hashAlgorithm').index;
  let best: StoredResponse | undefined;
  for (const answer of answers) {
    if (wanted !== undefined && answer.hashAlgorithm !== wanted) continue;
    if (issuerNameHash !== undefined && answer.issuerNameHash?.equals(issuerNameHash) !== true) continue;
    if (signatureAlgorithm !== undefined && answer.signatureAlgorithm !== signatureAlgorithm) continue;
    if (best === undefined || (rank(answer) - rank(best) || compareVersions(best, answer)) < 0) best = answer;
  }
  return best && Buffer.from(best.der);
}

/**
 * The issuer that a store has once `given` was said of it: the first one, or its own with further spellings of its name.
 *
 * @throws TypeError; `ERR_OCSP_INVALID_VALUE`; `ERR_OCSP_ISSUER_MISMATCH` for another issuer.
 */
export function agreeIssuer(
  known: IssuerIdentity | undefined,
  given: IssuerIdentity | undefined,
): IssuerIdentity | undefined {
  if (given === undefined) return known;
  const { names, keyHashes } = given;
  const copy = { names: [...names], keyHashes: [...keyHashes] };
  const agreed = agreedIssuer(known === undefined ? null : textOf(known), copy);
  return agreed === null
    ? undefined
    : {
        names: agreed.names.map((name) => Buffer.from(name, 'base64')),
        keyHashes: agreed.keyHashes.map((hash) => Buffer.from(hash, 'hex')),
      };
}

/**
 * What a CertID asks of the `get` of a store: which certificate, and which of its answers.
 *
 * @param issuer - the store's, where it is known
 * @throws TypeError; `ERR_OCSP_UNSUPPORTED_ALGORITHM`; `ERR_OCSP_ISSUER_MISMATCH` when it names another issuer, or the store has none.
 */
export function askedOf(
  issuer: IssuerIdentity | undefined,
  certId: CertIdLookup,
): [serialNumber: SerialKey, choice: AnswerChoice] {
  const { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber } = certId;
  const { index } = checkCertIdHash(hashAlgorithm, 'hashAlgorithm');
  const isKey = Buffer.from(issuer?.keyHashes[index] ?? []).equals(issuerKeyHash);
  if (!isKey || !issuer?.names.some((name) => nameHash(name, index).equals(issuerNameHash)))
    throw issuerMismatch("the CertID does not name the store's issuer");
  return [serialNumber, { hashAlgorithm, issuerNameHash }];
}

function textOf({ names, keyHashes }: IssuerIdentity): { names: string[]; keyHashes: string[] } {
  return {
    names: names.map((name) => Buffer.from(name).toString('base64')),
    keyHashes: keyHashes.map((hash) => Buffer.from(hash).toString('hex')),
  };
}

function isSameKind(a: StoredResponse, b: StoredResponse): boolean {
  return (
    a.hashAlgorithm === b.hashAlgorithm &&
    a.signatureAlgorithm === b.signatureAlgorithm &&
    (a.issuerNameHash === null
      ? b.issuerNameHash === null
      : b.issuerNameHash !== null && a.issuerNameHash.equals(b.issuerNameHash))
  );
}
