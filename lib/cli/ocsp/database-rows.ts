/** What a database keeps in memory: some twenty bytes for a row; and which of its subjects were there before. */
import type { IndexFile, IndexRow } from './index-file.js';

/** One row: what it says about a certificate. */
export interface DatabaseRow {
  /** `V`, `R` or `E`. */
  readonly type: string;
  /** `time[,reason[,argument]]` */
  readonly revocation: string;
}

/** Records lie side by side in pieces of this size; one that is longer has a piece of its own. */
const PIECE = 1024 * 1024;
/** Type; lengths of serial number and revocation, three bytes each. */
const HEADER = 7;
const LONGEST = 2 ** 24 - 1;
const FEWEST_SLOTS = 2 ** 10;
/** Of most rows: tables are made as large as those of the file will need. */
const ROW_LENGTH = 60;
const NEWLINE = 0x0a;

/** A part of a row. */
export interface Column {
  bytes: Buffer;
  start: number;
  end: number;
}

/** Rows by serial number, whose letters count as capital ones. */
export class SerialRows {
  readonly #pieces: Buffer[] = [Buffer.allocUnsafeSlow(PIECE)];
  /** Of the last piece. */
  #used = 0;
  /** Hash table: piece and position of a record as one number, or -1. */
  #slots: Int32Array;
  #count = 0;

  /** @param bytes - of the file */
  constructor(bytes: number) {
    this.#slots = new Int32Array(slotsFor(bytes)).fill(-1);
  }

  /**
   * Adds a row whose serial number is new; else returns the number of the row that has it.
   *
   * @param type - Its first character; 0 for none.
   */
  add(type: number, serial: Column, revocation: Column): number | undefined {
    if (4 * this.#count >= 3 * this.#slots.length) this.#grow();
    const slot = this.#slotOf(serial.bytes, serial.start, serial.end);
    const before = this.#slots[slot] as number;
    if (before >= 0) return this.#numberOf(before);
    this.#slots[slot] = this.#append(type, serial, revocation);
    this.#count += 1;
    return undefined;
  }

  /** The row of a serial number, without leading zeros. */
  get(key: string): DatabaseRow | undefined {
    const place = this.#slots[this.#slotOf(Buffer.from(key, 'latin1'), 0, key.length)] as number;
    if (place < 0) return undefined;
    const [piece, at] = this.#record(place);
    const start = at + HEADER + lengthAt(piece, at + 1);
    return {
      type: piece[at] === 0 ? '' : piece.toString('latin1', at, at + 1),
      revocation: piece.toString('latin1', start, start + lengthAt(piece, at + 4)).replaceAll('\\\t', '\t'),
    };
  }

  #record(place: number): [piece: Buffer, at: number] {
    return [this.#pieces[Math.floor(place / PIECE)] as Buffer, place % PIECE];
  }

  /** How many rows come before that of a record. */
  #numberOf(place: number): number {
    const [last, end] = this.#record(place);
    let number = 0;
    for (const piece of this.#pieces) {
      const length = piece === last ? end : piece.length;
      for (let at = 0; at < length; number += 1) at += HEADER + lengthAt(piece, at + 1) + lengthAt(piece, at + 4);
      if (piece === last) break;
    }
    return number;
  }

  #append(type: number, serial: Column, revocation: Column): number {
    const length = HEADER + serial.end - serial.start + revocation.end - revocation.start;
    let piece = this.#pieces.at(-1) as Buffer;
    if (this.#used + length > piece.length) {
      this.#pieces[this.#pieces.length - 1] = piece.subarray(0, this.#used);
      piece = Buffer.allocUnsafeSlow(Math.max(PIECE, length));
      this.#pieces.push(piece);
      this.#used = 0;
    }
    const at = this.#used;
    piece[at] = type;
    putLength(piece, at + 1, serial.end - serial.start);
    putLength(piece, at + 4, revocation.end - revocation.start);
    let out = at + HEADER;
    for (const { bytes, start, end } of [serial, revocation]) {
      for (let i = start; i < end; i += 1, out += 1) piece[out] = bytes[i] as number;
    }
    this.#used = out;
    return (this.#pieces.length - 1) * PIECE + at;
  }

