/** One run of the command: what it says where, and OpenSSL's error queue as the command would leave it. */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import type { OCSPError } from '../../errors.js';
import type { Printed } from '../../ocsp/printing.js';
import { openError, type QueueEntry } from './queue.js';

/** The name that the command has in its own messages. */
export const PROGRAM = 'ocsp';

/** Ends the run with this exit code. What there was to say has been said. */
export class Stop extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** Where the command writes: the process, or something like it. */
export interface Streams {
  readonly stdout: { write(chunk: string | Uint8Array): unknown };
  readonly stderr: { write(chunk: string): unknown };
}

export class Session {
  /** Standard output, whatever `-out` says. */
  readonly stdout: Streams['stdout'];
  readonly #stderr: Streams['stderr'];
  readonly #queue: QueueEntry[] = [];
  #out: number | undefined;

  constructor({ stdout, stderr }: Streams) {
    this.stdout = stdout;
    this.#stderr = stderr;
  }

  /** A line on standard error. */
  say(line: string): void {
    this.#stderr.write(`${line}\n`);
  }

  /** Text for standard output, or the file of `-out`. */
  print(text: string | Uint8Array): void {
    if (this.#out === undefined) this.stdout.write(text);
    else writeFileSync(this.#out, text);
  }

  /** Directs {@link print} into a file, which is emptied. */
  openOut(path: string): void {
    try {
      this.#out = openSync(path, 'w');
    } catch (error) {
      this.stop(`Can't open "${path}" for writing, ${this.push(...openError(error, path, 'w'))}`);
    }
  }

  /** Adds to the queue. Returns what the first entry says. */
  push(...entries: readonly QueueEntry[]): string {
    this.#queue.push(...entries);
    return entries[0]?.reason ?? '';
  }

  /** Prints a message as far as OpenSSL got with it. */
  printMessage({ text, error }: Printed): void {
    this.print(text);
    this.pushFrom(error);
  }

  /** Adds what OpenSSL had in its queue when it failed, oldest first. */
  pushFrom(error: OCSPError | null | undefined): void {
    if (error?.opensslEntry === undefined) return;
    const entries = [error.opensslEntry, ...[...(error.opensslErrorStack ?? [])].reverse()];
    this.push(...entries.map(parseEntry));
  }

  clearErrors(): void {
    this.#queue.length = 0;
  }

  /** The lines that `ERR_print_errors` would print. They leave the queue. */
  takeErrors(): string[] {
    const thread = process.pid.toString(16).toUpperCase().padStart(16, '0');
    return this.#queue
      .splice(0)
      .map(({ code, library, reason, data = '' }) => `${thread}:error:${code}:${library}::${reason}:::${data}`);
  }

  printErrors(): void {
    for (const line of this.takeErrors()) this.say(line);
  }

  /** Ends the run as a failure, after a last line if there is one. */
  stop(line?: string): never {
    if (line !== undefined) this.say(line);
    throw new Stop(1);
  }

  /** Ends the run because of wrong usage. */
  usage(line?: string): never {
    if (line !== undefined) this.say(line);
    this.stop(`${PROGRAM}: Use -help for summary.`);
  }

  close(): void {
    if (this.#out !== undefined) closeSync(this.#out);
    this.#out = undefined;
  }
}

/** `error:code:library:function:reason:data`; data may have colons in it. */
function parseEntry(line: string): QueueEntry {
  const [, code = '', library = '', , reason = '', ...data] = line.split(':');
  return { code, library, reason, data: data.join(':') };
}
