/** What is wrong with a list begins with the name of its file: of a CRL with its serial numbers beside it, no one knew which. */
import { OCSPError } from '../errors.js';
import type { BatchOptions, RowOptions, StatusSource } from '../statuses/status-source.js';

/** Names the file that is being read, the first one until {@link beginning} of another. */
export class ListNames {
  readonly #first: string;
  #now: string;

  constructor(first: string) {
    this.#first = first;
    this.#now = first;
  }

  /** The bytes of another file, which is the one that is read as soon as somebody asks for them. */
  beginning(name: string, bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    const begin = (): void => {
      this.#now = name;
    };
    return {
      async *[Symbol.asyncIterator]() {
        begin();
        yield* bytes;
      },
    };
  }

  /** The same options; bad rows are told of with the name. */
  options({ onBadRow }: RowOptions): RowOptions {
    return onBadRow === undefined ? {} : { onBadRow: (error, line) => onBadRow(this.#named(error), line) };
  }

  /** The same source; its errors have the name. */
  source(source: StatusSource): StatusSource {
    return {
      batches: (options?: BatchOptions) => this.#naming(source.batches(options)),
      [Symbol.asyncIterator]: () => this.#naming(source),
    };
  }

  async *#naming<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    this.#now = this.#first;
    try {
      yield* items;
    } catch (error) {
      // (Errors of the system have it.)
      throw error instanceof OCSPError ? this.#named(error) : error;
    }
  }

  #named<T extends OCSPError>(error: T): T {
    error.message = `${this.#now}: ${error.message}`;
    return error;
  }
}
