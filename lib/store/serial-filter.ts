/**
 * Which serial numbers a segment may have: a Bloom filter in blocks of 64 bytes, each of which is one line of a processor's
 * cache. Of serial numbers that are not there it lets some 0.4 % pass, which costs them a look at the index. The addon reads
 * them, too (native/core/serial_filter.h).
 */

/** Bytes of a block. */
const BLOCK = 64;
const BLOCK_BITS_SHIFT = 23;
const BITS_PER_ENTRY = 12;
/** Bits of a serial number, all in one block. */
const PROBES = 8;

/** Bytes of the filter of so many entries. */
export function filterLength(entries: number): number {
  return Math.ceil((entries * BITS_PER_ENTRY) / (8 * BLOCK)) * BLOCK;
}

/** Which of so many blocks: `part` of 2^32 of them, rounded down. The product may have more bits than a number of JavaScript. */
export function blockAt(part: number, blocks: number): number {
  const low = Math.floor(((part & 0xffff) * blocks) / 0x10000);
  return Math.floor(((part >>> 16) * blocks + low) / 0x10000);
}

/** What filters know of a serial number; one object is used for one after the other. */
export class SerialMark {
  /** Where its block is, as a part of 2^32; its first bit, and the way to the next. */
  #block = 0;
  #first = 0;
  #step = 0;

  /** @param serial - leading zeros do not matter */
  set(serial: Uint8Array, length: number = serial.length): void {
    let at = 0;
    while (at < length && serial[at] === 0) at += 1;
    let one = 0x811c9dc5;
    let other = 0x9e3779b9;
    for (; at < length; at += 1) {
      const octet = serial[at] as number;
      one = Math.imul(one ^ octet, 0x01000193);
      other = Math.imul(other + octet, 0x85ebca6b) ^ (other >>> 15);
    }
    this.#block = mixed(one) >>> 0;
    this.#first = mixed(other);
    this.#step = mixed(one + other) | 1;
  }

  /** Adds the serial number to a filter. */
  addTo(filter: Uint8Array): void {
    const start = this.#startIn(filter);
    let bit = this.#first;
    for (let i = 0; i < PROBES; i += 1) {
      const at = bit >>> BLOCK_BITS_SHIFT;
      filter[start + (at >>> 3)] = (filter[start + (at >>> 3)] as number) | (1 << (at & 7));
      bit = (bit + this.#step) | 0;
    }
  }

  /** Whether it may have been added to a filter; false is certain. */
  isIn(filter: Uint8Array): boolean {
    const start = this.#startIn(filter);
    let bit = this.#first;
    for (let i = 0; i < PROBES; i += 1) {
      const at = bit >>> BLOCK_BITS_SHIFT;
      if (((filter[start + (at >>> 3)] as number) & (1 << (at & 7))) === 0) return false;
      bit = (bit + this.#step) | 0;
    }
    return true;
  }

  #startIn(filter: Uint8Array): number {
    return blockAt(this.#block, filter.length / BLOCK) * BLOCK;
  }
}

/** Lets each bit depend on each (the end of MurmurHash3). */
function mixed(bits: number): number {
  let x = bits;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
