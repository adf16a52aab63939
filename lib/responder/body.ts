/** The bodies of requests, read within limits of length and time. */
import type { IncomingMessage } from 'node:http';

/** Milliseconds in which a body has to be there, and between looks at those that are not. */
const TIMEOUT = 10_000;
const INTERVAL = 500;

/** What became of a body. A client that is gone gets nothing. */
export type BodyResult = Buffer | 'too long' | 'too late';

/** Bodies that are waited for, the oldest first: one timer for all, as one for each costs more than the rest of the reading. */
const waiting = new Set<BodyReader>();
let timer: NodeJS.Timeout | undefined;

function lookAtAll(): void {
  const last = performance.now() - TIMEOUT;
  for (const reader of waiting) {
    if (reader.begin > last) break;
    reader.finish('too late');
  }
  if (waiting.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}

class BodyReader {
  begin = 0;
  readonly #request: IncomingMessage;
  readonly #declared: number;
  readonly #maxBytes: number;
  readonly #done: (result: BodyResult) => void;
  #chunks: Buffer[] = [];
  #length = 0;
  #isOver = false;

  constructor(request: IncomingMessage, declared: number, maxBytes: number, done: (result: BodyResult) => void) {
    this.#request = request;
    this.#declared = declared;
    this.#maxBytes = maxBytes;
    this.#done = done;
    request.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  /** Watches over a body of which not all came together with the headers. */
  wait(): void {
    if (this.#isOver) return;
    if (this.#request.readableEnded) {
      this.#end();
      return;
    }
    this.begin = performance.now();
    waiting.add(this);
    timer ??= setInterval(lookAtAll, INTERVAL).unref();
    const leave = (): void => this.finish(undefined);
    this.#request
      .on('end', () => this.#end())
      .on('close', leave)
      .on('error', leave);
  }

  finish(result: BodyResult | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#chunks = [];
    waiting.delete(this);
    if (result !== undefined) this.#done(result);
  }

  /** What comes after the end, or a refusal, is not kept. */
  #take(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#length += chunk.length;
    this.#chunks.push(chunk);
    if (this.#length > this.#maxBytes) this.finish('too long');
    else if (this.#length === this.#declared) this.#end();
  }

  #end(): void {
    const [first, ...others] = this.#chunks;
    this.finish(first === undefined || others.length > 0 ? Buffer.concat(this.#chunks, this.#length) : first);
  }
}

/**
 * Reads the body of a request; calls back once, or never where the client goes away.
 *
 * @param declared - its length, as the request says; NaN for none
 */
export function readBody(
  request: IncomingMessage,
  declared: number,
  maxBytes: number,
  done: (result: BodyResult) => void,
): void {
  const reader = new BodyReader(request, declared, maxBytes, done);
  // What came in the same packet is handed over before.
  process.nextTick(wait, reader);
}

function wait(reader: BodyReader): void {
  reader.wait();
}
