/** What requests, responses and their entries have in common: a piece of DER and the offsets of its parts. */
import type { Reading } from '../../typings/binding.js';
import { invalidArgType, invalidValue, malformed } from '../errors.js';
import { checkBytes, copyBytes, type OwnBuffer, Tag } from '../x509/der.js';
import type { Extensions } from '../x509/extension.js';
import { type ExtensionSlot, parseExtensions } from '../x509/extension-codec.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { parseSeconds } from '../x509/time.js';
import { Encoding } from './enums.js';
import type { Offsets } from './layout.js';

/** Strict DER. */
export const STRICT = 0;
/** As OpenSSL reads. */
export const LENIENT = 1;
/** DER, but for the encodings that are known from the field (`EncodingNote`). */
export const FIELD = 2;

/** The DER of a message. It is private to the package and never changes; other messages may lie beside it. */
export class MessageBytes {
  readonly memory: Buffer;
  readonly start: number;
  readonly end: number;
  readonly reading: Reading;

  constructor(memory: Buffer, start: number, end: number, reading: Reading) {
    this.memory = memory;
    this.start = start;
    this.end = end;
    this.reading = reading;
  }

  /** Not a copy: never hand it out. */
  view(): Buffer {
    return this.memory.subarray(this.start, this.end);
  }

  get length(): number {
    return this.end - this.start;
  }

  copy(): OwnBuffer {
    return copyBytes(this.memory, this.start, this.end);
  }

  equals(other: MessageBytes): boolean {
    return this.view().equals(other.view());
  }
}

/** Bytes of our own as the DER of a message. */
export function wholeDer(der: Buffer, reading: Reading): MessageBytes {
  return new MessageBytes(der, 0, der.length, reading);
}

const WHOLE_SECONDS_LENGTH = 14;
const ZULU: Buffer = Buffer.from('Z');

/** A parsed message or entry, immutable. */
export class MessageView {
  readonly der: MessageBytes;
  readonly offsets: Offsets;
  /** Where in `offsets` the numbers of this object begin. */
  readonly base: number;

  constructor(der: MessageBytes, offsets: Offsets, base: number) {
    this.der = der;
    this.offsets = offsets;
    this.base = base;
  }

  /** What the offsets are offsets in. */
  get memory(): Buffer {
    return this.der.memory;
  }

  number(index: number): number {
    return this.offsets[this.base + index] as number;
  }

  has(range: number): boolean {
    return this.number(range) >= 0;
  }

  start(range: number): number {
    return this.number(range);
  }

  end(range: number): number {
    return this.number(range + 1);
  }

  bytes(range: number): Buffer {
    return copyBytes(this.memory, this.start(range), this.end(range));
  }

  /** The message and where in it a part lies, for readers whose errors name a byte of the message. */
  locate(range: number): [der: Buffer, start: number, end: number] {
    const { start } = this.der;
    return [this.der.view(), this.start(range) - start, this.end(range) - start];
  }

  /** Not a copy: never hand it out. */
  view(range: number): Buffer {
    return this.memory.subarray(this.start(range), this.end(range));
  }

  /** Whether a part is these bytes. */
  is(range: number, bytes: Uint8Array): boolean {
    return this.memory.compare(bytes, 0, bytes.length, this.start(range), this.end(range)) === 0;
  }

  time(range: number): Date {
    return new Date(this.seconds(range) * 1000);
  }

  /** The same in whole seconds since 1970-01-01. */
  seconds(range: number): number {
    const { memory, der } = this;
    // Where a fraction may stand, the part before it has no Z.
    if (der.reading === FIELD && this.end(range) - this.start(range) === WHOLE_SECONDS_LENGTH) {
      return parseSeconds(Buffer.concat([this.view(range), ZULU]), 0, WHOLE_SECONDS_LENGTH + 1);
    }
    return parseSeconds(memory, this.start(range), this.end(range), der.start);
  }

  extensions(range: number, slot: ExtensionSlot): Extensions {
    return this.has(range) ? parseExtensions(...this.locate(range), slot) : parseExtensions(this.memory, 0, 0, slot);
  }

  sameBytes(range: number, other: MessageView): boolean {
    return this.view(range).equals(other.view(range));
  }
}

/** Handed to constructors by the package itself; no one else has it. */
export const INTERNAL: unique symbol = Symbol('openssl-ocsp internal');

