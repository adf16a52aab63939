/** What a store may serve, by what was put into it, acknowledged, and thrown away as expired. */
import { OCSPCertStatus } from 'openssl-ocsp';
import { compareKnowledge, compareVersions, type StoredResponse } from '#dist/store/response-store.js';

/** A response that was given to the store. */
export interface Given extends Omit<StoredResponse, 'serial' | 'issuerNameHash' | 'signatureAlgorithm'> {
  readonly serial: bigint;
  /** Published for certain: said to be. */
  acknowledged: boolean;
  /** Published for certain as long as the machine runs: it was served. */
  seen: boolean;
  /** When the store could know of it: from then on nothing that has to hide it is forgotten. */
  known: number;
  /** When a call began that may have forgotten it, as it, or what hides it, has expired. */
  forgotten: number;
}

export class StoreModel {
  /** All that may be served, by what tells one from another. */
  readonly #given = new Map<string, Given>();
  #clock = 0;

  /** A moment later than all before. */
  tick(): number {
    this.#clock += 1;
    return this.#clock;
  }

  /** A call that was to publish `records` has ended. */
  publish(records: readonly Given[], acknowledged: boolean): void {
    for (const given of records) {
      const key = keyOf(given);
      const same = this.#given.get(key);
      // A signature that is made again within its second may be the same, and the first one gone by then.
      given.acknowledged ||=
        acknowledged || (same?.acknowledged === true && same.forgotten === Number.POSITIVE_INFINITY);
      this.#given.set(key, given);
    }
  }

  /** How many of some records outdo whatever has been given, and the others of them: these have to be taken. */
  best(records: readonly Given[]): number {
    return records.filter((record) =>
      [...this.#of(record.serial), ...records].every((other) => {
        if (other === record || other.serial !== record.serial) return true;
        if (other.certStatus !== record.certStatus) return compareKnowledge(record, other) > 0;
        return other.hashAlgorithm !== record.hashAlgorithm || compareVersions(record, other) > 0;
      }),
    ).length;
  }

  /** The machine has lost its power: what was served without having been acknowledged may be gone. */
  restart(): void {
    for (const given of this.#given.values()) given.seen = false;
  }

  /** A call has ended that began at `start`, and may have forgotten what had expired at `seconds`. */
  forget(start: number, seconds: number): void {
    for (const expired of this.#given.values()) {
      if ((expired.nextUpdate ?? Number.POSITIVE_INFINITY) >= seconds) continue;
      for (const given of this.#of(expired.serial)) {
        if (compareVersions(given, expired) <= 0) given.forgotten = Math.min(given.forgotten, start);
      }
    }
  }

  /** What is wrong with what is served. */
  wrong(rows: readonly StoredResponse[]): string[] {
    const problems: string[] = [];
    const served: Given[] = [];
    for (const row of rows) {
      const given = this.#given.get(keyOf(row));
      if (given !== undefined) served.push(given);
      else problems.push(`never published: ${textOf(row)}`);
    }
    for (const given of served) {
      given.seen = true;
      // What might have forgotten it has not.
      given.forgotten = Number.POSITIVE_INFINITY;
    }
    for (const { serial, certStatus } of served) {
      const other = served.find((one) => one.serial === serial && one.certStatus !== certStatus);
      if (other !== undefined) problems.push(`${textOf(other)} is served beside another status`);
    }
    for (const given of served) {
      const rows = served.filter(({ serial }) => serial === given.serial);
      const newer = this.#of(given.serial).find((other) => this.#outdates(other, given, rows));
      if (newer !== undefined) problems.push(`${textOf(given)} is served after ${textOf(newer)}`);
    }
    for (const given of this.#given.values()) {
      if (!isThere(given) || given.forgotten !== Number.POSITIVE_INFINITY) continue;
      const same = served.filter(({ serial }) => serial === given.serial);
      const hasRow = same.some(({ hashAlgorithm }) => hashAlgorithm === given.hashAlgorithm);
      if (same.length === 0 || !(hasRow || this.#isContradicted(given))) problems.push(`${textOf(given)} is lost`);
    }
    return problems;
  }

  /** Whether a row is wrong beside `other`, which is there. */
  #outdates(other: Given, row: Given, rows: readonly Given[]): boolean {
    if (!isThere(other) || other.forgotten < row.known) return false;
    if (other.certStatus !== row.certStatus) {
      // It was not the truth from the beginning, where one that may have been there said the contrary and was known better.
      const wasWrong = this.#of(row.serial).some(
        (known) =>
          known.certStatus === row.certStatus && compareKnowledge(known, other) > 0 && known.forgotten > other.known,
      );
      return !wasWrong && compareKnowledge(other, row) > 0 && rows.every((known) => compareKnowledge(known, other) < 0);
    }
    // A sweep forgets what is good for the sake of what it hides: that is good too, of the same version, and has not expired.
    const isSwept = other.forgotten !== Number.POSITIVE_INFINITY && compareKnowledge(other, row) === 0;
    if (isSwept && row.certStatus === OCSPCertStatus.GOOD) return false;
    const isNewer = other.hashAlgorithm === row.hashAlgorithm && compareVersions(other, row) > 0;
    return isNewer && !this.#isContradicted(other);
  }

  /** Whether another status of the certificate is, or was, known better: then a compaction may have removed the response. */
  #isContradicted(given: Given): boolean {
    return this.#of(given.serial).some(
      (other) => other.certStatus !== given.certStatus && compareKnowledge(other, given) > 0,
    );
  }

  #of(serial: bigint): Given[] {
    return [...this.#given.values()].filter((given) => given.serial === serial);
  }
}

function isThere(given: Given): boolean {
  return given.acknowledged || given.seen;
}

function keyOf(row: Given | StoredResponse): string {
  return `${textOf(row)} ${row.der.toString('latin1')}`;
}

function textOf(row: Given | StoredResponse): string {
  const { serial, statusVersion, certStatus, producedAt, nextUpdate, hashAlgorithm } = row;
  const number = typeof serial === 'bigint' ? serial : BigInt(`0x${serial}`);
  return `${number} version ${statusVersion} status ${certStatus} of ${producedAt} until ${nextUpdate} (${hashAlgorithm})`;
}
