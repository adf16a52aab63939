/** The bodies of requests, read within limits of length and time. */
import type { IncomingMessage } from 'node:http';

/** Milliseconds between looks at the bodies that have not come, and looks after which one is late: 10 seconds. */
const INTERVAL = 500;
const MOST_LOOKS = 20;

/** What became of a body. A client that is gone gets nothing. */
export type BodyResult = Buffer | 'too long' | 'too late';

/** Bodies that are waited for: one timer for all, as one for each costs more than the rest of the reading. */
const waiting = new Set<BodyReader>();
let timer: NodeJS.Timeout | undefined;

function lookAtAll(): void {
  for (const reader of waiting) reader.look();
  if (waiting.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}

class BodyReader {
  readonly #request: IncomingMessage;
  readonly #maxBytes: number;
  readonly #done: (result: BodyResult) => void;
  #chunks: Buffer[] = [];
  #length = 0;
  #looks = 0;

  constructor(request: IncomingMessage, maxBytes: number, done: (result: BodyResult) => void) {
    this.#request = request;
    this.#maxBytes = maxBytes;
    this.#done = done;
    waiting.add(this);
    timer ??= setInterval(lookAtAll, INTERVAL).unref();
    request.on('data', (chunk: Buffer) => this.#take(chunk));
    request.on('end', () => this.#end());
    // (Not all that stands in for node:http drops an error where no one listens.)
    request.on('error', ignore);
  }

  look(): void {
    this.#looks += 1;
    if (this.#request.destroyed) this.#leave();
    else if (this.#looks > MOST_LOOKS) this.#finish('too late');
  }

  #take(chunk: Buffer): void {
    // What comes after a refusal is not kept.
    if (!waiting.has(this)) return;
    this.#length += chunk.length;
    this.#chunks.push(chunk);
    if (this.#length > this.#maxBytes) this.#finish('too long');
  }

  #end(): void {
    const [first, ...others] = this.#chunks;
    this.#finish(first === undefined || others.length > 0 ? Buffer.concat(this.#chunks, this.#length) : first);
  }

  #finish(result: BodyResult): void {
    if (this.#leave()) this.#done(result);
  }

  #leave(): boolean {
    this.#chunks = [];
    return waiting.delete(this);
  }
}

function ignore(): void {}

/** Reads the body of a request; calls back once, or never where the client goes away. */
export function readBody(request: IncomingMessage, maxBytes: number, done: (result: BodyResult) => void): void {
  // (Somebody else may have read it.)
  if (request.readableEnded) done(Buffer.alloc(0));
  else new BodyReader(request, maxBytes, done);
}