  /** Where a serial number is in the table, or would be. */
  #slotOf(bytes: Buffer, start: number, end: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hashOf(bytes, start, end) & mask; ; slot = (slot + 1) & mask) {
      const place = this.#slots[slot] as number;
      if (place < 0) return slot;
      const piece = this.#pieces[Math.floor(place / PIECE)] as Buffer;
      const at = place % PIECE;
      if (lengthAt(piece, at + 1) === end - start && sameSerial(piece, at + HEADER, bytes, start, end)) return slot;
    }
  }

  #grow(): void {
    const places = this.#slots;
    this.#slots = new Int32Array(2 * places.length).fill(-1);
    for (const place of places) {
      if (place < 0) continue;
      const [piece, at] = this.#record(place);
      const start = at + HEADER;
      this.#slots[this.#slotOf(piece, start, start + lengthAt(piece, at + 1))] = place;
    }
  }
}

/** Finds subjects that come twice. Of each it keeps a hash and where it lies in the file, which is read again to be certain. */
export class Subjects {
  readonly #file: IndexFile;
  #hashes: Uint32Array;
  /** Positions in the file, which are not 0: other columns come before; 0 for a slot that is free. */
  #positions: Uint32Array;
  #count = 0;

  constructor(file: IndexFile) {
    this.#file = file;
    const slots = slotsFor(file.size);
    this.#hashes = new Uint32Array(slots);
    this.#positions = new Uint32Array(slots);
  }

  /** Adds what begins at `start` of a row; else returns where in the file the same lies. */
  add({ bytes, end, origin }: IndexRow, start: number): number | undefined {
    if (4 * this.#count >= 3 * this.#positions.length) this.#grow();
    const hash = hashOf(bytes, start, end) >>> 0;
    const mask = this.#positions.length - 1;
    for (let slot = slotFor(hash, mask); ; slot = (slot + 1) & mask) {
      const position = this.#positions[slot] as number;
      if (position === 0) {
        this.#hashes[slot] = hash;
        this.#positions[slot] = origin + start;
        this.#count += 1;
        return undefined;
      }
      if (this.#hashes[slot] === hash && this.#isAt(position, bytes.subarray(start, end))) return position;
    }
  }

  #isAt(position: number, subject: Buffer): boolean {
    const other = Buffer.alloc(subject.length + 1, NEWLINE);
    this.#file.read(other, position);
    return other[subject.length] === NEWLINE && other.subarray(0, -1).equals(subject);
  }

  #grow(): void {
    const [hashes, positions] = [this.#hashes, this.#positions];
    this.#hashes = new Uint32Array(2 * hashes.length);
    this.#positions = new Uint32Array(2 * hashes.length);
    const mask = this.#positions.length - 1;
    for (const [i, position] of positions.entries()) {
      if (position === 0) continue;
      let slot = slotFor(hashes[i] as number, mask);
      while (this.#positions[slot] !== 0) slot = (slot + 1) & mask;
      this.#hashes[slot] = hashes[i] as number;
      this.#positions[slot] = position;
    }
  }
}

/** Of bits that are not those of a comparison alone. */
function slotFor(hash: number, mask: number): number {
  return Math.imul(hash, 0x9e3779b1) & mask;
}

function slotsFor(bytes: number): number {
  return Math.max(FEWEST_SLOTS, 2 ** Math.ceil(Math.log2((4 * bytes) / (3 * ROW_LENGTH))));
}

/** Of text whose letters count as capital ones. */
function hashOf(bytes: Buffer, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i += 1) hash = Math.imul(hash ^ capital(bytes[i] as number), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function sameSerial(own: Buffer, at: number, bytes: Buffer, start: number, end: number): boolean {
  for (let i = start, j = at; i < end; i += 1, j += 1) {
    if (capital(own[j] as number) !== capital(bytes[i] as number)) return false;
  }
  return true;
}

function capital(octet: number): number {
  return octet >= 0x61 && octet <= 0x7a ? octet - 0x20 : octet;
}

function lengthAt(bytes: Buffer, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
}

/** @throws RangeError for what no column of use is as long as. */
function putLength(bytes: Buffer, at: number, length: number): void {
  if (length > LONGEST) throw new RangeError('a column is too long');
  bytes[at] = length;
  bytes[at + 1] = length >> 8;
  bytes[at + 2] = length >> 16;
}
