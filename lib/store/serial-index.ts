import { setImmediate as nextTurn } from 'node:timers/promises';
import type { OCSPCertStatus } from '../ocsp/enums.js';
import { compareVersions, type ResponseVersion } from './response-store.js';

/** Entries that are sorted in one go, and merged in one go: a millisecond or two. */
const SORTED_RUN = 2048;
const MERGE_SLICE = 32_768;

/** Where a frame lies, and the status it states. */
export interface IndexedFrame {
  readonly offset: number;
  readonly length: number;
  readonly status: OCSPCertStatus;
}

/**
 * Which serial number lies where in a segment that is being written.
 *
 * Plain arrays of numbers, 60 bytes for each record, so that a million of them is neither a burden for the garbage
 * collector nor a reason to hold up the event loop: runs are sorted as they fill, and merged in slices at the end.
 */
export class SerialIndex {
  /** 32-bit words of a key; keys are padded to equal length on the left, so that words compare as numbers. */
  #words = 5;
  #capacity = SORTED_RUN;
  #keys = new Uint32Array(this.#capacity * this.#words);
  #offsets = new Float64Array(this.#capacity);
  #lengths = new Uint32Array(this.#capacity);
  #versions = new Float64Array(this.#capacity);
  #producedAt = new Float64Array(this.#capacity);
  #statuses = new Uint8Array(this.#capacity);
  #order = new Uint32Array(this.#capacity);
  #length = 0;
  #longestKey = 1;

  /** Records added. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of the longest serial number. */
  get longestKey(): number {
    return this.#longestKey;
  }

  /** Adds a record. */
  add(key: Uint8Array, offset: number, length: number, version: ResponseVersion): void {
    if (this.#length === this.#capacity) this.#grow();
    if (key.length > this.#words * 4) this.#widen(Math.ceil(key.length / 4));
    if (key.length > this.#longestKey) this.#longestKey = key.length;
    const at = this.#length;
    let word = (at + 1) * this.#words;
    for (let i = key.length; i > 0; i -= 4) {
      word -= 1;
      const octets =
        (i > 3 ? (key[i - 4] as number) * 0x1000000 : 0) +
        (i > 2 ? (key[i - 3] as number) << 16 : 0) +
        (i > 1 ? (key[i - 2] as number) << 8 : 0) +
        (key[i - 1] as number);
      this.#keys[word] = octets;
    }
    this.#offsets[at] = offset;
    this.#lengths[at] = length;
    this.#versions[at] = version.statusVersion;
    this.#producedAt[at] = version.producedAt;
    this.#statuses[at] = version.certStatus;
    this.#order[at] = at;
    this.#length = at + 1;
    if (this.#length % SORTED_RUN === 0) this.#sort(this.#length - SORTED_RUN);
  }

  /** Sorts what was added. Gives way to the event loop now and then. Nothing may be added meanwhile. */
  async sort(): Promise<void> {
    this.#sort(this.#length - (this.#length % SORTED_RUN));
    let from = this.#order;
    let to = new Uint32Array(this.#length);
    let moved = 0;
    for (let width = SORTED_RUN; width < this.#length; width *= 2) {
      for (let start = 0; start < this.#length; start += 2 * width) {
        const end = Math.min(start + 2 * width, this.#length);
        let left = start;
        const middle = Math.min(start + width, end);
        let right = middle;
        for (let out = start; out < end; out += 1) {
          const takeLeft =
            right >= end || (left < middle && this.#compare(from[left] as number, from[right] as number) <= 0);
          to[out] = from[takeLeft ? left++ : right++] as number;
          moved += 1;
          if (moved % MERGE_SLICE === 0) await nextTurn();
        }
      }
      [from, to] = [to, from === this.#order ? new Uint32Array(this.#length) : from];
    }
    this.#order = from;
  }

  /**
   * After {@link sort}: the records in ascending order of serial numbers; of several for one serial number the one to serve.
   * The key is written into `key`, padded with zeros on the left to its length.
   */
  *sorted(key: Buffer): Generator<IndexedFrame> {
    for (let i = 0; i < this.#length; ) {
      let best = this.#order[i] as number;
      for (i += 1; i < this.#length && this.#compareKeys(best, this.#order[i] as number) === 0; i += 1) {
        const other = this.#order[i] as number;
        // Of equals the first one stays, as it does between segments.
        const difference = compareVersions(this.#version(other), this.#version(best));
        if (difference > 0 || (difference === 0 && other < best)) best = other;
      }
      this.#writeKey(best, key);
      const { certStatus: status } = this.#version(best);
      yield { offset: this.#offsets[best] as number, length: this.#lengths[best] as number, status };
    }
  }

  #sort(start: number): void {
    this.#order.subarray(start, this.#length).sort((a, b) => this.#compare(a, b));
  }

  #compare(a: number, b: number): number {
    return this.#compareKeys(a, b) || a - b;
  }

  #compareKeys(a: number, b: number): number {
    const words = this.#words;
    for (let i = 0, at = a * words, bt = b * words; i < words; i += 1, at += 1, bt += 1) {
      const difference = (this.#keys[at] as number) - (this.#keys[bt] as number);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  #version(index: number): ResponseVersion {
    return {
      statusVersion: this.#versions[index] as number,
      producedAt: this.#producedAt[index] as number,
      certStatus: this.#statuses[index] as ResponseVersion['certStatus'],
    };
  }

  #writeKey(index: number, key: Buffer): void {
    const last = (index + 1) * this.#words - 1;
    for (let i = 0; i < key.length; i += 1) {
      key[key.length - 1 - i] = (this.#keys[last - (i >> 2)] as number) >>> ((i & 3) * 8);
    }
  }

  #grow(): void {
    this.#capacity *= 2;
    this.#keys = copyInto(new Uint32Array(this.#capacity * this.#words), this.#keys);
    this.#offsets = copyInto(new Float64Array(this.#capacity), this.#offsets);
    this.#lengths = copyInto(new Uint32Array(this.#capacity), this.#lengths);
    this.#versions = copyInto(new Float64Array(this.#capacity), this.#versions);
    this.#producedAt = copyInto(new Float64Array(this.#capacity), this.#producedAt);
    this.#statuses = copyInto(new Uint8Array(this.#capacity), this.#statuses);
    this.#order = copyInto(new Uint32Array(this.#capacity), this.#order);
  }

  #widen(words: number): void {
    const wider = new Uint32Array(this.#capacity * words);
    const padding = words - this.#words;
    for (let i = 0; i < this.#length; i += 1) {
      wider.set(this.#keys.subarray(i * this.#words, (i + 1) * this.#words), i * words + padding);
    }
    this.#keys = wider;
    this.#words = words;
  }
}

function copyInto<T extends Uint32Array | Float64Array | Uint8Array>(target: T, source: T): T {
  target.set(source);
  return target;
}
