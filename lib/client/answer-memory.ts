/**
 * The answers that were used last, within so many bytes. They are packed into a few large buffers, with a table of where they
 * are: as objects they would take three times as much.
 */
import { CachedAnswer, type CachedStatus } from './cached-answer.js';

/** Bytes of a buffer. An answer that is larger has one of its own. */
const SLAB_SIZE = 1 << 16;
/** Places are slab * SLAB_SIZE + offset, in 32 bits; 0 is none. */
const MOST_SLABS = 1 << 16;
/** With half of the slabs there are always free ones, and they are found at once. */
const MOST_BYTES = (MOST_SLABS / 2) * SLAB_SIZE;
/** What is of no use any more may take this share of memory. */
const GARBAGE_SHARE = 8;
/** Slabs that are written again, at most, to make room for one answer. */
const MOST_MOVED = 16;

/** A record: key, times in whole seconds (5 bytes each), mark of the issuer, length of the DER, status, whether it was used lately; and the DER. */
const KEY_SIZE = 32;
const TIME_SIZE = 5;
const THIS_UPDATE: number = KEY_SIZE;
const PRODUCED_AT: number = THIS_UPDATE + TIME_SIZE;
const USABLE_UNTIL: number = PRODUCED_AT + TIME_SIZE;
const REFRESH_AT: number = USABLE_UNTIL + TIME_SIZE;
const VERIFIED_AT: number = REFRESH_AT + TIME_SIZE;
const ISSUER: number = VERIFIED_AT + TIME_SIZE;
const ISSUER_SIZE = 6;
const LENGTH: number = ISSUER + ISSUER_SIZE;
const STATUS: number = LENGTH + 4;
const USED: number = STATUS + 1;
const DER: number = USED + 1;
const STATUSES: readonly CachedStatus[] = ['good', 'revoked', 'unknown'];

/** Records one behind the other. Its bytes are never used again for others: answers that were handed out lie there. */
class Slab {
  readonly id: number;
  readonly bytes: Buffer;
  end = 0;
  /** Bytes of records that were replaced or deleted. */
  garbage = 0;

  constructor(id: number, size: number) {
    this.id = id;
    this.bytes = Buffer.allocUnsafeSlow(size);
  }
}

