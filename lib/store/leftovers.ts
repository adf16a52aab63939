import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { removeQuietly } from './durable-files.js';
import { compactionEpoch, type Manifest, parseSegmentName, runPath, segmentNames, unfinishedRun } from './manifest.js';

/** A process that is about to ask for the lock, or to replace a file, has a temporary one for an instant. */
const OLD = 60_000;

/**
 * Removes what writers that were killed have left: files that neither the manifest nor an unfinished run or compaction needs. Only for the
 * holder of the lock, and before he writes.
 */
export async function removeLeftovers(folder: string, manifest: Manifest): Promise<void> {
  const served = new Set(manifest.segments.map(({ file }) => file));
  const run = unfinishedRun(folder, manifest);
  if (run === undefined) await removeQuietly(runPath(folder));
  const needed = new Set([run?.epoch, compactionEpoch(folder)]);
  for (const name of segmentNames(folder)) {
    if (!served.has(name) && !needed.has(parseSegmentName(name).epoch)) await removeQuietly(join(folder, name));
  }
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.tmp')) continue;
    const path = join(folder, name);
    const modified = (await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now();
    if (Date.now() - modified > OLD) await removeQuietly(path);
  }
}
