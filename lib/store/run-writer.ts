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

/** What the calls of a bulk run do in a segment store. */
export class BulkRun implements RunWriter {
  readonly #run: SegmentRun;
  readonly #owner: RunOwner;
  readonly resumeToken: string | null;

  constructor(run: SegmentRun, owner: RunOwner) {
    this.#run = run;
    this.#owner = owner;
    this.resumeToken = run.resumeToken;
  }

  get records(): number {
    return this.#run.records;
  }

  get editions(): readonly ListEdition[] {
    return this.#owner.editions;
  }

  async append(batch: Iterable<ResponseRecord>): Promise<void> {
    this.#owner.check();
    await this.#run.append(batch, (label) => this.#owner.kindOf(label));
  }

  async checkpoint(token: string): Promise<void> {
    this.#owner.check();
    await this.#run.checkpoint(token);
  }

  async commit(edition?: ListEdition): Promise<PutResult> {
    this.#owner.check();
    const result = await this.#owner.commit(await this.#run.finish(), edition);
    this.#owner.end();
    return result;
  }

  async close(): Promise<void> {
    try {
      await this.#run.close();
    } finally {
      this.#owner.end();
    }
  }

  async discard(): Promise<void> {
    try {
      await this.#run.close();
      await this.#owner.discard();
    } finally {
      this.#owner.end();
    }
  }
}
