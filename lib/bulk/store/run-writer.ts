import { invalidArgType, invalidValue } from '../../errors.js';
import type { SegmentEntry } from './manifest.js';
import type { ResponseRecord, RunWriter } from './response-store.js';
import type { SegmentRun } from './segment-run.js';

/** What a run asks of its store. */
export interface RunOwner {
  /** Lets the segments be served. */
  commit(segments: readonly SegmentEntry[]): Promise<void>;
  /** Removes the run. */
  discard(): Promise<void>;
  /** The run has ended, in whatever way. */
  end(): void;
}

/** The bulk run of a segment store. */
export class BulkRun implements RunWriter {
  readonly #run: SegmentRun;
  readonly #owner: RunOwner;
  readonly resumeToken: string | null;
  #turn: Promise<unknown> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;
  #ended = false;

  constructor(run: SegmentRun, owner: RunOwner) {
    this.#run = run;
    this.#owner = owner;
    this.resumeToken = run.resumeToken;
  }

  get records(): number {
    return this.#run.records;
  }

  append(batch: Iterable<ResponseRecord>): Promise<void> {
    return this.#next(() => this.#run.append(batch));
  }

  checkpoint(token: string): Promise<void> {
    if (typeof token !== 'string') throw invalidArgType('token', 'a string', token);
    return this.#next(() => this.#run.checkpoint(token));
  }

  commit(): Promise<void> {
    return this.#next(async () => {
      await this.#owner.commit(await this.#run.finish());
      this.#end();
    });
  }

  close(): Promise<void> {
    return this.#finally(() => this.#run.close());
  }

  discard(): Promise<void> {
    return this.#finally(async () => {
      await this.#run.close();
      await this.#owner.discard();
    });
  }

  /** After an error nobody knows what is in the file: only the next `beginRun`, which looks, may go on. */
  #next(action: () => Promise<void>): Promise<void> {
    return this.#queue(async () => {
      if (this.#ended) throw invalidValue('the run has ended');
      if (this.#failure !== undefined) throw this.#failure.error;
      try {
        await action();
      } catch (error) {
        this.#failure = { error };
        throw error;
      }
    });
  }

  #finally(action: () => Promise<void>): Promise<void> {
    return this.#queue(async () => {
      if (this.#ended) return;
      try {
        await action();
      } finally {
        this.#end();
      }
    });
  }

  #end(): void {
    this.#ended = true;
    this.#owner.end();
  }

  #queue(action: () => Promise<void>): Promise<void> {
    const result = this.#turn.then(action);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