/** Refuses `new OCSPRequest()` and the like: such objects come from loading and building only. */
export function checkInternal(key: unknown, className: string): void {
  if (key === INTERNAL) return;
  const error = new TypeError(`${className} cannot be constructed: it comes from what loads, builds or judges`);
  throw Object.assign(error, { code: 'ERR_ILLEGAL_CONSTRUCTOR' });
}

/** How to load a message. */
export interface LoadOptions {
  /**
   * true (the default): DER as RFC 6960 and X.690 have it, nothing else. `'field'`: DER, but for a closed list of encodings that
   * are known from the field, and in which nothing is ambiguous (`EncodingNote`): what a verdict takes, and a responder should.
   * false: what OpenSSL's own parser accepts (BER, trailing bytes, odd times, unknown statuses); the object then holds the
   * message as OpenSSL re-encodes it.
   */
  readonly strict?: boolean | 'field';
}

const LOAD_NAMES: OptionNames<LoadOptions> = { strict: true };

/** How a message is to be read. */
export function readingOf(options: LoadOptions | undefined): Reading {
  if (options === undefined) return STRICT;
  const { strict = true } = readOptions(options, LOAD_NAMES);
  if (strict === 'field') return FIELD;
  if (typeof strict !== 'boolean') throw invalidArgType('options.strict', "a boolean or 'field'", strict);
  return strict ? STRICT : LENIENT;
}

/** Where copies of messages are kept, one after the other: memory of its own would cost more than parsing does. */
const SLAB_SIZE = 64 * 1024;
let slab: Buffer | undefined;
let slabUsed = 0;

/** How long an array is, whatever a property of that name, or a class over it, says: other messages lie beside its copy. */
const lengthOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'length')?.get as (
  this: Uint8Array,
) => number;

/** What people have in place of DER, by how it begins. */
const TEXTS: readonly (readonly [form: RegExp, what: string])[] = [
  [/^-----BEGIN /, 'PEM, not DER: decode the base64 in it first'],
  [/^M[A-P][\w+/=\s-]+$/, "base64, not DER: decode it first, as by Buffer.from(text, 'base64')"],
  [/^<[!?\w]/, 'a page of HTML or XML: who sent it is no responder'],
];

/**
 * Tells what text is that was to be loaded, which no reading takes. (Where OpenSSL reads, its own error is wanted.)
 *
 * @throws `ERR_OCSP_MALFORMED`
 */
export function refuseText(data: unknown, reading: Reading): void {
  const bytes = checkBytes(data, 'data');
  if (bytes.length === 0 || bytes[0] === Tag.SEQUENCE || reading === LENIENT) return;
  const begin = Buffer.from(bytes.subarray(0, 64)).toString('latin1');
  const found = TEXTS.find(([form]) => form.test(begin));
  if (found !== undefined) throw malformed(`data is ${found[1]}`);
}

/**
 * A private copy of the caller's bytes, made before they are looked at: memory that is shared with another thread may
 * change between a check and a use. It lies side by side with other copies, so it is never handed out.
 */
export function copyInput(data: unknown, reading: Reading): MessageBytes {
  const bytes = checkBytes(data, 'data');
  const length = lengthOf.call(bytes);
  // (A detached array looks empty and cannot be copied from.)
  if (length === 0 || length > SLAB_SIZE / 4) return wholeDer(Buffer.from(bytes), reading);
  if (slab === undefined || slabUsed + length > SLAB_SIZE) {
    slab = Buffer.allocUnsafeSlow(SLAB_SIZE);
    slabUsed = 0;
  }
  const start = slabUsed;
  slab.set(bytes, start);
  slabUsed = start + length;
  return new MessageBytes(slab, start, slabUsed, reading);
}

/** Checks the argument of `publicBytes`. */
export function checkEncoding(encoding: unknown): void {
  if (typeof encoding !== 'string') throw invalidArgType('encoding', 'a member of Encoding', encoding);
  if (encoding !== Encoding.DER) throw invalidValue('encoding must be Encoding.DER: OCSP messages have no other form');
}

/** `read()`, or what went wrong: printing a message must work whatever is in it. */
export function orError<T>(read: () => T): T | { error: string } {
  try {
    return read();
  } catch (error) {
    return { error: (error as Error).message };
  }
}
