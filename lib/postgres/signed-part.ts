import type { OCSPCertStatus } from '../ocsp/enums.js';
import type { SignedEntry } from '../signing/sign-all.js';
import type { AnswerLabel, ResponseRecord } from '../store/response-store.js';
import type { SerialKey } from '../store/serial-key.js';

const INITIAL_LENGTH = 1 << 20;

/**
 * What has been signed since a checkpoint. Tens of thousands of responses that are kept as objects would cost the garbage collector as much
 * as all else that is done in JavaScript; so they lie in one buffer, and records are made of them one by one.
 */
export class SignedPart implements Iterable<ResponseRecord> {
  readonly #answers: readonly AnswerLabel[];
  #ders: Buffer = Buffer.allocUnsafeSlow(INITIAL_LENGTH);
  /** Of each response. */
  readonly #ends: number[] = [];
  readonly #serials: SerialKey[] = [];
  readonly #statuses: OCSPCertStatus[] = [];
  readonly #versions: number[] = [];
  readonly #producedAt: number[] = [];
  readonly #nextUpdates: (number | null)[] = [];

  /** @param answers - those of the signer, which makes them of each certificate in this order */
  constructor(answers: readonly AnswerLabel[]) {
    this.#answers = answers;
  }

  /** How many responses there are. */
  get length(): number {
    return this.#ends.length;
  }

  /** The serial number of the last one. */
  get lastSerial(): SerialKey | undefined {
    return this.#serials.at(-1);
  }

  add({ entry, der, producedAt, nextUpdate }: SignedEntry): void {
    const start = this.#ends.at(-1) ?? 0;
    const end = start + der.length;
    if (end > this.#ders.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#ders.length, end));
      larger.set(this.#ders.subarray(0, start));
      this.#ders = larger;
    }
    this.#ders.set(der, start);
    this.#ends.push(end);
    this.#serials.push(entry.serialNumber);
    this.#statuses.push(entry.status);
    this.#versions.push(entry.statusVersion ?? 0);
    this.#producedAt.push(producedAt);
    this.#nextUpdates.push(nextUpdate);
  }

  *[Symbol.iterator](): Generator<ResponseRecord> {
    for (let i = 0, start = 0; i < this.length; i += 1) {
      const end = this.#ends[i] as number;
      yield {
        serial: this.#serials[i] as SerialKey,
        statusVersion: this.#versions[i] as number,
        producedAt: this.#producedAt[i] as number,
        certStatus: this.#statuses[i] as OCSPCertStatus,
        nextUpdate: this.#nextUpdates[i] as number | null,
        der: this.#ders.subarray(start, end),
        ...this.#answers[i % this.#answers.length],
      };
      start = end;
    }
  }

  /** Begins again. */
  clear(): void {
    for (const list of [this.#ends, this.#serials, this.#statuses, this.#versions, this.#producedAt, this.#nextUpdates])
      list.length = 0;
  }
}
