/** The bodies of requests, read within limits of length and time. */
import type { IncomingMessage } from 'node:http';

/** Milliseconds in which a body has to be there, and between looks at those that are not. */
const TIMEOUT = 10_000;
const INTERVAL = 500;

/** What became of a body. A client that is gone gets neither. */
export type BodyResult = Buffer | 'too long' | 'too late';

/** Bodies that are being read, the oldest first: one timer for all, as one for each costs more than the rest of the reading. */
const reading = new Set<BodyReader>();
let timer: NodeJS.Timeout | undefined;

function lookAtAll(): void {
  const last = performance.now() - TIMEOUT;
  for (const reader of reading) {
    if (reader.begin > last) break;
    reader.finish('too late');
  }
  if (reading.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}

class BodyReader {
  readonly begin = performance.now();
  readonly #maxBytes: number;
  readonly #done: (result: BodyResult) => void;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(maxBytes: number, done: (result: BodyResult) => void) {
    this.#maxBytes = maxBytes;
    this.#done = done;
    reading.add(this);
    timer ??= setInterval(lookAtAll, INTERVAL).unref();
  }

  /** What comes after the end is not kept. */
  take(chunk: Buffer): void {
    if (!reading.has(this)) return;
    this.#length += chunk.length;
    if (this.#length > this.#maxBytes) this.finish('too long');
    else this.#chunks.push(chunk);
  }

  end(): void {
    const [first, ...others] = this.#chunks;
    this.finish(first === undefined || others.length > 0 ? Buffer.concat(this.#chunks, this.#length) : first);
  }

  finish(result: BodyResult | undefined): void {
    if (!reading.delete(this)) return;
    this.#chunks = [];
    if (result !== undefined) this.#done(result);
  }
}

/** Reads the body of a request; calls back once, or never where the client goes away. */
export function readBody(request: IncomingMessage, maxBytes: number, done: (result: BodyResult) => void): void {
  const reader = new BodyReader(maxBytes, done);
  const leave = (): void => reader.finish(undefined);
  request
    .on('data', (chunk: Buffer) => reader.take(chunk))
    .on('end', () => reader.end())
    .on('close', leave)
    .on('error', leave);
}
