import { join } from 'node:path';
import { removeQuietly } from './durable-files.js';
import { compactionPath, unfinishedRun, writeCompaction } from './manifest.js';
import { isGone, SegmentSet } from './segment-set.js';
import { replacing, type StoreWriter } from './store-writer.js';
import { WriterLock } from './writer-lock.js';

/** Folder of its lock. */
const COMPACTION_LOCK = 'compaction';
const COMPACTION_ATTEMPTS = 10;

/** Putting all segments of a store together, while others write. */
export class Compaction {
  readonly #writer: StoreWriter;

  constructor(writer: StoreWriter) {
    this.#writer = writer;
  }

  /** @param validAt - in seconds since 1970-01-01: what ended before it is left out */
  async run(validAt: number | undefined): Promise<void> {
    // As with a run, others write meanwhile.
    const lock = WriterLock.acquire(join(this.#writer.folder, COMPACTION_LOCK), this.#writer.breakLock);
    try {
      let dropBefore = validAt;
      let keepsHiding = false;
      for (let attempt = 1; ; attempt += 1) {
        const [epoch, runs] = await this.#writer.write(async () => {
          lock.check();
          const number = await this.#writer.nextEpoch();
          await writeCompaction(this.#writer.folder, number);
          return [number, this.#runs()] as const;
        });
        // What a run brings may be older than what has expired, which has to hide it.
        if (runs.unfinished !== undefined) dropBefore = undefined;
        // A set of its own: others may replace the manifest meanwhile.
        const snapshot = SegmentSet.snapshot(this.#writer.folder);
        try {
          const entries = await this.#writer.rewrite(epoch, snapshot.readers, { validAt: dropBefore, keepsHiding });
          const [isSame, isDone] = await this.#writer.write(async () => {
            // Whoever has taken it away may have removed what was written.
            lock.check();
            const now = this.#runs();
            const isSame = now.unfinished === runs.unfinished && now.last === runs.last;
            const present = new Set(this.#writer.set.manifest.segments.map(({ file }) => file));
            const left = snapshot.readers.filter(({ name }) => present.has(name)).length;
            // Others may have put some together without that which hides what is in them.
            const isWhole = keepsHiding || left === snapshot.readers.length;
            // With none left the store may have been empty meanwhile: its kinds of answers, and its issuer, need not be those of the copy.
            const isForeign = left === 0 && entries.length > 0;
            const isDone = !isForeign && (dropBefore === undefined || (isSame && isWhole));
            if (isDone) await this.#writer.publish(replacing(snapshot.readers, entries));
            await removeQuietly(compactionPath(this.#writer.folder));
            return [isSame, isDone] as const;
          });
          // (What was not published is a leftover.) Others that replace all of a store again and again leave little to do.
          if (isDone || attempt >= COMPACTION_ATTEMPTS) return;
          if (!isSame) dropBefore = undefined;
          keepsHiding = true;
        } catch (error) {
          // Others have put some of the segments together, of more than are kept open.
          if (!isGone(error) || attempt >= COMPACTION_ATTEMPTS) throw error;
          dropBefore = undefined;
        } finally {
          snapshot.close();
        }
      }
    } finally {
      lock.release();
    }
  }

  #runs(): { readonly last: number; readonly unfinished: number | undefined } {
    const { manifest } = this.#writer.set;
    return { last: manifest.lastRun?.epoch ?? 0, unfinished: unfinishedRun(this.#writer.folder, manifest)?.epoch };
  }
}
