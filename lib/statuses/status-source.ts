import { malformed, OCSPError } from '../errors.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import type { ListEdition } from './list-edition.js';
import { copyEntry, type StatusEntry } from './status-entry.js';

/** Where to begin, and how much to hand over at once. */
export interface BatchOptions {
  /** Leave out this many entries: those that an interrupted run has dealt with. Default 0. */
  readonly skip?: number;
  /**
   * The last of those, in hexadecimal digits: a source in the order of serial numbers goes on behind it, and counts nothing, so that it does not matter what
   * has come or gone before it.
   */
  readonly lastSerial?: string;
  /** Entries in a batch; the last batch may be shorter. Default 4096. */
  readonly batchSize?: number;
  /** Told which edition of the authority's list this is, before the first batch, by a source that knows. */
  readonly onEdition?: (edition: ListEdition) => void;
}

/**
 * The certificates to sign for. Each iteration begins again and gives the same entries in the same order, for as long as
 * what lies behind does not change; so a run is resumed by skipping what it has done.
 *
 * A source over a stream can be iterated only once.
 */
export interface StatusSource extends AsyncIterable<StatusEntry> {
  /**
   * The entries in batches. One promise per batch rather than per entry is what makes millions of entries cheap.
   */
  batches(options?: BatchOptions): AsyncIterable<StatusEntry[]>;
}

/** A row of a source that cannot be understood: code `ERR_OCSP_MALFORMED`, with the line. */
export class BadRowError extends OCSPError {
  /** Line of the file on which the row begins, from 1; for a CRL the position of the entry. */
  readonly lineNumber: number;

  constructor(where: string, lineNumber: number, cause: OCSPError) {
    super('ERR_OCSP_MALFORMED', `${where} ${lineNumber}: ${cause.message}`, { cause });
    this.lineNumber = lineNumber;
  }
}

/** What all sources that read rows have in common. */
export interface RowOptions {
  /**
   * Takes the rows that cannot be understood, which are then left out. Without it the first of them ends the iteration
   * with its error: signing half of a damaged list is worse than signing none of it. Where nothing is left without them, that
   * is an error all the same.
   */
  readonly onBadRow?: (error: BadRowError, lineNumber: number) => void;
}

/** Reports a bad row, or throws it. What is not about one row, or has been reported, is thrown as it is. */
export function reportBadRow(error: unknown, where: string, lineNumber: number, options: RowOptions): void {
  if (!(error instanceof OCSPError) || error instanceof BadRowError) throw error;
  const bad = new BadRowError(where, lineNumber, error);
  if (options.onBadRow === undefined) throw bad;
  options.onBadRow(bad, lineNumber);
}

/** Nothing but bad rows is no list that somebody wanted: it is of another format. */
export function refuseIfAllBad(good: number, bad: number): void {
  if (good === 0 && bad > 0) throw malformed(`not one entry can be understood (bad rows: ${bad})`);
}

const BATCH_NAMES: OptionNames<BatchOptions> = { skip: true, lastSerial: true, batchSize: true, onEdition: true };
const DEFAULT_BATCH_SIZE = 4096;

/**
 * Makes a source of a function that gives all entries, in pieces of any size.
 *
 * @param isOrdered - it gives those behind `lastSerial`, where that is given
 */
export function sourceOf(
  pieces: (
    onEdition?: BatchOptions['onEdition'],
    lastSerial?: string,
  ) => AsyncIterable<StatusEntry[]> | Iterable<StatusEntry[]>,
  isOrdered: boolean = false,
): StatusSource {
  async function* batches(options: BatchOptions = {}): AsyncGenerator<StatusEntry[]> {
    const { skip = 0, lastSerial, batchSize = DEFAULT_BATCH_SIZE, onEdition } = readOptions(options, BATCH_NAMES);
    let left = isOrdered && lastSerial !== undefined ? 0 : skip;
    let batch: StatusEntry[] = [];
    for await (const piece of pieces(onEdition, lastSerial)) {
      for (const entry of piece) {
        if (left > 0) {
          left -= 1;
          continue;
        }
        batch.push(entry);
        if (batch.length >= batchSize) {
          yield batch;
          batch = [];
        }
      }
    }
    if (batch.length > 0) yield batch;
  }
  return {
    batches,
    // What is there comes out, whether or not it fills a batch.
    async *[Symbol.asyncIterator]() {
      for await (const piece of pieces()) yield* piece;
    },
  };
}

/** A source of entries that are already objects: any iterable or async iterable. */
export function iterableSource(entries: Iterable<StatusEntry> | AsyncIterable<StatusEntry>): StatusSource {
  const { batches } = sourceOf(async function* () {
    let piece: StatusEntry[] = [];
    for await (const entry of entries) {
      piece.push(copyEntry(entry));
      if (piece.length >= 256) {
        yield piece;
        piece = [];
      }
    }
    yield piece;
  });
  return {
    batches,
    async *[Symbol.asyncIterator]() {
      for await (const entry of entries) yield copyEntry(entry);
    },
  };
}
