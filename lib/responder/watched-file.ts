/** A file that somebody else writes: read when it has changed, and only whole. */
import { stat } from 'node:fs/promises';
import { invalidArgType, invalidValue } from '../errors.js';
import { LONGEST_TIME } from '../x509/checks.js';

/** How a file is watched that somebody else writes. */
export interface WatchOptions {
  /** Milliseconds between two looks at the file, more than 0. Default 250. */
  readonly interval?: number;
  /**
   * Told why the file could not be read. Default: a warning of the process. What was read before goes on counting until it is older than
   * `maxLag`.
   */
  readonly onError?: (error: unknown) => void;
}

/** What tells one state of a file from another. */
interface FileState {
  readonly size: bigint;
  readonly modified: bigint;
  readonly inode: bigint;
}

/**
 * Reads the file. Gives what makes the new content count, or undefined when that looks unfinished; `isSettled` says that the file has
 * been as it is for a while, so that this is what its writer means.
 */
export type ReadFile = (isSettled: boolean) => Promise<(() => void) | undefined>;

/** Milliseconds after which a file that looks unfinished is taken for what it is. */
const SETTLED = 3000;

/** Looks at a file in intervals and reads it when it has changed. What changed while it was read does not count. */
export class WatchedFile {
  readonly #path: string;
  readonly #read: ReadFile;
  readonly #onError: (error: unknown) => void;
  readonly #interval: number;
  /** The state that counts, and one that does not yet, with the time at which it was seen first. */
  #current: FileState | undefined;
  #next: FileState | undefined;
  #nextAt = 0;
  #currentAt = Number.NEGATIVE_INFINITY;
  /** performance.now() of the first look that failed since. */
  #failedAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #lastError = '';
  #isClosed = false;
  /** Resolves when the file has been looked at for the first time. */
  readonly first: Promise<void>;

  constructor(path: string, { interval = 250, onError }: WatchOptions, read: ReadFile) {
    if (typeof interval !== 'number') throw invalidArgType('interval', 'a number', interval);
    if (!(interval > 0)) throw invalidValue(`interval must be a positive number, not ${interval}`);
    this.#path = path;
    this.#interval = Math.min(interval, LONGEST_TIME);
    this.#onError =
      onError ??
      ((error) => process.emitWarning(`${path} cannot be read: ${(error as Error)?.message ?? error}`, 'OCSPWarning'));
    this.#read = read;
    let settle: () => void = () => undefined;
    this.first = new Promise((resolve) => {
      settle = resolve;
    });
    void this.#loop(settle);
  }

  /** Milliseconds since what was read was seen to be what is there, or since it cannot be read. */
  get lag(): number {
    const now = performance.now();
    const age = now - this.#currentAt;
    // Between two looks nothing is late.
    if (age > 4 * this.#interval) return age;
    return this.#failedAt === undefined ? 0 : now - this.#failedAt;
  }

  /** Looks now. */
  async refresh(): Promise<void> {
    // A look that is under way may have begun before the change.
    await this.#looking;
    await this.#look();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #loop(settle: () => void): Promise<void> {
    await this.#look();
    settle();
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#loop(settle), this.#interval);
    this.#timer.unref();
  }

  #look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookOnce(): Promise<void> {
    try {
      const state = await this.#state();
      if (!sameState(state, this.#current)) {
        if (!sameState(state, this.#next)) this.#nextAt = performance.now();
        this.#next = state;
        const commit = await this.#read(performance.now() - this.#nextAt >= SETTLED);
        if (commit === undefined || !sameState(await this.#state(), state)) return;
        commit();
        this.#current = state;
      }
      this.#currentAt = performance.now();
      this.#failedAt = undefined;
      this.#lastError = '';
    } catch (error) {
      this.#failedAt ??= performance.now();
      const message = String(error);
      if (message !== this.#lastError) this.tell(error);
      this.#lastError = message;
    }
  }

  /** What is wrong with the file. Also who throws when told has the file read again. */
  tell(error: unknown): void {
    try {
      this.#onError(error);
    } catch (thrown) {
      process.emitWarning(
        `the onError of ${this.#path} has thrown: ${(thrown as Error)?.message ?? 'something that is no error'}`,
        'OCSPWarning',
      );
    }
  }

  async #state(): Promise<FileState> {
    const { size, mtimeNs: modified, ino: inode } = await stat(this.#path, { bigint: true });
    return { size, modified, inode };
  }
}

function sameState(one: FileState, other: FileState | undefined): boolean {
  return other !== undefined && one.size === other.size && one.modified === other.modified && one.inode === other.inode;
}
