/** What a responder sends over HTTP, read as OpenSSL's client reads it: line by line, and with its complaints. */
import { httpEntry, type QueueEntry } from './queue.js';

const MEDIA_TYPE = 'application/ocsp-response';
/** OpenSSL's `OSSL_HTTP_DEFAULT_MAX_RESP_LEN`; here the head is bounded, too. */
const MAX_RESPONSE = 100 * 1024;
/** OpenSSL takes longer lines in pieces. */
const LINE_PIECE = 4095;
const MAX_ULONG = 2n ** 64n - 1n;

/** Something is wrong with what the responder sent. */
export class ReceivingError extends Error {
  readonly entry: QueueEntry;

  constructor(code: string, reason: string, data?: string) {
    super(reason);
    this.entry = httpEntry(code, reason, data);
  }
}

/** Takes a response in pieces as they come. */
export class ResponseReader {
  #bytes: Buffer = Buffer.alloc(0);
  #line = 0;
  #headLength = 0;
  #inHead = true;
  #hasType = false;
  /** Of the message; 0 while no one has said it. */
  #length = 0n;

  /** The message once it is complete, undefined before. What comes behind it is not looked at. Throws a ReceivingError. */
  push(chunk: Buffer): Buffer | undefined {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    while (this.#inHead) {
      const line = this.#takeLine();
      if (line === undefined) return undefined;
      if (this.#line++ === 0) checkStatusLine(line);
      else this.#readHeader(line);
    }
    if (!this.#readLength()) return undefined;
    const length = Number(this.#length);
    return this.#bytes.length < length ? undefined : this.#bytes.subarray(0, length);
  }

  /** The next line with its end, as far as C would see it. */
  #takeLine(): string | undefined {
    const end = this.#bytes.indexOf('\n');
    const length = Math.min(end < 0 ? this.#bytes.length : end + 1, LINE_PIECE);
    if (this.#headLength + length > MAX_RESPONSE) throw new ReceivingError('1E800071', 'response line too long');
    if (end < 0) return undefined;
    this.#headLength += length;
    const line = this.#bytes.toString('latin1', 0, length).replace(/\0.*$/s, '');
    this.#bytes = this.#bytes.subarray(length);
    return line;
  }

  #readHeader(line: string): void {
    const [name] = line.split(':', 1) as [string];
    // (An empty value is none: OpenSSL skips the end of the line with the space before it.)
    const [, value] = /^[^:]*:[ \t\n\v\f\r]*([^ \t\n\v\f\r][^\r\n]*)[\r\n]/s.exec(line) ?? [];
    if (value !== undefined) {
      if (name.toLowerCase() === 'content-type') this.#checkType(value);
      if (name.toLowerCase() === 'content-length') this.#setLength(announcedLength(value));
    }
    // A line without anything before its colon ends the head, too.
    if (!/^[\r\n]*$/.test(name)) return;
    if (!this.#hasType) throw new ReceivingError('1E800079', 'missing content type', `expected=${MEDIA_TYPE}`);
    this.#inHead = false;
  }

  #checkType(value: string): void {
    this.#hasType = true;
    if (value.toLowerCase() === MEDIA_TYPE) return;
    throw new ReceivingError('1E800076', 'unexpected content type', `expected=${MEDIA_TYPE}, actual=${value}`);
  }

  #setLength(length: bigint): void {
    if (length > MAX_RESPONSE)
      throw new ReceivingError('1E800075', 'max resp len exceeded', `length=${length}, max=${MAX_RESPONSE}`);
    if (this.#length !== 0n && length !== this.#length) {
      const data = `ASN.1 length=${length}, Content-Length=${this.#length}`;
      throw new ReceivingError('1E800078', 'inconsistent content length', data);
    }
    this.#length = length;
  }

  /** Reads the length of the message off its first bytes; false where more are needed. */
  #readLength(): boolean {
    const [tag, first] = this.#bytes;
    if (tag === undefined || first === undefined) return false;
    if (tag !== 0x30) throw new ReceivingError('1E80006E', 'missing asn1 encoding');
    if (first < 0x80) {
      this.#setLength(BigInt(first + 2));
      return true;
    }
    if (this.#bytes.length < 6) return false;
    const count = first & 0x7f;
    if (count === 0 || count > 4) throw new ReceivingError('1E80006D', 'error parsing asn1 length');
    this.#setLength(BigInt(this.#bytes.readUIntBE(2, count) + 2 + count));
    return true;
  }
}

/** `HTTP/1.x 200 ...`, and nothing else. */
function checkStatusLine(line: string): void {
  const [start = line, code = '', rest = ''] =
    /^HTTP\/1\.[^ \t\n\v\f\r]*[ \t\n\v\f\r]+([^ \t\n\v\f\r]+)([ \t\n\v\f\r].*)$/s.exec(line) ?? [];
  if (!/^[+-]?\d+$/.test(code)) {
    const seen = code === '' ? line : start.slice(0, start.length - rest.length);
    const content = seen.slice(0, 60).replace(/[^ -~]/g, ' ');
    throw new ReceivingError('1E80007E', 'header parse error', `content=${content}`);
  }
  const status = Number(code);
  if (status === 200) return;
  if (status === 301 || status === 302) throw new ReceivingError('1E800074', 'redirection not enabled');
  const reason = Buffer.from(rest, 'latin1').toString().trim();
  const data = `code=${code}${reason === '' ? '' : `, reason=${reason}`}`;
  if (status < 400) throw new ReceivingError('1E800072', 'status code unsupported', data);
  throw new ReceivingError('1E800069', 'received error', data);
}

/** As C's `strtoul` reads it. */
function announcedLength(value: string): bigint {
  const [, sign, digits] = /^([+-]?)(\d+)$/.exec(value) ?? [];
  if (digits === undefined) throw new ReceivingError('1E800077', 'error parsing content length', `input=${value}`);
  // (No string of more digits is a number of 64 bits.)
  const magnitude = digits.length > 40 ? MAX_ULONG + 1n : BigInt(digits);
  if (magnitude > MAX_ULONG) return MAX_ULONG;
  return sign === '-' ? BigInt.asUintN(64, -magnitude) : magnitude;
}
