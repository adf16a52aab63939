import { invalidArgType, invalidValue } from '../errors.js';
import type { ListEdition } from '../statuses/list-edition.js';
import type { SegmentEntry } from './manifest.js';
import type { AnswerLabel, PutResult, ResponseRecord, RunWriter } from './response-store.js';
import type { SegmentRun } from './segment-run.js';

/** What a run asks of its store. */
export interface RunOwner {
  readonly editions: readonly ListEdition[];
  /** Throws when somebody else may have the run: what is written now would go into his files. */
  check(): void;
  /** The kind of answer that a label is. */
  kindOf(label: AnswerLabel): number | Promise<number>;
  /** Lets the segments be served. */
  commit(segments: readonly SegmentEntry[], edition: ListEdition | undefined): Promise<PutResult>;
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
    return this.#next(() => this.#run.append(batch, (label) => this.#owner.kindOf(label)));
  }

  get editions(): readonly ListEdition[] {
    return this.#owner.editions;
  }

  checkpoint(token: string): Promise<void> {
    if (typeof token !== 'string') throw invalidArgType('token', 'a string', token);
    return this.#next(() => this.#run.checkpoint(token));
  }

  commit(edition?: ListEdition): Promise<PutResult> {
    return this.#next(async () => {
      const result = await this.#owner.commit(await this.#run.finish(), edition);
      this.#end();
      return result;
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

  /** After an error no one knows what is in the file: only the next `beginRun`, which looks, may go on. */
  #next<T>(action: () => Promise<T>): Promise<T> {
    return this.#queue(async () => {
      if (this.#ended) throw invalidValue('the run has ended');
      if (this.#failure !== undefined) throw this.#failure.error;
      try {
        this.#owner.check();
        return await action();
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

  #queue<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(action);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