/** By the keys of subjects. */
export class AnswerMemory {
  readonly #maxBytes: number;
  /** The oldest one first; records are added to the last. */
  readonly #slabs = new Map<number, Slab>();
  /** Places of records: a hash table with linear probing. */
  #table = new Uint32Array(16);
  #size = 0;
  #slabBytes = 0;
  #garbage = 0;
  #newest: Slab | undefined;
  /** What was read last: most often it is read again. */
  #latest: { readonly key: string; readonly answer: CachedAnswer } | undefined;
  #lastId = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = Math.min(maxBytes, MOST_BYTES);
  }

  /** Bytes that are held. */
  get bytes(): number {
    return this.#slabBytes + this.#table.byteLength;
  }

  get(key: string): CachedAnswer | undefined {
    if (this.#latest?.key === key) return this.#latest.answer;
    const place = this.#table[this.#find(key)] as number;
    if (place === 0) return undefined;
    const { bytes } = this.#slabOf(place);
    const at = offsetOf(place);
    bytes[at + USED] = 1;
    const milliseconds = (field: number): number => bytes.readIntLE(at + field, TIME_SIZE) * 1000;
    const answer = new CachedAnswer(
      STATUSES[bytes[at + STATUS] as number] as CachedStatus,
      milliseconds(THIS_UPDATE),
      milliseconds(PRODUCED_AT),
      milliseconds(USABLE_UNTIL),
      milliseconds(REFRESH_AT),
      milliseconds(VERIFIED_AT),
      bytes.readUIntLE(at + ISSUER, ISSUER_SIZE),
      bytes.subarray(at + DER, at + lengthAt(bytes, at)),
    );
    this.#latest = { key, answer };
    return answer;
  }

  set(key: string, answer: CachedAnswer): void {
    this.#latest = undefined;
    this.#forget(key);
    const { der } = answer;
    if (DER + der.length + this.#table.byteLength > this.#maxBytes) return;
    const record = Buffer.allocUnsafe(DER + der.length);
    record.write(key, 'hex');
    writeTime(record, THIS_UPDATE, answer.thisUpdate);
    writeTime(record, PRODUCED_AT, answer.producedAt);
    writeTime(record, USABLE_UNTIL, answer.usableUntil);
    writeTime(record, REFRESH_AT, answer.refreshAt);
    writeTime(record, VERIFIED_AT, answer.verifiedAt);
    record.writeUIntLE(answer.issuerMark, ISSUER, ISSUER_SIZE);
    record.writeUInt32LE(der.length, LENGTH);
    record[STATUS] = STATUSES.indexOf(answer.status);
    record[USED] = 0;
    record.set(der, DER);
    if ((this.#size + 1) * 4 > this.#table.length * 3) this.#grow();
    this.#makeRoom(record.length);
    this.#table[this.#find(key)] = this.#append(record, 0, record.length);
    this.#size += 1;
  }

  /** Whether this very answer is there. (Asking is no use of it.) */
  holds(key: string, { der }: CachedAnswer): boolean {
    const place = this.#table[this.#find(key)] as number;
    if (place === 0) return false;
    const { bytes } = this.#slabOf(place);
    const at = offsetOf(place);
    return der.equals(bytes.subarray(at + DER, at + lengthAt(bytes, at)));
  }

  /** Takes down when it was verified and by what, and when it is to be asked about again; unless another answer is there by now. */
  update(key: string, answer: CachedAnswer): void {
    if (!this.holds(key, answer)) return;
    const place = this.#table[this.#find(key)] as number;
    const { bytes } = this.#slabOf(place);
    const at = offsetOf(place);
    writeTime(bytes, at + REFRESH_AT, answer.refreshAt);
    writeTime(bytes, at + VERIFIED_AT, answer.verifiedAt);
    bytes.writeUIntLE(answer.issuerMark, at + ISSUER, ISSUER_SIZE);
    this.#latest = undefined;
  }

  #forget(key: string): void {
    const slot = this.#find(key);
    const place = this.#table[slot] as number;
    if (place === 0) return;
    const slab = this.#slabOf(place);
    const length = lengthAt(slab.bytes, offsetOf(place));
    slab.garbage += length;
    this.#garbage += length;
    this.#clear(slot);
  }

  /** What was not used since its slab was written goes, the oldest first; and slabs with garbage are written again. */
  #makeRoom(length: number): void {
    for (let turns = 0; this.bytes + this.#growthFor(length) > this.#maxBytes; turns++) {
      const [oldest] = this.#slabs.values();
      if (oldest === undefined) break;
      // (Where all of it is in use, some has to go all the same, and not after all was moved.)
      this.#clean(oldest, (bytes, at) => turns < MOST_MOVED && bytes[at + USED] === 1);
    }
    while (this.#garbage > SLAB_SIZE && this.#garbage * GARBAGE_SHARE > this.#slabBytes) {
      let worst: Slab | undefined;
      for (const slab of this.#slabs.values()) if (slab.garbage > (worst?.garbage ?? 0)) worst = slab;
      this.#clean(worst as Slab, () => true);
    }
  }

  /** Lets a slab go. What stays of it is written to the newest one, as not used. */
  #clean(slab: Slab, stays: (bytes: Buffer, at: number) => boolean): void {
    if (slab === this.#newest) this.#newest = undefined;
    const { bytes, end } = slab;
    for (let at = 0, length = 0; at < end; at += length) {
      length = lengthAt(bytes, at);
      const slot = this.#slotOf(placeOf(slab, at), bytes.readUInt32BE(at));
      if (slot === -1) continue;
      if (!stays(bytes, at)) {
        this.#clear(slot);
        continue;
      }
      bytes[at + USED] = 0;
      this.#table[slot] = this.#append(bytes, at, at + length);
    }
    this.#slabs.delete(slab.id);
    this.#slabBytes -= slab.bytes.length;
    this.#garbage -= slab.garbage;
  }

  /** Bytes of the slab that one more record needs; 0 where it has room in the newest. (Of a small memory no slab must be the whole.) */
  #growthFor(length: number): number {
    const slab = this.#newest;
    if (slab !== undefined && slab.end + length <= slab.bytes.length) return 0;
    return Math.max(length, Math.min(SLAB_SIZE, Math.floor(this.#maxBytes / 16)));
  }

  /** @returns its place */
  #append(source: Buffer, start: number, end: number): number {
    const length = end - start;
    let slab = this.#newest;
    const size = this.#growthFor(length);
    if (slab === undefined || size > 0) {
      slab = new Slab(this.#freeId(), size);
      this.#slabs.set(slab.id, slab);
      this.#slabBytes += size;
      this.#newest = slab;
    }
    source.copy(slab.bytes, slab.end, start, end);
    const place = placeOf(slab, slab.end);
    slab.end += length;
    return place;
  }

  #freeId(): number {
    do this.#lastId = (this.#lastId % (MOST_SLABS - 1)) + 1;
    while (this.#slabs.has(this.#lastId));
    return this.#lastId;
  }

  #slabOf(place: number): Slab {
    return this.#slabs.get(Math.floor(place / SLAB_SIZE)) as Slab;
  }

  /** The slot of a key, or the one where it belongs. */
  #find(key: string): number {
    const hash = (byteOf(key, 0) * 256 + byteOf(key, 1)) * 65536 + byteOf(key, 2) * 256 + byteOf(key, 3);
    const mask = this.#table.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const place = this.#table[slot] as number;
      if (place === 0) return slot;
      const { bytes } = this.#slabOf(place);
      const at = offsetOf(place);
      if (hasKey(bytes, at, key)) return slot;
    }
  }

  /** The slot that holds a place; -1 for none. */
  #slotOf(place: number, hash: number): number {
    const mask = this.#table.length - 1;
    for (let slot = hash & mask; this.#table[slot] !== 0; slot = (slot + 1) & mask)
      if (this.#table[slot] === place) return slot;
    return -1;
  }

  /** Empties a slot, and moves up what was pushed behind it (Knuth, The Art of Computer Programming, volume 3, 6.4, algorithm R). */
  #clear(slot: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let hole = slot;
    for (let next = (hole + 1) & mask; table[next] !== 0; next = (next + 1) & mask) {
      const home = this.#hashAt(table[next] as number) & mask;
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      table[hole] = table[next] as number;
      hole = next;
    }
    table[hole] = 0;
    this.#size -= 1;
  }

  #grow(): void {
    const places = this.#table;
    const table = new Uint32Array(places.length * 2);
    const mask = table.length - 1;
    for (const place of places) {
      if (place === 0) continue;
      let slot = this.#hashAt(place) & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = place;
    }
    this.#table = table;
  }

  #hashAt(place: number): number {
    return this.#slabOf(place).bytes.readUInt32BE(offsetOf(place));
  }
}

/** Values of lower-case hexadecimal digits, by their characters. */
const DIGITS = new Uint8Array(128);
for (let digit = 0; digit < 16; digit++) DIGITS[digit.toString(16).charCodeAt(0)] = digit;

function byteOf(key: string, index: number): number {
  return ((DIGITS[key.charCodeAt(2 * index)] as number) << 4) | (DIGITS[key.charCodeAt(2 * index + 1)] as number);
}

/** Whether a record has that key. (A loop beats a call out of JavaScript.) */
function hasKey(bytes: Buffer, at: number, key: string): boolean {
  for (let i = 0; i < KEY_SIZE; i++) if (bytes[at + i] !== byteOf(key, i)) return false;
  return true;
}

function placeOf(slab: Slab, offset: number): number {
  return slab.id * SLAB_SIZE + offset;
}

function offsetOf(place: number): number {
  return place % SLAB_SIZE;
}

/** Of the whole record. */
function lengthAt(bytes: Buffer, at: number): number {
  return DER + bytes.readUInt32LE(at + LENGTH);
}

function writeTime(bytes: Buffer, at: number, milliseconds: number): void {
  bytes.writeIntLE(Math.floor(milliseconds / 1000), at, TIME_SIZE);
}
