import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidValue } from '../errors.js';
import type { ListEdition } from '../statuses/list-edition.js';
import { removeQuietly, syncFolder } from './durable-files.js';
import { storeLocked } from './errors.js';
import { guardRun } from './guard-run.js';
import {
  type Manifest,
  newMark,
  type RunIdentity,
  readManifest,
  runPath,
  segmentNames,
  unfinishedRun,
  writeRun,
} from './manifest.js';
import { countServed } from './merge.js';
import type { RunWriter } from './response-store.js';
import { BulkRun } from './run-writer.js';
import { SegmentRun } from './segment-run.js';
import { SegmentSet } from './segment-set.js';
import type { StoreWriter } from './store-writer.js';
import type { WriterLock } from './writer-lock.js';

/** The run of a store that is not finished: which it is, going on with it, and forgetting it. */
export class RunRecovery {
  readonly #writer: StoreWriter;

  constructor(writer: StoreWriter) {
    this.#writer = writer;
  }

  /** Which run to go on with, or to begin. With the lock. */
  async identify(id: string, otherRun: 'refuse' | 'discard'): Promise<RunIdentity> {
    const { manifest } = this.#writer.set;
    const unfinished = unfinishedRun(this.#writer.folder, manifest);
    if (unfinished?.id === id) return unfinished;
    if (unfinished !== undefined) {
      if (otherRun !== 'discard')
        throw invalidValue(`the store has an unfinished run of another name: '${unfinished.id}'; finish or discard it`);
      await this.#forgetRun(unfinished.epoch);
    }
    const epoch = await this.#writer.nextEpoch();
    const run = { id, epoch, store: this.#writer.set.manifest.store, mark: newMark().toString('hex') };
    await writeRun(this.#writer.folder, run);
    return run;
  }

  async recover(identity: RunIdentity, lock: WriterLock, end: () => void): Promise<RunWriter> {
    const { mark, epoch } = identity;
    const run = new SegmentRun(this.#writer.folder, epoch, Buffer.from(mark, 'hex'), this.#writer.limits);
    try {
      await run.recover();
    } catch (error) {
      await run.close().catch(() => undefined);
      throw error;
    }
    const isOurs = (): boolean => {
      lock.check();
      return unfinishedRun(this.#writer.folder, this.#writer.set.manifest)?.mark === mark;
    };
    const calls = new BulkRun(run, {
      editions: this.#writer.set.manifest.lists ?? [],
      check: () => lock.check(),
      kindOf: (label) => {
        const known = this.#writer.set.kinds.find(label);
        return known >= 0 ? known : this.#writer.write(() => this.#writer.kindOf(label));
      },
      commit: async (entries, edition) => {
        const snapshot = await this.#writer.write(async () => {
          if (!isOurs()) throw storeLocked('somebody else has taken over the run');
          const lists = withEdition(this.#writer.set.manifest.lists, edition);
          await this.#writer.publish((segments) => [...segments, ...entries], {
            lastRun: identity,
            ...(lists && { lists }),
          });
          await removeQuietly(runPath(this.#writer.folder));
          return SegmentSet.snapshot(this.#writer.folder);
        });
        try {
          const names = new Set(entries.map(({ file }) => file));
          const own = snapshot.readers.filter(({ name }) => names.has(name));
          const others = snapshot.readers.filter(({ name }) => !names.has(name));
          return await countServed(own, others);
        } catch {
          // The run is published, and must not be taken for one that is not: what other segments have cannot be read, or is gone.
          return { written: 0, kept: entries.reduce((sum, { entries: some }) => sum + some, 0) };
        } finally {
          snapshot.close();
          await this.#writer.write(() => this.#writer.mergeSmall()).catch(() => undefined);
        }
      },
      discard: () =>
        this.#writer.write(async () => {
          if (isOurs()) await this.#forgetRun(epoch);
        }),
      end,
    });
    return guardRun(calls);
  }

  async #forgetRun(epoch: number): Promise<void> {
    // The note goes first: without it the files are leftovers, and it without them a run that lost its work.
    await rm(runPath(this.#writer.folder), { force: true });
    await syncFolder(this.#writer.folder);
    // A commit that failed may have published them all the same.
    const served = new Set(readManifest(this.#writer.folder).segments.map(({ file }) => file));
    for (const name of segmentNames(this.#writer.folder, epoch)) {
      if (!served.has(name)) await removeQuietly(join(this.#writer.folder, name));
    }
  }
}

/** The lists of a manifest, one of them in a new edition. */
function withEdition(lists: Manifest['lists'], edition: ListEdition | undefined): Manifest['lists'] {
  return edition === undefined ? lists : [...(lists ?? []).filter(({ list }) => list !== edition.list), edition];
}
